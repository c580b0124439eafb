//! Texts as the recipe language writes them: strings, blocks of several lines, names.
//!
//! Signs of the private use area (see `symbolic` and `levels`) stay in the strings until [`finish`] puts in what they
//! stand for.

use super::symbolic::{ArchLets, SOURCE, TARGET};

/// The whole version of a release.
pub const VERSION: char = '\u{e010}';
/// Its first two numbers.
pub const PREFIX: char = '\u{e011}';
/// Its first number.
pub const MAJOR: char = '\u{e012}';
/// The first sign of a variable that follows the release.
pub const VARIABLES: u32 = 0xe400;

/// Names that the language has taken, or the importer.
const TAKEN: &[&str] = &[
    "let",
    "fn",
    "import",
    "for",
    "in",
    "when",
    "match",
    "is",
    "use",
    "and",
    "or",
    "not",
    "true",
    "false",
    "none",
    "alpine",
    "amd64",
    "any",
    "arm64",
    "attrs",
    "contains",
    "debian",
    "delete",
    "dev",
    "directory",
    "equals",
    "file",
    "full",
    "keep",
    "listed",
    "loopback",
    "runtime",
    "symlink",
    "version",
    "release",
    "releases",
    "distro",
    "flavor",
    "arch",
    "profile",
    "base",
    "tag",
    "prefix",
    "prefixes",
    "suffix",
];

/// Whether `letter` is one of the signs.
pub fn is_sign(letter: char) -> bool {
    ('\u{e000}'..='\u{e7ff}').contains(&letter)
}

/// The text as a name of the language: lower-case words with `-` between them.
pub fn name(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            'a'..='z' | '0'..='9' => out.push(letter),
            'A'..='Z' => out.push(letter.to_ascii_lowercase()),
            _ if out.ends_with('-') || out.is_empty() => {}
            _ => out.push('-'),
        }
    }
    let out = out.trim_end_matches('-').to_owned();
    match out.chars().next() {
        None => "unnamed".to_owned(),
        Some('0'..='9') => format!("n{out}"),
        _ if TAKEN.contains(&out.as_str()) => format!("{out}-name"),
        _ => out,
    }
}

/// Whether a character must be written as `\u{…}`: it cannot be seen, or changes the order of others.
fn is_hidden(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
        || ('\u{202a}'..='\u{202e}').contains(&letter)
        || ('\u{2066}'..='\u{2069}').contains(&letter)
}

/// The text between quotes, on one line.
pub fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '{' if letters.peek().is_some_and(|next| *next == '{' || is_sign(*next)) => {
                out.push_str("\\u{7b}")
            }
            letter if is_hidden(letter) => out.push_str(&format!("\\u{{{:x}}}", letter as u32)),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

/// The text as it reads best: on lines between triple quotes where it has several and nothing stands against it.
pub fn text(text: &str) -> String {
    if !text.trim_end_matches('\n').contains('\n') || !fits_block(text) {
        return string(text);
    }
    block(text)
}

/// Whether triple quotes give the text back as it is.
fn fits_block(text: &str) -> bool {
    let mut indented = true;
    for line in text.split_inclusive('\n') {
        let line = line.strip_suffix('\n').unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        if line.trim().is_empty() || line.starts_with('\t') {
            return false;
        }
        indented &= line.starts_with(' ');
    }
    let braced = || {
        let mut before = ' ';
        text.chars().any(|letter| {
            let found = before == '{' && (letter == '{' || is_sign(letter));
            before = letter;
            found
        })
    };
    !indented
        && !text.contains("\"\"\"")
        && !text.ends_with('"')
        && !text.starts_with('\n')
        && !text.chars().any(|letter| letter != '\n' && letter != '\t' && is_hidden(letter))
        && !braced()
}

fn block(text: &str) -> String {
    let mut out = String::from("\"\"\"\n");
    for line in text.split_inclusive('\n') {
        if line != "\n" {
            out.push_str("    ");
        }
        out.push_str(line);
    }
    if text.ends_with('\n') {
        out.push_str("  ");
    }
    out.push_str("\"\"\"");
    out
}

/// A script: on lines where it has several, else on one with as few escapes as can be.
pub fn script(text: &str) -> String {
    let trimmed = text.trim_end();
    if trimmed.contains('\n') {
        return self::text(&format!("{trimmed}\n"));
    }
    let plain =
        !trimmed.contains(['"', '\\']) || trimmed.contains("\"\"\"") || trimmed.chars().any(is_hidden);
    if plain || !fits_block(trimmed.trim_end_matches('"')) {
        return string(trimmed);
    }
    let space = if trimmed.ends_with('"') { " " } else { "" };
    format!("\"\"\"{trimmed}{space}\"\"\"")
}

