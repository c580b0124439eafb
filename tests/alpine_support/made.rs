//! Packages made for a test: as an .apk without a signature for apk, and unpacked for a merge.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use hbuild::distro::alpine::checksum::Checksum;
use hbuild::exec::{BuildContext, MemoryContext, ObjectRef};
use hbuild::graph::{ApkEntry, MergeInput, outputs};
use hbuild::tree::{Entry, Origin, Tree, TreePath};
use sha1::Digest as _;
use std::collections::BTreeMap;
use std::path::Path;

const TIME: u64 = 1_700_000_000;

/// A package.
#[derive(Debug, Clone)]
pub struct Made {
    pub name: &'static str,
    /// Further lines of its `.PKGINFO`.
    pub info: &'static str,
    /// Scripts by member.
    pub scripts: &'static [(&'static str, &'static str)],
    /// `name/` is a directory, `name -> target` a link, `name = text` a file; a mode and owners stand behind two blanks:
    /// `750 5:6 user:group`.
    pub files: &'static [&'static str],
}

struct File<'a> {
    path: &'a str,
    /// `None` for a directory.
    content: Option<Result<&'a str, &'a str>>,
    mode: u16,
    ids: (u32, u32),
    names: (&'a str, &'a str),
}

impl<'a> File<'a> {
    fn read(line: &'a str) -> Self {
        let (what, more) = line.split_once("  ").unwrap_or((line, ""));
        let mut more = more.split_whitespace();
        let mode = more.next().map(|mode| u16::from_str_radix(mode, 8).unwrap());
        let mut pair = || more.next().and_then(|pair| pair.split_once(':'));
        let ids = pair().map_or((0, 0), |(uid, gid)| (uid.parse().unwrap(), gid.parse().unwrap()));
        let names = pair().unwrap_or(("root", "root"));
        let (path, content, usual) = if let Some((path, target)) = what.split_once(" -> ") {
            (path, Some(Err(target)), 0o777)
        } else if let Some((path, text)) = what.split_once(" = ") {
            (path, Some(Ok(text)), 0o644)
        } else {
            (what.trim_end_matches('/'), None, 0o755)
        };
        Self { path, content, mode: mode.unwrap_or(usual), ids, names }
    }
}

