//! `hbuild sign`.

use std::path::Path;

use clap::Args;
use serde::Serialize;

use super::context::Context;
use super::image::ImageSource;
use super::registry::RegistryArguments;
use super::report::{Failure, OutputError, UsageError};
use super::signer::SignerArguments;
use super::{print, print_json};
use crate::evidence::RunFacts;
use crate::evidence::signing::{Target, ToSign, targets};
use crate::host::folder::HostFolder;
use crate::host::{clock, machine};
use crate::image::layout::{self, Artifact, Referrer};
use crate::remote::{self, Access, Reference};
use crate::store::Store;

/// Arguments of `sign`.
#[derive(Debug, Args)]
pub struct SignArguments {
    /// A layout folder or a reference; `:REF` behind a folder names one variant or image, otherwise all are signed
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// What signs
    #[command(flatten)]
    pub signer: SignerArguments,
    /// Make no run attestation: nothing about times, this machine and how builds went
    #[arg(long)]
    pub no_run: bool,
    /// Also write the tags `.sig` and `.att` of cosign before version 3
    #[arg(long)]
    pub legacy_cosign: bool,
    /// What the legacy signature calls the image; its name by default
    #[arg(long, value_name = "REFERENCE", requires = "legacy_cosign")]
    pub identity: Option<String>,
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
    let place = Place::of(&source, arguments)?;
    let name = place.name();
    let layout = source.layout()?;
    let mut targets = targets(&layout, source.reference()).map_err(Failure::new)?;
    if !arguments.no_run {
        add_runs(&mut targets, context)?;
    }
    let (mut referrers, mut artifacts) = (Vec::new(), Vec::new());
    for target in &targets {
        let bundles = target.sign(&*signer).map_err(Failure::new)?;
        referrers.extend(target.referrers(signer.public_key(), &bundles));
        if arguments.legacy_cosign {
            let identity = arguments.identity.as_deref().unwrap_or(&name);
            let legacy = target.sign_legacy(&layout, identity, &*signer, &bundles);
            artifacts.extend(legacy.map_err(Failure::new)?);
        }
    }
    place.attach(&referrers, &artifacts, arguments, context)?;
    let images = targets.iter().map(image).collect();
    said(arguments, &Signed { key: signer.public_key().fingerprint(), images })
}

/// Where signatures go: to what they are about.
enum Place<'a> {
    Folder(&'a Path),
    Registry(&'a Reference),
}

impl<'a> Place<'a> {
    fn of(source: &'a ImageSource, arguments: &SignArguments) -> Result<Self, Failure> {
        match (source.folder(), source.remote()) {
            (Some(folder), _) => Ok(Self::Folder(folder)),
            (None, Some(reference)) => Ok(Self::Registry(reference)),
            (None, None) => Err(Failure::new(UsageError::NotAFolder { image: arguments.image.clone() })),
        }
    }

    /// What the image is called where nothing else is said.
    fn name(&self) -> String {
        match self {
            Self::Folder(folder) => {
                folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
            }
            Self::Registry(reference) => reference.name(),
        }
    }

    fn attach(
        &self,
        referrers: &[Referrer],
        artifacts: &[Artifact],
        arguments: &SignArguments,
        context: &Context,
    ) -> Result<(), Failure> {
        match self {
            Self::Folder(folder) => {
                layout::attach(&HostFolder::new(*folder), &self.name(), referrers, artifacts)
                    .map_err(Failure::new)?;
            }
            Self::Registry(reference) => {
                let client = arguments.registry.client(context)?;
                let repository = client.repository(reference, Access::Write(Vec::new()));
                remote::attach(&repository, referrers, artifacts).map_err(Failure::new)?;
            }
        }
        Ok(())
    }
}

/// Adds to each target that an hbuild built what this machine knows of its run.
fn add_runs(targets: &mut [Target], context: &Context) -> Result<(), Failure> {
    if targets.iter().all(|target| target.provenance().is_none()) {
        return Ok(());
    }
    let program = machine::program().map_err(|source| Failure::new(OutputError { source }))?;
    // Without a store there is nothing to tell of the builds; the attestation says so.
    let store =
        context.store_path().ok().filter(|path| path.is_dir()).and_then(|path| Store::open(&path).ok());
    let facts = RunFacts { program, now: clock::now(), host: machine::host(), store: store.as_ref() };
    for target in targets {
        if let Some(statement) = target.provenance().and_then(|provenance| facts.about(provenance)) {
            let json = statement.to_json();
            target.statements.push(ToSign { predicate_type: statement.predicate_type, json });
        }
    }
    Ok(())
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
