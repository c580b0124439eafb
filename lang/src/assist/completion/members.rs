//! What follows a dot.

use super::context::Context;
use super::{Completion, CompletionKind};
use crate::assist::analysis::ENTRY;
use crate::assist::docs;
use crate::assist::render::type_text;
use crate::assist::scope::scope_at;
use crate::assist::symbol::method;
use crate::assist::walk::Node;
use crate::check::{Type, methods_of};
use crate::modules::{Binding, FileId};
use crate::syntax::ast::{self, ExprKind, Statement};

impl Context<'_> {
    /// What can follow the base of `member`.
    pub fn members(&self, member: &ast::Member) -> Vec<Completion> {
        if let ExprKind::Name(base) = &member.base.kind
            && let Some(Binding::Import(item)) = self.file.names.get(base)
        {
            let target = self.file.imports.get(item);
            return target.map(|target| self.exported(*target)).unwrap_or_default();
        }
        let kind = self.analysis.typing(|checker| {
            let scope = scope_at(checker, ENTRY, &self.path);
            checker.infer(&member.base, &scope)
        });
        let mut found = Vec::new();
        match kind.present() {
            Type::Record { fields, .. } => {
                let column = |(name, kind): (&String, &Type)| {
                    self.plain(name, CompletionKind::Property, &type_text(kind))
                };
                found.extend(fields.iter().map(column));
            }
            Type::Map(value) => {
                let keys = self.keys_of_map(&member.base);
                let key = |name: &String| self.plain(name, CompletionKind::Property, &type_text(value));
                found.extend(keys.iter().map(key));
            }
            _ => {}
        }
        found.extend(self.outputs(&member.base));
        let (methods, numbers) = methods_of(&kind);
        for name in numbers {
            let doc = docs::find(docs::MEMBERS, name).map(|note| note.doc.to_owned());
            found.push(Completion { doc, ..self.plain(name, CompletionKind::Property, "int") });
        }
        for (name, _) in methods {
            if let (Some(note), Some(method)) = (docs::find(docs::MEMBERS, name), method(name)) {
                let mut call = self.builtin(note, method.parameters());
                if matches!(*name, "only" | "without" | "replacing") {
                    call.snippet = call.snippet.map(|_| format!("{name}([\"$1\"])$0"));
                }
                found.push(call);
            }
        }
        found
    }

    /// What a module has.
    fn exported(&self, target: FileId) -> Vec<Completion> {
        let used = matches!(
            self.path.iter().rev().find(|node| matches!(node, Node::Statement(_))),
            Some(Node::Statement(Statement::Use(_)))
        );
        let fits = |kind: &Type| used == (*kind == Type::Fields);
        let names = &self.analysis.file(target).names;
        let names = names.iter().filter(|(_, one)| !matches!(one, Binding::Import(_) | Binding::Axis(_)));
        self.analysis.typing(|checker| {
            names.filter_map(|(name, one)| self.bound(checker, target, name, *one, &fits)).collect()
        })
    }

    /// The further outputs of a build.
    fn outputs(&self, base: &ast::Expr) -> Vec<Completion> {
        let ExprKind::Name(name) = &base.kind else { return Vec::new() };
        let Some(Binding::Declaration(item)) = self.file.names.get(name) else { return Vec::new() };
        let fields = self.file.declaration(*item).into_iter().flat_map(|item| item.block.fields());
        let outputs = fields.filter(|field| field.path.len() == 1 && field.path[0].text() == Some("outputs"));
        let names = outputs.flat_map(|field| match &field.value.kind {
            ExprKind::List(names) => names.as_slice(),
            _ => &[],
        });
        let names = names.filter_map(|name| match &name.kind {
            ExprKind::String(literal) => literal.plain(),
            _ => None,
        });
        names.map(|name| self.plain(name, CompletionKind::Property, "output")).collect()
    }

    fn keys_of_map(&self, base: &ast::Expr) -> Vec<String> {
        let ExprKind::Name(name) = &base.kind else { return Vec::new() };
        let Some(Binding::Let(item)) = self.file.names.get(name) else { return Vec::new() };
        let Some(ExprKind::Record(entries)) = self.file.binding(*item).map(|binding| &binding.value.kind)
        else {
            return Vec::new();
        };
        let keys = entries.iter().filter_map(|entry| entry.key.text());
        keys.filter(|key| crate::syntax::literal::is_name(key)).map(str::to_owned).collect()
    }
}
