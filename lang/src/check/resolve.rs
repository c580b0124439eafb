//! The types of names, members and calls.

use std::collections::BTreeSet;

use super::arguments::{self, Slot};
use super::definitions::Node;
use super::infer::{Checker, Scope};
use super::suggest;
use super::types::Type;
use crate::modules::builtin::{self, Constant, Function, Method, Parameter, ParameterKind};
use crate::modules::{Binding, FileId, LoadedFile, Site};
use crate::recipe::Family;
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
            None => {
                let own = file.names.keys().map(String::as_str);
                let locals = scope.locals.iter().map(|(local, _)| local.as_str());
                let help = suggest::help(name, own.chain(locals).chain(builtin::names()), "names");
                let message = format!("there is no `{name}`");
                self.reports.error("hbuild::lang::unknown_name", site, message).help(help);
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

    fn declaration(
        &mut self,
        node: Node,
        name: &str,
        fixed: &BTreeSet<String>,
        site: Site,
        scope: &Scope,
    ) -> Type {
        let Some(declaration) = self.program.file(node.0).declaration(node.1) else { return Type::Unknown };
        match declaration.kind {
            DeclarationKind::Image => {
                let help = "an image takes packages, sources and paths";
                return self.not_a_value(site, format!("`{name}` is an image"), help);
            }
            DeclarationKind::Build => return Type::Content,
            DeclarationKind::Source | DeclarationKind::Repository => {}
        }
        self.axes_in_scope(node, name, fixed, site, scope);
        match declaration.kind {
            DeclarationKind::Repository => Type::Repository,
            _ => Type::Content,
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
        let help = if item {
            format!("write `{name}({axis} = \"…\")` to say which one")
        } else if scope.subject.starts_with("function") {
            format!("give it a parameter for `{axis}`")
        } else {
            format!("add `{axis}` to its `for`")
        };
        self.reports.error("hbuild::lang::axis_not_in_scope", site, message).help(help);
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
        let base = self.infer(&member.base, scope);
        let name_site = scope.file.site(member.name.span);
        match base.present() {
            Type::Unknown => Type::Unknown,
            Type::Map(value) => value.as_ref().clone(),
            Type::Record { fields, .. } => match fields.get(name) {
                Some(kind) => kind.clone(),
                None => {
                    let help = suggest::help(name, fields.keys().map(String::as_str), "fields");
                    let message = format!("there is no field `{name}` here");
                    self.reports.error("hbuild::lang::unknown_member", name_site, message).help(help);
                    Type::Unknown
                }
            },
            Type::Version if builtin::VERSION_NUMBERS.contains(&name) => Type::Int,
            _ => self.no_member(&base, name, name_site),
        }
    }

    fn no_member(&mut self, base: &Type, name: &str, site: Site) -> Type {
        let (methods, numbers) = methods_of(base);
        let (message, help) = if methods.iter().any(|(method, _)| *method == name) {
            (format!("`{name}` takes arguments"), format!("write `.{name}(…)`"))
        } else if methods.is_empty() {
            (format!("{base} has no `{name}`"), format!("nothing follows {base} after a dot"))
        } else {
            let names = methods.iter().map(|(name, _)| *name).chain(numbers.iter().copied());
            (format!("{base} has no `{name}`"), suggest::help(name, names, "members"))
        };
        self.reports.error("hbuild::lang::unknown_member", site, message).help(help);
        Type::Unknown
    }

    fn module(&self, expr: &ast::Expr, scope: &Scope) -> Option<(String, Option<FileId>)> {
        let ExprKind::Name(name) = &expr.kind else { return None };
        let file = self.program.file(scope.file);
        match file.names.get(name) {
            Some(Binding::Import(item)) if scope.local(name).is_none() => {
                Some((name.clone(), file.imports.get(item).copied()))
            }
            _ => None,
        }
    }

    fn exported(
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
            _ => {
                let exported = |binding: &Binding| !matches!(binding, Binding::Import(_) | Binding::Axis(_));
                let names = program.file(file).names.iter().filter(|(_, binding)| exported(binding));
                let help = suggest::help(&name.text, names.map(|(name, _)| name.as_str()), "names");
                let message = format!("the module `{module}` has no `{}`", name.text);
                self.reports
                    .error("hbuild::lang::unknown_member", scope.file.site(name.span), message)
                    .help(help);
                None
            }
        }
    }

    /// The type of a call.
    pub fn call(&mut self, call: &ast::Call, site: Site, scope: &Scope) -> Type {
        match &call.callee.kind {
            ExprKind::Missing => self.rest(call, scope),
            ExprKind::Name(name) => self.call_name(name, call, site, scope),
            ExprKind::Member(member) => {
                if let Some((module, file)) = self.module(&member.base, scope) {
                    return match self.exported(&module, file, &member.name, scope) {
                        Some((file, binding)) => self.call_bound(
                            file,
                            &format!("{module}.{}", member.name.text),
                            binding,
                            call,
                            site,
                            scope,
                        ),
                        None => self.rest(call, scope),
                    };
                }
                let base = self.infer(&member.base, scope);
                self.call_method(&base, &member.name, call, scope)
            }
            _ => {
                let help = "functions, methods and items are called by their names";
                self.reports.error("hbuild::lang::not_a_function", site, "this is not a function").help(help);
                self.rest(call, scope)
            }
        }
    }

    /// Checks the arguments of a call that is wrong itself.
    fn rest(&mut self, call: &ast::Call, scope: &Scope) -> Type {
        for argument in &call.arguments {
            self.infer(&argument.value, scope);
        }
        Type::Unknown
    }

    fn call_name(&mut self, name: &str, call: &ast::Call, site: Site, scope: &Scope) -> Type {
        let file = self.program.file(scope.file);
        let function = builtin::function(name, file.standard);
        match file.names.get(name).copied() {
            Some(Binding::Import(_)) if function.is_some() => {}
            Some(binding) if scope.local(name).is_none() => {
                return self.call_bound(scope.file, name, binding, call, site, scope);
            }
            _ => {}
        }
        if let Some(function) = function {
            return self.call_builtin(name, function, call, scope);
        }
        let callee = scope.file.site(call.callee.span);
        if scope.local(name).is_some() || builtin::constant(name).is_some() {
            let message = format!("`{name}` is not a function");
            self.reports
                .error("hbuild::lang::not_a_function", callee, message)
                .help("leave the parentheses out");
        } else {
            let own = file.names.iter().filter(|(_, binding)| matches!(binding, Binding::Function(_)));
            let language = builtin::functions();
            let help = suggest::help(name, own.map(|(name, _)| name.as_str()).chain(language), "functions");
            self.reports
                .error("hbuild::lang::unknown_name", callee, format!("there is no `{name}`"))
                .help(help);
        }
        self.rest(call, scope)
    }

    fn call_bound(
        &mut self,
        file: FileId,
        name: &str,
        binding: Binding,
        call: &ast::Call,
        site: Site,
        scope: &Scope,
    ) -> Type {
        let program = self.program;
        match binding {
            Binding::Function(item) => match program.file(file).function(item) {
                Some(function) => self.call_function((file, item), function, call, scope),
                None => Type::Unknown,
            },
            Binding::Declaration(item) => {
                let Some(declaration) = program.file(file).declaration(item) else { return Type::Unknown };
                let fixed = self.explicit(declaration, call, scope);
                self.declaration((file, item), name, &fixed, site, scope)
            }
            Binding::Let(_) | Binding::Axis(_) | Binding::Import(_) => {
                let callee = scope.file.site(call.callee.span);
                let message = format!("`{name}` is not a function");
                self.reports
                    .error("hbuild::lang::not_a_function", callee, message)
                    .help("leave the parentheses out");
                self.rest(call, scope)
            }
        }
    }

    /// The axes that a reference names.
    fn explicit(
        &mut self,
        declaration: &ast::Declaration,
        call: &ast::Call,
        scope: &Scope,
    ) -> BTreeSet<String> {
        self.rest(call, scope);
        let over: Vec<&str> =
            LoadedFile::over(declaration).map(|binding| binding.name.text.as_str()).collect();
        let slots: Vec<Slot<'_>> = over.iter().map(|name| Slot { name, required: false }).collect();
        if let Some(positional) = call.arguments.iter().find(|argument| argument.name.is_none()) {
            let help = format!("write `{}(axis = \"label\")`", declaration.name.text);
            let site = scope.file.site(positional.span);
            let message = "the axes of a reference are named";
            self.reports.error("hbuild::lang::wrong_arguments", site, message).help(help);
        } else {
            arguments::bind(scope.file, &declaration.name.text, &slots, call, self.reports);
        }
        call.arguments
            .iter()
            .filter_map(|argument| argument.name.as_ref())
            .map(|name| name.text.clone())
            .collect()
    }

    fn call_function(
        &mut self,
        node: Node,
        function: &ast::Function,
        call: &ast::Call,
        scope: &Scope,
    ) -> Type {
        let slots: Vec<Slot<'_>> = function
            .parameters
            .iter()
            .map(|parameter| Slot { name: &parameter.name.text, required: parameter.default.is_none() })
            .collect();
        let Some(bound) = arguments::bind(scope.file, &function.name.text, &slots, call, self.reports) else {
            return self.rest(call, scope);
        };
        let types: Vec<Option<Type>> =
            bound.into_iter().map(|argument| argument.map(|argument| self.infer(argument, scope))).collect();
        self.function(node, function, types)
    }

    /// The type of what a function returns for arguments of these types.
    pub fn function(&mut self, node: Node, function: &ast::Function, arguments: Vec<Option<Type>>) -> Type {
        if self.definitions.is_broken(node) {
            return Type::Unknown;
        }
        let subject = format!("function `{}`", function.name.text);
        let mut scope = Scope { file: node.0, locals: Vec::new(), axes: Some(BTreeSet::new()), subject };
        for (parameter, argument) in function.parameters.iter().zip(arguments) {
            let kind = match (argument, &parameter.default) {
                (Some(kind), _) => kind,
                (None, Some(default)) => self.infer(default, &scope),
                (None, None) => by_name(&parameter.name.text),
            };
            scope.locals.push((parameter.name.text.clone(), kind));
        }
        let key = (node, scope.locals.iter().map(|(_, kind)| kind.clone()).collect());
        if let Some(known) = self.calls.get(&key) {
            return known.clone();
        }
        let kind = match &function.body {
            ast::FunctionBody::Value(value) => self.infer(value, &scope),
            ast::FunctionBody::Block(block) => {
                self.fields_of_function(block, &scope);
                Type::Fields
            }
        };
        self.calls.insert(key, kind.clone());
        kind
    }

    /// The types of the arguments in order of the parameters, checked; `None` where the call is wrong.
    fn builtin_arguments(
        &mut self,
        name: &str,
        parameters: &[Parameter],
        call: &ast::Call,
        scope: &Scope,
    ) -> Option<Vec<Option<Type>>> {
        let slots: Vec<Slot<'_>> = parameters
            .iter()
            .map(|parameter| Slot { name: parameter.name, required: parameter.required })
            .collect();
        let Some(bound) = arguments::bind(scope.file, name, &slots, call, self.reports) else {
            self.rest(call, scope);
            return None;
        };
        let mut types = Vec::new();
        for (parameter, argument) in parameters.iter().zip(bound) {
            let kind = argument.map(|argument| {
                let kind = self.infer(argument, scope);
                if let Some(wanted) = unfit(parameter, &kind) {
                    self.wrong_type(scope.file.site(argument.span), wanted, &kind);
                }
                kind
            });
            types.push(kind);
        }
        Some(types)
    }

    fn call_builtin(&mut self, name: &str, function: Function, call: &ast::Call, scope: &Scope) -> Type {
        let arguments = self.builtin_arguments(name, function.parameters(), call, scope);
        if let (Some(_), Some(argument)) = (arguments, call.arguments.first())
            && let ExprKind::String(literal) = &argument.value.kind
            && let Some(text) = literal.plain()
        {
            let site = scope.file.site(argument.value.span);
            match function {
                Function::Alpine => self.known_release(Family::Alpine, text, site),
                Function::Debian => self.known_release(Family::Debian, text, site),
                _ => {}
            }
        }
        match function {
            Function::Alpine | Function::Debian => Type::Distro,
            Function::Version => Type::Version,
            Function::File | Function::Directory | Function::Symlink | Function::Attrs => Type::Rule,
            Function::Contains | Function::Equals => Type::Expectation,
            Function::SemverTags => Type::List(Box::new(Type::Text)),
            Function::DistroRepositories => Type::List(Box::new(Type::Repository)),
        }
    }

    fn call_method(&mut self, base: &Type, name: &ast::Name, call: &ast::Call, scope: &Scope) -> Type {
        if *base == Type::Unknown {
            return self.rest(call, scope);
        }
        let (methods, _) = methods_of(base);
        let Some((_, method)) = methods.iter().find(|(method, _)| *method == name.text) else {
            self.rest(call, scope);
            return self.no_member(base, &name.text, scope.file.site(name.span));
        };
        self.builtin_arguments(&name.text, method.parameters(), call, scope);
        match method {
            Method::Join => Type::Text,
            Method::Prefix => Type::Version,
            Method::At | Method::Only | Method::Without | Method::Replacing => Type::Content,
        }
    }
}

