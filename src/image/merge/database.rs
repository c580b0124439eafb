//! The package database: what scanners, and in the dev flavor dpkg, read.
//!
//! The runtime flavor has `/var/lib/dpkg/status.d/<package>` with the control stanza and `<package>.md5sums`, as
//! distroless images have; the dev flavor has dpkg's own `status` and `info/`. Files that are not in the image
//! are left out of both.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::Flavor;

use super::{MergeError, Workspace, usrmerge};
use crate::tree::{EntryKind, TreePath};

const EFFECT: &str = "dpkg-database";
const FILE: (u16, u32, u32) = (0o644, 0, 0);

/// Writes the database of all packages. `shipped` are the paths of each package as its archive has them.
pub fn write_database(
    workspace: &mut Workspace<'_>,
    shipped: &[Vec<TreePath>],
    merged: bool,
) -> Result<(), MergeError> {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for package in &workspace.packages {
        *count.entry(&package.name).or_default() += 1;
    }
    let dev = workspace.parameters.flavor == Flavor::Dev;
    for (number, package) in workspace.packages.iter().enumerate() {
        let arch = package.field("Architecture").unwrap_or("all");
        // dpkg names the files of a package that can be there in several architectures after its own.
        let full = if dev { package.is_multi_arch_same() } else { count[package.name.as_str()] > 1 };
        let name = if full { format!("{}:{arch}", package.name) } else { package.name.clone() };
        names.insert(name, number);
    }
    let present = present(workspace);
    if dev {
        return write_status(workspace, &names, shipped, &present, merged);
    }
    for (name, number) in names {
        let folder = "/var/lib/dpkg/status.d";
        let stanza = stanza(&workspace.packages[number].stanza);
        let path = Workspace::path(&format!("{folder}/{name}"));
        workspace.write(EFFECT, &path, stanza.into_bytes(), FILE)?;
        if let Some(sums) = md5sums(workspace, number, &present, merged)? {
            workspace.write(EFFECT, &Workspace::path(&format!("{folder}/{name}.md5sums")), sums, FILE)?;
        }
    }
    Ok(())
}

/// The paths of the image with the number of the package that each came from.
type Present = BTreeSet<(TreePath, usize)>;

fn present(workspace: &Workspace<'_>) -> Present {
    let number = |origin| {
        let origin = workspace.root.origin(origin);
        workspace.packages.iter().position(|package| package.origin == *origin)
    };
    let mut known: BTreeMap<u32, Option<usize>> = BTreeMap::new();
    let mut present = Present::new();
    for node in workspace.root.iter() {
        if let Some(package) = *known.entry(node.origin).or_insert_with(|| number(node.origin)) {
            present.insert((node.entry.path.clone(), package));
        }
    }
    present
}

/// The control stanza with a status behind the name.
fn stanza(control: &str) -> String {
    let mut out = String::with_capacity(control.len() + 40);
    let mut done = false;
    for line in control.lines() {
        out += line;
        out.push('\n');
        if !done && line.starts_with("Package:") {
            out += "Status: install ok installed\n";
            done = true;
        }
    }
    out
}

/// Whether the file that a package ships as `path` is in the image and its own.
fn is_present(
    workspace: &Workspace<'_>,
    path: &TreePath,
    number: usize,
    present: &Present,
    merged: bool,
) -> bool {
    let own = |path: &TreePath| present.contains(&(path.clone(), number));
    let canonical = if merged { usrmerge::canonical(path) } else { None };
    let path = canonical.as_ref().unwrap_or(path);
    own(path) || workspace.root.real_path(path).is_ok_and(|real| own(&real))
}

/// The package's list of sums without the files that are not in the image; `None` where it has no list.
fn md5sums(
    workspace: &Workspace<'_>,
    number: usize,
    present: &Present,
    merged: bool,
) -> Result<Option<Vec<u8>>, MergeError> {
    let Some(sums) = workspace.packages[number].member("md5sums", workspace.contents())? else {
        return Ok(None);
    };
    let mut out = Vec::with_capacity(sums.len());
    for line in sums.split_inclusive(|&byte| byte == b'\n') {
        let path = line.get(34..).unwrap_or_default();
        let path = path.strip_suffix(b"\n").unwrap_or(path);
        let Ok(Some(path)) = TreePath::from_archive(path) else { continue };
        if is_present(workspace, &path, number, present, merged) {
            out.extend_from_slice(line);
        }
    }
    Ok(Some(out))
}

