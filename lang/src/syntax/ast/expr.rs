//! Expressions and patterns.

use std::fmt;

use super::{Key, Name};
use crate::syntax::Span;

/// An expression with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its place, without the parentheses around it.
    pub span: Span,
}

/// What an [`Expr`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExprKind {
    /// A syntax error was reported here.
    Missing,
    /// `redis-server`
    Name(String),
    /// Any string literal.
    String(StringLiteral),
    /// `6379`, `0o755`
    Int(u64),
    /// `true`, `false`
    Bool(bool),
    /// `none`
    None,
    /// `[a, b]`
    List(Vec<Expr>),
    /// `{ key = value }`: a record, or a map where the keys are strings.
    Record(Vec<Entry>),
    /// `[value for name in list when condition]`
    ListComprehension(Box<ListComprehension>),
    /// `{ key = value for name in list when condition }`
    RecordComprehension(Box<RecordComprehension>),
    /// `callee(arguments)`; the callee of a method call such as `x.at("/p")` is an [`ExprKind::Member`].
    Call(Call),
    /// `base.name`
    Member(Member),
    /// `match subject { pattern => value }`
    Match(Match),
    /// `subject is pattern`
    Is(Is),
    /// `left operator right`
    Binary(Binary),
    /// `not operand`
    Not(Box<Expr>),
}

/// A string literal: escapes replaced, indentation stripped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StringLiteral {
    /// The parts in order; no two neighbours are text, and none is the empty text.
    pub parts: Vec<StringPart>,
    /// The place with its quotes.
    pub span: Span,
}

impl StringLiteral {
    /// The text; `None` where there is an interpolation.
    pub fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [StringPart::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// A part of a [`StringLiteral`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StringPart {
    /// Literal text.
    Text(String),
    /// `{{ value }}`
    Interpolation(Expr),
}

/// One entry of a record or map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The doc comment.
    pub doc: Option<String>,
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Expr,
    /// The whole entry.
    pub span: Span,
}

/// `for name in values when condition`, or `for key, name in values …`, inside a comprehension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generator {
    /// The name bound to the key of each value of a map.
    pub key: Option<Name>,
    /// The name bound to each value in turn.
    pub name: Name,
    /// The values.
    pub values: Expr,
    /// Which of them are taken: all without a condition.
    pub condition: Option<Expr>,
}

/// `[value for name in values when condition]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListComprehension {
    /// The element.
    pub value: Expr,
    /// Where the elements come from.
    pub generator: Generator,
}

/// `{ key = value for name in values when condition }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordComprehension {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Expr,
    /// Where the entries come from.
    pub generator: Generator,
}

/// `callee(arguments)`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What is called.
    pub callee: Box<Expr>,
    /// The arguments in the order written, positional and named mixed.
    pub arguments: Vec<Argument>,
    /// The parentheses and what is between them.
    pub arguments_span: Span,
}

/// One argument of a [`Call`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Argument {
    /// The name of a named argument.
    pub name: Option<Name>,
    /// The value.
    pub value: Expr,
    /// The whole argument.
    pub span: Span,
}

/// `base.name`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What has the member.
    pub base: Box<Expr>,
    /// The member's name.
    pub name: Name,
}

/// `match subject { pattern => value }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// What is looked at.
    pub subject: Box<Expr>,
    /// The arms in the order written.
    pub arms: Vec<Arm>,
    /// The place of the word `match`.
    pub keyword: Span,
}

/// One arm of a [`Match`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    /// When the arm holds.
    pub pattern: Pattern,
    /// Its value.
    pub value: Expr,
    /// The whole arm.
    pub span: Span,
}

/// `subject is pattern`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Is {
    /// What is tested.
    pub subject: Box<Expr>,
    /// What it is tested for.
    pub pattern: Pattern,
}

/// A pattern with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// What it is.
    pub kind: PatternKind,
    /// Its place.
    pub span: Span,
}

/// What a [`Pattern`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PatternKind {
    /// A syntax error was reported here.
    Missing,
    /// `_`
    Any,
    /// `debian`, `debian("13")`, `dev`: a constructor, with arguments or without, or a named constant.
    Name {
        /// The name.
        name: Name,
        /// What stands between its parentheses; `None` without them.
        arguments: Option<Vec<Pattern>>,
    },
    /// `"8.8"`, without interpolation.
    String(String),
    /// `8`
    Int(u64),
    /// `true`, `false`
    Bool(bool),
    /// `none`
    None,
}

/// `left operator right`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary {
    /// The operator.
    pub operator: BinaryOperator,
    /// Its place.
    pub operator_span: Span,
    /// What stands before it.
    pub left: Box<Expr>,
    /// What stands after it.
    pub right: Box<Expr>,
}

/// The operators of a [`Binary`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BinaryOperator {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `in`
    In,
    /// `+`
    Add,
}

impl BinaryOperator {
    /// The operator in recipes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
            Self::In => "in",
            Self::Add => "+",
        }
    }
}

impl fmt::Display for BinaryOperator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}
