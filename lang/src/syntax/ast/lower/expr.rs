//! Lowering of expressions and patterns.

use super::{block, first_name, is_word, keyword, name_of, string};
use crate::syntax::ast::*;
use crate::syntax::green::GreenView;
use crate::syntax::{SyntaxKind, literal};

/// The expression among the children of a node: the first one that no syntax error swallowed.
pub(super) fn value_of(node: GreenView<'_>) -> Expr {
    node.nodes().find_map(expr).unwrap_or_else(|| missing(node))
}

pub(super) fn missing(node: GreenView<'_>) -> Expr {
    Expr { kind: ExprKind::Missing, span: node.span() }
}

/// The expression that a node is.
pub(super) fn expr(node: GreenView<'_>) -> Option<Expr> {
    let kind = match node.kind() {
        SyntaxKind::NameExpr => match node.tokens().next()?.text {
            name if literal::is_name(name) => ExprKind::Name(name.to_owned()),
            _ => ExprKind::Missing,
        },
        SyntaxKind::StringExpr => ExprKind::String(string::literal(node)),
        SyntaxKind::Constant => constant(node)?,
        SyntaxKind::Paren => return Some(value_of(node)),
        SyntaxKind::List => ExprKind::List(node.nodes().filter_map(expr).collect()),
        SyntaxKind::Record => ExprKind::Record(node.nodes().filter_map(block::entry).collect()),
        SyntaxKind::ListComprehension => {
            let generator = block::generator(node.node(SyntaxKind::Generator)?)?;
            ExprKind::ListComprehension(Box::new(ListComprehension { value: value_of(node), generator }))
        }
        SyntaxKind::RecordComprehension => {
            let generator = block::generator(node.node(SyntaxKind::Generator)?)?;
            let Entry { key, value, .. } = block::entry(node.node(SyntaxKind::Entry)?)?;
            ExprKind::RecordComprehension(Box::new(RecordComprehension { key, value, generator }))
        }
        SyntaxKind::Call => call(node),
        SyntaxKind::Member => member(node),
        SyntaxKind::Match => match_expr(node),
        SyntaxKind::Is => {
            let found = node.node(SyntaxKind::Pattern).map(pattern);
            let pattern = found.unwrap_or(Pattern { kind: PatternKind::Missing, span: node.span() });
            ExprKind::Is(Is { subject: Box::new(value_of(node)), pattern })
        }
        SyntaxKind::Binary => binary(node)?,
        SyntaxKind::Not => ExprKind::Not(Box::new(value_of(node))),
        _ => return None,
    };
    Some(Expr { kind, span: node.span() })
}

fn constant(node: GreenView<'_>) -> Option<ExprKind> {
    let token = node.tokens().next()?;
    Some(match token.kind {
        SyntaxKind::TrueWord => ExprKind::Bool(true),
        SyntaxKind::FalseWord => ExprKind::Bool(false),
        SyntaxKind::NoneWord => ExprKind::None,
        _ => literal::integer(token.text).map_or(ExprKind::Missing, ExprKind::Int),
    })
}

fn call(node: GreenView<'_>) -> ExprKind {
    let list = node.node(SyntaxKind::Arguments);
    let arguments = list.into_iter().flat_map(GreenView::nodes);
    let arguments = arguments.filter(|argument| argument.kind() == SyntaxKind::Argument).map(|argument| {
        Argument { name: first_name(argument), value: value_of(argument), span: argument.span() }
    });
    let arguments = arguments.collect();
    let arguments_span = list.unwrap_or(node).span();
    ExprKind::Call(Call { callee: Box::new(value_of(node)), arguments, arguments_span })
}

fn member(node: GreenView<'_>) -> ExprKind {
    let word = node.tokens().nth(1);
    match word.filter(|token| is_word(*token) || token.kind.is_reserved_word()) {
        Some(word) => ExprKind::Member(Member { base: Box::new(value_of(node)), name: name_of(word) }),
        None => ExprKind::Missing,
    }
}

fn match_expr(node: GreenView<'_>) -> ExprKind {
    let arms = node.node(SyntaxKind::Arms).into_iter().flat_map(GreenView::nodes);
    let arms = arms.filter(|arm| arm.kind() == SyntaxKind::Arm).map(|arm| {
        let found = arm.node(SyntaxKind::Pattern).map(pattern);
        let pattern = found.unwrap_or(Pattern { kind: PatternKind::Missing, span: arm.span() });
        Arm { pattern, value: value_of(arm), span: arm.span() }
    });
    let arms = arms.collect();
    ExprKind::Match(Match { subject: Box::new(value_of(node)), arms, keyword: keyword(node) })
}

fn binary(node: GreenView<'_>) -> Option<ExprKind> {
    let sign = node.tokens().next()?;
    let operator = match sign.kind {
        SyntaxKind::OrWord => BinaryOperator::Or,
        SyntaxKind::AndWord => BinaryOperator::And,
        SyntaxKind::EqualEqual => BinaryOperator::Equal,
        SyntaxKind::NotEqual => BinaryOperator::NotEqual,
        SyntaxKind::Less => BinaryOperator::Less,
        SyntaxKind::LessEqual => BinaryOperator::LessOrEqual,
        SyntaxKind::Greater => BinaryOperator::Greater,
        SyntaxKind::GreaterEqual => BinaryOperator::GreaterOrEqual,
        SyntaxKind::InWord => BinaryOperator::In,
        _ => BinaryOperator::Add,
    };
    let mut sides = [None, None];
    for side in node.nodes() {
        // A chain of comparisons is reported, and has no value.
        if is_comparison(node) && is_comparison(side) {
            return Some(ExprKind::Missing);
        }
        sides[usize::from(side.span().start > sign.offset)] = expr(side);
    }
    let [left, right] = sides.map(|side| Box::new(side.unwrap_or_else(|| missing(node))));
    Some(ExprKind::Binary(Binary { operator, operator_span: sign.span(), left, right }))
}

/// Whether the node compares two values, or tests one.
fn is_comparison(node: GreenView<'_>) -> bool {
    node.kind() == SyntaxKind::Is
        || node.kind() == SyntaxKind::Binary
            && node.tokens().next().is_some_and(|sign| {
                !matches!(sign.kind, SyntaxKind::OrWord | SyntaxKind::AndWord | SyntaxKind::Plus)
            })
}

fn pattern(node: GreenView<'_>) -> Pattern {
    let kind = pattern_kind(node).unwrap_or(PatternKind::Missing);
    Pattern { kind, span: node.span() }
}

fn pattern_kind(node: GreenView<'_>) -> Option<PatternKind> {
    if let Some(string) = node.node(SyntaxKind::StringExpr) {
        return string::literal(string).plain().map(|text| PatternKind::String(text.to_owned()));
    }
    let token = node.tokens().next()?;
    Some(match token.kind {
        SyntaxKind::Underscore => PatternKind::Any,
        SyntaxKind::TrueWord => PatternKind::Bool(true),
        SyntaxKind::FalseWord => PatternKind::Bool(false),
        SyntaxKind::NoneWord => PatternKind::None,
        SyntaxKind::Int => PatternKind::Int(literal::integer(token.text).ok()?),
        _ => {
            let list = node.node(SyntaxKind::PatternArguments);
            let arguments = list.map(|list| {
                list.nodes().filter(|node| node.kind() == SyntaxKind::Pattern).map(pattern).collect()
            });
            PatternKind::Name { name: name_of(token), arguments }
        }
    })
}
