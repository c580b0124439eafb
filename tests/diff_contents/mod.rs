//! What `hbuild diff` says of contents: programs, archives, packed streams, and what hostile ones do to it.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{causes, document, file, has, parts, text};

/// Two folders with a file each, made by the program `make` in the folder it is called with.
fn made(make: impl Fn(&Path, usize)) -> (tempfile::TempDir, [PathBuf; 2]) {
    let folder = tempfile::tempdir().unwrap();
    let sides = ["left", "right"].map(|name| folder.path().join(name));
    for (number, side) in sides.iter().enumerate() {
        fs::create_dir(side).unwrap();
        make(side, number);
    }
    (folder, sides)
}

fn compared(sides: &[PathBuf; 2]) -> Value {
    document(&["--ignore", "time"], &sides[0], &sides[1]).1
}

fn content<'a>(document: &'a Value, path: &str) -> &'a Value {
    &file(document, path)["content"]
}

/// Runs a Python script in `folder` with `number` as its argument.
fn python(script: &str, folder: &Path, number: usize) {
    let mut command = Command::new("python3");
    command.args(["-c", script, &number.to_string()]).current_dir(folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn lines_are_named_with_their_cause() {
    let (_folder, sides) = made(|side, number| {
        let write = |name: &str, content: String| fs::write(side.join(name), content).unwrap();
        write("time", format!("a\nb\nbuilt on 2026-11-2{number} at 10:00:0{number}\nc\n"));
        write("path", format!("cc -I/build/redis-{number}/src -O2\n"));
        write("order", ["b\nc\na\n", "c\na\nb\n"][number].to_owned());
        write("blanks", ["x  y\n", "x y \n"][number].to_owned());
        write("end", ["x\ny\n", "x\ny"][number].to_owned());
        write("json", format!("{{\"id\":\"aaaa{number}bbbbccccdddd\",\"n\":[1,2]}}"));
        let long = "x".repeat(5_000);
        write("long", format!("{long}{number}{long}\n"));
    });
    let found = compared(&sides);
    let causes_of = |name: &str| causes(content(&found, name)).into_iter().collect::<Vec<_>>();
    assert_eq!(causes_of("time"), ["time: 10:00:00, 10:00:01", "time: 2026-11-20, 2026-11-21"]);
    assert_eq!(causes_of("path"), ["build-path: /build/redis-0/src, /build/redis-1/src"]);
    assert_eq!(causes_of("order"), ["line-order"]);
    assert_eq!(causes_of("blanks"), ["blanks"]);
    assert_eq!(causes_of("json"), ["identifier: aaaa0bbbbccccdddd, aaaa1bbbbccccdddd"]);
    assert_eq!(content(&found, "json")["fields"][0]["name"], "/id");
    assert_eq!(content(&found, "end")["text"]["lines"][3], "+\\ no line end");
    let lines = content(&found, "long")["text"]["lines"].to_string();
    assert!(lines.contains("xx0xx") && lines.contains("xx1xx") && lines.len() < 1_000, "{lines}");
    let shown = text(&["--ignore", "time"], &sides[0], &sides[1]);
    assert!(shown.contains("-built on 2026-11-20 at 10:00:00\n"), "{shown}");
    assert!(shown.contains("cause: the same lines in another order\n"), "{shown}");
}

const ARCHIVES: &str = r#"
import sys, io, tarfile, zipfile, gzip, bz2, lzma
number = int(sys.argv[1])
def tar(names, mtime, content):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.mtime = mtime
            data = content(name).encode()
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()
same = lambda name: "same " + name
other = lambda name: "%s %d" % (name, number if name == "b" else 0)
open("times.tar", "wb").write(tar("abc", 1700000000 + number, same))
open("order.tar", "wb").write(tar(["abc", "cab"][number], 0, same))
open("content.tar.bz2", "wb").write(bz2.compress(tar("abc", 0, other)))
open("only.tar.xz", "wb").write(lzma.compress(tar(["ab", "abc"][number], 0, same)))
with gzip.GzipFile("header.gz", "wb", mtime=1700000000 + number) as packed:
    packed.write(b"the same")
open("level.gz", "wb").write(gzip.compress(b"the same" * 1000, [1, 9][number], mtime=0))
with zipfile.ZipFile("deep.jar", "w", zipfile.ZIP_DEFLATED) as archive:
    info = zipfile.ZipInfo("inner/a.tar.gz", (2026, 11, 23, 10, 0, 2 * number))
    archive.writestr(info, gzip.compress(tar("ab", 0, lambda name: "built at 10:00:0%d" % number), mtime=0))
"#;

#[test]
fn archives_are_opened_all_the_way_down() {
    if !has("python3") {
        return;
    }
    let (_folder, sides) = made(|side, number| python(ARCHIVES, side, number));
    let found = compared(&sides);
    let of = |name: &str| (causes(content(&found, name)), parts(content(&found, name)));
    let strings = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
    let time = "time: 2023-11-14T22:13:20Z, 2023-11-14T22:13:21Z";
    assert_eq!(of("times.tar"), (strings(&[time]), strings(&["member a", "member b", "member c"])));
    assert_eq!(of("order.tar"), (strings(&["member-order"]), strings(&[])));
    assert_eq!(of("content.tar.bz2"), (strings(&[]), strings(&["packed content", "member b"])));
    assert_eq!(of("only.tar.xz"), (strings(&[]), strings(&["packed content", "member c"])));
    assert_eq!(of("header.gz"), (strings(&[time]), strings(&[])));
    assert_eq!(of("level.gz").0.into_iter().next_back().unwrap(), "compression");
    let (causes, parts) = of("deep.jar");
    assert!(causes.contains("time: 10:00:00, 10:00:01"), "{causes:?}");
    assert!(causes.contains("time: 2026-11-23 10:00:00, 2026-11-23 10:00:02"), "{causes:?}");
    assert_eq!(parts, strings(&["member a", "member b", "member inner/a.tar.gz", "packed content"]));
    let shown = text(&[], &sides[0], &sides[1]);
    assert!(shown.contains("time in the header: 2023-11-14T22:13:20Z -> 2023-11-14T22:13:21Z\n"), "{shown}");
}

#[test]
fn compiled_python_tells_the_time_of_its_source() {
    if !has("python3") {
        return;
    }
    let script = "import sys, os, py_compile\nopen('m.py', 'w').write('x = 1\\n')\n\
        os.utime('m.py', (1700000000, 1700000000 + int(sys.argv[1])))\n\
        py_compile.compile('m.py', 'm.pyc', dfile='m.py')\n";
    let (_folder, sides) = made(|side, number| python(script, side, number));
    let found = compared(&sides);
    let causes = causes(content(&found, "m.pyc"));
    assert_eq!(causes, ["time: 2023-11-14T22:13:20Z, 2023-11-14T22:13:21Z".to_owned()].into());
}

/// The sections of an ELF file with their bytes, as readelf says where they are.
fn sections(path: &Path) -> Vec<(String, Vec<u8>)> {
    let output = Command::new("readelf").arg("-SW").arg(path).output().unwrap();
    let (text, bytes) = (String::from_utf8(output.stdout).unwrap(), fs::read(path).unwrap());
    let section = |line: &str| {
        let mut words = line.split_once(']')?.1.split_whitespace();
        let (name, kind, _, offset, size) =
            (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
        let number = |text: &str| usize::from_str_radix(text, 16).ok();
        let (offset, size) = (number(offset)?, number(size)?);
        let content = if kind == "NOBITS" { Vec::new() } else { bytes.get(offset..offset + size)?.to_vec() };
        Some((name.to_owned(), content))
    };
    text.lines().filter(|line| line.trim_start().starts_with('[')).filter_map(section).collect()
}

#[test]
fn programs_differ_in_the_sections_that_readelf_shows() {
    if !has("cc") || !has("readelf") || !has("ar") {
        return;
    }
    let (_folder, sides) = made(|side, number| {
        let source = format!(
            "#include <stdio.h>\nint same(int x) {{ return x + 1; }}\n\
            int other(int x) {{ return x * {}; }}\n\
            int main(void) {{ puts(\"built at 10:00:0{number}\"); puts(\"in /build/x-{number}/y\"); \
            return same(other(1)); }}\n",
            3 + number
        );
        fs::write(side.join("x.c"), source).unwrap();
        let cc = |arguments: &[&str]| {
            let status = Command::new("cc").args(arguments).current_dir(side).status().unwrap();
            assert!(status.success());
        };
        cc(&["-O1", "-fno-inline", "-fno-ipa-icf", "-o", "x", "x.c"]);
        cc(&["-O1", "-c", "-o", "x.o", "x.c"]);
        let epoch = format!("{}", 1_700_000_000 + number);
        fs::write(side.join("y"), "member").unwrap();
        let touch =
            Command::new("touch").args(["-d", &format!("@{epoch}"), "x.o", "y"]).current_dir(side).status();
        assert!(touch.unwrap().success());
        let ar = Command::new("ar").args(["rcU", "x.a", "x.o", "y"]).current_dir(side).status();
        assert!(ar.unwrap().success());
        fs::remove_file(side.join("x.o")).unwrap();
        fs::remove_file(side.join("y")).unwrap();
    });
    let found = compared(&sides);
    let program = content(&found, "x");
    assert_eq!(program["format"], "elf");
    let [left, right] = [0, 1].map(|side| sections(&sides[side].join("x")));
    assert!(left.len() > 20, "{}", left.len());
    let names =
        |sections: &[(String, Vec<u8>)]| sections.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&left), names(&right));
    let differ = left.iter().zip(&right).filter(|(one, other)| one.1 != other.1);
    let differ: std::collections::BTreeSet<String> =
        differ.map(|(one, _)| format!("section {}", one.0)).collect();
    let all = parts(program);
    let named = all.iter().filter(|name| name.starts_with("section ")).cloned().collect();
    assert_eq!(differ, named);
    assert!(differ.contains("section .text") && differ.contains("section .rodata"), "{differ:?}");
    assert!(all.contains("symbol other") && !all.contains("symbol same"), "{all:?}");
    let causes_of_program = causes(program);
    assert!(causes_of_program.contains("time: 10:00:00, 10:00:01"), "{causes_of_program:?}");
    assert!(causes_of_program.contains("build-path: /build/x-0/y, /build/x-1/y"), "{causes_of_program:?}");
    let library = content(&found, "x.a");
    assert_eq!(library["format"], "ar");
    let all = parts(library);
    assert!(all.contains("member x.o") && all.contains("section .text"), "{all:?}");
    assert!(all.contains("member y"), "its time differs: {all:?}");
}

#[test]
fn hostile_contents_are_named_and_cost_little() {
    let zeros = vec![0_u8; 1 << 20];
    let (_folder, sides) = made(|side, number| {
        let write = |name: &str, content: &[u8]| fs::write(side.join(name), content).unwrap();
        let tail = [number as u8];
        // A gigabyte of zeros, and archives within archives.
        let mut bomb = zstd::Encoder::new(Vec::new(), 3).unwrap();
        (0..1024).for_each(|_| bomb.write_all(&zeros).unwrap());
        bomb.write_all(&tail).unwrap();
        write("bomb.zst", &bomb.finish().unwrap());
        let mut deep = tail.to_vec();
        for _ in 0..40 {
            deep = zstd::encode_all(deep.as_slice(), 1).unwrap();
        }
        write("deep.zst", &deep);
        let lines: String = (0..60_000).map(|line| format!("{}\n", (line * (7 + number)) % 60_001)).collect();
        write("lines", lines.as_bytes());
        for (name, start) in [
            ("elf", &b"\x7fELF\x02\x01\x01\0"[..]),
            ("zip", b"PK\x03\x04PK\x05\x06"),
            ("ar", b"!<arch>\nx               0           0     0     644     99999999  `\n"),
            ("gzip", b"\x1f\x8b\x08\x1f\0\0\0\0\0\0"),
            ("xz", b"\xfd7zXZ\0"),
            ("x.pyc", b"\x6f\x0d\r\n\0\0\0\0\0\0\0\0\0\0\0\0"),
        ] {
            write(name, &[start, &tail, &vec![0xff; 3000]].concat());
        }
        let mut program = Vec::new();
        fs::File::open("/proc/self/exe").unwrap().take(300_000).read_to_end(&mut program).unwrap();
        for at in (40..4_000).step_by(7) {
            program[at] = program[at].wrapping_add(number as u8 * 0x5a);
        }
        write("program", &program);
        // Holes cost nothing to write; longer contents are compared byte by byte.
        let sparse = fs::File::create(side.join("sparse")).unwrap();
        sparse.set_len((65 << 20) + 7 * number as u64).unwrap();
    });
    let started = Instant::now();
    let found = compared(&sides);
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    for entry in fs::read_dir(&sides[0]).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let content = content(&found, &name);
        let told = ["fields", "text", "bytes", "parts"].iter().any(|key| !content[*key].is_null());
        assert!(told, "{name}: {content}");
    }
    assert!(content(&found, "bomb.zst")["note"].as_str().unwrap().contains("too long"));
    assert_eq!(content(&found, "sparse")["bytes"]["count"], 0);
}
