//! Blocks: their statements at one point, and the ranks of what they assign.

use std::rc::Rc;

use super::fields::{Candidate, Collected, FieldSet, Rank};
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
            let done = match statement {
                Statement::For(_) => Ok(()),
                Statement::Field(field) => self.field(field, scope, when, out),
                Statement::Use(item) => self.use_statement(item, scope, when, out),
                Statement::When(item) => match self.condition(&item.condition, scope) {
                    Ok(true) => self.statements(&item.block, scope, true, out),
                    Ok(false) => Ok(()),
                    Err(stop) => Err(stop),
                },
                Statement::Test(test) => self.test(test, scope).map(|test| out.tests.push(test)),
                Statement::Waive(waive) => self.waiver(waive, scope).map(|waiver| out.waivers.push(waiver)),
                Statement::Step(step) => self.step(step, scope).map(|step| out.steps.push(step)),
            };
            whole = whole.and(done);
            if self.budget.is_spent() {
                return Err(Stop);
            }
        }
        whole
    }

    fn field(&mut self, field: &ast::Field, scope: &Scope, when: bool, out: &mut Collected) -> Eval<()> {
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
        let rank = if when { Rank::SetWhen } else { Rank::Set };
        let candidate = Candidate { rank, value, site };
        match (field.operator, key) {
            (FieldOperator::Set, None) => out.fields.entry(name.clone()).or_default().push(candidate),
            (FieldOperator::Set, Some(key)) => {
                out.keys.entry((name.clone(), key)).or_default().push(candidate);
            }
            (FieldOperator::Append, None) => {
                out.appends.entry(name.clone()).or_default().push(candidate);
            }
            (FieldOperator::Append, Some(_)) => {
                let help = "write `field += { key = … }`, or `field.key = …` to replace one";
                return self.stop("hbuild::lang::bad_field", site, "`+=` adds to a whole field", help);
            }
        }
        Ok(())
    }

    fn use_statement(&mut self, item: &ast::Use, scope: &Scope, when: bool, out: &mut Collected) -> Eval<()> {
        let site = scope.file.site(item.span);
        let value = self.eval(&item.value, scope)?;
        let rank = if when { Rank::UseWhen } else { Rank::Use };
        match &value.kind {
            Kind::Fields(fields) => {
                merge(fields, rank, site, out);
                if fields.failed {
                    return Err(Stop);
                }
            }
            Kind::Map(map) => {
                for entry in &map.entries {
                    let candidate = Candidate { rank, value: entry.value.clone(), site };
                    out.fields.entry(entry.key.to_string()).or_default().push(candidate);
                }
            }
            _ => return self.wrong_type(scope.file.site(item.value.span), "a record of fields", &value),
        }
        Ok(())
    }
}

/// Brings the fields that a `use` gives into a block.
fn merge(fields: &FieldSet, rank: Rank, site: Site, out: &mut Collected) {
    let candidate = |given: &Candidate| Candidate { rank, value: given.value.clone(), site };
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
