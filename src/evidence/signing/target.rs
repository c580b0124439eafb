//! What of an image is signed: each manifest, the index above them, and every statement about one of these.

use std::collections::BTreeSet;

use oci_spec::image::{Descriptor, ImageIndex, MediaType};
use serde::de::IgnoredAny;

use super::{BUNDLE, Bundle, PublicKey, Signer, SigningError, bundle_referrer};
use crate::digest::Sha256;
use crate::evidence::{STATEMENT_TYPE, Statement, json, media};
use crate::image::layout::{Referrer, Subject};
use crate::image::read::{Layout, ReadError};

/// A manifest or an index, with what there is about it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The name that the statements about it use: `<image>:<variant>-<arch>`; empty where there are none.
    pub name: String,
    /// What is signed.
    pub subject: Subject,
    /// The statements that are signed, in the order of their referrers, the signature itself first.
    pub statements: Vec<ToSign>,
    /// Bundles that are there.
    bundles: Vec<Bundle>,
}

/// A statement to be signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToSign {
    /// The predicate's type.
    pub predicate_type: String,
    /// The statement.
    pub json: Vec<u8>,
}

/// What is signed of the image that `reference` names, of every image of the layout where it names none: of an index
/// the index and all its manifests. A statement about something else is an error: nobody is to sign it unseen.
pub fn targets(layout: &Layout<'_>, reference: Option<&str>) -> Result<Vec<Target>, SigningError> {
    let entries = match reference {
        Some(_) => vec![layout.resolve(reference)?],
        None => layout.names().into_iter().map(|(_, entry)| entry).collect(),
    };
    let (mut seen, mut targets) = (BTreeSet::new(), Vec::new());
    for entry in entries {
        add(layout, &entry, &mut seen, &mut targets)?;
    }
    Ok(targets)
}

fn add(
    layout: &Layout<'_>,
    entry: &Descriptor,
    seen: &mut BTreeSet<Sha256>,
    targets: &mut Vec<Target>,
) -> Result<(), SigningError> {
    let bytes = layout.blob(entry)?;
    if !seen.insert(Sha256::of(&bytes)) {
        return Ok(());
    }
    match entry.media_type() {
        MediaType::ImageIndex => {
            targets.push(target(layout, Subject::index(&bytes))?);
            let document = |source| ReadError::Document { digest: entry.digest().to_string(), source };
            let index: ImageIndex = serde_json::from_slice(&bytes).map_err(document)?;
            index.manifests().iter().try_for_each(|inner| add(layout, inner, seen, targets))
        }
        MediaType::ImageManifest => {
            targets.push(target(layout, Subject::manifest(&bytes))?);
            Ok(())
        }
        // What is neither has no referrers.
        _ => Ok(()),
    }
}

fn target(layout: &Layout<'_>, subject: Subject) -> Result<Target, SigningError> {
    let digest = subject.digest;
    let (mut name, mut statements) = (String::new(), vec![signature(digest)]);
    let (mut documents, mut bundles) = (Vec::new(), Vec::new());
    for referrer in layout.referrers(digest)? {
        let kind = referrer.artifact_type().as_ref().map(ToString::to_string).unwrap_or_default();
        match kind.as_str() {
            media::IN_TOTO => {
                let json = layout.artifact(&referrer)?;
                let statement = read(&json, digest)?;
                if name.is_empty() {
                    name =
                        statement.subject.into_iter().map(|subject| subject.name).next().unwrap_or_default();
                }
                statements.push(ToSign { predicate_type: statement.predicate_type, json });
            }
            media::SPDX => documents.push((media::PREDICATE_SPDX, layout.artifact(&referrer)?)),
            media::CYCLONEDX => documents.push((media::PREDICATE_CYCLONEDX, layout.artifact(&referrer)?)),
            BUNDLE => bundles.extend(Bundle::parse(&layout.artifact(&referrer)?).ok()),
            _ => {}
        }
    }
    for (predicate_type, document) in documents {
        statements.push(around(&name, digest, predicate_type, &document)?);
    }
    Ok(Target { name, subject, statements, bundles })
}

/// The statement, if it is one about `digest`.
fn read(bytes: &[u8], digest: Sha256) -> Result<Statement<IgnoredAny>, SigningError> {
    let statement: Statement<IgnoredAny> = json::parse(bytes)?;
    match statement.kind == STATEMENT_TYPE && statement.is_about(digest) {
        true => Ok(statement),
        false => Err(SigningError::OtherSubject { predicate_type: statement.predicate_type, digest }),
    }
}

/// The statement that is a signature and nothing more, as cosign 3 writes it.
fn signature(digest: Sha256) -> ToSign {
    let json = format!(
        r#"{{"_type":"{STATEMENT_TYPE}","subject":[{{"digest":{{"sha256":"{digest}"}}}}],"predicateType":"{}","predicate":{{}}}}"#,
        media::PREDICATE_SIGNATURE
    );
    ToSign { predicate_type: media::PREDICATE_SIGNATURE.to_owned(), json: json.into_bytes() }
}

/// The statement whose predicate is a whole document, byte for byte.
fn around(name: &str, digest: Sha256, predicate_type: &str, document: &[u8]) -> Result<ToSign, SigningError> {
    json::check(document)?;
    let name = serde_json::to_string(name).expect("text serialises to JSON");
    let mut json = format!(
        r#"{{"_type":"{STATEMENT_TYPE}","subject":[{{"name":{name},"digest":{{"sha256":"{digest}"}}}}],"predicateType":"{predicate_type}","predicate":"#
    )
    .into_bytes();
    json.extend_from_slice(document.trim_ascii());
    json.push(b'}');
    Ok(ToSign { predicate_type: predicate_type.to_owned(), json })
}

impl Target {
    /// The provenance statement about it, if there is one.
    pub fn provenance(&self) -> Option<&[u8]> {
        let is_it = |statement: &&ToSign| statement.predicate_type == media::PREDICATE_PROVENANCE;
        self.statements.iter().find(is_it).map(|statement| &*statement.json)
    }

    /// Signs every statement, in their order. A signature by the same key over the same bytes is used again, so that
    /// signing again changes nothing, whoever signs.
    pub fn sign(&self, signer: &dyn Signer) -> Result<Vec<Bundle>, SigningError> {
        let key = signer.public_key();
        let sign = |statement: &ToSign| {
            let there = self.bundles.iter().find(|bundle| {
                bundle.payload_type() == media::IN_TOTO
                    && bundle.payload() == statement.json
                    && bundle.hint() == key.hint()
                    && bundle.verify(key).is_ok()
            });
            match there {
                Some(bundle) => Ok(bundle.clone()),
                None => Bundle::sign(signer, media::IN_TOTO, &statement.json),
            }
        };
        self.statements.iter().map(sign).collect()
    }

    /// The referrers that attach `bundles`, those of [`Target::sign`].
    pub fn referrers(&self, key: &PublicKey, bundles: &[Bundle]) -> Vec<Referrer> {
        let signed = self.statements.iter().zip(bundles);
        let attach = |(statement, bundle): (&ToSign, &Bundle)| {
            bundle_referrer(self.subject, &statement.predicate_type, key, bundle.to_json())
        };
        signed.map(attach).collect()
    }
}
