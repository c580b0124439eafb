//! What is to be said about the language's own names.

use crate::modules::builtin::Parameter;

/// A name of the language.
pub struct Note {
    /// The name.
    pub name: &'static str,
    /// What it is, as a type or a call returns it.
    pub kind: &'static str,
    /// One line of Markdown.
    pub doc: &'static str,
}

const fn note(name: &'static str, kind: &'static str, doc: &'static str) -> Note {
    Note { name, kind, doc }
}

/// Constants.
pub const CONSTANTS: &[Note] = &[
    note(
        "alpine",
        "distro family",
        "Alpine, as a pattern: `distro is alpine`, `match distro { alpine => … }`.",
    ),
    note("amd64", "architecture", "x86-64."),
    note("any", "architecture", "`arch = any`: what the build makes is the same for each architecture."),
    note("arm64", "architecture", "64-bit Arm."),
    note(
        "debian",
        "distro family",
        "Debian, as a pattern: `distro is debian`, `match distro { debian => … }`.",
    ),
    note("delete", "path rule", "The path, or what the glob matches, is left out of the image."),
    note("dev", "flavor", "With a shell, a package manager, and root."),
    note("full", "way to resolve", "Packages come with their dependencies."),
    note("keep", "path rule", "Keeps the path from a less specific `delete`."),
    note("listed", "way to resolve", "Packages come alone, without dependencies."),
    note("loopback", "network", "The sandbox of the build has a loopback, and that only."),
    note("runtime", "flavor", "Distroless: no shell, no package manager, no setuid file."),
];

/// Functions.
pub const FUNCTIONS: &[Note] = &[
    note("alpine", "distro", "A release of Alpine: `alpine(\"3.23\")`."),
    note(
        "attrs",
        "path rule",
        "Owner, group and mode of what the path or glob matches; what is left out stays.",
    ),
    note("contains", "expectation", "The stream must hold this text somewhere."),
    note("debian", "distro", "A release of Debian: `debian(\"13\")`."),
    note("directory", "path rule", "A directory at this path."),
    note("equals", "expectation", "The stream must be exactly this text."),
    note("file", "path rule", "A file at this path, with this text."),
    note("symlink", "path rule", "A symbolic link at this path."),
    note("version", "version", "A version, ordered by number: `version(\"3.10\") > version(\"3.9\")`."),
];

/// Functions that only modules of `std` know.
pub const STANDARD_FUNCTIONS: &[Note] = &[
    note("distro-repositories", "list of repositories", "A distro's own repositories."),
    note("semver-tags", "list of strings", "The tags of one release among all."),
];

/// What follows a dot.
pub const MEMBERS: &[Note] = &[
    note("at", "the same content", "The content, placed below this path."),
    note("join", "string", "The elements in one string, with the separator between two."),
    note("major", "int", "The first number of the version."),
    note("minor", "int", "The second number of the version."),
    note("only", "the same content", "Of the content only what these globs match, relative to its root."),
    note("patch", "int", "The third number of the version."),
    note("prefix", "version", "The first numbers of the version: `version(\"8.8.2\").prefix(2)` is `8.8`."),
    note(
        "replacing",
        "the same content",
        "The content, which may replace files of another origin that these globs match.",
    ),
    note("without", "the same content", "The content without what these globs match, relative to its root."),
];

