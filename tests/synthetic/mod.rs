//! Graphs of small derivations with real trees and packs, for the tests of store and scheduler.
//!
//! A leaf is a fetch; everything else is an unpack that takes the trees of its inputs, reads all their contents
//! and adds files of its own. So every result depends on every byte before it.
#![allow(dead_code, reason = "each test binary uses its own part of this module")]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hbuild::digest::{Digest, Sha256};
use hbuild::exec::{
    ActionKind, BuildContext, BuildError, BuildOutputs, Builder, Builders, Cached, Event, ExecError,
    Observer, Options, execute,
};
use hbuild::graph::{
    Action, ArchiveFormat, Derivation, DerivationId, Exec, ExecStep, Fetch, FixedOutput, Graph, Input,
    Unpack, outputs,
};
use hbuild::store::{Record, Store};
use hbuild::tree::{Entry, EntryKind, Origin, Tree, TreePath};
use hbuild_lang::recipe::Arch;

/// A new folder, in memory where the system has such a place: a killed process does not need a disk.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A leaf: its output `file` is its name.
pub fn leaf(name: &str) -> Derivation {
    let content = FixedOutput::Sha256(Sha256::of(name.as_bytes()));
    let fetch = Fetch { content, locations: Vec::new(), size: Some(name.len() as u64) };
    Derivation { label: format!("leaf {name}"), action: Action::Fetch(fetch), inputs: Vec::new() }
}

/// A derivation that takes `inputs` and has the parameter `name`.
pub fn node(name: &str, inputs: &[&Derivation]) -> Derivation {
    let input = |derivation: &&Derivation| Input {
        derivation: derivation.id(),
        outputs: vec![match derivation.action {
            Action::Fetch(_) => outputs::FILE.to_owned(),
            _ => outputs::TREE.to_owned(),
        }],
    };
    Derivation {
        label: format!("node {name}"),
        action: Action::Unpack(Unpack { format: ArchiveFormat::Deb, origin: Origin(name.to_owned()) }),
        inputs: inputs.iter().map(input).collect(),
    }
}

/// A command in a sandbox with the parameter `name`; its first input is its root.
pub fn command(name: &str, inputs: &[&Derivation]) -> Derivation {
    let unpack = node(name, inputs);
    let exec = Exec {
        arch: Arch::Amd64,
        shell: vec!["sh".to_owned(), "-c".to_owned()],
        steps: vec![ExecStep {
            name: "build".to_owned(),
            dir: "/build/src".to_owned(),
            env: BTreeMap::new(),
            script: name.to_owned(),
        }],
        env: BTreeMap::new(),
        sources: Vec::new(),
        outputs: Vec::new(),
        epoch: 315_532_800,
        loopback: false,
    };
    Derivation { label: format!("command {name}"), action: Action::Exec(Box::new(exec)), ..unpack }
}

/// `width` chains of a leaf and `depth` nodes, all taken by one node; its id.
pub fn wide(graph: &mut Graph, name: &str, width: usize, depth: usize) -> DerivationId {
    let mut ends = Vec::new();
    for chain in 0..width {
        let mut last = leaf(&format!("{name}-{chain}"));
        graph.add(last.clone()).unwrap();
        for level in 0..depth {
            last = node(&format!("{name}-{chain}-{level}"), &[&last]);
            graph.add(last.clone()).unwrap();
        }
        ends.push(last);
    }
    let end = node(name, &ends.iter().collect::<Vec<_>>());
    let id = graph.add(end).unwrap();
    graph.add_root(id);
    id
}

/// Performs the actions of this module.
#[derive(Debug, Default)]
pub struct Synthetic {
    /// How often each label was executed.
    pub executed: Mutex<BTreeMap<String, usize>>,
    /// Labels that fail.
    pub failing: Vec<String>,
    /// How long each execution takes, at least.
    pub pause: Duration,
    /// Bytes that each node adds.
    pub bytes: usize,
    /// Nodes that do not put their parameter into their output, as a change of a comment would not.
    pub blind: bool,
    /// Nodes whose tree is their own file alone.
    pub small: bool,
    /// Labels being executed, and every set of them that there was.
    pub running: Mutex<(Vec<String>, Vec<Vec<String>>)>,
    pub at_once: AtomicUsize,
    pub most_at_once: AtomicUsize,
}

impl Synthetic {
    pub fn count(&self) -> usize {
        self.executed.lock().unwrap().values().sum()
    }

