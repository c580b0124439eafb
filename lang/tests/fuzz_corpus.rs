//! The inputs that the fuzz targets of `lang/fuzz` keep: what holds for every input holds for these.

mod fuzz_support;

use std::panic::catch_unwind;
use std::path::Path;

fn replay(target: &str, holds: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let inputs = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = inputs.map(|input| input.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 20, "{target} has a corpus");
    for path in paths {
        let bytes = std::fs::read(&path).unwrap();
        assert!(catch_unwind(|| holds(&bytes)).is_ok(), "{}", path.display());
    }
}

#[test]
fn parser() {
    replay("parser", fuzz_support::parser);
}

#[test]
fn formatter() {
    replay("formatter", fuzz_support::formatter);
}

#[test]
fn evaluator() {
    replay("evaluator", fuzz_support::evaluator);
}
