//! `hbuild check`.

use std::io::Read;
use std::path::{Path, PathBuf};

use hbuild_lang::{Checked, FileError, Files};

use super::arguments::CheckArguments;
use super::context::Context;
use super::report::{Failure, OutputError, Texts, UsageError};
use super::{print, target};
use crate::build::split;
use crate::host::files::RecipeFolder;

/// What standard input is called where nobody says.
const STDIN_NAME: &str = "stdin.hb";

/// Checks every recipe named; says how many there were.
pub fn run(arguments: &CheckArguments, context: &Context) -> Result<(), Failure> {
    let reporter = context.reporter();
    let (mut errors, mut warnings, mut recipes) = (0, 0, 0);
    for (path, text) in inputs(arguments)? {
        let checked = check(&path, text);
        reporter.texts(&Texts::new(&path, &checked));
        let found = checked.diagnostics.iter().filter(|found| found.is_error()).count();
        errors += found;
        warnings += checked.diagnostics.len() - found;
        recipes += 1;
    }
    reporter.left_out();
    let failed = errors > 0 || (arguments.strict && warnings > 0);
    let (counts, recipes) = (counts(errors, warnings), plural(recipes, "recipe"));
    match (reporter.for_people(), failed) {
        (true, true) => eprintln!("{counts} in {recipes}"),
        (true, false) if warnings > 0 => print(&format!("{recipes} checked, {counts}\n"))?,
        (true, false) => print(&format!("{recipes} checked\n"))?,
        (false, _) => {}
    }
    if failed { Err(Failure::silent()) } else { Ok(()) }
}

/// A recipe, and its text where it is not that of the file.
type Input = (PathBuf, Option<Vec<u8>>);

/// The recipes to check, with the text of the one that standard input has.
fn inputs(arguments: &CheckArguments) -> Result<Vec<Input>, Failure> {
    if arguments.targets == ["-"] {
        let mut text = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut text);
        read.map_err(|source| Failure::new(OutputError { source }))?;
        let name = arguments.stdin_name.clone().unwrap_or_else(|| STDIN_NAME.into());
        return Ok(vec![(name, Some(text))]);
    }
    if arguments.stdin_name.is_some() {
        return Err(Failure::new(UsageError::BadValue {
            message: "`--stdin-name` names standard input, and standard input is not the target".to_owned(),
            help: "write `hbuild check - --stdin-name FILE`".to_owned(),
        }));
    }
    Ok(target::expand(&arguments.targets)?.into_iter().map(|target| (target.path, None)).collect())
}

fn check(path: &Path, text: Option<Vec<u8>>) -> Checked {
    let (folder, file) = split(path);
    let folder = RecipeFolder::new(folder);
    match text {
        None => hbuild_lang::check(&folder, &file),
        Some(text) => hbuild_lang::check(&Typed { file: &file, text, folder }, &file),
    }
}

/// A folder in which one file has the text that standard input gave.
struct Typed<'a> {
    file: &'a str,
    text: Vec<u8>,
    folder: RecipeFolder,
}

impl Files for Typed<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        if path == self.file { Ok(self.text.clone()) } else { self.folder.read(path) }
    }
}

/// How many there are of each.
pub fn counts(errors: usize, warnings: usize) -> String {
    match (errors, warnings) {
        (0, warnings) => plural(warnings, "warning"),
        (errors, 0) => plural(errors, "error"),
        (errors, warnings) => format!("{} and {}", plural(errors, "error"), plural(warnings, "warning")),
    }
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
