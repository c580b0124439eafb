//! What the SPDX documents of an image have in common, the one inside it and the ones about it.

use crate::digest::Sha256;
use crate::lock::BuildComponent;

/// What SPDX says where nothing is known or stated.
pub const NO_ASSERTION: &str = "NOASSERTION";

/// `SPDXRef-<kind>-<name>-<12 digits of the SHA-256 of identity>`: letters, digits, `.` and `-` only, unique.
pub fn identifier(kind: &str, name: &str, identity: &str) -> String {
    let name: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect();
    format!("SPDXRef-{kind}-{name}-{}", &Sha256::of(identity.as_bytes()).to_hex()[..12])
}

/// The identifier of what `build` made, the same inside an image and in the documents about it.
pub fn build_identifier(build: &BuildComponent) -> String {
    let point: Vec<_> = build.point.iter().map(|(axis, label)| format!("{axis}={label}")).collect();
    identifier("Build", &build.name, &format!("{}?{}", build.name, point.join("&")))
}

/// A UUID of version 8 (RFC 9562, section 5.8) made from the SHA-256 of `bytes`: the same bytes, the same UUID.
pub fn uuid_of(bytes: &[u8]) -> String {
    let mut digest = Sha256::of(bytes).0;
    digest[6] = digest[6] & 0x0f | 0x80;
    digest[8] = digest[8] & 0x3f | 0x80;
    let hex = Sha256(digest).to_hex();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

/// `expression` where it is a valid SPDX expression that needs no text of its own.
pub fn plain_expression(expression: &Option<String>) -> Option<&str> {
    let expression = expression.as_deref()?;
    let parsed = ::spdx::Expression::parse(expression).ok()?;
    let listed = parsed.requirements().all(|requirement| requirement.req.license.id().is_some());
    listed.then_some(expression)
}

/// The version in a purl: what stands between `@` and the qualifiers.
pub fn purl_version(purl: &str) -> Option<&str> {
    let (_, rest) = purl.rsplit_once('@')?;
    rest.split(['?', '#']).next().filter(|version| !version.is_empty())
}

/// The name in a purl: what stands between the last `/` and `@`. `None` where characters of it are encoded.
pub fn purl_name(purl: &str) -> Option<&str> {
    let path = purl.strip_prefix("pkg:")?.split(['?', '#']).next()?;
    let (_, name) = path.split('@').next()?.rsplit_once('/')?;
    (!name.is_empty() && !name.contains('%')).then_some(name)
}

/// Name and version of what a build makes, as scanners know it: its package URL's name, else the build's own.
pub fn name_and_version(build: &BuildComponent) -> (&str, Option<&str>) {
    let purl = build.purl.as_deref();
    let version = build.version.as_deref().or_else(|| purl.and_then(purl_version));
    (purl.and_then(purl_name).unwrap_or(&build.name), version)
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
    }

    #[test]
    fn purls_have_a_name_and_a_version() {
        assert_eq!(purl_version("pkg:generic/redis@8.8?x=y"), Some("8.8"));
        assert_eq!(purl_version("pkg:generic/redis"), None);
        assert_eq!(purl_name("pkg:generic/redis@8.8?x=/y@z"), Some("redis"));
        assert_eq!(purl_name("pkg:github/redis/hiredis#src/a"), Some("hiredis"));
        assert_eq!(purl_name("pkg:generic/c%2B%2B@1"), None);
        assert_eq!(purl_name("redis"), None);
    }
}
