//! Forms of texts: versions, licences, dates, digests, URLs, ports, signals.

use super::{Problem, problem};

pub fn filled(text: &str) -> Option<Problem> {
    if text.trim().is_empty() {
        return problem(
            "hbuild::lang::empty_text",
            "the text is empty".to_owned(),
            "write something, or leave it out",
        );
    }
    None
}

pub fn line(text: &str) -> Option<Problem> {
    if text.chars().any(char::is_control) {
        let help = "line ends, tabs and other control characters cannot stand here";
        return problem("hbuild::lang::bad_text", "the text is not one line".to_owned(), help);
    }
    filled(text)
}

pub fn version(text: &str) -> Option<Problem> {
    let valid = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
    if valid {
        return None;
    }
    let help = "a version is part of tags: letters, digits, `.`, `-` and `_`, 64 of them at most";
    problem("hbuild::lang::bad_version", format!("`{text}` cannot be an image's version"), help)
}

pub fn date(text: &str) -> Option<Problem> {
    if is_date(text) {
        return None;
    }
    problem("hbuild::lang::bad_date", format!("`{text}` is no date"), "write it as `2026-05-31`")
}

fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes
            .iter()
            .enumerate()
            .all(|(at, byte)| if matches!(at, 4 | 7) { *byte == b'-' } else { byte.is_ascii_digit() });
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u32>().ok());
    let (true, Some(year), Some(month), Some(day)) = (shaped, number(0..4), number(5..7), number(8..10))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day) && year >= 1970
}

/// A tag as the OCI distribution specification has it.
pub fn tag(text: &str) -> Option<Problem> {
    let valid = (1..=128).contains(&text.len())
        && !text.starts_with(['.', '-'])
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if valid {
        return None;
    }
    let help = "a tag has letters, digits, `_`, `.` and `-`, 128 of them at most, and begins with none of the last two";
    problem("hbuild::lang::bad_tag", format!("`{text}` is no tag"), help)
}

pub fn sha256(text: &str) -> Option<Problem> {
    if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let message = format!("this is no SHA-256 digest: it has {} characters", text.chars().count());
    problem(
        "hbuild::lang::bad_digest",
        message,
        "write the 64 lower-case hexadecimal digits that `sha256sum` prints",
    )
}

pub fn url(text: &str) -> Option<Problem> {
    let help = "write `https://…`, `http://…`, or `debian:pool/…` for a file of the distro's mirror";
    let wrong = |why: &str| problem("hbuild::lang::bad_url", format!("`{text}` {why}"), help);
    if text.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return wrong("has a blank in it");
    }
    if let Some(path) = text.strip_prefix("debian:") {
        let normal =
            path.starts_with("pool/") && path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        return if normal { None } else { wrong("names no file below `pool/`") };
    }
    let Some(rest) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else {
        return wrong("is no URL that can be fetched");
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        let help = "credentials come from the configuration, never from a recipe";
        return problem("hbuild::lang::bad_url", "the URL holds a credential".to_owned(), help);
    }
    if host.is_empty() { wrong("names no host") } else { None }
}

/// `https://host/…`, `ssh://user@host/…` or `file:///…`.
pub fn git_url(text: &str) -> Option<Problem> {
    let help = "write `https://…`, `ssh://git@…` or `file:///…`";
    let wrong = |why: &str| problem("hbuild::lang::bad_url", format!("`{text}` {why}"), help);
    if text.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return wrong("has a blank in it");
    }
    if let Some(path) = text.strip_prefix("file://") {
        let normal = path.len() > 1 && path.starts_with('/') && !path.split('/').any(|part| part == "..");
        return if normal { None } else { wrong("names no absolute path") };
    }
    let (rest, ssh) = match (text.strip_prefix("https://"), text.strip_prefix("ssh://")) {
        (Some(rest), _) => (rest, false),
        (None, Some(rest)) => (rest, true),
        (None, None) => return wrong("is no URL that git is asked for"),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (user, host) = host.rsplit_once('@').map_or(("", host), |(user, host)| (user, host));
    if user.contains(':') || (!ssh && !user.is_empty()) {
        let help = "credentials come from the configuration, never from a recipe";
        return problem("hbuild::lang::bad_url", "the URL holds a credential".to_owned(), help);
    }
    let named = |part: &str| !part.starts_with('-');
    if host.is_empty() || !named(host) || !named(user) { wrong("names no host") } else { None }
}

/// The whole name of a commit.
pub fn commit(text: &str) -> Option<Problem> {
    if matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let help = "write all 40 or 64 lower-case digits that `git rev-parse` prints: branches and tags move";
    problem("hbuild::lang::bad_commit", format!("`{text}` is no whole name of a commit"), help)
}

