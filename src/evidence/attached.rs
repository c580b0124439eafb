//! The documents that an image or an index carries: its referrers, each with what it says that it is.
//!
//! Nothing here is a signature checked: a document is what its own artifact says, about the manifest asked for.

use oci_spec::image::{Descriptor, ImageManifest};
use serde::Deserialize;

use super::signing::BUNDLE;
use super::{Statement, json, media};
use crate::digest::Sha256;
use crate::graph::SbomFormat;
use crate::image::read::{Layout, ReadError};

/// Referrers of one manifest that are looked at.
const MOST: usize = 1000;

/// A document attached to a manifest or an index.
#[derive(Debug, Clone)]
pub struct Attachment {
    /// The type of its artifact.
    pub artifact_type: String,
    /// The type of the predicate, where it is a statement or a signed one.
    pub predicate_type: Option<String>,
    /// The digest of the artifact's manifest.
    pub digest: String,
    layers: Vec<Descriptor>,
}

/// All documents attached to one manifest or index.
pub struct Attached<'a> {
    layout: &'a Layout<'a>,
    subject: Sha256,
    /// In the order of the referrers index.
    pub all: Vec<Attachment>,
}

/// Why what is attached cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum AttachedError {
    /// The image cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Read(#[from] ReadError),
    /// A referrer of something else.
    #[error("the document {digest} is listed for sha256:{subject}, and is about {found}")]
    #[diagnostic(
        code(hbuild::evidence::other_image),
        help("the copy of the image is mixed up, or forged: build, copy or pull it again")
    )]
    OtherImage {
        /// The document.
        digest: String,
        /// What it is listed for.
        subject: Sha256,
        /// What it says that it is about.
        found: String,
    },
    /// The image has no SBOM in the format.
    #[error("sha256:{subject} carries no SBOM of the type {wanted}")]
    #[diagnostic(
        code(hbuild::evidence::no_bill),
        help(
            "images that `hbuild build` writes as layout folders have one as a referrer, archives and other images have none; a scanner such as syft makes one from the package databases inside"
        )
    )]
    NoBill {
        /// The manifest or index.
        subject: Sha256,
        /// Its media type.
        wanted: &'static str,
    },
    /// The document is not JSON, or not of its kind.
    #[error("the document {digest} of the image is not the {what} that it should be")]
    #[diagnostic(
        code(hbuild::evidence::bad_attachment),
        help(
            "the copy of the image is damaged, or its documents were made by another program: build or pull it again"
        )
    )]
    Malformed {
        /// The document.
        digest: String,
        /// What it should be.
        what: &'static str,
        /// What is wrong.
        #[source]
        source: json::JsonError,
    },
}

impl Attachment {
    /// The files behind the document.
    pub(super) fn files(&self) -> &[Descriptor] {
        self.layers.get(1..).unwrap_or_default()
    }
}

impl<'a> Attached<'a> {
    /// What is attached to the manifest or index `subject` of `layout`.
    pub fn read(layout: &'a Layout<'a>, subject: Sha256) -> Result<Self, AttachedError> {
        let mut all = Vec::new();
        for entry in layout.referrers(subject)?.iter().take(MOST) {
            let manifest = layout.artifact_manifest(entry)?;
            let digest = entry.digest().to_string();
            let found = manifest.subject().as_ref().map(|found| found.digest().to_string());
            if found.as_deref() != Some(&subject.to_oci()) {
                let found = found.unwrap_or_else(|| "nothing".to_owned());
                return Err(AttachedError::OtherImage { digest, subject, found });
            }
            all.push(attachment(entry, manifest, digest));
        }
        Ok(Self { layout, subject, all })
    }

    /// What of it is a signature or a signed statement.
    pub fn signatures(&self) -> impl Iterator<Item = &Attachment> {
        self.all.iter().filter(|one| one.artifact_type == BUNDLE)
    }

    /// The bytes of the document with this artifact type and predicate type, which are not checked further.
    pub fn document(
        &self,
        artifact_type: &str,
        predicate_type: Option<&str>,
    ) -> Result<Option<(&Attachment, Vec<u8>)>, AttachedError> {
        let fits = |one: &&Attachment| {
            one.artifact_type == artifact_type && one.predicate_type.as_deref() == predicate_type
        };
        let Some(found) = self.all.iter().find(fits) else { return Ok(None) };
        let missing = || ReadError::Blob { digest: found.digest.clone() };
        Ok(Some((found, self.layout.blob(found.layers.first().ok_or_else(missing)?)?)))
    }

    /// The statement of this predicate type about the subject, as it is without a signature.
    pub fn statement<P: serde::de::DeserializeOwned>(
        &self,
        predicate_type: &str,
    ) -> Result<Option<Statement<P>>, AttachedError> {
        let Some((found, bytes)) = self.document(media::IN_TOTO, Some(predicate_type))? else {
            return Ok(None);
        };
        let statement: Statement<P> = parsed(found, "statement", &bytes)?;
        if !statement.is_about(self.subject) || statement.predicate_type != predicate_type {
            let named = statement.subject.first().and_then(|subject| subject.digest.get("sha256"));
            let found_subject = format!("{} {}", statement.predicate_type, named.map_or("", String::as_str));
            let (digest, subject) = (found.digest.clone(), self.subject);
            return Err(AttachedError::OtherImage { digest, subject, found: found_subject });
        }
        Ok(Some(statement))
    }

