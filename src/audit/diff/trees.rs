//! Tar archives of trees as sides.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};

use super::images::unpack_error;
use super::side::{Fetch, Hashing, Side, Spool, Wanted};
use super::{Cancelled, DiffError};
use crate::digest::Digest;
use crate::distro::archive::{Encoding, Limits, TarForm, unpack_tar};
use crate::tree::{ContentSink, Tree};

/// Opens an archive from its beginning.
pub type OpenArchive<'a> = Box<dyn Fn() -> std::io::Result<Box<dyn Read + Send + 'a>> + Send + Sync + 'a>;

/// The tree in the tar archive of `size` bytes, compressed or not, that `open` opens, as a side.
pub fn read_archive<'a>(
    name: &str,
    size: u64,
    open: OpenArchive<'a>,
    cancelled: Cancelled<'a>,
) -> Result<Side<'a>, DiffError> {
    let mut archive = Archive { name: name.to_owned(), size, open, order: Vec::new(), cancelled };
    let mut sink = Hashing::default();
    let tree = archive.read(&mut sink)?;
    archive.order = sink.order;
    let documents = BTreeMap::new();
    Ok(Side { name: name.to_owned(), manifest: None, documents, tree, contents: Box::new(archive) })
}

struct Archive<'a> {
    name: String,
    size: u64,
    open: OpenArchive<'a>,
    /// Its contents in the order in which they stand there.
    order: Vec<(Digest, u64)>,
    cancelled: Cancelled<'a>,
}

impl Archive<'_> {
    fn read(&self, sink: &mut dyn ContentSink) -> Result<Tree, DiffError> {
        let unreadable = |source| DiffError::Unreadable { path: self.name.clone(), source };
        let mut file = BufReader::with_capacity(256 << 10, (self.open)().map_err(unreadable)?);
        let encoding = Encoding::detect(file.fill_buf().map_err(unreadable)?).unwrap_or(Encoding::Plain);
        let about = (self.name.as_str(), "the archive", self.size);
        let form = (TarForm::Package, &Limits::default());
        unpack_tar(file, encoding, about, form, sink, &|| (self.cancelled)()).map_err(unpack_error)
    }
}

impl Fetch for Archive<'_> {
    fn fetch(&self, wanted: &BTreeSet<Digest>, spool: &dyn Spool) -> Result<(), DiffError> {
        if wanted.is_empty() {
            return Ok(());
        }
        let (sink, kept) = (spool.sink()?, BTreeSet::new());
        self.read(&mut Wanted { sink, wanted, kept, expected: self.order.iter() }).map(drop)
    }
}
