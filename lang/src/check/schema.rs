//! The fields of items: names, and what each takes. Checking and evaluation read the same table.

use super::form::Form;
use crate::syntax::ast::DeclarationKind;

/// A field.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub shape: Shape,
    /// What it is for and what it is by default, for people: one line of Markdown.
    pub doc: &'static str,
    /// The field to write instead, where this one is deprecated.
    pub replaced_by: Option<&'static str>,
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
    /// An image.
    Image,
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
    /// A distro.
    Distro,
    /// `any`.
    AnyArch,
    /// `loopback`.
    Network,
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
    /// What it is for, for people: one line of Markdown.
    pub doc: &'static str,
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
            Shape::Image => "an image",
            Shape::Repositories => "a list of repositories",
            Shape::Resolve => "`full` or `listed`",
            Shape::Int(..) => "a whole number",
            Shape::Expectation => "`contains(…)`, `equals(…)` or a string",
            Shape::Bool => "`true` or `false`",
            Shape::Inputs => "a list of packages, builds and sources",
            Shape::Source => "a source",
            Shape::Sources(_) => "a map from names to sources",
            Shape::Distro => "a distro such as `debian(\"13\")`",
            Shape::AnyArch => "`any`",
            Shape::Network => "`loopback` or `none`",
        }
    }
}

const fn field(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field { name, shape, doc, replaced_by: None }
}

use Shape::{Map, Records, Text, TextOrTexts, Texts};

const USER: &[RecordField] = &[
    RecordField {
        name: "uid",
        shape: Shape::Int(0, 4_294_967_294),
        required: true,
        doc: "The number of the account.",
    },
    RecordField {
        name: "gid",
        shape: Shape::Int(0, 4_294_967_294),
        required: false,
        doc: "The number of its group. That of `uid` by default.",
    },
    RecordField { name: "home", shape: Text(Form::Path), required: false, doc: "Its home directory." },
    RecordField { name: "shell", shape: Text(Form::Path), required: false, doc: "Its login shell." },
    RecordField { name: "gecos", shape: Text(Form::Any), required: false, doc: "What it is, for people." },
];

const GROUP: &[RecordField] = &[
    RecordField {
        name: "gid",
        shape: Shape::Int(0, 4_294_967_294),
        required: true,
        doc: "The number of the group.",
    },
    RecordField {
        name: "members",
        shape: Texts(Form::Account),
        required: false,
        doc: "Accounts that belong to it besides those that have its number.",
    },
];

/// The fields of an image.
pub const IMAGE: &[Field] = &[
    field(
        "version",
        Shape::Version,
        "The version of what is in the image, and the first part of each variant's name. Without one, names leave it out.",
    ),
    field("title", Text(Form::Line), "What people call it. The name of the item where nothing is said."),
    field("license", Text(Form::License), "The licence of what is in the image, as an SPDX expression."),
    field(
        "dates",
        Map(Form::Word, Form::Date),
        "Dates of the release, `YYYY-MM-DD`: `release`, `end-of-life`.",
    ),
    field(
        "tags",
        Texts(Form::Tag),
        "Further names of each variant, besides `<version>-<distro><release>`. Two variants never share one.",
    ),
    field(
        "repositories",
        Shape::Repositories,
        "Where packages come from. All of the distro's own where nothing is said.",
    ),
    field(
        "packages",
        Texts(Form::Package),
        "Packages in the distro's grammar: `name`, `name=version`; Debian's `name:arch`; Alpine's `name~version`, `name@tag`.",
    ),
    field(
        "exclude",
        Texts(Form::PackageName),
        "Packages that no dependency brings in. What `packages` asks for comes all the same.",
    ),
    field(
        "resolve",
        Shape::Resolve,
        "`full`, the default, takes packages with their dependencies; `listed` takes them alone.",
    ),
    field(
        "contents",
        Shape::Contents,
        "Sources and builds to put in after the packages: `app`, `app.headers`, `app.at(\"/opt\")`, `app.only([\"bin/**\"])`.",
    ),
    field(
        "paths",
        Shape::Rules,
        "From paths or globs to rules: `file(…)`, `directory(…)`, `symlink(…)`, `attrs(…)`, `delete`, `keep`. The most specific rule wins.",
    ),
    field(
        "users",
        Records(Form::Account, USER),
        "Accounts in `/etc/passwd`, by name: `{ uid, gid, home, shell, gecos }`.",
    ),
    field("groups", Records(Form::Account, GROUP), "Groups in `/etc/group`, by name: `{ gid, members }`."),
    field(
        "run-as",
        Text(Form::RunAs),
        "Who the program runs as: an account of `users`, or numbers. `65532:65532` by default.",
    ),
    field("env", Map(Form::EnvName, Form::Any), "Environment variables of the program."),
    field("entrypoint", Texts(Form::Any), "The program that a container starts, with its first arguments."),
    field(
        "cmd",
        Texts(Form::Any),
        "The arguments behind `entrypoint`, which whoever runs the image may replace.",
    ),
    field("work-dir", Text(Form::Path), "The directory that the program starts in. `/` by default."),
    field("ports", Texts(Form::Port), "Ports that the program listens on: `\"6379/tcp\"`."),
    field("volumes", Texts(Form::Path), "Absolute paths that hold data of their own."),
    field("stop-signal", Text(Form::Signal), "The signal that asks the program to end: `SIGQUIT`."),
    field("labels", Map(Form::LabelName, Form::Any), "Labels of the image's config."),
    field("annotations", Map(Form::LabelName, Form::Any), "Annotations of manifest and index."),
    field(
        "os-release",
        Map(Form::OsReleaseName, Form::Line),
        "Fields of `/etc/os-release` to set: `VARIANT_ID`.",
    ),
    field(
        "epoch",
        Shape::Int(0, 253_402_300_799),
        "The time of generated files, in seconds since 1970. 315532800 by default.",
    ),
    field(
        "extends",
        Shape::Image,
        "An image whose layers this one begins with. Its config is not taken over.",
    ),
];

