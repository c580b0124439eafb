//! Builds from source that mean harm, or are merely careless, the whole way from recipe to files: what they put out
//! leads nowhere, what they were given stays as it was, and what they leave running changes nothing.

mod support;

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use support::builds::{self, ARCH};
use support::workspace::{Workspace, files};

const TOOLS: [&str; 10] = ["bash", "cat", "chmod", "ln", "ls", "mkdir", "mkfifo", "mv", "rm", "sleep"];

/// A build `evil` with this script, and an image of it.
fn text(script: &str) -> String {
    let script = script.replace('\n', "\n    ");
    format!(
        r#"
source words {{ path = "words" }}
build plain {{
  for distro, arch
  repositories = [test]
  tools  = [tools]
  script = "mkdir -p $OUT/usr/share && echo plain > $OUT/usr/share/plain"
}}
build evil {{
  for distro, arch
  repositories = [test]
  tools   = [tools, plain]
  source  = words
  outputs = ["doc"]
  script  = """
    {script}
    """
}}
image app {{
  for distro, arch
  version      = "1.0"
  repositories = [test]
  packages     = []
  contents     = [evil]
  entrypoint   = ["/usr/bin/none"]
}}
"#
    )
}

/// A workspace with [`text`], after the innocent build; `None`, said aloud, where nothing can be executed.
fn workspace(script: &str) -> Option<Workspace> {
    let workspace = Workspace::new();
    if !builds::add_tools(&workspace, &TOOLS) {
        return None;
    }
    fs::create_dir(workspace.path("project/words")).unwrap();
    fs::write(workspace.path("project/words/list"), "pear\n").unwrap();
    workspace.write_recipe(&builds::recipe(&text(script)));
    builds::executes(&workspace, "app.hb#plain").then_some(workspace)
}

/// Another script in the same workspace.
fn rewrite(workspace: &Workspace, script: &str) {
    workspace.write_recipe(&builds::recipe(&text(script)));
}

/// Where `evil` is put.
fn made(workspace: &Workspace) -> PathBuf {
    workspace.path(&format!("project/out/evil-debian12-{ARCH}"))
}

/// Everything below `folder`, links not followed: path, then what it is.
fn listing(folder: &Path) -> Vec<(Vec<u8>, String)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(path) = open.pop() {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let what = if metadata.is_dir() {
            open.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            "folder".to_owned()
        } else if metadata.is_symlink() {
            format!("-> {}", fs::read_link(&path).unwrap().display())
        } else {
            format!("file of {}", metadata.len())
        };
        if path != folder {
            found.push((path.strip_prefix(folder).unwrap().as_os_str().as_bytes().to_vec(), what));
        }
    }
    found.sort();
    found
}

#[test]
fn links_that_lead_out_stay_links() {
    let script = r"mkdir -p $OUT/usr/share $OUT/srv
ln -s /etc/passwd $OUT/usr/share/absolute
ln -s ../../../../../../../../etc/passwd $OUT/usr/share/relative
ln -s / $OUT/everything
ln -s ../../.. $OUT/srv/up
ln -s /proc/self/root/etc $OUT/srv/etc
ln -s loop $OUT/srv/loop
echo own > $OUT/srv/own
chmod 000 $OUT/srv/own";
    let Some(workspace) = workspace(script) else { return };
    workspace.must(&["build", "app.hb#evil"]);
    let expected = [
        ("everything", "-> ."),
        ("srv", "folder"),
        ("srv/etc", "-> ../proc/self/root/etc"),
        ("srv/loop", "-> loop"),
        ("srv/own", "file of 4"),
        ("srv/up", "-> ../../.."),
        ("usr", "folder"),
        ("usr/share", "folder"),
        ("usr/share/absolute", "-> ../../etc/passwd"),
        ("usr/share/relative", "-> ../../../../../../../../etc/passwd"),
    ];
    let expected = expected.map(|(path, what)| (path.as_bytes().to_vec(), what.to_owned()));
    assert_eq!(listing(&made(&workspace)), expected);
    workspace.must(&["build", "app.hb#app", "--format", "dir", "-o", "../image"]);
    let image = fs::read_dir(workspace.path("image")).unwrap().map(|entry| entry.unwrap().path());
    let image = image.filter(|path| path.is_dir()).last().unwrap();
    let inner = listing(&image);
    assert!(expected.iter().all(|entry| inner.contains(entry)), "{inner:?}");
    // Written over what stands there already, its links are not gone through either.
    workspace.must(&["build", "app.hb#evil"]);
    workspace.must(&["store", "verify"]);
}

