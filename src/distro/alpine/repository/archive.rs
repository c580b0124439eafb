//! The parts of an APKINDEX.tar.gz: signatures, and the bytes that they sign.

use std::io::Read;

use flate2::bufread::MultiGzDecoder;

use super::{MAX_INDEX_SIZE, RepositoryError};
use crate::distro::alpine::archive::{read_segment, signatures_in, starts_with_signature};
use crate::distro::alpine::signature::Signature;
use crate::distro::archive::{ArchiveProblem, Limits, TarReader};
use crate::timestamp::Timestamp;

/// What errors call what is read.
const PART: &str = "its archive";
/// Most segments of signatures.
const MAX_SIGNATURE_SEGMENTS: usize = 4;
/// Longest description.
const MAX_DESCRIPTION_BYTES: u64 = 4096;
/// 2005-01-01: a time before Alpine says nothing, as tools write it that leave times out.
const FIRST_DATE: Timestamp = Timestamp(1_104_537_600);

/// An APKINDEX.tar.gz, of which the signatures are read and nothing else.
pub(super) struct Opened<'a> {
    pub signatures: Vec<Signature>,
    /// All that stands behind the signatures.
    pub signed: &'a [u8],
}

/// What the signed part says of itself.
pub(super) struct About {
    pub date: Timestamp,
    pub description: String,
}

impl<'a> Opened<'a> {
    pub fn new(bytes: &'a [u8], name: &str) -> Result<Self, RepositoryError> {
        if bytes.starts_with(b"ADB") {
            return Err(RepositoryError::Version3 { name: name.to_owned() });
        }
        let damaged = |problem| RepositoryError::Damaged { name: name.to_owned(), problem };
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            let (part, detail) = (PART.to_owned(), "it is no gzip file".to_owned());
            return Err(damaged(ArchiveProblem::Damaged { part, detail }));
        }
        let (mut signatures, mut signed) = (Vec::new(), bytes);
        for _ in 0..MAX_SIGNATURE_SEGMENTS {
            if !starts_with_signature(signed) {
                break;
            }
            let segment = read_segment(&mut signed, PART).map_err(damaged)?;
            signatures.extend(signatures_in(&segment).map_err(damaged)?);
        }
        Ok(Self { signatures, signed })
    }

    /// Date and description; the packages are not looked at where the archive has a date.
    pub fn about(&self, name: &str) -> Result<About, RepositoryError> {
        let (mut description, mut date) = (String::new(), None);
        self.members(name, |member, modified, reader| {
            match member {
                b"DESCRIPTION" => {
                    reader.take(MAX_DESCRIPTION_BYTES).read_to_string(&mut description)?;
                }
                b"APKINDEX" if modified >= FIRST_DATE => date = Some(modified),
                b"APKINDEX" => {
                    let mut text = Vec::new();
                    reader.read_to_end(&mut text)?;
                    date = Some(newest_package(&text));
                }
                _ => {}
            }
            Ok(date.is_none())
        })?;
        let description = description.trim().to_owned();
        let date = date.ok_or_else(|| RepositoryError::NoIndex { name: name.to_owned() })?;
        Ok(About { date, description })
    }

    /// The text of the APKINDEX.
    pub fn text(&self, name: &str) -> Result<Vec<u8>, RepositoryError> {
        let mut text = None;
        self.members(name, |member, _, reader| {
            if member == b"APKINDEX" {
                let mut bytes = Vec::with_capacity(self.signed.len() * 4);
                reader.read_to_end(&mut bytes)?;
                text = Some(bytes);
            }
            Ok(text.is_none())
        })?;
        text.ok_or_else(|| RepositoryError::NoIndex { name: name.to_owned() })
    }

    /// Gives name, time and content of each member to `each`, as long as that wants more.
    fn members(
        &self,
        name: &str,
        mut each: impl FnMut(&[u8], Timestamp, &mut dyn Read) -> std::io::Result<bool>,
    ) -> Result<(), RepositoryError> {
        let damaged = |problem| RepositoryError::Damaged { name: name.to_owned(), problem };
        let limits = Limits { total: MAX_INDEX_SIZE as u64, entries: 1000, ..Limits::default() };
        let decoder = MultiGzDecoder::new(self.signed);
        let mut reader = TarReader::new(decoder, PART, self.signed.len() as u64, &limits);
        while let Some(member) = reader.next_member().map_err(damaged)? {
            match each(&member.path, Timestamp(member.mtime), &mut reader) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    let problem = reader.take_failure().unwrap_or(ArchiveProblem::Unreadable(error));
                    return Err(damaged(problem));
                }
            }
        }
        reader.finish().map_err(damaged)
    }
}

/// The newest build time (`t:`) in the text of an APKINDEX.
fn newest_package(text: &[u8]) -> Timestamp {
    let times = text.split(|&byte| byte == b'\n').filter_map(|line| {
        let digits = std::str::from_utf8(line.strip_prefix(b"t:")?).ok()?;
        digits.parse().ok()
    });
    Timestamp(times.max().unwrap_or(0))
}
