//! What of other processes can be seen in /proc: their children, and what leads from them to a folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the kernel may take to end what was killed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The processes that any thread of `parent` started and that are there still.
pub fn children(parent: u32) -> BTreeSet<u32> {
    let tasks = fs::read_dir(format!("/proc/{parent}/task")).into_iter().flatten().flatten();
    let lists = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().map(|word| word.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

/// The processes below `parent` by depth: its children, theirs, and all that are deeper.
pub fn by_depth(parent: u32) -> [BTreeSet<u32>; 3] {
    let below = |set: &BTreeSet<u32>| -> BTreeSet<u32> { set.iter().flat_map(|id| children(*id)).collect() };
    let first = children(parent);
    let second = below(&first);
    let mut deeper = BTreeSet::new();
    let mut next = below(&second);
    while !next.is_empty() {
        deeper.extend(&next);
        next = below(&next);
    }
    [first, second, deeper]
}

/// All processes below `parent`, each with the time it started at, so that a number used again is no mistake. Init
/// and commands of a sandbox show nothing else by which they could be found once their parents are gone.
pub fn below(parent: u32) -> Vec<(u32, String)> {
    let all = by_depth(parent).into_iter().flatten();
    all.filter_map(|id| Some((id, started(id)?))).collect()
}

/// When a living process started, in ticks since the machine did.
fn started(id: u32) -> Option<String> {
    let state = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = state.rsplit_once(')')?.1.split_whitespace();
    let dead = matches!(fields.next()?, "Z" | "X");
    fields.nth(18).filter(|_| !dead).map(str::to_owned)
}

/// Asserts that none of `processes` lives any more.
pub fn assert_ended(processes: &[(u32, String)], when: &str) {
    let since = Instant::now();
    let lives = |(id, start): &&(u32, String)| started(*id).as_ref() == Some(start);
    while processes.iter().any(|process| lives(&process)) && since.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(2));
    }
    let left: Vec<_> = processes.iter().filter(lives).collect();
    assert!(left.is_empty(), "{when}: processes are left: {left:?}");
}

/// Living processes that have to do with `folder`: it stands in their mounts, their arguments or their environment,
/// or their root, working directory or program lies in it.
pub fn around(folder: &Path) -> Vec<String> {
    let name = folder.file_name().unwrap().to_str().unwrap();
    let found = fs::read_dir("/proc").unwrap().flatten().filter_map(|process| {
        process.file_name().to_str()?.parse::<u32>().ok()?;
        let path = process.path();
        let read = |file: &str| {
            fs::read(path.join(file))
                .map_or(String::new(), |text| String::from_utf8_lossy(&text).into_owned())
        };
        let link =
            |file: &str| fs::read_link(path.join(file)).map_or(String::new(), |to| to.display().to_string());
        let state = read("stat");
        let dead =
            state.rsplit(')').next().is_none_or(|rest| rest.starts_with(" Z") || rest.starts_with(" X"));
        let traces = ["mountinfo", "cmdline", "environ"].map(read).into_iter();
        let mut traces = traces.chain(["root", "cwd", "exe"].map(link));
        (!dead && traces.any(|trace| trace.contains(name))).then(|| format!("{state} {}", read("cmdline")))
    });
    found.collect()
}

/// Asserts that no process has to do with `folder` any more, and that nothing of it is mounted here. `before` is
/// what [`mounts`] said then.
pub fn assert_gone(folder: &Path, before: &[String], when: &str) {
    let started = Instant::now();
    let mut left = around(folder);
    while !left.is_empty() && started.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(2));
        left = around(folder);
    }
    assert_eq!(left, Vec::<String>::new(), "{when}: processes are left");
    assert_eq!(mounts(folder), before, "{when}: something is mounted");
}

/// What is mounted where this process is, as far as it has to do with `folder`, or lies where a stage makes its small
/// tree. Other tests may mount and unmount meanwhile.
pub fn mounts(folder: &Path) -> Vec<String> {
    let name = folder.file_name().unwrap().to_str().unwrap();
    let text = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let ours = |line: &&str| {
        let place = line.split(' ').nth(4).unwrap();
        line.contains(name) || ["/tmp", "/run", "/mnt", "/var", "/usr"].contains(&place)
    };
    text.lines().filter(ours).map(str::to_owned).collect()
}