    fn outputs(
        &self,
        derivation: &Derivation,
        context: &dyn BuildContext,
    ) -> Result<BuildOutputs, BuildError> {
        if let Action::Fetch(_) = derivation.action {
            let mut file = context.create()?;
            let name = derivation.label.strip_prefix("leaf ").unwrap();
            file.write_all(name.as_bytes()).map_err(hbuild::tree::ContentError::from)?;
            return Ok(BuildOutputs::from([(outputs::FILE.to_owned(), file.finish()?.0)]));
        }
        let parameter = match &derivation.action {
            Action::Unpack(unpack) => &unpack.origin.0,
            Action::Exec(exec) => &exec.steps[0].script,
            _ => unreachable!(),
        };
        let mut hasher = blake3::Hasher::new();
        let mut entries = Vec::new();
        for (number, input) in derivation.inputs.iter().enumerate() {
            if input.outputs[0] == outputs::FILE {
                hasher.update(&context.bytes(context.input(number, outputs::FILE)?)?);
                continue;
            }
            for entry in context.tree(number, outputs::TREE)?.entries() {
                let EntryKind::File { digest, .. } = &entry.kind else { unreachable!() };
                let bytes = context.contents().read(digest)?;
                assert_eq!(Digest::of(&bytes), *digest);
                hasher.update(&bytes);
                // All files of a command's output are its own.
                if !self.small && !matches!(derivation.action, Action::Exec(_)) {
                    entries.push(entry.clone());
                }
            }
        }
        if !self.blind {
            hasher.update(parameter.as_bytes());
        }
        let mut bytes = vec![0; self.bytes.max(10)];
        hasher.finalize_xof().fill(&mut bytes);
        let mut pack = context.create_pack()?;
        let digest = pack.keep_bytes(&bytes)?;
        let path = TreePath::new(format!("f{}", digest).as_bytes()).unwrap();
        entries.push(Entry::file(path, digest, bytes.len() as u64, 0o644, 0));
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries.dedup_by(|a, b| a.path == b.path);
        let tree = context.put_tree(Tree::new(entries).unwrap())?;
        Ok(BuildOutputs::from([(outputs::TREE.to_owned(), tree), (outputs::PACK.to_owned(), pack.finish()?)]))
    }
}

impl Builder for Synthetic {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
        *self.executed.lock().unwrap().entry(derivation.label.clone()).or_default() += 1;
        {
            let (now, all) = &mut *self.running.lock().unwrap();
            now.push(derivation.label.clone());
            all.push(now.clone());
        }
        let mut waited = Duration::ZERO;
        while waited < self.pause && !context.cancelled() {
            std::thread::sleep(Duration::from_millis(1));
            waited += Duration::from_millis(1);
        }
        let made = self.outputs(derivation, context);
        self.running.lock().unwrap().0.retain(|label| *label != derivation.label);
        self.at_once.fetch_sub(1, Ordering::SeqCst);
        if self.failing.contains(&derivation.label) {
            return Err(BuildError::action(Broken));
        }
        if context.cancelled() {
            return Err(BuildError::Cancelled);
        }
        made
    }
}

#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("broken on purpose")]
#[diagnostic(code(hbuild::test::broken), help("do not break it"))]
pub struct Broken;

/// Counts ends.
#[derive(Debug, Default)]
pub struct Counts {
    pub memo: AtomicUsize,
    pub record: AtomicUsize,
    pub built: AtomicUsize,
    pub planned: AtomicUsize,
    pub failed: Mutex<Vec<String>>,
    pub warnings: Mutex<Vec<String>>,
    pub order: Mutex<Vec<String>>,
    pub started: AtomicBool,
}

impl Counts {
    /// Ends by memo, by record, by execution.
    pub fn ends(&self) -> [usize; 3] {
        [&self.memo, &self.record, &self.built].map(|count| count.load(Ordering::SeqCst))
    }
}

impl Observer for Counts {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Planned { total } => self.planned.store(total, Ordering::SeqCst),
            Event::Finished { cached, .. } => {
                let count = match cached {
                    Cached::Memo => &self.memo,
                    Cached::Record => &self.record,
                    Cached::Built => &self.built,
                };
                count.fetch_add(1, Ordering::SeqCst);
            }
            Event::Failed(subject) => self.failed.lock().unwrap().push(subject.label.to_owned()),
            Event::Warning { message, .. } => self.warnings.lock().unwrap().push(message.to_owned()),
            Event::Started(subject) => {
                self.started.store(true, Ordering::SeqCst);
                self.order.lock().unwrap().push(subject.label.to_owned());
            }
            _ => {}
        }
    }
}

/// Runs the roots of `graph`.
pub fn run(
    graph: &Graph,
    store: &Store,
    builder: &Synthetic,
    options: &Options,
    observer: &dyn Observer,
) -> Result<BTreeMap<DerivationId, Record>, ExecError> {
    let builders = Builders::new()
        .with(ActionKind::Fetch, builder)
        .with(ActionKind::Unpack, builder)
        .with(ActionKind::Exec, builder);
    let _shared = store.share(&options.cancel)?;
    execute(graph, graph.roots(), store, &builders, options, observer)
}

/// Runs the roots of `graph` in the store at `path`, with two jobs.
pub fn run_at(
    path: &Path,
    graph: &Graph,
    builder: &Synthetic,
) -> ([usize; 3], BTreeMap<DerivationId, Record>) {
    let store = Store::open(path).unwrap();
    let counts = Counts::default();
    let options = Options { jobs: 2, ..Options::default() };
    let records = run(graph, &store, builder, &options, &counts).unwrap();
    (counts.ends(), records)
}