/// The fields of a source.
pub const SOURCE: &[Field] = &[
    field(
        "url",
        TextOrTexts(Form::Url),
        "Where the file is: one URL, or a list that is tried in order. `debian:pool/…` is relative to Debian's mirror.",
    ),
    field("sha256", Text(Form::Sha256), "The digest of the file, 64 hexadecimal digits."),
    field(
        "strip",
        Shape::Int(0, 1),
        "`0` keeps the one top folder of an archive, which is stripped otherwise.",
    ),
    field("path", Text(Form::RelativePath), "A file or folder beside the recipe."),
    field("license", Text(Form::License), "The licence of the source, as an SPDX expression."),
    field("purl", Text(Form::Purl), "The package URL that scanners know it by: `pkg:generic/redis@8.8.2`."),
    field("cpe", Text(Form::Cpe), "The CPE 2.3 name that scanners know it by."),
    field("git", Text(Form::GitUrl), "A git repository: `https://`, `ssh://` or `file:///`."),
    field("commit", Text(Form::Commit), "The whole name of the commit: 40 or 64 hexadecimal digits."),
    field("submodules", Shape::Bool, "`true` takes the trees of submodules, too. `false` by default."),
    field(
        "patches",
        Texts(Form::RelativePath),
        "Files beside the recipe, applied with `patch -p1` in this order where a build unpacks the source.",
    ),
    field(
        "oci",
        Text(Form::OciReference),
        "An image in a registry, by digest: `docker.io/library/alpine@sha256:…`. Its files are what the source gives.",
    ),
];

/// The fields of a repository.
pub const REPOSITORY: &[Field] = &[
    field("url", Text(Form::Url), "The base URL of the repository."),
    field(
        "suite",
        Text(Form::Suite),
        "The suite of a Debian repository (`bookworm`), the branch of an Alpine one (`v3.24`).",
    ),
    field(
        "components",
        Texts(Form::Suite),
        "The components of the suite, the repositories of the branch: `[\"main\"]`.",
    ),
    field("tag", Text(Form::Word), "The tag by which packages ask for an Alpine repository: `name@tag`."),
    field(
        "key",
        Text(Form::RelativePath),
        "The key that signs it: a file beside the recipe, ASCII-armoured or PEM.",
    ),
    field("sha256", Text(Form::Sha256), "The digest of the key file."),
];

