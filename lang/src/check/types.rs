//! Types, inferred: how a value may be used, before there is a value.

use std::collections::BTreeMap;
use std::fmt;

use super::schema::Shape;

/// The type of an expression.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    /// Not known: a mistake was reported, or a parameter that nothing calls.
    Unknown,
    /// `none` alone.
    None,
    /// A condition.
    Bool,
    /// A whole number.
    Int,
    /// A string.
    Text,
    /// A version.
    Version,
    /// A distro.
    Distro,
    /// A distro's name without release.
    Family,
    /// An architecture.
    Arch,
    /// A flavor.
    Flavor,
    /// A list of one type.
    List(Box<Type>),
    /// A map from strings to one type.
    Map(Box<Type>),
    /// A record. A row of a table that is an axis also has a label.
    Record {
        /// Its fields.
        fields: BTreeMap<String, Type>,
        /// Whether it is the value of an axis.
        row: bool,
    },
    /// The type, or `none`.
    Optional(Box<Type>),
    /// A path rule.
    Rule,
    /// What a stream of a test must hold.
    Expectation,
    /// `full`, `listed`.
    Resolve,
    /// A source.
    Source,
    /// A build, or an output of one.
    Build,
    /// A source or a build.
    Content,
    /// A package, source or build: what `tools` holds.
    Input,
    /// `any`.
    AnyArch,
    /// `loopback`.
    Network,
    /// An image.
    Image,
    /// A repository.
    Repository,
    /// The fields of a function with a block.
    Fields,
}

use Type::{Expectation, Int, List, Map, Optional, Record, Text, Unknown, Version};

impl Type {
    /// The type without `none`.
    pub fn present(&self) -> &Type {
        match self {
            Optional(inner) => inner,
            other => other,
        }
    }

    /// How many types it is made of, counted up to `limit`.
    pub fn size(&self, limit: u32) -> u32 {
        let inside = match self {
            List(inner) | Map(inner) | Optional(inner) => inner.size(limit),
            Record { fields, .. } => {
                let add = |sum: u32, field: &Type| {
                    let sum = sum + field.size(limit);
                    if sum >= limit { Err(limit) } else { Ok(sum) }
                };
                fields.values().try_fold(0, add).unwrap_or_else(|limit| limit)
            }
            _ => 0,
        };
        (inside + 1).min(limit)
    }

    /// The one type of both, or `None` where there is none.
    pub fn unify(&self, other: &Type) -> Option<Type> {
        Some(match (self, other) {
            (Unknown, known) | (known, Unknown) => known.clone(),
            (Type::None, Type::None) => Type::None,
            (Type::None, Optional(inner)) | (Optional(inner), Type::None) => Optional(inner.clone()),
            (Type::None, known) | (known, Type::None) => Optional(Box::new(known.clone())),
            (Optional(left), Optional(right)) => Optional(Box::new(left.unify(right)?)),
            (Optional(inner), known) | (known, Optional(inner)) => Optional(Box::new(inner.unify(known)?)),
            (List(left), List(right)) => List(Box::new(left.unify(right)?)),
            (Map(left), Map(right)) => Map(Box::new(left.unify(right)?)),
            (Map(values), Record { fields, .. }) | (Record { fields, .. }, Map(values)) => {
                let mut all = values.as_ref().clone();
                for field in fields.values() {
                    all = all.unify(field)?;
                }
                Map(Box::new(all))
            }
            (Record { fields: left, row }, Record { fields: right, row: other }) => {
                if !left.keys().eq(right.keys()) {
                    return None;
                }
                let mut fields = BTreeMap::new();
                for ((name, left), right) in left.iter().zip(right.values()) {
                    fields.insert(name.clone(), left.unify(right)?);
                }
                Record { fields, row: *row && *other }
            }
            (left, right) if left == right => left.clone(),
            (left, right) if left.is_content() && right.is_content() => Type::Content,
            (left, right) if left.is_input() && right.is_input() => Type::Input,
            _ => return None,
        })
    }

    /// Whether two values of these types can be compared with `==`.
    pub fn compares(&self, other: &Type) -> bool {
        match (self.present(), other.present()) {
            (Type::None, _) | (_, Type::None) => true,
            (Text, kind) | (kind, Text) if *kind != Text && kind.is_input() => false,
            (Record { row: true, .. }, Text) | (Text, Record { row: true, .. }) => true,
            (Record { .. } | Map(_), Record { .. } | Map(_)) => true,
            (left, right) => left.unify(right).is_some() && !matches!((left, right), (Type::Family, _)),
        }
    }

