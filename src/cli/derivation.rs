//! The one derivation that a command is about: typed as a recipe's build, or as the beginning of an id.

use std::path::Path;

use super::arguments::Selection;
use super::context::Context;
use super::report::Failure;
use super::target;
use crate::build::{GraphOptions, layer_compression, select, whole_graph};
use crate::exec::commands_of;
use crate::graph::{Algorithm, DerivationId, Graph};
use crate::host::discover::LocalBytes;
use crate::store::Store;

/// Fewest digits of an id.
const SHORTEST: usize = 4;

/// A derivation.
pub struct Found {
    /// Its id.
    pub id: DerivationId,
    /// What is known of it, where a recipe was named.
    pub planned: Option<Planned>,
}

/// A derivation of a recipe.
pub struct Planned {
    /// Its id.
    pub id: DerivationId,
    /// Its label.
    pub label: String,
    /// The graph that it stands in.
    pub graph: Graph,
    /// The bytes of local sources and patches.
    pub local: Vec<LocalBytes>,
}

impl Found {
    /// What to call it: its label, or its id where nothing else is known.
    pub fn name(&self) -> String {
        match &self.planned {
            Some(planned) => planned.label.clone(),
            None => self.id.to_string(),
        }
    }
}

/// Why a command has no derivation.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DerivationError {
    /// Nothing of what the store knows begins with this.
    #[error("nothing that was executed here has an id that begins with `{prefix}`")]
    #[diagnostic(
        code(hbuild::usage::no_such_derivation),
        help("name the build as FILE#NAME, or copy the id from the error")
    )]
    Unknown {
        /// As given.
        prefix: String,
    },
    /// Several ids begin with this.
    #[error("several ids begin with `{prefix}`")]
    #[diagnostic(code(hbuild::usage::ambiguous_derivation), help("write more digits: {ids}"))]
    Ambiguous {
        /// As given.
        prefix: String,
        /// Some of them.
        ids: String,
    },
    /// What was named is executed in several commands, or in none.
    #[error("{count} builds are meant, and this command takes one")]
    #[diagnostic(code(hbuild::usage::one_build), help("{choices}"))]
    NotOne {
        /// How many.
        count: usize,
        /// What to write.
        choices: String,
    },
    /// The derivation left no log.
    #[error("there is no log of {what}")]
    #[diagnostic(
        code(hbuild::usage::no_log),
        help("it was not executed here with this recipe and lock: `hbuild build` does")
    )]
    NoLog {
        /// The derivation.
        what: String,
    },
    /// The derivation has no record.
    #[error("there is no record of {what}")]
    #[diagnostic(
        code(hbuild::usage::no_record),
        help("a build has one once it succeeded here with this recipe and lock: `hbuild build` does it")
    )]
    NoRecord {
        /// The derivation.
        what: String,
    },
}

/// The derivation that `selection` names.
pub fn find(selection: &Selection, store: &Store, context: &Context) -> Result<Found, Failure> {
    if let [text] = selection.targets.as_slice()
        && is_id(text)
    {
        return by_id(text, store);
    }
    let projects = target::load(&selection.targets, context.reporter())?;
    target::check_axes(selection, &projects)?;
    let filter = target::filter(selection)?;
    let chosen = select(&projects, &filter).map_err(Failure::new)?;
    let compression = layer_compression(Algorithm::Zstd);
    let options = GraphOptions { compression, builder: context.builder() };
    let whole = whole_graph(&chosen, &options).map_err(Failure::new)?;
    let mut commands: Vec<DerivationId> = whole.builds.iter().map(|planned| planned.plan.exec).collect();
    if commands.is_empty() {
        commands = commands_of(&whole.graph, whole.graph.roots());
    }
    let label = |id: &DerivationId| whole.graph.get(id).map(|found| found.label.clone()).unwrap_or_default();
    match commands.as_slice() {
        [id] => {
            let (id, label) = (*id, label(id));
            let planned = Planned { id, label, graph: whole.graph, local: whole.local };
            Ok(Found { id, planned: Some(planned) })
        }
        [] => {
            let choices = "name a build of a recipe, as FILE#NAME".to_owned();
            Err(Failure::new(DerivationError::NotOne { count: 0, choices }))
        }
        several => {
            let line = |id: &DerivationId| format!("\n  {}  {}", &id.0.to_hex()[..12], label(id));
            let choices: String = several.iter().map(line).collect();
            let choices = format!("narrow the variants, or give one of these ids:{choices}");
            Err(Failure::new(DerivationError::NotOne { count: several.len(), choices }))
        }
    }
}

/// Whether `text` is the beginning of an id, and not a file.
fn is_id(text: &str) -> bool {
    let hexadecimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    (SHORTEST..=64).contains(&text.len()) && hexadecimal && !Path::new(text).exists()
}

fn by_id(prefix: &str, store: &Store) -> Result<Found, Failure> {
    let prefix = prefix.to_owned();
    let found = store.known_derivations(&prefix).map_err(Failure::new)?;
    match found.as_slice() {
        [id] => Ok(Found { id: *id, planned: None }),
        [] => Err(Failure::new(DerivationError::Unknown { prefix })),
        several => {
            let ids: Vec<_> = several.iter().take(4).map(|id| id.0.to_hex()[..16].to_owned()).collect();
            Err(Failure::new(DerivationError::Ambiguous { prefix, ids: ids.join(", ") }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_told_from_a_target() {
        assert!(is_id("0123abcd"));
        for other in ["abc", "0123ABCD", "recipes/x.hb#y", ".", &"a".repeat(65)] {
            assert!(!is_id(other), "{other}");
        }
    }
}
