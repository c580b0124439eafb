//! One derivation: key, record, execution.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::context::{Context, Notes, Shared, packs_of};
use super::error::{Defect, ExecError, Failure};
use super::{ActionKind, BuildError, BuildOutputs, Builders, Event, Subject};
use crate::digest::{Digest, Sha256};
use crate::graph::{Action, Derivation, DerivationKey, Fetch, FixedOutput, OutputName, outputs};
use crate::store::{Record, StoreError};
use crate::tree::ContentError;

/// The key of `derivation` with these input records, which stand in the order of its inputs.
pub(super) fn key_of(derivation: &Derivation, inputs: &[Arc<Record>]) -> Result<DerivationKey, ExecError> {
    let mut resolved = Vec::with_capacity(inputs.len());
    for (input, record) in derivation.inputs.iter().zip(inputs) {
        let digest = |name: &OutputName| match record.outputs.get(name) {
            Some(object) => Ok((name.clone(), object.digest)),
            None => {
                let defect = Defect::NoOutput { input: record.label.clone(), output: name.clone() };
                Err(ExecError::Defect { label: derivation.label.clone(), defect })
            }
        };
        resolved.push(input.outputs.iter().map(digest).collect::<Result<BTreeMap<_, _>, _>>()?);
    }
    Ok(derivation.key(&resolved))
}

/// Executes `derivation`; returns its record, which is not committed yet.
pub(super) fn execute(
    shared: &Shared<'_>,
    builders: &Builders<'_>,
    subject: Subject<'_>,
    derivation: &Derivation,
    (key, inputs): (DerivationKey, &[Arc<Record>]),
) -> Result<Record, ExecError> {
    let defect = |defect| ExecError::Defect { label: derivation.label.clone(), defect };
    let builder = builders.get(subject.kind).ok_or_else(|| defect(Defect::NoBuilder))?;
    shared.observer.event(Event::Started(subject));
    let started = Instant::now();
    let context = Context::new(shared, subject, derivation, inputs);
    let computes = usize::from(subject.kind != ActionKind::Fetch);
    shared.computing.fetch_add(computes, Ordering::Relaxed);
    let built = catch_unwind(AssertUnwindSafe(|| builder.build(derivation, &context)));
    shared.computing.fetch_sub(computes, Ordering::Relaxed);
    let made = built.map_err(|_| defect(Defect::Panic))?;
    let made = made.map_err(|error| explain(subject, error))?;
    if let Some((name, _)) = made.iter().find(|(_, object)| !shared.store.contains(object)) {
        return Err(defect(Defect::NotKept(name.clone())));
    }
    let record = record(derivation, key, inputs, made, context.into_notes());
    let event = Event::Finished { subject, cached: super::Cached::Built, duration: started.elapsed() };
    shared.observer.event(event);
    Ok(record)
}

/// The record of an execution.
fn record(
    derivation: &Derivation,
    key: DerivationKey,
    inputs: &[Arc<Record>],
    made: BuildOutputs,
    notes: Notes,
) -> Record {
    let mut references = Vec::new();
    if made.keys().any(|name| has_contents(name)) {
        // A command's outputs are new files; all others may keep files of their inputs where they are.
        if !matches!(derivation.action, Action::Exec(_)) {
            references = packs_of(inputs);
        }
        references.extend(made.get(outputs::PACK).map(|pack| pack.digest));
        references.sort_unstable();
        references.dedup();
    }
    let mut keys: Vec<DerivationKey> = inputs.iter().map(|record| record.key).collect();
    keys.sort_unstable();
    keys.dedup();
    let known = |digest: &Digest| notes.sha256.get(digest).copied();
    let mut sha256: BTreeMap<OutputName, Sha256> =
        made.iter().filter_map(|(name, object)| Some((name.clone(), known(&object.digest)?))).collect();
    if let Action::Fetch(Fetch { content: FixedOutput::Sha256(fixed), .. }) = &derivation.action {
        sha256.insert(outputs::FILE.to_owned(), *fixed);
    }
    let label = derivation.label.clone();
    Record {
        key,
        label,
        outputs: made,
        inputs: keys,
        references,
        sha256,
        warnings: notes.warnings,
        execution: notes.execution,
    }
}

/// Whether an output is a tree, whose files have contents somewhere.
fn has_contents(name: &str) -> bool {
    name == outputs::TREE || name == outputs::CONTROL || name.ends_with(".tree")
}

/// The run's error for an action's.
fn explain(subject: Subject<'_>, error: BuildError) -> ExecError {
    let label = subject.label.to_owned();
    match error {
        BuildError::Action(source) => {
            ExecError::Failed(Failure { id: subject.id, label, source, absent: false })
        }
        BuildError::Absent(source) => {
            ExecError::Failed(Failure { id: subject.id, label, source, absent: true })
        }
        BuildError::Cancelled => ExecError::Cancelled,
        BuildError::Content(ContentError::Io(error)) if is_cancelled(&error) => ExecError::Cancelled,
        BuildError::Content(error) => match StoreError::from_content(error) {
            Ok(error) => ExecError::Store(error),
            Err(source) => ExecError::Content { label, source },
        },
    }
}

fn is_cancelled(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<BuildError>());
    matches!(inner, Some(BuildError::Cancelled))
}
