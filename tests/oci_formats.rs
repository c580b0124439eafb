//! Layers and archives read by GNU tar, docker's format by skopeo and podman, and the unpacked root.

mod oci_support;
mod support;

use std::fs;
use std::path::Path;

use hbuild::digest::Sha256;
use hbuild::exec::{BuildContext, ObjectRef};
use hbuild::graph::Algorithm;
use hbuild::host::folder::HostFolder;
use hbuild::host::root_folder::HostRoot;
use hbuild::image::formats::{
    RootError, docker_archive_name, oci_archive_name, write_docker_archive, write_oci_archive, write_root,
};
use hbuild::tree::{ContentError, Contents};
use oci_support::{EPOCH, Sample, run, sample};
use support::skip;

/// Names, modes, owners, times, kinds and targets of everything below a folder, one a line.
const LISTING: &str = "%P %y %m %U:%G %T@ %s %n %l\\n";

struct FileContents<'a>(&'a Sample);

impl Contents for FileContents<'_> {
    fn open(
        &self,
        digest: &hbuild::digest::Digest,
    ) -> Result<Box<dyn std::io::Read + Send + '_>, ContentError> {
        self.0.context.contents().open(digest)
    }
}

fn layers(sample: &Sample, folder: &Path) {
    for (number, layer) in sample.layers.iter().enumerate() {
        let object = ObjectRef { digest: layer.blob, size: layer.size };
        fs::write(folder.join(format!("{number}.tar")), sample.context.bytes(object).unwrap()).unwrap();
    }
}

fn listing(root: &str, folder: &Path) -> Vec<String> {
    let text = run("find", &[root, "-mindepth", "1", "-printf", LISTING], folder).unwrap();
    // The length of a directory is the file system's affair.
    let mut lines: Vec<String> = text
        .lines()
        .map(|line| match line.split_once(" d ") {
            Some((name, rest)) => {
                let fields: Vec<&str> = rest.split(' ').collect();
                format!("{name} d {}", fields[..3].join(" "))
            }
            None => line.to_owned(),
        })
        .collect();
    lines.sort();
    lines
}

#[test]
fn gnu_tar_unpacks_layers_to_the_same_root_as_hbuild() {
    let folder = tempfile::tempdir().unwrap();
    let sample = sample(Algorithm::None, &["1-debian12"], "hi");
    layers(&sample, folder.path());
    fs::create_dir(folder.path().join("tar")).unwrap();
    let privileged = rustix::process::geteuid().is_root();
    for layer in ["0.tar", "1.tar"] {
        let arguments = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "-C", "tar", "-xpf", layer];
        // Without privileges tar cannot set capabilities or owners, and neither can hbuild.
        let arguments = if privileged { &arguments[..] } else { &arguments[3..] };
        if run("tar", arguments, folder.path()).is_none() {
            return skip("no GNU tar");
        }
    }
    let root = HostRoot::new(folder.path().join("hbuild"));
    let report = write_root("hbuild", &sample.tree, EPOCH, &FileContents(&sample), &root, &|| false).unwrap();
    assert!(report.changed);
    assert_eq!(report.owners, privileged);
    if privileged {
        assert_eq!(listing("hbuild", folder.path()), listing("tar", folder.path()));
        if let Some(text) = run("getfattr", &["-hd", "-m", "-", "hbuild/usr/bin/capable"], folder.path()) {
            assert!(text.contains("security.capability"), "{text}");
        }
    }
    run("diff", &["-r", "--no-dereference", "hbuild", "tar"], folder.path());
    let again = write_root("hbuild", &sample.tree, EPOCH, &FileContents(&sample), &root, &|| false).unwrap();
    assert!(!again.changed);
}

#[test]
fn a_root_without_owners_says_what_it_lost_and_spares_foreign_files() {
    let folder = tempfile::tempdir().unwrap();
    let sample = sample(Algorithm::None, &["1-debian12"], "hi");
    let root = HostRoot::new(folder.path().join("root")).without_owners();
    let report = write_root("root", &sample.tree, EPOCH, &FileContents(&sample), &root, &|| false).unwrap();
    assert!(!report.owners);
    assert_eq!(report.reduced, [oci_support::path("usr/bin/capable")]);
    let stopped = write_root("root", &Default::default(), EPOCH, &FileContents(&sample), &root, &|| true);
    assert!(stopped.is_ok(), "an empty tree has nothing to stop at");
    assert_eq!(fs::read_dir(folder.path().join("root")).unwrap().count(), 0);
    fs::write(folder.path().join("file"), "mine").unwrap();
    let foreign = HostRoot::new(folder.path().join("file"));
    let refused = write_root("file", &sample.tree, EPOCH, &FileContents(&sample), &foreign, &|| false);
    assert!(matches!(refused, Err(RootError::Foreign { .. })));
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "nothing temporary is left: {names:?}");
}

