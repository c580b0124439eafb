//! `hbuild verify`: what holds of a well-signed image, what a policy refuses, and what is refused of hostile ones,
//! each by its own error. The images, their evidence and the referrers are made here by hand, in the form that
//! cosign 3 writes.

#[path = "../support/mod.rs"]
mod support;

mod command;
mod hostile;
mod made;
mod policy;
