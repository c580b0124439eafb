//! The chain from a package's digest to a key, checked again from verbatim files: signature over the index, the
//! index's digest of the Packages file, that file's entry for the package.

use memchr::memmem;

use super::answer::{Check, PackageCause, SignedIndex};
use super::{RecheckFailure, WhyError};
use crate::digest::Sha256;
use crate::distro::alpine::index::{Index, Package};

/// What a recheck asks of its caller, who has the store and the verifier.
pub trait Recheck {
    /// The bytes with this SHA-256 as the archive gave them, or `None` where they are not at hand.
    fn verbatim(&self, digest: Sha256) -> Option<Vec<u8>>;

    /// The signed text of an InRelease file, when a key of the keyring of `index` signed it, judged at the date
    /// of the index. `None` where there is no keyring for it.
    fn verify(&self, index: &SignedIndex, in_release: &[u8]) -> Result<Option<Verified>, RecheckFailure>;

    /// The packages of Alpine's `index`, when a key of its keyring signed `bytes`, and the names of the keys whose
    /// signatures hold. `None` where there is no keyring for it.
    fn alpine(
        &self,
        index: &SignedIndex,
        bytes: &[u8],
    ) -> Result<Option<(Index, Vec<String>)>, RecheckFailure>;

    /// The content of a Packages file; its path tells how it is compressed.
    fn decompress(&self, path: &str, bytes: &[u8]) -> Result<Vec<u8>, RecheckFailure>;
}

/// A signed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What is signed.
    pub text: String,
    /// Fingerprints of the keys whose signatures hold.
    pub signed_by: Vec<String>,
}

/// Checks the chain behind `cause` as far as `verbatim` has its files.
pub(super) fn recheck(cause: &PackageCause, verbatim: Option<&dyn Recheck>) -> Result<Check, WhyError> {
    let index = &cause.index;
    let name = if index.part.is_some() { "APKINDEX.tar.gz" } else { "InRelease" };
    let signed = verbatim.and_then(|verbatim| Some((verbatim, genuine(verbatim, index.sha256)?)));
    let Some((verbatim, signed)) = signed else {
        return Ok(Check::Asserted { missing: vec![name.to_owned()] });
    };
    match index.part {
        Some(_) => apk(cause, verbatim, &signed),
        None => deb(cause, verbatim, &signed),
    }
}

fn without_keys(index: &SignedIndex) -> Check {
    Check::Asserted { missing: vec![format!("the keys of {}", index.repository)] }
}

/// The chain of an Alpine package: signature over the index, its entry for the package.
fn apk(cause: &PackageCause, verbatim: &dyn Recheck, bytes: &[u8]) -> Result<Check, WhyError> {
    let index = &cause.index;
    let verified = verbatim
        .alpine(index, bytes)
        .map_err(|source| WhyError::Signature { index: index.name.clone(), source })?;
    let Some((packages, signed_by)) = verified else { return Ok(without_keys(index)) };
    let lists = |package: Package<'_>| {
        (package.name(), package.version(), package.arch()) == (&cause.name, &cause.version, &cause.arch)
            && Some(package.checksum()) == cause.checksum
    };
    if packages.packages().any(lists) {
        return Ok(Check::Rechecked { signed_by, listed_in: "APKINDEX".to_owned() });
    }
    let checksum = cause.checksum.map(|checksum| checksum.to_string()).unwrap_or_default();
    let what = format!("{} {} with checksum {checksum}", cause.name, cause.version);
    Err(WhyError::NotVouched { index: index.name.clone(), what })
}

/// The chain of a Debian package: signature over InRelease, its digest of the Packages file, that file's entry.
fn deb(cause: &PackageCause, verbatim: &dyn Recheck, in_release: &[u8]) -> Result<Check, WhyError> {
    let index = &cause.index;
    let verified = verbatim
        .verify(index, in_release)
        .map_err(|source| WhyError::Signature { index: index.name.clone(), source })?;
    let Some(verified) = verified else { return Ok(without_keys(index)) };
    let not_vouched = |what: String| WhyError::NotVouched { index: index.name.clone(), what };
    let mut missing = Vec::new();
    for file in &index.packages {
        if !release_lists(&verified.text, &file.path, file.sha256) {
            return Err(not_vouched(format!("`{}` with sha256 {}", file.path, file.sha256)));
        }
        let Some(bytes) = genuine(verbatim, file.sha256) else {
            missing.push(file.path.clone());
            continue;
        };
        let content = verbatim
            .decompress(&file.path, &bytes)
            .map_err(|source| WhyError::Undecodable { file: file.path.clone(), source })?;
        if packages_lists(&content, cause) {
            let listed_in = file.path.clone();
            return Ok(Check::Rechecked { signed_by: verified.signed_by, listed_in });
        }
    }
    if missing.is_empty() {
        return Err(not_vouched(format!("{} {} with sha256 {}", cause.name, cause.version, cause.sha256)));
    }
    Ok(Check::Asserted { missing })
}

/// The bytes, when they are there and have the digest.
fn genuine(verbatim: &dyn Recheck, digest: Sha256) -> Option<Vec<u8>> {
    verbatim.verbatim(digest).filter(|bytes| Sha256::of(bytes) == digest)
}

/// Whether the `SHA256` field of a Release text gives `path` this digest.
fn release_lists(text: &str, path: &str, sha256: Sha256) -> bool {
    let digest = sha256.to_hex();
    let mut inside = false;
    for line in text.lines() {
        if !line.starts_with([' ', '\t']) {
            inside = line.trim_end().eq_ignore_ascii_case("sha256:");
            continue;
        }
        let mut words = line.split_whitespace();
        if inside && words.next() == Some(&digest) && words.nth(1) == Some(path) {
            return true;
        }
    }
    false
}

/// Whether a paragraph of a Packages text has this name, version, digest and file name.
fn packages_lists(content: &[u8], cause: &PackageCause) -> bool {
    let digest = cause.sha256.to_hex();
    memmem::find_iter(content, digest.as_bytes()).any(|at| {
        let start = memmem::rfind(&content[..at], b"\n\n").map_or(0, |end| end + 2);
        let end = memmem::find(&content[at..], b"\n\n").map_or(content.len(), |length| at + length);
        let paragraph = String::from_utf8_lossy(&content[start..end]);
        let states = |name: &str, value: &str| {
            paragraph.lines().any(|line| {
                let field = line.split_once(':');
                field.is_some_and(|(key, found)| key.eq_ignore_ascii_case(name) && found.trim() == value)
            })
        };
        states("Package", &cause.name)
            && states("Version", &cause.version)
            && states("Architecture", &cause.arch)
            && states("SHA256", &digest)
            && states("Filename", &cause.file)
    })
}