#[test]
fn gnu_tar_lists_entries_in_order_with_numbers_only() {
    let folder = tempfile::tempdir().unwrap();
    let sample = sample(Algorithm::None, &["1-debian12"], "hi");
    layers(&sample, folder.path());
    let list = |name: &str| run("tar", &["--utc", "--full-time", "-tvf", name], folder.path());
    let Some(text) = list("1.tar") else { return skip("no GNU tar") };
    let lines: Vec<String> =
        text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines[0], "drwxrwx--T 65532/65532 0 1980-01-01 00:00:00 data/");
    assert_eq!(lines[1], "drwxr-xr-x 0/0 0 1980-01-01 00:00:00 etc/");
    assert_eq!(lines[2], "-rw-r--r-- 0/0 2 2023-11-14 22:13:20 etc/greeting");
    assert!(lines[3].starts_with("lrwxrwxrwx 0/0 0 1969-12-31 23:59:59 etc/link -> /usr/share/a-directory"));
    assert_eq!(lines[6], "-rwsr-xr-x 0/0 1 2023-11-14 22:13:20 usr/bin/capable");
    assert!(lines.last().unwrap().ends_with("file é with a name"), "{lines:?}");
    let text = list("0.tar").unwrap();
    assert!(text.contains("usr/bin/two link to usr/bin/one"), "{text}");
}

#[test]
fn docker_archives_are_uncompressed_and_load() {
    let folder = tempfile::tempdir().unwrap();
    let target = HostFolder::new(folder.path());
    let mut digests = Vec::new();
    for algorithm in [Algorithm::Zstd, Algorithm::Gzip, Algorithm::None] {
        let sample = sample(algorithm, &["1-debian12"], "hi");
        let variant = &sample.image.variants[0];
        let platform = &variant.platforms[0];
        let write = || {
            sample.with_blobs(|open| {
                write_docker_archive("hello", variant, platform, &target, open, &|| false).unwrap()
            })
        };
        write();
        assert!(!write(), "the same again is not written");
        let name = docker_archive_name("hello", variant, platform);
        assert_eq!(name, "hello-1-debian12-amd64.docker.tar");
        digests.push(Sha256::of(&fs::read(folder.path().join(&name)).unwrap()));
        let archive = format!("docker-archive:{name}:hello:tag-1-debian12");
        match run("skopeo", &["inspect", "--config", "--raw", &archive], folder.path()) {
            Some(text) => assert_eq!(text.as_bytes(), platform.config),
            None => return skip("no skopeo"),
        }
    }
    assert_eq!(digests[0], digests[1], "the compression of the layers has no part in it");
    load_with_podman("hello-1-debian12-amd64.docker.tar", folder.path());
}

#[test]
fn oci_archives_hold_one_variant_and_load() {
    let folder = tempfile::tempdir().unwrap();
    let target = HostFolder::new(folder.path());
    let mut sample = sample(Algorithm::Zstd, &["1-debian12"], "hi");
    for platforms in [2, 1] {
        sample.image.variants[0].platforms.truncate(platforms);
        let variant = &sample.image.variants[0];
        let write = || {
            sample.with_blobs(|open| write_oci_archive("hello", variant, &target, open, &|| false).unwrap())
        };
        assert!(write() && !write());
        let name = oci_archive_name("hello", variant);
        assert_eq!(name, "hello-1-debian12.oci.tar");
        let archive = format!("oci-archive:{name}:1-debian12");
        match run(
            "skopeo",
            &["--override-arch", "amd64", "inspect", "--config", "--raw", &archive],
            folder.path(),
        ) {
            Some(text) => assert_eq!(text.as_bytes(), variant.platforms[0].config),
            None => return skip("no skopeo"),
        }
        load_with_podman(&name, folder.path());
    }
}

fn load_with_podman(archive: &str, folder: &Path) {
    let storage = folder.join("storage");
    let part = |name: &str| storage.join(name).display().to_string();
    let (root, runroot, temporary) = (part("root"), part("run"), part("tmp"));
    let arguments = [
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
        "load",
        "-i",
        archive,
    ];
    match run("podman", &arguments, folder) {
        Some(text) => assert!(text.contains("Loaded image"), "{text}"),
        None => skip("no podman"),
    }
}
