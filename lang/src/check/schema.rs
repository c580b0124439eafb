//! The fields of items: names, and what each takes. Checking and evaluation read the same table.

use super::form::Form;
/// A field.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub shape: Shape,
}

/// What a field takes.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A string.
    Text(Form),
    /// A string or a version.
    Version,
    /// A list of strings.
    Texts(Form),
    /// A string or a list of them.
    TextOrTexts(Form),
    /// A map from strings to strings: the forms of keys and values.
    Map(Form, Form),
    /// A map from names to records with these fields.
    Records(Form, &'static [RecordField]),
    /// A map from paths to rules.
    Rules,
    /// A list of contents.
    Contents,
    /// A list of repositories.
    Repositories,
    /// `full` or `listed`.
    Resolve,
    /// A whole number between the two.
    Int(i64, i64),
    /// `true` or `false`.
    Bool,
    /// What a stream of a test must hold: an expectation, or a string that it must hold somewhere.
    Expectation,
    /// A list of packages, builds and sources.
    Inputs,
    /// One source.
    Source,
    /// A map from names to sources.
    Sources(Form),
    /// `any`.
    AnyArch,
    /// `loopback`.
    Network,
    /// Refused: part of what a later release runs.
    Later,
}

/// A field of a record in a map such as `users`.
#[derive(Debug, Clone, Copy)]
pub struct RecordField {
    /// Its name.
    pub name: &'static str,
    /// What it takes: a text, a list of texts or a number.
    pub shape: Shape,
    /// Whether it must be there.
    pub required: bool,
}

impl Shape {
    /// Whether `+=` adds to it.
    pub fn appends(self) -> bool {
        use Shape::{Contents, Inputs, Map, Records, Repositories, Rules, Sources, TextOrTexts, Texts};
        matches!(
            self,
            Texts(_)
                | TextOrTexts(_)
                | Map(..)
                | Records(..)
                | Rules
                | Contents
                | Repositories
                | Inputs
                | Sources(_)
        )
    }

    /// Whether it has keys that can be set one by one.
    pub fn has_keys(self) -> bool {
        matches!(self, Shape::Map(..) | Shape::Records(..) | Shape::Rules | Shape::Sources(_))
    }

    /// What is to be written.
    pub fn describe(self) -> &'static str {
        match self {
            Shape::Text(_) => "a string",
            Shape::Version => "a version or a string",
            Shape::Texts(_) => "a list of strings",
            Shape::TextOrTexts(_) => "a string or a list of strings",
            Shape::Map(..) => "a map of strings",
            Shape::Records(..) => "a map of records",
            Shape::Rules => "a map from paths to rules such as `file(…)`",
            Shape::Contents => "a list of sources and builds",
            Shape::Repositories => "a list of repositories",
            Shape::Resolve => "`full` or `listed`",
            Shape::Int(..) => "a whole number",
            Shape::Expectation => "`contains(…)`, `equals(…)` or a string",
            Shape::Bool => "`true` or `false`",
            Shape::Inputs => "a list of packages, builds and sources",
            Shape::Source => "a source",
            Shape::Sources(_) => "a map from names to sources",
            Shape::AnyArch => "`any`",
            Shape::Network => "`loopback` or `none`",
            Shape::Later => "a value",
        }
    }
}

