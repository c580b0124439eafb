//! Fields as a block gives them, before the ranks of `use`, `=` and `when` are settled, and after.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::value::Value;
use crate::modules::Site;
use crate::recipe::{Step, Test, Waiver};
use crate::syntax::ast::FieldOperator;

/// The fields of a block after its ranks are settled: at most one value for a field, and what is appended.
#[derive(Debug, Clone, Default)]
pub struct FieldSet {
    /// By name.
    pub fields: BTreeMap<Rc<str>, Field>,
    /// Tests in source order, each with the place of its name.
    pub tests: Vec<Part<Test>>,
    /// Waivers in source order.
    pub waivers: Vec<Part<Waiver>>,
    /// Steps in source order, each with the place of its name.
    pub steps: Vec<Part<Step>>,
    /// Whether a mistake was reported, so that something may be missing.
    pub failed: bool,
}

/// One field.
#[derive(Debug, Clone, Default)]
pub struct Field {
    /// What sets it.
    pub value: Option<Candidate>,
    /// Keys that are replaced (`env.PATH = …`), in order of their names.
    pub keys: BTreeMap<Rc<str>, Candidate>,
    /// What `+=` appends, in source order.
    pub appends: Vec<Candidate>,
}

/// The rank of an assignment. The edition's default is below all of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// A `use`.
    Use,
    /// `=`.
    Set,
    /// A `use` in a `when`.
    UseWhen,
    /// `=` in a `when`.
    SetWhen,
}

impl Rank {
    /// The rank as a person would say it.
    pub fn describe(self) -> &'static str {
        match self {
            Rank::Use => "by `use`",
            Rank::Set => "by `=`",
            Rank::UseWhen => "by `use` in a `when`",
            Rank::SetWhen => "by `=` in a `when`",
        }
    }
}

impl Field {
    /// Adds to `key` what tells the field from what other statements give.
    pub fn identify(&self, key: &mut Vec<u64>) {
        let mut add = |part: u64, given: &Candidate| {
            let Site { file, span } = given.site;
            let span = u64::from(span.start) << 32 | u64::from(span.end);
            key.extend([
                part << 60 | (given.rank as u64) << 56 | u64::from(given.said),
                u64::from(file.0),
                span,
            ]);
        };
        self.value.iter().for_each(|given| add(1, given));
        self.keys.values().for_each(|given| add(2, given));
        self.appends.iter().for_each(|given| add(3, given));
    }
}

/// Something with a block of its own.
#[derive(Debug, Clone)]
pub struct Part<T> {
    /// The number of the statement's evaluation.
    pub said: u32,
    /// What it is.
    pub value: Rc<T>,
    /// The place of its name.
    pub site: Site,
}

/// What one statement says at a point.
#[derive(Debug)]
pub struct Said {
    /// The number of this evaluation.
    pub number: u32,
    /// What it says.
    pub statement: SaidStatement,
}

/// What a statement says.
#[derive(Debug)]
pub enum SaidStatement {
    /// Nothing for the fields.
    Nothing,
    /// An assignment.
    Field {
        /// The field.
        name: Rc<str>,
        /// Of a map's field: the one key.
        key: Option<Rc<str>>,
        /// `=` or `+=`.
        operator: FieldOperator,
        /// What it assigns.
        value: Value,
        /// The place of the field's name.
        site: Site,
    },
    /// A `use` of fields.
    Use(Rc<FieldSet>, Site),
    /// A `use` of a record.
    UseMap(Vec<(Rc<str>, Value)>, Site),
    /// Whether the block of a `when` holds.
    When(bool),
    /// A test.
    Test(Part<Test>),
    /// A waiver.
    Waive(Part<Waiver>),
    /// A step.
    Step(Part<Step>),
}

/// One assignment.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// The number of the evaluation that gave the value.
    pub said: u32,
    /// How strong it is.
    pub rank: Rank,
    /// What it assigns.
    pub value: Value,
    /// The place of the field's name, or of the `use`.
    pub site: Site,
}

