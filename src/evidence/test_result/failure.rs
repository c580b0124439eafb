//! Tests that failed, for people.

use std::fmt;

use hbuild_lang::recipe::Expectation;
use miette::Diagnostic;

use super::judge::STREAMS;
use super::{Problem, TestOutcome};
use crate::exec::{Written, printable};
use crate::graph::DerivationId;

/// How many lines of a stream are shown, how many characters of each, and how many of an expectation.
const LINES: usize = 10;
const LINE: usize = 300;

/// Tests of an image that failed.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{} of {total} tests failed", failed.len())]
#[diagnostic(
    code(hbuild::test::failed),
    help("`hbuild log {}` shows all that the tests wrote; `--no-tests` builds without them", &id.0.to_hex()[..12])
)]
pub struct TestsFailed {
    /// The derivation.
    pub id: DerivationId,
    /// Each of them.
    #[related]
    pub failed: Vec<FailedTest>,
    /// How many there are.
    pub total: usize,
}

/// A test that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedTest(pub TestOutcome);

impl std::error::Error for FailedTest {}

impl Diagnostic for FailedTest {}

impl fmt::Display for FailedTest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TestOutcome { name, place, command, ran, problems } = &self.0;
        write!(out, "test `{}` at {place} failed", line(name))?;
        write!(out, "\n  command: {}", shown_command(command))?;
        for problem in problems {
            write!(out, "\n  {problem}")?;
        }
        for (stream, written) in STREAMS.into_iter().zip([&ran.stdout, &ran.stderr]) {
            write_stream(out, stream, written)?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End(how) => write!(out, "it {}", line(how)),
            Self::Status { expected, how } => write!(out, "it {how}, expected was status {expected}"),
            Self::Stream { stream, expected: Expectation::Contains(text) } => {
                write!(out, "{stream}: expected somewhere {}", quoted(text))
            }
            Self::Stream { stream, expected: Expectation::Equals(text) } => {
                write!(out, "{stream}: expected exactly {}", quoted(text))
            }
            Self::TooMuch(stream) => write!(out, "{stream}: more than 4 MiB, so that it was stopped"),
        }
    }
}

/// What was written, its first lines.
fn write_stream(out: &mut fmt::Formatter<'_>, stream: &str, written: &Written) -> fmt::Result {
    if written.bytes.is_empty() {
        return write!(out, "\n  {stream}: nothing");
    }
    write!(out, "\n  {stream}:")?;
    let start = &written.bytes[..written.bytes.len().min(LINES * LINE * 4)];
    let text = String::from_utf8_lossy(start);
    let mut lines = text.lines();
    for shown in lines.by_ref().take(LINES) {
        write!(out, "\n  | {}", line(shown))?;
    }
    if lines.next().is_some() || start.len() < written.bytes.len() {
        write!(out, "\n  | […]")?;
    }
    Ok(())
}

/// One line without what a terminal would obey, not too long.
fn line(text: &str) -> String {
    let text = printable(text).replace('\n', " ");
    match text.char_indices().nth(LINE) {
        Some((end, _)) => format!("{} […]", &text[..end]),
        None => text,
    }
}

/// A text in quotes, with escapes, not too long.
fn quoted(text: &str) -> String {
    match text.char_indices().nth(LINE) {
        Some((end, _)) => format!("{:?} […]", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// A command as a shell would take it.
pub fn shown_command(command: &[String]) -> String {
    let plain = |word: &str| {
        let plain = |char: char| char.is_ascii_alphanumeric() || "-_./:=,+@%".contains(char);
        !word.is_empty() && word.chars().all(plain)
    };
    let words = command.iter().map(|word| if plain(word) { word.clone() } else { quoted(word) });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use hbuild_lang::recipe::Place;

    use super::*;
    use crate::digest::Digest;
    use crate::exec::{End, Ran};

    fn place() -> Place {
        Place { file: "x.hb".into(), line: 3, column: 1 }
    }

    #[test]
    fn a_failure_says_what_where_and_what_was_found() {
        let written = |bytes: &[u8]| Written { bytes: bytes.to_vec(), too_much: false };
        let many: String = (0..20).map(|number| format!("line {number}\n")).collect();
        let outcome = TestOutcome {
            name: "greets".into(),
            place: place(),
            command: ["/bin/hello", "--to", "a b"].map(String::from).to_vec(),
            ran: Ran {
                stdout: written(b"\x1b[31mHallo\x07\n"),
                stderr: written(many.as_bytes()),
                end: End::Status { status: 2, how: "exited with status 2".into() },
            },
            problems: vec![
                Problem::Status { expected: 0, how: "exited with status 2".into() },
                Problem::Stream {
                    stream: "standard output",
                    expected: Expectation::Contains("Hello\n".into()),
                },
            ],
        };
        let text = FailedTest(outcome).to_string();
        assert!(
            text.starts_with(
                "test `greets` at x.hb:3:1 failed\n  command: /bin/hello --to \"a b\"\n  it exited with status 2, expected was status 0\n  \
                 standard output: expected somewhere \"Hello\\n\"\n  standard output:\n  | Hallo\n  standard error:\n  \
                 | line 0\n"
            ),
            "{text}"
        );
        assert!(text.ends_with("| line 9\n  | […]"), "{text}");
        let error = TestsFailed { id: DerivationId(Digest::of(b"x")), failed: vec![], total: 3 };
        assert!(error.help().unwrap().to_string().starts_with("`hbuild log "));
    }
}
