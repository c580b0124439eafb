//! The state of an evaluation: the program, what was found, what is left of the budget, and what was evaluated
//! before.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::budget::{Budget, Spent};
use super::edition::Shared;
use super::memo::Memo;
use super::point::{AxisTable, AxisValues, Point, PointKey, Points};
use super::value::Value;
use crate::Files;
use crate::check::definitions::{Definitions, Node};
use crate::modules::{FileId, Program, Report, Reports, Site};
use crate::recipe;

/// Evaluation cannot go on here; the reason is reported already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stop;

/// A value, or the end of this branch.
pub type Eval<T> = Result<T, Stop>;

/// What evaluates.
pub struct Machine<'p> {
    /// The files.
    pub program: &'p Program,
    /// What mentions what.
    pub definitions: &'p Definitions,
    /// Where key files are read from.
    pub files: &'p dyn Files,
    /// The axes of each file.
    pub axes: BTreeMap<FileId, Rc<AxisTable>>,
    /// The items that are referred to: their points.
    pub referred: BTreeSet<(Node, recipe::Point)>,
    /// What is wrong.
    pub reports: &'p mut Reports,
    /// What is left.
    pub budget: Budget,
    /// What the values of axes are known by.
    pub axis_values: AxisValues,
    /// What was evaluated before.
    pub memo: Memo,
    /// Values of `let`s, by definition and the point on the axes it varies over.
    pub lets: BTreeMap<(Node, PointKey), Eval<Value>>,
    /// The points of items.
    pub item_points: BTreeMap<Node, Eval<Rc<Points>>>,
    /// Further outputs of builds that something takes, each with the place of its name.
    pub outputs: Vec<(recipe::Content, Site)>,
    /// The images that others extend, each with the first place that says so.
    pub extended: BTreeMap<recipe::ImageUse, Site>,
    /// Where each build is declared, by its name in the evaluated recipe.
    pub build_sites: BTreeMap<String, Site>,
    /// What items share.
    pub shared: Shared,
}

/// What an expression can see.
#[derive(Debug, Clone)]
pub struct Scope {
    /// The file it stands in.
    pub file: FileId,
    /// The point.
    pub point: Rc<Point>,
    /// Parameters and variables.
    pub locals: Vec<(String, Value)>,
    /// What is evaluated, for messages: `image `hello``.
    pub subject: Rc<str>,
}

impl Scope {
    /// A scope without locals.
    pub fn new(file: FileId, point: Rc<Point>, subject: impl Into<Rc<str>>) -> Scope {
        Scope { file, point, locals: Vec::new(), subject: subject.into() }
    }

    /// The value of a parameter or variable.
    pub fn local(&self, name: &str) -> Option<&Value> {
        self.locals.iter().find(|(local, _)| local == name).map(|(_, value)| value)
    }
}

impl<'p> Machine<'p> {
    /// A machine that has evaluated nothing yet.
    pub fn new(
        program: &'p Program,
        definitions: &'p Definitions,
        files: &'p dyn Files,
        reports: &'p mut Reports,
    ) -> Machine<'p> {
        Machine {
            program,
            definitions,
            files,
            axes: BTreeMap::new(),
            referred: Default::default(),
            reports,
            budget: Default::default(),
            axis_values: Default::default(),
            memo: Default::default(),
            lets: BTreeMap::new(),
            item_points: BTreeMap::new(),
            outputs: Vec::new(),
            extended: BTreeMap::new(),
            build_sites: BTreeMap::new(),
            shared: Default::default(),
        }
    }

    /// Reports an error and stops.
    pub fn stop<T>(
        &mut self,
        code: &'static str,
        site: Site,
        message: impl Into<String>,
        help: &str,
    ) -> Eval<T> {
        self.reports.error(code, site, message).help(help);
        Err(Stop)
    }

    /// Reports an error, and goes on.
    pub fn error(&mut self, code: &'static str, site: Site, message: impl Into<String>) -> &mut Report {
        self.reports.error(code, site, message)
    }

    /// Takes steps of the budget.
    pub fn steps(&mut self, count: usize, site: Site) -> Eval<()> {
        self.budget.steps(count).map_err(|spent| self.spent(spent, site))
    }

    /// Takes bytes of the budget.
    pub fn bytes(&mut self, count: usize, site: Site) -> Eval<()> {
        self.budget.bytes(count).map_err(|spent| self.spent(spent, site))
    }

    /// Goes one level down.
    pub fn enter(&mut self, site: Site) -> Eval<()> {
        self.budget.enter().map_err(|spent| self.spent(spent, site))
    }

    /// Says once that the budget is spent.
    fn spent(&mut self, spent: Spent, site: Site) -> Stop {
        if !self.reports.has("hbuild::lang::budget") {
            let message = format!("the evaluation {}", spent.describe());
            self.reports
                .error("hbuild::lang::budget", site, message)
                .label("it was here when it was stopped")
                .help("make the table, the comprehension or the string smaller");
        }
        Stop
    }
}
