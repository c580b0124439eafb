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

/// Watches a build.
pub struct Progress {
    bars: MultiProgress,
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
    fetched: u64,
    active: BTreeMap<DerivationId, Active>,
}

struct Active {
    label: String,
    bytes: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// Begins to watch.
    pub fn start() -> Self {
        use std::io::IsTerminal;
        let live = std::io::stderr().is_terminal();
        let target = if live { ProgressDrawTarget::stderr_with_hz(12) } else { ProgressDrawTarget::hidden() };
        let bars = MultiProgress::with_draw_target(target);
        let style = ProgressStyle::with_template(
            "{spinner:.cyan} {bar:24.cyan/dim} {pos}/{len} {wide_msg} {elapsed}",
        );
        let summary = bars.add(ProgressBar::new(0).with_style(style.expect("the template is right")));
        Self { bars, summary, live, state: Mutex::default(), started: Instant::now() }
    }

    /// Takes everything off the terminal, and says in one line what was done, if anything was.
    pub fn finish(&self) {
        self.summary.finish_and_clear();
        let _ = self.bars.clear();
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let built = state.done - state.cached;
        if built > 0 {
            let fetched = if state.fetched > 0 {
                format!(", {} fetched", table::size(state.fetched))
            } else {
                String::new()
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
            let _ = self.bars.println(line);
        } else {
            eprintln!("{line}");
        }
    }

    fn begin(&self, state: &mut State, subject: Subject<'_>) {
        let fetch = subject.kind == ActionKind::Fetch;
        let bar = (self.live && fetch).then(|| {
            let style = ProgressStyle::with_template(
                "  {wide_msg} {bytes:>10} / {total_bytes:<10} {binary_bytes_per_sec:>12}",
            );
            let bar = ProgressBar::new(0).with_style(style.expect("the template is right"));
            bar.set_message(subject.label.to_owned());
            self.bars.add(bar)
        });
        state.active.insert(subject.id, Active { label: subject.label.to_owned(), bytes: 0, bar });
    }

    fn end(&self, state: &mut State, subject: Subject<'_>, cached: Cached, duration: Duration) {
        state.done += 1;
        if cached != Cached::Built {
            state.cached += 1;
        }
        let Some(active) = state.active.remove(&subject.id) else { return };
        if let Some(bar) = active.bar {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
        let fetch = subject.kind == ActionKind::Fetch;
        if fetch {
            state.fetched += active.bytes;
        }
        if !self.live && cached == Cached::Built && (fetch || duration >= WORTH_A_LINE) {
            let bytes = if fetch { format!("  {}", table::size(active.bytes)) } else { String::new() };
            eprintln!("{}{bytes}  {:.2} s", active.label, duration.as_secs_f64());
        }
    }

    fn refresh(&self, state: &State) {
        if !self.live {
            return;
        }
        self.summary.set_length(state.total as u64);
        self.summary.set_position(state.done as u64);
        let running = state.active.values().filter(|active| active.bar.is_none());
        let first = running.clone().next().map(|active| format!(": {}", active.label)).unwrap_or_default();
        let running = running.count();
        self.summary.set_message(format!("done, {} cached, {running} running{first}", state.cached));
    }
}

impl Observer for Progress {
    fn event(&self, event: Event<'_>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Planned { total } => state.total = total,
            Event::Started(subject) => self.begin(&mut state, subject),
            Event::Waiting(subject) => {
                self.say(&format!("waiting for another hbuild: {}", subject.label));
            }
            Event::Progress { subject, done, total } => {
                if let Some(active) = state.active.get_mut(&subject.id) {
                    active.bytes = done;
                    if let Some(bar) = &active.bar {
                        bar.set_length(total.unwrap_or(done));
                        bar.set_position(done);
                    }
                }
                return;
            }
            Event::Finished { subject, cached, duration } => self.end(&mut state, subject, cached, duration),
            Event::Warning { subject, message } => {
                self.say(&format!("warning: {}: {message}", subject.label))
            }
            Event::Failed(subject) => {
                if let Some(active) = state.active.remove(&subject.id)
                    && let Some(bar) = active.bar
                {
                    bar.finish_and_clear();
                }
            }
        }
        self.refresh(&state);
    }
}
