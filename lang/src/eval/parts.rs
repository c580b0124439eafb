//! Parts of an image with blocks of their own: tests and waivers.

use super::machine::{Eval, Machine, Scope, Stop};
use super::source::missing;
use super::take::Fields;
use crate::check::form::Form;
use crate::check::schema;
use crate::recipe::{Test, Waiver};
use crate::syntax::ast;

impl Machine<'_> {
    /// A test.
    pub fn test(&mut self, test: &ast::Test, scope: &Scope) -> Eval<Test> {
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
        Ok(Test { name, run, stdout, stderr, status, place: self.program.place(site) })
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
}
