//! Diagnostics as plain data: what every stage of the language reports, and what the command line renders.
//!
//! Receives nothing but texts and byte ranges; never reads a file and never formats for a terminal.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// One error or warning about a recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code, `hbuild::<stage>::<name>`.
    pub code: &'static str,
    /// Whether it stops the evaluation.
    pub severity: Severity,
    /// What is wrong, one sentence without a full stop.
    pub message: String,
    /// The places it is about, the primary one first.
    pub labels: Vec<Label>,
    /// What to do about it.
    pub help: Option<String>,
    /// Changes of the text that would do it, the best first; tools may offer them, and none is made unasked.
    pub suggestions: Vec<Suggestion>,
}

/// A change of the text that mends what a [`Diagnostic`] is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// What it does, as a command: "write `packages`".
    pub title: String,
    /// What is replaced, in the order of the text; no two overlap.
    pub edits: Vec<Edit>,
}

/// One replacement in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The file; `None` is the file being read.
    pub file: Option<String>,
    /// The bytes of that file's text that go; empty where something is only put in.
    pub range: Range<usize>,
    /// What stands there instead.
    pub text: String,
}

/// How the text of a label ends that stands at an import between the entry and the file of the mistake.
pub const IMPORTED_HERE: &str = "is imported here";

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The recipe has no value.
    Error,
    /// The recipe has a value, though perhaps not the one meant.
    Warning,
}

/// A place that a [`Diagnostic`] is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The file; `None` is the file being read.
    pub file: Option<String>,
    /// The bytes of that file's text.
    pub range: Range<usize>,
    /// What is to be said at this place; may be empty.
    pub text: String,
    /// Whether this is the place where the mistake is, not one that explains it.
    pub primary: bool,
}

impl Diagnostic {
    /// An error at `range` of the file being read.
    pub fn error(code: &'static str, range: impl Into<Range<usize>>, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, range.into(), message.into())
    }

    /// A warning at `range` of the file being read.
    pub fn warning(code: &'static str, range: impl Into<Range<usize>>, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, range.into(), message.into())
    }

    fn new(code: &'static str, severity: Severity, range: Range<usize>, message: String) -> Self {
        let label = Label { file: None, range, text: String::new(), primary: true };
        Self { code, severity, message, labels: vec![label], help: None, suggestions: Vec::new() }
    }

    /// The same with a help line.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with a change that replaces `range`, of the file being read, by `text`.
    #[must_use]
    pub fn with_suggestion(
        mut self,
        title: impl Into<String>,
        range: impl Into<Range<usize>>,
        text: impl Into<String>,
    ) -> Self {
        let edit = Edit { file: None, range: range.into(), text: text.into() };
        self.suggestions.push(Suggestion { title: title.into(), edits: vec![edit] });
        self
    }

    /// The same with `text` said at its primary place.
    #[must_use]
    pub fn with_label(mut self, text: impl Into<String>) -> Self {
        if let Some(label) = self.labels.iter_mut().find(|label| label.primary) {
            label.text = text.into();
        }
        self
    }

    /// The same with one more place, of the file being read, that explains the mistake.
    #[must_use]
    pub fn with_secondary(mut self, range: impl Into<Range<usize>>, text: impl Into<String>) -> Self {
        self.labels.push(Label { file: None, range: range.into(), text: text.into(), primary: false });
        self
    }

    /// The same with one more place, of another file, that explains the mistake.
    #[must_use]
    pub fn with_secondary_in(
        mut self,
        file: impl Into<String>,
        range: impl Into<Range<usize>>,
        text: impl Into<String>,
    ) -> Self {
        let label = Label { file: Some(file.into()), range: range.into(), text: text.into(), primary: false };
        self.labels.push(label);
        self
    }

    /// The same with every label and every change that has no file placed in `file`: for what is reported about an import.
    #[must_use]
    pub fn in_file(mut self, file: &str) -> Self {
        for label in self.labels.iter_mut().filter(|label| label.file.is_none()) {
            label.file = Some(file.to_owned());
        }
        let edits = self.suggestions.iter_mut().flat_map(|suggestion| &mut suggestion.edits);
        for edit in edits.filter(|edit| edit.file.is_none()) {
            edit.file = Some(file.to_owned());
        }
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The primary place: the first label where none is marked.
    pub fn primary(&self) -> Option<&Label> {
        self.labels.iter().find(|label| label.primary).or(self.labels.first())
    }
}

impl fmt::Display for Diagnostic {
    /// `message [code]`, on one line.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} [{}]", self.message, self.code)
    }
}

