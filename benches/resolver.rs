//! How long a resolution takes, loading of the cached index included.
//!
//! `HBUILD_BENCH_PACKAGES` names a Packages file (decoded); without it there is nothing to measure.

use std::sync::{Arc, OnceLock};

use hbuild::distro::debian::index::Index;
use hbuild::distro::debian::resolver::{Request, Universe, resolve};

fn main() {
    match std::env::var_os("HBUILD_BENCH_PACKAGES") {
        Some(_) => divan::main(),
        None => eprintln!("SKIP: HBUILD_BENCH_PACKAGES names no Packages file"),
    }
}

fn text() -> &'static [u8] {
    static TEXT: OnceLock<Vec<u8>> = OnceLock::new();
    TEXT.get_or_init(|| {
        let path = std::env::var_os("HBUILD_BENCH_PACKAGES").expect("checked by main");
        std::fs::read(path).expect("HBUILD_BENCH_PACKAGES can be read")
    })
}

fn cache() -> &'static [u8] {
    static CACHE: OnceLock<Vec<u8>> = OnceLock::new();
    CACHE.get_or_init(|| Index::parse(text().to_vec()).expect("a Packages file").to_cache())
}

fn run(index: Arc<Index>, packages: &str) -> usize {
    let universe = Universe::new("amd64", &[], vec![index]);
    let packages = packages.split(' ').map(|name| name.parse().expect("a request")).collect();
    let request = Request { packages, ..Request::default() };
    resolve(&universe, &request).expect("it can be installed").packages.len()
}

/// The first time an index is seen.
#[divan::bench(sample_count = 10)]
fn parse(bencher: divan::Bencher<'_, '_>) {
    bencher.with_inputs(|| text().to_vec()).bench_values(Index::parse);
}

/// Making the cached form.
#[divan::bench(sample_count = 10)]
fn to_cache(bencher: divan::Bencher<'_, '_>) {
    let index = Index::parse(text().to_vec()).expect("a Packages file");
    bencher.bench_local(|| index.to_cache().len());
}

/// Every later time.
#[divan::bench(sample_count = 20)]
fn from_cache(bencher: divan::Bencher<'_, '_>) {
    bencher.with_inputs(|| cache().to_vec()).bench_values(Index::from_cache);
}

#[divan::bench(args = ["hello", "python3", "build-essential", "gnome", "kde-plasma-desktop texlive-full"], sample_count = 20)]
fn load_and_resolve(bencher: divan::Bencher<'_, '_>, packages: &str) {
    let load = || cache().to_vec();
    bencher
        .with_inputs(load)
        .bench_values(|bytes| run(Arc::new(Index::from_cache(bytes).expect("a sound cache")), packages));
}

#[divan::bench(args = ["hello", "python3", "build-essential", "gnome", "kde-plasma-desktop texlive-full"], sample_count = 20)]
fn resolve_loaded(bencher: divan::Bencher<'_, '_>, packages: &str) {
    let index = Arc::new(Index::from_cache(cache().to_vec()).expect("a sound cache"));
    bencher.bench_local(|| run(Arc::clone(&index), packages));
}
