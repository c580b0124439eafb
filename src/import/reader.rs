//! Reading a tree field by field. Every node that is read is marked, so that what nobody read can be told.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::remark::{Problem, ProblemKind, Remark, RemarkKind};
use super::yaml::{Kind, Mark, Node, State};

/// A text of a file with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Str {
    /// The text.
    pub value: String,
    /// Where it stands.
    pub mark: Mark,
    /// The field.
    pub field: Rc<str>,
}

/// A node with the way to it.
#[derive(Debug, Clone)]
pub struct At<'n> {
    /// The node.
    pub node: &'n Node,
    /// The field: `contents.packages[3]`.
    pub field: Rc<str>,
}

/// The texts of a file as they are taken, with what is to be said of them.
pub struct Reader {
    /// The file.
    pub file: String,
    problems: RefCell<Vec<Problem>>,
    remarks: RefCell<Vec<Remark>>,
    known: RefCell<BTreeSet<String>>,
}

impl<'n> At<'n> {
    /// The root of a document.
    pub fn root(node: &'n Node) -> Self {
        At { node, field: "".into() }
    }

    /// A value of a map.
    fn below(&self, key: &str, node: &'n Node) -> Self {
        let field = if self.field.is_empty() { key.to_owned() } else { format!("{}.{key}", self.field) };
        At { node, field: field.into() }
    }

    fn element(&self, index: usize, node: &'n Node) -> Self {
        At { node, field: format!("{}[{index}]", self.field).into() }
    }
}

impl Reader {
    /// A reader of the file.
    pub fn new(file: &str) -> Self {
        Self {
            file: file.to_owned(),
            problems: RefCell::default(),
            remarks: RefCell::default(),
            known: RefCell::default(),
        }
    }

    /// What is wrong, and what is to be said, in the order it was found.
    pub fn finish(self) -> (Vec<Problem>, Vec<Remark>) {
        (self.problems.into_inner(), self.remarks.into_inner())
    }

    /// Reports something wrong at a place.
    pub fn problem(&self, mark: Mark, message: impl Into<String>) {
        self.problems.borrow_mut().push(Problem {
            file: self.file.clone(),
            line: mark.line,
            column: mark.column,
            kind: ProblemKind::Schema,
            message: message.into(),
        });
    }

    /// Reports that a node, with all below it, is not carried over.
    pub fn left_out(&self, at: &At<'_>, reason: &str) {
        at.node.done();
        self.remark(RemarkKind::LeftOut, at.node.mark, &at.field, at.node.flow(), reason);
    }

    fn remark(&self, kind: RemarkKind, mark: Mark, field: &str, value: String, reason: &str) {
        self.remarks.borrow_mut().push(Remark {
            kind,
            file: self.file.clone(),
            line: mark.line,
            column: mark.column,
            field: field.to_owned(),
            value,
            reason: reason.to_owned(),
            item: String::new(),
        });
    }

    fn wrong(&self, at: &At<'_>, wanted: &str) {
        let found = match &at.node.kind {
            Kind::Scalar { .. } if at.node.is_null() => "nothing".to_owned(),
            Kind::Scalar { text, .. } => format!("`{text}`"),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        };
        let field = if at.field.is_empty() { "the file".to_owned() } else { format!("`{}`", at.field) };
        at.node.done();
        self.problem(at.node.mark, format!("{field} takes {wanted}, and this is {found}"));
    }

