//! Expressions: an [`ast::Expr`] at a point gives a [`Value`], or stops with its reason reported.

use std::rc::Rc;

use super::machine::{Eval, Machine, Scope, Stop};
use super::value::{Kind, Map, MapEntry, Value};
use crate::modules::{FileId, Site};
use crate::syntax::ast::{self, BinaryOperator, ExprKind, StringPart};
use crate::syntax::literal;

impl Machine<'_> {
    /// The value of the expression.
    pub fn eval(&mut self, expr: &ast::Expr, scope: &Scope) -> Eval<Value> {
        let site = scope.file.site(expr.span);
        self.steps(1, site)?;
        self.enter(site)?;
        let value = self.eval_kind(expr, site, scope);
        self.budget.leave();
        value
    }

    fn eval_kind(&mut self, expr: &ast::Expr, site: Site, scope: &Scope) -> Eval<Value> {
        let kind = match &expr.kind {
            ExprKind::Missing => return Err(Stop),
            ExprKind::None => Kind::None,
            ExprKind::Bool(condition) => Kind::Bool(*condition),
            ExprKind::Int(number) => Kind::Int(i64::try_from(*number).unwrap_or(i64::MAX)),
            ExprKind::String(literal) => Kind::Text(self.string(literal, scope)?),
            ExprKind::Name(name) => return self.name(name, site, scope),
            ExprKind::List(elements) => {
                Kind::List(Rc::new(elements.iter().map(|element| self.part(element, scope)).collect()))
            }
            ExprKind::Record(entries) => self.record(entries, scope),
            ExprKind::ListComprehension(comprehension) => {
                self.list_comprehension(comprehension, site, scope)?
            }
            ExprKind::RecordComprehension(comprehension) => {
                self.record_comprehension(comprehension, site, scope)?
            }
            ExprKind::Call(call) => return self.call(call, site, scope),
            ExprKind::Member(member) => return self.member(member, site, scope),
            ExprKind::Match(item) => return self.match_value(item, scope),
            ExprKind::Is(item) => {
                let subject = self.eval(&item.subject, scope)?;
                Kind::Bool(self.matches(&subject, &item.pattern, scope.file)?)
            }
            ExprKind::Binary(binary) => return self.binary(binary, site, scope),
            ExprKind::Not(operand) => Kind::Bool(!self.condition(operand, scope)?),
        };
        Ok(Value { kind, site })
    }

    /// The value of an element or entry; one with a mistake does not keep the others from being looked at.
    fn part(&mut self, expr: &ast::Expr, scope: &Scope) -> Value {
        let site = scope.file.site(expr.span);
        self.eval(expr, scope).unwrap_or(Value { kind: Kind::Invalid, site })
    }

    /// The value of a condition.
    pub fn condition(&mut self, expr: &ast::Expr, scope: &Scope) -> Eval<bool> {
        let value = self.eval(expr, scope)?;
        match value.kind {
            Kind::Bool(condition) => Ok(condition),
            _ => self.wrong_type(scope.file.site(expr.span), "a condition", &value),
        }
    }

    /// Reports that something else is wanted where `found` is.
    pub fn wrong_type<T>(&mut self, site: Site, wanted: &str, found: &Value) -> Eval<T> {
        if matches!(found.kind, Kind::Invalid) {
            return Err(Stop);
        }
        let message = format!("{wanted} is wanted here, and this is {}", found.describe());
        let report = self.reports.error("hbuild::lang::wrong_type", site, message);
        if found.site != site {
            report.related(found.site, format!("{} comes from here", found.describe()));
        }
        report.help(match found.kind {
            Kind::None => {
                "handle the absent value with `when` or `match`, or write one in the table".to_owned()
            }
            _ => format!("write {wanted}"),
        });
        Err(Stop)
    }

    /// The text of a string literal.
    pub fn string(&mut self, literal: &ast::StringLiteral, scope: &Scope) -> Eval<Rc<str>> {
        let mut text = String::new();
        let mut whole = Ok(());
        for part in &literal.parts {
            let before = text.len();
            match part {
                StringPart::Text(literal) => text.push_str(literal),
                StringPart::Interpolation(expr) => match self.interpolation(expr, scope) {
                    Ok(value) => text.push_str(&value),
                    Err(stop) => whole = Err(stop),
                },
            }
            self.bytes(text.len() - before, scope.file.site(literal.span))?;
        }
        whole.map(|()| text.into())
    }

    fn interpolation(&mut self, expr: &ast::Expr, scope: &Scope) -> Eval<String> {
        let value = self.eval(expr, scope)?;
        if let Some(text) = value.interpolated() {
            return Ok(text);
        }
        if matches!(value.kind, Kind::Invalid) {
            return Err(Stop);
        }
        let message = format!("{} does not stand in a string", value.describe());
        let help = match &value.kind {
            Kind::List(_) => "join it: `{{ list.join(\", \") }}`",
            Kind::Map(_) => "take one of its columns: `{{ row.column }}`",
            Kind::None => "handle the absent value with `match`, or write one in the table",
            _ => "strings, whole numbers and versions stand in `{{ }}`",
        };
        self.stop("hbuild::lang::not_interpolated", scope.file.site(expr.span), message, help)
    }

    fn record(&mut self, entries: &[ast::Entry], scope: &Scope) -> Kind {
        let mut map = Map::default();
        for entry in entries {
            let key = self.key(&entry.key, scope);
            let value = self.part(&entry.value, scope);
            if let Ok(key) = key {
                self.insert(&mut map, MapEntry { key, site: scope.file.site(entry.key.span()), value });
            }
        }
        Kind::Map(Rc::new(map))
    }

    /// The text of a key.
    pub fn key(&mut self, key: &ast::Key, scope: &Scope) -> Eval<Rc<str>> {
        match key {
            ast::Key::Word(name) => Ok(name.text.as_str().into()),
            ast::Key::String(literal) => self.string(literal, scope),
        }
    }

    /// Adds an entry; a key that is there with another value is reported.
    pub fn insert(&mut self, map: &mut Map, entry: MapEntry) {
        let Some(first) = map.entries.iter().find(|known| known.key == entry.key) else {
            map.entries.push(entry);
            return;
        };
        let invalid = |value: &Value| matches!(value.kind, Kind::Invalid);
        if invalid(&first.value) || invalid(&entry.value) {
            return;
        }
        if first.value.equals(&entry.value) != Some(true) {
            let message = format!("the key `{}` has two values", entry.key);
            self.reports
                .error("hbuild::lang::duplicate_key", entry.site, message)
                .related(first.site, "the first one")
                .help(format!(
                    "keep one; in an item `field.{} = …` replaces a key",
                    literal::key(&entry.key)
                ));
        }
    }

    fn list_comprehension(&mut self, item: &ast::ListComprehension, site: Site, scope: &Scope) -> Eval<Kind> {
        let mut list = Vec::new();
        self.generate(&item.generator, site, scope, &mut |machine, inner| {
            list.push(machine.eval(&item.value, inner)?);
            Ok(())
        })?;
        Ok(Kind::List(Rc::new(list)))
    }

    fn record_comprehension(
        &mut self,
        item: &ast::RecordComprehension,
        site: Site,
        scope: &Scope,
    ) -> Eval<Kind> {
        let mut map = Map::default();
        self.generate(&item.generator, site, scope, &mut |machine, inner| {
            let key = machine.key(&item.key, inner)?;
            let value = machine.eval(&item.value, inner)?;
            machine.steps(map.entries.len(), site)?;
            machine.insert(&mut map, MapEntry { key, site: inner.file.site(item.key.span()), value });
            Ok(())
        })?;
        Ok(Kind::Map(Rc::new(map)))
    }

    /// Calls `each` for every element taken, with the variable bound.
    fn generate(
        &mut self,
        generator: &ast::Generator,
        site: Site,
        scope: &Scope,
        each: &mut dyn FnMut(&mut Self, &Scope) -> Eval<()>,
    ) -> Eval<()> {
        let values = self.eval(&generator.values, scope)?;
        let wanted =
            if generator.key.is_some() { "a map, whose values have keys," } else { "a list or a map" };
        let elements: Vec<(Option<Value>, Value)> = match &values.kind {
            Kind::List(list) if generator.key.is_none() => {
                list.iter().map(|element| (None, element.clone())).collect()
            }
            Kind::Map(map) => {
                let key =
                    |entry: &MapEntry| Value { kind: Kind::Text(Rc::clone(&entry.key)), site: entry.site };
                map.entries.iter().map(|entry| (Some(key(entry)), entry.value.clone())).collect()
            }
            _ => return self.wrong_type(scope.file.site(generator.values.span), wanted, &values),
        };
        let mut inner = scope.clone();
        let outer = inner.locals.len();
        for (key, element) in elements {
            self.steps(1, site)?;
            inner.locals.truncate(outer);
            if let (Some(name), Some(key)) = (&generator.key, key) {
                inner.locals.push((name.text.clone(), key));
            }
            inner.locals.push((generator.name.text.clone(), element));
            let taken = match &generator.condition {
                Some(condition) => self.condition(condition, &inner)?,
                None => true,
            };
            if taken {
                each(self, &inner)?;
            }
        }
        Ok(())
    }

    fn binary(&mut self, binary: &ast::Binary, site: Site, scope: &Scope) -> Eval<Value> {
        let logical = match binary.operator {
            BinaryOperator::And => Some(false),
            BinaryOperator::Or => Some(true),
            _ => None,
        };
        if let Some(decided) = logical {
            let left = self.condition(&binary.left, scope)?;
            let value = if left == decided { left } else { self.condition(&binary.right, scope)? };
            return Ok(Value { kind: Kind::Bool(value), site });
        }
        let left = self.eval(&binary.left, scope);
        let right = self.eval(&binary.right, scope);
        let (left, right) = (left?, right?);
        let right_site = scope.file.site(binary.right.span);
        let kind = match binary.operator {
            BinaryOperator::Add => self.add(&left, &right, site, right_site)?,
            BinaryOperator::In => Kind::Bool(self.contained(&left, &right, right_site)?),
            BinaryOperator::Equal => Kind::Bool(self.equal(&left, &right, right_site)?),
            BinaryOperator::NotEqual => Kind::Bool(!self.equal(&left, &right, right_site)?),
            operator => Kind::Bool(self.ordered(operator, &left, &right, site)?),
        };
        Ok(Value { kind, site })
    }

    fn equal(&mut self, left: &Value, right: &Value, site: Site) -> Eval<bool> {
        match left.equals(right) {
            _ if matches!(left.kind, Kind::Invalid) || matches!(right.kind, Kind::Invalid) => Err(Stop),
            Some(equal) => Ok(equal),
            None => {
                let message = format!("{} is compared with {}", left.describe(), right.describe());
                let help = match (&left.kind, &right.kind) {
                    (Kind::Distro(_), _) => "test a distro with `is`: `distro is debian`",
                    (Kind::Version(_), Kind::Text(_)) => "write the version as `version(\"…\")`",
                    _ => "compare values of one type",
                };
                self.stop("hbuild::lang::wrong_type", site, message, help)
            }
        }
    }

    fn contained(&mut self, left: &Value, right: &Value, site: Site) -> Eval<bool> {
        match &right.kind {
            Kind::List(list) => {
                self.steps(list.len(), site)?;
                for element in list.iter() {
                    if self.equal(left, element, site)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Kind::Map(map) => match &left.kind {
                Kind::Text(key) => Ok(map.get(key).is_some()),
                _ => self.wrong_type(left.site, "a key, which is a string,", left),
            },
            _ => self.wrong_type(site, "a list or a map", right),
        }
    }

    fn ordered(&mut self, operator: BinaryOperator, left: &Value, right: &Value, site: Site) -> Eval<bool> {
        let order = match (&left.kind, &right.kind) {
            (Kind::Int(left), Kind::Int(right)) => left.cmp(right),
            (Kind::Version(left), Kind::Version(right)) => left.cmp(right),
            _ => {
                let message = format!("{} and {} have no order", left.describe(), right.describe());
                let help = "two versions or two whole numbers have an order; write `version(\"3.10\")`";
                return self.stop("hbuild::lang::wrong_type", site, message, help);
            }
        };
        Ok(match operator {
            BinaryOperator::Less => order.is_lt(),
            BinaryOperator::LessOrEqual => order.is_le(),
            BinaryOperator::Greater => order.is_gt(),
            _ => order.is_ge(),
        })
    }

    fn add(&mut self, left: &Value, right: &Value, site: Site, right_site: Site) -> Eval<Kind> {
        match (&left.kind, &right.kind) {
            (Kind::List(one), Kind::List(two)) => {
                self.steps(one.len() + two.len(), site)?;
                Ok(Kind::List(Rc::new(one.iter().chain(two.iter()).cloned().collect())))
            }
            (Kind::Map(one), Kind::Map(two)) => {
                let mut map = Map { entries: one.entries.clone(), label: None };
                self.steps((one.entries.len() + 1) * (two.entries.len() + 1), site)?;
                for entry in &two.entries {
                    self.insert(&mut map, entry.clone());
                }
                Ok(Kind::Map(Rc::new(map)))
            }
            (Kind::Text(one), Kind::Text(two)) => {
                self.bytes(one.len() + two.len(), site)?;
                Ok(Kind::Text(format!("{one}{two}").into()))
            }
            (Kind::Int(_), Kind::Int(_)) => {
                let help = "there is no arithmetic; `+` joins lists, maps and strings";
                self.stop("hbuild::lang::wrong_type", site, "numbers are not added", help)
            }
            (Kind::List(_), _) => self.wrong_type(right_site, "a list", right),
            (Kind::Map(_), _) => self.wrong_type(right_site, "a map", right),
            (Kind::Text(_), _) => self.wrong_type(right_site, "a string", right),
            _ => self.wrong_type(left.site, "a list, a map or a string", left),
        }
    }

    fn match_value(&mut self, item: &ast::Match, scope: &Scope) -> Eval<Value> {
        let subject = self.eval(&item.subject, scope)?;
        for arm in &item.arms {
            if self.matches(&subject, &arm.pattern, scope.file)? {
                return self.eval(&arm.value, scope);
            }
        }
        let site = scope.file.site(item.keyword.to(item.subject.span));
        let missing = self.uncovered(item, &subject, scope);
        let message = format!("no arm for {}", missing.join(", "));
        self.reports
            .error("hbuild::lang::missing_arm", site, message)
            .help("add an arm for each; `_` takes all the rest");
        Err(Stop)
    }

    /// What no arm takes: the values of the axis where the subject is one, else this value alone.
    fn uncovered(&mut self, item: &ast::Match, subject: &Value, scope: &Scope) -> Vec<String> {
        let name = |value: &Value| value.label().unwrap_or_else(|| value.describe().to_owned());
        let mut missing = Vec::new();
        if let ExprKind::Name(axis) = &item.subject.kind
            && scope.point.get(axis).is_some()
            && let Some(table) = self.axes.get(&scope.file).cloned()
        {
            for value in table.values_of(axis) {
                let taken = |machine: &mut Self, arm: &ast::Arm| {
                    machine.matches(&value.value, &arm.pattern, scope.file) == Ok(true)
                };
                if !item.arms.iter().any(|arm| taken(self, arm)) {
                    missing.push(format!("`{}`", value.label));
                }
            }
        }
        if missing.is_empty() {
            missing.push(format!("`{}`", name(subject)));
        }
        missing
    }

    /// Whether the pattern takes the value.
    pub fn matches(&mut self, value: &Value, pattern: &ast::Pattern, file: FileId) -> Eval<bool> {
        super::pattern::matches(self, value, pattern, file)
    }
}
