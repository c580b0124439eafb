//! Signed images made by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use hbuild::audit::verify::{Options, Policy, Problem, TrustedKey, Verification, verify};
use hbuild::digest::Sha256;
use hbuild::evidence::signing::{Bundle, PrivateKey, PublicKey, Signer, SigningError};
use hbuild::host::image_folder::ImageFolder;
use hbuild::timestamp::Timestamp;
use miette::Diagnostic;
use serde_json::{Value, json};

use crate::support::layouts::{Layout, Packed, Tar, digest};

/// The moment at which everything is judged.
pub const NOW: &str = "2026-06-01T12:00:00Z";
pub const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
pub const SPDX: &str = "https://spdx.dev/Document";
pub const POLICY: &str = "https://hbuild.dev/policy/v1";
pub const RUN: &str = "https://hbuild.dev/run/v1";
pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
pub const BUILDER: &str = "https://ci.example.org/builder";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A key pair.
pub struct Key {
    private: PrivateKey,
    public: PublicKey,
}

impl Default for Key {
    fn default() -> Self {
        let private = PrivateKey::generate();
        Self { public: private.public_key(), private }
    }
}

impl Signer for Key {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, pae: &[u8]) -> Result<Vec<u8>, SigningError> {
        Ok(self.private.sign(pae))
    }
}

impl Key {
    pub fn trusted(&self, name: &str) -> TrustedKey {
        TrustedKey::plain(name, self.public.clone())
    }

    pub fn pem(&self) -> String {
        self.public.to_pem()
    }

    /// The bundle of a statement.
    pub fn bundle(&self, statement: &Value) -> Vec<u8> {
        self.bundle_of("application/vnd.in-toto+json", statement.to_string().as_bytes())
    }

    pub fn bundle_of(&self, payload_type: &str, payload: &[u8]) -> Vec<u8> {
        Bundle::sign(self, payload_type, payload).unwrap().to_json()
    }
}

/// A statement about the subject with this digest, `sha256:…`.
pub fn statement(subject: &str, predicate_type: &str, predicate: Value) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "sample", "digest": { "sha256": subject.trim_start_matches("sha256:") } }],
        "predicateType": predicate_type,
        "predicate": predicate,
    })
}

pub fn provenance() -> Value {
    json!({
        "buildDefinition": {
            "buildType": "https://hbuild.dev/build-types/recipe/v1",
            "externalParameters": { "recipe": { "path": "recipes/sample.hb" }, "image": "sample", "point": {} },
            "resolvedDependencies": [],
        },
        "runDetails": { "builder": { "id": BUILDER, "version": { "hbuild": "0.1.0" } } },
    })
}

pub fn spdx() -> Value {
    let package = |id: &str, name: &str, licence: &str, purpose: &str| {
        json!({
            "SPDXID": format!("SPDXRef-{id}"), "name": name, "versionInfo": "1", "licenseDeclared": licence,
            "licenseConcluded": "NOASSERTION", "primaryPackagePurpose": purpose,
        })
    };
    json!({
        "SPDXID": "SPDXRef-DOCUMENT", "spdxVersion": "SPDX-2.3",
        "packages": [
            package("Image", "sample", "NOASSERTION", "CONTAINER"),
            package("a", "liba", "MIT OR GPL-3.0-only", "LIBRARY"),
            package("b", "libb", "Apache-2.0 AND BSD-3-Clause", "LIBRARY"),
            package("c", "libc", "NOASSERTION", "LIBRARY"),
            package("s", "source-of-a", "AGPL-3.0-only", "SOURCE"),
        ],
    })
}

pub fn policy_report() -> Value {
    json!({
        "schema": 1, "flavor": "runtime", "user": "65532:65532", "rules": ["setuid", "shell"],
        "waived": [{
            "rule": "setuid", "path": "usr/bin/ping", "detail": "mode 4755", "because": "the health check pings",
        }],
        "reported": [], "unused-waivers": [], "not-proven": [],
    })
}

/// What one machine says of the builds.
pub fn run(signed_on: &str, builds: Value) -> Value {
    json!({
        "hbuild": { "version": "0.1.0", "digest": {} }, "signedOn": signed_on, "host": {}, "builds": builds,
        "fetched": [], "substituted": [], "unknown": [],
    })
}

/// A layout with one image for amd64 below an index.
pub struct Made {
    pub folder: tempfile::TempDir,
    layout: Layout,
    /// The manifest's entry, and the index's.
    pub image: Value,
    pub index: Value,
    referrers: BTreeMap<String, Vec<Value>>,
}

impl Made {
    /// Without any evidence.
    pub fn unsigned() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut layout = Layout::new(folder.path());
        let first = Tar::default().directory("etc").file("etc/motd", "hello").bytes();
        let second = Tar::default().file("sample", &"sample ".repeat(20_000)).bytes();
        let layers = [(first, Packed::Gzip), (second, Packed::Zstd)];
        let mut image = layout.image("amd64", &layers);
        // What hbuild writes besides: when, and from where.
        let mut manifest: Value = read(folder.path(), &image);
        let mut config: Value = read(folder.path(), &manifest["config"]);
        config["created"] = json!("2026-05-22T12:00:00Z");
        manifest["config"] =
            layout.blob(config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
        manifest["annotations"] =
            json!({ "org.opencontainers.image.source": "https://git.example.org/images" });
        let platform = image["platform"].clone();
        image = layout.blob(manifest.to_string().as_bytes(), MANIFEST);
        image["platform"] = platform;
        let index = layout.index(std::slice::from_ref(&image));
        layout.name(&index, "1");
        Self { folder, layout, image, index, referrers: BTreeMap::new() }
    }

