//! Inference: the type of every expression, in code that some point reaches and in code that none does.

use std::collections::{BTreeMap, BTreeSet};

use super::definitions::{Definitions, Node};
use super::types::Type;
use crate::modules::{FileId, Program, Reports, Site};
use crate::syntax::ast::{self, BinaryOperator, ExprKind, StringPart};

/// How deep inference goes through calls and definitions; evaluation refuses what is deeper.
const DEPTH: u32 = 256;
/// Expressions looked at; evaluation refuses what takes more.
const STEPS: u32 = 2_000_000;

/// What infers.
pub struct Checker<'p> {
    /// The files.
    pub program: &'p Program,
    /// What mentions what.
    pub definitions: &'p Definitions,
    /// What is wrong.
    pub reports: &'p mut Reports,
    /// Types of `let`s.
    pub lets: BTreeMap<Node, Type>,
    /// Types of axes.
    pub axes: BTreeMap<(FileId, String), Type>,
    /// Types of calls, by the types of their arguments.
    pub calls: BTreeMap<(Node, Vec<Type>), Type>,
    /// How deep it is now.
    pub depth: u32,
    /// How many expressions it may still look at.
    pub steps: u32,
}

/// What an expression can see.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The file.
    pub file: FileId,
    /// Parameters and variables.
    pub locals: Vec<(String, Type)>,
    /// The axes that may be mentioned; `None` for all.
    pub axes: Option<BTreeSet<String>>,
    /// For messages: `image `hello``.
    pub subject: String,
}

impl Scope {
    /// The type of a parameter or variable.
    pub fn local(&self, name: &str) -> Option<&Type> {
        self.locals.iter().find(|(local, _)| local == name).map(|(_, kind)| kind)
    }
}

