//! Execution: makes the outputs of a graph's derivations, in parallel, each once.
//!
//! [`execute`] goes from the wanted derivations down: memo, else key and record, else the builder of the action.
//! It receives a graph and a store and never decides what is built; builders see of it only [`BuildContext`].

mod alone;
mod builder;
mod builders;
mod check;
mod contents;
mod context;
mod cost;
mod decoded;
mod error;
mod exec_builder;
mod execution;
mod image_runner;
mod memory;
mod normalise;
mod observer;
mod outputs;
mod perform;
mod project;
mod reserve;
mod run;
mod spool;
mod state;
mod step_error;
mod unpack;

pub use alone::execute_alone;
pub use builder::*;
pub use builders::{ActionKind, Builders};
pub use check::{Checked, Difference, DifferenceKind, FirstBytes, check, commands_of};
pub use error::{Defect, ExecError, Failure, Failures};
pub use exec_builder::*;
pub use execution::*;
pub use image_runner::*;
pub use memory::*;
pub use observer::{Cached, Event, Observer, Subject, Unobserved};
pub use project::*;
pub use run::{Options, execute};
pub use step_error::{OutputError, StepError, printable};
pub use unpack::*;

use std::time::Duration;

use crate::graph::{Derivation, DerivationId};
use crate::store::Record;

impl<'a> Subject<'a> {
    /// The derivation `id` as what an event is about.
    pub(crate) fn of(id: DerivationId, derivation: &'a Derivation) -> Self {
        Self { id, label: &derivation.label, kind: ActionKind::of(&derivation.action) }
    }
}

/// Tells that a record was found, with the warnings of its making.
fn tell_end(
    observer: &dyn Observer,
    subject: Subject<'_>,
    record: &Record,
    cached: Cached,
    duration: Duration,
) {
    for message in &record.warnings {
        observer.event(Event::Warning { subject, message });
    }
    observer.event(Event::Finished { subject, cached, duration });
}
