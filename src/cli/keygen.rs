//! `hbuild keygen`.

use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use super::context::Context;
use super::print;
use super::report::Failure;
use crate::evidence::signing::{KeyFault, PrivateKey};
use crate::host::new_files::{NewFilesError, write_new_with_modes};
use crate::host::signer::{SignerError, shut_off};
use crate::host::terminal::Terminal;

/// Arguments of `keygen`.
#[derive(Debug, Args)]
pub struct KeygenArguments {
    /// Where the keys go: NAME.key, the private one, and NAME.pub
    #[arg(short, long, value_name = "NAME")]
    pub output: PathBuf,
    /// Take an empty passphrase from the terminal, too
    #[arg(long)]
    pub allow_empty: bool,
}

/// Makes a pair of keys.
pub fn run(arguments: &KeygenArguments, context: &Context) -> Result<(), Failure> {
    shut_off();
    let secrets = context.take_secrets();
    let with = |extension: &str| {
        let mut name = arguments.output.clone().into_os_string();
        name.push(extension);
        PathBuf::from(name)
    };
    let (private, public) = (with(".key"), with(".pub"));
    // Before anybody is asked for a passphrase; it is seen to again when they are written.
    let there = |path: &&PathBuf| path.symlink_metadata().is_ok();
    let paths: Vec<PathBuf> = [&private, &public].into_iter().filter(there).cloned().collect();
    if !paths.is_empty() {
        return Err(Failure::new(NewFilesError::InTheWay { paths }));
    }
    let passphrase = match secrets.passphrase {
        Some(passphrase) => passphrase,
        None => ask(arguments, context)?,
    };
    let key = PrivateKey::generate();
    let (private_text, public_text) = (key.to_encrypted_pem(&passphrase), key.public_key().to_pem());
    let files = [(&*private, &**private_text, 0o600), (&*public, &*public_text, 0o666)];
    write_new_with_modes(Path::new(""), &files).map_err(Failure::new)?;
    print(&format!("{}\n{}\n", private.display(), public.display()))
}

/// A passphrase that was typed twice.
fn ask(arguments: &KeygenArguments, context: &Context) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut terminal =
        Terminal::open().ok_or_else(|| Failure::new(SignerError::from(KeyFault::NoPassphrase)))?;
    let mut answer = |question: &str| match terminal.ask(question, &|| context.cancelled()) {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(Failure::new(SignerError::Stopped)),
        Err(source) => Err(Failure::new(super::report::OutputError { source })),
    };
    let passphrase = answer("Passphrase for the new key")?;
    if passphrase.is_empty() && !arguments.allow_empty {
        return Err(Failure::new(SignerError::EmptyPassphrase));
    }
    if *passphrase != *answer("The same again")? {
        return Err(Failure::new(SignerError::PassphrasesDiffer));
    }
    Ok(passphrase)
}
