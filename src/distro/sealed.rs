//! The frame of a derived form that is kept between runs: a body, the lengths of its parts, a digest, a magic.
//!
//! ```text
//! body      whatever the form has; numbers are u32, little-endian
//! footer    the lengths (u64), BLAKE3 of everything before the digest, eight bytes of magic
//! ```

const DIGEST: usize = 32;
const MAGIC: usize = 8;

/// A body with its footer.
pub(crate) fn seal(mut body: Vec<u8>, lengths: &[usize], magic: &[u8; MAGIC]) -> Vec<u8> {
    for length in lengths {
        body.extend_from_slice(&(*length as u64).to_le_bytes());
    }
    let digest = blake3::hash(&body);
    body.extend_from_slice(digest.as_bytes());
    body.extend_from_slice(magic);
    body
}

/// The length of the body and the lengths of its parts, or why the bytes are not what [`seal`] made.
pub(crate) fn unseal<const N: usize>(
    bytes: &[u8],
    magic: &[u8; MAGIC],
) -> Result<(usize, [usize; N]), &'static str> {
    let body = bytes.len().checked_sub(N * 8 + DIGEST + MAGIC).ok_or("it is too short")?;
    if !bytes.ends_with(magic) {
        return Err("it has another format");
    }
    let digest = body + N * 8;
    if blake3::hash(&bytes[..digest]).as_bytes() != &bytes[digest..digest + DIGEST] {
        return Err("its checksum does not fit");
    }
    let mut lengths = [0; N];
    for (length, chunk) in lengths.iter_mut().zip(bytes[body..digest].chunks_exact(8)) {
        let number = u64::from_le_bytes(chunk.try_into().expect("chunks of eight bytes"));
        *length = usize::try_from(number).map_err(|_| "a length is too big")?;
    }
    Ok((body, lengths))
}

/// Appends numbers to a body.
pub(crate) fn push_numbers(bytes: &mut Vec<u8>, numbers: &[u32]) {
    bytes.reserve(numbers.len() * 4);
    for number in numbers {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
}

/// The next `length` bytes, which are consumed.
pub(crate) fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

/// The next `count` numbers, which are consumed.
pub(crate) fn read_numbers(rest: &mut &[u8], count: usize) -> Option<Vec<u32>> {
    Some(take(rest, count.checked_mul(4)?)?.chunks_exact(4).map(number).collect())
}

/// The next `count` rows of `K` numbers, which are consumed.
pub(crate) fn read_rows<const K: usize>(rest: &mut &[u8], count: usize) -> Option<Vec<[u32; K]>> {
    let bytes = take(rest, count.checked_mul(K * 4)?)?;
    let row = |chunk: &[u8]| std::array::from_fn(|column| number(&chunk[column * 4..column * 4 + 4]));
    Some(bytes.chunks_exact(K * 4).map(row).collect())
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().expect("four bytes"))
}
