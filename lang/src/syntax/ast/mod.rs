//! The syntax tree as an evaluator wants it: plain owned values, each with its span.
//!
//! It is lowered from the lossless tree ([`super::Parse::file`]); comments and layout are gone, parentheses
//! too, strings are unescaped and their indentation is stripped. Where the text had a syntax error an
//! [`ExprKind::Missing`] stands, or the whole statement is left out; a text without syntax errors has
//! neither. The depth of any tree is bounded (see [`super::DEPTH_LIMIT`]), so recursion over it is safe.

mod block;
mod expr;
mod lower;

pub use block::*;
pub use expr::*;
pub(super) use lower::lower;

use super::Span;

/// A whole file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct File {
    /// The first line.
    pub edition: Option<Edition>,
    /// The items in the order written.
    pub items: Vec<Item>,
    /// The whole text.
    pub span: Span,
}

impl File {
    /// The imports in the order written.
    pub fn imports(&self) -> impl Iterator<Item = &Import> {
        self.items.iter().filter_map(|item| match item {
            Item::Import(import) => Some(import),
            _ => None,
        })
    }

    /// The `let`s in the order written.
    pub fn lets(&self) -> impl Iterator<Item = &Let> {
        self.items.iter().filter_map(|item| match item {
            Item::Let(binding) => Some(binding),
            _ => None,
        })
    }

    /// The `for`s at file level in the order written; more than one is for the checker to refuse.
    pub fn axes(&self) -> impl Iterator<Item = &ForAxes> {
        self.items.iter().filter_map(|item| match item {
            Item::ForAxes(axes) => Some(axes),
            _ => None,
        })
    }

    /// The functions in the order written.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.items.iter().filter_map(|item| match item {
            Item::Function(function) => Some(function),
            _ => None,
        })
    }

    /// The sources, builds, images and repositories in the order written.
    pub fn declarations(&self) -> impl Iterator<Item = &Declaration> {
        self.items.iter().filter_map(|item| match item {
            Item::Declaration(declaration) => Some(declaration),
            _ => None,
        })
    }
}

/// `hbuild 1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edition {
    /// The number.
    pub number: u64,
    /// The whole line without its comment.
    pub span: Span,
}

/// What can stand at file level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// `import std/c`.
    Import(Import),
    /// `let name = value`.
    Let(Let),
    /// `for release in releases, …`.
    ForAxes(ForAxes),
    /// `fn name(…) …`.
    Function(Function),
    /// `source`, `build`, `image` or `repository`, with a name and a block.
    Declaration(Declaration),
}

impl Item {
    /// The whole item with its doc comment.
    pub fn span(&self) -> Span {
        match self {
            Self::Import(item) => item.span,
            Self::Let(item) => item.span,
            Self::ForAxes(item) => item.span,
            Self::Function(item) => item.span,
            Self::Declaration(item) => item.span,
        }
    }

    /// The name that the item brings into the file; a `for` brings several, see [`ForAxes::bindings`].
    pub fn name(&self) -> Option<&Name> {
        match self {
            Self::Import(item) => item.name.as_ref(),
            Self::Let(item) => Some(&item.name),
            Self::ForAxes(_) => None,
            Self::Function(item) => Some(&item.name),
            Self::Declaration(item) => Some(&item.name),
        }
    }
}

/// A name, or another word that stands where a name does (`BUILD_TLS` as a key).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The word.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// `import std/c` or `import "common.hb"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The doc comment.
    pub doc: Option<String>,
    /// What is imported.
    pub path: ImportPath,
    /// The place of the path.
    pub path_span: Span,
    /// The name that it has in this file: the last word of the path, the file's name without `.hb`. `None`
    /// where that is no name (reported as a syntax error).
    pub name: Option<Name>,
    /// The whole item.
    pub span: Span,
}

/// What an [`Import`] names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportPath {
    /// `std/c`: the words between the slashes.
    Module(Vec<String>),
    /// `"common.hb"`: a path relative to the importing file's folder, as written.
    File(String),
}

/// `let name = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Let {
    /// The doc comment.
    pub doc: Option<String>,
    /// The name.
    pub name: Name,
    /// The value.
    pub value: Expr,
    /// The whole item.
    pub span: Span,
}

/// The axes of the file: `for release in releases, distro in release.distros`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForAxes {
    /// The doc comment.
    pub doc: Option<String>,
    /// The axes in the order written. Each has its values: without `in` it is a syntax error at file level.
    pub bindings: Vec<ForBinding>,
    /// The whole item.
    pub span: Span,
}

/// One axis of a `for`: `release`, or `release in releases`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForBinding {
    /// The axis.
    pub name: Name,
    /// What stands after `in`: at file level its values, in an item what it is narrowed to.
    pub values: Option<Expr>,
    /// The whole binding.
    pub span: Span,
}

/// `fn name(parameters) = value`, or `fn name(parameters) { … }`, which returns a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The doc comment.
    pub doc: Option<String>,
    /// The name.
    pub name: Name,
    /// The parameters in the order written.
    pub parameters: Vec<Parameter>,
    /// What it returns.
    pub body: FunctionBody,
    /// The whole item.
    pub span: Span,
}

/// A parameter of a [`Function`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name.
    pub name: Name,
    /// What it is where the call does not say.
    pub default: Option<Expr>,
    /// The whole parameter.
    pub span: Span,
}

/// What a [`Function`] returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FunctionBody {
    /// `= value`.
    Value(Expr),
    /// `{ fields }`: a record that `use` merges.
    Block(Block),
}

/// `source name { … }`, and the same for `build`, `image` and `repository`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// The doc comment: the lines without `##` and the space after it, joined by line feeds.
    pub doc: Option<String>,
    /// Which of the four.
    pub kind: DeclarationKind,
    /// The place of the word that says so.
    pub keyword: Span,
    /// The name.
    pub name: Name,
    /// What it says.
    pub block: Block,
    /// The whole item.
    pub span: Span,
}

/// The items that have a name and a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeclarationKind {
    /// `source`
    Source,
    /// `build`
    Build,
    /// `image`
    Image,
    /// `repository`
    Repository,
}

impl DeclarationKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Source, Self::Build, Self::Image, Self::Repository];

    /// The word in recipes.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Build => "build",
            Self::Image => "image",
            Self::Repository => "repository",
        }
    }
}
