//! Builds from source that are asked to stop: by a key of the terminal, or by whoever looks after the machine.

mod support;

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use support::workspace::{Workspace, files};
use support::{builds, processes};

/// Processes that ignore every signal they can, as a hanging `make` with its children.
const BUILD: &str = r#"
build slow {
  for distro, arch
  repositories = [test]
  tools  = [tools]
  script = """
    trap '' INT TERM HUP QUIT
    mkdir $OUT/usr
    stay() { (trap '' INT TERM HUP QUIT; exec -a MARK sleep 2.5) & }
    (stay; stay; wait) &
    stay
    { exec -a MARK sleep 2.5; } &
    printf '%s\n' {1..50000} > $OUT/usr/numbers
    wait
    """
}
"#;

#[test]
fn a_build_that_ignores_signals_is_stopped_at_once_and_the_next_goes_on() {
    let workspace = Workspace::new();
    if !builds::add_tools(&workspace, &["bash", "mkdir", "sleep"]) {
        return;
    }
    let mark = format!("hbuild-stop-{}", std::process::id());
    let fast = "build fast { for distro, arch\n repositories = [test]\n tools = [tools]\n script = \"echo > $OUT/x\" }";
    workspace.write_recipe(&builds::recipe(&format!("{}\n{fast}", BUILD.replace("MARK", &mark))));
    if !builds::executes(&workspace, "app.hb#fast") {
        return;
    }
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut command = workspace.command(&["build", "app.hb#slow", "-o", "slow"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let started = Instant::now();
        while marked(&mark) < 4 {
            assert!(started.elapsed() < Duration::from_secs(30), "it does not begin");
            std::thread::sleep(Duration::from_millis(5));
        }
        let asked = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let took = asked.elapsed();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        eprintln!("{signal:?}: {took:?}");
        assert_eq!(output.status.code(), Some(130), "{said}");
        assert_eq!(marked(&mark), 0, "a process is left after {signal:?}");
        // The promise is half a second; what a loaded machine adds is not hbuild's.
        assert!(took < Duration::from_millis(1500), "{took:?}");
        assert!(said.ends_with("hbuild: stopped\n"), "{said}");
        assert!(output.stdout.is_empty() && !workspace.path("project/slow").exists());
        let folder = workspace.path("store");
        assert!(!processes::mounts(&folder).concat().contains(folder.to_str().unwrap()), "a mount is left");
        workspace.assert_nothing_half_written();
    }
    workspace.must(&["build", "app.hb#slow", "-o", "slow"]);
    let made = files(&workspace.path("project/slow"));
    let (_, numbers) = made.iter().find(|(name, _)| name.ends_with("usr/numbers")).unwrap();
    assert!(numbers.ends_with(b"\n50000\n"));
    workspace.must(&["store", "verify"]);
}

/// How many processes have `mark` as their name.
fn marked(mark: &str) -> usize {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| line.starts_with(mark.as_bytes())).count()
}
