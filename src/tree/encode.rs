//! The canonical bytes of a tree; their BLAKE3 digest is the tree's identity.

use std::collections::BTreeMap;

use super::{Entry, EntryKind, Tree, TreeError, TreePath};
use crate::digest::Digest;

/// The first bytes of every encoded tree; the digit is the schema version.
pub const TREE_MAGIC: &[u8; 8] = b"hbtree1\n";

/// Why bytes are not an encoded tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first bytes are not [`TREE_MAGIC`].
    #[error("not an encoded tree of this version")]
    Magic,
    /// The bytes end early, go on too long, or hold a value out of range.
    #[error("the encoded tree is damaged at byte {0}")]
    Damaged(usize),
    /// The entries do not make a tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
}

impl Tree {
    /// The canonical encoding, schema version 1: [`TREE_MAGIC`], the number of entries, then each entry in
    /// order. Integers are unsigned LEB128 (`mtime` zig-zagged first), byte strings a length and the bytes.
    ///
    /// ```text
    /// entry = path, kind u8 (0 directory, 1 file, 2 symlink), mode, uid, gid, mtime,
    ///         number of xattrs, (name, value)*,
    ///         file: digest [32], size, link group + 1 or 0
    ///         symlink: target
    /// ```
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64 * self.entries().len() + 16);
        out.extend_from_slice(TREE_MAGIC);
        put_number(&mut out, self.entries().len() as u64);
        for entry in self.entries() {
            put_entry(&mut out, entry);
        }
        out
    }

    /// The BLAKE3 digest of [`Tree::encode`].
    pub fn digest(&self) -> Digest {
        Digest::of(&self.encode())
    }

    /// The tree that [`Tree::encode`] wrote. Bytes that are not canonical are refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let rest = bytes.strip_prefix(TREE_MAGIC.as_slice()).ok_or(DecodeError::Magic)?;
        let mut reader = Reader { rest, total: bytes.len() };
        let count = reader.number()?;
        let mut entries = Vec::with_capacity((count as usize).min(bytes.len() / 8));
        for _ in 0..count {
            entries.push(reader.entry()?);
        }
        if !reader.rest.is_empty() {
            return Err(reader.damaged());
        }
        let tree = Self::new(entries)?;
        if tree.encode() != bytes { Err(DecodeError::Damaged(0)) } else { Ok(tree) }
    }
}

fn put_number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_entry(out: &mut Vec<u8>, entry: &Entry) {
    put_bytes(out, entry.path.as_bytes());
    out.push(match entry.kind {
        EntryKind::Directory => 0,
        EntryKind::File { .. } => 1,
        EntryKind::Symlink { .. } => 2,
    });
    put_number(out, u64::from(entry.mode));
    put_number(out, u64::from(entry.uid));
    put_number(out, u64::from(entry.gid));
    put_number(out, ((entry.mtime << 1) ^ (entry.mtime >> 63)) as u64);
    put_number(out, entry.xattrs.len() as u64);
    for (name, value) in &entry.xattrs {
        put_bytes(out, name);
        put_bytes(out, value);
    }
    match &entry.kind {
        EntryKind::Directory => {}
        EntryKind::File { digest, size, link } => {
            out.extend_from_slice(&digest.0);
            put_number(out, *size);
            put_number(out, link.map_or(0, |group| u64::from(group) + 1));
        }
        EntryKind::Symlink { target } => put_bytes(out, target),
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    total: usize,
}

impl<'a> Reader<'a> {
    fn damaged(&self) -> DecodeError {
        DecodeError::Damaged(self.total - self.rest.len())
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let (head, tail) = self.rest.split_at_checked(length).ok_or_else(|| self.damaged())?;
        self.rest = tail;
        Ok(head)
    }

    fn number(&mut self) -> Result<u64, DecodeError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damaged())
    }

    fn bytes(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.number()?;
        self.take(usize::try_from(length).map_err(|_| self.damaged())?)
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Result<T, DecodeError> {
        let value = self.number()?;
        T::try_from(value).map_err(|_| self.damaged())
    }

    fn entry(&mut self) -> Result<Entry, DecodeError> {
        let path = TreePath::new(self.bytes()?).map_err(|_| self.damaged())?;
        let kind = self.take(1)?[0];
        let (mode, uid, gid) = (self.small()?, self.small()?, self.small()?);
        let zigzag = self.number()?;
        let mtime = ((zigzag >> 1) as i64) ^ -((zigzag & 1) as i64);
        let mut xattrs = BTreeMap::new();
        for _ in 0..self.number()? {
            xattrs.insert(self.bytes()?.to_vec(), self.bytes()?.to_vec());
        }
        let kind = match kind {
            0 => EntryKind::Directory,
            1 => {
                let digest = Digest(self.take(32)?.try_into().expect("32 bytes were taken"));
                let size = self.number()?;
                let link = match self.small::<u32>()? {
                    0 => None,
                    group => Some(group - 1),
                };
                EntryKind::File { digest, size, link }
            }
            2 => EntryKind::Symlink { target: self.bytes()?.to_vec() },
            _ => return Err(self.damaged()),
        };
        Ok(Entry { path, kind, mode, uid, gid, mtime, xattrs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Tree {
        let path = |text: &str| TreePath::new(text.as_bytes()).unwrap();
        let mut ping = Entry::file(path("usr/bin/ping"), Digest::of(b"ping"), 4, 0o755, 1_700_000_000);
        ping.xattrs.insert(b"security.capability".to_vec(), vec![1, 0, 0, 2]);
        Tree::new(vec![
            Entry::directory(path("usr"), 315_532_800),
            Entry::directory(path("usr/bin"), -1),
            ping,
            Entry::symlink(path("bin"), "usr/bin", 315_532_800),
        ])
        .unwrap()
    }

    #[test]
    fn the_encoding_is_pinned() {
        assert_eq!(
            sample().digest().to_hex(),
            "4913e59ac450b7996f8369ad9252a5596b43c97a0b220f369e0b95737842148e",
            "a change of these bytes needs a new schema version"
        );
    }

    #[test]
    fn decoding_gives_the_tree_back_and_refuses_damage() {
        let bytes = sample().encode();
        assert_eq!(Tree::decode(&bytes), Ok(sample()));
        for at in 0..bytes.len() {
            assert!(Tree::decode(&bytes[..at]).is_err());
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x81;
            assert_ne!(Tree::decode(&flipped), Ok(sample()));
        }
    }
}
