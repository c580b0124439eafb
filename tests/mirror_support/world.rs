//! A mirror, what fetches from it, and what keeps the indexes: all that a lock is made with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use hbuild::distro::cache::MemoryCache;
use hbuild::distro::surroundings::Surroundings;
use hbuild::host::fetch::{FetchOptions, Fetcher};
use hbuild::host::mirror::{Mirrors, Sources};
use hbuild::host::repositories::Archive;
use hbuild::host::url::Url;
use hbuild::lock::{Lock, LockError, LockOutcome, RecipeItems, UpdateOptions, Updated, update};
use hbuild::timestamp::Timestamp;
use hbuild_lang::recipe::Image;
use tempfile::TempDir;

use super::server::Server;

/// One mirror of the repository `debian`, over HTTP from a folder.
pub struct World {
    folder: TempDir,
    /// The mirror.
    pub server: Server,
    fetcher: Fetcher,
    mirrors: Mirrors,
    /// What is kept between runs.
    pub cache: MemoryCache,
}

/// The moment at which the tests take place, one for the whole run.
pub fn now() -> Timestamp {
    static NOW: std::sync::OnceLock<Timestamp> = std::sync::OnceLock::new();
    *NOW.get_or_init(hbuild::host::clock::now)
}

/// `days` before or after [`now`], as a date of a suite.
pub fn day(days: i64) -> String {
    now().plus(days * 86_400).to_string()
}

impl World {
    /// An empty mirror.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::of_folder(folder.path().to_owned());
        let base: Url = server.url("").parse().unwrap();
        Self::with_bases(folder, server, vec![base])
    }

    /// The mirrors of the repository `debian` are these.
    pub fn with_bases(folder: TempDir, server: Server, bases: Vec<Url>) -> Self {
        let sources = Sources {
            given: BTreeMap::from([("debian".to_owned(), bases)]),
            fallback: false,
            ..Sources::default()
        };
        let options =
            FetchOptions { rounds: 2, backoff: Duration::from_millis(5), ..FetchOptions::default() };
        Self {
            folder,
            server,
            fetcher: Fetcher::new(options).unwrap(),
            mirrors: Mirrors::new(sources),
            cache: MemoryCache::default(),
        }
    }

    /// The mirror's folder.
    pub fn root(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Paths asked for since the last call.
    pub fn requests(&self, seen: &mut usize) -> Vec<String> {
        let all = self.server.requests();
        let new = all[*seen..].iter().map(|request| request.path.clone()).collect();
        *seen = all.len();
        new
    }

    /// The lock for `images` of `hello.hb`, given the one before.
    pub fn lock(
        &self,
        images: &[Image],
        old: Option<&Lock>,
        updated: Updated,
    ) -> Result<LockOutcome, LockError> {
        let recipes = [RecipeItems { name: "hello.hb".to_owned(), images, ..RecipeItems::default() }];
        self.lock_recipes(&recipes, old, updated)
    }

    /// The lock for several recipes.
    pub fn lock_recipes(
        &self,
        recipes: &[RecipeItems<'_>],
        old: Option<&Lock>,
        updated: Updated,
    ) -> Result<LockOutcome, LockError> {
        self.lock_with(recipes, old, &UpdateOptions { update: updated, ..UpdateOptions::default() })
    }

    /// The lock for several recipes, by these options.
    pub fn lock_with(
        &self,
        recipes: &[RecipeItems<'_>],
        old: Option<&Lock>,
        options: &UpdateOptions,
    ) -> Result<LockOutcome, LockError> {
        let archive = Archive { fetcher: &self.fetcher, mirrors: &self.mirrors };
        let surroundings = Surroundings { access: &archive, cache: &self.cache };
        update(recipes, old, options, surroundings, now())
    }
}