pub fn purl(text: &str) -> Option<Problem> {
    let parts = text.strip_prefix("pkg:").and_then(|rest| rest.split_once('/'));
    let valid = parts.is_some_and(|(kind, name)| {
        !name.is_empty()
            && kind.starts_with(|first: char| first.is_ascii_lowercase())
            && kind
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".+-".contains(&byte))
            && text.bytes().all(|byte| byte.is_ascii_graphic())
    });
    if valid {
        return None;
    }
    problem(
        "hbuild::lang::bad_purl",
        format!("`{text}` is no package URL"),
        "write `pkg:generic/redis@8.8.2`",
    )
}

pub fn cpe(text: &str) -> Option<Problem> {
    let unescaped = text.replace("\\\\", "").replace("\\:", "");
    let parts: Vec<&str> = unescaped.split(':').collect();
    let valid = parts.len() == 13
        && parts[0] == "cpe"
        && parts[1] == "2.3"
        && matches!(parts[2], "a" | "o" | "h")
        && parts[3..].iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic()));
    if valid {
        return None;
    }
    let help = "write all 13 parts: `cpe:2.3:a:redis:redis:8.8.2:*:*:*:*:*:*:*`";
    problem("hbuild::lang::bad_cpe", format!("`{text}` is no CPE 2.3 name"), help)
}

pub fn port(text: &str) -> Option<Problem> {
    let (number, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let digits =
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
    let valid = digits && number.parse::<u16>().is_ok() && matches!(protocol, "tcp" | "udp" | "sctp");
    if valid {
        return None;
    }
    problem(
        "hbuild::lang::bad_port",
        format!("`{text}` is no port"),
        "write it as `6379/tcp`, from 1 to 65535",
    )
}

pub fn signal(text: &str) -> Option<Problem> {
    const NAMES: [&str; 31] = [
        "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE",
        "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ",
        "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
    ];
    let named = text.strip_prefix("SIG").is_some_and(|name| {
        NAMES.contains(&name)
            || name
                .strip_prefix("RTMIN+")
                .and_then(|more| more.parse::<u8>().ok())
                .is_some_and(|more| more <= 30)
    });
    let numbered =
        !text.starts_with(['0', '+']) && text.parse::<u8>().is_ok_and(|number| (1..=64).contains(&number));
    if named || numbered {
        return None;
    }
    problem(
        "hbuild::lang::bad_signal",
        format!("`{text}` is no signal"),
        "write it as `SIGTERM` or `SIGQUIT`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert!(is_date("2024-02-29") && is_date("2026-12-31"));
        for bad in [
            "2023-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-1-1",
            "26-01-01",
            "2026-04-31",
            "2026/04/30",
            "éé",
        ] {
            assert!(!is_date(bad), "{bad}");
        }
    }

    #[test]
    fn urls() {
        assert_eq!(url("https://example.org/x.tar.gz"), None);
        assert_eq!(url("debian:pool/main/h/hello/hello_2.10.orig.tar.gz"), None);
        for bad in
            ["ftp://x/y", "https://", "https://user:pw@host/x", "debian:../x", "debian:pool//x", "http://a b"]
        {
            assert!(url(bad).is_some(), "{bad}");
        }
    }

    #[test]
    fn git() {
        for good in ["https://example.org/x.git", "ssh://git@example.org/x", "file:///srv/git/x.git"] {
            assert_eq!(git_url(good), None, "{good}");
        }
        for bad in [
            "git@example.org:x",
            "http://example.org/x",
            "https://me@example.org/x",
            "ssh://me:pw@example.org/x",
            "ssh://-oProxyCommand=x/y",
            "file://x",
            "file:///a/../b",
            "https:///x",
        ] {
            assert!(git_url(bad).is_some(), "{bad}");
        }
        assert!(commit(&"0a".repeat(20)).is_none() && commit(&"0a".repeat(32)).is_none());
        assert!(commit("main").is_some() && commit(&"0A".repeat(20)).is_some());
    }

    #[test]
    fn ports_and_signals() {
        assert!(port("6379/tcp").is_none() && port("53/udp").is_none() && port("80").is_none());
        assert!(
            port("0/tcp").is_some()
                && port("70000").is_some()
                && port("80/http").is_some()
                && port("+1").is_some()
        );
        assert!(signal("SIGQUIT").is_none() && signal("SIGRTMIN+3").is_none() && signal("15").is_none());
        assert!(signal("TERM").is_some() && signal("SIGTREM").is_some() && signal("0").is_some());
    }

    #[test]
    fn digests_tags_purls_cpes() {
        assert!(
            sha256(&"0a".repeat(32)).is_none() && sha256(&"0A".repeat(32)).is_some() && sha256("").is_some()
        );
        assert!(
            tag("8.8-debian13").is_none() && tag("-x").is_some() && tag("a/b").is_some() && tag("").is_some()
        );
        assert!(purl("pkg:deb/debian/x@1").is_none() && purl("pkg:x").is_some() && purl("npm/x").is_some());
        assert!(
            cpe("cpe:2.3:a:redis:redis:8.8.2:*:*:*:*:*:*:*").is_none() && cpe("cpe:2.3:a:redis").is_some()
        );
        assert!(cpe("cpe:2.3:a:x\\:y:redis:8:*:*:*:*:*:*:*").is_none());
    }
}
