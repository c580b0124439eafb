//! Names and packages of all indexes together, made as they are met.
//!
//! A package that stands in several indexes is one here. Packages that are excluded provide nothing; a dependency
//! that only they would meet is left out, and kept apart.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Request, Selected, Universe};
use crate::distro::alpine::index::{Kind, NEVER, OWN, bucket};
use crate::distro::alpine::relation::Operator;

/// The set with no tag but that of the repositories without one.
pub(super) const UNTAGGED: u64 = 1;

/// At most this many different tags are known: they are bits of a number.
const MAX_TAGS: usize = 63;

/// A name by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NameId(u32);

/// A package by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PackageId(u32);

/// Something that has a name: a package of this name, or one that provides it. Without a version only relations
/// without one are met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Provider<'u> {
    pub(super) package: PackageId,
    pub(super) version: Option<&'u str>,
}

/// A relation to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dependency<'u> {
    pub(super) name: NameId,
    pub(super) conflict: bool,
    pub(super) constraint: Option<(Operator, &'u str)>,
}

impl<'u> Dependency<'u> {
    /// Whether it holds where this provider is what there is of the name.
    pub(super) fn holds(&self, provider: Option<Provider<'u>>) -> bool {
        let Some(provider) = provider else { return self.conflict };
        let met = match (self.constraint, provider.version) {
            (None, _) => true,
            (Some(_), None) => return self.conflict,
            (Some((operator, wanted)), Some(version)) => operator.admits(version, wanted),
        };
        met != self.conflict
    }
}

