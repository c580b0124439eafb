//! How long sandboxed derivations take, from ready to recorded, with the parts of it: `spawn-vs-bwrap.sh` and
//! `graph-vs-nix.sh` run this and compare.
//!
//! Arguments: FOLDER BUSYBOX JOBS SHAPE COUNT. FOLDER is for the store, BUSYBOX a static busybox. SHAPE is `touch` (as
//! many independent executions of a program that makes an empty file, the least that is an output), `independent`
//! (each is a shell that writes a file) or `chain` (each reads the file of the one before). Prints a line for each
//! figure: name and microseconds.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hbuild::digest::Sha256;
use hbuild::exec::{
    ActionKind, BuildContext, BuildError, BuildOutputs, Builder, Builders, ExecBuilder, Executed, Execution,
    ExecutionError, Executor, Options, OutputEntry, OutputSink, Unobserved, execute,
};
use hbuild::graph::{
    Action, Derivation, DerivationId, Exec, ExecStep, Fetch, FixedOutput, Graph, Input, environment, outputs,
};
use hbuild::sandbox::{Limits, LocalExecutor, Sandboxes, StageOptions};
use hbuild::store::Store;
use hbuild::tree::{Entry, EntryKind, Tree, TreePath};
use hbuild_lang::recipe::Arch;

const EPOCH: i64 = 315_532_800;

fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [folder, busybox, jobs, shape, count] = arguments.as_slice() else {
        return eprintln!("SKIP: FOLDER BUSYBOX JOBS SHAPE COUNT are not given");
    };
    let jobs = jobs.parse().expect("a number of jobs");
    let count = count.parse().expect("a number of derivations");
    let root = Root { busybox: busybox.into() };
    let store = Store::open(Path::new(folder)).expect("a store can be made there");
    let (graph, wanted, first) = graph(shape, count);
    let timed = Timed::new(&store);
    let builder = ExecBuilder { executor: &timed };
    let builders = Builders::new().with(ActionKind::Fetch, &root).with(ActionKind::Exec, &builder);
    let options = Options { jobs, ..Options::default() };
    let share = store.share(&options.cancel).expect("the store can be shared");
    // The root and the first stage are there before the clock starts.
    execute(&graph, &[first], &store, &builders, &options, &Unobserved).expect("the first one builds");
    timed.forget();
    let started = Instant::now();
    execute(&graph, &wanted, &store, &builders, &options, &Unobserved).expect("all build");
    let whole = started.elapsed();
    let started = Instant::now();
    execute(&graph, &wanted, &store, &builders, &options, &Unobserved).expect("all are there");
    let again = started.elapsed();
    drop(share);
    let each = |duration: Duration| duration.as_secs_f64() * 1e6 / count as f64;
    let (run, ingest) = timed.parts();
    println!("each {:.0}", each(whole));
    println!("run {:.0}", each(run) / jobs as f64);
    println!("ingest {:.0}", each(ingest) / jobs as f64);
    println!("rest {:.0}", each(whole.saturating_sub((run + ingest) / jobs as u32)));
    println!("no-op {:.0}", again.as_secs_f64() * 1e6);
}

/// The graph, what is wanted of it, and one execution more that is made before.
fn graph(shape: &str, count: usize) -> (Graph, Vec<DerivationId>, DerivationId) {
    let mut graph = Graph::new();
    let content = FixedOutput::Sha256(Sha256::of(b"busybox"));
    let fetch = Fetch { content, locations: Vec::new(), size: None };
    let root = Derivation { label: "root".to_owned(), action: Action::Fetch(fetch), inputs: Vec::new() };
    let root = graph.add(root).expect("it has no inputs");
    let mut add = |number: usize, before: Option<DerivationId>| {
        let script = match shape {
            "touch" => format!("/out/{number}"),
            "independent" => format!("echo {number} > \"$OUT/x\""),
            "chain" if before.is_none() => format!("echo {number} > \"$OUT/x\""),
            "chain" => format!("read -r line < x; echo \"{number} ${{line%% *}}\" > \"$OUT/x\""),
            _ => panic!("SHAPE is `touch`, `independent` or `chain`"),
        };
        let applet = if shape == "touch" { &["touch"][..] } else { &["sh", "-euc"] };
        let shell = ["/usr/bin/busybox"].iter().chain(applet).map(|word| (*word).to_owned()).collect();
        let step =
            ExecStep { name: "build".to_owned(), dir: "/build/src".to_owned(), env: BTreeMap::new(), script };
        let exec = Exec {
            arch: if cfg!(target_arch = "aarch64") { Arch::Arm64 } else { Arch::Amd64 },
            shell,
            steps: vec![step],
            env: [("PATH".to_owned(), "/usr/bin".to_owned())]
                .into_iter()
                .chain(environment(EPOCH, &[]))
                .collect(),
            sources: before.iter().map(|_| "/build/src".to_owned()).collect(),
            outputs: Vec::new(),
            epoch: EPOCH,
            loopback: false,
        };
        let input = |derivation| Input { derivation, outputs: vec![outputs::TREE.to_owned()] };
        let inputs = std::iter::once(root).chain(before).map(input).collect();
        let action = Action::Exec(Box::new(exec));
        graph.add(Derivation { label: format!("number {number}"), action, inputs }).expect("inputs are there")
    };
    let first = add(count + 1, None);
    let mut all: Vec<DerivationId> = Vec::new();
    for number in 0..count {
        let before = if shape == "chain" { all.last().copied() } else { None };
        all.push(add(number, before));
    }
    let wanted = if shape == "chain" { all.last().into_iter().copied().collect() } else { all };
    (graph, wanted, first)
}

