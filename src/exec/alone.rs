//! One command executed besides, after what it needs was made: nothing is recorded of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use super::context::Shared;
use super::error::ExecError;
use super::perform::{execute as perform, key_of};
use super::run::execute_all;
use super::{Builders, Observer, Options, Subject, Unobserved, Variation};
use crate::graph::{DerivationId, Graph};
use crate::store::{Record, Store};

/// How often is looked whether to stop.
const TICK: Duration = Duration::from_millis(20);

/// Makes what `id` needs with `builders`, with the contents of all its files, and gives it to those of `alone`. Returns
/// what they return. As for [`super::execute`], the caller holds [`Store::share`].
pub fn execute_alone(
    graph: &Graph,
    id: &DerivationId,
    store: &Store,
    (builders, alone): (&Builders<'_>, &Builders<'_>),
    options: &Options,
    observer: &dyn Observer,
) -> Result<Record, ExecError> {
    let derivation = graph.get(id).ok_or(ExecError::Cancelled)?;
    let wanted: Vec<_> = derivation.inputs.iter().map(|input| input.derivation).collect();
    let records = execute_all(graph, (&wanted, true), store, builders, options, observer)?;
    let record = |id: &DerivationId| records.get(id).cloned().map(Arc::new).ok_or(ExecError::Cancelled);
    let inputs: Vec<_> = wanted.iter().map(record).collect::<Result<_, _>>()?;
    let shared = Shared::beside(store, &Unobserved, options, Variation::None);
    let key = key_of(derivation, &inputs)?;
    let subject = Subject::of(*id, derivation);
    thread::scope(|scope| {
        let work = scope.spawn(|| perform(&shared, alone, subject, derivation, (key, &inputs)));
        while !work.is_finished() {
            if options.cancel.load(Ordering::Relaxed) {
                shared.stop.store(true, Ordering::Relaxed);
            }
            thread::sleep(TICK);
        }
        work.join().unwrap_or(Err(ExecError::Cancelled))
    })
}
