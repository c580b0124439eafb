//! Owners by name: apk looks them up in the accounts of the root, and takes the number of the archive for a name that
//! is not there.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{MergeError, Workspace};
use crate::image::effects::Accounts;
use crate::tree::{Tree, TreePath};

/// Gives the packages' files in the root to whom `accounts` says; returns `trees`, the packages' files, with the same
/// owners. What the recipe or an effect touched stays as it is.
pub fn set_owners(
    workspace: &mut Workspace<'_>,
    trees: &[Arc<Tree>],
    accounts: &Accounts,
) -> Result<Vec<Arc<Tree>>, MergeError> {
    let mut owned = Vec::with_capacity(trees.len());
    for (number, tree) in trees.iter().enumerate() {
        let package = &workspace.packages[number];
        let list = package.member("owners", workspace.contents())?.unwrap_or_default();
        let owners = read(&list, accounts);
        if owners.is_empty() {
            owned.push(tree.clone());
            continue;
        }
        let origin = package.origin.clone();
        let mut entries = tree.entries().to_vec();
        for entry in &mut entries {
            let Some((uid, gid)) = owners.get(&entry.path) else { continue };
            let before = (entry.uid, entry.gid);
            (entry.uid, entry.gid) = (uid.unwrap_or(before.0), gid.unwrap_or(before.1));
            let Ok(path) = workspace.root.real_path(&entry.path) else { continue };
            let origin = workspace.root.origin_number(&origin);
            if let Some(node) = workspace.root.get_mut(&path)
                && node.origin == origin
                && !node.touched
                && (node.entry.uid, node.entry.gid) == before
            {
                (node.entry.uid, node.entry.gid) = (entry.uid, entry.gid);
            }
        }
        owned.push(Arc::new(Tree::new(entries).map_err(MergeError::NotATree)?));
    }
    Ok(owned)
}

/// User and group ids by path, of names that `accounts` knows: lines `<user>:<group>  <path>`.
fn read(list: &[u8], accounts: &Accounts) -> BTreeMap<TreePath, (Option<u32>, Option<u32>)> {
    let mut owners = BTreeMap::new();
    for line in String::from_utf8_lossy(list).lines() {
        let Some((names, path)) = line.split_once("  ") else { continue };
        let (Some((user, group)), Ok(path)) = (names.split_once(':'), TreePath::new(path.as_bytes())) else {
            continue;
        };
        owners.insert(path, (accounts.user(user).map(|(uid, _)| uid), accounts.group(group)));
    }
    owners
}
