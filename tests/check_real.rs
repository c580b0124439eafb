//! Builds checked for determinism with real sandboxes: habits that make a build differ from one execution to the next
//! are found and named, and what a sandbox hides stays the same.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use support::archive::Package;
use support::builds::{ARCH, add_tools, executes, recipe};
use support::skip;
use support::workspace::{Workspace, files};

const TOOLS: [&str; 16] = [
    "bash", "cat", "date", "df", "find", "id", "ln", "ls", "mkdir", "mktemp", "nproc", "stat", "touch",
    "uname", "ar", "gzip",
];

/// Scripts that give the same again: what they look at is the same in every sandbox.
const STABLE: &[(&str, &str)] = &[
    ("name", "uname -n > $OUT/f; echo $HOSTNAME >> $OUT/f"),
    ("user", "id > $OUT/f"),
    ("place", "pwd > $OUT/f; echo $SRC $OUT $HOME $TMPDIR $PATH >> $OUT/f"),
    ("epoch", "echo $SOURCE_DATE_EPOCH > $OUT/f"),
    (
        "owners",
        "stat -c '%n %u %g %a %F' / /usr /usr/bin /usr/bin/bash /build /out /tmp $SRC $SRC/* > $OUT/f",
    ),
    (
        "times",
        "cat $SRC/fig; t=$(stat -c '%n %X %Y' /usr /usr/bin/bash /build /out $SRC $SRC/*); echo $t > $OUT/f",
    ),
    ("glob", "echo $SRC/* /usr/bin/* > $OUT/f"),
    ("machine", "cat /proc/cpuinfo /proc/meminfo /proc/version /sys/* > $OUT/f 2>&1 || true"),
    ("processes", "echo $$ $PPID > $OUT/f"),
    ("limits", "ulimit -a > $OUT/f; umask >> $OUT/f"),
    ("written", "touch $OUT/a; stat -c %a $OUT/a > $OUT/f"),
    ("addresses", "probe > $OUT/f"),
    ("dictionary", "python3 -S -c 'print({str(i): i for i in range(9)})' > $OUT/f"),
    ("seeded", "PYTHONHASHSEED=1 python3 -S -c 'print({str(i) for i in range(9)})' > $OUT/f"),
];

/// Scripts that do not: a clock, a random number, or one of the circumstances that are varied.
const VARYING: &[(&str, &str)] = &[
    ("clock", "date +%N > $OUT/f"),
    ("second", "date +%s > $OUT/f"),
    ("uptime", "read -ra all < /proc/self/stat; echo ${all[21]} > $OUT/f"),
    ("random", "echo $RANDOM $RANDOM $RANDOM > $OUT/f"),
    ("cores", "nproc > $OUT/f"),
    ("jobs", "echo $JOBS > $OUT/f"),
    ("list", "ls -U $SRC > $OUT/f"),
    ("walk", "find $SRC > $OUT/f"),
    ("root-list", "ls -U /usr/bin > $OUT/f"),
    ("root-device", "stat -c '%d %i' /usr/bin/bash > $OUT/f"),
    ("mounts", "cat /proc/self/mountinfo > $OUT/f"),
    ("temporary", "mktemp -u XXXXXXXXXX > $OUT/f"),
    ("file-name", "mktemp $OUT/XXXXXXXXXX"),
    ("link", "ln -s $RANDOM$RANDOM $OUT/link"),
    ("space", "df --output=size /build > $OUT/f"),
    ("hash", "python3 -S -c 'print({str(i) for i in range(99)})' > $OUT/f"),
];

/// Prints addresses of its own code and data, of the stack, the heap and the C library.
const PROBE: &str = r#"#include <stdio.h>
#include <stdlib.h>
static int data;
int main(void) {
    int local;
    printf("%p %p %p %p %p\n", (void *)main, (void *)&data, (void *)&local, malloc(9), malloc(1 << 20));
    return 0;
}
"#;

fn build(name: &str, script: &str) -> String {
    let script = script.replace('\n', "\n    ");
    format!(
        "\nbuild {name} {{\n  for distro, arch\n  repositories = [test]\n  tools   = [tools]\n  source  = words\n  \
         script  = \"\"\"\n    {script}\n    \"\"\"\n}}\n"
    )
}

/// Adds the library of Python as far as it is in Python, and a probe of addresses; whether they could be had.
fn add_programs(workspace: &Workspace) -> bool {
    let Ok(python) = fs::canonicalize("/usr/bin/python3") else {
        skip("the host has no /usr/bin/python3 for a root");
        return false;
    };
    let library = Path::new("/usr/lib").join(python.file_name().unwrap());
    let place = workspace.path("project/tools").join(library.strip_prefix("/").unwrap());
    for folder in ["", "collections", "encodings", "importlib", "re", "urllib", "lib-dynload"] {
        let Ok(entries) = fs::read_dir(library.join(folder)) else { continue };
        fs::create_dir_all(place.join(folder)).unwrap();
        for entry in entries.map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_file()) {
            fs::copy(entry.path(), place.join(folder).join(entry.file_name())).unwrap();
        }
    }
    let source = workspace.path("probe.c");
    fs::write(&source, PROBE).unwrap();
    let probe = workspace.path("project/tools/usr/bin/probe");
    let compiled = Command::new("cc").args([source.as_path(), Path::new("-o"), &probe]).status();
    if !compiled.is_ok_and(|status| status.success()) {
        skip("the host has no C compiler for a probe of addresses");
        return false;
    }
    add_tools(workspace, &["python3"])
}

