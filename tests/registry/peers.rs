//! Real registries and real clients: Debian's docker-registry, which keeps referrers under tags, and one with the
//! referrers API; skopeo, podman, crane and oras.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hbuild::digest::Sha256;
use hbuild::graph::Algorithm;
use hbuild::host::fetch::FetchOptions;
use hbuild::image::layout::{Blob, Subject, referrer_manifest};
use hbuild::image::read::Layout;
use hbuild::remote::{Access, Client, Reference, RegistryFiles, attach};

use crate::place::{Place, files, named};
use crate::support;
use crate::support::oracles::{has, run};

/// A registry that others wrote; it ends with this value.
struct Peer {
    process: Child,
    authority: String,
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn started(mut command: Command, authority: String) -> Peer {
    let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let peer = Peer { process, authority };
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(&peer.authority).is_err() {
        assert!(Instant::now() < end, "the registry does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    peer
}

fn free() -> String {
    format!("127.0.0.1:{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port())
}

/// Debian's.
fn distribution(place: &Place) -> Option<Peer> {
    if !support::loopback() || !has("docker-registry") {
        return None;
    }
    let authority = free();
    let config = format!(
        "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
         storage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{authority}\"}}\n",
        place.path("registry").display()
    );
    fs::write(place.path("registry.yml"), config).unwrap();
    let mut command = Command::new("docker-registry");
    command.arg("serve").arg(place.path("registry.yml"));
    Some(started(command, authority))
}

/// The one of tests/tools, with the referrers API.
fn with_referrers() -> Option<Peer> {
    if !support::loopback() || !has("referrers-registry") {
        return None;
    }
    let authority = free();
    let mut command = Command::new("referrers-registry");
    command.arg(&authority);
    Some(started(command, authority))
}

fn client(arguments: &[&str], place: &Place) -> Option<String> {
    if !has(arguments[0]) {
        return None;
    }
    let mut command = Command::new(arguments[0]);
    Some(run(command.args(&arguments[1..]).current_dir(place.path("")).env("HOME", place.path(""))))
}

#[test]
fn a_registry_without_the_referrers_api() {
    // crane reads gzip alone.
    let place = Place::with(Algorithm::Gzip);
    let Some(registry) = distribution(&place) else { return };
    let name = format!("{}/team/app", registry.authority);
    let tag = format!("{name}:1-debian12");
    place.must(&["push", "app", &name]);
    let again = place.json(&["push", "app", &name]);
    assert_eq!((&again["blobs"]["sent"], &again["manifests"]["sent"]), (&0.into(), &0.into()), "{again}");
    assert_eq!(again["evidence"]["sent"], 0, "{again}");
    place.must(&["pull", &tag, "-o", "out"]);
    assert_eq!(files(&place.path("out/app")), files(&place.path("app")));
    // A command on images: nothing differs between here and there.
    place.must(&["diff", "app:1-debian12", &format!("docker://{tag}")]);
    clients(&place, &name);
}

/// What others say about what was pushed.
fn clients(place: &Place, name: &str) {
    let tag = format!("{name}:1-debian12");
    let index = named(&place.path("app"), "1-debian12");
    let manifest = named(&place.path("app"), "1-debian12-amd64");
    let docker = format!("docker://{tag}");
    if let Some(raw) = client(&["skopeo", "inspect", "--raw", "--tls-verify=false", &docker], place) {
        assert_eq!(Sha256::of(raw.as_bytes()).to_oci(), index);
        let copy = ["skopeo", "copy", "-q", "--all", "--src-tls-verify=false", &docker, "oci:copied:x"];
        client(&copy, place);
        assert_eq!(named(&place.path("copied"), "x"), index);
    }
    client(&["crane", "validate", "--remote", &tag, "--insecure"], place);
    if let Some(digest) = client(&["crane", "digest", &tag, "--insecure"], place) {
        assert_eq!(digest.trim(), index);
    }
    for (subject, kind) in [(&manifest, "application/spdx+json"), (&index, "application/vnd.in-toto+json")] {
        let subject = format!("{name}@{subject}");
        let discover = ["oras", "discover", "--plain-http", "--format", "json", &subject];
        if let Some(found) = client(&discover, place) {
            // The one with the API gives the type of the config instead.
            let found: serde_json::Value = serde_json::from_str(&found).unwrap();
            let kinds = found["referrers"].as_array().unwrap().iter().map(|entry| &entry["artifactType"]);
            let known = [kind, "application/vnd.oci.empty.v1+json"];
            let kinds: Vec<_> = kinds.map(|kind| kind.as_str().unwrap_or_default()).collect();
            assert!(kinds.len() == 1 && known.contains(&kinds[0]), "{found}");
        }
    }
    let storage = |name: &str| place.path("podman").join(name).display().to_string();
    let (root, runroot, temporary) = (storage("root"), storage("run"), storage("tmp"));
    let podman = ["podman", "--root", &root, "--runroot", &runroot, "--tmpdir", &temporary];
    let how = ["--storage-driver", "vfs", "--events-backend", "file", "--cgroup-manager", "cgroupfs"];
    let pull = ["pull", "-q", "--tls-verify=false", &tag];
    if let Some(id) = client(&[&podman[..], &how, &pull].concat(), place) {
        assert_eq!(id.trim().len(), 64, "{id}");
    }
}

#[test]
fn a_registry_with_the_referrers_api() {
    let place = Place::with(Algorithm::Gzip);
    let Some(registry) = with_referrers() else { return };
    let name = format!("{}/team/app", registry.authority);
    place.must(&["push", "app", &name]);
    let again = place.json(&["push", "app", &name]);
    assert_eq!((&again["evidence"]["sent"], &again["evidence"]["there"]), (&0.into(), &3.into()), "{again}");
    place.must(&["pull", &format!("{name}:1-debian12"), "-o", "out"]);
    assert_eq!(files(&place.path("out/app")), files(&place.path("app")));
    if let Some(tags) = client(&["crane", "ls", &name, "--insecure"], &place) {
        assert_eq!(tags.trim(), "1-debian12", "no tag for what the registry lists itself");
    }
    clients(&place, &name);
}

/// Every one of several writers at once attaches documents of its own to the same two subjects.
#[test]
fn what_several_attach_at_once_is_all_there() {
    const WRITERS: usize = 5;
    let place = Place::new();
    let Some(registry) = distribution(&place) else { return };
    let name = format!("{}/team/app", registry.authority);
    place.must(&["push", "app", &name]);
    let reference = Reference::parse(&format!("{name}:1-debian12")).unwrap();
    let open = |access| Client::new(FetchOptions::default()).unwrap().repository(&reference, access);
    let subjects = ["1-debian12-amd64", "1-debian12-arm64"].map(|name| {
        let hex = named(&place.path("app"), name);
        let digest: Sha256 = hex.trim_start_matches("sha256:").parse().unwrap();
        let bytes = fs::read(place.path("app/blobs/sha256").join(digest.to_string())).unwrap();
        Subject::manifest(&bytes)
    });
    let document = |writer: usize, subject: Subject| {
        let text = Blob::of(format!("{{\"writer\":{writer}}}").as_bytes());
        referrer_manifest(subject, "application/x", "application/x", text, BTreeMap::new())
    };
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (repository, document) = (open(Access::Write(Vec::new())), &document);
            scope.spawn(move || {
                let own = subjects.map(|subject| document(writer, subject));
                assert_eq!(attach(&repository, &own, &[]).unwrap().sent, 2);
            });
        }
    });
    let files = RegistryFiles::open(open(Access::Read), &reference).unwrap();
    let layout = Layout::open(&files).unwrap();
    for subject in subjects {
        let listed: BTreeSet<String> = layout
            .referrers(subject.digest)
            .unwrap()
            .iter()
            .map(|entry| String::from_utf8(layout.artifact(entry).unwrap()).unwrap())
            .collect();
        assert_eq!(listed.len(), WRITERS + 1, "{listed:?}");
    }
}
