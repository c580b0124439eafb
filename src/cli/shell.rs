//! `hbuild shell`.

use super::arguments::ShellArguments;
use super::build::executor;
use super::console::Terminal;
use super::context::Context;
use super::derivation::{self, Planned};
use super::progress::Progress;
use super::report::Failure;
use super::target;
use crate::build::{BuildOptions, Format, Surroundings, execute_with};
use crate::exec::ExecutionError;
use crate::host::settings::Settings;
use crate::sandbox::{ExecutorError, LocalExecutor, ShellExecutor};
use crate::store::Store;

/// Opens a shell in the sandbox of a build: as a failed step left it, else before the first step. Ends with the
/// shell's status.
pub fn run(arguments: &ShellArguments, context: &Context) -> Result<(), Failure> {
    let settings = context.settings(&arguments.network)?;
    let store = context.store()?;
    let found = derivation::find(&arguments.selection, &store, context)?;
    let executor = executor(&store, arguments.sandbox.limits().or(settings.build))?;
    let console = Terminal::new(context);
    let kept = {
        let _shared = store.share(&context.cancel()).map_err(Failure::new)?;
        executor.reopen(&found.id, &console, &|| context.cancelled()).map_err(failure)
    };
    let status = match (kept?, &found.planned) {
        (Some(status), _) => status,
        (None, Some(planned)) => {
            let surroundings = (&*store, &settings, &executor);
            fresh(arguments, context, planned, surroundings, &console)?
        }
        (None, None) => {
            return Err(Failure::new(ExecutorError::NoFailure { id: found.id.to_string() }));
        }
    };
    drop(console);
    if status == 0 { Ok(()) } else { Err(Failure::status(status)) }
}

/// Makes what the build needs, and opens the shell before its first step.
fn fresh(
    arguments: &ShellArguments,
    context: &Context,
    planned: &Planned,
    (store, settings, executor): (&Store, &Settings, &LocalExecutor<'_>),
    console: &Terminal,
) -> Result<u8, Failure> {
    let options = BuildOptions {
        output: Default::default(),
        format: Format::Dir,
        jobs: arguments.jobs,
        keep_going: false,
        check: false,
        offline: arguments.offline,
        platform: target::host_arch(),
        cancel: context.cancel(),
    };
    let shell = ShellExecutor::new(executor, console);
    let progress = Progress::start(context.reporter());
    context.before_hard_stop(progress.clearing());
    console.show_until_begun(progress.clearing());
    let surroundings = Surroundings {
        store,
        mirrors: &settings.mirrors,
        fetch: &settings.fetch,
        inputs: None,
        executor: Some(executor),
        tests: None,
        observer: &progress,
    };
    let Planned { graph, local, id, .. } = planned;
    let outcome = execute_with((graph, local), id, &shell, &options, &surroundings);
    console.begun();
    match shell.status() {
        Some(status) => Ok(status),
        None => Err(outcome.map_or_else(Failure::new, |()| Failure::silent())),
    }
}

fn failure(error: ExecutionError) -> Failure {
    match error {
        ExecutionError::Executor(error) => Failure::boxed(error),
        ExecutionError::Content(error) => Failure::new(crate::build::BuildFailure::from(error)),
        _ => Failure::silent(),
    }
}
