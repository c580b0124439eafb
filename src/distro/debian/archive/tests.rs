use std::io::Write;

use miette::Diagnostic;

use super::*;
use crate::distro::archive::{Limits, UnpackError};
use crate::tree::{MemoryContents, TreePath};

fn tar(name: &str, text: &str) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(text.len() as u64);
    builder.append_data(&mut header, name, text.as_bytes()).unwrap();
    builder.into_inner().unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn member(name: &str, content: &[u8]) -> Vec<u8> {
    let mut out =
        format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", content.len()).into_bytes();
    out.extend_from_slice(content);
    if content.len() % 2 == 1 {
        out.push(b'\n');
    }
    out
}

fn deb(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, content) in members {
        out.extend(member(name, content));
    }
    out
}

fn version() -> (&'static str, Vec<u8>) {
    ("debian-binary", b"2.0\n".to_vec())
}

fn control() -> (&'static str, Vec<u8>) {
    ("control.tar.xz", xz(&tar("control", "Package: x\nVersion: 1\n")))
}

fn data() -> (&'static str, Vec<u8>) {
    ("data.tar", tar("usr/x", "content"))
}

fn unpack(bytes: &[u8]) -> Result<DebTrees, UnpackError> {
    let mut sink = MemoryContents::default();
    unpack_deb(bytes, bytes.len() as u64, "deb:x=1:all", &Limits::default(), &mut sink, &|| false)
}

fn code(bytes: &[u8]) -> String {
    match unpack(bytes) {
        Err(UnpackError::Archive(error)) => {
            assert!(error.to_string().starts_with("deb:x=1:all: "));
            error.code().unwrap().to_string().replace("hbuild::archive::", "")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_compressions_and_name_forms_are_read() {
    let plain = tar("usr/x", "content");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&plain).unwrap();
    let forms = [
        ("data.tar", plain.clone()),
        ("data.tar/", plain.clone()),
        ("data.tar.gz", gzip.finish().unwrap()),
        ("data.tar.xz/", xz(&plain)),
        ("data.tar.zst", zstd::encode_all(&plain[..], 1).unwrap()),
        ("#1/12", [b"data.tar\0\0\0\0".as_slice(), &plain].concat()),
    ];
    for (name, bytes) in forms {
        let mut all = Vec::new();
        all.push(unpack(&deb(&[version(), control(), (name, bytes.clone())])).unwrap());
        let extra = ("_gpgorigin", b"odd".to_vec());
        let with_extra = [version(), extra.clone(), control(), extra.clone(), (name, bytes), extra];
        all.push(unpack(&deb(&with_extra)).unwrap());
        for trees in all {
            assert!(trees.tree.get(&TreePath::new(b"usr/x").unwrap()).is_some(), "{name}");
            assert!(trees.control.get(&TreePath::new(b"control").unwrap()).is_some());
        }
    }
    let table = ("//", b"data.tar/\n".to_vec());
    assert!(unpack(&deb(&[version(), control(), table, ("/0", plain)])).is_ok());
}

#[test]
fn a_bad_container_is_refused() {
    assert_eq!(code(b"<html>404</html>"), "not_a_package");
    assert_eq!(code(b"!<arch"), "not_a_package");
    assert_eq!(code(b"!<arch>\n"), "missing_member");
    assert_eq!(code(&deb(&[version()])), "missing_member");
    assert_eq!(code(&deb(&[version(), control()])), "missing_member");
    assert_eq!(code(&deb(&[control(), data()])), "unexpected_member");
    assert_eq!(code(&deb(&[version(), data(), control()])), "unexpected_member");
    assert_eq!(code(&deb(&[version(), control(), data(), ("evil", vec![])])), "unexpected_member");
    assert_eq!(code(&deb(&[("debian-binary", b"3.0\n".to_vec()), control(), data()])), "format_version");
    assert_eq!(code(&deb(&[("debian-binary", b"\xff".to_vec()), control(), data()])), "format_version");
    assert_eq!(code(&deb(&[("debian-binary", vec![b'2'; 300]), control(), data()])), "format_version");
    let lzma = ("data.tar.bz2", vec![]);
    assert_eq!(code(&deb(&[version(), control(), lzma])), "unknown_compression");
    let empty = ("control.tar", tar("postinst", ""));
    assert_eq!(code(&deb(&[version(), empty, data()])), "missing_member");
}

#[test]
fn headers_that_lie_are_refused() {
    let good = deb(&[version(), control(), data()]);
    for at in 0..good.len() {
        assert!(unpack(&good[..at]).is_err(), "cut at {at}");
    }
    let change = |at: usize, text: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + text.len()].copy_from_slice(text);
        bytes
    };
    let second = 8 + 60 + 4;
    assert_eq!(code(&change(second + 48, b"9999999999")), "truncated");
    assert_eq!(code(&change(second + 48, b"-1        ")), "bad_member_header");
    assert_eq!(code(&change(second + 58, b"xx")), "bad_member_header");
    assert_eq!(code(&change(second, b"/99             ")), "bad_member_header");
    assert_eq!(code(&change(second, b"#1/99999999     ")), "bad_member_header");
    assert_eq!(code(&[&good[..], b"trailing garbage"].concat()), "truncated");
    let (name, mut bytes) = control();
    bytes.extend_from_slice(b"behind it stand thirty-two bytes");
    assert_eq!(code(&deb(&[version(), (name, bytes), data()])), "damaged");
    let table = ("//", vec![b'x'; 5000]);
    assert_eq!(code(&deb(&[version(), control(), table, data()])), "bad_member_header");
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..80), at in 0usize..4000) {
        let mut bytes = deb(&[version(), control(), data()]);
        let at = at % bytes.len();
        let end = bytes.len().min(at + noise.len());
        bytes[at..end].copy_from_slice(&noise[..end - at]);
        let _ = unpack(&bytes);
    }
}
