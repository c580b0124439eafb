//! The values of literals: words, numbers, escapes, and the indentation of block strings.

use std::borrow::Cow;
use std::ops::Range;

use nom::bytes::complete::{tag, take_while_m_n};
use nom::character::complete::char as character;
use nom::sequence::delimited;
use nom::{IResult, Parser};

/// What a word can be, reserved words aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WordKind {
    /// `[a-z][a-z0-9]*(-[a-z0-9]+)*`
    Name,
    /// `[A-Za-z_][A-Za-z0-9_]*`, such as the name of an environment variable.
    Key,
    /// `_`
    Underscore,
    Neither,
}

/// What `word`, which is not empty, is.
pub(super) fn word_kind(word: &str) -> WordKind {
    let bytes = word.as_bytes();
    let name_bytes = bytes.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if name_bytes && bytes[0].is_ascii_lowercase() && !word.ends_with('-') && !word.contains("--") {
        WordKind::Name
    } else if word == "_" {
        WordKind::Underscore
    } else if bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        && !bytes[0].is_ascii_digit()
    {
        WordKind::Key
    } else {
        WordKind::Neither
    }
}

/// Whether `word` is a name that no reserved word is.
pub(crate) fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word_kind(word) == WordKind::Name
        && super::SyntaxKind::of_reserved_word(word).is_none()
}

/// A key of a map as it is written: in quotes unless it is a word.
pub(crate) fn key(text: &str) -> String {
    let word = !text.is_empty() && matches!(word_kind(text), WordKind::Name | WordKind::Key);
    if word { text.to_owned() } else { format!("\"{text}\"") }
}

/// Why a number is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberError {
    LeadingZero,
    Float,
    TooLarge,
    /// A letter, or a digit that is not octal.
    Malformed,
}

/// The value of a number as written: decimal without a leading zero, or `0o` and octal digits.
pub(super) fn integer(text: &str) -> Result<u64, NumberError> {
    let (digits, radix) = match text.strip_prefix("0o") {
        Some(digits) => (digits, 8),
        None => (text, 10),
    };
    if text.contains('.') {
        return Err(NumberError::Float);
    }
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(NumberError::Malformed);
    }
    if radix == 10 && digits.len() > 1 && digits.starts_with('0') {
        return Err(NumberError::LeadingZero);
    }
    u64::from_str_radix(digits, radix).map_err(|_| NumberError::TooLarge)
}

/// Why an escape is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EscapeError {
    /// `\q`
    Unknown,
    /// `\u` without `{…}`
    NoBraces,
    /// `\u{110000}`, `\u{d800}`
    NoCharacter,
}

/// The text with its escapes replaced; what is no escape stays as it is and is told to `report`, with its
/// bytes in `text`.
pub(super) fn unescape(text: &str, mut report: impl FnMut(Range<usize>, EscapeError)) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut value = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        let start = text.len() - rest.len() + at;
        match escape(&rest[at..]) {
            Ok((after, found)) => {
                value.push(found);
                rest = after;
            }
            Err((length, error)) => {
                report(start..start + length, error);
                value.push_str(&rest[at..at + length]);
                rest = &rest[at + length..];
            }
        }
    }
    value.push_str(rest);
    Cow::Owned(value)
}

/// The character of the escape that `text` begins with, or the length of what is none.
fn escape(text: &str) -> Result<(&str, char), (usize, EscapeError)> {
    let length = 1 + text[1..].chars().next().map_or(0, char::len_utf8);
    let rest = &text[length..];
    match &text[1..length] {
        "n" => Ok((rest, '\n')),
        "t" => Ok((rest, '\t')),
        "\"" => Ok((rest, '"')),
        "\\" => Ok((rest, '\\')),
        "u" => {
            let (after, digits) = code_point(text).map_err(|_| (length, EscapeError::NoBraces))?;
            let found = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
            found.map(|found| (after, found)).ok_or((text.len() - after.len(), EscapeError::NoCharacter))
        }
        _ => Err((length, EscapeError::Unknown)),
    }
}

