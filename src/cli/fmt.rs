//! `hbuild fmt`.

use std::io::Read;
use std::path::Path;

use hbuild_lang::Checked;

use super::arguments::FmtArguments;
use super::report::{Failure, OutputError, Texts};
use super::{print, target};
use crate::host::discover::read_text;
use crate::host::files::write_atomically;

/// Formats every recipe named in place, or with `--check` only says which would change.
pub fn run(arguments: &FmtArguments) -> Result<(), Failure> {
    if arguments.targets == ["-"] {
        let mut text = String::new();
        let read = std::io::stdin().lock().read_to_string(&mut text);
        read.map_err(|source| Failure::new(OutputError { source }))?;
        return print(&formatted(Path::new("<standard input>"), &text)?);
    }
    let mut changed = Vec::new();
    for target in target::expand(&arguments.targets)? {
        let text = read_text(&target.path).map_err(Failure::new)?;
        let new = formatted(&target.path, &text)?;
        if new == text {
            continue;
        }
        if !arguments.check {
            let written = write_atomically(&target.path, new.as_bytes());
            written.map_err(|source| Failure::new(OutputError { source }))?;
        }
        changed.push(target.path.display().to_string());
    }
    for path in &changed {
        print(&format!("{path}\n"))?;
    }
    if arguments.check && !changed.is_empty() { Err(Failure::silent()) } else { Ok(()) }
}

fn formatted(path: &Path, text: &str) -> Result<String, Failure> {
    hbuild_lang::format::format(text).map_err(|diagnostics| {
        let (_, entry) = crate::build::split(path);
        let diagnostics = diagnostics.into_iter().map(|found| found.in_file(&entry)).collect();
        let checked = Checked { diagnostics, texts: [(entry, text.to_owned())].into() };
        Texts::new(path, &checked).failure()
    })
}
