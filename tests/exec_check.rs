//! Commands executed a second time: what differs is named, and no record is touched. The commands are made up; what
//! they give depends on the variation.

mod synthetic;

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hbuild::exec::{
    ActionKind, BuildContext, BuildError, BuildOutputs, Builder, Builders, Checked, DifferenceKind,
    ExecError, Options, Unobserved, Variation, check, commands_of, execute,
};
use hbuild::graph::{Derivation, DerivationId, Graph, outputs};
use hbuild::store::Store;
use hbuild::tree::{Entry, Tree, TreePath};
use synthetic::{Broken, Synthetic, command, leaf, node};

/// Gives, by the label of the command, a tree that another variation changes in one way.
struct Varied;

impl Builder for Varied {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let other = context.variation() == Variation::Other;
        let how = derivation.label.strip_prefix("command ").unwrap();
        if how == "fails" && other {
            return Err(BuildError::action(Broken));
        }
        let mut pack = context.create_pack()?;
        let path = |name: &str| TreePath::new(name.as_bytes()).unwrap();
        let mut entries = Vec::new();
        let mut file = |name: &str, bytes: &[u8], mode: u16| -> Result<(), BuildError> {
            let digest = pack.keep_bytes(bytes)?;
            entries.push(Entry::file(path(name), digest, bytes.len() as u64, mode, 0));
            Ok(())
        };
        file("same", b"the same", 0o644)?;
        let mut long = vec![b'x'; 700_000];
        match how {
            "content" => {
                if other {
                    long[654_321] = 0xfe;
                }
                file("a/long", &long, 0o644)?;
                file("b/shorter", if other { b"1" } else { b"12" }, 0o644)?;
            }
            "shorter" => file("shorter", if other { b"123" } else { b"12345" }, 0o644)?,
            "mode" => file("program", b"#!", if other { 0o755 } else { 0o644 })?,
            "missing" => file(if other { "second" } else { "first" }, b"", 0o644)?,
            "link" => {
                let target: &[u8] = if other { b"there" } else { b"here" };
                entries.push(Entry::symlink(path("link"), target, 0));
            }
            "kind" if other => entries.push(Entry::directory(path("thing"), 0)),
            "kind" => file("thing", b"", 0o644)?,
            _ => {}
        }
        let pack = pack.finish()?;
        let tree = context.put_tree(Tree::new(entries).unwrap())?;
        Ok(BuildOutputs::from([(outputs::TREE.to_owned(), tree), (outputs::PACK.to_owned(), pack)]))
    }
}

struct Setting {
    graph: Graph,
    commands: Vec<DerivationId>,
}

fn setting(names: &[&str]) -> Setting {
    let mut graph = Graph::new();
    let part = leaf("part");
    let root = node("root", &[&part]);
    graph.add(part).unwrap();
    graph.add(root.clone()).unwrap();
    for name in names {
        let id = graph.add(command(name, &[&root])).unwrap();
        graph.add_root(id);
    }
    let commands = commands_of(&graph, graph.roots());
    Setting { graph, commands }
}

fn checked(setting: &Setting, path: &Path, options: &Options) -> Result<Vec<Checked>, ExecError> {
    let store = Store::open(path).unwrap();
    let _shared = store.share(&options.cancel).unwrap();
    let synthetic = Synthetic::default();
    let builders = Builders::new()
        .with(ActionKind::Fetch, &synthetic)
        .with(ActionKind::Unpack, &synthetic)
        .with(ActionKind::Exec, &Varied);
    execute(&setting.graph, setting.graph.roots(), &store, &builders, options, &Unobserved).unwrap();
    check(&setting.graph, &setting.commands, &store, &builders, options, &Unobserved)
}

#[test]
fn each_way_to_differ_is_named() {
    let folder = synthetic::folder();
    let setting = setting(&["content", "shorter", "mode", "missing", "link", "kind", "equal"]);
    let found = checked(&setting, folder.path(), &Options { jobs: 2, ..Options::default() }).unwrap();
    let shown: Vec<(String, Vec<String>)> = found
        .iter()
        .map(|one| (one.label.clone(), one.differences.iter().map(ToString::to_string).collect()))
        .collect();
    let expected = [
        (
            "content",
            vec![
                "/a/long: differs at byte 654321: 78 78 78 78 78 78 78 78, then fe 78 78 78 78 78 78 78",
                "/b/shorter: differs at byte 1: `12`, then the end",
            ],
        ),
        ("shorter", vec!["/shorter: differs at byte 3: `12345`, then the end"]),
        ("mode", vec!["/program: mode 644, then 755"]),
        (
            "missing",
            vec!["/first: made by the first execution alone", "/second: made by the second execution alone"],
        ),
        ("link", vec!["/link: a link to `here`, then to `there`"]),
        ("kind", vec!["/thing: of different kinds"]),
        ("equal", vec![]),
    ];
    for ((label, found), (name, expected)) in shown.iter().zip(&expected) {
        assert_eq!(*label, format!("command {name}"));
        assert_eq!(found, expected, "{label}");
    }
    assert_eq!(found.len(), expected.len());
    let DifferenceKind::Content(Some(first)) = &found[0].differences[0].kind else { panic!("{found:?}") };
    assert_eq!((first.offset, first.from[0][0], first.from[1][0]), (654_321, b'x', 0xfe));
}

#[test]
fn records_and_objects_of_the_first_execution_stand_alone() {
    let folder = synthetic::folder();
    let setting = setting(&["content", "equal"]);
    let options = Options { jobs: 2, ..Options::default() };
    let listed = || {
        let mut found = Vec::new();
        for name in ["records", "memo", "objects"] {
            for shard in fs::read_dir(folder.path().join(name)).unwrap() {
                for file in fs::read_dir(shard.unwrap().path()).unwrap() {
                    let path = file.unwrap().path();
                    found.push((path.clone(), fs::read(&path).unwrap()));
                }
            }
        }
        found.sort();
        found
    };
    let started = Instant::now();
    let first = checked(&setting, folder.path(), &options).unwrap();
    assert!(started.elapsed() > Duration::from_secs(1), "the clock shows another second");
    let before = listed();
    let again = checked(&setting, folder.path(), &options).unwrap();
    assert_eq!(before, listed());
    assert_eq!(first[0].differences, again[0].differences);
    assert_eq!(again[0].first.outputs, first[0].first.outputs);
    assert_ne!(again[0].second.outputs, first[0].first.outputs);
    assert_eq!(fs::read_dir(folder.path().join("tmp")).unwrap().count(), 0);
}

#[test]
fn a_second_execution_that_fails_is_that_failure() {
    let folder = synthetic::folder();
    let setting = setting(&["fails", "equal"]);
    let error = checked(&setting, folder.path(), &Options::default()).unwrap_err();
    assert!(
        matches!(&error, ExecError::Failed(failure) if failure.label == "command fails, again"),
        "{error:?}"
    );
}

#[test]
fn a_check_is_stopped_at_once() {
    let folder = synthetic::folder();
    let setting = setting(&["equal"]);
    let options = Options::default();
    let cancel = options.cancel.clone();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            cancel.store(true, Ordering::Relaxed);
        });
        let started = Instant::now();
        let error = checked(&setting, folder.path(), &options).unwrap_err();
        assert!(matches!(error, ExecError::Cancelled), "{error:?}");
        assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    });
}
