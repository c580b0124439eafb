//! Two locks: packages by variant, and what else a lock pins.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::escape::safe;
use super::fields;
use super::recipes::write_field;
use super::report::{FieldDifference, SideName};
use crate::lock::{Changes, Lock};

/// In what two locks differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct LockDifference {
    /// The first.
    pub left: SideName,
    /// The second.
    pub right: SideName,
    /// What became of variants, roots of builds, git sources and images of registries.
    pub changes: Changes,
    /// Signed indexes that the first alone has, by id.
    pub removed_snapshots: Vec<String>,
    /// What is said otherwise of something that both have: a package of the same version with other bytes, an index of
    /// the same date with another digest, a variant with another request.
    pub fields: Vec<FieldDifference>,
}

impl LockDifference {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
            && self.changes.new_snapshots.is_empty()
            && self.removed_snapshots.is_empty()
            && self.fields.is_empty()
    }
}

/// In what the locks differ.
pub fn diff_locks(left: (&str, &Lock), right: (&str, &Lock)) -> LockDifference {
    let (one, other) = (left.1, right.1);
    let known = |id: &str| other.snapshots.iter().any(|snapshot| snapshot.id == id);
    let ids = one.snapshots.iter().map(|snapshot| snapshot.id.clone());
    let mut fields = Vec::new();
    for part in ["packages", "snapshots", "variants", "roots", "git", "oci"] {
        let (one, other) = (parts(one, part), parts(other, part));
        let both = one.iter().filter_map(|(key, value)| Some((key, value, other.get(key)?)));
        for (key, value, second) in both {
            let mut found = Vec::new();
            fields::compare(part, value, second, &mut found);
            // Packages of variants and roots are among the changes.
            found.retain(|field| part == "packages" || !field.path.starts_with("/packages"));
            fields.extend(found.into_iter().map(|field| FieldDifference {
                path: format!("/{}{}", key.replace('~', "~0").replace('/', "~1"), field.path),
                ..field
            }));
        }
    }
    let name = |name: &str| SideName { name: name.to_owned(), manifest: None };
    LockDifference {
        left: name(left.0),
        right: name(right.0),
        changes: Changes::between(one, other),
        removed_snapshots: ids.filter(|id| !known(id)).collect(),
        fields,
    }
}

/// The entries of one part of a lock by what they are known by.
fn parts(lock: &Lock, part: &str) -> BTreeMap<String, Value> {
    fn of<T: Serialize>(entries: &[T], key: impl Fn(&T) -> String) -> BTreeMap<String, Value> {
        let value = |entry: &T| serde_json::to_value(entry).unwrap_or_default();
        entries.iter().map(|entry| (key(entry), value(entry))).collect()
    }
    match part {
        "packages" => of(&lock.packages, |package| package.reference()),
        "snapshots" => of(&lock.snapshots, |snapshot| snapshot.id.clone()),
        "variants" => of(&lock.variants, |variant| {
            let labels: Vec<&str> = variant.point.values().map(String::as_str).collect();
            format!("{} {}", variant.image, labels.join(" "))
        }),
        "roots" => of(&lock.roots, |root| serde_json::to_string(&root.request).unwrap_or_default()),
        "git" => of(&lock.git, |git| format!("{}@{} {}", git.url, git.commit, git.submodules)),
        _ => of(&lock.oci, |oci| format!("{}@{}", oci.name, oci.digest.to_oci())),
    }
}

impl fmt::Display for LockDifference {
    /// The difference in short; with `{:#}` all of it.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = if out.alternate() { usize::MAX } else { 60 };
        let names = (safe(&self.left.name, 400), safe(&self.right.name, 400));
        if self.is_empty() {
            return writeln!(out, "{} and {} pin the same", names.0, names.1);
        }
        writeln!(out, "{} and {} differ", names.0, names.1)?;
        for line in self.changes.table().lines() {
            writeln!(out, "{}", safe(line, 400))?;
        }
        let new = self.changes.new_snapshots.iter().map(|id| ('+', id));
        for (mark, id) in self.removed_snapshots.iter().map(|id| ('-', id)).chain(new) {
            writeln!(out, "{mark} index {}", safe(id, 400))?;
        }
        for field in self.fields.iter().take(rows) {
            write!(out, "{}", field.document)?;
            write_field(out, field, 400)?;
        }
        let more = self.fields.len().saturating_sub(rows);
        if more > 0 { writeln!(out, "… and {more} more") } else { Ok(()) }
    }
}
