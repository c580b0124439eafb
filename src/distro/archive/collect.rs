//! Tar entries to an image tree, each one checked.

use std::collections::HashMap;
use std::io::{BufRead, Read};

use sha1::{Digest as _, Sha1};

use super::beside::Beside;
use super::decode;
use super::error::shown;
use super::layers::Marks;
use super::{ArchiveProblem, Decoder, Encoding, Limits, Member, MemberKind, TarReader, UnpackError};
use crate::tree::{ContentError, ContentSink, Entry, EntryKind, PathError, Tree, TreePath};

/// What metadata the entries get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TarForm {
    /// All as the archive states it: a package.
    Package,
    /// A source: `strip` top folders taken off, everything root's, all times `epoch`, no extended attributes.
    Source {
        /// 0 or 1.
        strip: u32,
        /// Seconds since 1970.
        epoch: i64,
    },
    /// A layer of an image: all as the archive states it, and it may delete what lies below it.
    Layer,
    /// The data of a package of Alpine: all as the archive states it but what stands at the top with a name that begins
    /// with a dot, which is no file of the package. Contents are held against the checksums that stand beside them.
    Apk,
}

/// Asks whether the build is being stopped.
pub type Cancelled<'a> = &'a dyn Fn() -> bool;

/// The tree in the tar stream `source`, of `compressed` bytes in `encoding`; file contents go to `sink`.
/// `archive` and `part` name the archive, and what is read of it, in errors. The source is read to its end.
pub fn unpack_tar(
    source: impl BufRead,
    encoding: Encoding,
    (archive, part, compressed): (&str, &str, u64),
    (form, limits): (TarForm, &Limits),
    sink: &mut dyn ContentSink,
    cancelled: Cancelled<'_>,
) -> Result<Tree, UnpackError> {
    let mut collector = Collector::new(form, limits);
    read_all(&mut collector, source, encoding, (archive, part, compressed), sink, cancelled)?;
    collector.finish().map_err(|problem| UnpackError::archive(archive, problem))
}

/// The tree in the tar stream that `decoded` gives, the data of a package of Alpine, and what the package says beside it.
/// `about` names archive and part in errors, with the length of the archive.
pub fn unpack_apk_data(
    decoded: impl Read,
    about: (&str, &str, u64),
    limits: &Limits,
    sink: &mut dyn ContentSink,
    cancelled: Cancelled<'_>,
) -> Result<(Tree, Beside), UnpackError> {
    let mut collector = Collector::new(TarForm::Apk, limits);
    read_members(&mut collector, decoded, about, sink, cancelled)?;
    let beside = std::mem::take(&mut collector.beside);
    let tree = collector.finish().map_err(|problem| UnpackError::archive(about.0, problem))?;
    Ok((tree, beside))
}

/// Gives every member of the tar stream to `collector`, and file contents to `sink`.
pub(super) fn read_all(
    collector: &mut Collector<'_>,
    source: impl BufRead,
    encoding: Encoding,
    about: (&str, &str, u64),
    sink: &mut dyn ContentSink,
    cancelled: Cancelled<'_>,
) -> Result<(), UnpackError> {
    let (archive, part, _) = about;
    let decoder = Decoder::new(source, encoding, collector.limits)
        .map_err(|error| UnpackError::archive(archive, decode::problem(error, part, collector.limits)))?;
    read_members(collector, decoder, about, sink, cancelled)
}

/// As [`read_all`], of a stream that is decoded already.
pub(super) fn read_members(
    collector: &mut Collector<'_>,
    decoded: impl Read,
    (archive, part, compressed): (&str, &str, u64),
    sink: &mut dyn ContentSink,
    cancelled: Cancelled<'_>,
) -> Result<(), UnpackError> {
    let refused = |problem| UnpackError::archive(archive, problem);
    let mut reader = TarReader::new(decoded, part, compressed, collector.limits);
    while let Some(member) = reader.next_member().map_err(refused)? {
        if cancelled() {
            return Err(UnpackError::Cancelled);
        }
        if let Some(pending) = collector.accept(member).map_err(refused)? {
            let mut checksum = collector.checksum();
            let kept = keep(&mut reader, checksum.as_mut(), sink);
            let (digest, size) = match (kept, reader.take_failure()) {
                (_, Some(problem)) => return Err(refused(problem)),
                (Ok(kept), None) => kept,
                (Err(error), None) => return Err(error.into()),
            };
            if let EntryKind::File { digest: own, size: own_size, .. } = &mut collector.entries[pending].kind
            {
                (*own, *own_size) = (digest, size);
            }
            collector.check(pending, checksum).map_err(refused)?;
        }
    }
    reader.finish().map_err(refused)
}

type Kept = Result<(crate::digest::Digest, u64), ContentError>;

fn keep<R: Read>(
    reader: &mut TarReader<'_, R>,
    checksum: Option<&mut Sha1>,
    sink: &mut dyn ContentSink,
) -> Kept {
    match (reader.whole_content(), checksum) {
        (Some(mut bytes), None) => sink.keep(&mut bytes),
        (Some(mut bytes), Some(checksum)) => {
            checksum.update(bytes);
            sink.keep(&mut bytes)
        }
        (None, None) => sink.keep(reader),
        (None, Some(checksum)) => sink.keep(&mut Hashing { reader, checksum }),
    }
}

