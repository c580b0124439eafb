//! Decompression: plain, gzip, bzip2, xz and zstd behind one reader.

use std::io::{self, BufRead, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use liblzma::stream::{CONCATENATED, Error as XzError, Stream};

use super::{ArchiveProblem, Limits};

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Plain,
    /// RFC 1952.
    Gzip,
    /// bzip2, as older upstream archives are.
    Bzip2,
    /// The .xz format.
    Xz,
    /// RFC 8878.
    Zstd,
}

impl Encoding {
    /// The encoding that the first bytes of a stream show; [`Encoding::Plain`] where they show none. `None` for
    /// compressions that are known and not read.
    pub fn detect(start: &[u8]) -> Option<Self> {
        match start {
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Self::Bzip2),
            [0x1f, 0x9d, ..] | [0x5d, 0, 0, ..] => None,
            [b'L', b'Z', b'I', b'P', ..] | [b'P', b'K', 3, 4, ..] => None,
            _ => Some(Self::Plain),
        }
    }
}

/// The decoded bytes of a stream. All streams and frames that follow each other are read, to the end.
pub enum Decoder<R: BufRead> {
    /// As it is.
    Plain(R),
    /// gzip.
    Gzip(Box<MultiGzDecoder<R>>),
    /// bzip2.
    Bzip2(Box<MultiBzDecoder<R>>),
    /// xz.
    Xz(XzDecoder<R>),
    /// zstd.
    Zstd(Box<zstd::Decoder<'static, R>>),
}

impl<R: BufRead> Decoder<R> {
    /// A decoder of `source`, which may take as much memory as `limits` say.
    pub fn new(source: R, encoding: Encoding, limits: &Limits) -> io::Result<Self> {
        Ok(match encoding {
            Encoding::Plain => Self::Plain(source),
            Encoding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(source))),
            Encoding::Bzip2 => Self::Bzip2(Box::new(MultiBzDecoder::new(source))),
            Encoding::Xz => {
                let stream = Stream::new_stream_decoder(limits.decoder, CONCATENATED)?;
                Self::Xz(XzDecoder::new_stream(source, stream))
            }
            Encoding::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(source)?;
                decoder.window_log_max(limits.decoder.ilog2())?;
                Self::Zstd(Box::new(decoder))
            }
        })
    }
}

impl<R: BufRead> Read for Decoder<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(source) => source.read(into),
            Self::Gzip(decoder) => decoder.read(into),
            Self::Bzip2(decoder) => decoder.read(into),
            Self::Xz(decoder) => decoder.read(into),
            Self::Zstd(decoder) => decoder.read(into),
        }
    }
}

/// What an error of a decoder says about the archive, `part` of which was being read.
pub fn problem(error: io::Error, part: &str, limits: &Limits) -> ArchiveProblem {
    let part = part.to_owned();
    let memory = |part| ArchiveProblem::DecoderMemory { part, limit: limits.decoder >> 20 };
    if let Some(xz) = error.get_ref().and_then(|inner| inner.downcast_ref::<XzError>()) {
        return match xz {
            XzError::MemLimit | XzError::Mem => memory(part),
            other => ArchiveProblem::Damaged { part, detail: other.to_string() },
        };
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => ArchiveProblem::Truncated { part },
        io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            ArchiveProblem::Damaged { part, detail: error.to_string() }
        }
        // libzstd's own messages have no kind of their own.
        io::ErrorKind::Other if error.to_string().contains("too much memory") => memory(part),
        io::ErrorKind::Other if error.raw_os_error().is_none() => {
            ArchiveProblem::Damaged { part, detail: error.to_string() }
        }
        _ => ArchiveProblem::Unreadable(error),
    }
}
