//! What is decided of names and packages while a request is solved.

use std::rc::Rc;

use super::pool::{Dependency, NameId, PackageId, Provider, UNTAGGED};

/// What is decided of a name.
#[derive(Debug, Default)]
pub(super) struct NameState<'u> {
    /// Whether the request leads to it.
    pub(super) is_seen: bool,
    /// Length of the longest chain of dependencies below it.
    pub(super) chain: u32,
    /// 0 for names of packages, 2 for those that are only provided, 1 for what is both.
    pub(super) rank: u8,
    /// Names whose providers depend on it.
    pub(super) dependents: Vec<NameId>,
    /// Names whose providers mention it in `install_if`; none before that was looked at.
    pub(super) triggered: Option<Rc<[NameId]>>,
    /// Whether the request names it.
    pub(super) is_requested: bool,
    /// How often it was asked for.
    pub(super) requirers: u32,
    /// Whether it is decided; `chosen` is the decision.
    pub(super) is_locked: bool,
    pub(super) chosen: Option<Provider<'u>>,
    /// Whether providers may have lost a dependency since the name was last considered.
    pub(super) check_dependencies: bool,
    /// Whether providers may have been triggered since.
    pub(super) check_triggers: bool,
    pub(super) has_options: bool,
    pub(super) is_triggered: bool,
    pub(super) never_triggered: bool,
    /// Whether every name that depends on it is decided.
    pub(super) is_settled: bool,
    pub(super) is_dirty: bool,
    pub(super) is_unresolved: bool,
    pub(super) is_ordered: bool,
    /// How many options of the name being considered depend on it, or provide it.
    pub(super) merged_depends: u32,
    pub(super) merged_provides: u32,
    pub(super) has_virtual: bool,
}

/// What is decided of a package.
#[derive(Debug)]
pub(super) struct PackageState<'u> {
    pub(super) is_seen: bool,
    pub(super) is_selectable: bool,
    /// Whether a repository that may be used has it, and whether one that is preferred has.
    pub(super) is_allowed: bool,
    pub(super) is_preferred: bool,
    /// The tags it may be taken from.
    pub(super) allowed_tags: u64,
    /// How many constraints speak against it.
    pub(super) conflicts: u32,
    pub(super) is_triggered: bool,
    pub(super) never_triggered: bool,
    pub(super) was_merged: bool,
    pub(super) was_used: bool,
    pub(super) has_failed: bool,
    pub(super) is_ordered: bool,
    pub(super) chain: u32,
    /// Why it was ruled out first.
    pub(super) ruled_out: Option<RuledOut<'u>>,
}

impl Default for PackageState<'_> {
    fn default() -> Self {
        Self {
            is_seen: false,
            is_selectable: false,
            is_allowed: false,
            is_preferred: false,
            allowed_tags: UNTAGGED,
            conflicts: 0,
            is_triggered: false,
            never_triggered: false,
            was_merged: false,
            was_used: false,
            has_failed: false,
            is_ordered: false,
            chain: 0,
            ruled_out: None,
        }
    }
}

/// Why a package cannot be chosen any more.
#[derive(Debug, Clone, Copy)]
pub(super) enum RuledOut<'u> {
    /// Its entry cannot be read.
    Unusable,
    /// A package, or the request, has a dependency that speaks against it.
    By(Option<PackageId>, Dependency<'u>),
    /// A dependency of its own cannot be met.
    Needs(Dependency<'u>),
    /// A package that provides the same name was chosen.
    Beside(NameId, PackageId),
    /// It provides the first name, as everything does that is the second, which is asked for.
    Within(NameId, NameId),
    /// It provides a name that was decided not to be had.
    Without(NameId),
}
