//! `hbuild shell`: sandboxes as failed steps left them, and before the first step.

mod support;

use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Output, Stdio};

use rustix::pty::{OpenptFlags, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use support::builds;
use support::workspace::Workspace;

const BUILDS: &str = r#"
source words { path = "words" }

build fine {
  for distro, arch
  repositories = [test]
  tools  = [tools]
  source = words
  env    = { LC_ALL = "C", COLOUR = "red" }
  step "sort" { script = "sort list > $OUT/sorted" }
}

build broken {
  for distro, arch
  repositories = [test]
  tools   = [tools, fine]
  source  = words
  outputs = ["doc"]
  env     = { LC_ALL = "C" }
  step "prepare" { script = "echo prepared" }
  step "compile" {
    script = """
      mkdir sub
      echo half > sub/made
      ln sub/made other
      ln -s sub/made link
      touch -d @1000000000 sub/made
      chmod 4750 other
      touch -d @1200000000 sub
      chmod 0500 sub
      printf '\033[31mcc:\033[0m no such file\n'
      exit 3
      """
    env = { LEVEL = "9" }
  }
}
"#;

/// `None`, said aloud, where nothing can be executed.
fn workspace() -> Option<Workspace> {
    let workspace = Workspace::new();
    let tools = ["bash", "cat", "chmod", "id", "ln", "ls", "mkdir", "rm", "sort", "stat", "touch", "tty"];
    if !builds::add_tools(&workspace, &tools) {
        return None;
    }
    fs::create_dir(workspace.path("project/words")).unwrap();
    fs::write(workspace.path("project/words/list"), "pear\napple\n").unwrap();
    workspace.write_recipe(&builds::recipe(BUILDS));
    builds::executes(&workspace, "app.hb#fine").then_some(workspace)
}

/// Runs `hbuild shell` with these commands on standard input.
fn shell(workspace: &Workspace, target: &str, commands: &str) -> Output {
    let mut command = workspace.command(&["shell", target]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // hbuild may have ended before it reads.
    let _ = child.stdin.take().unwrap().write_all(commands.as_bytes());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The beginning of an id that the failure names.
fn id_of(said: &str) -> String {
    let (_, behind) = said.split_once("hbuild shell ").unwrap();
    behind.chars().take_while(char::is_ascii_hexdigit).collect()
}

#[test]
fn the_sandbox_is_as_the_failed_step_left_it() {
    let Some(workspace) = workspace() else { return };
    let said = workspace.must_fail(&["build", "app.hb#broken"], 4, "hbuild::exec::step_failed");
    assert!(said.contains("| cc: no such file"), "{said}");
    let commands = "pwd; cat other; readlink link 2>/dev/null || ls -l link; stat -c '%n %a %h %Y' sub/made other sub .; \
                    echo $LEVEL; cat /sorted; ls -d $OUT $OUT_DOC; id -u; echo to stderr >&2; echo $STEP | { read word _; \
                    echo $word; }; echo more > new; rm -f link; exit 7";
    for target in [id_of(&said).as_str(), "app.hb#broken"] {
        let output = shell(&workspace, target, commands);
        let (out, error) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(7), "{out}{error}");
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[..2], ["/build/src", "half"], "{out}{error}");
        assert!(lines[2].contains("link -> sub/made"), "the second time as the first: {out}");
        assert_eq!(lines[3], "sub/made 4750 2 1000000000");
        assert_eq!(lines[4], "other 4750 2 1000000000");
        assert_eq!(lines[5], "sub 500 2 1200000000");
        assert!(lines[6].starts_with(". 755 "));
        assert_eq!(lines[7..], ["9", "apple", "pear", "/out", "/out-doc", "1000", "mkdir"], "{out}");
        assert!(error.contains("step `compile` left it, which exited with status 3"), "{error}");
        assert!(error.contains("to stderr") && error.contains("$STEP"), "{error}");
    }
    workspace.assert_nothing_half_written();
    let again =
        shell(&workspace, "app.hb#broken", "chmod 700 sub; rm -r sub; bash -euo pipefail -c \"$STEP\"");
    assert_eq!(again.status.code(), Some(1), "a hard link is in the way: {}", text(&again.stderr));
}

#[test]
fn what_did_not_fail_is_opened_before_its_first_step() {
    let Some(workspace) = workspace() else { return };
    let commands = "ls -A $OUT; cat list; stat -c %Y list; echo $COLOUR; eval \"$STEP\"; cat $OUT/sorted";
    let output = shell(&workspace, "app.hb#fine", commands);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), "pear\napple\n315532800\nred\napple\npear\n");
    assert!(text(&output.stderr).contains("before its first step `sort`"), "{}", text(&output.stderr));
    // Never executed, and all that it needs has to be made.
    fs::remove_dir_all(workspace.path("store")).unwrap();
    let output = shell(&workspace, "app.hb#broken", "cat /sorted; ls");
    assert_eq!(text(&output.stdout), "apple\npear\nlist\n", "{}", text(&output.stderr));
    assert_eq!(workspace.run(&["log", "app.hb#broken"]).status.code(), Some(2), "no log of it");
    workspace.assert_nothing_half_written();
    // What a success leaves is no state to be opened by its id alone.
    let graph = workspace.must(&["graph", "app.hb#fine", "--format", "json"]);
    let graph: serde_json::Value = serde_json::from_str(&graph).unwrap();
    let id = &graph["roots"][0].as_str().unwrap()[..12];
    workspace.must_fail(&["shell", id], 1, "hbuild::sandbox::no_failure");
}

