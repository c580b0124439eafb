//! Reports as one document in the Static Analysis Results Interchange Format, version 2.1.0 (OASIS): what code hosts
//! and editors show beside the lines of a change.

use std::path::{Component, Path, PathBuf};

use serde_json::{Value, json};

use super::finding::{Finding, Place, Range, Suggestion};
use crate::cli::pages::{self, Entry};

/// The folder that paths are relative to.
const ROOT: &str = "%SRCROOT%";
/// What stands for the modules that hbuild holds.
const STANDARD: &str = "HBUILD";

/// The document, with a line end; `status` is the command's.
pub fn document(findings: &[Finding], status: u8) -> String {
    let mut rules: Vec<&str> = findings.iter().filter_map(|finding| finding.code.as_deref()).collect();
    rules.sort_unstable();
    rules.dedup();
    let index = |code: &str| rules.iter().position(|rule| *rule == code);
    let document = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "hbuild",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {
                ROOT: { "description": { "text": "The folder in which hbuild was run." } },
                STANDARD: { "description": { "text": "The standard library, which hbuild holds itself." } },
            },
            "invocations": [{
                "executionSuccessful": status < 2,
                "exitCode": status,
            }],
            "results": findings
                .iter()
                .map(|finding| result(finding, finding.code.as_deref().and_then(index)))
                .collect::<Vec<_>>(),
        }],
    });
    let mut text = serde_json::to_string_pretty(&document).expect("a document serialises to JSON");
    text.push('\n');
    text
}

fn rule(code: &str) -> Value {
    let Some(entry) = pages::entry(code) else { return json!({ "id": code }) };
    json!({
        "id": code,
        "name": name(code),
        "shortDescription": { "text": entry.summary() },
        "fullDescription": { "text": entry.text },
        "help": { "text": help(entry, "", ""), "markdown": help(entry, "```hb\n", "```\n") },
        "defaultConfiguration": { "level": if entry.warning { "warning" } else { "error" } },
    })
}

/// The code's last part in the form that the format wants for names: `UnknownField`.
fn name(code: &str) -> String {
    let last = code.rsplit("::").next().unwrap_or(code);
    let capitalised = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect::<String>()
    };
    last.split('_').map(capitalised).collect()
}

/// The entry with its examples between fences.
fn help(entry: &Entry, open: &str, close: &str) -> String {
    let mut text = entry.text.clone();
    for (example, title) in entry.examples.iter().zip(["For example:", "Mended:"]) {
        text.push_str(&format!("\n\n{title}\n\n{open}{example}{close}"));
    }
    text
}

fn result(finding: &Finding, rule: Option<usize>) -> Value {
    let mut message = finding.message.clone();
    for cause in &finding.causes {
        message.push_str(&format!(": {cause}"));
    }
    for related in &finding.related {
        message.push_str(&format!("\n{}", related.message));
    }
    if let Some(help) = &finding.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    let mut result = json!({
        "level": if finding.severity == "advice" { "note" } else { finding.severity },
        "message": { "text": message },
    });
    if let Some(code) = &finding.code {
        result["ruleId"] = json!(code);
    }
    if let Some(rule) = rule {
        result["ruleIndex"] = json!(rule);
    }
    let (file, range) = (finding.file.as_deref(), finding.range);
    if let Some(location) = location(file, range) {
        result["locations"] = json!([location]);
    }
    let others = finding.labels.iter().filter(|label| !label.primary);
    let related: Vec<Value> = others.enumerate().filter_map(|(id, label)| relation(id, label)).collect();
    if !related.is_empty() {
        result["relatedLocations"] = json!(related);
    }
    if !finding.suggestions.is_empty() {
        result["fixes"] = finding.suggestions.iter().map(fix).collect();
    }
    result
}

fn location(file: Option<&str>, range: Option<Range>) -> Option<Value> {
    let mut physical = json!({ "artifactLocation": artifact(file?) });
    if let Some(range) = range {
        physical["region"] = region(range);
    }
    Some(json!({ "physicalLocation": physical }))
}

fn relation(id: usize, label: &Place) -> Option<Value> {
    let mut location = location(label.file.as_deref(), Some(label.range))?;
    location["id"] = json!(id);
    if !label.text.is_empty() {
        location["message"] = json!({ "text": label.text });
    }
    Some(location)
}

fn region(Range { start, end }: Range) -> Value {
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
        "byteOffset": start.byte,
        "byteLength": end.byte.saturating_sub(start.byte),
    })
}

fn fix(suggestion: &Suggestion) -> Value {
    let mut changes: Vec<(&str, Vec<Value>)> = Vec::new();
    for edit in &suggestion.edits {
        let replacement =
            json!({ "deletedRegion": region(edit.range), "insertedContent": { "text": edit.text } });
        match changes.iter_mut().find(|(file, _)| *file == edit.file) {
            Some((_, replacements)) => replacements.push(replacement),
            None => changes.push((&edit.file, vec![replacement])),
        }
    }
    let changes = changes.into_iter().map(
        |(file, replacements)| json!({ "artifactLocation": artifact(file), "replacements": replacements }),
    );
    json!({ "description": { "text": suggestion.title }, "artifactChanges": changes.collect::<Vec<_>>() })
}

/// A file: relative to the current folder where it lies below it, absolute otherwise.
fn artifact(file: &str) -> Value {
    if file.starts_with("std/") {
        return json!({ "uri": encoded(file), "uriBaseId": STANDARD });
    }
    let current = std::env::current_dir().unwrap_or_default();
    let path = normal(&current.join(file));
    match path.strip_prefix(&current) {
        Ok(relative) => json!({ "uri": encoded(&relative.to_string_lossy()), "uriBaseId": ROOT }),
        Err(_) => json!({ "uri": format!("file://{}", encoded(&path.to_string_lossy())) }),
    }
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop();
            }
            Component::CurDir => {}
            part => out.push(part),
        }
    }
    out
}

/// The path as part of a URI (RFC 3986).
fn encoded(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(byte.into())
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_uris() {
        assert_eq!(encoded("a b/ü#.hb"), "a%20b/%C3%BC%23.hb");
        assert_eq!(artifact("./x/../recipe.hb")["uri"], "recipe.hb");
        assert_eq!(artifact("./recipe.hb")["uriBaseId"], ROOT);
        assert_eq!(artifact("/nowhere/x.hb"), json!({ "uri": "file:///nowhere/x.hb" }));
        assert_eq!(name("hbuild::lang::unknown_field"), "UnknownField");
    }
}
