//! How far each derivation is: what waits for what, and what can be worked on now.
//!
//! A run goes from the wanted derivations down. One that the memo knows is done, and nothing below it is looked
//! at. Any other waits for its inputs, then it is queued. An execution needs its inputs _complete_: not only their
//! outputs, but every pack that their trees refer to. An input that is done but not complete goes back to waiting
//! for its own inputs, so that whatever made the missing pack is found, misses its outputs, and is made again.

use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use super::cost::Priorities;
use super::{ActionKind, Event, ExecError, Observer, Subject};
use crate::exec::error::Defect;
use crate::exec::observer::Cached;
use crate::graph::{Derivation, DerivationId, Graph};
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
    /// For inputs.
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
}

/// The two kinds of work, which have threads of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    /// Waits for network or disk.
    Fetch,
    /// Computes.
    Compute,
}

impl Queue {
    fn of(derivation: &Derivation) -> Self {
        match ActionKind::of(&derivation.action) {
            ActionKind::Fetch => Self::Fetch,
            _ => Self::Compute,
        }
    }
}

/// The state of a run, behind one lock.
pub(super) struct State<'a> {
    graph: &'a Graph,
    store: &'a Store,
    observer: &'a dyn Observer,
    nodes: BTreeMap<DerivationId, Node>,
    /// Made when something is queued for the first time: a run that finds everything needs none.
    priorities: Option<Priorities>,
    queues: [BinaryHeap<(u64, DerivationId)>; 2],
    contended: Vec<DerivationId>,
    /// Derivations being worked on.
    working: usize,
    /// Threads that take work from each queue.
    pub threads: [usize; 2],
    /// The first failure.
    pub failure: Option<ExecError>,
}

impl<'a> State<'a> {
    pub fn new(graph: &'a Graph, store: &'a Store, observer: &'a dyn Observer) -> Self {
        Self {
            graph,
            store,
            observer,
            nodes: BTreeMap::new(),
            priorities: None,
            queues: Default::default(),
            contended: Vec::new(),
            working: 0,
            threads: [0, 0],
            failure: None,
        }
    }

    /// How many derivations the run looks at, as far as is known.
    pub fn total(&self) -> usize {
        self.nodes.len()
    }

    /// The record of a derivation that is done.
    pub fn record(&self, id: &DerivationId) -> Option<&Arc<Record>> {
        self.nodes.get(id).filter(|node| node.phase == Phase::Done)?.record.as_ref()
    }

    /// Whether every derivation of `wanted` is done.
    pub fn all_done(&self, wanted: &[DerivationId]) -> bool {
        wanted.iter().all(|id| self.record(id).is_some())
    }

    /// Whether nobody works on anything.
    pub fn is_idle(&self) -> bool {
        self.working == 0
    }

    /// How many derivations a queue holds.
    pub fn queued(&self, queue: Queue) -> usize {
        self.queues[queue as usize].len()
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
        let recalled = self.store.recall(id).map(Arc::new);
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
            self.working -= 1;
        }
        Ok(complete)
    }

    /// Takes the first derivation of a queue, with its inputs' records in order.
    pub fn take(&mut self, queue: Queue) -> Option<(DerivationId, Vec<Arc<Record>>)> {
        let (_, id) = self.queues[queue as usize].pop()?;
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

    /// Puts aside what is being worked on: another holds its key. Says whether that is to be told.
    pub fn contend(&mut self, id: DerivationId) -> bool {
        self.working -= 1;
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
        self.working -= 1;
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

    /// Ends the work on `id` with nothing.
    pub fn abort(&mut self) {
        self.working -= 1;
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
        let priorities = self.priorities.get_or_insert_with(|| Priorities::of(graph));
        let queue = graph.get(&id).map_or(Queue::Compute, Queue::of);
        self.queues[queue as usize].push((priorities.get(&id), id));
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
