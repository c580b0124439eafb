//! The tables beside an index's text: which names there are, what each package needs and provides, and who provides
//! a name. All numbers are `u32`, so that the cached form is these tables as they stand.

use std::collections::HashMap;

use super::hash::{BUCKETS, bucket};
use crate::distro::alpine::relation::{Operator, Word};

/// No number.
pub(crate) const NEVER: u32 = u32::MAX;

/// In a provider of a name: the package has the name itself.
pub(crate) const OWN: u32 = NEVER;

/// Lists of rows of `K` numbers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lists<const K: usize> {
    /// One more than there are lists; list `n` is `items[starts[n]..starts[n + 1]]`.
    pub(super) starts: Vec<u32>,
    pub(super) items: Vec<[u32; K]>,
}

impl<const K: usize> Default for Lists<K> {
    fn default() -> Self {
        Self { starts: vec![0], items: Vec::new() }
    }
}

impl<const K: usize> Lists<K> {
    /// `count` lists of rows, each given with the number of its list; rows of one list keep their order.
    fn sorted(count: usize, mut rows: Vec<(u32, [u32; K])>) -> Self {
        rows.sort_by_key(|(list, _)| *list);
        let mut starts = vec![0; count + 1];
        for (list, _) in &rows {
            starts[*list as usize + 1] += 1;
        }
        for list in 0..count {
            starts[list + 1] += starts[list];
        }
        Self { starts, items: rows.into_iter().map(|(_, row)| row).collect() }
    }

    /// Ends the last list.
    fn end(&mut self) {
        self.starts.push(number(self.items.len()));
    }

    pub(super) fn get(&self, list: usize) -> &[[u32; K]] {
        &self.items[self.starts[list] as usize..self.starts[list + 1] as usize]
    }

    /// Whether there are `count` lists, and none reaches beyond the rows.
    pub(super) fn is_sound(&self, count: usize) -> bool {
        self.starts.len() == count + 1
            && self.starts.is_sorted()
            && self.starts.last().is_some_and(|end| *end as usize == self.items.len())
    }
}

/// Everything the resolver asks of an index. Names are numbered in the order in which the text first has them: apk
/// makes them in this order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tables {
    /// Start in the text, number of the name, and 1 if apk could not install it (else 0), for each package.
    pub(super) packages: Vec<[u32; 3]>,
    /// Start in the text and length of each name.
    pub(super) names: Vec<[u32; 2]>,
    /// For each bucket of apk's table of names, the names in it in byte order.
    pub(super) buckets: Lists<1>,
    /// For each package its relations of each kind: number of the name, [`Self::flags`], start and length of the
    /// version.
    pub(super) depends: Lists<4>,
    pub(super) provides: Lists<4>,
    pub(super) install_if: Lists<4>,
    /// For each name the packages that have it, each with the number of the provision or [`OWN`].
    pub(super) providers: Lists<2>,
    /// For each name the packages whose `install_if` mentions it.
    pub(super) triggered: Lists<1>,
}

impl Tables {
    /// Conflict and operator of a relation as one number.
    pub(super) fn flags(conflict: bool, operator: Option<Operator>) -> u32 {
        u32::from(conflict) | operator.map_or(0, |operator| operator.number() + 1) << 1
    }

    /// The reverse of [`Self::flags`]; an operator that there is not is none.
    pub(super) fn from_flags(flags: u32) -> (bool, Option<Operator>) {
        (flags & 1 == 1, (flags >> 1).checked_sub(1).and_then(Operator::from_number))
    }

    /// A name of `text` by its number.
    pub(super) fn name<'t>(&self, text: &'t str, number: u32) -> &'t str {
        slice(text, self.names[number as usize])
    }

    /// The number of a name.
    pub(super) fn find(&self, text: &str, name: &str) -> Option<u32> {
        let bucket = self.buckets.get(bucket(name) as usize);
        let found = bucket.binary_search_by(|[number]| self.name(text, *number).cmp(name)).ok()?;
        Some(bucket[found][0])
    }
}

