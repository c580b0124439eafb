//! Images built again from what their provenance claims, and held against what came of it.
//!
//! The caller gives an empty store and a folder for the results, and builds the graph of [`plan`] there. Of a user's own
//! store only files that were fetched are used, through [`StoreInputs`](super::bundle::StoreInputs).

mod judge;
mod plan;

pub use judge::{IndexJudgement, Judgement, PlatformJudgement, Rebuilt, Verdict, judge, rebuilt};
pub use plan::{Rebuild, ReproduceError, bundled_recipe, check_claims, find_recipe, plan, shown_name};
