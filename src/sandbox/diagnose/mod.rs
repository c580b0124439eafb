//! What this kernel, user and container allow of the sandbox, and what to do where they refuse.
//!
//! [`Findings`] are facts: settings that were read, and probes that did on trial what a sandbox does. From them
//! alone [`checks`] says what each means for builds and how to get it; that part is pure. Nothing here changes the
//! machine: each probe is a process of its own that ends.

mod advice;
mod checks;
mod facts;
mod findings;
#[allow(unsafe_code, reason = "the probes call the kernel")]
mod probe;
mod trial;

pub use checks::{Check, Status, checks};
pub use facts::{Place, find};
pub use findings::{Cgroup, Container, Findings, Outcome, Probe, Store};
pub use probe::{PROBE_ARGUMENT, probe_main};
pub use trial::trial;

#[cfg(test)]
mod tests;
