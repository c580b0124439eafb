//! The language server: what editors ask of `hbuild lsp`, over JSON-RPC.
//!
//! Receives messages and answers them, one after the other; what is known of a recipe comes from
//! [`hbuild_lang::assist`], and files from the open documents first, then from the disk. It never fetches, never
//! writes a recipe, and never ends before it is told to or its input ends.

mod answers;
mod capabilities;
mod convert;
mod diagnostics;
mod documents;
mod edits;
mod packages;
mod position;
mod project;
mod requests;
mod server;
mod uri;
mod wire;

pub use server::{Settings, serve};
pub use wire::{Incoming, read};
