//! The tree as one kind of node, to go through it without knowing each.

use crate::syntax::Span;
use crate::syntax::ast::{self, ExprKind, FunctionBody, Item, Statement, StringPart};

/// Anything in the tree that has a place.
#[derive(Debug, Clone, Copy)]
pub enum Node<'a> {
    Item(&'a Item),
    Parameter(&'a ast::Parameter),
    Binding(&'a ast::ForBinding),
    Block(&'a ast::Block),
    Statement(&'a Statement),
    /// A string with its interpolations: a key, or the name of a step or test.
    Literal(&'a ast::StringLiteral),
    Entry(&'a ast::Entry),
    Expr(&'a ast::Expr),
    Argument(&'a ast::Argument),
    Generator(&'a ast::Generator),
    Arm(&'a ast::Arm),
    Pattern(&'a ast::Pattern),
}

impl<'a> Node<'a> {
    /// Its place.
    pub fn span(self) -> Span {
        match self {
            Node::Item(item) => item.span(),
            Node::Parameter(parameter) => parameter.span,
            Node::Binding(binding) => binding.span,
            Node::Block(block) => block.span,
            Node::Statement(statement) => statement.span(),
            Node::Literal(literal) => literal.span,
            Node::Entry(entry) => entry.span,
            Node::Expr(expr) => expr.span,
            Node::Argument(argument) => argument.span,
            Node::Generator(generator) => {
                let last = generator.condition.as_ref().unwrap_or(&generator.values);
                let first = generator.key.as_ref().unwrap_or(&generator.name);
                first.span.to(last.span)
            }
            Node::Arm(arm) => arm.span,
            Node::Pattern(pattern) => pattern.span,
        }
    }

    /// What stands directly in it.
    pub fn children(self) -> Vec<Node<'a>> {
        match self {
            Node::Item(item) => of_item(item),
            Node::Parameter(parameter) => parameter.default.iter().map(Node::Expr).collect(),
            Node::Binding(binding) => binding.values.iter().map(Node::Expr).collect(),
            Node::Block(block) => block.statements.iter().map(Node::Statement).collect(),
            Node::Statement(statement) => of_statement(statement),
            Node::Literal(literal) => interpolated(literal),
            Node::Entry(entry) => key(&entry.key).into_iter().chain([Node::Expr(&entry.value)]).collect(),
            Node::Expr(expr) => of_expr(expr),
            Node::Argument(argument) => vec![Node::Expr(&argument.value)],
            Node::Generator(generator) => {
                [&generator.values].into_iter().chain(&generator.condition).map(Node::Expr).collect()
            }
            Node::Arm(arm) => vec![Node::Pattern(&arm.pattern), Node::Expr(&arm.value)],
            Node::Pattern(pattern) => match &pattern.kind {
                ast::PatternKind::Name { arguments, .. } => {
                    arguments.iter().flatten().map(Node::Pattern).collect()
                }
                _ => Vec::new(),
            },
        }
    }
}

/// The nodes around the byte `offset`, the outermost first. Where two nodes touch, it is the one behind.
pub fn path_to(file: &ast::File, offset: u32) -> Vec<Node<'_>> {
    let mut path = Vec::new();
    let mut next: Vec<Node<'_>> = file.items.iter().map(Node::Item).collect();
    loop {
        let touches = |node: &&Node<'_>| {
            let missing = matches!(node, Node::Expr(ast::Expr { kind: ExprKind::Missing, .. }));
            let span = node.span();
            !missing && span.start <= offset && offset <= span.end
        };
        let inside = next.iter().find(|node| touches(node) && offset < node.span().end);
        let Some(found) = inside.or_else(|| next.iter().rev().find(touches)).copied() else { return path };
        path.push(found);
        next = found.children();
    }
}

fn of_item(item: &Item) -> Vec<Node<'_>> {
    match item {
        Item::Import(_) => Vec::new(),
        Item::Let(item) => vec![Node::Expr(&item.value)],
        Item::ForAxes(item) => item.bindings.iter().map(Node::Binding).collect(),
        Item::Function(function) => {
            let body = match &function.body {
                FunctionBody::Value(value) => Node::Expr(value),
                FunctionBody::Block(block) => Node::Block(block),
            };
            function.parameters.iter().map(Node::Parameter).chain([body]).collect()
        }
        Item::Declaration(declaration) => vec![Node::Block(&declaration.block)],
    }
}

fn of_statement(statement: &Statement) -> Vec<Node<'_>> {
    match statement {
        Statement::For(over) => over.bindings.iter().map(Node::Binding).collect(),
        Statement::Field(field) => {
            field.path.iter().flat_map(key).chain([Node::Expr(&field.value)]).collect()
        }
        Statement::Use(item) => vec![Node::Expr(&item.value)],
        Statement::When(when) => vec![Node::Expr(&when.condition), Node::Block(&when.block)],
        Statement::Step(step) => vec![Node::Literal(&step.name), Node::Block(&step.block)],
        Statement::Test(test) => vec![Node::Literal(&test.name), Node::Block(&test.block)],
        Statement::Waive(waive) => vec![Node::Block(&waive.block)],
    }
}

fn of_expr(expr: &ast::Expr) -> Vec<Node<'_>> {
    match &expr.kind {
        ExprKind::Missing | ExprKind::Name(_) | ExprKind::Int(_) | ExprKind::Bool(_) | ExprKind::None => {
            Vec::new()
        }
        ExprKind::String(literal) => interpolated(literal),
        ExprKind::List(elements) => elements.iter().map(Node::Expr).collect(),
        ExprKind::Record(entries) => entries.iter().map(Node::Entry).collect(),
        ExprKind::ListComprehension(item) => vec![Node::Expr(&item.value), Node::Generator(&item.generator)],
        ExprKind::RecordComprehension(item) => key(&item.key)
            .into_iter()
            .chain([Node::Expr(&item.value), Node::Generator(&item.generator)])
            .collect(),
        ExprKind::Call(call) => {
            [Node::Expr(&call.callee)].into_iter().chain(call.arguments.iter().map(Node::Argument)).collect()
        }
        ExprKind::Member(member) => vec![Node::Expr(&member.base)],
        ExprKind::Match(item) => {
            [Node::Expr(&item.subject)].into_iter().chain(item.arms.iter().map(Node::Arm)).collect()
        }
        ExprKind::Is(item) => vec![Node::Expr(&item.subject), Node::Pattern(&item.pattern)],
        ExprKind::Binary(binary) => vec![Node::Expr(&binary.left), Node::Expr(&binary.right)],
        ExprKind::Not(operand) => vec![Node::Expr(operand)],
    }
}

fn key(key: &ast::Key) -> Option<Node<'_>> {
    match key {
        ast::Key::String(literal) => Some(Node::Literal(literal)),
        ast::Key::Word(_) => None,
    }
}

fn interpolated(literal: &ast::StringLiteral) -> Vec<Node<'_>> {
    let values = literal.parts.iter().filter_map(|part| match part {
        StringPart::Interpolation(value) => Some(Node::Expr(value)),
        StringPart::Text(_) => None,
    });
    values.collect()
}
