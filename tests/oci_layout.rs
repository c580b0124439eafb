//! Layouts: what is written, kept and removed, and that other programs read it.

mod oci_support;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use hbuild::digest::Sha256;
use hbuild::graph::Algorithm;
use hbuild::host::folder::HostFolder;
use hbuild::image::layout::{Blob, LayoutError, Subject, WriteOptions, Written, referrer_manifest, write};
use hbuild::image::read::{Archive, FolderFiles, HashingSink, Layout};
use hbuild::tree::MemoryContents;
use hbuild_lang::recipe::Arch;
use oci_support::{Sample, run, sample};
use support::skip;

fn write_to(sample: &Sample, root: &Path) -> Result<Written, LayoutError> {
    let options = WriteOptions { verify: false, cancelled: &|| false };
    sample.with_blobs(|open| write(&sample.image, &HostFolder::new(root), open, options))
}

/// Every file below `root` with inode, time and length: what a run that writes nothing leaves alike.
fn state(root: &Path) -> BTreeMap<String, (u64, i64, i64, u64)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let name = path.strip_prefix(root).unwrap().display().to_string();
            found.insert(name, (metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.size()));
            if metadata.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

fn names(root: &Path) -> Vec<String> {
    let folder = HostFolder::new(root);
    let files = FolderFiles(&folder);
    Layout::open(&files).unwrap().names().into_iter().map(|(name, _)| name).collect()
}

fn blobs(root: &Path) -> usize {
    fs::read_dir(root.join("blobs/sha256")).unwrap().count()
}

#[test]
fn the_same_again_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("hello");
    let sample = sample(Algorithm::Zstd, &["1-debian12"], "hi");
    let first = write_to(&sample, &root).unwrap();
    // Two layers; two configs, manifests, documents, artifact manifests and referrers indexes; the empty
    // config, and the variant's index.
    assert_eq!((first.blobs, first.changed, blobs(&root)), (14, true, 14));
    let before = state(&root);
    let again = write_to(&sample, &root).unwrap();
    assert_eq!((again.blobs, again.bytes, again.changed), (0, 0, false));
    assert_eq!(state(&root), before);
    assert_eq!(names(&root), ["1-debian12", "1-debian12-amd64", "1-debian12-arm64", "tag-1-debian12"]);
}

#[test]
fn other_variants_stay_and_what_nothing_names_goes() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("hello");
    write_to(&sample(Algorithm::Zstd, &["1-debian12", "2-debian12"], "hi"), &root).unwrap();
    let both = blobs(&root);
    let mut changed = sample(Algorithm::Zstd, &["1-debian12"], "good day");
    changed.image.variants[0].tags.clear();
    changed.image.variants[0].platforms.pop();
    changed.image.variants[0].referrers.pop();
    fs::write(root.join("blobs/sha256/.tmp-left"), "of a killed run").unwrap();
    write_to(&changed, &root).unwrap();
    assert_eq!(
        names(&root),
        [
            "1-debian12",
            "1-debian12-amd64",
            "2-debian12",
            "2-debian12-amd64",
            "2-debian12-arm64",
            "tag-2-debian12"
        ]
    );
    // One more layer; without the second platform's config, manifest, artifact manifest and referrers index.
    assert_eq!(blobs(&root), both + 1 - 4);
    let fresh = folder.path().join("fresh");
    write_to(&changed, &fresh).unwrap();
    write_to(&sample(Algorithm::Zstd, &["2-debian12"], "hi"), &fresh).unwrap();
    let index = |root: &Path| fs::read(root.join("index.json")).unwrap();
    assert_eq!(index(&fresh), index(&root), "the order of runs does not matter");
}

#[test]
fn referrers_of_another_type_stay_with_their_subject() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("hello");
    let sample = sample(Algorithm::Zstd, &["1-debian12"], "hi");
    let mut signed = oci_support::sample(Algorithm::Zstd, &["1-debian12"], "hi");
    let subject = Subject::manifest(&signed.image.variants[0].platforms[0].manifest);
    let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let signature = referrer_manifest(subject, kind, kind, Blob::of(b"{}"), BTreeMap::new());
    signed.image.variants[0].referrers = vec![signature];
    write_to(&signed, &root).unwrap();
    write_to(&sample, &root).unwrap();
    let folder = HostFolder::new(&root);
    let files = FolderFiles(&folder);
    let layout = Layout::open(&files).unwrap();
    let referrers = layout.referrers(subject.digest).unwrap();
    let kinds: Vec<_> =
        referrers.iter().map(|entry| entry.artifact_type().clone().unwrap().to_string()).collect();
    assert_eq!(kinds, ["application/spdx+json", kind]);
    assert_eq!(layout.artifact(&referrers[0]).unwrap(), br#"{"about":"amd64"}"#);
    let before = state(&root);
    write_to(&sample, &root).unwrap();
    assert_eq!(state(&root), before);
}

