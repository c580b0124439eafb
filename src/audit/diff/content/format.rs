//! What a content is, by its first bytes and the name of its file.

use super::strings::is_text;
use crate::distro::archive::Encoding;

/// What a content is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A program, a library, an object file.
    Elf,
    /// One stream of a compressor.
    Packed(Encoding),
    /// A tar archive.
    Tar,
    /// An archive of `ar`: static libraries, packages of Debian.
    Ar,
    /// A zip archive: also `.jar`, `.whl`.
    Zip,
    /// Compiled Python.
    Pyc,
    /// JSON on a line or two.
    Json,
    /// Lines.
    Text,
    /// Anything else.
    Bytes,
}

impl Format {
    /// The format of `content`, of a file called `name` or like it.
    pub fn of(name: &str, content: &[u8]) -> Self {
        match content {
            [0x7f, b'E', b'L', b'F', ..] => return Self::Elf,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => return Self::Zip,
            [b'!', b'<', b'a', b'r', b'c', b'h', b'>', b'\n', ..] => return Self::Ar,
            [_, _, b'\r', b'\n', ..] if name.ends_with(".pyc") && content.len() >= 16 => return Self::Pyc,
            _ => {}
        }
        match Encoding::detect(content) {
            Some(encoding) if encoding != Encoding::Plain => return Self::Packed(encoding),
            _ => {}
        }
        if content.get(257..262) == Some(b"ustar") && content.len().is_multiple_of(512) {
            return Self::Tar;
        }
        if !is_text(content) {
            return Self::Bytes;
        }
        let lines = memchr::memchr_iter(b'\n', content).take(3).count();
        let json = matches!(content.first(), Some(b'{' | b'[')) && lines < 3;
        if json { Self::Json } else { Self::Text }
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elf => "elf",
            Self::Packed(Encoding::Gzip) => "gzip",
            Self::Packed(Encoding::Bzip2) => "bzip2",
            Self::Packed(Encoding::Xz) => "xz",
            Self::Packed(Encoding::Zstd) => "zstd",
            Self::Tar => "tar",
            Self::Ar => "ar",
            Self::Zip => "zip",
            Self::Pyc => "pyc",
            Self::Json => "json",
            Self::Text => "text",
            Self::Packed(Encoding::Plain) | Self::Bytes => "bytes",
        }
    }
}
