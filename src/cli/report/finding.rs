//! Reports for programs: one JSON object each, with every place in lines, columns and bytes.

use hbuild_lang::diagnostic::{LineIndex, Severity, Suggestion as Change};
use miette::{Diagnostic, LabeledSpan, SourceCode};
use serde::Serialize;

use super::{Located, Report};
use crate::cli::pages;

/// One error or warning. The form is stable: fields are added, none is renamed or dropped.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// `hbuild::<stage>::<name>`.
    pub code: Option<String>,
    /// `error`, `warning` or `advice`.
    pub severity: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The file it is about: relative to the current folder where it was named so, `std/…` where hbuild holds it.
    pub file: Option<String>,
    /// The place in that file.
    pub range: Option<Range>,
    /// Other places that matter, the same place with what is said there included.
    pub labels: Vec<Place>,
    /// Changes of text that would mend it.
    pub suggestions: Vec<Suggestion>,
    /// What led to it, the nearest cause first.
    pub causes: Vec<String>,
    /// Errors that it is made of.
    pub related: Vec<Finding>,
    /// Where the book explains it, relative to its root.
    pub docs: Option<String>,
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Its first character.
    pub start: Position,
    /// Behind its last character.
    pub end: Position,
}

/// Line and column from 1, the column in characters; the byte from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// From 0.
    pub byte: usize,
}

/// A place with what is said there.
#[derive(Debug, Clone, Serialize)]
pub struct Place {
    /// As in [`Finding::file`].
    pub file: Option<String>,
    /// The place.
    pub range: Range,
    /// What is said there; may be empty.
    pub text: String,
    /// Whether the mistake is here.
    pub primary: bool,
}

/// A change of text.
#[derive(Debug, Clone, Serialize)]
pub struct Suggestion {
    /// What it does, as a command.
    pub title: String,
    /// What is replaced.
    pub edits: Vec<Edit>,
}

/// One replacement.
#[derive(Debug, Clone, Serialize)]
pub struct Edit {
    /// As in [`Finding::file`].
    pub file: String,
    /// What goes.
    pub range: Range,
    /// What stands there instead.
    pub text: String,
}

impl Finding {
    /// The report for programs.
    pub fn of(report: &Report) -> Self {
        match report {
            Report::Recipe(located) => of_recipe(located),
            Report::Other(report) => of_error(report.as_ref()),
        }
    }
}

fn of_recipe(located: &Located) -> Finding {
    let Located { diagnostic, files } = located;
    let shown = |file: Option<&str>| files.shown(files.name_of(file));
    let ranged =
        |file: Option<&str>, bytes: &std::ops::Range<usize>| range(&files.lines(files.name_of(file)), bytes);
    let labels = diagnostic.labels.iter().map(|label| Place {
        file: Some(shown(label.file.as_deref())),
        range: ranged(label.file.as_deref(), &label.range),
        text: label.text.clone(),
        primary: label.primary,
    });
    let labels: Vec<Place> = labels.collect();
    let primary = labels.iter().find(|label| label.primary).or(labels.first());
    let suggestion = |change: &Change| {
        let edits = change.edits.iter().map(|edit| Edit {
            file: shown(edit.file.as_deref()),
            range: ranged(edit.file.as_deref(), &edit.range),
            text: edit.text.clone(),
        });
        Suggestion { title: change.title.clone(), edits: edits.collect() }
    };
    Finding {
        code: Some(diagnostic.code.to_owned()),
        severity: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        message: diagnostic.message.clone(),
        help: diagnostic.help.clone(),
        file: primary.and_then(|label| label.file.clone()),
        range: primary.map(|label| label.range),
        suggestions: diagnostic.suggestions.iter().map(suggestion).collect(),
        causes: Vec::new(),
        related: Vec::new(),
        docs: docs(diagnostic.code),
        labels,
    }
}

fn docs(code: &str) -> Option<String> {
    pages::entry(code).map(|entry| entry.place())
}

fn range(lines: &LineIndex<'_>, bytes: &std::ops::Range<usize>) -> Range {
    let position = |byte: usize| {
        let at = lines.line_column(byte);
        Position { line: at.line as usize, column: at.column as usize, byte }
    };
    Range { start: position(bytes.start), end: position(bytes.end) }
}

fn of_error(error: &dyn Diagnostic) -> Finding {
    let code = error.code().map(|code| code.to_string());
    let labels = error.labels().into_iter().flatten();
    let labels: Vec<Place> = labels.filter_map(|label| placed(error.source_code()?, &label)).collect();
    let primary = labels.iter().find(|label| label.primary).or(labels.first()).cloned();
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(found) = cause {
        causes.push(found.to_string());
        cause = found.source();
    }
    Finding {
        severity: match error.severity() {
            Some(miette::Severity::Warning) => "warning",
            Some(miette::Severity::Advice) => "advice",
            _ => "error",
        },
        message: error.to_string(),
        help: error.help().map(|help| help.to_string()),
        file: primary.as_ref().and_then(|label| label.file.clone()),
        range: primary.map(|label| label.range),
        labels,
        suggestions: Vec::new(),
        causes,
        related: error.related().into_iter().flatten().map(of_error).collect(),
        docs: code.as_deref().and_then(docs),
        code,
    }
}

fn placed(source: &dyn SourceCode, label: &LabeledSpan) -> Option<Place> {
    let contents = source.read_span(label.inner(), 0, 0).ok()?;
    let text = String::from_utf8_lossy(contents.data());
    let start = Position { line: contents.line() + 1, column: contents.column() + 1, byte: label.offset() };
    let (feeds, last) = (text.matches('\n').count(), text.rsplit('\n').next().unwrap_or_default());
    let column = if feeds == 0 { start.column } else { 1 } + last.chars().count();
    let end = Position { line: start.line + feeds, column, byte: label.offset() + label.len() };
    Some(Place {
        file: contents.name().map(str::to_owned),
        range: Range { start, end },
        text: label.label().unwrap_or_default().to_owned(),
        primary: label.primary(),
    })
}