const fn field(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

use Shape::{Later, Map, Records, Text, TextOrTexts, Texts};

const USER: &[RecordField] = &[
    RecordField { name: "uid", shape: Shape::Int(0, 4_294_967_294), required: true },
    RecordField { name: "gid", shape: Shape::Int(0, 4_294_967_294), required: false },
    RecordField { name: "home", shape: Text(Form::Path), required: false },
    RecordField { name: "shell", shape: Text(Form::Path), required: false },
    RecordField { name: "gecos", shape: Text(Form::Any), required: false },
];

const GROUP: &[RecordField] = &[
    RecordField { name: "gid", shape: Shape::Int(0, 4_294_967_294), required: true },
    RecordField { name: "members", shape: Texts(Form::Account), required: false },
];

/// The fields of an image.
pub const IMAGE: &[Field] = &[
    field("version", Shape::Version),
    field("title", Text(Form::Line)),
    field("license", Text(Form::License)),
    field("dates", Map(Form::Word, Form::Date)),
    field("tags", Texts(Form::Tag)),
    field("repositories", Shape::Repositories),
    field("packages", Texts(Form::Package)),
    field("exclude", Texts(Form::PackageName)),
    field("resolve", Shape::Resolve),
    field("contents", Shape::Contents),
    field("paths", Shape::Rules),
    field("users", Records(Form::Account, USER)),
    field("groups", Records(Form::Account, GROUP)),
    field("run-as", Text(Form::RunAs)),
    field("env", Map(Form::EnvName, Form::Any)),
    field("entrypoint", Texts(Form::Any)),
    field("cmd", Texts(Form::Any)),
    field("work-dir", Text(Form::Path)),
    field("ports", Texts(Form::Port)),
    field("volumes", Texts(Form::Path)),
    field("stop-signal", Text(Form::Signal)),
    field("labels", Map(Form::LabelName, Form::Any)),
    field("annotations", Map(Form::LabelName, Form::Any)),
    field("os-release", Map(Form::OsReleaseName, Form::Line)),
    field("epoch", Shape::Int(0, 253_402_300_799)),
    field("extends", Later),
];

/// The fields of a source.
pub const SOURCE: &[Field] = &[
    field("url", TextOrTexts(Form::Url)),
    field("sha256", Text(Form::Sha256)),
    field("strip", Shape::Int(0, 1)),
    field("path", Text(Form::RelativePath)),
    field("license", Text(Form::License)),
    field("purl", Text(Form::Purl)),
    field("cpe", Text(Form::Cpe)),
    field("git", Text(Form::GitUrl)),
    field("commit", Text(Form::Commit)),
    field("submodules", Shape::Bool),
    field("patches", Texts(Form::RelativePath)),
    field("oci", Later),
];

/// The fields of a repository.
pub const REPOSITORY: &[Field] = &[
    field("url", Text(Form::Url)),
    field("suite", Text(Form::Suite)),
    field("components", Texts(Form::Suite)),
    field("tag", Text(Form::Word)),
    field("key", Text(Form::RelativePath)),
    field("sha256", Text(Form::Sha256)),
];

/// The fields of a build.
pub const BUILD: &[Field] = &[
    field("version", Shape::Version),
    field("license", Text(Form::License)),
    field("purl", Text(Form::Purl)),
    field("cpe", Text(Form::Cpe)),
    field("arch", Shape::AnyArch),
    field("repositories", Shape::Repositories),
    field("tools", Shape::Inputs),
    field("inputs", Shape::Inputs),
    field("exclude", Texts(Form::PackageName)),
    field("source", Shape::Source),
    field("sources", Shape::Sources(Form::FolderName)),
    field("env", Map(Form::BuildEnvName, Form::Any)),
    field("dir", Text(Form::Directory)),
    field("shell", TextOrTexts(Form::Filled)),
    field("script", Text(Form::Filled)),
    field("check", Text(Form::Filled)),
    field("outputs", Texts(Form::OutputName)),
    field("network", Shape::Network),
    field("epoch", Shape::Int(0, 253_402_300_799)),
];

/// The fields of a step.
pub const STEP: &[Field] = &[
    field("dir", Text(Form::Directory)),
    field("env", Map(Form::BuildEnvName, Form::Any)),
    field("script", Text(Form::Filled)),
];

/// The fields of a test.
pub const TEST: &[Field] = &[
    field("run", Texts(Form::Any)),
    field("stdout", Shape::Expectation),
    field("stderr", Shape::Expectation),
    field("status", Shape::Int(0, 255)),
];

/// The fields of a waiver.
pub const WAIVER: &[Field] = &[field("paths", Texts(Form::Glob)), field("because", Text(Form::Filled))];

/// The field called `name`.
pub fn find(fields: &'static [Field], name: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.name == name)
}