/// Words that begin an item, with a snippet of one.
pub const ITEMS: &[(&str, &str, &str)] = &[
    (
        "import",
        "import ${1:std/base}",
        "Brings a module, `std/base` or `\"common.hb\"`; what it has is reached through its name.",
    ),
    ("let", "let ${1:name} = $0", "Gives a value a name."),
    (
        "fn",
        "fn ${1:name}(${2:distro}) = $0",
        "A function that returns a value, or with a block the fields that `use` takes.",
    ),
    (
        "for",
        "for distro in [${1:debian(\"13\")}], flavor in [runtime, dev], arch in [amd64, arm64]",
        "Declares the axes of the file: what images, builds and sources vary over.",
    ),
    (
        "source",
        "source ${1:name} {\n  url    = \"$2\"\n  sha256 = \"$3\"\n}",
        "Something to build from or to put into an image: an archive, a git commit, files beside the recipe.",
    ),
    (
        "build",
        "build ${1:name} {\n  for distro, arch\n  tools  = ${2:[]}\n  source = $3\n  step \"${4:compile}\" { script = \"$0\" }\n}",
        "Runs scripts in a sandbox that has its tools, inputs and sources, and nothing else.",
    ),
    (
        "image",
        "image ${1:name} {\n  for distro, flavor, arch\n  use base.runtime(distro)\n  packages   += [$2]\n  entrypoint  = [\"$0\"]\n}",
        "A hardened image: packages, contents, paths, accounts, and how it runs.",
    ),
    (
        "repository",
        "repository ${1:name} {\n  url        = \"$2\"\n  suite      = \"$3\"\n  components = [\"main\"]\n  key        = \"$4\"\n}",
        "A repository of packages besides the distro's own.",
    ),
];

/// Statements, with a snippet of one and what they are for.
pub const STATEMENTS: &[(&str, &str, &str)] = &[
    ("for", "for ${1:distro, arch}", "What the item varies over. It can mention no other axis."),
    ("use", "use $0", "Takes the fields that a function returns, at a lower rank than `=`."),
    (
        "when",
        "when ${1:flavor == dev} {\n  $0\n}",
        "Fields that are set only where the condition holds, at a higher rank.",
    ),
    (
        "step",
        "step \"${1:compile}\" {\n  script = \"\"\"\n    $0\n  \"\"\"\n}",
        "A script of the build; all run one after the other in the same sandbox.",
    ),
    (
        "test",
        "test \"${1:prints its version}\" {\n  run    = [\"$2\"]\n  stdout = contains(\"$0\")\n}",
        "A command that is run in the finished image.",
    ),
    (
        "waive",
        "waive ${1:elf-relro} {\n  paths   = [\"$2\"]\n  because = \"$0\"\n}",
        "Lets the image break a rule of the policy, with a reason that goes into the evidence.",
    ),
];

/// The note about `name` in a table.
pub fn find(table: &'static [Note], name: &str) -> Option<&'static Note> {
    table.iter().find(|note| note.name == name)
}

/// What is to be said about a function of the language, its place included.
pub fn function(name: &str) -> Option<&'static Note> {
    find(FUNCTIONS, name).or_else(|| find(STANDARD_FUNCTIONS, name))
}

/// `file(text, owner?, group?, mode?)`, parameter by parameter.
pub fn parameter(parameter: &Parameter) -> String {
    let optional = if parameter.required { "" } else { "?" };
    format!("{}{optional}: {}", parameter.name, kind(parameter))
}

/// What a parameter takes.
pub fn kind(parameter: &Parameter) -> &'static str {
    use crate::modules::builtin::ParameterKind;
    match parameter.kind {
        ParameterKind::Text => "string",
        ParameterKind::TextOrVersion => "string or version",
        ParameterKind::Int => "int",
        ParameterKind::Texts => "string or [string]",
        ParameterKind::Other => "value",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::builtin;

    #[test]
    fn every_name_of_the_language_is_described() {
        for name in builtin::names() {
            assert!(builtin::constant(name).is_none() || find(CONSTANTS, name).is_some(), "{name}");
            assert!(builtin::function(name, true).is_none() || function(name).is_some(), "{name}");
        }
        let methods = [builtin::CONTENT_METHODS, builtin::LIST_METHODS, builtin::VERSION_METHODS];
        let methods = methods.into_iter().flatten().map(|(name, _)| *name);
        for name in methods.chain(builtin::VERSION_NUMBERS.iter().copied()) {
            assert!(find(MEMBERS, name).is_some(), "{name}");
        }
        let all = [CONSTANTS, FUNCTIONS, STANDARD_FUNCTIONS];
        for note in all.into_iter().flatten() {
            assert!(
                builtin::constant(note.name).is_some() || builtin::function(note.name, true).is_some(),
                "{} is no name of the language",
                note.name
            );
        }
    }
}
