//! Whether everything that has to be executed can be executed here, before anything starts.

use std::collections::BTreeSet;

use hbuild_lang::recipe::Arch;

use crate::graph::{Action, DerivationId, Graph};
use crate::store::Store;

/// A build is for another platform than this host's.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("`{label}` is executed on {wanted}, and this host is {here}")]
#[diagnostic(
    code(hbuild::exec::other_platform),
    help(
        "build it on a host that is {wanted}, or take its outputs from such a host's store; `--arch {here}` builds \
         what can be built here"
    )
)]
pub struct PlatformError {
    /// The first such derivation.
    pub label: String,
    /// Its platform.
    pub wanted: Arch,
    /// The host's.
    pub here: Arch,
}

/// Refuses `wanted` where an execution that the store does not know is not for the platform `here`.
pub(super) fn check_platform(
    graph: &Graph,
    wanted: &[DerivationId],
    store: &Store,
    here: Arch,
) -> Result<(), PlatformError> {
    foreign(graph, wanted, here, &|id| store.recall(id).is_some()).map_or(Ok(()), Err)
}

/// The first execution for another platform than `here` that `wanted` needs, where what it needs is not `known`.
pub(super) fn foreign(
    graph: &Graph,
    wanted: &[DerivationId],
    here: Arch,
    known: &dyn Fn(&DerivationId) -> bool,
) -> Option<PlatformError> {
    let other = |id: &DerivationId| match graph.get(id).map(|derivation| &derivation.action) {
        Some(Action::Exec(exec)) if exec.arch != here => Some(exec.arch),
        _ => None,
    };
    if !graph.iter().any(|(id, _)| other(id).is_some()) {
        return None;
    }
    let mut pending = wanted.to_vec();
    let mut seen = BTreeSet::new();
    while let Some(id) = pending.pop() {
        if !seen.insert(id) || known(&id) {
            continue;
        }
        let Some(derivation) = graph.get(&id) else { continue };
        if let Some(wanted) = other(&id) {
            return Some(PlatformError { label: derivation.label.clone(), wanted, here });
        }
        pending.extend(derivation.inputs.iter().map(|input| input.derivation));
    }
    None
}
