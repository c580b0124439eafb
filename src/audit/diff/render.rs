//! A difference for people: a summary first, then packages, fields and files, each as short as it can be. Nothing of
//! what was compared reaches the terminal as it is.

use std::fmt::{self, Write};

use super::escape::{safe, safe_pair};
use super::report::{
    Attribute, BytesDifference, Cause, Change, Difference, EntryFacts, FieldDifference, FileDifference, Part,
};
use crate::timestamp::Timestamp;

/// How much is shown.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Packages and fields.
    rows: usize,
    /// Files.
    files: usize,
    /// Parts of a content, and lines of a text.
    parts: usize,
    lines: usize,
    /// Characters of a value.
    value: usize,
}

const FEW: Limits = Limits { rows: 30, files: 60, parts: 8, lines: 16, value: 120 };
const ALL: Limits =
    Limits { rows: usize::MAX, files: usize::MAX, parts: usize::MAX, lines: usize::MAX, value: 4096 };

impl fmt::Display for Difference {
    /// The difference in short; with `{:#}` all of it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limits = if out.alternate() { ALL } else { FEW };
        let names = (safe(&self.left.name, 400), safe(&self.right.name, 400));
        if self.is_empty() {
            return writeln!(out, "{} and {} are the same", names.0, names.1);
        }
        writeln!(out, "{} and {} differ", names.0, names.1)?;
        self.summary(out)?;
        self.packages(out, limits)?;
        self.fields(out, limits)?;
        self.files(out, limits)
    }
}

impl Difference {
    fn summary(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = |changes: &mut dyn Iterator<Item = Change>| {
            let mut counts = [0; 3];
            changes.for_each(|change| counts[change as usize] += 1);
            let words = ["added", "removed", "changed"];
            let parts = counts.iter().zip(words).filter(|(count, _)| **count > 0);
            parts.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
        };
        if !self.packages.is_empty() {
            writeln!(out, "  packages  {}", counts(&mut self.packages.iter().map(|package| package.change)))?;
        }
        if !self.fields.is_empty() {
            let of = |document: &str| self.fields.iter().filter(|field| field.document == document).count();
            let documents = ["manifest", "config"].map(|document| (document, of(document)));
            let parts = documents.iter().filter(|(_, count)| *count > 0);
            let parts: Vec<_> = parts.map(|(name, count)| format!("{count} of the {name}")).collect();
            writeln!(out, "  fields    {}", parts.join(", "))?;
        }
        if !self.files.is_empty() {
            let content = |file: &&FileDifference| file.attributes.contains(&Attribute::Content);
            let contents = self.files.iter().filter(content).count();
            let changed = self.files.iter().any(|file| file.change == Change::Changed);
            let contents = if changed { format!(" ({contents} by content)") } else { String::new() };
            writeln!(
                out,
                "  files     {}{contents}",
                counts(&mut self.files.iter().map(|file| file.change))
            )?;
        }
        Ok(())
    }

    fn packages(&self, out: &mut fmt::Formatter<'_>, limits: Limits) -> fmt::Result {
        if self.packages.is_empty() {
            return Ok(());
        }
        writeln!(out, "\npackages")?;
        let shown = &self.packages[..self.packages.len().min(limits.rows)];
        let width = shown.iter().map(|package| package.name.chars().count()).max().unwrap_or(0).min(60);
        for package in shown {
            let name = safe(&package.name, limits.value);
            let version =
                |version: &Option<String>| safe(version.as_deref().unwrap_or_default(), limits.value);
            let (left, right) = (version(&package.left), version(&package.right));
            match package.change {
                Change::Added => writeln!(out, "  + {name:width$}  {right}")?,
                Change::Removed => writeln!(out, "  - {name:width$}  {left}")?,
                Change::Changed if left == right => {
                    writeln!(out, "  ~ {name:width$}  {left}, the same version")?;
                }
                Change::Changed => writeln!(out, "  ~ {name:width$}  {left} -> {right}")?,
            }
        }
        more(out, "  ", self.packages.len() - shown.len())
    }

