//! Debian binary packages, deb(5) format 2: an ar archive of `debian-binary`, `control.tar` and `data.tar`.

mod ar;
mod deb;

pub use ar::{ArMember, ArReader};
pub use deb::{DebTrees, unpack_deb};

#[cfg(test)]
mod tests;
