//! A recipe's tests in the finished image: what they see, what becomes of them, and how those are held that mean harm;
//! and commands in images by hand. What files a user may use is held against podman.

mod support;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use support::archive::Package;
use support::builds::ARCH;
use support::oracles::{has, run, write};
use support::workspace::{Workspace, names};
use support::{processes, skip};

/// Programs of busybox that the images have.
const APPLETS: [&str; 12] =
    ["cat", "env", "false", "id", "ls", "mkdir", "rm", "sh", "sleep", "true", "wget", "yes"];

/// The image `app`, whose user is 65532, with these further fields.
fn recipe(fields: &str) -> String {
    format!(
        r#"hbuild 1
for distro in [debian("12")], flavor in [dev], arch in [{ARCH}]

repository test {{
  url        = "http://archive.invalid/test"
  suite      = "stable"
  components = ["main"]
  key        = "archive.asc"
}}

source tools {{ path = "tools" }}

image app {{
  for distro, flavor, arch
  version      = "1.0"
  repositories = [test]
  packages     = []
  contents     = [tools]
  users = {{
    user  = {{ uid = 65532, gid = 65532, home = "/home/user", shell = "/bin/sh", gecos = "" }}
    other = {{ uid = 1234, gid = 1234, home = "/", shell = "/bin/sh", gecos = "" }}
  }}
  groups = {{
    user  = {{ gid = 65532 }}
    other = {{ gid = 1234 }}
    extra = {{ gid = 777, members = ["user"] }}
  }}
  run-as     = "user"
  env        = {{ GREETING = "hello" }}
  entrypoint = ["/bin/sh", "-c"]
  cmd        = ["echo from the config"]
  waive elf-pie {{ because = "busybox" }}
  {fields}
}}
"#
    )
}

/// A workspace with [`recipe`], locked; `None`, said aloud, where there is no busybox.
fn workspace(fields: &str) -> Option<Workspace> {
    let Some(busybox) =
        ["/bin/busybox", "/usr/bin/busybox"].map(Path::new).into_iter().find(|it| it.exists())
    else {
        skip("no busybox for an image");
        return None;
    };
    let workspace = Workspace::with(vec![Package::new("app", "1.0-1")]);
    let tools = workspace.path("project/tools/bin");
    fs::create_dir_all(&tools).unwrap();
    fs::copy(busybox, tools.join("busybox")).unwrap();
    for applet in APPLETS {
        std::os::unix::fs::symlink("busybox", tools.join(applet)).unwrap();
    }
    workspace.write_recipe(&recipe(fields));
    workspace.must(&["lock"]);
    Some(workspace)
}

