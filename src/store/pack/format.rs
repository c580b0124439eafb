//! The trailer and the footer of a pack.

use crate::digest::Digest;

/// The last bytes of every pack; the digit is the schema version.
pub(super) const MAGIC: &[u8; 8] = b"hbpack1\n";
/// Length of the footer in bytes.
pub(super) const FOOTER: usize = 8 + 32 + 8;
/// Length of one trailer entry in bytes.
const ENTRY: usize = 32 + 8 + 8;

/// Where one content lies in a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Located {
    pub digest: Digest,
    pub offset: u64,
    pub length: u64,
}

/// Trailer and footer for `entries`, which are sorted by digest.
pub(super) fn encode(entries: &[Located]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * ENTRY + FOOTER);
    for entry in entries {
        bytes.extend_from_slice(&entry.digest.0);
        bytes.extend_from_slice(&entry.offset.to_le_bytes());
        bytes.extend_from_slice(&entry.length.to_le_bytes());
    }
    let checksum = Digest::of(&bytes);
    bytes.extend_from_slice(&(entries.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&checksum.0);
    bytes.extend_from_slice(MAGIC);
    bytes
}

/// The length of the trailer and its checksum, from the footer of a pack of `size` bytes.
pub(super) fn decode_footer(footer: &[u8; FOOTER], size: u64) -> Option<(usize, Digest)> {
    if &footer[40..] != MAGIC {
        return None;
    }
    let count = u64::from_le_bytes(footer[..8].try_into().expect("8 bytes"));
    let length = count.checked_mul(ENTRY as u64)?;
    if length > size.checked_sub(FOOTER as u64)? {
        return None;
    }
    Some((usize::try_from(length).ok()?, Digest(footer[8..40].try_into().expect("32 bytes"))))
}

/// The entries of a trailer before which `contents` bytes of contents lie.
pub(super) fn decode_trailer(trailer: &[u8], checksum: Digest, contents: u64) -> Option<Vec<Located>> {
    if Digest::of(trailer) != checksum {
        return None;
    }
    let entries: Vec<Located> = trailer
        .chunks_exact(ENTRY)
        .map(|entry| Located {
            digest: Digest(entry[..32].try_into().expect("32 bytes")),
            offset: u64::from_le_bytes(entry[32..40].try_into().expect("8 bytes")),
            length: u64::from_le_bytes(entry[40..].try_into().expect("8 bytes")),
        })
        .collect();
    let sorted = entries.windows(2).all(|pair| pair[0].digest < pair[1].digest);
    let inside = |entry: &Located| entry.offset.checked_add(entry.length).is_some_and(|end| end <= contents);
    (sorted && entries.iter().all(inside)).then_some(entries)
}
