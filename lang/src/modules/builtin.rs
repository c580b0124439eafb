//! The names that every file knows: constants and functions of the edition.

use crate::recipe::{Arch, Family, Flavor, PathRule, Resolve};

/// What a built-in name without parentheses stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Constant {
    /// `debian`, `alpine` as patterns.
    Family(Family),
    /// `amd64`, `arm64`.
    Arch(Arch),
    /// `runtime`, `dev`.
    Flavor(Flavor),
    /// `delete`, `keep`.
    Rule(PathRule),
    /// `full`, `listed`.
    Resolve(Resolve),
    /// `any`.
    AnyArch,
    /// `loopback`.
    Loopback,
}

/// The constant called `name`.
pub fn constant(name: &str) -> Option<Constant> {
    Some(match name {
        "alpine" => Constant::Family(Family::Alpine),
        "debian" => Constant::Family(Family::Debian),
        "amd64" => Constant::Arch(Arch::Amd64),
        "arm64" => Constant::Arch(Arch::Arm64),
        "runtime" => Constant::Flavor(Flavor::Runtime),
        "dev" => Constant::Flavor(Flavor::Dev),
        "delete" => Constant::Rule(PathRule::Delete),
        "keep" => Constant::Rule(PathRule::Keep),
        "full" => Constant::Resolve(Resolve::Full),
        "listed" => Constant::Resolve(Resolve::Listed),
        "any" => Constant::AnyArch,
        "loopback" => Constant::Loopback,
        _ => return None,
    })
}

/// A built-in function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `alpine("3.23")`.
    Alpine,
    /// `debian("13")`.
    Debian,
    /// `version("3.10")`.
    Version,
    /// `file(text, owner, group, mode)`.
    File,
    /// `directory(owner, group, mode)`.
    Directory,
    /// `symlink("target")`.
    Symlink,
    /// `attrs(owner, group, mode)`.
    Attrs,
    /// `contains("text")`.
    Contains,
    /// `equals("text")`.
    Equals,
    /// In `std` alone: the tags of a version among others.
    SemverTags,
    /// In `std` alone: a distro's own repositories.
    DistroRepositories,
}

/// A parameter of a built-in function or method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub kind: ParameterKind,
    /// Whether the call must give it.
    pub required: bool,
}

/// What a built-in parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// A string.
    Text,
    /// A string or a version.
    TextOrVersion,
    /// A whole number.
    Int,
    /// A string or a list of strings.
    Texts,
    /// Checked by the function itself.
    Other,
}

const fn required(name: &'static str, kind: ParameterKind) -> Parameter {
    Parameter { name, kind, required: true }
}

const fn optional(name: &'static str, kind: ParameterKind) -> Parameter {
    Parameter { name, kind, required: false }
}

use ParameterKind::{Int, Other, Text, TextOrVersion, Texts};

const ATTRIBUTES: &[Parameter] = &[optional("owner", Text), optional("group", Text), optional("mode", Int)];

impl Function {
    /// The parameters in order.
    pub fn parameters(self) -> &'static [Parameter] {
        match self {
            Function::Alpine | Function::Debian => const { &[required("release", Text)] },
            Function::Version => const { &[required("text", Text)] },
            Function::File => {
                const {
                    &[
                        required("text", Text),
                        optional("owner", Text),
                        optional("group", Text),
                        optional("mode", Int),
                    ]
                }
            }
            Function::Directory | Function::Attrs => ATTRIBUTES,
            Function::Symlink => const { &[required("target", Text)] },
            Function::Contains | Function::Equals => const { &[required("text", TextOrVersion)] },
            Function::SemverTags => {
                const {
                    &[
                        required("release", Other),
                        required("among", Other),
                        required("distro", Other),
                        required("flavor", Other),
                    ]
                }
            }
            Function::DistroRepositories => {
                const { &[required("distro", Other), required("family", Other), required("which", Text)] }
            }
        }
    }
}

/// The function called `name`; `standard` says whether the file is one of `std`, which knows more.
pub fn function(name: &str, standard: bool) -> Option<Function> {
    Some(match name {
        "alpine" => Function::Alpine,
        "debian" => Function::Debian,
        "version" => Function::Version,
        "file" => Function::File,
        "directory" => Function::Directory,
        "symlink" => Function::Symlink,
        "attrs" => Function::Attrs,
        "contains" => Function::Contains,
        "equals" => Function::Equals,
        "semver-tags" if standard => Function::SemverTags,
        "distro-repositories" if standard => Function::DistroRepositories,
        _ => return None,
    })
}

/// The functions that every file knows.
pub fn functions<'a>() -> impl Iterator<Item = &'a str> {
    names().filter(|name| function(name, false).is_some())
}

/// A method: what can follow a dot and take arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// `list.join(", ")`.
    Join,
    /// `version.prefix(2)`.
    Prefix,
    /// `content.at("/opt")`.
    At,
    /// `content.only(["*.so"])`.
    Only,
    /// `content.without(["doc/**"])`.
    Without,
    /// `content.replacing(["/etc/x"])`.
    Replacing,
}

impl Method {
    /// The parameters in order.
    pub fn parameters(self) -> &'static [Parameter] {
        match self {
            Method::Join => const { &[required("separator", Text)] },
            Method::Prefix => const { &[required("parts", Int)] },
            Method::At => const { &[required("path", Text)] },
            Method::Only | Method::Without | Method::Replacing => const { &[required("globs", Texts)] },
        }
    }
}

/// The methods of a content.
pub const CONTENT_METHODS: &[(&str, Method)] = &[
    ("at", Method::At),
    ("only", Method::Only),
    ("without", Method::Without),
    ("replacing", Method::Replacing),
];
/// The methods of a list.
pub const LIST_METHODS: &[(&str, Method)] = &[("join", Method::Join)];
/// The methods of a version; `major`, `minor` and `patch` are numbers, not methods.
pub const VERSION_METHODS: &[(&str, Method)] = &[("prefix", Method::Prefix)];
/// The numbers of a version, in order.
pub const VERSION_NUMBERS: &[&str] = &["major", "minor", "patch"];

/// Whether a file's own definition cannot have this name. Modules are followed by a dot and functions by
/// parentheses, so that they never stand where a constant does, and can share its name.
pub fn reserves(name: &str, function: bool) -> bool {
    if function { self::function(name, false).is_some() } else { names().any(|known| known == name) }
}

/// Every built-in name.
pub fn names<'a>() -> impl Iterator<Item = &'a str> {
    const NAMES: &[&str] = &[
        "alpine",
        "amd64",
        "any",
        "arm64",
        "attrs",
        "contains",
        "debian",
        "delete",
        "dev",
        "directory",
        "equals",
        "file",
        "full",
        "keep",
        "listed",
        "loopback",
        "runtime",
        "symlink",
        "version",
    ];
    NAMES.iter().copied()
}
