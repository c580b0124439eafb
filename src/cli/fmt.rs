//! `hbuild fmt`.

use std::io::Read;
use std::path::Path;

use hbuild_lang::{Checked, Diagnostic};

use super::arguments::FmtArguments;
use super::context::Context;
use super::report::{Failure, OutputError, Texts};
use super::{print, target};
use crate::host::discover::read_text;
use crate::host::files::write_atomically;

/// Formats every recipe named in place, or with `--check` only says which would change.
pub fn run(arguments: &FmtArguments, context: &Context) -> Result<(), Failure> {
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
        if arguments.check && !context.reporter().for_people() {
            let checked = not_formatted(&target.path, text, &new);
            context.reporter().texts(&Texts::new(&target.path, &checked));
        }
        changed.push(target.path.display().to_string());
    }
    if context.reporter().for_people() || !arguments.check {
        print(&changed.iter().map(|path| format!("{path}\n")).collect::<String>())?;
    }
    if arguments.check && !changed.is_empty() { Err(Failure::silent()) } else { Ok(()) }
}

fn formatted(path: &Path, text: &str) -> Result<String, Failure> {
    hbuild_lang::format::format(text).map_err(|diagnostics| {
        let (_, entry) = crate::build::split(path);
        let diagnostics = diagnostics.into_iter().map(|found| found.in_file(&entry)).collect();
        let checked = Checked { diagnostics, texts: [(entry, text.to_owned())].into() };
        Failure::recipe(&Texts::new(path, &checked))
    })
}

/// What programs are told of a recipe that formatting would change: where, and what would stand there.
fn not_formatted(path: &Path, text: String, new: &str) -> Checked {
    let same = text.bytes().zip(new.bytes()).take_while(|(left, right)| left == right).count();
    let start = text.as_bytes()[..same].iter().rposition(|byte| *byte == b'\n').map_or(0, |feed| feed + 1);
    let (old_rest, new_rest) = (&text[start..], &new[start..]);
    let same =
        old_rest.bytes().rev().zip(new_rest.bytes().rev()).take_while(|(left, right)| left == right).count();
    // Whole lines are replaced, so that both ends lie between characters.
    let tail = &old_rest.as_bytes()[old_rest.len() - same..];
    let kept = tail.iter().position(|byte| *byte == b'\n').map_or(0, |feed| tail.len() - feed - 1);
    let range = start..text.len() - kept;
    let (_, entry) = crate::build::split(path);
    let message = "`hbuild fmt` would write this differently";
    let diagnostic = Diagnostic::warning("hbuild::usage::not_formatted", range.clone(), message)
        .with_help("run `hbuild fmt`")
        .with_suggestion("format it", range, &new[start..new.len() - kept])
        .in_file(&entry);
    Checked { diagnostics: vec![diagnostic], texts: [(entry, text)].into() }
}
