//! `hbuild log`.

use std::io::{IsTerminal, Write};

use super::arguments::LogArguments;
use super::context::Context;
use super::derivation::{self, DerivationError};
use super::print_json;
use super::report::{Failure, OutputError};
use crate::exec::printable;
use crate::graph::outputs;

/// Prints what the last execution of a derivation wrote: byte for byte, but for what a terminal would obey where it goes
/// to one. Or its record.
pub fn run(arguments: &LogArguments, context: &Context) -> Result<(), Failure> {
    let store = context.store()?;
    let found = derivation::find(&arguments.selection, &store, context)?;
    let record = store.recall(&found.id);
    if arguments.record {
        return match record {
            Some(record) => print_json(&record),
            None => Err(Failure::new(DerivationError::NoRecord { what: found.name() })),
        };
    }
    let bytes = match record.as_ref().and_then(|record| record.outputs.get(outputs::LOG)) {
        Some(log) => store.read(log).map_err(Failure::new)?,
        None => store.log(&found.id).map_err(Failure::new)?.unwrap_or_default(),
    };
    if bytes.is_empty() && record.is_none() {
        return Err(Failure::new(DerivationError::NoLog { what: found.name() }));
    }
    let mut out = std::io::stdout().lock();
    let bytes = match out.is_terminal() {
        true => printable(&String::from_utf8_lossy(&bytes)).into_bytes(),
        false => bytes,
    };
    match out.write_all(&bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(OutputError { source: error }))
        }
        _ => Ok(()),
    }
}