/// A workspace with the folder `words` and these builds; `None`, said aloud, where nothing can be executed.
fn workspace(builds: &[(&str, &str)], rest: &str) -> Option<Workspace> {
    let workspace = Workspace::new();
    if !add_tools(&workspace, &TOOLS) || !add_programs(&workspace) {
        return None;
    }
    let words = workspace.path("project/words");
    fs::create_dir_all(words.join("folder")).unwrap();
    for name in ["apple", "fig", "pear", "folder/quince", "folder/sloe"] {
        fs::write(words.join(name), name).unwrap();
    }
    let builds = [&[("first", "echo > $OUT/f")], builds].concat();
    let text: String = builds.iter().map(|(name, script)| build(name, script)).collect();
    workspace.write_recipe(&recipe(&format!("source words {{ path = \"words\" }}\n{text}{rest}")));
    executes(&workspace, "app.hb#first").then_some(workspace)
}

/// The records and the objects of the store.
fn kept(workspace: &Workspace) -> Vec<(String, Vec<u8>)> {
    ["records", "memo", "objects"]
        .iter()
        .flat_map(|name| files(&workspace.path("store").join(name)))
        .collect()
}

/// Runs a check that must find something; what it says of each build, by name.
fn check_fails(workspace: &Workspace, target: &str) -> (String, BTreeMap<String, String>) {
    let output = workspace.run(&["build", target, "--check"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("hbuild::exec::not_reproducible") && said.contains("help:"), "{said}");
    let of = |part: &str| {
        let (name, rest) = part.split_once(' ')?;
        rest.starts_with(&format!("{ARCH} debian12 differs")).then(|| (name.to_owned(), rest.to_owned()))
    };
    let found = said.split("× build ").filter_map(of).collect();
    (said, found)
}

#[test]
fn what_differs_is_named_and_what_a_sandbox_hides_does_not() {
    let Some(workspace) = workspace(&[STABLE, VARYING].concat(), "") else { return };
    workspace.must(&["build"]);
    let before = kept(&workspace);
    let (said, found) = check_fails(&workspace, ".");
    assert_eq!(kept(&workspace), before, "records and objects of the first executions stand alone");
    let cores = std::thread::available_parallelism().unwrap().get();
    for (name, _) in VARYING.iter().filter(|(name, _)| *name != "cores" || cores > 1) {
        let text = found.get(*name).unwrap_or_else(|| panic!("{name} is not found to differ:\n{said}"));
        let kept = workspace.path(&format!("project/out/{name}-{ARCH}-debian12.check"));
        assert_ne!(fs::read_dir(kept.join("first")).unwrap().count(), 0);
        let [first, second] = ["first/f", "second/f"].map(|file| fs::read(kept.join(file)).ok());
        match first.zip(second) {
            Some((first, second)) => {
                let offset = first.iter().zip(&second).take_while(|(one, other)| one == other).count();
                assert!(text.contains(&format!("/f: differs at byte {offset}: ")), "{text}");
                assert_eq!(
                    first,
                    fs::read(workspace.path(&format!("project/out/{name}-debian12-{ARCH}/f"))).unwrap()
                );
            }
            None => assert!(["file-name", "link"].contains(name), "{text}"),
        }
    }
    assert!(found["jobs"].contains("`1\\n`") && found["jobs"].contains("`2\\n`"), "{}", found["jobs"]);
    assert!(found["link"].contains("/link: a link to `"), "{}", found["link"]);
    assert!(found["file-name"].contains("made by the second execution alone"), "{}", found["file-name"]);
    for (name, _) in STABLE {
        assert!(!found.contains_key(*name), "{name} differs:\n{said}");
    }
    let missing = workspace.must(&["log", "--record", "app.hb#addresses"]);
    assert!(missing.contains("\"fixed-addresses\": true"), "{missing}");
}

const DEBRIS: &str = r#"mkdir $OUT/usr
cd $OUT/usr
echo member > member; touch -d @$EPOCHSECONDS member
ar rcU libdated.a member
gzip -k member
echo 'x = 1' > m.py
python3 -S -c 'import py_compile; py_compile.compile("m.py", cfile="m.pyc", invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)'
echo '# libtool' > libx.la"#;

const NAMED: &str = r#"echo member > $OUT/member; cd $OUT
ar rcTU libthin.a member
python3 -S -c 'import zipfile; zipfile.ZipFile("a.jar", "w").write("member")'"#;

const IMAGE: &str = r#"
image app {
  for distro, arch
  version    = "1.0"
  repositories = [test]
  packages   = []
  contents   = [debris]
  entrypoint = ["/usr/bin/none"]
}
"#;

#[test]
fn debris_is_taken_out_or_named() {
    let Some(workspace) = workspace(&[("debris", DEBRIS), ("named", NAMED)], IMAGE) else { return };
    let warned = |said: &str, what: &str| said.lines().filter(|line| line.contains(what)).count();
    let shown = workspace.run(&["build", "app.hb#debris", "--check"]);
    let said = String::from_utf8_lossy(&shown.stderr).into_owned();
    assert!(shown.status.success(), "{said}");
    assert_eq!(warned(&said, "/out/usr/libx.la: a libtool archive names"), 1, "{said}");
    let record = workspace.must(&["log", "--record", "app.hb#debris"]);
    assert_eq!(warned(&record, "/out/usr/libx.la: a libtool archive names"), 1, "{record}");

    let (said, found) = check_fails(&workspace, "app.hb#named");
    assert!(found["named"].contains("/a.jar: differs at byte"), "{said}");
    for what in
        ["/out/a.jar: a zip archive keeps the times", "/out/libthin.a: a thin archive keeps the times"]
    {
        assert_eq!(warned(&said, what), 1, "{said}");
    }

    let images = [1, 2].map(|number| {
        fs::remove_dir_all(workspace.path("store")).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(1100));
        let folder = workspace.path(&format!("image-{number}"));
        workspace.must(&["build", "app.hb#app", "-o", folder.to_str().unwrap()]);
        files(&folder)
    });
    assert!(images[0] == images[1], "the same image from an empty store");
}

