//! Signatures in the form of cosign before version 3, for policy controllers that know no bundles: the manifests
//! `sha256-<hex>.sig` and `sha256-<hex>.att`, with one layer for each signature and each signed statement.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use oci_spec::image::{Descriptor, ImageManifest, ImageManifestBuilder, MediaType};
use serde_json::json;

use super::{Bundle, Signer, SigningError, Target};
use crate::digest::Sha256;
use crate::evidence::media;
use crate::image::config::{descriptor, to_canonical};
use crate::image::layout::{Artifact, referrers_tag};
use crate::image::media_type;
use crate::image::read::{Layout, ReadError};

const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const SIGNATURE_ANNOTATION: &str = "dev.cosignproject.cosign/signature";
const PREDICATE_ANNOTATION: &str = "predicateType";

/// A layer of such a manifest.
struct Layer {
    media_type: String,
    annotations: BTreeMap<String, String>,
    bytes: Vec<u8>,
}

impl Target {
    /// The two manifests. `identity` is what the signature calls the image, `bundles` are those of
    /// [`Target::sign`], in the order of its statements. What others signed in `layout` stays, and what this key
    /// signed before is replaced.
    pub fn sign_legacy(
        &self,
        layout: &Layout<'_>,
        identity: &str,
        signer: &dyn Signer,
        bundles: &[Bundle],
    ) -> Result<[Artifact; 2], SigningError> {
        let key = signer.public_key();
        let tag = referrers_tag(self.subject.digest);
        let (signature_name, attestation_name) = (format!("{tag}.sig"), format!("{tag}.att"));

        let mut signatures = layers(layout, &signature_name)?;
        let payload = payload(identity, self.subject.digest);
        let valid = |layer: &Layer| {
            let signature = layer.annotations.get(SIGNATURE_ANNOTATION);
            let signature = signature.and_then(|text| STANDARD.decode(text).ok()).unwrap_or_default();
            key.verify(&layer.bytes, &signature).is_ok()
        };
        if !signatures.iter().any(|layer| layer.bytes == payload && valid(layer)) {
            signatures.retain(|layer| !valid(layer));
            let signature = signer.sign(&payload)?;
            key.verify(&payload, &signature)?;
            let annotations = [(SIGNATURE_ANNOTATION.to_owned(), STANDARD.encode(signature))];
            signatures.push(Layer {
                media_type: SIMPLE_SIGNING.to_owned(),
                annotations: annotations.into(),
                bytes: payload,
            });
        }

        let mut attestations = layers(layout, &attestation_name)?;
        attestations.retain(|layer| {
            !Bundle::of_envelope(&layer.bytes).is_ok_and(|bundle| bundle.verify(key).is_ok())
        });
        let signed = self.statements.iter().zip(bundles);
        for (statement, bundle) in signed.filter(|(one, _)| one.predicate_type != media::PREDICATE_SIGNATURE)
        {
            let annotations = [
                (SIGNATURE_ANNOTATION.to_owned(), String::new()),
                (PREDICATE_ANNOTATION.to_owned(), statement.predicate_type.clone()),
            ];
            attestations.push(Layer {
                media_type: ENVELOPE.to_owned(),
                annotations: annotations.into(),
                bytes: bundle.to_envelope(),
            });
        }
        Ok([artifact(signature_name, signatures), artifact(attestation_name, attestations)])
    }
}

/// What cosign signs: the payload of container signatures ("simple signing").
fn payload(identity: &str, digest: Sha256) -> Vec<u8> {
    let payload = json!({
        "critical": {
            "identity": { "docker-reference": identity },
            "image": { "docker-manifest-digest": format!("sha256:{digest}") },
            "type": "cosign container image signature",
        },
        "optional": null,
    });
    serde_json::to_vec(&payload).expect("JSON values serialise")
}

/// The layers of the manifest `name` of the layout, none where there is none.
fn layers(layout: &Layout<'_>, name: &str) -> Result<Vec<Layer>, SigningError> {
    let entry = match layout.resolve(Some(name)) {
        Err(ReadError::UnknownReference { .. }) => return Ok(Vec::new()),
        entry => entry?,
    };
    let document = |source| ReadError::Document { digest: entry.digest().to_string(), source };
    let manifest: ImageManifest = serde_json::from_slice(&layout.blob(&entry)?).map_err(document)?;
    let layer = |layer: &Descriptor| {
        Ok(Layer {
            media_type: layer.media_type().to_string(),
            annotations: layer.annotations().clone().unwrap_or_default().into_iter().collect(),
            bytes: layout.blob(layer)?,
        })
    };
    manifest.layers().iter().map(layer).collect()
}

fn artifact(name: String, layers: Vec<Layer>) -> Artifact {
    let digests: Vec<String> =
        layers.iter().map(|layer| format!("sha256:{}", Sha256::of(&layer.bytes))).collect();
    // cosign's own have the config of an image, too.
    let config = json!({
        "architecture": "",
        "config": {},
        "os": "",
        "rootfs": { "diff_ids": digests, "type": "layers" },
    });
    let config = serde_json::to_vec(&config).expect("JSON values serialise");
    let described = |layer: &Layer| {
        let mut entry = descriptor(&layer.media_type, Sha256::of(&layer.bytes), layer.bytes.len() as u64);
        entry.set_annotations(Some(layer.annotations.clone().into_iter().collect()));
        entry
    };
    let manifest = ImageManifestBuilder::default()
        .schema_version(2u32)
        .media_type(MediaType::ImageManifest)
        .config(descriptor(media_type::CONFIG, Sha256::of(&config), config.len() as u64))
        .layers(layers.iter().map(described).collect::<Vec<_>>())
        .build()
        .expect("all fields are set");
    let blobs = [config].into_iter().chain(layers.into_iter().map(|layer| layer.bytes)).collect();
    Artifact { name, manifest: to_canonical(&manifest), blobs }
}
