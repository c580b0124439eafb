//! Executions from trees to trees: the graph's run, the executor of this machine, its sandboxes, the store.

mod sandbox_support;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hbuild::exec::{
    ActionKind, BuildContext, BuildError, BuildOutputs, Builder, Builders, ExecBuilder, ExecError, Options,
    ProjectBuilder, Unobserved, Variation, execute,
};
use hbuild::graph::{
    Action, ArchiveFormat, Derivation, DerivationId, Exec, ExecStep, Graph, Input, Project, Unpack,
    environment, outputs,
};
use hbuild::sandbox::{Limits, LocalExecutor, Sandboxes, StageOptions};
use hbuild::store::{ObjectRef, Pack, Record, Store};
use hbuild::tree::{Entry, EntryKind, Origin, Tree, TreePath};
use hbuild_lang::recipe::Arch;
use sandbox_support::Roots;

const EPOCH: i64 = 315_532_800;

/// Reads the folder that the origin of an unpack names to a tree.
struct Folders;

impl Builder for Folders {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let Action::Unpack(unpack) = &derivation.action else { panic!("an unpack") };
        let folder = PathBuf::from(&unpack.origin.0);
        let mut pack = context.create_pack()?;
        let mut entries = Vec::new();
        let mut pending = vec![folder.clone()];
        while let Some(path) = pending.pop() {
            let at = path.strip_prefix(&folder).unwrap().as_os_str().as_encoded_bytes();
            let at = TreePath::new(at);
            let metadata = fs::symlink_metadata(&path).unwrap();
            if metadata.is_dir() {
                pending.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
                entries.extend(at.ok().map(|at| Entry::directory(at, 5)));
            } else if metadata.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                entries.push(Entry::symlink(at.unwrap(), target.as_os_str().as_encoded_bytes(), 5));
            } else {
                let bytes = fs::read(&path).unwrap();
                let mode = metadata.permissions().mode() as u16 & 0o777;
                entries.push(Entry::file(at.unwrap(), pack.keep_bytes(&bytes)?, bytes.len() as u64, mode, 5));
            }
        }
        let tree = context.put_tree(Tree::new(entries).unwrap())?;
        Ok([(outputs::PACK.to_owned(), pack.finish()?), (outputs::TREE.to_owned(), tree)].into())
    }
}

/// A store, a folder with a root of host tools, and one with a source.
struct World {
    roots: Roots,
    source: tempfile::TempDir,
    folder: tempfile::TempDir,
}

fn input(id: DerivationId) -> Input {
    Input { derivation: id, outputs: vec![outputs::TREE.to_owned()] }
}

