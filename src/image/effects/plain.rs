//! Effects of a few lines each: files that a script copies or writes once.

use std::collections::BTreeMap;

use super::{Accounts, PackageScript};
use crate::image::merge::{MergeError, Workspace};
use crate::tree::TreePath;

const FILE: (u16, u32, u32) = (0o644, 0, 0);

/// Copies the file `from` to `to` where `to` is not there yet.
pub(super) fn install_default(
    workspace: &mut Workspace<'_>,
    effect: &str,
    from: &str,
    to: &str,
) -> Result<(), MergeError> {
    if workspace.exists(to) {
        return Ok(());
    }
    match workspace.read(from)? {
        Some(bytes) => workspace.write(effect, &Workspace::path(to), bytes, FILE),
        None => Ok(()),
    }
}

/// libc-bin: `/etc/nsswitch.conf`.
pub(super) fn nsswitch(workspace: &mut Workspace<'_>, _: &Accounts) -> Result<(), MergeError> {
    // base-files had it up to bookworm's predecessor.
    install_default(workspace, "nsswitch", "/usr/share/libc-bin/nsswitch.conf", "/etc/nsswitch.conf")?;
    install_default(workspace, "nsswitch", "/usr/share/base-files/nsswitch.conf", "/etc/nsswitch.conf")
}

/// tzdata: UTC. Since release 13 `/etc/timezone` is only kept where it is already.
pub(super) fn time_zone(workspace: &mut Workspace<'_>, _: &Accounts) -> Result<(), MergeError> {
    if !workspace.exists("/usr/share/zoneinfo/Etc/UTC") {
        return Ok(());
    }
    workspace.link("time-zone", &Workspace::path("/etc/localtime"), "/usr/share/zoneinfo/Etc/UTC");
    let release: u32 = workspace.parameters.release.parse().unwrap_or(u32::MAX);
    if release >= 13 && !workspace.exists("/etc/timezone") {
        return Ok(());
    }
    workspace.write("time-zone", &Workspace::path("/etc/timezone"), b"Etc/UTC\n".to_vec(), FILE)
}

/// netbase: `/etc/hosts` is the container runtime's; `/etc/networks` is made.
pub(super) fn netbase(workspace: &mut Workspace<'_>, _: &Accounts) -> Result<(), MergeError> {
    let text = "default\t\t0.0.0.0\nloopback\t127.0.0.0\nlink-local\t169.254.0.0\n\n";
    if workspace.exists("/etc/networks") {
        return Ok(());
    }
    workspace.write("netbase", &Workspace::path("/etc/networks"), text.as_bytes().to_vec(), FILE)
}

/// debianutils: `/etc/shells` from its template and the shells that packages register in
/// `/usr/share/debianutils/shells.d`, each also by the name that its folder really has.
pub(super) fn shells(workspace: &mut Workspace<'_>, _: &Accounts) -> Result<(), MergeError> {
    let template = Workspace::path("/usr/share/debianutils/shells");
    let folder = Workspace::path("/usr/share/debianutils/shells.d");
    let mut files = vec![template.clone()];
    files.extend(workspace.root.children(&folder).map(|node| node.entry.path.clone()));
    let mut known = Vec::new();
    for file in files {
        let lines = workspace.read_path(&file)?.unwrap_or_default();
        for line in String::from_utf8_lossy(&lines).lines() {
            let shell = line.split('#').next().unwrap_or_default();
            let Ok(Some(path)) = TreePath::from_absolute(shell) else { continue };
            known.push(shell.to_owned());
            let real = workspace.root.real_path(&path).map_or(shell.to_owned(), |path| path.absolute());
            if real != shell {
                known.push(real);
            }
        }
    }
    let text = workspace.read_path(&template)?.unwrap_or_default();
    let mut text = String::from_utf8_lossy(&text).into_owned();
    for shell in &known {
        if !text.lines().any(|line| line == shell) {
            text += &format!("{shell}\n");
        }
    }
    let state = known.join("\n") + "\n";
    workspace.write("shells", &Workspace::path("/var/lib/shells.state"), state.into_bytes(), FILE)?;
    workspace.write("shells", &Workspace::path("/etc/shells"), text.into_bytes(), FILE)
}

/// Alpine: the shells that scripts register with literal calls of `add-shell`, behind those of `/etc/shells`.
pub fn add_shells(workspace: &mut Workspace<'_>, scripts: &[PackageScript]) -> Result<(), MergeError> {
    let read = scripts.iter().filter_map(|script| script.script.as_ref().ok());
    let calls = read.flat_map(|script| &script.calls).filter(|call| call.program() == Some("add-shell"));
    let mut known: Vec<&str> = Vec::new();
    for shell in calls.filter_map(|call| call.literal()).flat_map(|words| words.into_iter().skip(1)) {
        if matches!(TreePath::from_absolute(shell), Ok(Some(_))) && !known.contains(&shell) {
            known.push(shell);
        }
    }
    if known.is_empty() {
        return Ok(());
    }
    let text = workspace.read("/etc/shells")?.unwrap_or_default();
    let mut text = String::from_utf8_lossy(&text).into_owned();
    for shell in known {
        if !text.lines().any(|line| line == shell) {
            text += &format!("{shell}\n");
        }
    }
    workspace.write("shells", &Workspace::path("/etc/shells"), text.into_bytes(), FILE)
}

/// libpam-runtime: the `common-*` files that `pam-auth-update` would write of the one profile that is always
/// there, `unix`.
pub(super) fn pam(workspace: &mut Workspace<'_>, _: &Accounts) -> Result<(), MergeError> {
    let lines = BTreeMap::from([
        ("account", ("[success=1 new_authtok_reqd=done default=ignore]\tpam_unix.so ", "account", "")),
        ("auth", ("[success=1 default=ignore]\tpam_unix.so nullok", "auth", "")),
        ("password", ("[success=1 default=ignore]\tpam_unix.so obscure yescrypt", "password", "")),
        ("session", ("[default=1]\t\t\tpam_permit.so", "session", "session\trequired\tpam_unix.so \n")),
        (
            "session-noninteractive",
            ("[default=1]\t\t\tpam_permit.so", "session", "session\trequired\tpam_unix.so \n"),
        ),
    ]);
    for (name, (primary, kind, additional)) in lines {
        let template = workspace.read(&format!("/usr/share/pam/common-{name}"))?;
        let Some(template) = template else { continue };
        let template = String::from_utf8_lossy(&template).into_owned();
        let text = pam_file(&template, &format!("{kind}\t{primary}\n"), additional);
        workspace.write(
            "pam",
            &Workspace::path(&format!("/etc/pam.d/common-{name}")),
            text.into_bytes(),
            FILE,
        )?;
    }
    Ok(())
}

/// A template with its `$name_primary` and `$name_additional` lines filled in.
fn pam_file(template: &str, primary: &str, additional: &str) -> String {
    let mut text = String::new();
    for line in template.lines() {
        let placeholder = line.starts_with('$');
        match placeholder {
            true if line.ends_with("_primary") => text += primary,
            true => text += additional,
            false => {
                text += line;
                text.push('\n');
            }
        }
    }
    text
}
