//! The executor of this machine: commands in sandboxes, on exec roots of the store.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use super::{Limits, Running, SandboxError, Sandboxes, Specification, executor_failed, executor_outputs};
use crate::digest::Digest;
use crate::exec::{Executed, Execution, ExecutionError, Executor, OutputSink, Variation};
use crate::graph::paths;
use crate::store::{ExecRoot, Store, StoreError};
use crate::tree::{ContentError, Contents, Entry, EntryKind, Tree};

/// How much larger the writable file system of a varied execution is: its size is half of the machine's memory, which
/// no output may depend on.
const OTHER_SPACE: u64 = 1 << 20;

/// Executes commands in sandboxes of this machine.
pub struct LocalExecutor<'a> {
    pub(super) store: &'a Store,
    pub(super) sandboxes: Sandboxes,
    pub(super) limits: Limits,
    /// Names of roots known to be there, by tree and further outputs.
    roots: Mutex<BTreeMap<(Digest, Vec<String>), String>>,
}

impl Limits {
    /// What one command may use of a machine with `memory` bytes: three quarters of them, half of them for files, 4096
    /// processes, 64 MiB of log, and any time.
    pub fn of_memory(memory: u64) -> Self {
        Self {
            memory: Some(memory / 4 * 3),
            processes: Some(4096),
            space: memory / 2,
            seconds: None,
            log: 64 << 20,
        }
    }

    /// What one command may use of this machine. Cgroups that hold hbuild are not looked at.
    pub fn of_machine() -> Self {
        let system = rustix::system::sysinfo();
        Self::of_memory((system.totalram as u64).saturating_mul(u64::from(system.mem_unit.max(1))))
    }
}

impl<'a> LocalExecutor<'a> {
    /// Starts nothing yet. The folder of roots of `sandboxes` is [`Store::exec_roots`].
    pub fn new(store: &'a Store, sandboxes: Sandboxes, limits: Limits) -> Self {
        Self { store, sandboxes, limits, roots: Mutex::default() }
    }

    /// The root of `execution`, made where it is not there.
    fn root(&self, execution: &Execution<'_>) -> Result<String, ExecutionError> {
        let (object, tree) = &execution.root;
        let mut mount_points: Vec<String> =
            execution.action.outputs.iter().map(|name| paths::output(name)[1..].to_owned()).collect();
        mount_points.sort_unstable();
        let known = (object.digest, mount_points);
        let roots = || self.roots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(name) = roots().get(&known) {
            return Ok(name.clone());
        }
        let root = ExecRoot {
            object: *object,
            tree,
            mount_points: &known.1,
            epoch: execution.action.epoch,
            owner: self.sandboxes.owner(),
            threads: execution.jobs,
            cancelled: execution.cancelled,
        };
        let name = self.store.exec_root(&root, execution.contents).map_err(of_store)?;
        roots().insert(known, name.clone());
        Ok(name)
    }

    /// The sandbox of `execution`.
    pub(super) fn specification(&self, execution: &Execution<'_>) -> Result<Specification, ExecutionError> {
        let root = self.root(execution)?;
        let varied = execution.variation == Variation::Other;
        let limits = self.limits.clone();
        let mut specification = Specification::of(execution.action, root, execution.jobs, limits);
        specification.one_processor = varied;
        specification.other_machine = varied;
        specification.limits.space += if varied { OTHER_SPACE } else { 0 };
        Ok(specification)
    }
}

