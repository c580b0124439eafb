//! The images that commands work on: a layout folder or an archive, each with a reference where it holds several, or
//! an image in a registry.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::registry::RegistryArguments;
use super::report::{Failure, OutputError, UsageError};
use crate::host::image_folder::ImageFolder;
use crate::image::read::{Archive, ImageFiles, Layout};
use crate::remote::{Access, Reference, RegistryFiles};

/// Where an image is read from.
pub struct ImageSource {
    folder: Option<PathBuf>,
    files: Box<dyn ImageFiles>,
    reference: Option<String>,
    remote: Option<Reference>,
}

impl ImageSource {
    /// The image that `PATH[:REF]` names, or where there is no such path, the one in a registry that `[docker://]REF`
    /// names. Of an image in a registry only what is read is fetched.
    pub fn open(image: &str, registry: &RegistryArguments, context: &Context) -> Result<Self, Failure> {
        let (path, reference) = split(image);
        if !Path::new(path).exists() {
            if Reference::is_meant(image) {
                return Self::remote_image(image, registry, context);
            }
            return Err(Failure::new(UsageError::NoImage { image: image.to_owned() }));
        }
        let files: Box<dyn ImageFiles> = if Path::new(path).is_dir() {
            Box::new(ImageFolder::open(Path::new(path)).map_err(Failure::new)?)
        } else {
            let file = File::open(path).map_err(|source| Failure::new(OutputError { source }))?;
            Box::new(Archive::new(file).map_err(Failure::new)?)
        };
        let folder = Path::new(path).is_dir().then(|| PathBuf::from(path));
        Ok(Self { folder, files, reference: reference.map(str::to_owned), remote: None })
    }

    fn remote_image(image: &str, registry: &RegistryArguments, context: &Context) -> Result<Self, Failure> {
        let remote = Reference::parse(image).map_err(Failure::new)?;
        let repository = registry.client(context)?.repository(&remote, Access::Read);
        let files = RegistryFiles::open(repository, &remote).map_err(Failure::new)?;
        let reference = Some(files.name().to_owned());
        Ok(Self { folder: None, files: Box::new(files), reference, remote: Some(remote) })
    }

    /// The reference, where it is in a registry.
    pub fn remote(&self) -> Option<&Reference> {
        self.remote.as_ref()
    }

    /// What is in it.
    pub fn layout(&self) -> Result<Layout<'_>, Failure> {
        Layout::open(&*self.files).map_err(Failure::new)
    }

    /// The layout's folder, where it is one.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Its files.
    pub fn files(&self) -> &dyn ImageFiles {
        &*self.files
    }

    /// Which image is meant: for [`Layout::resolve`].
    pub fn reference(&self) -> Option<&str> {
        self.reference.as_deref()
    }
}

/// Path and reference of `PATH[:REF]`.
fn split(image: &str) -> (&str, Option<&str>) {
    match image.rsplit_once(':') {
        Some((path, reference)) if !Path::new(image).exists() && !reference.contains('/') => {
            (path, Some(reference))
        }
        _ => (image, None),
    }
}
