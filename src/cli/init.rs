//! `hbuild init`.

use std::fmt::Write as _;
use std::path::Path;

use super::arguments::{CiArgument, DebianArgument, InitArguments};
use super::print;
use super::report::{Failure, UsageError};
use crate::host::new_files::{repository_of, write_new};
use crate::scaffold::{Ci, NewFile, Options, files, is_usable, name_of};

/// Writes the files of a new project; prints their paths, and on standard error what to do next.
pub fn run(arguments: &InitArguments) -> Result<(), Failure> {
    let folder = &arguments.folder;
    let name = name(arguments)?;
    let (ci, elsewhere) = ci(arguments);
    let options = Options {
        name,
        debian: match arguments.distro {
            DebianArgument::Debian12 => "12".to_owned(),
            DebianArgument::Debian13 => "13".to_owned(),
        },
        from_source: arguments.from_source,
        ci,
    };
    let (written, kept): (Vec<NewFile>, Vec<NewFile>) =
        files(&options).into_iter().partition(|file| !(file.optional && folder.join(&file.path).exists()));
    let texts: Vec<(&Path, &str)> =
        written.iter().map(|file| (file.path.as_path(), file.text.as_str())).collect();
    // Messages name the files of the current folder without one.
    let place = if folder == Path::new(".") { Path::new("") } else { folder };
    write_new(place, &texts).map_err(Failure::new)?;
    let mut paths = String::new();
    for file in &written {
        let _ = writeln!(paths, "{}", shown(folder, &file.path));
    }
    print(&paths)?;
    for file in &kept {
        let path = shown(folder, &file.path);
        match file.path.ends_with(".gitignore") && !ignores_results(folder) {
            true => eprintln!("kept {path}: it should have the line `{}`", file.text.trim_end()),
            false => eprintln!("kept {path}"),
        }
    }
    if let Some(top) = elsewhere {
        eprintln!("no CI file: {top} is the folder that CI looks at; `--ci github` writes one all the same");
    }
    eprint!("{}", next(&options, folder));
    Ok(())
}

/// The project's name: as asked for, else that of its folder.
fn name(arguments: &InitArguments) -> Result<String, Failure> {
    let bad = |message| {
        let help = "a name has small letters, digits and single hyphens between them, begins with a letter, and means \
                    nothing else in a recipe: `--name my-image`";
        Failure::new(UsageError::BadValue { message, help: help.to_owned() })
    };
    if let Some(name) = &arguments.name {
        return match is_usable(name) {
            true => Ok(name.clone()),
            false => Err(bad(format!("`--name {name}`: an image cannot be called so"))),
        };
    }
    // The last name of the path as it will be, also where the folder is not there yet.
    let path = std::path::absolute(&arguments.folder).unwrap_or_else(|_| arguments.folder.clone());
    let last = path.canonicalize().unwrap_or(path);
    let last = last.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name_of(&last).ok_or_else(|| bad(format!("an image cannot be called `{last}`, as its folder is")))
}

/// The service that checks the project; or none, and the folder where its file would have to be.
fn ci(arguments: &InitArguments) -> (Option<Ci>, Option<String>) {
    match arguments.ci {
        Some(CiArgument::Github) => (Some(Ci::Github), None),
        Some(CiArgument::Gitlab) => (Some(Ci::Gitlab), None),
        Some(CiArgument::None) => (None, None),
        None => {
            let path = std::path::absolute(&arguments.folder).unwrap_or_else(|_| arguments.folder.clone());
            let there = path.ancestors().find_map(|above| above.canonicalize().ok());
            let top = there.as_deref().and_then(repository_of);
            match top.filter(|top| there.as_ref() != Some(top) || !path.exists()) {
                Some(top) => (None, Some(top.display().to_string())),
                None => (Some(Ci::Github), None),
            }
        }
    }
}

/// Whether the folder's `.gitignore` has the folder of results.
fn ignores_results(folder: &Path) -> bool {
    let text = std::fs::read_to_string(folder.join(".gitignore")).unwrap_or_default();
    text.lines().any(|line| line.trim().trim_matches('/') == "out")
}

/// What to type next.
fn next(options: &Options, folder: &Path) -> String {
    let mut lines = vec!["next:".to_owned()];
    if folder != Path::new(".") {
        lines.push(format!("  cd {}", folder.display()));
    }
    if options.from_source {
        lines.push(
            "  hbuild doctor    # whether this machine allows sandboxes, which compiling needs".to_owned(),
        );
    }
    lines.push("  hbuild check     # finds mistakes, without a network".to_owned());
    lines.push("  hbuild lock      # pins every package to a digest; commit hbuild.lock".to_owned());
    lines.push(format!("  hbuild build     # writes out/{}, an OCI image layout", options.name));
    if options.ci.is_some() {
        lines.push(
            "CI installs hbuild from the sources that its variable HBUILD_REPOSITORY names: set it."
                .to_owned(),
        );
    }
    lines.join("\n") + "\n"
}

fn shown(folder: &Path, path: &Path) -> String {
    match folder == Path::new(".") {
        true => path.display().to_string(),
        false => folder.join(path).display().to_string(),
    }
}