/// A slice of a text by start and length.
pub(super) fn slice(text: &str, [start, length]: [u32; 2]) -> &str {
    &text[start as usize..start as usize + length as usize]
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("an index is smaller than 4 GiB")
}

/// Collects tables while an index is read from top to bottom.
pub(super) struct TableBuilder<'t> {
    text: &'t str,
    numbers: HashMap<&'t str, u32>,
    tables: Tables,
    providers: Vec<(u32, [u32; 2])>,
    triggered: Vec<(u32, [u32; 1])>,
}

impl<'t> TableBuilder<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            numbers: HashMap::new(),
            tables: Tables::default(),
            providers: Vec::new(),
            triggered: Vec::new(),
        }
    }

    /// Adds an entry, which has been checked; it is a slice of the text.
    pub(super) fn add(&mut self, entry: &'t str) {
        let package = number(self.tables.packages.len());
        let (mut name, mut readable) = (NEVER, true);
        for line in entry.split('\n') {
            let (Some(letter), Some(value)) = (line.bytes().next(), line.get(2..)) else { continue };
            match letter {
                b'P' => name = self.mention(value),
                b'D' => readable &= self.relations(value, |tables| &mut tables.depends),
                b'p' => readable &= self.relations(value, |tables| &mut tables.provides),
                b'i' => readable &= self.relations(value, |tables| &mut tables.install_if),
                // A field that apk does not know matters to the installation if its letter is upper-case.
                b'A'..=b'Z' => readable &= b"CVTULASIFMRZ".contains(&letter),
                _ => {}
            }
        }
        let start = self.start(entry);
        let tables = &mut self.tables;
        tables.packages.push([start, name, u32::from(!readable)]);
        tables.depends.end();
        tables.provides.end();
        tables.install_if.end();
        self.providers.push((name, [package, OWN]));
        for ([provided, ..], position) in tables.provides.get(package as usize).iter().zip(0..) {
            self.providers.push((*provided, [package, position]));
        }
        for [trigger, ..] in tables.install_if.get(package as usize) {
            if self.triggered.last() != Some(&(*trigger, [package])) {
                self.triggered.push((*trigger, [package]));
            }
        }
    }

    /// Adds the relations of a field to the last list; whether all could be read.
    fn relations(&mut self, field: &'t str, lists: impl Fn(&mut Tables) -> &mut Lists<4>) -> bool {
        let mut readable = true;
        for text in field.split_ascii_whitespace() {
            let Some(word) = Word::read(text).filter(|word| word.tag.is_none()) else {
                readable = false;
                continue;
            };
            let name = self.mention(word.name);
            let flags = Tables::flags(word.conflict, word.constraint.map(|(operator, _)| operator));
            let version = word.constraint.map_or("", |(_, version)| version);
            let row = [name, flags, self.start(version), number(version.len())];
            lists(&mut self.tables).items.push(row);
        }
        readable
    }

    fn mention(&mut self, name: &'t str) -> u32 {
        let span = [self.start(name), number(name.len())];
        *self.numbers.entry(name).or_insert_with(|| {
            self.tables.names.push(span);
            number(self.tables.names.len() - 1)
        })
    }

    /// Where a slice of the text begins in it; 0 for an empty one, which may be no slice of it.
    fn start(&self, slice: &str) -> u32 {
        if slice.is_empty() { 0 } else { number(slice.as_ptr() as usize - self.text.as_ptr() as usize) }
    }

    /// The tables.
    pub(super) fn finish(self) -> Tables {
        let mut tables = self.tables;
        let names = tables.names.len();
        let mut order: Vec<(u32, &str, u32)> =
            self.numbers.into_iter().map(|(name, number)| (bucket(name), name, number)).collect();
        order.sort_unstable();
        let rows = order.into_iter().map(|(bucket, _, number)| (bucket, [number])).collect();
        tables.buckets = Lists::sorted(BUCKETS as usize, rows);
        tables.providers = Lists::sorted(names, self.providers);
        tables.triggered = Lists::sorted(names, self.triggered);
        tables
    }
}
