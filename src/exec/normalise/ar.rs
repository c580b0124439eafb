//! Static archives in the form of System V and GNU: what `ar` without `D` writes becomes what it writes with it.

use std::io::{self, Read};

/// The first bytes of an archive.
pub(super) const MAGIC: &[u8] = b"!<arch>\n";
/// The first bytes of one whose members lie elsewhere.
pub(super) const THIN: &[u8] = b"!<thin>\n";

const HEADER: usize = 60;

/// An archive, normalised while it is read: members have time, user and group 0 and the mode 644.
pub(super) struct Archive<R> {
    inner: R,
    /// Bytes to give before anything is read.
    ready: Vec<u8>,
    given: usize,
    /// Bytes of the present member to pass on, or `None` when the rest goes through as it is.
    left: Option<u64>,
    debris: Option<&'static str>,
}

impl<R: Read> Archive<R> {
    /// The archive in `inner`, which begins with [`MAGIC`].
    pub fn new(inner: R) -> Self {
        Self { inner, ready: Vec::new(), given: 0, left: Some(MAGIC.len() as u64), debris: None }
    }

    /// What was left as it is.
    pub fn debris(&self) -> Option<&'static str> {
        self.debris
    }

    /// Reads the next member's header.
    fn header(&mut self) -> io::Result<()> {
        self.ready.clear();
        self.given = 0;
        (&mut self.inner).take(HEADER as u64).read_to_end(&mut self.ready)?;
        self.left = match normalise(&mut self.ready) {
            Ok(size) => Some(size),
            Err(debris) => {
                self.debris = debris;
                None
            }
        };
        Ok(())
    }
}

/// Normalises a header in place; returns how many bytes follow up to the next one, or what is wrong with it, if
/// that is worth a word.
fn normalise(header: &mut [u8]) -> Result<u64, Option<&'static str>> {
    const FOREIGN: Option<&str> = Some("a static archive in no form of GNU's keeps the times of its members");
    if header.is_empty() {
        return Err(None);
    }
    if header.len() < HEADER || header[58..60] != *b"`\n" || header.starts_with(b"#1/") {
        return Err(FOREIGN);
    }
    let size = std::str::from_utf8(&header[48..58]).ok().and_then(|text| text.trim_end().parse::<u64>().ok());
    let size = size.ok_or(FOREIGN)?;
    let set = |field: &mut [u8], text: &[u8]| {
        field.fill(b' ');
        field[..text.len()].copy_from_slice(text);
    };
    let table_of_symbols = header.starts_with(b"/ ") || header.starts_with(b"/SYM64/");
    // The table of long names has blanks in all of these.
    if !header.starts_with(b"//") {
        set(&mut header[16..28], b"0");
        set(&mut header[28..34], b"0");
        set(&mut header[34..40], b"0");
        set(&mut header[40..48], if table_of_symbols { b"0" } else { b"644" });
    }
    Ok(size + size % 2)
}

impl<R: Read> Read for Archive<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.given < self.ready.len() {
                let count = into.len().min(self.ready.len() - self.given);
                into[..count].copy_from_slice(&self.ready[self.given..self.given + count]);
                self.given += count;
                return Ok(count);
            }
            match &mut self.left {
                None => return self.inner.read(into),
                Some(0) => self.header()?,
                Some(left) => {
                    let most = into.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                    let count = self.inner.read(&mut into[..most])?;
                    *left -= count as u64;
                    if count == 0 && most > 0 {
                        // The last member may lack its padding.
                        self.left = None;
                    }
                    return Ok(count);
                }
            }
        }
    }
}
