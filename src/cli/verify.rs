//! `hbuild verify`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use hbuild_lang::recipe::Arch;

use super::context::Context;
use super::image::ImageSource;
use super::registry::RegistryArguments;
use super::report::{Failure, UsageError};
use super::{print, print_json};
use crate::audit::verify::{Options, Policy, Problem, TrustedKey, Verification, verify};
use crate::evidence::signing::PublicKey;
use crate::host::clock;
use crate::image::read::ReadError;

/// Key files and policies have a few lines.
const MOST_BYTES: u64 = 4 << 20;

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// A layout folder or an archive, with `:REF` behind it where it holds several images, or a registry reference
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// A public key whose signatures count (`NAME.pub`); may be given several times
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// What else has to hold: keys with their times and builders, recipes, waivers, licences, age, sandbox
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// Of an image for several platforms, this one alone: `amd64`, `arm64`
    #[arg(long, value_name = "ARCH")]
    pub arch: Option<String>,
    /// Unpack every layer and compare it with the config's diff IDs
    #[arg(long)]
    pub deep: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Registries
    #[command(flatten)]
    pub registry: RegistryArguments,
}

/// A key or a policy that cannot be read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("cannot read {}", path.display())]
#[diagnostic(
    code(hbuild::verify::unreadable_input),
    help("name the `.pub` file of a key, and a policy in TOML, that this user may read")
)]
struct UnreadableInput {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Prints the page, and fails where something does not hold.
pub fn run(arguments: &VerifyArguments, context: &Context) -> Result<(), Failure> {
    let policy = match &arguments.policy {
        Some(path) => read_policy(path)?,
        None => Policy::default(),
    };
    let keys = arguments.keys.iter().map(|path| read_key(path)).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() && policy.keys.is_empty() {
        return Err(Failure::new(UsageError::NoTrustedKey));
    }
    let arch = arguments.arch.as_deref().map(architecture).transpose()?;
    let source = ImageSource::open(&arguments.image, &arguments.registry, context)?;
    let options = Options {
        image: &arguments.image,
        keys: &keys,
        policy: &policy,
        now: clock::now(),
        deep: arguments.deep,
        arch,
    };
    let mut verification = verify(source.files(), source.reference(), &options);
    // Nothing was judged: there is nothing to say of an image.
    if let [Problem::Read(ReadError::Ambiguous { .. } | ReadError::UnknownReference { .. })] =
        verification.problems[..]
    {
        return Err(Failure::new(verification.problems.remove(0)));
    }
    match arguments.json {
        true => print_json(&verification)?,
        false => print(&verification.to_string())?,
    }
    outcome(verification)
}

/// Nothing, or every problem: what does not hold outweighs what could not be had.
fn outcome(verification: Verification) -> Result<(), Failure> {
    let problems = verification.problems;
    if problems.is_empty() {
        return Ok(());
    }
    let broken = problems.iter().any(|problem| !problem.is_absence());
    let failure = problems.into_iter().map(Failure::new).reduce(Failure::and);
    let failure = failure.unwrap_or_else(Failure::silent);
    Err(if broken { failure.with_status(1) } else { failure })
}

fn architecture(name: &str) -> Result<Arch, Failure> {
    let known = [Arch::Amd64, Arch::Arm64];
    let found = known.into_iter().find(|arch| arch.as_str() == name);
    found.ok_or_else(|| {
        Failure::new(UsageError::BadValue {
            message: format!("`--arch {name}` is no architecture"),
            help: "write `--arch amd64` or `--arch arm64`".to_owned(),
        })
    })
}

fn read_key(path: &Path) -> Result<TrustedKey, Failure> {
    let unreadable = |source| Failure::new(UnreadableInput { path: path.to_owned(), source });
    let pem = read(path).map_err(unreadable)?;
    let key = PublicKey::from_pem(&pem).map_err(Failure::new)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(TrustedKey::plain(&name, key))
}

fn read_policy(path: &Path) -> Result<Policy, Failure> {
    let unreadable = |source| Failure::new(UnreadableInput { path: path.to_owned(), source });
    let text = read(path).map_err(unreadable)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Policy::parse(&path.display().to_string(), &text, &|name| read(&folder.join(name))).map_err(Failure::new)
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let size = fs::File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)? as u64;
    if size > MOST_BYTES { Err(io::Error::other("the file is too large")) } else { Ok(text) }
}
