//! The parts of a CycloneDX document, in the order in which they are written.

use serde::Serialize;

use crate::digest::Sha256;
use crate::evidence::sbom::{FoundFile, HBUILD_VERSION};
use crate::graph::spdx::uuid_of;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Bom {
    #[serde(rename = "$schema")]
    pub schema: &'static str,
    pub bom_format: &'static str,
    pub spec_version: &'static str,
    pub serial_number: String,
    pub version: u32,
    pub metadata: Metadata,
    pub components: Vec<Component>,
    pub dependencies: Vec<Dependency>,
    pub compositions: Vec<Composition>,
}

#[derive(Serialize)]
pub(super) struct Metadata {
    pub timestamp: String,
    pub tools: Tools,
    pub component: Component,
}

#[derive(Serialize)]
pub(super) struct Tools {
    pub components: Vec<Component>,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Component {
    #[serde(rename = "type")]
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bom_ref: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplier: Option<Organization>,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub licenses: Vec<LicenseChoice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pedigree: Option<Pedigree>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    #[serde(skip_serializing_if = "Vec::is_empty", rename = "externalReferences")]
    pub external_references: Vec<ExternalReference>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Property>,
}

#[derive(Serialize)]
pub(super) struct Organization {
    pub name: &'static str,
}

#[derive(Serialize)]
pub(super) struct Hash {
    pub alg: &'static str,
    pub content: Sha256,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LicenseChoice {
    Expression(String),
    License(NamedLicense),
}

#[derive(Serialize)]
pub(super) struct NamedLicense {
    pub name: String,
}

#[derive(Serialize)]
pub(super) struct Pedigree {
    pub ancestors: Vec<Component>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patches: Vec<Patch>,
}

/// Where files of a component stand in the image.
#[derive(Serialize)]
pub(super) struct Evidence {
    pub occurrences: Vec<Occurrence>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Occurrence {
    pub location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_context: Option<String>,
}

impl Evidence {
    /// The places of `files`; none where there are none.
    pub fn of(files: &[FoundFile]) -> Option<Self> {
        Self::with_context(files.iter().map(|file| (file, None)))
    }

    /// The places of `files`, each with what there is to say of it.
    pub fn with_context<'a>(files: impl Iterator<Item = (&'a FoundFile, Option<String>)>) -> Option<Self> {
        let occurrence = |(file, additional_context): (&FoundFile, _)| Occurrence {
            location: format!("/{}", file.path.text()),
            additional_context,
        };
        let occurrences: Vec<_> = files.map(occurrence).collect();
        (!occurrences.is_empty()).then_some(Self { occurrences })
    }
}

#[derive(Serialize)]
pub(super) struct Patch {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub diff: Diff,
}

#[derive(Serialize)]
pub(super) struct Diff {
    pub url: String,
}

#[derive(Serialize)]
pub(super) struct ExternalReference {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub url: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<Hash>,
}

#[derive(Serialize)]
pub(super) struct Property {
    pub name: &'static str,
    pub value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Dependency {
    #[serde(rename = "ref")]
    pub reference: String,
    pub depends_on: Vec<String>,
}

#[derive(Serialize)]
pub(super) struct Composition {
    pub aggregate: &'static str,
    pub assemblies: Vec<String>,
}

impl Bom {
    /// A document about `component`, in which all of `components` are.
    pub fn new(created: &str, component: Component, components: Vec<Component>) -> Self {
        let reference = component.bom_ref.clone().unwrap_or_default();
        let contained = components.iter().filter_map(|component| component.bom_ref.clone());
        let mut contained: Vec<String> = contained.collect();
        contained.sort();
        let tool = Component {
            kind: "application",
            name: "hbuild".to_owned(),
            version: Some(HBUILD_VERSION.to_owned()),
            ..Component::default()
        };
        Self {
            schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
            bom_format: "CycloneDX",
            spec_version: "1.6",
            serial_number: String::new(),
            version: 1,
            metadata: Metadata {
                timestamp: created.to_owned(),
                tools: Tools { components: vec![tool] },
                component,
            },
            components,
            dependencies: vec![Dependency { reference: reference.clone(), depends_on: contained }],
            compositions: vec![Composition { aggregate: "complete", assemblies: vec![reference] }],
        }
    }

    /// Its bytes. Its serial number is made from the rest of the document.
    pub fn finish(mut self) -> Vec<u8> {
        let unnumbered = serde_json::to_vec(&self).expect("the document holds strings and lists");
        self.serial_number = format!("urn:uuid:{}", uuid_of(&unnumbered));
        serde_json::to_vec(&self).expect("the document holds strings and lists")
    }
}
