//! What `ld.so.cache` needs of a library: its machine and its soname.

use hbuild_lang::recipe::Arch;
use object::LittleEndian;
use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};

/// The soname of a 64-bit shared library of `arch`: `Some(None)` where it states none, `None` for all else.
pub(super) fn soname(bytes: &[u8], arch: Arch) -> Option<Option<String>> {
    let machine = match arch {
        Arch::Amd64 => elf::EM_X86_64,
        Arch::Arm64 => elf::EM_AARCH64,
    };
    let header = elf::FileHeader64::<LittleEndian>::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    if header.e_machine(endian) != machine || header.e_type(endian) != elf::ET_DYN {
        return None;
    }
    let segments = header.program_headers(endian, bytes).ok()?;
    let dynamic = segments.iter().find_map(|segment| segment.dynamic(endian, bytes).ok().flatten())?;
    let value = |tag: elf::DynamicTag| {
        dynamic.iter().find(|entry| entry.d_tag(endian) == tag).map(|entry| entry.d_val(endian))
    };
    let Some(name) = value(elf::DT_SONAME) else { return Some(None) };
    let strings = value(elf::DT_STRTAB)?;
    let table = segments.iter().find_map(|segment| {
        let size = value(elf::DT_STRSZ)?;
        segment.data_range(endian, bytes, strings, size).ok().flatten()
    })?;
    let text = table.get(usize::try_from(name).ok()?..)?;
    let end = text.iter().position(|&byte| byte == 0)?;
    Some(Some(std::str::from_utf8(&text[..end]).ok()?.to_owned()))
}
