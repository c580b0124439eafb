//! `hbuild fmt`.

use std::borrow::Cow;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use hbuild_lang::format::format_bytes;
use hbuild_lang::syntax::LENGTH_LIMIT;
use hbuild_lang::{Checked, Diagnostic, Files};
use similar::TextDiff;

use super::arguments::FmtArguments;
use super::context::Context;
use super::report::{Failure, OutputError, Texts};
use super::{print, target};
use crate::host::discover::ReadError;
use crate::host::files::{RecipeFolder, write_atomically};

/// What a formatted recipe is called that has no name.
const STANDARD_INPUT: &str = "<standard input>";

/// Formats every recipe named in place; with `--check` or `--diff` only says what would change. A recipe with errors
/// stays as it is, and keeps no other one from being formatted.
pub fn run(arguments: &FmtArguments, context: &Context) -> Result<(), Failure> {
    if arguments.targets == ["-"] {
        return standard_input(arguments, context);
    }
    let mut failure: Option<Failure> = None;
    let mut changed = false;
    for target in target::expand(&arguments.targets)? {
        match file(arguments, context, &target.path) {
            Ok(differs) => changed |= differs,
            Err(found) => {
                failure = Some(match failure {
                    Some(earlier) => earlier.and(found),
                    None => found,
                });
            }
        }
    }
    match failure {
        Some(failure) => Err(failure),
        None => outcome(arguments, changed),
    }
}

/// Formats one file; returns whether it differs from what stands there.
fn file(arguments: &FmtArguments, context: &Context, path: &Path) -> Result<bool, Failure> {
    let (folder, entry) = crate::build::split(path);
    let bytes = RecipeFolder::new(folder).read(&entry).map_err(|error| {
        let source = std::io::Error::other(error.reason);
        Failure::new(ReadError { path: path.display().to_string(), source })
    })?;
    let new = formatted(path, &bytes)?;
    if new.as_bytes() == bytes {
        return Ok(false);
    }
    if arguments.diff {
        print(&difference(path, &bytes, &new))?;
        return Ok(true);
    }
    if arguments.check && !context.reporter().for_people() {
        report(context, path, &bytes, &new);
        return Ok(true);
    }
    if !arguments.check {
        let written = write_atomically(path, new.as_bytes());
        written.map_err(|source| Failure::new(OutputError { source }))?;
    }
    print(&format!("{}\n", path.display()))?;
    Ok(true)
}

fn standard_input(arguments: &FmtArguments, context: &Context) -> Result<(), Failure> {
    let path = arguments.stdin_name.clone().unwrap_or_else(|| PathBuf::from(STANDARD_INPUT));
    let mut bytes = Vec::new();
    let most = LENGTH_LIMIT as u64 + 1;
    let read = std::io::stdin().lock().take(most).read_to_end(&mut bytes);
    read.map_err(|source| Failure::new(ReadError { path: path.display().to_string(), source }))?;
    let new = formatted(&path, &bytes)?;
    let changed = new.as_bytes() != bytes;
    match (arguments.diff, arguments.check) {
        (true, _) if changed => print(&difference(&path, &bytes, &new))?,
        (false, false) => return print(&new),
        (false, true) if changed && !context.reporter().for_people() => report(context, &path, &bytes, &new),
        _ => {}
    }
    outcome(arguments, changed)
}

/// What a comparison ends with; formatting in place is no comparison.
fn outcome(arguments: &FmtArguments, changed: bool) -> Result<(), Failure> {
    if changed && (arguments.check || arguments.diff) { Err(Failure::silent()) } else { Ok(()) }
}

fn formatted(path: &Path, bytes: &[u8]) -> Result<String, Failure> {
    format_bytes(bytes).map_err(|diagnostics| {
        let (_, entry) = crate::build::split(path);
        let diagnostics = diagnostics.into_iter().map(|found| found.in_file(&entry)).collect();
        let text = String::from_utf8_lossy(bytes).into_owned();
        let checked = Checked { diagnostics, texts: [(entry, text)].into() };
        Failure::recipe(&Texts::new(path, &checked))
    })
}

/// Tells a program of a recipe that formatting would change.
fn report(context: &Context, path: &Path, old: &[u8], new: &str) {
    let checked = not_formatted(path, String::from_utf8_lossy(old).into_owned(), new);
    context.reporter().texts(&Texts::new(path, &checked));
}

/// The unified difference that `patch` takes, with colours on a terminal.
fn difference(path: &Path, old: &[u8], new: &str) -> String {
    let old = String::from_utf8_lossy(old);
    let name = path.display().to_string();
    let diff = TextDiff::from_lines(&*old, new);
    let text = diff.unified_diff().header(&format!("{name}.orig"), &name).to_string();
    if !std::io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some() {
        return text;
    }
    text.split_inclusive('\n').map(coloured).collect()
}

fn coloured(line: &str) -> Cow<'_, str> {
    let colour = match line.as_bytes().first() {
        Some(b'-') => "31",
        Some(b'+') => "32",
        Some(b'@') => "36",
        _ => return Cow::Borrowed(line),
    };
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    Cow::Owned(format!("\x1b[{colour}m{text}\x1b[0m{end}"))
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