/// Runs `build`; `None`, said aloud, where tests cannot be run on this machine.
fn build(workspace: &Workspace, arguments: &[&str]) -> Option<Output> {
    let output = workspace.run(&[&["build"], arguments].concat());
    let said = errors(&output);
    if said.contains("tests not run") {
        skip(&format!("no sandbox here: {said}"));
        return None;
    }
    Some(output)
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The statements about tests in the layout of `app`.
fn statements(workspace: &Workspace) -> Vec<Value> {
    let blobs = workspace.path("project/out/app/blobs/sha256");
    let read = |name: String| serde_json::from_slice::<Value>(&fs::read(blobs.join(name)).ok()?).ok();
    let all = names(&blobs).into_iter().filter_map(read);
    all.filter(|value| value["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1").collect()
}

#[test]
fn what_passed_is_stated_and_not_run_again() {
    let fields = r##"
  test "greets" { run = ["echo-it"], stdout = equals("hello\n"), status = 3 }
  test "fails as it should" { run = ["/bin/false"]; status = 1 }
  test "says errors" { run = ["sh", "-c", "echo oops >&2; cat"]; stderr = contains("oops"); stdout = equals("") }
  test "has its environment" {
    run    = ["env"]
    stdout = equals("GREETING=hello\nHOME=/home/user\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n")
  }
  paths = { "/bin/echo-it" = file(text = "#!/bin/sh\necho \"$GREETING\"; exit 3\n", mode = 0o755) }
"##;
    let Some(workspace) = workspace(fields) else { return };
    let Some(output) = build(&workspace, &["--json"]) else { return };
    assert!(output.status.success(), "{}", errors(&output));
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(results[0]["tests"]["passed"], 4);
    let found = statements(&workspace);
    let [statement] = found.as_slice() else { panic!("{found:?}") };
    let manifest = results[0]["digest"].as_str().unwrap();
    assert_eq!(statement["subject"][0]["digest"]["sha256"], manifest.trim_start_matches("sha256:"));
    let predicate = &statement["predicate"];
    assert_eq!(predicate["result"], "PASSED");
    let passed = ["greets", "fails as it should", "says errors", "has its environment"];
    assert_eq!(predicate["passedTests"], serde_json::json!(passed));
    assert_eq!(predicate["failedTests"], serde_json::json!([]));
    let annotations = &predicate["configuration"][0]["annotations"];
    assert_eq!(annotations["user"], "65532:65532");
    assert_eq!(annotations["tests"][0]["stdout"]["equals"], "hello\n");
    validate(statement);

    // A line more above them changes no place in the result, and no test is run.
    workspace.write_recipe(&recipe(fields).replace("image app", "\n\nimage app"));
    let again = workspace.must(&["test", "--json"]);
    let lines: Value = serde_json::from_str(&again).unwrap();
    assert_eq!(lines.as_array().unwrap().len(), 4);
    assert_eq!((&lines[1]["test"], &lines[1]["result"]), (&"fails as it should".into(), &"passed".into()));
    let offline = workspace.run(&["build", "--json"]);
    assert!(!errors(&offline).contains("tests of app"), "{}", errors(&offline));

    workspace.must(&["build", "--no-tests"]);
    assert_eq!(statements(&workspace), Vec::<Value>::new());
    // For another architecture they are not run, and nothing is stated.
    let other = if ARCH == "amd64" { "arm64" } else { "amd64" };
    let text = recipe(fields).replace(&format!("arch in [{ARCH}]"), &format!("arch in [{other}]"));
    workspace.write_recipe(&text.replace("contents     = [tools]", "waive elf-closure { because = \"x\" }"));
    workspace.assert_nothing_half_written();
}

/// Holds a statement against the protocol buffers of in-toto.
fn validate(statement: &Value) {
    let folder = support::oracles::folder();
    if has("in-toto-validate") {
        let path = write(&folder, "tests.json", statement.to_string().as_bytes());
        run(Command::new("in-toto-validate").arg(path));
    }
}

#[test]
fn a_test_that_fails_leaves_its_log_and_nothing_else() {
    let fields = r#"
  test "passes" { run = ["true"] }
  test "says another thing" { run = ["sh", "-c", "printf 'good\\033[31mbye\\n'"]; stdout = contains("hello") }
  test "has another status" { run = ["sh", "-c", "exit 4"]; status = 5 }
  test "is not there" { run = ["/bin/none", "--help"] }
  test "is killed" { run = ["sh", "-c", "kill -SEGV $$"] }
"#;
    let Some(workspace) = workspace(fields) else { return };
    let Some(output) = build(&workspace, &[]) else { return };
    let said = errors(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let said = said.replace(['│', '\n'], " ");
    let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "hbuild::test::failed",
        "4 of 5 tests failed",
        "test `says another thing` at app.hb:",
        "expected somewhere \"hello\"",
        "goodbye",
        "it exited with status 4, expected was status 5",
        "it could not be started: /bin/none",
        "it was killed by signal SIGSEGV, expected was status 0",
    ] {
        assert!(said.contains(part), "no {part} in:\n{said}");
    }
    assert!(!said.contains('\u{1b}') && !said.contains("test `passes`"), "{said}");
    assert_eq!(names(&workspace.path("project/out")), Vec::<String>::new());
    workspace.assert_nothing_half_written();
    let id = said.split("`hbuild log ").nth(1).unwrap().split('`').next().unwrap().to_owned();
    let log = workspace.must(&["log", &id]);
    assert!(log.contains("test `passes` passed") && log.contains("good\u{1b}[31mbye"), "{log}");
    // Nothing is kept of a failure: the table comes from a second run, and names each.
    let tested = workspace.run(&["test"]);
    assert_eq!(tested.status.code(), Some(1));
    assert!(printed(&tested).ends_with("1 passed, 4 failed\n"), "{}", printed(&tested));
    workspace.must(&["build", "--no-tests"]);
    workspace.write_recipe(&recipe(r#"test "passes" { run = ["true"] }"#));
    workspace.must(&["build"]);
    assert_eq!(statements(&workspace).len(), 1);
}

#[test]
fn tests_that_mean_harm_are_held() {
    let listener = TcpListener::bind("127.0.0.1:0").ok();
    let port = listener.as_ref().and_then(|it| it.local_addr().ok()).map_or(1, |address| address.port());
    let fields = r#"
  test "never ends" { run = ["sleep", "8765"] }
  test "says too much" { run = ["yes"] }
  test "says too many errors" { run = ["sh", "-c", "yes >&2"] }
  test "forks" { run = ["sh", "-c", "b() { b | b & b; }; b"] }
  test "fills the disk" { run = ["sh", "-c", "yes > /tmp/x"] }
  test "reaches out" { run = ["wget", "-T", "2", "-q", "-O", "-", "http://127.0.0.1:PORT/"] }
  test "leaves processes" { run = ["sh", "-c", "(sleep 8764 &) ; echo started"]; stdout = equals("started\n") }
  test "sees nothing of hbuild" {
    run    = ["sh", "-c", "ls /proc | grep -c '^[0-9]'; cat /proc/1/environ; env | grep -c HBUILD"]
    status = 1
  }
  paths = { "/tmp" = directory(mode = 0o1777) }
"#
    .replace("PORT", &port.to_string());
    let Some(workspace) = workspace(&fields) else { return };
    let limits = ["--test-time", "2", "--build-processes", "32", "--build-space", "16M"];
    let mut command = workspace.command(&[&["test", "--json"], limits.as_slice()].concat());
    let output = command.env("HBUILD_SECRET", "swordfish").output().unwrap();
    let said = errors(&output);
    if said.contains("hbuild::sandbox::") {
        return skip(&format!("no sandbox here: {said}"));
    }
    let lines: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |name: &str| {
        let line = lines.as_array().unwrap().iter().find(|line| line["test"] == name).unwrap();
        (line["result"] == "passed", line["problems"].to_string())
    };
    for (name, problem) in [
        ("never ends", "took longer than 2 s"),
        ("says too much", "standard output: more than 4 MiB"),
        ("says too many errors", "standard error: more than 4 MiB"),
        ("fills the disk", "used up its space"),
        ("reaches out", "expected was status 0"),
    ] {
        let (passed, problems) = of(name);
        assert!(!passed && problems.contains(problem), "{name}: {problems}");
    }
    assert!(!of("forks").0, "{lines}");
    assert!(of("leaves processes").0, "{said}");
    assert!(!said.contains("swordfish"), "{said}");
    if let Some(listener) = listener {
        listener.set_nonblocking(true).unwrap();
        assert!(listener.accept().is_err(), "a test reached a server of the host");
    }
    assert_eq!(processes::around(&workspace.path("")), Vec::<String>::new());
    let sleeping = || Command::new("pgrep").args(["-f", "^sleep 876[45]"]).output();
    if let Ok(found) = sleeping() {
        assert_eq!(printed(&found), "", "a test left processes");
    }
    workspace.assert_nothing_half_written();
}

/// What a shell finds that it may do with each of the paths below `/c`: read, write, enter or execute.
const PROBE: &str = r#"
for p in /c/* /c/*/in; do
  r=- w=- x=-
  if [ -d "$p" ]; then
    ls "$p" > /dev/null 2>&1 && r=r
    (cd "$p") 2> /dev/null && x=x
    mkdir "$p/.new" 2> /dev/null && w=w
  else
    cat "$p" > /dev/null 2>&1 && r=r
    "$p" 2> /dev/null && x=x
    (: >> "$p") 2> /dev/null && w=w
  fi
  echo "$p $r$w$x"
done
"#;

/// Files and directories of all owners and groups with these modes, as rules of `paths`; each directory has a file of
/// root's that everybody may read.
fn modes() -> String {
    let mut rules = Vec::new();
    for owner in ["root", "user", "other"] {
        for group in ["root", "user", "extra"] {
            for mode in ["700", "070", "007", "640", "751", "555", "000", "770", "222"] {
                let attributes = format!("owner = \"{owner}\", group = \"{group}\", mode = 0o{mode}");
                let name = format!("{owner}-{group}-{mode}");
                rules.push(format!("\"/c/f-{name}\" = file(text = \"#!/bin/sh\\n\", {attributes})"));
                rules.push(format!("\"/c/d-{name}\" = directory({attributes})"));
                rules.push(format!("\"/c/d-{name}/in\" = file(text = \"#!/bin/sh\\n\", mode = 0o755)"));
            }
        }
    }
    let rules = rules.join("\n    ");
    let accounts = "users.root = { uid = 0, gid = 0, home = \"/root\", shell = \"/bin/sh\", gecos = \"\" }\n  \
                    groups.root = { gid = 0 }";
    let waived = "waive world-writable { because = \"to be tried\" }";
    format!("{accounts}\n  {waived}\n  paths = {{\n    \"/c\" = directory()\n    {rules}\n  }}")
}

#[test]
fn files_have_the_access_that_podman_gives() {
    let Some(workspace) = workspace(&modes()) else { return };
    workspace.must(&["build", "--no-tests"]);
    let image = format!("out/app:1.0-debian12-dev-{ARCH}");
    let podman = Podman::new(&workspace, &image);
    for user in ["65532:65532", "65532", "0"] {
        let output = workspace.run(&["run", &image, "--user", user, "--", "/bin/sh", "-c", PROBE]);
        if errors(&output).contains("hbuild::sandbox::") {
            return skip(&format!("no sandbox here: {}", errors(&output)));
        }
        let ours = printed(&output);
        assert!(ours.lines().count() > 160, "{ours}{}", errors(&output));
        let Some(theirs) = podman.as_ref().and_then(|podman| podman.run(user, PROBE)) else { return };
        // Only directories are writable, with what is in them; for root, none of these.
        let comparable = |text: &str| -> Vec<String> {
            let plain = |line: &str| match (line.starts_with("/c/d-"), user) {
                (true, "0") | (false, _) => line.replace('w', "-"),
                (true, _) => line.to_owned(),
            };
            text.lines().map(plain).collect()
        };
        let (ours, theirs) = (comparable(&ours), comparable(&theirs));
        let differ: Vec<_> = ours.iter().zip(&theirs).filter(|(ours, theirs)| ours != theirs).collect();
        assert!(differ.is_empty() && ours.len() == theirs.len(), "as {user}: {differ:#?}");
    }
    workspace.assert_nothing_half_written();
}

/// podman with a storage of its own, and an image in it.
struct Podman<'a> {
    workspace: &'a Workspace,
    image: String,
}

impl<'a> Podman<'a> {
    fn new(workspace: &'a Workspace, image: &str) -> Option<Self> {
        let mut podman = Self { workspace, image: String::new() };
        let pulled = podman.command(&["pull", "-q", &format!("oci:{image}")]);
        match pulled {
            Some(id) => podman.image = id.trim().to_owned(),
            None => {
                skip("no podman");
                return None;
            }
        }
        Some(podman)
    }

    fn run(&self, user: &str, script: &str) -> Option<String> {
        let arguments = [
            "--runtime",
            "runc",
            "run",
            "--rm",
            "--network",
            "none",
            "--ulimit",
            "nofile=512:512",
            "--ulimit",
            "nproc=512:512",
            "--user",
            user,
            "--entrypoint",
            "/bin/sh",
            &self.image,
            "-c",
            script,
        ];
        let printed = self.command(&arguments);
        if printed.is_none() {
            skip("podman runs no container here");
        }
        printed
    }

    fn command(&self, arguments: &[&str]) -> Option<String> {
        let part = |name: &str| self.workspace.path("podman").join(name);
        let output = Command::new("podman")
            .arg("--root")
            .arg(part("root"))
            .arg("--runroot")
            .arg(part("run"))
            .arg("--tmpdir")
            .arg(part("tmp"))
            .args(["--storage-driver", "overlay", "--events-backend", "file", "--cgroup-manager", "cgroupfs"])
            .args(arguments)
            .current_dir(self.workspace.path("project"))
            .output()
            .ok()?;
        if !output.status.success() {
            eprintln!("podman {arguments:?}: {}", errors(&output));
            return None;
        }
        Some(printed(&output))
    }
}

#[test]
fn a_command_runs_in_an_image_and_leaves_nothing() {
    let fields = r#"
  paths = {
    "/data"      = directory(owner = "user")
    "/data/kept" = file(text = "kept\n", owner = "user", mode = 0o600)
    "/closed"    = directory(mode = 0o700)
    "/closed/in" = file(text = "x")
  }
  work-dir = "/data"
"#;
    let Some(workspace) = workspace(fields) else { return };
    workspace.must(&["build"]);
    let image = "out/app:1.0-debian12-dev";
    let probe = workspace.run(&["run", image]);
    if errors(&probe).contains("hbuild::sandbox::") {
        return skip(&format!("no sandbox here: {}", errors(&probe)));
    }
    assert_eq!((printed(&probe).as_str(), probe.status.code()), ("from the config\n", Some(0)));
    let script = "id -u; id -g; pwd; cat; echo error >&2; cat kept; echo more >> kept; cat kept; exit 9";
    let mut command = workspace.command(&["run", image, "--", "sh", "-c", script]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"typed\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(printed(&output), "65532\n65532\n/data\ntyped\nkept\nkept\nmore\n");
    assert_eq!((errors(&output).as_str(), output.status.code()), ("error\n", Some(9)));
    let said = |arguments: &[&str]| {
        let output = workspace.run(&[&["run", image], arguments].concat());
        (printed(&output), output.status.code())
    };
    let script = "echo $ONE $GREETING; pwd; id -u; id -g; cat /data/kept || cat /closed/in";
    let options = ["--user", "other", "-e", "ONE=1", "-w", "/bin", "--", "sh", "-c", script];
    assert_eq!(said(&options), ("1 hello\n/usr/bin\n1234\n1234\n".to_owned(), Some(1)));
    assert_eq!(said(&["--user", "0", "--", "cat", "/closed/in"]), ("x".to_owned(), Some(0)));
    assert_eq!(said(&["--network", "loopback", "--", "cat", "/sys/x"]).1, Some(1));
    let failed = workspace.run(&["run", image, "--", "none"]);
    assert!(errors(&failed).contains("hbuild::sandbox::command"), "{}", errors(&failed));
    let unknown = workspace.run(&["run", image, "--user", "nobody-here", "--", "true"]);
    assert!(errors(&unknown).contains("hbuild::image::unknown_account"), "{}", errors(&unknown));
    workspace.assert_nothing_half_written();
}

#[test]
fn an_interrupt_ends_a_command_and_all_it_started() {
    let Some(workspace) = workspace("") else { return };
    workspace.must(&["build"]);
    let script = "(sleep 8763 &); echo ready; sleep 8763";
    let mut command = workspace.command(&["run", "out/app:1.0-debian12-dev", "--", "sh", "-c", script]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut ready = [0; 6];
    if std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut ready).is_err() {
        let output = child.wait_with_output().unwrap();
        return skip(&format!("no sandbox here: {}", errors(&output)));
    }
    let running = processes::below(child.id());
    assert!(running.len() >= 3, "{running:?}");
    let since = Instant::now();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(child.id() as i32).unwrap(),
        rustix::process::Signal::INT,
    )
    .unwrap();
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(since.elapsed() < Duration::from_secs(10));
    processes::assert_ended(&running, "after an interrupt");
    workspace.assert_nothing_half_written();
}
