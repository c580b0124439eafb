//! Values: what fits where the cursor is.

use super::context::Context;
use super::{Completion, CompletionKind, labels_of};
use crate::assist::analysis::ENTRY;
use crate::assist::docs;
use crate::assist::scope::scope_at;
use crate::assist::symbol::{Callee, callee_of};
use crate::assist::walk::Node;
use crate::check::Type;
use crate::check::schema::Shape;
use crate::modules::{Binding, LoadedFile};
use crate::syntax::ast::{self, BinaryOperator, ExprKind, PatternKind, Statement};

impl Context<'_> {
    /// What can be written as a value here, and names of arguments where it is one.
    pub fn values(&self) -> Vec<Completion> {
        let mut found = self.argument_names();
        let expected = self.expected();
        if let Some(Type::Record { row: true, .. }) = &expected {
            found.extend(self.compared_labels());
        }
        let shape = self.wanted_shape();
        let used = matches!(self.path.iter().rev().nth(1), Some(Node::Statement(Statement::Use(_))));
        let fits = move |kind: &Type| match (&shape, &expected) {
            _ if used => *kind == Type::Fields,
            (_, Some(expected)) => expected.present() == kind.present(),
            (Some(Wanted::Whole(shape)), None) => kind.fits(*shape),
            (Some(Wanted::Element(shape)), None) => Type::List(Box::new(kind.clone())).fits(*shape),
            (Some(Wanted::Value), None) => *kind == Type::Rule,
            (Some(Wanted::Source), None) => *kind == Type::Source,
            (Some(Wanted::Condition), None) => *kind == Type::Bool,
            (None, None) => false,
        };
        found.extend(self.names(&fits));
        found
    }

    /// The patterns that the value looked at can have.
    pub fn patterns(&self, pattern: &ast::Pattern) -> Vec<Completion> {
        let subject = self.path.iter().rev().find_map(|node| match node {
            Node::Expr(expr) => match &expr.kind {
                ExprKind::Match(item) => Some(&*item.subject),
                ExprKind::Is(item) => Some(&*item.subject),
                _ => None,
            },
            _ => None,
        });
        let Some(subject) = subject else { return Vec::new() };
        let kind = self.analysis.typing(|checker| {
            let scope = scope_at(checker, ENTRY, &self.path);
            checker.infer(subject, &scope)
        });
        let wanted: &[&str] = match kind.present() {
            Type::Distro | Type::Family => &["debian", "alpine"],
            Type::Arch => &["amd64", "arm64"],
            Type::Flavor => &["runtime", "dev"],
            Type::Bool => &["true", "false"],
            _ => &[],
        };
        let arm = matches!(self.path.iter().rev().nth(1), Some(Node::Arm(_)))
            && matches!(pattern.kind, PatternKind::Name { arguments: None, .. })
            && self.line_is_open();
        let snippet = |label: &str| arm.then(|| format!("{label} => $0"));
        let constant = |name: &&str| Completion {
            doc: docs::find(docs::CONSTANTS, name).map(|note| note.doc.to_owned()),
            snippet: snippet(name),
            ..self.plain(name, CompletionKind::Constant, "")
        };
        let mut found: Vec<Completion> = wanted.iter().map(constant).collect();
        if let ExprKind::Name(axis) = &subject.kind
            && wanted.is_empty()
        {
            for label in labels_of(&self.analysis.program, ENTRY, axis) {
                let quoted = format!("{label:?}");
                let snippet = snippet(&quoted);
                found.push(Completion { snippet, ..self.plain(&quoted, CompletionKind::Value, "label") });
            }
        }
        if matches!(kind, Type::Optional(_)) {
            found.push(Completion {
                snippet: snippet("none"),
                ..self.plain("none", CompletionKind::Keyword, "")
            });
        }
        found
    }

    /// The names of the arguments that the call around the cursor does not have yet.
    fn argument_names(&self) -> Vec<Completion> {
        let [.., Node::Expr(call), Node::Argument(argument), Node::Expr(_)] = self.path.as_slice() else {
            return Vec::new();
        };
        let (ExprKind::Call(call), None) = (&call.kind, &argument.name) else { return Vec::new() };
        let names: Vec<(String, String)> = match callee_of(&self.analysis.program, ENTRY, call) {
            Some(Callee::Function(file, function)) => {
                let source = &self.analysis.file(file).text;
                let text = |parameter: &ast::Parameter| {
                    source.get(parameter.span.range()).unwrap_or_default().to_owned()
                };
                let parameters = function.parameters.iter();
                parameters.map(|parameter| (parameter.name.text.clone(), text(parameter))).collect()
            }
            Some(Callee::Declaration(_, declaration)) => LoadedFile::over(declaration)
                .map(|binding| (binding.name.text.clone(), "axis".to_owned()))
                .collect(),
            Some(Callee::Builtin(_, list)) => {
                list.iter().map(|parameter| (parameter.name.to_owned(), docs::parameter(parameter))).collect()
            }
            None => return Vec::new(),
        };
        let given: Vec<&str> = call
            .arguments
            .iter()
            .filter_map(|argument| argument.name.as_ref())
            .map(|name| name.text.as_str())
            .collect();
        let fresh = names.iter().filter(|(name, _)| !given.contains(&name.as_str()));
        let proposal = |(name, detail): &(String, String)| Completion {
            insert: format!("{name} = "),
            rank: 2,
            ..self.plain(&format!("{name} ="), CompletionKind::Property, detail)
        };
        fresh.map(proposal).collect()
    }

    /// The other side of the comparison around the cursor.
    fn compared(&self) -> Option<&ast::Expr> {
        let [.., Node::Expr(outer), Node::Expr(inner)] = self.path.as_slice() else { return None };
        let ExprKind::Binary(binary) = &outer.kind else { return None };
        let compares = matches!(binary.operator, BinaryOperator::Equal | BinaryOperator::NotEqual);
        let other = if binary.left.span == inner.span { &binary.right } else { &binary.left };
        compares.then_some(&**other)
    }

    fn expected(&self) -> Option<Type> {
        let other = self.compared()?;
        let kind = self.analysis.typing(|checker| {
            let scope = scope_at(checker, ENTRY, &self.path);
            checker.infer(other, &scope)
        });
        (kind != Type::Unknown).then_some(kind)
    }

    /// The labels of the axis that something is compared with, as strings.
    fn compared_labels(&self) -> Vec<Completion> {
        let Some(ast::Expr { kind: ExprKind::Name(axis), .. }) = self.compared() else { return Vec::new() };
        if !matches!(self.file.names.get(axis), Some(Binding::Axis(_))) {
            return Vec::new();
        }
        let labels = labels_of(&self.analysis.program, ENTRY, axis);
        let label = |label: &String| Completion {
            rank: 1,
            ..self.plain(&format!("{label:?}"), CompletionKind::Value, "label")
        };
        labels.iter().map(label).collect()
    }

    /// What the field around the cursor wants there.
    fn wanted_shape(&self) -> Option<Wanted> {
        if let [.., Node::Statement(Statement::When(_)), Node::Expr(_)] = self.path.as_slice() {
            return Some(Wanted::Condition);
        }
        let (field, _) = self.field_around()?;
        // Sums and arms stand for their parts, and nothing else does.
        let at = self.path.iter().rposition(|node| matches!(node, Node::Statement(Statement::Field(_))))?;
        let (mut lists, mut records, mut others) = (0, 0, 0);
        let inner = &self.path[at + 1..];
        for (index, node) in inner.iter().enumerate() {
            let last = index + 1 == inner.len();
            match node {
                Node::Expr(expr) => match &expr.kind {
                    ExprKind::List(_) | ExprKind::ListComprehension(_) => lists += 1,
                    ExprKind::Record(_) | ExprKind::RecordComprehension(_) => records += 1,
                    ExprKind::Binary(binary) if binary.operator == BinaryOperator::Add => {}
                    ExprKind::Match(item) => {
                        others += usize::from(
                            inner.get(index + 1).is_some_and(|next| next.span() == item.subject.span),
                        );
                    }
                    _ if last => {}
                    _ => others += 1,
                },
                Node::Entry(_) | Node::Arm(_) => {}
                _ => others += 1,
            }
        }
        let Node::Statement(Statement::Field(written)) = self.path[at] else { return None };
        let keyed = records + written.path.len() - 1;
        match (field.shape, lists, keyed, others) {
            (_, _, _, 1..) => None,
            (Shape::Rules, 0, 1, _) => Some(Wanted::Value),
            (Shape::Sources(_), 0, 1, _) => Some(Wanted::Source),
            (shape, 0, 0, _) => Some(Wanted::Whole(shape)),
            (shape, 1, 0, _) => Some(Wanted::Element(shape)),
            _ => None,
        }
    }
}

/// What is wanted at a place.
enum Wanted {
    /// All that a field of this shape takes.
    Whole(Shape),
    /// An element of the list that it takes.
    Element(Shape),
    /// A rule of a path.
    Value,
    /// A source.
    Source,
    /// A condition.
    Condition,
}
