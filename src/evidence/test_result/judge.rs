//! Whether a test did what the recipe expects of it.

use hbuild_lang::recipe::{Expectation, Place};

use crate::exec::{End, Ran, Written};
use crate::graph::ImageTest;

/// What came of one test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestOutcome {
    /// Its name.
    pub name: String,
    /// Where it stands in the recipe.
    pub place: Place,
    /// Command and arguments.
    pub command: Vec<String>,
    /// What it wrote.
    pub ran: Ran,
    /// What is not as expected; nothing where it passed.
    pub problems: Vec<Problem>,
}

/// One way in which a test failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It did not end by itself, or was never started.
    End(String),
    /// Another exit status.
    Status {
        /// The one expected.
        expected: i32,
        /// How it ended.
        how: String,
    },
    /// A stream holds something else.
    Stream {
        /// `standard output`.
        stream: &'static str,
        /// What was expected.
        expected: Expectation,
    },
    /// It wrote more to this stream than is ever kept.
    TooMuch(&'static str),
}

/// The names of the two streams.
pub(super) const STREAMS: [&str; 2] = ["standard output", "standard error"];

/// What came of `test`, which ended as `ran`.
pub fn judge(test: &ImageTest, ran: Ran) -> TestOutcome {
    let mut problems = Vec::new();
    let streams = [(&ran.stdout, &test.stdout), (&ran.stderr, &test.stderr)];
    for (name, (written, _)) in STREAMS.into_iter().zip(streams) {
        if written.too_much {
            problems.push(Problem::TooMuch(name));
        }
    }
    match &ran.end {
        // It was stopped because of what is told already.
        End::Otherwise(_) if !problems.is_empty() => {}
        End::Otherwise(how) => problems.push(Problem::End(how.clone())),
        End::Status { status, how } if i32::from(*status) != test.status => {
            problems.push(Problem::Status { expected: test.status, how: how.clone() });
        }
        End::Status { .. } => {}
    }
    for (stream, (written, expected)) in STREAMS.into_iter().zip(streams) {
        if let Some(expected) = expected.as_ref().filter(|expected| !holds(written, expected)) {
            problems.push(Problem::Stream { stream, expected: expected.clone() });
        }
    }
    let (name, place, command) = (test.name.clone(), test.place.clone(), test.run.clone());
    TestOutcome { name, place, command, ran, problems }
}

fn holds(written: &Written, expected: &Expectation) -> bool {
    match expected {
        Expectation::Contains(text) => {
            text.is_empty() || memchr::memmem::find(&written.bytes, text.as_bytes()).is_some()
        }
        Expectation::Equals(text) => written.bytes == text.as_bytes() && !written.too_much,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(stdout: Option<Expectation>, status: i32) -> ImageTest {
        let place = Place { file: "x.hb".into(), line: 1, column: 1 };
        ImageTest { name: "t".into(), run: vec!["x".into()], stdout, stderr: None, status, place }
    }

    fn ended(status: u8) -> End {
        End::Status { status, how: format!("so {status}") }
    }

    fn ran(stdout: &str, end: End) -> Ran {
        let stdout = Written { bytes: stdout.into(), too_much: false };
        Ran { stdout, stderr: Written::default(), end }
    }

    #[test]
    fn a_test_passes_that_ends_and_says_what_is_expected() {
        let contains = |text: &str| Some(Expectation::Contains(text.into()));
        let equals = |text: &str| Some(Expectation::Equals(text.into()));
        for (expected, status, found) in [
            (None, 0, ran("anything", ended(0))),
            (contains("b"), 0, ran("abc", ended(0))),
            (contains(""), 3, ran("", ended(3))),
            (equals("42\n"), 0, ran("42\n", ended(0))),
            (None, 139, ran("", ended(139))),
        ] {
            assert_eq!(judge(&test(expected, status), found).problems, []);
        }
        let status = Problem::Status { expected: 0, how: "so 2".into() };
        let stream = |expected: Option<Expectation>| Problem::Stream {
            stream: "standard output",
            expected: expected.unwrap(),
        };
        for (expected, found, problems) in [
            (None, ran("", ended(2)), vec![status.clone()]),
            (equals("42"), ran("42\n", ended(2)), vec![status, stream(equals("42"))]),
            (contains("x"), ran("", ended(0)), vec![stream(contains("x"))]),
            (None, ran("", End::Otherwise("took".into())), vec![Problem::End("took".into())]),
        ] {
            assert_eq!(judge(&test(expected, 0), found).problems, problems);
        }
        let mut much = ran("x", End::Otherwise("was stopped".into()));
        much.stdout.too_much = true;
        assert_eq!(judge(&test(None, 0), much).problems, [Problem::TooMuch("standard output")]);
    }
}