/// What a built-in parameter wants, where the argument is something else.
fn unfit(parameter: &Parameter, kind: &Type) -> Option<&'static str> {
    if matches!(kind.present(), Type::Unknown) || (!parameter.required && *kind == Type::None) {
        return None;
    }
    let text = |kind: &Type| matches!(kind.present(), Type::Text | Type::Unknown);
    let (fits, wanted) = match (parameter.kind, kind.present()) {
        (ParameterKind::Other, _) => (true, ""),
        (ParameterKind::Text, kind) => (text(kind), "a string"),
        (ParameterKind::TextOrVersion, kind) => {
            (text(kind) || *kind == Type::Version, "a string or a version")
        }
        (ParameterKind::Int, kind) => (*kind == Type::Int, "a whole number"),
        (ParameterKind::Texts, Type::List(element)) => (text(element), "a string or a list of strings"),
        (ParameterKind::Texts, kind) => (text(kind), "a string or a list of strings"),
    };
    (!fits).then_some(wanted)
}

/// The type of a parameter that no call gives, by its name.
fn by_name(name: &str) -> Type {
    match name {
        "distro" => Type::Distro,
        "arch" => Type::Arch,
        "flavor" => Type::Flavor,
        _ => Type::Unknown,
    }
}

fn constant_type(constant: &Constant) -> Type {
    match constant {
        Constant::Family(_) => Type::Family,
        Constant::Arch(_) => Type::Arch,
        Constant::Flavor(_) => Type::Flavor,
        Constant::Rule(_) => Type::Rule,
        Constant::Resolve(_) => Type::Resolve,
    }
}

type Members = (&'static [(&'static str, Method)], &'static [&'static str]);

fn methods_of(base: &Type) -> Members {
    match base.present() {
        Type::Content => (builtin::CONTENT_METHODS, &[]),
        Type::List(_) => (builtin::LIST_METHODS, &[]),
        Type::Version => (builtin::VERSION_METHODS, builtin::VERSION_NUMBERS),
        _ => (&[], &[]),
    }
}
