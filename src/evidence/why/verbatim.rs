//! [`Recheck`] over what `lock` kept: the verbatim indexes of an [`IndexCache`], and the distributions' verifiers.

use std::io::Read;

use hbuild_lang::recipe::Repository;

use super::answer::SignedIndex;
use super::recheck::{Recheck, Verified};
use super::{RecheckFailure, VerbatimError};
use crate::digest::Sha256;
use crate::distro::alpine::index::Index;
use crate::distro::alpine::repository;
use crate::distro::cache::IndexCache;
use crate::distro::debian::release::Release;
use crate::distro::debian::signature::Keyring;
use crate::timestamp::Timestamp;

/// Largest Packages file read, decompressed.
const MAX_PACKAGES_BYTES: u64 = 1 << 29;
/// Memory that the xz decoder may take; `xz -9` needs 65 MiB.
const XZ_MEMORY: u64 = 256 << 20;

/// The indexes that were kept, and the repositories with the keys that may sign them.
#[derive(Clone, Copy)]
pub struct VerbatimIndexes<'a> {
    /// Where they were kept.
    pub cache: &'a dyn IndexCache,
    /// The repositories, as the recipe or `std` has them.
    pub repositories: &'a [Repository],
}

impl VerbatimIndexes<'_> {
    /// The repository of `index`, if its keys are known.
    fn repository(&self, index: &SignedIndex) -> Option<&Repository> {
        let named =
            |repository: &&Repository| repository.name == index.repository && repository.suite == index.suite;
        self.repositories.iter().find(named).filter(|found| !found.keys.is_empty())
    }
}

impl Recheck for VerbatimIndexes<'_> {
    fn verbatim(&self, digest: Sha256) -> Option<Vec<u8>> {
        self.cache.file(digest).ok().flatten()
    }

    fn verify(&self, index: &SignedIndex, in_release: &[u8]) -> Result<Option<Verified>, RecheckFailure> {
        let Some(repository) = self.repository(index) else { return Ok(None) };
        let at: Timestamp = index.date.parse()?;
        let keys = repository.keys.iter().map(|key| (key.name.as_str(), &*key.text));
        let verified = Keyring::parse(keys)?.verify(in_release, at)?;
        let release = Release::parse(&verified.text)?;
        if index.suite != release.codename && Some(&index.suite) != release.suite.as_ref() {
            return Err(VerbatimError::OtherSuite { codename: release.codename }.into());
        }
        if release.date != at {
            return Err(VerbatimError::OtherDate { date: release.date }.into());
        }
        Ok(Some(Verified { text: verified.text, signed_by: verified.signed_by }))
    }

    fn alpine(
        &self,
        index: &SignedIndex,
        bytes: &[u8],
    ) -> Result<Option<(Index, Vec<String>)>, RecheckFailure> {
        let (Some(repository), Some(part)) = (self.repository(index), &index.part) else { return Ok(None) };
        let signed = repository::SignedIndex::verify(repository, &part.component, &part.arch, bytes)?;
        if signed.date.to_string() != index.date {
            return Err(VerbatimError::OtherDate { date: signed.date }.into());
        }
        let packages = signed.packages(bytes)?;
        Ok(Some((packages, signed.signed_by)))
    }

    fn decompress(&self, path: &str, bytes: &[u8]) -> Result<Vec<u8>, RecheckFailure> {
        let read = |reader: &mut dyn Read| -> Result<Vec<u8>, RecheckFailure> {
            let mut text = Vec::new();
            reader.take(MAX_PACKAGES_BYTES + 1).read_to_end(&mut text)?;
            if text.len() as u64 > MAX_PACKAGES_BYTES {
                return Err(VerbatimError::TooLong.into());
            }
            Ok(text)
        };
        if path.ends_with(".xz") {
            let flags = liblzma::stream::CONCATENATED;
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, flags)?;
            read(&mut liblzma::bufread::XzDecoder::new_stream(bytes, stream))
        } else if path.ends_with(".gz") {
            read(&mut flate2::bufread::MultiGzDecoder::new(bytes))
        } else {
            read(&mut &bytes[..])
        }
    }
}
