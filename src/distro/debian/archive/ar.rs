//! The ar container, with the short names, GNU's long ones and BSD's.

use std::io::{self, BufRead, Read, Take};

use crate::distro::archive::ArchiveProblem;

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;
/// More than this has no name, and no table of names.
const NAMES: u64 = 4096;

/// One member: its name and the number of bytes that follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArMember {
    /// Its name.
    pub name: Vec<u8>,
    /// Length of its content.
    pub size: u64,
}

/// Reads the members of an ar archive in order.
pub struct ArReader<R> {
    source: R,
    /// Offset of the next unread byte, the current member's content apart.
    position: u64,
    /// Length of the whole archive.
    length: u64,
    /// Whether a byte of padding stands before the next header.
    padded: bool,
    /// GNU's table of long names.
    names: Vec<u8>,
}

impl<R: BufRead> ArReader<R> {
    /// A reader of `source`, which is `length` bytes long.
    pub fn new(mut source: R, length: u64) -> Result<Self, ArchiveProblem> {
        let mut magic = [0; 8];
        match source.read_exact(&mut magic) {
            Ok(()) if magic == *MAGIC => {
                Ok(Self { source, position: 8, length, padded: false, names: vec![] })
            }
            Ok(()) => Err(ArchiveProblem::NotAPackage),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(ArchiveProblem::NotAPackage),
            Err(error) => Err(ArchiveProblem::Unreadable(error)),
        }
    }

    /// The next member, or `None` at the end. The content of the one before was read to its end.
    pub fn next_member(&mut self) -> Result<Option<ArMember>, ArchiveProblem> {
        loop {
            if self.padded {
                // The last member's padding may be missing.
                if self.position == self.length {
                    return Ok(None);
                }
                let mut newline = [0];
                self.exact(&mut newline)?;
            }
            if self.position == self.length {
                return Ok(None);
            }
            let at = self.position;
            let mut header = [0; HEADER];
            self.exact(&mut header)?;
            let bad = |field| ArchiveProblem::MemberHeader { at, field };
            if &header[58..] != b"`\n" {
                return Err(bad("end mark"));
            }
            let size = decimal(&header[48..58]).ok_or_else(|| bad("size"))?;
            if size > self.length - self.position {
                return Err(truncated());
            }
            self.padded = size % 2 == 1;
            let name = trim(&header[..16]);
            if name == b"//" {
                self.names = self.text(size).map_err(|_| bad("table of names"))?;
                continue;
            }
            return self.named(name, size, at).map(Some);
        }
    }

    /// A reader over the content of `member`, which [`ArReader::next_member`] just gave.
    pub fn content(&mut self, member: &ArMember) -> Take<&mut R> {
        self.position += member.size;
        (&mut self.source).take(member.size)
    }

    /// Reads on behind the content of `member`, of which `content` has left something.
    pub fn skip(&mut self, member: &ArMember) -> Result<(), ArchiveProblem> {
        let copied =
            io::copy(&mut self.content(member), &mut io::sink()).map_err(ArchiveProblem::Unreadable)?;
        if copied == member.size { Ok(()) } else { Err(truncated()) }
    }

    fn named(&mut self, name: &[u8], size: u64, at: u64) -> Result<ArMember, ArchiveProblem> {
        let bad = || ArchiveProblem::MemberHeader { at, field: "name" };
        if let Some(length) = name.strip_prefix(b"#1/") {
            let length = decimal(length).filter(|&length| length <= size.min(NAMES)).ok_or_else(bad)?;
            let mut name = self.text(length)?;
            while name.last() == Some(&0) {
                name.pop();
            }
            return Ok(ArMember { name, size: size - length });
        }
        let offset = name.strip_prefix(b"/").filter(|rest| !rest.is_empty()).and_then(decimal);
        let name = match offset {
            Some(offset) => {
                let rest = usize::try_from(offset).ok().and_then(|offset| self.names.get(offset..));
                let rest = rest.ok_or_else(bad)?;
                let end = rest.iter().position(|&byte| byte == b'\n').ok_or_else(bad)?;
                &rest[..end]
            }
            None => name,
        };
        let name = name.strip_suffix(b"/").unwrap_or(name).to_vec();
        if name.is_empty() { Err(bad()) } else { Ok(ArMember { name, size }) }
    }

    fn text(&mut self, size: u64) -> Result<Vec<u8>, ArchiveProblem> {
        if size > NAMES {
            let (what, limit) = ("member names", NAMES);
            return Err(ArchiveProblem::OversizeHeader { what, size, limit });
        }
        let mut text = vec![0; size as usize];
        self.exact(&mut text)?;
        Ok(text)
    }

    fn exact(&mut self, into: &mut [u8]) -> Result<(), ArchiveProblem> {
        self.position += into.len() as u64;
        if self.position > self.length {
            return Err(truncated());
        }
        self.source.read_exact(into).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => truncated(),
            _ => ArchiveProblem::Unreadable(error),
        })
    }
}

fn truncated() -> ArchiveProblem {
    ArchiveProblem::Truncated { part: "the package".to_owned() }
}

fn trim(field: &[u8]) -> &[u8] {
    let end = field.iter().rposition(|&byte| byte != b' ').map_or(0, |at| at + 1);
    &field[..end]
}

fn decimal(field: &[u8]) -> Option<u64> {
    let digits = trim(field);
    let valid = !digits.is_empty() && digits.len() <= 12 && digits.iter().all(u8::is_ascii_digit);
    valid.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')))
}