    fn fields(&self, out: &mut fmt::Formatter<'_>, limits: Limits) -> fmt::Result {
        if self.fields.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nfields")?;
        let shown = &self.fields[..self.fields.len().min(limits.rows)];
        shown.iter().try_for_each(|field| write_field(out, field, limits))?;
        more(out, "  ", self.fields.len() - shown.len())
    }

    fn files(&self, out: &mut fmt::Formatter<'_>, limits: Limits) -> fmt::Result {
        if self.files.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nfiles")?;
        let shown = &self.files[..self.files.len().min(limits.files)];
        for file in shown {
            write_file(out, file, limits)?;
        }
        more(out, "  ", self.files.len() - shown.len())
    }
}

fn more(out: &mut fmt::Formatter<'_>, indent: &str, count: usize) -> fmt::Result {
    if count == 0 { Ok(()) } else { writeln!(out, "{indent}… and {count} more") }
}

fn write_field(out: &mut fmt::Formatter<'_>, field: &FieldDifference, limits: Limits) -> fmt::Result {
    let value =
        |value: &Option<serde_json::Value>| value.as_ref().map_or("nothing".to_owned(), |it| it.to_string());
    let path = safe(&field.path, limits.value);
    let [left, right] = safe_pair(&value(&field.left), &value(&field.right), limits.value);
    writeln!(out, "  {}{path}: {left} -> {right}", field.document)
}

fn write_file(out: &mut fmt::Formatter<'_>, file: &FileDifference, limits: Limits) -> fmt::Result {
    let path = safe(&file.path.absolute(), 400);
    let mark = mark(file.change);
    write!(out, "  {mark} {path}")?;
    let package = file.package.as_ref().map(|package| format!(" ({})", safe(package, limits.value)));
    write!(out, "{}", package.unwrap_or_default())?;
    match (&file.left, &file.right) {
        (Some(left), Some(right)) => {
            let facts = file.attributes.iter().map(|attribute| attribute_text(*attribute, left, right));
            write!(out, ": {}", facts.collect::<Vec<_>>().join(", "))?;
        }
        (facts, other) => {
            if let Some(facts) = facts.as_ref().or(other.as_ref()) {
                write!(out, ": {}", entry_text(facts))?;
            }
        }
    }
    out.write_char('\n')?;
    match &file.content {
        Some(part) => write_part_body(out, part, 6, limits),
        None if file.attributes.contains(&Attribute::Content) => {
            writeln!(out, "      not looked into; `--all` looks into every file")
        }
        None => Ok(()),
    }
}

fn mark(change: Change) -> char {
    match change {
        Change::Added => '+',
        Change::Removed => '-',
        Change::Changed => '~',
    }
}

fn entry_text(facts: &EntryFacts) -> String {
    let mut text = format!("{} {} {}:{}", facts.kind, facts.mode, facts.uid, facts.gid);
    if let Some(size) = facts.size {
        let _ = write!(text, ", {size} bytes");
    }
    if let Some(target) = &facts.target {
        let _ = write!(text, " to {}", safe(target, 200));
    }
    text
}

fn attribute_text(attribute: Attribute, left: &EntryFacts, right: &EntryFacts) -> String {
    let pair = |name: &str, left: String, right: String| format!("{name} {left} -> {right}");
    let time = |facts: &EntryFacts| Timestamp(facts.time).to_string();
    match attribute {
        Attribute::Kind => pair("kind", entry_text(left), entry_text(right)),
        Attribute::Mode => pair("mode", left.mode.clone(), right.mode.clone()),
        Attribute::Owner => {
            let owner = |facts: &EntryFacts| format!("{}:{}", facts.uid, facts.gid);
            pair("owner", owner(left), owner(right))
        }
        Attribute::Time => pair("time", time(left), time(right)),
        Attribute::Xattrs => {
            let text = |facts: &EntryFacts| match facts.xattrs.is_empty() {
                true => "none".to_owned(),
                false => safe(&format!("{:?}", facts.xattrs), 200),
            };
            pair("attributes", text(left), text(right))
        }
        Attribute::Links => {
            let name = |facts: &EntryFacts| match &facts.hard_link {
                Some(path) => safe(&path.absolute(), 200),
                None => "none".to_owned(),
            };
            pair("hard link", name(left), name(right))
        }
        Attribute::Target => {
            let target = |facts: &EntryFacts| safe(facts.target.as_deref().unwrap_or_default(), 200);
            pair("target", target(left), target(right))
        }
        Attribute::Content => match (left.size, right.size) {
            (Some(one), Some(other)) if one != other => format!("content, {one} -> {other} bytes"),
            _ => "content".to_owned(),
        },
    }
}

