//! The outside world of everything that reads repositories.

use super::access::RepositoryAccess;
use super::cache::IndexCache;

/// The outside world: what fetches, and what keeps.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// Gives files of repositories.
    pub access: &'a dyn RepositoryAccess,
    /// Keeps them.
    pub cache: &'a dyn IndexCache,
}
