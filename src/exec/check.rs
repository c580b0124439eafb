//! Commands executed again under other circumstances, and what then differs. No record is written: what was made
//! first stands, and what is made here is gone when the store is closed.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::contents::{InputContents, PackCache};
use super::context::{Shared, packs_of};
use super::cost::UNKNOWN_MEMORY;
use super::error::{ExecError, Failures};
use super::perform::{execute as perform, key_of};
use super::reserve::Memory;
use super::run::execute_all;
use super::{Builders, Event, Observer, Options, Subject, Variation};
use crate::graph::{DerivationId, Graph, OutputName, outputs};
use crate::store::{Record, Store};
use crate::tree::{ContentError, Contents, Entry, EntryKind, Tree, TreePath};

/// What passes at least between both executions, so that a time in an output differs: those of zip archives have steps
/// of two seconds.
const BETWEEN: Duration = Duration::from_millis(2_100);
/// How many files are compared whose contents differ.
const COMPARED: usize = 10;
/// How many bytes are shown where two files differ, and of those before as many.
const EXCERPT: usize = 24;
/// How many of them where they are no text.
const BYTES: usize = 8;
/// How often is looked whether to stop.
const TICK: Duration = Duration::from_millis(20);

/// A command that was executed twice.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The derivation.
    pub id: DerivationId,
    /// Its label.
    pub label: String,
    /// What it gave the first time: its record in the store.
    pub first: Record,
    /// What it gave the second time. Its objects can be read as long as the store is open.
    pub second: Record,
    /// What differs, by output and path.
    pub differences: Vec<Difference>,
}

/// A path at which two outputs are not the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The output, `tree` for `$OUT`.
    pub output: OutputName,
    /// The path.
    pub path: TreePath,
    /// What is not the same.
    pub kind: DifferenceKind,
}

/// What is not the same at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DifferenceKind {
    /// Only the first execution made it.
    OnlyFirst,
    /// Only the second made it.
    OnlySecond,
    /// A file, a directory and a symbolic link are three kinds.
    Kind,
    /// Whether it may be executed.
    Mode(u16, u16),
    /// The target of a symbolic link.
    Target(String, String),
    /// The contents of a file, and where they were compared, the first bytes that differ.
    Content(Option<FirstBytes>),
}

/// Where the contents of two files begin to differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstBytes {
    /// Where the first byte that differs is.
    pub offset: u64,
    /// What stands before it in both, as far as it is shown.
    pub before: Vec<u8>,
    /// What stands in each from there on, as far as it is shown; nothing where the file ends.
    pub from: [Vec<u8>; 2],
}

