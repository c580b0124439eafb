//! One archive file: members with constant metadata, written only where the file differs.

use std::io::{self, Read, Write};

use crate::digest::Digest;
use crate::image::layer::{Member, member_header};
use crate::image::layout::{Folder, FolderError, LayoutError};
use crate::tree::{Entry, TreePath};

/// Makes `path` hold what `produce` writes. It runs once against the file that is there, to compare, and again
/// only where that differs. Returns whether the file was written.
pub(super) fn write_if_different(
    folder: &dyn Folder,
    path: &str,
    produce: &dyn Fn(&mut dyn Write) -> Result<(), LayoutError>,
) -> Result<bool, LayoutError> {
    let _guard = folder.lock()?;
    if let Some(old) = folder.open(path)? {
        let mut comparison = Comparison { old, differs: false };
        match produce(&mut comparison) {
            Ok(()) if comparison.at_end() => return Ok(false),
            Err(error) if !comparison.differs => return Err(error),
            _ => {}
        }
    }
    let mut file = folder.create(path)?;
    produce(&mut file)?;
    file.finish()?;
    Ok(true)
}

/// A writer that fails at the first byte that `old` has not.
struct Comparison {
    old: Box<dyn Read + Send>,
    differs: bool,
}

impl Comparison {
    fn at_end(&mut self) -> bool {
        matches!(self.old.read(&mut [0]), Ok(0))
    }
}

impl Write for Comparison {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut old = vec![0; bytes.len()];
        if self.old.read_exact(&mut old).is_err() || old != bytes {
            self.differs = true;
            return Err(io::Error::other("the file that is there differs"));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes tar members: files of mode 0644 and folders of mode 0755 of root's, time 0.
pub(super) struct ArchiveWriter<'a> {
    out: &'a mut dyn Write,
}

impl<'a> ArchiveWriter<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out }
    }

    pub(super) fn folder(&mut self, path: &str) -> Result<(), LayoutError> {
        let path = TreePath::new(path.as_bytes()).expect("archives name their members plainly");
        self.put(&member_header(&Entry::directory(path, 0), Member::Whole).expect("no attributes"))
    }

    /// A file of `size` bytes, which `content` writes.
    pub(super) fn file(
        &mut self,
        path: &str,
        size: u64,
        content: impl FnOnce(&mut dyn Write) -> Result<(), LayoutError>,
    ) -> Result<(), LayoutError> {
        let path = TreePath::new(path.as_bytes()).expect("archives name their members plainly");
        let entry = Entry::file(path, Digest([0; 32]), size, 0o644, 0);
        self.put(&member_header(&entry, Member::Whole).expect("no attributes"))?;
        content(self.out)?;
        let padding = size.next_multiple_of(512) - size;
        self.put(&[0; 512][..padding as usize])
    }

    pub(super) fn bytes(&mut self, path: &str, bytes: &[u8]) -> Result<(), LayoutError> {
        self.file(path, bytes.len() as u64, |out| put(out, bytes))
    }

    pub(super) fn finish(mut self) -> Result<(), LayoutError> {
        self.put(&[0; 1024])
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), LayoutError> {
        put(self.out, bytes)
    }
}

fn put(out: &mut dyn Write, bytes: &[u8]) -> Result<(), LayoutError> {
    out.write_all(bytes)
        .map_err(|source| FolderError { action: "write", path: "the archive".into(), source }.into())
}
