//! Names and what follows them after a dot.

use std::rc::Rc;

use super::machine::{Eval, Machine, Scope, Stop};
use super::value::{Kind, Value};
use crate::modules::builtin::{self, Constant};
use crate::modules::{Binding, FileId, Site};
use crate::syntax::ast::{self, ExprKind};

/// The axes that project from one file to another.
pub const SHARED_AXES: [&str; 3] = ["distro", "arch", "flavor"];

impl Machine<'_> {
    /// The value of a name.
    pub fn name(&mut self, name: &str, site: Site, scope: &Scope) -> Eval<Value> {
        if let Some(value) = scope.local(name) {
            return Ok(value.clone());
        }
        let file = self.program.file(scope.file);
        let constant = builtin::constant(name);
        match (file.names.get(name).copied(), &constant) {
            (Some(Binding::Import(_) | Binding::Function(_)), Some(_)) | (None, _) => {}
            (Some(binding), _) => return self.bound(scope.file, name, binding, site, scope),
        }
        match constant {
            Some(constant) => Ok(Value { kind: constant_kind(constant), site }),
            None if builtin::function(name, file.standard).is_some() => {
                let help = format!("write `{name}(…)`");
                self.stop("hbuild::lang::not_a_value", site, format!("`{name}` is a function"), &help)
            }
            None => self.unknown_name(name, site, scope),
        }
    }

    fn unknown_name<T>(&mut self, name: &str, site: Site, scope: &Scope) -> Eval<T> {
        let file = self.program.file(scope.file);
        let own = file.names.keys().map(String::as_str);
        let locals = scope.locals.iter().map(|(local, _)| local.as_str());
        self.reports.error("hbuild::lang::unknown_name", site, format!("there is no `{name}`")).meant(
            name,
            own.chain(locals).chain(builtin::names()),
            "names",
        );
        Err(Stop)
    }

    /// The value of what a name of `file` stands for.
    fn bound(
        &mut self,
        file: FileId,
        name: &str,
        binding: Binding,
        site: Site,
        scope: &Scope,
    ) -> Eval<Value> {
        match binding {
            Binding::Let(item) => self.let_value(file, item, site, scope),
            Binding::Axis(_) => match scope.point.get(name) {
                Some(axis) => {
                    self.memo.read(axis);
                    Ok(axis.value.clone())
                }
                None => self.missing_axis(name, name, site, scope),
            },
            Binding::Declaration(item) => self.reference((file, item), &[], site, scope),
            Binding::Function(_) => {
                let help = format!("write `{name}(…)`");
                self.stop("hbuild::lang::not_a_value", site, format!("`{name}` is a function"), &help)
            }
            Binding::Import(_) => {
                let help = format!("take something from it: `{name}.…`");
                self.stop("hbuild::lang::not_a_value", site, format!("`{name}` is a module"), &help)
            }
        }
    }

    /// Reports that `what` needs an axis that is not there.
    pub fn missing_axis<T>(&mut self, axis: &str, what: &str, site: Site, scope: &Scope) -> Eval<T> {
        let message = if axis == what {
            format!("{} does not vary over `{axis}`", scope.subject)
        } else {
            format!("`{what}` varies over `{axis}`, and {} does not", scope.subject)
        };
        let help = if scope.subject.starts_with("function") {
            format!("give it a parameter for `{axis}`")
        } else {
            format!("add `{axis}` to its `for`")
        };
        self.stop("hbuild::lang::axis_not_in_scope", site, message, &help)
    }

    /// The value of a `let` at the scope's point.
    fn let_value(&mut self, file: FileId, item: usize, site: Site, scope: &Scope) -> Eval<Value> {
        let node = (file, item);
        let program = self.program;
        let binding = program.file(file).binding(item).ok_or(Stop)?;
        if self.definitions.is_broken(node) {
            return Err(Stop);
        }
        let axes: Vec<&str> = self.definitions.varies(node).collect();
        let mut bits = 0;
        for axis in &axes {
            let shared = file == scope.file || SHARED_AXES.contains(axis);
            match scope.point.get(axis) {
                Some(value) if shared => {
                    self.memo.read(value);
                    bits |= value.bit();
                }
                _ => return self.missing_axis(axis, &binding.name.text, site, scope),
            }
        }
        let key = scope.point.key(bits).map(|key| (node, key));
        if let Some(known) = key.and_then(|key| self.lets.get(&key)) {
            return known.clone();
        }
        let point = Rc::new(scope.point.project(|axis| axes.contains(&axis)));
        let subject = format!("`{}`", binding.name.text);
        let reads = self.memo.begin();
        let value = self.eval(&binding.value, &Scope::new(file, point, subject));
        // What it reads are the axes that it varies over.
        self.memo.resume(reads);
        if let (false, Some(key)) = (self.budget.is_spent(), key) {
            self.lets.insert(key, value.clone());
        }
        value
    }

    /// The value of `base.name`.
    pub fn member(&mut self, member: &ast::Member, site: Site, scope: &Scope) -> Eval<Value> {
        if let Some((module, file)) = self.module(&member.base, scope) {
            let (file, binding) = self.exported(&module, file, &member.name, scope)?;
            return self.bound(file, &format!("{module}.{}", member.name.text), binding, site, scope);
        }
        let base = self.eval(&member.base, scope)?;
        let name = member.name.text.as_str();
        let name_site = scope.file.site(member.name.span);
        match &base.kind {
            Kind::Map(map) => match map.get(name) {
                Some(value) => Ok(value.clone()),
                None => {
                    let message = format!("there is no field `{name}` here");
                    let report = self.error("hbuild::lang::unknown_member", name_site, message);
                    report.meant(name, map.keys(), "fields");
                    Err(Stop)
                }
            },
            Kind::Version(version) => {
                match builtin::VERSION_NUMBERS.iter().position(|number| *number == name) {
                    Some(index) => match version.number(index) {
                        Some(number) => Ok(Value { kind: Kind::Int(number), site }),
                        None => {
                            let message = format!("the version {version} has no {name} number");
                            let help = "a version that is not made of numbers is taken as a whole";
                            self.stop("hbuild::lang::bad_version", name_site, message, help)
                        }
                    },
                    None => self.no_member(&base, name, name_site),
                }
            }
            Kind::Content(content) => match self.output(content, name, name_site) {
                Some(content) => Ok(Value { kind: Kind::Content(Rc::new(content)), site }),
                None => self.no_member(&base, name, name_site),
            },
            _ => self.no_member(&base, name, name_site),
        }
    }

    /// Reports that the value has no such member.
    pub fn no_member<T>(&mut self, base: &Value, name: &str, site: Site) -> Eval<T> {
        if matches!(base.kind, Kind::Invalid) {
            return Err(Stop);
        }
        let methods = methods_of(base);
        if methods.iter().any(|method| *method == format!("{name}()")) {
            let help = format!("write `.{name}(…)`");
            return self.stop(
                "hbuild::lang::unknown_member",
                site,
                format!("`{name}` takes arguments"),
                &help,
            );
        }
        let message = format!("{} has no `{name}`", base.describe());
        let report = self.error("hbuild::lang::unknown_member", site, message);
        match methods.is_empty() {
            true => report.help(format!("nothing follows {} after a dot", base.describe())),
            false => report.meant(name, methods.iter().map(|name| name.trim_end_matches("()")), "members"),
        };
        Err(Stop)
    }

    /// The module that the expression names, with its name.
    pub fn module(&self, expr: &ast::Expr, scope: &Scope) -> Option<(String, Option<FileId>)> {
        let ExprKind::Name(name) = &expr.kind else { return None };
        match self.program.file(scope.file).names.get(name) {
            Some(Binding::Import(item)) if scope.local(name).is_none() => {
                Some((name.clone(), self.program.file(scope.file).imports.get(item).copied()))
            }
            _ => None,
        }
    }

    /// What a name of a module stands for; a module that could not be loaded was reported.
    pub fn exported(
        &mut self,
        module: &str,
        file: Option<FileId>,
        name: &ast::Name,
        scope: &Scope,
    ) -> Eval<(FileId, Binding)> {
        let file = file.ok_or(Stop)?;
        match self.program.file(file).names.get(&name.text) {
            Some(binding @ (Binding::Let(_) | Binding::Function(_) | Binding::Declaration(_))) => {
                Ok((file, *binding))
            }
            _ => {
                let exported = exports(self.program, file);
                let message = format!("the module `{module}` has no `{}`", name.text);
                let report = self.error("hbuild::lang::unknown_member", scope.file.site(name.span), message);
                report.meant(&name.text, exported.iter().map(String::as_str), "names");
                Err(Stop)
            }
        }
    }
}