fn write_status(
    workspace: &mut Workspace<'_>,
    names: &BTreeMap<String, usize>,
    shipped: &[Vec<TreePath>],
    present: &Present,
    merged: bool,
) -> Result<(), MergeError> {
    let folder = "/var/lib/dpkg";
    let mut status = String::new();
    let mut triggers = Triggers::default();
    for (name, &number) in names {
        status += &stanza(&workspace.packages[number].stanza);
        status.push('\n');
        let list = list(workspace, number, &shipped[number], present, merged);
        workspace.write(EFFECT, &Workspace::path(&format!("{folder}/info/{name}.list")), list, FILE)?;
        let control = workspace.packages[number].control.clone();
        for entry in control.entries() {
            let (EntryKind::File { digest, .. }, Ok(member)) =
                (&entry.kind, std::str::from_utf8(entry.path.as_bytes()))
            else {
                continue;
            };
            let bytes = match member {
                "control" => continue,
                "md5sums" => md5sums(workspace, number, present, merged)?.unwrap_or_default(),
                _ => workspace.content(digest)?,
            };
            if member == "triggers" {
                triggers.add(&String::from_utf8_lossy(&bytes), &workspace.packages[number].name);
            }
            let path = TreePath::from_absolute(&format!("{folder}/info/{name}.{member}"));
            if let Ok(Some(path)) = path {
                workspace.write(EFFECT, &path, bytes, (entry.mode & 0o755, 0, 0))?;
            }
        }
    }
    let mut files = triggers.files();
    files.insert("status".to_owned(), status);
    files.insert("info/format".to_owned(), "1\n".to_owned());
    files.insert("arch".to_owned(), format!("{}\n", workspace.parameters.arch));
    for (name, text) in files {
        if let Ok(Some(path)) = TreePath::from_absolute(&format!("{folder}/{name}")) {
            workspace.write(EFFECT, &path, text.into_bytes(), FILE)?;
        }
    }
    Ok(())
}

/// dpkg's list of a package's paths, by the names that its archive has.
fn list(
    workspace: &Workspace<'_>,
    number: usize,
    shipped: &[TreePath],
    present: &Present,
    merged: bool,
) -> Vec<u8> {
    let mut out = b"/.\n".to_vec();
    for path in shipped {
        let canonical = if merged { usrmerge::canonical(path) } else { None };
        let place = canonical.as_ref().unwrap_or(path);
        let directory = workspace.root.real_directory(place).ok().flatten();
        let directory = directory.is_some_and(|path| workspace.root.get(&path).is_some());
        if directory || is_present(workspace, path, number, present, merged) {
            out.push(b'/');
            out.extend_from_slice(path.as_bytes());
            out.push(b'\n');
        }
    }
    out
}

/// What packages want to hear of: dpkg's `triggers/File`, and a file for each named trigger.
#[derive(Default)]
struct Triggers {
    file: BTreeSet<String>,
    named: BTreeMap<String, BTreeSet<String>>,
}

impl Triggers {
    fn add(&mut self, text: &str, package: &str) {
        for line in text.lines() {
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            let (Some(directive), Some(name)) = (words.next(), words.next()) else { continue };
            let listener = match directive {
                "interest" | "interest-await" => package.to_owned(),
                "interest-noawait" => format!("{package}/noawait"),
                _ => continue,
            };
            if name.starts_with('/') {
                self.file.insert(format!("{name} {listener}"));
            } else if !name.contains('/') && !name.starts_with('.') {
                self.named.entry(name.to_owned()).or_default().insert(listener);
            }
        }
    }

    fn files(self) -> BTreeMap<String, String> {
        let lines = |lines: BTreeSet<String>| lines.into_iter().map(|line| line + "\n").collect::<String>();
        let named =
            self.named.into_iter().map(|(name, listeners)| (format!("triggers/{name}"), lines(listeners)));
        let mut files: BTreeMap<_, _> = named.collect();
        if !self.file.is_empty() {
            files.insert("triggers/File".to_owned(), lines(self.file));
        }
        files
    }
}