/// What a block says, statement by statement.
#[derive(Debug, Default)]
pub struct Collected {
    /// Assignments of whole fields.
    pub fields: BTreeMap<Rc<str>, Vec<Candidate>>,
    /// Assignments of single keys.
    pub keys: BTreeMap<(Rc<str>, Rc<str>), Vec<Candidate>>,
    /// What is appended.
    pub appends: BTreeMap<Rc<str>, Vec<Candidate>>,
    /// Tests.
    pub tests: Vec<Part<Test>>,
    /// Waivers.
    pub waivers: Vec<Part<Waiver>>,
    /// Steps.
    pub steps: Vec<Part<Step>>,
    /// Whether a mistake was reported.
    pub failed: bool,
}

/// Two assignments of the same rank where one must win.
#[derive(Debug)]
pub struct Tie {
    /// The field, or `field.key`.
    pub field: String,
    /// The first.
    pub first: Site,
    /// The second.
    pub second: Site,
    /// Their rank.
    pub rank: Rank,
}

impl Collected {
    /// The settled fields, and the ties found on the way (the first of each tie stands).
    pub fn settle(self) -> (FieldSet, Vec<Tie>) {
        let (tests, waivers, steps, failed) = (self.tests, self.waivers, self.steps, self.failed);
        let mut set = FieldSet { tests, waivers, steps, failed, ..FieldSet::default() };
        let mut ties = Vec::new();
        for (name, candidates) in self.fields {
            let value = strongest(candidates, || name.to_string(), &mut ties);
            set.fields.entry(name).or_default().value = value;
        }
        for ((name, key), candidates) in self.keys {
            if let Some(value) = strongest(candidates, || format!("{name}.{key}"), &mut ties) {
                set.fields.entry(name).or_default().keys.insert(key, value);
            }
        }
        for (name, appends) in self.appends {
            set.fields.entry(name).or_default().appends = appends;
        }
        (set, ties)
    }
}

fn strongest(
    candidates: Vec<Candidate>,
    name: impl Fn() -> String,
    ties: &mut Vec<Tie>,
) -> Option<Candidate> {
    let rank = candidates.iter().map(|candidate| candidate.rank).max()?;
    let mut winner: Option<Candidate> = None;
    for candidate in candidates.into_iter().filter(|candidate| candidate.rank == rank) {
        match &winner {
            None => winner = Some(candidate),
            Some(first) => {
                ties.push(Tie { field: name(), first: first.site, second: candidate.site, rank });
            }
        }
    }
    winner
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Span;

    fn candidate(rank: Rank, text: &str, at: u32) -> Candidate {
        let site = Site { span: Span::new(at, at + 1), ..Site::default() };
        Candidate { said: 0, rank, value: Value::text(text, site), site }
    }

    #[test]
    fn the_highest_rank_wins_whatever_the_order() {
        let mut collected = Collected::default();
        collected.fields.insert(
            "title".into(),
            vec![
                candidate(Rank::UseWhen, "c", 3),
                candidate(Rank::Use, "a", 1),
                candidate(Rank::Set, "b", 2),
            ],
        );
        let (set, ties) = collected.settle();
        assert!(ties.is_empty());
        assert_eq!(set.fields["title"].value.as_ref().unwrap().value.interpolated().unwrap(), "c");
    }

    #[test]
    fn a_tie_at_the_winning_rank_is_named() {
        let mut collected = Collected::default();
        collected
            .fields
            .insert("title".into(), vec![candidate(Rank::Set, "a", 1), candidate(Rank::Set, "b", 2)]);
        collected.fields.insert(
            "cmd".into(),
            vec![candidate(Rank::Use, "a", 1), candidate(Rank::Use, "b", 2), candidate(Rank::Set, "c", 3)],
        );
        let (_, ties) = collected.settle();
        assert_eq!(ties.len(), 1);
        assert_eq!(
            (ties[0].field.as_str(), ties[0].first.span.start, ties[0].second.span.start),
            ("title", 1, 2)
        );
    }
}
