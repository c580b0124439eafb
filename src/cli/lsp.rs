//! `hbuild lsp`.

use std::io;
use std::path::PathBuf;
use std::sync::mpsc::channel;

use super::context::Context;
use super::report::{Failure, OutputError};
use crate::lsp::{Settings, read, serve};

/// Answers an editor over standard input and output until it ends the session.
pub fn run(context: &Context) -> Result<(), Failure> {
    let settings = Settings {
        store: context.store_path().ok(),
        standard: context.cache_path().map(|cache| standard_folder(&cache)),
    };
    let (sender, incoming) = channel();
    // What comes in is read beside what is answered: a request can be cancelled while it waits.
    let reader = move || {
        let mut input = io::stdin().lock();
        while let Ok(Some(message)) = read(&mut input) {
            if sender.send(message).is_err() {
                return;
            }
        }
    };
    let started = std::thread::Builder::new().name("input".to_owned()).spawn(reader);
    started.map_err(|source| Failure::new(OutputError { source }))?;
    let mut output = io::stdout().lock();
    match serve(&incoming, &mut output, settings) {
        Ok(true) => Ok(()),
        // The editor is gone: there is nobody to say anything to.
        Ok(false) | Err(_) => Err(Failure::silent()),
    }
}

/// Modules change with the program, and editors keep files open: each version has a folder of its own.
fn standard_folder(cache: &std::path::Path) -> PathBuf {
    cache.join(concat!("std-", env!("CARGO_PKG_VERSION")))
}
