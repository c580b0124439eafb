//! The header of one tar member: POSIX ustar, with a pax extended header in front only where ustar has no room.

use std::collections::BTreeMap;

use crate::tree::{Entry, EntryKind, TreePath};

const BLOCK: usize = 512;
const NAME_ROOM: usize = 100;
const MAX_ID: u32 = 0o7_777_777;
const MAX_NUMBER: u64 = 0o77_777_777_777;

/// What a member says besides its entry's own metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member<'a> {
    /// The entry itself; the content of a file follows.
    Whole,
    /// A further name of the file that stands at this path.
    LinkTo(&'a TreePath),
}

/// The name of an extended attribute holds `=` or NUL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name of an extended attribute holds `=` or NUL")]
pub struct MemberError;

/// The header blocks of `entry`, a multiple of 512 bytes: a pax extended header when a name is longer than 100
/// bytes, an id is above 2097151, a time is negative or a number too large, or there are extended attributes
/// (`SCHILY.xattr.*`); then the ustar header. User and group names are empty, device numbers zero.
pub fn member_header(entry: &Entry, member: Member<'_>) -> Result<Vec<u8>, MemberError> {
    let mut name = entry.path.as_bytes().to_vec();
    if entry.is_directory() {
        name.push(b'/');
    }
    let (kind, link, size) = match (&entry.kind, member) {
        (_, Member::LinkTo(first)) => (tar::EntryType::Link, first.as_bytes(), 0),
        (EntryKind::Directory, _) => (tar::EntryType::Directory, &b""[..], 0),
        (EntryKind::File { size, .. }, _) => (tar::EntryType::Regular, &b""[..], *size),
        (EntryKind::Symlink { target }, _) => (tar::EntryType::Symlink, target.as_slice(), 0),
    };
    let records = pax_records(entry, &name, link, size)?;
    let mut blocks = Vec::with_capacity(BLOCK);
    if !records.is_empty() {
        put_pax(&mut blocks, entry.path.file_name(), &records);
    }
    let mut header = tar::Header::new_ustar();
    put_name(&mut header, &name, link);
    header.set_entry_type(kind);
    header.set_mode(u32::from(entry.mode));
    header.set_uid(u64::from(if entry.uid > MAX_ID { 0 } else { entry.uid }));
    header.set_gid(u64::from(if entry.gid > MAX_ID { 0 } else { entry.gid }));
    header.set_mtime(fitting(entry.mtime).unwrap_or(0));
    header.set_size(if size > MAX_NUMBER { 0 } else { size });
    header.set_cksum();
    blocks.extend_from_slice(header.as_bytes());
    Ok(blocks)
}

fn fitting(mtime: i64) -> Option<u64> {
    u64::try_from(mtime).ok().filter(|seconds| *seconds <= MAX_NUMBER)
}

fn put_name(header: &mut tar::Header, name: &[u8], link: &[u8]) {
    let ustar = header.as_ustar_mut().expect("made by new_ustar");
    let name = &name[..name.len().min(NAME_ROOM)];
    ustar.name[..name.len()].copy_from_slice(name);
    let link = &link[..link.len().min(NAME_ROOM)];
    ustar.linkname[..link.len()].copy_from_slice(link);
}

fn pax_records(
    entry: &Entry,
    name: &[u8],
    link: &[u8],
    size: u64,
) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, MemberError> {
    let mut records = BTreeMap::new();
    let mut put = |key: &str, value: Vec<u8>| records.insert(key.as_bytes().to_vec(), value);
    if name.len() > NAME_ROOM {
        put("path", name.to_vec());
    }
    if link.len() > NAME_ROOM {
        put("linkpath", link.to_vec());
    }
    if entry.uid > MAX_ID {
        put("uid", entry.uid.to_string().into_bytes());
    }
    if entry.gid > MAX_ID {
        put("gid", entry.gid.to_string().into_bytes());
    }
    if fitting(entry.mtime).is_none() {
        put("mtime", entry.mtime.to_string().into_bytes());
    }
    if size > MAX_NUMBER {
        put("size", size.to_string().into_bytes());
    }
    for (name, value) in &entry.xattrs {
        if name.is_empty() || name.contains(&b'=') || name.contains(&0) {
            return Err(MemberError);
        }
        records.insert([b"SCHILY.xattr.".as_slice(), name].concat(), value.clone());
    }
    Ok(records)
}

fn put_pax(blocks: &mut Vec<u8>, file_name: &[u8], records: &BTreeMap<Vec<u8>, Vec<u8>>) {
    let mut body = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + length.to_string().len() {
            length = rest + length.to_string().len();
        }
        body.extend_from_slice(length.to_string().as_bytes());
        body.push(b' ');
        body.extend_from_slice(key);
        body.push(b'=');
        body.extend_from_slice(value);
        body.push(b'\n');
    }
    let mut header = tar::Header::new_ustar();
    put_name(&mut header, &[b"PaxHeaders/".as_slice(), file_name].concat(), b"");
    header.set_entry_type(tar::EntryType::XHeader);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(body.len() as u64);
    header.set_cksum();
    blocks.extend_from_slice(header.as_bytes());
    blocks.extend_from_slice(&body);
    blocks.resize(blocks.len().next_multiple_of(BLOCK), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::Digest;

    fn file(path: &str) -> Entry {
        Entry::file(TreePath::new(path.as_bytes()).unwrap(), Digest::of(b""), 0, 0o4755, 1_700_000_000)
    }

    #[test]
    fn an_ordinary_file_is_one_block_without_names() {
        let blocks = member_header(&file("usr/bin/x"), Member::Whole).unwrap();
        assert_eq!(blocks.len(), BLOCK);
        let header = tar::Header::from_byte_slice(&blocks);
        assert_eq!(header.username_bytes(), Some(&b""[..]));
        assert_eq!(header.mode().unwrap(), 0o4755);
        assert_eq!(header.mtime().unwrap(), 1_700_000_000);
        assert_eq!(&blocks[257..265], b"ustar\x0000");
    }

    #[test]
    fn a_pax_record_counts_its_own_length() {
        for length in [85, 86, 87, 88, 89, 90, 980, 981, 982, 983, 984, 985, 986, 987, 988, 989] {
            let entry = file(&"n".repeat(length + 100));
            let blocks = member_header(&entry, Member::Whole).unwrap();
            let end = blocks[BLOCK..].iter().position(|&byte| byte == b'\n').unwrap() + 1;
            let record = &blocks[BLOCK..BLOCK + end];
            let (count, _) = std::str::from_utf8(record).unwrap().split_once(' ').unwrap();
            assert_eq!(count.parse::<usize>().unwrap(), record.len());
        }
    }

    #[test]
    fn attribute_names_that_break_the_record_are_refused() {
        let mut entry = file("x");
        entry.xattrs.insert(b"user.a=b".to_vec(), vec![]);
        assert_eq!(member_header(&entry, Member::Whole), Err(MemberError));
    }
}
