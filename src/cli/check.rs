//! `hbuild check`.

use super::arguments::CheckArguments;
use super::report::{Failure, Texts};
use super::{print, target};
use crate::build::split;
use crate::host::files::RecipeFolder;

/// Checks every recipe named; says how many there were.
pub fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let targets = target::expand(&arguments.targets)?;
    let (mut errors, mut warnings) = (0, 0);
    for target in &targets {
        let (folder, file) = split(&target.path);
        let checked = hbuild_lang::check(&RecipeFolder::new(folder), &file);
        Texts::new(&target.path, &checked).print();
        let found = checked.diagnostics.iter().filter(|found| found.is_error()).count();
        errors += found;
        warnings += checked.diagnostics.len() - found;
    }
    if errors > 0 || (arguments.strict && warnings > 0) {
        eprintln!("{} in {}", counts(errors, warnings), recipes(targets.len()));
        return Err(Failure::silent());
    }
    let remark = if warnings == 0 { String::new() } else { format!(", {}", counts(errors, warnings)) };
    print(&format!("{} checked{remark}\n", recipes(targets.len())))
}

fn recipes(count: usize) -> String {
    plural(count, "recipe")
}

fn counts(errors: usize, warnings: usize) -> String {
    match (errors, warnings) {
        (0, warnings) => plural(warnings, "warning"),
        (errors, 0) => plural(errors, "error"),
        (errors, warnings) => format!("{} and {}", plural(errors, "error"), plural(warnings, "warning")),
    }
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
