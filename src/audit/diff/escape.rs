//! Bytes from anywhere as text.

use std::fmt::Write;

/// `bytes` as text; what is no UTF-8 stands as `\xNN`.
pub(super) fn text_of(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// `text` with everything escaped that a terminal would obey, or that would hide or turn what stands there. No longer
/// than `most` characters.
pub(super) fn safe(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for (at, char) in text.chars().enumerate() {
        if at == most {
            let _ = write!(
                out,
                "… ({} more bytes)",
                text.len() - text.char_indices().nth(at).map_or(0, |it| it.0)
            );
            break;
        }
        let hidden = matches!(char, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
        match char {
            '\t' => out.push_str("    "),
            char if hidden || char.is_control() => out.extend(char.escape_default()),
            char => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_that_it_would_obey() {
        assert_eq!(text_of(b"a\xffb"), "a\\xffb");
        assert_eq!(safe("a\u{1b}[2Jb\u{202e}c\r", 99), "a\\u{1b}[2Jb\\u{202e}c\\r");
        assert_eq!(safe("äöü", 2), "äö… (2 more bytes)");
    }
}
