//! The builder of merges.

use std::collections::BTreeMap;

use super::{Merged, Source, merge};
use crate::exec::{BuildContext, BuildError, BuildOutputs, Builder};
use crate::graph::{Action, Derivation, MergeInput, outputs};

/// Merges packages and contents to one tree.
#[derive(Debug, Clone, Copy, Default)]
pub struct MergeBuilder;

impl Builder for MergeBuilder {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let Action::Merge(parameters) = &derivation.action else {
            unreachable!("the scheduler gives each builder its own kind of action");
        };
        let mut sources = Vec::with_capacity(parameters.inputs.len());
        for (number, input) in parameters.inputs.iter().enumerate() {
            let (control, origins) = match input {
                MergeInput::Package { .. } => (Some(context.tree(number, outputs::CONTROL)?), None),
                MergeInput::Base { .. } => (None, Some(context.origins(number, outputs::ORIGINS)?)),
                MergeInput::Content { .. } => (None, None),
            };
            // A further output of an execution has a name of its own.
            let mut names = derivation.inputs.get(number).into_iter().flat_map(|input| &input.outputs);
            let named = names.find(|name| outputs::is_further(name));
            let tree = context.tree(number, named.map_or(outputs::TREE, |name| name))?;
            sources.push(Source { input, tree, control, origins });
        }
        if context.cancelled() {
            return Err(BuildError::Cancelled);
        }
        let mut pack = context.create_pack()?;
        let merged = merge(parameters, &sources, context.contents(), &mut *pack);
        let (merged, warnings) = merged.map_err(|error| match error {
            super::MergeError::Content(error) => BuildError::Content(error),
            other => BuildError::action(other),
        })?;
        warnings.into_iter().for_each(|warning| context.warn(warning));
        let mut made = BTreeMap::from([(outputs::PACK.to_owned(), pack.finish()?)]);
        let Merged { tree, origins, slices } = merged;
        for (number, (tree, origins)) in slices.into_iter().enumerate() {
            let [tree_name, origins_name] = outputs::slice(number);
            made.insert(tree_name, context.put_tree(tree)?);
            made.insert(origins_name, context.put_origins(origins)?);
        }
        made.insert(outputs::TREE.to_owned(), context.put_tree(tree)?);
        made.insert(outputs::ORIGINS.to_owned(), context.put_origins(origins)?);
        Ok(made)
    }
}
