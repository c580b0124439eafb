//! The log of a command while it runs.

use std::collections::VecDeque;
use std::io::{self, Write};

/// Bytes kept of the beginning, and as many of the end.
const HALF: usize = 32 << 20;

/// All that was written, but for the middle of what is very long.
#[derive(Debug)]
pub(super) struct Spool {
    half: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Self { half: HALF, head: Vec::new(), tail: VecDeque::new(), left_out: 0 }
    }
}

impl Spool {
    /// What is kept, with a line that says how much is left out in its place.
    pub fn into_bytes(self) -> Vec<u8> {
        let mut bytes = self.head;
        if self.left_out > 0 {
            bytes.extend_from_slice(format!("\n[{} bytes are left out here]\n", self.left_out).as_bytes());
        }
        let (first, second) = self.tail.as_slices();
        bytes.extend_from_slice(first);
        bytes.extend_from_slice(second);
        bytes
    }
}

impl Write for Spool {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (first, rest) = bytes.split_at(bytes.len().min(self.half - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let excess = self.tail.len().saturating_sub(self.half);
        self.tail.drain(..excess);
        self.left_out += excess as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beginning_and_end_are_kept() {
        let kept = |parts: &[&str]| {
            let mut spool = Spool { half: 4, ..Spool::default() };
            for part in parts {
                spool.write_all(part.as_bytes()).unwrap();
            }
            String::from_utf8(spool.into_bytes()).unwrap()
        };
        assert_eq!(kept(&[]), "");
        assert_eq!(kept(&["abc", "defgh"]), "abcdefgh");
        assert_eq!(kept(&["abcdefghi"]), "abcd\n[1 bytes are left out here]\nfghi");
        assert_eq!(kept(&["ab", "cdef", "ghijkl", "m"]), "abcd\n[5 bytes are left out here]\njklm");
    }
}
