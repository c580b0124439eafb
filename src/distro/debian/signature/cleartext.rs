//! The cleartext signature framework (RFC 9580, section 7): splits a message into the text that its signatures
//! cover and the armoured signatures.
//!
//! Stricter than gpgv, which lets text stand around the message: here the message is the whole file, so nothing
//! unsigned can be mistaken for a part of it. Whoever reads an InRelease reads [`Cleartext::text`] and nothing
//! else.

use std::fmt;

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const BEGIN_SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END_SIGNATURE: &str = "-----END PGP SIGNATURE-----";

/// A message taken apart. Nothing of it is verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleartext<'a> {
    /// The text as it is signed, with `\n` at the end of each line: dashes unescaped, blanks at ends of lines
    /// dropped.
    pub text: String,
    /// The hashes that the header announces: `SHA512`.
    pub hashes: Vec<&'a str>,
    /// The armour with the signatures, from its begin line to its end line.
    pub signatures: &'a str,
}

/// Why a file is no cleartext-signed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleartextError {
    /// It does not begin as one.
    Unsigned,
    /// It is not UTF-8, or has control characters.
    NotText,
    /// A header other than `Hash`.
    Header,
    /// A line begins with a dash that is not escaped.
    DashEscape,
    /// The signature is missing or not ended.
    NoSignature,
    /// Something follows the signature.
    Trailing,
}

impl fmt::Display for CleartextError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Unsigned => "it does not begin with `-----BEGIN PGP SIGNED MESSAGE-----`",
            Self::NotText => "it is not text in UTF-8 without control characters",
            Self::Header => "its header has a field other than `Hash`",
            Self::DashEscape => "a line begins with a dash that is not escaped",
            Self::NoSignature => "the signature is missing or cut off",
            Self::Trailing => "something follows the signature, which does not cover it",
        })
    }
}

impl<'a> Cleartext<'a> {
    /// The parts of `message`, which is one signed message and nothing else.
    pub fn parse(message: &'a [u8]) -> Result<Self, CleartextError> {
        let message = std::str::from_utf8(message).map_err(|_| CleartextError::NotText)?;
        let mut lines = Lines { rest: message };
        if lines.next().map(trim_line) != Some(BEGIN) {
            return Err(CleartextError::Unsigned);
        }
        let hashes = read_headers(&mut lines)?;
        let text = read_text(&mut lines)?;
        let signatures = lines.rest;
        let mut length = 0;
        loop {
            let line = lines.next().ok_or(CleartextError::NoSignature)?;
            length += line.len();
            match trim_line(line) {
                END_SIGNATURE => break,
                other if length > line.len() && other.starts_with('-') => {
                    return Err(CleartextError::NoSignature);
                }
                _ => {}
            }
        }
        if lines.rest.trim_ascii().is_empty() {
            Ok(Self { text, hashes, signatures: &signatures[..length] })
        } else {
            Err(CleartextError::Trailing)
        }
    }

    /// The bytes that the signatures are over: [`Cleartext::text`] with `\r\n` between its lines and without
    /// the last line's end.
    pub fn signed_bytes(&self) -> Vec<u8> {
        let text = self.text.strip_suffix('\n').unwrap_or(&self.text);
        let mut bytes = Vec::with_capacity(text.len() + text.len() / 32);
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(line.as_bytes());
        }
        bytes
    }
}

/// Lines with their ends.
struct Lines<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let length = memchr::memchr(b'\n', self.rest.as_bytes()).map_or(self.rest.len(), |at| at + 1);
        let (line, rest) = self.rest.split_at(length);
        self.rest = rest;
        (!line.is_empty()).then_some(line)
    }
}

/// A line without its end and without the blanks before it, which no signature covers.
fn trim_line(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    line.trim_end_matches([' ', '\t'])
}

/// The hashes that the header announces.
fn read_headers<'a>(lines: &mut Lines<'a>) -> Result<Vec<&'a str>, CleartextError> {
    let mut hashes = Vec::new();
    for line in lines {
        let line = trim_line(line);
        if line.is_empty() {
            return Ok(hashes);
        }
        let names = line.strip_prefix("Hash: ").ok_or(CleartextError::Header)?;
        hashes.extend(names.split(',').map(|name| name.trim_matches(' ')));
    }
    Err(CleartextError::NoSignature)
}

/// The covered text; leaves `lines` at the begin of the signature.
fn read_text(lines: &mut Lines<'_>) -> Result<String, CleartextError> {
    let mut text = String::with_capacity(lines.rest.len());
    loop {
        let before = lines.rest;
        let line = trim_line(lines.next().ok_or(CleartextError::NoSignature)?);
        if line == BEGIN_SIGNATURE {
            lines.rest = before;
            return Ok(text);
        }
        if line.bytes().any(|byte| byte != b'\t' && byte.is_ascii_control()) {
            return Err(CleartextError::NotText);
        }
        let content = match line.strip_prefix('-') {
            None => line,
            Some(escaped) => escaped.strip_prefix(' ').ok_or(CleartextError::DashEscape)?,
        };
        text.push_str(content);
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----\n\nxxxx\n-----END PGP SIGNATURE-----\n";

    fn message(text: &str) -> String {
        format!("{BEGIN}\nHash: SHA256\n\n{text}\n{SIGNATURE}")
    }

    fn parse(message: &str) -> Result<(String, Vec<u8>), CleartextError> {
        Cleartext::parse(message.as_bytes()).map(|parsed| (parsed.text.clone(), parsed.signed_bytes()))
    }

    #[test]
    fn text_and_signed_bytes() {
        let plain = message("one \t\n- -two\n\nthree");
        let (text, bytes) = parse(&plain).unwrap();
        assert_eq!(text, "one\n-two\n\nthree\n");
        assert_eq!(bytes, b"one\r\n-two\r\n\r\nthree");
        assert_eq!(parse(&plain.replace('\n', "\r\n")), Ok((text, bytes)));
        assert_eq!(parse(&message("")), Ok(("\n".to_owned(), Vec::new())));
        assert_eq!(Cleartext::parse(plain.as_bytes()).unwrap().signatures, SIGNATURE);
    }

    #[test]
    fn what_is_refused() {
        let good = message("text");
        assert_eq!(parse(""), Err(CleartextError::Unsigned));
        assert_eq!(parse("Suite: x\n"), Err(CleartextError::Unsigned));
        assert_eq!(parse(&format!("before\n{good}")), Err(CleartextError::Unsigned));
        assert_eq!(parse(&format!("{good}after\n")), Err(CleartextError::Trailing));
        assert_eq!(parse(&format!("{good}{good}")), Err(CleartextError::Trailing));
        assert_eq!(parse(&good.replace("Hash: SHA256", "Charset: UTF-8")), Err(CleartextError::Header));
        assert_eq!(parse(&message("-x")), Err(CleartextError::DashEscape));
        assert_eq!(parse(&message("a\rb")), Err(CleartextError::NotText));
        assert_eq!(parse(&message("a\0b")), Err(CleartextError::NotText));
        assert_eq!(Cleartext::parse(b"\xff"), Err(CleartextError::NotText));
        for end in 0..good.len() - 1 {
            assert!(parse(&good[..end]).is_err(), "cut off at {end}");
        }
    }
}