#[test]
fn a_failed_or_stopped_run_leaves_the_layout_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("hello");
    let options = |cancelled| WriteOptions { verify: false, cancelled };
    let target = HostFolder::new(&root);
    let mut broken = sample(Algorithm::Zstd, &["1-debian12"], "hi");
    let stopped = broken.with_blobs(|open| write(&broken.image, &target, open, options(&|| true)));
    assert!(matches!(stopped, Err(LayoutError::Cancelled)));
    assert!(!root.exists());
    let good = sample(Algorithm::Zstd, &["1-debian12"], "good");
    write_to(&good, &root).unwrap();
    let before = state(&root);
    let wrong = Sha256::of(b"other");
    let manifest = String::from_utf8(broken.image.variants[0].platforms[0].manifest.clone()).unwrap();
    let swapped = manifest.replace(&broken.layers[1].digest.to_string(), &wrong.to_string());
    broken.image.variants[0].platforms[0].manifest = swapped.into_bytes();
    broken.image.variants[0].platforms[0].layers[1].digest = wrong;
    assert!(matches!(write_to(&broken, &root), Err(LayoutError::Content { digest }) if digest == wrong));
    let names = |state: BTreeMap<String, _>| state.into_keys().collect::<Vec<_>>();
    assert_eq!(names(state(&root)), names(before));
    assert_eq!(write_to(&good, &root).unwrap().blobs, 0);
}

#[test]
fn a_folder_with_other_files_is_refused_and_a_short_blob_is_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let sample = sample(Algorithm::Gzip, &["1-debian12"], "hi");
    fs::write(folder.path().join("thesis.txt"), "years of work").unwrap();
    assert!(matches!(write_to(&sample, folder.path()), Err(LayoutError::NotALayout { .. })));
    let root = folder.path().join("hello");
    write_to(&sample, &root).unwrap();
    let blob = root.join("blobs/sha256").join(sample.layers[0].digest.to_string());
    let bytes = fs::read(&blob).unwrap();
    fs::write(&blob, &bytes[..100]).unwrap();
    assert_eq!(write_to(&sample, &root).unwrap().blobs, 1);
    assert_eq!(fs::read(&blob).unwrap(), bytes);
    let mut flipped = bytes.clone();
    flipped[1000] ^= 1;
    fs::write(&blob, &flipped).unwrap();
    let options = WriteOptions { verify: true, cancelled: &|| false };
    sample.with_blobs(|open| write(&sample.image, &HostFolder::new(&root), open, options)).unwrap();
    assert_eq!(fs::read(&blob).unwrap(), bytes);
}

#[test]
fn the_tree_comes_back_from_folder_and_archive() {
    let folder = tempfile::tempdir().unwrap();
    for (number, algorithm) in [Algorithm::None, Algorithm::Gzip, Algorithm::Zstd].into_iter().enumerate() {
        let root = folder.path().join(number.to_string());
        let sample = sample(algorithm, &["1-debian12"], "hi");
        write_to(&sample, &root).unwrap();
        let target = HostFolder::new(&root);
        let files = FolderFiles(&target);
        let layout = Layout::open(&files).unwrap();
        let image = layout.image(None, Some(Arch::Arm64)).unwrap();
        assert_eq!(layout.image(Some("1-debian12-arm64"), None).unwrap().digest, image.digest);
        let mut contents = MemoryContents::default();
        assert_eq!(layout.tree(&image, &mut contents).unwrap(), sample.tree);
        if run("tar", &["-cf", "layout.tar", "-C", &number.to_string(), "."], folder.path()).is_none() {
            return skip("no tar");
        }
        let file = fs::File::open(folder.path().join("layout.tar")).unwrap();
        let archive = Archive::new(file).unwrap();
        let layout = Layout::open(&archive).unwrap();
        let image = layout.image(Some("tag-1-debian12"), Some(Arch::Amd64)).unwrap();
        assert_eq!(layout.tree(&image, &mut HashingSink).unwrap(), sample.tree);
    }
}

