//! What is worked on first: what the longest way to an end begins with.

use std::collections::BTreeMap;

use crate::graph::{Action, Derivation, DerivationId, Graph};

/// Costs are in units of about what fetching one byte takes; only their order matters.
const UNPACK_BYTE: u64 = 4;
/// Compressing what a package unpacks to, for each byte of the package.
const LAYER_BYTE: u64 = 4;
/// Everything that has no size.
const OTHER: u64 = 1 << 16;

/// The cost of each derivation with the costliest way from it to a derivation that nothing takes from.
#[derive(Debug)]
pub(super) struct Priorities {
    by_id: BTreeMap<DerivationId, u64>,
}

impl Priorities {
    /// The priorities of all derivations of `graph`.
    pub fn of(graph: &Graph) -> Self {
        let order = graph.in_order();
        let mut sizes = BTreeMap::new();
        for id in &order {
            let derivation = graph.get(id).expect("the order names derivations of the graph");
            let size = package_size(derivation, &sizes);
            sizes.insert(*id, size);
        }
        let mut by_id: BTreeMap<DerivationId, u64> = BTreeMap::new();
        for id in order.iter().rev() {
            let after = graph.dependents(id).iter().filter_map(|next| by_id.get(next)).max().copied();
            let derivation = graph.get(id).expect("the order names derivations of the graph");
            let cost = cost(derivation, sizes[id]);
            by_id.insert(*id, cost.saturating_add(after.unwrap_or(0)));
        }
        Self { by_id }
    }

    /// The priority of a derivation; higher comes first.
    pub fn get(&self, id: &DerivationId) -> u64 {
        self.by_id.get(id).copied().unwrap_or(0)
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
