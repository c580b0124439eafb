//! The scripts of all packages that would run in a fresh installation.

use super::shell::{Script, ShellError, read_script};
use crate::image::merge::{MergeError, Package};
use crate::tree::Contents;

/// A script of a package.
#[derive(Debug)]
pub struct PackageScript {
    /// Number of the package in the merge.
    pub package: usize,
    /// `preinst` or `postinst`.
    pub name: &'static str,
    /// What it calls; an error for a script that is not read, such as one in Perl.
    pub script: Result<Script, ShellError>,
}

/// Reads preinst and postinst of all packages, in order.
pub fn read_scripts(packages: &[Package], contents: &dyn Contents) -> Result<Vec<PackageScript>, MergeError> {
    let mut scripts = Vec::new();
    for (number, package) in packages.iter().enumerate() {
        for (name, argument) in [("preinst", "install"), ("postinst", "configure")] {
            let Some(text) = package.member(name, contents)? else { continue };
            let text = String::from_utf8_lossy(&text);
            let script =
                if is_shell(&text) { read_script(&text, &package.name, argument) } else { Err(ShellError) };
            scripts.push(PackageScript { package: number, name, script });
        }
    }
    Ok(scripts)
}

fn is_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let interpreter = first.strip_prefix("#!").map(str::trim).and_then(|rest| rest.split_whitespace().next());
    matches!(interpreter, Some("/bin/sh" | "/bin/bash" | "/bin/dash" | "/usr/bin/sh" | "/usr/bin/bash"))
}
