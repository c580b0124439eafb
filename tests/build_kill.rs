//! Builds from source whose hbuild, stage, init or commands are killed at any moment: nothing stays behind, the store
//! is whole, and the next run gives the bits of an undisturbed one.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rustix::process::{Pid, Signal, kill_process};
use support::workspace::{Workspace, files, names};
use support::{builds, processes};

/// How often each is killed.
const KILLS: usize = 50;
/// The environment variable with the seed of an earlier run.
const SEED: &str = "HBUILD_TEST_SEED";

/// A graph of builds: three on nothing, one on two of these, one on all, and an image.
const BUILDS: &str = r#"
source words { path = "words" }

build first {
  for distro, arch
  repositories = [test]
  tools  = [tools]
  source = words
  script = """
    mkdir -p $OUT/usr/share/first
    for number in {1..40}; do echo $number > $OUT/usr/share/first/$number; done
    cat list list list > $OUT/usr/share/first/list
    sleep 0.03
    """
}

build second {
  for distro, arch
  repositories = [test]
  tools   = [tools]
  source  = words
  outputs = ["doc"]
  script  = """
    mkdir -p $OUT/usr/share/second
    sleep 0.02
    cat list - < /dev/null > $OUT/usr/share/second/list
    cat list list > $OUT_DOC/twice
    """
}

build third {
  for distro, arch
  repositories = [test]
  tools  = [tools]
  script = """
    mkdir -p $OUT/usr/share/third
    printf '%s\\n' {1..20000} > $OUT/usr/share/third/numbers
    sleep 0.03
    """
}

build fourth {
  for distro, arch
  repositories = [test]
  tools  = [tools, first, second]
  script = """
    mkdir -p $OUT/usr/share/fourth
    cat /usr/share/first/* /usr/share/second/* > $OUT/usr/share/fourth/all
    sleep 0.03
    """
}

build fifth {
  for distro, arch
  repositories = [test]
  tools  = [tools, third, fourth]
  script = """
    mkdir -p $OUT/srv
    sleep 0.03
    cat /usr/share/third/numbers /usr/share/fourth/all > $OUT/srv/all
    """
}

image app {
  for distro, arch
  version      = "1.0"
  repositories = [test]
  packages     = []
  contents     = [fifth, second.doc.at("/opt/words")]
  entrypoint   = ["/usr/bin/none"]
}
"#;

/// A workspace with that recipe, what an undisturbed build gives, and how long it takes.
struct Calm {
    workspace: Workspace,
    expected: Vec<(String, Vec<u8>)>,
    whole: Duration,
    mounts: Vec<String>,
}

impl Calm {
    /// `None`, said aloud, where nothing can be executed.
    fn new() -> Option<Self> {
        let workspace = Workspace::new();
        let tools = ["bash", "cat", "mkdir", "sleep"];
        if !builds::add_tools(&workspace, &tools) {
            return None;
        }
        fs::create_dir(workspace.path("project/words")).unwrap();
        fs::write(workspace.path("project/words/list"), "pear\napple\nfig\n").unwrap();
        workspace.write_recipe(&builds::recipe(BUILDS));
        if !builds::executes(&workspace, "app.hb#third") {
            return None;
        }
        let mut calm = Self { workspace, expected: Vec::new(), whole: Duration::ZERO, mounts: Vec::new() };
        calm.mounts = processes::mounts(&calm.folder());
        // The fastest, for on a busy machine others may last longer by far.
        let run = |calm: &Self| {
            calm.forget();
            let started = Instant::now();
            calm.workspace.must(&["build"]);
            started.elapsed()
        };
        calm.whole = (0..3).map(|_| run(&calm)).min().unwrap();
        calm.expected = calm.made("out");
        assert!(calm.expected.len() > 8);
        Some(calm)
    }

    /// Begins anew: no store and no results.
    fn forget(&self) {
        for folder in ["store", "project/out", "project/out-2"] {
            let folder = self.workspace.path(folder);
            if folder.exists() {
                fs::remove_dir_all(folder).unwrap();
            }
        }
    }

