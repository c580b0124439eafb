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

/// Two texts as [`safe`] has them; where they are longer, from a little before the first difference on.
pub(super) fn safe_pair(left: &str, right: &str, most: usize) -> [String; 2] {
    const BEFORE: usize = 24;
    let long = left.chars().nth(most).is_some() || right.chars().nth(most).is_some();
    let same = left.chars().zip(right.chars()).take_while(|(one, other)| one == other).count();
    let from = if long { same.saturating_sub(BEFORE) } else { 0 };
    [left, right].map(|text| {
        let at = text.char_indices().nth(from).map_or(text.len(), |(at, _)| at);
        format!("{}{}", if from > 0 { "…" } else { "" }, safe(&text[at..], most))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_a_terminal_that_it_would_obey() {
        assert_eq!(text_of(b"a\xffb"), "a\\xffb");
        assert_eq!(safe("a\u{1b}[2Jb\u{202e}c\r", 99), "a\\u{1b}[2Jb\\u{202e}c\\r");
        assert_eq!(safe("äöü", 2), "äö… (2 more bytes)");
        assert_eq!(safe_pair("ab", "ac", 2), ["ab", "ac"]);
        let (one, other) = ("x".repeat(50) + "1", "x".repeat(50) + "2");
        let rest = "x".repeat(24);
        assert_eq!(safe_pair(&one, &other, 40), [format!("…{rest}1"), format!("…{rest}2")]);
    }
}