impl World {
    fn new() -> Option<Self> {
        let roots = Roots::new()?;
        let (source, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(source.path().join("sub")).unwrap();
        fs::write(source.path().join("sub/text"), "text\n").unwrap();
        fs::write(source.path().join("tool"), "#!/bin/sh\necho tool\n").unwrap();
        fs::set_permissions(source.path().join("tool"), fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::symlink("/sub/text", source.path().join("link")).unwrap();
        Some(Self { roots, source, folder })
    }

    fn store(&self) -> Store {
        Store::open(&self.folder.path().join("store")).unwrap()
    }

    /// The graph of one execution of the steps, each a script.
    fn graph(&self, steps: &[&str], further: &[&str]) -> (Graph, DerivationId) {
        let mut graph = Graph::new();
        let mut project = |folder: &Path| {
            let origin = Origin(folder.to_str().unwrap().to_owned());
            let unpack = Action::Unpack(Unpack { format: ArchiveFormat::Deb, origin });
            let unpack = Derivation { label: "folder".into(), action: unpack, inputs: Vec::new() };
            let unpack = graph.add(unpack).unwrap();
            let action = Action::Project(Project { epoch: EPOCH });
            graph.add(Derivation { label: "project".into(), action, inputs: vec![input(unpack)] }).unwrap()
        };
        let inputs =
            vec![input(project(&self.roots.folder.path().join("r"))), input(project(self.source.path()))];
        let step = |(number, script): (usize, &&str)| ExecStep {
            name: format!("step{number}"),
            dir: "/build/src/x".into(),
            env: BTreeMap::from([("STEP".to_owned(), number.to_string())]),
            script: (*script).to_owned(),
        };
        let outputs: Vec<String> = further.iter().map(|&name| name.to_owned()).collect();
        // The root has no other locale, and its shell would say so.
        let mut env = environment(EPOCH, &outputs);
        env.insert("LC_ALL".into(), "C".into());
        let exec = Exec {
            arch: Arch::Amd64,
            shell: ["/bin/sh", "-euc"].map(str::to_owned).to_vec(),
            steps: steps.iter().enumerate().map(step).collect(),
            env,
            sources: vec!["/build/src/x".into()],
            outputs,
            epoch: EPOCH,
            loopback: false,
        };
        let action = Action::Exec(Box::new(exec));
        let id = graph.add(Derivation { label: "exec x".into(), action, inputs }).unwrap();
        graph.add_root(id);
        (graph, id)
    }

    fn run(
        &self,
        store: &Store,
        graph: &(Graph, DerivationId),
        variation: Variation,
    ) -> Result<Record, ExecError> {
        let sandboxes = Sandboxes::new(StageOptions {
            program: PathBuf::from(env!("CARGO_BIN_EXE_hbuild")),
            roots: store.exec_roots().unwrap(),
            strict: false,
        });
        let limits = Limits { space: 64 << 20, seconds: Some(120), ..Limits::of_machine() };
        let executor = LocalExecutor::new(store, sandboxes, limits);
        let exec = ExecBuilder { executor: &executor };
        let builders = Builders::new()
            .with(ActionKind::Unpack, &Folders)
            .with(ActionKind::Project, &ProjectBuilder)
            .with(ActionKind::Exec, &exec);
        let options = Options { jobs: 2, variation, ..Options::default() };
        let (graph, id) = graph;
        execute(graph, &[*id], store, &builders, &options, &Unobserved)
            .map(|mut made| made.remove(id).unwrap())
    }
}

fn tree(store: &Store, object: ObjectRef) -> Tree {
    Tree::decode(&store.read(&object).unwrap()).unwrap()
}

/// The content of a file of the output `tree`.
fn content(store: &Store, record: &Record, path: &str) -> String {
    let tree = tree(store, record.outputs["tree"]);
    let entry = tree.get(&TreePath::new(path.as_bytes()).unwrap()).unwrap_or_else(|| panic!("no {path}"));
    let EntryKind::File { digest, .. } = entry.kind else { panic!("{path} is no file") };
    let pack = Pack::open(store, &record.outputs["pack"].digest).unwrap();
    let packs = hbuild::store::Packs::new(vec![pack.into()]);
    String::from_utf8(hbuild::tree::Contents::read(&packs, &digest).unwrap()).unwrap()
}

fn log(store: &Store, id: &DerivationId) -> String {
    String::from_utf8(store.log(id).unwrap().unwrap()).unwrap()
}

fn paths(tree: &Tree) -> Vec<String> {
    tree.entries().iter().map(|entry| entry.path.as_bytes().escape_ascii().to_string()).collect()
}

#[test]
fn trees_go_in_and_come_out() {
    let Some(world) = World::new() else { return };
    let store = world.store();
    let script = "echo building; ./tool > $OUT/tool; cat link >> $OUT/tool; stat -c '%Y %a %u' sub/text /bin/sh /bin/cat > $OUT/stat; \
                  echo $JOBS $STEP $SOURCE_DATE_EPOCH $PWD > $OUT/env; echo doc > $OUT_DOC/page; \
                  ln -s /sub $OUT/link; mkdir $OUT/empty";
    let graph = world.graph(&[script, "echo more >> $OUT/tool"], &["doc"]);
    let record = world.run(&store, &graph, Variation::None).unwrap();
    assert_eq!(record.outputs.keys().collect::<Vec<_>>(), ["doc.tree", "log", "pack", "tree"]);
    assert_eq!(content(&store, &record, "tool"), "tool\ntext\nmore\n");
    let stat = content(&store, &record, "stat");
    assert!(stat.lines().all(|line| line.starts_with("315532800 ") && line.ends_with(" 1000")), "{stat}");
    assert!(content(&store, &record, "env").ends_with(" 0 315532800 /build/src/x\n"));
    assert_eq!(paths(&tree(&store, record.outputs["tree"])), ["empty", "env", "link", "stat", "tool"]);
    assert_eq!(paths(&tree(&store, record.outputs["doc.tree"])), ["page"]);
    assert_eq!(store.read(&record.outputs["log"]).unwrap(), b"building\n");
    assert_eq!(log(&store, &graph.1), "building\n");
    let execution = record.execution.unwrap();
    assert_eq!(execution.platform, "linux/amd64");
    assert_eq!(execution.sandbox.user, "1000:1000");
    assert_eq!(store.verify().unwrap().damages, []);
    assert_eq!(store.info().unwrap().exec_roots, 1);
    // Again, and from nothing in another store, with everything that may vary: the same outputs.
    let again = world.run(&store, &graph, Variation::None).unwrap();
    assert_eq!(again.outputs, record.outputs);
    let other = Store::open(&world.folder.path().join("other")).unwrap();
    let graph = world.graph(&["ls -U sub / >/dev/null; cat sub/text > $OUT/x"], &[]);
    let one = world.run(&store, &graph, Variation::None).unwrap();
    let two = world.run(&other, &graph, Variation::Other).unwrap();
    assert_eq!(one.outputs, two.outputs);
}

#[test]
fn a_failed_step_is_told_and_its_sandbox_kept() {
    let Some(world) = World::new() else { return };
    let store = world.store();
    let script = "echo compiling; echo half > made; chmod 0 made; mkdir closed; echo in > closed/f; chmod 0 closed; \
                  echo 'x.c:1: error' >&2; exit 3";
    let graph = world.graph(&["echo first", script], &[]);
    let Err(ExecError::Failed(failure)) = world.run(&store, &graph, Variation::None) else {
        panic!("it fails");
    };
    assert_eq!(failure.source.code().unwrap().to_string(), "hbuild::exec::step_failed");
    assert_eq!(
        failure.source.to_string(),
        "step `step1` exited with status 3; the last lines it wrote:\n| first\n| compiling\n| x.c:1: error"
    );
    let log = log(&store, &graph.1);
    assert_eq!(log, "first\ncompiling\nx.c:1: error\nhbuild: step `step1` exited with status 3\n");
    let kept = zstd::decode_all(store.failed(&graph.1).unwrap().unwrap()).unwrap();
    let line = kept.iter().position(|&byte| byte == b'\n').unwrap();
    let head: serde_json::Value = serde_json::from_slice(&kept[..line]).unwrap();
    assert_eq!(head["step"], "step1");
    let mut archive = tar::Archive::new(&kept[line + 1..]);
    let names: Vec<String> = archive
        .entries()
        .unwrap()
        .map(|entry| entry.unwrap().path().unwrap().display().to_string())
        .collect();
    for name in ["build/src/x/made", "build/src/x/closed/f", "build/src/x/link", "out/", "tmp/"] {
        assert!(
            names.iter().any(|found| found.trim_end_matches('/') == name.trim_end_matches('/')),
            "{names:?}"
        );
    }
    let graph = world.graph(&["echo fine > $OUT/x"], &[]);
    world.run(&store, &graph, Variation::None).unwrap();
}

#[test]
fn outputs_are_taken_as_they_are_and_nothing_else() {
    let Some(world) = World::new() else { return };
    let store = world.store();
    let script = "cd $OUT; echo a > \"$(printf 'line\\nend')\"; echo b > \"$(printf 'bytes\\377')\"; ln -s /etc passwd; \
                  ln -s ../../../../etc/passwd up; mkdir dir; ln -s . dir/self; echo x > dir/closed; chmod 0 dir/closed; \
                  chmod 0 dir; ln passwd hard 2>/dev/null || true; echo tool > suid; chmod 4755 suid";
    let record = world.run(&store, &world.graph(&[script], &[]), Variation::None).unwrap();
    let tree = tree(&store, record.outputs["tree"]);
    let found = paths(&tree);
    for name in ["bytes\\xff", "dir", "dir/closed", "dir/self", "line\\nend", "passwd", "suid", "up"] {
        assert!(found.iter().any(|path| path == name), "{name} in {found:?}");
    }
    assert_eq!(content(&store, &record, "dir/closed"), "x\n");
    let suid = tree.get(&TreePath::new(b"suid").unwrap()).unwrap();
    assert_eq!(suid.mode, 0o755);
    let code = |script: &str| match world.run(&store, &world.graph(&[script], &[]), Variation::None) {
        Err(ExecError::Failed(failure)) => failure.source.code().unwrap().to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(code("true"), "hbuild::exec::no_output");
    let holes = "dd if=/dev/null of=$OUT/holes bs=1 seek=1000000000000 2>/dev/null";
    assert_eq!(code(holes), "hbuild::sandbox::output_too_large");
    // Made from the inside out: no path that a tool is given is as long.
    let deep = "cd $OUT; n=$(printf %0200d 0); mkdir $n; i=0; \
                while [ $i -lt 22 ]; do mkdir t; mv $n t/$n; mv t $n; i=$((i+1)); done";
    assert_eq!(code(deep), "hbuild::sandbox::output_unreadable");
    let log = log(&store, &world.graph(&[holes], &[]).1);
    assert!(log.contains("the outputs have more than"), "{log}");
}

/// How long a trivial execution takes: `cargo test --release --test exec_local -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
fn a_trivial_execution() {
    let Some(world) = World::new() else { return };
    let store = world.store();
    for round in 0..4 {
        let graph = world.graph(&[&format!("echo {round} > $OUT/x")], &[]);
        let started = Instant::now();
        let record = world.run(&store, &graph, Variation::None).unwrap();
        eprintln!("round {round}: {:?}, of it {:?}", started.elapsed(), record.execution.unwrap().usage);
    }
    let many = "n=0; while [ $n -lt 10000 ]; do echo $n > $OUT/$n; n=$((n+1)); done; \
                dd if=/dev/urandom of=$OUT/large bs=1M count=10 2>/dev/null";
    let started = Instant::now();
    let record = world.run(&store, &world.graph(&[many], &[]), Variation::None).unwrap();
    eprintln!("10,000 files out: {:?}, of it {:?}", started.elapsed(), record.execution.unwrap().usage);
}
