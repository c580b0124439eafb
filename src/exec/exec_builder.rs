//! The builder of executions: gives an executor the command with its inputs, and keeps outputs, log and warnings.

use super::outputs::Collected;
use super::spool::Spool;
use super::step_error::StepError;
use super::{
    BuildContext, BuildError, BuildOutputs, Builder, Executed, Execution, ExecutionError, Executor, Variation,
};
use crate::digest::Sha256;
use crate::graph::{Action, Derivation, Exec, outputs};
use crate::store;

/// Executes commands with `executor`.
#[derive(Clone, Copy)]
pub struct ExecBuilder<'a> {
    /// What executes them.
    pub executor: &'a dyn Executor,
}

impl Builder for ExecBuilder<'_> {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let Action::Exec(action) = &derivation.action else {
            unreachable!("the scheduler gives each builder its own kind of action");
        };
        let sources = (0..action.sources.len()).map(|number| context.tree(1 + number, outputs::TREE));
        let execution = Execution {
            id: context.id(),
            label: &derivation.label,
            action,
            root: (context.input(0, outputs::TREE)?, context.tree(0, outputs::TREE)?),
            sources: sources.collect::<Result<_, _>>()?,
            contents: context.contents(),
            jobs: context.jobs(),
            variation: context.variation(),
            cancelled: &|| context.cancelled(),
        };
        let mut log = Spool::default();
        let mut collected = Collected::new(action, context);
        let jobs = execution.jobs;
        let executed = self.executor.execute(&execution, &mut log, &mut collected);
        let log = log.into_bytes();
        let made = executed
            .map_err(|error| explain(error, context, &log))
            .and_then(|executed| finish(action, context, collected, (executed, jobs), &log));
        if let Err(error) = &made
            && !matches!(error, BuildError::Cancelled)
        {
            keep_failure(context, log, error)?;
        }
        made
    }
}

/// Keeps all that a successful execution left.
fn finish(
    action: &Exec,
    context: &dyn BuildContext,
    collected: Collected<'_>,
    (executed, jobs): (Executed, usize),
    log: &[u8],
) -> Result<BuildOutputs, BuildError> {
    let mut made = collected.finish()?;
    if !log.is_empty() {
        made.insert(outputs::LOG.to_owned(), context.put(log)?);
    }
    context.keep_log(log)?;
    context.keep_execution(store::Execution {
        platform: format!("linux/{}", action.arch),
        sandbox: executed.sandbox,
        jobs,
        usage: executed.usage,
        log: (!log.is_empty()).then(|| Sha256::of(log)),
    });
    Ok(made)
}

/// Keeps the log of an execution that gave nothing, with the reason at its end.
fn keep_failure(context: &dyn BuildContext, mut log: Vec<u8>, error: &BuildError) -> Result<(), BuildError> {
    if log.last().is_some_and(|&last| last != b'\n') {
        log.push(b'\n');
    }
    let text = error.to_string();
    // The lines that the error repeats stand above.
    let reason = text.split("; the last lines it wrote:\n").next().unwrap_or_default();
    log.extend_from_slice(format!("hbuild: {reason}\n").as_bytes());
    Ok(context.keep_log(&log)?)
}

fn explain(error: ExecutionError, context: &dyn BuildContext, log: &[u8]) -> BuildError {
    match error {
        ExecutionError::Step { step, how } => {
            let logged = context.variation() == Variation::None;
            BuildError::action(StepError { logged, ..StepError::new(context.id(), step, how, log) })
        }
        ExecutionError::Executor(error) => BuildError::Action(error),
        ExecutionError::Output(error) => error,
        ExecutionError::Content(error) => BuildError::Content(error),
        ExecutionError::Cancelled => BuildError::Cancelled,
    }
}

#[cfg(test)]
mod tests;
