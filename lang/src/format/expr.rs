//! From expressions and patterns to what is printed.

use std::borrow::Cow;

use super::container::{Content, Hoisted, content, is_comment};
use super::doc::*;
use crate::syntax::SyntaxKind;
use crate::syntax::green::{GreenChild, GreenView};
use crate::syntax::literal::{indented, layout};

/// An element wider than this is not put on a line with others.
const SMALL: u32 = 48;

pub(super) fn expr<'text>(node: GreenView<'text>, hoisted: &mut Hoisted<'text>) -> Doc<'text> {
    match node.kind() {
        SyntaxKind::StringExpr => string(node, hoisted.source),
        SyntaxKind::NameExpr | SyntaxKind::Constant => Doc::text(&hoisted.source[node.span().range()]),
        SyntaxKind::List => list(node, hoisted.source),
        SyntaxKind::Record | SyntaxKind::Arms => {
            let Content { rows, opening, broken } = content(node, hoisted.source, Some(", "), entry);
            Doc::braces(rows, opening, broken)
        }
        SyntaxKind::ListComprehension => comprehension(node, "[", "]", hoisted),
        SyntaxKind::RecordComprehension => comprehension(node, "{ ", " }", hoisted),
        SyntaxKind::Binary => chain(node, hoisted),
        SyntaxKind::Arguments | SyntaxKind::PatternArguments => parenthesized(node, hoisted.source),
        SyntaxKind::Match | SyntaxKind::Is | SyntaxKind::Not => spaced(node, hoisted),
        _ => tight(node, hoisted),
    }
}

/// Tokens and nodes with nothing between them: names, constants, members, calls, parentheses.
fn tight<'text>(node: GreenView<'text>, hoisted: &mut Hoisted<'text>) -> Doc<'text> {
    let mut parts = parts_of(node, hoisted);
    if parts.len() == 1 {
        return parts.remove(0);
    }
    Doc::sequence(parts)
}

/// Tokens and nodes with one space between them.
fn spaced<'text>(node: GreenView<'text>, hoisted: &mut Hoisted<'text>) -> Doc<'text> {
    let mut parts = Vec::new();
    for part in parts_of(node, hoisted) {
        if !parts.is_empty() {
            parts.push(Doc::text(" "));
        }
        parts.push(part);
    }
    Doc::sequence(parts)
}

fn parts_of<'text>(node: GreenView<'text>, hoisted: &mut Hoisted<'text>) -> Vec<Doc<'text>> {
    let mut parts = Vec::new();
    for child in node.children() {
        match child {
            GreenChild::Token(token) if token.kind.is_trivia() => hoisted.take(token),
            GreenChild::Token(token) => parts.push(Doc::text(token.text)),
            GreenChild::Node(node) => parts.push(expr(node, hoisted)),
        }
    }
    parts
}

/// An entry of a record, an arm of a `match`, an argument, a parameter, an element of a list.
fn entry<'text>(node: GreenView<'text>, hoisted: &mut Hoisted<'text>) -> RowContent<'text> {
    match node.kind() {
        SyntaxKind::Entry => {
            let word = node.tokens().next().is_some_and(|token| token.kind != SyntaxKind::Equal);
            let mut nodes = node.nodes();
            let key = match node.tokens().next().filter(|_| word) {
                Some(token) => Doc::text(token.text),
                None => nodes.next().map_or_else(|| Doc::text(""), |key| expr(key, hoisted)),
            };
            let value = nodes.next().map_or_else(|| Doc::text(""), |value| expr(value, hoisted));
            if word {
                RowContent::Field { key, sign: " = ", value }
            } else {
                RowContent::Part(Doc::sequence(vec![key, Doc::text(" = "), value]))
            }
        }
        SyntaxKind::Arm | SyntaxKind::Argument | SyntaxKind::Parameter => {
            RowContent::Part(spaced(node, hoisted))
        }
        _ => RowContent::Part(expr(node, hoisted)),
    }
}

/// `( … )` with arguments, parameters or patterns.
pub(super) fn parenthesized<'text>(node: GreenView<'text>, source: &'text str) -> Doc<'text> {
    let Content { rows, opening, .. } = content(node, source, Some(", "), entry);
    Doc::elements(Elements { open: "(", close: ")", rows, opening, fill: false })
}

fn list<'text>(node: GreenView<'text>, source: &'text str) -> Doc<'text> {
    let Content { rows, opening, .. } = content(node, source, Some(", "), entry);
    let fill =
        node.nodes().all(is_small) && rows.iter().all(|row| row.flat() < SMALL || row.flat() >= BROKEN);
    let blank = rows.iter().any(|row| row.blank);
    let mut doc = Doc::elements(Elements { open: "[", close: "]", rows, opening, fill });
    if blank {
        doc.flat = BROKEN;
    }
    doc
}

/// Whether several such elements may share a line of a broken list.
fn is_small(node: GreenView<'_>) -> bool {
    match node.kind() {
        SyntaxKind::NameExpr | SyntaxKind::Constant | SyntaxKind::StringExpr => true,
        SyntaxKind::Member | SyntaxKind::Call | SyntaxKind::Arguments | SyntaxKind::Argument => {
            node.nodes().all(is_small)
        }
        _ => false,
    }
}

