//! The outputs of a command on their way to exec trees and a pack.

use std::collections::BTreeMap;
use std::io::Read;

use super::normalise::Normalised;
use super::{BuildContext, BuildError, BuildOutputs, OutputEntry, OutputError, OutputSink, PackSink};
use crate::digest::Digest;
use crate::graph::{Exec, outputs, paths};
use crate::tree::{Entry, Tree, TreePath};

/// Takes what an executor finds below `$OUT` and the further outputs.
pub(super) struct Collected<'a> {
    context: &'a dyn BuildContext,
    action: &'a Exec,
    /// The entries of each output.
    entries: Vec<Vec<Entry>>,
    /// Made when the first file has content.
    pack: Option<Box<dyn PackSink + 'a>>,
    warnings: Vec<String>,
}

impl<'a> Collected<'a> {
    pub fn new(action: &'a Exec, context: &'a dyn BuildContext) -> Self {
        let entries = vec![Vec::new(); 1 + action.outputs.len()];
        Self { context, action, entries, pack: None, warnings: Vec::new() }
    }

    /// The trees and the pack, with the warnings given for them.
    pub fn finish(self) -> Result<BuildOutputs, BuildError> {
        if self.entries.iter().all(Vec::is_empty) {
            return Err(BuildError::action(OutputError::Nothing));
        }
        let mut made = BTreeMap::new();
        if let Some(pack) = self.pack {
            made.insert(outputs::PACK.to_owned(), pack.finish()?);
        }
        for (number, entries) in self.entries.into_iter().enumerate() {
            let name = match number {
                0 => outputs::TREE.to_owned(),
                _ => outputs::further(&self.action.outputs[number - 1]),
            };
            let tree = Tree::new(entries).map_err(|error| {
                let (path, problem) = (directory(self.action, number), error.to_string());
                BuildError::action(OutputError::Path { path, problem })
            })?;
            made.insert(name, self.context.put_tree(tree.to_exec(self.action.epoch))?);
        }
        for warning in self.warnings {
            self.context.warn(warning);
        }
        Ok(made)
    }

    fn file(
        &mut self,
        path: TreePath,
        mode: u16,
        content: &mut dyn Read,
        shown: &str,
    ) -> Result<Entry, BuildError> {
        let name = path.file_name().to_owned();
        let mut content = Normalised::new(&name, content, self.action.epoch).map_err(content_error)?;
        let mut first = [0];
        let length = content.read(&mut first).map_err(content_error)?;
        let (digest, size) = match length {
            0 => (Digest::of(b""), 0),
            _ => {
                if self.pack.is_none() {
                    self.pack = Some(self.context.create_pack()?);
                }
                let pack = self.pack.as_mut().expect("it was made a moment ago");
                pack.keep(&mut (&first[..length]).chain(&mut content))?
            }
        };
        if let Some(debris) = content.debris() {
            self.warnings.push(format!("{shown}: {debris}"));
        }
        if mode & 0o6000 != 0 {
            let what = match mode & 0o6000 {
                0o4000 => "setuid",
                0o2000 => "setgid",
                _ => "setuid and setgid",
            };
            self.warnings
                .push(format!("{shown} is {what} no more: state owners and modes in the recipe's `paths`"));
        }
        Ok(Entry::file(path, digest, size, mode & 0o777, self.action.epoch))
    }
}

impl OutputSink for Collected<'_> {
    fn entry(&mut self, output: usize, path: &[u8], entry: OutputEntry<'_>) -> Result<(), BuildError> {
        if self.context.cancelled() {
            return Err(BuildError::Cancelled);
        }
        let shown = format!("{}/{}", directory(self.action, output), path.escape_ascii());
        let bad = |problem: String| BuildError::action(OutputError::Path { path: shown.clone(), problem });
        let at = TreePath::new(path).map_err(|error| bad(error.to_string()))?;
        if output >= self.entries.len() {
            return Err(bad("there is no such output".to_owned()));
        }
        let epoch = self.action.epoch;
        let entry = match entry {
            OutputEntry::Directory => Entry::directory(at, epoch),
            OutputEntry::File { mode, content, .. } => self.file(at, mode, content, &shown)?,
            OutputEntry::Symlink { target: b"" } => return Err(bad("a symbolic link to nothing".to_owned())),
            OutputEntry::Symlink { target } => {
                if leads_into(target, output, self.action) {
                    self.warnings
                        .push(format!("{shown} leads to {}, which is nowhere else", target.escape_ascii()));
                }
                Entry::symlink(at, target, epoch)
            }
            OutputEntry::Other(kind) => {
                return Err(BuildError::action(OutputError::Special { path: shown, kind }));
            }
        };
        self.entries[output].push(entry);
        Ok(())
    }
}

/// The absolute directory of output `number`.
fn directory(action: &Exec, number: usize) -> String {
    match number.checked_sub(1).and_then(|further| action.outputs.get(further)) {
        Some(name) => paths::output(name),
        None => paths::OUT.to_owned(),
    }
}

/// Whether the target of a symlink is a path of the sandbox that exists while the build runs only.
fn leads_into(target: &[u8], output: usize, action: &Exec) -> bool {
    let own = directory(action, output);
    [own.as_str(), paths::BUILD, paths::TEMPORARY].into_iter().any(|folder| {
        target.strip_prefix(folder.as_bytes()).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
    })
}

fn content_error(error: std::io::Error) -> BuildError {
    BuildError::Content(error.into())
}
