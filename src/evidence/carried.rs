//! The signed indexes as an artifact of an image: written where they are asked for, and read back by `why`.

use std::collections::BTreeMap;
use std::io;

use oci_spec::image::Descriptor;
use serde::{Deserialize, Serialize};

use super::{Attached, AttachedError, media};
use crate::digest::Sha256;
use crate::distro::cache::IndexCache;
use crate::image::layout::{Blob, Referrer, Subject, artifact_with_files};
use crate::image::read::Layout;

/// The first layer of the artifact: what its other layers are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexList {
    /// 1.
    pub schema: u32,
    /// SHA-256 of each signed index and each Packages file, by name.
    pub indexes: BTreeMap<String, Sha256>,
    /// SHA-256 of each certificate, by name.
    pub certificates: BTreeMap<String, Sha256>,
}

/// The artifact that attaches these files, each with its name, to `subject`.
pub fn indexes_referrer(
    subject: Subject,
    indexes: Vec<(String, Blob)>,
    certificates: &BTreeMap<String, String>,
) -> Referrer {
    let certificates: Vec<(String, Blob)> =
        certificates.iter().map(|(name, text)| (name.clone(), Blob::of(text.as_bytes()))).collect();
    let digests =
        |files: &[(String, Blob)]| files.iter().map(|(name, blob)| (name.clone(), blob.digest)).collect();
    let list = IndexList { schema: 1, indexes: digests(&indexes), certificates: digests(&certificates) };
    let list = serde_json::to_vec(&list).expect("the list holds texts");
    let files = indexes.into_iter().chain(certificates).collect();
    artifact_with_files(subject, media::INDEXES, Blob::of(&list), files)
}

/// The signed indexes that an image carries.
pub struct CarriedIndexes<'a> {
    layout: &'a Layout<'a>,
    files: BTreeMap<Sha256, Descriptor>,
}

impl<'a> CarriedIndexes<'a> {
    /// Those of the image whose documents are `attached`; none where it carries none.
    pub fn of(layout: &'a Layout<'a>, attached: &Attached<'_>) -> Result<Option<Self>, AttachedError> {
        let Some(found) = attached.all.iter().find(|one| one.artifact_type == media::INDEXES) else {
            return Ok(None);
        };
        let entry = |layer: &Descriptor| Ok((layout.digest(layer)?, layer.clone()));
        let files = found.files().iter().map(entry).collect::<Result<_, AttachedError>>()?;
        Ok(Some(Self { layout, files }))
    }

    /// The file with this digest; none that the image does not have, and none that is not what its digest says.
    pub fn file(&self, sha256: Sha256) -> Option<Vec<u8>> {
        self.layout.blob(self.files.get(&sha256)?).ok()
    }
}

/// Verbatim indexes from a store, and for what it lacks from an image.
pub struct KeptOrCarried<'a> {
    /// The store.
    pub kept: Option<&'a dyn IndexCache>,
    /// The image.
    pub carried: Option<&'a CarriedIndexes<'a>>,
}

impl IndexCache for KeptOrCarried<'_> {
    fn has_file(&self, sha256: Sha256) -> bool {
        self.kept.is_some_and(|kept| kept.has_file(sha256))
            || self.carried.is_some_and(|carried| carried.files.contains_key(&sha256))
    }

    fn file(&self, sha256: Sha256) -> Result<Option<Vec<u8>>, io::Error> {
        let kept = self.kept.map_or(Ok(None), |kept| kept.file(sha256))?;
        Ok(kept.or_else(|| self.carried.and_then(|carried| carried.file(sha256))))
    }

    fn keep_file(&self, _: Sha256, _: &[u8]) -> Result<(), io::Error> {
        Ok(())
    }

    fn derived(&self, _: &str, _: Sha256) -> Result<Option<Vec<u8>>, io::Error> {
        Ok(None)
    }

    fn keep_derived(&self, _: &str, _: Sha256, _: &[u8]) -> Result<(), io::Error> {
        Ok(())
    }
}
