//! Bundles and images taken apart and put together again, as an attacker would.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

pub mod forge;

use std::fs;
use std::path::Path;

use hbuild::digest::Sha256;
use serde_json::Value;

/// A bundle's files in order: path and bytes.
pub type Files = Vec<(String, Vec<u8>)>;

/// The files of the bundle at `path`.
pub fn take_apart(path: &Path) -> Files {
    let mut archive = tar::Archive::new(fs::File::open(path).unwrap());
    let mut files = Vec::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = String::from_utf8(entry.path_bytes().into_owned()).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        files.push((path, bytes));
    }
    files
}

/// The header of a file of a bundle.
pub fn header(path: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_entry_type(tar::EntryType::Regular);
    header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    header
}

/// Writes `files` as a bundle.
pub fn put_together(path: &Path, files: &Files) {
    let mut out = Vec::new();
    for (name, bytes) in files {
        out.extend_from_slice(header(name, bytes.len() as u64).as_bytes());
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    fs::write(path, out).unwrap();
}

/// The manifest of a bundle's files.
pub fn manifest(files: &Files) -> Value {
    serde_json::from_slice(&files[0].1).unwrap()
}

/// Replaces the manifest.
pub fn set_manifest(files: &mut Files, manifest: &Value) {
    files[0].1 = serde_json_canonicalizer::to_vec(manifest).unwrap();
    files[0].1.push(b'\n');
}

/// The file of the use called `name`.
pub fn named<'f>(files: &'f mut Files, name: &str) -> &'f mut (String, Vec<u8>) {
    let manifest = manifest(files);
    let entries = manifest["entries"].as_array().unwrap();
    let is_it = |entry: &&Value| entry["uses"].as_array().unwrap().iter().any(|it| it["name"] == name);
    let path = entries.iter().find(is_it).unwrap_or_else(|| panic!("no {name}"))["path"].as_str().unwrap();
    files.iter_mut().find(|(found, _)| found == path).unwrap()
}

/// Brings the manifest up to date with bytes that were changed, as somebody would who wants to hide it.
pub fn hide(files: &mut Files) {
    let mut manifest = manifest(files);
    for (entry, (_, bytes)) in manifest["entries"].as_array_mut().unwrap().iter_mut().zip(&files[1..]) {
        entry["sha256"] = Sha256::of(bytes).to_string().into();
        entry["size"] = bytes.len().into();
    }
    set_manifest(files, &manifest);
}
