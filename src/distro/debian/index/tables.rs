//! The tables beside an index's text: where stanzas begin, which names there are, who has and provides them, and
//! when each was first mentioned.

use std::collections::HashMap;

use super::fields::{Field, Fields};

/// No position: a name that is not mentioned in this way.
pub(super) const NEVER: u32 = u32::MAX;

/// The ways in which a stanza can bring a package name to life, in the order of [`Tables::mentions`].
///
/// apt numbers packages when it first meets them, and prefers the later number where nothing else decides; so
/// the order of first mentions is part of what an index says. A conflict, break or replacement only counts for
/// a name that nothing else has brought up ("weak").
#[derive(Debug, Clone, Copy)]
pub(super) enum Mention {
    Own,
    Native,
    OwnWeak,
    NativeWeak,
}

/// Lists of numbers, one list for each name.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lists {
    /// One more than there are names; list `n` is `items[starts[n]..starts[n + 1]]`.
    pub(super) starts: Vec<u32>,
    pub(super) items: Vec<u32>,
}

impl Lists {
    fn new(names: usize, mut pairs: Vec<(u32, u32)>) -> Self {
        pairs.sort_unstable();
        let mut starts = vec![0; names + 1];
        for (name, _) in &pairs {
            starts[*name as usize + 1] += 1;
        }
        for name in 0..names {
            starts[name + 1] += starts[name];
        }
        Self { starts, items: pairs.into_iter().map(|(_, item)| item).collect() }
    }

    pub(super) fn get(&self, name: usize) -> &[u32] {
        &self.items[self.starts[name] as usize..self.starts[name + 1] as usize]
    }
}

/// Everything that is known of an index without reading its stanzas. Names are numbered in byte order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tables {
    /// Where each stanza begins in the text.
    pub(super) stanzas: Vec<u32>,
    /// All names, one after the other.
    pub(super) names: String,
    /// Where each name ends in `names`.
    pub(super) name_ends: Vec<u32>,
    /// For each name the position of its first mention in each way, or [`NEVER`].
    pub(super) mentions: Vec<[u32; 4]>,
    /// Stanzas that have a name.
    pub(super) packages: Lists,
    /// Stanzas that provide a name.
    pub(super) provides: Lists,
}

impl Tables {
    /// Name number `number`.
    pub(super) fn name(&self, number: usize) -> &str {
        let start = number.checked_sub(1).map_or(0, |before| self.name_ends[before] as usize);
        &self.names[start..self.name_ends[number] as usize]
    }

    /// The number of a name.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.name_ends.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.name(middle).cmp(name) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

/// Collects tables while an index is read from top to bottom.
#[derive(Default)]
pub(super) struct TableBuilder<'t> {
    stanzas: Vec<u32>,
    numbers: HashMap<&'t str, u32>,
    names: Vec<&'t str>,
    mentions: Vec<[u32; 4]>,
    position: u32,
    packages: Vec<(u32, u32)>,
    provides: Vec<(u32, u32)>,
}

impl<'t> TableBuilder<'t> {
    /// Adds a stanza that begins at `start`.
    pub(super) fn add(&mut self, start: u32, fields: &Fields<'t>) {
        let number = u32::try_from(self.stanzas.len()).unwrap_or(NEVER);
        self.stanzas.push(start);
        let architecture = fields.get(Field::Architecture).unwrap_or_default();
        let (strong, weak) = match architecture {
            "all" => (Mention::Native, Mention::NativeWeak),
            _ => (Mention::Own, Mention::OwnWeak),
        };
        if let Some(name) = fields.get(Field::Package) {
            let name = self.mention(name, strong);
            self.packages.push((name, number));
        }
        let relations = [
            (Field::PreDepends, strong),
            (Field::Depends, strong),
            (Field::Conflicts, weak),
            (Field::Breaks, weak),
            (Field::Recommends, strong),
            (Field::Suggests, strong),
            (Field::Replaces, weak),
            (Field::Enhances, strong),
        ];
        for (field, mention) in relations {
            for target in targets(fields.get(field).unwrap_or_default()) {
                match target.split_once(':') {
                    None => _ = self.mention(target, mention),
                    Some((name, "native")) => _ = self.mention(name, Mention::Native),
                    Some((name, arch)) if arch == architecture => _ = self.mention(name, Mention::Own),
                    Some(_) => {}
                }
            }
        }
        let foreign = fields.get(Field::MultiArch) == Some("foreign");
        let mention = if foreign { Mention::NativeWeak } else { strong };
        for target in targets(fields.get(Field::Provides).unwrap_or_default()) {
            let name = target.split_once(':').map_or(target, |(name, _)| name);
            let name = self.mention(name, mention);
            if self.provides.last() != Some(&(name, number)) {
                self.provides.push((name, number));
            }
        }
    }

    fn mention(&mut self, name: &'t str, how: Mention) -> u32 {
        let number = *self.numbers.entry(name).or_insert_with(|| {
            self.names.push(name);
            self.mentions.push([NEVER; 4]);
            u32::try_from(self.names.len() - 1).unwrap_or(NEVER)
        });
        let first = &mut self.mentions[number as usize][how as usize];
        if *first == NEVER {
            *first = self.position;
            self.position = self.position.saturating_add(1);
        }
        number
    }

    /// The tables, names sorted.
    pub(super) fn finish(self) -> Tables {
        let mut order: Vec<usize> = (0..self.names.len()).collect();
        order.sort_unstable_by_key(|number| self.names[*number]);
        let mut sorted_number = vec![0_u32; order.len()];
        let mut tables = Tables { stanzas: self.stanzas, ..Tables::default() };
        for (sorted, number) in order.iter().enumerate() {
            sorted_number[*number] = u32::try_from(sorted).unwrap_or(NEVER);
            tables.names.push_str(self.names[*number]);
            tables.name_ends.push(u32::try_from(tables.names.len()).unwrap_or(NEVER));
            tables.mentions.push(self.mentions[*number]);
        }
        let renumber = |pairs: Vec<(u32, u32)>| {
            pairs.into_iter().map(|(name, item)| (sorted_number[name as usize], item)).collect()
        };
        tables.packages = Lists::new(order.len(), renumber(self.packages));
        let mut provides: Vec<(u32, u32)> = renumber(self.provides);
        provides.sort_unstable();
        provides.dedup();
        tables.provides = Lists::new(order.len(), provides);
        tables
    }
}

/// The target of each relation of a field, with its qualifier, without judging the rest.
fn targets(field: &str) -> impl Iterator<Item = &str> {
    let mut rest = field;
    std::iter::from_fn(move || {
        rest = rest.trim_ascii_start();
        if rest.is_empty() {
            return None;
        }
        let end = rest.find([' ', '\t', '\n', '(', ',', '|', '[', '<']).unwrap_or(rest.len());
        let target = &rest[..end];
        rest = match memchr::memchr2(b',', b'|', &rest.as_bytes()[end..]) {
            Some(separator) => &rest[end + separator + 1..],
            None => "",
        };
        Some(target)
    })
}
