//! How long a merge takes; printed, and only judged against a bound that no defect of order would hold.

mod deb_support;
mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use hbuild::exec::{BuildContext, MemoryContext};
use hbuild::graph::{Merge, MergeInput, outputs};
use hbuild::image::merge::{Source, merge};
use hbuild::tree::MemoryContents;
use hbuild_lang::recipe::{Arch, Family, Flavor, PathRule};
use std::sync::Arc;

const ESSENTIAL: [&str; 12] = [
    "apt",
    "base-files",
    "base-passwd",
    "bash",
    "coreutils",
    "dpkg",
    "libc-bin",
    "mawk",
    "passwd",
    "perl-base",
    "tar",
    "tzdata",
];

#[test]
fn a_merge_of_many_packages_is_fast() {
    let found = deb_support::closure("bookworm", &ESSENTIAL).and_then(|names| {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        deb_support::packages("bookworm", &names)
    });
    let packages = match found {
        Ok(packages) => packages,
        Err(reason) => return support::skip(&reason),
    };
    let mut context = MemoryContext::default();
    let unpacking = Instant::now();
    let made: Vec<_> = packages.iter().map(|package| deb_support::unpack(&mut context, package)).collect();
    let unpacking = unpacking.elapsed();
    let inputs: Vec<_> = packages
        .iter()
        .map(|package| MergeInput::Package {
            name: package.name.clone(),
            origin: package.origin(),
            apk: None,
        })
        .collect();
    let rules = ["/usr/share/man/**", "/usr/share/locale/**", "/usr/share/doc/**", "/usr/share/info/**"];
    let mut rules: BTreeMap<_, _> = rules.iter().map(|rule| ((*rule).to_owned(), PathRule::Delete)).collect();
    rules.insert("/usr/share/doc/*/copyright".to_owned(), PathRule::Keep);
    let mut effects = BTreeMap::from([("base-passwd".to_owned(), vec!["accounts".to_owned()])]);
    effects.insert("libc-bin".to_owned(), vec!["ld-so-cache".to_owned()]);
    let parameters = Merge {
        family: Family::Debian,
        release: "12".to_owned(),
        arch: Arch::Amd64,
        flavor: Flavor::Runtime,
        epoch: 315_532_800,
        inputs: inputs.clone(),
        rules,
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        effects,
        os_release: BTreeMap::new(),
        layers: packages.iter().map(|package| vec![package.origin()]).collect(),
        world: vec![],
        apk_repositories: vec![],
        apk_keys: BTreeMap::new(),
    };
    let sources: Vec<_> = made
        .iter()
        .zip(&inputs)
        .map(|(made, input)| Source {
            input,
            tree: Arc::new(context.decode_tree(made[outputs::TREE]).unwrap()),
            control: Some(Arc::new(context.decode_tree(made[outputs::CONTROL]).unwrap())),
            origins: None,
        })
        .collect();
    let mut times = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        let mut sink = MemoryContents::default();
        let (merged, _) = merge(&parameters, &sources, context.contents(), &mut sink).unwrap();
        times.push(started.elapsed());
        assert!(merged.tree.entries().len() > 1000);
    }
    let entries: usize = sources.iter().map(|source| source.tree.entries().len()).sum();
    times.sort();
    eprintln!(
        "{} packages, {entries} entries: unpacked in {unpacking:?}, merged in {:?}",
        packages.len(),
        times[2]
    );
    assert!(times[2] < Duration::from_secs(10));
}
