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

/// Characters refused everywhere: those above, control characters but line feed and tab, and other ends of
/// lines. A byte order mark is refused too.
pub(super) fn is_refused(character: char) -> bool {
    let other = matches!(character, '\u{2028}' | '\u{2029}' | '\u{feff}');
    is_bidirectional(character) || other || (character.is_control() && character != '\n' && character != '\t')
}
