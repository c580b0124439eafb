//! The tar archive that a folder or a commit becomes: names, content, links and the executable bit, in the order
//! it is given, and nothing else of this host.

use std::io::{self, Read, Write};
use std::path::Path;

/// An archive under construction. Whoever fills it gives a folder before what is in it, and the names in a folder
/// sorted by bytes; so equal trees are equal bytes.
pub(super) struct SourceArchive<W: Write> {
    out: tar::Builder<W>,
}

/// Whether a name is left out of archives: that of a repository, and of what only steers it.
pub(super) fn is_left_out(name: &[u8]) -> bool {
    name.starts_with(b".git")
}

impl<W: Write> SourceArchive<W> {
    /// An empty archive that is written to `out`.
    pub fn new(out: W) -> Self {
        Self { out: tar::Builder::new(out) }
    }

    /// Adds a folder.
    pub fn directory(&mut self, name: &Path) -> io::Result<()> {
        let mut header = header(tar::EntryType::Directory, 0o755, 0);
        self.out.append_data(&mut header, name, io::empty())
    }

    /// Adds a symbolic link.
    pub fn symlink(&mut self, name: &Path, target: &Path) -> io::Result<()> {
        self.out.append_link(&mut header(tar::EntryType::Symlink, 0o777, 0), name, target)
    }

    /// Adds a file of the first `size` bytes of `content`, which must have as many.
    pub fn file(
        &mut self,
        name: &Path,
        executable: bool,
        size: u64,
        content: &mut dyn Read,
    ) -> io::Result<()> {
        let mode = if executable { 0o755 } else { 0o644 };
        let mut content = content.take(size);
        self.out.append_data(&mut header(tar::EntryType::Regular, mode, size), name, &mut content)?;
        if content.limit() == 0 { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// Ends the archive.
    pub fn finish(self) -> io::Result<W> {
        self.out.into_inner()
    }
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header
}
