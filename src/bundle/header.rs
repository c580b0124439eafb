//! The one form of a tar header in a bundle: a plain file of mode 0644 that belongs to nobody and has no time.

use super::BundleError;

/// Bytes of a header, and what contents are padded to.
pub(super) const BLOCK: u64 = 512;
/// Zero bytes at the end.
pub(super) const END: u64 = 2 * BLOCK;

/// The header of the file `path` of `size` bytes (POSIX ustar).
pub(super) fn header(path: &str, size: u64) -> Result<[u8; BLOCK as usize], BundleError> {
    let unfit = |reason| BundleError::Unfit { path: path.to_owned(), reason };
    let mut header = tar::Header::new_ustar();
    header.set_path(path).map_err(|_| unfit("its path is too long for a tar header"))?;
    if *header.path_bytes() != *path.as_bytes() {
        return Err(unfit("a tar header cannot hold its path"));
    }
    // Octal digits of a ustar header.
    if size >= 1 << 33 {
        return Err(unfit("it is larger than 8 GiB"));
    }
    header.set_entry_type(tar::EntryType::Regular);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header.set_cksum();
    Ok(*header.as_bytes())
}

/// The path and size that a header states, where it is one in this form.
pub(super) fn parse(bytes: &[u8; BLOCK as usize]) -> Option<(String, u64)> {
    let found = tar::Header::from_byte_slice(bytes);
    let path = String::from_utf8(found.path_bytes().into_owned()).ok()?;
    let size = found.size().ok()?;
    (header(&path, size).ok()? == *bytes).then_some((path, size))
}

/// Length of a file of `size` bytes with header and padding.
pub(super) fn length(size: u64) -> u64 {
    BLOCK + size.div_ceil(BLOCK) * BLOCK
}
