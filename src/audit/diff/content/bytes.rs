//! Bytes against bytes: where they begin to differ, and how much.

use std::fmt::Write;
use std::io::{self, Read};

use crate::audit::diff::report::BytesDifference;

/// Read at once; a multiple of [`ROW`].
const BLOCK: u64 = 256 << 10;
/// Shown bytes begin at a multiple of this.
const ROW: u64 = 16;
/// Shown of each side.
const SHOWN: usize = 32;

/// Where both differ. `None` where they do not.
pub fn compare(left: &mut dyn Read, right: &mut dyn Read) -> io::Result<Option<BytesDifference>> {
    let mut blocks = [Vec::new(), Vec::new()];
    let (mut at, mut sizes, mut count) = (0, [0, 0], 0);
    let mut first: Option<(u64, [String; 2])> = None;
    loop {
        blocks.iter_mut().for_each(Vec::clear);
        left.take(BLOCK).read_to_end(&mut blocks[0])?;
        right.take(BLOCK).read_to_end(&mut blocks[1])?;
        let [one, other] = &blocks;
        if one.is_empty() && other.is_empty() {
            break;
        }
        sizes = [sizes[0] + one.len() as u64, sizes[1] + other.len() as u64];
        if one != other {
            let both = one.len().min(other.len());
            let differs = |(one, other): &(&u8, &u8)| one != other;
            count += one.iter().zip(other).filter(differs).count() as u64;
            if first.is_none() {
                let offset = one.iter().zip(other).position(|(one, other)| one != other).unwrap_or(both);
                let row = offset - offset % ROW as usize;
                first = Some((at + offset as u64, [hex(one, row), hex(other, row)]));
            }
        }
        at += BLOCK;
    }
    Ok(first.map(|(offset, hex)| BytesDifference {
        offset,
        count,
        sizes,
        shown_from: offset - offset % ROW,
        hex,
    }))
}

fn hex(bytes: &[u8], from: usize) -> String {
    let mut text = String::with_capacity(2 * SHOWN);
    for byte in bytes.get(from..).unwrap_or_default().iter().take(SHOWN) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(left: &[u8], right: &[u8]) -> Option<BytesDifference> {
        compare(&mut &left[..], &mut &right[..]).unwrap()
    }

    #[test]
    fn the_first_difference_and_their_number() {
        assert_eq!(of(b"same", b"same"), None);
        let found = of(b"0123456789abcdefX1", b"0123456789abcdefY23").unwrap();
        assert_eq!((found.offset, found.count, found.sizes, found.shown_from), (16, 2, [18, 19], 16));
        assert_eq!(found.hex, ["5831", "593233"]);
        let found = of(b"", b"x").unwrap();
        assert_eq!((found.offset, found.count, found.hex), (0, 0, ["".into(), "78".into()]));
        let long = vec![7; BLOCK as usize + 100];
        let mut other = long.clone();
        other[BLOCK as usize + 5] = 8;
        let found = of(&long, &other).unwrap();
        assert_eq!((found.offset, found.count), (BLOCK + 5, 1));
    }
}
