//! Which images, at which points, a command is about.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Arch, Image};

use super::Project;

/// What the command line narrows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// `debian`, or a label such as `debian12`.
    pub distro: Option<String>,
    /// Architecture.
    pub arch: ArchChoice,
    /// Labels of other axes, `flavor` included.
    pub labels: BTreeMap<String, String>,
}

/// Which architectures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArchChoice {
    /// Every one that the recipe lists.
    #[default]
    All,
    /// This one.
    One(Arch),
}

/// Why nothing is selected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum SelectError {
    /// The recipe has no image of that name.
    #[error("`{file}` has no image `{name}`")]
    #[diagnostic(code(hbuild::usage::no_image), help("its images: {images}"))]
    NoImage {
        /// The recipe.
        file: String,
        /// The name asked for.
        name: String,
        /// Those there are.
        images: String,
    },
    /// No image of any recipe stands at such a point.
    #[error("no variant matches {wanted}")]
    #[diagnostic(code(hbuild::usage::no_variant), help("the variants are: {variants}"))]
    NoVariant {
        /// The options given.
        wanted: String,
        /// All variants there are.
        variants: String,
    },
}

/// The images of `projects` that match, in order. With each project comes the name behind `#` in its target.
pub fn select<'a>(
    projects: &'a [(Project, Option<String>)],
    filter: &Filter,
) -> Result<Vec<(&'a Project, &'a Image)>, SelectError> {
    let mut chosen = Vec::new();
    for (project, name) in projects {
        let images = &project.recipe.images;
        if let Some(name) = name
            && !images.iter().any(|image| image.name == *name)
        {
            let images = listed(images.iter().map(|image| image.name.clone()));
            let file = project.path().display().to_string();
            return Err(SelectError::NoImage { file, name: name.clone(), images });
        }
        let named = |image: &&Image| name.as_ref().is_none_or(|name| *name == image.name);
        let matching = images.iter().filter(named).filter(|image| filter.matches(image));
        chosen.extend(matching.map(|image| (project, image)));
    }
    if chosen.is_empty() {
        let described = |image: &Image| format!("{} {} {}", image.name, image.variant, image.arch);
        let all = projects.iter().flat_map(|(project, _)| &project.recipe.images).map(described);
        return Err(SelectError::NoVariant { wanted: filter.describe(), variants: listed(all) });
    }
    Ok(chosen)
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: BTreeSet<String> = names.collect();
    if names.is_empty() { "none".to_owned() } else { Vec::from_iter(names).join(", ") }
}

impl Filter {
    fn matches(&self, image: &Image) -> bool {
        let distro = self.distro.as_ref().is_none_or(|wanted| {
            *wanted == image.distro.to_string() || *wanted == image.distro.family.as_str()
        });
        let arch = match self.arch {
            ArchChoice::All => true,
            ArchChoice::One(arch) => image.arch == arch,
        };
        let labels = self.labels.iter().all(|(axis, label)| match image.point.get(axis) {
            Some(at) => at == label,
            None => axis == "flavor" && image.flavor.as_str() == label,
        });
        distro && arch && labels
    }

    fn describe(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.distro.iter().map(|distro| format!("--distro {distro}")));
        if let ArchChoice::One(arch) = self.arch {
            parts.push(format!("--arch {arch}"));
        }
        parts.extend(self.labels.iter().map(|(axis, label)| format!("--{axis} {label}")));
        if parts.is_empty() { "at all".to_owned() } else { parts.join(" ") }
    }
}
