//! apk's database, as apk 2.14 writes it: `lib/apk/db/installed`, in which apk and scanners find every package with
//! its files, and `etc/apk`. The dev flavor, in which apk works, also has the packages' scripts and triggers.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Arch, Flavor};

use super::super::layering::Parents;
use super::super::root::{Node, Root};
use super::super::{MergeError, Workspace};
use super::apk::read_sums;
use super::{Apk, scripts};
use crate::distro::alpine::checksum::Checksum;
use crate::tree::{Entry, EntryKind, Origin, Tree, TreePath};

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
        let origin = &workspace.packages[number].origin;
        let files = Files { root: &workspace.root, origin, sums: read_sums(&sums) };
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
struct Files<'a> {
    root: &'a Root,
    origin: &'a Origin,
    sums: BTreeMap<TreePath, Checksum>,
}

impl Files<'_> {
    /// Appends each folder with its files.
    fn append(&self, tree: &Tree, bytes: &mut Vec<u8>) {
        let mut order: Vec<Option<TreePath>> = Vec::new();
        let mut folders: BTreeMap<Option<TreePath>, Vec<u8>> = BTreeMap::new();
        let mut parents = Parents::default();
        for entry in tree.entries() {
            let real = parents.real(self.root, &entry.path, self.origin);
            let Some(node) = real.ok().and_then(|path| self.root.get(&path)) else { continue };
            let (folder, text) = match entry.is_directory() {
                true if self.is_directory(node) => (Some(entry.path.clone()), Vec::new()),
                false if self.is_own(node) => (entry.path.parent(), self.file(entry, node)),
                _ => continue,
            };
            let known = folders.entry(folder.clone()).or_insert_with(|| {
                order.push(folder.clone());
                self.folder(folder.as_ref(), tree)
            });
            known.extend(text);
        }
        bytes.extend(order.iter().flat_map(|folder| &folders[folder]));
    }

    /// The lines of a folder: its name, and owner and mode where the package has it.
    fn folder(&self, path: Option<&TreePath>, tree: &Tree) -> Vec<u8> {
        let name = path.map_or(&b""[..], TreePath::as_bytes);
        let mut lines = [b"F:", name, b"\n"].concat();
        if let Some(entry) = path.and_then(|path| tree.get(path)) {
            let node = self.root.real_path(&entry.path).ok().and_then(|path| self.root.get(&path));
            lines.extend(self.metadata("M", entry, node, 0o755));
        }
        lines
    }

    /// The lines of a file or link.
    fn file(&self, entry: &Entry, node: &Node) -> Vec<u8> {
        let mut lines = [b"R:", entry.path.file_name(), b"\n"].concat();
        lines.extend(self.metadata("a", entry, Some(node), 0o644));
        if let Some(sum) = self.sums.get(&entry.path) {
            lines.extend(format!("Z:{sum}\n").into_bytes());
        }
        lines
    }

    fn is_directory(&self, node: &Node) -> bool {
        node.entry.is_directory()
            || self.root.follow(&node.entry.path).is_some_and(|node| node.entry.is_directory())
    }

    /// Whether it is the package's. What an effect changed still is, as configuration that was edited is.
    fn is_own(&self, node: &Node) -> bool {
        let origin = self.root.origin(node.origin);
        origin == self.origin || origin.is_effect()
    }

    /// The line of owner and mode, where they are not root's and `usual`: those that the recipe gave, else those of
    /// the package.
    fn metadata(&self, letter: &str, entry: &Entry, node: Option<&Node>, usual: u16) -> Vec<u8> {
        let changed = node.filter(|node| node.touched && !self.root.origin(node.origin).is_effect());
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
