//! The names that an expression or a block mentions, without the evaluation of anything.

use crate::syntax::Span;
use crate::syntax::ast::{self, ExprKind, Statement, StringPart};

/// A name that is mentioned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mention<'a> {
    /// The name.
    pub name: &'a str,
    /// What follows it after a dot, if anything.
    pub member: Option<&'a str>,
    /// The named arguments of the call that it is the callee of.
    pub named: Vec<&'a str>,
    /// Where it stands.
    pub span: Span,
}

/// Every mention in the expression, in source order.
pub fn of_expr(expr: &ast::Expr) -> Vec<Mention<'_>> {
    let mut found = Vec::new();
    expression(expr, &mut found);
    found
}

/// Every mention in the block, those of its own `for` left out.
pub fn of_block(block: &ast::Block) -> Vec<Mention<'_>> {
    let mut found = Vec::new();
    statements(block, &mut found);
    found
}

/// Every mention in what a `for` says after `in`.
pub fn of_bindings<'a>(bindings: impl IntoIterator<Item = &'a ast::ForBinding>) -> Vec<Mention<'a>> {
    let mut found = Vec::new();
    for values in bindings.into_iter().filter_map(|binding| binding.values.as_ref()) {
        expression(values, &mut found);
    }
    found
}

/// Every mention in a function: its defaults and its body.
pub fn of_function(function: &ast::Function) -> Vec<Mention<'_>> {
    let mut found = Vec::new();
    for default in function.parameters.iter().filter_map(|parameter| parameter.default.as_ref()) {
        expression(default, &mut found);
    }
    match &function.body {
        ast::FunctionBody::Value(value) => expression(value, &mut found),
        ast::FunctionBody::Block(block) => statements(block, &mut found),
    }
    found
}

fn statements<'a>(block: &'a ast::Block, found: &mut Vec<Mention<'a>>) {
    for statement in &block.statements {
        match statement {
            Statement::For(_) => {}
            Statement::Field(field) => {
                for part in &field.path {
                    key(part, found);
                }
                expression(&field.value, found);
            }
            Statement::Use(item) => expression(&item.value, found),
            Statement::When(when) => {
                expression(&when.condition, found);
                statements(&when.block, found);
            }
            Statement::Step(step) => {
                string(&step.name, found);
                statements(&step.block, found);
            }
            Statement::Test(test) => {
                string(&test.name, found);
                statements(&test.block, found);
            }
            Statement::Waive(waive) => statements(&waive.block, found),
        }
    }
}

fn key<'a>(key: &'a ast::Key, found: &mut Vec<Mention<'a>>) {
    if let ast::Key::String(literal) = key {
        string(literal, found);
    }
}

fn string<'a>(literal: &'a ast::StringLiteral, found: &mut Vec<Mention<'a>>) {
    for part in &literal.parts {
        if let StringPart::Interpolation(value) = part {
            expression(value, found);
        }
    }
}

fn expression<'a>(expr: &'a ast::Expr, found: &mut Vec<Mention<'a>>) {
    match &expr.kind {
        ExprKind::Missing | ExprKind::Int(_) | ExprKind::Bool(_) | ExprKind::None => {}
        ExprKind::Name(name) => {
            found.push(Mention { name, member: None, named: Vec::new(), span: expr.span });
        }
        ExprKind::String(literal) => string(literal, found),
        ExprKind::List(elements) => elements.iter().for_each(|element| expression(element, found)),
        ExprKind::Record(entries) => {
            for entry in entries {
                key(&entry.key, found);
                expression(&entry.value, found);
            }
        }
        ExprKind::ListComprehension(comprehension) => {
            generator(&comprehension.generator, found);
            expression(&comprehension.value, found);
        }
        ExprKind::RecordComprehension(comprehension) => {
            generator(&comprehension.generator, found);
            key(&comprehension.key, found);
            expression(&comprehension.value, found);
        }
        ExprKind::Call(item) => call(item, found),
        ExprKind::Member(member) => self::member(member, expr.span, found),
        ExprKind::Match(item) => {
            expression(&item.subject, found);
            item.arms.iter().for_each(|arm| expression(&arm.value, found));
        }
        ExprKind::Is(item) => expression(&item.subject, found),
        ExprKind::Binary(binary) => {
            expression(&binary.left, found);
            expression(&binary.right, found);
        }
        ExprKind::Not(operand) => expression(operand, found),
    }
}

fn call<'a>(call: &'a ast::Call, found: &mut Vec<Mention<'a>>) {
    let before = found.len();
    expression(&call.callee, found);
    if let [callee] = &mut found[before..] {
        callee.named = call
            .arguments
            .iter()
            .filter_map(|argument| argument.name.as_ref())
            .map(|name| &*name.text)
            .collect();
    }
    call.arguments.iter().for_each(|argument| expression(&argument.value, found));
}

fn member<'a>(member: &'a ast::Member, span: Span, found: &mut Vec<Mention<'a>>) {
    match &member.base.kind {
        ExprKind::Name(name) => {
            found.push(Mention { name, member: Some(&member.name.text), named: Vec::new(), span });
        }
        _ => expression(&member.base, found),
    }
}

fn generator<'a>(generator: &'a ast::Generator, found: &mut Vec<Mention<'a>>) {
    expression(&generator.values, found);
    if let Some(condition) = &generator.condition {
        expression(condition, found);
    }
}
