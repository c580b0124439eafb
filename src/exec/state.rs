//! How far each derivation is: what waits for what, and what can be worked on now.
//!
//! A run goes from the wanted derivations down. One that the memo knows is done, and nothing below it is looked
//! at. Any other waits for its inputs, then it is queued. An execution needs its inputs _complete_: not only their
//! outputs, but every pack that their trees refer to. An input that is done but not complete goes back to waiting
//! for its own inputs, so that whatever made the missing pack is found, misses its outputs, and is made again.
//!
//! What can be worked on waits in three queues, each ordered by [`Priorities`]. A command in a sandbox is taken only
//! when memory allows it; while the first of them has to wait for memory, no later one is taken before it, so that
//! a large one comes to its turn.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use super::cost::Priorities;
use super::{ActionKind, Event, ExecError, Observer, Subject};
use crate::exec::error::Defect;
use crate::exec::observer::Cached;
use crate::graph::{Derivation, DerivationId, DerivationKey, Graph};
use crate::store::{Record, Store};

/// One derivation in a run.
#[derive(Debug, Default)]
struct Node {
    phase: Phase,
    record: Option<Arc<Record>>,
    /// Whether some dependent needs the packs its trees refer to.
    wanted_complete: bool,
    /// Whether they were seen to be there.
    complete: bool,
    /// Inputs it still waits for.
    missing: usize,
    /// Derivations that wait for it.
    waiters: Vec<DerivationId>,
    /// Dependents that are not done.
    users: usize,
    /// Whether the wait for another was told.
    wait_told: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Phase {
    /// For inputs, or for another derivation with the same key.
    #[default]
    Waiting,
    /// To be worked on.
    Queued,
    /// Being worked on.
    Working,
    /// Another holds the lock of its key.
    Contended,
    /// With a record.
    Done,
    /// It failed.
    Failed,
}

/// The two kinds of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Threads {
    /// Wait for network or disk.
    Fetch,
    /// Compute, here or in a sandbox.
    Compute,
}

/// What can be worked on, the first at the top.
type Queue = BinaryHeap<(u64, DerivationId)>;

/// What is known of a key in this run.
#[derive(Debug)]
enum Key {
    /// One derivation with it is being worked on; these wait for it.
    Making(Vec<DerivationId>),
    /// It gave this record, which may not be durable yet.
    Made(Arc<Record>),
}

/// Whether a derivation may be made.
pub(super) enum Claim {
    /// No other has the key.
    Free,
    /// Another gave this; whether the packs it refers to were seen.
    Made(Arc<Record>, bool),
    /// Another is at it; the derivation waits.
    Taken,
}

/// The state of a run, behind one lock.
pub(super) struct State<'a> {
    graph: &'a Graph,
    store: &'a Store,
    observer: &'a dyn Observer,
    nodes: BTreeMap<DerivationId, Node>,
    /// What was recalled of the wanted derivations before anything was demanded.
    recalled: BTreeMap<DerivationId, Record>,
    /// Made when something is queued for the first time: a run that finds everything needs none.
    priorities: Option<Priorities>,
    fetches: Queue,
    computations: Queue,
    commands: Queue,
    contended: Vec<DerivationId>,
    keys: BTreeMap<DerivationKey, Key>,
    /// Derivations being worked on.
    working: usize,
    /// Bytes that all commands together may use, where that is known.
    memory: Option<u64>,
    /// What each running command is thought to use.
    reserved: BTreeMap<DerivationId, u64>,
    /// Threads of each kind.
    pub threads: [usize; 2],
    /// What failed, in the order it did.
    pub failures: Vec<ExecError>,
}

impl<'a> State<'a> {
    pub fn new(graph: &'a Graph, store: &'a Store, observer: &'a dyn Observer, memory: Option<u64>) -> Self {
        Self {
            graph,
            store,
            observer,
            nodes: BTreeMap::new(),
            recalled: BTreeMap::new(),
            priorities: None,
            fetches: Queue::new(),
            computations: Queue::new(),
            commands: Queue::new(),
            contended: Vec::new(),
            keys: BTreeMap::new(),
            working: 0,
            memory,
            reserved: BTreeMap::new(),
            threads: [0, 0],
            failures: Vec::new(),
        }
    }

