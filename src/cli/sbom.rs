//! `hbuild sbom`.

use clap::{Args, ValueEnum};
use hbuild_lang::recipe::Arch;

use super::context::Context;
use super::image::ImageSource;
use super::print;
use super::registry::RegistryArguments;
use super::report::Failure;
use super::target::host_arch;
use crate::digest::Sha256;
use crate::evidence::{Attached, AttachedError, listed_files};
use crate::graph::SbomFormat;
use crate::image::read::Layout;

/// Arguments of `sbom`.
#[derive(Debug, Args)]
pub struct SbomArguments {
    /// A layout folder or an archive, optionally with `:REF`
    pub image: String,
    /// Format
    #[arg(long, value_enum, default_value_t = SbomArgument::Spdx)]
    pub format: SbomArgument,
    /// Print the files of the image instead, as `sha256sum --check` reads them
    #[arg(long, conflicts_with_all = ["format", "index"])]
    pub files: bool,
    /// The SBOM of the image index, which lists the images of its platforms
    #[arg(long, conflicts_with = "arch")]
    pub index: bool,
    /// The platform of an index: `amd64` or `arm64`; the host's by default
    #[arg(long, value_name = "ARCH", value_parser = arch)]
    pub arch: Option<Arch>,
    /// Registries
    #[command(flatten)]
    pub registry: RegistryArguments,
}

/// Formats of an SBOM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SbomArgument {
    /// SPDX 2.3, JSON
    Spdx,
    /// CycloneDX 1.6, JSON
    Cyclonedx,
}

/// Prints an SBOM that the image carries, byte for byte.
pub fn run(arguments: &SbomArguments, context: &Context) -> Result<(), Failure> {
    let source = ImageSource::open(&arguments.image, &arguments.registry, context)?;
    let layout = source.layout()?;
    let subject = match arguments.index {
        true => index(&layout, source.reference())?,
        false => {
            layout
                .image(source.reference(), Some(arguments.arch.unwrap_or_else(host_arch)))
                .map_err(Failure::new)?
                .digest
        }
    };
    let attached = Attached::read(&layout, subject).map_err(Failure::new)?;
    let format = match arguments.format {
        SbomArgument::Spdx => SbomFormat::Spdx,
        SbomArgument::Cyclonedx => SbomFormat::CycloneDx,
    };
    let bill = attached.bill(format).map_err(Failure::new)?;
    if !arguments.files {
        return print(&String::from_utf8_lossy(&bill));
    }
    let malformed = |source| {
        let (digest, what) = (subject.to_oci(), "SPDX document");
        Failure::new(AttachedError::Malformed { digest, what, source })
    };
    let files = listed_files(&bill).map_err(malformed)?;
    let line = |sha256: &str, path: &str| format!("{sha256}  {path}\n");
    print(&files.iter().map(|file| line(&file.sha256, &file.path)).collect::<String>())
}

/// The digest of the index that `reference` names.
fn index(layout: &Layout<'_>, reference: Option<&str>) -> Result<Sha256, Failure> {
    let entry = layout.resolve(reference).map_err(Failure::new)?;
    layout.digest(&entry).map_err(Failure::new)
}

/// An architecture as it is typed.
pub(super) fn arch(text: &str) -> Result<Arch, String> {
    [Arch::Amd64, Arch::Arm64]
        .into_iter()
        .find(|arch| arch.as_str() == text)
        .ok_or_else(|| "write `amd64` or `arm64`".to_owned())
}
