//! The scheduler: takes the state of a run from the wanted derivations to their records.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rayon::{Scope, ThreadPool, ThreadPoolBuilder};

use super::context::Shared;
use super::error::{Defect, ExecError};
use super::perform::{execute as perform, key_of};
use super::state::{Queue, State};
use super::{Builders, Cached, Event, Observer, Subject, Variation, tell_end};
use crate::graph::{Derivation, DerivationId, DerivationKey, Graph};
use crate::store::{Finished, Record, Store, StoreError};

/// How often the run looks whether it is to stop, and whether a key that another holds is free.
const TICK: Duration = Duration::from_millis(20);

/// How a run is made. Nothing of it can change an output.
#[derive(Debug, Clone)]
pub struct Options {
    /// Derivations that compute at one time, at least 1.
    pub jobs: usize,
    /// Fetches at one time, at least 1.
    pub fetches: usize,
    /// Set by the caller to stop the run: it then ends within about a tenth of a second.
    pub cancel: Arc<AtomicBool>,
    /// Under which circumstances commands are executed.
    pub variation: Variation,
}

impl Default for Options {
    /// A job for each processor, eight fetches.
    fn default() -> Self {
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        Self { jobs, fetches: 8, cancel: Arc::default(), variation: Variation::None }
    }
}

/// The records of `wanted`, each found in the store or made. What was finished before a failure stays in the
/// store. The caller holds [`Store::share`] from before this call until it has used the outputs.
pub fn execute(
    graph: &Graph,
    wanted: &[DerivationId],
    store: &Store,
    builders: &Builders<'_>,
    options: &Options,
    observer: &dyn Observer,
) -> Result<BTreeMap<DerivationId, Record>, ExecError> {
    let mut state = State::new(graph, store, observer);
    for id in wanted {
        state.demand(id, false)?;
    }
    state.tell_total(0);
    if !state.all_done(wanted) {
        let shared = Shared {
            store,
            observer,
            jobs: options.jobs.max(1),
            variation: options.variation,
            stop: AtomicBool::new(false),
            computing: AtomicUsize::new(0),
            logged: Mutex::default(),
            decoded: Default::default(),
            packs: Default::default(),
        };
        let (state, changed) = (Mutex::new(state), Condvar::new());
        let run = Run { graph, wanted, builders, options, shared: &shared, state: &state, changed: &changed };
        run.work()?;
        return Ok(collect(&run.lock(), wanted));
    }
    Ok(collect(&state, wanted))
}

fn collect(state: &State<'_>, wanted: &[DerivationId]) -> BTreeMap<DerivationId, Record> {
    let record = |id: &DerivationId| Some((*id, state.record(id)?.as_ref().clone()));
    wanted.iter().filter_map(record).collect()
}

/// A run with something to do.
#[derive(Clone, Copy)]
struct Run<'a> {
    graph: &'a Graph,
    wanted: &'a [DerivationId],
    builders: &'a Builders<'a>,
    options: &'a Options,
    shared: &'a Shared<'a>,
    state: &'a Mutex<State<'a>>,
    /// Signalled whenever there may be something to do for [`Run::direct`].
    changed: &'a Condvar,
}

