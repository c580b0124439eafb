//! `hbuild pull`.

use std::path::PathBuf;

use clap::Args;

use super::context::Context;
use super::registry::RegistryArguments;
use super::report::Failure;
use super::table;
use super::{print, print_json};
use crate::host::folder::HostFolder;
use crate::remote::{Access, Reference, RegistryFiles, pull};

/// Arguments of `pull`.
#[derive(Debug, Args)]
pub struct PullArguments {
    /// The image, such as `ghcr.io/team/hello:2.10` or `ghcr.io/team/hello@sha256:…`
    #[arg(value_name = "REF")]
    pub image: String,
    /// Folder for the result; the image's layout is a folder in it, by the last part of the repository's name
    #[arg(short, long, value_name = "DIR", default_value = "out")]
    pub output: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Registries
    #[command(flatten)]
    pub registry: RegistryArguments,
}

/// Fetches an image with its evidence into a layout.
pub fn run(arguments: &PullArguments, context: &Context) -> Result<(), Failure> {
    let reference = Reference::parse(&arguments.image).map_err(Failure::new)?;
    let client = arguments.registry.client(context)?;
    let repository = client.repository(&reference, Access::Read);
    let files = RegistryFiles::open(repository, &reference).map_err(Failure::new)?;
    let path = arguments.output.join(reference.image_name());
    let pulled = pull(&files, reference.image_name(), &HostFolder::new(&path)).map_err(Failure::new)?;
    if context.reporter().for_people() {
        eprintln!(
            "fetched: {} blobs and documents ({} of blobs), {} of them evidence; {} there",
            pulled.fetched,
            table::size(pulled.bytes),
            pulled.evidence,
            pulled.there
        );
    }
    if arguments.json {
        return print_json(&serde_json::json!({
            "reference": reference.to_string(),
            "digest": pulled.digest.to_oci(),
            "path": path,
            "name": pulled.name,
            "fetched": pulled.fetched,
            "bytes": pulled.bytes,
            "there": pulled.there,
            "evidence": pulled.evidence,
        }));
    }
    print(&format!("{}@{}\nin {}\n", reference.name(), pulled.digest.to_oci(), path.display()))
}