    /// Asks for the records of `wanted`, as [`State::demand`] does for one.
    pub fn demand_all(&mut self, wanted: &[DerivationId], complete: bool) -> Result<(), ExecError> {
        self.recalled = self.store.recall_all(wanted);
        for id in wanted {
            self.demand(id, complete)?;
        }
        Ok(())
    }

    /// How many derivations the run looks at, as far as is known.
    pub fn total(&self) -> usize {
        self.nodes.len()
    }

    /// The record of a derivation that is done.
    pub fn record(&self, id: &DerivationId) -> Option<&Arc<Record>> {
        self.nodes.get(id).filter(|node| node.phase == Phase::Done)?.record.as_ref()
    }

    /// The records of `wanted` that are done, at the end of the run.
    pub fn take_records(&mut self, wanted: &[DerivationId]) -> BTreeMap<DerivationId, Record> {
        let mut records = BTreeMap::new();
        for id in wanted {
            if let Some(node) = self.nodes.remove(id)
                && node.phase == Phase::Done
            {
                records.extend(node.record.map(|record| (*id, Arc::unwrap_or_clone(record))));
            }
        }
        records
    }

    /// Whether every derivation of `wanted` is done.
    pub fn all_done(&self, wanted: &[DerivationId]) -> bool {
        wanted.iter().all(|id| self.record(id).is_some())
    }

    /// Whether nobody works on anything.
    pub fn is_idle(&self) -> bool {
        self.working == 0
    }

    /// How many derivations wait for a thread of this kind.
    pub fn queued(&self, threads: Threads) -> usize {
        match threads {
            Threads::Fetch => self.fetches.len(),
            Threads::Compute => {
                let commands = if self.admits_command() { self.commands.len() } else { 0 };
                self.computations.len() + commands
            }
        }
    }

    /// Whether there is a command and memory for it. One always runs.
    fn admits_command(&self) -> bool {
        let Some((_, id)) = self.commands.peek() else { return false };
        let Some(memory) = self.memory else { return true };
        let reserved: u64 = self.reserved.values().sum();
        self.reserved.is_empty() || reserved.saturating_add(self.memory_of(id)) <= memory
    }

    fn memory_of(&self, id: &DerivationId) -> u64 {
        self.priorities.as_ref().map_or(0, |priorities| priorities.memory(id))
    }

    /// How many derivations there is nothing of, because they need what failed.
    pub fn left_out(&self) -> usize {
        self.nodes.values().filter(|node| node.phase == Phase::Waiting).count()
    }

    /// Whether another holds the key of something.
    pub fn is_contended(&self) -> bool {
        !self.contended.is_empty()
    }

    /// Asks for the record of a derivation; says whether it is there. Where it is not, all that leads to it is
    /// under way.
    pub fn demand(&mut self, id: &DerivationId, complete: bool) -> Result<bool, ExecError> {
        if let Some(node) = self.nodes.get_mut(id) {
            node.wanted_complete |= complete;
            if node.phase != Phase::Done {
                return Ok(false);
            }
            let record = node.record.as_ref().expect("a derivation that is done has a record");
            node.complete = node.complete || (complete && self.store.has_references(record));
            if !complete || node.complete {
                return Ok(true);
            }
            node.record = None;
            return self.wait_for_inputs(id);
        }
        let recalled = self.recalled.remove(id).or_else(|| self.store.recall(id)).map(Arc::new);
        let usable = |record: &Arc<Record>| !complete || self.store.has_references(record);
        let node = Node { wanted_complete: complete, ..Node::default() };
        self.nodes.insert(*id, node);
        match recalled.filter(usable) {
            Some(record) => {
                let subject = self.subject(id)?;
                super::tell_end(self.observer, subject, &record, Cached::Memo, std::time::Duration::ZERO);
                let node = self.node(id);
                (node.phase, node.complete) = (Phase::Done, complete);
                node.record = Some(record);
                Ok(true)
            }
            None => self.wait_for_inputs(id),
        }
    }

