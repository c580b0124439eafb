//! Progress of a build on standard error: live on a terminal, one line for each thing done in a pipe.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::report::Reporter;
use super::table;
use crate::exec::{ActionKind, Cached, Event, Observer, Subject};
use crate::graph::DerivationId;

/// Derivations that take longer than this get a line in a pipe; so does everything fetched.
const WORTH_A_LINE: Duration = Duration::from_millis(100);
/// How often a terminal shows how long a build has been running.
const TICK: Duration = Duration::from_millis(500);
/// How often a pipe is told which builds are still running.
const STILL: Duration = Duration::from_secs(30);

/// Watches a build. Two lines on a terminal, always the same two: what is fetched, and what is done.
pub struct Progress {
    watched: Arc<Watched>,
    /// Dropped, it ends the thread that says now and then what is still running.
    _ticker: Sender<()>,
}

struct Watched {
    bars: MultiProgress,
    downloads: ProgressBar,
    summary: ProgressBar,
    live: bool,
    quiet: bool,
    state: Mutex<State>,
    started: Instant,
}

#[derive(Default)]
struct State {
    total: usize,
    done: usize,
    cached: usize,
    /// Bytes of finished downloads.
    fetched: u64,
    active: BTreeMap<DerivationId, Active>,
}

struct Active {
    label: String,
    kind: ActionKind,
    bytes: u64,
    since: Instant,
}

impl Active {
    fn is_fetch(&self) -> bool {
        self.kind == ActionKind::Fetch
    }

    fn is_command(&self) -> bool {
        self.kind == ActionKind::Exec
    }
}

impl Progress {
    /// Begins to watch.
    ///
    /// Says nothing where programs read what is reported.
    pub fn start(reporter: &Reporter) -> Self {
        use std::io::IsTerminal;
        let quiet = !reporter.for_people();
        let live = !quiet && std::io::stderr().is_terminal();
        let target = if live { ProgressDrawTarget::stderr_with_hz(12) } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let bar = |template: &str| {
            let style = ProgressStyle::with_template(template).expect("the template is right");
            bars.add(ProgressBar::new(0).with_style(style))
        };
        let downloads = bar("  {wide_msg}");
        let summary = bar("{spinner:.cyan} {bar:24.cyan/dim} {pos}/{len} {wide_msg} {elapsed}");
        let state = Mutex::default();
        let watched =
            Arc::new(Watched { downloads, summary, bars, live, quiet, state, started: Instant::now() });
        let (ticker, ended) = channel::<()>();
        let (every, ticked) = (if live { TICK } else { STILL }, Arc::downgrade(&watched));
        let tick = move || {
            while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout)
                && let Some(watched) = ticked.upgrade()
            {
                watched.tick();
            }
        };
        // Without a thread to be had, builds run as well.
        let _ = thread::Builder::new().name("progress".to_owned()).spawn(tick);
        Self { watched, _ticker: ticker }
    }

    /// Takes everything off the terminal, and says in one line what was done, if anything was.
    pub fn finish(self) {
        let watched = &self.watched;
        watched.downloads.finish_and_clear();
        watched.summary.finish_and_clear();
        let state = watched.lock();
        let built = state.done - state.cached;
        if built > 0 {
            let fetched = match state.fetched {
                0 => String::new(),
                bytes => format!(", {} fetched", table::size(bytes)),
            };
            let seconds = watched.started.elapsed().as_secs_f64();
            let cached = state.cached;
            watched.line(&format!("{built} derivations built, {cached} cached{fetched} in {seconds:.2} s"));
        }
    }

    /// Takes everything off the terminal, from whichever thread.
    pub fn clearing(&self) -> impl FnMut() + Send + 'static {
        let bars = self.watched.bars.clone();
        move || {
            let _ = bars.clear();
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
    }
}

