//! Machine-readable copyright files of Debian packages, as
//! <https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/> defines them.
//!
//! Receives the text, which is hostile like everything from an archive, and returns the licences that its
//! `Files` paragraphs state. Text of any other form states nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::license::{self, Terms};
use crate::digest::Sha256;

/// Longest file that is read, in bytes; a longer one states nothing.
pub const SIZE_LIMIT: u64 = 2 << 20;

/// What a copyright file declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Declared {
    /// The conjunction of all its licences.
    pub terms: Terms,
    /// The text of each name in `terms` that is no SPDX identifier.
    pub texts: BTreeMap<String, String>,
}

impl Declared {
    /// The SPDX expression; names that are no SPDX identifiers stand in it as [`Declared::reference`].
    pub fn expression(&self) -> String {
        self.terms.expression(&|name| self.reference(name))
    }

    /// `LicenseRef-<name>-<8 digits of the text's SHA-256>`: packages with the same text share it.
    pub fn reference(&self, name: &str) -> String {
        let text = self.texts.get(name).map_or("", String::as_str);
        let kept = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let name: String = name.chars().take(64).map(kept).collect();
        format!("LicenseRef-{name}-{}", &Sha256::of(text.as_bytes()).to_hex()[..8])
    }
}

/// What the copyright file `bytes` declares, or `None` where it is not machine-readable.
pub fn parse(bytes: &[u8]) -> Option<Declared> {
    let text = String::from_utf8_lossy(bytes);
    let mut paragraphs = Paragraphs { rest: &text };
    if !paragraphs.next()?.format.is_some_and(|format| format.contains("copyright-format/1.")) {
        return None;
    }
    let mut seen = BTreeSet::new();
    let mut stated = Vec::new();
    let mut bodies: BTreeMap<String, &str> = BTreeMap::new();
    for paragraph in paragraphs {
        let Some(license) = paragraph.license else { continue };
        let synopsis = license.synopsis.split_whitespace().collect::<Vec<_>>().join(" ");
        if paragraph.files && seen.insert(synopsis.clone()) {
            stated.extend(license::parse(&synopsis));
        }
        if !license.body.trim().is_empty() {
            bodies.entry(synopsis).or_insert(license.body);
        }
    }
    let terms = Terms::all(stated)?;
    let text_of =
        |name: &str| (name.to_owned(), bodies.get(name).map_or_else(String::new, |body| unfold(body)));
    let texts = terms.named().into_iter().map(text_of).collect();
    Some(Declared { terms, texts })
}

/// The fields of one paragraph that matter here.
#[derive(Debug, Default)]
struct Paragraph<'a> {
    format: Option<&'a str>,
    files: bool,
    license: Option<License<'a>>,
}

/// A field `License`: its first line and the lines below.
#[derive(Debug)]
struct License<'a> {
    synopsis: &'a str,
    body: &'a str,
}

/// Takes paragraph after paragraph off a text.
struct Paragraphs<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Paragraphs<'a> {
    type Item = Paragraph<'a>;

    fn next(&mut self) -> Option<Paragraph<'a>> {
        let mut paragraph = Paragraph::default();
        let mut any = false;
        while let Some(line) = take_line(&mut self.rest) {
            if line.trim_ascii_end().is_empty() {
                if any {
                    return Some(paragraph);
                }
                continue;
            }
            any = true;
            if line.starts_with([' ', '\t', '#']) {
                continue;
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            let is = |field: &str| name.trim_ascii_end().eq_ignore_ascii_case(field);
            if is("Files") {
                paragraph.files = true;
            } else if is("Format") {
                paragraph.format = Some(value.trim());
            } else if is("License") {
                let body = take_body(&mut self.rest);
                paragraph.license = Some(License { synopsis: value.trim(), body });
            }
        }
        any.then_some(paragraph)
    }
}

/// The next line without its end, which is taken off `rest`.
fn take_line<'a>(rest: &mut &'a str) -> Option<&'a str> {
    if rest.is_empty() {
        return None;
    }
    let end = memchr::memchr(b'\n', rest.as_bytes());
    let line = &rest[..end.unwrap_or(rest.len())];
    *rest = &rest[end.map_or(rest.len(), |end| end + 1)..];
    Some(line)
}

/// The lines at the front of `rest` that go on with a field, comments among them included.
fn take_body<'a>(rest: &mut &'a str) -> &'a str {
    let whole = *rest;
    let mut length = 0;
    while let Some(line) = take_line(&mut *rest) {
        let goes_on = line.starts_with([' ', '\t', '#']) && !line.trim_ascii_end().is_empty();
        if !goes_on {
            break;
        }
        length = whole.len() - rest.len();
    }
    *rest = &whole[length..];
    &whole[..length]
}

/// The lines of a field's body as they are meant: comments left out, one leading blank off, ` .` an empty line.
fn unfold(body: &str) -> String {
    let line = |line: &str| {
        let rest = line.strip_prefix([' ', '\t']).unwrap_or(line).trim_end();
        if rest == "." { String::new() } else { rest.to_owned() }
    };
    body.lines()
        .filter(|line| !line.starts_with('#'))
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
        .trim_matches('\n')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: x

Files: *
Copyright: 2001 A
License: GPL-2+ or sample-terms

Files: debian/*
Copyright: 2002 B
License:   Expat
 Permission is hereby granted
 .
   indented

License: sample-terms
# a comment
 Do as you like.

License: GPL-2+
 See the common licences.
";

    #[test]
    fn files_paragraphs_state_and_standalone_ones_define() {
        let declared = parse(SAMPLE.as_bytes()).unwrap();
        let reference = declared.reference("sample-terms");
        assert_eq!(declared.expression(), format!("(GPL-2.0-or-later OR {reference}) AND MIT"));
        assert_eq!(declared.texts["sample-terms"], "Do as you like.");
        assert_eq!(declared.texts.len(), 1);
        assert!(reference.starts_with("LicenseRef-sample-terms-"), "{reference}");
    }

    #[test]
    fn free_text_states_nothing() {
        assert_eq!(parse(b"This package was debianized by \xff on ..."), None);
        assert_eq!(parse(b""), None);
        assert_eq!(
            parse(b"Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"),
            None
        );
    }

    #[test]
    fn bodies_unfold() {
        assert_eq!(unfold(" one\n .\n   two"), "one\n\n  two");
    }

    /// Every copyright file of the host, where it is a Debian one: `spdx` parses what we make of it.
    #[test]
    fn expressions_of_the_host_are_valid() {
        let Ok(folders) = std::fs::read_dir("/usr/share/doc") else { return };
        let mut parsed = 0;
        for folder in folders.flatten() {
            let Ok(bytes) = std::fs::read(folder.path().join("copyright")) else { continue };
            if let Some(declared) = parse(&bytes) {
                let expression = declared.expression();
                spdx::Expression::parse(&expression)
                    .unwrap_or_else(|error| panic!("{}: {expression}: {error}", folder.path().display()));
                parsed += 1;
            }
        }
        eprintln!("{parsed} machine-readable copyright files");
    }
}
