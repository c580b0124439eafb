//! Reading `hbuild.lock`: its text to a [`Lock`] whose parts fit together.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Lock, LockError, LockedGit, LockedVariant, SnapshotIndex};

/// The version of the lock file that this hbuild writes.
pub(super) const VERSION: u32 = 1;

/// What a lock of any version has.
#[derive(Deserialize)]
struct AnyVersion {
    version: u64,
}

impl Lock {
    /// A lock of the current version with nothing in it.
    pub fn empty() -> Self {
        Self { version: VERSION, ..Self::default() }
    }

    /// The lock that `text`, the content of a lock file, holds. Every reference in it leads somewhere.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let mark =
            |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") || line == "=======";
        if let Some(at) = text.lines().position(mark) {
            return Err(LockError::MergeConflict { line: at + 1 });
        }
        let damaged = |error: toml::de::Error| LockError::Damaged {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        };
        let AnyVersion { version } = toml::from_str(text).map_err(damaged)?;
        if version != u64::from(VERSION) {
            return Err(LockError::Newer { found: version, known: VERSION });
        }
        let mut lock: Self = toml::from_str(text).map_err(damaged)?;
        lock.sort();
        lock.validate()?;
        Ok(lock)
    }

    /// Brings every list into its order; a merge may have mixed them.
    pub(super) fn sort(&mut self) {
        self.snapshots.sort_by(|one, other| one.id.cmp(&other.id));
        for snapshot in &mut self.snapshots {
            let order =
                |index: &SnapshotIndex| (index.component.clone(), index.arch.clone(), index.path.clone());
            snapshot.indexes.sort_by_key(order);
            snapshot.signed_by.sort();
        }
        self.packages.sort();
        let order = |entry: &LockedVariant| (entry.image.clone(), entry.point.clone(), entry.recipe.clone());
        self.variants.sort_by_key(order);
        for variant in &mut self.variants {
            variant.packages.sort();
            variant.cut.sort();
        }
        self.roots.sort_by(|one, other| one.request.cmp(&other.request));
        for root in &mut self.roots {
            root.recipes.sort();
            root.packages.sort();
            root.cut.sort();
        }
        self.git.sort();
        self.git.iter_mut().for_each(|git| git.recipes.sort());
        self.oci.sort();
        for oci in &mut self.oci {
            oci.recipes.sort();
            oci.platforms.sort();
        }
    }

    fn validate(&self) -> Result<(), LockError> {
        let fail = |message: String| Err(LockError::Inconsistent { message });
        let mut snapshots = BTreeSet::new();
        for snapshot in &self.snapshots {
            if !snapshots.insert(snapshot.id.as_str()) {
                return fail(format!("the snapshot `{}` stands in it twice", snapshot.id));
            }
            if snapshot.date.parse::<crate::timestamp::Timestamp>().is_err() {
                return fail(format!("the date of the snapshot `{}` is none", snapshot.id));
            }
            let debian = [
                snapshot.codename.is_some(),
                snapshot.in_release.is_some(),
                snapshot.in_release_size.is_some(),
            ];
            if debian != [true; 3] && (debian != [false; 3] || snapshot.indexes.len() != 1) {
                return fail(format!("the snapshot `{}` names no signed index, or several", snapshot.id));
            }
        }
        let mut references = BTreeSet::new();
        for package in &self.packages {
            let reference = package.reference();
            if !snapshots.contains(package.snapshot.as_str()) {
                return fail(format!("`{reference}` is of a snapshot that it does not have"));
            }
            if package.sha256.is_some() == package.checksum.is_some() {
                return fail(format!("`{reference}` has not either a `sha256` or a `checksum`"));
            }
            if !is_inside(&package.file) {
                return fail(format!("the file of `{reference}` is not a path below the repository"));
            }
            if let Some(twice) = references.replace(reference) {
                return fail(format!("the package `{twice}` stands in it twice"));
            }
        }
        let mut variants = BTreeSet::new();
        for variant in &self.variants {
            if !variants.insert((&variant.recipe, &variant.image, &variant.point)) {
                return fail(format!("a variant of the image `{}` stands in it twice", variant.image));
            }
            if let Some(missing) = variant.packages.iter().find(|name| !references.contains(*name)) {
                return fail(format!("the image `{}` has `{missing}`, which it does not pin", variant.image));
            }
        }
        for (at, root) in self.roots.iter().enumerate() {
            let of = root.recipes.join(", ");
            if at > 0 && self.roots[at - 1].request == root.request {
                return fail(format!("a root of builds of {of} stands in it twice"));
            }
            if let Some(missing) = root.packages.iter().find(|name| !references.contains(*name)) {
                return fail(format!("a root of builds of {of} has `{missing}`, which it does not pin"));
            }
        }
        self.validate_git()?;
        self.validate_oci()
    }

    fn validate_oci(&self) -> Result<(), LockError> {
        let mut seen = BTreeSet::new();
        for oci in &self.oci {
            let twice = oci.platforms.windows(2).any(|pair| pair[0].arch == pair[1].arch);
            if twice || !seen.insert(oci.key()) {
                let message = format!("the image `{}@{}` stands in it twice", oci.name, oci.digest.to_oci());
                return Err(LockError::Inconsistent { message });
            }
        }
        Ok(())
    }

    fn validate_git(&self) -> Result<(), LockError> {
        let fail = |git: &LockedGit, what: &str| {
            Err(LockError::Inconsistent { message: format!("the git source `{}` {what}", git.url) })
        };
        let mut seen = BTreeSet::new();
        for git in &self.git {
            let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            if !matches!(git.commit.len(), 40 | 64) || !git.commit.bytes().all(digit) {
                return fail(git, "has a commit that is none");
            }
            if !seen.insert(git.key()) {
                return fail(git, "stands in it twice with one commit");
            }
        }
        Ok(())
    }
}

/// Whether `path` is one below a folder: neither absolute nor with `..`, and of characters that a path has.
pub(super) fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|byte| **byte == b'\n').count()
}
