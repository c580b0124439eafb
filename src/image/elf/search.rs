//! Where dynamic loaders look for a library: one set of rules for each C library.

use hbuild_lang::recipe::{Arch, Family};

use super::ElfFacts;
use super::cache::cached;

/// A loaded object as the search sees it.
#[derive(Debug, Clone)]
pub(super) struct Loaded<'a> {
    /// The path it was opened by.
    pub path: String,
    /// Its facts.
    pub facts: &'a ElfFacts,
}

/// The rules of one loader on one architecture.
#[derive(Debug, Clone)]
pub(super) struct Rules<'a> {
    pub family: Family,
    pub arch: Arch,
    /// The bytes of `/etc/ld.so.cache` (glibc).
    pub cache: &'a [u8],
    /// The text of `/etc/ld-musl-<arch>.path` (musl).
    pub musl_path: Option<String>,
}

impl Rules<'_> {
    /// Debian's multiarch triplet.
    fn triplet(&self) -> &'static str {
        match self.arch {
            Arch::Amd64 => "x86_64-linux-gnu",
            Arch::Arm64 => "aarch64-linux-gnu",
        }
    }

    /// The machine's own name, `$PLATFORM`.
    pub(super) fn machine(&self) -> &'static str {
        match self.arch {
            Arch::Amd64 => "x86_64",
            Arch::Arm64 => "aarch64",
        }
    }

    /// glibc's loader, where the image is one of musl.
    pub(super) fn glibc_loader(&self) -> Option<&'static str> {
        match (self.family, self.arch) {
            (Family::Debian, _) => None,
            (Family::Alpine, Arch::Amd64) => Some("/lib64/ld-linux-x86-64.so.2"),
            (Family::Alpine, Arch::Arm64) => Some("/lib/ld-linux-aarch64.so.1"),
        }
    }

    /// What to do about something that asks for `interpreter`, when that is the loader of another C library than the
    /// image's.
    pub(super) fn foreign(&self, interpreter: &str) -> Option<&'static str> {
        let name = interpreter.rsplit('/').next().unwrap_or_default();
        match self.family {
            Family::Alpine if name.starts_with("ld-linux") => Some(
                "it is made for glibc, and this image has musl; take Alpine's package of it or a build for musl, \
                 compile it on Alpine, or link it statically",
            ),
            Family::Debian if name.starts_with("ld-musl-") => Some(
                "it is made for musl, and this image has glibc; take Debian's package of it, compile it on Debian, \
                 or link it statically",
            ),
            _ => None,
        }
    }

    /// Whether a name that an object was asked for by (`DT_SONAME`) stands for it from then on: glibc does so, musl
    /// knows objects by the names of their files alone.
    pub(super) fn knows_sonames(&self) -> bool {
        self.family == Family::Debian
    }

    /// Whether the first file on the search path is the one, be it what it may: so musl; glibc goes on to one that
    /// fits.
    pub(super) fn takes_the_first(&self) -> bool {
        self.family == Family::Alpine
    }

    /// The paths at which the loader looks for `name`, in order. `chain` is the object that asks, the one that
    /// loaded it, and so on to the program.
    pub(super) fn candidates(&self, name: &str, chain: &[&Loaded<'_>]) -> Vec<String> {
        if name.contains('/') {
            return if name.starts_with('/') { vec![name.to_owned()] } else { Vec::new() };
        }
        match self.family {
            Family::Debian => self.glibc(name, chain),
            Family::Alpine => self.musl(name, chain),
        }
    }

    /// glibc (ld.so(8)): `DT_RPATH` of the chain unless the asking object has a `DT_RUNPATH`, then that, then the
    /// cache, then Debian's default directories. Directories for special processors are not proof and left out.
    fn glibc(&self, name: &str, chain: &[&Loaded<'_>]) -> Vec<String> {
        let mut paths = Vec::new();
        let Some(asking) = chain.first() else { return paths };
        let mut add = |object: &Loaded<'_>, directories: &[String]| {
            let expanded = directories.iter().filter_map(|directory| self.expand(directory, &object.path));
            paths.extend(expanded.map(|directory| format!("{directory}/{name}")));
        };
        if asking.facts.runpath.is_empty() {
            for object in chain.iter().filter(|object| object.facts.runpath.is_empty()) {
                add(object, &object.facts.rpath);
            }
        }
        add(asking, &asking.facts.runpath);
        let triplet = self.triplet();
        let default = [
            format!("/lib/{triplet}"),
            format!("/usr/lib/{triplet}"),
            "/lib".to_owned(),
            "/usr/lib".to_owned(),
        ];
        if !asking.facts.no_default {
            paths.extend(cached(self.cache, name, self.arch).into_iter().map(str::to_owned));
            paths.extend(default.iter().map(|directory| format!("{directory}/{name}")));
        }
        paths
    }

    /// musl (`ldso/dynlink.c`): the names of the C library mean the loader itself; else `DT_RUNPATH` or `DT_RPATH` of
    /// the whole chain, then `/etc/ld-musl-<arch>.path` or its defaults.
    fn musl(&self, name: &str, chain: &[&Loaded<'_>]) -> Vec<String> {
        const OWN: [&str; 7] = ["c.", "pthread.", "rt.", "m.", "dl.", "util.", "xnet."];
        let stem = name.strip_prefix("lib").unwrap_or_default();
        if OWN.iter().any(|own| stem.starts_with(own)) {
            return vec![format!("/lib/ld-musl-{}.so.1", self.machine())];
        }
        let mut paths = Vec::new();
        for object in chain {
            let own =
                if object.facts.runpath.is_empty() { &object.facts.rpath } else { &object.facts.runpath };
            // One variable that it does not know, and musl leaves out the whole list.
            if own.iter().all(|directory| only_origin(directory)) {
                let expanded = own.iter().filter_map(|directory| self.expand(directory, &object.path));
                paths.extend(expanded.map(|directory| format!("{directory}/{name}")));
            }
        }
        let default = self.musl_path.as_deref().unwrap_or("/lib:/usr/local/lib:/usr/lib");
        let directories = default.split([':', '\n']).filter(|directory| !directory.is_empty());
        paths.extend(directories.map(|directory| format!("{directory}/{name}")));
        paths
    }

    /// `directory` with `$ORIGIN`, `$LIB` and `$PLATFORM` replaced; `None` where it stays relative, which would
    /// mean the working directory.
    fn expand(&self, directory: &str, object: &str) -> Option<String> {
        let origin = object.rsplit_once('/').map_or("", |(folder, _)| folder);
        let library = format!("lib/{}", self.triplet());
        let mut text = directory.to_owned();
        for (name, value) in [("ORIGIN", origin), ("LIB", library.as_str()), ("PLATFORM", self.machine())] {
            text = text.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
        }
        text.starts_with('/').then(|| text.trim_end_matches('/').to_owned())
    }
}

/// Whether `directory` has no variable but `$ORIGIN`.
fn only_origin(directory: &str) -> bool {
    let mut variables = directory.split('$').skip(1);
    variables.all(|rest| rest.starts_with("ORIGIN") || rest.starts_with("{ORIGIN}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::elf::{ElfKind, Hardening, Relro};

    fn facts(rpath: &[&str], runpath: &[&str]) -> ElfFacts {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        let hardening = Hardening {
            relro: Relro::Full,
            bind_now: true,
            executable_stack: false,
            stack_protector: true,
            text_relocations: false,
        };
        ElfFacts {
            wide: true,
            machine: 62,
            kind: ElfKind::Pie,
            interpreter: None,
            needed: vec![],
            soname: None,
            rpath: owned(rpath),
            runpath: owned(runpath),
            no_default: false,
            dlopen: vec![],
            names_dlopen: false,
            glibc: false,
            hardening,
        }
    }

    #[test]
    fn musl_searches_the_whole_chain_and_knows_origin_alone() {
        let rules = Rules {
            family: Family::Alpine,
            arch: Arch::Amd64,
            cache: &[],
            musl_path: Some("/d:/e\n/f".into()),
        };
        let library = facts(&["/never"], &["${ORIGIN}/../x", "relative"]);
        let program = facts(&["$ORIGIN/y", "/z"], &[]);
        let spoiled = facts(&["/q", "/$LIB"], &[]);
        let loaded = |path: &str, facts| Loaded { path: path.to_owned(), facts };
        let (library, program) = (loaded("/l/a.so", &library), loaded("/bin/p", &program));
        let spoiled = loaded("/bin/s", &spoiled);
        let found = rules.candidates("libx.so", &[&library, &spoiled, &program]);
        assert_eq!(
            found,
            ["/l/../x/libx.so", "/bin/y/libx.so", "/z/libx.so", "/d/libx.so", "/e/libx.so", "/f/libx.so"]
        );
        for own in ["libc.musl-x86_64.so.1", "libc.so", "libpthread.so.0", "libm.so.6"] {
            assert_eq!(rules.candidates(own, &[&program]), ["/lib/ld-musl-x86_64.so.1"], "{own}");
        }
        let default = Rules { musl_path: None, ..rules };
        assert_eq!(
            default.candidates("libmagic.so", &[]),
            ["/lib/libmagic.so", "/usr/local/lib/libmagic.so", "/usr/lib/libmagic.so"]
        );
    }
}
