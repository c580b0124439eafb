//! The finished tree, and its parts for the layers.

use std::collections::{BTreeMap, BTreeSet};

use super::MergeError;
use super::base::Base;
use super::root::{Node, Root};
use crate::digest::Digest;
use crate::tree::{Entry, EntryKind, Origin, OriginMap, Tree, TreePath};

/// What a merge gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The image's tree.
    pub tree: Tree,
    /// Where each path came from.
    pub origins: OriginMap,
    /// One part for each layer asked for, and one more for what none of them takes; none where no layer is asked for.
    pub slices: Vec<(Tree, OriginMap)>,
}

/// The tree and its parts: the files of each layer's origins, and in the last one all that the recipe or an
/// effect made or changed. Each part repeats the parents of its entries. A hard-link group is never split, and
/// directories have the epoch. What `base` has just so is in none of them, and the last one drops what `base` has and
/// this has not; beside it stands the digest of no bytes.
pub fn finish(
    mut root: Root,
    layers: &[Vec<Origin>],
    base: Option<(&Base, Digest)>,
) -> Result<Merged, MergeError> {
    let epoch = root.epoch();
    let recipe = root.origin_number(&Origin::recipe());
    let (mut nodes, origins) = root.into_parts();
    for node in nodes.iter_mut().filter(|node| node.entry.is_directory()) {
        node.entry.mtime = epoch;
    }
    dissolve_unequal_links(&mut nodes);
    let layer_of: Vec<Option<usize>> =
        origins.iter().map(|origin| layers.iter().position(|layer| layer.contains(origin))).collect();
    let mut parts: Vec<usize> = nodes
        .iter()
        .map(|node| if node.touched { None } else { layer_of[node.origin as usize] }.unwrap_or(layers.len()))
        .collect();
    keep_links_together(&nodes, &mut parts);
    let count = if layers.is_empty() { 0 } else { layers.len() + 1 };
    let slices = match base {
        None => slices_of(&nodes, &parts, count, &origins)?,
        Some((base, empty)) => {
            let (nodes, parts) = difference(&nodes, &parts, (base, empty, epoch), (recipe, layers.len()));
            slices_of(&nodes, &parts, count, &origins)?
        }
    };
    let map = origin_map(nodes.iter(), &origins);
    let entries = nodes.into_iter().map(|node| node.entry).collect();
    let tree = Tree::new(entries).map_err(MergeError::NotATree)?;
    Ok(Merged { tree, origins: map, slices })
}

/// The nodes with whiteouts among them, and the slice of each: none for what `base` has.
fn difference(
    nodes: &[Node],
    parts: &[usize],
    (base, empty, epoch): (&Base, Digest, i64),
    (recipe, last): (u32, usize),
) -> (Vec<Node>, Vec<usize>) {
    let shared = base.shared(nodes);
    let own = nodes.iter().cloned().zip(parts.iter().zip(shared));
    let own = own.map(|(node, (part, shared))| (node, if shared { usize::MAX } else { *part }));
    let whiteouts = base.whiteouts(nodes, empty, epoch).into_iter();
    let mut all: Vec<(Node, usize)> =
        own.chain(whiteouts.map(|entry| (Node { entry, origin: recipe, touched: true }, last))).collect();
    all.sort_by(|(one, _), (other, _)| one.entry.path.cmp(&other.entry.path));
    all.into_iter().unzip()
}

fn slices_of(
    nodes: &[Node],
    parts: &[usize],
    count: usize,
    origins: &[Origin],
) -> Result<Vec<(Tree, OriginMap)>, MergeError> {
    (0..count).map(|number| slice(nodes, parts, number, origins)).collect()
}

fn origin_map<'a>(nodes: impl Iterator<Item = &'a Node>, origins: &[Origin]) -> OriginMap {
    let mut map = OriginMap::default();
    for node in nodes {
        map.insert(node.entry.path.clone(), origins[node.origin as usize].clone());
    }
    map
}

/// Names of one file whose owner or mode a rule changed for some of them are files of their own.
fn dissolve_unequal_links(nodes: &mut [Node]) {
    type Look = (u16, u32, u32, i64);
    let look = |entry: &Entry| (entry.mode, entry.uid, entry.gid, entry.mtime);
    let mut groups: BTreeMap<u32, Look> = BTreeMap::new();
    let mut split = BTreeSet::new();
    for node in nodes.iter() {
        if let EntryKind::File { link: Some(group), .. } = node.entry.kind {
            let first = groups.entry(group).or_insert_with(|| look(&node.entry));
            if *first != look(&node.entry) {
                split.insert(group);
            }
        }
    }
    for node in nodes.iter_mut() {
        if let EntryKind::File { link, .. } = &mut node.entry.kind
            && link.is_some_and(|group| split.contains(&group))
        {
            *link = None;
        }
    }
}

/// A group goes to the last of the layers that its members would go to.
fn keep_links_together(nodes: &[Node], parts: &mut [usize]) {
    let mut groups: BTreeMap<u32, usize> = BTreeMap::new();
    let group = |node: &Node| match node.entry.kind {
        EntryKind::File { link, .. } => link,
        _ => None,
    };
    for (node, part) in nodes.iter().zip(parts.iter()) {
        if let Some(group) = group(node) {
            let last = groups.entry(group).or_insert(*part);
            *last = (*last).max(*part);
        }
    }
    for (node, part) in nodes.iter().zip(parts.iter_mut()) {
        if let Some(group) = group(node) {
            *part = groups[&group];
        }
    }
}

fn slice(
    nodes: &[Node],
    parts: &[usize],
    number: usize,
    origins: &[Origin],
) -> Result<(Tree, OriginMap), MergeError> {
    let mut chosen: Vec<&Node> = Vec::new();
    let mut above: Vec<(&TreePath, usize, bool)> = Vec::new();
    for (at, node) in nodes.iter().enumerate() {
        while above.last().is_some_and(|(directory, ..)| !node.entry.path.is_within(directory)) {
            above.pop();
        }
        let own = parts[at] == number;
        if own {
            for (_, parent, taken) in above.iter_mut().filter(|(_, _, taken)| !*taken) {
                chosen.push(&nodes[*parent]);
                *taken = true;
            }
            chosen.push(node);
        }
        if node.entry.is_directory() {
            above.push((&node.entry.path, at, own));
        }
    }
    let map = origin_map(chosen.iter().copied(), origins);
    let entries = chosen.into_iter().map(|node| node.entry.clone()).collect();
    Ok((Tree::new(entries).map_err(MergeError::NotATree)?, map))
}
