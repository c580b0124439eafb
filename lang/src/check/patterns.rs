//! `match` and `is`: patterns of the right type, arms for everything, lints.

use std::collections::BTreeSet;

use super::infer::{Checker, Scope};
use super::types::Type;
use crate::modules::builtin::{self, Constant};
use crate::modules::{Binding, FileId, Site, releases};
use crate::recipe::Family;
use crate::syntax::ast::{self, ExprKind, PatternKind};

/// The names that can begin a pattern.
const NAMES: [&str; 7] = ["alpine", "amd64", "arm64", "debian", "dev", "runtime", "version"];

impl Checker<'_> {
    /// The type of a `match`.
    pub fn match_type(&mut self, item: &ast::Match, scope: &Scope) -> Type {
        let subject = self.infer(&item.subject, scope);
        let axis = self.axis_of(&item.subject, scope);
        let mut all = Type::Unknown;
        let mut seen = BTreeSet::new();
        for arm in &item.arms {
            self.pattern(&arm.pattern, &subject, scope.file);
            self.reached(&arm.pattern, &mut seen, scope.file);
            if let (PatternKind::Any, Some(axis)) = (&arm.pattern.kind, &axis) {
                let message = format!("`_` takes whatever is added to the axis `{axis}` later");
                self.reports
                    .warning("hbuild::lang::wildcard_on_axis", scope.file.site(arm.pattern.span), message)
                    .help("name the values, so that a new one is found by `hbuild check`");
            }
            let kind = self.infer(&arm.value, scope);
            match all.unify(&kind) {
                Some(both) => all = both,
                None => {
                    let message = format!("this arm gives {kind}, and those before it {all}");
                    self.reports
                        .error("hbuild::lang::mixed_types", scope.file.site(arm.value.span), message)
                        .help("the arms of a `match` share one type");
                }
            }
        }
        if axis.is_none() {
            self.exhaustive(item, &subject, scope);
        }
        all
    }

    /// The axis that the expression names.
    fn axis_of(&self, expr: &ast::Expr, scope: &Scope) -> Option<String> {
        let ExprKind::Name(name) = &expr.kind else { return None };
        let bound = self.program.file(scope.file).names.get(name);
        (matches!(bound, Some(Binding::Axis(_))) && scope.local(name).is_none()).then(|| name.clone())
    }

    /// Warns of an arm that an earlier one leaves nothing for.
    fn reached(&mut self, pattern: &ast::Pattern, seen: &mut BTreeSet<String>, file: FileId) {
        let key = key(pattern);
        let family = key.split('(').next().unwrap_or_default().to_owned();
        if seen.contains("_") || seen.contains(&key) || seen.contains(&family) {
            let message = "an arm above takes all that this one could";
            self.reports
                .warning("hbuild::lang::unreachable_arm", file.site(pattern.span), message)
                .help("take it away, or move it up");
        }
        seen.insert(key);
    }

    /// Reports what no arm takes, by the subject's type. A `match` on an axis is checked with the axis' values.
    fn exhaustive(&mut self, item: &ast::Match, subject: &Type, scope: &Scope) {
        let mut wanted: Vec<&str> = match subject.present() {
            Type::Unknown => return,
            Type::Distro => vec!["alpine", "debian"],
            Type::Flavor => vec!["runtime", "dev"],
            Type::Arch => vec!["amd64", "arm64"],
            Type::Bool => vec!["true", "false"],
            Type::None => vec!["none"],
            _ => vec!["_"],
        };
        if matches!(subject, Type::Optional(_)) && wanted != ["_"] {
            wanted.push("none");
        }
        let covered: BTreeSet<String> = item.arms.iter().map(|arm| key(&arm.pattern)).collect();
        if covered.contains("_") || covered.contains("?") {
            return;
        }
        let missing: Vec<String> =
            wanted.iter().filter(|name| !covered.contains(**name)).map(|name| format!("`{name}`")).collect();
        if !missing.is_empty() {
            let site = scope.file.site(item.keyword.to(item.subject.span));
            let message = format!("no arm for {}", missing.join(", "));
            self.reports
                .error("hbuild::lang::missing_arm", site, message)
                .help("add an arm for each; `_` takes all the rest");
        }
    }

    /// Checks that a pattern can take a value of the type.
    pub fn pattern(&mut self, pattern: &ast::Pattern, subject: &Type, file: FileId) {
        let site = file.site(pattern.span);
        let kind = match &pattern.kind {
            PatternKind::Missing | PatternKind::Any => return,
            PatternKind::None => Type::None,
            PatternKind::Bool(_) => Type::Bool,
            PatternKind::Int(_) => Type::Int,
            PatternKind::String(_) => Type::Text,
            PatternKind::Name { name, arguments } => {
                match self.named_pattern(name, arguments.as_deref(), file) {
                    Some(kind) => kind,
                    None => return,
                }
            }
        };
        let fits = match (&kind, subject.present()) {
            (_, Type::Unknown | Type::None) | (Type::None, _) => true,
            (Type::Text, Type::Record { row, .. }) => *row,
            (kind, subject) => kind == subject,
        };
        if !fits {
            self.wrong_pattern(
                site,
                format!("this pattern never takes {subject}"),
                "patterns are of the type of what is looked at",
            );
        }
    }

    fn wrong_pattern(&mut self, site: Site, message: String, help: &str) {
        self.reports.error("hbuild::lang::wrong_pattern", site, message).help(help);
    }

    fn named_pattern(
        &mut self,
        name: &ast::Name,
        arguments: Option<&[ast::Pattern]>,
        file: FileId,
    ) -> Option<Type> {
        let site = file.site(name.span);
        let kind = match (builtin::constant(&name.text), arguments) {
            (Some(Constant::Family(_)), _) => Type::Distro,
            (Some(Constant::Arch(_)), None) => Type::Arch,
            (Some(Constant::Flavor(_)), None) => Type::Flavor,
            (None, Some(_)) if name.text == "version" => Type::Version,
            _ => {
                let message = format!("`{}` is no pattern", name.text);
                let report = self.reports.error("hbuild::lang::wrong_pattern", site, message);
                report.meant(&name.text, NAMES, "patterns");
                return None;
            }
        };
        match arguments {
            None => Some(kind),
            Some([ast::Pattern { kind: PatternKind::String(release), span }]) => {
                if let Some(Constant::Family(family)) = builtin::constant(&name.text) {
                    self.known_release(family, release, file.site(*span));
                }
                Some(kind)
            }
            Some(_) => {
                let message = format!("the pattern `{}` takes one string", name.text);
                self.wrong_pattern(site, message, "write `debian(\"13\")`");
                None
            }
        }
    }

    /// Reports a release that the edition does not know, where no repository of the recipe could be one of it.
    pub fn known_release(&mut self, family: Family, release: &str, site: Site) {
        if !releases::is_known(family, release) && !self.program.has_repositories() {
            releases::report_unknown(self.reports, family, release, site);
        }
    }
}

/// A pattern as text, equal for patterns that take the same; `?` for one that did not parse.
fn key(pattern: &ast::Pattern) -> String {
    match &pattern.kind {
        PatternKind::Missing => "?".to_owned(),
        PatternKind::Any => "_".to_owned(),
        PatternKind::None => "none".to_owned(),
        PatternKind::Bool(condition) => condition.to_string(),
        PatternKind::Int(number) => number.to_string(),
        PatternKind::String(text) => format!("\"{text}\""),
        PatternKind::Name { name, arguments: None } => name.text.clone(),
        PatternKind::Name { name, arguments: Some(arguments) } => {
            let arguments: Vec<String> = arguments.iter().map(key).collect();
            format!("{}({})", name.text, arguments.join(","))
        }
    }
}
