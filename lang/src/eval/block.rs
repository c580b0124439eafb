//! Blocks: their statements at one point, and the ranks of what they assign.

use std::rc::Rc;

use super::fields::{Candidate, Collected, FieldSet, Part, Rank, Said, SaidStatement};
use super::machine::{Eval, Machine, Scope, Stop};
use super::value::Kind;
use crate::modules::Site;
use crate::syntax::ast::{self, FieldOperator, Statement};

impl Machine<'_> {
    /// The fields of the block with their ranks settled. Statements with mistakes are left out.
    pub fn block(&mut self, block: &ast::Block, scope: &Scope) -> FieldSet {
        let mut collected = Collected::default();
        collected.failed = self.statements(block, scope, false, &mut collected).is_err();
        let (mut fields, ties) = collected.settle();
        fields.failed |= !ties.is_empty();
        for tie in &ties {
            let point = if scope.point.axes.is_empty() {
                String::new()
            } else {
                format!(" at {}", scope.point.describe())
            };
            let message = format!("`{}` is set twice {}{point}", tie.field, tie.rank.describe());
            self.error("hbuild::lang::set_twice", tie.second, message)
                .related(tie.first, "the first one")
                .help("keep one; `=` is stronger than `use`, and `when` stronger than both");
        }
        fields
    }

    fn statements(&mut self, block: &ast::Block, scope: &Scope, when: bool, out: &mut Collected) -> Eval<()> {
        let mut whole = Ok(());
        for statement in &block.statements {
            let said = self.said(statement, scope);
            let done = match (&said, statement) {
                (Ok(said), Statement::When(item)) => match said.statement {
                    SaidStatement::When(true) => self.statements(&item.block, scope, true, out),
                    _ => Ok(()),
                },
                (Ok(said), _) => take_in(said, when, out),
                (Err(stop), _) => Err(*stop),
            };
            whole = whole.and(done);
            if self.budget.is_spent() {
                return Err(Stop);
            }
        }
        whole
    }

    /// What the statement says at the scope's point, of a `when` whether it holds. It is remembered unless it may say
    /// something else, or something was reported.
    fn said(&mut self, statement: &Statement, scope: &Scope) -> Eval<Rc<Said>> {
        let same_everywhere = scope.locals.is_empty();
        if same_everywhere && let Some((axes, said)) = self.memo.statement(statement, &scope.point) {
            let reads = self.memo.reads() | axes;
            self.memo.resume(reads);
            self.steps(1, Site::default())?;
            return Ok(said);
        }
        let (before, reported) = (self.memo.begin(), self.reports.count());
        let number = self.memo.next();
        let evaluated = self.say(statement, number, scope);
        let axes = self.memo.reads();
        self.memo.resume(before | axes);
        let said = Rc::new(Said { number, statement: evaluated? });
        if same_everywhere && self.reports.count() == reported {
            self.memo.keep_statement(statement, axes, &scope.point, said.clone());
        }
        Ok(said)
    }

    fn say(&mut self, statement: &Statement, said: u32, scope: &Scope) -> Eval<SaidStatement> {
        Ok(match statement {
            Statement::For(_) => SaidStatement::Nothing,
            Statement::Field(field) => self.field(field, scope)?,
            Statement::Use(item) => self.use_statement(item, scope)?,
            Statement::When(item) => SaidStatement::When(self.condition(&item.condition, scope)?),
            Statement::Test(test) => {
                let (test, site) = self.test(test, scope)?;
                SaidStatement::Test(Part { said, value: Rc::new(test), site })
            }
            Statement::Waive(waive) => {
                let site = scope.file.site(waive.rule.span);
                SaidStatement::Waive(Part { said, value: Rc::new(self.waiver(waive, scope)?), site })
            }
            Statement::Step(step) => {
                let (step, site) = self.step(step, scope)?;
                SaidStatement::Step(Part { said, value: Rc::new(step), site })
            }
        })
    }

    fn field(&mut self, field: &ast::Field, scope: &Scope) -> Eval<SaidStatement> {
        let site = scope.file.site(field.path_span());
        let (name, key) = match field.path.as_slice() {
            [ast::Key::Word(name)] => (&name.text, None),
            [ast::Key::Word(name), key] => (&name.text, Some(self.key(key, scope)?)),
            _ => {
                let help = "write `field = …`, or `field.key = …` for one key of a map";
                return self.stop("hbuild::lang::bad_field", site, "this names no field", help);
            }
        };
        let value = self.eval(&field.value, scope)?;
        if field.operator == FieldOperator::Append && key.is_some() {
            let help = "write `field += { key = … }`, or `field.key = …` to replace one";
            return self.stop("hbuild::lang::bad_field", site, "`+=` adds to a whole field", help);
        }
        let name = name.as_str().into();
        Ok(SaidStatement::Field { name, key, operator: field.operator, value, site })
    }

    fn use_statement(&mut self, item: &ast::Use, scope: &Scope) -> Eval<SaidStatement> {
        let site = scope.file.site(item.span);
        let value = self.eval(&item.value, scope)?;
        match &value.kind {
            Kind::Fields(fields) => Ok(SaidStatement::Use(fields.clone(), site)),
            Kind::Map(map) => {
                let entries = map.entries.iter().map(|entry| (entry.key.clone(), entry.value.clone()));
                Ok(SaidStatement::UseMap(entries.collect(), site))
            }
            _ => self.wrong_type(scope.file.site(item.value.span), "a record of fields", &value),
        }
    }
}

