//! Which images and builds, at which points, a command is about.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::diagnostic::nearest;
use hbuild_lang::recipe::{Arch, Build, Distro, Image, Point};

use serde::Serialize;

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
    /// Whether a target without a name also means the builds beside images.
    pub builds: bool,
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
    /// The recipe has nothing of that name.
    #[error("`{file}` has no image and no build `{name}`")]
    #[diagnostic(code(hbuild::usage::no_image), help("{help}"))]
    NoImage {
        /// The recipe.
        file: String,
        /// The name asked for.
        name: String,
        /// The one that was probably meant, or those there are.
        help: String,
    },
    /// No image and no build that is meant stands at such a point.
    #[error("no variant matches {wanted}")]
    #[diagnostic(code(hbuild::usage::no_variant), help("{help}"))]
    NoVariant {
        /// The options given.
        wanted: String,
        /// The option that was probably meant, or all variants there are.
        help: String,
    },
}

/// An image or a build of a recipe, at one point.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Item<'a> {
    /// An image.
    Image(&'a Image),
    /// A build.
    Build(&'a Build),
}

impl<'a> Item<'a> {
    /// All images of `project`, then all builds: its own, where `imported` is not set.
    fn all(project: &'a Project, imported: bool) -> impl Iterator<Item = Self> {
        let recipe = &project.recipe;
        let own = move |build: &&Build| imported || *build.place.file == *recipe.file;
        let builds = recipe.builds.iter().filter(own).map(Item::Build);
        recipe.images.iter().map(Item::Image).chain(builds)
    }

    /// The image or build of `project`, imported ones included, with this name and point.
    pub(super) fn at(project: &'a Project, image: bool, name: &str, point: &Point) -> Option<Self> {
        let is_it = |item: &Self| {
            matches!(item, Item::Image(_)) == image && item.name() == name && item.point() == point
        };
        Self::all(project, true).find(is_it)
    }

    /// Its name.
    pub fn name(&self) -> &'a str {
        match self {
            Self::Image(image) => &image.name,
            Self::Build(build) => &build.name,
        }
    }

    fn point(&self) -> &'a Point {
        match self {
            Self::Image(image) => &image.point,
            Self::Build(build) => &build.point,
        }
    }

    fn distro(&self) -> &'a Distro {
        match self {
            Self::Image(image) => &image.distro,
            Self::Build(build) => build.target.as_ref().unwrap_or(&build.distro),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Image(image) => format!("{} {} {}", image.name, image.variant, image.arch),
            Self::Build(build) => {
                build.point.values().fold(build.name.clone(), |name, label| name + " " + label)
            }
        }
    }
}

/// What of `projects` matches, in order. With each project comes the name behind `#` in its target, of an image or
/// of a build. Without a name it is the images, and the builds where no recipe has an image or the filter says so.
pub fn select<'a>(
    projects: &'a [(Project, Option<String>)],
    filter: &Filter,
) -> Result<Vec<(&'a Project, Item<'a>)>, SelectError> {
    let images = projects.iter().any(|(project, _)| !project.recipe.images.is_empty());
    let mut meant = Vec::new();
    for (project, name) in projects {
        let Some(name) = name else {
            let own = Item::all(project, false);
            let items = own.filter(|item| !images || filter.builds || matches!(item, Item::Image(_)));
            meant.extend(items.map(|item| (project, item)));
            continue;
        };
        let named: Vec<_> = Item::all(project, true).filter(|item| item.name() == name).collect();
        if named.is_empty() {
            let names: BTreeSet<&str> = Item::all(project, true).map(|item| item.name()).collect();
            let file = project.path().display().to_string();
            let help = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{file}#{near}`?"),
                None => format!("it has: {}", listed(names.into_iter().map(str::to_owned))),
            };
            return Err(SelectError::NoImage { file, name: name.clone(), help });
        }
        meant.extend(named.into_iter().map(|item| (project, item)));
    }
    let chosen: Vec<_> = meant.iter().filter(|(_, item)| filter.matches(item)).copied().collect();
    if chosen.is_empty() {
        let variants =
            || format!("the variants are: {}", listed(meant.iter().map(|(_, item)| item.describe())));
        let help = filter.meant(meant.iter().map(|(_, item)| *item)).unwrap_or_else(variants);
        return Err(SelectError::NoVariant { wanted: filter.describe(), help });
    }
    Ok(chosen)
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: BTreeSet<String> = names.collect();
    if names.is_empty() { "none".to_owned() } else { Vec::from_iter(names).join(", ") }
}

impl Filter {
    pub(super) fn matches(&self, item: &Item<'_>) -> bool {
        match item {
            Item::Image(image) => {
                let labels = self.labels.iter().all(|(axis, label)| match image.point.get(axis) {
                    Some(at) => at == label,
                    None => axis == "flavor" && image.flavor.as_str() == label,
                });
                labels && self.matches_platform(Some(&image.distro), Some(image.arch))
            }
            // A build has only the axes that it varies over: at any label of another it is the same.
            Item::Build(build) => {
                let at = |axis, label| build.point.get(axis).is_none_or(|at| at == label);
                let labels = self.labels.iter().all(|(axis, label)| at(axis, label));
                let distro = build.point.contains_key("distro").then(|| item.distro());
                labels && self.matches_platform(distro, (!build.any_arch).then_some(build.arch))
            }
        }
    }

    fn matches_platform(&self, distro: Option<&Distro>, arch: Option<Arch>) -> bool {
        let distro = match (&self.distro, distro) {
            (None, _) | (_, None) => true,
            (Some(wanted), Some(distro)) => {
                *wanted == distro.to_string() || *wanted == distro.family.as_str()
            }
        };
        let arch = match (self.arch, arch) {
            (ArchChoice::All, _) | (_, None) => true,
            (ArchChoice::One(wanted), Some(arch)) => wanted == arch,
        };
        distro && arch
    }

    /// The help line where a label is not there and another one was probably meant.
    fn meant<'a>(&self, items: impl Iterator<Item = Item<'a>>) -> Option<String> {
        let mut labels: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for item in items {
            for (axis, label) in item.point() {
                labels.entry(axis).or_default().insert(label.clone());
            }
            let distros = labels.entry("distro").or_default();
            distros.extend([item.distro().to_string(), item.distro().family.as_str().to_owned()]);
        }
        let distro = self.distro.iter().map(|distro| ("distro", distro));
        let wanted = distro.chain(self.labels.iter().map(|(axis, label)| (axis.as_str(), label)));
        wanted
            .filter_map(|(axis, label)| {
                let known = labels.get(axis).filter(|known| !known.contains(label))?;
                let near = nearest(label, known.iter().map(String::as_str))?;
                Some(format!("did you mean `--{axis} {near}`?"))
            })
            .next()
    }

    pub(super) fn describe(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.distro.iter().map(|distro| format!("--distro {distro}")));
        if let ArchChoice::One(arch) = self.arch {
            parts.push(format!("--arch {arch}"));
        }
        parts.extend(self.labels.iter().map(|(axis, label)| format!("--{axis} {label}")));
        if parts.is_empty() { "at all".to_owned() } else { parts.join(" ") }
    }
}
