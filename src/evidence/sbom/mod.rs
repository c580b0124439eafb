//! Software bills of materials: what is in an image, independent of the format, and one file for each format.
//!
//! A bill lists packages, not files: which file came from which package is a document of its own
//! ([`super::Origins`]), so that the bills stay small and no file has to be hashed again.

mod cyclonedx;
mod inventory;
mod spdx;

pub use cyclonedx::cyclonedx;
pub use inventory::{Inventory, Item, Survey};
pub use spdx::spdx;

use crate::digest::Sha256;

/// Licence where nothing is known or stated.
const NO_ASSERTION: &str = "NOASSERTION";

/// Version of hbuild, as the bills name their tool.
const HBUILD_VERSION: &str = env!("CARGO_PKG_VERSION");

/// A UUID of version 8 (RFC 9562, section 5.8) made from the SHA-256 of `bytes`: the same bytes, the same UUID.
fn uuid_of(bytes: &[u8]) -> String {
    let mut digest = Sha256::of(bytes).0;
    digest[6] = digest[6] & 0x0f | 0x80;
    digest[8] = digest[8] & 0x3f | 0x80;
    let hex = Sha256(digest).to_hex();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

/// `expression` where it is a valid SPDX expression that needs no text of its own.
fn plain_expression(expression: &Option<String>) -> Option<&str> {
    let expression = expression.as_deref()?;
    let parsed = ::spdx::Expression::parse(expression).ok()?;
    let listed = parsed.requirements().all(|requirement| requirement.req.license.id().is_some());
    listed.then_some(expression)
}

/// The version in a purl: what stands between `@` and the qualifiers.
fn purl_version(purl: &str) -> Option<&str> {
    let (_, rest) = purl.rsplit_once('@')?;
    rest.split(['?', '#']).next().filter(|version| !version.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_follow_the_content() {
        let uuid = uuid_of(b"abc");
        assert_eq!(uuid, "ba7816bf-8f01-8fea-8141-40de5dae2223");
        assert_ne!(uuid, uuid_of(b"abd"));
    }

    #[test]
    fn expressions_that_need_a_text_are_left_out() {
        assert_eq!(plain_expression(&Some("MIT OR Apache-2.0".into())), Some("MIT OR Apache-2.0"));
        assert_eq!(plain_expression(&Some("LicenseRef-own".into())), None);
        assert_eq!(plain_expression(&Some("free as in beer".into())), None);
        assert_eq!(purl_version("pkg:generic/redis@8.8?x=y"), Some("8.8"));
        assert_eq!(purl_version("pkg:generic/redis"), None);
    }
}
