//! The lock: every package and source pinned to a digest.
//!
//! `lock` alone resolves, against signed indexes, and writes `hbuild.lock`; everything later reads it. Receives
//! evaluated recipes and the lock there was; reaches the world through [`Surroundings`] and is told the time.
//!
//! [`Surroundings`]: crate::distro::surroundings::Surroundings

mod changes;
mod check;
mod document;
mod error;
mod git;
mod model;
mod oci;
mod pairs;
mod plan;
mod request;
mod requested;
mod resolve;
mod signed;
mod snapshots;
mod suites;
mod universe;
mod unlocked;
mod update;
mod write;

pub use changes::{ChangeGroup, ChangeKind, Changes, GitChange, PackageChange};
pub use check::{RecipeFile, check, check_build};
pub use error::{Difference, LockError, Unresolved};
pub use git::{check_git, unlocked_git, with_git_key};
pub use model::*;
pub use oci::{arch_of, check_oci, key_of as oci_key, unlocked_oci, with_oci_key};
pub use request::{distro_arch, repositories_of, request_of, request_of_build};
pub use unlocked::{Unlocked, UnlockedItem, narrowing, summary};
pub use update::{LockOutcome, RecipeItems, UpdateOptions, Updated, update};
