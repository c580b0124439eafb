//! The graph: derivations by id, each once, with an edge from what is made to what is made from it.

use std::collections::BTreeMap;

use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};

use super::{Action, Derivation, DerivationId};

/// A directed acyclic graph of derivations. The order in which they were added leaves no trace in it.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    dag: DiGraph<(DerivationId, Derivation), ()>,
    nodes: BTreeMap<DerivationId, NodeIndex>,
    roots: Vec<DerivationId>,
}

/// Why a derivation does not fit a graph.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum GraphError {
    /// A derivation takes from one that was not added before it.
    #[error("`{label}` takes from the derivation {input}, which is not in the graph")]
    #[diagnostic(
        code(hbuild::graph::unknown_input),
        help("this is a defect in hbuild: please report it with the recipe and the lock")
    )]
    UnknownInput {
        /// The derivation that was to be added.
        label: String,
        /// What it takes from.
        input: DerivationId,
    },
}

impl Graph {
    /// A graph without derivations.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a derivation whose inputs are there already, which keeps the graph free of cycles. One that is there
    /// is not added again: of two labels the smaller stays, and the locations of fetches are joined.
    pub fn add(&mut self, derivation: Derivation) -> Result<DerivationId, GraphError> {
        let id = derivation.id();
        if let Some(&node) = self.nodes.get(&id) {
            join(&mut self.dag[node].1, derivation);
            return Ok(id);
        }
        let mut sources = Vec::with_capacity(derivation.inputs.len());
        for input in &derivation.inputs {
            let node = self.nodes.get(&input.derivation).copied().ok_or_else(|| {
                GraphError::UnknownInput { label: derivation.label.clone(), input: input.derivation }
            })?;
            sources.push(node);
        }
        let node = self.dag.add_node((id, derivation));
        for source in sources {
            self.dag.update_edge(source, node, ());
        }
        self.nodes.insert(id, node);
        Ok(id)
    }

    /// States that the derivation is wanted for itself.
    pub fn add_root(&mut self, id: DerivationId) {
        if let Err(at) = self.roots.binary_search(&id) {
            self.roots.insert(at, id);
        }
    }

    /// What is wanted, sorted.
    pub fn roots(&self) -> &[DerivationId] {
        &self.roots
    }

    /// The derivation with this id.
    pub fn get(&self, id: &DerivationId) -> Option<&Derivation> {
        self.nodes.get(id).map(|&node| &self.dag[node].1)
    }

    /// How many derivations there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All derivations, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = (&DerivationId, &Derivation)> {
        self.nodes.iter().map(|(id, &node)| (id, &self.dag[node].1))
    }

    /// The derivations that take from `id`, sorted.
    pub fn dependents(&self, id: &DerivationId) -> Vec<DerivationId> {
        let Some(&node) = self.nodes.get(id) else { return Vec::new() };
        let outgoing = self.dag.neighbors_directed(node, Direction::Outgoing);
        let mut dependents: Vec<DerivationId> = outgoing.map(|node| self.dag[node].0).collect();
        dependents.sort_unstable();
        dependents
    }

    /// Every derivation after all that it takes from.
    pub fn in_order(&self) -> Vec<DerivationId> {
        // Nodes are numbered as they were added, inputs first.
        self.dag.node_indices().map(|node| self.dag[node].0).collect()
    }

    /// Takes over all derivations and roots of `other`.
    pub fn extend(&mut self, other: Self) -> Result<(), GraphError> {
        for node in other.dag.node_indices() {
            self.add(other.dag[node].1.clone())?;
        }
        for root in other.roots {
            self.add_root(root);
        }
        Ok(())
    }
}