#[test]
fn skopeo_umoci_and_podman_read_it() {
    let folder = tempfile::tempdir().unwrap();
    for algorithm in [Algorithm::Zstd, Algorithm::Gzip] {
        let name = format!("{algorithm:?}").to_lowercase();
        let sample = sample(algorithm, &["1-debian12"], "hi");
        write_to(&sample, &folder.path().join(&name)).unwrap();
        let platform = format!("oci:{name}:1-debian12-amd64");
        match run("skopeo", &["inspect", &platform], folder.path()) {
            Some(text) => assert!(text.contains(&sample.layers[1].digest.to_oci()), "{text}"),
            None => return skip("no skopeo"),
        }
        let index = format!("oci:{name}:1-debian12");
        let copy = format!("dir:{name}.copy");
        run("skopeo", &["copy", "-q", "--override-arch", "arm64", &index, &copy], folder.path());
        let copied = folder.path().join(format!("{name}.copy/manifest.json"));
        assert_eq!(fs::read(copied).unwrap(), sample.image.variants[0].platforms[1].manifest);
        unpack_with_umoci(&name, algorithm, folder.path());
        pull_with_podman(&platform, folder.path());
    }
}

fn unpack_with_umoci(name: &str, algorithm: Algorithm, folder: &Path) {
    if algorithm == Algorithm::Zstd {
        return eprintln!("umoci 0.4 does not read zstd: gzip is tried alone");
    }
    let image = format!("{name}:1-debian12-amd64");
    let bundle = format!("{name}.bundle");
    match run("umoci", &["unpack", "--rootless", "--image", &image, &bundle], folder) {
        Some(_) => {
            let greeting = fs::read_to_string(folder.join(bundle).join("rootfs/etc/greeting"));
            assert_eq!(greeting.unwrap(), "hi");
        }
        None => skip("no umoci"),
    }
}

fn pull_with_podman(platform: &str, folder: &Path) {
    let storage = folder.join("storage");
    let part = |name: &str| storage.join(name).display().to_string();
    let (root, runroot, temporary) = (part("root"), part("run"), part("tmp"));
    let common = [
        "--root",
        &root,
        "--runroot",
        &runroot,
        "--tmpdir",
        &temporary,
        "--storage-driver",
        "vfs",
        "--events-backend",
        "file",
        "--cgroup-manager",
        "cgroupfs",
    ];
    let with = |rest: &[&str]| -> Vec<String> {
        common.iter().chain(rest).map(|argument| argument.to_string()).collect()
    };
    let run = |rest: &[&str]| {
        let arguments = with(rest);
        run("podman", &arguments.iter().map(String::as_str).collect::<Vec<_>>(), folder)
    };
    let Some(id) = run(&["pull", "-q", platform]) else { return skip("no podman") };
    let user =
        run(&["image", "inspect", "--format", "{{.Config.User}} {{.Architecture}}", id.trim()]).unwrap();
    assert_eq!(user.trim(), "65532:65532 amd64");
}

#[test]
fn documents_keep_the_schemas_of_the_specification() {
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/schemas/oci-image-spec");
    let schemas = match std::env::var_os("HBUILD_SCHEMAS") {
        Some(folder) => Path::new(&folder).join("oci-image-spec"),
        None => schemas,
    };
    if !schemas.is_dir() {
        return skip("no schemas of the OCI image specification");
    }
    let modules =
        std::process::Command::new("python3").args(["-c", "import jsonschema, referencing"]).status();
    if !modules.is_ok_and(|status| status.success()) {
        return skip("no python3 with jsonschema and referencing");
    }
    let folder = tempfile::tempdir().unwrap();
    let sample = sample(Algorithm::Zstd, &["1-debian12"], "hi");
    write_to(&sample, folder.path()).unwrap();
    let platform = &sample.image.variants[0].platforms[0];
    let referrer = &sample.image.variants[0].referrers[0];
    let index = fs::read(folder.path().join("index.json")).unwrap();
    let layout = fs::read(folder.path().join("oci-layout")).unwrap();
    let variant = sample.image.variants[0].index();
    for (schema, bytes) in [
        ("config-schema.json", &platform.config),
        ("image-manifest-schema.json", &platform.manifest),
        ("image-manifest-schema.json", &referrer.manifest),
        ("image-index-schema.json", &index),
        ("image-index-schema.json", &variant),
        ("image-layout-schema.json", &layout),
    ] {
        let document = folder.path().join("document.json");
        fs::write(&document, bytes).unwrap();
        let script = r#"
import json, pathlib, sys
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4
from jsonschema import Draft4Validator
folder = pathlib.Path(sys.argv[1])
load = lambda name: json.loads((folder / name).read_text())
retrieve = lambda uri: Resource(load(uri.rsplit("/", 1)[-1]), DRAFT4)
Draft4Validator(load(sys.argv[2]), registry=Registry(retrieve=retrieve)).validate(json.load(open(sys.argv[3])))
"#;
        let arguments = ["-c", script, schemas.to_str().unwrap(), schema, document.to_str().unwrap()];
        run("python3", &arguments, folder.path());
    }
}
