//! Lowering of string literals.

use std::borrow::Cow;

use super::expr::value_of;
use crate::syntax::SyntaxKind;
use crate::syntax::ast::{StringLiteral, StringPart};
use crate::syntax::green::{GreenChild, GreenView};
use crate::syntax::literal::{indented, layout, unescape};

/// The literal that a `StringExpr` is.
pub(super) fn literal(node: GreenView<'_>) -> StringLiteral {
    let mut pieces = vec![""];
    let mut values = Vec::new();
    let mut open = "\"";
    for child in node.children() {
        match child {
            GreenChild::Token(token) if token.kind == SyntaxKind::StringOpen => open = token.text,
            GreenChild::Token(token) if token.kind == SyntaxKind::StringText => {
                *pieces.last_mut().expect("one piece is there from the beginning") = token.text;
            }
            GreenChild::Node(value) if value.kind() == SyntaxKind::Interpolation => {
                values.push(value_of(value));
                pieces.push("");
            }
            _ => {}
        }
    }
    let mut parts = Vec::with_capacity(2 * values.len() + 1);
    let mut values = values.into_iter();
    for text in texts(open, &pieces) {
        if !text.is_empty() {
            parts.push(StringPart::Text(text.into_owned()));
        }
        parts.extend(values.next().map(StringPart::Interpolation));
    }
    StringLiteral { parts, span: node.span() }
}

/// The values of the literal texts between the interpolations.
fn texts<'text>(open: &str, pieces: &[&'text str]) -> Vec<Cow<'text, str>> {
    if open.ends_with("\"\"\"") {
        return match layout(pieces) {
            Ok(found) if found.multiline => indented(pieces, found, "").into_iter().map(Cow::Owned).collect(),
            _ => pieces.iter().map(|piece| Cow::Borrowed(*piece)).collect(),
        };
    }
    let raw = open.starts_with('r');
    let value = |piece| if raw { Cow::Borrowed(piece) } else { unescape(piece, |_, _| ()) };
    pieces.iter().copied().map(value).collect()
}
