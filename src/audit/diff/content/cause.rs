//! Why two texts differ, where that can be told: paths of a build, times, addresses, identifiers.
//!
//! Both texts are cut into words of these kinds and what stands between. Where nothing else differs than words of one
//! kind in the same places, that is the cause.

use crate::audit::diff::report::Cause;
use crate::timestamp::Timestamp;

/// Longer texts are not looked at.
const MOST: usize = 64 << 10;

/// Folders in which things are built.
const BUILD_FOLDERS: &[&str] = &[
    "/build",
    "/builds",
    "/tmp",
    "/var/tmp",
    "/home",
    "/root",
    "/usr/src",
    "/work",
    "/workspace",
    "/src",
    "/out",
    "/mnt",
    "/opt/build",
    "/private",
    "/github",
    "/run",
    "/Users",
    "/nix",
    "/var/lib/jenkins",
];

const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const MONTHS_IN_FULL: &[&str] = &[
    "January",
    "February",
    "March",
    "April",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: &[&str] = &[
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Mon",
    "Tue",
    "Wed",
    "Thu",
    "Fri",
    "Sat",
    "Sun",
];

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Time,
    Path,
    Address,
    Identifier,
    Other,
}

/// Why `left` and `right` differ; nothing where that cannot be told.
pub fn explain(left: &str, right: &str) -> Vec<Cause> {
    if left == right || left.len().max(right.len()) > MOST {
        return Vec::new();
    }
    let (one, other) = (words(left), words(right));
    if one.len() != other.len() {
        return Vec::new();
    }
    let mut causes = Vec::new();
    for (&(kind, left), &(other_kind, right)) in one.iter().zip(&other) {
        if left == right {
            continue;
        }
        if kind != other_kind || kind == Word::Other {
            return Vec::new();
        }
        let (left, right) = (left.to_owned(), right.to_owned());
        let cause = match kind {
            Word::Time => Cause::Time { left: with_date(left), right: with_date(right) },
            Word::Address => Cause::Address { left, right },
            Word::Identifier => Cause::Identifier { left, right },
            Word::Path | Word::Other => Cause::BuildPath { left, right },
        };
        if !causes.contains(&cause) {
            causes.push(cause);
        }
    }
    causes
}

/// A number of seconds with the date that it stands for.
fn with_date(word: String) -> String {
    match word.parse::<i64>() {
        Ok(seconds) if word.len() == 10 => format!("{word} ({})", Timestamp(seconds)),
        _ => word,
    }
}

/// The pieces of `text`, one behind the other.
fn words(text: &str) -> Vec<(Word, &str)> {
    let mut found: Vec<(Word, &str)> = Vec::new();
    let (mut at, mut plain) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        let before = text[..at].chars().next_back();
        let found_here = recognise(rest, before, is_behind_option(&text[..at]));
        let Some((kind, length)) = found_here else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        if plain < at {
            found.push((Word::Other, &text[plain..at]));
        }
        found.push((kind, &rest[..length]));
        at += length;
        plain = at;
    }
    if plain < text.len() {
        found.push((Word::Other, &text[plain..]));
    }
    found
}

/// Whether `before` ends with an option of a compiler that its value follows at once: `-I/build/x`.
fn is_behind_option(before: &str) -> bool {
    matches!(before.as_bytes(), [.., b'-', letter] if letter.is_ascii_alphabetic())
}

