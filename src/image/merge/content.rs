//! Contents of the recipe over the packages.

use super::layering::{content_conflict, link_groups};
use super::pattern::Patterns;
use super::root::{Node, Root, check_name};
use super::{MergeError, usrmerge};
use crate::graph::MergeInput;
use crate::tree::{Entry, EntryKind, Origin, Tree, TreePath};

/// Adds the content that `input` describes.
pub fn add_content(root: &mut Root, input: &MergeInput, tree: &Tree, merged: bool) -> Result<(), MergeError> {
    let MergeInput::Content { origin, at, only, without, replacing } = input else {
        unreachable!("packages are layered before");
    };
    let number = root.origin_number(origin);
    let base = root.reserve_groups(link_groups(tree));
    let place = TreePath::from_absolute(at)
        .map_err(|error| MergeError::BadPattern { pattern: at.clone(), reason: error.to_string() })?;
    let (only, without) = (Patterns::new(only, false, true)?, Patterns::new(without, false, true)?);
    let replacing = Patterns::new(replacing, merged, false)?;
    if let Some(place) = &place {
        check_name(place, origin)?;
    }
    for entry in tree.entries() {
        check_name(&entry.path, origin)?;
        let chosen = only.is_empty() || only.cover(&entry.path);
        if !chosen || without.cover(&entry.path) {
            continue;
        }
        let mut entry =
            Entry { path: destination(root, entry, place.as_ref(), origin, merged)?, ..entry.clone() };
        if let EntryKind::File { link: Some(link), .. } = &mut entry.kind {
            *link += base;
        }
        put(root, entry, number, origin, &replacing)?;
    }
    Ok(())
}

fn destination(
    root: &Root,
    entry: &Entry,
    place: Option<&TreePath>,
    origin: &Origin,
    merged: bool,
) -> Result<TreePath, MergeError> {
    let path = match place {
        Some(place) => place.join(entry.path.as_bytes()).expect("a plain path below another is one"),
        None => entry.path.clone(),
    };
    let itself = usrmerge::is_alias(&path) && !entry.is_directory();
    let path = if merged && !itself { usrmerge::canonical(&path).unwrap_or(path) } else { path };
    root.real_path(&path).map_err(|link| MergeError::BrokenLink {
        path: path.clone(),
        link,
        origin: origin.clone(),
    })
}

fn put(
    root: &mut Root,
    entry: Entry,
    number: u32,
    origin: &Origin,
    replacing: &Patterns,
) -> Result<(), MergeError> {
    if let Some(found) = root.get(&entry.path) {
        let leads_to_directory =
            matches!(found.entry.kind, EntryKind::Symlink { .. }) && root.real_directory(&entry.path).is_ok();
        let both = found.entry.is_directory() && entry.is_directory();
        if both || (entry.is_directory() && leads_to_directory) {
            return Ok(());
        }
        let either = found.entry.is_directory() || entry.is_directory();
        let same_link = matches!(entry.kind, EntryKind::Symlink { .. }) && found.entry.kind == entry.kind;
        if same_link {
            return Ok(());
        }
        let free = found.origin == number || replacing.cover(&entry.path);
        if either || !free {
            return Err(content_conflict(entry.path, root.origin(found.origin), origin, either));
        }
    }
    root.make_parents(&entry.path, number, false);
    root.insert(Node { entry, origin: number, touched: false });
    Ok(())
}