    fn start(&self, out: &str) -> Child {
        let mut command = self.workspace.command(&["build", "-o", out]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn made(&self, out: &str) -> Vec<(String, Vec<u8>)> {
        files(&self.workspace.path("project").join(out))
    }

    fn assert_right(&self, out: &str, when: &str) {
        let made = self.made(out);
        let same = |(name, bytes): &&(String, Vec<u8>)| {
            !self.expected.contains(&((*name).clone(), (*bytes).clone()))
        };
        let other: Vec<&String> = made.iter().filter(same).map(|(name, _)| name).collect();
        assert!(made == self.expected, "{when}: other bits: {other:?}");
    }

    /// That nothing is left of what was killed, and that the next run completes.
    fn assert_recovers(&self, when: &str) {
        processes::assert_gone(&self.folder(), &self.mounts, when);
        let verified = self.workspace.run(&["store", "verify"]);
        let found = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert!(verified.status.success(), "{when}: {found}\n{}", said(&verified));
        self.workspace.must(&["build"]);
        self.assert_right("out", when);
        processes::assert_gone(&self.folder(), &self.mounts, when);
        let store = self.workspace.path("store");
        for folder in ["tmp", "locks", "partial", "failed"] {
            assert_eq!(names(&store.join(folder)), Vec::<String>::new(), "{when}: left in {folder}");
        }
        for name in names(&store.join("exec")).into_iter().filter(|name| name != "empty") {
            let marker = name.strip_suffix(".boot").unwrap_or(&name);
            let length = fs::read(store.join("exec").join(format!("{marker}.boot"))).unwrap().len();
            assert!(length > 0, "{when}: {name} is half made");
        }
        self.workspace.must(&["store", "verify"]);
    }

    fn folder(&self) -> std::path::PathBuf {
        self.workspace.path("store").parent().map(Path::to_owned).unwrap()
    }
}

fn seeded() -> StdRng {
    let given = std::env::var(SEED).ok().map(|seed| seed.parse().unwrap());
    let seed = given.unwrap_or_else(rand::random);
    eprintln!("the seed of this run: {SEED}={seed}");
    StdRng::seed_from_u64(seed)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn hbuild_killed_at_any_moment_leaves_nothing_and_the_next_run_is_right() {
    let Some(calm) = Calm::new() else { return };
    let mut random = seeded();
    let (mut late, mut longest) = (0, Duration::ZERO);
    for round in 0..KILLS {
        let moment = random.gen_range(Duration::ZERO..calm.whole);
        let when = format!("round {round}, killed after {moment:?}");
        calm.forget();
        let mut killed = calm.start("out");
        // Every second time another one builds the same, and goes on where the killed one was.
        let other = (round % 2 == 1).then(|| calm.start("out-2"));
        std::thread::sleep(moment);
        late += usize::from(killed.try_wait().unwrap().is_some());
        let below = processes::below(killed.id());
        killed.kill().unwrap();
        killed.wait().unwrap();
        processes::assert_ended(&below, &when);
        if let Some(other) = other {
            let output = other.wait_with_output().unwrap();
            assert!(output.status.success(), "{when}: {}", said(&output));
            calm.assert_right("out-2", &when);
        }
        let since = Instant::now();
        calm.assert_recovers(&when);
        longest = longest.max(since.elapsed());
    }
    eprintln!(
        "{KILLS} kills in builds of {:?}, {late} too late; recovered in at most {longest:?}",
        calm.whole
    );
    assert!(late < KILLS / 2, "most were killed too late");
}

/// Kills one of the processes below `hbuild`: of its stages, of their inits, or of the commands. Returns all that were
/// there; `None` where there was none to kill.
fn kill_one(hbuild: u32, depth: usize, random: &mut StdRng) -> Option<Vec<(u32, String)>> {
    let found: Vec<u32> = processes::by_depth(hbuild)[depth].iter().copied().collect();
    if found.is_empty() {
        return None;
    }
    let below = processes::below(hbuild);
    let chosen = found[random.gen_range(0..found.len())];
    kill_process(Pid::from_raw(chosen as i32).unwrap(), Signal::KILL).is_ok().then_some(below)
}

#[test]
fn a_build_killed_at_any_moment_leaves_nothing_and_the_next_run_is_right() {
    let Some(calm) = Calm::new() else { return };
    let mut random = seeded();
    let (mut kills, mut failed) = ([0; 3], 0);
    let mut round = 0;
    while kills.iter().sum::<usize>() < KILLS {
        assert!(round < 3 * KILLS, "there was nothing to kill: {kills:?}");
        let depth = round % 3;
        let moment = random.gen_range(Duration::ZERO..calm.whole);
        let when = format!("round {round}, {} killed after {moment:?}", ["stage", "init", "command"][depth]);
        round += 1;
        calm.forget();
        let mut child = calm.start("out");
        std::thread::sleep(moment);
        let hit = loop {
            if let Some(below) = kill_one(child.id(), depth, &mut random) {
                break Some(below);
            }
            if child.try_wait().unwrap().is_some() {
                break None;
            }
            std::thread::sleep(Duration::from_micros(300));
        };
        let output = child.wait_with_output().unwrap();
        kills[depth] += usize::from(hit.is_some());
        processes::assert_ended(hit.as_deref().unwrap_or_default(), &when);
        if output.status.success() {
            calm.assert_right("out", &when);
        } else {
            assert!(hit.is_some(), "{when}: {}", said(&output));
            failed += 1;
            let code = if depth == 2 { "hbuild::exec::step_failed" } else { "hbuild::sandbox::ended" };
            assert!(
                said(&output).contains(code) && said(&output).contains("help:"),
                "{when}: {}",
                said(&output)
            );
            assert!(output.stdout.is_empty(), "{when}");
        }
        calm.assert_recovers(&when);
    }
    eprintln!(
        "{kills:?} stages, inits and commands killed in builds of {:?}: {failed} builds failed",
        calm.whole
    );
    assert!(failed > KILLS / 4, "what is killed is missed: {failed}");
}

#[test]
fn what_several_want_at_once_is_executed_once() {
    let Some(calm) = Calm::new() else { return };
    // Whoever executes it again gets another time.
    let stamp = BUILDS.replace("cat list list list >", "echo $EPOCHREALTIME $RANDOM $SRANDOM >");
    assert_ne!(stamp, BUILDS);
    calm.workspace.write_recipe(&builds::recipe(&stamp));
    calm.forget();
    let alone = built(&calm.start("out").wait_with_output().unwrap());
    for count in [2, 2, 2, 4] {
        calm.forget();
        let children: Vec<Child> =
            (0..count).map(|number| calm.start(&format!("../several-{number}"))).collect();
        let outputs: Vec<Output> =
            children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
        let total: usize = outputs.iter().map(built).sum();
        assert_eq!(total, alone, "each derivation is built by one of them");
        let results = |number: usize| files(&calm.workspace.path(&format!("several-{number}")));
        assert!(results(0).len() > 8);
        assert!((1..count).all(|number| results(number) == results(0)), "they have the same bits");
        calm.workspace.must(&["store", "verify"]);
        processes::assert_gone(&calm.folder(), &calm.mounts, "several");
        for number in 0..count {
            fs::remove_dir_all(calm.workspace.path(&format!("several-{number}"))).unwrap();
        }
    }
}

/// How many derivations a run says that it built; none where it says nothing.
fn built(output: &Output) -> usize {
    let said = said(output);
    assert!(output.status.success(), "{said}");
    let line = said.lines().find(|line| line.contains(" derivations built"));
    line.map_or(0, |line| line.split_whitespace().next().unwrap().parse().unwrap())
}
