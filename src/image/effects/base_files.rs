//! The postinst of base-files, for a fresh installation.

use super::Accounts;
use super::plain::install_default;
use crate::image::merge::{MergeError, Workspace};

const EFFECT: &str = "base-files";

/// Directories at constant places: path, mode, group.
const DIRECTORIES: [(&str, u16, &str); 8] = [
    ("/mnt", 0o755, "root"),
    ("/srv", 0o755, "root"),
    ("/opt", 0o755, "root"),
    ("/etc/opt", 0o755, "root"),
    ("/var/opt", 0o755, "root"),
    ("/media", 0o755, "root"),
    ("/var/mail", 0o2775, "mail"),
    ("/run/lock", 0o1777, "root"),
];

/// Directories that belong to the local administrator.
const LOCAL: [&str; 11] = [
    "/usr/local",
    "/usr/local/share",
    "/usr/local/share/man",
    "/usr/local/bin",
    "/usr/local/games",
    "/usr/local/lib",
    "/usr/local/include",
    "/usr/local/sbin",
    "/usr/local/src",
    "/usr/local/etc",
    "/usr/local/libexec",
];

/// Makes what the script would.
pub(super) fn make(workspace: &mut Workspace<'_>, accounts: &Accounts) -> Result<(), MergeError> {
    let release: u32 = workspace.parameters.release.parse().unwrap_or(u32::MAX);
    if workspace.exists("/etc/dpkg/origins/debian") {
        workspace.link(EFFECT, &Workspace::path("/etc/dpkg/origins/default"), "debian");
    }
    for (from, to) in [
        ("dot.profile", "/root/.profile"),
        ("dot.bashrc", "/root/.bashrc"),
        ("profile", "/etc/profile"),
        ("motd", "/etc/motd"),
    ] {
        install_default(workspace, EFFECT, &format!("/usr/share/base-files/{from}"), to)?;
    }
    let group = |name: &str| accounts.group(name).unwrap_or(0);
    for (path, mode, name) in DIRECTORIES {
        workspace.directory(EFFECT, &Workspace::path(path), (mode, 0, group(name)));
    }
    workspace.link(EFFECT, &Workspace::path("/var/spool/mail"), "../mail");
    for (path, target) in [("/var/run", "/run"), ("/var/lock", "/run/lock")] {
        migrate(workspace, path, target);
    }
    // A staff group for /usr/local is the administrator's choice, by a file that no package ships.
    let local = if workspace.exists("/etc/staff-group-for-usr-local") {
        (0o2775, 0, group("staff"))
    } else {
        (0o755, 0, 0)
    };
    let count = if release >= 13 { LOCAL.len() } else { LOCAL.len() - 1 };
    for path in &LOCAL[..count] {
        workspace.directory(EFFECT, &Workspace::path(path), local);
    }
    workspace.link(EFFECT, &Workspace::path("/usr/local/man"), "share/man");
    for (path, mode) in [("/var/log/wtmp", 0o664), ("/var/log/btmp", 0o660), ("/var/log/lastlog", 0o664)] {
        if !workspace.exists(path) {
            workspace.write(EFFECT, &Workspace::path(path), Vec::new(), (mode, 0, group("utmp")))?;
        }
    }
    if workspace.exists("/usr/share/info") {
        install_default(workspace, EFFECT, "/usr/share/base-files/info.dir", "/usr/share/info/dir")?;
    }
    Ok(())
}

/// Puts a link in place of an empty directory.
fn migrate(workspace: &mut Workspace<'_>, path: &str, target: &str) {
    let place = Workspace::path(path);
    let is_directory = workspace.root.get(&place).is_some_and(|node| node.entry.is_directory());
    if is_directory {
        if workspace.root.below(&place).next().is_some() {
            let warning = format!("{path} is not empty and stays a directory instead of a link to {target}");
            workspace.warnings.push(warning);
            return;
        }
        workspace.root.remove(&place);
    }
    workspace.link(EFFECT, &place, target);
}
