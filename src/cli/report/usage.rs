//! Errors of the command line itself.

/// Wrong usage that clap cannot see.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum UsageError {
    /// A target is neither a recipe nor a folder.
    #[error("there is no recipe at `{target}`")]
    #[diagnostic(
        code(hbuild::usage::no_recipe),
        help("name a file that ends in `.hb`, or a folder with such files below it")
    )]
    NoRecipe {
        /// As given.
        target: String,
    },
    /// A target of `import` has no files.
    #[error("there is no YAML file at `{target}`")]
    #[diagnostic(
        code(hbuild::usage::no_definition),
        help("name a definition, or a folder with files below it that end in `.yaml`")
    )]
    NoDefinition {
        /// As given.
        target: String,
    },
    /// A file that would be written over.
    #[error("`{path}` is there already")]
    #[diagnostic(
        code(hbuild::usage::file_exists),
        help("write elsewhere with `-o`, or over it with `--force`")
    )]
    FileExists {
        /// The file.
        path: String,
    },
    /// Neither a layout folder nor an archive.
    #[error("there is no image at `{image}`")]
    #[diagnostic(
        code(hbuild::usage::no_image_file),
        help(
            "name a layout folder or an OCI archive, with `:REFERENCE` behind it where it holds several images, or an image in a registry with the registry's host: `ghcr.io/team/app:1.0`"
        )
    )]
    NoImage {
        /// As given.
        image: String,
    },
    /// Two that cannot be compared.
    #[error("{left}, and {right}")]
    #[diagnostic(
        code(hbuild::usage::other_kinds),
        help(
            "name two of one kind: images, trees, recipes or locks; `--as` says what both are to be read as"
        )
    )]
    OtherKinds {
        /// What the first is.
        left: String,
        /// What the second is.
        right: String,
    },
    /// Nothing says whose signatures count.
    #[error("no key is trusted: whose signatures should count?")]
    #[diagnostic(
        code(hbuild::usage::no_trusted_key),
        help(
            "give a public key with `--key`, or keys in the policy; a key that comes with the image proves nothing"
        )
    )]
    NoTrustedKey,
    /// There is no such file.
    #[error("there is no bundle at `{path}`")]
    #[diagnostic(
        code(hbuild::usage::no_bundle),
        help("name a file that `hbuild bundle TARGET -o FILE` wrote")
    )]
    NoBundle {
        /// As given.
        path: String,
    },
    /// The image came without the statement that is needed.
    #[error("the image has no statement of the type {predicate}")]
    #[diagnostic(
        code(hbuild::usage::no_evidence),
        help("ask of a layout folder that `hbuild build` wrote: its referrers hold the statements")
    )]
    NoEvidence {
        /// The type.
        predicate: String,
    },
    /// Nothing says where the store is.
    #[error("there is no place for the store: neither HBUILD_STORE, XDG_DATA_HOME nor HOME is set")]
    #[diagnostic(code(hbuild::usage::no_store), help("set HBUILD_STORE to a folder"))]
    NoStore,
    /// An axis, or a label of it, that no recipe has.
    #[error("no recipe named here has `--{axis} {label}`")]
    #[diagnostic(code(hbuild::usage::no_such_axis), help("{choices}"))]
    NoSuchAxis {
        /// The axis.
        axis: String,
        /// The label.
        label: String,
        /// What there is.
        choices: String,
    },
    /// An `--axis` without `=`.
    #[error("`--axis {text}` is not NAME=LABEL")]
    #[diagnostic(code(hbuild::usage::bad_axis), help("write `--axis release=8.8`, or `--release 8.8`"))]
    BadAxis {
        /// As given.
        text: String,
    },
    /// No error has this code.
    #[error("there is no error with the code `{code}`")]
    #[diagnostic(code(hbuild::usage::no_such_code), help("{help}"))]
    NoSuchCode {
        /// As given.
        code: String,
        /// What there is.
        help: String,
    },
    /// Nothing to sign with.
    #[error("nothing says what to sign with")]
    #[diagnostic(
        code(hbuild::usage::no_key),
        help(
            "give `--key FILE`, or `--signer COMMAND` with `--public-key FILE`; `hbuild keygen -o NAME` makes a key"
        )
    )]
    NoKey,
    /// Something that cannot be added to.
    #[error("`{image}` is an archive, and signatures can only be added to a layout folder")]
    #[diagnostic(
        code(hbuild::usage::not_a_folder),
        help("unpack the archive into a folder and sign that, or sign the folder that `hbuild build` wrote")
    )]
    NotAFolder {
        /// As given.
        image: String,
    },
    /// Another option's value is wrong.
    #[error("{message}")]
    #[diagnostic(code(hbuild::usage::bad_value), help("{help}"))]
    BadValue {
        /// What is wrong.
        message: String,
        /// What to write.
        help: String,
    },
}

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot write to standard output")]
#[diagnostic(
    code(hbuild::host::output),
    help("check where standard output goes, and that the disk has room")
)]
pub struct OutputError {
    /// What the system said.
    #[source]
    pub source: std::io::Error,
}