/// What a part says of itself, and of its own parts, `indent` deep.
fn write_part_body(out: &mut fmt::Formatter<'_>, part: &Part, indent: usize, limits: Limits) -> fmt::Result {
    let space = " ".repeat(indent);
    for cause in &part.causes {
        writeln!(out, "{space}{}", safe(&cause.to_string(), 2 * limits.value))?;
    }
    for field in part.fields.iter().take(limits.parts) {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "none".to_owned());
        let name = safe(&field.name, limits.value);
        let [left, right] = safe_pair(&value(&field.left), &value(&field.right), limits.value);
        writeln!(out, "{space}{name}: {left} -> {right}")?;
    }
    more(out, &space, part.fields.len().saturating_sub(limits.parts))?;
    if let Some(text) = &part.text {
        for line in text.lines.iter().take(limits.lines) {
            writeln!(out, "{space}{}", safe(line, 2 * limits.value))?;
        }
        let left = text.lines.len().saturating_sub(limits.lines) + text.more;
        if left > 0 {
            writeln!(out, "{space}… and {left} more lines")?;
        }
    }
    if let Some(bytes) = &part.bytes {
        write_bytes(out, bytes, &space)?;
    }
    if let Some(note) = &part.note {
        writeln!(out, "{space}{}", safe(note, limits.value))?;
    }
    for inner in part.parts.iter().take(limits.parts) {
        let format = match inner.format {
            "" | "bytes" => String::new(),
            format => format!(" ({format})"),
        };
        writeln!(out, "{space}{} {}{format}", mark(inner.change), safe(&inner.name, limits.value))?;
        write_part_body(out, inner, indent + 4, limits)?;
    }
    more(out, &space, part.parts.len().saturating_sub(limits.parts) + part.more)
}

fn write_bytes(out: &mut fmt::Formatter<'_>, bytes: &BytesDifference, space: &str) -> fmt::Result {
    let BytesDifference { offset, count, sizes, shown_from, hex } = bytes;
    write!(out, "{space}")?;
    match (count, sizes[0] == sizes[1]) {
        (0, _) => writeln!(out, "the shorter ends at byte {offset}, the longer goes on")?,
        (1, _) => writeln!(out, "one byte differs, at {offset}")?,
        (count, true) => writeln!(out, "{count} bytes differ, the first at {offset}")?,
        (count, false) => {
            writeln!(out, "{count} of the bytes that both have differ, the first at {offset}")?;
        }
    }
    for (mark, hex) in ['-', '+'].iter().zip(hex) {
        writeln!(out, "{space}{mark} {shown_from:08x}  {}", hex_row(hex))?;
    }
    Ok(())
}

/// Hexadecimal digits in pairs, with the characters that they stand for.
fn hex_row(hex: &str) -> String {
    let bytes: Vec<u8> = (0..hex.len() / 2)
        .filter_map(|at| u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok())
        .collect();
    let bytes = &bytes[..bytes.len().min(16)];
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let shown = |byte: &u8| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '.' };
    format!("{:47}  {}", pairs.join(" "), bytes.iter().map(shown).collect::<String>())
}

impl fmt::Display for Cause {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuildPath { left, right } => {
                write!(out, "cause: a path of the build: {left}, then {right}")
            }
            Self::Time { left, right } => write!(out, "cause: a time: {left}, then {right}"),
            Self::Address { left, right } => {
                write!(out, "cause: an address in memory: {left}, then {right}")
            }
            Self::Identifier { left, right } => {
                write!(out, "cause: a digest or a random identifier: {left}, then {right}")
            }
            Self::LineOrder => out.write_str("cause: the same lines in another order"),
            Self::MemberOrder => out.write_str("cause: the same parts in another order"),
            Self::Compression => out.write_str("cause: the same content, packed in another way"),
            Self::Blanks => out.write_str("cause: blanks or line ends alone"),
        }
    }
}
