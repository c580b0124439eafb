//! Why an image could not be described.

/// Why config and manifest could not be made.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ConfigError {
    /// The user is a name and there is no account of it.
    #[error("`run-as` names the account `{name}`, which the image does not have")]
    #[diagnostic(
        code(hbuild::image::unknown_account),
        help("add it to `users` (or `groups`), or write `run-as` as numbers: \"65532:65532\"")
    )]
    UnknownAccount {
        /// The name of the user or group.
        name: String,
    },
    /// An environment variable that no process can be given.
    #[error("`{name}` cannot be the name of an environment variable")]
    #[diagnostic(
        code(hbuild::image::bad_env_name),
        help("a name is not empty and holds neither `=` nor NUL")
    )]
    EnvName {
        /// The name.
        name: String,
    },
    /// A port that the OCI image specification does not know.
    #[error("`{port}` is not a port")]
    #[diagnostic(
        code(hbuild::image::bad_port),
        help("write a number from 1 to 65535, with `/tcp` or `/udp` behind it: \"6379/tcp\"")
    )]
    Port {
        /// As written.
        port: String,
    },
    /// A path that must be absolute.
    #[error("`{path}` in `{field}` is not an absolute path")]
    #[diagnostic(code(hbuild::image::relative_path), help("begin it with `/`"))]
    RelativePath {
        /// The field.
        field: &'static str,
        /// As written.
        path: String,
    },
}