/// The names that a file gives to those who import it.
pub fn exports(program: &crate::modules::Program, file: FileId) -> Vec<String> {
    let exported = |binding: &Binding| !matches!(binding, Binding::Import(_) | Binding::Axis(_));
    program
        .file(file)
        .names
        .iter()
        .filter(|(_, binding)| exported(binding))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The value of a built-in constant.
pub fn constant_kind(constant: Constant) -> Kind {
    match constant {
        Constant::Family(family) => Kind::Family(family),
        Constant::Arch(arch) => Kind::Arch(arch),
        Constant::Flavor(flavor) => Kind::Flavor(flavor),
        Constant::Rule(rule) => Kind::Rule(Rc::new(rule)),
        Constant::Resolve(resolve) => Kind::Resolve(resolve),
        Constant::AnyArch => Kind::AnyArch,
        Constant::Loopback => Kind::Loopback,
    }
}

fn methods_of(value: &Value) -> Vec<String> {
    let (methods, numbers): (&[(&str, builtin::Method)], &[&str]) = match &value.kind {
        Kind::Content(_) => (builtin::CONTENT_METHODS, &[]),
        Kind::List(_) => (builtin::LIST_METHODS, &[]),
        Kind::Version(_) => (builtin::VERSION_METHODS, builtin::VERSION_NUMBERS),
        _ => (&[], &[]),
    };
    let methods = methods.iter().map(|(name, _)| format!("{name}()"));
    methods.chain(numbers.iter().map(|name| (*name).to_owned())).collect()
}
