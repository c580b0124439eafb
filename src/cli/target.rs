//! Targets and variants as they are typed.

use std::path::{Path, PathBuf};

use hbuild_lang::diagnostic::nearest;
use hbuild_lang::recipe::Arch;

use super::arguments::Selection;
use super::report::{Failure, Reporter, Texts, UsageError};
use crate::build::{ArchChoice, Filter, Project};
use crate::host::discover::find_recipes;

/// Options that many commands have, and that a misspelt axis could be.
const OPTIONS: [&str; 6] = ["arch", "check", "distro", "flavor", "json", "offline"];

/// A recipe file with the image or build named behind `#`.
pub struct Target {
    /// The recipe file.
    pub path: PathBuf,
    /// The image or build.
    pub image: Option<String>,
}

/// The recipe files that `targets` name, each once, in order.
pub fn expand(targets: &[String]) -> Result<Vec<Target>, Failure> {
    let mut found: Vec<Target> = Vec::new();
    for text in targets {
        let (path, image) = match text.rsplit_once('#') {
            Some((path, name)) if !Path::new(text).exists() => (path, Some(name.to_owned())),
            _ => (text.as_str(), None),
        };
        let none = || Failure::new(UsageError::NoRecipe { target: text.clone() });
        if !Path::new(path).exists() {
            return Err(none());
        }
        let files = find_recipes(Path::new(path)).map_err(Failure::new)?;
        if files.is_empty() {
            return Err(none());
        }
        for path in files {
            if !found.iter().any(|target| target.path == path && target.image == image) {
                found.push(Target { path, image: image.clone() });
            }
        }
    }
    Ok(found)
}

/// The recipes of `targets`, evaluated; their warnings are reported. The errors of all recipes are one
/// failure.
pub fn load(targets: &[String], reporter: &Reporter) -> Result<Vec<(Project, Option<String>)>, Failure> {
    let mut projects = Vec::new();
    let mut failure: Option<Failure> = None;
    for target in expand(targets)? {
        match Project::load(&target.path) {
            Ok(project) => {
                reporter.texts(&Texts::new(&target.path, &project.checked));
                projects.push((project, target.image));
            }
            Err(checked) => {
                let found = Failure::recipe(&Texts::new(&target.path, &checked));
                failure = Some(match failure {
                    Some(earlier) => earlier.and(found),
                    None => found,
                });
            }
        }
    }
    failure.map_or(Ok(projects), Err)
}

/// The architecture that this program was made for, and so the host's.
pub fn host_arch() -> Arch {
    if cfg!(target_arch = "aarch64") { Arch::Arm64 } else { Arch::Amd64 }
}

/// The architecture of that name.
pub fn arch(name: &str) -> Result<Arch, Failure> {
    match name {
        "amd64" => Ok(Arch::Amd64),
        "arm64" => Ok(Arch::Arm64),
        other => Err(Failure::new(UsageError::BadValue {
            message: format!("`--arch {other}`: there is no such architecture"),
            help: "write `amd64`, `arm64` or `all`".to_owned(),
        })),
    }
}

/// What the selection narrows. The architecture is the host's where nothing is said.
pub fn filter(selection: &Selection) -> Result<Filter, Failure> {
    let arch = match selection.arch.as_deref() {
        Some("all") => ArchChoice::All,
        Some(one) => ArchChoice::One(arch(one)?),
        None => ArchChoice::One(host_arch()),
    };
    let mut filter = Filter { distro: selection.distro.clone(), arch, ..Filter::default() };
    if let Some(flavor) = &selection.flavor {
        filter.labels.insert("flavor".to_owned(), flavor.clone());
    }
    for text in &selection.axes {
        let Some((name, label)) = text.split_once('=') else {
            return Err(Failure::new(UsageError::BadAxis { text: text.clone() }));
        };
        filter.labels.insert(name.to_owned(), label.to_owned());
    }
    Ok(filter)
}

/// Refuses an axis that none of the recipes has: a misspelt option, most likely.
pub fn check_axes(selection: &Selection, projects: &[(Project, Option<String>)]) -> Result<(), Failure> {
    for text in &selection.axes {
        let (axis, label) = text.split_once('=').unwrap_or((text, ""));
        let axes = || projects.iter().flat_map(|(project, _)| &project.recipe.axes);
        if axes().any(|known| known.name == axis) {
            continue;
        }
        let mut known: Vec<&str> = axes().map(|axis| axis.name.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        return Err(Failure::new(UsageError::NoSuchAxis {
            axis: axis.to_owned(),
            label: label.to_owned(),
            choices: match nearest(axis, known.iter().copied().chain(OPTIONS)) {
                Some(near) => format!("did you mean `--{near}`?"),
                None => format!("the axes are: {}; `hbuild help` lists the options", known.join(", ")),
            },
        }));
    }
    Ok(())
}