impl Watched {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what has been running for a while.
    fn tick(&self) {
        let state = self.lock();
        self.refresh(&state);
        if !self.live {
            for active in state.active.values().filter(|active| active.since.elapsed() >= STILL) {
                let seconds = active.since.elapsed().as_secs();
                self.line(&format!("still running: {}  {seconds} s", active.label));
            }
        }
    }

    fn say(&self, line: &str) {
        if self.live {
            // A terminal that went away takes the line with it.
            let _ = self.bars.println(line);
        } else {
            self.line(line);
        }
    }

    fn line(&self, line: &str) {
        if !self.quiet {
            eprintln!("{line}");
        }
    }

    fn end(&self, state: &mut State, subject: Subject<'_>, cached: Cached, duration: Duration) {
        state.done += 1;
        state.cached += usize::from(cached != Cached::Built);
        let Some(active) = state.active.remove(&subject.id) else { return };
        if active.is_fetch() {
            state.fetched += active.bytes;
        }
        let worth = active.is_fetch() || active.is_command() || duration >= WORTH_A_LINE;
        if !self.live && cached == Cached::Built && worth {
            let bytes =
                if active.is_fetch() { format!("  {}", table::size(active.bytes)) } else { String::new() };
            self.line(&format!("{}{bytes}  {:.2} s", active.label, duration.as_secs_f64()));
        }
    }

    fn refresh(&self, state: &State) {
        if !self.live {
            return;
        }
        self.downloads.set_message(self.downloads_line(state));
        self.summary.set_length(state.total as u64);
        self.summary.set_position(state.done as u64);
        let mut running: Vec<_> = state.active.values().filter(|active| !active.is_fetch()).collect();
        running.sort_by_key(|active| active.since);
        let first = running.first().map(|active| match active.since.elapsed().as_secs() {
            0 => format!(": {}", active.label),
            seconds => format!(": {} {seconds} s", active.label),
        });
        let (first, running) = (first.unwrap_or_default(), running.len());
        self.summary.set_message(format!("done, {} cached, {running} running{first}", state.cached));
    }

    /// `3 fetching, 12.3 MB at 4.1 MB/s: libc6 2.36-9 amd64 1.1 MB, …`; empty while nothing is fetched.
    fn downloads_line(&self, state: &State) -> String {
        let fetching = || state.active.values().filter(|active| active.is_fetch());
        let count = fetching().count();
        if count == 0 {
            return String::new();
        }
        let bytes = state.fetched + fetching().map(|active| active.bytes).sum::<u64>();
        let rate = bytes as f64 / self.started.elapsed().as_secs_f64().max(0.1);
        let one = |active: &Active| {
            let name = active.label.strip_prefix("fetch ").unwrap_or(&active.label);
            format!("{name} {}", table::size(active.bytes))
        };
        let names: Vec<String> = fetching().take(3).map(one).collect();
        let (total, rate) = (table::size(bytes), table::size(rate as u64));
        format!("{count} fetching, {total} at {rate}/s: {}", names.join(", "))
    }
}

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        self.watched.event(event);
    }
}

impl Watched {
    fn event(&self, event: Event<'_>) {
        let mut state = self.lock();
        match event {
            Event::Planned { total } => state.total = total,
            Event::Started(subject) => {
                let (label, kind) = (subject.label.to_owned(), subject.kind);
                let active = Active { label, kind, bytes: 0, since: Instant::now() };
                if active.is_command() && !self.live {
                    self.line(&format!("{} ...", active.label));
                }
                state.active.insert(subject.id, active);
            }
            Event::Waiting(subject) => {
                self.say(&format!("waiting for another hbuild: {}", subject.label));
            }
            Event::Progress { subject, done, .. } => {
                if let Some(active) = state.active.get_mut(&subject.id) {
                    active.bytes = done;
                }
            }
            Event::Finished { subject, cached, duration } => self.end(&mut state, subject, cached, duration),
            Event::Warning { subject, message } => {
                self.say(&format!("warning: {}: {message}", subject.label))
            }
            Event::Failed(subject) => drop(state.active.remove(&subject.id)),
        }
        self.refresh(&state);
    }
}