/// A package with a tool, whatever else is in it.
fn greeter(version: &str, documentation: &str, text: &str) -> Package {
    let mut package = Package::new("greeter", version)
        .file("usr/bin/greeting", &format!("#!/bin/bash\necho {text}\n"))
        .file("usr/share/doc/greeter/changelog", documentation)
        .file("usr/share/man/man1/greeting.1", documentation);
    package.arch = "all".to_owned();
    package
}

const GREETING: &str = r#"
source words {
  path    = "words"
  patches = ["fix.patch"]
}

build greeting {
  for distro, arch
  repositories = [test]
  tools   = [tools, "greeter"]
  source  = words
  env     = { SIGN = "!" }
  script  = "bash /usr/bin/greeting > $OUT/said; cat list >> $OUT/said; echo $SIGN >> $OUT/said"
}

build after {
  for distro, arch
  repositories = [test]
  tools   = [tools, greeting]
  script  = "cat /said > $OUT/after"
}
"#;

const PATCH: &str = "--- a/list\n+++ b/list\n@@ -1,2 +1,3 @@\n pear\n apple\n+fig\n";

/// What is executed to build everything again, and nothing else that was not there before.
fn executed(workspace: &Workspace, arguments: &[&str]) -> Vec<String> {
    let output = workspace.run(&[&["build"], arguments].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let started = said.lines().filter_map(|line| line.strip_prefix("build ")?.strip_suffix(" ..."));
    let mut names: Vec<String> = started.map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_build_runs_again_only_where_what_it_sees_is_another() {
    let mut workspace = Workspace::with(vec![greeter("1.0-1", "first\n", "hello")]);
    if !add_tools(&workspace, &["bash", "cat", "patch"]) {
        return;
    }
    let project = workspace.path("project");
    fs::create_dir(project.join("words")).unwrap();
    fs::write(project.join("words/list"), "pear\napple\n").unwrap();
    fs::write(project.join("fix.patch"), PATCH).unwrap();
    workspace.write_recipe(&recipe(GREETING));
    if !executes(&workspace, "app.hb#greeting") {
        return;
    }
    assert_eq!(executed(&workspace, &[]), ["after"]);
    assert_eq!(executed(&workspace, &["--jobs", "1"]), [""; 0], "the number of jobs is no input");
    let mut hour = 10;
    let mut publish = |package: Package| {
        hour += 1;
        workspace.archive.date = format!("Sun, 11 Jan 2026 {hour}:00:00 UTC");
        workspace.archive.packages = vec![package];
        workspace.archive.publish();
        let said = workspace.must(&["lock", "--update"]);
        executed(&workspace, &[]).join(" ") + if said.contains("greeter") { "" } else { " unlocked" }
    };
    assert_eq!(
        publish(greeter("1.0-2", "second\n", "hello")),
        "",
        "version, documentation and times are no inputs"
    );
    assert_eq!(publish(greeter("1.0-3", "second\n", "bye")), "after greeting", "the tool is another");
    assert_eq!(publish(greeter("1.0-4", "second\n", "\"bye\"")), "greeting", "its outputs are the same");

    fs::write(project.join("fix.patch"), PATCH.replace("fig", "sloe")).unwrap();
    assert_eq!(executed(&workspace, &[]), ["after", "greeting"], "the patch is another");
    workspace.write_recipe(&recipe(&GREETING.replace("SIGN = \"!\"", "SIGN = \"?\"")));
    assert_eq!(executed(&workspace, &[]), ["after", "greeting"], "the environment is another");
    workspace.write_recipe(&recipe(&GREETING.replace("echo $", "echo   $")));
    assert_eq!(
        executed(&workspace, &[]),
        ["greeting"],
        "another script, and the same outputs as once before"
    );
}