/// A reader that hashes what it gives.
struct Hashing<'a, R> {
    reader: &'a mut R,
    checksum: &'a mut Sha1,
}

impl<R: Read> Read for Hashing<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.reader.read(into)?;
        self.checksum.update(&into[..count]);
        Ok(count)
    }
}

/// The entries of one archive.
pub(super) struct Collector<'a> {
    form: TarForm,
    limits: &'a Limits,
    entries: Vec<Entry>,
    /// The entry of each path, made when the first hard link asks for it.
    places: Option<HashMap<TreePath, usize>>,
    groups: u32,
    pub count: u64,
    pub metadata: u64,
    top: Option<Vec<u8>>,
    /// What a layer does to those below it.
    pub marks: Marks,
    /// What a package of Alpine says beside its tree.
    pub beside: Beside,
}

impl<'a> Collector<'a> {
    pub fn new(form: TarForm, limits: &'a Limits) -> Self {
        let (entries, places, marks, beside) = (Vec::new(), None, Marks::default(), Beside::default());
        Self { form, limits, entries, places, groups: 0, count: 0, metadata: 0, top: None, marks, beside }
    }

    /// What hashes the content of the next file, where the form asks for it.
    fn checksum(&self) -> Option<Sha1> {
        (self.form == TarForm::Apk).then(Sha1::new)
    }

    /// Holds the content of the entry `at`, that went through `checksum`, against what its header states.
    fn check(&mut self, at: usize, checksum: Option<Sha1>) -> Result<(), ArchiveProblem> {
        let Some(checksum) = checksum else { return Ok(()) };
        self.beside.check(&self.entries[at].path, checksum)
    }

    /// Takes a member. Returns the index of its entry when it is a file whose content follows.
    fn accept(&mut self, member: Member) -> Result<Option<usize>, ArchiveProblem> {
        self.count += 1;
        let attributes: usize = member.xattrs.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.metadata += (member.path.len() + member.link.len() + attributes) as u64;
        if self.count > self.limits.entries || self.metadata > self.limits.metadata {
            return Err(ArchiveProblem::TooManyEntries { limit: self.limits.entries });
        }
        if self.form == TarForm::Layer && self.mark(&member)? {
            return Ok(None);
        }
        let path = self.path(&member.path)?;
        if self.form == TarForm::Apk && member.path.starts_with(b".") {
            return Ok(None);
        }
        let Some(path) = path else {
            return match member.kind {
                MemberKind::Directory => Ok(None),
                _ => Err(ArchiveProblem::IrregularPath { path: shown(&member.path) }),
            };
        };
        let Some(path) = self.strip(path, member.kind == MemberKind::Directory)? else {
            return Ok(None);
        };
        if self.form == TarForm::Apk {
            self.beside.note(&path, &member)?;
        }
        let kind = match member.kind {
            MemberKind::Directory => EntryKind::Directory,
            MemberKind::Symlink if member.link.is_empty() || member.link.contains(&0) => {
                return Err(ArchiveProblem::EmptySymlink { path });
            }
            MemberKind::Symlink => EntryKind::Symlink { target: member.link },
            MemberKind::File => {
                let digest = crate::digest::Digest([0; 32]);
                EntryKind::File { digest, size: member.size, link: None }
            }
            MemberKind::HardLink => return self.link(path, &member.link).map(|()| None),
        };
        let is_file = member.kind == MemberKind::File;
        let mode = if member.kind == MemberKind::Symlink { 0o777 } else { member.mode };
        let entry = match self.form {
            TarForm::Package | TarForm::Layer | TarForm::Apk => {
                let (uid, gid, mtime, xattrs) = (member.uid, member.gid, member.mtime, member.xattrs);
                Entry { path, kind, mode, uid, gid, mtime, xattrs }
            }
            TarForm::Source { epoch, .. } => {
                Entry { path, kind, mode, uid: 0, gid: 0, mtime: epoch, xattrs: Default::default() }
            }
        };
        Ok(is_file.then_some(self.push(entry)))
    }

    fn push(&mut self, entry: Entry) -> usize {
        let at = self.entries.len();
        if let Some(places) = &mut self.places {
            places.insert(entry.path.clone(), at);
        }
        self.entries.push(entry);
        at
    }

    /// Notes a whiteout; whether it is one.
    fn mark(&mut self, member: &Member) -> Result<bool, ArchiveProblem> {
        let end = member.path.iter().rposition(|&byte| byte != b'/').map_or(0, |at| at + 1);
        let start = member.path[..end].iter().rposition(|&byte| byte == b'/').map_or(0, |at| at + 1);
        let Some(hidden) = member.path[start..end].strip_prefix(b".wh.") else { return Ok(false) };
        let odd = || match TreePath::from_archive(&member.path) {
            Ok(Some(path)) => ArchiveProblem::WhiteoutName { path },
            _ => ArchiveProblem::IrregularPath { path: shown(&member.path) },
        };
        if member.kind != MemberKind::File {
            return Err(odd());
        }
        let path = self.path(&member.path[..start])?;
        if hidden == b".wh..opq" {
            self.marks.opaque.push(path);
            return Ok(true);
        }
        let deleted = match path {
            Some(path) => path.join(hidden),
            None => TreePath::new(hidden),
        };
        let plain = !hidden.starts_with(b".wh.");
        self.marks.deleted.push(deleted.ok().filter(|_| plain).ok_or_else(odd)?);
        Ok(true)
    }

