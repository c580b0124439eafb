//! The builder of fetches, with files of this host as the network.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use hbuild::digest::Sha256;
use hbuild::exec::{ActionKind, Builders, ExecError, Options, Unobserved, execute};
use hbuild::graph::{Action, Derivation, DerivationId, Fetch, FixedOutput, Graph, Location, outputs};
use hbuild::host::fetch::{FetchOptions, Fetcher};
use hbuild::host::fetch_builder::FetchBuilder;
use hbuild::host::mirror::{Mirrors, Sources};
use hbuild::store::{Record, Store};
use miette::Diagnostic;

fn fetch(content: &[u8], locations: Vec<Location>) -> (Graph, DerivationId) {
    let fetch = Fetch { content: FixedOutput::Sha256(Sha256::of(content)), locations, size: None };
    let label = "fetch hello 2.10-3 amd64".to_owned();
    let mut graph = Graph::new();
    let id = graph.add(Derivation { label, action: Action::Fetch(fetch), inputs: Vec::new() }).unwrap();
    (graph, id)
}

fn run(
    store: &Path,
    mirror: &Path,
    offline: bool,
    (graph, id): &(Graph, DerivationId),
) -> Result<Record, ExecError> {
    let store = Store::open(store).unwrap();
    let fetcher = Fetcher::new(FetchOptions { rounds: 1, ..FetchOptions::default() }).unwrap();
    let url = format!("file:{}", mirror.display()).parse().unwrap();
    let given = BTreeMap::from([("debian".to_owned(), vec![url])]);
    let mirrors = Mirrors::new(Sources { given, ..Sources::default() });
    let builder = FetchBuilder { store: &store, fetcher: &fetcher, mirrors: &mirrors, offline, inputs: None };
    let builders = Builders::new().with(ActionKind::Fetch, &builder);
    let records = execute(graph, &[*id], &store, &builders, &Options::default(), &Unobserved)?;
    Ok(records[id].clone())
}

fn mirrored(path: &str) -> Vec<Location> {
    vec![Location::Mirror { repository: "debian".into(), path: path.into(), date: None, url: None }]
}

#[test]
fn a_file_of_a_mirror_comes_into_the_store() {
    let (folder, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::create_dir(mirror.path().join("pool")).unwrap();
    let content = vec![42; 700_000];
    fs::write(mirror.path().join("pool/hello.deb"), &content).unwrap();
    let wanted = fetch(&content, mirrored("pool/hello.deb"));
    let record = run(folder.path(), mirror.path(), true, &wanted).unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.read(&record.outputs[outputs::FILE]).unwrap(), content);
    assert_eq!(record.sha256[outputs::FILE], Sha256::of(&content));
    // The bytes are known by their digest, wherever they came from.
    let elsewhere = fetch(&content, vec![Location::Local("/nowhere".into())]);
    assert_eq!(run(folder.path(), Path::new("/nowhere"), true, &elsewhere).unwrap(), record);
}

#[test]
fn a_transfer_goes_on_where_the_last_run_was_cut_off() {
    let (folder, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let content: Vec<u8> = (0..500_000u32).flat_map(u32::to_le_bytes).collect();
    {
        let store = Store::open(folder.path()).unwrap();
        let mut partial = store.partial(&FixedOutput::Sha256(Sha256::of(&content))).unwrap();
        partial.write_all(&content[..1_000_000]).unwrap();
    }
    // The mirror's file has other bytes where nothing is missing: they are not looked at.
    let mut half = content.clone();
    half[..1_000_000].fill(0);
    let path = mirror.path().join("file");
    fs::write(&path, &half).unwrap();
    let wanted = fetch(&content, vec![Location::Local(path)]);
    let record = run(folder.path(), mirror.path(), false, &wanted).unwrap();
    let store = Store::open(folder.path()).unwrap();
    assert_eq!(store.read(&record.outputs[outputs::FILE]).unwrap(), content);
}

#[test]
fn other_bytes_are_refused_with_package_and_mirror_named() {
    let (folder, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(mirror.path().join("hello.deb"), b"other bytes").unwrap();
    let wanted = fetch(b"the right bytes", mirrored("hello.deb"));
    let error = run(folder.path(), mirror.path(), false, &wanted).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), "hbuild::host::wrong_bytes");
    assert!(error.to_string().contains("hello 2.10-3 amd64"), "{error}");
    let ExecError::Failed(failure) = &error else { panic!("{error:?}") };
    let cause = failure.source.to_string();
    assert!(cause.contains("hello 2.10-3 amd64") && cause.contains("hello.deb"), "{cause}");
    for place in ["tmp", "partial", "objects", "records"] {
        assert_eq!(fs::read_dir(folder.path().join(place)).unwrap().count(), 0, "{place}");
    }
    let missing = fetch(b"absent", mirrored("absent.deb"));
    let error = run(folder.path(), mirror.path(), false, &missing).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), "hbuild::host::not_found");
}

#[test]
fn a_blob_of_the_store_needs_no_place() {
    let folder = tempfile::tempdir().unwrap();
    Store::open(folder.path()).unwrap().keep_blob(b"a local file").unwrap();
    let wanted = fetch(b"a local file", Vec::new());
    assert!(run(folder.path(), Path::new("/nowhere"), true, &wanted).is_ok());
}

#[test]
fn offline_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let wanted = fetch(b"x", vec![Location::Url("http://example.org/x".into())]);
    let error = run(folder.path(), Path::new("/nowhere"), true, &wanted).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), "hbuild::exec::offline");
    let wanted = fetch(b"x", vec![Location::Url("gopher://example.org/x".into())]);
    let error = run(folder.path(), Path::new("/nowhere"), false, &wanted).unwrap_err();
    assert_eq!(error.code().unwrap().to_string(), "hbuild::exec::bad_location");
}
