//! `--check`: what is kept, and said, of commands that did not give the same twice.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use miette::Diagnostic;

use super::BuildFailure;
use crate::audit::diff::{self, Cause};
use crate::exec::{Checked, Difference, DifferenceKind};
use crate::graph::outputs;
use crate::host::root_folder::HostRoot;
use crate::image::formats::write_root;
use crate::store::{Pack, Packs, Record, Store};
use crate::tree::{ContentError, Contents, EntryKind, Tree};

/// How many differences of one command are named.
const NAMED: usize = 10;
/// Longer contents are not looked into for a cause.
const MOST_BYTES: u64 = 16 << 20;

/// Commands that gave something else when they were executed again.
#[derive(Debug)]
pub struct NotReproducible {
    /// Each of them.
    pub commands: Vec<DifferingCommand>,
    /// How many were executed again.
    pub checked: usize,
}

/// A command that gave something else when it was executed again.
#[derive(Debug)]
pub struct DifferingCommand {
    /// Its label.
    pub label: String,
    /// What differs, by path; at least one.
    pub differences: Vec<Difference>,
    /// Why the contents of the first of these differ, as far as that can be told, by the number of the difference.
    pub causes: Vec<(usize, Cause)>,
    /// The folder with both outputs.
    pub kept: PathBuf,
}

impl fmt::Display for NotReproducible {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (differing, checked) = (self.commands.len(), self.checked);
        write!(out, "{differing} of {checked} builds gave something else when they were executed again")
    }
}

impl std::error::Error for NotReproducible {}

impl Diagnostic for NotReproducible {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new("hbuild::exec::not_reproducible"))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(
            "the second execution had one processor, another $JOBS, directories in another order, another time, \
             host path and user: make the build independent of these; both outputs are kept for comparison",
        ))
    }

    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.commands.iter().map(|command| command as &dyn Diagnostic)))
    }
}

impl fmt::Display for DifferingCommand {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} differs", self.label)?;
        for (number, difference) in self.differences.iter().take(NAMED).enumerate() {
            write!(out, "\n{difference}")?;
            for (_, cause) in self.causes.iter().filter(|(of, _)| *of == number) {
                write!(out, "\n  {cause}")?;
            }
        }
        if self.differences.len() > NAMED {
            write!(out, "\nand {} more", self.differences.len() - NAMED)?;
        }
        let kept = self.kept.display();
        write!(out, "\n`hbuild diff {kept}/first {kept}/second` says more")
    }
}

impl std::error::Error for DifferingCommand {}

impl Diagnostic for DifferingCommand {}

/// Keeps below `folder`, as `<name>.check/first` and `<name>.check/second`, what differs; an error where anything
/// does.
pub(super) fn judge(
    store: &Store,
    checked: Vec<Checked>,
    folder: &Path,
    cancel: &AtomicBool,
) -> Result<usize, BuildFailure> {
    let count = checked.len();
    let mut commands = Vec::new();
    for one in checked.into_iter().filter(|one| !one.differences.is_empty()) {
        let name = one.label.strip_prefix("build ").unwrap_or(&one.label);
        let name: String = name.chars().map(|char| if " /".contains(char) { '-' } else { char }).collect();
        let kept = folder.join(format!("{name}.check"));
        let mut differing: Vec<_> = one.differences.iter().map(|difference| &difference.output).collect();
        differing.dedup();
        for output in differing {
            let further = output.strip_suffix(".tree").map(|name| format!("-{name}")).unwrap_or_default();
            for (side, record) in [("first", &one.first), ("second", &one.second)] {
                keep(store, record, output, &kept.join(format!("{side}{further}")), cancel)?;
            }
        }
        let causes = causes(store, &one)?;
        commands.push(DifferingCommand { label: one.label, differences: one.differences, causes, kept });
    }
    if commands.is_empty() { Ok(count) } else { Err(NotReproducible { commands, checked: count }.into()) }
}

/// Why contents differ, of the differences that are named.
fn causes(store: &Store, checked: &Checked) -> Result<Vec<(usize, Cause)>, BuildFailure> {
    let mut found = Vec::new();
    for (number, difference) in checked.differences.iter().take(NAMED).enumerate() {
        if !matches!(difference.kind, DifferenceKind::Content(_)) {
            continue;
        }
        let content = |record: &Record| -> Result<Option<Vec<u8>>, BuildFailure> {
            let Some((tree, packs)) = open(store, record, &difference.output)? else { return Ok(None) };
            match tree.get(&difference.path).map(|entry| &entry.kind) {
                Some(EntryKind::File { digest, size, .. }) if *size <= MOST_BYTES => {
                    Ok(Some(packs.read(digest)?))
                }
                _ => Ok(None),
            }
        };
        if let (Some(first), Some(second)) = (content(&checked.first)?, content(&checked.second)?) {
            let name = String::from_utf8_lossy(difference.path.file_name());
            found.extend(diff::causes(&name, &first, &second).into_iter().map(|cause| (number, cause)));
        }
    }
    Ok(found)
}

/// Writes one tree of a record as a folder.
fn keep(
    store: &Store,
    record: &Record,
    output: &str,
    path: &Path,
    cancel: &AtomicBool,
) -> Result<(), BuildFailure> {
    let Some((tree, packs)) = open(store, record, output)? else { return Ok(()) };
    let epoch = tree.entries().first().map_or(0, |entry| entry.mtime);
    let cancelled = || cancel.load(Ordering::Relaxed);
    write_root(&path.display().to_string(), &tree, epoch, &packs, &HostRoot::new(path), &cancelled)?;
    Ok(())
}

/// One tree of a record, with its contents.
fn open(store: &Store, record: &Record, output: &str) -> Result<Option<(Tree, Packs)>, BuildFailure> {
    let Some(object) = record.outputs.get(output) else { return Ok(None) };
    let tree = Tree::decode(&store.read(object)?).map_err(|_| ContentError::Damaged(object.digest))?;
    let own = record.outputs.get(outputs::PACK).map(|pack| &pack.digest);
    let packs = record.references.iter().filter(|digest| Some(*digest) != own).chain(own);
    let packs = packs.map(|digest| Ok(Arc::new(Pack::open(store, digest)?)));
    Ok(Some((tree, Packs::new(packs.collect::<Result<_, BuildFailure>>()?))))
}
