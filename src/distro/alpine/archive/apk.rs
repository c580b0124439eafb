//! An .apk to its two trees.

use std::fmt::Write as _;
use std::io::BufRead;

use flate2::bufread::GzDecoder;

use super::ApkProblem;
use super::head::{CONTROL, DATA, Head, limits};
use super::segment::Hashed;
use crate::distro::alpine::checksum::Checksum;
use crate::distro::alpine::signature::Keyring;
use crate::distro::archive::{
    Beside, Cancelled, Encoding, Limits, TarForm, UnpackError, unpack_apk_data, unpack_tar,
};
use crate::tree::{ContentSink, Entry, EntryKind, Tree, TreePath};

/// Name of the control tree's list of checksums.
pub const SHA1SUMS: &str = "sha1sums";
/// Name of the control tree's list of owners.
pub const OWNERS: &str = "owners";

/// What a package must be.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The checksum that the signed index states.
    pub checksum: Checksum,
    /// Who may have signed it.
    pub keyring: &'a Keyring,
}

/// What a package unpacks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApkTrees {
    /// Its files, as the data segment states them. Owners are numbers, of which apk takes those alone whose names the
    /// root does not know.
    pub tree: Tree,
    /// The members of the control segment by name (`.PKGINFO`, `.pre-install`, `.trigger`, …), and two lists made of what
    /// the data segment says beside the tree, both in the tree's order:
    ///
    /// - [`SHA1SUMS`]: `<40 hex>  <path>` for each file and symbolic link; the checksums are verified. That of a link
    ///   is of its target.
    /// - [`OWNERS`]: `<user>:<group>  <path>` for each entry where one of both is not `root`.
    pub control: Tree,
}

/// The trees of the package in `source`, which is `length` bytes long, where it is the `expected` one; the contents of
/// all files go to `sink`. `archive` names it in errors. On an error nothing that went to `sink` is to be believed.
pub fn unpack_apk(
    mut source: impl BufRead,
    length: u64,
    archive: &str,
    expected: &Expected<'_>,
    limits: &Limits,
    sink: &mut dyn ContentSink,
    cancelled: Cancelled<'_>,
) -> Result<ApkTrees, UnpackError> {
    let refused = |problem| UnpackError::archive(archive, problem);
    let head = Head::read(&mut source).map_err(refused)?;
    expected.check(&head).map_err(|problem| refused(problem.into()))?;
    let mut data = Hashed::new(source);
    let about = (archive, DATA, length);
    let (tree, beside) = unpack_apk_data(GzDecoder::new(&mut data), about, limits, sink, cancelled)?;
    data.finish(DATA, head.datahash).map_err(refused)?;
    let control = control_tree(&head, (&tree, &beside), archive, sink, cancelled)?;
    Ok(ApkTrees { tree, control })
}

impl Expected<'_> {
    /// Whether this is the head of the package. The checksum comes first: what has another one is another package.
    pub(super) fn check(&self, head: &Head) -> Result<(), ApkProblem> {
        if head.checksum != self.checksum {
            return Err(ApkProblem::OtherPackage { found: head.checksum, expected: self.checksum });
        }
        let verified = self.keyring.verify(&head.control.stored, &head.signatures);
        verified.map(drop).map_err(ApkProblem::Signature)
    }
}

fn control_tree(
    head: &Head,
    (tree, beside): (&Tree, &Beside),
    archive: &str,
    sink: &mut dyn ContentSink,
    cancelled: Cancelled<'_>,
) -> Result<Tree, UnpackError> {
    let about = (archive, CONTROL, head.control.stored.len() as u64);
    let form = (TarForm::Package, &limits());
    let members = unpack_tar(head.control.tar.as_slice(), Encoding::Plain, about, form, sink, cancelled)?;
    // The names of members begin with a dot, those of the lists do not.
    let mut entries = members.into_entries();
    for (name, list) in [(OWNERS, owners(tree, beside)), (SHA1SUMS, sha1sums(tree, beside))] {
        let (digest, size) = sink.keep(&mut list.as_slice())?;
        let path = TreePath::new(name.as_bytes()).expect("a plain name is a path");
        entries.push(Entry::file(path, digest, size, 0o644, 0));
    }
    Ok(Tree::new(entries).expect("files with different names make a tree"))
}

fn sha1sums(tree: &Tree, beside: &Beside) -> Vec<u8> {
    let mut list = Vec::new();
    for entry in tree.entries().iter().filter(|entry| !entry.is_directory()) {
        let Some(sha1) = beside.sha1.get(&entry.path) else { continue };
        line(&mut list, &hex(sha1), &entry.path);
    }
    list
}

fn owners(tree: &Tree, beside: &Beside) -> Vec<u8> {
    let mut list = Vec::new();
    for entry in tree.entries().iter().filter(|entry| !matches!(entry.kind, EntryKind::Symlink { .. })) {
        let Some((user, group)) = beside.owners.get(&entry.path) else { continue };
        let name = |name: &[u8]| match name {
            [] => "root".to_owned(),
            name => String::from_utf8_lossy(name).into_owned(),
        };
        line(&mut list, &format!("{}:{}", name(user), name(group)), &entry.path);
    }
    list
}

fn line(list: &mut Vec<u8>, what: &str, path: &TreePath) {
    list.extend_from_slice(what.as_bytes());
    list.extend_from_slice(b"  ");
    list.extend_from_slice(path.as_bytes());
    list.push(b'\n');
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(40), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
