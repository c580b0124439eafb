//! Evaluated recipes, variant by variant. What variants have changed in the same way is told once.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::escape::{safe, safe_pair};
use super::fields;
use super::report::{FieldDifference, SideName};

/// In what two evaluated recipes differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RecipeDifference {
    /// The first.
    pub left: SideName,
    /// The second.
    pub right: SideName,
    /// Images and builds, with their points, that the first alone has.
    pub removed: Vec<String>,
    /// Those that the second alone has.
    pub added: Vec<String>,
    /// What changed in those that both have.
    pub changes: Vec<VariantChange>,
}

/// What changed in some variants alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct VariantChange {
    /// The images and builds, with their points.
    pub variants: Vec<String>,
    /// The values that differ. Their place is a JSON pointer into what `hbuild show --json` prints.
    pub fields: Vec<FieldDifference>,
}

impl RecipeDifference {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty() && self.changes.is_empty()
    }
}

/// In what the items of two recipes, as `hbuild show --json` has them, differ. Where something stands in the recipes is
/// not compared.
pub fn diff_recipes(left: (&str, Vec<Value>), right: (&str, Vec<Value>)) -> RecipeDifference {
    let (one, other) = (by_label(left.1), by_label(right.1));
    let only = |these: &BTreeMap<String, Value>, those: &BTreeMap<String, Value>| {
        these.keys().filter(|label| !those.contains_key(*label)).cloned().collect()
    };
    let (removed, added) = (only(&one, &other), only(&other, &one));
    // First which variants share a change, then which changes share variants.
    let mut changes: Vec<(FieldDifference, Vec<String>)> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for (label, value) in &one {
        let Some(second) = other.get(label) else { continue };
        let kind = if value.get("variant").is_some() { "image" } else { "build" };
        let mut found = Vec::new();
        fields::compare(kind, value, second, &mut found);
        for field in found.into_iter().filter(|field| field.path != "/point") {
            let key = format!("{kind} {} {:?} {:?}", field.path, field.left, field.right);
            let at = *places.entry(key).or_insert(changes.len());
            match changes.get_mut(at) {
                Some((_, labels)) => labels.push(label.clone()),
                None => changes.push((field, vec![label.clone()])),
            }
        }
    }
    let mut groups: Vec<VariantChange> = Vec::new();
    let mut known: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    for (field, variants) in changes {
        let at = *known.entry(variants.clone()).or_insert(groups.len());
        match groups.get_mut(at) {
            Some(group) => group.fields.push(field),
            None => groups.push(VariantChange { variants, fields: vec![field] }),
        }
    }
    let name = |name: &str| SideName { name: name.to_owned(), manifest: None };
    RecipeDifference { left: name(left.0), right: name(right.0), removed, added, changes: groups }
}

/// Items by name and point, without the places of their values.
fn by_label(items: Vec<Value>) -> BTreeMap<String, Value> {
    let label = |item: &Value| {
        let mut label = item["name"].as_str().unwrap_or_default().to_owned();
        for point in item["point"].as_object().into_iter().flatten() {
            label.push(' ');
            label.push_str(point.1.as_str().unwrap_or_default());
        }
        label
    };
    items.into_iter().map(|item| (label(&item), without_places(item))).collect()
}

fn without_places(value: Value) -> Value {
    match value {
        Value::Object(mut fields) => {
            fields.remove("place");
            match (fields.len(), fields.remove("value")) {
                (1, Some(value)) => without_places(value),
                (_, value) => {
                    let rest = value.map(|value| ("value".to_owned(), value));
                    let all = fields.into_iter().chain(rest);
                    Value::Object(all.map(|(key, value)| (key, without_places(value))).collect())
                }
            }
        }
        Value::Array(values) => Value::Array(values.into_iter().map(without_places).collect()),
        other => other,
    }
}

