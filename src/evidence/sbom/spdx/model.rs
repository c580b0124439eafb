//! The parts of an SPDX document, in the order in which they are written.

use serde::Serialize;

use crate::digest::Sha256;
use crate::evidence::sbom::files::verification_code;
use crate::evidence::sbom::{FoundFile, HBUILD_VERSION};
use crate::graph::spdx::{NO_ASSERTION, uuid_of};

pub(super) const DOCUMENT: &str = "SPDXRef-DOCUMENT";
pub(super) const IMAGE: &str = "SPDXRef-Image";
pub(super) const SYSTEM: &str = "SPDXRef-OperatingSystem";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Document {
    #[serde(rename = "SPDXID")]
    pub id: &'static str,
    pub spdx_version: &'static str,
    pub data_license: &'static str,
    pub name: String,
    pub document_namespace: String,
    pub creation_info: CreationInfo,
    pub packages: Vec<Package>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub has_extracted_licensing_infos: Vec<ExtractedLicense>,
    pub relationships: Vec<Relationship>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CreationInfo {
    pub created: String,
    pub creators: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Package {
    #[serde(rename = "SPDXID")]
    pub id: String,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_info: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_file_name: Option<String>,
    pub supplier: &'static str,
    pub download_location: String,
    pub files_analyzed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package_verification_code: Option<VerificationCode>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_info: Option<String>,
    pub license_concluded: &'static str,
    pub license_declared: String,
    pub copyright_text: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    pub primary_package_purpose: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub external_refs: Vec<ExternalReference>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Checksum {
    pub algorithm: &'static str,
    pub checksum_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VerificationCode {
    pub package_verification_code_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct File {
    #[serde(rename = "SPDXID")]
    pub id: String,
    pub file_name: String,
    pub checksums: [Checksum; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExternalReference {
    pub reference_category: &'static str,
    pub reference_type: &'static str,
    pub reference_locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ExtractedLicense {
    pub license_id: String,
    pub extracted_text: String,
    pub name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Relationship {
    pub spdx_element_id: String,
    pub relationship_type: &'static str,
    pub related_spdx_element: String,
}

impl Package {
    pub fn new(id: String, name: &str, purpose: &'static str) -> Self {
        Self {
            id,
            name: name.to_owned(),
            version_info: None,
            package_file_name: None,
            supplier: NO_ASSERTION,
            download_location: NO_ASSERTION.to_owned(),
            files_analyzed: false,
            package_verification_code: None,
            checksums: Vec::new(),
            source_info: None,
            license_concluded: NO_ASSERTION,
            license_declared: NO_ASSERTION.to_owned(),
            copyright_text: NO_ASSERTION,
            description: None,
            comment: None,
            primary_package_purpose: purpose,
            external_refs: Vec::new(),
        }
    }

    pub fn sha256(mut self, digest: Option<Sha256>) -> Self {
        self.checksums.extend(digest.map(checksum));
        self
    }

    pub fn purl(mut self, purl: Option<String>) -> Self {
        self.refer("PACKAGE-MANAGER", "purl", purl);
        self
    }

    pub fn refer(&mut self, category: &'static str, kind: &'static str, locator: Option<String>) {
        self.external_refs.extend(locator.map(|reference_locator| ExternalReference {
            reference_category: category,
            reference_type: kind,
            reference_locator,
        }));
    }
}

impl Document {
    /// A document without packages.
    pub fn new(name: String, created: &str) -> Self {
        Self {
            id: DOCUMENT,
            spdx_version: "SPDX-2.3",
            data_license: "CC0-1.0",
            name,
            document_namespace: String::new(),
            creation_info: CreationInfo {
                created: created.to_owned(),
                creators: vec![format!("Tool: hbuild-{HBUILD_VERSION}")],
            },
            packages: Vec::new(),
            files: Vec::new(),
            has_extracted_licensing_infos: Vec::new(),
            relationships: Vec::new(),
        }
    }

    /// States that `package` has `files` in the image, each with a comment; links are not files to SPDX.
    pub fn contain<'a>(
        &mut self,
        package: &mut Package,
        files: impl Iterator<Item = (&'a FoundFile, Option<String>)> + Clone,
    ) {
        let of_package = files.clone().map(|(file, _)| file);
        for (file, comment) in files {
            let Some(digests) = &file.digests else { continue };
            let id = format!("SPDXRef-File-{}", self.files.len() + 1);
            let sha1 = Checksum { algorithm: "SHA1", checksum_value: digests.sha1.clone() };
            self.relationships.push(relation(&package.id, "CONTAINS", &id));
            let (file_name, checksums) =
                (format!("./{}", file.path.text()), [sha1, checksum(digests.sha256)]);
            self.files.push(File { id, file_name, checksums, comment });
            package.files_analyzed = true;
        }
        if package.files_analyzed {
            let package_verification_code_value = verification_code(of_package);
            package.package_verification_code = Some(VerificationCode { package_verification_code_value });
        }
    }

    /// Its bytes. Its namespace ends in a UUID made from the rest of the document.
    pub fn finish(mut self, image: &str) -> Vec<u8> {
        let unnamed = serde_json::to_vec(&self).expect("the document holds strings and lists");
        self.document_namespace = format!("https://hbuild.dev/spdx/{image}/{}", uuid_of(&unnamed));
        serde_json::to_vec(&self).expect("the document holds strings and lists")
    }
}

fn checksum(digest: Sha256) -> Checksum {
    Checksum { algorithm: "SHA256", checksum_value: digest.to_hex() }
}

pub(super) fn relation(element: &str, relationship_type: &'static str, related: &str) -> Relationship {
    Relationship {
        spdx_element_id: element.to_owned(),
        relationship_type,
        related_spdx_element: related.to_owned(),
    }
}
