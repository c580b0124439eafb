//! The scheduler: takes the state of a run from the wanted derivations to their records.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, ThreadPoolBuilder};

use super::context::Shared;
use super::error::{Defect, ExecError, Failure, Failures};
use super::perform::{execute as perform, key_of};
use super::state::{Claim, State, Threads};
use super::{ActionKind, Builders, Cached, Event, Observer, Subject, Variation, tell_end};
use crate::graph::{Derivation, DerivationId, DerivationKey, Graph};
use crate::store::{Finished, KeyLock, Record, Store, StoreError};

/// How often the run looks whether it is to stop, and whether a key that another process holds is free.
const TICK: Duration = Duration::from_millis(20);

/// After so many files that are nowhere to be found the run ends: none of what is wanted is there.
const MOST_ABSENT: usize = 20;

/// How a run is made. Nothing of it can change an output.
#[derive(Debug, Clone)]
pub struct Options {
    /// Derivations that compute at one time, here or in a sandbox, at least 1.
    pub jobs: usize,
    /// Fetches at one time, at least 1.
    pub fetches: usize,
    /// Bytes of memory that commands in sandboxes may use together, by what each used the last time. One always
    /// runs. `None` where nothing is known of the machine.
    pub memory: Option<u64>,
    /// Whether to go on, after any failure, with everything that does not need what failed. After a fetch of a file
    /// that is nowhere to be found a run goes on in any case.
    pub keep_going: bool,
    /// Set by the caller to stop the run: it then ends within about a tenth of a second.
    pub cancel: Arc<AtomicBool>,
    /// Under which circumstances commands are executed.
    pub variation: Variation,
}

impl Default for Options {
    /// A job for each processor, eight fetches, and an end at the first failure.
    fn default() -> Self {
        let jobs = thread::available_parallelism().map_or(1, usize::from);
        Self {
            jobs,
            fetches: 8,
            memory: None,
            keep_going: false,
            cancel: Arc::default(),
            variation: Variation::None,
        }
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
    execute_all(graph, (wanted, false), store, builders, options, observer)
}

/// As [`execute`]; where `complete` is set, the packs that the trees among the outputs refer to are there too.
pub(super) fn execute_all(
    graph: &Graph,
    (wanted, complete): (&[DerivationId], bool),
    store: &Store,
    builders: &Builders<'_>,
    options: &Options,
    observer: &dyn Observer,
) -> Result<BTreeMap<DerivationId, Record>, ExecError> {
    let mut state = State::new(graph, store, observer, options.memory);
    state.demand_all(wanted, complete)?;
    state.tell_total(0);
    if state.all_done(wanted) {
        return Ok(state.take_records(wanted));
    }
    let shared = Shared {
        store,
        observer,
        jobs: options.jobs.max(1),
        variation: options.variation,
        keeps_logs: true,
        first_jobs: BTreeMap::new(),
        stop: AtomicBool::new(false),
        computing: AtomicUsize::new(0),
        logged: Mutex::default(),
        decoded: Default::default(),
        packs: Default::default(),
    };
    let (state, changed, pool) = (Mutex::new(state), Condvar::new(), Mutex::default());
    let run = Run {
        graph,
        wanted,
        builders,
        options,
        shared: &shared,
        state: &state,
        changed: &changed,
        pool: &pool,
    };
    run.work()?;
    Ok(run.lock().take_records(wanted))
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
    /// For builders that split their work; made for the first of them.
    pool: &'a Mutex<Option<Arc<ThreadPool>>>,
}

impl<'a> Run<'a> {
    fn lock(&self) -> MutexGuard<'a, State<'a>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    /// Works until everything wanted is durable, or nothing is left to do after a failure.
    fn work(&self) -> Result<(), ExecError> {
        let failed = || self.shared.stop.store(true, Ordering::Relaxed);
        let cancel = &self.options.cancel;
        let (directed, committed) = self
            .shared
            .store
            .committing(cancel, failed, |sender| thread::scope(|scope| self.direct(scope, &sender)));
        let mut state = self.lock();
        let failures = std::mem::take(&mut state.failures);
        if cancel.load(Ordering::Relaxed) {
            return Err(ExecError::Cancelled);
        }
        if let Some(failure) = joined(failures, || state.left_out()) {
            return Err(failure);
        }
        committed?;
        directed?;
        if state.all_done(self.wanted) { Ok(()) } else { Err(ExecError::Cancelled) }
    }

