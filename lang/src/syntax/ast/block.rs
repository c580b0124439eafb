//! Blocks: what stands between the braces of an item, a `when`, a `step`.

use super::{Expr, ForBinding, Name, StringLiteral};
use crate::syntax::Span;

/// `{ … }` with statements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Block {
    /// The statements in the order written.
    pub statements: Vec<Statement>,
    /// The braces and what is between them.
    pub span: Span,
}

impl Block {
    /// The fields that stand directly in the block (not in a `when`), in the order written.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.statements.iter().filter_map(|statement| match statement {
            Statement::Field(field) => Some(field),
            _ => None,
        })
    }
}

/// One statement of a [`Block`]. Any of them parses in any block: which block takes which is for the checker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Statement {
    /// `for release, distro in [alpine("3.24")]`: what the item varies over.
    For(ItemFor),
    /// `key = value`, `key += value`.
    Field(Field),
    /// `use value`.
    Use(Use),
    /// `when condition { … }`.
    When(When),
    /// `step "name" { … }`.
    Step(Step),
    /// `test "name" { … }`.
    Test(Test),
    /// `waive rule { … }`.
    Waive(Waive),
}

impl Statement {
    /// The whole statement, with the doc comment that a field, step, test or waiver may have.
    pub fn span(&self) -> Span {
        match self {
            Self::For(statement) => statement.span,
            Self::Field(statement) => statement.span,
            Self::Use(statement) => statement.span,
            Self::When(statement) => statement.span,
            Self::Step(statement) => statement.span,
            Self::Test(statement) => statement.span,
            Self::Waive(statement) => statement.span,
        }
    }
}

/// `for release, distro in […]` inside an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemFor {
    /// The axes in the order written.
    pub bindings: Vec<ForBinding>,
    /// The place of the word `for`.
    pub keyword: Span,
    /// The whole statement.
    pub span: Span,
}

/// `key = value`, `env.PATH = value`, `packages += value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The doc comment.
    pub doc: Option<String>,
    /// The keys between the dots, at least one; the first is the field.
    pub path: Vec<Key>,
    /// `=` or `+=`.
    pub operator: FieldOperator,
    /// The place of the operator.
    pub operator_span: Span,
    /// The value.
    pub value: Expr,
    /// The whole statement.
    pub span: Span,
}

impl Field {
    /// The place of the whole dotted key.
    pub fn path_span(&self) -> Span {
        match (self.path.first(), self.path.last()) {
            (Some(first), Some(last)) => first.span().to(last.span()),
            _ => self.span,
        }
    }
}

/// How a [`Field`] is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FieldOperator {
    /// `=`
    Set,
    /// `+=`
    Append,
}

/// A key of a field or of a record: a word or a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// `work-dir`, `BUILD_TLS`.
    Word(Name),
    /// `"/data"`, `"/usr/{{dir}}"`.
    String(StringLiteral),
}

impl Key {
    /// Its place.
    pub fn span(&self) -> Span {
        match self {
            Self::Word(name) => name.span,
            Self::String(literal) => literal.span,
        }
    }

    /// Its text; `None` where it has an interpolation.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Word(name) => Some(&name.text),
            Self::String(literal) => literal.plain(),
        }
    }
}

/// `use value`: merges a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// The record.
    pub value: Expr,
    /// The place of the word `use`.
    pub keyword: Span,
    /// The whole statement.
    pub span: Span,
}

/// `when condition { … }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct When {
    /// The condition.
    pub condition: Expr,
    /// What holds under it.
    pub block: Block,
    /// The place of the word `when`.
    pub keyword: Span,
    /// The whole statement.
    pub span: Span,
}

/// `step "name" { … }` of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The doc comment.
    pub doc: Option<String>,
    /// The name.
    pub name: StringLiteral,
    /// What it says.
    pub block: Block,
    /// The place of the word `step`.
    pub keyword: Span,
    /// The whole statement.
    pub span: Span,
}

/// `test "name" { … }` of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// The doc comment.
    pub doc: Option<String>,
    /// The name.
    pub name: StringLiteral,
    /// What it says.
    pub block: Block,
    /// The place of the word `test`.
    pub keyword: Span,
    /// The whole statement.
    pub span: Span,
}

/// `waive rule { … }` of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waive {
    /// The doc comment.
    pub doc: Option<String>,
    /// The rule.
    pub rule: Name,
    /// What it says.
    pub block: Block,
    /// The place of the word `waive`.
    pub keyword: Span,
    /// The whole statement.
    pub span: Span,
}