    /// The SBOM of the subject: its bytes, which name the subject by its digest.
    pub fn bill(&self, format: SbomFormat) -> Result<Vec<u8>, AttachedError> {
        let wanted = media::sbom(format);
        let Some((found, bytes)) = self.document(wanted, None)? else {
            return Err(AttachedError::NoBill { subject: self.subject, wanted });
        };
        let named = match format {
            SbomFormat::Spdx => parsed::<Spdx>(found, "SPDX document", &bytes)?.described(),
            SbomFormat::CycloneDx => parsed::<CycloneDx>(found, "CycloneDX document", &bytes)?.described(),
        };
        if named.iter().any(|digest| *digest == self.subject.to_hex()) {
            return Ok(bytes);
        }
        let found_subject = named.first().cloned().unwrap_or_else(|| "nothing".to_owned());
        Err(AttachedError::OtherImage {
            digest: found.digest.clone(),
            subject: self.subject,
            found: found_subject,
        })
    }
}

fn attachment(entry: &Descriptor, manifest: ImageManifest, digest: String) -> Attachment {
    let named = |key: &str| {
        let own = manifest.annotations().as_ref().and_then(|all| all.get(key));
        own.or_else(|| entry.annotations().as_ref().and_then(|all| all.get(key))).cloned()
    };
    let artifact_type = match manifest.artifact_type() {
        Some(artifact_type) => artifact_type.to_string(),
        None => manifest.config().media_type().to_string(),
    };
    let predicate_type =
        named(media::PREDICATE_TYPE_ANNOTATION).or_else(|| named("dev.sigstore.bundle.predicateType"));
    Attachment { artifact_type, predicate_type, digest, layers: manifest.layers().clone() }
}

fn parsed<T: serde::de::DeserializeOwned>(
    found: &Attachment,
    what: &'static str,
    bytes: &[u8],
) -> Result<T, AttachedError> {
    let malformed = |source| AttachedError::Malformed { digest: found.digest.clone(), what, source };
    json::parse(bytes).map_err(malformed)
}

/// As much of an SPDX document as says what it is about.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spdx {
    #[serde(default)]
    packages: Vec<SpdxPackage>,
    #[serde(default)]
    relationships: Vec<SpdxRelationship>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpdxPackage {
    #[serde(rename = "SPDXID")]
    id: String,
    #[serde(default)]
    checksums: Vec<SpdxChecksum>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpdxChecksum {
    algorithm: String,
    checksum_value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SpdxRelationship {
    spdx_element_id: String,
    relationship_type: String,
    related_spdx_element: String,
}

impl Spdx {
    /// The SHA-256 of what it describes.
    fn described(&self) -> Vec<String> {
        let describes = |id: &str| {
            self.relationships.iter().any(|one| {
                one.spdx_element_id == "SPDXRef-DOCUMENT"
                    && one.relationship_type == "DESCRIBES"
                    && one.related_spdx_element == id
            })
        };
        let checksums = self.packages.iter().filter(|one| describes(&one.id)).flat_map(|one| &one.checksums);
        let sha256 = checksums.filter(|checksum| checksum.algorithm == "SHA256");
        sha256.map(|checksum| checksum.checksum_value.clone()).collect()
    }
}

/// As much of a CycloneDX document as says what it is about.
#[derive(Deserialize)]
struct CycloneDx {
    metadata: CycloneDxMetadata,
}

#[derive(Deserialize)]
struct CycloneDxMetadata {
    component: CycloneDxComponent,
}

#[derive(Deserialize)]
struct CycloneDxComponent {
    #[serde(default)]
    hashes: Vec<CycloneDxHash>,
}

#[derive(Deserialize)]
struct CycloneDxHash {
    alg: String,
    content: String,
}

impl CycloneDx {
    fn described(&self) -> Vec<String> {
        let hashes = self.metadata.component.hashes.iter().filter(|hash| hash.alg == "SHA-256");
        hashes.map(|hash| hash.content.clone()).collect()
    }
}

/// A file that an SPDX document lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFile {
    /// Its SHA-256.
    pub sha256: String,
    /// Its path, `./` before it.
    pub path: String,
}

/// The files that an SPDX document lists, sorted by path.
pub fn listed_files(spdx: &[u8]) -> Result<Vec<ListedFile>, json::JsonError> {
    #[derive(Deserialize)]
    struct Files {
        #[serde(default)]
        files: Vec<File>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct File {
        file_name: String,
        checksums: Vec<SpdxChecksum>,
    }
    let listed = |file: File| {
        let sha256 = file.checksums.into_iter().find(|checksum| checksum.algorithm == "SHA256")?;
        Some(ListedFile { sha256: sha256.checksum_value, path: file.file_name })
    };
    let mut files: Vec<_> = json::parse::<Files>(spdx)?.files.into_iter().filter_map(listed).collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}
