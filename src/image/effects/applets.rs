//! Busybox's applets: the links that `busybox --install -s` makes.
//!
//! The names come from `/etc/busybox-paths.d`, where each multi-call program lists its own as it would print them, so
//! none of them has to run.

use crate::image::merge::{MergeError, Workspace};
use crate::tree::{EntryKind, TreePath};

const EFFECT: &str = "applets";
const LISTS: &str = "/etc/busybox-paths.d";
/// In the order in which busybox's trigger lets them make links: the first one has a name.
const FIRST: [&[u8]; 3] = [b"bbsuid", b"busybox-extras", b"busybox"];

/// Makes the links of every program that is in the finished root, where nothing else stands.
pub fn make_applets(workspace: &mut Workspace<'_>) -> Result<(), MergeError> {
    if !workspace.has_effect(EFFECT) {
        return Ok(());
    }
    let folder = Workspace::path(LISTS);
    let files = workspace.root.children(&folder);
    let files = files.filter(|node| matches!(node.entry.kind, EntryKind::File { .. }));
    let mut lists: Vec<TreePath> = files.map(|node| node.entry.path.clone()).collect();
    let rank = |list: &TreePath| FIRST.iter().position(|name| *name == list.file_name());
    lists.sort_by_key(|list| rank(list).unwrap_or(FIRST.len()));
    for list in lists {
        let program = Workspace::path("/bin").join(list.file_name()).expect("a file's name is plain");
        if workspace.root.follow(&program).is_none() {
            continue;
        }
        let text = workspace.read_path(&list)?.unwrap_or_default();
        for line in text.split(|&byte| byte == b'\n') {
            let Ok(place) = TreePath::new(line.strip_prefix(b"/").unwrap_or(line)) else { continue };
            let free =
                workspace.root.real_path(&place).is_ok_and(|place| workspace.root.get(&place).is_none());
            if free {
                workspace.link(EFFECT, &place, program.absolute());
            }
        }
    }
    Ok(())
}
