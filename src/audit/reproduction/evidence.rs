//! Documents about an image, held against those about the one built again. They are the same only where both are about the
//! same manifest and come from the same version of hbuild.

use oci_spec::image::Descriptor;
use serde::Serialize;

use crate::digest::Sha256;
use crate::evidence::media;
use crate::evidence::signing::{BUNDLE, Bundle};
use crate::image::read::{Layout, ReadError};

/// Why documents were not compared, or how they compare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "compared", content = "documents")]
pub enum EvidenceComparison {
    /// They were compared.
    Yes(Vec<DocumentComparison>),
    /// The images differ, so that documents about them do.
    OtherImage,
    /// The image was built by another version of hbuild.
    OtherVersion,
}

/// A document that a build makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DocumentComparison {
    /// Its predicate type, or where it is no statement its media type.
    pub kind: String,
    /// Its digest as it was built again.
    pub rebuilt: Sha256,
    /// Digests of those of this kind that came with the image; it may have come without.
    pub image: Vec<Sha256>,
}

impl DocumentComparison {
    /// Whether the image came with another document in place of this one.
    pub fn differs(&self) -> bool {
        !self.image.is_empty() && !self.image.contains(&self.rebuilt)
    }
}

impl EvidenceComparison {
    /// The documents that came with the image and are other ones than were built again.
    pub fn differing(&self) -> impl Iterator<Item = &DocumentComparison> {
        let all = match self {
            Self::Yes(documents) => documents.as_slice(),
            Self::OtherImage | Self::OtherVersion => &[],
        };
        all.iter().filter(|document| document.differs())
    }
}

/// Compares the documents that a build makes about a manifest or index with those that came with it.
pub fn compare_evidence(
    (layout, image): (&Layout<'_>, Sha256),
    (rebuilt_layout, rebuilt): (&Layout<'_>, Sha256),
    same_version: bool,
) -> Result<EvidenceComparison, ReadError> {
    if image != rebuilt {
        return Ok(EvidenceComparison::OtherImage);
    }
    if !same_version {
        return Ok(EvidenceComparison::OtherVersion);
    }
    let came = layout.referrers(image)?;
    let mut documents = Vec::new();
    for referrer in rebuilt_layout.referrers(rebuilt)? {
        let is_of_kind =
            |it: &&Descriptor| artifact_type(it) == artifact_type(&referrer) && kind(it) == kind(&referrer);
        let digests = came.iter().filter(is_of_kind).map(|it| Ok(Sha256::of(&layout.artifact(it)?)));
        documents.push(DocumentComparison {
            kind: kind(&referrer),
            rebuilt: Sha256::of(&rebuilt_layout.artifact(&referrer)?),
            image: digests.collect::<Result<_, ReadError>>()?,
        });
    }
    Ok(EvidenceComparison::Yes(documents))
}

/// The document of the predicate type `predicate` about `image`, as a build wrote it.
pub fn document(layout: &Layout<'_>, image: Sha256, predicate: &str) -> Result<Option<Vec<u8>>, ReadError> {
    Ok(statements(layout, &layout.referrers(image)?, predicate)?.into_iter().next())
}

/// The statements of a predicate type among `referrers`: those that stand there as they are, then those in envelopes,
/// whose signatures are for others to verify.
pub(super) fn statements(
    layout: &Layout<'_>,
    referrers: &[Descriptor],
    predicate: &str,
) -> Result<Vec<Vec<u8>>, ReadError> {
    let of = |wanted: &str| {
        let is_it = |it: &&Descriptor| artifact_type(it) == wanted && kind(it) == predicate;
        referrers.iter().filter(is_it).collect::<Vec<_>>()
    };
    let plain = of(media::IN_TOTO).into_iter().map(|it| layout.artifact(it));
    let mut found: Vec<Vec<u8>> = plain.collect::<Result<_, _>>()?;
    for it in of(BUNDLE) {
        // A bundle that cannot be read states nothing.
        found.extend(Bundle::parse(&layout.artifact(it)?).ok().map(|bundle| bundle.payload().to_vec()));
    }
    Ok(found)
}

fn artifact_type(referrer: &Descriptor) -> String {
    referrer.artifact_type().as_ref().map(ToString::to_string).unwrap_or_default()
}

fn kind(referrer: &Descriptor) -> String {
    let annotations = referrer.annotations().as_ref();
    let predicate = annotations.and_then(|all| all.get(media::PREDICATE_TYPE_ANNOTATION));
    predicate.cloned().unwrap_or_else(|| artifact_type(referrer))
}
