//! Strings that must have a form: paths, digests, dates, ports, names. One place for each, used by the field
//! that takes it.

mod build;
mod glob;
mod license;
mod names;
mod oci;
mod text;

use std::borrow::Cow;

pub use glob::is_glob;
pub use oci::{is_registry, is_repository, oci_reference};

/// The form of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any text without NUL.
    Any,
    /// Any text but an empty one.
    Filled,
    /// Text on one line.
    Line,
    /// A version.
    Version,
    /// An SPDX licence expression.
    License,
    /// `YYYY-MM-DD`.
    Date,
    /// A tag of an image.
    Tag,
    /// An absolute, normal path.
    Path,
    /// A relative, normal path.
    RelativePath,
    /// An absolute path or glob.
    Glob,
    /// A relative path or glob.
    RelativeGlob,
    /// 64 hexadecimal digits.
    Sha256,
    /// A URL, or `debian:pool/…`.
    Url,
    /// An image in a registry, by its digest.
    OciReference,
    /// A package URL.
    Purl,
    /// A CPE 2.3 name.
    Cpe,
    /// A name of an environment variable.
    EnvName,
    /// A name in os-release.
    OsReleaseName,
    /// The name of a label or annotation.
    LabelName,
    /// The name of an account or group.
    Account,
    /// Who runs an image: a name, or numbers `uid[:gid]`.
    RunAs,
    /// `6379/tcp`.
    Port,
    /// `SIGTERM`.
    Signal,
    /// A name in kebab case: of a date, of a policy rule.
    Word,
    /// A package name, of whatever distro.
    PackageName,
    /// A package with its pins, of whatever distro.
    Package,
    /// A suite or branch of a repository.
    Suite,
    /// URL of a git repository: `https:`, `ssh:` or `file:`.
    GitUrl,
    /// A commit: 40 or 64 hexadecimal digits.
    Commit,
    /// One name of a folder.
    FolderName,
    /// A folder of a build: absolute, or relative to `$SRC`.
    Directory,
    /// A name of an environment variable that a build does not set itself.
    BuildEnvName,
    /// The name of a further output of a build.
    OutputName,
}

/// Why a string has not its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The diagnostic's code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub help: Cow<'static, str>,
}

fn problem(code: &'static str, message: String, help: impl Into<Cow<'static, str>>) -> Option<Problem> {
    Some(Problem { code, message, help: help.into() })
}

impl Form {
    /// What is wrong with the text, if anything is.
    pub fn problem(self, text: &str) -> Option<Problem> {
        if text.contains('\0') {
            return problem("hbuild::lang::bad_text", "the text holds a NUL".to_owned(), "leave the NUL out");
        }
        match self {
            Form::Any => None,
            Form::Filled => text::filled(text),
            Form::Line => text::line(text),
            Form::Version => text::version(text),
            Form::License => license::expression(text),
            Form::Date => text::date(text),
            Form::Tag => text::tag(text),
            Form::Sha256 => text::sha256(text),
            Form::Url => text::url(text),
            Form::OciReference => oci::problem_of(text),
            Form::Purl => text::purl(text),
            Form::Cpe => text::cpe(text),
            Form::Port => text::port(text),
            Form::Signal => text::signal(text),
            Form::Path => glob::path(text),
            Form::RelativePath => glob::relative_path(text),
            Form::Glob => glob::absolute(text),
            Form::RelativeGlob => glob::relative(text),
            Form::EnvName => names::env(text),
            Form::OsReleaseName => names::os_release(text),
            Form::LabelName => names::label(text),
            Form::Account => names::account(text),
            Form::RunAs => names::run_as(text),
            Form::Word => names::word(text),
            Form::PackageName | Form::Package => text::filled(text),
            Form::Suite => names::suite(text),
            Form::GitUrl => text::git_url(text),
            Form::Commit => text::commit(text),
            Form::FolderName => build::folder(text),
            Form::Directory => build::directory(text),
            Form::BuildEnvName => build::env(text),
            Form::OutputName => build::output(text),
        }
    }
}
