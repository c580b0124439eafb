use std::io::Write;

use super::*;
use crate::tree::{EntryKind, MemoryContents, Tree, TreePath};
use miette::Diagnostic;
use tar::{EntryType, Header};

/// A header with `path` written as it is, however hostile.
pub(crate) fn header(kind: EntryType, path: &[u8], size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..path.len()].copy_from_slice(path);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1_700_000_000);
    header.set_cksum();
    header
}

fn file(path: &str, text: &str) -> Vec<u8> {
    let mut out = header(EntryType::Regular, path.as_bytes(), text.len() as u64).as_bytes().to_vec();
    out.extend_from_slice(text.as_bytes());
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

fn plain(kind: EntryType, path: &str) -> Vec<u8> {
    header(kind, path.as_bytes(), 0).as_bytes().to_vec()
}

fn link(kind: EntryType, path: &str, target: &str) -> Vec<u8> {
    let mut header = header(kind, path.as_bytes(), 0);
    header.as_old_mut().linkname[..target.len()].copy_from_slice(target.as_bytes());
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn described(kind: u8, text: &[u8]) -> Vec<u8> {
    let mut out = header(EntryType::new(kind), b"././@LongLink", text.len() as u64).as_bytes().to_vec();
    out.extend_from_slice(text);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

fn pax(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut text = Vec::new();
    for (key, value) in records {
        let body = key.len() + value.len() + 3;
        let length =
            (1..6).map(|digits| body + digits).find(|all| all.to_string().len() + body == *all).unwrap();
        text.extend_from_slice(format!("{length} {key}=").as_bytes());
        text.extend_from_slice(value);
        text.push(b'\n');
    }
    described(b'x', &text)
}

fn archive(parts: &[Vec<u8>]) -> Vec<u8> {
    let mut out = parts.concat();
    out.resize(out.len() + 1024, 0);
    out
}

fn unpack_as(bytes: &[u8], form: TarForm, limits: &Limits) -> Result<(Tree, MemoryContents), UnpackError> {
    let mut sink = MemoryContents::default();
    let encoding = Encoding::detect(bytes).unwrap();
    let about = ("deb:x=1:all", "data.tar", bytes.len() as u64);
    let tree = unpack_tar(bytes, encoding, about, (form, limits), &mut sink, &|| false)?;
    Ok((tree, sink))
}

fn unpack(bytes: &[u8]) -> Result<(Tree, MemoryContents), UnpackError> {
    unpack_as(bytes, TarForm::Package, &Limits::default())
}

fn code(result: Result<(Tree, MemoryContents), UnpackError>) -> String {
    match result {
        Err(UnpackError::Archive(error)) => {
            assert!(error.to_string().starts_with("deb:x=1:all: "), "{error}");
            assert!(error.help().is_some());
            error.code().unwrap().to_string().replace("hbuild::archive::", "")
        }
        Err(other) => panic!("{other}"),
        Ok((tree, _)) => panic!("accepted: {tree:?}"),
    }
}

fn path(text: &str) -> TreePath {
    TreePath::new(text.as_bytes()).unwrap()
}

#[test]
fn metadata_and_content_are_kept() {
    let mut setuid = header(EntryType::Regular, b"./usr/bin/su", 2);
    setuid.set_mode(0o4755);
    setuid.set_gid(7);
    setuid.set_cksum();
    let mut setuid = setuid.as_bytes().to_vec();
    setuid.extend_from_slice(b"su");
    setuid.resize(1024, 0);
    let bytes = archive(&[
        plain(EntryType::Directory, "./"),
        plain(EntryType::Directory, "./usr/"),
        plain(EntryType::Directory, "./usr/bin/"),
        setuid,
        link(EntryType::Link, "./usr/bin/su2", "./usr/bin/su"),
        link(EntryType::Symlink, "./bin", "/usr/bin"),
        pax(&[
            ("SCHILY.xattr.security.capability", b"\x01\0\n="),
            ("mtime", b"-1.5"),
            ("uid", b"4000000000"),
        ]),
        file("./ping", "ping"),
    ]);
    let (tree, contents) = unpack(&bytes).unwrap();
    let su = tree.get(&path("usr/bin/su")).unwrap();
    assert_eq!((su.mode, su.gid, su.mtime), (0o4755, 7, 1_700_000_000));
    let EntryKind::File { digest, size: 2, link: Some(0) } = su.kind else { panic!("{su:?}") };
    assert_eq!(contents.blobs[&digest], b"su");
    assert_eq!(tree.get(&path("usr/bin/su2")).unwrap().kind, su.kind);
    let ping = tree.get(&path("ping")).unwrap();
    assert_eq!(ping.xattrs[b"security.capability".as_slice()], b"\x01\0\n=");
    assert_eq!((ping.mtime, ping.uid), (-2, 4_000_000_000));
    assert_eq!(tree.get(&path("bin")).unwrap().kind, EntryKind::Symlink { target: b"/usr/bin".to_vec() });
    assert_eq!(tree.entries().len(), 6);
}

#[test]
fn names_that_are_long_or_not_utf_8_are_kept_as_bytes() {
    let long = "d/".repeat(100) + "end";
    let odd = [b"a\xff".as_slice(), &[b'x'; 30]].concat();
    let mut odd_header = header(EntryType::Regular, &odd, 0).as_bytes().to_vec();
    odd_header.resize(512, 0);
    let gnu = archive(&[described(b'L', long.as_bytes()), file("short", "1"), odd_header.clone()]);
    let as_pax = archive(&[pax(&[("path", long.as_bytes())]), file("short", "1"), odd_header]);
    for bytes in [gnu, as_pax] {
        let (tree, _) = unpack(&bytes).unwrap();
        assert!(tree.get(&path(&long)).is_some());
        assert!(tree.get(&TreePath::new(&odd).unwrap()).is_some());
    }
}

#[test]
fn every_hostile_entry_has_its_own_error() {
    let cases: Vec<(&str, Vec<Vec<u8>>)> = vec![
        ("path_leaves_root", vec![file("./../etc/passwd", "x")]),
        ("path_leaves_root", vec![file("usr/../../etc/passwd", "x")]),
        ("absolute_path", vec![file("/etc/passwd", "x")]),
        ("irregular_path", vec![file("a//b", "x")]),
        ("irregular_path", vec![link(EntryType::Symlink, "./", "/etc")]),
        ("special_file", vec![plain(EntryType::Char, "dev/null")]),
        ("special_file", vec![plain(EntryType::Block, "dev/sda")]),
        ("special_file", vec![plain(EntryType::Fifo, "run/fifo")]),
        ("whiteout_name", vec![file("etc/.wh.passwd", "")]),
        ("whiteout_name", vec![plain(EntryType::Directory, "etc/.wh..wh..opq/")]),
        ("through_symlink", vec![link(EntryType::Symlink, "out", "/etc"), file("out/passwd", "x")]),
        ("through_symlink", vec![file("out/a/passwd", "x"), link(EntryType::Symlink, "out", "..")]),
        ("below_file", vec![file("a", "x"), file("a/b", "x")]),
        ("bad_hard_link", vec![link(EntryType::Link, "a", "/etc/passwd")]),
        ("bad_hard_link", vec![link(EntryType::Link, "a", "../etc/passwd")]),
        ("bad_hard_link", vec![link(EntryType::Link, "a", "later"), file("later", "x")]),
        ("bad_hard_link", vec![plain(EntryType::Directory, "d/"), link(EntryType::Link, "a", "d")]),
        ("duplicate_entry", vec![file("a", "x"), file("a", "y")]),
        ("duplicate_entry", vec![file("a", "x"), file("./a", "x")]),
        ("duplicate_entry", vec![plain(EntryType::Directory, "a/"), link(EntryType::Symlink, "a", "b")]),
        ("empty_symlink", vec![plain(EntryType::Symlink, "a")]),
        ("sparse_file", vec![plain(EntryType::GNUSparse, "a")]),
        ("sparse_file", vec![pax(&[("GNU.sparse.major", b"1")]), file("a", "x")]),
        ("unknown_entry", vec![plain(EntryType::new(b'V'), "volume")]),
        ("bad_tar_header", vec![described(b'L', b"one"), described(b'L', b"two"), file("a", "x")]),
        ("bad_tar_header", vec![described(b'x', b"99 path=short\n"), file("a", "x")]),
        ("bad_tar_header", vec![described(b'x', b"nonsense"), file("a", "x")]),
        ("bad_tar_header", vec![described(b'g', b"15 path=global\n"), file("a", "x")]),
        ("truncated", vec![described(b'L', b"only a name")]),
        (
            "oversize_header",
            vec![file(&"n".repeat(100), "").repeat(1), described(b'L', &[b'n'; 300]), file("a", "")],
        ),
        ("oversize_header", vec![described(b'L', &[b'n'; 5000]), file("a", "")]),
        ("oversize_header", vec![described(b'x', &[b'n'; 300_000]), file("a", "")]),
    ];
    for (expected, parts) in cases {
        let shown = String::from_utf8_lossy(&parts[0][..100]).into_owned();
        assert_eq!(code(unpack(&archive(&parts))), expected, "{shown}");
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    let negative = |change: &dyn Fn(&mut Header)| {
        let mut header = header(EntryType::Regular, b"a", 0);
        change(&mut header);
        header.set_cksum();
        archive(&[header.as_bytes().to_vec()])
    };
    let size = negative(&|header| header.as_old_mut().size = [0xff; 12]);
    assert_eq!(code(unpack(&size)), "number_out_of_range");
    let owner = negative(&|header| header.as_old_mut().uid = [0x80, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(code(unpack(&owner)), "number_out_of_range");
    let nobody = negative(&|header| header.as_old_mut().gid = [0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(code(unpack(&nobody)), "number_out_of_range");
    let text = negative(&|header| header.as_old_mut().mode = *b"-0000755");
    assert_eq!(code(unpack(&text)), "bad_tar_header");
    let huge = negative(&|header| header.as_old_mut().size = [0x80, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(code(unpack(&huge)), "truncated");
    let linked = {
        let mut header = header(EntryType::Symlink, b"a", 512);
        header.as_old_mut().linkname[0] = b'b';
        header.set_cksum();
        archive(&[header.as_bytes().to_vec(), vec![b'x'; 512]])
    };
    assert_eq!(code(unpack(&linked)), "content_of_link");
}

#[test]
fn damaged_and_truncated_archives_are_refused() {
    let whole = archive(&[file("a", &"text ".repeat(400)), file("b", "x")]);
    for at in [0, 100, 512, 600, 2400, whole.len() - 1024, whole.len() - 1100] {
        assert_eq!(code(unpack(&whole[..at])), "truncated", "at {at}");
    }
    let mut flipped = whole.clone();
    flipped[1] ^= 1;
    assert_eq!(code(unpack(&flipped)), "bad_tar_header");
    let mut longer = whole.clone();
    longer.extend_from_slice(b"more");
    assert_eq!(code(unpack(&longer)), "trailing_bytes");
    let mut xz = Vec::new();
    let mut encoder = liblzma::write::XzEncoder::new(&mut xz, 1);
    encoder.write_all(&whole).unwrap();
    encoder.finish().unwrap();
    assert!(unpack(&xz).is_ok());
    assert_eq!(code(unpack(&xz[..xz.len() - 20])), "truncated");
    let at = xz.len() / 2;
    xz[at] ^= 0x55;
    assert_eq!(code(unpack(&xz)), "damaged");
    let mut bzip2 = Vec::new();
    let mut encoder = bzip2::write::BzEncoder::new(&mut bzip2, bzip2::Compression::fast());
    encoder.write_all(&whole).unwrap();
    encoder.finish().unwrap();
    assert!(unpack(&bzip2).is_ok());
    assert_eq!(code(unpack(&bzip2[..bzip2.len() - 8])), "truncated");
    let at = bzip2.len() / 2;
    bzip2[at] ^= 0x55;
    assert_eq!(code(unpack(&bzip2)), "damaged");
    let zstd = zstd::encode_all(&whole[..], 3).unwrap();
    assert!(unpack(&zstd).is_ok());
    assert_eq!(code(unpack(&zstd[..zstd.len() - 3])), "truncated");
    assert_eq!(code(unpack(&[&zstd[..], b"more than that"].concat())), "damaged");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&whole).unwrap();
    let gzip = gzip.finish().unwrap();
    assert!(unpack(&gzip).is_ok());
    assert_eq!(code(unpack(&gzip[..gzip.len() - 3])), "truncated");
}

#[test]
fn bombs_are_refused_before_they_fill_anything() {
    let limits = Limits { free: 1 << 20, ratio: 10, entries: 100, ..Limits::default() };
    let mut header = header(EntryType::Regular, b"zeros", 64 << 20).as_bytes().to_vec();
    header.resize(512 + (64 << 20), 0);
    let bomb = zstd::encode_all(&archive(&[header])[..], 1).unwrap();
    assert!(bomb.len() < 100_000);
    assert_eq!(code(unpack_as(&bomb, TarForm::Package, &limits)), "bomb");
    let many: Vec<_> = (0..101).map(|number| file(&number.to_string(), "")).collect();
    assert_eq!(code(unpack_as(&archive(&many), TarForm::Package, &limits)), "too_many_entries");
    let mut window = zstd::Encoder::new(Vec::new(), 1).unwrap();
    window.window_log(27).unwrap();
    window.write_all(&archive(&many[..3])).unwrap();
    let window = window.finish().unwrap();
    let small = Limits { decoder: 1 << 20, ..limits };
    assert_eq!(code(unpack_as(&window, TarForm::Package, &small)), "decoder_memory");
}

#[test]
fn a_source_loses_its_top_folder_owners_and_times() {
    let form = TarForm::Source { strip: 1, epoch: 315_532_800 };
    let bytes = archive(&[
        described(b'g', b"20 comment=a commit\n"),
        plain(EntryType::Directory, "x-1.0/"),
        file("x-1.0/README", "text"),
        link(EntryType::Link, "x-1.0/LICENSE", "x-1.0/README"),
    ]);
    let (tree, _) = unpack_as(&bytes, form, &Limits::default()).unwrap();
    let names: Vec<_> = tree.entries().iter().map(|entry| entry.path.absolute()).collect();
    assert_eq!(names, ["/LICENSE", "/README"]);
    assert!(tree.entries().iter().all(|entry| entry.mtime == 315_532_800));
    let two = archive(&[file("x/a", ""), file("y/a", "")]);
    assert_eq!(code(unpack_as(&two, form, &Limits::default())), "several_top_folders");
    let flat = archive(&[file("a", "")]);
    assert_eq!(code(unpack_as(&flat, form, &Limits::default())), "several_top_folders");
}

#[test]
fn a_directory_may_stand_twice_and_the_last_one_counts() {
    let mut second = header(EntryType::Directory, b"d", 0);
    second.set_mode(0o700);
    second.set_cksum();
    let bytes = archive(&[plain(EntryType::Directory, "d/"), file("d/f", ""), second.as_bytes().to_vec()]);
    let (tree, _) = unpack(&bytes).unwrap();
    assert_eq!(tree.get(&path("d")).unwrap().mode, 0o700);
}

#[test]
fn a_stopped_build_gives_up() {
    let bytes = archive(&[file("a", "x")]);
    let mut sink = MemoryContents::default();
    let about = ("a", "data.tar", bytes.len() as u64);
    let form = (TarForm::Package, &Limits::default());
    let result = unpack_tar(&bytes[..], Encoding::Plain, about, form, &mut sink, &|| true);
    assert!(matches!(result, Err(UnpackError::Cancelled)));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600), at in 0usize..3000) {
        let mut bytes = archive(&[
            pax(&[("mtime", b"12.5")]),
            file("a", "text"),
            link(EntryType::Link, "b", "a"),
            described(b'L', b"some/long/name"),
            plain(EntryType::Directory, "d"),
        ]);
        let at = at % bytes.len();
        let end = bytes.len().min(at + noise.len());
        bytes[at..end].copy_from_slice(&noise[..end - at]);
        let _ = unpack(&bytes);
    }
}
