//! `hbuild import`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::arguments::ImportArguments;
use super::report::{Failure, OutputError, UsageError};
use super::{print, print_json};
use crate::host::files::write_atomically;
use crate::import::{Imported, Input, Options, Problem, ProblemKind, Recipe, Remark, grouped, import};

/// Longest file that is read; what is longer is no definition.
const LONGEST: u64 = 8 << 20;

/// Imports what is named, writes the recipes and says what is not in them.
pub fn run(arguments: &ImportArguments) -> Result<(), Failure> {
    let mut problems = Vec::new();
    let inputs = inputs(&arguments.targets, &mut problems)?;
    let include = |file: &str, name: &str| include(file, name);
    let distro = arguments.distro.as_deref().map(distro).transpose()?;
    let mut imported = import(&inputs, &Options { distro, include: Some(&include) });
    imported.problems.extend(problems);
    imported.problems.sort();
    let places = places(arguments, &imported)?;
    let written = write(arguments, &imported, &places)?;
    if arguments.json {
        print_json(&Report::new(&imported, &written))?;
    } else {
        for (recipe, place) in imported.recipes.iter().zip(&written) {
            match place {
                Some(path) => print(&format!("{}\n", path.display()))?,
                None => print(&recipe.text)?,
            }
        }
    }
    summary(&imported, arguments.json);
    if imported.problems.is_empty() { Ok(()) } else { Err(report(&imported)) }
}

/// The files of the targets; of folders every YAML file below them. What cannot be read is a problem of its own.
fn inputs(targets: &[PathBuf], problems: &mut Vec<Problem>) -> Result<Vec<Input>, Failure> {
    let mut found: BTreeMap<PathBuf, bool> = BTreeMap::new();
    for target in targets {
        let Ok(metadata) = fs::metadata(target) else {
            return Err(Failure::new(UsageError::NoDefinition { target: target.display().to_string() }));
        };
        if metadata.is_file() {
            found.insert(target.clone(), true);
            continue;
        }
        let before = found.len();
        below(target, &mut found, problems);
        if found.len() == before {
            return Err(Failure::new(UsageError::NoDefinition { target: target.display().to_string() }));
        }
    }
    let mut inputs = Vec::new();
    for (path, named) in found {
        match read(&path) {
            Ok(bytes) => inputs.push(Input { path: path.display().to_string(), bytes, named }),
            Err(error) => problems.push(unreadable(&path, &error.to_string())),
        }
    }
    Ok(inputs)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if fs::metadata(path)?.len() > LONGEST {
        return Err(std::io::Error::other("the file is longer than 8 MiB"));
    }
    fs::read(path)
}

fn unreadable(path: &Path, reason: &str) -> Problem {
    let (file, message) = (path.display().to_string(), format!("it cannot be read: {reason}"));
    Problem { file, line: 0, column: 0, kind: ProblemKind::Unreadable, message }
}

fn below(folder: &Path, found: &mut BTreeMap<PathBuf, bool>, problems: &mut Vec<Problem>) {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return problems.push(unreadable(folder, &error.to_string())),
    };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let Ok(kind) = entry.file_type() else { continue };
        if name.starts_with('.') {
            continue;
        }
        if kind.is_dir() {
            below(&path, found, problems);
        } else if name.ends_with(".yaml") || name.ends_with(".yml") {
            found.entry(path).or_insert(false);
        }
    }
}

/// A file that another includes: beside it, or in one of the folders above it.
fn include(file: &str, name: &str) -> Option<Input> {
    let name = Path::new(name);
    if name.is_absolute() || name.components().any(|part| part == std::path::Component::ParentDir) {
        let beside = Path::new(file).parent()?.join(name);
        return read(&beside).ok().map(|bytes| Input {
            path: beside.display().to_string(),
            bytes,
            named: true,
        });
    }
    let mut folder = Path::new(file).parent();
    while let Some(here) = folder {
        let path = here.join(name);
        if path.is_file() {
            let bytes = read(&path).ok()?;
            return Some(Input { path: path.display().to_string(), bytes, named: true });
        }
        folder = here.parent();
    }
    None
}