impl std::error::Error for Diagnostic {}

/// The candidate nearest to `word` for a did-you-mean: at most a third of its letters differ (at least one
/// may), swapped neighbours count once, and the first of equally near ones wins.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return None;
    }
    let allowed = (word.chars().count() / 3).max(1);
    let mut best = None;
    for candidate in candidates.into_iter().filter(|candidate| candidate.len() <= LONGEST) {
        let distance = edit_distance(word, candidate);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// The optimal string alignment distance, in characters.
fn edit_distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, &here) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &there) in right.iter().enumerate() {
            let replaced = last[column] + usize::from(here != there);
            let mut least = replaced.min(last[column + 1] + 1).min(current[column] + 1);
            let swapped = row > 0 && column > 0 && here == right[column - 1] && left[row - 1] == there;
            if swapped {
                least = least.min(before_last[column - 1] + 1);
            }
            current.push(least);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last[right.len()]
}

/// Where the lines of a text begin, in bytes.
pub fn line_starts(text: &str) -> Vec<usize> {
    let ends = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
    std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect()
}

/// The lines of a text: from byte offsets to lines and columns.
#[derive(Debug, Clone)]
pub struct LineIndex<'text> {
    text: &'text str,
    starts: Cow<'text, [usize]>,
}

/// A line and a column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
}

impl<'text> LineIndex<'text> {
    /// The index of `text`.
    pub fn new(text: &'text str) -> Self {
        Self { text, starts: line_starts(text).into() }
    }

    /// The index of `text` whose [`line_starts`] are known.
    pub fn known(text: &'text str, starts: &'text [usize]) -> Self {
        Self { text, starts: starts.into() }
    }

    /// The line and column of a byte offset; past the end it is the end, inside a character its beginning.
    pub fn line_column(&self, offset: usize) -> LineColumn {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|&start| start <= offset) - 1;
        let start = self.starts[line];
        let before = &self.text.as_bytes()[start..offset];
        let mut column = before.iter().filter(|&&byte| byte & 0xc0 != 0x80).count();
        if !self.text.is_char_boundary(offset) {
            column -= 1;
        }
        LineColumn { line: saturate(line + 1), column: saturate(column + 1) }
    }

    /// Where a line, counted from 1, begins in bytes; `None` past the last one.
    pub fn start(&self, line: u32) -> Option<usize> {
        self.starts.get(usize::try_from(line).ok()?.checked_sub(1)?).copied()
    }

    /// The text of a line, counted from 1, without its line feed; `None` past the last one.
    pub fn line(&self, line: u32) -> Option<&'text str> {
        let at = usize::try_from(line).ok()?.checked_sub(1)?;
        let start = *self.starts.get(at)?;
        let end = self.starts.get(at + 1).map_or(self.text.len(), |next| next - 1);
        Some(&self.text[start..end])
    }
}

fn saturate(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, offset: usize) -> (u32, u32) {
        let LineColumn { line, column } = LineIndex::new(text).line_column(offset);
        (line, column)
    }

    #[test]
    fn columns_count_characters() {
        let text = "aé\nb∑c\n";
        assert_eq!(at(text, 0), (1, 1));
        assert_eq!(at(text, 1), (1, 2));
        assert_eq!(at(text, 2), (1, 2), "inside é");
        assert_eq!(at(text, 3), (1, 3));
        assert_eq!(at(text, 4), (2, 1));
        assert_eq!(at(text, 8), (2, 3));
        assert_eq!(at(text, 99), (3, 1));
        assert_eq!(LineIndex::new(text).line(2), Some("b∑c"));
        assert_eq!(LineIndex::new(text).line(3), Some(""));
        assert_eq!(LineIndex::new(text).line(4), None);
    }

    #[test]
    fn the_nearest_word_is_found() {
        let words = ["image", "import", "source", "build"];
        assert_eq!(nearest("imgae", words), Some("image"));
        assert_eq!(nearest("sorce", words), Some("source"));
        assert_eq!(nearest("biuld", words), Some("build"));
        assert_eq!(nearest("container", words), None);
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("ab", "ba"), 1);
    }
}
