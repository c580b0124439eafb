//! A command in an image that was read from a layout, an archive or a registry.

use std::collections::BTreeMap;

use hbuild_lang::recipe::Arch;

use super::BuildFailure;
use crate::exec::{ExecError, ExecutionError, FinishedImage};
use crate::image::access::{as_seen_by, writable};
use crate::image::config::{ConfigError, account, environment_of, text};
use crate::image::read::{Image, Layout, ReadError};
use crate::sandbox::{Console, LocalImages};
use crate::store::Store;

/// The time of directories that a command finds and the image has not.
const EPOCH: i64 = 315_532_800;

/// What is run, and what of the image's config is replaced.
#[derive(Debug, Clone, Default)]
pub struct ImageCommand {
    /// Command and arguments; those of the config where it is empty.
    pub command: Vec<String>,
    /// `Config.User`, in any form that it may have.
    pub user: Option<String>,
    /// Variables besides those of the config.
    pub environment: BTreeMap<String, String>,
    /// Working directory.
    pub directory: Option<String>,
    /// Whether the loopback interface is up.
    pub loopback: bool,
}

/// Why a command was not run in an image.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ImageCommandError {
    /// The image cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Read(#[from] ReadError),
    /// Its user is not known.
    #[error(transparent)]
    #[diagnostic(transparent)]
    User(#[from] ConfigError),
    /// The sandbox or the store failed.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Failed(Box<BuildFailure>),
    /// It is for another architecture.
    #[error("the image is for {wanted}, and this host is {here}")]
    #[diagnostic(
        code(hbuild::test::other_platform),
        help("run it on a host that is {wanted}: there is no emulation here")
    )]
    Platform {
        /// The image's architecture.
        wanted: String,
        /// The host's.
        here: Arch,
    },
    /// There is no command.
    #[error("the image has neither an entry point nor a command")]
    #[diagnostic(code(hbuild::test::no_command), help("name one: `hbuild run IMAGE -- COMMAND`"))]
    NoCommand,
    /// The working directory is no absolute path.
    #[error("the working directory `{directory}` is not absolute")]
    #[diagnostic(
        code(hbuild::test::relative_directory),
        help("give an absolute path with --workdir, such as `/`")
    )]
    Directory {
        /// As given.
        directory: String,
    },
}

/// Runs `wanted` in `image` of `layout` with `console`; returns its exit status.
pub fn run_in_image(
    (layout, image): (&Layout<'_>, &Image),
    wanted: &ImageCommand,
    (store, images, console): (&Store, &LocalImages<'_>, &dyn Console),
    (here, threads): (Arch, usize),
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<u8, ImageCommandError> {
    let architecture = image.config.architecture().to_string();
    if architecture != here.as_str() {
        return Err(ImageCommandError::Platform { wanted: architecture, here });
    }
    let config = image.config.config().clone().unwrap_or_default();
    let mut command = wanted.command.clone();
    if command.is_empty() {
        command.extend(config.entrypoint().iter().flatten().cloned());
        command.extend(config.cmd().iter().flatten().cloned());
    }
    if command.is_empty() {
        return Err(ImageCommandError::NoCommand);
    }
    let directory = wanted.directory.clone().or_else(|| config.working_dir().clone());
    let directory = directory.filter(|directory| !directory.is_empty()).unwrap_or_else(|| "/".to_owned());
    if !directory.starts_with('/') {
        return Err(ImageCommandError::Directory { directory });
    }
    let mut contents = store
        .temporary_contents(cancelled)
        .map_err(|error| ImageCommandError::Failed(Box::new(error.into())))?;
    let tree = layout.tree(image, &mut contents)?;
    let text = |path: &str| {
        text(&tree, path, &contents).map_err(|error| ImageCommandError::Failed(Box::new(error.into())))
    };
    let (passwd, group) = (text("etc/passwd")?, text("etc/group")?);
    let user = wanted.user.clone().or_else(|| config.user().clone()).filter(|user| !user.is_empty());
    let account = account(user.as_deref().unwrap_or("0"), &passwd, &group)?;
    let variables = config.env().iter().flatten().filter_map(|line| line.split_once('='));
    let mut variables: BTreeMap<String, String> =
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    variables.extend(wanted.environment.clone());
    let seen = as_seen_by(&tree, &account, &directory, EPOCH);
    let volumes: Vec<String> = config.volumes().iter().flatten().cloned().collect();
    let finished = FinishedImage {
        tree: &seen,
        contents: &contents,
        writable: &writable(&seen, &account, &volumes),
        ids: (account.uid, account.gid),
        environment: &environment_of(&variables, &account),
        directory: &directory,
        threads,
    };
    let status = images.interact(&finished, &command, (console, wanted.loopback), cancelled);
    status.map_err(|error| ImageCommandError::Failed(Box::new(failure_of(error))))
}

/// The failure of the sandbox as that of a build.
pub(super) fn failure_of(error: ExecutionError) -> BuildFailure {
    match error {
        ExecutionError::Executor(error) => BuildFailure::Unavailable(error),
        ExecutionError::Content(error) => error.into(),
        _ => ExecError::Cancelled.into(),
    }
}