/// What the indexes say of a name.
#[derive(Debug)]
pub(super) struct Name<'u> {
    pub(super) text: &'u str,
    /// Its numbers in the indexes that have it: position of the index, number of the name.
    places: Vec<(usize, u32)>,
    is_loaded: bool,
    /// In the order of the indexes.
    pub(super) providers: Rc<[Provider<'u>]>,
    /// Providers that are excluded.
    pub(super) excluded: Rc<[Provider<'u>]>,
}

/// What the indexes say of a package.
#[derive(Debug)]
pub(super) struct Package<'u> {
    pub(super) selected: Selected,
    pub(super) name: NameId,
    pub(super) version: &'u str,
    /// The tags of the repositories that have it, as bits.
    pub(super) tags: u64,
    /// Whether it has no content: as with apk, it may come from any repository.
    pub(super) is_empty: bool,
    pub(super) priority: u64,
    /// Whether its entry is one that can be read.
    pub(super) is_usable: bool,
    pub(super) is_favoured: bool,
    pub(super) provides: Rc<[(NameId, Option<&'u str>)]>,
    pub(super) depends: Rc<[Dependency<'u>]>,
    pub(super) install_if: Rc<[Dependency<'u>]>,
    /// Dependencies that only excluded packages would meet.
    pub(super) cut: Vec<Dependency<'u>>,
}

/// Everything met so far.
pub(super) struct Pool<'u> {
    pub(super) universe: &'u Universe,
    request: &'u Request,
    names: Vec<Name<'u>>,
    packages: Vec<Package<'u>>,
    /// For each index the id of each of its names, or [`NEVER`].
    name_ids: Vec<Vec<u32>>,
    /// For each index the id of each of its packages, or [`NEVER`].
    package_ids: Vec<Vec<u32>>,
    tags: BTreeMap<&'u str, u64>,
}

impl NameId {
    pub(super) fn position(self) -> usize {
        self.0 as usize
    }
}

impl PackageId {
    pub(super) fn position(self) -> usize {
        self.0 as usize
    }
}

impl<'u> Pool<'u> {
    pub(super) fn new(universe: &'u Universe, request: &'u Request) -> Self {
        let mut tags = BTreeMap::new();
        for tag in universe.parts.iter().filter_map(|part| part.tag.as_deref()) {
            let next = 1 << (tags.len() + 1);
            if tags.len() < MAX_TAGS {
                tags.entry(tag).or_insert(next);
            }
        }
        let parts = || universe.parts.iter();
        Self {
            universe,
            request,
            names: Vec::new(),
            packages: Vec::new(),
            name_ids: parts().map(|part| vec![NEVER; part.index.name_count()]).collect(),
            package_ids: parts().map(|part| vec![NEVER; part.index.len()]).collect(),
            tags,
        }
    }

    /// How many names and packages were met.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.names.len(), self.packages.len())
    }

    pub(super) fn name(&self, id: NameId) -> &Name<'u> {
        &self.names[id.0 as usize]
    }

    pub(super) fn package(&self, id: PackageId) -> &Package<'u> {
        &self.packages[id.0 as usize]
    }

    /// The text of a package's name.
    pub(super) fn label(&self, id: PackageId) -> &'u str {
        self.name(self.package(id).name).text
    }

    /// The bit of a tag, if a repository has it; without a tag that of the repositories without one.
    pub(super) fn tag(&self, tag: Option<&str>) -> Option<u64> {
        tag.map_or(Some(UNTAGGED), |tag| self.tags.get(tag).copied())
    }

    /// The tags of a set, for people.
    pub(super) fn tag_names(&self, tags: u64) -> Vec<&'u str> {
        self.tags.iter().filter(|(_, bit)| tags & **bit != 0).map(|(tag, _)| *tag).collect()
    }

    /// The id of a name, if an index has it.
    pub(super) fn find(&mut self, text: &str) -> Option<NameId> {
        let parts = self.universe.parts.iter().enumerate();
        let (part, number) =
            parts.filter_map(|(position, part)| Some((position, part.index.find_name(text)?))).next()?;
        Some(self.name_at(part, number))
    }

    /// The id of a name of one index.
    fn name_at(&mut self, part: usize, number: u32) -> NameId {
        let known = self.name_ids[part][number as usize];
        if known != NEVER {
            return NameId(known);
        }
        let universe = self.universe;
        let text = universe.parts[part].index.name(number);
        let id = u32::try_from(self.names.len()).expect("all indexes together have fewer names than 2^32");
        let mut places = Vec::new();
        for (position, other) in universe.parts.iter().enumerate() {
            let found = if position == part { Some(number) } else { other.index.find_name(text) };
            if let Some(number) = found {
                self.name_ids[position][number as usize] = id;
                places.push((position, number));
            }
        }
        self.names.push(Name {
            text,
            places,
            is_loaded: false,
            providers: Rc::new([]),
            excluded: Rc::new([]),
        });
        NameId(id)
    }

    /// What orders names as apk's table does: by bucket, then the later made ones first.
    pub(super) fn table_order(&self, id: NameId) -> (u32, Reverse<Option<(usize, u32)>>) {
        let name = self.name(id);
        (bucket(name.text), Reverse(name.places.first().copied()))
    }

    /// Finds the providers of a name.
    pub(super) fn load_name(&mut self, id: NameId) {
        if std::mem::replace(&mut self.names[id.0 as usize].is_loaded, true) {
            return;
        }
        let universe = self.universe;
        let (mut providers, mut excluded) = (Vec::new(), Vec::new());
        for (part, number) in self.name(id).places.clone() {
            let index = &universe.parts[part].index;
            for [package, position] in index.providers(number) {
                let package_id = self.package_at(part, *package);
                let package = self.package(package_id);
                if package.selected.index != part {
                    continue;
                }
                let version = match *position {
                    OWN => Some(package.version),
                    position => package.provides[position as usize].1,
                };
                let list = if self.is_excluded(package_id) { &mut excluded } else { &mut providers };
                list.push(Provider { package: package_id, version });
            }
        }
        let name = &mut self.names[id.0 as usize];
        name.providers = providers.into();
        name.excluded = excluded.into();
    }

    fn is_excluded(&self, id: PackageId) -> bool {
        let name = self.label(id);
        self.request.exclude.contains(name)
            && !self.request.packages.iter().any(|wanted| !wanted.conflict && wanted.name == name)
    }

    /// The id of a package of one index; what it depends on is not looked at yet.
    fn package_at(&mut self, part: usize, number: u32) -> PackageId {
        let known = self.package_ids[part][number as usize];
        if known != NEVER {
            return PackageId(known);
        }
        let universe = self.universe;
        let (name, is_usable) = universe.parts[part].index.package_name(number);
        let name = self.name_at(part, name);
        let copies = self.copies(name, part, number);
        let id = u32::try_from(self.packages.len()).expect("all indexes have fewer packages than 2^32");
        let mut tags = 0;
        for (position, copy) in &copies {
            self.package_ids[*position][*copy as usize] = id;
            tags |= self.tag(universe.parts[*position].tag.as_deref()).unwrap_or_default();
        }
        let (part, number) = copies.first().copied().unwrap_or((part, number));
        let index = &universe.parts[part].index;
        let provides: Vec<_> = index
            .relations(number, Kind::Provides)
            .map(|relation| {
                let version = relation.constraint.map(|(_, version)| version);
                (self.name_at(part, relation.name), version)
            })
            .collect();
        let entry = index.package(number as usize);
        let favoured = self.request.favoured.get(entry.name());
        self.packages.push(Package {
            selected: Selected { index: part, package: number as usize },
            name,
            version: entry.version(),
            tags,
            is_empty: entry.installed_size() == 0,
            priority: entry.provider_priority(),
            is_usable,
            is_favoured: favoured.is_some_and(|version| version == entry.version()),
            provides: provides.into(),
            depends: Rc::new([]),
            install_if: Rc::new([]),
            cut: Vec::new(),
        });
        PackageId(id)
    }

    /// Where the same package stands, in the order of the indexes.
    fn copies(&self, name: NameId, part: usize, number: u32) -> Vec<(usize, u32)> {
        let parts = &self.universe.parts;
        let checksum = || parts[part].index.package(number as usize).checksum();
        let mut copies = Vec::new();
        for (position, place) in &self.name(name).places {
            if *position == part {
                copies.push((part, number));
                continue;
            }
            let index = &parts[*position].index;
            let own = index.providers(*place).iter().filter(|[_, kind]| *kind == OWN);
            let mut same = own.filter(|[other, _]| index.package(*other as usize).checksum() == checksum());
            copies.extend(same.next().map(|[other, _]| (*position, *other)));
        }
        copies
    }

    /// Finds what a package depends on and when it is installed of itself.
    pub(super) fn load_package(&mut self, id: PackageId) {
        if self.request.listed {
            return;
        }
        let install_if = self.relations(id, Kind::InstallIf);
        let (mut depends, mut cut) = (self.relations(id, Kind::Depends), Vec::new());
        if !self.request.exclude.is_empty() {
            for dependency in &depends {
                self.load_name(dependency.name);
            }
            (depends, cut) = depends.into_iter().partition(|dependency| !self.is_cut(dependency));
        }
        let package = &mut self.packages[id.0 as usize];
        package.depends = depends.into();
        package.install_if = install_if.into();
        package.cut = cut;
    }

    fn relations(&mut self, id: PackageId, kind: Kind) -> Vec<Dependency<'u>> {
        let Selected { index: part, package: number } = self.package(id).selected;
        let number = u32::try_from(number).unwrap_or(NEVER);
        let index = &self.universe.parts[part].index;
        let relations = index.relations(number, kind);
        relations
            .map(|relation| Dependency {
                name: self.name_at(part, relation.name),
                conflict: relation.conflict,
                constraint: relation.constraint,
            })
            .collect()
    }

    /// Whether only excluded packages meet a dependency.
    fn is_cut(&self, dependency: &Dependency<'u>) -> bool {
        let name = self.name(dependency.name);
        let meets = |providers: &[Provider<'u>]| providers.iter().any(|one| dependency.holds(Some(*one)));
        !dependency.conflict && meets(&name.excluded) && !meets(&name.providers)
    }

    /// The packages whose `install_if` mentions a name: the names of each, in the order of apk's table.
    pub(super) fn triggered(&mut self, id: NameId) -> Vec<NameId> {
        if self.request.listed {
            return Vec::new();
        }
        let universe = self.universe;
        let mut names = Vec::new();
        for (part, number) in self.name(id).places.clone() {
            for package in universe.parts[part].index.triggered(number) {
                let package = self.package_at(part, package);
                if !self.is_excluded(package) {
                    names.push(self.package(package).name);
                    names.extend(self.package(package).provides.iter().map(|(name, _)| *name));
                }
            }
        }
        names.sort_by_cached_key(|name| self.table_order(*name));
        names.dedup();
        names
    }

    /// A dependency as the index writes it.
    pub(super) fn describe(&self, dependency: &Dependency<'u>) -> String {
        let mut text = if dependency.conflict { "!".to_owned() } else { String::new() };
        text.push_str(self.name(dependency.name).text);
        if let Some((operator, version)) = dependency.constraint {
            text.push_str(&format!("{operator}{version}"));
        }
        text
    }
}
