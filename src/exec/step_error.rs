//! Why a command gave no outputs.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use miette::Diagnostic;

use crate::graph::DerivationId;

/// A step that failed, with the last lines of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepError {
    /// The derivation.
    pub id: DerivationId,
    /// The step's name.
    pub step: String,
    /// `exited with status 2`.
    pub how: String,
    /// The last lines of the log, as they can be shown.
    pub last_lines: Vec<String>,
    /// Whether the log is kept as that of the derivation.
    pub logged: bool,
}

/// How many lines of the log an error shows.
const LAST_LINES: usize = 20;
/// How many characters of each.
const LINE: usize = 400;

impl StepError {
    /// The failure of `step`, which wrote `log`.
    pub fn new(id: DerivationId, step: String, how: String, log: &[u8]) -> Self {
        let lines = log.rsplit(|&byte| byte == b'\n').skip_while(|line| line.trim_ascii().is_empty());
        let mut last_lines: Vec<String> = lines.take(LAST_LINES).map(shown).collect();
        last_lines.reverse();
        Self { id, step, how, last_lines, logged: true }
    }
}

/// A line of a log as an error shows it.
fn shown(line: &[u8]) -> String {
    // A line that a tool writes over again and again is what it was last.
    let line = line.trim_ascii_end();
    let line = line.rsplit(|&byte| byte == b'\r').next().unwrap_or_default();
    let text = printable(&String::from_utf8_lossy(line));
    match text.char_indices().nth(LINE) {
        Some((end, _)) => format!("{} […]", &text[..end]),
        None => text,
    }
}

/// `text` without what a terminal would obey: escape sequences, control characters but line ends, and marks that turn
/// the direction of writing. Tabs are blanks.
pub fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\n' => out.push(char),
            '\t' => out.push_str("    "),
            '\u{1b}' => skip_sequence(&mut chars),
            '\u{9b}' => skip_until(&mut chars, |char| ('@'..='~').contains(&char)),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            char if char.is_control() => {}
            char => out.push(char),
        }
    }
    out
}

/// Takes what belongs to an escape character.
fn skip_sequence(chars: &mut Peekable<Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_until(chars, |char| ('@'..='~').contains(&char));
        }
        // Titles, links and the like, up to a bell or `ESC \`.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            skip_until(chars, |char| matches!(char, '\u{7}' | '\u{1b}' | '\u{9c}'));
            chars.next_if_eq(&'\\');
        }
        Some('(' | ')' | '#' | '%' | ' ') => drop((chars.next(), chars.next_if(|char| *char != '\n'))),
        Some('0'..='~') => drop(chars.next()),
        _ => {}
    }
}

/// Takes characters up to the first that `last` is true for, but no line end.
fn skip_until(chars: &mut Peekable<Chars<'_>>, last: impl Fn(char) -> bool) {
    while let Some(char) = chars.next_if(|char| *char != '\n') {
        if last(char) {
            return;
        }
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "step `{}` {}", self.step, self.how)?;
        if !self.last_lines.is_empty() {
            write!(out, "; the last lines it wrote:")?;
        }
        for line in &self.last_lines {
            write!(out, "\n| {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for StepError {}

impl Diagnostic for StepError {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("hbuild::exec::step_failed"))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let id = &self.id.0.to_hex()[..12];
        let log = match self.logged {
            true => format!("`hbuild log {id}` shows all of it"),
            false => "it succeeded the first time, and `hbuild log` shows what it wrote then".to_owned(),
        };
        Some(Box::new(format!("{log}; `hbuild shell {id}` opens the sandbox as the step left it")))
    }
}

/// What is wrong with the outputs of a command whose steps all succeeded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum OutputError {
    /// Nothing is there.
    #[error("the build made nothing")]
    #[diagnostic(
        code(hbuild::exec::no_output),
        help("write what is to be kept below $OUT, as `make install DESTDIR=\"$OUT\"` does")
    )]
    Nothing,
    /// Something that an image cannot hold.
    #[error("the build made {kind}: `{path}`")]
    #[diagnostic(
        code(hbuild::exec::special_output),
        help("remove it at the end of the build: outputs are files, directories and symbolic links")
    )]
    Special {
        /// Absolute path in the sandbox, with escapes.
        path: String,
        /// `a socket`.
        kind: &'static str,
    },
    /// A path that no tree can hold, or one that stands twice.
    #[error("the executor gave the output `{path}`: {problem}")]
    #[diagnostic(
        code(hbuild::exec::bad_output),
        help("this is a defect of the executor: please report it with the recipe and the lock")
    )]
    Path {
        /// Absolute path in the sandbox, with escapes.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    #[test]
    fn the_last_lines_are_those_a_person_would_see() {
        let mut log: Vec<u8> = (0..30).flat_map(|line| format!("line {line}\n").into_bytes()).collect();
        log.extend_from_slice(b"10%\r 20%\r100%\r\n\x1b[31mred\x1b[0m\tend \xff\n\n\n");
        let id = DerivationId(Digest::of(b"x"));
        let error = StepError::new(id, "build".into(), "exited with status 2".into(), &log);
        assert_eq!(error.last_lines.len(), 20);
        assert_eq!(error.last_lines[0], "line 12");
        assert_eq!(error.last_lines[18], "100%");
        assert_eq!(error.last_lines[19], "red    end \u{fffd}");
        assert!(
            error
                .to_string()
                .starts_with("step `build` exited with status 2; the last lines it wrote:\n| line")
        );
        assert!(error.help().unwrap().to_string().contains(&id.0.to_hex()[..12]));
        let again = StepError { logged: false, ..error };
        assert!(again.help().unwrap().to_string().starts_with("it succeeded the first time"));
        let silent = StepError::new(id, "build".into(), "was killed by SIGSEGV".into(), b"\n");
        assert_eq!(silent.to_string(), "step `build` was killed by SIGSEGV");
    }

    #[test]
    fn nothing_that_a_terminal_obeys_is_shown() {
        let text = "\x1b[1;31merror\x1b[K:\x1b]8;;http://x\x1b\\link\x1b]0;title\x07 \x1b(Bset\x1b7\x08\u{9b}2Jend\u{202e}";
        assert_eq!(printable(text), "error:link setend");
        assert_eq!(printable("\x1b]0;open\nnext \x1b[31\n\x1b"), "\nnext \n");
        let line = shown("é".repeat(LINE + 1).as_bytes());
        assert_eq!(line, format!("{} […]", "é".repeat(LINE)));
        assert_eq!(shown("é".repeat(LINE).as_bytes()), "é".repeat(LINE));
    }
}
