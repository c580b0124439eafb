//! Shells in the sandboxes of executions: as a failed step left them, or before the first step.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::OnceLock;

use super::executor::{fill, of_sandbox};
use super::executor_error::ExecutorError;
use super::executor_failed::Failed;
use super::{Attachment, Command, Ends, LocalExecutor, Running, Specification};
use crate::exec::{Executed, Execution, ExecutionError, Executor, OutputSink};
use crate::graph::{DerivationId, paths};

/// Whoever opens a shell: a terminal, or what stands for it.
pub trait Console: Sync {
    /// Whether it is a terminal.
    fn is_terminal(&self) -> bool;

    /// Variables of the shell, besides those of its step.
    fn environment(&self) -> BTreeMap<String, String>;

    /// Called once, before the shell begins.
    fn begin(&self, place: &Place);

    /// Takes the ends that input is written to and errors are read from.
    fn attach(&self, ends: Ends) -> io::Result<()>;

    /// Takes what the shell writes.
    fn write(&self, bytes: &[u8]) -> io::Result<()>;
}

/// Where a shell is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The label of the derivation.
    pub label: String,
    /// The step in whose place the shell is.
    pub step: String,
    /// How it failed; `None` where nothing ran yet.
    pub how: Option<String>,
    /// What executes the step in the shell.
    pub again: String,
    /// The absolute directories of outputs.
    pub outputs: Vec<String>,
}

impl LocalExecutor<'_> {
    /// Opens the sandbox of `id` as its failed step left it, with a shell in the step's place: its root, environment
    /// and directory. Returns the shell's exit status when it has ended; `None` where no failure is kept.
    pub fn reopen(
        &self,
        id: &DerivationId,
        console: &dyn Console,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Option<u8>, ExecutionError> {
        let Some(failed) = Failed::open(self.store, id)? else { return Ok(None) };
        let (specification, again) = self.shell(failed.specification.clone(), &failed.step, console);
        let outputs = specification.outputs.clone();
        let (label, step, how) = (failed.label.clone(), failed.step.clone(), Some(failed.how.clone()));
        let mut running = self.sandboxes.start(&specification).map_err(of_sandbox)?;
        failed.fill(id, &mut running, cancelled)?;
        console.begin(&Place { label, step, how, again, outputs });
        interact(running, console, SHELL, cancelled).map(Some)
    }

    /// The specification with a shell in place of the step, and what executes the step in it.
    fn shell(
        &self,
        mut specification: Specification,
        step: &str,
        console: &dyn Console,
    ) -> (Specification, String) {
        let at = specification.commands.iter().position(|command| command.name == step).unwrap_or(0);
        let command = specification.commands.drain(..).nth(at);
        let command = command.unwrap_or_else(|| Command {
            name: step.to_owned(),
            arguments: vec!["/bin/sh".to_owned()],
            environment: BTreeMap::new(),
            directory: paths::BUILD.to_owned(),
        });
        let (command, again) = shell_of(command, console);
        specification.commands = vec![command];
        specification.attachment =
            if console.is_terminal() { Attachment::Terminal } else { Attachment::Pipes };
        specification.limits = self.limits.clone();
        // A person takes their time, and nothing of it is kept.
        specification.limits.seconds = None;
        specification.limits.log = u64::MAX;
        (specification, again)
    }
}

/// Opens a shell where the executor of this machine would execute a command: sources are there, and nothing ran. The
/// execution then ends as one that was stopped.
pub struct ShellExecutor<'a> {
    executor: &'a LocalExecutor<'a>,
    console: &'a dyn Console,
    status: OnceLock<u8>,
}

impl<'a> ShellExecutor<'a> {
    /// Opens nothing yet.
    pub fn new(executor: &'a LocalExecutor<'a>, console: &'a dyn Console) -> Self {
        Self { executor, console, status: OnceLock::new() }
    }

    /// The exit status of the shell, once it has ended.
    pub fn status(&self) -> Option<u8> {
        self.status.get().copied()
    }
}

impl Executor for ShellExecutor<'_> {
    fn execute(
        &self,
        execution: &Execution<'_>,
        _log: &mut (dyn Write + Send),
        _outputs: &mut dyn OutputSink,
    ) -> Result<Executed, ExecutionError> {
        let specification = self.executor.specification(execution)?;
        let step = execution.action.steps.first().map(|step| step.name.clone()).unwrap_or_default();
        let (specification, again) = self.executor.shell(specification, &step, self.console);
        let mut running = self.executor.sandboxes.start(&specification).map_err(of_sandbox)?;
        fill(&mut running, execution)?;
        let label = execution.label.to_owned();
        self.console.begin(&Place { label, step, how: None, again, outputs: specification.outputs });
        let status = interact(running, self.console, SHELL, execution.cancelled)?;
        let _ = self.status.set(status);
        Err(ExecutionError::Cancelled)
    }
}

/// The shell of a command in place of the command, and what executes the command in it.
fn shell_of(mut command: Command, console: &dyn Console) -> (Command, String) {
    let mut arguments = std::mem::take(&mut command.arguments);
    // The last two are the script and its name.
    let name_of_step = command.name.clone();
    let program = arguments.first().cloned().unwrap_or_default();
    let name = program.rsplit('/').next().unwrap_or_default().to_owned();
    let mut again = String::new();
    if arguments.len() > 2 {
        arguments.pop();
        command.environment.insert("STEP".to_owned(), arguments.pop().unwrap_or_default());
        again = format!("{} \"$STEP\"", arguments.join(" "));
    }
    let is_shell = name.ends_with("sh");
    command.arguments = vec![if is_shell { program } else { "sh".to_owned() }];
    match (name.as_str(), console.is_terminal()) {
        // What a distribution sets for people would hide where one is.
        ("bash", true) => command.arguments.extend(["--norc".to_owned(), "-i".to_owned()]),
        (_, true) => command.arguments.push("-i".to_owned()),
        (_, false) => {}
    }
    let shown: String =
        name_of_step.chars().filter(|char| char.is_alphanumeric() || " ._-".contains(*char)).collect();
    command.environment.insert("PS1".to_owned(), format!("[{shown}] $PWD $ "));
    command.environment.extend(console.environment());
    (command, again)
}

/// What a shell is that did not end by itself.
const SHELL: fn(String) -> ExecutorError = |how| ExecutorError::Shell { how };

/// The exit status of the one command of `running`; where it did not end by itself, the error that `ended` makes.
pub(super) fn interact(
    running: Running<'_>,
    console: &dyn Console,
    ended: fn(String) -> ExecutorError,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<u8, ExecutionError> {
    let finished = running
        .interact(&mut Output(console), &mut |ends| console.attach(ends), cancelled)
        .map_err(of_sandbox)?;
    let Some(failure) = finished.failure else { return Ok(0) };
    failure.status.ok_or_else(|| ExecutionError::Executor(Box::new(ended(failure.how))))
}

struct Output<'a>(&'a dyn Console);

impl Write for Output<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
