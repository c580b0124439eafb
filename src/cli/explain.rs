//! `hbuild explain`: the book's entry on an error, which the program carries with it.

use hbuild_lang::diagnostic::nearest;
use serde::Serialize;

use super::arguments::ExplainArguments;
use super::pages::{self, Entry};
use super::report::{Failure, UsageError};
use super::{print, print_json};

/// An entry for programs.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    code: &'a str,
    severity: &'a str,
    summary: String,
    text: &'a str,
    examples: &'a [&'static str],
    docs: String,
}

/// Prints the entry of a code, or one line for each code.
pub fn run(arguments: &ExplainArguments) -> Result<(), Failure> {
    let Some(code) = &arguments.code else {
        let entries = pages::entries();
        if arguments.json {
            return print_json(&entries.iter().map(explained).collect::<Vec<_>>());
        }
        let width = entries.iter().map(|entry| entry.code.len()).max().unwrap_or_default();
        let line = |entry: &Entry| format!("{:width$}  {}\n", entry.code, entry.summary());
        return print(&entries.iter().map(line).collect::<String>());
    };
    let entry = find(code)?;
    match arguments.json {
        true => print_json(&explained(entry)),
        false => print(&text(entry)),
    }
}

/// The entry of `hbuild::lang::unknown_field`, of `lang::unknown_field`, or of `unknown_field` where no other stage
/// has that name.
fn find(code: &str) -> Result<&'static Entry, Failure> {
    let ending = format!("::{code}");
    let found: Vec<&Entry> =
        pages::entries().iter().filter(|entry| entry.code == code || entry.code.ends_with(&ending)).collect();
    if let [found] = found.as_slice() {
        return Ok(found);
    }
    let several: Vec<&str> = found.iter().map(|entry| entry.code).collect();
    let help = if several.is_empty() {
        let last = |code: &'static str| code.rsplit("::").next().unwrap_or(code);
        let word = code.rsplit("::").next().unwrap_or(code);
        let near = nearest(word, pages::entries().iter().map(|entry| last(entry.code)));
        let near = near.and_then(|near| pages::entries().iter().find(|entry| last(entry.code) == near));
        match near {
            Some(near) => format!("did you mean `{}`? `hbuild explain` alone lists all codes", near.code),
            None => "`hbuild explain` alone lists all codes".to_owned(),
        }
    } else {
        format!("say which: {}", several.join(", "))
    };
    Err(Failure::new(UsageError::NoSuchCode { code: code.to_owned(), help }))
}

fn explained(entry: &Entry) -> Explained<'_> {
    Explained {
        code: entry.code,
        severity: if entry.warning { "warning" } else { "error" },
        summary: entry.summary(),
        text: &entry.text,
        examples: &entry.examples,
        docs: entry.place(),
    }
}

fn text(entry: &Entry) -> String {
    const WIDTH: usize = 96;
    let severity = if entry.warning { " (a warning)" } else { "" };
    let mut text = format!("{}{severity}\n", entry.code);
    for paragraph in entry.text.split("\n\n") {
        text.push('\n');
        for line in paragraph.lines() {
            text.push_str(&wrapped(line, WIDTH));
        }
    }
    for (example, title) in entry.examples.iter().zip(["For example:", "Mended:"]) {
        text.push_str(&format!("\n{title}\n\n"));
        text.extend(example.lines().map(|line| format!("    {line}\n")));
    }
    text
}

fn wrapped(line: &str, width: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in line.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out + "\n"
}