fn distro(text: &str) -> Result<hbuild_lang::recipe::Distro, Failure> {
    use hbuild_lang::recipe::{Distro, Family};
    let found =
        [("alpine", Family::Alpine), ("debian", Family::Debian)].into_iter().find_map(|(name, family)| {
            let release = text.strip_prefix(name)?.to_owned();
            hbuild_lang::known_releases(family)
                .contains(&release.as_str())
                .then_some(Distro { family, release })
        });
    found.ok_or_else(|| {
        Failure::new(UsageError::BadValue {
            message: format!("hbuild knows no distro `{text}`"),
            help: "write it with its release: `debian13`, `alpine3.24`".to_owned(),
        })
    })
}

/// Where each recipe goes; `None` for standard output.
fn places(arguments: &ImportArguments, imported: &Imported) -> Result<Vec<Option<PathBuf>>, Failure> {
    let count = imported.recipes.len();
    let output = arguments.output.as_deref();
    let wrong = |message: String| {
        let help = "name a folder with `-o DIR`: each recipe goes to `DIR/NAME/NAME.hb`".to_owned();
        Failure::new(UsageError::BadValue { message, help })
    };
    match output {
        None if count > 1 => Err(wrong(format!("{count} recipes do not go to one place"))),
        Some(path) if count > 1 && path == Path::new("-") => {
            Err(wrong(format!("{count} recipes do not go to one place")))
        }
        None => Ok(vec![None; count]),
        Some(path) if path == Path::new("-") => Ok(vec![None; count]),
        Some(path) if path.extension().is_some_and(|extension| extension == "hb") => {
            if count > 1 {
                return Err(wrong(format!("{count} recipes do not go into one file")));
            }
            Ok(vec![Some(path.to_owned()); count])
        }
        Some(folder) => {
            let place = |recipe: &Recipe| Some(folder.join(&recipe.name).join(format!("{}.hb", recipe.name)));
            Ok(imported.recipes.iter().map(place).collect())
        }
    }
}

/// Writes the recipes, all or none: nothing where one of the files is there already.
fn write(
    arguments: &ImportArguments,
    imported: &Imported,
    places: &[Option<PathBuf>],
) -> Result<Vec<Option<PathBuf>>, Failure> {
    for path in places.iter().flatten() {
        if path.exists() && !arguments.force {
            return Err(Failure::new(UsageError::FileExists { path: path.display().to_string() }));
        }
    }
    for (recipe, place) in imported.recipes.iter().zip(places) {
        let Some(path) = place else { continue };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let made = folder.map_or(Ok(()), fs::create_dir_all);
        let done = made.and_then(|()| write_atomically(path, recipe.text.as_bytes()));
        done.map_err(|source| Failure::new(OutputError { source }))?;
    }
    Ok(places.to_vec())
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    recipes: Vec<RecipeReport<'a>>,
    problems: &'a [Problem],
    passed_over: &'a [String],
}

#[derive(Serialize)]
struct RecipeReport<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    definitions: &'a [String],
    remarks: &'a [Remark],
}

impl<'a> Report<'a> {
    fn new(imported: &'a Imported, places: &[Option<PathBuf>]) -> Self {
        let recipe = |(recipe, place): (&'a Recipe, &Option<PathBuf>)| RecipeReport {
            name: &recipe.name,
            path: place.as_ref().map(|path| path.display().to_string()),
            text: place.is_none().then_some(&*recipe.text),
            definitions: &recipe.files,
            remarks: &recipe.remarks,
        };
        Report {
            recipes: imported.recipes.iter().zip(places).map(recipe).collect(),
            problems: &imported.problems,
            passed_over: &imported.passed_over,
        }
    }
}