fn comprehension<'text>(
    node: GreenView<'text>,
    open: &'static str,
    close: &'static str,
    hoisted: &mut Hoisted<'text>,
) -> Doc<'text> {
    let mut parts = Vec::new();
    hoisted.take_from(node);
    for part in node.nodes() {
        if part.kind() != SyntaxKind::Generator {
            parts.push(match entry(part, hoisted) {
                RowContent::Field { key, sign, value } => Doc::sequence(vec![key, Doc::text(sign), value]),
                RowContent::Part(doc) => doc,
                RowContent::Comment(_) => unreachable!("an entry is no comment"),
            });
            continue;
        }
        let mut words = Vec::new();
        for child in part.children() {
            match child {
                GreenChild::Token(token) if token.kind.is_trivia() => {
                    hoisted.take(token);
                    continue;
                }
                GreenChild::Token(token) if token.kind == SyntaxKind::WhenWord => {
                    parts.push(Doc::sequence(std::mem::take(&mut words)));
                    words.push(Doc::text(token.text));
                    continue;
                }
                GreenChild::Token(token) if token.kind == SyntaxKind::Comma => {
                    words.push(Doc::text(","));
                    continue;
                }
                GreenChild::Token(token) => words.push(Doc::text(token.text)),
                GreenChild::Node(value) => words.push(expr(value, hoisted)),
            }
            if words.len() > 1 {
                let word = words.pop().expect("there is one");
                words.extend([Doc::text(" "), word]);
            }
        }
        parts.push(Doc::sequence(words));
    }
    Doc::lines(open, parts, close)
}

/// Operators of one level of binding.
fn chain<'text>(node: GreenView<'text>, hoisted: &mut Hoisted<'text>) -> Doc<'text> {
    let mut nested = vec![node];
    let level = operator(node).1;
    while let Some(left) = nested.last().and_then(|node| node.nodes().next())
        && left.kind() == SyntaxKind::Binary
        && operator(left).1 == level
        && level != 0
    {
        nested.push(left);
    }
    let mut links: Vec<Link<'text>> = Vec::new();
    for node in nested.into_iter().rev() {
        let mut comments = Vec::new();
        let mut fed = false;
        let mut sign = "";
        let first = links.is_empty();
        for (index, child) in node.children().enumerate() {
            match child {
                GreenChild::Token(token) if is_comment(token.kind) => {
                    comments.push((!fed && sign.is_empty() && comments.is_empty(), token.text.trim_end()));
                }
                GreenChild::Token(token) if token.kind == SyntaxKind::Newline => fed = true,
                GreenChild::Token(token) if token.kind.is_trivia() => {}
                GreenChild::Token(_) => sign = operator(node).0,
                GreenChild::Node(operand) if index > 0 || first => {
                    let operand = expr(operand, hoisted);
                    links.push(Link { comments: std::mem::take(&mut comments), operator: sign, operand });
                }
                GreenChild::Node(_) => {}
            }
        }
    }
    Doc::chain(links)
}

/// The operator of a `Binary` with a space behind it, and its level; comparisons, which do not chain, have 0.
fn operator(node: GreenView<'_>) -> (&'static str, u8) {
    match node.tokens().next().map(|token| token.kind) {
        Some(SyntaxKind::OrWord) => ("or ", 1),
        Some(SyntaxKind::AndWord) => ("and ", 2),
        Some(SyntaxKind::Plus) => ("+ ", 3),
        Some(SyntaxKind::EqualEqual) => ("== ", 0),
        Some(SyntaxKind::NotEqual) => ("!= ", 0),
        Some(SyntaxKind::Less) => ("< ", 0),
        Some(SyntaxKind::LessEqual) => ("<= ", 0),
        Some(SyntaxKind::Greater) => ("> ", 0),
        Some(SyntaxKind::GreaterEqual) => (">= ", 0),
        _ => ("in ", 0),
    }
}

/// A string: as written, but for the indentation of a block string and the space around its interpolations.
fn string<'text>(node: GreenView<'text>, source: &'text str) -> Doc<'text> {
    let written = &source[node.span().range()];
    if !written.contains('\n') && !written.contains("{{") {
        return Doc::text(written);
    }
    let (mut open, mut close) = ("", "");
    let mut pieces = vec![""];
    let mut values = Vec::new();
    for child in node.children() {
        match child {
            GreenChild::Token(token) => match token.kind {
                SyntaxKind::StringOpen => open = token.text,
                SyntaxKind::StringClose => close = token.text,
                _ => *pieces.last_mut().expect("one piece is there from the beginning") = token.text,
            },
            GreenChild::Node(value) => {
                values.push(interpolation(value, source));
                pieces.push("");
            }
        }
    }
    let found = if open.ends_with("\"\"\"") { layout(&pieces).ok() } else { None };
    match found.filter(|found| found.multiline) {
        Some(found) => {
            let texts = indented(&pieces, found, "");
            Doc::block_string(open, joined(texts.iter().map(String::as_str), &values), close)
        }
        None => {
            let text = joined(pieces.iter().copied(), &values);
            Doc::text(Cow::Owned(format!("{open}{text}{close}")))
        }
    }
}

fn joined<'text>(texts: impl Iterator<Item = &'text str>, values: &[String]) -> String {
    let mut text = String::new();
    let mut values = values.iter();
    for piece in texts {
        text.push_str(piece);
        if let Some(value) = values.next() {
            text.push_str(value);
        }
    }
    text
}

/// `{{…}}` on one line, with a space on both sides where the author began with one.
fn interpolation(node: GreenView<'_>, source: &str) -> String {
    let space = match node.children().nth(1) {
        Some(GreenChild::Token(token)) if token.kind == SyntaxKind::Whitespace => " ",
        _ => "",
    };
    let value = node.nodes().next().map(|value| expr(value, &mut Hoisted::new(source)));
    let value = value.map(|value| super::print::flat(&value)).unwrap_or_default();
    format!("{{{{{space}{value}{space}}}}}")
}