impl Made {
    /// One with files alone.
    pub const fn new(name: &'static str, info: &'static str, files: &'static [&'static str]) -> Self {
        Self { name, info, scripts: &[], files }
    }

    pub fn origin(&self) -> Origin {
        Origin(format!("apk:{}=1-r0:x86_64", self.name))
    }

    fn data(&self) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for file in self.files.iter().map(|line| File::read(line)) {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mode(u32::from(file.mode));
            header.set_mtime(TIME);
            header.set_uid(u64::from(file.ids.0));
            header.set_gid(u64::from(file.ids.1));
            header.set_username(file.names.0).unwrap();
            header.set_groupname(file.names.1).unwrap();
            let bytes = match file.content {
                None => {
                    header.set_entry_type(tar::EntryType::Directory);
                    ""
                }
                Some(Err(target)) => {
                    header.set_entry_type(tar::EntryType::Symlink);
                    header.set_link_name(target).unwrap();
                    pax(&mut archive, target);
                    ""
                }
                Some(Ok(text)) => {
                    pax(&mut archive, text);
                    text
                }
            };
            header.set_size(bytes.len() as u64);
            header.set_path(file.path).unwrap();
            header.set_cksum();
            archive.append(&header, bytes.as_bytes()).unwrap();
        }
        gzip(&archive.into_inner().unwrap())
    }

    /// `.PKGINFO` and scripts.
    fn members(&self, data: &[u8]) -> Vec<(String, String)> {
        let hash: String =
            <sha2::Sha256 as sha2::Digest>::digest(data).iter().map(|b| format!("{b:02x}")).collect();
        let info = format!(
            "pkgname = {}\npkgver = 1-r0\npkgdesc = made\nurl = https://example.org\nbuilddate = {TIME}\nsize = 1\n\
             arch = x86_64\nlicense = MIT\n{}datahash = {hash}\n",
            self.name, self.info
        );
        let mut members = vec![(".PKGINFO".to_owned(), info)];
        members.extend(self.scripts.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())));
        members
    }

    fn control(&self, members: &[(String, String)]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for (name, text) in members {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(tar::EntryType::Regular);
            header.set_mode(if name == ".PKGINFO" { 0o644 } else { 0o755 });
            header.set_uid(0);
            header.set_gid(0);
            header.set_mtime(TIME);
            header.set_size(text.len() as u64);
            header.set_path(name).unwrap();
            header.set_cksum();
            archive.append(&header, text.as_bytes()).unwrap();
        }
        // The control segment has no end: the data's follows it.
        let bytes = archive.get_ref().clone();
        gzip(&bytes)
    }

    /// Writes the .apk to `folder`; returns its file name.
    pub fn write(&self, folder: &Path) -> String {
        let data = self.data();
        let control = self.control(&self.members(&data));
        let name = format!("{}-1-r0.apk", self.name);
        std::fs::write(folder.join(&name), [control, data].concat()).unwrap();
        name
    }

    /// The input of a merge, and its outputs in `context`.
    pub fn unpack(&self, context: &mut MemoryContext) -> (MergeInput, BTreeMap<String, ObjectRef>) {
        let data = self.data();
        let members = self.members(&data);
        let control = self.control(&members);
        let checksum = Checksum(sha1::Sha1::digest(&control).into());
        let size = (control.len() + data.len()) as u64;
        let (mut entries, mut sums, mut owners) = (Vec::new(), String::new(), String::new());
        for file in self.files.iter().map(|line| File::read(line)) {
            let path = TreePath::new(file.path.as_bytes()).unwrap();
            let mut entry = match file.content {
                None => Entry::directory(path, TIME as i64),
                Some(Err(target)) => Entry::symlink(path, target, TIME as i64),
                Some(Ok(text)) => {
                    let digest = context.keep_content(text.as_bytes());
                    Entry::file(path, digest, text.len() as u64, file.mode, TIME as i64)
                }
            };
            (entry.mode, entry.uid, entry.gid) = (file.mode, file.ids.0, file.ids.1);
            entries.push(entry);
            if let Some(Ok(text) | Err(text)) = file.content {
                sums += &format!("{}  {}\n", hex(text), file.path);
            }
            if file.names != ("root", "root") {
                owners += &format!("{}:{}  {}\n", file.names.0, file.names.1, file.path);
            }
        }
        let tree = Tree::new(entries).unwrap();
        let mut kept = Vec::new();
        for (name, text) in
            members.iter().cloned().chain([("owners".into(), owners), ("sha1sums".into(), sums)])
        {
            let digest = context.keep_content(text.as_bytes());
            let path = TreePath::new(name.as_bytes()).unwrap();
            kept.push(Entry::file(path, digest, text.len() as u64, 0o755, TIME as i64));
        }
        let trees = [(outputs::TREE, tree), (outputs::CONTROL, Tree::new(kept).unwrap())];
        let made = trees.map(|(name, tree)| (name.to_owned(), context.put_tree(tree).unwrap()));
        let apk = Some(ApkEntry { checksum, size, tag: None });
        let input = MergeInput::Package { name: self.name.to_owned(), origin: self.origin(), apk };
        (input, BTreeMap::from(made))
    }
}

fn hex(text: &str) -> String {
    sha1::Sha1::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn pax(archive: &mut tar::Builder<Vec<u8>>, text: &str) {
    // The length counts its own two digits.
    let record = format!("68 APK-TOOLS.checksum.SHA1={}\n", hex(text));
    // apk takes no field of a header for empty: the library's own pax headers have such.
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::XHeader);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(record.len() as u64);
    header.set_path("PaxHeaders/x").unwrap();
    header.set_cksum();
    archive.append(&header, record.as_bytes()).unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
