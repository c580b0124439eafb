//! What the recipe's `paths` make and change.

use hbuild_lang::recipe::PathRule;

use super::pattern::Pattern;
use super::root::{Node, check_name};
use super::{MergeError, Workspace, did_you_mean};
use crate::image::effects::Accounts;
use crate::tree::{Entry, EntryKind, Origin, TreePath};

/// The rules with their patterns, in the order of their texts.
pub type Rules<'a> = Vec<(Pattern, &'a PathRule)>;

/// Reads the patterns of all rules. Only `delete`, `keep` and `attrs` may have globs.
pub fn read_rules<'a>(parameters: &'a crate::graph::Merge, merged: bool) -> Result<Rules<'a>, MergeError> {
    let mut rules = Vec::with_capacity(parameters.rules.len());
    for (rank, (text, rule)) in parameters.rules.iter().enumerate() {
        let pattern = Pattern::new(text, merged, rank)?;
        let makes =
            matches!(rule, PathRule::File { .. } | PathRule::Directory { .. } | PathRule::Symlink { .. });
        if makes && pattern.exact.is_none() {
            let reason = "a glob cannot name something to be made".to_owned();
            return Err(MergeError::BadPattern { pattern: text.clone(), reason });
        }
        if let Some(path) = &pattern.exact {
            check_name(path, &Origin::recipe())?;
        }
        rules.push((pattern, rule));
    }
    Ok(rules)
}

/// The paths that the rules make, as they really are: effects leave them alone.
pub fn made_paths(workspace: &Workspace<'_>, rules: &Rules<'_>) -> Vec<TreePath> {
    let made = rules.iter().filter(|(_, rule)| {
        matches!(rule, PathRule::File { .. } | PathRule::Directory { .. } | PathRule::Symlink { .. })
    });
    let paths = made.filter_map(|(pattern, _)| pattern.exact.as_ref());
    paths.map(|path| workspace.root.real_path(path).unwrap_or_else(|_| path.clone())).collect()
}

/// Makes files, directories and links, parents first.
pub fn make_paths(
    workspace: &mut Workspace<'_>,
    rules: &Rules<'_>,
    accounts: &Accounts,
) -> Result<(), MergeError> {
    let mut rules: Vec<_> =
        rules.iter().filter_map(|(pattern, rule)| Some((pattern.exact.as_ref()?, *rule))).collect();
    rules.sort_by(|a, b| a.0.cmp(b.0));
    for (path, rule) in rules {
        make_path(workspace, path, rule, accounts)?;
    }
    Ok(())
}

fn make_path(
    workspace: &mut Workspace<'_>,
    path: &TreePath,
    rule: &PathRule,
    accounts: &Accounts,
) -> Result<(), MergeError> {
    let epoch = workspace.root.epoch();
    let place = |workspace: &Workspace<'_>| {
        workspace.root.real_path(path).map_err(|link| MergeError::BrokenLink {
            path: path.clone(),
            link,
            origin: Origin::recipe(),
        })
    };
    let entry = match rule {
        PathRule::File { text, owner, group, mode } => {
            let path = place(workspace)?;
            let (uid, gid) = resolve(&path.absolute(), owner.as_deref(), group.as_deref(), accounts)?;
            let (digest, size) = workspace.keep(text.as_bytes().to_vec())?;
            Entry { uid, gid, ..Entry::file(path, digest, size, mode.unwrap_or(0o644) & 0o7777, epoch) }
        }
        PathRule::Directory { owner, group, mode } => {
            let path = place(workspace)?;
            // A directory behind a link is the one that is meant.
            let path = match workspace.root.real_directory(&path) {
                Ok(Some(real)) if workspace.root.get(&real).is_some() => real,
                _ => path,
            };
            let (uid, gid) = resolve(&path.absolute(), owner.as_deref(), group.as_deref(), accounts)?;
            Entry { uid, gid, mode: mode.unwrap_or(0o755) & 0o7777, ..Entry::directory(path, epoch) }
        }
        PathRule::Symlink { target } => Entry::symlink(place(workspace)?, target.as_bytes(), epoch),
        PathRule::Delete | PathRule::Keep | PathRule::Attrs { .. } => return Ok(()),
    };
    put(workspace, entry)
}