impl fmt::Display for FirstBytes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |bytes: &[u8]| bytes.is_ascii() && !bytes.iter().any(|byte| matches!(byte, 0..9 | 14..32 | 127));
        let text = self.from.iter().all(|bytes| shown(bytes));
        write!(out, "differs at byte {}: ", self.offset)?;
        // Text is known by its line, bytes by themselves.
        let line = self.before.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let before = Some(&self.before[line..]).filter(|before| text && shown(before)).unwrap_or_default();
        for (number, bytes) in self.from.iter().enumerate() {
            out.write_str(if number == 0 { "" } else { ", then " })?;
            match (bytes.as_slice(), text) {
                ([], _) => out.write_str("the end")?,
                (bytes, true) => write!(out, "`{}{}`", before.escape_ascii(), bytes.escape_ascii())?,
                (bytes, false) => {
                    let bytes = bytes.iter().take(BYTES).map(|byte| format!("{byte:02x}"));
                    out.write_str(&bytes.collect::<Vec<_>>().join(" "))?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(further) = self.output.strip_suffix(".tree") {
            write!(out, "output {further}: ")?;
        }
        write!(out, "{}: ", self.path.absolute())?;
        match &self.kind {
            DifferenceKind::OnlyFirst => out.write_str("made by the first execution alone"),
            DifferenceKind::OnlySecond => out.write_str("made by the second execution alone"),
            DifferenceKind::Kind => out.write_str("of different kinds"),
            DifferenceKind::Mode(first, second) => write!(out, "mode {first:o}, then {second:o}"),
            DifferenceKind::Target(first, second) => write!(out, "a link to `{first}`, then to `{second}`"),
            DifferenceKind::Content(None) => out.write_str("different contents"),
            DifferenceKind::Content(Some(first)) => write!(out, "{first}"),
        }
    }
}

/// Executes each of `commands` again, under [`Variation::Other`], after making of `graph` what they need; says of
/// each what differs. As for [`super::execute`], the caller holds [`Store::share`].
pub fn check(
    graph: &Graph,
    commands: &[DerivationId],
    store: &Store,
    builders: &Builders<'_>,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Vec<Checked>, ExecError> {
    let mut wanted: BTreeSet<DerivationId> = commands.iter().copied().collect();
    let needed = commands.iter().filter_map(|id| graph.get(id)).flat_map(|derivation| &derivation.inputs);
    wanted.extend(needed.map(|input| input.derivation));
    let wanted: Vec<_> = wanted.into_iter().collect();
    let observer = &Repeated(observer);
    let records = execute_all(graph, (&wanted, true), store, builders, options, observer)?;
    let between = Instant::now();
    while between.elapsed() < BETWEEN && !options.cancel.load(Ordering::Relaxed) {
        thread::sleep(TICK);
    }
    let jobs = |(id, record): (&DerivationId, &Record)| Some((*id, record.execution.as_ref()?.jobs));
    let first_jobs = records.iter().filter_map(jobs).collect();
    let shared = Shared { first_jobs, ..Shared::beside(store, observer, options, Variation::Other) };
    let memory = Memory::new(options.memory);
    let again = |id: &DerivationId| -> Result<Checked, ExecError> {
        let derivation = graph.get(id).expect("it was executed as a part of the graph");
        let record = |id: &DerivationId| records.get(id).cloned().map(Arc::new).ok_or(ExecError::Cancelled);
        let inputs: Vec<_> =
            derivation.inputs.iter().map(|input| record(&input.derivation)).collect::<Result<_, _>>()?;
        let label = format!("{}, again", derivation.label);
        let subject = Subject { label: &label, ..Subject::of(*id, derivation) };
        let key = key_of(derivation, &inputs)?;
        let needed = store.usage(&derivation.label).map_or(UNKNOWN_MEMORY, |usage| usage.peak_memory);
        let Some(_reserved) = memory.reserve(needed, &shared.stop) else { return Err(ExecError::Cancelled) };
        let first = record(id)?.as_ref().clone();
        let second = perform(&shared, builders, subject, derivation, (key, &inputs))?;
        let differences = compare(store, &first, &second, &shared.stop)
            .map_err(|source| ExecError::Content { label: derivation.label.clone(), source })?;
        Ok(Checked { id: *id, label: derivation.label.clone(), first, second, differences })
    };
    let results = all(commands, options, &shared.stop, again);
    if options.cancel.load(Ordering::Relaxed) {
        return Err(ExecError::Cancelled);
    }
    joined(results)
}

/// Passes on what happens but for warnings, which were given when the commands were executed first.
struct Repeated<'a>(&'a dyn Observer);

impl Observer for Repeated<'_> {
    fn event(&self, event: Event<'_>) {
        if !matches!(event, Event::Warning { .. }) {
            self.0.event(event);
        }
    }
}

