//! What a run tells whoever watches it. The library never prints.

use std::time::Duration;

use crate::graph::DerivationId;

/// Watches a run. Called from many threads; must return quickly.
pub trait Observer: Sync {
    /// Takes note of `event`.
    fn event(&self, event: Event<'_>);
}

/// Watches nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn event(&self, _event: Event<'_>) {}
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// How many derivations this run looks at in all, as far as is known now: those found in the memo and those
    /// to be resolved. Each ends with [`Event::Finished`] or [`Event::Failed`]; one whose lost pack has to be
    /// made again ends once more.
    Planned {
        /// Their number; a later event may give a larger one.
        total: usize,
    },
    /// An execution starts.
    Started(Subject<'a>),
    /// Another process is making the same; it is waited for.
    Waiting(Subject<'a>),
    /// An execution came further.
    Progress {
        /// Of what.
        subject: Subject<'a>,
        /// Bytes done.
        done: u64,
        /// Bytes in all, where that is known.
        total: Option<u64>,
    },
    /// The outputs are there.
    Finished {
        /// Of what.
        subject: Subject<'a>,
        /// Where they came from.
        cached: Cached,
        /// How long that took.
        duration: Duration,
    },
    /// A warning of an action, now or when its record was made.
    Warning {
        /// Of what.
        subject: Subject<'a>,
        /// The warning.
        message: &'a str,
    },
    /// An execution failed; the error is what the run returns.
    Failed(Subject<'a>),
}

/// The derivation that an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// Its id.
    pub id: DerivationId,
    /// Its label.
    pub label: &'a str,
    /// Its kind.
    pub kind: super::ActionKind,
}

/// Where outputs came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cached {
    /// The derivation id was known: nothing it is made from was looked at.
    Memo,
    /// The key was known: inputs were looked at, and came out as they once were.
    Record,
    /// They were made.
    Built,
}
