//! What a merge must know of a package besides its files: its control stanza and its scripts.

use std::cmp::Ordering;
use std::sync::Arc;

use super::MergeError;
use super::alpine::Apk;
use crate::distro::debian::relation;
use crate::distro::debian::version;
use crate::graph::ApkEntry;
use crate::tree::{ContentError, Contents, Entry, EntryKind, Origin, Tree, TreePath};

/// A package of the merge.
#[derive(Debug)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its origin.
    pub origin: Origin,
    /// Its control members.
    pub control: Arc<Tree>,
    /// Debian's: the stanza of its control file, without the empty line at the end.
    pub stanza: String,
    /// Alpine's: what its control segment and its index say.
    pub apk: Option<Box<Apk>>,
}

impl Package {
    /// The package whose control members are `control`: of Alpine, where there is an entry of its index.
    pub fn read(
        name: &str,
        origin: &Origin,
        control: Arc<Tree>,
        entry: Option<&ApkEntry>,
        contents: &dyn Contents,
    ) -> Result<Self, MergeError> {
        let (name, origin) = (name.to_owned(), origin.clone());
        let mut package = Self { name, origin, control, stanza: String::new(), apk: None };
        if let Some(entry) = entry {
            let info = package.member(".PKGINFO", contents)?.unwrap_or_default();
            let malformed = |reason: &str| package.malformed(".PKGINFO", reason);
            let info = String::from_utf8(info).map_err(|_| malformed("not UTF-8"))?;
            let apk = Apk::read(&info, entry).map_err(|reason| malformed(&reason))?;
            if apk.info.pkgname != package.name {
                return Err(malformed(&format!("it describes {}", apk.info.pkgname)));
            }
            package.apk = Some(Box::new(apk));
            return Ok(package);
        }
        let stanza = package.member("control", contents)?.unwrap_or_default();
        let stanza = String::from_utf8(stanza).map_err(|_| package.malformed("control", "not UTF-8"))?;
        package.stanza = stanza.trim_end_matches('\n').to_owned();
        if package.field("Package").is_none() || package.stanza.contains("\n\n") {
            return Err(package.malformed("control", "not one stanza with a name"));
        }
        Ok(package)
    }

    /// A control member, or `None` when the package has none of this name.
    pub fn control_entry(&self, name: &str) -> Option<&Entry> {
        let path = TreePath::new(name.as_bytes()).expect("members have plain names");
        self.control.get(&path)
    }

    /// The content of a control member, likewise.
    pub fn member(&self, name: &str, contents: &dyn Contents) -> Result<Option<Vec<u8>>, ContentError> {
        match self.control_entry(name).map(|entry| &entry.kind) {
            Some(EntryKind::File { digest, .. }) => contents.read(digest).map(Some),
            _ => Ok(None),
        }
    }

    /// A field of the stanza, first line only, by its name in any case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.stanza.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// Whether several architectures of it may be installed together.
    pub fn is_multi_arch_same(&self) -> bool {
        self.field("Multi-Arch") == Some("same")
    }

    /// Whether its files may replace those of `other`.
    pub fn replaces(&self, other: &Self) -> Result<bool, MergeError> {
        let Some(field) = self.folded("Replaces") else { return Ok(false) };
        let relations =
            relation::parse(&field).map_err(|error| self.malformed("control", &error.to_string()))?;
        let own = other.field("Version").unwrap_or_default();
        Ok(relations.iter().any(|relation| {
            relation.name == other.name
                && relation.constraint.is_none_or(|(operator, wanted)| {
                    let order: Ordering = version::compare(own, wanted);
                    operator.admits(order)
                })
        }))
    }

    /// A field with its continuation lines joined.
    fn folded(&self, name: &str) -> Option<String> {
        let mut lines = self.stanza.lines();
        let first = lines.by_ref().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })?;
        let rest = lines.take_while(|line| line.starts_with([' ', '\t']));
        Some(rest.fold(first, |joined, line| joined + " " + line.trim()))
    }

    fn malformed(&self, member: &str, reason: &str) -> MergeError {
        let (member, reason) = (member.to_owned(), reason.to_owned());
        MergeError::BadControl { origin: self.origin.clone(), member, reason }
    }
}
