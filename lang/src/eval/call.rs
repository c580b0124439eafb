//! Calls: functions of the recipe and its modules, built-in functions, methods, and items at an explicit point.

use std::rc::Rc;

use super::machine::{Eval, Machine, Scope, Stop};
use super::point::Point;
use super::tags;
use super::value::{Kind, Value};
use super::version::Version;
use crate::check::arguments::{self, Slot};
use crate::modules::builtin::{self, Function, Method, Parameter, ParameterKind};
use crate::modules::{Binding, FileId, Site, releases};
use crate::recipe::{Content, Distro, Expectation, Family, PathRule};
use crate::syntax::ast::{self, ExprKind};

impl Machine<'_> {
    /// The value of a call.
    pub fn call(&mut self, call: &ast::Call, site: Site, scope: &Scope) -> Eval<Value> {
        match &call.callee.kind {
            ExprKind::Missing => Err(Stop),
            ExprKind::Name(name) => self.call_name(name, call, site, scope),
            ExprKind::Member(member) => {
                if let Some((module, file)) = self.module(&member.base, scope) {
                    let (file, binding) = self.exported(&module, file, &member.name, scope)?;
                    return self.call_bound(file, &member.name.text, binding, call, site, scope);
                }
                let base = self.eval(&member.base, scope)?;
                self.call_method(base, &member.name, call, site, scope)
            }
            _ => {
                let help = "functions, methods and items are called by their names";
                self.stop("hbuild::lang::not_a_function", site, "this is not a function", help)
            }
        }
    }

    fn call_name(&mut self, name: &str, call: &ast::Call, site: Site, scope: &Scope) -> Eval<Value> {
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
            let arguments = self.builtin_arguments(name, function.parameters(), call, scope)?;
            return self.call_builtin(function, arguments, site);
        }
        let callee = scope.file.site(call.callee.span);
        if scope.local(name).is_some() || builtin::constant(name).is_some() {
            let message = format!("`{name}` is not a function");
            return self.stop("hbuild::lang::not_a_function", callee, message, "leave the parentheses out");
        }
        let own = file.names.iter().filter(|(_, binding)| matches!(binding, Binding::Function(_)));
        let functions = own.map(|(name, _)| name.as_str()).chain(builtin::functions());
        let report =
            self.reports.error("hbuild::lang::unknown_name", callee, format!("there is no `{name}`"));
        report.meant(name, functions, "functions");
        Err(Stop)
    }

    fn call_bound(
        &mut self,
        file: FileId,
        name: &str,
        binding: Binding,
        call: &ast::Call,
        site: Site,
        scope: &Scope,
    ) -> Eval<Value> {
        let program = self.program;
        match binding {
            Binding::Function(item) => {
                let function = program.file(file).function(item).ok_or(Stop)?;
                self.call_function((file, item), function, call, site, scope)
            }
            Binding::Declaration(item) => {
                let declaration = program.file(file).declaration(item).ok_or(Stop)?;
                let explicit = self.explicit(file, declaration, call, scope)?;
                self.reference((file, item), &explicit, site, scope)
            }
            Binding::Let(_) | Binding::Axis(_) | Binding::Import(_) => {
                let callee = scope.file.site(call.callee.span);
                let message = format!("`{name}` is not a function");
                self.stop("hbuild::lang::not_a_function", callee, message, "leave the parentheses out")
            }
        }
    }

    /// The axes that a reference names, with the labels it wants.
    fn explicit(
        &mut self,
        file: FileId,
        declaration: &ast::Declaration,
        call: &ast::Call,
        scope: &Scope,
    ) -> Eval<Vec<(String, String, Site)>> {
        let over: Vec<&str> =
            crate::modules::LoadedFile::over(declaration).map(|binding| binding.name.text.as_str()).collect();
        let slots: Vec<Slot<'_>> = over.iter().map(|name| Slot { name, required: false }).collect();
        if let Some(positional) = call.arguments.iter().find(|argument| argument.name.is_none()) {
            let message = "the axes of a reference are named".to_owned();
            let help = format!("write `{}(axis = \"label\")`", declaration.name.text);
            let site = scope.file.site(positional.span);
            return self.stop("hbuild::lang::wrong_arguments", site, message, &help);
        }
        let bound =
            arguments::bind(scope.file, &declaration.name.text, &slots, call, self.reports).ok_or(Stop)?;
        let mut explicit = Vec::new();
        for (axis, argument) in over.iter().zip(bound) {
            let Some(argument) = argument else { continue };
            let site = scope.file.site(argument.span);
            let value = self.eval(argument, scope)?;
            let Some(label) = value.label() else {
                return self.wrong_type(site, &format!("a value of the axis `{axis}` or its label"), &value);
            };
            let known = self.axes.get(&file).cloned().unwrap_or_default();
            if known.place(axis, &label).is_none() {
                let message = format!("the axis `{axis}` has no `{label}`");
                let report = self.error("hbuild::lang::unknown_label", site, message);
                report.meant(&label, known.labels_of(axis), "labels");
                return Err(Stop);
            }
            explicit.push(((*axis).to_owned(), label, site));
        }
        Ok(explicit)
    }

    fn call_function(
        &mut self,
        node: (FileId, usize),
        function: &ast::Function,
        call: &ast::Call,
        site: Site,
        scope: &Scope,
    ) -> Eval<Value> {
        if self.definitions.is_broken(node) {
            return Err(Stop);
        }
        let slots: Vec<Slot<'_>> = function
            .parameters
            .iter()
            .map(|parameter| Slot { name: &parameter.name.text, required: parameter.default.is_none() })
            .collect();
        let bound =
            arguments::bind(scope.file, &function.name.text, &slots, call, self.reports).ok_or(Stop)?;
        let subject = format!("function `{}`", function.name.text);
        let mut inner = Scope::new(node.0, Rc::new(Point::default()), subject);
        for (parameter, argument) in function.parameters.iter().zip(bound) {
            let value = match (argument, &parameter.default) {
                (Some(argument), _) => self.eval(argument, scope)?,
                (None, Some(default)) => self.eval(default, &inner)?,
                (None, None) => return Err(Stop),
            };
            inner.locals.push((parameter.name.text.clone(), value));
        }
        match &function.body {
            ast::FunctionBody::Value(value) => self.eval(value, &inner),
            ast::FunctionBody::Block(block) => {
                let fields = self.block(block, &inner);
                Ok(Value { kind: Kind::Fields(Rc::new(fields)), site })
            }
        }
    }

    /// The arguments of a built-in, each of the kind its parameter takes.
    fn builtin_arguments(
        &mut self,
        name: &str,
        parameters: &[Parameter],
        call: &ast::Call,
        scope: &Scope,
    ) -> Eval<Vec<Option<Value>>> {
        let slots: Vec<Slot<'_>> = parameters
            .iter()
            .map(|parameter| Slot { name: parameter.name, required: parameter.required })
            .collect();
        let bound = arguments::bind(scope.file, name, &slots, call, self.reports).ok_or(Stop)?;
        let mut values = Vec::new();
        for (parameter, argument) in parameters.iter().zip(bound) {
            let Some(argument) = argument else {
                values.push(None);
                continue;
            };
            let value = self.eval(argument, scope)?;
            let site = scope.file.site(argument.span);
            let (fits, wanted) = match parameter.kind {
                ParameterKind::Text => (matches!(value.kind, Kind::Text(_)), "a string"),
                ParameterKind::TextOrVersion => {
                    (matches!(value.kind, Kind::Text(_) | Kind::Version(_)), "a string or a version")
                }
                ParameterKind::Int => (matches!(value.kind, Kind::Int(_)), "a whole number"),
                ParameterKind::Texts => (texts(&value).is_some(), "a string or a list of strings"),
                ParameterKind::Other => (true, ""),
            };
            match (fits, parameter.required, &value.kind) {
                (true, _, _) => values.push(Some(value)),
                (false, false, Kind::None) => values.push(None),
                _ => return self.wrong_type(site, wanted, &value),
            }
        }
        Ok(values)
    }

    fn call_builtin(&mut self, function: Function, arguments: Vec<Option<Value>>, site: Site) -> Eval<Value> {
        let mut arguments = arguments.into_iter();
        let mut next = || arguments.next().flatten();
        let text = |value: Option<Value>| value.and_then(|value| value.interpolated());
        let kind = match function {
            Function::Alpine => self.distro(Family::Alpine, next().ok_or(Stop)?)?,
            Function::Debian => self.distro(Family::Debian, next().ok_or(Stop)?)?,
            Function::Version => self.version(next().ok_or(Stop)?)?,
            Function::File => {
                let content = text(next()).unwrap_or_default();
                let (owner, group, mode) = (text(next()), text(next()), self.mode(next())?);
                Kind::Rule(Rc::new(PathRule::File { text: content, owner, group, mode }))
            }
            Function::Directory => {
                let (owner, group, mode) = (text(next()), text(next()), self.mode(next())?);
                Kind::Rule(Rc::new(PathRule::Directory { owner, group, mode }))
            }
            Function::Attrs => {
                let (owner, group, mode) = (text(next()), text(next()), self.mode(next())?);
                if owner.is_none() && group.is_none() && mode.is_none() {
                    let help = "write `attrs(owner = \"nonroot\")`, or `keep` to keep a path from a `delete`";
                    return self.stop("hbuild::lang::empty_attrs", site, "`attrs` sets nothing", help);
                }
                Kind::Rule(Rc::new(PathRule::Attrs { owner, group, mode }))
            }
            Function::Symlink => self.symlink(next().ok_or(Stop)?)?,
            Function::Contains => {
                Kind::Expectation(Rc::new(Expectation::Contains(text(next()).unwrap_or_default())))
            }
            Function::Equals => {
                Kind::Expectation(Rc::new(Expectation::Equals(text(next()).unwrap_or_default())))
            }
            Function::SemverTags => {
                let arguments = [next(), next(), next(), next()];
                return tags::semver(self, arguments, site);
            }
            Function::DistroRepositories => {
                return super::releases::repositories(self, [next(), next(), next()], site);
            }
        };
        Ok(Value { kind, site })
    }

    fn version(&mut self, argument: Value) -> Eval<Kind> {
        let written = argument.interpolated().unwrap_or_default();
        match Version::new(&written) {
            Some(version) => Ok(Kind::Version(version)),
            None => {
                let message = format!("`{written}` is not a version");
                let help = "a version begins with a digit and has no blanks: `version(\"3.10\")`";
                self.stop("hbuild::lang::bad_version", argument.site, message, help)
            }
        }
    }

    fn symlink(&mut self, target: Value) -> Eval<Kind> {
        let written = target.interpolated().unwrap_or_default();
        if written.is_empty() || written.len() > 4095 || written.contains('\0') {
            let help = "a link points to a path, absolute or relative to its folder";
            return self.stop("hbuild::lang::bad_path", target.site, "this is no target of a link", help);
        }
        Ok(Kind::Rule(Rc::new(PathRule::Symlink { target: written })))
    }

    fn distro(&mut self, family: Family, release: Value) -> Eval<Kind> {
        let written = release.interpolated().unwrap_or_default();
        let named = !written.is_empty()
            && written.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        if releases::is_known(family, &written) || (named && self.program.has_repositories()) {
            return Ok(Kind::Distro(Distro { family, release: written }));
        }
        releases::report_unknown(self.reports, family, &written, release.site);
        Err(Stop)
    }

    fn mode(&mut self, value: Option<Value>) -> Eval<Option<u16>> {
        let Some(Value { kind: Kind::Int(number), site }) = value else { return Ok(None) };
        match u16::try_from(number) {
            Ok(mode) if mode <= 0o7777 => Ok(Some(mode)),
            _ => {
                let help = "modes go from `0o000` to `0o7777`; write them with `0o`";
                self.stop("hbuild::lang::bad_mode", site, format!("{number} is no mode"), help)
            }
        }
    }

    fn call_method(
        &mut self,
        base: Value,
        name: &ast::Name,
        call: &ast::Call,
        site: Site,
        scope: &Scope,
    ) -> Eval<Value> {
        let methods = match &base.kind {
            Kind::Content(_) => builtin::CONTENT_METHODS,
            Kind::List(_) => builtin::LIST_METHODS,
            Kind::Version(_) => builtin::VERSION_METHODS,
            _ => &[],
        };
        let Some((_, method)) = methods.iter().find(|(method, _)| *method == name.text) else {
            return self.no_member(&base, &name.text, scope.file.site(name.span));
        };
        let arguments = self.builtin_arguments(&name.text, method.parameters(), call, scope)?;
        let argument = arguments.into_iter().next().flatten().ok_or(Stop)?;
        let kind = match (&base.kind, method) {
            (Kind::List(list), Method::Join) => self.join(list, &argument)?,
            (Kind::Version(version), Method::Prefix) => {
                let Kind::Int(count @ 1..=64) = argument.kind else {
                    let help = "`prefix(2)` of 3.10.4 is 3.10";
                    return self.stop(
                        "hbuild::lang::wrong_arguments",
                        argument.site,
                        "a count of parts is wanted",
                        help,
                    );
                };
                Kind::Version(version.prefix(usize::try_from(count).unwrap_or(1)))
            }
            (Kind::Content(content), method) => {
                let content = Content::clone(content);
                Kind::Content(Rc::new(self.placed(content, *method, &argument)?))
            }
            _ => return Err(Stop),
        };
        Ok(Value { kind, site })
    }

    fn join(&mut self, list: &[Value], separator: &Value) -> Eval<Kind> {
        let separator = separator.interpolated().unwrap_or_default();
        let mut parts = Vec::new();
        for element in list {
            match element.interpolated() {
                Some(text) => {
                    self.bytes(text.len() + separator.len(), element.site)?;
                    parts.push(text);
                }
                None => return self.wrong_type(element.site, "a string", element),
            }
        }
        Ok(Kind::Text(parts.join(&separator).into()))
    }

    /// The content after one of its methods.
    fn placed(&mut self, mut content: Content, method: Method, argument: &Value) -> Eval<Content> {
        use crate::check::form::Form;
        let globs = texts(argument).unwrap_or_default();
        let form = match method {
            Method::At => Form::Path,
            Method::Replacing => Form::Glob,
            _ => Form::RelativeGlob,
        };
        for (text, site) in &globs {
            if let Some(problem) = form.problem(text) {
                return self.stop(problem.code, *site, problem.message, &problem.help);
            }
        }
        let mut texts = globs.into_iter().map(|(text, _)| text);
        match method {
            Method::At => content.at = texts.next().unwrap_or_default(),
            Method::Only => content.only.extend(texts),
            Method::Without => content.without.extend(texts),
            _ => content.replacing.extend(texts),
        }
        Ok(content)
    }
}

/// The strings of a string or of a list of strings, with their places; `None` for anything else.
pub fn texts(value: &Value) -> Option<Vec<(String, Site)>> {
    match &value.kind {
        Kind::Text(text) => Some(vec![(String::from(&**text), value.site)]),
        Kind::List(list) => list
            .iter()
            .map(|element| match &element.kind {
                Kind::Text(text) => Some((String::from(&**text), element.site)),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}
