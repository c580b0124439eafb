//! One ELF file (System V gABI; GNU extensions) to the facts that matter at run time.

use object::elf;
use object::read::StringTable;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, FileKind};
use serde::{Deserialize, Serialize};

/// Owner `FDO` and this type make a note a dlopen note (systemd's ELF dlopen metadata).
const NOTE_DLOPEN: u32 = 0x407c_0c0a;
const MOST_STRINGS: u64 = 64 << 20;

/// What a file is to the loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ElfKind {
    /// A program at a fixed address.
    Executable,
    /// A position-independent program.
    Pie,
    /// A shared object.
    Shared,
}

/// How much of the relocated data is read-only while the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Relro {
    /// None.
    None,
    /// All but the table of functions bound on first use.
    Partial,
    /// All.
    Full,
}

/// How a file is hardened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hardening {
    /// Read-only relocations.
    pub relro: Relro,
    /// Whether all functions are bound at start.
    pub bind_now: bool,
    /// Whether it asks for an executable stack, or leaves it to a loader that gives one.
    pub executable_stack: bool,
    /// Whether its code refers to the stack protector.
    pub stack_protector: bool,
    /// Whether it has relocations in its code.
    pub text_relocations: bool,
}

/// How much a file wants a library that it opens by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// It does not work without.
    Required,
    /// It works with less.
    #[default]
    Recommended,
    /// For rare needs.
    Suggested,
}

/// One declaration of `.note.dlopen`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DlopenNote {
    /// What for.
    #[serde(default)]
    pub feature: String,
    /// How much it is wanted.
    #[serde(default)]
    pub priority: Priority,
    /// Names, any of which will do.
    pub soname: Vec<String>,
    /// The path at which the first one is found. Never read from a note.
    #[serde(default)]
    pub path: Option<String>,
}

/// What is known of one ELF file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElfFacts {
    /// Whether it is a 64-bit, little-endian file.
    pub wide: bool,
    /// `e_machine`.
    pub machine: u16,
    /// What it is.
    pub kind: ElfKind,
    /// `PT_INTERP`.
    pub interpreter: Option<String>,
    /// `DT_NEEDED`.
    pub needed: Vec<String>,
    /// `DT_SONAME`.
    pub soname: Option<String>,
    /// `DT_RPATH`; ignored by loaders where there is a `DT_RUNPATH`.
    pub rpath: Vec<String>,
    /// `DT_RUNPATH`.
    pub runpath: Vec<String>,
    /// Whether default directories are not searched for it (`DF_1_NODEFLIB`).
    pub no_default: bool,
    /// Declared libraries.
    pub dlopen: Vec<DlopenNote>,
    /// Whether the name `dlopen` is among its dynamic strings.
    pub names_dlopen: bool,
    /// Whether it needs glibc: by the name of its library or of its loader, or by versions of its functions.
    pub glibc: bool,
    /// Hardening.
    pub hardening: Hardening,
}

/// The facts of `data`; `None` for what is no program or shared object: object files, archives, core dumps,
/// anything damaged before its program headers.
pub fn parse(data: &[u8]) -> Option<ElfFacts> {
    match FileKind::parse(data).ok()? {
        FileKind::Elf32 => parse_header::<elf::FileHeader32<Endianness>>(data),
        FileKind::Elf64 => parse_header::<elf::FileHeader64<Endianness>>(data),
        _ => None,
    }
}

