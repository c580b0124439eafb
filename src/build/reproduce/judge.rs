//! What came of building an image again.

use oci_spec::image::MediaType;
use serde::Serialize;

use super::super::graph::Planned;
use super::plan::{Rebuild, shown_name};
use crate::audit::reproduction::{
    Claim, Comparison, EvidenceComparison, Outcome, Pair, compare, compare_evidence, document,
};
use crate::digest::Sha256;
use crate::evidence::media;
use crate::graph::ENCODING_SCHEMA;
use crate::image::read::{Image, ImageFiles, Layout, ReadError};

/// What is said of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The same bytes came again.
    Identical,
    /// The same content came again, packed by another compressor.
    SameContent,
    /// The same bytes came again, and a document about them is another one.
    EvidenceDiffers,
    /// Something else came.
    Different,
    /// It was not built again.
    NotReproduced,
}

/// What is said of the image of one platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PlatformJudgement {
    /// `<image>:<variant>-<arch>`, by the recipe; of one that was not built again, by its provenance.
    pub name: String,
    /// Its manifest.
    pub manifest: Sha256,
    /// What is said.
    pub result: Verdict,
    /// Why it was not built again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// The comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// The comparison of documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceComparison>,
}

/// What is said of all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Judgement {
    /// The gravest of all.
    pub result: Verdict,
    /// Each platform, in the order of the claims.
    pub platforms: Vec<PlatformJudgement>,
    /// The index over the platforms, where one was meant and all of it was built again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<IndexJudgement>,
}

/// What is said of an index whose platforms all came again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct IndexJudgement {
    /// What is said.
    pub result: Verdict,
    /// Its digests.
    #[serde(flatten)]
    pub digests: Pair<Sha256>,
    /// The comparison of documents.
    pub evidence: EvidenceComparison,
}

/// An image as it was built again.
pub struct Rebuilt {
    /// The image.
    pub image: Image,
    /// The provenance as it was made here.
    pub provenance: Vec<u8>,
}

/// The image that `planned` became in the layout `layout`.
pub fn rebuilt(layout: &Layout<'_>, planned: &Planned<'_>) -> Result<Rebuilt, ReadError> {
    let reference = format!("{}-{}", planned.image.variant, planned.image.arch);
    let image = layout.image(Some(&reference), None)?;
    let provenance = document(layout, image.digest, media::PREDICATE_PROVENANCE)?;
    let missing = || ReadError::NoLayout { missing: "its provenance".to_owned() };
    Ok(Rebuilt { provenance: provenance.ok_or_else(missing)?, image })
}

/// Holds the images of `claims`, which `reference` names in `layout`, against what `rebuild` became: `results` is the
/// layout that was written, where anything was built.
pub fn judge(
    (layout, reference): (&Layout<'_>, Option<&str>),
    claims: &[Claim],
    rebuild: &Rebuild<'_>,
    results: Option<&dyn ImageFiles>,
) -> Result<Judgement, ReadError> {
    let results = results.map(Layout::open).transpose()?;
    let mut platforms = Vec::with_capacity(claims.len());
    for (number, claim) in claims.iter().enumerate() {
        let place = rebuild.claims.iter().position(|kept| *kept == number);
        platforms.push(match (place, &results) {
            (Some(place), Some(results)) => {
                judge_one((layout, claim), (results, &rebuild.whole.images[place]), rebuild.same_compressor)?
            }
            _ => not_reproduced(claim, rebuild, number),
        });
    }
    let all_identical = platforms.iter().all(|it| it.result == Verdict::Identical);
    let index = match &results {
        Some(results) if all_identical => index((layout, reference), claims, (results, rebuild))?,
        _ => None,
    };
    let of_index = index.iter().map(|index| index.result);
    let result = platforms.iter().map(|it| it.result).chain(of_index).max().unwrap_or(Verdict::NotReproduced);
    Ok(Judgement { result, platforms, index })
}

fn not_reproduced(claim: &Claim, rebuild: &Rebuild<'_>, number: usize) -> PlatformJudgement {
    let left_out = rebuild.left_out.iter().find(|(left, ..)| *left == number);
    let (name, because) = match left_out {
        Some((_, name, error)) => (name.clone(), Some(error.to_string())),
        None => (claim.name(), None),
    };
    let (manifest, result) = (claim.image.digest, Verdict::NotReproduced);
    PlatformJudgement { name, manifest, result, because, comparison: None, evidence: None }
}

fn judge_one(
    (layout, claim): (&Layout<'_>, &Claim),
    (results, planned): (&Layout<'_>, &Planned<'_>),
    same_compressor: bool,
) -> Result<PlatformJudgement, ReadError> {
    let Rebuilt { image: rebuilt, .. } = rebuilt(results, planned)?;
    let comparison = compare((layout, &claim.image), &rebuilt, same_compressor)?;
    let same_version = is_of_this_version(claim);
    let evidence = compare_evidence((layout, claim.image.digest), (results, rebuilt.digest), same_version)?;
    let result = match comparison.result {
        Outcome::Identical if evidence.differing().next().is_some() => Verdict::EvidenceDiffers,
        Outcome::Identical => Verdict::Identical,
        Outcome::SameContent => Verdict::SameContent,
        Outcome::Different => Verdict::Different,
    };
    let image = planned.image;
    Ok(PlatformJudgement {
        name: shown_name(image),
        manifest: claim.image.digest,
        result,
        because: None,
        comparison: Some(comparison),
        evidence: Some(evidence),
    })
}

/// Whether the image says that this version of hbuild made it.
fn is_of_this_version(claim: &Claim) -> bool {
    claim.built_by() == (env!("CARGO_PKG_VERSION"), ENCODING_SCHEMA.to_string().as_str())
}

/// The index that `reference` names, and the one built again. `None` where it names none, or not all of it was meant.
fn index(
    (layout, reference): (&Layout<'_>, Option<&str>),
    claims: &[Claim],
    (results, rebuild): (&Layout<'_>, &Rebuild<'_>),
) -> Result<Option<IndexJudgement>, ReadError> {
    let entry = layout.resolve(reference)?;
    let Some(planned) = rebuild.whole.images.first() else { return Ok(None) };
    if *entry.media_type() != MediaType::ImageIndex || layout.images(reference)?.len() != claims.len() {
        return Ok(None);
    }
    let built = results.resolve(Some(&planned.image.variant))?;
    let digests =
        Pair { image: Sha256::of(&layout.blob(&entry)?), rebuilt: Sha256::of(&results.blob(&built)?) };
    let same_version = claims.iter().all(is_of_this_version);
    let evidence = compare_evidence((layout, digests.image), (results, digests.rebuilt), same_version)?;
    let result = match digests.image == digests.rebuilt {
        false => Verdict::Different,
        true if evidence.differing().next().is_some() => Verdict::EvidenceDiffers,
        true => Verdict::Identical,
    };
    Ok(Some(IndexJudgement { result, digests, evidence }))
}
