//! `hbuild log` by the beginning of a derivation id: of a failure, of a success, of neither.

mod synthetic;

use std::path::Path;
use std::process::{Command, Output};

use hbuild::digest::Digest;
use hbuild::graph::DerivationId;
use hbuild::store::Store;
use synthetic::{Synthetic, run_at, wide};

fn log(store: &Path, id: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    command.env("HBUILD_STORE", store).args(["log", id]).output().unwrap()
}

#[test]
fn the_log_of_a_failure_is_printed_byte_for_byte() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let id = DerivationId(Digest::of(b"a failure"));
    let bytes = b"cc: \xff\x00 no such file\r\nwithout a line end";
    store.write_log(&id, bytes).unwrap();
    let hex = id.0.to_hex();
    for length in [8, 12, 64] {
        let output = log(folder.path(), &hex[..length]);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout, bytes);
    }
}

#[test]
fn a_success_that_wrote_nothing_has_an_empty_log() {
    let folder = synthetic::folder();
    let mut graph = hbuild::graph::Graph::new();
    let id = wide(&mut graph, "a", 1, 1);
    run_at(folder.path(), &graph, &Synthetic::default());
    let output = log(folder.path(), &id.0.to_hex()[..12]);
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
}

#[test]
fn what_is_not_known_or_not_clear_is_said() {
    let folder = synthetic::folder();
    let store = Store::open(folder.path()).unwrap();
    let output = log(folder.path(), "0123456789ab");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("hbuild::usage::no_such_derivation"), "{text}");
    assert_eq!(output.status.code(), Some(2));
    for last in [1, 2] {
        let mut bytes = [7; 32];
        bytes[31] = last;
        store.write_log(&DerivationId(Digest(bytes)), b"x").unwrap();
    }
    let output = log(folder.path(), "07070707");
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("hbuild::usage::ambiguous_derivation"), "{text}");
    assert_eq!(output.status.code(), Some(2));
}