    /// The value of a key of a map, a key that the format has.
    pub fn get<'n>(&self, at: &At<'n>, key: &str) -> Option<At<'n>> {
        let found = at.node.get(key).map(|node| at.below(key, node))?;
        self.known.borrow_mut().insert(found.field.to_string());
        if found.node.is_null() {
            found.node.done();
            return None;
        }
        Some(found)
    }

    /// Checks that the node is a map.
    pub fn is_map(&self, at: &At<'_>) -> bool {
        let is = matches!(at.node.kind, Kind::Map(_));
        if !is {
            self.wrong(at, "a map");
        }
        at.node.state.set(State::Done);
        is
    }

    /// The entries of a map whose keys are free.
    pub fn entries<'n>(&self, at: &At<'n>) -> Vec<(Str, At<'n>)> {
        let Kind::Map(map) = &at.node.kind else {
            self.wrong(at, "a map");
            return Vec::new();
        };
        let entry = |(key, node): &'n (super::yaml::Key, Node)| {
            let below = at.below(&key.text, node);
            self.known.borrow_mut().insert(below.field.to_string());
            (Str { value: key.text.clone(), mark: key.mark, field: below.field.clone() }, below)
        };
        map.iter().map(entry).collect()
    }

    /// The elements of a list at a key.
    pub fn list<'n>(&self, at: &At<'n>, key: &str) -> Vec<At<'n>> {
        let Some(found) = self.get(at, key) else { return Vec::new() };
        self.elements(&found)
    }

    /// The elements of a list.
    pub fn elements<'n>(&self, at: &At<'n>) -> Vec<At<'n>> {
        let Kind::List(list) = &at.node.kind else {
            self.wrong(at, "a list");
            return Vec::new();
        };
        list.iter().enumerate().map(|(index, node)| at.element(index, node)).collect()
    }

    /// The text of a node.
    pub fn str(&self, at: &At<'_>) -> Option<Str> {
        match &at.node.kind {
            Kind::Scalar { text, .. } if !at.node.is_null() => {
                at.node.state.set(State::Done);
                Some(Str { value: text.clone(), mark: at.node.mark, field: at.field.clone() })
            }
            _ => {
                self.wrong(at, "a text");
                None
            }
        }
    }

    /// The text at a key.
    pub fn text(&self, at: &At<'_>, key: &str) -> Option<Str> {
        self.str(&self.get(at, key)?)
    }

    /// The texts of a list at a key; `None` where there is no such key.
    pub fn texts(&self, at: &At<'_>, key: &str) -> Option<Vec<Str>> {
        let found = self.get(at, key)?;
        Some(self.elements(&found).iter().filter_map(|element| self.str(element)).collect())
    }

    /// The map of texts at a key.
    pub fn map(&self, at: &At<'_>, key: &str) -> Vec<(Str, Str)> {
        let Some(found) = self.get(at, key) else { return Vec::new() };
        let text = |(key, value): (Str, At<'_>)| {
            if value.node.is_null() {
                value.node.done();
                return Some((key, Str { value: String::new(), mark: value.node.mark, field: value.field }));
            }
            Some((key, self.str(&value)?))
        };
        self.entries(&found).into_iter().filter_map(text).collect()
    }

    /// `true` or `false` at a key.
    pub fn flag(&self, at: &At<'_>, key: &str) -> Option<bool> {
        let found = self.get(at, key)?;
        found.node.state.set(State::Done);
        if let Kind::Scalar { text, plain: true } = &found.node.kind {
            match text.as_str() {
                "true" | "True" | "TRUE" => return Some(true),
                "false" | "False" | "FALSE" => return Some(false),
                _ => {}
            }
        }
        self.wrong(&found, "`true` or `false`");
        None
    }

    /// A whole number at a key.
    pub fn number(&self, at: &At<'_>, key: &str) -> Option<(u32, Str)> {
        let found = self.get(at, key)?;
        let Kind::Scalar { text, plain: true } = &found.node.kind else {
            self.wrong(&found, "a whole number");
            return None;
        };
        found.node.state.set(State::Done);
        let parsed = match text.strip_prefix("0o").or_else(|| text.strip_prefix("0x")) {
            Some(digits) => u32::from_str_radix(digits, if text.starts_with("0x") { 16 } else { 8 }).ok(),
            None => text.parse().ok().filter(|number| *number < u32::MAX),
        };
        if parsed.is_none() {
            self.wrong(&found, "a whole number");
        }
        let text = Str { value: text.clone(), mark: found.node.mark, field: found.field.clone() };
        parsed.map(|number| (number, text))
    }

    /// Reports every node that nobody read.
    pub fn unread(&self, at: &At<'_>) {
        let empty = match &at.node.kind {
            Kind::Scalar { .. } => true,
            Kind::List(list) => list.is_empty() && !self.known.borrow().contains(&*at.field),
            Kind::Map(map) => map.is_empty() && !self.known.borrow().contains(&*at.field),
        };
        match &at.node.kind {
            _ if empty && at.node.state.get() == State::Unread => {
                let reason = match self.known.borrow().contains(&*at.field) {
                    true => "hbuild has nothing like it",
                    false => "the format has no such field",
                };
                self.remark(RemarkKind::LeftOut, at.node.mark, &at.field, at.node.flow(), reason);
            }
            Kind::Scalar { .. } => {}
            Kind::List(list) => {
                list.iter().enumerate().for_each(|(index, node)| self.unread(&at.element(index, node)));
            }
            Kind::Map(map) => map.iter().for_each(|(key, node)| self.unread(&at.below(&key.text, node))),
        }
    }
}
