//! Git sources in a lock: which of them a recipe has, and what of them is not locked yet.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Source, SourceFrom};

use super::unlocked::unlocked_sources;
use super::{
    Difference, GitKey, Lock, LockError, LockedGit, RecipeFile, RecipeItems, UnlockedItem, UpdateOptions,
    check::described,
};
use crate::digest::Sha256;

/// What `source` is known by in a lock, where it comes from git.
fn key_of(source: &Source) -> Option<GitKey> {
    match &source.from {
        SourceFrom::Git { url, commit, submodules } => Some((url.clone(), commit.clone(), *submodules)),
        _ => None,
    }
}

/// The git sources of `recipes` that `old` has no digest of, sorted. Whoever calls [`update`](super::update)
/// fetches them first.
pub fn unlocked_git(recipes: &[RecipeItems<'_>], old: Option<&Lock>) -> Result<Vec<GitKey>, LockError> {
    let locked = old.map(Lock::git_digests).unwrap_or_default();
    let mut missing = BTreeSet::new();
    for source in recipes.iter().flat_map(|recipe| recipe.sources) {
        let Some(key) = key_of(source) else { continue };
        if has_secret(&key.0) {
            return Err(LockError::Credential { item: format!("source `{}`", source.name) });
        }
        if !locked.contains_key(&key) {
            missing.insert(key);
        }
    }
    Ok(missing.into_iter().collect())
}

/// Whether a URL names more than a server and a path: a password, or a user where that is one half of a secret.
/// To `ssh:` the user is part of the address.
fn has_secret(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let server = rest.split('/').next().unwrap_or_default();
    server.rsplit_once('@').is_some_and(|(user, _)| scheme != "ssh" || user.contains(':'))
}

/// The git sources of the new lock.
pub(super) fn locked_git(recipes: &[RecipeItems<'_>], old: &Lock, options: &UpdateOptions) -> Vec<LockedGit> {
    let given: BTreeSet<&str> = recipes.iter().map(|recipe| recipe.name.as_str()).collect();
    let mut digests = old.git_digests();
    digests.extend(options.git.clone());
    let mut wanted: BTreeMap<GitKey, BTreeSet<String>> = BTreeMap::new();
    for git in old.git.iter().filter(|_| !options.whole_folder) {
        let others = git.recipes.iter().filter(|recipe| !given.contains(recipe.as_str()));
        for recipe in others {
            wanted.entry(git.key()).or_default().insert(recipe.clone());
        }
    }
    for recipe in recipes {
        for key in recipe.sources.iter().filter_map(key_of) {
            // What stands for a commit that could not be had is the one before it.
            let has = |git: &&LockedGit| git.url == key.0 && git.recipes.contains(&recipe.name);
            let before =
                old.git.iter().filter(has).filter(|_| !digests.contains_key(&key)).map(LockedGit::key);
            for kept in before.chain([key.clone()]) {
                wanted.entry(kept).or_default().insert(recipe.name.clone());
            }
        }
    }
    let locked = |(key, recipes): (GitKey, BTreeSet<String>)| {
        let sha256: Sha256 = *digests.get(&key)?;
        let (url, commit, submodules) = key;
        Some(LockedGit { url, commit, submodules, recipes: recipes.into_iter().collect(), sha256 })
    };
    wanted.into_iter().filter_map(locked).collect()
}

/// The git sources of `recipes` with one of these keys.
pub fn with_git_key(recipes: &[RecipeItems<'_>], key: &GitKey) -> Vec<UnlockedItem> {
    unlocked_sources(recipes, |source| key_of(source).as_ref() == Some(key))
}

/// Holds the git sources of a recipe against its lock: without a digest a source is none.
pub fn check_git(recipe: RecipeFile<'_>, sources: &[Source], lock: Option<&Lock>) -> Result<(), LockError> {
    let locked = lock.map(Lock::git_digests).unwrap_or_default();
    let unlocked = |source: &&Source| key_of(source).is_some_and(|key| !locked.contains_key(&key));
    let Some(source) = sources.iter().find(unlocked) else { return Ok(()) };
    let shown = recipe.shown.to_owned();
    let lock = lock.ok_or_else(|| LockError::Missing { recipe: shown.clone() })?;
    let key = key_of(source).expect("only sources from git are looked for");
    let describe = |(url, commit, submodules): &GitKey| {
        format!("{url}@{commit}{}", if *submodules { " with submodules" } else { "" })
    };
    let wanted: BTreeSet<GitKey> = sources.iter().filter_map(key_of).collect();
    let same = |git: &&LockedGit| git.url == key.0 && git.recipes.iter().any(|other| other == recipe.name);
    let old = lock.git.iter().filter(same).map(LockedGit::key).filter(|old| !wanted.contains(old));
    let removed = old.map(|old| describe(&old)).collect();
    Err(LockError::Outgrown {
        recipe: shown,
        item: described("source", &source.name, &source.point),
        differences: vec![Difference { what: "git", added: vec![describe(&key)], removed }],
    })
}