/// What is not in the recipes, on standard error: in full for one, in numbers for many.
fn summary(imported: &Imported, json: bool) {
    let files: usize = imported.recipes.iter().map(|recipe| recipe.files.len()).sum();
    if let [recipe] = imported.recipes.as_slice()
        && !json
    {
        let mut heading = None;
        for group in grouped(&recipe.remarks) {
            if heading != Some(group.first.kind) {
                eprintln!("{}:", group.first.kind.heading());
                heading = Some(group.first.kind);
            }
            eprintln!("  {}", line(&group));
        }
    }
    let remarks: usize = imported.recipes.iter().map(|recipe| grouped(&recipe.remarks).len()).sum();
    eprintln!("{} of {}", plural(imported.recipes.len(), "recipe"), plural(files, "definition"));
    if imported.recipes.len() > 1 && remarks > 0 {
        eprintln!(
            "{} as comments in the recipes and, place by place, with `--json`",
            plural(remarks, "remark")
        );
    }
    if !imported.passed_over.is_empty() {
        let count = imported.passed_over.len();
        eprintln!("{} passed over: no definition, as `--json` lists", plural(count, "file"));
    }
}

fn line(group: &crate::import::Group<'_>) -> String {
    const SHOWN: usize = 3;
    let places = group.places.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    let more = group.places.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let remark = group.first;
    let value: String = remark.value.chars().map(|c| if c.is_control() { ' ' } else { c }).take(80).collect();
    let value = if value.is_empty() { String::new() } else { format!(" `{value}`") };
    format!("{places}{more}: {}{value}: {}", remark.field, remark.reason)
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The problems as one failure, each with its place; files by the number that were left out.
fn report(imported: &Imported) -> Failure {
    let files: BTreeSet<&str> = imported.problems.iter().map(|problem| problem.file.as_str()).collect();
    eprintln!("{} in {}", plural(imported.problems.len(), "problem"), plural(files.len(), "file"));
    let mut failures = imported.problems.iter().map(|problem| Failure::new(ImportError::new(problem)));
    let first = failures.next().unwrap_or_else(Failure::silent);
    failures.fold(first, Failure::and)
}

/// Something wrong with a definition.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
enum ImportError {
    /// No YAML.
    #[error("{place}: {message}")]
    #[diagnostic(
        code(hbuild::import::invalid_yaml),
        help("mend the file; `yamllint` shows what is around the place")
    )]
    Yaml { place: String, message: String },
    /// Another format.
    #[error("{place}: {message}")]
    #[diagnostic(
        code(hbuild::import::not_a_definition),
        help("name definitions of the catalogue, or apko's files")
    )]
    Format { place: String, message: String },
    /// A field that is not as the format has it.
    #[error("{place}: {message}")]
    #[diagnostic(code(hbuild::import::bad_field), help("write the field as the format's schema has it"))]
    Schema { place: String, message: String },
    /// Variants that cannot be told, or told apart.
    #[error("{place}: {message}")]
    #[diagnostic(
        code(hbuild::import::variant),
        help(
            "the variants of an image differ by version, distro, flavor or profile; leave one of the files out"
        )
    )]
    Variant { place: String, message: String },
    /// A file that cannot be read.
    #[error("{place}: {message}")]
    #[diagnostic(code(hbuild::import::unreadable), help("check that you may read it"))]
    Unreadable { place: String, message: String },
    /// A recipe that is not right.
    #[error("{place}: {message}")]
    #[diagnostic(
        code(hbuild::import::defect),
        help("the recipe is written as it is: mend it by hand, and report what it was made of")
    )]
    Defect { place: String, message: String },
}

impl ImportError {
    fn new(problem: &Problem) -> Self {
        let place = match problem.line {
            0 => problem.file.clone(),
            line => format!("{}:{line}:{}", problem.file, problem.column),
        };
        let message = problem.message.clone();
        match problem.kind {
            ProblemKind::Yaml => Self::Yaml { place, message },
            ProblemKind::Format => Self::Format { place, message },
            ProblemKind::Schema => Self::Schema { place, message },
            ProblemKind::Variant => Self::Variant { place, message },
            ProblemKind::Unreadable => Self::Unreadable { place, message },
            ProblemKind::Defect => Self::Defect { place, message },
        }
    }
}
