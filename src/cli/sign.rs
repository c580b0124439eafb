//! `hbuild sign`.

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::image::ImageSource;
use super::registry::RegistryArguments;
use super::report::{Failure, UsageError};
use super::signer::SignerArguments;
use super::{print, print_json};
use crate::evidence::signing::{Target, targets};
use crate::host::folder::HostFolder;
use crate::image::layout::attach;

/// Arguments of `sign`.
#[derive(Debug, Args)]
pub struct SignArguments {
    /// A layout folder; `:REF` behind it names one variant or image, otherwise all are signed
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// What signs
    #[command(flatten)]
    pub signer: SignerArguments,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Registries
    #[command(flatten)]
    pub registry: RegistryArguments,
}

/// What was signed.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Signed {
    /// Fingerprint of the key.
    key: String,
    images: Vec<SignedImage>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct SignedImage {
    digest: String,
    name: String,
    statements: Vec<String>,
}

/// Signs images and their evidence.
pub fn run(arguments: &SignArguments, context: &Context) -> Result<(), Failure> {
    // The key is in another process before this one reads anything of the image.
    let signer = arguments.signer.signer(context)?.ok_or_else(|| Failure::new(UsageError::NoKey))?;
    let source = ImageSource::open(&arguments.image, &arguments.registry, context)?;
    let folder = source
        .folder()
        .ok_or_else(|| Failure::new(UsageError::NotAFolder { image: arguments.image.clone() }))?;
    let targets = targets(&source.layout()?, source.reference()).map_err(Failure::new)?;
    let mut referrers = Vec::new();
    for target in &targets {
        referrers.extend(target.sign(&*signer).map_err(Failure::new)?);
    }
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    attach(&HostFolder::new(folder), &name, &referrers, &[]).map_err(Failure::new)?;
    said(
        arguments,
        &Signed { key: signer.public_key().fingerprint(), images: targets.iter().map(image).collect() },
    )
}

fn image(target: &Target) -> SignedImage {
    SignedImage {
        digest: format!("sha256:{}", target.subject.digest),
        name: target.name.clone(),
        statements: target.statements.iter().map(|statement| statement.predicate_type.clone()).collect(),
    }
}

fn said(arguments: &SignArguments, signed: &Signed) -> Result<(), Failure> {
    if arguments.json {
        return print_json(signed);
    }
    let line = |image: &SignedImage| {
        let others = image.statements.len() - 1;
        format!("{} {} signed, with {others} statements\n", image.digest, image.name)
    };
    print(&signed.images.iter().map(line).collect::<String>())
}
