//! Values: what an expression gives at one point of the axes. Each knows where it was written.

use std::rc::Rc;

use super::fields::FieldSet;
use super::version::Version;
use crate::modules::Site;
use crate::recipe::{
    Arch, Content, ContentKind, Distro, Expectation, Family, Flavor, ImageUse, PathRule, Repository, Resolve,
};

/// A value with its place. A value that passes through a `let` keeps the place of its literal.
#[derive(Debug, Clone)]
pub struct Value {
    /// What it is.
    pub kind: Kind,
    /// Where it was written.
    pub site: Site,
}

/// The kinds of values.
#[derive(Debug, Clone)]
pub enum Kind {
    /// `none`, a value that is absent.
    None,
    /// What stands where an element of a list or record had a mistake, which is reported.
    Invalid,
    /// A condition.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A string.
    Text(Rc<str>),
    /// `version("3.10")`.
    Version(Version),
    /// `debian("13")`.
    Distro(Distro),
    /// `debian` alone, for `is` and patterns.
    Family(Family),
    /// `amd64`.
    Arch(Arch),
    /// `dev`.
    Flavor(Flavor),
    /// A list.
    List(Rc<Vec<Value>>),
    /// A map or record.
    Map(Rc<Map>),
    /// `file(…)` and the like.
    Rule(Rc<PathRule>),
    /// `contains(…)`, `equals(…)`.
    Expectation(Rc<Expectation>),
    /// `full`, `listed`.
    Resolve(Resolve),
    /// `any`.
    AnyArch,
    /// `loopback`.
    Loopback,
    /// A source or build, perhaps with `.at(…)` and the like.
    Content(Rc<Content>),
    /// An image, to be extended.
    Image(Rc<ImageUse>),
    /// A package repository.
    Repository(Rc<Repository>),
    /// What a function with a block returns.
    Fields(Rc<FieldSet>),
}

/// Entries of a map or record in the order written.
#[derive(Debug, Clone, Default)]
pub struct Map {
    /// The entries.
    pub entries: Vec<MapEntry>,
    /// The label of the axis value that this row of a table is.
    pub label: Option<Rc<str>>,
}

/// One entry of a map.
#[derive(Debug, Clone)]
pub struct MapEntry {
    /// Its key.
    pub key: Rc<str>,
    /// Where the key stands.
    pub site: Site,
    /// Its value.
    pub value: Value,
}

impl Map {
    /// The value at `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().find(|entry| &*entry.key == key).map(|entry| &entry.value)
    }

    /// The keys in the order written.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| &*entry.key)
    }
}

impl Value {
    /// A string.
    pub fn text(text: &str, site: Site) -> Value {
        Value { kind: Kind::Text(text.into()), site }
    }

    /// A list.
    pub fn list(elements: Vec<Value>, site: Site) -> Value {
        Value { kind: Kind::List(Rc::new(elements)), site }
    }

    /// What kind of value it is, for messages.
    pub fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::None => "`none`",
            Kind::Invalid => "a mistake",
            Kind::Bool(_) => "a condition",
            Kind::Int(_) => "a number",
            Kind::Text(_) => "a string",
            Kind::Version(_) => "a version",
            Kind::Distro(_) => "a distro",
            Kind::Family(_) => "a distro without release",
            Kind::Arch(_) => "an architecture",
            Kind::Flavor(_) => "a flavor",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
            Kind::Rule(_) => "a path rule",
            Kind::Expectation(_) => "an expectation",
            Kind::Resolve(_) => "a way to resolve",
            Kind::AnyArch => "any architecture",
            Kind::Loopback => "a network",
            Kind::Content(content) if content.kind == ContentKind::Build => "a build",
            Kind::Content(_) => "a source",
            Kind::Image(_) => "an image",
            Kind::Repository(_) => "a repository",
            Kind::Fields(_) => "fields",
        }
    }

    /// The text it has in `{{ }}`; `None` for what does not interpolate.
    pub fn interpolated(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(text) => Some(String::from(&**text)),
            Kind::Int(number) => Some(number.to_string()),
            Kind::Version(version) => Some(version.to_string()),
            _ => None,
        }
    }

    /// The label it has as a value of an axis; `None` for what needs a key to have one.
    pub fn label(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(text) => Some(String::from(&**text)),
            Kind::Int(number) => Some(number.to_string()),
            Kind::Version(version) => Some(version.to_string()),
            Kind::Distro(distro) => Some(distro.to_string()),
            Kind::Arch(arch) => Some(arch.to_string()),
            Kind::Flavor(flavor) => Some(flavor.to_string()),
            Kind::Map(map) => map.label.as_deref().map(str::to_owned),
            _ => None,
        }
    }

    /// Whether two values are equal; `None` where their kinds cannot be compared. `none` compares with all, a row of
    /// a table that is an axis with its label, and what had a mistake is like everything.
    pub fn equals(&self, other: &Value) -> Option<bool> {
        Some(match (&self.kind, &other.kind) {
            (Kind::Invalid, _) | (_, Kind::Invalid) => true,
            (Kind::None, Kind::None) => true,
            (Kind::None, _) | (_, Kind::None) => false,
            (Kind::Bool(left), Kind::Bool(right)) => left == right,
            (Kind::Int(left), Kind::Int(right)) => left == right,
            (Kind::Text(left), Kind::Text(right)) => left == right,
            (Kind::Version(left), Kind::Version(right)) => left == right,
            (Kind::Distro(left), Kind::Distro(right)) => left == right,
            (Kind::Arch(left), Kind::Arch(right)) => left == right,
            (Kind::Flavor(left), Kind::Flavor(right)) => left == right,
            (Kind::Resolve(left), Kind::Resolve(right)) => left == right,
            (Kind::AnyArch, Kind::AnyArch) | (Kind::Loopback, Kind::Loopback) => true,
            (Kind::Rule(left), Kind::Rule(right)) => left == right,
            (Kind::Expectation(left), Kind::Expectation(right)) => left == right,
            (Kind::Content(left), Kind::Content(right)) => left == right,
            (Kind::Image(left), Kind::Image(right)) => left == right,
            (Kind::Repository(left), Kind::Repository(right)) => left == right,
            (Kind::List(left), Kind::List(right)) => {
                left.len() == right.len()
                    && left.iter().zip(right.iter()).all(|(l, r)| l.equals(r) == Some(true))
            }
            (Kind::Map(row), Kind::Text(label)) | (Kind::Text(label), Kind::Map(row)) => {
                row.label.as_ref()? == label
            }
            (Kind::Map(left), Kind::Map(right)) => {
                left.entries.len() == right.entries.len()
                    && left.entries.iter().all(|entry| {
                        right.get(&entry.key).is_some_and(|value| entry.value.equals(value) == Some(true))
                    })
            }
            _ => return None,
        })
    }
}
