//! Debris in outputs that differs from one execution to the next: times and owners that tools write into files.
//! What can be taken out without a change of meaning is; what cannot is named in a warning.

mod ar;
mod header;

use std::io::{self, Chain, Cursor, Read};

use ar::Archive;

/// A file's content, normalised while it is read.
pub(super) struct Normalised<'a> {
    content: Form<'a>,
    debris: Option<&'static str>,
}

/// A head, and the rest behind it.
type Headed<'a> = Chain<Cursor<Vec<u8>>, &'a mut dyn Read>;

enum Form<'a> {
    /// As it is.
    Plain(&'a mut dyn Read),
    /// With another head.
    Headed(Headed<'a>),
    /// A static archive.
    Archive(Box<Archive<Headed<'a>>>),
}

impl<'a> Normalised<'a> {
    /// The content of a file with the name `name`. Times become `epoch` or nothing.
    pub fn new(name: &[u8], content: &'a mut dyn Read, epoch: i64) -> io::Result<Self> {
        let plain = |content, debris| Ok(Self { content: Form::Plain(content), debris });
        if name.ends_with(b".la") {
            return plain(content, Some("a libtool archive names the folders it was built in; remove it"));
        }
        let suffixes = [".a", ".gz", ".tgz", ".svgz", ".pyc", ".jar", ".war", ".whl"];
        let Some(suffix) = suffixes.into_iter().find(|suffix| name.ends_with(suffix.as_bytes())) else {
            return plain(content, None);
        };
        let mut head = Vec::with_capacity(header::LENGTH);
        content.take(header::LENGTH as u64).read_to_end(&mut head)?;
        let debris = match suffix {
            ".a" if head.starts_with(ar::MAGIC) => {
                let archive = Archive::new(Cursor::new(head).chain(content));
                return Ok(Self { content: Form::Archive(Box::new(archive)), debris: None });
            }
            ".a" => head.starts_with(ar::THIN).then_some("a thin archive keeps the times of its members"),
            ".pyc" => header::python(&mut head, epoch),
            ".jar" | ".war" | ".whl" => header::zip(&head, epoch),
            _ => header::gzip(&mut head),
        };
        Ok(Self { content: Form::Headed(Cursor::new(head).chain(content)), debris })
    }

    /// After everything was read: what was left in it that may differ from one execution to the next.
    pub fn debris(&self) -> Option<&'static str> {
        match &self.content {
            Form::Archive(archive) => archive.debris(),
            _ => self.debris,
        }
    }
}

impl Read for Normalised<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match &mut self.content {
            Form::Plain(content) => content.read(into),
            Form::Headed(content) => content.read(into),
            Form::Archive(content) => content.read(into),
        }
    }
}

#[cfg(test)]
mod tests;
