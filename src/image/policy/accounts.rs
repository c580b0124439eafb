//! The rule about who runs the image.

use super::Finding;

/// A finding where `user`, `uid:gid` in numbers, is root.
pub(super) fn root_user(user: &str) -> Option<Finding> {
    let uid = user.split(':').next().unwrap_or_default();
    (uid == "0").then(|| Finding {
        rule: "root-user".to_owned(),
        path: None,
        origin: None,
        detail: format!("the image runs as {user}"),
    })
}
