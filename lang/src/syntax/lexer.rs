//! The lexer: from text to tokens that together are the text again.
//!
//! Receives a text that [`super::text`] has looked through; what that one reports (control characters, line
//! ends) is white space here. Reports what is wrong inside one token, and strings that do not end.

use nom::bytes::complete::{tag, take_while, take_while1};
use nom::combinator::recognize;
use nom::multi::many0_count;
use nom::{IResult, Parser};

use super::kind::SyntaxKind::{self, *};
use super::literal;
use super::report;
use crate::diagnostic::Diagnostic;

/// A token: its kind, and where it ends; it begins where the one before ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub kind: SyntaxKind,
    pub end: u32,
}

/// What [`lex`] found.
pub(super) struct Lexed {
    /// The tokens, with [`SyntaxKind::End`] as the last one.
    pub tokens: Vec<Token>,
    pub diagnostics: Vec<Diagnostic>,
    /// A string that is never closed has swallowed the rest of the text.
    pub swallowed: bool,
}

/// The tokens of a text.
pub(super) fn lex(text: &str) -> Lexed {
    let tokens = Vec::with_capacity(text.len() / 3 + 8);
    let mut lexer = Lexer { text, at: 0, tokens, diagnostics: Vec::new(), quiet_until: 0, swallowed: false };
    while lexer.at < text.len() {
        lexer.token(false);
    }
    lexer.push(End, 0);
    Lexed { tokens: lexer.tokens, diagnostics: lexer.diagnostics, swallowed: lexer.swallowed }
}

struct Lexer<'text> {
    text: &'text str,
    at: usize,
    tokens: Vec<Token>,
    diagnostics: Vec<Diagnostic>,
    /// Up to here the text has been said to be in disorder.
    quiet_until: usize,
    swallowed: bool,
}

/// How a string is written.
#[derive(Clone, Copy)]
struct Style {
    /// `"""`: several lines, no escapes.
    block: bool,
    /// `r`: no escapes, no interpolation.
    raw: bool,
    /// How many `#` stand around a raw string.
    hashes: usize,
    /// Inside an interpolation: neither interpolation nor line feed.
    inner: bool,
}

