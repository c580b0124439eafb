//! OCI layouts made by hand: layers with any members, images, indexes.

use std::fs;
use std::path::{Path, PathBuf};

use hbuild::digest::Sha256;
use serde_json::{Value, json};

use super::archive::gzip;

impl Default for Tar {
    fn default() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }
}

/// The tar archive of a layer in the making.
pub struct Tar(tar::Builder<Vec<u8>>);

impl Tar {
    fn add(mut self, path: &str, kind: tar::EntryType, mode: u32, target: &str, bytes: &[u8]) -> Self {
        let mut header = tar::Header::new_ustar();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(7);
        header.set_gid(8);
        header.set_mtime(1_600_000_000);
        header.set_size(bytes.len() as u64);
        header.set_link_name_literal(target).unwrap();
        header.set_cksum();
        self.0.append(&header, bytes).unwrap();
        self
    }

    /// With a file.
    pub fn file(self, path: &str, text: &str) -> Self {
        self.add(path, tar::EntryType::Regular, 0o640, "", text.as_bytes())
    }

    /// With a directory.
    pub fn directory(self, path: &str) -> Self {
        self.add(path, tar::EntryType::Directory, 0o750, "", b"")
    }

    /// With a symbolic link.
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.add(path, tar::EntryType::Symlink, 0o777, target, b"")
    }

    /// With a further name of a file.
    pub fn link(self, path: &str, target: &str) -> Self {
        self.add(path, tar::EntryType::Link, 0o640, target, b"")
    }

    /// With a device.
    pub fn device(self, path: &str) -> Self {
        self.add(path, tar::EntryType::Char, 0o600, "", b"")
    }

    /// The bytes of the archive.
    pub fn bytes(self) -> Vec<u8> {
        self.0.into_inner().unwrap()
    }
}

/// An OCI layout in a folder.
pub struct Layout {
    folder: PathBuf,
    entries: Vec<Value>,
}

/// How a layer is packed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Packed {
    /// Not at all.
    Plain,
    /// gzip.
    Gzip,
    /// zstd.
    Zstd,
}

impl Layout {
    /// An empty layout.
    pub fn new(folder: &Path) -> Self {
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        Self { folder: folder.to_owned(), entries: Vec::new() }
    }

    /// Writes a blob; its descriptor.
    pub fn blob(&self, bytes: &[u8], media_type: &str) -> Value {
        let digest = Sha256::of(bytes);
        fs::write(self.folder.join(format!("blobs/sha256/{digest}")), bytes).unwrap();
        json!({ "mediaType": media_type, "digest": digest.to_oci(), "size": bytes.len() })
    }

    /// Writes an image of these layers; its descriptor, with its platform.
    pub fn image(&self, arch: &str, layers: &[(Vec<u8>, Packed)]) -> Value {
        let mut descriptors = Vec::new();
        for (tar, packed) in layers {
            let (bytes, ending) = match packed {
                Packed::Plain => (tar.clone(), ""),
                Packed::Gzip => (gzip(tar), "+gzip"),
                Packed::Zstd => (zstd::encode_all(tar.as_slice(), 3).unwrap(), "+zstd"),
            };
            descriptors.push(self.blob(&bytes, &format!("application/vnd.oci.image.layer.v1.tar{ending}")));
        }
        let diff_ids: Vec<String> = layers.iter().map(|(tar, _)| Sha256::of(tar).to_oci()).collect();
        let config = json!({
            "architecture": arch, "os": "linux", "config": {},
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = self.blob(config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": config, "layers": descriptors,
        });
        let mut entry =
            self.blob(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
        entry["platform"] = json!({ "os": "linux", "architecture": arch });
        entry
    }

    /// Writes an index of these; its descriptor.
    pub fn index(&self, manifests: &[Value]) -> Value {
        let index = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests,
        });
        self.blob(index.to_string().as_bytes(), "application/vnd.oci.image.index.v1+json")
    }

    /// Names something in the layout's own index.
    pub fn name(&mut self, entry: &Value, name: &str) {
        let mut entry = entry.clone();
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
        self.entries.push(entry);
        let index = json!({ "schemaVersion": 2, "manifests": self.entries });
        fs::write(self.folder.join("index.json"), index.to_string()).unwrap();
    }
}

/// The digest in a descriptor, `sha256:…`.
pub fn digest(descriptor: &Value) -> String {
    descriptor["digest"].as_str().unwrap().to_owned()
}