fn put(workspace: &mut Workspace<'_>, entry: Entry) -> Result<(), MergeError> {
    let root = &mut workspace.root;
    if let Some(found) = root.get(&entry.path)
        && found.entry.is_directory() != entry.is_directory()
    {
        let (wanted, found_kind) = (kind(&entry), kind(&found.entry));
        let origin = root.origin(found.origin).clone();
        return Err(MergeError::RuleConflict { path: entry.path, wanted, found: found_kind, origin });
    }
    let origin = root.origin_number(&Origin::recipe());
    root.make_parents(&entry.path, origin, true);
    root.insert(Node { entry, origin, touched: true });
    Ok(())
}

fn kind(entry: &Entry) -> &'static str {
    match entry.kind {
        EntryKind::Directory => "directory",
        EntryKind::File { .. } => "file",
        EntryKind::Symlink { .. } => "link",
    }
}

/// Sets owners and modes by the most specific `attrs` of each path.
pub fn set_attributes(
    workspace: &mut Workspace<'_>,
    rules: &Rules<'_>,
    accounts: &Accounts,
) -> Result<(), MergeError> {
    struct Change<'p> {
        pattern: &'p Pattern,
        uid: Option<u32>,
        gid: Option<u32>,
        mode: Option<u16>,
    }
    let mut changes = Vec::new();
    for (pattern, rule) in rules {
        let PathRule::Attrs { owner, group, mode } = rule else { continue };
        let shown = pattern.exact.as_ref().map_or_else(|| "a glob".to_owned(), TreePath::absolute);
        let uid = owner.as_deref().map(|name| user(&shown, name, accounts)).transpose()?;
        let gid = group.as_deref().map(|name| self::group(&shown, name, accounts)).transpose()?;
        if let Some(path) = &pattern.exact
            && workspace.root.get(path).is_none()
        {
            return Err(MergeError::NoSuchPath { path: path.clone() });
        }
        changes.push(Change { pattern, uid: uid.map(|(uid, _)| uid), gid, mode: *mode });
    }
    if changes.is_empty() {
        return Ok(());
    }
    for node in workspace.root.iter_mut() {
        let matching = changes.iter().filter(|change| change.pattern.matches(&node.entry.path));
        let Some(change) = matching.max_by_key(|change| change.pattern.specificity()) else { continue };
        let before = (node.entry.mode, node.entry.uid, node.entry.gid);
        if !matches!(node.entry.kind, EntryKind::Symlink { .. }) {
            node.entry.mode = change.mode.unwrap_or(node.entry.mode) & 0o7777;
        }
        node.entry.uid = change.uid.unwrap_or(node.entry.uid);
        node.entry.gid = change.gid.unwrap_or(node.entry.gid);
        node.touched |= before != (node.entry.mode, node.entry.uid, node.entry.gid);
    }
    Ok(())
}

/// Owner and group of something new: root's, else the owner's first group.
fn resolve(
    path: &str,
    owner: Option<&str>,
    group: Option<&str>,
    accounts: &Accounts,
) -> Result<(u32, u32), MergeError> {
    let (uid, first) = owner.map_or(Ok((0, 0)), |name| user(path, name, accounts))?;
    let gid = group.map_or(Ok(first), |name| self::group(path, name, accounts))?;
    Ok((uid, gid))
}

fn user(path: &str, name: &str, accounts: &Accounts) -> Result<(u32, u32), MergeError> {
    if let Some(found) = accounts.user(name) {
        return Ok(found);
    }
    if let Ok(id) = name.parse() {
        return Ok((id, id));
    }
    let (path, help) = (path.to_owned(), did_you_mean(name, accounts.user_names()));
    Err(MergeError::UnknownAccount { path, kind: "user", name: name.to_owned(), help })
}

fn group(path: &str, name: &str, accounts: &Accounts) -> Result<u32, MergeError> {
    if let Some(gid) = accounts.group(name).or_else(|| name.parse().ok()) {
        return Ok(gid);
    }
    let (path, help) = (path.to_owned(), did_you_mean(name, accounts.group_names()));
    Err(MergeError::UnknownAccount { path, kind: "group", name: name.to_owned(), help })
}
