//! Why a request cannot be resolved.

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum ResolveError {
    /// A name that no index has.
    #[error("there is no package `{name}`")]
    #[diagnostic(code(hbuild::alpine::unknown_package), help("{}", unknown_help(suggestions)))]
    UnknownPackage {
        /// The name.
        name: String,
        /// Similar names, best first.
        suggestions: Vec<String>,
    },
    /// A version that no index has.
    #[error("`{request}` cannot be had: no version of `{name}` fits")]
    #[diagnostic(code(hbuild::alpine::version_not_available), help("available: {}", available.join(", ")))]
    VersionNotAvailable {
        /// The request.
        request: String,
        /// The name.
        name: String,
        /// What there is, newest first.
        available: Vec<String>,
    },
    /// A tag that no repository has.
    #[error("no repository has the tag `{tag}` of `{request}`")]
    #[diagnostic(
        code(hbuild::alpine::unknown_tag),
        help("give a repository of the image this tag, or drop `@{tag}`")
    )]
    UnknownTag {
        /// The request.
        request: String,
        /// The tag.
        tag: String,
    },
    /// A name that several packages provide, and none has.
    #[error("`{name}` is a virtual package")]
    #[diagnostic(code(hbuild::alpine::virtual_package), help("name one of the packages that provide it: {}", providers.join(", ")))]
    Virtual {
        /// The name.
        name: String,
        /// The packages that provide it.
        providers: Vec<String>,
    },
    /// Packages that cannot be installed together, or lack something.
    #[error("the packages cannot be installed together:\n{}", reasons.join("\n"))]
    #[diagnostic(
        code(hbuild::alpine::unsolvable),
        help(
            "ask for another package or version, drop a pin or an exclusion, or add the repository that has what is missing"
        )
    )]
    Unsolvable {
        /// One chain for each package asked for that cannot be installed, from the package to what is missing.
        reasons: Vec<String>,
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
