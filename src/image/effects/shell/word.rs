//! Words of the shell language: quoting and expansions.

use super::ShellError;

/// How deep quotes and substitutions may nest.
const DEPTH: usize = 60;

/// A word before expansion.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Word {
    /// Its parts in order.
    pub parts: Vec<Part>,
}

/// A part of a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that stands for itself.
    Text {
        /// The text.
        text: String,
        /// Whether it was quoted; what is not can be a glob.
        quoted: bool,
    },
    /// A variable, with the text of `${x:-text}`.
    Variable {
        /// Its name, `1` for the first argument.
        name: String,
        /// Whether it was quoted; what is not is split into words.
        quoted: bool,
        /// What it is where it is empty.
        default: Option<String>,
    },
    /// Something that only running would tell.
    Opaque,
}

impl Word {
    /// The text of a word without any expansion.
    pub fn literal(&self) -> Option<String> {
        self.parts.iter().try_fold(String::new(), |whole, part| match part {
            Part::Text { text, .. } => Some(whole + text),
            _ => None,
        })
    }

    /// The text when no part of it was quoted: only then can it be a keyword.
    pub fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text { text, quoted: false }] => Some(text),
            _ => None,
        }
    }

    fn push(&mut self, character: char, quoted: bool) {
        match self.parts.last_mut() {
            Some(Part::Text { text, quoted: last }) if *last == quoted => text.push(character),
            _ => self.parts.push(Part::Text { text: character.to_string(), quoted }),
        }
    }
}

/// Reads the word at `at`; returns it and where it ends. `None` where no word begins.
pub(super) fn read(text: &[char], mut at: usize) -> Result<Option<(Word, usize)>, ShellError> {
    let start = at;
    let mut word = Word::default();
    let mut empty = false;
    while let Some(&character) = text.get(at) {
        match character {
            ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
            '\\' => {
                match text.get(at + 1) {
                    Some('\n') | None => {}
                    Some(&next) => word.push(next, true),
                }
                at += 2;
            }
            '\'' => {
                let end = find(text, at + 1, '\'')?;
                empty = true;
                text[at + 1..end].iter().for_each(|&character| word.push(character, true));
                at = end + 1;
            }
            '"' => {
                empty = true;
                at = double_quoted(text, at + 1, &mut word, 0)?;
            }
            '$' | '`' => at = expansion(text, at, false, &mut word, 0)?,
            other => {
                word.push(other, false);
                at += 1;
            }
        }
    }
    if empty && word.parts.is_empty() {
        word.parts.push(Part::Text { text: String::new(), quoted: true });
    }
    Ok((at > start).then_some((word, at)))
}

fn double_quoted(text: &[char], mut at: usize, word: &mut Word, depth: usize) -> Result<usize, ShellError> {
    if depth > DEPTH {
        return Err(ShellError);
    }
    loop {
        match text.get(at) {
            None => return Err(ShellError),
            Some('"') => return Ok(at + 1),
            Some('\\') => {
                match text.get(at + 1) {
                    Some(&next @ ('$' | '`' | '"' | '\\')) => word.push(next, true),
                    Some('\n') => {}
                    Some(&next) => {
                        word.push('\\', true);
                        word.push(next, true);
                    }
                    None => return Err(ShellError),
                }
                at += 2;
            }
            Some('$' | '`') => at = expansion(text, at, true, word, depth + 1)?,
            Some(&other) => {
                word.push(other, true);
                at += 1;
            }
        }
    }
}

/// Reads the expansion at `at`, a dollar sign or a backquote.
fn expansion(
    text: &[char],
    at: usize,
    quoted: bool,
    word: &mut Word,
    depth: usize,
) -> Result<usize, ShellError> {
    if text[at] == '`' {
        word.parts.push(Part::Opaque);
        return Ok(find(text, at + 1, '`')? + 1);
    }
    let name_end = |from: usize| {
        let length = text[from..].iter().take_while(|c| c.is_ascii_alphanumeric() || **c == '_').count();
        from + length
    };
    match text.get(at + 1) {
        Some('(') => {
            word.parts.push(Part::Opaque);
            closing_parenthesis(text, at + 2, depth)
        }
        Some('{') => {
            let end = closing_brace(text, at + 2)?;
            let inside: String = text[at + 2..end].iter().collect();
            let stop = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
            let (name, rest) = inside.split_at(stop);
            let default = rest.strip_prefix(":-").filter(|text| !text.contains(['$', '`', '"', '\'']));
            let known = !name.is_empty() && (rest.is_empty() || default.is_some());
            // `${x:+…}` of a variable that is empty is empty: what DPKG_ROOT is used for.
            let alternative = !name.is_empty() && rest.starts_with(":+") && name == "DPKG_ROOT";
            word.parts.push(match (known, alternative) {
                (true, _) => {
                    let default = default.map(str::to_owned);
                    Part::Variable { name: name.to_owned(), quoted, default }
                }
                (_, true) => Part::Variable { name: name.to_owned(), quoted, default: None },
                _ => Part::Opaque,
            });
            Ok(end + 1)
        }
        Some(first) if first.is_ascii_alphabetic() || *first == '_' => {
            let end = name_end(at + 1);
            let name = text[at + 1..end].iter().collect();
            word.parts.push(Part::Variable { name, quoted, default: None });
            Ok(end)
        }
        Some(&digit) if digit.is_ascii_digit() => {
            word.parts.push(Part::Variable { name: digit.to_string(), quoted, default: None });
            Ok(at + 2)
        }
        Some('@' | '*' | '#' | '?' | '$' | '!' | '-') => {
            word.parts.push(Part::Opaque);
            Ok(at + 2)
        }
        _ => {
            word.push('$', quoted);
            Ok(at + 1)
        }
    }
}

fn find(text: &[char], from: usize, wanted: char) -> Result<usize, ShellError> {
    let mut at = from;
    while let Some(&character) = text.get(at) {
        if character == wanted {
            return Ok(at);
        }
        at += if character == '\\' && wanted == '`' { 2 } else { 1 };
    }
    Err(ShellError)
}

fn closing_brace(text: &[char], mut at: usize) -> Result<usize, ShellError> {
    let mut depth = 0;
    while let Some(&character) = text.get(at) {
        match character {
            '}' if depth == 0 => return Ok(at),
            '}' => depth -= 1,
            '{' => depth += 1,
            _ => {}
        }
        at += 1;
    }
    Err(ShellError)
}

/// The place behind the parenthesis that closes the one before `at`.
fn closing_parenthesis(text: &[char], mut at: usize, depth: usize) -> Result<usize, ShellError> {
    let mut open = 0;
    while let Some(&character) = text.get(at) {
        match character {
            ')' if open == 0 => return Ok(at + 1),
            ')' => open -= 1,
            '(' => open += 1,
            '\\' => at += 1,
            '\'' => at = find(text, at + 1, '\'')?,
            '"' => at = double_quoted(text, at + 1, &mut Word::default(), depth + 1)? - 1,
            _ => {}
        }
        at += 1;
    }
    Err(ShellError)
}
