//! The scripts of all packages that would run in a fresh installation.

use super::shell::{Script, ShellError, read_script};
use crate::image::merge::{MergeError, Package};
use crate::tree::Contents;

/// A script of a package.
#[derive(Debug)]
pub struct PackageScript {
    /// Number of the package in the merge.
    pub package: usize,
    /// `preinst` or `postinst`; on Alpine `pre-install`, `post-install` or `trigger`.
    pub name: &'static str,
    /// What it calls; an error for a script that is not read, such as one in Perl.
    pub script: Result<Script, ShellError>,
}

/// Reads the scripts of all packages that an installation runs, in order.
pub fn read_scripts(packages: &[Package], contents: &dyn Contents) -> Result<Vec<PackageScript>, MergeError> {
    let mut scripts = Vec::new();
    for (number, package) in packages.iter().enumerate() {
        for (member, name, argument) in members(package) {
            let Some(text) = package.member(member, contents)? else { continue };
            let text = String::from_utf8_lossy(&text);
            let script =
                if is_shell(&text) { read_script(&text, &package.name, argument) } else { Err(ShellError) };
            scripts.push(PackageScript { package: number, name, script });
        }
    }
    Ok(scripts)
}

/// The control members that are run, what they are called, and their first argument.
fn members(package: &Package) -> Vec<(&'static str, &'static str, &str)> {
    match &package.apk {
        None => vec![("preinst", "preinst", "install"), ("postinst", "postinst", "configure")],
        Some(apk) => {
            let version = apk.info.pkgver.as_str();
            vec![
                (".pre-install", "pre-install", version),
                (".post-install", "post-install", version),
                // Its arguments are folders that have changed: which ones is not followed.
                (".trigger", "trigger", ""),
            ]
        }
    }
}

fn is_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let mut words = first.strip_prefix("#!").unwrap_or_default().split_whitespace();
    match words.next() {
        Some("/bin/sh" | "/bin/bash" | "/bin/dash" | "/usr/bin/sh" | "/usr/bin/bash" | "/bin/ash") => true,
        Some("/bin/busybox") => matches!(words.next(), Some("sh" | "ash")),
        _ => false,
    }
}
