use std::fs;
use std::path::Path;
use std::process::Command;

use super::*;

const EPOCH: i64 = 315_532_800;

fn normalised(name: &str, bytes: &[u8]) -> (Vec<u8>, Option<&'static str>) {
    let mut source = bytes;
    let mut content = Normalised::new(name.as_bytes(), &mut source, EPOCH).unwrap();
    let mut made = Vec::new();
    content.read_to_end(&mut made).unwrap();
    (made, content.debris())
}

/// Runs a tool in `folder`; says whether it is there.
fn tool(folder: &Path, line: &str) -> bool {
    let ran =
        Command::new("sh").args(["-c", line]).current_dir(folder).env_remove("SOURCE_DATE_EPOCH").output();
    let there = ran.as_ref().is_ok_and(|output| output.status.success());
    if !there {
        eprintln!("SKIP: cannot run `{line}`: {ran:?}");
        let required = std::env::var("HBUILD_TEST_REQUIRE").is_ok_and(|value| value == "all");
        assert!(!required, "skipped under HBUILD_TEST_REQUIRE=all");
    }
    there
}

#[test]
fn a_static_archive_becomes_what_ar_writes_without_dates() {
    let folder = tempfile::tempdir().unwrap();
    let make = "printf 'int f(void){return 1;}' >f.c && cc -c f.c -o f.o && \
                cp f.o a_member_with_a_long_name_indeed.o && printf odd >odd && \
                ar crU dated.a f.o odd a_member_with_a_long_name_indeed.o && \
                ar crD plain.a f.o odd a_member_with_a_long_name_indeed.o";
    if !tool(folder.path(), make) {
        return;
    }
    let (dated, plain) = (folder.path().join("dated.a"), folder.path().join("plain.a"));
    let (dated, plain) = (fs::read(dated).unwrap(), fs::read(plain).unwrap());
    assert_ne!(dated, plain);
    assert_eq!(normalised("libf.a", &dated), (plain.clone(), None));
    assert_eq!(normalised("libf.a", &plain), (plain, None));
    assert_eq!(normalised("libf.txt", &dated), (dated, None));
}

#[test]
fn foreign_archives_stay_and_are_named() {
    let thin = b"!<thin>\n/               1700000000  0     0     0       4         `\n";
    assert!(matches!(normalised("t.a", thin), (same, Some(_)) if same == thin));
    let bsd =
        b"!<arch>\n#1/20           1700000000  501   20    100644  24        `\n__.SYMDEF SORTED\0\0\0\0abcd";
    assert!(matches!(normalised("t.a", bsd), (same, Some(_)) if same == bsd));
    assert_eq!(normalised("t.a", b"no archive"), (b"no archive".to_vec(), None));
    assert_eq!(normalised("t.a", b"!<arch>\n"), (b"!<arch>\n".to_vec(), None));
    assert_eq!(normalised("t.a", b""), (Vec::new(), None));
}

#[test]
fn gzip_files_lose_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let make = "echo text >a && touch -d @1700000000 a && gzip -k a && gzip -cn a >plain && \
                cp a.gz named.gz && gunzip -t named.gz";
    if !tool(folder.path(), make) {
        return;
    }
    let dated = fs::read(folder.path().join("a.gz")).unwrap();
    assert_ne!(dated[4..8], [0; 4]);
    let (made, debris) = normalised("a.gz", &dated);
    assert_eq!((&made[4..8], debris), (&[0u8; 4][..], None));
    assert_eq!((&made[..4], &made[8..]), (&dated[..4], &dated[8..]));
    fs::write(folder.path().join("again.gz"), &made).unwrap();
    assert!(tool(folder.path(), "gunzip -t again.gz && gunzip -c again.gz | cmp - a"));
    let plain = fs::read(folder.path().join("plain")).unwrap();
    assert_eq!(normalised("a.gz", &plain), (plain, None));
}

#[test]
fn compiled_python_goes_with_the_time_of_its_source() {
    let folder = tempfile::tempdir().unwrap();
    let make = "echo 'print(\"from source\")' >m.py && touch -d @1700000000 m.py && \
                python3 -c 'import py_compile; py_compile.compile(\"m.py\", cfile=\"m.pyc\", doraise=True, \
                invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)'";
    if !tool(folder.path(), make) {
        return;
    }
    let dated = fs::read(folder.path().join("m.pyc")).unwrap();
    assert_eq!(dated[8..12], 1_700_000_000u32.to_le_bytes());
    let (made, debris) = normalised("m.pyc", &dated);
    assert_eq!((&made[8..12], debris), (&(EPOCH as u32).to_le_bytes()[..], None));
    assert_eq!((&made[..8], &made[12..]), (&dated[..8], &dated[12..]));
    // Python itself says whether it takes the file for that of a source of the epoch.
    let check = "touch -d @315532800 m.py && mkdir -p __pycache__ && python3 -c '
import importlib.util, sys
cache = importlib.util.cache_from_source(\"m.py\")
open(cache, \"wb\").write(open(\"made.pyc\", \"rb\").read())
before = open(cache, \"rb\").read()
import m
sys.exit(open(cache, \"rb\").read() != before)'";
    fs::write(folder.path().join("made.pyc"), &made).unwrap();
    assert!(tool(folder.path(), check));
    let old = [&[0x03, 0xf3, 0x0d, 0x0a][..], &[9; 20]].concat();
    assert!(matches!(normalised("old.pyc", &old), (same, Some(_)) if same == old));
    let hashed = [&[0x6f, 0x0d, 0x0d, 0x0a, 1, 0, 0, 0][..], &[9; 20]].concat();
    assert_eq!(normalised("hashed.pyc", &hashed), (hashed, None));
}

#[test]
fn what_cannot_be_normalised_is_named() {
    assert!(normalised("libx.la", b"# libx.la - a libtool library file\n").1.is_some());
    let jar = |date: u16| {
        let mut bytes = b"PK\x03\x04\x14\0\0\0\x08\0\0\0".to_vec();
        bytes.extend_from_slice(&date.to_le_bytes());
        bytes.extend_from_slice(&[0; 30]);
        bytes
    };
    assert_eq!(normalised("a.jar", &jar(0x21)).1, None);
    assert!(normalised("a.jar", &jar(0x5a21)).1.is_some());
    assert_eq!(normalised("a.zip", &jar(0x5a21)).1, None);
    assert_eq!(normalised("empty.jar", b"").1, None);
}