#[test]
fn what_leads_out_is_never_gone_through() {
    let Some(workspace) = workspace("mkdir $OUT/x") else { return };
    let outside = workspace.path("outside");
    fs::create_dir(&outside).unwrap();
    // A link in the place of a folder of a root, or of a mount point, and a build that is made on it.
    for (place, code) in
        [("usr", ""), ("dev", "hbuild::store::no_mount_point"), ("build", "hbuild::store::no_mount_point")]
    {
        let script = format!("ln -s {} $OUT/{place}", outside.display());
        let user = r#"
build user {
  for distro, arch
  repositories = [test]
  tools  = [tools, evil]
  script = "mkdir -p $OUT/usr/share && echo here > $OUT/usr/share/here"
}
"#;
        workspace.write_recipe(&builds::recipe(&(text(&script) + user)));
        let output = workspace.run(&["build", "app.hb#user"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(code) && said.contains("help:"), "{place}: {said}");
        assert_eq!(output.status.code(), Some(1), "{place}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        assert_eq!(listing(&outside), [], "{place}");
        workspace.must(&["store", "verify"]);
    }
    // In an image, a folder's content never goes through a link of another content.
    let script = format!("ln -s {} $OUT/srv", outside.display());
    let both = text(&script).replace("contents     = [evil]", "contents     = [evil, words.at(\"/srv\")]");
    workspace.write_recipe(&builds::recipe(&both));
    let output = workspace.run(&["build", "app.hb#app", "--format", "dir", "-o", "../image"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() || said.contains("help:"), "{said}");
    assert_eq!(listing(&outside), []);
}

#[test]
fn what_a_build_was_given_stays_as_it_was() {
    let script = r#"refused() {
  if "$@" 2> /tmp/why; then echo "$*: succeeded"; exit 1; fi
  cat /tmp/why >> /build/why
}
mkdir -p $OUT/usr
refused ln /usr/bin/bash $OUT/usr/bash
refused ln /usr/share/plain $OUT/usr/plain
refused ln $SRC/list $OUT/usr/list
refused ln /usr/share/plain /usr/share/other
refused bash -c 'echo more >> /usr/share/plain'
refused chmod 777 /usr/share/plain
refused rm -f /usr/share/plain
refused mv /usr/share /usr/shared
refused mkdir /new
refused rm -rf $OUT
refused mv $OUT /tmp/out
refused rm -rf $OUT_DOC
refused ls /roots
mkdir -p $OUT/usr
cat /build/why > $OUT/usr/why
ln $OUT/usr/why $OUT/usr/same
echo changed > $SRC/list
rm -rf $SRC /build/* /tmp/* 2> /dev/null || true"#;
    let Some(workspace) = workspace(script) else { return };
    let before = inodes(&workspace.path("store/exec"));
    workspace.must(&["build", "app.hb#evil"]);
    let after = inodes(&workspace.path("store/exec"));
    assert!(before.iter().all(|entry| after.contains(entry)), "the roots are as they were");
    let why = fs::read_to_string(made(&workspace).join("usr/why")).unwrap();
    let reasons: Vec<&str> = why
        .lines()
        .filter(|line| !line.contains("setlocale"))
        .map(|line| line.rsplit(": ").next().unwrap())
        .collect();
    let (across, read_only) = ("Invalid cross-device link", "Read-only file system");
    assert_eq!(
        reasons[..9],
        [across, across, across, read_only, read_only, read_only, read_only, read_only, read_only]
    );
    assert_eq!(reasons.last(), Some(&"No such file or directory"), "{why}");
    let size = |name: &str| fs::metadata(made(&workspace).join("usr").join(name)).unwrap().len();
    assert_eq!(size("same"), size("why"), "names of one file are files of one content");
    assert_eq!(fs::read_to_string(workspace.path("project/words/list")).unwrap(), "pear\n");
    assert!(inodes(&workspace.path("store/objects")).iter().all(|(_, _, names)| *names == 1));
    workspace.must(&["store", "verify"]);
}

/// Path, inode and number of names of every file below `folder`.
fn inodes(folder: &Path) -> Vec<(PathBuf, u64, u64)> {
    let entries = listing(folder).into_iter().map(|(path, _)| folder.join(OsString::from_vec(path)));
    let entries = entries.map(|path| (fs::symlink_metadata(&path).unwrap(), path));
    entries
        .filter(|(metadata, _)| !metadata.is_dir())
        .map(|(metadata, path)| (path, metadata.ino(), metadata.nlink()))
        .collect()
}

/// What a step leaves running writes to `$OUT` for as long as it lives; the many files make the taking long.
#[test]
fn what_runs_on_after_the_last_step_is_dead_before_outputs_are_taken() {
    let script = r#"mkdir -p $OUT/a $OUT/z
for number in {1..2500}; do echo $number > $OUT/a/$number; done
linger() {
  trap '' TERM HUP INT
  while [ ! -e /tmp/over ]; do sleep 0.001; done
  sleep 0.03
  while :; do echo late >> $OUT/z/late; echo late > $OUT/a/1; rm -f $OUT/a/2; done
}
(linger & linger &)
exec 1> /dev/null
echo > /tmp/over"#;
    let Some(workspace) = workspace(script) else { return };
    let mut first = None;
    for round in 0..20 {
        fs::remove_dir_all(workspace.path("store")).unwrap();
        let told: serde_json::Value =
            serde_json::from_str(&workspace.must(&["build", "app.hb#evil", "--json"])).unwrap();
        let digest = told[0]["digest"].as_str().unwrap().to_owned();
        assert_eq!(&digest, first.get_or_insert_with(|| digest.clone()), "round {round}");
        assert!(!made(&workspace).join("z/late").exists(), "round {round}");
    }
    assert_eq!(fs::read_to_string(made(&workspace).join("a/1")).unwrap(), "1\n");
    workspace.must(&["store", "verify"]);
}

#[test]
fn names_of_any_bytes_go_the_whole_way() {
    let odd: Vec<Vec<u8>> = vec![
        b"srv/new\nline".to_vec(),
        b"srv/\xff\xfe\x80".to_vec(),
        b"srv/ -rf * $(x) \"'`".to_vec(),
        b"srv/..data".to_vec(),
        b"srv/.wh.not-a-whiteout-\xc3\x28".to_vec(),
        [b"srv/".to_vec(), vec![b'n'; 255]].concat(),
    ];
    let script = r#"mkdir $OUT/srv
cd $OUT/srv
echo 1 > $'new\nline'
echo 2 > $'\xff\xfe\x80'
echo 3 > $' -rf * $(x) "\'`'
echo 4 > ..data
ln -s $'to\n\xff' link
name=$(printf 'n%.0s' {1..255})
echo 6 > $name"#;
    let Some(workspace) = workspace(script) else { return };
    let wanted = |name: &&Vec<u8>| !name.starts_with(b"srv/.wh.");
    workspace.must(&["build", "app.hb#evil"]);
    let found = listing(&made(&workspace));
    for name in odd.iter().filter(wanted) {
        assert!(found.contains(&(name.clone(), "file of 2".to_owned())), "{}", name.escape_ascii());
    }
    let target = fs::read_link(made(&workspace).join("srv/link")).unwrap();
    assert_eq!(target.as_os_str().as_bytes(), b"to\n\xff");
    workspace.must(&["build", "app.hb#app"]);
    let layers = in_layers(&workspace);
    for name in odd.iter().filter(wanted) {
        assert!(layers.iter().any(|path| path == name), "{} is in no layer: {layers:?}", name.escape_ascii());
    }
    workspace.must(&["build", "app.hb#app", "--format", "dir", "-o", "../image"]);
    // A name that layers use to say that something is gone would make the image another than it seems.
    rewrite(&workspace, &(script.to_owned() + "\necho 5 > $'.wh.not-a-whiteout-\\xc3\\x28'"));
    let output = workspace.run(&["build", "app.hb#app", "-o", "../whiteout"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains(".wh.") && said.contains("help:"), "{said}");
    workspace.must(&["store", "verify"]);
}

/// The paths in all layers of the image in `project/out/app`.
fn in_layers(workspace: &Workspace) -> Vec<Vec<u8>> {
    let mut paths = Vec::new();
    for (_, bytes) in files(&workspace.path("project/out/app/blobs/sha256")) {
        let Ok(bytes) = zstd::decode_all(bytes.as_slice()) else { continue };
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let path = entry.unwrap().path_bytes().into_owned();
            paths.push(path.strip_prefix(b"./").unwrap_or(&path).to_vec());
        }
    }
    paths
}

#[test]
fn what_no_image_can_hold_is_said() {
    let Some(workspace) = workspace("mkfifo $OUT/pipe") else { return };
    let failing = [
        ("mkfifo $OUT/pipe", "hbuild::exec::special_output", "/out/pipe"),
        ("true", "hbuild::exec::no_output", "made nothing"),
        (
            "cd $OUT; for n in {1..45}; do mkdir d$n; name=$(printf 'n%.0s' {1..100}); mkdir $name; cd $name; done",
            "hbuild::sandbox::output_unreadable",
            "name too long",
        ),
    ];
    for (script, code, part) in failing {
        rewrite(&workspace, script);
        let output = workspace.run(&["build", "app.hb#evil", "-o", "../new"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(code), "{script}: {said}");
        assert!(said.to_lowercase().contains(part) && said.contains("help:"), "{script}: {said}");
        assert!(!workspace.path("new").exists(), "{script}");
        workspace.must(&["store", "verify"]);
    }
}
