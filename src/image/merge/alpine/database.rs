//! apk's database, as apk 2.14 writes it: `lib/apk/db/installed`, in which apk and scanners find every package with
//! its files, and `etc/apk`. The dev flavor, in which apk works, also has the packages' scripts and triggers.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Arch, Flavor};

use super::super::{MergeError, Workspace};
use super::apk::read_sums;
use super::{Apk, scripts};
use crate::distro::alpine::checksum::Checksum;
use crate::tree::{Entry, EntryKind, Tree, TreePath};

const EFFECT: &str = "apk-database";
const FILE: (u16, u32, u32) = (0o644, 0, 0);
const INSTALLED: &str = "/lib/apk/db/installed";

/// Writes the database of all packages, `installed` still empty: [`fill_installed`] writes that when nothing changes
/// any more.
pub fn write_database(workspace: &mut Workspace<'_>) -> Result<(), MergeError> {
    let parameters = workspace.parameters;
    let lines = |lines: &[String]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let mut files = BTreeMap::from([
        (INSTALLED, Vec::new()),
        ("/etc/apk/arch", format!("{}\n", machine(parameters.arch)).into_bytes()),
        ("/etc/apk/world", lines(&parameters.world).into_bytes()),
    ]);
    if !parameters.apk_repositories.is_empty() {
        files.insert("/etc/apk/repositories", lines(&parameters.apk_repositories).into_bytes());
    }
    if parameters.flavor == Flavor::Dev {
        files.insert("/lib/apk/db/scripts.tar", scripts::archive(workspace)?);
        files.insert("/lib/apk/db/triggers", scripts::triggers(workspace).into_bytes());
        workspace.write(EFFECT, &Workspace::path("/lib/apk/db/lock"), Vec::new(), (0o600, 0, 0))?;
        for (name, text) in &parameters.apk_keys {
            let name = name.rsplit('/').next().unwrap_or(name);
            if let Ok(Some(path)) = TreePath::from_absolute(&format!("/etc/apk/keys/{name}")) {
                workspace.write(EFFECT, &path, text.clone().into_bytes(), FILE)?;
            }
        }
        for folder in ["/var/cache/apk", "/var/cache/misc"] {
            workspace.directory(EFFECT, &Workspace::path(folder), (0o755, 0, 0));
        }
    }
    for (path, bytes) in files {
        workspace.write(EFFECT, &Workspace::path(path), bytes, FILE)?;
    }
    Ok(())
}

/// The architecture's name for apk.
fn machine(arch: Arch) -> &'static str {
    match arch {
        Arch::Amd64 => "x86_64",
        Arch::Arm64 => "aarch64",
    }
}

/// Writes what `installed` says of the finished root, where the recipe has not dropped it. `trees` are the files of
/// each package as its archive has them.
pub fn fill_installed(
    workspace: &mut Workspace<'_>,
    trees: &[std::sync::Arc<Tree>],
) -> Result<(), MergeError> {
    let path = Workspace::path(INSTALLED);
    let made = |workspace: &Workspace<'_>| {
        let path = workspace.root.real_path(&path).ok()?;
        let node = workspace.root.get(&path)?;
        let ours = workspace.root.origin(node.origin).is_effect();
        (ours && matches!(node.entry.kind, EntryKind::File { .. })).then_some(path)
    };
    let Some(path) = made(workspace) else { return Ok(()) };
    let mut by_name: Vec<usize> = (0..workspace.packages.len()).collect();
    by_name.sort_by(|a, b| workspace.packages[*a].name.cmp(&workspace.packages[*b].name));
    let mut bytes = Vec::new();
    for number in by_name {
        let Some(apk) = &workspace.packages[number].apk else { continue };
        bytes.extend(description(apk, workspace.parameters.arch).into_bytes());
        let sums = workspace.packages[number].member("sha1sums", workspace.contents())?.unwrap_or_default();
        let files = Files { workspace, number, sums: read_sums(&sums) };
        files.append(&trees[number], &mut bytes);
        bytes.push(b'\n');
    }
    let (digest, size) = workspace.keep(bytes)?;
    if let Some(node) = workspace.root.get_mut(&path) {
        node.entry.kind = EntryKind::File { digest, size, link: None };
    }
    Ok(())
}

