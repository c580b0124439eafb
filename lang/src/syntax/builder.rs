//! Building the green tree: like rowan's own builder, without its hash tables, whose time a hostile text can
//! make quadratic. Tokens that are always the same text are shared.

use rowan::{GreenNode, GreenToken, NodeOrToken};

use super::kind::SyntaxKind;

pub(super) struct TreeBuilder {
    /// The open nodes: kind, and where their children begin.
    open: Vec<(SyntaxKind, usize)>,
    children: Vec<NodeOrToken<GreenNode, GreenToken>>,
    shared: Vec<Option<GreenToken>>,
    space: GreenToken,
}

/// A place before which a node can be begun later.
#[derive(Clone, Copy)]
pub(super) struct Checkpoint(usize);

impl TreeBuilder {
    pub fn new() -> Self {
        let shared = SyntaxKind::ALL.iter().map(|&kind| kind.fixed_text().map(|text| token(kind, text)));
        let space = token(SyntaxKind::Whitespace, " ");
        Self { open: Vec::new(), children: Vec::new(), shared: shared.collect(), space }
    }

    pub fn token(&mut self, kind: SyntaxKind, text: &str) {
        let made = match &self.shared[kind as usize] {
            Some(shared) => shared.clone(),
            None if kind == SyntaxKind::Whitespace && text == " " => self.space.clone(),
            None => token(kind, text),
        };
        self.children.push(NodeOrToken::Token(made));
    }

    pub fn start(&mut self, kind: SyntaxKind) {
        self.open.push((kind, self.children.len()));
    }

    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint(self.children.len())
    }

    /// Begins a node at a checkpoint that was taken in the node now open.
    pub fn start_at(&mut self, kind: SyntaxKind, checkpoint: Checkpoint) {
        self.open.push((kind, checkpoint.0));
    }

    pub fn finish(&mut self) {
        let (kind, first) = self.open.pop().expect("each finish has its start");
        let node = GreenNode::new(kind.into(), self.children.drain(first..));
        self.children.push(NodeOrToken::Node(node));
    }

    /// The root, when all nodes are finished.
    pub fn root(mut self) -> GreenNode {
        match self.children.pop() {
            Some(NodeOrToken::Node(root)) if self.children.is_empty() => root,
            _ => unreachable!("the parser makes one root"),
        }
    }
}

fn token(kind: SyntaxKind, text: &str) -> GreenToken {
    GreenToken::new(kind.into(), text)
}
