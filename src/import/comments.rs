//! The comments of a recipe: where it is from, and what is not in it.

use std::collections::BTreeSet;

use super::code;
use super::recipe::Draft;
use super::remark::{Remark, RemarkKind, grouped};

/// The comment that says where the recipe is from and what is not in it.
pub fn header(image: &str, draft: &Draft<'_>, remarks: &[Remark]) -> String {
    let count = draft.entries.len();
    let files = if count == 1 { "1 definition".to_owned() } else { format!("{count} definitions") };
    let image_names: BTreeSet<&str> = draft
        .entries
        .iter()
        .filter_map(|entry| entry.definition.image.as_ref())
        .map(|text| text.value.as_str())
        .collect();
    let from = if image_names.is_empty() {
        image.to_owned()
    } else {
        image_names.into_iter().collect::<Vec<_>>().join(", ")
    };
    let mut out = format!("# Imported from {files} of {from}.\n");
    for kind in [RemarkKind::ToDo, RemarkKind::LeftOut, RemarkKind::Added] {
        let here: Vec<Remark> =
            remarks.iter().filter(|remark| remark.kind == kind && remark.item.is_empty()).cloned().collect();
        out.push_str(&comment(kind, &here, "# "));
    }
    out
}

/// Remarks as comments.
pub fn comment(kind: RemarkKind, remarks: &[Remark], prefix: &str) -> String {
    if remarks.is_empty() {
        return String::new();
    }
    let mut heading = kind.heading().to_owned();
    heading[..1].make_ascii_uppercase();
    let mut out = format!("{prefix}{heading}:\n");
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    let groups = grouped(remarks);
    for group in &groups {
        let field = super::remark::without_numbers(&group.first.field);
        let value: String =
            group.first.value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(60).collect();
        let value = if value.is_empty() { String::new() } else { format!(" `{value}`") };
        let entry = format!("{field}{value}");
        match reasons.iter_mut().find(|(reason, _)| *reason == group.first.reason) {
            Some((_, entries)) if entries.contains(&entry) => {}
            Some((_, entries)) => entries.push(entry),
            None => reasons.push((&group.first.reason, vec![entry])),
        }
    }
    for (reason, entries) in reasons {
        let entries = entries.join(", ");
        let line = if entries.is_empty() { reason.to_owned() } else { format!("{entries}: {reason}") };
        out.push_str(&wrapped(&line, prefix));
    }
    out
}

/// The text on lines of a comment.
fn wrapped(text: &str, prefix: &str) -> String {
    let mut out = String::new();
    let mut line = format!("{prefix}- ");
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let word: String = word.chars().filter(|c| !code::is_sign(*c)).collect();
        if line.chars().count() + word.chars().count() > 108 && line.trim_end().len() > prefix.len() + 2 {
            out.push_str(line.trim_end());
            out.push('\n');
            line = format!("{prefix}  ");
        }
        line.push_str(&word);
        line.push(' ');
    }
    out.push_str(line.trim_end());
    out.push('\n');
    out
}
