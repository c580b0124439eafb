//! `.PKGINFO`, the description that an apk v2 package has of itself.
//!
//! Receives the text of the control segment's member. Fields that are not known are passed over, as apk does.

use crate::digest::Sha256;

/// What a package says of itself. Fields have the names that they have in the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the fields are the file's own, see abuild's APKBUILD(5)")]
pub struct PkgInfo {
    pub pkgname: String,
    pub pkgver: String,
    pub arch: String,
    pub pkgdesc: Option<String>,
    pub url: Option<String>,
    pub packager: Option<String>,
    /// Seconds since 1970.
    pub builddate: Option<i64>,
    /// Installed size in bytes.
    pub size: Option<u64>,
    pub origin: Option<String>,
    pub commit: Option<String>,
    pub maintainer: Option<String>,
    pub license: Option<String>,
    pub depend: Vec<String>,
    pub provides: Vec<String>,
    pub replaces: Vec<String>,
    pub install_if: Vec<String>,
    pub replaces_priority: Option<u32>,
    pub provider_priority: Option<u32>,
    /// Globs of folders.
    pub triggers: Vec<String>,
    /// SHA-256 of the data segment as it stands in the file.
    pub datahash: Option<Sha256>,
}

/// Why a text is no `.PKGINFO`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PkgInfoError {
    /// No field.
    #[error("line {line} is no `field = value`")]
    Line {
        /// Counted from 1.
        line: usize,
    },
    /// A field that stands once.
    #[error("`{field}` stands twice")]
    Twice {
        /// Which.
        field: String,
    },
    /// A field that must be there.
    #[error("`{field}` is missing")]
    Missing {
        /// Which.
        field: &'static str,
    },
    /// A value that cannot be.
    #[error("`{field}` has the value `{value}`")]
    Value {
        /// Which.
        field: String,
        /// Its value.
        value: String,
    },
}

impl PkgInfo {
    /// The description in `text`.
    pub fn parse(text: &str) -> Result<Self, PkgInfoError> {
        let mut info = Self::default();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let (field, value) = line.split_once('=').ok_or(PkgInfoError::Line { line: number + 1 })?;
            info.set(field.trim(), value.trim())?;
        }
        let required = [("pkgname", &info.pkgname), ("pkgver", &info.pkgver), ("arch", &info.arch)];
        if let Some((field, _)) = required.into_iter().find(|(_, value)| value.is_empty()) {
            return Err(PkgInfoError::Missing { field });
        }
        Ok(info)
    }

    fn set(&mut self, field: &str, value: &str) -> Result<(), PkgInfoError> {
        match field {
            "pkgname" => required(&mut self.pkgname, field, value),
            "pkgver" => required(&mut self.pkgver, field, value),
            "arch" => required(&mut self.arch, field, value),
            "pkgdesc" => once(&mut self.pkgdesc, field, value),
            "url" => once(&mut self.url, field, value),
            "packager" => once(&mut self.packager, field, value),
            "builddate" => once(&mut self.builddate, field, value),
            "size" => once(&mut self.size, field, value),
            "origin" => once(&mut self.origin, field, value),
            "commit" => once(&mut self.commit, field, value),
            "maintainer" => once(&mut self.maintainer, field, value),
            "license" => once(&mut self.license, field, value),
            "replaces_priority" => once(&mut self.replaces_priority, field, value),
            "provider_priority" => once(&mut self.provider_priority, field, value),
            "datahash" => once(&mut self.datahash, field, value),
            "depend" => words(&mut self.depend, value),
            "provides" => words(&mut self.provides, value),
            "replaces" => words(&mut self.replaces, value),
            "install_if" => words(&mut self.install_if, value),
            "triggers" => words(&mut self.triggers, value),
            _ => Ok(()),
        }
    }
}

