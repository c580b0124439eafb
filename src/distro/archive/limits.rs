//! How large an archive may be before it is taken for a bomb.

/// Limits on what one archive may unpack to. [`Limits::default`] is far above every real package and source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Unpacked bytes, headers and padding included, whatever the archive's own size.
    pub total: u64,
    /// Unpacked bytes below which the ratio does not matter.
    pub free: u64,
    /// Unpacked bytes for each compressed one, above `free`.
    pub ratio: u64,
    /// Entries.
    pub entries: u64,
    /// Bytes of one path or link target.
    pub path: usize,
    /// Bytes of one component of a path.
    pub name: usize,
    /// Bytes of one pax header, and of all extended attributes of one entry.
    pub header: usize,
    /// Bytes of all paths, targets and attributes together: what the tree holds in memory.
    pub metadata: u64,
    /// Bytes of memory a decoder may take.
    pub decoder: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total: 32 << 30,
            free: 256 << 20,
            ratio: 250,
            entries: 1_000_000,
            path: 4096,
            name: 255,
            header: 256 << 10,
            metadata: 64 << 20,
            decoder: 130 << 20,
        }
    }
}

impl Limits {
    /// The number of bytes that an archive of `compressed` bytes may unpack to.
    pub fn unpacked(&self, compressed: u64) -> u64 {
        self.total.min(self.free.max(compressed.saturating_mul(self.ratio)))
    }
}
