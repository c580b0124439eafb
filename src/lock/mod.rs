//! The lock: every package and source pinned to a digest.
//!
//! `lock` alone resolves, against signed indexes, and writes `hbuild.lock`; everything later reads it. Receives
//! evaluated images and the lock there was; reaches the world through [`Surroundings`] and is told the time.
//!
//! [`Surroundings`]: crate::distro::debian::repository::Surroundings

mod changes;
mod check;
mod document;
mod error;
mod model;
mod plan;
mod request;
mod resolve;
mod suites;
mod update;
mod write;

pub use changes::{ChangeGroup, ChangeKind, Changes, PackageChange};
pub use check::{RecipeFile, check};
pub use error::{Difference, LockError, Unresolved};
pub use model::*;
pub use request::{distro_arch, request_of, request_of_build};
pub use update::{LockOutcome, RecipeImages, UpdateOptions, Updated, update};