    /// The path of an entry, checked; `None` for the root itself.
    fn path(&self, bytes: &[u8]) -> Result<Option<TreePath>, ArchiveProblem> {
        let path = TreePath::from_archive(bytes).map_err(|error| {
            let path = shown(bytes);
            match error {
                PathError::Absolute(_) => ArchiveProblem::AbsolutePath { path },
                PathError::Parent(_) => ArchiveProblem::PathLeavesRoot { path },
                PathError::Empty | PathError::Irregular(_) => ArchiveProblem::IrregularPath { path },
            }
        })?;
        let Some(path) = path else { return Ok(None) };
        for component in path.as_bytes().split(|&byte| byte == b'/') {
            if component.starts_with(b".wh.") {
                return Err(ArchiveProblem::WhiteoutName { path });
            }
            if component.len() > self.limits.name {
                let (size, limit) = (component.len() as u64, self.limits.name as u64);
                return Err(ArchiveProblem::OversizeHeader { what: "name", size, limit });
            }
        }
        Ok(Some(path))
    }

    /// The path without the top folder where the form says so; `None` for that folder itself.
    fn strip(&mut self, path: TreePath, directory: bool) -> Result<Option<TreePath>, ArchiveProblem> {
        if !matches!(self.form, TarForm::Source { strip: 1.., .. }) {
            return Ok(Some(path));
        }
        let bytes = path.as_bytes();
        let end = bytes.iter().position(|&byte| byte == b'/');
        let (top, rest) = end.map_or((bytes, None), |at| (&bytes[..at], Some(&bytes[at + 1..])));
        let folder = self.top.get_or_insert_with(|| top.to_vec());
        if folder != top || (rest.is_none() && !directory) {
            let folder = shown(folder);
            return Err(ArchiveProblem::SeveralTopFolders { folder, path: path.absolute() });
        }
        Ok(rest.map(|rest| TreePath::new(rest).expect("the rest of a path is one")))
    }

    /// Makes `path` a further name of the earlier entry `target`.
    fn link(&mut self, path: TreePath, target: &[u8]) -> Result<(), ArchiveProblem> {
        let bad = |path: &TreePath| {
            let target = shown(target);
            ArchiveProblem::BadHardLink { path: path.clone(), target }
        };
        let resolved = self.path(target).ok().flatten().ok_or_else(|| bad(&path))?;
        let resolved = self.strip(resolved, false)?.ok_or_else(|| bad(&path))?;
        let entries = &self.entries;
        let places = self.places.get_or_insert_with(|| {
            entries.iter().enumerate().map(|(at, entry)| (entry.path.clone(), at)).collect()
        });
        let Some(at) = places.get(&resolved).copied() else {
            if self.form == TarForm::Layer {
                self.marks.links.push((path, target.to_vec()));
                return Ok(());
            }
            return Err(bad(&path));
        };
        if self.form == TarForm::Apk {
            self.beside.link(&path, &resolved)?;
        }
        let first = &mut self.entries[at];
        match &mut first.kind {
            EntryKind::Directory => return Err(bad(&path)),
            EntryKind::File { link, .. } if link.is_none() => {
                *link = Some(self.groups);
                self.groups += 1;
            }
            EntryKind::File { .. } | EntryKind::Symlink { .. } => {}
        }
        let entry = Entry { path, ..first.clone() };
        self.push(entry);
        Ok(())
    }

    /// The tree, when no entry stands below a link or a file, and none twice. A directory may stand twice, as
    /// tools write it; the last one counts.
    pub fn finish(self) -> Result<Tree, ArchiveProblem> {
        let mut entries = self.entries;
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        entries.dedup_by(|later, earlier| {
            let both = later.path == earlier.path && later.is_directory() && earlier.is_directory();
            if both {
                std::mem::swap(later, earlier);
            }
            both
        });
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].path == pair[1].path) {
            return Err(ArchiveProblem::DuplicateEntry { path: pair[0].path.clone() });
        }
        let mut above: Option<&Entry> = None;
        for entry in &entries {
            match above {
                Some(parent) if entry.path.is_within(&parent.path) => {
                    let (path, parent_path) = (entry.path.clone(), parent.path.clone());
                    return Err(match parent.kind {
                        EntryKind::Symlink { .. } => {
                            ArchiveProblem::ThroughSymlink { path, link: parent_path }
                        }
                        _ => ArchiveProblem::BelowFile { path, file: parent_path },
                    });
                }
                _ => above = (!entry.is_directory()).then_some(entry),
            }
        }
        Ok(Tree::new(entries).expect("the entries were checked"))
    }
}