    /// Whether a field of this shape takes it.
    pub fn fits(&self, shape: Shape) -> bool {
        let text = |kind: &Type| matches!(kind.present(), Text | Version | Unknown | Type::None);
        let texts = |kind: &Type| matches!(kind, List(element) if text(element));
        match (self.present(), shape) {
            (Unknown | Type::None, _) => true,
            (kind, Shape::Text(_) | Shape::Version) => text(kind),
            (kind, Shape::Texts(_)) => texts(kind),
            (kind, Shape::TextOrTexts(_)) => text(kind) || texts(kind),
            (kind, Shape::Map(..)) => kind.values(&|value| text(value)),
            (kind, Shape::Records(..)) => {
                kind.values(&|value| matches!(value.present(), Record { .. } | Map(_) | Unknown | Type::None))
            }
            (kind, Shape::Rules) => {
                kind.values(&|value| matches!(value.present(), Type::Rule | Unknown | Type::None))
            }
            (List(element), Shape::Contents) => element.present().is_content() || **element == Unknown,
            (List(element), Shape::Repositories) => matches!(element.present(), Type::Repository | Unknown),
            (kind, Shape::Image) => *kind == Type::Image,
            (kind, Shape::Resolve) => *kind == Type::Resolve,
            (List(element), Shape::Inputs) => element.present().is_input() || **element == Unknown,
            (kind, Shape::Source) => matches!(kind, Type::Source | Type::Content),
            (kind, Shape::Sources(_)) => kind.values(&|value| {
                matches!(value.present(), Type::Source | Type::Content | Unknown | Type::None)
            }),
            (kind, Shape::Distro) => *kind == Type::Distro,
            (kind, Shape::AnyArch) => *kind == Type::AnyArch,
            (kind, Shape::Network) => *kind == Type::Network,
            (kind, Shape::Bool) => *kind == Type::Bool,
            (kind, Shape::Int(..)) => *kind == Int,
            (kind, Shape::Expectation) => matches!(kind, Expectation | Text),
            _ => false,
        }
    }

    /// Whether it can stand in `contents`.
    fn is_content(&self) -> bool {
        matches!(self, Type::Source | Type::Build | Type::Content)
    }

    /// Whether it can stand in `tools`.
    fn is_input(&self) -> bool {
        matches!(self, Text | Type::Input) || self.is_content()
    }

    /// Whether it is a map or a record whose values all pass.
    fn values(&self, passes: &dyn Fn(&Type) -> bool) -> bool {
        match self {
            Map(value) => passes(value),
            Record { fields, .. } => fields.values().all(passes),
            _ => false,
        }
    }
}

impl fmt::Display for Type {
    /// The type as a message says it: `a list of strings`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            List(element) => return write!(out, "a list of {}", plural(element)),
            Map(value) => return write!(out, "a map of {}", plural(value)),
            Optional(inner) => return write!(out, "{inner} or `none`"),
            _ => {}
        }
        out.write_str(match self {
            Unknown => "a value",
            Type::None => "`none`",
            Type::Bool => "a condition",
            Int => "a number",
            Text => "a string",
            Version => "a version",
            Type::Distro => "a distro",
            Type::Family => "a distro without release",
            Type::Arch => "an architecture",
            Type::Flavor => "a flavor",
            Record { .. } => "a record",
            Type::Rule => "a path rule",
            Expectation => "an expectation",
            Type::Resolve => "a way to resolve",
            Type::Source => "a source",
            Type::Build => "a build",
            Type::Content => "a source or build",
            Type::Input => "a package or content",
            Type::AnyArch => "any architecture",
            Type::Network => "a network",
            Type::Image => "an image",
            Type::Repository => "a repository",
            _ => "fields",
        })
    }
}

fn plural(kind: &Type) -> String {
    match kind.present() {
        Unknown => "values".to_owned(),
        Type::None => "`none`".to_owned(),
        List(_) => "lists".to_owned(),
        Type::Content => "sources and builds".to_owned(),
        Type::Input => "packages and contents".to_owned(),
        Map(_) => "maps".to_owned(),
        other => {
            let single = other.to_string();
            let noun = single.trim_start_matches("a ").trim_start_matches("an ").to_owned();
            match noun.strip_suffix('y') {
                Some(stem) => format!("{stem}ies"),
                None if noun.ends_with('s') => noun,
                None => format!("{noun}s"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::form::Form;
    use super::*;

    fn record(fields: &[(&str, Type)]) -> Type {
        let fields = fields.iter().map(|(name, kind)| ((*name).to_owned(), kind.clone())).collect();
        Record { fields, row: false }
    }

    #[test]
    fn none_makes_a_column_optional() {
        let one = record(&[("sha", Text), ("v", Version)]);
        let two = record(&[("sha", Type::None), ("v", Version)]);
        let both = one.unify(&two).unwrap();
        assert_eq!(both, record(&[("sha", Optional(Box::new(Text))), ("v", Version)]));
        assert_eq!(both.unify(&one), Some(both.clone()));
        assert_eq!(one.unify(&record(&[("v", Version)])), None);
        assert_eq!(Text.unify(&Int), None);
    }

    #[test]
    fn shapes() {
        let texts = List(Box::new(Text));
        assert!(texts.fits(Shape::Texts(Form::Any)) && !texts.fits(Shape::Text(Form::Any)));
        assert!(record(&[("A", Text)]).fits(Shape::Map(Form::Any, Form::Any)));
        assert!(!record(&[("A", Int)]).fits(Shape::Map(Form::Any, Form::Any)));
        assert!(List(Box::new(Unknown)).fits(Shape::Contents) && !texts.fits(Shape::Contents));
    }

    #[test]
    fn names_of_types() {
        assert_eq!(List(Box::new(Text)).to_string(), "a list of strings");
        assert_eq!(Map(Box::new(Type::Repository)).to_string(), "a map of repositories");
    }
}
