//! The members of two archives, whatever their format.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::{Budget, compare};
use crate::audit::diff::report::{Cause, Change, Part};
use crate::timestamp::Timestamp;

/// A member of an archive.
pub struct Member<'a> {
    /// Its name.
    pub name: String,
    /// Modification time as the archive has it.
    pub time: Time,
    /// What else the archive says of it.
    pub fields: Vec<(&'static str, String)>,
    /// Its content.
    pub content: Cow<'a, [u8]>,
}

/// A time of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Time {
    /// Seconds since 1970.
    Seconds(i64),
    /// A local time, in a zone that nobody knows.
    Local(String),
}

impl std::fmt::Display for Time {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Seconds(seconds) => write!(out, "{}", Timestamp(*seconds)),
            Self::Local(text) => out.write_str(text),
        }
    }
}

/// Members by name, and the number of those of that name before.
type ByName<'a, 'b> = BTreeMap<(&'b str, usize), &'b Member<'a>>;

/// Says in `part` in what the members differ: their order, and each by itself.
pub fn compare_members(part: &mut Part, left: &[Member<'_>], right: &[Member<'_>], budget: &mut Budget) {
    let ((one, one_order), (other, other_order)) = (by_name(left), by_name(right));
    let common = |order: &[(&str, usize)], there: &ByName<'_, '_>| -> Vec<(String, usize)> {
        let order = order.iter().filter(|key| there.contains_key(*key));
        order.map(|(name, number)| ((*name).to_owned(), *number)).collect()
    };
    let orders = (common(&one_order, &other), common(&other_order, &one));
    if orders.0 != orders.1 {
        part.cause(Cause::MemberOrder);
        let shown = |order: &[(String, usize)]| {
            let from = orders.0.iter().zip(&orders.1).take_while(|(one, other)| one == other).count();
            order[from..].iter().take(4).map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
        };
        part.field("order", Some(shown(&orders.0)), Some(shown(&orders.1)));
    }
    let only = other_order.iter().filter(|key| !one.contains_key(*key));
    for key in one_order.iter().chain(only) {
        let Some(inner) = member(one.get(key).copied(), other.get(key).copied(), part, budget) else {
            continue;
        };
        if budget.parts == 0 {
            part.more += 1;
        } else {
            budget.parts -= 1;
            part.parts.push(inner);
        }
    }
}

fn by_name<'a, 'b>(members: &'b [Member<'a>]) -> (ByName<'a, 'b>, Vec<(&'b str, usize)>) {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut found, mut order) = (BTreeMap::new(), Vec::new());
    for member in members {
        let count = counts.entry(&member.name).or_default();
        found.insert((member.name.as_str(), *count), member);
        order.push((member.name.as_str(), *count));
        *count += 1;
    }
    (found, order)
}

/// What differs of one member, if anything does.
fn member(
    left: Option<&Member<'_>>,
    right: Option<&Member<'_>>,
    archive: &mut Part,
    budget: &mut Budget,
) -> Option<Part> {
    let name = &left.or(right)?.name;
    let label = format!("member {name}");
    let (Some(left), Some(right)) = (left, right) else {
        let mut part = Part::new(label, "", Change::of(left.is_some(), right.is_some()));
        let size = |member: Option<&Member<'_>>| Some(member?.content.len().to_string());
        part.field("size", size(left), size(right));
        return Some(part);
    };
    let file = name.rsplit('/').next().unwrap_or_default();
    let mut part = match left.content == right.content {
        true => Part::new(label, "", Change::Changed),
        // Where the budget is spent, that it differs is all that is said.
        false if budget.parts == 0 => return Some(Part::new(label, "", Change::Changed)),
        false => compare(file, &label, &left.content, &right.content, budget),
    };
    if left.time != right.time {
        let (one, other) = (left.time.to_string(), right.time.to_string());
        part.field("time", Some(one.clone()), Some(other.clone()));
        // Once for the whole archive: where one member has another time, most have.
        if !archive.causes.iter().any(|cause| matches!(cause, Cause::Time { .. })) {
            archive.cause(Cause::Time { left: one, right: other });
        }
    }
    let mut names: Vec<&str> = left.fields.iter().chain(&right.fields).map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let value = |member: &Member<'_>| {
            member.fields.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone())
        };
        part.field(name, value(left), value(right));
    }
    let differs = left.content != right.content || !part.fields.is_empty();
    differs.then_some(part)
}