    /// Demands the inputs of `id`, and queues it when all are there. Always says that its record is not.
    fn wait_for_inputs(&mut self, id: &DerivationId) -> Result<bool, ExecError> {
        self.node(id).phase = Phase::Waiting;
        self.demand_inputs(id, false)?;
        if self.node(id).missing == 0 {
            self.queue(*id);
        }
        Ok(false)
    }

    /// Demands the inputs of `id`, which then waits for those that are not there. Says whether all are.
    fn demand_inputs(&mut self, id: &DerivationId, complete: bool) -> Result<bool, ExecError> {
        let mut inputs: Vec<DerivationId> =
            self.derivation(id)?.inputs.iter().map(|input| input.derivation).collect();
        inputs.sort_unstable();
        inputs.dedup();
        for input in inputs {
            if !self.demand(&input, complete)? {
                self.node(&input).waiters.push(*id);
                self.node(id).missing += 1;
            }
            if !complete {
                self.node(&input).users += 1;
            }
        }
        Ok(self.node(id).missing == 0)
    }

    /// Called by who works on `id` and has to execute it: says whether all inputs are complete. Where they are
    /// not, it waits, and will be queued again.
    pub fn complete_inputs(&mut self, id: &DerivationId) -> Result<bool, ExecError> {
        let complete = self.demand_inputs(id, true)?;
        if !complete {
            self.node(id).phase = Phase::Waiting;
            self.leave(id);
        }
        Ok(complete)
    }

    /// Takes the first derivation that threads of this kind can work on, with its inputs' records in order.
    pub fn take(&mut self, threads: Threads) -> Option<(DerivationId, Vec<Arc<Record>>)> {
        let (_, id) = match threads {
            Threads::Fetch => self.fetches.pop()?,
            Threads::Compute if self.admits_command() && self.commands.peek() > self.computations.peek() => {
                let first = self.commands.pop()?;
                self.reserved.insert(first.1, self.memory_of(&first.1));
                first
            }
            Threads::Compute => self.computations.pop()?,
        };
        self.node(&id).phase = Phase::Working;
        self.working += 1;
        let graph = self.graph;
        let inputs = graph.get(&id).map_or(&[][..], |derivation| &derivation.inputs);
        let record =
            |derivation| self.record(derivation).expect("a queued derivation has its inputs").clone();
        Some((id, inputs.iter().map(|input| record(&input.derivation)).collect()))
    }

    /// Whether a dependent of `id` needs the packs its trees refer to.
    pub fn wants_complete(&self, id: &DerivationId) -> bool {
        self.nodes.get(id).is_some_and(|node| node.wanted_complete)
    }

    /// Asks for the right to make the key of `id`, which is being worked on.
    pub fn claim(&mut self, id: &DerivationId, key: &DerivationKey) -> Claim {
        let complete = self.wants_complete(id);
        match self.keys.get_mut(key) {
            Some(Key::Making(waiting)) => {
                waiting.push(*id);
                self.node(id).phase = Phase::Waiting;
                self.leave(id);
                return Claim::Taken;
            }
            Some(Key::Made(record)) if !complete || self.store.has_references(record) => {
                return Claim::Made(record.clone(), complete);
            }
            _ => {}
        }
        self.keys.insert(*key, Key::Making(Vec::new()));
        Claim::Free
    }

    /// Gives up what was claimed; who waited for it may try.
    fn disclaim(&mut self, key: &DerivationKey, made: Option<&Arc<Record>>) {
        let Some(Key::Making(_)) = self.keys.get(key) else { return };
        let before = match made {
            Some(record) => self.keys.insert(*key, Key::Made(record.clone())),
            None => self.keys.remove(key),
        };
        if let Some(Key::Making(waiting)) = before {
            waiting.into_iter().for_each(|id| self.queue(id));
        }
    }