impl<'p> Checker<'p> {
    /// A checker that has seen nothing.
    pub fn new(program: &'p Program, definitions: &'p Definitions, reports: &'p mut Reports) -> Checker<'p> {
        let (lets, axes, calls) = Default::default();
        Checker { program, definitions, reports, lets, axes, calls, depth: 0, steps: STEPS }
    }

    /// The type of the expression; mistakes in it are reported.
    pub fn infer(&mut self, expr: &ast::Expr, scope: &Scope) -> Type {
        if self.depth == DEPTH || self.steps == 0 {
            return Type::Unknown;
        }
        self.depth += 1;
        self.steps -= 1;
        let kind = self.infer_kind(expr, scope);
        self.depth -= 1;
        kind
    }

    fn infer_kind(&mut self, expr: &ast::Expr, scope: &Scope) -> Type {
        let site = scope.file.site(expr.span);
        match &expr.kind {
            ExprKind::Missing => Type::Unknown,
            ExprKind::None => Type::None,
            ExprKind::Bool(_) => Type::Bool,
            ExprKind::Int(_) => Type::Int,
            ExprKind::String(literal) => {
                self.string(literal, scope);
                Type::Text
            }
            ExprKind::Name(name) => self.name(name, site, scope),
            ExprKind::List(elements) => self.list(elements, scope),
            ExprKind::Record(entries) => self.record(entries, scope),
            ExprKind::ListComprehension(item) => {
                let inner = self.generator(&item.generator, scope);
                Type::List(Box::new(self.infer(&item.value, &inner)))
            }
            ExprKind::RecordComprehension(item) => {
                let inner = self.generator(&item.generator, scope);
                self.key(&item.key, &inner);
                Type::Map(Box::new(self.infer(&item.value, &inner)))
            }
            ExprKind::Call(call) => self.call(call, site, scope),
            ExprKind::Member(member) => self.member(member, site, scope),
            ExprKind::Match(item) => self.match_type(item, scope),
            ExprKind::Is(item) => {
                let subject = self.infer(&item.subject, scope);
                self.pattern(&item.pattern, &subject, scope.file);
                Type::Bool
            }
            ExprKind::Binary(binary) => self.binary(binary, site, scope),
            ExprKind::Not(operand) => {
                self.condition(operand, scope);
                Type::Bool
            }
        }
    }

    /// A copy of a type that a name stands for. Types double where names of records are used twice, so a copy
    /// costs steps, and what is too great is not known any more; evaluation still sees every value.
    pub fn copy(&mut self, kind: &Type) -> Type {
        const GREATEST: u32 = 2_000;
        let size = kind.size(GREATEST);
        match self.steps.checked_sub(size) {
            Some(left) if size < GREATEST => {
                self.steps = left;
                kind.clone()
            }
            _ => Type::Unknown,
        }
    }

    /// Reports that something else is wanted.
    pub fn wrong_type(&mut self, site: Site, wanted: &str, found: &Type) {
        let message = format!("{wanted} is wanted here, and this is {found}");
        self.reports.error("hbuild::lang::wrong_type", site, message).help(format!("write {wanted}"));
    }

    /// Checks a condition.
    pub fn condition(&mut self, expr: &ast::Expr, scope: &Scope) {
        let kind = self.infer(expr, scope);
        if !matches!(kind.present(), Type::Bool | Type::Unknown) {
            self.wrong_type(scope.file.site(expr.span), "a condition", &kind);
        }
    }

    /// Checks what is interpolated.
    pub fn string(&mut self, literal: &ast::StringLiteral, scope: &Scope) {
        for part in &literal.parts {
            let StringPart::Interpolation(expr) = part else { continue };
            let kind = self.infer(expr, scope);
            let help = match kind.present() {
                Type::Text | Type::Int | Type::Version | Type::Unknown => continue,
                Type::List(_) => "join it: `{{ list.join(\", \") }}`",
                Type::Record { .. } | Type::Map(_) => "take one of its columns: `{{ row.column }}`",
                _ => "strings, whole numbers and versions stand in `{{ }}`",
            };
            let message = format!("{kind} does not stand in a string");
            self.reports
                .error("hbuild::lang::not_interpolated", scope.file.site(expr.span), message)
                .help(help);
        }
    }

    /// Checks a key.
    pub fn key(&mut self, key: &ast::Key, scope: &Scope) {
        if let ast::Key::String(literal) = key {
            self.string(literal, scope);
        }
    }

    fn list(&mut self, elements: &[ast::Expr], scope: &Scope) -> Type {
        let (mut all, mut mixed) = (Type::Unknown, false);
        for element in elements {
            let kind = self.infer(element, scope);
            all = self.one_type(all, kind, scope.file.site(element.span), "elements", &mut mixed);
        }
        Type::List(Box::new(if mixed { Type::Unknown } else { all }))
    }

    /// The type of what came before together with the next one, which is reported where it is another.
    fn one_type(&mut self, before: Type, next: Type, site: Site, what: &str, mixed: &mut bool) -> Type {
        if let Some(both) = before.unify(&next) {
            return both;
        }
        if let (Type::Record { fields: left, .. }, Type::Record { fields: right, .. }) = (&before, &next) {
            self.rows(left, right, site);
        } else {
            let message = format!("this is {next}, and the {what} before it are of another type: {before}");
            self.reports
                .error("hbuild::lang::mixed_types", site, message)
                .help(format!("the {what} share one type; an absent value is written `none`"));
        }
        *mixed = true;
        before
    }

    /// Says how two rows of a table differ.
    fn rows(&mut self, first: &BTreeMap<String, Type>, row: &BTreeMap<String, Type>, site: Site) {
        let missing = first.keys().find(|name| !row.contains_key(*name));
        let added = row.keys().find(|name| !first.contains_key(*name));
        let (message, help) = match (missing, added) {
            (Some(missing), _) => (
                format!("this row has no `{missing}`, and those before it have"),
                format!("write `{missing} = none` where the value is absent"),
            ),
            (None, Some(added)) => (
                format!("this row has `{added}`, and those before it have not"),
                format!("write `{added} = none` in the others"),
            ),
            (None, None) => {
                let differs = row
                    .iter()
                    .find(|(name, kind)| first.get(*name).is_some_and(|one| one.unify(kind).is_none()));
                let (name, kind) =
                    differs.map_or(("", "a value".to_owned()), |(name, kind)| (name, kind.to_string()));
                let before = first.get(name).map_or_else(String::new, Type::to_string);
                (
                    format!("`{name}` is {kind} in this row, and {before} in those before it"),
                    "the rows of a table share one type".to_owned(),
                )
            }
        };
        self.reports.error("hbuild::lang::mixed_types", site, message).help(help);
    }

    fn record(&mut self, entries: &[ast::Entry], scope: &Scope) -> Type {
        let table = entries.iter().any(|entry| matches!(entry.key, ast::Key::String(_)));
        let mut fields = BTreeMap::new();
        let (mut values, mut mixed) = (Type::Unknown, false);
        for (index, entry) in entries.iter().enumerate() {
            self.key(&entry.key, scope);
            self.repeated_key(&entries[..index], entry, scope);
            let kind = self.infer(&entry.value, scope);
            if let (false, Some(name)) = (table, entry.key.text()) {
                fields.insert(name.to_owned(), kind);
            } else {
                values = self.one_type(values, kind, scope.file.site(entry.value.span), "values", &mut mixed);
            }
        }
        if table || entries.is_empty() {
            Type::Map(Box::new(if mixed { Type::Unknown } else { values }))
        } else {
            Type::Record { fields, row: false }
        }
    }

    fn repeated_key(&mut self, before: &[ast::Entry], entry: &ast::Entry, scope: &Scope) {
        let Some(key) = entry.key.text() else { return };
        if let Some(first) = before.iter().find(|other| other.key.text() == Some(key)) {
            self.reports
                .error(
                    "hbuild::lang::duplicate_key",
                    scope.file.site(entry.key.span()),
                    format!("the key `{key}` has two values"),
                )
                .related(scope.file.site(first.key.span()), "the first one")
                .help("keep one");
        }
    }

    fn generator(&mut self, generator: &ast::Generator, scope: &Scope) -> Scope {
        let over = self.infer(&generator.values, scope);
        let site = scope.file.site(generator.values.span);
        let element = self.elements(&over, site);
        let inner = match &generator.key {
            Some(key) => {
                if !matches!(over.present(), Type::Map(_) | Type::Record { .. } | Type::Unknown) {
                    self.wrong_type(site, "a map, whose values have keys,", &over);
                }
                self.with_local(scope, key, Type::Text)
            }
            None => scope.clone(),
        };
        let inner = self.with_local(&inner, &generator.name, element);
        if let Some(condition) = &generator.condition {
            self.condition(condition, &inner);
        }
        inner
    }

    /// The type of the elements of a list or of the values of a map.
    pub fn elements(&mut self, over: &Type, site: Site) -> Type {
        match over.present() {
            Type::List(element) | Type::Map(element) => element.as_ref().clone(),
            Type::Record { fields, .. } => {
                fields.values().try_fold(Type::Unknown, |all, kind| all.unify(kind)).unwrap_or(Type::Unknown)
            }
            Type::Unknown => Type::Unknown,
            _ => {
                self.wrong_type(site, "a list or a map", over);
                Type::Unknown
            }
        }
    }

    /// The scope with one more local, whose name must be new.
    pub fn with_local(&mut self, scope: &Scope, name: &ast::Name, kind: Type) -> Scope {
        self.new_name(scope, name);
        let mut inner = scope.clone();
        inner.locals.push((name.text.clone(), kind));
        inner
    }

    fn binary(&mut self, binary: &ast::Binary, site: Site, scope: &Scope) -> Type {
        if matches!(binary.operator, BinaryOperator::And | BinaryOperator::Or) {
            self.condition(&binary.left, scope);
            self.condition(&binary.right, scope);
            return Type::Bool;
        }
        let left = self.infer(&binary.left, scope);
        let right = self.infer(&binary.right, scope);
        let right_site = scope.file.site(binary.right.span);
        match binary.operator {
            BinaryOperator::Add => return self.sum(&left, &right, site, right_site),
            BinaryOperator::In => match right.present() {
                Type::List(element) => self.comparable(&left, element, right_site),
                Type::Map(_) | Type::Record { .. } => self.comparable(&left, &Type::Text, right_site),
                Type::Unknown => {}
                _ => self.wrong_type(right_site, "a list or a map", &right),
            },
            BinaryOperator::Equal | BinaryOperator::NotEqual => self.comparable(&left, &right, right_site),
            _ => {
                let ordered =
                    |kind: &Type| matches!(kind.present(), Type::Int | Type::Version | Type::Unknown);
                if !ordered(&left) || !ordered(&right) || left.present().unify(right.present()).is_none() {
                    let message = format!("{left} and {right} have no order");
                    let help = "two versions or two whole numbers have an order; write `version(\"3.10\")`";
                    self.reports.error("hbuild::lang::wrong_type", site, message).help(help);
                }
            }
        }
        Type::Bool
    }

    fn comparable(&mut self, left: &Type, right: &Type, site: Site) {
        if left.compares(right) {
            return;
        }
        let help = match (left.present(), right.present()) {
            (Type::Distro, _) => "test a distro with `is`: `distro is debian`",
            (Type::Version, Type::Text) => "write the version as `version(\"…\")`",
            _ => "compare values of one type",
        };
        let message = format!("{left} is compared with {right}");
        self.reports.error("hbuild::lang::wrong_type", site, message).help(help);
    }

    fn sum(&mut self, left: &Type, right: &Type, site: Site, right_site: Site) -> Type {
        let wanted = match (left.present(), right.present()) {
            (Type::Unknown, Type::Unknown) => return Type::Unknown,
            (Type::Unknown, other) | (other, Type::Unknown) => return other.clone(),
            (Type::List(_), Type::List(_)) | (Type::Text, Type::Text) => {
                match left.present().unify(right.present()) {
                    Some(both) => return both,
                    None => left.to_string(),
                }
            }
            (Type::Map(_) | Type::Record { .. }, Type::Map(_) | Type::Record { .. }) => {
                return self.merged(left.present(), right.present());
            }
            (Type::Int, Type::Int) => {
                let help = "there is no arithmetic; `+` joins lists, maps and strings";
                self.reports.error("hbuild::lang::wrong_type", site, "numbers are not added").help(help);
                return Type::Unknown;
            }
            (Type::List(_) | Type::Text | Type::Map(_) | Type::Record { .. }, _) => left.to_string(),
            _ => "a list, a map or a string".to_owned(),
        };
        self.wrong_type(right_site, &wanted, right);
        left.clone()
    }

    fn merged(&mut self, left: &Type, right: &Type) -> Type {
        match (left, right) {
            (Type::Record { fields: one, .. }, Type::Record { fields: two, .. }) => {
                let mut fields = one.clone();
                fields.extend(two.iter().map(|(name, kind)| (name.clone(), kind.clone())));
                Type::Record { fields, row: false }
            }
            _ => left.unify(right).unwrap_or(Type::Map(Box::new(Type::Unknown))),
        }
    }
}
