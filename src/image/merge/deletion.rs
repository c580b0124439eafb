//! What the recipe's rules drop.

use hbuild_lang::recipe::PathRule;

use super::pattern::{Pattern, Specificity};
use super::root::Root;
use crate::tree::TreePath;

/// Whether a rule drops what it matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    Dropped,
}

/// Drops what the most specific rule says to. A rule on a directory holds for all below it; a directory stays
/// as long as anything in it does, and `X/**` takes X away too once it is empty.
pub fn delete(root: &mut Root, rules: &[(Pattern, &PathRule)]) {
    if !rules.iter().any(|(_, rule)| matches!(rule, PathRule::Delete)) {
        return;
    }
    let mut above: Vec<(TreePath, Specificity, Fate)> = Vec::new();
    let mut dropped = Vec::new();
    for node in root.iter() {
        let path = &node.entry.path;
        while above.last().is_some_and(|(directory, ..)| !path.is_within(directory)) {
            above.pop();
        }
        let own = direct(rules, path, node.entry.is_directory());
        let inherited = above.last().map(|(_, specificity, fate)| (*specificity, *fate));
        let decided = match (own, inherited) {
            (Some(own), Some(inherited)) if inherited.0 > own.0 => Some(inherited),
            (None, inherited) => inherited,
            (own, _) => own,
        };
        if let Some((specificity, fate)) = decided {
            if node.entry.is_directory() {
                above.push((path.clone(), specificity.inherited(), fate));
            }
            dropped.push(fate == Fate::Dropped);
        } else {
            dropped.push(false);
        }
    }
    keep_parents(root, &mut dropped);
    let mut fates = dropped.into_iter();
    root.retain(|_| !fates.next().expect("one fate a node"));
}

/// What the most specific rule that matches `path` itself says.
fn direct(rules: &[(Pattern, &PathRule)], path: &TreePath, directory: bool) -> Option<(Specificity, Fate)> {
    let matching = rules.iter().filter_map(|(pattern, rule)| {
        let fate = match rule {
            PathRule::Delete => Fate::Dropped,
            _ => Fate::Kept,
        };
        let hit = pattern.matches(path) || (directory && fate == Fate::Dropped && pattern.is_below(path));
        hit.then(|| (pattern.specificity(), fate))
    });
    matching.max_by_key(|(specificity, _)| *specificity)
}

/// A directory with something kept in it is kept.
fn keep_parents(root: &Root, dropped: &mut [bool]) {
    let mut kept: Option<&TreePath> = None;
    for (node, dropped) in root.iter().zip(dropped.iter_mut()).rev() {
        let path = &node.entry.path;
        if *dropped && node.entry.is_directory() && kept.is_some_and(|kept| kept.is_within(path)) {
            *dropped = false;
        }
        if !*dropped {
            kept = Some(path);
        }
    }
}
