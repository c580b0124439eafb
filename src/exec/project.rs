//! The builder of projections: an image tree to an exec tree.

use std::collections::BTreeMap;

use super::{BuildContext, BuildError, BuildOutputs, Builder};
use crate::graph::{Action, Derivation, outputs};

/// Projects image trees to exec trees.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProjectBuilder;

impl Builder for ProjectBuilder {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let Action::Project(project) = &derivation.action else {
            unreachable!("the scheduler gives each builder its own kind of action");
        };
        let tree = context.tree(0, outputs::TREE)?.to_exec(project.epoch);
        Ok(BTreeMap::from([(outputs::TREE.to_owned(), context.put_tree(tree)?)]))
    }
}
