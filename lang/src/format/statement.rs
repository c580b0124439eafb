//! From items and statements to what is printed.

use super::container::{Content, Hoisted, content};
use super::doc::*;
use super::expr::{self, expr};
use crate::syntax::SyntaxKind;
use crate::syntax::green::{GreenChild, GreenView};

/// The rows of a whole file.
pub(super) fn file<'text>(root: GreenView<'text>, source: &'text str) -> Vec<Row<'text>> {
    content(root, source, None, statement).rows
}

fn statement<'text>(node: GreenView<'text>, hoisted: &mut Hoisted<'text>) -> RowContent<'text> {
    match node.kind() {
        SyntaxKind::Field => field(node, hoisted),
        SyntaxKind::ForAxes | SyntaxKind::ItemFor => RowContent::Part(for_axes(node, hoisted)),
        SyntaxKind::Function => RowContent::Part(function(node, hoisted)),
        _ => RowContent::Part(words(node, hoisted)),
    }
}

/// Tokens and nodes with a space between them: what most items and statements are.
fn words<'text>(node: GreenView<'text>, hoisted: &mut Hoisted<'text>) -> Doc<'text> {
    let mut parts = Vec::new();
    for child in node.children() {
        let part = match child {
            GreenChild::Token(token) if token.kind.is_trivia() => continue,
            GreenChild::Token(token) => Doc::text(token.text),
            GreenChild::Node(node) => match node.kind() {
                SyntaxKind::Block => block(node, hoisted.source),
                SyntaxKind::ModulePath => {
                    Doc::sequence(node.tokens().map(|token| Doc::text(token.text)).collect())
                }
                _ => expr(node, hoisted),
            },
        };
        if !parts.is_empty() {
            parts.push(Doc::text(" "));
        }
        parts.push(part);
    }
    Doc::sequence(parts)
}

pub(super) fn block<'text>(node: GreenView<'text>, source: &'text str) -> Doc<'text> {
    let Content { rows, opening, broken } = content(node, source, None, statement);
    Doc::braces(rows, opening, broken)
}

fn field<'text>(node: GreenView<'text>, hoisted: &mut Hoisted<'text>) -> RowContent<'text> {
    let mut key = Doc::text("");
    let mut aligned = true;
    if let Some(path) = node.node(SyntaxKind::FieldPath) {
        hoisted.take_from(path);
        let mut parts = Vec::new();
        for child in path.children() {
            match child {
                GreenChild::Token(token) if token.kind.is_trivia() => {}
                GreenChild::Token(token) => {
                    aligned &= token.kind != SyntaxKind::Dot;
                    parts.push(Doc::text(token.text));
                }
                GreenChild::Node(string) => {
                    aligned = false;
                    parts.push(expr(string, hoisted));
                }
            }
        }
        key = Doc::sequence(parts);
    }
    let value =
        node.nodes().filter(|node| node.kind() != SyntaxKind::FieldPath).map(|value| expr(value, hoisted));
    let value = value.last().unwrap_or_else(|| Doc::text(""));
    let sign = if node.token(SyntaxKind::PlusEqual).is_some() { " += " } else { " = " };
    if aligned {
        RowContent::Field { key, sign, value }
    } else {
        RowContent::Part(Doc::sequence(vec![key, Doc::text(sign), value]))
    }
}

/// `for release in releases, distro`.
fn for_axes<'text>(node: GreenView<'text>, hoisted: &mut Hoisted<'text>) -> Doc<'text> {
    let bindings = node.nodes().filter(|binding| binding.kind() == SyntaxKind::ForBinding);
    let mut parts: Vec<Doc<'text>> = Vec::new();
    for binding in bindings {
        if let Some(before) = parts.pop() {
            parts.push(Doc::sequence(vec![before, Doc::text(",")]));
        }
        hoisted.take_from(binding);
        parts.push(words(binding, hoisted));
    }
    own_comments(node, hoisted);
    Doc::lines("for ", parts, "")
}

/// The comments among a node's own tokens, but those that it begins with, which are the row's already.
fn own_comments<'text>(node: GreenView<'text>, hoisted: &mut Hoisted<'text>) {
    let mut begun = false;
    for child in node.children() {
        match child {
            GreenChild::Token(token) if token.kind.is_trivia() => {
                if begun {
                    hoisted.take(token);
                }
            }
            _ => begun = true,
        }
    }
}

fn function<'text>(node: GreenView<'text>, hoisted: &mut Hoisted<'text>) -> Doc<'text> {
    let mut parts = Vec::new();
    for child in node.children() {
        match child {
            GreenChild::Token(token) => match token.kind {
                SyntaxKind::FnWord => parts.push(Doc::text("fn ")),
                SyntaxKind::Equal => parts.push(Doc::text(" = ")),
                kind if kind.is_trivia() => {}
                _ => parts.push(Doc::text(token.text)),
            },
            GreenChild::Node(child) => match child.kind() {
                SyntaxKind::Parameters => parts.push(expr::parenthesized(child, hoisted.source)),
                SyntaxKind::Block => parts.extend([Doc::text(" "), block(child, hoisted.source)]),
                _ => parts.push(expr(child, hoisted)),
            },
        }
    }
    Doc::sequence(parts)
}