thread_local! {
    /// Whether this thread is inside of an execution. Rayon may start another task on a thread that waits for
    /// part of its own: such a task does one derivation and gives the thread back.
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

impl<'a> Run<'a> {
    fn lock(&self) -> MutexGuard<'a, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until everything wanted is durable, or something failed.
    fn work(&self) -> Result<(), ExecError> {
        let fetches = self
            .graph
            .iter()
            .filter(|(id, derivation)| Subject::of(**id, derivation).kind == super::ActionKind::Fetch);
        let compute = pool("compute", self.shared.jobs)?;
        let fetch = pool("fetch", fetches.count().clamp(1, self.options.fetches.max(1)))?;
        let failed = || self.shared.stop.store(true, Ordering::Relaxed);
        let cancel = &self.options.cancel;
        let (directed, committed) = self.shared.store.committing(cancel, failed, |sender| {
            compute.in_place_scope(|compute| {
                fetch.in_place_scope(|fetch| self.direct([fetch, compute], &sender))
            })
        });
        let failure = self.lock().failure.take();
        if self.options.cancel.load(Ordering::Relaxed) {
            return Err(ExecError::Cancelled);
        }
        if let Some(failure) = failure {
            return Err(failure);
        }
        committed?;
        directed
    }

    /// Starts threads where there is work for them, until there is no more.
    fn direct<'s>(&self, scopes: [&Scope<'s>; 2], sender: &'s Sender<Finished>) -> Result<(), ExecError>
    where
        'a: 's,
    {
        let mut retried = Instant::now();
        let mut state = self.lock();
        loop {
            if self.options.cancel.load(Ordering::Relaxed) {
                self.shared.stop.store(true, Ordering::Relaxed);
            }
            if self.shared.stop.load(Ordering::Relaxed) {
                if state.is_idle() && state.threads == [0, 0] {
                    return Ok(());
                }
            } else if state.is_contended() && retried.elapsed() >= TICK {
                state.retry_contended();
                retried = Instant::now();
            }
            for (queue, limit) in self.limits() {
                let stopped = self.shared.stop.load(Ordering::Relaxed);
                let new = state.queued(queue).min(limit.saturating_sub(state.threads[queue as usize]));
                for _ in 0..if stopped { 0 } else { new } {
                    state.threads[queue as usize] += 1;
                    let run = *self;
                    scopes[queue as usize].spawn(move |_| run.take_all(queue, sender));
                }
            }
            if state.is_idle() && state.threads == [0, 0] && !state.is_contended() {
                if state.all_done(self.wanted) || state.failure.is_some() {
                    return Ok(());
                }
                let label = self.wanted.first().map(ToString::to_string).unwrap_or_default();
                return Err(ExecError::Defect { label, defect: Defect::Stuck });
            }
            state = self.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether a queue holds work for one more thread than it has.
    fn lacks_thread(&self, state: &State<'_>) -> bool {
        let lacks = |(queue, limit)| state.queued(queue) > 0 && state.threads[queue as usize] < limit;
        self.limits().into_iter().any(lacks)
    }

    /// How many threads each queue may have.
    fn limits(&self) -> [(Queue, usize); 2] {
        [(Queue::Fetch, self.options.fetches.max(1)), (Queue::Compute, self.shared.jobs)]
    }

    /// Takes derivations from a queue until it is empty or the run is being stopped.
    fn take_all(&self, queue: Queue, sender: &Sender<Finished>) {
        let nested = BUSY.replace(true);
        let mut state = self.lock();
        while !self.shared.stop.load(Ordering::Relaxed) {
            let Some((id, inputs)) = state.take(queue) else { break };
            drop(state);
            let result = self.one(id, inputs, sender);
            state = self.lock();
            if let Err(error) = result {
                state.abort();
                self.fail(&mut state, id, error);
            }
            if nested {
                break;
            }
        }
        BUSY.set(nested);
        state.threads[queue as usize] -= 1;
        drop(state);
        self.changed.notify_one();
    }

    /// Notes the first failure, keeps it as the derivation's log, and stops the run.
    fn fail(&self, state: &mut State<'_>, id: DerivationId, error: ExecError) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if state.failure.is_some() || matches!(error, ExecError::Cancelled) {
            return;
        }
        if let Some(derivation) = self.graph.get(&id) {
            self.shared.observer.event(Event::Failed(Subject::of(id, derivation)));
            let logged = self.shared.logged.lock().unwrap_or_else(PoisonError::into_inner).contains(&id);
            if !logged {
                let _ = self.shared.store.write_log(&id, log_text(derivation, &error).as_bytes());
            }
        }
        state.failure = Some(error);
    }

    /// Takes one derivation as far as it goes: to its record, or back to waiting. An error leaves it where it is.
    fn one(
        &self,
        id: DerivationId,
        inputs: Vec<Arc<Record>>,
        sender: &Sender<Finished>,
    ) -> Result<(), ExecError> {
        let started = Instant::now();
        let derivation = self.graph.get(&id).expect("only derivations of the graph are queued");
        let subject = Subject::of(id, derivation);
        let key = key_of(derivation, &inputs)?;
        if let Some((record, complete)) = self.known(&id, &key) {
            self.remember(&id, &key)?;
            tell_end(self.shared.observer, subject, &record, Cached::Record, started.elapsed());
            self.settle(&id, record, complete);
            return Ok(());
        }
        {
            let mut state = self.lock();
            let before = state.total();
            let complete = state.complete_inputs(&id)?;
            state.tell_total(before);
            if !complete {
                drop(state);
                self.changed.notify_one();
                return Ok(());
            }
        }
        let Some(lock) = self.shared.store.try_lock_key(&key)? else {
            if self.lock().contend(id) {
                self.shared.observer.event(Event::Waiting(subject));
            }
            self.changed.notify_one();
            return Ok(());
        };
        // Whoever held the lock before may have made it.
        if let Some((record, complete)) = self.known(&id, &key) {
            drop(lock);
            self.remember(&id, &key)?;
            tell_end(self.shared.observer, subject, &record, Cached::Record, started.elapsed());
            self.settle(&id, record, complete);
            return Ok(());
        }
        let record = perform(self.shared, self.builders, subject, derivation, (key, &inputs))?;
        // The committer ends early only after a failure, which the run reports.
        let _ = sender.send(Finished { id, record: record.clone(), lock });
        self.settle(&id, Arc::new(record), true);
        Ok(())
    }

    /// The record of `key`, if it will do, and whether the packs it refers to are known to be there.
    fn known(&self, id: &DerivationId, key: &DerivationKey) -> Option<(Arc<Record>, bool)> {
        let record = self.shared.store.record(key)?;
        let complete = self.lock().wants_complete(id);
        let usable = !complete || self.shared.store.has_references(&record);
        usable.then(|| (Arc::new(record), complete))
    }

    /// Notes the key in the memo. A store that is only read is no reason to fail.
    fn remember(&self, id: &DerivationId, key: &DerivationKey) -> Result<(), ExecError> {
        match self.shared.store.remember(id, key) {
            Err(StoreError::ReadOnly { .. }) => Ok(()),
            result => Ok(result?),
        }
    }

    fn settle(&self, id: &DerivationId, record: Arc<Record>, complete: bool) {
        let mut state = self.lock();
        let unused = state.settle(id, record, complete);
        let more = self.lacks_thread(&state);
        drop(state);
        for record in unused {
            self.shared.decoded.forget(&record);
        }
        if more {
            self.changed.notify_one();
        }
    }
}

/// The text of the log that a failure leaves: the label, and the error with all its causes.
fn log_text(derivation: &Derivation, error: &ExecError) -> String {
    let mut text = format!("{}\n{error}\n", derivation.label);
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!("  caused by: {cause}\n"));
        source = cause.source();
    }
    text
}

fn pool(name: &'static str, threads: usize) -> Result<ThreadPool, ExecError> {
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(move |number| format!("{name}-{number}"))
        .build()
        .map_err(ExecError::Threads)
}
