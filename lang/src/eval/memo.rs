//! What was evaluated before. At points that agree on every axis that a statement reads it says the same, and a field
//! that the same statements set is the same: most of a recipe is evaluated once for all of its variants.

use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::fields::Said;
use super::point::{AxisValue, Point, PointKey};
use crate::syntax::ast::Statement;

/// What a statement said, by the point.
type AtPoints = BTreeMap<PointKey, Rc<Said>>;

/// Statements and fields that were evaluated before.
#[derive(Debug, Default)]
pub struct Memo {
    /// The axes read since a statement began, a bit for each.
    reads: u64,
    /// How many statements were evaluated.
    said: u32,
    /// By the statement's address in its program: the axes that it read, and what it said at the points on them.
    statements: BTreeMap<usize, Vec<(u64, AtPoints)>>,
    /// Fields in their final form, by what sets them.
    taken: BTreeMap<Vec<u64>, Arc<dyn Any + Send + Sync>>,
}

impl Memo {
    /// Notes that the value of an axis was read.
    pub fn read(&mut self, axis: &AxisValue) {
        self.reads |= axis.bit();
    }

    /// Begins to note anew, and gives what was noted so far.
    pub fn begin(&mut self) -> u64 {
        std::mem::take(&mut self.reads)
    }

    /// Goes on with these axes as those that were read.
    pub fn resume(&mut self, reads: u64) {
        self.reads = reads;
    }

    /// The axes noted.
    pub fn reads(&self) -> u64 {
        self.reads
    }

    /// A number that no statement has had.
    pub fn next(&mut self) -> u32 {
        self.said += 1;
        self.said
    }

    /// What the statement said at a point that is the same for it, with the axes it read.
    pub fn statement(&self, statement: &Statement, point: &Point) -> Option<(u64, Rc<Said>)> {
        let known = self.statements.get(&address(statement))?;
        known.iter().find_map(|(axes, by_key)| Some((*axes, by_key.get(&point.key(*axes)?)?.clone())))
    }

    /// Keeps what the statement said, having read `axes`.
    pub fn keep_statement(&mut self, statement: &Statement, axes: u64, point: &Point, said: Rc<Said>) {
        let Some(key) = point.key(axes) else { return };
        let known = self.statements.entry(address(statement)).or_default();
        let at = known.iter().position(|(read, _)| *read == axes).unwrap_or_else(|| {
            known.push((axes, AtPoints::new()));
            known.len() - 1
        });
        known[at].1.insert(key, said);
    }

    /// The field that is known by `key`.
    pub fn taken<T: Send + Sync + 'static>(&self, key: &[u64]) -> Option<Arc<T>> {
        self.taken.get(key)?.clone().downcast().ok()
    }

    /// Keeps a field.
    pub fn keep_taken<T: Send + Sync + 'static>(&mut self, key: Vec<u64>, taken: Arc<T>) {
        self.taken.insert(key, taken);
    }
}

/// Statements stay where they are for as long as their program.
fn address(statement: &Statement) -> usize {
    std::ptr::from_ref(statement).addr()
}
