//! Lowering: from the lossless tree to the plain one.

use super::File;

/// The plain tree of a [`super::super::SyntaxKind::File`] node.
pub(in crate::syntax) fn lower(green: &rowan::GreenNodeData) -> File {
    let _ = green;
    File::default()
}
