//! The form in which a decoded and verified index is kept, so that loading it costs a copy and a checksum.
//!
//! ```text
//! text      UTF-8: each stanza with the fields hbuild knows, an empty line between two
//! tables    names, name ends, stanza starts, mentions, packages, provides
//! footer    six lengths, sealed with the magic `hbindex1`
//! ```

use super::fields::{Field, Fields};
use super::tables::{Lists, Tables};
use super::{Index, IndexError};
use crate::distro::sealed::{push_numbers, read_numbers, read_rows, seal, take, unseal};

const MAGIC: &[u8; 8] = b"hbindex1";
const LENGTHS: usize = 6;

impl Index {
    /// The cached form: the tables, and the text without the fields that hbuild never asks for.
    pub fn to_cache(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.text.len() / 2);
        let mut starts = Vec::with_capacity(self.tables.stanzas.len());
        for stanza in self.stanzas() {
            starts.push(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            push_stanza(&mut bytes, &stanza.fields());
        }
        let tables = &self.tables;
        let lengths = [
            bytes.len(),
            tables.names.len(),
            tables.name_ends.len(),
            starts.len(),
            tables.packages.items.len(),
            tables.provides.items.len(),
        ];
        bytes.extend_from_slice(tables.names.as_bytes());
        push_numbers(&mut bytes, &tables.name_ends);
        push_numbers(&mut bytes, &starts);
        push_numbers(&mut bytes, tables.mentions.as_flattened());
        for lists in [&tables.packages, &tables.provides] {
            push_numbers(&mut bytes, &lists.starts);
            push_numbers(&mut bytes, &lists.items);
        }
        seal(bytes, &lengths, MAGIC)
    }

    /// The index of a cached form; an error says that the cache has to be made anew.
    pub fn from_cache(mut bytes: Vec<u8>) -> Result<Self, IndexError> {
        let damaged = |reason: &'static str| IndexError::Cache { reason };
        let (body, lengths) = unseal::<LENGTHS>(&bytes, MAGIC).map_err(damaged)?;
        let tables = read_tables(&bytes[..body], lengths).ok_or(damaged("its tables do not fit"))?;
        bytes.truncate(lengths[0]);
        bytes.shrink_to_fit();
        let text = String::from_utf8(bytes).map_err(|_| damaged("its text is not UTF-8"))?;
        let index = Self { text, tables };
        index.is_sound().then_some(index).ok_or(damaged("its tables do not fit the text"))
    }

    /// Whether every number of the tables points where it should, so that no look-up can fail.
    fn is_sound(&self) -> bool {
        let tables = &self.tables;
        let ascending = |numbers: &[u32]| numbers.is_sorted();
        let lists = |lists: &Lists| {
            ascending(&lists.starts)
                && lists.starts.len() == tables.name_ends.len() + 1
                && lists.starts.last().is_some_and(|end| *end as usize == lists.items.len())
                && lists.items.iter().all(|item| (*item as usize) < tables.stanzas.len())
        };
        let stanza_starts = tables.stanzas.iter().all(|start| self.text.is_char_boundary(*start as usize));
        let name_ends = tables.name_ends.iter().all(|end| tables.names.is_char_boundary(*end as usize));
        stanza_starts
            && name_ends
            && ascending(&tables.stanzas)
            && ascending(&tables.name_ends)
            && tables.mentions.len() == tables.name_ends.len()
            && lists(&tables.packages)
            && lists(&tables.provides)
    }
}

fn push_stanza(bytes: &mut Vec<u8>, fields: &Fields<'_>) {
    for field in Field::ALL {
        if let (Some(value), true) = (fields.get(field), field != Field::Enhances) {
            bytes.extend_from_slice(field.name().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.push(b'\n');
        }
    }
    bytes.push(b'\n');
}

fn read_tables(bytes: &[u8], lengths: [usize; LENGTHS]) -> Option<Tables> {
    let [text, names, name_count, stanza_count, package_count, provide_count] = lengths;
    let mut rest = bytes.get(text..)?;
    let names = std::str::from_utf8(take(&mut rest, names)?).ok()?.to_owned();
    let name_ends = read_numbers(&mut rest, name_count)?;
    let stanzas = read_numbers(&mut rest, stanza_count)?;
    let mentions = read_rows(&mut rest, name_count)?;
    let list_starts = name_count.checked_add(1)?;
    let mut lists = |count| {
        Some(Lists { starts: read_numbers(&mut rest, list_starts)?, items: read_numbers(&mut rest, count)? })
    };
    let packages = lists(package_count)?;
    let provides = lists(provide_count)?;
    rest.is_empty().then_some(Tables { stanzas, names, name_ends, mentions, packages, provides })
}