    /// Starts threads where there is work for them, until there is no more.
    fn direct<'s>(
        &self,
        scope: &'s thread::Scope<'s, '_>,
        sender: &'s Sender<Finished>,
    ) -> Result<(), ExecError>
    where
        'a: 's,
    {
        let mut retried = Instant::now();
        let mut state = self.lock();
        loop {
            if self.options.cancel.load(Ordering::Relaxed) {
                self.shared.stop.store(true, Ordering::Relaxed);
            }
            if self.is_stopped() {
                if state.is_idle() && state.threads == [0, 0] {
                    return Ok(());
                }
            } else {
                if state.is_contended() && retried.elapsed() >= TICK {
                    state.retry_contended();
                    retried = Instant::now();
                }
                if let Err(error) = self.start_threads(&mut state, scope, sender) {
                    self.shared.stop.store(true, Ordering::Relaxed);
                    return Err(ExecError::Threads(error));
                }
            }
            if state.is_idle() && state.threads == [0, 0] && !state.is_contended() {
                if state.all_done(self.wanted) || !state.failures.is_empty() {
                    return Ok(());
                }
                let label = self.wanted.first().map(ToString::to_string).unwrap_or_default();
                return Err(ExecError::Defect { label, defect: Defect::Stuck });
            }
            state = self.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Starts a thread for each derivation that waits for one, as far as they may be. That the system gives no more
    /// is an error only where there is none at all.
    fn start_threads<'s>(
        &self,
        state: &mut State<'_>,
        scope: &'s thread::Scope<'s, '_>,
        sender: &'s Sender<Finished>,
    ) -> std::io::Result<()>
    where
        'a: 's,
    {
        for (kind, limit) in self.limits() {
            let have = state.threads[kind as usize];
            for number in have..limit.min(have + state.queued(kind)) {
                let run = *self;
                let name = format!("{}-{number}", if kind == Threads::Fetch { "fetch" } else { "compute" });
                let thread = thread::Builder::new().name(name);
                match thread.spawn_scoped(scope, move || run.take_all(kind, sender)) {
                    Ok(_) => state.threads[kind as usize] += 1,
                    Err(error) if state.threads == [0, 0] => return Err(error),
                    Err(_) => break,
                }
            }
        }
        Ok(())
    }

    /// Whether a queue holds work for one more thread than it has.
    fn lacks_thread(&self, state: &State<'_>) -> bool {
        let lacks = |(kind, limit)| state.queued(kind) > 0 && state.threads[kind as usize] < limit;
        self.limits().into_iter().any(lacks)
    }

    /// How many threads there may be of each kind.
    fn limits(&self) -> [(Threads, usize); 2] {
        [(Threads::Fetch, self.options.fetches.max(1)), (Threads::Compute, self.shared.jobs)]
    }

    /// Takes derivations until there are none for this kind of thread, or the run is being stopped.
    fn take_all(&self, kind: Threads, sender: &Sender<Finished>) {
        let mut state = self.lock();
        while !self.is_stopped() {
            let Some((id, inputs)) = state.take(kind) else { break };
            drop(state);
            let result = self.one(id, inputs, sender);
            state = self.lock();
            if let Err(error) = result {
                self.fail(&mut state, id, error);
            }
        }
        state.threads[kind as usize] -= 1;
        drop(state);
        self.changed.notify_one();
    }

    /// Notes a failure, keeps it as the derivation's log, and stops the run unless that is to go on.
    fn fail(&self, state: &mut State<'_>, id: DerivationId, error: ExecError) {
        state.abort(&id);
        let goes_on = match &error {
            ExecError::Failed(Failure { absent: true, .. }) if state.failures.len() < MOST_ABSENT => true,
            ExecError::Failed(_) => self.options.keep_going,
            _ => false,
        };
        // What fails while the run is being stopped fails because of that.
        if self.shared.stop.fetch_or(!goes_on, Ordering::Relaxed) || matches!(error, ExecError::Cancelled) {
            return;
        }
        if let Some(derivation) = self.graph.get(&id) {
            self.shared.observer.event(Event::Failed(Subject::of(id, derivation)));
            // A command's log is what it said.
            let logged = self.shared.logged.lock().unwrap_or_else(PoisonError::into_inner).contains(&id);
            if !logged {
                let _ = self.shared.store.write_log(&id, log_text(derivation, &error).as_bytes());
            }
        }
        state.failures.push(error);
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
        let found = |(record, complete): (Arc<Record>, bool)| {
            tell_end(self.shared.observer, subject, &record, Cached::Record, started.elapsed());
            self.settle(&id, record, complete);
        };
        if let Some(known) = self.known(&id, &key) {
            self.remember(&id, &key)?;
            found(known);
            return Ok(());
        }
        let claim = {
            let mut state = self.lock();
            let before = state.total();
            let complete = state.complete_inputs(&id)?;
            state.tell_total(before);
            if complete { state.claim(&id, &key) } else { Claim::Taken }
        };
        match claim {
            Claim::Free => {}
            Claim::Made(record, complete) => {
                // The record's file is there when the committer comes to this.
                let _ = sender.send(Finished { id, record: record.as_ref().clone(), lock: None });
                found((record, complete));
                return Ok(());
            }
            Claim::Taken => {
                self.changed.notify_one();
                return Ok(());
            }
        }
        let Some(lock) = self.shared.store.try_lock_key(&key)? else {
            if self.lock().contend(id, &key) {
                self.shared.observer.event(Event::Waiting(subject));
            }
            self.changed.notify_one();
            return Ok(());
        };
        // Whoever held the lock before may have made it.
        if let Some(known) = self.known(&id, &key) {
            drop(lock);
            self.remember(&id, &key)?;
            found(known);
            return Ok(());
        }
        let record = self.perform(subject, derivation, (key, &inputs))?;
        self.finish(id, Arc::new(record), lock, sender);
        Ok(())
    }

    /// Executes a derivation.
    fn perform(
        &self,
        subject: Subject<'_>,
        derivation: &Derivation,
        made_from: (DerivationKey, &[Arc<Record>]),
    ) -> Result<Record, ExecError> {
        let perform = || perform(self.shared, self.builders, subject, derivation, made_from);
        if !splits(subject.kind) {
            return perform();
        }
        let pool = {
            let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
            match &*pool {
                Some(pool) => pool.clone(),
                None => pool.insert(Arc::new(new_pool(self.shared.jobs)?)).clone(),
            }
        };
        pool.install(perform)
    }

    /// Hands a record that was just made to the committer and to what waits for it.
    fn finish(&self, id: DerivationId, record: Arc<Record>, lock: KeyLock, sender: &Sender<Finished>) {
        if let Some(execution) = &record.execution {
            // What is not noted is only estimated worse the next time.
            let _ = self.shared.store.note_usage(&record.label, &execution.usage);
        }
        // The committer ends early only after a failure, which the run reports.
        let _ = sender.send(Finished { id, record: record.as_ref().clone(), lock: Some(lock) });
        self.settle(&id, record, true);
    }

    /// The record of `key` in the store, if it will do, and whether the packs it refers to are known to be there.
    fn known(&self, id: &DerivationId, key: &DerivationKey) -> Option<(Arc<Record>, bool)> {
        let record = self.shared.store.record(key)?;
        let complete = self.lock().wants_complete(id);
        (!complete || self.shared.store.has_references(&record)).then(|| (Arc::new(record), complete))
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

/// The error of a run with these failures. `left_out` counts what was left out because of them.
fn joined(mut failures: Vec<ExecError>, left_out: impl Fn() -> usize) -> Option<ExecError> {
    if failures.len() <= 1 {
        return failures.pop();
    }
    let mut several = Vec::with_capacity(failures.len());
    for failure in failures {
        match failure {
            ExecError::Failed(failure) => several.push(failure),
            // What stopped the run outweighs what it had gone on after.
            other => return Some(other),
        }
    }
    Some(ExecError::Several(Failures { failures: several, left_out: left_out() }))
}

/// Whether the builder of this kind splits its work over a pool of threads.
fn splits(kind: ActionKind) -> bool {
    kind == ActionKind::Elf
}

fn new_pool(threads: usize) -> Result<ThreadPool, ExecError> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(|number| format!("split-{number}"));
    pool.build().map_err(|error| ExecError::Threads(std::io::Error::other(error)))
}
