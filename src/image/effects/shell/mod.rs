//! Maintainer scripts read, never run: a parser of the shell language and an evaluator that follows what a
//! fresh installation would do, as far as the text alone says.
//!
//! Files, programs and the environment are unknown to it. Where a condition hangs on them both ways are taken,
//! and what stands there is not certain.

mod parse;
mod run;
mod test_command;
mod word;

pub use parse::{Command, Item, ShellError, parse};
pub use run::{Call, Script, read_script};
pub use word::{Part, Word};

#[cfg(test)]
mod tests;