/// The key of a map: a name, a word, or a string.
pub fn key(text: &str) -> String {
    let word = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let kebab = text.split('-').all(|part| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    }) && text.starts_with(|first: char| first.is_ascii_lowercase());
    let reserved = TAKEN[..15].contains(&text);
    if (word || kebab) && !reserved { text.to_owned() } else { string(text) }
}

/// A list of expressions.
pub fn list(elements: &[String]) -> String {
    format!("[{}]", elements.join(", "))
}

/// The strings of code and what stands between them, in order. Code between strings has no quotes.
pub fn pieces(code: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find('"') {
        pieces.push(Piece::Code(&rest[..at]));
        let block = rest[at..].starts_with("\"\"\"");
        let quotes = if block { 3 } else { 1 };
        let inner = &rest[at + quotes..];
        let end = if block { inner.find("\"\"\"").unwrap_or(inner.len()) } else { closing(inner) };
        pieces.push(Piece::String { inner: &inner[..end], block });
        rest = inner.get(end + quotes..).unwrap_or("");
    }
    pieces.push(Piece::Code(rest));
    pieces
}

/// A part of code.
pub enum Piece<'c> {
    /// What is no string.
    Code(&'c str),
    /// What stands between quotes, escapes and all.
    String {
        /// The text between the quotes.
        inner: &'c str,
        /// Whether there are three quotes.
        block: bool,
    },
}

/// Where the string ends whose opening quote is before `inner`.
fn closing(inner: &str) -> usize {
    let bytes = inner.as_bytes();
    let mut at = 0;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at.min(bytes.len())
}

/// The code with what its signs stand for. `variables` are the names of those that follow the release.
pub fn finish(code: &str, lets: &ArchLets, variables: &[String]) -> String {
    let mut out = String::with_capacity(code.len());
    let pieces = pieces(code);
    for (at, piece) in pieces.iter().enumerate() {
        let (inner, block) = match piece {
            Piece::Code(code) => {
                out.push_str(code);
                continue;
            }
            Piece::String { inner, block } => (inner, *block),
        };
        let is_key = matches!(pieces.get(at + 1), Some(Piece::Code(next))
            if next.trim_start().starts_with('=') && !next.trim_start().starts_with("=="));
        let mut letters = inner.chars();
        if let (Some(only), None, false) = (letters.next(), letters.next(), is_key)
            && let Some(name) = named(only, lets, variables)
        {
            out.push_str(&name);
            continue;
        }
        let quotes = if block { "\"\"\"" } else { "\"" };
        out.push_str(quotes);
        inner.chars().for_each(|letter| put(&mut out, letter, lets, variables));
        out.push_str(quotes);
    }
    out
}

/// The name of the `let` that a sign stands for.
fn named(sign: char, lets: &ArchLets, variables: &[String]) -> Option<String> {
    let variable = || variables.get((sign as u32).checked_sub(VARIABLES)? as usize).cloned();
    is_sign(sign).then(|| lets.get(sign).map(|(name, _)| name).or_else(variable)).flatten()
}

fn put(out: &mut String, letter: char, lets: &ArchLets, variables: &[String]) {
    match letter {
        SOURCE => out.push_str("/build/src"),
        TARGET => out.push_str("/out"),
        VERSION => out.push_str("{{release.version}}"),
        PREFIX => out.push_str("{{release.version.prefix(2)}}"),
        MAJOR => out.push_str("{{release.version.major}}"),
        letter => match named(letter, lets, variables) {
            Some(name) => out.push_str(&format!("{{{{{name}}}}}")),
            None => out.push(letter),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_names() {
        assert_eq!(name("RUST_SHA"), "rust-sha");
        assert_eq!(name("ARCH"), "arch-name");
        assert_eq!(name("7zip"), "n7zip");
        assert_eq!(name("a__b."), "a-b");
    }

    #[test]
    fn strings_give_their_text_back() {
        for original in ["a\"b\\c\n\td", "{{x}}", "\u{202e}", "é {{{", "${X} \\1 #{y}"] {
            let recipe = format!("hbuild 1\nlet x = {}\n", string(original));
            let tree = hbuild_lang::format::format(&recipe);
            assert!(tree.is_ok(), "{recipe}");
        }
    }
}
