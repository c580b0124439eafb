//! Scripts that do more than is known.

use std::collections::BTreeSet;

use super::PackageScript;
use super::shell::Call;
use crate::image::merge::{Package, Pattern, Workspace};
use crate::tree::TreePath;

/// Built into the shell, or only asking and telling.
const SILENT: [&str; 62] = [
    ".",
    ":",
    "[",
    "true",
    "false",
    "test",
    "set",
    "exit",
    "return",
    "echo",
    "printf",
    "local",
    "export",
    "unset",
    "umask",
    "shift",
    "cd",
    "pwd",
    "trap",
    "exec",
    "eval",
    "readonly",
    "read",
    "break",
    "continue",
    "command",
    "type",
    "which",
    "wait",
    "getopts",
    "cat",
    "grep",
    "egrep",
    "fgrep",
    "sed",
    "awk",
    "cut",
    "tr",
    "sort",
    "uniq",
    "head",
    "tail",
    "wc",
    "expr",
    "basename",
    "dirname",
    "readlink",
    "realpath",
    "stat",
    "cmp",
    "diff",
    "md5sum",
    "sha512sum",
    "id",
    "uname",
    "date",
    "getent",
    "ls",
    "dpkg-query",
    "dpkg-realpath",
    "getcap",
    "sleep",
];

/// What has no effect in an image, or is done natively for every package.
const KNOWN: [&str; 40] = [
    "add-shell",
    "rc-service",
    "rc-update",
    "dpkg",
    "dpkg-maintscript-helper",
    "dpkg-trigger",
    "dpkg-vendor",
    "dpkg-divert",
    "dpkg-statoverride",
    "update-alternatives",
    "deb-systemd-helper",
    "deb-systemd-invoke",
    "systemctl",
    "systemd-tmpfiles",
    "systemd-sysusers",
    "invoke-rc.d",
    "update-rc.d",
    "service",
    "ldconfig",
    "py3compile",
    "py3clean",
    "pycompile",
    "pyclean",
    "update-menus",
    "update-mime",
    "update-mime-database",
    "adduser",
    "addgroup",
    "useradd",
    "groupadd",
    "update-initramfs",
    "ucf",
    "ucfr",
    "udevadm",
    "ischroot",
    "restorecon",
    "mktemp",
    "ps",
    "pidof",
    "db_purge",
];

/// Warns of every script that does more than hbuild knows, unless the effect table has an entry for its
/// package.
pub fn report_unknown(workspace: &mut Workspace<'_>, scripts: &[PackageScript]) {
    let mut warnings = Vec::new();
    for script in scripts {
        let package = &workspace.packages[script.package];
        let in_table = workspace.parameters.effects.contains_key(&package.name);
        if in_table || (script.name == "trigger" && !is_triggered(workspace, package)) {
            continue;
        }
        let what = match &script.script {
            Err(_) => "is not a shell script that hbuild can read".to_owned(),
            Ok(read) => {
                let calls: BTreeSet<String> =
                    read.calls.iter().filter_map(|call| unknown(workspace, call)).collect();
                match (calls.is_empty(), read.complete) {
                    (true, true) => continue,
                    (true, false) => "is too long to follow".to_owned(),
                    _ => format!("runs {}", calls.into_iter().collect::<Vec<_>>().join(", ")),
                }
            }
        };
        warnings.push(format!(
            "the {} of {} {what}; its effects are not in the image",
            script.name, package.name
        ));
    }
    workspace.warnings.extend(warnings);
}

/// Whether a folder that the package's trigger waits for is in the image.
fn is_triggered(workspace: &Workspace<'_>, package: &Package) -> bool {
    let folders = package.apk.iter().flat_map(|apk| &apk.info.triggers);
    let mut patterns = folders.filter_map(|text| Pattern::new(text, false, 0).ok());
    patterns.any(|pattern| match &pattern.exact {
        Some(path) => workspace.root.follow(path).is_some(),
        None => workspace.root.iter().any(|node| pattern.matches(&node.entry.path)),
    })
}

/// The name of a call that may change the image in a way that is not known.
fn unknown(workspace: &Workspace<'_>, call: &Call) -> Option<String> {
    if let Some(target) = &call.writes {
        let to = target.as_deref().unwrap_or("a file");
        let harmless = to.starts_with("/dev/") || to.starts_with("/proc/") || to.starts_with("/tmp/");
        if !harmless {
            return Some(format!("{} > {to}", call.program().unwrap_or("a command")));
        }
    }
    if call.words.is_empty() {
        return None;
    }
    let Some(program) = call.program() else { return Some("a command that it computes".to_owned()) };
    if SILENT.contains(&program) || KNOWN.contains(&program) || program.starts_with("db_") {
        let edits = program == "sed" && call.words.iter().flatten().any(|word| word.starts_with("-i"));
        return edits.then(|| "sed -i".to_owned());
    }
    match program {
        "rm" | "rmdir" | "unlink" => {
            let targets = call.words[1..]
                .iter()
                .filter(|word| !word.as_ref().is_some_and(|text| text.starts_with('-')));
            let gone = |word: &Option<String>| word.as_deref().is_some_and(|path| is_absent(workspace, path));
            let absent = targets.clone().all(gone);
            (!absent).then(|| program.to_owned())
        }
        _ => Some(program.to_owned()),
    }
}

/// Whether nothing stands at `path`, a glob taken by its folder and beginning.
fn is_absent(workspace: &Workspace<'_>, path: &str) -> bool {
    if path.contains(['*', '?', '[']) {
        return false;
    }
    // Scripts run in the root.
    let absolute = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    match TreePath::from_absolute(&absolute) {
        Ok(Some(path)) => workspace.root.follow(&path).is_none() && workspace.root.get(&path).is_none(),
        _ => false,
    }
}
