//! Progress of a build on standard error: live on a terminal, one line for each thing done in a pipe.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::table;
use crate::exec::{ActionKind, Cached, Event, Observer, Subject};
use crate::graph::DerivationId;

/// Derivations that take longer than this get a line in a pipe; so does everything fetched.
const WORTH_A_LINE: Duration = Duration::from_millis(100);

/// Watches a build. Two lines on a terminal, always the same two: what is fetched, and what is done.
pub struct Progress {
    bars: MultiProgress,
    downloads: ProgressBar,
    summary: ProgressBar,
    live: bool,
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
    fetch: bool,
    bytes: u64,
}

impl Progress {
    /// Begins to watch.
    pub fn start() -> Self {
        use std::io::IsTerminal;
        let live = std::io::stderr().is_terminal();
        let target = if live { ProgressDrawTarget::stderr_with_hz(12) } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let bar = |template: &str| {
            let style = ProgressStyle::with_template(template).expect("the template is right");
            bars.add(ProgressBar::new(0).with_style(style))
        };
        let downloads = bar("  {wide_msg}");
        let summary = bar("{spinner:.cyan} {bar:24.cyan/dim} {pos}/{len} {wide_msg} {elapsed}");
        Self { downloads, summary, bars, live, state: Mutex::default(), started: Instant::now() }
    }

    /// Takes everything off the terminal, and says in one line what was done, if anything was.
    pub fn finish(&self) {
        self.downloads.finish_and_clear();
        self.summary.finish_and_clear();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let built = state.done - state.cached;
        if built > 0 {
            let fetched = match state.fetched {
                0 => String::new(),
                bytes => format!(", {} fetched", table::size(bytes)),
            };
            let seconds = self.started.elapsed().as_secs_f64();
            eprintln!("{built} derivations built, {} cached{fetched} in {seconds:.2} s", state.cached);
        }
    }

    /// Takes everything off the terminal, from whichever thread.
    pub fn clearing(&self) -> impl FnMut() + Send + 'static {
        let bars = self.bars.clone();
        move || {
            let _ = bars.clear();
            bars.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    fn say(&self, line: &str) {
        if self.live {
            // A terminal that went away takes the line with it.
            let _ = self.bars.println(line);
        } else {
            eprintln!("{line}");
        }
    }

    fn end(&self, state: &mut State, subject: Subject<'_>, cached: Cached, duration: Duration) {
        state.done += 1;
        state.cached += usize::from(cached != Cached::Built);
        let Some(active) = state.active.remove(&subject.id) else { return };
        if active.fetch {
            state.fetched += active.bytes;
        }
        if !self.live && cached == Cached::Built && (active.fetch || duration >= WORTH_A_LINE) {
            let bytes = if active.fetch { format!("  {}", table::size(active.bytes)) } else { String::new() };
            eprintln!("{}{bytes}  {:.2} s", active.label, duration.as_secs_f64());
        }
    }

    fn refresh(&self, state: &State) {
        if !self.live {
            return;
        }
        self.downloads.set_message(self.downloads_line(state));
        self.summary.set_length(state.total as u64);
        self.summary.set_position(state.done as u64);
        let running = state.active.values().filter(|active| !active.fetch);
        let first = running.clone().next().map(|active| format!(": {}", active.label)).unwrap_or_default();
        let running = running.count();
        self.summary.set_message(format!("done, {} cached, {running} running{first}", state.cached));
    }

    /// `3 fetching, 12.3 MB at 4.1 MB/s: libc6 2.36-9 amd64 1.1 MB, …`; empty while nothing is fetched.
    fn downloads_line(&self, state: &State) -> String {
        let fetching = || state.active.values().filter(|active| active.fetch);
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
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Planned { total } => state.total = total,
            Event::Started(subject) => {
                let fetch = subject.kind == ActionKind::Fetch;
                let active = Active { label: subject.label.to_owned(), fetch, bytes: 0 };
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
