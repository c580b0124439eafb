//! The same bits from whoever builds, wherever and however: other users, stores, folders, umasks, time zones,
//! languages, limits, job counts and orders of directories.

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use support::archive::Package;
use support::builds;
use support::workspace::{Workspace, files};

/// A user that no system has.
const ORDINARY: u32 = 12_345;

/// The build `probe` puts out whatever it can see of where it is.
const BUILDS: &str = r#"
source words { path = "words" }

build words-copied {
  for distro, arch
  repositories = [test]
  tools   = [tools]
  source  = words
  version = "1.0"
  license = "MIT"
  outputs = ["doc"]
  script  = """
    mkdir -p $OUT/usr/share/words $OUT_DOC
    cat $SRC/*/* > $OUT/usr/share/words/all
    printf '%s\\n' $SRC/* > $OUT_DOC/names
    """
}

build probe {
  for distro, arch
  repositories = [test]
  tools   = [tools, words-copied]
  source  = words
  script  = """
    mkdir $OUT/srv
    cd $OUT/srv
    env -0 | while read -r -d '' one; do case $one in JOBS=*) ;; *) echo "$one" ;; esac; done > env
    { umask; ulimit -Sa; ulimit -Hn; id -u; id -g; uname -sn; pwd; trap; shopt; set -o; } > shell
    cat /proc/self/status > /tmp/status
    while read -r line; do
      case $line in
        [UG]id:*|Umask:*|NSpid:*|NoNewPrivs:*|Seccomp:*|Cap*|SigIgn:*|SigBlk:*|FDSize:*|TracerPid:*) echo "$line" ;;
      esac
    done < /tmp/status > status
    cat /proc/self/cgroup /proc/self/oom_score_adj > groups || true
    ls -f $SRC /build /tmp > order
    shopt -s globstar dotglob nullglob
    cd /
    stat -c '%n %F %a %u:%g %Y' bin/** etc/** lib*/** usr/** build/** > $OUT/srv/seen
    for file in build/** usr/share/**; do if [ -f $file ]; then stat -c '%n %s' $file; fi; done >> $OUT/srv/seen
    for number in /proc/self/fd/*; do echo ${number##*/}; done > $OUT/srv/open
    if read -t 0; then echo input; fi > $OUT/srv/input
    """
}

image app {
  for distro, arch
  version      = "1.0"
  repositories = [test]
  packages     = ["app"]
  contents     = [probe, words-copied.doc.at("/opt/words"), words.at("/opt/source")]
  entrypoint   = ["/usr/bin/app"]
}
"#;

/// How something is built.
struct Way<'a> {
    name: &'a str,
    /// Where project, store and home are, below the workspace or absolute.
    folder: PathBuf,
    user: Option<u32>,
    /// What the shell does before it becomes hbuild.
    before: &'a str,
    environment: &'a [(&'a str, &'a str)],
    arguments: &'a [&'a str],
    /// Whether the project's files are made in reverse.
    reverse: bool,
}

impl Default for Way<'_> {
    fn default() -> Self {
        Self {
            name: "plain",
            folder: "plain".into(),
            user: None,
            before: "",
            environment: &[],
            arguments: &[],
            reverse: false,
        }
    }
}

/// What a build says of its results, and every file that it makes.
#[derive(PartialEq)]
struct Made {
    told: Vec<Value>,
    files: Vec<(String, Vec<u8>)>,
}

/// Copies a folder. The files have new times, and the rights that the umask leaves.
fn copy(from: &Path, to: &Path, reverse: bool) {
    fs::create_dir_all(to).unwrap();
    let mut entries: Vec<PathBuf> = fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    if reverse {
        entries.reverse();
    }
    for path in entries {
        let target = to.join(path.file_name().unwrap());
        if path.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), target).unwrap();
        } else if path.is_dir() {
            copy(&path, &target, reverse);
        } else {
            fs::write(&target, fs::read(&path).unwrap()).unwrap();
            let executable = fs::metadata(&path).unwrap().permissions().mode() & 0o111 != 0;
            let mode = match (executable, reverse) {
                (true, false) => 0o755,
                (true, true) => 0o700,
                (false, false) => 0o644,
                (false, true) => 0o660,
            };
            fs::set_permissions(&target, fs::Permissions::from_mode(mode)).unwrap();
        }
    }
}

/// Gives everything below `path` to `user`.
fn give(path: &Path, user: u32) {
    lchown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() && !path.is_symlink() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path(), user));
    }
}

struct World {
    workspace: Workspace,
    program: PathBuf,
}

