//! A tree as a tar archive in blocks of one size.

use std::collections::BTreeSet;

use sha2::Digest as _;

use super::LayerError;
use super::member::{Member, MemberError, member_header};
use crate::digest::{Digest, Sha256};
use crate::exec::BuildError;
use crate::tree::{ContentError, Contents, Entry, EntryKind, Tree, TreePath};

/// Every block handed on has this many bytes, the last one fewer: compressors see the same blocks whatever the
/// sizes of reads are.
const BLOCK: usize = 64 * 1024;
const TAR_BLOCK: u64 = 512;
const END: [u8; 1024] = [0; 1024];

/// What is known of an archive once it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArchiveDigest {
    /// SHA-256 of all bytes: the OCI diff id.
    pub diff_id: Sha256,
    /// Their number.
    pub size: u64,
}

/// `tree` with every parent directory that it leaves out, as root's with mode 0755 and time `epoch`.
pub fn with_parents(tree: &Tree, epoch: i64) -> Tree {
    let mut missing: BTreeSet<TreePath> = BTreeSet::new();
    for entry in tree.entries() {
        let mut path = entry.path.parent();
        while let Some(parent) = path.take() {
            if tree.get(&parent).is_none() && !missing.contains(&parent) {
                path = parent.parent();
                missing.insert(parent);
            }
        }
    }
    if missing.is_empty() {
        return tree.clone();
    }
    let mut entries = tree.entries().to_vec();
    entries.extend(missing.into_iter().map(|path| Entry::directory(path, epoch)));
    Tree::new(entries).expect("a directory that was not there disturbs no other entry")
}

/// The length in bytes of the archive of `tree`, known before a content is read.
pub fn archive_size(tree: &Tree) -> Result<u64, LayerError> {
    let mut size = END.len() as u64;
    for_each_member(tree, |header, content| {
        size += header.len() as u64;
        size += content.map_or(0, |(_, length)| length.next_multiple_of(TAR_BLOCK));
        Ok::<_, LayerError>(())
    })?;
    Ok(size)
}

/// Writes the archive of `tree` block by block to `sink`: entries in tree order, directories before what lies
/// in them, a hard link behind its first name, two zero blocks at the end. Each content must have the length
/// and the digest that the tree states, else it is [`ContentError::Damaged`].
pub fn write_archive(
    tree: &Tree,
    contents: &dyn Contents,
    sink: &mut dyn FnMut(&[u8]) -> Result<(), BuildError>,
) -> Result<ArchiveDigest, BuildError> {
    let mut blocks = Blocks { buffer: Vec::with_capacity(BLOCK), hasher: sha2::Sha256::new(), size: 0, sink };
    for_each_member(tree, |header, content| {
        blocks.put(&header)?;
        match content {
            Some((digest, size)) => blocks.copy(contents, digest, size),
            None => Ok(()),
        }
    })?;
    blocks.put(&END)?;
    blocks.flush()?;
    Ok(ArchiveDigest { diff_id: Sha256(blocks.hasher.finalize().into()), size: blocks.size })
}

/// Gives each member's header blocks, with digest and length where the content of a file follows.
fn for_each_member<E: From<LayerError>>(
    tree: &Tree,
    mut each: impl FnMut(Vec<u8>, Option<(&Digest, u64)>) -> Result<(), E>,
) -> Result<(), E> {
    let mut first_names: Vec<&TreePath> = Vec::new();
    for entry in tree.entries() {
        let mut member = Member::Whole;
        let mut content = None;
        if let EntryKind::File { digest, size, link } = &entry.kind {
            // Groups are numbered from 0 in the order of their first member (`Tree::new`).
            match link.and_then(|group| first_names.get(group as usize)) {
                Some(first) => member = Member::LinkTo(first),
                None => {
                    if link.is_some() {
                        first_names.push(&entry.path);
                    }
                    content = Some((digest, *size));
                }
            }
        }
        let header = member_header(entry, member)
            .map_err(|MemberError| LayerError::XattrName { path: entry.path.clone() })?;
        each(header, content)?;
    }
    Ok(())
}

impl From<LayerError> for BuildError {
    fn from(error: LayerError) -> Self {
        Self::action(error)
    }
}

struct Blocks<'a> {
    buffer: Vec<u8>,
    hasher: sha2::Sha256,
    size: u64,
    sink: &'a mut dyn FnMut(&[u8]) -> Result<(), BuildError>,
}

impl Blocks<'_> {
    fn put(&mut self, mut bytes: &[u8]) -> Result<(), BuildError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            bytes = later;
            if self.buffer.len() == BLOCK {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), BuildError> {
        self.size += self.buffer.len() as u64;
        self.hasher.update(&self.buffer);
        (self.sink)(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    fn copy(&mut self, contents: &dyn Contents, digest: &Digest, size: u64) -> Result<(), BuildError> {
        let mut reader = contents.open(digest)?;
        let mut hasher = blake3::Hasher::new();
        let mut left = size;
        loop {
            let from = self.buffer.len();
            let room = left.min((BLOCK - from) as u64) as usize;
            // One byte more than is due shows a content that goes on too long.
            self.buffer.resize(from + room.max(1), 0);
            let count = match reader.read(&mut self.buffer[from..]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => 0,
                Err(error) => return Err(ContentError::Io(error).into()),
                Ok(0) if left > 0 => return Err(ContentError::Damaged(*digest).into()),
                Ok(0) => {
                    self.buffer.truncate(from);
                    break;
                }
                Ok(_) if left == 0 => return Err(ContentError::Damaged(*digest).into()),
                Ok(count) => count,
            };
            self.buffer.truncate(from + count);
            hasher.update(&self.buffer[from..]);
            left -= count as u64;
            if self.buffer.len() == BLOCK {
                self.flush()?;
            }
        }
        if hasher.finalize().as_bytes() != &digest.0 {
            return Err(ContentError::Damaged(*digest).into());
        }
        let padding = size.next_multiple_of(TAR_BLOCK) - size;
        self.put(&END[..padding as usize])
    }
}
