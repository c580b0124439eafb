//! Diversions: `dpkg-divert` as it stands in the scripts.

use super::PackageScript;
use crate::image::merge::{Package, usrmerge};
use crate::tree::TreePath;

/// A file that is moved aside for everybody but one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diversion {
    /// The package whose own file is not moved; `None` for nobody.
    pub package: Option<String>,
    /// The path, below `/usr` where that is merged.
    pub from: TreePath,
    /// Where it goes.
    pub to: TreePath,
}

/// The diversions that a preinst adds and no script takes away again. Those of the move into `/usr`
/// (`*.usr-is-merged`) never move a file, and are left out.
pub fn read_diversions(scripts: &[PackageScript], packages: &[Package], merged: bool) -> Vec<Diversion> {
    let mut diversions: Vec<Diversion> = Vec::new();
    for script in scripts {
        let Ok(read) = &script.script else { continue };
        for call in read.calls.iter().filter(|call| call.program() == Some("dpkg-divert")) {
            let Some(words) = call.literal() else { continue };
            let Some((adds, diversion)) = parse(&words[1..], &packages[script.package].name, merged) else {
                continue;
            };
            diversions.retain(|known| known.from != diversion.from);
            if adds && script.name == "preinst" && !diversion.to.as_bytes().ends_with(b".usr-is-merged") {
                diversions.push(diversion);
            }
        }
    }
    diversions
}

/// Whether a call adds (and not removes) a diversion, and which.
fn parse(words: &[&str], package: &str, merged: bool) -> Option<(bool, Diversion)> {
    let mut owner = Some(package.to_owned());
    let (mut to, mut file, mut adds) = (None, None, true);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let (option, inline) =
            word.split_once('=').map_or((*word, None), |(name, value)| (name, Some(value)));
        match option {
            "--add" => {}
            "--remove" => adds = false,
            "--local" => owner = None,
            "--package" => owner = Some(inline.or_else(|| words.next().copied())?.to_owned()),
            "--divert" => to = Some(inline.or_else(|| words.next().copied())?),
            "--list" | "--listpackage" | "--truename" | "--help" | "--version" => return None,
            _ if option.starts_with('-') => {}
            path => file = Some(path),
        }
    }
    let path = |text: &str| {
        let path = TreePath::from_absolute(text).ok().flatten()?;
        Some(if merged { usrmerge::canonical(&path).unwrap_or(path) } else { path })
    };
    let file = file?;
    let default = format!("{file}.distrib");
    let diversion = Diversion { package: owner, from: path(file)?, to: path(to.unwrap_or(&default))? };
    Some((adds, diversion))
}
