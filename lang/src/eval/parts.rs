//! Parts of items with blocks of their own: tests and waivers of an image, steps of a build.

use super::machine::{Eval, Machine, Scope, Stop};
use super::source::missing;
use super::take::Fields;
use crate::check::form::Form;
use crate::check::schema;
use crate::modules::Site;
use crate::recipe::{Step, Test, Waiver};
use crate::syntax::ast;

impl Machine<'_> {
    /// A test, with the place of its name.
    pub fn test(&mut self, test: &ast::Test, scope: &Scope) -> Eval<(Test, Site)> {
        let site = scope.file.site(test.name.span);
        let name = self.string(&test.name, scope)?.to_string();
        self.form(&name, Form::Line, site)?;
        let set = self.block(&test.block, scope);
        let item = format!("test \"{name}\"");
        let mut fields = Fields::new(self, set, schema::TEST, &item);
        let run = fields.plain("run");
        if run.is_empty() && !fields.failed {
            missing(&mut fields, &item, "run", site);
        }
        let (stdout, stderr) = (fields.expectation("stdout"), fields.expectation("stderr"));
        let status = fields.int("status").and_then(|status| i32::try_from(status).ok()).unwrap_or(0);
        if fields.failed {
            return Err(Stop);
        }
        Ok((Test { name, run, stdout, stderr, status, place: self.program.place(site) }, site))
    }

    /// A waiver.
    pub fn waiver(&mut self, waive: &ast::Waive, scope: &Scope) -> Eval<Waiver> {
        let site = scope.file.site(waive.rule.span);
        let rule = waive.rule.text.clone();
        self.form(&rule, Form::Word, site)?;
        let set = self.block(&waive.block, scope);
        let item = format!("waiver of `{rule}`");
        let mut fields = Fields::new(self, set, schema::WAIVER, &item);
        if !fields.has("because") && !fields.failed {
            missing(&mut fields, &item, "because", site);
        }
        let (paths, because) = (fields.plain("paths"), fields.text("because"));
        let because = because.filter(|_| !fields.failed).ok_or(Stop)?;
        Ok(Waiver { rule, paths, because, place: self.program.place(site) })
    }

    /// A step, with the place of its name.
    pub fn step(&mut self, step: &ast::Step, scope: &Scope) -> Eval<(Step, Site)> {
        let site = scope.file.site(step.name.span);
        let name = String::from(&*self.string(&step.name, scope)?);
        self.form(&name, Form::Line, site)?;
        let set = self.block(&step.block, scope);
        let item = format!("step \"{name}\"");
        let mut fields = Fields::new(self, set, schema::STEP, &item);
        if !fields.has("script") && !fields.failed {
            missing(&mut fields, &item, "script", site);
        }
        let (dir, env, script) = (fields.text("dir"), fields.map("env"), fields.text("script"));
        let script = script.filter(|_| !fields.failed).ok_or(Stop)?;
        Ok((Step { name, env, dir, script, place: self.program.place(site) }, site))
    }
}
