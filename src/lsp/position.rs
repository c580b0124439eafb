//! Positions in a text: from bytes to the lines and characters of the protocol, and back.

use std::ops::Range;

use lsp_types::Position;

/// What a character of a position counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of UTF-16: what every client knows.
    Utf16,
}

/// A text with the beginnings of its lines.
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
    encoding: Encoding,
}

impl<'a> Lines<'a> {
    /// The lines of `text`. A line ends with a line feed, a carriage return, or both.
    pub fn new(text: &'a str, encoding: Encoding) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { text, starts, encoding }
    }

    /// The byte at a position; one past the end of its line or of the text is that end.
    pub fn offset(&self, position: Position) -> usize {
        let line = position.line as usize;
        let Some(&start) = self.starts.get(line) else { return self.text.len() };
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let line = self.text[start..end].trim_end_matches(['\n', '\r']);
        let wanted = position.character as usize;
        let mut passed = 0;
        for (at, character) in line.char_indices() {
            let width = match self.encoding {
                Encoding::Utf8 => character.len_utf8(),
                Encoding::Utf16 => character.len_utf16(),
            };
            if passed + width > wanted {
                return start + at;
            }
            passed += width;
        }
        start + line.len()
    }

    /// The position of a byte; past the end it is the end, inside a character its beginning.
    pub fn position(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|&start| start <= offset) - 1;
        let before = &self.text[self.starts[line]..offset];
        let character = match self.encoding {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.chars().map(char::len_utf16).sum(),
        };
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Position { line: number(line), character: number(character) }
    }

    /// The positions of a range of bytes.
    pub fn range(&self, range: &Range<usize>) -> lsp_types::Range {
        lsp_types::Range { start: self.position(range.start), end: self.position(range.end) }
    }

    /// The bytes between two positions; in whichever order they are.
    pub fn bytes(&self, range: &lsp_types::Range) -> Range<usize> {
        let (start, end) = (self.offset(range.start), self.offset(range.end));
        start.min(end)..start.max(end)
    }

    /// How many units of the encoding a piece of text has.
    pub fn width(&self, text: &str) -> u32 {
        let width = match self.encoding {
            Encoding::Utf8 => text.len(),
            Encoding::Utf16 => text.chars().map(char::len_utf16).sum(),
        };
        u32::try_from(width).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn characters_of_both_encodings() {
        let text = "aé\n😀b\r\nc\rd";
        let utf16 = Lines::new(text, Encoding::Utf16);
        let utf8 = Lines::new(text, Encoding::Utf8);
        let at = text.find('b').unwrap();
        assert_eq!(utf16.position(at), Position::new(1, 2));
        assert_eq!(utf8.position(at), Position::new(1, 4));
        assert_eq!(utf16.offset(Position::new(1, 1)), text.find('😀').unwrap(), "inside a pair");
        assert_eq!(utf16.offset(Position::new(1, 99)), text.find('\r').unwrap());
        assert_eq!(utf16.position(text.len()), Position::new(3, 1));
        assert_eq!(utf16.offset(Position::new(9, 0)), text.len());
    }

    proptest! {
        #[test]
        fn there_and_back(text in "[a\u{e9}\u{1f600}\n]{0,40}") {
            for encoding in [Encoding::Utf8, Encoding::Utf16] {
                let lines = Lines::new(&text, encoding);
                for (at, _) in text.char_indices() {
                    prop_assert_eq!(lines.offset(lines.position(at)), at);
                }
            }
        }
    }
}
