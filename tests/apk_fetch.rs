//! Packages of Alpine fetched and unpacked: a mirror that gives another file is passed over for the next one.

mod apk_support;
#[path = "mirror_support/server.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod server;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use apk_support::{Entry, KEY, Package, Signer, checksum};
use hbuild::exec::{ActionKind, Builders, ExecError, Options, Unobserved, UnpackBuilder, execute};
use hbuild::graph::{
    Action, ArchiveFormat, Derivation, DerivationId, Fetch, FixedOutput, Graph, Input, Location, Unpack,
    outputs,
};
use hbuild::host::fetch::{FetchOptions, Fetcher};
use hbuild::host::fetch_builder::FetchBuilder;
use hbuild::host::mirror::{Mirrors, Sources};
use hbuild::store::{Record, Store};
use hbuild::tree::Origin;
use hbuild_lang::recipe::RepositoryKey;
use miette::Diagnostic;
use server::{Answer, Server};

const FILE: &str = "v3.19/main/x86_64/x-1-r0.apk";

fn package() -> Package {
    let noise: Vec<u8> = (0_u32..300_000).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    Package::new(&[Entry::file("usr/x", &noise).checked()])
}

/// The fetch of `good` and its unpack.
fn graph(good: &[u8], signer: &Signer) -> (Graph, DerivationId) {
    let key = RepositoryKey { name: KEY.to_owned(), text: signer.public.as_str().into() };
    let (checksum, keys): (_, Arc<[RepositoryKey]>) = (checksum(good), vec![key].into());
    let location = Location::Mirror { repository: "alpine".into(), path: FILE.into(), date: None, url: None };
    let content = FixedOutput::Apk { checksum, keys: keys.clone() };
    let fetch = Fetch { content, locations: vec![location], size: None };
    let mut graph = Graph::new();
    let action = Action::Fetch(fetch);
    let fetch = Derivation { label: "fetch x 1-r0 x86_64".to_owned(), action, inputs: Vec::new() };
    let fetch = graph.add(fetch).unwrap();
    let unpack = Unpack {
        format: ArchiveFormat::Apk { checksum, keys },
        origin: Origin("apk:x=1-r0:x86_64".to_owned()),
    };
    let inputs = vec![Input { derivation: fetch, outputs: vec![outputs::FILE.to_owned()] }];
    let action = Action::Unpack(unpack);
    let id = graph.add(Derivation { label: "unpack x 1-r0 x86_64".to_owned(), action, inputs }).unwrap();
    (graph, id)
}

fn run(
    store: &Path,
    mirrors: &[String],
    (graph, id): &(Graph, DerivationId),
) -> Result<(Record, Store), ExecError> {
    let store = Store::open(store).unwrap();
    let fetcher = Fetcher::new(FetchOptions { rounds: 1, ..FetchOptions::default() }).unwrap();
    let urls = mirrors.iter().map(|url| url.parse().unwrap()).collect();
    let given = BTreeMap::from([("alpine".to_owned(), urls)]);
    let mirrors = Mirrors::new(Sources { given, ..Sources::default() });
    let builder =
        FetchBuilder { store: &store, fetcher: &fetcher, mirrors: &mirrors, offline: false, inputs: None };
    let builders = Builders::new().with(ActionKind::Fetch, &builder).with(ActionKind::Unpack, &UnpackBuilder);
    let records = execute(graph, &[*id], &store, &builders, &Options::default(), &Unobserved)?;
    let record = records[id].clone();
    Ok((record, store))
}

/// A mirror with this file, as a folder of this host.
fn mirror(bytes: &[u8]) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, bytes).unwrap();
    let url = format!("file:{}", folder.path().display());
    (folder, url)
}