/// The root: busybox, and the link for the shell.
struct Root {
    busybox: PathBuf,
}

impl Builder for Root {
    fn build(&self, _: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let bytes = std::fs::read(&self.busybox).expect("BUSYBOX can be read");
        let path = |path: &str| TreePath::new(path.as_bytes()).expect("a path");
        let link = |name: &str| Entry::symlink(path(&format!("usr/bin/{name}")), b"busybox", EPOCH);
        let mut pack = context.create_pack()?;
        let (digest, size) = pack.keep(&mut bytes.as_slice())?;
        let file = Entry::directory(path("usr/bin/busybox"), EPOCH);
        let kind = EntryKind::File { digest, size, link: None };
        let entries = vec![
            Entry::directory(path("usr"), EPOCH),
            Entry::directory(path("usr/bin"), EPOCH),
            Entry { mode: 0o755, kind, ..file },
            link("sh"),
        ];
        let tree = context.put_tree(Tree::new(entries).expect("a tree"))?;
        Ok(BuildOutputs::from([(outputs::TREE.to_owned(), tree), (outputs::PACK.to_owned(), pack.finish()?)]))
    }
}

/// The executor of this machine, with a clock.
struct Timed<'a> {
    executor: LocalExecutor<'a>,
    whole: AtomicU64,
    ingest: AtomicU64,
}

impl<'a> Timed<'a> {
    fn new(store: &'a Store) -> Self {
        let program = env!("CARGO_BIN_EXE_hbuild").into();
        let sandboxes = Sandboxes::new(StageOptions {
            program,
            roots: store.exec_roots().expect("it can be made"),
            strict: false,
        });
        let executor = LocalExecutor::new(store, sandboxes, Limits::of_machine());
        Self { executor, whole: AtomicU64::new(0), ingest: AtomicU64::new(0) }
    }

    fn forget(&self) {
        self.whole.store(0, Ordering::Relaxed);
        self.ingest.store(0, Ordering::Relaxed);
    }

    /// The time that executions took, and that outputs took.
    fn parts(&self) -> (Duration, Duration) {
        let (whole, ingest) = (self.whole.load(Ordering::Relaxed), self.ingest.load(Ordering::Relaxed));
        (Duration::from_nanos(whole - ingest), Duration::from_nanos(ingest))
    }
}

impl Executor for Timed<'_> {
    fn execute(
        &self,
        execution: &Execution<'_>,
        log: &mut (dyn Write + Send),
        outputs: &mut dyn OutputSink,
    ) -> Result<Executed, ExecutionError> {
        let mut sink = TimedSink { sink: outputs, took: Duration::ZERO };
        let started = Instant::now();
        let executed = self.executor.execute(execution, log, &mut sink);
        self.whole.fetch_add(started.elapsed().as_nanos() as u64, Ordering::Relaxed);
        self.ingest.fetch_add(sink.took.as_nanos() as u64, Ordering::Relaxed);
        executed
    }
}

struct TimedSink<'a> {
    sink: &'a mut dyn OutputSink,
    took: Duration,
}

impl OutputSink for TimedSink<'_> {
    fn entry(&mut self, output: usize, path: &[u8], entry: OutputEntry<'_>) -> Result<(), BuildError> {
        let started = Instant::now();
        let done = self.sink.entry(output, path, entry);
        self.took += started.elapsed();
        done
    }
}