fn parse_header<Elf: FileHeader<Endian = Endianness>>(data: &[u8]) -> Option<ElfFacts> {
    let header = Elf::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let kind = header.e_type(endian);
    if kind != elf::ET_EXEC && kind != elf::ET_DYN {
        return None;
    }
    let segments = header.program_headers(endian, data).ok()?;
    let dynamic = Dynamic::read::<Elf>(endian, data, segments);
    let interpreter = segments.iter().find_map(|segment| segment.interpreter(endian, data).ok().flatten());
    let interpreter = interpreter.map(text);
    let pie = dynamic.flags_1 & elf::DF_1_PIE.0 != 0 || (interpreter.is_some() && dynamic.soname.is_none());
    let stack = segments.iter().find(|segment| segment.p_type(endian) == elf::PT_GNU_STACK);
    let machine = header.e_machine(endian);
    let executable_stack = match stack {
        Some(segment) => segment.p_flags(endian).0 & elf::PF_X.0 != 0,
        None => machine == elf::EM_X86_64 || machine == elf::EM_386,
    };
    let relro = segments.iter().any(|segment| segment.p_type(endian) == elf::PT_GNU_RELRO);
    Some(ElfFacts {
        wide: header.is_class_64() && header.is_little_endian(),
        machine: machine.0,
        kind: match (kind == elf::ET_EXEC, pie) {
            (true, _) => ElfKind::Executable,
            (false, true) => ElfKind::Pie,
            (false, false) => ElfKind::Shared,
        },
        interpreter,
        dlopen: dlopen_notes::<Elf>(endian, data, segments),
        glibc: dynamic.needs_glibc(),
        names_dlopen: dynamic.names(b"dlopen") || dynamic.names(b"dlmopen"),
        hardening: Hardening {
            relro: match (relro, dynamic.bind_now) {
                (false, _) => Relro::None,
                (true, false) => Relro::Partial,
                (true, true) => Relro::Full,
            },
            bind_now: dynamic.bind_now,
            executable_stack,
            stack_protector: dynamic.names(b"__stack_chk_fail") || dynamic.names(b"__stack_chk_guard"),
            text_relocations: dynamic.text_relocations,
        },
        needed: dynamic.needed,
        soname: dynamic.soname,
        rpath: dynamic.rpath,
        runpath: dynamic.runpath,
        no_default: dynamic.flags_1 & elf::DF_1_NODEFLIB.0 != 0,
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The dynamic section, read through `PT_DYNAMIC` as the loader does.
#[derive(Default)]
struct Dynamic<'data> {
    needed: Vec<String>,
    soname: Option<String>,
    rpath: Vec<String>,
    runpath: Vec<String>,
    bind_now: bool,
    text_relocations: bool,
    flags_1: u64,
    strings: &'data [u8],
}

impl<'data> Dynamic<'data> {
    fn read<Elf: FileHeader<Endian = Endianness>>(
        endian: Endianness,
        data: &'data [u8],
        segments: &[Elf::ProgramHeader],
    ) -> Self {
        let mut dynamic = Self::default();
        let entries = segments.iter().find_map(|segment| segment.dynamic(endian, data).ok().flatten());
        let entries = entries.unwrap_or_default();
        let pairs = || {
            let pairs = entries.iter().map(|entry| (entry.d_tag(endian), entry.d_val(endian).into()));
            pairs.take_while(|(tag, _): &(_, u64)| *tag != elf::DT_NULL)
        };
        let value = |wanted| pairs().find(|(tag, _)| *tag == wanted).map(|(_, value)| value);
        if let (Some(address), Some(size)) = (value(elf::DT_STRTAB), value(elf::DT_STRSZ)) {
            let size = size.min(MOST_STRINGS);
            let load = segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD);
            let mut found =
                load.filter_map(|segment| segment.data_range(endian, data, address, size).ok()?);
            dynamic.strings = found.next().unwrap_or_default();
        }
        let table = StringTable::new(dynamic.strings, 0, dynamic.strings.len() as u64);
        let string = |offset: u64| table.get(u32::try_from(offset).ok()?).ok().map(text);
        for (tag, value) in pairs() {
            match tag {
                elf::DT_NEEDED => dynamic.needed.extend(string(value)),
                elf::DT_SONAME => dynamic.soname = string(value),
                elf::DT_RPATH => dynamic.rpath.extend(directories(string(value))),
                elf::DT_RUNPATH => dynamic.runpath.extend(directories(string(value))),
                elf::DT_BIND_NOW => dynamic.bind_now = true,
                elf::DT_TEXTREL => dynamic.text_relocations = true,
                elf::DT_FLAGS => {
                    dynamic.bind_now |= value & elf::DF_BIND_NOW.0 != 0;
                    dynamic.text_relocations |= value & elf::DF_TEXTREL.0 != 0;
                }
                elf::DT_FLAGS_1 => {
                    dynamic.flags_1 = value;
                    dynamic.bind_now |= value & elf::DF_1_NOW.0 != 0;
                }
                _ => {}
            }
        }
        dynamic
    }

    fn needs_glibc(&self) -> bool {
        let by_name = |name: &String| name == "libc.so.6" || name.starts_with("ld-linux");
        self.needed.iter().any(by_name) || memchr::memmem::find(self.strings, b"\0GLIBC_2.").is_some()
    }

    /// Whether `name` is one of the dynamic strings, to its end.
    fn names(&self, name: &[u8]) -> bool {
        let finder = memchr::memmem::find_iter(self.strings, name);
        let mut places = finder.into_iter();
        places.any(|at| {
            let before = at.checked_sub(1).and_then(|at| self.strings.get(at));
            let after = self.strings.get(at + name.len());
            matches!(before, None | Some(0)) && matches!(after, None | Some(0))
        })
    }
}

fn directories(list: Option<String>) -> Vec<String> {
    list.map(|list| list.split(':').map(str::to_owned).collect()).unwrap_or_default()
}

fn dlopen_notes<Elf: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    data: &[u8],
    segments: &[Elf::ProgramHeader],
) -> Vec<DlopenNote> {
    let mut declared = Vec::new();
    for segment in segments {
        let Ok(Some(mut notes)) = segment.notes(endian, data) else { continue };
        while let Ok(Some(note)) = notes.next() {
            if note.name() != b"FDO" || note.n_type(endian).0 != NOTE_DLOPEN {
                continue;
            }
            let text = note.desc().split(|&byte| byte == 0).next().unwrap_or_default();
            let read: Vec<DlopenNote> = serde_json::from_slice(text).unwrap_or_default();
            declared.extend(read.into_iter().map(|note| DlopenNote { path: None, ..note }));
        }
    }
    declared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_never_panics() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        let facts = parse(&own).unwrap();
        assert_eq!(facts.kind, ElfKind::Pie);
        assert!(facts.needed.iter().any(|name| name == "libc.so.6"), "{:?}", facts.needed);
        let head = &own[..own.len().min(200_000)];
        for length in (0..1200).chain([2000, 50_000, head.len()]) {
            parse(&head[..length]);
        }
        let mut damaged = head.to_vec();
        for at in 0..1200 {
            damaged[at] ^= 0xff;
            parse(&damaged);
            damaged[at] ^= 0xff;
        }
        assert_eq!(parse(b"\x7fELF"), None);
        assert_eq!(parse(b"!<arch>\n"), None);
    }
}
