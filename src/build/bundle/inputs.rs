//! Inputs of fetches that are at hand: those of a bundle, and what another store has fetched.

use crate::bundle::{Bundle, BundleError};
use crate::exec::BuildError;
use crate::graph::{Derivation, Fetch, FixedOutput, outputs};
use crate::host::fetch_builder::{AtHand, Inputs};
use crate::store::{ObjectRef, Store};

/// The inputs in a bundle. What is not in it is not to be had.
#[derive(Debug, Clone, Copy)]
pub struct BundleInputs<'a>(pub &'a Bundle);

impl Inputs for BundleInputs<'_> {
    fn open(&self, derivation: &Derivation, fetch: &Fetch) -> Result<Option<AtHand<'_>>, BuildError> {
        let found = match &fetch.content {
            FixedOutput::Sha256(sha256) => self.0.blob(sha256),
            FixedOutput::Apk { checksum, .. } => self.0.package(checksum),
        };
        let Some(entry) = found else {
            let label = &derivation.label;
            let what = label.strip_prefix("fetch ").unwrap_or(label).to_owned();
            return Err(BuildError::action(BundleError::NoInput { what }));
        };
        let known_by_digest = matches!(fetch.content, FixedOutput::Sha256(_));
        let wrong = move |reason| {
            let path = entry.path.clone();
            BuildError::action(match known_by_digest {
                true => BundleError::Altered { path, said_by: "the lock" },
                false => BundleError::Package { path, reason },
            })
        };
        Ok(Some(AtHand { reader: Box::new(self.0.reader(entry)), wrong: Some(Box::new(wrong)) }))
    }
}

/// The files that a store has fetched. Nothing that was built is taken from it; what is damaged there is fetched again.
/// Whoever uses it holds [`Store::share`] of that store.
#[derive(Debug, Clone, Copy)]
pub struct StoreInputs<'a>(pub &'a Store);

impl StoreInputs<'_> {
    fn find(&self, derivation: &Derivation, fetch: &Fetch) -> Option<ObjectRef> {
        let blob = match &fetch.content {
            FixedOutput::Sha256(sha256) => self.0.blob_object(sha256),
            FixedOutput::Apk { .. } => None,
        };
        blob.or_else(|| self.0.recall(&derivation.id())?.outputs.get(outputs::FILE).copied())
    }
}

impl Inputs for StoreInputs<'_> {
    fn open(&self, derivation: &Derivation, fetch: &Fetch) -> Result<Option<AtHand<'_>>, BuildError> {
        let reader = self.find(derivation, fetch).and_then(|object| self.0.reader(&object).ok());
        Ok(reader.map(|reader| AtHand { reader, wrong: None }))
    }
}
