//! Symlinks followed inside an image, from whatever knows their targets.

use crate::tree::TreePath;

/// Symlinks followed for one path before it is given up.
const LINK_LIMIT: usize = 40;

/// Whether a symlink at the very end of a path is followed too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Last {
    /// It is: the result is what the path leads to.
    Followed,
    /// It is not: the result may be a symlink.
    Kept,
}

/// Where `path` leads when the symlinks on its way are followed inside the image, `..` never above its root.
/// `target` gives the target of the symlink at a path. `None` for a loop, and for the root.
pub(super) fn follow<'a>(
    path: &TreePath,
    last: Last,
    target: &dyn Fn(&TreePath) -> Option<&'a [u8]>,
) -> Option<TreePath> {
    let mut pending = components(path.as_bytes());
    let mut at: Option<TreePath> = None;
    let mut links = 0;
    while let Some(name) = pending.pop() {
        match name.as_slice() {
            b"" | b"." => continue,
            b".." => {
                at = at.and_then(|path| path.parent());
                continue;
            }
            _ => {}
        }
        let next = match &at {
            Some(directory) => directory.join(&name).ok()?,
            None => TreePath::new(&name).ok()?,
        };
        let followed = last == Last::Followed || !pending.is_empty();
        match target(&next).filter(|_| followed) {
            Some(target) => {
                links += 1;
                if links > LINK_LIMIT {
                    return None;
                }
                if target.starts_with(b"/") {
                    at = None;
                }
                pending.extend(components(target));
            }
            None => at = Some(next),
        }
    }
    at
}

/// The components of a path, the first one last.
fn components(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&byte| byte == b'/').rev().map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(path: &TreePath) -> Option<&'static [u8]> {
        match path.as_bytes() {
            b"bin" => Some(b"usr/bin"),
            b"usr/bin/sh" => Some(b"dash"),
            b"doc" => Some(b"../../../bin/."),
            b"loop" => Some(b"/loop"),
            _ => None,
        }
    }

    fn followed(path: &str, last: Last) -> Option<String> {
        follow(&TreePath::new(path.as_bytes()).unwrap(), last, &target).map(|path| path.absolute())
    }

    #[test]
    fn links_never_leave_the_image() {
        assert_eq!(followed("bin/sh", Last::Kept).as_deref(), Some("/usr/bin/sh"));
        assert_eq!(followed("bin/sh", Last::Followed).as_deref(), Some("/usr/bin/dash"));
        assert_eq!(followed("doc/sh", Last::Kept).as_deref(), Some("/usr/bin/sh"));
        assert_eq!(followed("loop/x", Last::Kept), None);
        assert_eq!(followed("etc/none", Last::Followed).as_deref(), Some("/etc/none"));
    }
}