    /// With everything that is wanted, signed by `key`.
    pub fn signed(key: &Key) -> Self {
        let mut made = Self::unsigned();
        made.sign(key);
        made
    }

    /// Adds signatures and evidence by `key`.
    pub fn sign(&mut self, key: &Key) {
        let (image, index) = (self.image.clone(), self.index.clone());
        self.attach(&index, SIGN, &key.bundle(&statement(&digest(&index), SIGN, json!({}))));
        for (kind, predicate) in
            [(SIGN, json!({})), (PROVENANCE, provenance()), (SPDX, spdx()), (POLICY, policy_report())]
        {
            self.attach(&image, kind, &key.bundle(&statement(&digest(&image), kind, predicate)));
        }
    }

    /// Attaches a bundle; the artifact's manifest.
    pub fn attach(&mut self, subject: &Value, predicate_type: &str, bundle: &[u8]) -> Value {
        self.attach_listed(subject, subject, predicate_type, bundle)
    }

    /// Attaches a bundle to one subject, and lists it among the referrers of another.
    pub fn attach_listed(&mut self, subject: &Value, listed: &Value, kind: &str, bundle: &[u8]) -> Value {
        let artifact = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": BUNDLE,
            "config": self.layout.blob(b"{}", "application/vnd.oci.empty.v1+json"),
            "layers": [self.layout.blob(bundle, BUNDLE)],
            "subject": { "mediaType": subject["mediaType"], "digest": subject["digest"], "size": subject["size"] },
            "annotations": { "dev.sigstore.bundle.content": "dsse-envelope", "in-toto.io/predicate-type": kind },
        });
        let mut entry = self.layout.blob(artifact.to_string().as_bytes(), MANIFEST);
        // As registries without the referrers API keep it: by the type of the config.
        entry["artifactType"] = json!("application/vnd.oci.empty.v1+json");
        let entries = self.referrers.entry(digest(listed)).or_default();
        entries.push(entry);
        let index = self.layout.index(&entries.clone());
        self.rename(&index, &digest(listed).replace(':', "-"));
        artifact
    }

    /// Forgets what is attached to a subject.
    pub fn detach(&mut self, subject: &Value) {
        self.referrers.remove(&digest(subject));
        self.edit_index(|entries| {
            let tag = digest(subject).replace(':', "-");
            entries.retain(|entry| entry["annotations"]["org.opencontainers.image.ref.name"] != tag);
        });
    }

    /// Gives `name` to an entry, and to it alone.
    pub fn rename(&mut self, entry: &Value, name: &str) {
        let mut entry = entry.clone();
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": name });
        self.edit_index(|entries| {
            entries.retain(|old| old["annotations"]["org.opencontainers.image.ref.name"] != name);
            entries.push(entry);
        });
    }

    pub fn edit_index(&self, edit: impl FnOnce(&mut Vec<Value>)) {
        let path = self.folder.path().join("index.json");
        let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        edit(index["manifests"].as_array_mut().unwrap());
        fs::write(path, index.to_string()).unwrap();
    }

    pub fn blob(&self, bytes: &[u8], media_type: &str) -> Value {
        self.layout.blob(bytes, media_type)
    }

    /// The file of a blob.
    pub fn path(&self, descriptor: &Value) -> PathBuf {
        self.folder.path().join("blobs").join(digest(descriptor).replace(':', "/"))
    }

    pub fn manifest(&self) -> Value {
        read(self.folder.path(), &self.image)
    }

    /// What `verify` says, `key` being trusted and nothing else.
    pub fn verify(&self, key: &Key) -> Verification {
        self.verify_with(&[key.trusted("release")], &Policy::default())
    }

    pub fn verify_with(&self, keys: &[TrustedKey], policy: &Policy) -> Verification {
        self.verify_deep(keys, policy, false)
    }

    pub fn verify_deep(&self, keys: &[TrustedKey], policy: &Policy, deep: bool) -> Verification {
        let files = ImageFolder::open(self.folder.path()).unwrap();
        let now: Timestamp = NOW.parse().unwrap();
        let options = Options { image: "sample:1", keys, policy, now, deep, arch: None };
        verify(&files, Some("1"), &options)
    }
}

fn read(folder: &Path, descriptor: &Value) -> Value {
    let path = folder.join("blobs").join(digest(descriptor).replace(':', "/"));
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The codes of all problems, each with those of the evidence that does not count behind it: `not_signed(unknown_key)`.
pub fn codes(verification: &Verification) -> Vec<String> {
    let name = |error: &dyn Diagnostic| {
        let code = error.code().unwrap().to_string();
        assert!(error.help().is_some_and(|help| !help.to_string().is_empty()), "{code}");
        code.rsplit("::").next().unwrap().to_owned()
    };
    let of = |problem: &Problem| {
        let related: Vec<String> = problem.related().into_iter().flatten().map(name).collect();
        if related.is_empty() { name(problem) } else { format!("{}({})", name(problem), related.join(" ")) }
    };
    let mut codes: Vec<String> = verification.problems.iter().map(of).collect();
    codes.dedup();
    assert_eq!(verification.holds, codes.is_empty());
    codes
}

/// SHA-256 of bytes as digests are written.
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::of(bytes).to_oci()
}
