//! `hbuild doctor` where the answer is known: here, as another user, and inside what forbids builds.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The program, which every user may run: the target folder may be closed to others.
fn program(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("hbuild");
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    // By a process of its own: what another thread starts meanwhile would hold the file open for writing.
    let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_hbuild")).arg(&path).status();
    assert!(copied.unwrap().success());
    path
}

/// `doctor --json` as the last of `wrapper`'s arguments.
fn doctor(wrapper: &[&str]) -> Output {
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    let program = program(folder.path());
    let mut words = wrapper.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    words.extend([program.display().to_string(), "doctor".to_owned(), "--json".to_owned()]);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("HOME", "/tmp");
    command.env("HBUILD_STORE", folder.path().join("store")).stdin(Stdio::null()).output().unwrap()
}

fn json(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{:?}: {error}", output.status))
}

fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["checks"].as_array().unwrap().iter().find(|check| check["name"] == name).unwrap()
}

/// Whether a wrapper can be run; skips aloud where not.
fn can(wrapper: &[&str]) -> bool {
    let mut command = Command::new(wrapper[0]);
    let done = command.args(&wrapper[1..]).arg("true").stderr(Stdio::null()).status();
    let can = done.is_ok_and(|status| status.success());
    if !can {
        support::skip(&format!("cannot run {wrapper:?}"));
    }
    can
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The status of every check is one of four, and the sum fits them and the exit status.
fn assert_consistent(output: &Output) {
    let report = json(output);
    let statuses: Vec<_> =
        report["checks"].as_array().unwrap().iter().map(|check| check["status"].as_str().unwrap()).collect();
    assert!(statuses.iter().all(|status| ["ok", "limited", "unknown", "refused"].contains(status)));
    let refused = statuses.iter().any(|status| ["unknown", "refused"].contains(status));
    let limited = statuses.contains(&"limited");
    let builds = if refused {
        "refused"
    } else if limited {
        "limited"
    } else {
        "ok"
    };
    assert_eq!(report["builds"], builds);
    assert_eq!(output.status.code(), Some(i32::from(refused)));
}

#[test]
fn it_agrees_with_bwrap() {
    // bwrap makes the same namespaces; where it can, so can hbuild.
    if !can(&["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"]) {
        return;
    }
    let output = doctor(&["env"]);
    assert_consistent(&output);
    let report = json(&output);
    for name in
        ["user-namespace", "mount-namespace", "bind-mount", "pivot-root", "procfs", "tmpfs", "seccomp"]
    {
        assert_eq!(check(&report, name)["status"], "ok", "{report:#}");
    }
}

#[test]
fn root_and_an_ordinary_user_are_told_the_same() {
    let user = ["setpriv", "--reuid=1234", "--regid=1234", "--clear-groups"];
    if !is_root() {
        return support::skip("not root: no other user to become");
    }
    if !can(&user) {
        return;
    }
    let (root, user) = (json(&doctor(&["env"])), json(&doctor(&user)));
    for probe in
        ["user-namespace", "mount-namespace", "pid-namespace", "network-namespace", "procfs", "landlock"]
    {
        assert_eq!(check(&root, probe)["status"], check(&user, probe)["status"], "{probe}");
    }
    assert_eq!(check(&user, "other-user")["found"], "user 1234");
}

#[test]
fn no_more_user_namespaces_are_a_setting() {
    let wrapper =
        ["unshare", "-Ur", "sh", "-euc", "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\"", "sh"];
    if !can(&wrapper) {
        return;
    }
    let output = doctor(&wrapper);
    assert_consistent(&output);
    let report = json(&output);
    assert_eq!(output.status.code(), Some(1));
    let found = check(&report, "user-namespace");
    assert_eq!(found["status"], "refused", "{report:#}");
    assert!(found["found"].as_str().unwrap().contains("No space left"), "{found:#}");
    assert!(found["fixes"][0].as_str().unwrap().contains("user.max_user_namespaces"), "{found:#}");
    assert_eq!(check(&report, "procfs")["status"], "unknown");
    // What needs no namespace is told all the same.
    assert_eq!(check(&report, "seccomp")["status"], "ok");
}

#[test]
fn a_masked_proc_forbids_another_one() {
    let wrapper = ["unshare", "-Urm", "sh", "-euc", "mount -t tmpfs none /proc/irq; exec \"$@\"", "sh"];
    if !can(&wrapper) {
        return;
    }
    let output = doctor(&wrapper);
    assert_consistent(&output);
    let report = json(&output);
    assert_eq!(check(&report, "user-namespace")["status"], "ok", "{report:#}");
    let found = check(&report, "procfs");
    assert_eq!(found["status"], "refused", "{report:#}");
    assert!(found["fixes"][0].as_str().unwrap().contains("/proc"), "{found:#}");
}

#[test]
fn a_chroot_forbids_user_namespaces() {
    let root = tempfile::tempdir_in("/tmp").unwrap();
    let folder = root.path().display().to_string();
    let script = r#"
        for name in usr bin sbin lib lib32 lib64 proc tmp; do
          [ -e /$name ] || continue
          if [ -L /$name ]; then ln -sfn "$(readlink /$name)" "$0/$name"; continue; fi
          mkdir -p "$0/$name"; mount --rbind /$name "$0/$name"
        done
        exec chroot "$0" "$@""#;
    let wrapper = ["unshare", "-m", "sh", "-euc", script, &folder];
    if !is_root() {
        return support::skip("not root: no chroot");
    }
    if !can(&wrapper) {
        return;
    }
    let output = doctor(&wrapper);
    assert_consistent(&output);
    let report = json(&output);
    let found = check(&report, "user-namespace");
    assert_eq!(found["status"], "refused", "{report:#}");
    assert!(found["found"].as_str().unwrap().contains("not permitted"), "{found:#}");
    assert!(found["fixes"][0].as_str().unwrap().contains("outside of the chroot"), "{found:#}");
}

#[test]
fn a_filter_of_system_calls_is_found() {
    // The filter of systemd's units, as bwrap and containers install one: every unshare is refused with EPERM.
    let folder = tempfile::tempdir().unwrap();
    let filter = folder.path().join("filter");
    std::fs::write(&filter, refuse_unshare()).unwrap();
    let script = format!("exec bwrap --dev-bind / / --seccomp 9 \"$@\" 9<{}", filter.display());
    let wrapper = ["sh", "-euc", &script, "sh"];
    if !cfg!(target_arch = "x86_64") || !can(&wrapper) {
        return;
    }
    let output = doctor(&wrapper);
    assert_consistent(&output);
    let report = json(&output);
    let found = check(&report, "user-namespace");
    assert_eq!(found["status"], "refused", "{report:#}");
    let fix = found["fixes"][0].as_str().unwrap();
    assert!(fix.contains("filter") || fix.contains("seccomp"), "{found:#}");
    assert_eq!(check(&report, "personality")["status"], "ok");
}

/// The classic BPF of: `unshare` gives EPERM, anything else is allowed (x86-64).
fn refuse_unshare() -> Vec<u8> {
    let instructions: [(u16, u8, u8, u32); 4] =
        [(0x20, 0, 0, 0), (0x15, 0, 1, 272), (0x06, 0, 0, 0x0005_0000 | 1), (0x06, 0, 0, 0x7fff_0000)];
    let bytes = |(code, yes, no, value): (u16, u8, u8, u32)| {
        let mut bytes = code.to_le_bytes().to_vec();
        bytes.extend([yes, no]);
        bytes.extend(value.to_le_bytes());
        bytes
    };
    instructions.into_iter().flat_map(bytes).collect()
}

#[test]
fn a_store_without_programs_refuses_builds() {
    let Some(disk) = support::disk::Tmpfs::mount("size=1m,noexec") else { return };
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    let output = command.args(["doctor", "--json"]).env("HBUILD_STORE", disk.path("store")).output().unwrap();
    assert_consistent(&output);
    let report = json(&output);
    assert_eq!(check(&report, "store")["status"], "refused");
    assert_eq!(check(&report, "space")["status"], "limited");
    assert!(!disk.path("store").exists(), "asking makes no store");
}

#[test]
fn mirrors_are_shown_without_their_credentials() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    command.arg("doctor").env("HBUILD_DEBIAN_MIRROR", "https://someone:secret@mirror.example/debian");
    let output = command.env("HBUILD_STORE", "/tmp/none").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("https://mirror.example/debian"), "{text}");
    assert!(!text.contains("secret") && !text.contains("someone"), "{text}");
    assert!(!text.contains('\u{1b}'), "colours in a pipe");
}
