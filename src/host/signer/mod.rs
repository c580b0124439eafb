//! Private keys, in a process of their own or behind a command.
//!
//! [`KeyProcess`] is hbuild executed again ([`KEY_ARGUMENT`], [`key_main`]) before this process reads an image. It reads
//! key and passphrase and then answers one question: the signature over these bytes. It parses no recipe, no archive and
//! no document. [`SignCommand`] asks a command of the user instead.

mod command;
mod error;
mod process;
mod serve;
mod wire;

pub use command::SignCommand;
pub use error::SignerError;
pub use process::{KeyPlace, KeyProcess, Secrets};
pub use serve::{KEY_ARGUMENT, key_main, shut_off};
