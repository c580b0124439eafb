//! The types of calls: functions, built-in functions, methods, items at an explicit point.

use std::collections::BTreeSet;

use super::arguments::{self, Slot};
use super::definitions::Node;
use super::infer::{Checker, Scope};
use super::resolve::methods_of;
use super::types::Type;
use crate::modules::builtin::{self, Function, Method, Parameter, ParameterKind};
use crate::modules::{Binding, FileId, LoadedFile, Site};
use crate::recipe::Family;
use crate::syntax::ast::{self, ExprKind};

impl Checker<'_> {
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
                if self.lost_module(&member.base, scope) {
                    return self.rest(call, scope);
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
        } else if !file.lost.contains(name) {
            let own = file.names.iter().filter(|(_, binding)| matches!(binding, Binding::Function(_)));
            let language = builtin::functions();
            let (what, message) = ((scope.file, name.to_owned()), format!("there is no `{name}`"));
            self.reports.lacking("hbuild::lang::unknown_name", what, callee, message).meant(
                name,
                own.map(|(name, _)| name.as_str()).chain(language),
                "functions",
            );
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
            Method::At | Method::Only | Method::Without | Method::Replacing => base.present().clone(),
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
pub fn by_name(name: &str) -> Type {
    match name {
        "distro" => Type::Distro,
        "arch" => Type::Arch,
        "flavor" => Type::Flavor,
        _ => Type::Unknown,
    }
}
