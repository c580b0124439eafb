//! Files for a sandbox's writable file system, as a stream: hbuild writes it, the init reads it.
//!
//! Each record is a kind (`D`, `F`, `L`, `H`, `M`, at last `R`) and a path with its length (4 bytes, little endian); a
//! file has its executable bit (1 byte), its size (8 bytes) and its bytes behind it, a symbolic or hard link its target
//! as a path has. `M` is about what is there already, with a mode (4 bytes) and a time (8 bytes).

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Timespec, Timestamps};

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

/// Writes the record of one more name of the file `target`.
pub(super) fn hard_link(stream: &mut impl Write, path: &[u8], target: &[u8]) -> io::Result<()> {
    head(stream, b'H', path)?;
    stream.write_all(&(target.len() as u32).to_le_bytes())?;
    stream.write_all(target)
}

/// Writes the record of a mode and a time.
pub(super) fn metadata(stream: &mut impl Write, path: &[u8], mode: u32, time: i64) -> io::Result<()> {
    head(stream, b'M', path)?;
    stream.write_all(&mode.to_le_bytes())?;
    stream.write_all(&time.to_le_bytes())
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

/// Puts what `stream` brings below `space`, all with the time `epoch` unless it brings another; `folders` that are
/// already there get it too. `false` where the stream ends before its last record.
pub(super) fn take(
    space: &OwnedFd,
    epoch: i64,
    folders: Vec<Vec<u8>>,
    stream: &mut impl Read,
) -> Result<bool, Fault> {
    let mut kind = [0];
    // Those that get the time at the end, since what is put into them changes it.
    let mut folders: BTreeSet<Vec<u8>> = folders.into_iter().collect();
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
            b'H' => make_hard_link(space, &path, stream),
            b'M' => set_metadata(space, &path, &mut folders, stream),
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

fn make_folder(space: &OwnedFd, path: &[u8], folders: &mut BTreeSet<Vec<u8>>) -> io::Result<()> {
    let (parent, name) = parent(space, path)?;
    match rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    folders.insert(path.to_vec());
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
    Ok(rustix::fs::utimensat(parent, name, &times(epoch), AtFlags::SYMLINK_NOFOLLOW)?)
}

fn make_hard_link(space: &OwnedFd, path: &[u8], stream: &mut impl Read) -> io::Result<()> {
    let target = bytes(stream)?;
    let target = target.strip_prefix(b"/").unwrap_or(&target);
    let ((from, old), (to, new)) = (parent(space, target)?, parent(space, path)?);
    Ok(rustix::fs::linkat(from, old, to, new, AtFlags::empty())?)
}

fn set_metadata(
    space: &OwnedFd,
    path: &[u8],
    folders: &mut BTreeSet<Vec<u8>>,
    stream: &mut impl Read,
) -> io::Result<()> {
    let (mut mode, mut time) = ([0; 4], [0; 8]);
    stream.read_exact(&mut mode)?;
    stream.read_exact(&mut time)?;
    let (parent, name) = parent(space, path)?;
    let time = times(i64::from_le_bytes(time));
    // A link has no mode, and what is behind it is not meant.
    let state = rustix::fs::statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if !rustix::fs::FileType::from_raw_mode(state.st_mode).is_symlink() {
        let mode = Mode::from_raw_mode(u32::from_le_bytes(mode) & 0o7777);
        rustix::fs::chmodat(&parent, name, mode, AtFlags::empty())?;
    }
    rustix::fs::utimensat(parent, name, &time, AtFlags::SYMLINK_NOFOLLOW)?;
    folders.remove(path);
    Ok(())
}

fn set_time(space: &OwnedFd, path: &[u8], epoch: i64) -> io::Result<()> {
    Ok(rustix::fs::utimensat(space, path, &times(epoch), AtFlags::SYMLINK_NOFOLLOW)?)
}

fn times(epoch: i64) -> Timestamps {
    let time = Timespec { tv_sec: epoch, tv_nsec: 0 };
    Timestamps { last_access: time, last_modification: time }
}
