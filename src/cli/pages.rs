//! The book's pages on errors, which the program carries with it: one entry for each code.
//!
//! An entry is a section that begins with its code, with a recipe that has the error and perhaps a mended one, or a
//! row of a table. Tests include this file by its path: what they run is what `hbuild explain` prints.

use std::sync::LazyLock;

/// The pages, by the name of their file in `docs/src/errors`.
const PAGES: &[(&str, &str)] = &[
    ("alpine-resolver.md", include_str!("../../docs/src/errors/alpine-resolver.md")),
    ("archive.md", include_str!("../../docs/src/errors/archive.md")),
    ("bundle.md", include_str!("../../docs/src/errors/bundle.md")),
    ("debian-repository.md", include_str!("../../docs/src/errors/debian-repository.md")),
    ("debian-resolver.md", include_str!("../../docs/src/errors/debian-resolver.md")),
    ("diff.md", include_str!("../../docs/src/errors/diff.md")),
    ("evidence.md", include_str!("../../docs/src/errors/evidence.md")),
    ("exec.md", include_str!("../../docs/src/errors/exec.md")),
    ("graph.md", include_str!("../../docs/src/errors/graph.md")),
    ("host.md", include_str!("../../docs/src/errors/host.md")),
    ("image.md", include_str!("../../docs/src/errors/image.md")),
    ("import.md", include_str!("../../docs/src/errors/import.md")),
    ("language.md", include_str!("../../docs/src/errors/language.md")),
    ("lock.md", include_str!("../../docs/src/errors/lock.md")),
    ("merge.md", include_str!("../../docs/src/errors/merge.md")),
    ("policy.md", include_str!("../../docs/src/errors/policy.md")),
    ("remote.md", include_str!("../../docs/src/errors/remote.md")),
    ("reproduce.md", include_str!("../../docs/src/errors/reproduce.md")),
    ("sandbox.md", include_str!("../../docs/src/errors/sandbox.md")),
    ("signing.md", include_str!("../../docs/src/errors/signing.md")),
    ("store.md", include_str!("../../docs/src/errors/store.md")),
    ("syntax.md", include_str!("../../docs/src/errors/syntax.md")),
    ("test.md", include_str!("../../docs/src/errors/test.md")),
    ("usage.md", include_str!("../../docs/src/errors/usage.md")),
    ("verify.md", include_str!("../../docs/src/errors/verify.md")),
];

/// What the book says of one code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The code.
    pub code: &'static str,
    /// The name of its page's file.
    pub page: &'static str,
    /// Whether the entry is a section of its own, that a link can lead to.
    pub section: bool,
    /// Whether it is a warning.
    pub warning: bool,
    /// What it means and what to do: Markdown without headings and examples.
    pub text: String,
    /// A recipe that has it, and a mended one, as they stand in the book.
    pub examples: Vec<&'static str>,
    /// Other codes that the first example has too.
    pub also: Vec<&'static str>,
}

/// All entries, by code.
pub fn entries() -> &'static [Entry] {
    static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
        let mut entries: Vec<Entry> = PAGES.iter().flat_map(|(name, text)| of_page(name, text)).collect();
        entries.sort_by_key(|entry| entry.code);
        entries
    });
    &ENTRIES
}

/// The entry of a code.
pub fn entry(code: &str) -> Option<&'static Entry> {
    let entries = entries();
    entries.binary_search_by_key(&code, |entry| entry.code).ok().map(|found| &entries[found])
}

impl Entry {
    /// The first sentence, on one line.
    pub fn summary(&self) -> String {
        let end = self.text.find(". ").map_or(self.text.len(), |end| end + 1);
        self.text[..end].split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Where it stands in the book, relative to its root: `errors/language.html#hbuildlangunknown_name`.
    pub fn place(&self) -> String {
        let page = self.page.trim_end_matches(".md");
        match self.section {
            true => format!("errors/{page}.html#{}", self.code.replace(':', "")),
            false => format!("errors/{page}.html"),
        }
    }
}

fn of_page(page: &'static str, text: &'static str) -> Vec<Entry> {
    let starts: Vec<usize> = text.match_indices("\n## hbuild::").map(|(at, _)| at + "\n## ".len()).collect();
    let ends = starts.iter().skip(1).map(|next| next - "## ".len()).chain([text.len()]);
    let sections = starts.iter().zip(ends).filter_map(|(start, end)| of_section(page, &text[*start..end]));
    let rows = text.lines().filter_map(|line| of_row(page, line));
    sections.chain(rows).collect()
}

/// The entry of a section: its code, then text and examples.
fn of_section(page: &'static str, section: &'static str) -> Option<Entry> {
    let (code, body) = section.split_once('\n')?;
    let (mut examples, mut paragraphs, mut also) = (Vec::new(), Vec::new(), Vec::new());
    for (index, part) in body.split("```").enumerate() {
        if index % 2 == 1 {
            examples.extend(part.strip_prefix("hb\n"));
            continue;
        }
        for paragraph in part.trim().split("\n\n").filter(|text| !text.is_empty() && *text != "Mended:") {
            match paragraph.strip_prefix("With it: ") {
                Some(codes) => also.extend(codes.split('`').skip(1).step_by(2)),
                None => paragraphs.push(joined(paragraph)),
            }
        }
    }
    let text = paragraphs.join("\n\n");
    let warning = text.starts_with("Warning: ");
    let text = text.strip_prefix("Warning: ").map_or(text.clone(), capitalised);
    Some(Entry { code, page, section: true, warning, text, examples, also })
}

/// The entry of a row: code, meaning, what to do.
fn of_row(page: &'static str, line: &'static str) -> Option<Entry> {
    let cells: Vec<&str> = line.strip_prefix("| `")?.split(" | ").collect();
    let code = cells.first()?.strip_suffix('`').filter(|code| code.starts_with("hbuild::"))?;
    let cells: Vec<&str> = cells[1..].iter().map(|cell| cell.trim_end_matches(" |")).collect();
    let (warning, text, also) = (false, cells.join(" "), Vec::new());
    Some(Entry { code, page, section: false, warning, text, examples: Vec::new(), also })
}

/// A paragraph on one line; lists keep theirs.
fn joined(paragraph: &str) -> String {
    if paragraph.starts_with("- ") {
        return paragraph.to_owned();
    }
    paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