/// Joins what is not part of the identity of two derivations with one id.
fn join(kept: &mut Derivation, other: Derivation) {
    if other.label < kept.label {
        kept.label = other.label;
    }
    if let (Action::Fetch(kept), Action::Fetch(other)) = (&mut kept.action, other.action) {
        for location in other.locations {
            if !kept.locations.contains(&location) {
                kept.locations.push(location);
            }
        }
        kept.size = kept.size.or(other.size);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use hbuild_lang::recipe::{Arch, RepositoryKey};

    use crate::digest::Sha256;
    use crate::graph::{ArchiveFormat, Exec, ExecStep, Fetch, FixedOutput, Input, Unpack, outputs};
    use crate::tree::Origin;

    fn fetch(name: &str) -> Derivation {
        let content = FixedOutput::Sha256(Sha256::of(name.as_bytes()));
        Derivation {
            label: format!("fetch {name}"),
            action: Action::Fetch(Fetch { content, locations: Vec::new(), size: Some(3) }),
            inputs: Vec::new(),
        }
    }

    fn unpack(name: &str) -> Derivation {
        let input = Input { derivation: fetch(name).id(), outputs: vec![outputs::FILE.to_owned()] };
        Derivation {
            label: format!("unpack {name}"),
            action: Action::Unpack(Unpack { format: ArchiveFormat::Deb, origin: Origin(name.to_owned()) }),
            inputs: vec![input],
        }
    }

    #[test]
    fn order_of_adding_leaves_no_trace() {
        let mut one = Graph::new();
        let mut two = Graph::new();
        for derivation in [fetch("a"), unpack("a"), fetch("b"), unpack("b"), fetch("a")] {
            one.add(derivation).unwrap();
        }
        for derivation in [fetch("b"), fetch("a"), unpack("b"), unpack("a")] {
            two.add(derivation).unwrap();
        }
        for graph in [&mut one, &mut two] {
            graph.add_root(unpack("a").id());
            graph.add_root(unpack("b").id());
        }
        assert_eq!(one.len(), 4);
        assert_eq!(one.to_json(), two.to_json());
        assert_eq!(one.to_dot(), two.to_dot());
        assert_eq!(one.dependents(&fetch("a").id()), [unpack("a").id()]);
    }

    #[test]
    fn an_input_must_be_there_first() {
        let error = Graph::new().add(unpack("a")).unwrap_err();
        assert!(matches!(error, GraphError::UnknownInput { .. }));
    }

    /// The two identities are part of every store and every lock-step of two machines: a change of these bytes
    /// needs a new `ENCODING_SCHEMA`.
    #[test]
    fn the_encodings_are_pinned() {
        let resolved = BTreeMap::from([(outputs::FILE.to_owned(), crate::digest::Digest::of(b"a"))]);
        let pinned = [
            fetch("a").id().to_string(),
            fetch("a").key(&[]).to_string(),
            unpack("a").id().to_string(),
            unpack("a").key(&[resolved]).to_string(),
        ];
        assert_eq!(
            pinned,
            [
                "6390c57c627724b61d021d713cdcf9c5a88f41b9c87db3c1af034f06151769f7",
                "0114cd02ed8156da01ee5aa099fbf3f2854eade7110085f17bcdf1ef8c8d3599",
                "cea9eac415d89349025cc652b34cdddd4081ff13070f57b4b8f65074dde867a5",
                "1e49020276379ded95214a1955e945dcf67779b8d6beaadd0c6e081d4423ea20",
            ]
        );
    }

    /// A package of Alpine: its fetch and its unpack.
    fn package() -> [Derivation; 2] {
        let checksum = "Q1YCZ4e/kV0Uaynh14//zvTTyN7x8=".parse().unwrap();
        let keys = vec![RepositoryKey { name: "a.rsa.pub".to_owned(), text: "PEM\n".into() }];
        let keys: Arc<[RepositoryKey]> = keys.into();
        let content = FixedOutput::Apk { checksum, keys: keys.clone() };
        let fetch = Action::Fetch(Fetch { content, locations: Vec::new(), size: None });
        let fetch = Derivation { label: String::new(), action: fetch, inputs: Vec::new() };
        let unpack = Unpack { format: ArchiveFormat::Apk { checksum, keys }, origin: Origin("a".to_owned()) };
        let input = Input { derivation: fetch.id(), outputs: vec![outputs::FILE.to_owned()] };
        let action = Action::Unpack(unpack);
        [fetch, Derivation { label: String::new(), action, inputs: vec![input] }]
    }

    #[test]
    fn the_encoding_of_alpine_packages_is_pinned() {
        use crate::digest::Digest;
        let [fetch, unpack] = package();
        let pin = "{\"checksum\":\"Q1YCZ4e/kV0Uaynh14//zvTTyN7x8=\",\
                   \"keys\":[{\"name\":\"a.rsa.pub\",\"text\":\"PEM\\n\"}]}";
        let id = format!(
            "hbuild derivation\n{{\"action\":{{\"content\":{{\"apk\":{pin}}},\"kind\":\"fetch\"}},\
             \"inputs\":[],\"schema\":1}}"
        );
        assert_eq!(fetch.id().0, Digest::of(id.as_bytes()));
        let file = Digest::of(b"a");
        let key = format!(
            "hbuild key\n{{\"action\":{{\"format\":{{\"apk\":{pin}}},\"kind\":\"unpack\",\"origin\":\"a\"}},\
             \"inputs\":[{{\"file\":\"{file}\"}}],\"schema\":1}}"
        );
        let resolved = BTreeMap::from([(outputs::FILE.to_owned(), file)]);
        assert_eq!(unpack.key(&[resolved]).0, Digest::of(key.as_bytes()));
    }

    /// A command whose root is `unpack("a")`.
    fn command() -> Derivation {
        let step = ExecStep {
            name: "build".to_owned(),
            dir: "/build/src".to_owned(),
            env: BTreeMap::from([("CC".to_owned(), "gcc".to_owned())]),
            script: "make\n".to_owned(),
        };
        let exec = Exec {
            arch: Arch::Amd64,
            shell: vec!["sh".to_owned(), "-c".to_owned()],
            steps: vec![step],
            env: BTreeMap::from([("TZ".to_owned(), "UTC".to_owned())]),
            sources: Vec::new(),
            outputs: vec!["doc".to_owned()],
            epoch: 315_532_800,
            loopback: false,
        };
        let input = Input { derivation: unpack("a").id(), outputs: vec![outputs::TREE.to_owned()] };
        Derivation { label: "command".into(), action: Action::Exec(Box::new(exec)), inputs: vec![input] }
    }

    #[test]
    fn the_encoding_of_commands_is_pinned() {
        use crate::digest::Digest;
        let action = "{\"arch\":\"amd64\",\"env\":{\"TZ\":\"UTC\"},\"epoch\":315532800,\"kind\":\"exec\",\
                      \"loopback\":false,\"outputs\":[\"doc\"],\"shell\":[\"sh\",\"-c\"],\"sources\":[],\
                      \"steps\":[{\"dir\":\"/build/src\",\"env\":{\"CC\":\"gcc\"},\"name\":\"build\",\
                      \"script\":\"make\\n\"}]}";
        let unpacked = unpack("a").id();
        let id = format!(
            "hbuild derivation\n{{\"action\":{action},\
             \"inputs\":[{{\"derivation\":\"{unpacked}\",\"outputs\":[\"tree\"]}}],\"schema\":1}}"
        );
        assert_eq!(command().id().0, Digest::of(id.as_bytes()));
        let tree = Digest::of(b"a");
        let key =
            format!("hbuild key\n{{\"action\":{action},\"inputs\":[{{\"tree\":\"{tree}\"}}],\"schema\":1}}");
        let resolved = [BTreeMap::from([(outputs::TREE.to_owned(), tree)])];
        assert_eq!(command().key(&resolved).0, Digest::of(key.as_bytes()));
        let pinned = [command().id().to_string(), command().key(&resolved).to_string()];
        assert_eq!(
            pinned,
            [
                "2a86aa0a5daa3af2b5b551e304c995098041955100722a8fe3532a9e77b5c3be",
                "da021a46f050115632d065ba7465d879cf6395bcf79f138a082ca82315a6e9b2",
            ]
        );
    }

    #[test]
    fn the_encoding_is_canonical_json_behind_a_prefix() {
        use crate::digest::Digest;
        let sha256 = Sha256::of(b"a");
        let id = format!(
            "hbuild derivation\n{{\"action\":{{\"content\":{{\"sha256\":\"{sha256}\"}},\"kind\":\"fetch\"}},\
             \"inputs\":[],\"schema\":1}}"
        );
        assert_eq!(fetch("a").id().0, Digest::of(id.as_bytes()));
        let file = Digest::of(b"a");
        let key = format!(
            "hbuild key\n{{\"action\":{{\"format\":\"deb\",\"kind\":\"unpack\",\"origin\":\"a\"}},\
             \"inputs\":[{{\"file\":\"{file}\"}}],\"schema\":1}}"
        );
        let resolved = BTreeMap::from([(outputs::FILE.to_owned(), file)]);
        assert_eq!(unpack("a").key(&[resolved]).0, Digest::of(key.as_bytes()));
    }

    #[test]
    fn what_cannot_change_an_output_is_in_no_identity() {
        let mut other = fetch("a");
        other.label = "another".into();
        if let Action::Fetch(fetch) = &mut other.action {
            fetch.size = None;
            fetch.locations.push(crate::graph::Location::Url("http://example.org/a".into()));
        }
        assert_eq!(other.id(), fetch("a").id());
        assert_eq!(other.key(&[]), fetch("a").key(&[]));
    }
}
