//! The graph for people and programs: Graphviz and JSON. The same graph gives the same bytes.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::{Action, Derivation, DerivationId, ENCODING_SCHEMA, Graph, Input};

impl Graph {
    /// Graphviz source: a node for each derivation with its label, and an edge from each input to what takes
    /// from it. Roots have a double border.
    pub fn to_dot(&self) -> String {
        let mut out =
            String::from("digraph hbuild {\n  rankdir=LR;\n  node [shape=box, fontname=\"monospace\"];\n");
        for (id, derivation) in self.iter() {
            let border = if self.roots().contains(id) { ", peripheries=2" } else { "" };
            let label = derivation.label.replace('\\', "\\\\").replace('"', "\\\"");
            writeln!(out, "  \"{}\" [label=\"{label}\"{border}];", short(id)).expect("strings take all");
        }
        for (id, _) in self.iter() {
            for dependent in self.dependents(id) {
                writeln!(out, "  \"{}\" -> \"{}\";", short(id), short(&dependent)).expect("strings take all");
            }
        }
        out.push_str("}\n");
        out
    }

    /// A JSON document, schema version [`ENCODING_SCHEMA`]: `{"schema", "roots": [id], "derivations":
    /// {id: {"label", "action", "inputs": [{"derivation", "outputs"}]}}}`. Where bytes are fetched from is not
    /// in it: that is no part of a derivation.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Document<'a> {
            schema: u32,
            roots: &'a [DerivationId],
            derivations: BTreeMap<String, Node<'a>>,
        }
        #[derive(Serialize)]
        struct Node<'a> {
            label: &'a str,
            action: &'a Action,
            inputs: &'a [Input],
        }
        let mut derivations = BTreeMap::new();
        for (id, Derivation { label, action, inputs }) in self.iter() {
            derivations.insert(id.to_string(), Node { label, action, inputs });
        }
        let document = Document { schema: ENCODING_SCHEMA, roots: self.roots(), derivations };
        let mut json = serde_json::to_string_pretty(&document).expect("actions serialise to JSON");
        json.push('\n');
        json
    }
}

/// Enough digits to tell the derivations of one graph apart.
fn short(id: &DerivationId) -> String {
    id.to_string()[..16].to_owned()
}