fn required(slot: &mut String, field: &str, value: &str) -> Result<(), PkgInfoError> {
    if !slot.is_empty() {
        return Err(PkgInfoError::Twice { field: field.to_owned() });
    }
    value.clone_into(slot);
    Ok(())
}

fn once<T: std::str::FromStr>(slot: &mut Option<T>, field: &str, value: &str) -> Result<(), PkgInfoError> {
    if slot.is_some() {
        return Err(PkgInfoError::Twice { field: field.to_owned() });
    }
    let bad = || PkgInfoError::Value { field: field.to_owned(), value: value.chars().take(100).collect() };
    *slot = Some(value.parse().map_err(|_| bad())?);
    Ok(())
}

fn words(slot: &mut Vec<String>, value: &str) -> Result<(), PkgInfoError> {
    slot.extend(value.split_ascii_whitespace().map(str::to_owned));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Generated by abuild 3.12.0-r0\n# using fakeroot version 1.32.1\npkgname = busybox\n\
        pkgver = 1.36.1-r29\npkgdesc = Size optimized toolbox = small\nurl = https://busybox.net/\nbuilddate = 1718\n\
        packager = Buildozer <alpine-devel@lists.alpinelinux.org>\nsize = 946176\narch = x86_64\norigin = busybox\n\
        commit = abc\nmaintainer = Sören <a@b>\nreplaces_priority = 0\nprovider_priority = 100\nlicense = GPL-2.0-only\n\
        replaces = busybox-initscripts\ndepend = so:libc.musl-x86_64.so.1\ndepend = !x<2\nprovides = cmd:[=1.36.1-r29\n\
        triggers = /bin /usr/bin /lib/modules/*\ninstall_if = a=1 b\nunknown = x\nunknown = y\n\
        datahash = e18133cc504fb5cb6e025c64cec34f9a8f1a72fc24d2c1b882c4cd1538c6744f\n";

    #[test]
    fn all_fields_are_read() {
        let info = PkgInfo::parse(TEXT).unwrap();
        assert_eq!((info.pkgname.as_str(), info.pkgver.as_str()), ("busybox", "1.36.1-r29"));
        assert_eq!(info.pkgdesc.as_deref(), Some("Size optimized toolbox = small"));
        assert_eq!(info.depend, ["so:libc.musl-x86_64.so.1", "!x<2"]);
        assert_eq!(info.provides, ["cmd:[=1.36.1-r29"]);
        assert_eq!(info.triggers, ["/bin", "/usr/bin", "/lib/modules/*"]);
        assert_eq!(info.install_if, ["a=1", "b"]);
        assert_eq!((info.builddate, info.size), (Some(1718), Some(946_176)));
        assert_eq!((info.replaces_priority, info.provider_priority), (Some(0), Some(100)));
        assert!(info.datahash.unwrap().to_string().starts_with("e18133cc"));
    }

    #[test]
    fn what_is_none_is_refused() {
        let missing = PkgInfo::parse("pkgname = x\npkgver = 1\n");
        assert_eq!(missing, Err(PkgInfoError::Missing { field: "arch" }));
        assert_eq!(PkgInfo::parse("pkgname x\n"), Err(PkgInfoError::Line { line: 1 }));
        let twice = |field: &str| {
            let line = TEXT.lines().find(|line| line.starts_with(field)).unwrap();
            PkgInfo::parse(&format!("{TEXT}{line}\n"))
        };
        for field in ["pkgname", "pkgver", "datahash", "size"] {
            assert_eq!(twice(field), Err(PkgInfoError::Twice { field: field.to_owned() }));
        }
        for (field, value) in [("datahash", "e1"), ("size", "-1"), ("builddate", "x")] {
            let text = format!("pkgname = x\npkgver = 1\narch = noarch\n{field} = {value}\n");
            let expected = PkgInfoError::Value { field: field.to_owned(), value: value.to_owned() };
            assert_eq!(PkgInfo::parse(&text), Err(expected));
        }
    }
}
