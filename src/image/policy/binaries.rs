//! Rules about the hardening of ELF files.

use crate::image::elf::{ElfFile, ElfKind, Relro};

/// Folders from which a library may be loaded by an absolute `RPATH`.
const SYSTEM: [&str; 4] = ["/usr/", "/lib/", "/lib64/", "/opt/"];

/// Every break of a rule by `file`: the rule and what is wrong.
pub(super) fn breaks(file: &ElfFile) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let hardening = &file.hardening;
    if hardening.executable_stack {
        found.push(("elf-exec-stack", "asks for an executable stack".to_owned()));
    }
    if hardening.text_relocations {
        found.push(("elf-text-relocations", "has relocations in its code".to_owned()));
    }
    if file.kind == ElfKind::Executable {
        found.push(("elf-pie", "is a program at a fixed address".to_owned()));
    }
    // A program without an interpreter and without needs is linked statically: it relocates nothing late.
    let dynamic = file.interpreter.is_some() || !file.needed.is_empty();
    if dynamic && hardening.relro == Relro::None {
        found.push(("elf-relro", "has no read-only relocations".to_owned()));
    }
    let directories = file.rpath.iter().chain(&file.runpath);
    for directory in directories.filter(|directory| !is_safe(directory)) {
        found.push(("elf-rpath", format!("searches libraries in `{directory}`")));
    }
    found
}

/// Whether a directory of `RPATH` is beside the file or a system folder, and so nobody else's to fill.
fn is_safe(directory: &str) -> bool {
    let with_slash = format!("{directory}/");
    let beside = ["$ORIGIN/", "${ORIGIN}/"].iter().any(|start| with_slash.starts_with(start));
    let system = SYSTEM.iter().any(|start| with_slash.starts_with(start))
        && !directory.split('/').any(|component| component == "..");
    beside || system
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_system_folders_and_the_file_s_own_are_safe() {
        for safe in ["$ORIGIN", "$ORIGIN/../lib", "${ORIGIN}/x", "/usr/lib/x", "/lib", "/opt/app/lib"] {
            assert!(is_safe(safe), "{safe}");
        }
        for unsafe_one in ["", ".", "lib", "/build/lib", "/tmp", "/usr/../tmp", "/usrlocal", "$ORIGINAL"] {
            assert!(!is_safe(unsafe_one), "{unsafe_one}");
        }
    }
}
