//! The standard library of edition 1: recipe modules and keys that hbuild carries with it.

use std::sync::{Arc, OnceLock};

use crate::syntax::{self, ast};

/// The text of a module, by its path below `std/`.
pub fn module(path: &str) -> Option<&'static str> {
    MODULES.iter().find(|(name, _)| *name == path).map(|(_, text)| *text)
}

/// The tree of a module, by its path below `std/`. It has no syntax errors, and is made once.
pub fn tree(path: &str) -> Option<Arc<ast::File>> {
    static TREES: [OnceLock<Arc<ast::File>>; MODULES.len()] = [const { OnceLock::new() }; MODULES.len()];
    let index = MODULES.iter().position(|(name, _)| *name == path)?;
    let tree = TREES[index].get_or_init(|| Arc::new(syntax::parse(MODULES[index].1).file()));
    Some(Arc::clone(tree))
}

/// The paths of all modules that a recipe can import.
pub fn modules() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(name, _)| *name).filter(|name| !name.starts_with("edition/"))
}

/// The text of an archive key, by its file name below `std/keys/`.
pub fn key(name: &str) -> Option<Arc<str>> {
    static TEXTS: [OnceLock<Arc<str>>; KEYS.len()] = [const { OnceLock::new() }; KEYS.len()];
    let index = KEYS.iter().position(|(key, _)| *key == name)?;
    Some(Arc::clone(TEXTS[index].get_or_init(|| KEYS[index].1.into())))
}

macro_rules! embedded {
    ($folder:literal, $($name:literal => $file:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../std/", $folder, $file)))),*]
    };
}

const MODULES: &[(&str, &str)] = embedded!("",
    "alpine" => "alpine.hb",
    "base" => "base.hb",
    "c" => "c.hb",
    "debian" => "debian.hb",
    "go" => "go.hb",
    "node" => "node.hb",
    "python" => "python.hb",
    "rust" => "rust.hb",
    "tag" => "tag.hb",
    "users" => "users.hb",
    "edition/effects" => "edition/effects.hb",
    "edition/packages" => "edition/packages.hb",
    "edition/paths" => "edition/paths.hb",
);

const KEYS: &[(&str, &str)] = embedded!("keys/",
    "debian-archive-bookworm-automatic.asc" => "debian-archive-bookworm-automatic.asc",
    "debian-archive-bookworm-security-automatic.asc" => "debian-archive-bookworm-security-automatic.asc",
    "debian-archive-bookworm-stable.asc" => "debian-archive-bookworm-stable.asc",
    "debian-archive-trixie-automatic.asc" => "debian-archive-trixie-automatic.asc",
    "debian-archive-trixie-security-automatic.asc" => "debian-archive-trixie-security-automatic.asc",
    "debian-archive-trixie-stable.asc" => "debian-archive-trixie-stable.asc",
    "alpine-devel@lists.alpinelinux.org-4a6a0840.rsa.pub" => "alpine-devel@lists.alpinelinux.org-4a6a0840.rsa.pub",
    "alpine-devel@lists.alpinelinux.org-5243ef4b.rsa.pub" => "alpine-devel@lists.alpinelinux.org-5243ef4b.rsa.pub",
    "alpine-devel@lists.alpinelinux.org-5261cecb.rsa.pub" => "alpine-devel@lists.alpinelinux.org-5261cecb.rsa.pub",
    "alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub" => "alpine-devel@lists.alpinelinux.org-6165ee59.rsa.pub",
    "alpine-devel@lists.alpinelinux.org-61666e3f.rsa.pub" => "alpine-devel@lists.alpinelinux.org-61666e3f.rsa.pub",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_module_and_key_is_there() {
        assert!(modules().all(|name| module(name).is_some_and(|text| text.starts_with("hbuild 1\n"))));
        assert!(MODULES.iter().all(|(_, text)| syntax::parse(text).diagnostics().is_empty()));
        assert!(
            KEYS.iter()
                .all(|(name, text)| key(name).as_deref() == Some(*text) && text.starts_with("-----BEGIN P"))
        );
        assert_eq!(module("nothing"), None);
    }
}
