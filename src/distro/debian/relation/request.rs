//! What a recipe may ask for: `name`, `name=version`, `name:arch`, `name:arch=version`.

use std::fmt;
use std::str::FromStr;

/// A package asked for by name, in apt's own notation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageRequest {
    /// Package name.
    pub name: String,
    /// Architecture; without one the image's own is preferred.
    pub arch: Option<String>,
    /// The one version that will do.
    pub version: Option<String>,
}

/// Why a text is not a package request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum RequestError {
    /// `name/suite`.
    #[error("`{text}` asks for a suite")]
    #[diagnostic(
        code(hbuild::debian::request_suite),
        help(
            "hbuild takes packages from all repositories of the image; write `{name}=VERSION` to choose a version, or \
             name only the repositories you want"
        )
    )]
    Suite {
        /// The request.
        text: String,
        /// Its name part.
        name: String,
    },
    /// Anything else.
    #[error("`{text}` is not a Debian package request")]
    #[diagnostic(
        code(hbuild::debian::bad_request),
        help("write `name`, `name=version`, `name:arch` or `name:arch=version`")
    )]
    Malformed {
        /// The request.
        text: String,
    },
}

/// Whether `name` can be the name of a Debian package: lower-case letters, digits, `+`, `-`, `.`, beginning with
/// a letter or digit.
pub fn is_package_name(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'+' | b'-' | b'.');
    name.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric()) && name.bytes().all(allowed)
}

impl FromStr for PackageRequest {
    type Err = RequestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let malformed = || RequestError::Malformed { text: text.to_owned() };
        let (target, version) = match text.split_once('=') {
            Some((target, version)) => (target, Some(version)),
            None => (text, None),
        };
        if let Some((name, _)) = target.split_once('/') {
            return Err(RequestError::Suite { text: text.to_owned(), name: name.to_owned() });
        }
        let (name, arch) = match target.split_once(':') {
            Some((name, arch)) => (name, Some(arch)),
            None => (target, None),
        };
        let arch_fits = arch.is_none_or(|arch| {
            !arch.is_empty() && arch.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
        let version_fits = version.is_none_or(|version| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".+-:~".contains(&byte);
            !version.is_empty() && version.bytes().all(allowed)
        });
        if !is_package_name(name) || !arch_fits || !version_fits {
            return Err(malformed());
        }
        Ok(Self { name: name.to_owned(), arch: arch.map(str::to_owned), version: version.map(str::to_owned) })
    }
}

impl fmt::Display for PackageRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        if let Some(arch) = &self.arch {
            write!(out, ":{arch}")?;
        }
        if let Some(version) = &self.version {
            write!(out, "={version}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_round_trip() {
        for text in
            ["g++", "libc6:arm64", "x=1:2.0~rc1-3+b1", "libstdc++6:i386=14-1", "0ad", "linux-image-6.12"]
        {
            assert_eq!(text.parse::<PackageRequest>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for text in ["", "A", "x=", "x:", "x:=1", "-x", "x y", "x=1 2", "x@edge", "x~1", "x>1", "x*"] {
            assert!(matches!(text.parse::<PackageRequest>(), Err(RequestError::Malformed { .. })), "{text}");
        }
        let error = "nginx/trixie-backports".parse::<PackageRequest>().unwrap_err();
        assert_eq!(error.to_string(), "`nginx/trixie-backports` asks for a suite");
    }
}