#[test]
fn a_mirror_with_another_file_is_passed_over() {
    let (Some(signer), Some(other)) = (Signer::new(2048), Signer::new(2048)) else { return };
    let [signature, control, data] = package().segments(&signer);
    let good = [&signature[..], &control, &data].concat();
    let wanted = graph(&good, &signer);
    let (_right, right) = mirror(&good);
    let mut flipped = good.clone();
    let last = flipped.len() - 100;
    flipped[last] ^= 1;
    let mut info = package();
    info.info.push_str("origin = y\n");
    let wrong: Vec<(&str, Vec<u8>)> = vec![
        ("not an Alpine package", b"<html>404</html>".to_vec()),
        ("apk 3", [b"ADB.", &good[4..]].concat()),
        ("SHA-256", flipped),
        ("SHA-256", [&good[..], b"x"].concat()),
        ("not signed", [&control[..], &data].concat()),
        ("not over these bytes", [other.segment(&control), control.clone(), data.clone()].concat()),
        ("has the checksum", info.signed(&signer)),
    ];
    for (reason, bytes) in wrong {
        let (_kept, bad) = mirror(&bytes);
        let store = tempfile::tempdir().unwrap();
        let error = run(store.path(), std::slice::from_ref(&bad), &wanted).unwrap_err();
        let ExecError::Failed(failure) = &error else { panic!("{error}") };
        assert!(failure.source.to_string().contains(reason), "{reason}: {}", failure.source);
        assert_eq!(error.code().unwrap().to_string(), "hbuild::host::wrong_bytes");
        assert_eq!(fs::read_dir(store.path().join("partial")).unwrap().count(), 0);
        let (record, opened) = run(store.path(), &[bad, right.clone()], &wanted).unwrap();
        assert!(record.outputs.contains_key(outputs::TREE) && record.outputs.contains_key(outputs::CONTROL));
        assert!(opened.contains(&record.outputs[outputs::PACK]));
        drop(opened);
        // What is there is not fetched again.
        assert_eq!(run(store.path(), &["file:/nowhere".to_owned()], &wanted).unwrap().0, record);
    }
}

#[test]
fn what_another_run_left_of_another_file_is_no_beginning() {
    let Some(signer) = Signer::new(2048) else { return };
    let good = package().signed(&signer);
    let (_right, right) = mirror(&good);
    let wanted = graph(&good, &signer);
    for left in [b"<html>".to_vec(), [&good[..5000], b"other"].concat(), [&good[..], b"longer"].concat()] {
        let store = tempfile::tempdir().unwrap();
        drop(Store::open(store.path()).unwrap());
        let name = FixedOutput::Apk { checksum: checksum(&good), keys: Vec::new().into() }.file_name();
        fs::write(store.path().join("partial").join(name), left).unwrap();
        run(store.path(), std::slice::from_ref(&right), &wanted).unwrap();
    }
}

#[test]
fn a_transfer_that_was_cut_off_goes_on() {
    if !support::loopback() {
        return;
    }
    let Some(signer) = Signer::new(2048) else { return };
    let good = package().signed(&signer);
    let wanted = graph(&good, &signer);
    for cut in [100, good.len() / 2] {
        let file = good.clone();
        let server = Server::start(move |_, number| match number {
            0 => Answer::Cut(file.clone(), cut),
            _ => Answer::File(file.clone()),
        });
        let store = tempfile::tempdir().unwrap();
        assert!(run(store.path(), &[server.url("")], &wanted).is_err());
        run(store.path(), &[server.url("")], &wanted).unwrap();
        assert_eq!(server.requests()[1].from, Some(cut));
    }
}

/// What was fetched is judged again where it is unpacked: by the keys that hold there.
#[test]
fn an_unpack_trusts_no_record() {
    let (Some(signer), Some(other)) = (Signer::new(2048), Signer::new(2048)) else { return };
    let good = package().signed(&signer);
    let (_right, right) = mirror(&good);
    let store = tempfile::tempdir().unwrap();
    run(store.path(), std::slice::from_ref(&right), &graph(&good, &signer)).unwrap();
    let error = run(store.path(), &[right], &graph(&good, &other)).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), "hbuild::host::wrong_bytes");
}
