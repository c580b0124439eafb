//! The file `/etc/ld.so.cache` in glibc's format `glibc-ld.so.cache1.1`, little endian, as ldconfig of glibc
//! 2.36 and later writes it: header, entries, strings with shared tails, extensions.

use std::cmp::Ordering;
use std::collections::BTreeMap;

const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
const HEADER: usize = 48;
const ENTRY: usize = 24;
const EXTENSION_MAGIC: u32 = 0xeaa4_2174;
/// An entry below `glibc-hwcaps/<name>/`; the low half of the word is the name's number.
const HWCAP_EXTENSION: u64 = 1 << 62;

/// One library of the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheEntry {
    /// What programs ask for: `libc.so.6`.
    pub soname: String,
    /// Where it is.
    pub path: String,
    /// Library flags: `0x303` for x86-64, `0xa03` for 64-bit Arm.
    pub flags: u32,
    /// The name of its `glibc-hwcaps` folder.
    pub hwcaps: Option<String>,
}

/// The bytes of the cache of `entries`, in the order in which ldconfig found them, with `generator` as the
/// name of the program that wrote it.
pub fn encode_cache(mut entries: Vec<CacheEntry>, generator: &str) -> Vec<u8> {
    // A stable sort: of two that compare equal the one found first stays first.
    entries.sort_by(compare);
    let mut folders: Vec<&str> = entries.iter().filter_map(|entry| entry.hwcaps.as_deref()).collect();
    folders.sort_unstable();
    folders.dedup();
    let strings = entries.iter().flat_map(|entry| [entry.soname.as_str(), entry.path.as_str()]);
    let (table, offsets) = string_table(strings.chain(folders.iter().copied()));
    let base = HEADER + ENTRY * entries.len();
    let extension = (base + table.len()).next_multiple_of(4);
    let mut out = Vec::with_capacity(extension + 128);
    out.extend_from_slice(MAGIC);
    put(&mut out, &[entries.len() as u32, table.len() as u32]);
    // Little endian, and three bytes of padding.
    out.extend_from_slice(&[2, 0, 0, 0]);
    put(&mut out, &[extension as u32, 0, 0, 0]);
    let offset = |text: &str| (base + offsets[text]) as u32;
    for entry in &entries {
        put(&mut out, &[entry.flags, offset(&entry.soname), offset(&entry.path), 0]);
        let folder = entry.hwcaps.as_deref().and_then(|name| folders.binary_search(&name).ok());
        let hwcap = folder.map_or(0, |number| HWCAP_EXTENSION | number as u64);
        out.extend_from_slice(&hwcap.to_le_bytes());
    }
    out.extend_from_slice(&table);
    out.resize(extension, 0);
    put_extensions(&mut out, &folders.iter().map(|name| offset(name)).collect::<Vec<_>>(), generator);
    out
}

/// Sections: 0, the generator; 1, the names of the `glibc-hwcaps` folders, where there are any.
fn put_extensions(out: &mut Vec<u8>, folders: &[u32], generator: &str) {
    let sections = 1 + u32::from(!folders.is_empty());
    let content = out.len() as u32 + 8 + sections * 16;
    let folders_size = folders.len() as u32 * 4;
    put(out, &[EXTENSION_MAGIC, sections]);
    put(out, &[0, 0, content + folders_size, generator.len() as u32]);
    if !folders.is_empty() {
        put(out, &[1, 0, content, folders_size]);
    }
    put(out, folders);
    out.extend_from_slice(generator.as_bytes());
}

fn put(out: &mut Vec<u8>, numbers: &[u32]) {
    numbers.iter().for_each(|number| out.extend_from_slice(&number.to_le_bytes()));
}

/// The strings, each with a NUL, one that ends another shared with it; and where each begins.
fn string_table<'a>(strings: impl Iterator<Item = &'a str>) -> (Vec<u8>, BTreeMap<&'a str, usize>) {
    let mut all: Vec<&str> = strings.collect();
    // From the last byte, descending; of two where one ends the other, the longer first.
    all.sort_by(|a, b| {
        let tails = a.bytes().rev().zip(b.bytes().rev()).map(|(a, b)| b.cmp(&a));
        tails.fold(Ordering::Equal, Ordering::then).then_with(|| b.len().cmp(&a.len()))
    });
    all.dedup();
    let (mut table, mut offsets) = (Vec::new(), BTreeMap::new());
    let mut previous = ("", 0);
    for text in all {
        let at = match previous.0.strip_suffix(text) {
            Some(head) if !table.is_empty() => previous.1 + head.len(),
            _ => {
                let at = table.len();
                table.extend_from_slice(text.as_bytes());
                table.push(0);
                at
            }
        };
        offsets.insert(text, at);
        previous = (text, at);
    }
    (table, offsets)
}

/// The loader's binary search runs over descending names; libraries of a folder stand before the plain ones.
fn compare(a: &CacheEntry, b: &CacheEntry) -> Ordering {
    let folders = match (&a.hwcaps, &b.hwcaps) {
        (Some(a), Some(b)) => a.cmp(b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    };
    compare_names(&b.soname, &a.soname).then(b.flags.cmp(&a.flags)).then(folders)
}

/// The loader's order of names: digits as numbers, and after every other character.
pub(super) fn compare_names(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (Some(&first), Some(&second)) = (a.first(), b.first()) else {
            return match (a.first(), b.first()) {
                (Some(_), None) => Ordering::Greater,
                (None, Some(byte)) if byte.is_ascii_digit() => Ordering::Less,
                (None, Some(_)) => Ordering::Less,
                _ => Ordering::Equal,
            };
        };
        match (first.is_ascii_digit(), second.is_ascii_digit()) {
            (true, true) => {
                let order = number(&mut a).cmp(&number(&mut b));
                if order.is_ne() {
                    return order;
                }
            }
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) if first != second => return first.cmp(&second),
            (false, false) => (a, b) = (&a[1..], &b[1..]),
        }
    }
}

fn number(text: &mut &[u8]) -> u64 {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (head, rest) = text.split_at(digits);
    *text = rest;
    head.iter().fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_order_as_the_loader_searches_them() {
        for (small, great) in [("liba.so.2", "liba.so.10"), ("libc.so.6", "libc1.so.6"), ("lib", "liba")] {
            assert_eq!(compare_names(small, great), Ordering::Less, "{small} {great}");
            assert_eq!(compare_names(great, small), Ordering::Greater);
        }
        assert_eq!(compare_names("liba.so.01", "liba.so.1"), Ordering::Equal);
    }

    #[test]
    fn a_string_that_ends_another_is_shared() {
        let (table, offsets) = string_table(["libc.so.6", "/lib/libc.so.6", "libc.so.6", "x"].into_iter());
        assert_eq!(table, b"x\0/lib/libc.so.6\0");
        assert_eq!((offsets["libc.so.6"], offsets["x"]), (7, 0));
    }
}
