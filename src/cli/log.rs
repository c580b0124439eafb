//! `hbuild log`.

use std::io::Write;

use super::arguments::LogArguments;
use super::context::Context;
use super::derivation::{self, DerivationError};
use super::report::{Failure, OutputError};
use crate::graph::outputs;

/// Prints, byte for byte, what the last execution of a derivation wrote.
pub fn run(arguments: &LogArguments, context: &Context) -> Result<(), Failure> {
    let store = context.store()?;
    let found = derivation::find(&arguments.selection, &store, context)?;
    let record = store.recall(&found.id);
    let bytes = match record.as_ref().and_then(|record| record.outputs.get(outputs::LOG)) {
        Some(log) => store.read(log).map_err(Failure::new)?,
        None => store.log(&found.id).map_err(Failure::new)?.unwrap_or_default(),
    };
    if bytes.is_empty() && record.is_none() {
        let what = match found.planned {
            Some((derivation, _)) => derivation.label,
            None => found.id.to_string(),
        };
        return Err(Failure::new(DerivationError::NoLog { what }));
    }
    let mut out = std::io::stdout().lock();
    match out.write_all(&bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(OutputError { source: error }))
        }
        _ => Ok(()),
    }
}