impl fmt::Display for RecipeDifference {
    /// The difference in short; with `{:#}` all of it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, value) = if out.alternate() { (usize::MAX, 100_000) } else { (30, 160) };
        let names = (safe(&self.left.name, 400), safe(&self.right.name, 400));
        if self.is_empty() {
            return writeln!(out, "{} and {} come to the same", names.0, names.1);
        }
        writeln!(out, "{} and {} differ", names.0, names.1)?;
        for (mark, labels) in [('-', &self.removed), ('+', &self.added)] {
            for label in labels.iter().take(rows) {
                writeln!(out, "  {mark} {}", safe(label, value))?;
            }
            more(out, labels.len().saturating_sub(rows))?;
        }
        for change in &self.changes {
            writeln!(out)?;
            for label in change.variants.iter().take(rows.min(12)) {
                writeln!(out, "{}", safe(label, value))?;
            }
            more(out, change.variants.len().saturating_sub(rows.min(12)))?;
            for field in change.fields.iter().take(rows) {
                write_field(out, field, value)?;
            }
            more(out, change.fields.len().saturating_sub(rows))?;
        }
        Ok(())
    }
}

fn more(out: &mut fmt::Formatter<'_>, count: usize) -> fmt::Result {
    if count == 0 { Ok(()) } else { writeln!(out, "  … and {count} more") }
}

/// A value that differs, as one line; texts of several lines by their lines.
pub(super) fn write_field(out: &mut fmt::Formatter<'_>, field: &FieldDifference, most: usize) -> fmt::Result {
    let path = safe(field.path.trim_start_matches('/'), most).replace('/', ".");
    let lines = |value: &Option<Value>| {
        value.as_ref().and_then(Value::as_str).is_some_and(|text| text.contains('\n'))
    };
    if lines(&field.left) || lines(&field.right) {
        let text = |value: &Option<Value>| match value {
            Some(Value::String(text)) => text.clone(),
            other => other.as_ref().map(Value::to_string).unwrap_or_default(),
        };
        let (one, other) = (text(&field.left), text(&field.right));
        writeln!(out, "  {path}:")?;
        let diff = similar::TextDiff::from_lines(&one, &other);
        for hunk in diff.unified_diff().context_radius(1).iter_hunks().take(20) {
            for change in hunk.iter_changes().take(60) {
                writeln!(out, "    {}{}", change.tag(), safe(change.value().trim_end_matches('\n'), most))?;
            }
        }
        return Ok(());
    }
    let value = |value: &Value| safe(&value.to_string(), most);
    match (&field.left, &field.right) {
        (Some(left), Some(right)) => {
            let [left, right] = safe_pair(&left.to_string(), &right.to_string(), most);
            writeln!(out, "  ~ {path}: {left} -> {right}")
        }
        (Some(left), None) => writeln!(out, "  - {path}: {}", value(left)),
        (None, Some(right)) => writeln!(out, "  + {path}: {}", value(right)),
        (None, None) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(arch: &str, version: &str, packages: &[&str], line: u32) -> Value {
        let packages: Vec<_> =
            packages.iter().map(|name| json!({"value": name, "place": {"line": line}})).collect();
        json!({"name": "a", "variant": version, "point": {"arch": arch}, "packages": packages,
            "place": {"line": line}})
    }

    #[test]
    fn changes_are_told_once_and_places_are_no_change() {
        let left =
            vec![item("amd64", "1", &["x"], 1), item("arm64", "1", &["x"], 1), item("old", "1", &[], 1)];
        let right = vec![item("amd64", "2", &["x"], 9), item("arm64", "2", &["w", "x"], 9)];
        let found = diff_recipes(("l", left.clone()), ("r", right));
        assert_eq!((found.removed.as_slice(), found.added.len()), (&["a old".to_owned()][..], 0));
        let changes: Vec<_> = found
            .changes
            .iter()
            .map(|change| {
                let fields: Vec<_> = change.fields.iter().map(|field| field.path.as_str()).collect();
                (change.variants.join(","), fields.join(","))
            })
            .collect();
        let expected = [
            ("a amd64,a arm64".to_owned(), "/variant".to_owned()),
            ("a arm64".to_owned(), "/packages/0".to_owned()),
        ];
        assert_eq!(changes, expected);
        let text = found.to_string();
        assert!(
            text.contains("  + packages.0: \"w\"\n") && text.contains("  ~ variant: \"1\" -> \"2\"\n"),
            "{text}"
        );
        let moved =
            vec![item("amd64", "1", &["x"], 7), item("arm64", "1", &["x"], 8), item("old", "1", &[], 9)];
        assert!(diff_recipes(("l", left), ("r", moved)).is_empty());
    }
}
