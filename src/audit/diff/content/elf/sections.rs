//! Sections, each by what it holds.

use object::elf;

use super::part;
use super::symbols::Functions;
use super::view::Section;
use crate::audit::diff::content::{Budget, compare_bytes, strings, text};
use crate::audit::diff::report::{Cause, Part};

/// Functions that are named of one section.
const MOST_FUNCTIONS: usize = 20;

/// Sections that hold strings and nothing else, each with a NUL behind it.
const STRINGS: &[&str] = &[
    ".comment",
    ".debug_str",
    ".debug_line_str",
    ".dynstr",
    ".interp",
    ".gnu_debuglink",
    ".gnu_debugaltlink",
    ".note.package",
    ".note.dlopen",
];

/// Sections that only repeat what others and the symbols say.
const DERIVED: &[&str] = &[
    ".symtab",
    ".dynsym",
    ".strtab",
    ".shstrtab",
    ".hash",
    ".gnu.hash",
    ".gnu.version",
    ".gnu.version_r",
    ".gnu.version_d",
    ".eh_frame",
    ".eh_frame_hdr",
    ".symtab_shndx",
    ".gnu_debuglink",
];

/// In what two sections of one name differ, if they do.
pub fn compare(
    left: Option<&Section<'_>>,
    right: Option<&Section<'_>>,
    functions: &Functions,
    budget: &mut Budget,
) -> Option<Part> {
    let section = left.or(right)?;
    let mut part = part(format!("section {}", section.name), left.is_some(), right.is_some());
    let number = |number: u64| Some(number.to_string());
    let (Some(left), Some(right)) = (left, right) else {
        part.field(
            "size",
            left.and_then(|left| number(left.size)),
            right.and_then(|right| number(right.size)),
        );
        return Some(part);
    };
    part.field("type", number(left.kind.into()), number(right.kind.into()));
    part.field("flags", Some(format!("{:#x}", left.flags)), Some(format!("{:#x}", right.flags)));
    if left.content == right.content {
        if left.kind == elf::SHT_NOBITS.0 {
            part.field("size", number(left.size), number(right.size));
        }
        return (!part.fields.is_empty()).then_some(part);
    }
    part.field("size", number(left.size), number(right.size));
    contents(&mut part, left, right, functions, budget);
    Some(part)
}

fn contents(
    part: &mut Part,
    left: &Section<'_>,
    right: &Section<'_>,
    functions: &Functions,
    budget: &mut Budget,
) {
    let name = left.name.as_str();
    let (one, other) = (&*left.content, &*right.content);
    if name == ".note.gnu.build-id" {
        let id = |note: &[u8]| -> String {
            note.get(16..).unwrap_or_default().iter().take(64).map(|byte| format!("{byte:02x}")).collect()
        };
        // It is a digest of everything else: no cause, but what shows that there is one.
        return part.field("build id", Some(id(one)), Some(id(other)));
    }
    if DERIVED.contains(&name) {
        return compare_bytes_only(part, one, other);
    }
    let strings_of = |section: &Section<'_>| -> bool {
        STRINGS.contains(&name) || section.flags & elf::SHF_STRINGS.0 != 0
    };
    if strings_of(left) && strings_of(right) {
        let split = |bytes: &[u8]| -> Vec<String> {
            let strings = bytes.split(|byte| *byte == 0).filter(|string| !string.is_empty());
            strings.map(|string| String::from_utf8_lossy(string).into_owned()).collect()
        };
        let (one, other) = (split(one), split(other));
        let one: Vec<&str> = one.iter().map(String::as_str).collect();
        let other: Vec<&str> = other.iter().map(String::as_str).collect();
        text::compare_lines(part, &one, &other);
    }
    if part.text.is_none() {
        compare_bytes(part, one, other);
    }
    for (function, bytes) in functions.get(name).into_iter().flatten().take(MOST_FUNCTIONS) {
        if budget.parts == 0 {
            break;
        }
        budget.parts -= 1;
        let mut inner = super::part(format!("symbol {function}"), true, true);
        inner.note = Some(format!("{bytes} bytes differ"));
        part.parts.push(inner);
    }
    part.more += functions.get(name).map_or(0, Vec::len).saturating_sub(part.parts.len());
    if strings::printable(one) == strings::printable(other) && one.len() == other.len() {
        let sorted = |bytes: &[u8]| {
            let mut words: Vec<[u8; 4]> = bytes.as_chunks::<4>().0.to_vec();
            words.sort_unstable();
            words
        };
        if left.flags & elf::SHF_EXECINSTR.0 == 0 && sorted(one) == sorted(other) {
            part.cause(Cause::MemberOrder);
        }
    }
}

fn compare_bytes_only(part: &mut Part, left: &[u8], right: &[u8]) {
    part.bytes = crate::audit::diff::content::bytes::compare(&mut &left[..], &mut &right[..]).ok().flatten();
}

/// Where a part stands among the others: strings before code, what only follows from others last.
pub fn rank(name: &str) -> usize {
    let Some(section) = name.strip_prefix("section ") else { return 2 };
    let debug = section.starts_with(".debug");
    match section {
        ".note.gnu.build-id" => 5,
        _ if STRINGS.contains(&section) || section.starts_with(".rodata") => 0,
        _ if DERIVED.contains(&section) || section.starts_with(".rel") => 4,
        _ if debug => 3,
        _ => 1,
    }
}
