//! `/etc/ld.so.cache` in glibc's format 1.1.

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;
/// `FLAG_ELF_LIBC6` with the architecture's bits.
const AMD64: u32 = 0x0303;
const ARM64: u32 = 0x0a03;

/// The paths that the cache `bytes` holds for the library `name`, in its order, leaving out entries for other
/// architectures and for processors with special abilities. Nothing for a cache of another format.
pub(super) fn cached<'a>(bytes: &'a [u8], name: &str, arch: hbuild_lang::recipe::Arch) -> Vec<&'a str> {
    let flags = match arch {
        hbuild_lang::recipe::Arch::Amd64 => AMD64,
        hbuild_lang::recipe::Arch::Arm64 => ARM64,
    };
    let word = |at: usize| {
        bytes.get(at..at + 4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
    };
    let string = |at: u32| {
        let rest = bytes.get(at as usize..)?;
        std::str::from_utf8(&rest[..memchr::memchr(0, rest)?]).ok()
    };
    let mut found = Vec::new();
    if !bytes.starts_with(MAGIC) {
        return found;
    }
    let count = word(MAGIC.len()).unwrap_or(0) as usize;
    for number in 0..count.min(bytes.len() / ENTRY) {
        let at = HEADER + number * ENTRY;
        let (Some(entry_flags), Some(key), Some(value)) = (word(at), word(at + 4), word(at + 8)) else {
            break;
        };
        let plain = word(at + 16) == Some(0) && word(at + 20) == Some(0);
        if entry_flags == flags && plain && string(key) == Some(name) {
            found.extend(string(value));
        }
    }
    found
}
