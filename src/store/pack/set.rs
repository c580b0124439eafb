//! Several packs as one place of contents.

use std::io::Read;
use std::sync::Arc;

use super::Pack;
use super::format::Located;
use crate::digest::Digest;
use crate::tree::{ContentError, Contents};

/// A set of packs: the contents that any of them holds.
#[derive(Debug, Default)]
pub struct Packs {
    packs: Vec<Arc<Pack>>,
    /// Every content of any pack once, sorted by digest, with the number of its pack.
    index: Vec<(Located, u32)>,
}

impl Packs {
    /// The contents of `packs`.
    pub fn new(packs: Vec<Arc<Pack>>) -> Self {
        let mut index = Vec::with_capacity(packs.iter().map(|pack| pack.entries().len()).sum());
        for (number, pack) in packs.iter().enumerate() {
            index.extend(pack.entries().iter().map(|located| (*located, number as u32)));
        }
        index.sort_unstable_by_key(|(located, number)| (located.digest, *number));
        index.dedup_by_key(|(located, _)| located.digest);
        Self { packs, index }
    }

    fn find(&self, digest: &Digest) -> Result<(&Pack, &Located), ContentError> {
        let at = self.index.binary_search_by(|(located, _)| located.digest.cmp(digest));
        let (located, number) = &self.index[at.map_err(|_| ContentError::Missing(*digest))?];
        Ok((&self.packs[*number as usize], located))
    }
}

impl Contents for Packs {
    fn open(&self, digest: &Digest) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        if digest.0 == *blake3::hash(b"").as_bytes() {
            return Ok(Box::new(std::io::empty()));
        }
        let (pack, located) = self.find(digest)?;
        Ok(Box::new(pack.reader(located)))
    }

    fn read(&self, digest: &Digest) -> Result<Vec<u8>, ContentError> {
        if digest.0 == *blake3::hash(b"").as_bytes() {
            return Ok(Vec::new());
        }
        let (pack, located) = self.find(digest)?;
        pack.read(located)
    }
}
