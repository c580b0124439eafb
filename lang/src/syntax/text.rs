//! What is refused in a recipe's text wherever it stands, comments and strings included.

use crate::diagnostic::Diagnostic;

use super::report;

/// What is wrong with the characters of a text: at most [`report::MOST`] diagnostics.
pub(super) fn check(text: &str) -> Vec<Diagnostic> {
    let plain = |byte: u8| matches!(byte, 0x20..0x7f | b'\n' | b'\t');
    if text.bytes().all(plain) {
        return Vec::new();
    }
    let mut diagnostics = Vec::new();
    let mut carriage_returns = None;
    for (at, character) in text.char_indices() {
        if diagnostics.len() == report::MOST {
            break;
        }
        let range = at..at + character.len_utf8();
        match character {
            '\r' => carriage_returns = carriage_returns.or(Some(range)),
            '\0' => diagnostics.push(report::nul(range)),
            '\u{feff}' if at == 0 => diagnostics.push(report::byte_order_mark(range)),
            _ if is_bidirectional(character) => {
                diagnostics.push(report::bidirectional_control(range, character))
            }
            _ if is_hidden(character) => diagnostics.push(report::hidden_character(range, character)),
            _ if is_refused(character) => diagnostics.push(report::control_character(range, character)),
            _ => {}
        }
    }
    diagnostics.extend(carriage_returns.map(report::carriage_return));
    diagnostics
}

/// Characters that change the order in which a line is shown, so that it reads other than it is.
fn is_bidirectional(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// Characters that take no room on the screen or look like a space, so that two texts that look the same are not:
/// what Unicode calls ignorable by default, but for the selector that colours emoji.
fn is_hidden(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character is refused everywhere: those above, control characters but line feed and tab, and other ends of
/// lines. A byte order mark is refused too.
pub fn is_refused(character: char) -> bool {
    let other = matches!(character, '\u{2028}' | '\u{2029}');
    is_bidirectional(character)
        || is_hidden(character)
        || other
        || (character.is_control() && character != '\n' && character != '\t')
}
