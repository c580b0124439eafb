//! From items and statements to what is printed.

use super::container::{Content, Hoisted, content};
use super::doc::*;
use super::expr::{self, expr};
use crate::syntax::SyntaxKind;
use crate::syntax::green::{GreenChild, GreenView};

/// The rows of a whole file.
pub(super) fn file(root: GreenView<'_>) -> Vec<Row<'_>> {
    content(root, None, statement).rows
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
                SyntaxKind::Block => block(node),
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

pub(super) fn block(node: GreenView<'_>) -> Doc<'_> {
    let Content { rows, opening, broken } = content(node, None, statement);
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
                GreenChild::Token(token) => parts.push(Doc::text(token.text)),
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
    if node.token(SyntaxKind::PlusEqual).is_some() {
        RowContent::Part(Doc::sequence(vec![key, Doc::text(" += "), value]))
    } else if aligned {
        RowContent::Field { key, value }
    } else {
        RowContent::Part(Doc::sequence(vec![key, Doc::text(" = "), value]))
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
                SyntaxKind::Parameters => parts.push(expr::parenthesized(child)),
                SyntaxKind::Block => parts.extend([Doc::text(" "), block(child)]),
                _ => parts.push(expr(child, hoisted)),
            },
        }
    }
    Doc::sequence(parts)
}
