//! Machine-readable copyright files of Debian packages, as
//! <https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/> defines them.
//!
//! Receives the text, which is hostile like everything from an archive, and returns the licences that its
//! `Files` paragraphs state. Text of any other form states nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::license::{self, Terms};
use crate::digest::Sha256;

/// Longest file that is read, in bytes; a longer one states nothing.
pub const SIZE_LIMIT: u64 = 2 << 20;

/// What a copyright file declares.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    let paragraphs = paragraphs(&text);
    let header = paragraphs.first()?;
    if !header.get("format").is_some_and(|format| format.contains("copyright-format/1.")) {
        return None;
    }
    let mut seen = BTreeSet::new();
    let mut stated = Vec::new();
    let mut bodies: BTreeMap<String, String> = BTreeMap::new();
    for paragraph in &paragraphs {
        let Some(field) = paragraph.get("license") else { continue };
        let (synopsis, body) = field.split_once('\n').unwrap_or((field, ""));
        let synopsis = synopsis.split_whitespace().collect::<Vec<_>>().join(" ");
        if !body.trim().is_empty() {
            bodies.entry(synopsis.clone()).or_insert_with(|| unfold(body));
        }
        if paragraph.contains_key("files") && seen.insert(synopsis.clone()) {
            stated.extend(license::parse(&synopsis));
        }
    }
    let terms = Terms::all(stated)?;
    let text_of = |name: &str| (name.to_owned(), bodies.get(name).cloned().unwrap_or_default());
    let texts = terms.named().into_iter().map(text_of).collect();
    Some(Declared { terms, texts })
}

/// The paragraphs, each as its fields by lower-case name; a field's further lines keep their line ends.
fn paragraphs(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut all = Vec::new();
    let mut fields: BTreeMap<String, String> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in text.lines() {
        if line.trim().is_empty() {
            if !fields.is_empty() {
                all.push(std::mem::take(&mut fields));
            }
            current = None;
        } else if line.starts_with([' ', '\t']) {
            if let Some(value) = current.as_ref().and_then(|name| fields.get_mut(name)) {
                value.push('\n');
                value.push_str(line);
            }
        } else if !line.starts_with('#') {
            current = line.split_once(':').map(|(name, value)| {
                let name = name.trim().to_ascii_lowercase();
                fields.insert(name.clone(), value.trim().to_owned());
                name
            });
        }
    }
    if !fields.is_empty() {
        all.push(fields);
    }
    all
}

/// The lines of a field's body as they are meant: one leading blank off, ` .` is an empty line.
fn unfold(body: &str) -> String {
    let line = |line: &str| {
        let rest = line.strip_prefix([' ', '\t']).unwrap_or(line).trim_end();
        if rest == "." { String::new() } else { rest.to_owned() }
    };
    body.lines().map(line).collect::<Vec<_>>().join("\n").trim_matches('\n').to_owned()
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