    /// Puts aside what is being worked on: another process holds its key. Says whether that is to be told.
    pub fn contend(&mut self, id: DerivationId, key: &DerivationKey) -> bool {
        self.leave(&id);
        self.disclaim(key, None);
        self.contended.push(id);
        let node = self.node(&id);
        node.phase = Phase::Contended;
        !std::mem::replace(&mut node.wait_told, true)
    }

    /// Queues again what was put aside.
    pub fn retry_contended(&mut self) {
        for id in std::mem::take(&mut self.contended) {
            self.queue(id);
        }
    }

    /// Ends the work on `id`, which gave `record`. Returns records whose decoded forms nobody needs any more.
    /// `complete` says whether the packs it refers to were seen.
    pub fn settle(&mut self, id: &DerivationId, record: Arc<Record>, complete: bool) -> Vec<Arc<Record>> {
        self.leave(id);
        self.disclaim(&record.key, Some(&record));
        let node = self.node(id);
        if node.wanted_complete && !complete {
            // Somebody came to need more while it was worked on.
            self.queue(*id);
            return Vec::new();
        }
        let mut unused = Vec::new();
        if node.users == 0 {
            unused.push(record.clone());
        }
        (node.phase, node.complete, node.record) = (Phase::Done, complete, Some(record));
        for waiter in std::mem::take(&mut node.waiters) {
            let node = self.node(&waiter);
            node.missing -= 1;
            if node.missing == 0 && node.phase == Phase::Waiting {
                self.queue(waiter);
            }
        }
        unused.extend(self.release_inputs(id));
        unused
    }

    /// Ends the work on `id` with nothing. What needs it, or has the same key, goes on waiting.
    pub fn abort(&mut self, id: &DerivationId) {
        self.leave(id);
        self.node(id).phase = Phase::Failed;
    }

    /// Counts `id` off from what is being worked on.
    fn leave(&mut self, id: &DerivationId) {
        self.working -= 1;
        self.reserved.remove(id);
    }

    /// Counts `id` off from the users of its inputs; returns the records of those that have none left.
    fn release_inputs(&mut self, id: &DerivationId) -> Vec<Arc<Record>> {
        let mut inputs: Vec<DerivationId> = match self.graph.get(id) {
            Some(derivation) => derivation.inputs.iter().map(|input| input.derivation).collect(),
            None => Vec::new(),
        };
        inputs.sort_unstable();
        inputs.dedup();
        let mut unused = Vec::new();
        for input in inputs {
            let node = self.node(&input);
            node.users = node.users.saturating_sub(1);
            if node.users == 0 {
                unused.extend(node.record.clone());
            }
        }
        unused
    }

    fn queue(&mut self, id: DerivationId) {
        let graph = self.graph;
        let store = self.store;
        let known = |derivation: &Derivation| store.usage(&derivation.label);
        let priorities = self.priorities.get_or_insert_with(|| Priorities::of(graph, &known));
        let queue = match graph.get(&id).map(|derivation| ActionKind::of(&derivation.action)) {
            Some(ActionKind::Fetch) => &mut self.fetches,
            Some(ActionKind::Exec) => &mut self.commands,
            _ => &mut self.computations,
        };
        queue.push((priorities.get(&id), id));
        self.node(&id).phase = Phase::Queued;
    }

    fn node(&mut self, id: &DerivationId) -> &mut Node {
        self.nodes.get_mut(id).expect("only derivations that were demanded are worked on")
    }

    fn derivation(&self, id: &DerivationId) -> Result<&'a Derivation, ExecError> {
        self.graph
            .get(id)
            .ok_or_else(|| ExecError::Defect { label: id.to_string(), defect: Defect::NotInGraph })
    }

    fn subject(&self, id: &DerivationId) -> Result<Subject<'a>, ExecError> {
        Ok(Subject::of(*id, self.derivation(id)?))
    }

    /// Tells how many derivations are known, where that is more than `before`.
    pub fn tell_total(&self, before: usize) {
        if self.total() > before {
            self.observer.event(Event::Planned { total: self.total() });
        }
    }
}
