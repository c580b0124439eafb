//! What can be mentioned at a place, and of what type it is.

use super::walk::Node;
use crate::check::{Checker, Scope, Type, by_name};
use crate::modules::FileId;
use crate::syntax::ast::{ExprKind, FunctionBody, Item};

/// The scope at the end of `path`: parameters and variables with their types. Every axis can be mentioned in it.
pub fn scope_at(checker: &mut Checker<'_>, file: FileId, path: &[Node<'_>]) -> Scope {
    let mut scope = Scope { file, locals: Vec::new(), axes: None, subject: String::new() };
    for (at, node) in path.iter().enumerate() {
        match node {
            Node::Item(Item::Function(function)) => {
                let inside_body = match (&function.body, path.get(at + 1)) {
                    (FunctionBody::Value(_), Some(Node::Parameter(_))) | (_, None) => false,
                    (_, Some(next)) => !matches!(next, Node::Parameter(_)),
                };
                for parameter in &function.parameters {
                    let default = parameter.default.as_ref().map(|default| checker.infer(default, &scope));
                    let kind = default.filter(|kind| *kind != Type::None);
                    let kind = kind.unwrap_or_else(|| by_name(&parameter.name.text));
                    if inside_body {
                        scope.locals.push((parameter.name.text.clone(), kind));
                    }
                }
            }
            Node::Expr(expr) => {
                let generator = match &expr.kind {
                    ExprKind::ListComprehension(item) => &item.generator,
                    ExprKind::RecordComprehension(item) => &item.generator,
                    _ => continue,
                };
                // The values that it goes through are told before there is a variable.
                let values = generator.values.span;
                let in_values = matches!(path.get(at + 1), Some(Node::Generator(_)))
                    && matches!(path.get(at + 2), Some(Node::Expr(inner)) if inner.span == values);
                if !in_values {
                    let over = checker.infer(&generator.values, &scope);
                    let element = checker.elements(&over, file.site(values));
                    let key = generator.key.iter().map(|key| (key.text.clone(), Type::Text));
                    scope.locals.extend(key);
                    scope.locals.push((generator.name.text.clone(), element));
                }
            }
            _ => {}
        }
    }
    scope
}
