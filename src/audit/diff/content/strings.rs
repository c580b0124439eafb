//! What of bytes is text.

/// Shorter runs are chance.
const SHORTEST: usize = 6;

/// Whether `bytes` are lines for people: no NUL, and hardly anything that is not printed.
pub fn is_text(bytes: &[u8]) -> bool {
    if bytes.contains(&0) {
        return false;
    }
    let odd = |byte: &u8| *byte < 32 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    let controls = bytes.iter().filter(|byte| odd(byte)).count();
    let wrong: usize = match std::str::from_utf8(bytes) {
        Ok(_) => 0,
        Err(_) => bytes.utf8_chunks().map(|chunk| chunk.invalid().len()).sum(),
    };
    (controls + wrong) * 20 <= bytes.len()
}

/// The runs of printable ASCII in `bytes`, as a text with a line for each.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for run in bytes.split(|byte| !is_printable(*byte)).filter(|run| run.len() >= SHORTEST) {
        text.push_str(&String::from_utf8_lossy(run));
        text.push('\n');
    }
    text
}

/// The run of printable ASCII around the byte at `at`, with up to `most` bytes before it and behind it.
pub fn around(bytes: &[u8], at: usize, most: usize) -> Option<&str> {
    let at = at.min(bytes.len().checked_sub(1)?);
    let from = bytes[..at].iter().rev().take(most).take_while(|byte| is_printable(**byte)).count();
    let to = bytes[at..].iter().take(most).take_while(|byte| is_printable(**byte)).count();
    std::str::from_utf8(&bytes[at - from..at + to]).ok().filter(|run| run.len() >= SHORTEST)
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\t')
}
