//! Why a request cannot be resolved.

use crate::distro::debian::relation::RelationError;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum ResolveError {
    /// A name that no index has.
    #[error("there is no package `{name}`")]
    #[diagnostic(code(hbuild::debian::unknown_package), help("{}", unknown_help(suggestions)))]
    UnknownPackage {
        /// The name.
        name: String,
        /// Similar names, best first.
        suggestions: Vec<String>,
    },
    /// A package that exists, but not for this architecture.
    #[error("there is no package `{name}` for {arch}")]
    #[diagnostic(code(hbuild::debian::no_such_architecture), help("it is available for {}", available.join(", ")))]
    NoSuchArchitecture {
        /// The name.
        name: String,
        /// The architecture asked for.
        arch: String,
        /// The architectures that have it.
        available: Vec<String>,
    },
    /// A version that no index has.
    #[error("`{name}` is not available in version {version}")]
    #[diagnostic(code(hbuild::debian::version_not_available), help("available: {}", available.join(", ")))]
    VersionNotAvailable {
        /// The name.
        name: String,
        /// The version asked for.
        version: String,
        /// What there is, newest first.
        available: Vec<String>,
    },
    /// One package asked for in two versions.
    #[error("`{name}` is asked for in version {first} and in version {second}")]
    #[diagnostic(code(hbuild::debian::two_pins), help("keep one of the two"))]
    TwoPins {
        /// The name.
        name: String,
        /// One version.
        first: String,
        /// Another.
        second: String,
    },
    /// A name that several packages provide, and none has.
    #[error("`{name}` is a virtual package")]
    #[diagnostic(code(hbuild::debian::virtual_package), help("name one of the packages that provide it: {}", providers.join(", ")))]
    Virtual {
        /// The name.
        name: String,
        /// The packages that provide it.
        providers: Vec<String>,
    },
    /// Packages that cannot be installed together, or lack something.
    #[error("the packages cannot be installed together:\n{}", reasons.join("\n"))]
    #[diagnostic(
        code(hbuild::debian::unsolvable),
        help(
            "ask for another package or version, drop a pin or an exclusion, or add the repository that has what is missing"
        )
    )]
    Unsolvable {
        /// One chain for each package asked for that cannot be installed, from the package to what is missing.
        reasons: Vec<String>,
    },
    /// A stanza whose relations cannot be read.
    #[error("the relations of `{package}` {version} cannot be read")]
    #[diagnostic(
        code(hbuild::debian::bad_package_relations),
        help(
            "the repository publishes a broken Packages file; tell its owner, or use another mirror or snapshot"
        )
    )]
    Relations {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// What is wrong.
        #[source]
        source: RelationError,
    },
}

fn unknown_help(suggestions: &[String]) -> String {
    match suggestions {
        [] => "check the spelling, and that the repository which has it is listed".to_owned(),
        some => format!(
            "did you mean {}?",
            some.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    }
}
