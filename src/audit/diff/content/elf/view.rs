//! What of an ELF file is compared.

use std::borrow::Cow;

use object::elf;
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};
use object::{Endianness, FileKind};

use crate::audit::diff::content::Budget;
use crate::audit::diff::content::packed::read_within;
use crate::audit::diff::escape::text_of;

/// More sections and symbols are not compared.
const MOST_SECTIONS: usize = 20_000;
const MOST_SYMBOLS: usize = 300_000;

/// One ELF file.
pub struct View<'a> {
    /// Fields of its header, the same ones of each file.
    pub header: Vec<(&'static str, String)>,
    /// Its sections in order.
    pub sections: Vec<Section<'a>>,
    /// The symbols of its symbol table, or of the dynamic one where it has no other, in order.
    pub symbols: Vec<Symbol>,
}

/// A section.
pub struct Section<'a> {
    /// Its name.
    pub name: String,
    /// `sh_type`.
    pub kind: u32,
    /// `sh_flags`.
    pub flags: u64,
    /// `sh_addr`.
    pub address: u64,
    /// `sh_size`.
    pub size: u64,
    /// Its content, unpacked.
    pub content: Cow<'a, [u8]>,
}

/// A symbol.
pub struct Symbol {
    /// Its name.
    pub name: String,
    /// What it is: `FUNC`.
    pub kind: &'static str,
    /// Its length.
    pub size: u64,
    /// The number of its section, and where in it it begins; `None` where it is defined elsewhere.
    pub place: Option<(usize, u64)>,
}

impl<'a> View<'a> {
    /// The file `data`; `None` where it is damaged.
    pub fn read(data: &'a [u8], budget: &mut Budget) -> Option<Self> {
        match FileKind::parse(data).ok()? {
            FileKind::Elf32 => read::<elf::FileHeader32<Endianness>>(data, budget),
            FileKind::Elf64 => read::<elf::FileHeader64<Endianness>>(data, budget),
            _ => None,
        }
    }
}

fn read<'a, Elf: FileHeader<Endian = Endianness>>(data: &'a [u8], budget: &mut Budget) -> Option<View<'a>> {
    let header = Elf::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let segments = header.program_headers(endian, data).ok()?;
    let table = header.sections(endian, data).ok()?;
    let mut sections = Vec::new();
    for section in table.iter().take(MOST_SECTIONS) {
        let content = section.data(endian, data).unwrap_or_default();
        let flags: u64 = section.sh_flags(endian).0;
        let packed = flags & elf::SHF_COMPRESSED.0 != 0;
        let unpacked = packed.then(|| unpack(content, header.is_class_64(), endian, budget)).flatten();
        sections.push(Section {
            name: text_of(table.section_name(endian, section).unwrap_or_default()),
            kind: section.sh_type(endian).0,
            flags,
            address: section.sh_addr(endian).into(),
            size: section.sh_size(endian).into(),
            content: unpacked.map_or(Cow::Borrowed(content), Cow::Owned),
        });
    }
    let mut symbols = Vec::new();
    for kind in [elf::SHT_SYMTAB, elf::SHT_DYNSYM] {
        let Ok(found) = table.symbols(endian, data, kind) else { continue };
        for symbol in found.iter().take(MOST_SYMBOLS) {
            let Ok(name) = symbol.name(endian, found.strings()) else { continue };
            let number = usize::from(symbol.st_shndx(endian).0);
            let address = |number: usize| -> Option<u64> {
                // In object files values count from the section's start, and its address is 0.
                symbol.st_value(endian).into().checked_sub(sections.get(number)?.address)
            };
            let place =
                (number > 0 && number < sections.len()).then(|| Some((number, address(number)?))).flatten();
            symbols.push(Symbol {
                name: text_of(name),
                kind: kind_name(symbol.st_type().0),
                size: symbol.st_size(endian).into(),
                place,
            });
        }
        if !symbols.is_empty() {
            break;
        }
    }
    let segment = |segment: &Elf::ProgramHeader| {
        format!("{:x}:{:x}", segment.p_type(endian).0, segment.p_flags(endian).0)
    };
    let header = vec![
        ("type", header.e_type(endian).0.to_string()),
        ("machine", header.e_machine(endian).0.to_string()),
        ("flags", format!("{:#x}", header.e_flags(endian).0)),
        ("segments", segments.iter().take(64).map(segment).collect::<Vec<_>>().join(" ")),
    ];
    Some(View { header, sections, symbols })
}

/// The content of a compressed section (System V gABI, "Section Compression"); `None` where it cannot be unpacked.
fn unpack(packed: &[u8], wide: bool, endian: Endianness, budget: &mut Budget) -> Option<Vec<u8>> {
    let bytes: [u8; 4] = packed.get(..4)?.try_into().ok()?;
    let kind = match endian {
        Endianness::Little => u32::from_le_bytes(bytes),
        Endianness::Big => u32::from_be_bytes(bytes),
    };
    let stream = packed.get(if wide { 24 } else { 12 }..)?;
    match kind {
        1 => read_within(flate2::bufread::ZlibDecoder::new(stream), budget).ok()?,
        2 => read_within(zstd::Decoder::with_buffer(stream).ok()?, budget).ok()?,
        _ => None,
    }
}

fn kind_name(kind: u8) -> &'static str {
    match kind {
        0 => "NOTYPE",
        1 => "OBJECT",
        2 => "FUNC",
        3 => "SECTION",
        4 => "FILE",
        5 => "COMMON",
        6 => "TLS",
        10 => "IFUNC",
        _ => "OTHER",
    }
}