/// The word that `rest` begins with, which stands behind `before`, and its length.
fn recognise(rest: &str, before: Option<char>, option: bool) -> Option<(Word, usize)> {
    let bounded = before.is_none_or(|char| !char.is_ascii_alphanumeric());
    if rest.starts_with('/') && (option || before.is_none_or(|char| !is_of_path(char))) {
        let length = rest.find(|char| !is_of_path(char)).unwrap_or(rest.len());
        let path = &rest[..length];
        let below = |folder: &&&str| {
            path.strip_prefix(**folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        return BUILD_FOLDERS.iter().find(below).map(|_| (Word::Path, length));
    }
    if !bounded {
        return None;
    }
    if let Some(digits) = rest.strip_prefix("0x") {
        let length = digits.find(|char: char| !char.is_ascii_hexdigit()).unwrap_or(digits.len());
        return (length >= 5).then_some((Word::Address, length + 2));
    }
    if let Some(length) = time(rest) {
        return Some((Word::Time, length));
    }
    identifier(rest).map(|length| (Word::Identifier, length))
}

fn is_of_path(char: char) -> bool {
    char.is_alphanumeric() || matches!(char, '/' | '.' | '_' | '-' | '+' | '~' | '@' | '%' | ',')
}

/// The length of the hexadecimal identifier that `text` begins with: a digest, a UUID.
fn identifier(text: &str) -> Option<usize> {
    let length = text.find(|char: char| !char.is_ascii_hexdigit() && char != '-').unwrap_or(text.len());
    let word = text[..length].trim_end_matches('-');
    let digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
    let dashes: Vec<usize> = word.match_indices('-').map(|(at, _)| at).collect();
    let uuid = dashes == [8, 13, 18, 23] && word.len() == 36;
    let mixed =
        word.bytes().any(|byte| byte.is_ascii_digit()) && word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let ended = text[length..].chars().next().is_none_or(|char| !char.is_alphanumeric());
    (ended && mixed && (uuid || (dashes.is_empty() && digits >= 12))).then_some(word.len())
}

/// The length of the date or time of day that `text` begins with, with all that belongs to it.
fn time(text: &str) -> Option<usize> {
    let (mut length, mut strong) = (0, false);
    loop {
        let rest = &text[length..];
        let gap = match length {
            0 => 0,
            _ => rest.len() - rest.trim_start_matches([' ', ',', 'T', '_']).len(),
        };
        if gap > 2 || (length > 0 && gap == 0 && !rest.starts_with(['+', '-', 'Z', '.'])) {
            break;
        }
        let Some((more, counts)) = atom(&rest[gap..], length > 0) else { break };
        length += gap + more;
        strong |= counts;
    }
    strong.then_some(length)
}

/// A part of a time: its length, and whether it makes one by itself. Behind another part less is enough.
fn atom(text: &str, behind: bool) -> Option<(usize, bool)> {
    if text.starts_with(|char: char| char.is_ascii_digit()) {
        return date_or_clock(text).or_else(|| number(text, behind));
    }
    if let Some(length) = month(text) {
        // `Nov 23`, `Nov  3`
        let rest = text[length..].trim_start_matches(' ');
        let blanks = text.len() - length - rest.len();
        let day = rest.bytes().take_while(u8::is_ascii_digit).count();
        let all = length + blanks + day;
        return ((1..=2).contains(&blanks) && (1..=2).contains(&day)).then_some((all, true));
    }
    let named = DAYS.iter().find(|day| text.starts_with(**day)).map(|day| day.len());
    if let Some(length) = named.filter(|length| ended(text, *length)) {
        return Some((length, false));
    }
    let zones = ["UTC", "GMT", "CEST", "CET", "Z", "+0000", "-0000", "+00:00", "-00:00"];
    let zone = zones.iter().find(|zone| text.starts_with(**zone) && ended(text, zone.len()));
    zone.filter(|_| behind).map(|zone| (zone.len(), false))
}

/// Whether a word of `text` ends behind `length` bytes.
fn ended(text: &str, length: usize) -> bool {
    let next = text[length..].chars().next();
    next.is_none_or(|char| !char.is_alphanumeric() || char == 'T' || char == 'Z')
}

/// Whether the digits of `text` from `from` to `to` are a number in `range`.
fn in_range(text: &str, from: usize, to: usize, range: std::ops::RangeInclusive<u32>) -> bool {
    text.get(from..to).and_then(|text| text.parse().ok()).is_some_and(|number| range.contains(&number))
}

/// `2026-11-23`, `2026/11/23`, `10:00:00`, `10:00`.
fn date_or_clock(text: &str) -> Option<(usize, bool)> {
    let shaped = |shape: &str| {
        let fits =
            |(shape, byte): (u8, u8)| if shape == b'0' { byte.is_ascii_digit() } else { shape == byte };
        shape.len() <= text.len() && shape.bytes().zip(text.bytes()).all(fits)
    };
    if shaped("0000-00-00") || shaped("0000/00/00") {
        let date = in_range(text, 0, 4, 1970..=2200) && in_range(text, 5, 7, 1..=12);
        return (date && ended(text, 10)).then_some((10, true));
    }
    let length = ["00:00:00", "00:00"].into_iter().find(|shape| shaped(shape))?.len();
    let fraction = match text[length..].strip_prefix('.') {
        Some(rest) => 1 + rest.bytes().take_while(u8::is_ascii_digit).count(),
        None => 0,
    };
    let clock =
        in_range(text, 0, 2, 0..=24) && in_range(text, 3, 5, 0..=59) && ended(text, length + fraction);
    // `10:20` alone may be anything.
    clock.then_some((length + fraction, length == 8))
}

/// Digits alone, or a day before the name of its month.
fn number(text: &str, behind: bool) -> Option<(usize, bool)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if let 1 | 2 = digits {
        // `23 Nov 2026`
        let length = digits + 1 + month(text[digits..].strip_prefix([' ', '-'])?)?;
        return ended(text, length).then_some((length, true));
    }
    let found = match digits {
        10 => in_range(text, 0, 10, 946_684_800..=2_208_988_800).then_some(true),
        8 => {
            let date = in_range(text, 0, 4, 1980..=2100) && in_range(text, 4, 6, 1..=12);
            (date && in_range(text, 6, 8, 1..=31)).then_some(true)
        }
        6 => (behind && in_range(text, 0, 2, 0..=23) && in_range(text, 2, 4, 0..=59)).then_some(true),
        4 => (behind && in_range(text, 0, 4, 1970..=2200)).then_some(false),
        _ => None,
    };
    found.filter(|_| ended(text, digits)).map(|counts| (digits, counts))
}

fn month(text: &str) -> Option<usize> {
    let all = MONTHS_IN_FULL.iter().chain(MONTHS);
    let found = all.into_iter().find(|month| text.starts_with(**month))?;
    let ended = text[found.len()..].chars().next().is_none_or(|char| !char.is_alphabetic());
    ended.then_some(found.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(left: &str, right: &str) -> Vec<&'static str> {
        let kind = |cause: &Cause| match cause {
            Cause::Time { .. } => "time",
            Cause::BuildPath { .. } => "path",
            Cause::Address { .. } => "address",
            Cause::Identifier { .. } => "identifier",
            _ => "other",
        };
        explain(left, right).iter().map(kind).collect()
    }

    #[test]
    fn times_in_all_their_forms() {
        let pairs = [
            ("built at 08:39:01", "built at 08:39:04"),
            ("Date: 2026-01-10T10:12:52Z", "Date: 2026-01-11T10:12:52Z"),
            ("Date: 2026-01-10 10:12:52 +0000.", "Date: 2026-01-11 10:12:53 +0000."),
            ("on 2026-01-10", "on 2027-11-10"),
            ("(Nov 23 2026, 17:05:56)", "(Nov  3 2026, 17:05:56)"),
            ("Mon Nov 23 17:05:56 UTC 2026", "Tue Nov 24 17:05:56 UTC 2026"),
            ("Mon, 23 Nov 2026 17:05:56 +0000", "Tue, 24 Nov 2026 17:05:56 +0000"),
            ("23 November 2026", "24 November 2026"),
            ("epoch=1700000000;", "epoch=1700000003;"),
            ("20260110T101252Z", "20260111T101252Z"),
            ("20260110_101252", "20260111_101253"),
        ];
        for (left, right) in pairs {
            assert_eq!(kinds(left, right), ["time"], "{left} {right} {:?}", words(left));
        }
        let cause = explain("Mon Nov 23 17:05:56 UTC 2026.", "Tue Nov 24 17:05:56 UTC 2026.");
        let expected = Cause::Time {
            left: "Mon Nov 23 17:05:56 UTC 2026".into(),
            right: "Tue Nov 24 17:05:56 UTC 2026".into(),
        };
        assert_eq!(cause, [expected]);
    }

    #[test]
    fn paths_addresses_identifiers_and_several_at_once() {
        assert_eq!(kinds("in /build/a-1/x.c:3", "in /build/b-2/x.c:3"), ["path"]);
        assert_eq!(kinds("cc -I/build/a/src -O2", "cc -I/build/b/src -O2"), ["path"]);
        assert_eq!(kinds("-DX=\"/home/a/src\" -O2", "-DX=\"/tmp/y.Zq\" -O2"), ["path"]);
        assert_eq!(kinds("<object at 0x7f12ab34>", "<object at 0x7f99ab34>"), ["address"]);
        assert_eq!(
            kinds("id 0f0e0d0c-0102-0304-0506-0708090a0b0c", "id 1f0e0d0c-0102-0304-0506-0708090a0b0c"),
            ["identifier"]
        );
        assert_eq!(kinds("/tmp/a at 10:00:00", "/tmp/b at 10:00:01"), ["path", "time"]);
    }

    #[test]
    fn what_is_something_else_is_not_explained() {
        for (left, right) in [
            ("version 1.2", "version 1.3"),
            ("/usr/lib/libx.so.1", "/usr/lib/libx.so.2"),
            ("at 10:00:00 by a", "at 10:00:01 by b"),
            ("x", "10:00:00"),
            ("12", "13"),
            ("may", "mar"),
        ] {
            assert_eq!(explain(left, right), [], "{left} {right}");
        }
    }

    #[test]
    fn nothing_makes_it_panic() {
        for text in [
            "",
            "0",
            "ä",
            "0ä",
            "Nov",
            "Nov ",
            "Nov ä",
            "0000-00-0",
            "00:00:0ä",
            "0x",
            "/",
            "1 ä",
            "Mon,",
            "Ä10:10:10Ä",
        ] {
            explain(text, "0x12345678 10:00:00");
            explain(text, &format!("{text}ä"));
        }
    }
}