impl<'text> Lexer<'text> {
    fn rest(&self) -> &'text str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: SyntaxKind, length: usize) {
        self.at += length;
        let end = u32::try_from(self.at).expect("the length of the text is limited");
        self.tokens.push(Token { kind, end });
    }

    /// Reports something after which the rest of the line is not what it seems: once a line.
    fn report_disturbing(&mut self, start: usize, diagnostic: Diagnostic) {
        if start >= self.quiet_until {
            self.quiet_until = self.text[start..].find('\n').map_or(self.text.len(), |feed| start + feed);
            self.report(diagnostic);
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < report::MOST {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Takes one token, or one whole string.
    fn token(&mut self, interpolating: bool) {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        match bytes[0] {
            b'\n' => {
                self.push(Newline, length_while(bytes, |byte| matches!(byte, b'\n' | b' ' | b'\t' | b'\r')))
            }
            b' ' | b'\t' | b'\r' => {
                self.push(Whitespace, length_while(bytes, |byte| matches!(byte, b' ' | b'\t' | b'\r')));
            }
            b'#' if !interpolating => self.comment(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.word(interpolating),
            b'0'..=b'9' => self.number(),
            b'"' => self.string(0, 0, false, interpolating),
            byte => match punctuation(rest) {
                Some((kind, length)) => self.push(kind, length),
                None if byte < 0x20 || byte == 0x7f => self.push(Whitespace, 1),
                None => self.other(),
            },
        }
    }

    fn comment(&mut self) {
        let rest = self.rest();
        let length = length_while(rest.as_bytes(), |byte| byte != b'\n');
        let own_line = self.tokens.last().is_none_or(|token| token.kind == Newline);
        let doc = rest.starts_with("##") && !rest.starts_with("###") && own_line;
        self.push(if doc { DocComment } else { Comment }, length);
    }

    fn word(&mut self, interpolating: bool) {
        let rest = self.rest();
        let length = word(rest).map_or(1, |(_, word)| word.len());
        let word = &rest[..length];
        if word == "r" {
            let hashes = length_while(&rest.as_bytes()[1..], |byte| byte == b'#');
            if rest.as_bytes().get(1 + hashes) == Some(&b'"') {
                return self.string(1 + hashes, hashes, true, interpolating);
            }
        }
        let kind = SyntaxKind::of_reserved_word(word).unwrap_or_else(|| match literal::word_kind(word) {
            literal::WordKind::Name => Name,
            literal::WordKind::Key => Word,
            literal::WordKind::Underscore => Underscore,
            literal::WordKind::Neither => BadWord,
        });
        self.push(kind, length);
    }

    fn number(&mut self) {
        let rest = self.rest();
        let length = number(rest).map_or(1, |(_, number)| number.len());
        if let Err(error) = literal::integer(&rest[..length]) {
            self.report(report::bad_number(self.at..self.at + length, &rest[..length], error));
        }
        self.push(Int, length);
    }

    /// Takes characters that begin no token of the language.
    fn other(&mut self) {
        let rest = self.rest();
        let invisible = |character: char| super::text::is_refused(character);
        let length = rest.find(|character| !invisible(character)).unwrap_or(rest.len());
        if length > 0 {
            return self.push(Whitespace, length);
        }
        if rest.starts_with(char::is_alphabetic) {
            let length = word(rest).map_or(1, |(_, word)| word.len()).max(1);
            return self.push(BadWord, length);
        }
        let known = |character: char| {
            character.is_ascii_alphanumeric()
                || character.is_whitespace()
                || " _#\"{}[](),;:./=+<>".contains(character)
        };
        let first = rest.chars().next().map_or(1, char::len_utf8);
        let length = rest[first..].find(known).map_or(rest.len(), |length| first + length);
        self.report_disturbing(
            self.at,
            report::unknown_character(self.at..self.at + length, &rest[..length]),
        );
        self.push(Unknown, length);
    }

    /// Takes a string whose quotes stand `before` bytes further on.
    fn string(&mut self, before: usize, hashes: usize, raw: bool, inner: bool) {
        let block = (raw || !inner) && self.rest()[before..].starts_with("\"\"\"");
        let style = Style { block, raw, hashes, inner };
        let open = self.at..self.at + before + if block { 3 } else { 1 };
        self.push(StringOpen, open.len());
        loop {
            let (length, stop) = self.string_text(style);
            if length > 0 {
                if !raw && !block {
                    self.check_escapes(length);
                }
                self.push(StringText, length);
            }
            match stop {
                Stop::Close(length) => return self.push(StringClose, length),
                Stop::Interpolation => self.interpolation(),
                Stop::Unclosed => {
                    if !inner {
                        self.swallowed |= block;
                        self.report_disturbing(open.start, report::unclosed_string(open.clone(), block));
                    }
                    return;
                }
            }
        }
    }

    /// The length of the literal text from here on, and what stands behind it.
    fn string_text(&self, style: Style) -> (usize, Stop) {
        let bytes = self.rest().as_bytes();
        let quotes: &[u8] = if style.block { b"\"\"\"" } else { b"\"" };
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at] {
                b'"' if bytes[at..].starts_with(quotes) => {
                    let hashes = length_while(&bytes[at + quotes.len()..], |byte| byte == b'#');
                    if hashes >= style.hashes {
                        return (at, Stop::Close(quotes.len() + style.hashes));
                    }
                    at += 1 + hashes;
                }
                b'\n' if !style.block || style.inner => return (at, Stop::Unclosed),
                b'\\'
                    if !style.block && !style.raw && bytes.get(at + 1).is_some_and(|&byte| byte != b'\n') =>
                {
                    at += 2
                }
                b'{' if !style.raw && !style.inner && bytes.get(at + 1) == Some(&b'{') => {
                    return (at, Stop::Interpolation);
                }
                _ => at += 1,
            }
        }
        (at.min(bytes.len()), Stop::Unclosed)
    }

    fn check_escapes(&mut self, length: usize) {
        let text = &self.rest()[..length];
        if text.contains('\\') {
            let mut found = Vec::new();
            literal::unescape(text, |range, error| found.push((range, error)));
            for (range, error) in found {
                let range = self.at + range.start..self.at + range.end;
                self.report(report::bad_escape(range, error));
            }
        }
    }

    /// Takes `{{ … }}`, or what there is of it before the line ends.
    fn interpolation(&mut self) {
        let open = self.at..self.at + 2;
        self.push(InterpolationOpen, 2);
        loop {
            let rest = self.rest();
            if rest.starts_with("}}") {
                return self.push(InterpolationClose, 2);
            }
            if rest.is_empty() || rest.starts_with('\n') {
                return self.report_disturbing(open.start, report::unclosed_interpolation(open));
            }
            self.token(true);
        }
    }
}

/// What ends a stretch of literal text.
enum Stop {
    /// Quotes and `#` of this length.
    Close(usize),
    /// `{{`
    Interpolation,
    /// The end of the line or of the text.
    Unclosed,
}

fn length_while(bytes: &[u8], holds: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|&byte| !holds(byte)).unwrap_or(bytes.len())
}

/// A run of letters, digits, `_` and `-`: whether it is a name is decided later.
fn word(text: &str) -> IResult<&str, &str> {
    take_while1(|character: char| character.is_alphanumeric() || matches!(character, '_' | '-'))(text)
}

/// Digits with whatever sticks to them: `0o755`, `1.5`, `10mb`.
fn number(text: &str) -> IResult<&str, &str> {
    let sticks = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let digits = take_while1(|character: char| character.is_ascii_digit());
    let fraction = (tag("."), digits, take_while(sticks));
    recognize((take_while1(sticks), many0_count(fraction))).parse(text)
}

fn punctuation(text: &str) -> Option<(SyntaxKind, usize)> {
    let bytes = text.as_bytes();
    let two = match (bytes[0], bytes.get(1).copied().unwrap_or(0)) {
        (b'=', b'=') => Some(EqualEqual),
        (b'=', b'>') => Some(Arrow),
        (b'!', b'=') => Some(NotEqual),
        (b'<', b'=') => Some(LessEqual),
        (b'>', b'=') => Some(GreaterEqual),
        (b'+', b'=') => Some(PlusEqual),
        _ => None,
    };
    if let Some(kind) = two {
        return Some((kind, 2));
    }
    let kind = match bytes[0] {
        b'{' => LeftBrace,
        b'}' => RightBrace,
        b'[' => LeftBracket,
        b']' => RightBracket,
        b'(' => LeftParen,
        b')' => RightParen,
        b',' => Comma,
        b';' => Semicolon,
        b':' => Colon,
        b'.' => Dot,
        b'/' => Slash,
        b'=' => Equal,
        b'<' => Less,
        b'>' => Greater,
        b'+' => Plus,
        _ => return None,
    };
    Some((kind, 1))
}
