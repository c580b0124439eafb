//! Evaluation: a checked program to the [`Recipe`] with one value for every point of the axes.
//!
//! Total: every evaluation ends, within a budget. Pure: nothing is read but the key files that repositories name,
//! through [`Files`].

mod axes;
mod block;
mod budget;
mod build;
mod builds;
mod call;
mod edition;
mod expr;
mod extends;
mod fields;
mod image;
mod inspect;
mod machine;
mod memo;
mod name;
mod packages;
mod parts;
mod pattern;
mod point;
mod reference;
mod releases;
mod source;
mod tags;
mod take;
mod value;
mod variants;
mod version;

use std::collections::{BTreeMap, BTreeSet};

use crate::Files;
use crate::check::definitions::Definitions;
use crate::modules::{FileId, Program, Reports};
use crate::recipe::{Axis, Recipe};
use crate::syntax::ast::{self, DeclarationKind};
pub use inspect::value_of_let;
use machine::Machine;
use variants::Placed;

/// The recipe at every point of its axes; incomplete where something is reported.
pub fn evaluate(
    program: &Program,
    definitions: &Definitions,
    files: &dyn Files,
    reports: &mut Reports,
) -> Recipe {
    let mut machine = Machine::new(program, definitions, files, reports);
    machine.evaluate_axes();
    let entry = FileId::default();
    let mut recipe = Recipe {
        file: program.file(entry).name.to_string(),
        axes: axes(&machine),
        images: Vec::new(),
        bases: Vec::new(),
        sources: Vec::new(),
        builds: Vec::new(),
    };
    let mut placed = Vec::new();
    for (item, declaration) in declarations(program, entry) {
        machine.item((entry, item), declaration, &mut recipe, &mut placed);
    }
    machine.distinct_tags(&placed);
    machine.one_for_every_arch(&placed);
    recipe.images = placed.into_iter().map(|placed| placed.image).collect();
    machine.imported(&mut recipe);
    machine.finish_images(&recipe);
    machine.finish_builds(&mut recipe);
    recipe
}

fn declarations(program: &Program, file: FileId) -> impl Iterator<Item = (usize, &ast::Declaration)> {
    program.file(file).tree.items.iter().enumerate().filter_map(|(index, item)| match item {
        ast::Item::Declaration(declaration) => Some((index, declaration)),
        _ => None,
    })
}

fn axes(machine: &Machine<'_>) -> Vec<Axis> {
    let Some(table) = machine.axes.get(&FileId::default()) else { return Vec::new() };
    let labels = |name: &str| table.labels_of(name).map(str::to_owned).collect();
    table.names.iter().map(|name| Axis { name: name.to_string(), labels: labels(name) }).collect()
}

impl Machine<'_> {
    /// Evaluates an item of the entry at all of its points.
    fn item(
        &mut self,
        node: (FileId, usize),
        declaration: &ast::Declaration,
        recipe: &mut Recipe,
        placed: &mut Vec<Placed>,
    ) {
        let Ok(points) = self.points_of(node) else { return };
        for point in &points.all {
            if self.budget.is_spent() {
                return;
            }
            match declaration.kind {
                DeclarationKind::Image => placed.extend(self.image(node, point).ok()),
                DeclarationKind::Source => recipe.sources.extend(self.source(node, point).ok()),
                DeclarationKind::Repository => {
                    let _ = self.repository(node, point, node.0.site(declaration.name.span));
                }
                DeclarationKind::Build => recipe.builds.extend(self.build(node, point).ok()),
            }
        }
    }

    /// Evaluates the items of imported files that something refers to, at the points referred to; images and builds
    /// refer to more.
    fn imported(&mut self, recipe: &mut Recipe) {
        let entry = FileId::default();
        let (mut sources, mut builds, mut bases) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut done = BTreeSet::new();
        loop {
            let mut referred = std::mem::take(&mut self.referred);
            referred.retain(|(node, labels)| node.0 != entry && done.insert((*node, labels.clone())));
            if referred.is_empty() || self.budget.is_spent() {
                break;
            }
            for (node, labels) in referred {
                let Ok(points) = self.points_of(node) else { continue };
                let Some(point) = points.find(&labels) else { continue };
                let kind = self.program.file(node.0).declaration(node.1).map(|declaration| declaration.kind);
                let key = (node, labels);
                match kind {
                    Some(DeclarationKind::Build) => {
                        builds.extend(self.build(node, point).ok().map(|build| (key, build)));
                    }
                    Some(DeclarationKind::Image) => {
                        bases.extend(self.image(node, point).ok().map(|placed| (key, placed.image)));
                    }
                    _ => sources.extend(self.source(node, point).ok().map(|source| (key, source))),
                }
            }
        }
        recipe.sources.extend(sources.into_values());
        recipe.builds.extend(builds.into_values());
        recipe.bases.extend(bases.into_values());
    }
}
