//! Paragraphs of `Name: value` fields, as Release files and apt's `.sources` files have them (deb-control(5)).
//!
//! For small files read once; Packages indexes have a scanner of their own. Borrows from the text and never
//! allocates a value.

use std::fmt;

/// One paragraph: its fields in the order written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paragraph<'a> {
    fields: Vec<(&'a str, &'a str)>,
}

/// Why a text has no such form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Deb822Error {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: Deb822Reason,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deb822Reason {
    /// A line that is neither a field nor a continuation.
    NoField,
    /// A continuation with no field before it.
    NothingToContinue,
    /// A field that the paragraph already has.
    Duplicate,
}

impl fmt::Display for Deb822Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::NoField => "neither a field (`Name: value`) nor a continuation",
            Self::NothingToContinue => "continues a field, but there is none before it",
            Self::Duplicate => "the paragraph has this field already",
        })
    }
}

impl<'a> Paragraph<'a> {
    /// The value of the field `name`, whose case does not count: blanks at both ends taken off, continuation
    /// lines as they stand.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// The words of the field, none where it is absent.
    pub fn words(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.get(name).unwrap_or_default().split_ascii_whitespace()
    }
}

/// The paragraphs of `text`, which blank lines separate. Lines that begin with `#` are comments. A field twice
/// in one paragraph is an error: readers differ in which of the two they believe.
pub fn paragraphs(text: &str) -> Result<Vec<Paragraph<'_>>, Deb822Error> {
    let mut found = Vec::new();
    let mut current = Paragraph::default();
    let mut open: Option<OpenField<'_>> = None;
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let start = offset;
        offset += line.len();
        let content = line.trim_end();
        let fail = |reason| Err(Deb822Error { line: index + 1, reason });
        if line.starts_with('#') {
            continue;
        }
        if content.is_empty() {
            current.close(text, open.take());
            if !current.fields.is_empty() {
                found.push(std::mem::take(&mut current));
            }
        } else if line.starts_with([' ', '\t']) {
            match &mut open {
                Some(field) => field.end = offset,
                None => return fail(Deb822Reason::NothingToContinue),
            }
        } else {
            current.close(text, open.take());
            let Some((name, _)) = content.split_once(':') else { return fail(Deb822Reason::NoField) };
            if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
                return fail(Deb822Reason::NoField);
            }
            if current.get(name).is_some() {
                return fail(Deb822Reason::Duplicate);
            }
            open = Some(OpenField { name, start: start + name.len() + 1, end: offset });
        }
    }
    current.close(text, open.take());
    if !current.fields.is_empty() {
        found.push(current);
    }
    Ok(found)
}

/// A field whose last line is not known yet.
struct OpenField<'a> {
    name: &'a str,
    start: usize,
    end: usize,
}

impl<'a> Paragraph<'a> {
    fn close(&mut self, text: &'a str, open: Option<OpenField<'a>>) {
        if let Some(OpenField { name, start, end }) = open {
            self.fields.push((name, text[start..end].trim()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_continuations_and_comments() {
        let text = "# note\nTypes: deb\nSuites: a\n b\n# inside\n c\nEmpty:\n\n\nTypes: deb-src\n";
        let found = paragraphs(text).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].get("types"), Some("deb"));
        assert_eq!(found[0].get("Empty"), Some(""));
        assert_eq!(found[0].get("Missing"), None);
        assert_eq!(found[1].get("Types"), Some("deb-src"));
        assert_eq!(found[0].words("Suites").take(2).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn bad_lines() {
        let reason = |text| paragraphs(text).unwrap_err();
        assert_eq!(reason(" x\n"), Deb822Error { line: 1, reason: Deb822Reason::NothingToContinue });
        assert_eq!(reason("A: 1\nno field\n"), Deb822Error { line: 2, reason: Deb822Reason::NoField });
        assert_eq!(reason("A: 1\na: 2\n"), Deb822Error { line: 2, reason: Deb822Reason::Duplicate });
        assert_eq!(reason("A b: 1\n").reason, Deb822Reason::NoField);
        assert_eq!(paragraphs("").unwrap(), []);
    }
}