impl Executor for LocalExecutor<'_> {
    fn execute(
        &self,
        execution: &Execution<'_>,
        log: &mut (dyn Write + Send),
        outputs: &mut dyn OutputSink,
    ) -> Result<Executed, ExecutionError> {
        let specification = self.specification(execution)?;
        let mut running = self.sandboxes.start(&specification).map_err(of_sandbox)?;
        fill(&mut running, execution)?;
        let finished = running.run(log, execution.cancelled).map_err(of_sandbox)?;
        if let Some(failure) = finished.failure {
            let kept =
                executor_failed::keep(self.store, execution, &specification, &failure, &finished.writable);
            if let Err(error) = kept {
                // The failure counts; that there is no shell for it is told where people look.
                let _ = writeln!(log, "hbuild: the sandbox is not kept for `hbuild shell`: {error}");
            }
            return Err(ExecutionError::Step { step: failure.step, how: failure.how });
        }
        let taking = executor_outputs::Taking {
            directories: &specification.outputs,
            space: specification.limits.space,
            cancelled: execution.cancelled,
        };
        taking.take(&finished.writable, outputs)?;
        self.store.drop_failed(&execution.id).map_err(|error| of_store(error.into()))?;
        Ok(Executed { sandbox: finished.applied, usage: finished.usage })
    }
}

/// Puts the sources where the action wants them.
pub(super) fn fill(running: &mut Running<'_>, execution: &Execution<'_>) -> Result<(), ExecutionError> {
    for (at, tree) in execution.action.sources.iter().zip(&execution.sources) {
        for entry in order(tree, execution.variation) {
            if (execution.cancelled)() {
                return Err(ExecutionError::Cancelled);
            }
            put(running, at, entry, execution.contents)?;
        }
    }
    Ok(())
}

/// The entries of a source in the order in which they are made, on which the order of its directories depends.
/// Parents always come first.
fn order(tree: &Tree, variation: Variation) -> Vec<&Entry> {
    let mut entries: Vec<&Entry> = tree.entries().iter().collect();
    if variation == Variation::Other {
        entries.reverse();
        let depth = |entry: &&Entry| entry.path.as_bytes().iter().filter(|&&byte| byte == b'/').count();
        entries.sort_by_key(depth);
    }
    entries
}

fn put(
    running: &mut Running<'_>,
    at: &str,
    entry: &Entry,
    contents: &dyn Contents,
) -> Result<(), ExecutionError> {
    let path = [at.as_bytes(), b"/", entry.path.as_bytes()].concat();
    match &entry.kind {
        EntryKind::Directory => running.directory(&path),
        EntryKind::Symlink { target } => running.symlink(&path, target),
        EntryKind::File { digest, size, .. } => {
            let mut content = contents.open(digest)?;
            running.file(&path, entry.mode & 0o111 != 0, *size, &mut content)
        }
    }
    .map_err(of_sandbox)
}

pub(super) fn of_sandbox(error: SandboxError) -> ExecutionError {
    match error {
        SandboxError::Cancelled => ExecutionError::Cancelled,
        SandboxError::Content { source, .. } => ExecutionError::Content(source.into()),
        error => ExecutionError::Executor(Box::new(error)),
    }
}

pub(super) fn of_store(error: ContentError) -> ExecutionError {
    match StoreError::from_content(error) {
        Ok(StoreError::Stopped) => ExecutionError::Cancelled,
        Ok(error @ StoreError::NoMountPoint { .. }) => ExecutionError::Executor(Box::new(error)),
        Ok(error) => ExecutionError::Content(error.into()),
        Err(error) => ExecutionError::Content(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::TreePath;

    #[test]
    fn the_other_order_is_another_and_has_parents_first() {
        let path = |text: &str| TreePath::new(text.as_bytes()).unwrap();
        let file = |text: &str| Entry::file(path(text), Digest::of(b""), 0, 0o644, 0);
        let tree = Tree::new(vec![file("a/b/1"), file("a/b/2"), file("a/3"), file("z")]).unwrap().to_exec(0);
        let shown = |variation| -> Vec<String> {
            order(&tree, variation).iter().map(|entry| entry.path.absolute()).collect()
        };
        assert_eq!(shown(Variation::None), ["/a", "/a/3", "/a/b", "/a/b/1", "/a/b/2", "/z"]);
        assert_eq!(shown(Variation::Other), ["/z", "/a", "/a/b", "/a/3", "/a/b/2", "/a/b/1"]);
    }

    #[test]
    fn limits_are_parts_of_the_machine() {
        let limits = Limits::of_machine();
        assert!(limits.space > 1 << 20 && limits.memory.unwrap() > limits.space);
    }
}
