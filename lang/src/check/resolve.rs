//! The types of names and members.

use std::collections::BTreeSet;

use super::definitions::Node;
use super::infer::{Checker, Scope};
use super::schema;
use super::types::Type;
use crate::modules::builtin::{self, Constant, Method};
use crate::modules::{Binding, FileId, Site};
use crate::syntax::ast::{self, DeclarationKind, ExprKind};

/// The axes that project from one file to another.
const SHARED_AXES: [&str; 3] = ["distro", "arch", "flavor"];

impl Checker<'_> {
    /// The type of a name.
    pub fn name(&mut self, name: &str, site: Site, scope: &Scope) -> Type {
        if let Some(kind) = scope.local(name) {
            return self.copy(kind);
        }
        let file = self.program.file(scope.file);
        let constant = builtin::constant(name);
        match (file.names.get(name).copied(), &constant) {
            (Some(Binding::Import(_) | Binding::Function(_)), Some(_)) | (None, _) => {}
            (Some(binding), _) => return self.bound(scope.file, name, binding, site, scope),
        }
        match constant {
            Some(constant) => constant_type(&constant),
            None if builtin::function(name, file.standard).is_some() => {
                self.not_a_value(site, format!("`{name}` is a function"), &format!("write `{name}(…)`"))
            }
            None if file.lost.contains(name) => Type::Unknown,
            None => {
                let own = file.names.keys().map(String::as_str);
                let locals = scope.locals.iter().map(|(local, _)| local.as_str());
                let message = format!("there is no `{name}`");
                let what = (scope.file, name.to_owned());
                let report = self.reports.lacking("hbuild::lang::unknown_name", what, site, message);
                if schema::is_field(name) {
                    let help = format!(
                        "`{name}` is a field, and a field is never a variable: give the value a `let`"
                    );
                    report.help(help);
                } else {
                    report.meant(name, own.chain(locals).chain(builtin::names()), "names");
                }
                Type::Unknown
            }
        }
    }

    fn not_a_value(&mut self, site: Site, message: String, help: &str) -> Type {
        self.reports.error("hbuild::lang::not_a_value", site, message).help(help);
        Type::Unknown
    }

    fn bound(&mut self, file: FileId, name: &str, binding: Binding, site: Site, scope: &Scope) -> Type {
        match binding {
            Binding::Let(item) => {
                if !self.axes_in_scope((file, item), name, &BTreeSet::new(), site, scope) {
                    return Type::Unknown;
                }
                self.let_type(file, item)
            }
            Binding::Axis(_) => {
                if scope.axes.as_ref().is_some_and(|axes| !axes.contains(name)) {
                    self.missing_axis(name, name, false, site, scope);
                    return Type::Unknown;
                }
                self.axes.get(&(file, name.to_owned())).cloned().unwrap_or(Type::Unknown)
            }
            Binding::Declaration(item) => self.declaration((file, item), name, &BTreeSet::new(), site, scope),
            Binding::Function(_) => {
                self.not_a_value(site, format!("`{name}` is a function"), &format!("write `{name}(…)`"))
            }
            Binding::Import(_) => {
                let help = format!("take something from it: `{name}.…`");
                self.not_a_value(site, format!("`{name}` is a module"), &help)
            }
        }
    }

    pub(super) fn declaration(
        &mut self,
        node: Node,
        name: &str,
        fixed: &BTreeSet<String>,
        site: Site,
        scope: &Scope,
    ) -> Type {
        let Some(declaration) = self.program.file(node.0).declaration(node.1) else { return Type::Unknown };
        self.axes_in_scope(node, name, fixed, site, scope);
        match declaration.kind {
            DeclarationKind::Repository => Type::Repository,
            DeclarationKind::Build => Type::Build,
            DeclarationKind::Image => Type::Image,
            DeclarationKind::Source => Type::Source,
        }
    }

    /// Whether all axes of a definition can be mentioned here; those that cannot are reported.
    fn axes_in_scope(
        &mut self,
        node: Node,
        name: &str,
        fixed: &BTreeSet<String>,
        site: Site,
        scope: &Scope,
    ) -> bool {
        let definitions = self.definitions;
        let mut fits = true;
        for axis in definitions.varies(node).filter(|axis| !fixed.contains(*axis)) {
            let shared = node.0 == scope.file || SHARED_AXES.contains(&axis);
            let known = scope.axes.as_ref().is_none_or(|axes| axes.contains(axis));
            if !shared || !known {
                let item = self.program.file(node.0).declaration(node.1).is_some();
                self.missing_axis(axis, name, item, site, scope);
                fits = false;
            }
        }
        fits
    }

    fn missing_axis(&mut self, axis: &str, name: &str, item: bool, site: Site, scope: &Scope) {
        let message = if axis == name {
            format!("{} does not vary over `{axis}`", scope.subject)
        } else {
            format!("`{name}` varies over `{axis}`, and {} does not", scope.subject)
        };
        // An image that lacks one of these is reported as a whole.
        if scope.subject.starts_with("image ") && matches!(axis, "distro" | "arch") {
            return;
        }
        let help = if item {
            format!("write `{name}({axis} = \"…\")` to say which one")
        } else if scope.subject.starts_with("function") {
            format!("give it a parameter for `{axis}`")
        } else {
            format!("add `{axis}` to its `for`")
        };
        let code = "hbuild::lang::axis_not_in_scope";
        let report = match name.contains('.') {
            // An axis of another file cannot be named: each mention needs a value of its own.
            true => self.reports.error(code, site, message),
            false => {
                let what = (scope.file, format!("{axis} of {}", scope.subject));
                self.reports.lacking(code, what, site, message)
            }
        };
        report.help(help);
    }

    /// The type of a `let`.
    pub fn let_type(&mut self, file: FileId, item: usize) -> Type {
        let node = (file, item);
        if self.definitions.is_broken(node) {
            return Type::Unknown;
        }
        if let Some(known) = self.lets.get(&node).cloned() {
            return self.copy(&known);
        }
        let program = self.program;
        let Some(binding) = program.file(file).binding(item) else { return Type::Unknown };
        let subject = format!("`{}`", binding.name.text);
        let kind = self.infer(&binding.value, &Scope { file, locals: Vec::new(), axes: None, subject });
        let kind = self.copy(&kind);
        self.lets.insert(node, kind.clone());
        kind
    }

    /// The type of `base.name`.
    pub fn member(&mut self, member: &ast::Member, site: Site, scope: &Scope) -> Type {
        let name = member.name.text.as_str();
        if let Some((module, file)) = self.module(&member.base, scope) {
            return match self.exported(&module, file, &member.name, scope) {
                Some((file, binding)) => self.bound(file, &format!("{module}.{name}"), binding, site, scope),
                None => Type::Unknown,
            };
        }
        if self.lost_module(&member.base, scope) {
            return Type::Unknown;
        }
        let base = self.infer(&member.base, scope);
        let name_site = scope.file.site(member.name.span);
        match base.present() {
            Type::Unknown => Type::Unknown,
            Type::Map(value) => value.as_ref().clone(),
            Type::Record { fields, .. } => match fields.get(name) {
                Some(kind) => kind.clone(),
                None => {
                    let message = format!("there is no field `{name}` here");
                    let report = self.reports.error("hbuild::lang::unknown_member", name_site, message);
                    report.meant(name, fields.keys().map(String::as_str), "fields");
                    Type::Unknown
                }
            },
            Type::Version if builtin::VERSION_NUMBERS.contains(&name) => Type::Int,
            // An output of a build, which evaluation knows.
            Type::Build | Type::Content if !methods_of(&base).0.iter().any(|(method, _)| *method == name) => {
                base.present().clone()
            }
            _ => self.no_member(&base, name, name_site),
        }
    }

    pub(super) fn no_member(&mut self, base: &Type, name: &str, site: Site) -> Type {
        let (methods, numbers) = methods_of(base);
        let called = methods.iter().any(|(method, _)| *method == name);
        let message = match called {
            true => format!("`{name}` takes arguments"),
            false => format!("{base} has no `{name}`"),
        };
        let report = self.reports.error("hbuild::lang::unknown_member", site, message);
        if called {
            report.help(format!("write `.{name}(…)`"));
        } else if methods.is_empty() {
            report.help(format!("nothing follows {base} after a dot"));
        } else {
            let names = methods.iter().map(|(name, _)| *name).chain(numbers.iter().copied());
            report.meant(name, names, "members");
        }
        Type::Unknown
    }

    /// Whether the expression is an unknown name that an import which could not be loaded may have meant.
    pub(super) fn lost_module(&self, expr: &ast::Expr, scope: &Scope) -> bool {
        let ExprKind::Name(name) = &expr.kind else { return false };
        let file = self.program.file(scope.file);
        let known = file.names.contains_key(name) || scope.local(name).is_some();
        let imports = file.tree.items.iter().filter(|item| matches!(item, ast::Item::Import(_))).count();
        !known && file.imports.len() < imports && builtin::constant(name).is_none()
    }

    pub(super) fn module(&self, expr: &ast::Expr, scope: &Scope) -> Option<(String, Option<FileId>)> {
        let ExprKind::Name(name) = &expr.kind else { return None };
        let file = self.program.file(scope.file);
        match file.names.get(name) {
            Some(Binding::Import(item)) if scope.local(name).is_none() => {
                Some((name.clone(), file.imports.get(item).copied()))
            }
            _ => None,
        }
    }

    pub(super) fn exported(
        &mut self,
        module: &str,
        file: Option<FileId>,
        name: &ast::Name,
        scope: &Scope,
    ) -> Option<(FileId, Binding)> {
        let file = file?;
        let program = self.program;
        match program.file(file).names.get(&name.text) {
            Some(binding @ (Binding::Let(_) | Binding::Function(_) | Binding::Declaration(_))) => {
                Some((file, *binding))
            }
            _ if program.file(file).lost.contains(&name.text) => None,
            _ => {
                let exported = |binding: &Binding| !matches!(binding, Binding::Import(_) | Binding::Axis(_));
                let names = program.file(file).names.iter().filter(|(_, binding)| exported(binding));
                let message = format!("the module `{module}` has no `{}`", name.text);
                self.reports
                    .error("hbuild::lang::unknown_member", scope.file.site(name.span), message)
                    .meant(&name.text, names.map(|(name, _)| name.as_str()), "names");
                None
            }
        }
    }
}

fn constant_type(constant: &Constant) -> Type {
    match constant {
        Constant::Family(_) => Type::Family,
        Constant::Arch(_) => Type::Arch,
        Constant::Flavor(_) => Type::Flavor,
        Constant::Rule(_) => Type::Rule,
        Constant::Resolve(_) => Type::Resolve,
        Constant::AnyArch => Type::AnyArch,
        Constant::Loopback => Type::Network,
    }
}

/// Methods, and names without arguments.
type Members = (&'static [(&'static str, Method)], &'static [&'static str]);

/// What can follow a value of the type after a dot.
pub fn methods_of(base: &Type) -> Members {
    match base.present() {
        Type::Source | Type::Build | Type::Content => (builtin::CONTENT_METHODS, &[]),
        Type::List(_) => (builtin::LIST_METHODS, &[]),
        Type::Version => (builtin::VERSION_METHODS, builtin::VERSION_NUMBERS),
        _ => (&[], &[]),
    }
}