#[test]
fn a_terminal_is_a_real_one_and_is_given_back() {
    let Some(workspace) = workspace() else { return };
    let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    unlockpt(&own).unwrap();
    let name = ptsname(&own, Vec::new()).unwrap();
    let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC;
    let terminal = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
    let size = Winsize { ws_row: 31, ws_col: 101, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&own, size).unwrap();
    let before = tcgetattr(&terminal).unwrap();
    let stream = || Stdio::from(terminal.try_clone().unwrap());
    let mut command = workspace.command(&["shell", "app.hb#fine"]);
    command.env("TERM", "vt100").stdin(stream()).stdout(stream()).stderr(stream());
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut out = fs::File::from(own.try_clone().unwrap());
    let mut seen = String::new();
    let mut until = |wanted: &str| {
        while !seen.contains(wanted) {
            let mut buffer = [0; 4096];
            let length = out.read(&mut buffer).unwrap();
            seen.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        std::mem::take(&mut seen)
    };
    let kind = |keys: &str| type_in(&own, keys);
    let said = until("[sort] /build/src $ ");
    assert!(said.contains("nothing that is done here is kept"), "{said}");
    let local = tcgetattr(&terminal).unwrap().local_modes;
    assert!(!local.intersects(LocalModes::ICANON | LocalModes::ECHO), "raw while the shell runs");
    kind("tty; shopt -s checkwinsize; (:); echo $TERM $LINES:$COLUMNS $((6*7))\r");
    let said = until("42\r\n");
    assert!(said.contains("/dev/pts/0") && said.contains("vt100 31:101 42"), "{said}");
    // Interrupted by a key, and the shell goes on.
    kind("read line\r");
    until("read line\r\n");
    kind("\x03");
    until("[sort] /build/src $ ");
    // Whoever types waits for the next prompt: the terminal changes its mode before the first.
    kind("\r");
    until("[sort] /build/src $ ");
    kind("echo on: $?; exit 9\r");
    let said = until("exit\r\n");
    assert!(said.contains("on: 130"), "{said}");
    assert_eq!(child.wait().unwrap().code(), Some(9));
    let after = tcgetattr(&terminal).unwrap();
    assert_eq!(after.local_modes, before.local_modes);
    assert_eq!(after.output_modes, before.output_modes);
}

fn type_in(own: &OwnedFd, keys: &str) {
    fs::File::from(own.try_clone().unwrap()).write_all(keys.as_bytes()).unwrap();
}
