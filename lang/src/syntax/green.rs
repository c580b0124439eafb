//! Reading the green tree with offsets, without the allocations of rowan's cursors.

use rowan::{GreenNodeData, NodeOrToken};

use super::kind::SyntaxKind;
use super::span::Span;

/// A node with its place.
#[derive(Clone, Copy)]
pub(crate) struct GreenView<'tree> {
    green: &'tree GreenNodeData,
    offset: u32,
}

/// A token with its place.
#[derive(Clone, Copy)]
pub(crate) struct GreenText<'tree> {
    pub kind: SyntaxKind,
    pub text: &'tree str,
    pub offset: u32,
}

/// A child of a node.
#[derive(Clone, Copy)]
pub(crate) enum GreenChild<'tree> {
    Node(GreenView<'tree>),
    Token(GreenText<'tree>),
}

impl<'tree> GreenView<'tree> {
    pub fn root(green: &'tree GreenNodeData) -> Self {
        Self { green, offset: 0 }
    }

    pub fn kind(self) -> SyntaxKind {
        self.green.kind().into()
    }

    pub fn span(self) -> Span {
        Span::new(self.offset, self.offset + u32::from(self.green.text_len()))
    }

    /// All children in order.
    pub fn children(self) -> impl Iterator<Item = GreenChild<'tree>> {
        let mut offset = self.offset;
        self.green.children().map(move |child| {
            let at = offset;
            match child {
                NodeOrToken::Node(green) => {
                    offset += u32::from(green.text_len());
                    GreenChild::Node(GreenView { green, offset: at })
                }
                NodeOrToken::Token(token) => {
                    offset += u32::from(token.text_len());
                    GreenChild::Token(GreenText { kind: token.kind().into(), text: token.text(), offset: at })
                }
            }
        })
    }

    /// The child nodes in order.
    pub fn nodes(self) -> impl Iterator<Item = GreenView<'tree>> {
        self.children().filter_map(|child| match child {
            GreenChild::Node(node) => Some(node),
            GreenChild::Token(_) => None,
        })
    }

    /// The child tokens in order, trivia aside.
    pub fn tokens(self) -> impl Iterator<Item = GreenText<'tree>> {
        self.children().filter_map(|child| match child {
            GreenChild::Token(token) if !token.kind.is_trivia() => Some(token),
            _ => None,
        })
    }

    /// The first child node of a kind.
    pub fn node(self, kind: SyntaxKind) -> Option<GreenView<'tree>> {
        self.nodes().find(|node| node.kind() == kind)
    }

    /// The first child token of a kind.
    pub fn token(self, kind: SyntaxKind) -> Option<GreenText<'tree>> {
        self.tokens().find(|token| token.kind == kind)
    }
}

impl GreenText<'_> {
    pub fn span(self) -> Span {
        let length = u32::try_from(self.text.len()).expect("the length of the text is limited");
        Span::new(self.offset, self.offset + length)
    }
}