/// Does `again` for all `commands`, several at a time, until one fails.
fn all<T: Send>(
    commands: &[DerivationId],
    options: &Options,
    stop: &AtomicBool,
    again: impl Fn(&DerivationId) -> Result<T, ExecError> + Sync,
) -> Vec<Result<T, ExecError>> {
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(id) = commands.get(at).filter(|_| !stop.load(Ordering::Relaxed)) else { break };
            let result = again(id);
            if result.is_err() && !options.keep_going {
                stop.store(true, Ordering::Relaxed);
            }
            results.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
        }
    };
    thread::scope(|scope| {
        let count = options.jobs.clamp(1, commands.len().max(1));
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        while !threads.iter().all(thread::ScopedJoinHandle::is_finished) {
            if options.cancel.load(Ordering::Relaxed) {
                stop.store(true, Ordering::Relaxed);
            }
            thread::sleep(TICK);
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

/// All results, or the failures among them. What was stopped because another failed is none.
fn joined(results: Vec<Result<Checked, ExecError>>) -> Result<Vec<Checked>, ExecError> {
    let (mut checked, mut failures) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(one) => checked.push(one),
            Err(ExecError::Failed(failure)) => failures.push(failure),
            Err(ExecError::Cancelled) => {}
            Err(other) => return Err(other),
        }
    }
    match failures.len() {
        0 => Ok(checked),
        1 => Err(ExecError::Failed(failures.remove(0))),
        _ => Err(ExecError::Several(Failures { failures, left_out: 0 })),
    }
}

/// What differs between the trees of two records of the same command.
fn compare(
    store: &Store,
    first: &Record,
    second: &Record,
    stop: &AtomicBool,
) -> Result<Vec<Difference>, ContentError> {
    let names: BTreeSet<&OutputName> = first.outputs.keys().chain(second.outputs.keys()).collect();
    let mut found = Vec::new();
    for name in names {
        let tree = *name == outputs::TREE || name.ends_with(".tree");
        if tree && first.outputs.get(name) != second.outputs.get(name) {
            let trees = [decode(store, first, name)?, decode(store, second, name)?];
            compare_trees(name, &trees, &mut found);
        }
    }
    let cache = PackCache::default();
    let contents = [first, second].map(|record| InputContents {
        store,
        cache: &cache,
        stop,
        packs: packs_of(&[Arc::new(record.clone())]),
        opened: OnceLock::new(),
    });
    let contents_of = |found: &&mut Difference| matches!(found.kind, DifferenceKind::Content(_));
    for difference in found.iter_mut().filter(contents_of).take(COMPARED) {
        let name = &difference.output;
        let trees = [decode(store, first, name)?, decode(store, second, name)?];
        difference.kind = DifferenceKind::Content(first_bytes(&trees, &contents, &difference.path)?);
    }
    Ok(found)
}

/// A tree among the outputs of a record; an empty one where it has none of that name.
fn decode(store: &Store, record: &Record, name: &str) -> Result<Tree, ContentError> {
    let Some(object) = record.outputs.get(name) else { return Ok(Tree::default()) };
    Tree::decode(&store.read(object)?).map_err(|_| ContentError::Damaged(object.digest))
}

fn compare_trees(output: &str, trees: &[Tree; 2], found: &mut Vec<Difference>) {
    let paths = |tree: &Tree| tree.entries().iter().map(|entry| entry.path.clone()).collect::<Vec<_>>();
    let paths: BTreeSet<TreePath> = trees.iter().flat_map(paths).collect();
    for path in paths {
        let kind = match (trees[0].get(&path), trees[1].get(&path)) {
            (Some(_), None) => DifferenceKind::OnlyFirst,
            (None, Some(_)) => DifferenceKind::OnlySecond,
            (Some(first), Some(second)) if first != second => differing(first, second),
            _ => continue,
        };
        found.push(Difference { output: output.to_owned(), path, kind });
    }
}

fn differing(first: &Entry, second: &Entry) -> DifferenceKind {
    match (&first.kind, &second.kind) {
        (EntryKind::File { digest: one, .. }, EntryKind::File { digest: other, .. }) if one != other => {
            DifferenceKind::Content(None)
        }
        (EntryKind::Symlink { target: one }, EntryKind::Symlink { target: other }) => {
            let shown = |target: &[u8]| target.escape_ascii().to_string();
            DifferenceKind::Target(shown(one), shown(other))
        }
        (EntryKind::File { .. }, EntryKind::File { .. }) => DifferenceKind::Mode(first.mode, second.mode),
        _ => DifferenceKind::Kind,
    }
}

/// The first bytes in which the file `path` of both trees differs.
fn first_bytes(
    trees: &[Tree; 2],
    contents: &[InputContents<'_>; 2],
    path: &TreePath,
) -> Result<Option<FirstBytes>, ContentError> {
    let open = |side: usize| -> Result<Box<dyn Read + Send + '_>, ContentError> {
        match trees[side].get(path).map(|entry| &entry.kind) {
            Some(EntryKind::File { digest, size, .. }) if *size > 0 => contents[side].open(digest),
            _ => Ok(Box::new(io::empty())),
        }
    };
    let mut files = [open(0)?, open(1)?];
    let mut blocks = [Vec::new(), Vec::new()];
    let (mut offset, mut last) = (0, Vec::new());
    loop {
        const BLOCK: u64 = 256 << 10;
        for (file, block) in files.iter_mut().zip(&mut blocks) {
            block.clear();
            file.by_ref().take(BLOCK).read_to_end(block)?;
        }
        let [one, other] = &blocks;
        let same = one.iter().zip(other).take_while(|(left, right)| left == right).count();
        last.extend_from_slice(&one[..same]);
        last.drain(..last.len().saturating_sub(EXCERPT));
        offset += same as u64;
        if same < one.len() || same < other.len() {
            let mut from = [one[same..].to_vec(), other[same..].to_vec()];
            for (file, bytes) in files.iter_mut().zip(&mut from) {
                if bytes.len() < EXCERPT {
                    file.by_ref().take(EXCERPT as u64).read_to_end(bytes)?;
                }
                bytes.truncate(EXCERPT);
            }
            return Ok(Some(FirstBytes { offset, before: last, from }));
        }
        if one.is_empty() {
            return Ok(None);
        }
    }
}

/// The commands among what `wanted` is made from, in the order in which they are made.
pub fn commands_of(graph: &Graph, wanted: &[DerivationId]) -> Vec<DerivationId> {
    let mut reached: BTreeSet<DerivationId> = BTreeSet::new();
    let mut open = wanted.to_vec();
    while let Some(id) = open.pop() {
        if reached.insert(id)
            && let Some(derivation) = graph.get(&id)
        {
            open.extend(derivation.inputs.iter().map(|input| input.derivation));
        }
    }
    let is_command = |id: &DerivationId| {
        let derivation = graph.get(id).map(|derivation| &derivation.action);
        matches!(derivation, Some(crate::graph::Action::Exec(_)))
    };
    graph.in_order().into_iter().filter(|id| reached.contains(id) && is_command(id)).collect()
}
