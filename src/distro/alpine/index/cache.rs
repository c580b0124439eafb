//! The form in which a verified index is kept, so that loading it costs a copy and a checksum.
//!
//! ```text
//! text      UTF-8: the index as it was
//! tables    packages, names, buckets, depends, provides, install_if, providers, triggered
//! footer    the length of the text and of each table, sealed with the magic `hbapkix1`
//! ```

use super::hash::BUCKETS;
use super::tables::{Lists, OWN, Tables};
use super::{Index, IndexError};
use crate::distro::sealed::{push_numbers, read_numbers, read_rows, seal, unseal};

const MAGIC: &[u8; 8] = b"hbapkix1";
const LENGTHS: usize = 9;

impl Index {
    /// The cached form.
    pub fn to_cache(&self) -> Vec<u8> {
        let tables = &self.tables;
        let mut bytes = Vec::with_capacity(self.text.len() * 3 / 2);
        bytes.extend_from_slice(self.text.as_bytes());
        push_numbers(&mut bytes, tables.packages.as_flattened());
        push_numbers(&mut bytes, tables.names.as_flattened());
        push_lists(&mut bytes, &tables.buckets);
        push_lists(&mut bytes, &tables.depends);
        push_lists(&mut bytes, &tables.provides);
        push_lists(&mut bytes, &tables.install_if);
        push_lists(&mut bytes, &tables.providers);
        push_lists(&mut bytes, &tables.triggered);
        let lengths: [usize; LENGTHS] = [
            self.text.len(),
            tables.packages.len(),
            tables.names.len(),
            tables.buckets.items.len(),
            tables.depends.items.len(),
            tables.provides.items.len(),
            tables.install_if.items.len(),
            tables.providers.items.len(),
            tables.triggered.items.len(),
        ];
        seal(bytes, &lengths, MAGIC)
    }

    /// The index of a cached form; an error says that the cache has to be made anew.
    pub fn from_cache(mut bytes: Vec<u8>) -> Result<Self, IndexError> {
        let damaged = |reason: &'static str| IndexError::Cache { reason };
        let (body, lengths) = unseal::<LENGTHS>(&bytes, MAGIC).map_err(damaged)?;
        let tables = read_tables(&bytes[..body], lengths).ok_or(damaged("its tables do not fit"))?;
        bytes.truncate(lengths[0]);
        let text = String::from_utf8(bytes).map_err(|_| damaged("its text is not UTF-8"))?;
        let index = Self { text, tables };
        index.is_sound().then_some(index).ok_or(damaged("its tables do not fit the text"))
    }

    /// Whether every number of the tables points where it should, so that no look-up can fail.
    fn is_sound(&self) -> bool {
        let tables = &self.tables;
        let (packages, names) = (tables.packages.len(), tables.names.len());
        let is_name = |number: u32| (number as usize) < names;
        let is_slice = |[start, length]: [u32; 2]| {
            let start = start as usize;
            self.text.get(start..start + length as usize).is_some()
        };
        let relations = |lists: &Lists<4>| {
            lists.is_sound(packages)
                && lists.items.iter().all(|row| is_name(row[0]) && is_slice([row[2], row[3]]))
        };
        let provided = |[package, position]: &[u32; 2]| {
            let package = *package as usize;
            package < packages
                && (*position == OWN || (*position as usize) < tables.provides.get(package).len())
        };
        tables.packages.is_sorted()
            && tables.packages.iter().all(|[start, name, _]| is_slice([*start, 0]) && is_name(*name))
            && tables.names.iter().all(|span| is_slice(*span))
            && tables.buckets.is_sound(BUCKETS as usize)
            && tables.buckets.items.iter().all(|[name]| is_name(*name))
            && relations(&tables.depends)
            && relations(&tables.provides)
            && relations(&tables.install_if)
            && tables.providers.is_sound(names)
            && tables.providers.items.iter().all(provided)
            && tables.triggered.is_sound(names)
            && tables.triggered.items.iter().all(|[package]| (*package as usize) < packages)
    }
}

fn push_lists<const K: usize>(bytes: &mut Vec<u8>, lists: &Lists<K>) {
    push_numbers(bytes, &lists.starts);
    push_numbers(bytes, lists.items.as_flattened());
}

fn read_lists<const K: usize>(rest: &mut &[u8], count: usize, items: usize) -> Option<Lists<K>> {
    let starts = read_numbers(rest, count.checked_add(1)?)?;
    Some(Lists { starts, items: read_rows(rest, items)? })
}

fn read_tables(body: &[u8], lengths: [usize; LENGTHS]) -> Option<Tables> {
    let [text, packages, names, buckets, depends, provides, install_if, providers, triggered] = lengths;
    let mut rest = body.get(text..)?;
    let tables = Tables {
        packages: read_rows(&mut rest, packages)?,
        names: read_rows(&mut rest, names)?,
        buckets: read_lists(&mut rest, BUCKETS as usize, buckets)?,
        depends: read_lists(&mut rest, packages, depends)?,
        provides: read_lists(&mut rest, packages, provides)?,
        install_if: read_lists(&mut rest, packages, install_if)?,
        providers: read_lists(&mut rest, names, providers)?,
        triggered: read_lists(&mut rest, names, triggered)?,
    };
    rest.is_empty().then_some(tables)
}