/// The digits of `\u{…}`.
fn code_point(text: &str) -> IResult<&str, &str> {
    let digits = take_while_m_n(1, 6, |digit: char| digit.is_ascii_hexdigit());
    delimited(tag("\\u{"), digits, character('}')).parse(text)
}

/// Why the lines of a block string cannot be laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LayoutError {
    /// Text behind the opening quotes of a string of several lines.
    FirstLine,
    /// Tabs and spaces in what would be stripped, or tabs here and spaces there; the place is `piece`, `at`.
    MixedIndentation { piece: usize, at: usize },
}

/// The lines of a block string: `"""…"""`, with the pieces of literal text between its interpolations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Whether there is more than one line.
    pub multiline: bool,
    /// How many bytes of indentation all lines share.
    pub indentation: usize,
}

/// The layout of a block string. `pieces` are its literal texts; an interpolation stands between each two (so
/// there is one piece more than interpolations; some may be empty).
pub(crate) fn layout(pieces: &[&str]) -> Result<Layout, LayoutError> {
    if !pieces.iter().any(|piece| piece.contains('\n')) {
        return Ok(Layout { multiline: false, indentation: 0 });
    }
    let first_line = pieces[0].split('\n').next().unwrap_or("");
    if !pieces[0].contains('\n') || !first_line.bytes().all(is_indentation) {
        return Err(LayoutError::FirstLine);
    }
    let mut lines: Vec<(usize, usize, &str)> = Vec::new();
    for_each_line(pieces, |piece, at, indentation, blank| {
        if !blank {
            lines.push((piece, at, indentation));
        }
    });
    let shortest = lines.iter().map(|(_, _, indentation)| indentation.len()).min().unwrap_or(0);
    let mut expected = None;
    for (piece, at, indentation) in lines {
        for (offset, byte) in indentation[..shortest].bytes().enumerate() {
            if *expected.get_or_insert(byte) != byte {
                return Err(LayoutError::MixedIndentation { piece, at: at + offset });
            }
        }
    }
    Ok(Layout { multiline: true, indentation: shortest })
}

/// The literal texts of a block string with `indentation` in place of what its lines share; lines of white
/// space alone become empty, and the first line feed and what stands before the closing quotes are gone.
pub(crate) fn indented(pieces: &[&str], layout: Layout, indentation: &str) -> Vec<String> {
    if !layout.multiline {
        return pieces.iter().map(|piece| (*piece).to_owned()).collect();
    }
    let mut texts = Vec::with_capacity(pieces.len());
    for (index, piece) in pieces.iter().enumerate() {
        let last = index + 1 == pieces.len();
        let mut text = String::with_capacity(piece.len());
        let mut lines = piece.split('\n');
        let head = lines.next().unwrap_or("");
        if index > 0 {
            text.push_str(head);
        }
        let mut feed = index > 0;
        let mut lines = lines.peekable();
        while let Some(line) = lines.next() {
            if feed {
                text.push('\n');
            }
            feed = true;
            let ends_piece = lines.peek().is_none();
            let blank = line.bytes().all(is_indentation) && (!ends_piece || last);
            if !blank {
                text.push_str(indentation);
                text.push_str(&line[layout.indentation.min(line.len())..]);
            }
        }
        texts.push(text);
    }
    texts
}

/// Calls `each` with piece, offset, indentation and blankness of every line but the first.
fn for_each_line<'text>(pieces: &[&'text str], mut each: impl FnMut(usize, usize, &'text str, bool)) {
    for (index, piece) in pieces.iter().enumerate() {
        let mut at = 0;
        while let Some(feed) = piece[at..].find('\n') {
            at += feed + 1;
            let rest = &piece[at..];
            let length = rest.bytes().take_while(|byte| is_indentation(*byte)).count();
            let ends_piece = length == rest.len();
            let blank = rest[length..].starts_with('\n') || (ends_piece && index + 1 == pieces.len());
            each(index, at, &rest[..length], blank);
        }
    }
}

fn is_indentation(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}
