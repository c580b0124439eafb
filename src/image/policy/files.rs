//! Rules about single files of the tree.

use crate::image::follow::{follow, leads_somewhere};
use crate::tree::{Entry, EntryKind, Tree};

const SHELLS: [&[u8]; 20] = [
    b"ash",
    b"bash",
    b"busybox",
    b"busybox-extras",
    b"busybox.static",
    b"csh",
    b"dash",
    b"elvish",
    b"fish",
    b"ksh",
    b"ksh93",
    b"mksh",
    b"nu",
    b"pwsh",
    b"rbash",
    b"sash",
    b"sh",
    b"tcsh",
    b"toybox",
    b"zsh",
];
const PACKAGE_MANAGERS: [&[u8]; 25] = [
    b"apk",
    b"apk.static",
    b"apt",
    b"apt-cache",
    b"apt-get",
    b"aptitude",
    b"cdebootstrap",
    b"debootstrap",
    b"dnf",
    b"dnf5",
    b"dpkg",
    b"dpkg-deb",
    b"dselect",
    b"emerge",
    b"flatpak",
    b"microdnf",
    b"mmdebstrap",
    b"opkg",
    b"pacman",
    b"rpm",
    b"snap",
    b"tdnf",
    b"xbps-install",
    b"yum",
    b"zypper",
];
const CAPABILITY: &[u8] = b"security.capability";
const KERNEL_FOLDERS: [&[u8]; 3] = [b"/proc/", b"/sys/", b"/dev/"];

/// Every break of a rule by `entry`: the rule and what is wrong.
pub(super) fn breaks(tree: &Tree, entry: &Entry) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let name = entry.path.file_name();
    if (SHELLS.contains(&name) || PACKAGE_MANAGERS.contains(&name)) && is_program(tree, entry) {
        let (rule, what) = if SHELLS.contains(&name) {
            ("shell", "is a shell")
        } else {
            ("package-manager", "is a package manager")
        };
        found.push((rule, what.to_owned()));
    }
    match &entry.kind {
        EntryKind::File { .. } => {
            found.extend(privileges(entry).map(|detail| ("setuid", detail)));
            if entry.mode & 0o002 != 0 {
                found.push(("world-writable", format!("has mode {:04o}", entry.mode)));
            }
        }
        EntryKind::Directory if entry.mode & 0o1002 == 0o002 => {
            let detail = format!("has mode {:04o}, without the sticky bit", entry.mode);
            found.push(("world-writable", detail));
        }
        EntryKind::Symlink { target } if dangles(tree, entry, target) => {
            let target = String::from_utf8_lossy(target);
            found.push(("broken-symlink", format!("leads to {target}, which is not there")));
        }
        _ => {}
    }
    found
}

/// Whether it is an executable file, or a symlink to one.
fn is_program(tree: &Tree, entry: &Entry) -> bool {
    let file = match entry.kind {
        EntryKind::Symlink { .. } => follow(tree, entry.path.as_bytes()),
        _ => Some(entry),
    };
    file.is_some_and(|file| matches!(file.kind, EntryKind::File { .. }) && file.mode & 0o111 != 0)
}

fn privileges(entry: &Entry) -> Option<String> {
    let mut what = Vec::new();
    if entry.mode & 0o4000 != 0 {
        what.push(format!("is setuid to {}", entry.uid));
    }
    if entry.mode & 0o2000 != 0 {
        what.push(format!("is setgid to {}", entry.gid));
    }
    if entry.xattrs.contains_key(CAPABILITY) {
        what.push("has file capabilities".to_owned());
    }
    (!what.is_empty()).then(|| what.join(" and "))
}

/// Whether a symlink leads nowhere. What the kernel mounts is there at run time.
fn dangles(tree: &Tree, entry: &Entry, target: &[u8]) -> bool {
    let kernel = KERNEL_FOLDERS.iter().any(|root| target.starts_with(root));
    !kernel && !leads_somewhere(tree, entry.path.as_bytes())
}
