//! `hbuild fmt`, and files that are no recipes, on the command line.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const UGLY: &str = "hbuild 1\nsource  s {path=\"x\"}\n";
const NEAT: &str = "hbuild 1\nsource s { path = \"x\" }\n";

fn hbuild(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    command.args(arguments).current_dir(folder).env_remove("NO_COLOR");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that refuses the input early closes its end.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

#[test]
fn differences_are_unified_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.hb");
    fs::write(&path, UGLY).unwrap();
    fs::write(folder.path().join("b.hb"), NEAT).unwrap();
    let output = hbuild(folder.path(), &["fmt", "--diff"], b"");
    assert_eq!(status(&output), 1);
    assert_eq!(
        stdout(&output),
        "--- ./a.hb.orig\n+++ ./a.hb\n@@ -1,2 +1,2 @@\n hbuild 1\n-source  s {path=\"x\"}\n+source s { path = \"x\" }\n"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), UGLY);
    let piped = hbuild(folder.path(), &["fmt", "--diff", "-", "--stdin-name", "dir/c.hb"], UGLY.as_bytes());
    assert!(stdout(&piped).starts_with("--- dir/c.hb.orig\n+++ dir/c.hb\n"), "{}", stdout(&piped));
    assert_eq!(status(&piped), 1);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let whole = hbuild(folder.path(), &["fmt", "-"], UGLY.as_bytes());
    assert_eq!((status(&whole), stdout(&whole).as_str()), (0, NEAT));
    let same = hbuild(folder.path(), &["fmt", "--check", "-"], NEAT.as_bytes());
    assert_eq!((status(&same), stdout(&same).as_str()), (0, ""));
    let other = hbuild(folder.path(), &["fmt", "--check", "-"], UGLY.as_bytes());
    assert_eq!((status(&other), stdout(&other).as_str()), (1, ""));
    let named = hbuild(folder.path(), &["fmt", "-", "--stdin-name", "dir/a.hb"], b"hbuild 1\nlet a = [\n");
    assert_eq!((status(&named), stdout(&named).as_str()), (1, ""));
    assert!(stderr(&named).contains("dir/a.hb:2:9"), "{}", stderr(&named));
}

#[test]
fn a_broken_recipe_keeps_no_other_from_being_formatted() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::write(file("a.hb"), UGLY).unwrap();
    fs::write(file("b.hb"), "hbuild 1\nlet a = [\n").unwrap();
    fs::write(file("c.hb"), UGLY).unwrap();
    fs::write(file("d.hb"), b"hbuild 1\n# \xff\n").unwrap();
    fs::set_permissions(file("a.hb"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::create_dir(file("other")).unwrap();
    fs::rename(file("c.hb"), file("other/real.hb")).unwrap();
    symlink("other/real.hb", file("c.hb")).unwrap();
    let output = hbuild(folder.path(), &["fmt"], b"");
    assert_eq!(status(&output), 1);
    assert_eq!(stdout(&output), "./a.hb\n./c.hb\n");
    let said = stderr(&output);
    assert!(said.contains("b.hb:2:9") && said.contains("unclosed_bracket"), "{said}");
    assert!(said.contains("d.hb:2:3") && said.contains("invalid_utf8"), "{said}");
    assert_eq!(fs::read_to_string(file("a.hb")).unwrap(), NEAT);
    assert_eq!(fs::metadata(file("a.hb")).unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::symlink_metadata(file("c.hb")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(file("other/real.hb")).unwrap(), NEAT);
    assert_eq!(fs::read_to_string(file("b.hb")).unwrap(), "hbuild 1\nlet a = [\n");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 5, "{left:?}");
}

/// Neither `check` nor `fmt` waits for, follows or swallows what is no recipe: each says so once.
#[test]
fn what_is_no_recipe_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    fs::create_dir(file("folder.hb")).unwrap();
    fs::write(file("folder.hb/inner.hb"), NEAT).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, file("pipe.hb"), rustix::fs::Mode::RUSR).unwrap();
    symlink("loop.hb", file("loop.hb")).unwrap();
    symlink("nothing", file("dangling.hb")).unwrap();
    let mut large = fs::File::create(file("large.hb")).unwrap();
    large.write_all(b"hbuild 1\n# ").unwrap();
    large.set_len(100 << 20).unwrap();
    for command in ["check", "fmt"] {
        assert_eq!(status(&hbuild(folder.path(), &[command, "folder.hb"], b"")), 0, "a folder is one");
        for name in ["pipe.hb", "loop.hb", "dangling.hb", "large.hb"] {
            let begun = std::time::Instant::now();
            let output = hbuild(folder.path(), &[command, name], b"");
            let said = stderr(&output);
            assert!([1, 2, 3].contains(&status(&output)), "{command} {name}: {}", status(&output));
            assert_eq!(said.matches("help:").count(), 1, "{command} {name}: {said}");
            assert!(said.contains(name) && begun.elapsed().as_secs() < 10, "{said}");
        }
        let output = hbuild(folder.path(), &[command, "."], b"");
        assert_ne!(status(&output), 0, "{}", stderr(&output));
        assert_eq!(stderr(&output).matches("help:").count(), 4, "{}", stderr(&output));
    }
    if !rustix::process::geteuid().is_root() {
        fs::write(file("secret.hb"), NEAT).unwrap();
        fs::set_permissions(file("secret.hb"), fs::Permissions::from_mode(0o000)).unwrap();
        let output = hbuild(folder.path(), &["check", "secret.hb"], b"");
        assert!(stderr(&output).contains("ermission denied"), "{}", stderr(&output));
    }
}

#[test]
fn a_line_of_a_hundred_megabytes_is_refused_with_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let mut input = b"hbuild 1\n# ".to_vec();
    input.resize(100 << 20, b'x');
    let output = hbuild(folder.path(), &["fmt", "-"], &input);
    assert_eq!(status(&output), 1);
    assert!(stderr(&output).contains("too_long") && stderr(&output).len() < 2000, "{}", stderr(&output));
}