/// Brings what a statement says into a block.
fn take_in(said: &Said, when: bool, out: &mut Collected) -> Eval<()> {
    let (set, used) = if when { (Rank::SetWhen, Rank::UseWhen) } else { (Rank::Set, Rank::Use) };
    match &said.statement {
        SaidStatement::Nothing | SaidStatement::When(_) => {}
        SaidStatement::Field { name, key, operator, value, site } => {
            let candidate = Candidate { said: said.number, rank: set, value: value.clone(), site: *site };
            match (operator, key) {
                (_, Some(key)) => out.keys.entry((name.clone(), key.clone())).or_default().push(candidate),
                (FieldOperator::Set, None) => out.fields.entry(name.clone()).or_default().push(candidate),
                (FieldOperator::Append, None) => {
                    out.appends.entry(name.clone()).or_default().push(candidate);
                }
            }
        }
        SaidStatement::Use(fields, site) => {
            merge(fields, used, *site, out);
            if fields.failed {
                return Err(Stop);
            }
        }
        SaidStatement::UseMap(entries, site) => {
            for (name, value) in entries {
                let candidate =
                    Candidate { said: said.number, rank: used, value: value.clone(), site: *site };
                out.fields.entry(name.clone()).or_default().push(candidate);
            }
        }
        SaidStatement::Test(test) => out.tests.push(test.clone()),
        SaidStatement::Waive(waiver) => out.waivers.push(waiver.clone()),
        SaidStatement::Step(step) => out.steps.push(step.clone()),
    }
    Ok(())
}

/// Brings the fields that a `use` gives into a block.
fn merge(fields: &FieldSet, rank: Rank, site: Site, out: &mut Collected) {
    let candidate =
        |given: &Candidate| Candidate { said: given.said, rank, value: given.value.clone(), site };
    for (name, field) in &fields.fields {
        if let Some(value) = &field.value {
            out.fields.entry(name.clone()).or_default().push(candidate(value));
        }
        for (key, value) in &field.keys {
            out.keys.entry((name.clone(), Rc::clone(key))).or_default().push(candidate(value));
        }
        if !field.appends.is_empty() {
            let appends =
                field.appends.iter().map(|given| Candidate { site: given.site, ..candidate(given) });
            out.appends.entry(name.clone()).or_default().extend(appends);
        }
    }
    out.tests.extend(fields.tests.iter().cloned());
    out.waivers.extend(fields.waivers.iter().cloned());
    out.steps.extend(fields.steps.iter().cloned());
}
