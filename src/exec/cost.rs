//! What is worked on first: what the longest way to an end begins with.

use std::collections::BTreeMap;

use crate::graph::{Action, Derivation, DerivationId, Graph};
use crate::store::Usage;

/// Costs are in units of about what fetching one byte takes; only their order matters.
const UNPACK_BYTE: u64 = 4;
/// Compressing what a package unpacks to, for each byte of the package.
const LAYER_BYTE: u64 = 4;
/// Everything that has no size.
const OTHER: u64 = 1 << 16;
/// A millisecond of a command in a sandbox.
const MILLISECOND: u64 = 10_000;
/// A command that was never executed: about a minute, so that it comes before everything but the largest fetches.
const COMMAND: u64 = 60_000 * MILLISECOND;

/// What a command is thought to use when nothing is known of it: a compiler or two.
pub(super) const UNKNOWN_MEMORY: u64 = 512 << 20;

/// The cost of each derivation with the costliest way from it to a derivation that nothing takes from.
#[derive(Debug)]
pub(super) struct Priorities {
    by_id: BTreeMap<DerivationId, u64>,
    /// Bytes, of commands alone.
    memory: BTreeMap<DerivationId, u64>,
}

impl Priorities {
    /// The priorities of all derivations of `graph`. `known` gives what a command used the last time.
    pub fn of(graph: &Graph, known: &dyn Fn(&Derivation) -> Option<Usage>) -> Self {
        let order = graph.in_order();
        let mut sizes = BTreeMap::new();
        for id in &order {
            let derivation = graph.get(id).expect("the order names derivations of the graph");
            let size = package_size(derivation, &sizes);
            sizes.insert(*id, size);
        }
        let mut by_id: BTreeMap<DerivationId, u64> = BTreeMap::new();
        let mut memory = BTreeMap::new();
        for id in order.iter().rev() {
            let after = graph.dependents(id).iter().filter_map(|next| by_id.get(next)).max().copied();
            let derivation = graph.get(id).expect("the order names derivations of the graph");
            let cost = match &derivation.action {
                Action::Exec(_) => {
                    let usage = known(derivation);
                    memory.insert(*id, usage.as_ref().map_or(UNKNOWN_MEMORY, |usage| usage.peak_memory));
                    usage.map_or(COMMAND, |usage| usage.wall_ms.max(1).saturating_mul(MILLISECOND))
                }
                _ => cost(derivation, sizes[id]),
            };
            by_id.insert(*id, cost.saturating_add(after.unwrap_or(0)));
        }
        Self { by_id, memory }
    }

    /// The priority of a derivation; higher comes first.
    pub fn get(&self, id: &DerivationId) -> u64 {
        self.by_id.get(id).copied().unwrap_or(0)
    }

    /// Bytes of memory that a command is thought to use.
    pub fn memory(&self, id: &DerivationId) -> u64 {
        self.memory.get(id).copied().unwrap_or(0)
    }
}

/// Bytes of packages that went into a derivation: of a fetch its own, of anything else those of its inputs.
fn package_size(derivation: &Derivation, sizes: &BTreeMap<DerivationId, u64>) -> u64 {
    match &derivation.action {
        Action::Fetch(fetch) => fetch.size.unwrap_or(OTHER),
        Action::Layer(_) | Action::Image(_) | Action::Evidence(_) => 0,
        _ => derivation.inputs.iter().filter_map(|input| sizes.get(&input.derivation)).sum(),
    }
}

fn cost(derivation: &Derivation, size: u64) -> u64 {
    match &derivation.action {
        Action::Fetch(_) => size,
        Action::Unpack(_) => size.saturating_mul(UNPACK_BYTE),
        Action::Layer(_) => OTHER.saturating_mul(LAYER_BYTE),
        _ => OTHER,
    }
}
