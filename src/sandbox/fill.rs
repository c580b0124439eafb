//! Files for a sandbox's writable file system, as a stream: hbuild writes it, the init reads it.
//!
//! Each record is a kind (`D`, `F`, `L`, at last `R`) and a path with its length (4 bytes, little endian); a file has
//! its executable bit (1 byte), its size (8 bytes) and its bytes behind it, a link its target as a path has.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags, Timespec, Timestamps};

use super::wire::{At, Fault, Step};

/// Longest path.
const LONGEST: usize = 1 << 16;

/// Writes the record of a directory.
pub(super) fn directory(stream: &mut impl Write, path: &[u8]) -> io::Result<()> {
    head(stream, b'D', path)
}

/// Writes the record of a file up to its content, which `size` bytes follow.
pub(super) fn file(stream: &mut impl Write, path: &[u8], executable: bool, size: u64) -> io::Result<()> {
    head(stream, b'F', path)?;
    stream.write_all(&[u8::from(executable)])?;
    stream.write_all(&size.to_le_bytes())
}

/// Writes the record of a symbolic link.
pub(super) fn symlink(stream: &mut impl Write, path: &[u8], target: &[u8]) -> io::Result<()> {
    head(stream, b'L', path)?;
    stream.write_all(&(target.len() as u32).to_le_bytes())?;
    stream.write_all(target)
}

/// Writes the last record: the commands may run.
pub(super) fn end(stream: &mut impl Write) -> io::Result<()> {
    head(stream, b'R', b"")
}

fn head(stream: &mut impl Write, kind: u8, path: &[u8]) -> io::Result<()> {
    stream.write_all(&[kind])?;
    stream.write_all(&(path.len() as u32).to_le_bytes())?;
    stream.write_all(path)
}

/// Puts what `stream` brings below `space`, all with the time `epoch`, which `folders` that are already there get too;
/// `false` where it ends before its last record.
pub(super) fn take(
    space: &OwnedFd,
    epoch: i64,
    mut folders: Vec<Vec<u8>>,
    stream: &mut impl Read,
) -> Result<bool, Fault> {
    let mut kind = [0];
    loop {
        match stream.read_exact(&mut kind) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            other => other.at(Step::Talk, "files")?,
        }
        let path = bytes(stream).at(Step::Talk, "files")?;
        let path = path.strip_prefix(b"/").unwrap_or(&path).to_vec();
        let shown = String::from_utf8_lossy(&path).into_owned();
        let done = match kind[0] {
            b'D' => make_folder(space, &path, &mut folders),
            b'F' => make_file(space, &path, epoch, stream),
            b'L' => make_link(space, &path, epoch, stream),
            b'R' => break,
            _ => Err(io::ErrorKind::InvalidData.into()),
        };
        done.at(Step::Filling, &format!("/{shown}"))?;
    }
    for folder in folders.iter().rev() {
        set_time(space, folder, epoch).at(Step::Filling, &String::from_utf8_lossy(folder))?;
    }
    Ok(true)
}

fn bytes(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// The directory of `path`, reached through no link, and its last component.
fn parent<'a>(space: &OwnedFd, path: &'a [u8]) -> io::Result<(OwnedFd, &'a [u8])> {
    let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&b"."[..], path),
    };
    if matches!(name, b"" | b"." | b"..") {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    Ok((rustix::fs::openat2(space, parent, flags, Mode::empty(), resolve)?, name))
}

fn make_folder(space: &OwnedFd, path: &[u8], folders: &mut Vec<Vec<u8>>) -> io::Result<()> {
    let (parent, name) = parent(space, path)?;
    match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    folders.push(path.to_vec());
    Ok(())
}

fn make_file(space: &OwnedFd, path: &[u8], epoch: i64, stream: &mut impl Read) -> io::Result<()> {
    let mut rest = [0; 9];
    stream.read_exact(&mut rest)?;
    let size = u64::from_le_bytes(rest[1..].try_into().expect("eight of nine bytes"));
    let mode = if rest[0] == 0 { 0o644 } else { 0o755 };
    let (parent, name) = parent(space, path)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(parent, name, flags, Mode::from_raw_mode(mode))?;
    let mut file = std::fs::File::from(file);
    let copied = io::copy(&mut stream.take(size), &mut file)?;
    if copied != size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(rustix::fs::futimens(file.as_fd(), &times(epoch))?)
}

fn make_link(space: &OwnedFd, path: &[u8], epoch: i64, stream: &mut impl Read) -> io::Result<()> {
    let target = bytes(stream)?;
    let (parent, name) = parent(space, path)?;
    rustix::fs::symlinkat(target, &parent, name)?;
    Ok(rustix::fs::utimensat(parent, name, &times(epoch), rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?)
}

fn set_time(space: &OwnedFd, path: &[u8], epoch: i64) -> io::Result<()> {
    Ok(rustix::fs::utimensat(space, path, &times(epoch), rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?)
}

fn times(epoch: i64) -> Timestamps {
    let time = Timespec { tv_sec: epoch, tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}