impl World {
    /// `None`, said aloud, where nothing can be executed.
    fn new() -> Option<Self> {
        let mut app = Package::new("app", "1.0-1").file("usr/bin/app", "#!/bin/true\n");
        app.arch = "all".to_owned();
        let workspace = Workspace::with(vec![app]);
        let tools = ["bash", "cat", "env", "id", "ls", "mkdir", "stat", "uname"];
        if !builds::add_tools(&workspace, &tools) {
            return None;
        }
        for number in 0..40 {
            let folder = workspace.path(&format!("project/words/{}", number % 7));
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(format!("word-{}", number * 37 % 41)), format!("{number}\n")).unwrap();
        }
        workspace.write_recipe(&builds::recipe(BUILDS));
        if !builds::executes(&workspace, "app.hb#words-copied") {
            return None;
        }
        let program = workspace.path("hbuild");
        // By a process of its own: what another thread starts meanwhile would hold the file open for writing.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_hbuild")).arg(&program).status();
        assert!(copied.unwrap().success());
        // Other users are to reach the program and the archive.
        for path in [workspace.path(""), program.clone()] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::remove_dir_all(workspace.path("project/out")).unwrap();
        Some(Self { workspace, program })
    }

    fn make(&self, way: &Way<'_>) -> Made {
        let folder = self.workspace.path("").join(&way.folder);
        copy(&self.workspace.path("project"), &folder.join("project"), way.reverse);
        copy(&self.workspace.path(".config"), &folder.join(".config"), false);
        if let Some(user) = way.user {
            give(&folder, user);
        }
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(format!("{}\nexec \"$@\"", way.before)).arg("sh");
        command
            .arg(&self.program)
            .args(["build", "--json", "app.hb#app", "app.hb#probe"])
            .args(way.arguments);
        command.current_dir(folder.join("project")).env_clear().env("HOME", &folder);
        command.envs(way.environment.iter().copied());
        if let Some(user) = way.user {
            command.uid(user).gid(user);
        }
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", way.name);
        let mut told: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
        for result in &mut told {
            result.as_object_mut().unwrap().remove("path");
        }
        let made = Made { told, files: files(&folder.join("project/out")) };
        fs::remove_dir_all(folder).unwrap();
        made
    }

    fn assert_same(&self, way: &Way<'_>, expected: &Made) {
        let made = self.make(way);
        for ((name, bytes), (other, wanted)) in made.files.iter().zip(&expected.files) {
            assert_eq!(name, other, "{}", way.name);
            let (bytes, wanted) = (String::from_utf8_lossy(bytes), String::from_utf8_lossy(wanted));
            assert!(bytes == wanted, "{}: {name} is\n{bytes}\nand was\n{wanted}", way.name);
        }
        assert_eq!(made.told, expected.told, "{}", way.name);
        assert!(made == *expected, "{}", way.name);
    }
}

#[test]
fn everybody_gets_the_same_bits_everywhere() {
    let Some(world) = World::new() else { return };
    let expected = world.make(&Way::default());
    let has =
        |part: &str| expected.files.iter().any(|(_, bytes)| String::from_utf8_lossy(bytes).contains(part));
    assert!(
        has("SPDXRef-") && has("https://slsa.dev/provenance/v1"),
        "the evidence is among what is compared"
    );
    let root = rustix::process::geteuid().is_root();
    let mut ways = vec![
        Way { name: "the same again", folder: "again".into(), ..Way::default() },
        Way {
            name: "another folder",
            folder: "a very/long päth with spaces/and more/of it".into(),
            environment: &[("HBUILD_STORE", "../../Störe $x")],
            ..Way::default()
        },
        Way { name: "a narrow umask", before: "umask 077", ..Way::default() },
        Way { name: "a wide umask", before: "umask 000", ..Way::default() },
        Way {
            name: "another place in the world",
            environment: &[
                ("TZ", "Asia/Kathmandu"),
                ("LANG", "tr_TR.UTF-8"),
                ("LC_ALL", "de_DE"),
                ("LANGUAGE", "ja"),
            ],
            ..Way::default()
        },
        Way {
            name: "another environment",
            environment: &[
                ("SOURCE_DATE_EPOCH", "7"),
                ("USER", "x"),
                ("TMPDIR", "/dev"),
                ("CFLAGS", "-O9"),
                ("BASH_ENV", "/etc/passwd"),
                ("LD_LIBRARY_PATH", "/none"),
            ],
            ..Way::default()
        },
        Way { name: "one job", arguments: &["--jobs", "1"], ..Way::default() },
        Way { name: "many jobs", arguments: &["-j", "13"], ..Way::default() },
        Way {
            name: "other limits, signals and open files",
            before: "ulimit -S -n 200; ulimit -S -s 4096; ulimit -S -c 0; trap '' INT HUP TERM USR1 PIPE; \
                     exec 0<&- 7</etc/passwd 9>/dev/null",
            ..Way::default()
        },
        Way { name: "files made in another order, with other rights", reverse: true, ..Way::default() },
    ];
    // A file system that lists what was made last first.
    let memory = tempfile::Builder::new().prefix("hbuild-test-").tempdir_in("/dev/shm");
    if let Ok(memory) = &memory {
        let folder = memory.path().join("it");
        ways.push(Way { name: "another file system", folder, reverse: true, ..Way::default() });
    }
    if root {
        ways.push(Way {
            name: "an ordinary user",
            user: Some(ORDINARY),
            folder: "user".into(),
            ..Way::default()
        });
        ways.push(Way {
            name: "an ordinary user elsewhere",
            user: Some(ORDINARY + 1),
            folder: "other user".into(),
            before: "umask 077; ulimit -S -n 300",
            environment: &[("TZ", "Asia/Kathmandu"), ("LANG", "tr_TR.UTF-8")],
            arguments: &["-j", "1"],
            reverse: true,
        });
    }
    for way in &ways {
        world.assert_same(way, &expected);
    }
}