/// The fields of a build.
pub const BUILD: &[Field] = &[
    field(
        "version",
        Shape::Version,
        "The version of what is built. That of its one source's `purl` where nothing is said.",
    ),
    field(
        "license",
        Text(Form::License),
        "The licence of what is built, as an SPDX expression. Its one source's by default.",
    ),
    field("purl", Text(Form::Purl), "The package URL that scanners know it by. Its one source's by default."),
    field("cpe", Text(Form::Cpe), "The CPE 2.3 name that scanners know it by. Its one source's by default."),
    field(
        "distro",
        Shape::Distro,
        "The distro that its packages come from. That of the axis `distro` by default.",
    ),
    field(
        "arch",
        Shape::AnyArch,
        "`any`: what it makes is the same for each architecture. One for each by default.",
    ),
    field(
        "repositories",
        Shape::Repositories,
        "Where packages come from. All of the distro's own where nothing is said.",
    ),
    field("tools", Shape::Inputs, "Packages, builds and sources for the platform that builds."),
    field(
        "inputs",
        Shape::Inputs,
        "Packages, builds and sources for the platform that runs: libraries and headers.",
    ),
    field(
        "exclude",
        Texts(Form::PackageName),
        "Packages that no dependency brings in. By default what only maintainer scripts need.",
    ),
    field("source", Shape::Source, "One source, unpacked writable at `$SRC`."),
    field(
        "sources",
        Shape::Sources(Form::FolderName),
        "`{ name = source }`, each unpacked writable at `$SRC/name`.",
    ),
    field("env", Map(Form::BuildEnvName, Form::Any), "Environment variables of the scripts."),
    field("dir", Text(Form::Directory), "Where scripts start: absolute, or below `$SRC`. `$SRC` by default."),
    field(
        "shell",
        TextOrTexts(Form::Filled),
        "What runs the scripts: a program, or a list with its whole command line. `bash -euo pipefail -c` by default.",
    ),
    field(
        "script",
        Text(Form::Filled),
        "What the shell is given. It sees `$SRC`, `$OUT`, `$OUT_<NAME>`, `$JOBS`, `$SOURCE_DATE_EPOCH`.",
    ),
    field("check", Text(Form::Filled), "A script that is run last and can only fail."),
    field(
        "outputs",
        Texts(Form::OutputName),
        "Names of further outputs: `headers` is `$OUT_HEADERS` in scripts and `name.headers` in recipes.",
    ),
    field("network", Shape::Network, "`loopback`: the sandbox has one, and that only. `none` by default."),
    field(
        "epoch",
        Shape::Int(0, 253_402_300_799),
        "`$SOURCE_DATE_EPOCH`, and the time of files, in seconds since 1970. 315532800 by default.",
    ),
];

/// The fields of a step.
pub const STEP: &[Field] = &[
    field(
        "dir",
        Text(Form::Directory),
        "Where the script starts: absolute, or below `$SRC`. The build's by default.",
    ),
    field(
        "env",
        Map(Form::BuildEnvName, Form::Any),
        "Environment variables of this step, beside the build's.",
    ),
    field("script", Text(Form::Filled), "What the shell is given."),
];

/// The fields of a test.
pub const TEST: &[Field] = &[
    field("run", Texts(Form::Any), "The command: a program and its arguments."),
    field(
        "stdout",
        Shape::Expectation,
        "What standard output must hold: `contains(…)`, `equals(…)` or a string that it must hold somewhere.",
    ),
    field(
        "stderr",
        Shape::Expectation,
        "What standard error must hold: `contains(…)`, `equals(…)` or a string that it must hold somewhere.",
    ),
    field("status", Shape::Int(0, 255), "The exit status. 0 by default."),
];

/// The fields of a waiver.
pub const WAIVER: &[Field] = &[
    field(
        "paths",
        Texts(Form::Glob),
        "Globs of the files that may break the rule. All where nothing is said.",
    ),
    field("because", Text(Form::Filled), "The reason, which goes into the evidence."),
];

/// The fields of an item of this kind.
pub fn of_declaration(kind: DeclarationKind) -> &'static [Field] {
    match kind {
        DeclarationKind::Source => SOURCE,
        DeclarationKind::Build => BUILD,
        DeclarationKind::Image => IMAGE,
        DeclarationKind::Repository => REPOSITORY,
    }
}

/// The rules of the policy, which `waive` can name. What each asks, and of which images, the binary knows.
pub const POLICY: &[&str] = &[
    "broken-symlink",
    "elf-arch",
    "elf-dlopen",
    "elf-exec-stack",
    "elf-interpreter",
    "elf-library",
    "elf-pie",
    "elf-relro",
    "elf-rpath",
    "elf-text-relocations",
    "package-manager",
    "root-user",
    "secret-file",
    "setuid",
    "shell",
    "world-writable",
];

/// Whether an item has a field of this name.
pub fn is_field(name: &str) -> bool {
    [IMAGE, SOURCE, REPOSITORY, BUILD].iter().any(|fields| find(fields, name).is_some())
}

/// The field called `name`.
pub fn find(fields: &'static [Field], name: &str) -> Option<&'static Field> {
    fields.iter().find(|field| field.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_described() {
        let records = [USER, GROUP].into_iter().flatten().map(|field| (field.name, field.doc));
        let fields = [IMAGE, SOURCE, REPOSITORY, BUILD, STEP, TEST, WAIVER];
        let fields = fields.into_iter().flatten().map(|field| (field.name, field.doc));
        for (name, doc) in fields.chain(records) {
            assert!(doc.ends_with('.') && doc.len() > 10 && !doc.contains('\n'), "{name}: {doc:?}");
        }
    }
}
