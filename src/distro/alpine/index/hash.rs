//! Where apk's own table of names has a name: the order in which its solver meets names follows from it.

/// How many buckets apk's table has.
pub(crate) const BUCKETS: u32 = 20_000;

/// The seed of apk's hash function.
const SEED: u32 = 5381;

/// The bucket of a name: MurmurHash3 (32 bits, x86) of its bytes, modulo [`BUCKETS`].
pub(crate) fn bucket(name: &str) -> u32 {
    murmur3(name.as_bytes(), SEED) % BUCKETS
}

fn murmur3(key: &[u8], seed: u32) -> u32 {
    let mix = |word: u32| word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593);
    let chunks = key.chunks_exact(4);
    let tail = chunks.remainder();
    let mut hash = seed;
    for chunk in chunks {
        let word = u32::from_le_bytes(chunk.try_into().expect("chunks of four bytes"));
        hash = (hash ^ mix(word)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64);
    }
    if !tail.is_empty() {
        hash ^= mix(tail.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)));
    }
    // The hash has 32 bits, and so has the length of what is hashed.
    hash ^= u32::try_from(key.len()).unwrap_or(u32::MAX);
    hash = (hash ^ hash >> 16).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ hash >> 13).wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}

#[cfg(test)]
mod tests {
    use super::murmur3;

    #[test]
    fn known_hashes() {
        assert_eq!(murmur3(b"", 0), 0);
        assert_eq!(murmur3(b"", 1), 0x514e_28b7);
        assert_eq!(murmur3(b"test", 0), 0xba6b_d213);
        assert_eq!(murmur3(b"Hello, world!", 0), 0xc036_3e43);
        assert_eq!(murmur3(b"The quick brown fox jumps over the lazy dog", 0x9747_b28c), 0x2fa8_26cd);
    }
}
