//! Which images of a layout go to which tags.

use oci_spec::image::{Descriptor, MediaType};

use super::super::reference::is_tag;
use super::super::{Reference, RemoteError};
use crate::image::read::Layout;

/// An image and the tag it is to have.
#[derive(Debug, Clone)]
pub struct Target {
    /// Its index or manifest.
    pub entry: Descriptor,
    /// The tag.
    pub tag: String,
}

/// What is pushed of `layout`. With a tag in `to` that is the image that `reference` names, or the only one; without,
/// it is every index under each of its names, or the one that `reference` names under that.
pub fn targets(
    layout: &Layout<'_>,
    reference: Option<&str>,
    to: &Reference,
) -> Result<Vec<Target>, RemoteError> {
    if to.digest.is_some() {
        return Err(RemoteError::PushToDigest { reference: to.to_string() });
    }
    if let Some(tag) = &to.tag {
        return Ok(vec![Target { entry: layout.resolve(reference)?, tag: tag.clone() }]);
    }
    let target = |name: &str, entry: Descriptor| match is_tag(name) {
        true => Ok(Target { entry, tag: name.to_owned() }),
        false => Err(RemoteError::Tag { name: name.to_owned() }),
    };
    if let Some(reference) = reference {
        return Ok(vec![target(reference, layout.resolve(Some(reference))?)?]);
    }
    let mut names = layout.names();
    if names.iter().any(|(_, entry)| *entry.media_type() == MediaType::ImageIndex) {
        // The platforms have names of their own for readers of layouts that know no nested index.
        names.retain(|(_, entry)| *entry.media_type() == MediaType::ImageIndex);
    }
    if names.is_empty() {
        return Err(RemoteError::NothingNamed);
    }
    names.into_iter().map(|(name, entry)| target(&name, entry)).collect()
}
