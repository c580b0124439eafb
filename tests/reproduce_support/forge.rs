//! Images that somebody changed so that everything about them still fits together.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use hbuild::digest::Sha256;
use serde_json::{Value, json};

/// The blobs of a layout and its index.
pub struct Forgery {
    blobs: BTreeMap<String, Vec<u8>>,
    index: Vec<u8>,
}

impl Forgery {
    /// The layout in `folder`.
    pub fn of(folder: &Path) -> Self {
        let mut blobs = BTreeMap::new();
        for entry in fs::read_dir(folder.join("blobs/sha256")).unwrap() {
            let entry = entry.unwrap();
            blobs.insert(entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap());
        }
        Self { blobs, index: fs::read(folder.join("index.json")).unwrap() }
    }

    /// Writes it as the layout `folder`.
    pub fn write(&self, folder: &Path) {
        let _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        fs::write(folder.join("index.json"), &self.index).unwrap();
        for (digest, bytes) in &self.blobs {
            assert_eq!(*digest, Sha256::of(bytes).to_string(), "a forgery that fits together");
            fs::write(folder.join("blobs/sha256").join(digest), bytes).unwrap();
        }
    }

    /// Digest and value of the only document for which `is_it` holds.
    pub fn find(&self, is_it: impl Fn(&Value) -> bool) -> (String, Value) {
        let documents = self.blobs.iter().filter_map(|(digest, bytes)| {
            Some((digest.clone(), serde_json::from_slice::<Value>(bytes).ok()?))
        });
        let mut found: Vec<_> = documents.filter(|(_, document)| is_it(document)).collect();
        assert_eq!(found.len(), 1);
        found.remove(0)
    }

    /// The manifest of the image.
    pub fn manifest(&self) -> (String, Value) {
        self.find(|it| it["config"]["mediaType"] == "application/vnd.oci.image.config.v1+json")
    }

    /// Puts `bytes` in place of the blob `digest`, and makes everything fit that leads to it.
    pub fn replace(&mut self, digest: &str, bytes: Vec<u8>) {
        let mut renames = BTreeMap::from([(digest.to_owned(), bytes.clone())]);
        self.blobs.remove(digest);
        self.blobs.insert(Sha256::of(&bytes).to_string(), bytes);
        while let Some((old, new)) = renames.pop_first() {
            let sizes = new.len();
            let name = Sha256::of(&new).to_string();
            for (digest, bytes) in self.blobs.clone() {
                let Some(changed) = rewritten(&bytes, &old, (&name, sizes)) else { continue };
                self.blobs.remove(&digest);
                self.blobs.insert(Sha256::of(&changed).to_string(), changed.clone());
                // What was to be renamed may itself have changed since.
                match renames.iter().find(|(_, pending)| **pending == bytes).map(|(old, _)| old.clone()) {
                    Some(first) => drop(renames.insert(first, changed)),
                    None => drop(renames.insert(digest, changed)),
                }
            }
            self.index = rewritten(&self.index, &old, (&name, sizes)).unwrap_or(self.index.clone());
        }
    }

    /// Makes `change` in a JSON document.
    pub fn edit(&mut self, digest: &str, change: impl FnOnce(&mut Value)) {
        let mut document: Value = serde_json::from_slice(&self.blobs[digest]).unwrap();
        change(&mut document);
        self.replace(digest, serde_json::to_vec(&document).unwrap());
    }

    /// Makes `change` in the tar of the last layer and packs it at `level`; config and all evidence are made to fit.
    pub fn change_layer(&mut self, level: i32, change: impl FnOnce(&mut Vec<u8>)) {
        let (_, manifest) = self.manifest();
        let layer = manifest["layers"].as_array().unwrap().last().unwrap()["digest"].as_str().unwrap()[7..]
            .to_owned();
        let mut tar = zstd::decode_all(self.blobs[&layer].as_slice()).unwrap();
        let before = Sha256::of(&tar).to_oci();
        change(&mut tar);
        self.replace(&layer, zstd::encode_all(tar.as_slice(), level).unwrap());
        let after = Sha256::of(&tar).to_oci();
        let config = self.manifest().1["config"]["digest"].as_str().unwrap()[7..].to_owned();
        self.edit(&config, |config| {
            for id in config["rootfs"]["diff_ids"].as_array_mut().unwrap() {
                if *id == before.as_str() {
                    *id = json!(after);
                }
            }
        });
    }
}

/// The document with `new` in place of `old`, wherever it stands; `None` where it does not.
fn rewritten(bytes: &[u8], old: &str, (new, size): (&str, usize)) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.contains(old))?;
    let mut document: Value = serde_json::from_str(&text.replace(old, new)).ok()?;
    fit(&mut document, &format!("sha256:{new}"), size);
    Some(serde_json::to_vec(&document).unwrap())
}

fn fit(value: &mut Value, digest: &str, size: usize) {
    if value["digest"] == digest && value.get("size").is_some() {
        value["size"] = json!(size);
    }
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| fit(item, digest, size)),
        Value::Object(fields) => fields.values_mut().for_each(|item| fit(item, digest, size)),
        _ => {}
    }
}

/// Adds a file to a tar archive.
pub fn add_file(tar: &mut Vec<u8>, path: &str, text: &str) {
    // The archive's two blocks of zeros.
    while tar.len() >= 512 && tar[tar.len() - 512..].iter().all(|byte| *byte == 0) {
        tar.truncate(tar.len() - 512);
    }
    let header = super::header(path, text.len() as u64);
    tar.extend_from_slice(header.as_bytes());
    tar.extend_from_slice(text.as_bytes());
    tar.resize(tar.len().next_multiple_of(512) + 1024, 0);
}
