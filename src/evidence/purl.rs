//! Package URLs, as <https://github.com/package-url/purl-spec> and its types `deb`, `apk` and `oci` define
//! them, with the qualifiers `distro` and `upstream` that scanners read.

use hbuild_lang::recipe::{Arch, Distro, Family};

use crate::digest::Sha256;
use crate::lock::LockedPackage;

/// The purl of a binary package: `pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc`.
/// `upstream` is the source package where its name or version differs, with the version where that differs.
pub fn package(distro: &Distro, package: &LockedPackage) -> String {
    let mut qualifiers = vec![("arch", package.arch.clone()), ("distro", distro_qualifier(distro))];
    match &package.source_version {
        Some(version) => qualifiers.push(("upstream", format!("{}@{version}", package.source))),
        None if package.source != package.name => qualifiers.push(("upstream", package.source.clone())),
        None => {}
    }
    in_distro(distro, &package.name, &package.version, &qualifiers)
}

/// The purl of the source package that `package` was built from; Debian's has `arch=source`.
pub fn source_package(distro: &Distro, package: &LockedPackage) -> String {
    let version = package.source_version.as_ref().unwrap_or(&package.version);
    let mut qualifiers = vec![("distro", distro_qualifier(distro))];
    if distro.family == Family::Debian {
        qualifiers.insert(0, ("arch", "source".to_owned()));
    }
    in_distro(distro, &package.source, version, &qualifiers)
}

/// The purl of an image: `pkg:oci/hello@sha256:…?arch=amd64&tag=…`.
pub fn image(name: &str, manifest: Sha256, arch: Arch, tag: &str) -> String {
    let arch = arch.as_str().to_owned();
    let qualifiers = [("arch", arch), ("tag", tag.to_owned())];
    format!("pkg:oci/{}@{}{}", encode(name), encode(&manifest.to_oci()), query(&qualifiers))
}

/// The purl of an image index: `pkg:oci/hello@sha256:…?tag=…`.
pub fn index(name: &str, index: Sha256, tag: &str) -> String {
    format!("pkg:oci/{}@{}{}", encode(name), encode(&index.to_oci()), query(&[("tag", tag.to_owned())]))
}

/// The URI of a file beside the recipe: `recipe:patches/no%20date.patch`. Not a package URL, but encoded like one.
pub fn recipe_file(path: &str) -> String {
    let segments: Vec<_> = path.split('/').map(encode).collect();
    format!("recipe:{}", segments.join("/"))
}

fn in_distro(distro: &Distro, name: &str, version: &str, qualifiers: &[(&str, String)]) -> String {
    let (kind, namespace) = match distro.family {
        Family::Alpine => ("apk", "alpine"),
        Family::Debian => ("deb", "debian"),
    };
    format!("pkg:{kind}/{namespace}/{}@{}{}", encode(name), encode(version), query(qualifiers))
}

fn distro_qualifier(distro: &Distro) -> String {
    format!("{}-{}", distro.family, distro.release)
}

/// `?key=value&…`; the keys are given sorted.
fn query(qualifiers: &[(&str, String)]) -> String {
    let parts: Vec<_> = qualifiers.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
    format!("?{}", parts.join("&"))
}

/// Percent-encodes every byte but the unreserved ones of RFC 3986 and `:`, as the specification and scanners do.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' | b'~' | b':' => {
                encoded.push(byte.into())
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locked(name: &str, version: &str, source: &str, source_version: Option<&str>) -> LockedPackage {
        LockedPackage {
            name: name.into(),
            version: version.into(),
            arch: "amd64".into(),
            sha256: Some(Sha256::of(b"")),
            checksum: None,
            size: 0,
            file: String::new(),
            source: source.into(),
            source_version: source_version.map(Into::into),
            snapshot: String::new(),
        }
    }

    #[test]
    fn reserved_characters_are_encoded() {
        let debian = Distro { family: Family::Debian, release: "12".into() };
        let stdcxx = locked("libstdc++6", "12.2.0-14+deb12u1", "gcc-12", None);
        assert_eq!(
            package(&debian, &stdcxx),
            "pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1?arch=amd64&distro=debian-12&upstream=gcc-12"
        );
        let epoch = locked("zlib1g", "1:1.2.13.dfsg-1~x", "zlib", Some("1:1.2.13"));
        assert_eq!(
            package(&debian, &epoch),
            "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1~x?arch=amd64&distro=debian-12&upstream=zlib%401:1.2.13"
        );
        assert_eq!(
            source_package(&debian, &epoch),
            "pkg:deb/debian/zlib@1:1.2.13?arch=source&distro=debian-12"
        );
    }

    #[test]
    fn alpine_has_its_own_type() {
        let alpine = Distro { family: Family::Alpine, release: "3.20".into() };
        let musl = locked("musl", "1.2.5-r0", "musl", None);
        assert_eq!(package(&alpine, &musl), "pkg:apk/alpine/musl@1.2.5-r0?arch=amd64&distro=alpine-3.20");
    }
}