/// The fields of a package, in apk's order.
fn description(apk: &Apk, arch: Arch) -> String {
    let (info, entry) = (&apk.info, &apk.entry);
    let mut text = String::new();
    let mut put = |letter: &str, value: Option<&str>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text += &format!("{letter}:{value}\n");
        }
    };
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let priority =
        |priority: Option<u32>| priority.filter(|&number| number > 0).map(|number| number.to_string());
    put("C", Some(&entry.checksum.to_string()));
    put("P", Some(&info.pkgname));
    put("V", Some(&info.pkgver));
    // An index of Alpine says of packages for every machine that they are for this one.
    put("A", Some(if info.arch == "noarch" { machine(arch) } else { &info.arch }));
    put("S", number(Some(entry.size)).as_deref());
    put("I", number(Some(info.size.unwrap_or(0))).as_deref());
    put("T", info.pkgdesc.as_deref());
    put("U", info.url.as_deref());
    put("L", info.license.as_deref());
    put("o", info.origin.as_deref());
    put("m", info.maintainer.as_deref());
    put("t", info.builddate.map(|time| time.to_string()).as_deref());
    put("c", info.commit.as_deref());
    put("k", priority(info.provider_priority).as_deref());
    put("D", Some(&info.depend.join(" ")));
    put("p", Some(&info.provides.join(" ")));
    put("i", Some(&info.install_if.join(" ")));
    put("r", Some(&info.replaces.join(" ")));
    put("q", priority(info.replaces_priority).as_deref());
    put("s", entry.tag.as_deref());
    text
}

/// What of a package's files is in the image and its own.
struct Files<'a, 'b> {
    workspace: &'a Workspace<'b>,
    number: usize,
    sums: BTreeMap<TreePath, Checksum>,
}

impl Files<'_, '_> {
    /// Appends each folder with its files.
    fn append(&self, tree: &Tree, bytes: &mut Vec<u8>) {
        let mut order: Vec<Option<TreePath>> = Vec::new();
        let mut files: BTreeMap<Option<TreePath>, Vec<u8>> = BTreeMap::new();
        for entry in tree.entries() {
            let folder = if entry.is_directory() { Some(entry.path.clone()) } else { entry.path.parent() };
            let text = match entry.is_directory() {
                true if self.is_directory(&entry.path) => Vec::new(),
                true => continue,
                false => match self.file(entry) {
                    Some(text) => text,
                    None => continue,
                },
            };
            let known = files.entry(folder.clone()).or_insert_with(|| {
                order.push(folder);
                Vec::new()
            });
            known.extend(text);
        }
        for folder in order {
            bytes.extend_from_slice(b"F:");
            if let Some(path) = &folder {
                bytes.extend_from_slice(path.as_bytes());
            }
            bytes.push(b'\n');
            if let Some(entry) = folder.as_ref().and_then(|path| tree.get(path)) {
                bytes.extend(self.metadata("M", entry, 0o755));
            }
            bytes.extend(&files[&folder]);
        }
    }

    fn is_directory(&self, path: &TreePath) -> bool {
        let root = &self.workspace.root;
        root.real_directory(path).ok().flatten().is_some_and(|path| root.get(&path).is_some())
    }

    /// The lines of a file or link; `None` where it is not in the image, or is another's. What an effect changed is
    /// still the package's, as configuration that was edited is.
    fn file(&self, entry: &Entry) -> Option<Vec<u8>> {
        let root = &self.workspace.root;
        let node = root.real_path(&entry.path).ok().and_then(|path| root.get(&path))?;
        let origin = root.origin(node.origin);
        if *origin != self.workspace.packages[self.number].origin && !origin.is_effect() {
            return None;
        }
        let mut lines = [b"R:", entry.path.file_name(), b"\n"].concat();
        lines.extend(self.metadata("a", entry, 0o644));
        if let Some(sum) = self.sums.get(&entry.path) {
            lines.extend(format!("Z:{sum}\n").into_bytes());
        }
        Some(lines)
    }

    /// The line of owner and mode, where they are not root's and `usual`: those that the recipe gave, else those of
    /// the package.
    fn metadata(&self, letter: &str, entry: &Entry, usual: u16) -> Vec<u8> {
        let root = &self.workspace.root;
        let node = root.real_path(&entry.path).ok().and_then(|path| root.get(&path));
        let changed = node.filter(|node| node.touched && !root.origin(node.origin).is_effect());
        let shown = changed.map_or(entry, |node| &node.entry);
        let mode = if matches!(entry.kind, EntryKind::Symlink { .. }) { 0o777 } else { shown.mode };
        let attributes = scripts::attributes_digest(&entry.xattrs);
        if (mode, shown.uid, shown.gid) == (usual, 0, 0) && attributes.is_none() {
            return Vec::new();
        }
        let attributes = attributes.map_or_else(String::new, |digest| format!(":{digest}"));
        format!("{letter}:{}:{}:{mode:o}{attributes}\n", shown.uid, shown.gid).into_bytes()
    }
}
