//! Names that can be mentioned: those of the file, of the language, and of what is around the cursor.

use std::collections::BTreeSet;

use super::context::Context;
use super::{Completion, CompletionKind, is_marked};
use crate::assist::analysis::ENTRY;
use crate::assist::docs;
use crate::assist::hover;
use crate::assist::render::{function_text, parameters, type_text};
use crate::assist::scope::scope_at;
use crate::assist::walk::Node;
use crate::check::{Checker, Type};
use crate::modules::{Binding, FileId, LoadedFile, builtin};
use crate::syntax::ast::{self, DeclarationKind, FunctionBody, Item};

impl Context<'_> {
    /// Every name that stands for a value, ranked by whether a value of its type `fits`.
    pub fn names(&self, fits: &dyn Fn(&Type) -> bool) -> Vec<Completion> {
        let mut found = Vec::new();
        self.analysis.typing(|checker| {
            let scope = scope_at(checker, ENTRY, &self.path);
            for (name, kind) in &scope.locals {
                found.push(self.typed(name, kind, CompletionKind::Variable, fits, 1));
            }
            for (name, binding) in &self.file.names {
                let defined_here = matches!(self.path.first(), Some(Node::Item(item))
                    if item.name().is_some_and(|own| own.text == *name));
                if !name.contains(super::MARK) && !defined_here {
                    found.extend(self.bound(checker, ENTRY, name, *binding, fits));
                }
            }
        });
        found.extend(self.of_the_language(fits));
        found
    }

    fn typed(
        &self,
        name: &str,
        kind: &Type,
        what: CompletionKind,
        fits: &dyn Fn(&Type) -> bool,
        rank: u8,
    ) -> Completion {
        let rank = if *kind != Type::Unknown && fits(kind) { rank } else { rank + 4 };
        Completion { rank, ..self.plain(name, what, &type_text(kind)) }
    }

    /// The axes that the item around the cursor varies over; `None` outside of items.
    fn over(&self) -> Option<BTreeSet<&str>> {
        let Some(Node::Item(Item::Declaration(declaration))) = self.path.first() else { return None };
        Some(LoadedFile::over(declaration).map(|binding| binding.name.text.as_str()).collect())
    }

    /// A name of a file, as a value: what cannot be one here is left out.
    pub fn bound(
        &self,
        checker: &mut Checker<'_>,
        file: FileId,
        name: &str,
        binding: Binding,
        fits: &dyn Fn(&Type) -> bool,
    ) -> Option<Completion> {
        let loaded = self.analysis.file(file);
        let doc = || hover::global(self.analysis, file, name);
        Some(match binding {
            Binding::Import(item) => {
                let target = self.analysis.file(*loaded.imports.get(&item)?);
                let detail = format!("module {}", target.name);
                Completion {
                    doc: hover::about_module(&target.text),
                    insert: name.to_owned(),
                    rank: 4,
                    ..self.plain(name, CompletionKind::Module, &detail)
                }
            }
            Binding::Let(item) => {
                let kind = checker.let_type(file, item);
                Completion { doc: doc(), ..self.typed(name, &kind, CompletionKind::Variable, fits, 1) }
            }
            Binding::Axis(_) => {
                if self.over().is_some_and(|over| !over.contains(name)) {
                    return None;
                }
                let kind = checker.axes.get(&(file, name.to_owned())).cloned().unwrap_or(Type::Unknown);
                self.typed(name, &kind, CompletionKind::Variable, fits, 1)
            }
            Binding::Function(item) => self.function(file, loaded.function(item)?, fits),
            Binding::Declaration(item) => {
                let declaration = loaded.declaration(item)?;
                let kind = match declaration.kind {
                    DeclarationKind::Image => return None,
                    DeclarationKind::Repository => Type::Repository,
                    DeclarationKind::Build => Type::Build,
                    DeclarationKind::Source => Type::Source,
                };
                if is_marked(loaded.tree.items.get(item)?) {
                    return None;
                }
                Completion {
                    doc: declaration.doc.clone(),
                    ..self.typed(name, &kind, CompletionKind::Item, fits, 1)
                }
            }
        })
    }

    /// A function, to be called.
    pub fn function(
        &self,
        file: FileId,
        function: &ast::Function,
        fits: &dyn Fn(&Type) -> bool,
    ) -> Completion {
        let source = &self.analysis.file(file).text;
        let needed = function.parameters.iter().filter(|parameter| parameter.default.is_none());
        let names: Vec<&str> = needed.map(|parameter| parameter.name.text.as_str()).collect();
        let fields = matches!(function.body, FunctionBody::Block(_));
        let rank = match (fields, fits(&Type::Fields)) {
            (true, true) => 0,
            (true, false) => 8,
            (false, true) => 6,
            (false, false) => 3,
        };
        Completion {
            doc: function.doc.clone(),
            detail: Some(format!("fn({})", parameters(function, source).join(", "))),
            rank,
            ..self.call(&function.name.text, &names, &function_text(function, source))
        }
    }

    /// A call of something with these parameters.
    pub fn call(&self, name: &str, needed: &[&str], detail: &str) -> Completion {
        let called = self.behind.starts_with('(');
        let places: Vec<String> =
            needed.iter().enumerate().map(|(at, name)| format!("${{{}:{name}}}", at + 1)).collect();
        let snippet =
            if needed.is_empty() { format!("{name}($0)") } else { format!("{name}({})", places.join(", ")) };
        Completion {
            snippet: (!called).then_some(snippet),
            ..self.plain(name, CompletionKind::Function, detail)
        }
    }

    /// Constants, functions and words of the language.
    fn of_the_language(&self, fits: &dyn Fn(&Type) -> bool) -> Vec<Completion> {
        let mut found = Vec::new();
        for note in docs::CONSTANTS {
            let kind = match note.kind {
                "architecture" if note.name == "any" => Type::AnyArch,
                "architecture" => Type::Arch,
                "flavor" => Type::Flavor,
                "path rule" => Type::Rule,
                "way to resolve" => Type::Resolve,
                "network" => Type::Network,
                _ => Type::Family,
            };
            let rank = if fits(&kind) { 1 } else { 7 };
            let doc = Some(note.doc.to_owned());
            found.push(Completion {
                doc,
                rank,
                ..self.plain(note.name, CompletionKind::Constant, note.kind)
            });
        }
        for note in docs::FUNCTIONS {
            let Some(function) = builtin::function(note.name, false) else { continue };
            let kind = match note.kind {
                "distro" => Type::Distro,
                "version" => Type::Version,
                "expectation" => Type::Expectation,
                _ => Type::Rule,
            };
            let rank = if fits(&kind) { 1 } else { 7 };
            found.push(Completion { rank, ..self.builtin(note, function.parameters()) });
        }
        for (word, kind) in [("true", Type::Bool), ("false", Type::Bool), ("none", Type::None)] {
            let rank = if kind != Type::None && fits(&kind) { 1 } else { 8 };
            found.push(Completion { rank, ..self.plain(word, CompletionKind::Keyword, "") });
        }
        let arms = "match ${1:distro} {\n  ${2:debian} => $3\n  ${4:alpine} => $0\n}";
        for (word, snippet) in [("match", Some(arms)), ("not", None)] {
            let snippet = snippet.map(str::to_owned);
            found.push(Completion { snippet, rank: 8, ..self.plain(word, CompletionKind::Keyword, "") });
        }
        found
    }

    /// A function or method of the language, to be called.
    pub fn builtin(&self, note: &docs::Note, list: &[builtin::Parameter]) -> Completion {
        let needed: Vec<&str> =
            list.iter().filter(|parameter| parameter.required).map(|parameter| parameter.name).collect();
        let text = list
            .iter()
            .any(|parameter| parameter.required && matches!(parameter.kind, builtin::ParameterKind::Text));
        let mut call = self.call(note.name, &needed, note.kind);
        if let (true, [name]) = (text && call.snippet.is_some(), needed.as_slice()) {
            // One string is what most of them take.
            let named = if note.name == "file" { format!("{name} = ") } else { String::new() };
            call.snippet = Some(format!("{}({named}\"$1\")$0", note.name));
        }
        Completion { doc: Some(note.doc.to_owned()), ..call }
    }

    /// The axes that an item can still vary over.
    pub fn axes(&self) -> Vec<Completion> {
        let over = self.over().unwrap_or_default();
        let axes = self.file.axes().iter().map(|axis| axis.name.text.as_str());
        let axes = axes.filter(|axis| !over.contains(axis));
        axes.map(|axis| self.plain(axis, CompletionKind::Variable, "axis")).collect()
    }
}
