//! Lowering of blocks and their statements.

use super::{bindings, doc, expr, is_word, keyword, name_of, string};
use crate::diagnostic::nearest;
use crate::syntax::ast::*;
use crate::syntax::green::{GreenChild, GreenView};
use crate::syntax::{Span, SyntaxKind};

pub(super) fn block(node: GreenView<'_>) -> Block {
    Block { statements: node.nodes().filter_map(statement).collect(), span: node.span() }
}

fn inner_block(node: GreenView<'_>) -> Block {
    node.node(SyntaxKind::Block).map(block).unwrap_or_default()
}

fn statement(node: GreenView<'_>) -> Option<Statement> {
    let (keyword, span) = (keyword(node), node.span());
    Some(match node.kind() {
        SyntaxKind::ItemFor => Statement::For(ItemFor { bindings: bindings(node), keyword, span }),
        SyntaxKind::Field => Statement::Field(field(node)?),
        SyntaxKind::Use => Statement::Use(Use { value: expr::value_of(node), keyword, span }),
        SyntaxKind::When => {
            let condition = expr::value_of(node);
            Statement::When(When { condition, block: inner_block(node), keyword, span })
        }
        SyntaxKind::Nested => nested(node, keyword)?,
        _ => return None,
    })
}

fn nested(node: GreenView<'_>, keyword: Span) -> Option<Statement> {
    let word = node.tokens().next()?.text;
    let (doc, block, span) = (doc(node), inner_block(node), node.span());
    let name = || node.node(SyntaxKind::StringExpr).map(string::literal);
    match nearest(word, ["step", "test", "waive"])? {
        "step" => Some(Statement::Step(Step { doc, name: name()?, block, keyword, span })),
        "test" => Some(Statement::Test(Test { doc, name: name()?, block, keyword, span })),
        _ => {
            let rule = node.tokens().nth(1).filter(|token| is_word(*token)).map(name_of)?;
            Some(Statement::Waive(Waive { doc, rule, block, keyword, span }))
        }
    }
}

fn field(node: GreenView<'_>) -> Option<Field> {
    let path = node.node(SyntaxKind::FieldPath)?.children().filter_map(key).collect();
    let mut signs = node.tokens();
    let sign = signs.find(|token| matches!(token.kind, SyntaxKind::Equal | SyntaxKind::PlusEqual));
    let operator = match sign {
        Some(sign) if sign.kind == SyntaxKind::PlusEqual => FieldOperator::Append,
        _ => FieldOperator::Set,
    };
    let operator_span = sign.map_or(node.span(), |sign| sign.span());
    let value = expr::value_of(node);
    Some(Field { doc: doc(node), path, operator, operator_span, value, span: node.span() })
}

/// The key that a child of a `FieldPath` or an `Entry` is.
fn key(child: GreenChild<'_>) -> Option<Key> {
    match child {
        GreenChild::Node(node) if node.kind() == SyntaxKind::StringExpr => {
            Some(Key::String(string::literal(node)))
        }
        GreenChild::Token(token) if is_word(token) || token.kind.is_reserved_word() => {
            Some(Key::Word(name_of(token)))
        }
        _ => None,
    }
}

/// An entry of a record or of a comprehension.
pub(super) fn entry(node: GreenView<'_>) -> Option<Entry> {
    let mut children = node.children().filter(|child| match child {
        GreenChild::Token(token) => !token.kind.is_trivia(),
        GreenChild::Node(_) => true,
    });
    let key = key(children.next()?)?;
    let value = children.find_map(|child| match child {
        GreenChild::Node(node) => expr::expr(node),
        GreenChild::Token(_) => None,
    });
    let value = value.unwrap_or_else(|| expr::missing(node));
    Some(Entry { doc: doc(node), key, value, span: node.span() })
}

/// `for name in values when condition`, `for key, name in values when condition`.
pub(super) fn generator(node: GreenView<'_>) -> Option<Generator> {
    let mut parts = node.nodes().filter_map(expr::expr);
    let values = parts.next().unwrap_or_else(|| expr::missing(node));
    let condition = node.token(SyntaxKind::WhenWord).map(|_| parts.next());
    let condition = condition.map(|found| found.unwrap_or_else(|| expr::missing(node)));
    let names = node.tokens().take_while(|token| token.kind != SyntaxKind::InWord);
    let mut names = names.filter(|token| is_word(*token)).map(name_of);
    let first = names.next()?;
    let (key, name) = match names.next() {
        Some(second) => (Some(first), second),
        None => (None, first),
    };
    Some(Generator { key, name, values, condition })
}
