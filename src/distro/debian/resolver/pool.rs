//! The packages, versions and relations that a resolution has come across, numbered as they are met.
//!
//! Receives names; reads stanzas of the universe when they are first needed, and each of them once. Never decides
//! anything: what is chosen stands in the solver's state.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::dependency::Dependency;
use super::{ResolveError, Selected, Universe};
use crate::distro::debian::index::{Field, MultiArch, NameNumber, Priority, Stanza};
use crate::distro::debian::relation::{self, Operator, Relation};
use crate::distro::debian::version;

/// What [`Pool::born`] says of a package that no index mentions.
pub(super) const NEVER_BORN: (usize, u32) = (usize::MAX, 0);

/// A package: a name at an architecture, or the target of a relation with a qualifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PackageId(u32);

impl PackageId {
    pub(super) fn position(self) -> usize {
        self.0 as usize
    }
}

/// One version of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct VersionId(u32);

/// The architecture part of a package's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    /// At an architecture of the universe, by its number; 0 is native, and has the packages for all.
    At(usize),
    /// The target `name:any`.
    Any,
    /// The target `name:arch`; none for an architecture that the universe has not.
    Only(Option<usize>),
}

/// A package.
#[derive(Debug)]
pub(super) struct Package<'u> {
    pub(super) name: &'u str,
    pub(super) place: Place,
    /// Newest first; of equal versions the first of the first index.
    pub(super) versions: Vec<VersionId>,
    pub(super) essential: bool,
    pub(super) important: bool,
    pub(super) excluded: bool,
    numbers: Vec<Option<NameNumber>>,
    loaded: bool,
    providers: Option<Rc<[Provider<'u>]>>,
}

/// A version.
#[derive(Debug)]
pub(super) struct Version<'u> {
    pub(super) package: PackageId,
    pub(super) text: &'u str,
    pub(super) selected: Selected,
    pub(super) multi_arch: MultiArch,
    pub(super) priority: Priority,
    pub(super) stanza: Stanza<'u>,
    pub(super) dependencies: Option<Rc<[Dependency<'u>]>>,
    pub(super) soft_dependencies: Option<Rc<[Dependency<'u>]>>,
    /// Dependencies that only excluded packages could satisfy.
    pub(super) cut: Vec<String>,
}

/// A version that provides a package.
#[derive(Debug, Clone, Copy)]
pub(super) struct Provider<'u> {
    pub(super) package: PackageId,
    pub(super) version: VersionId,
    /// The version in which it is provided.
    pub(super) provided: Option<&'u str>,
    /// Follows from `Multi-Arch`, not from `Provides`.
    pub(super) implicit: bool,
}

/// Everything met so far.
pub(super) struct Pool<'u> {
    pub(super) universe: &'u Universe,
    exclude: &'u BTreeSet<String>,
    requested: BTreeSet<&'u str>,
    packages: Vec<Package<'u>>,
    versions: Vec<Version<'u>>,
    ids: HashMap<(&'u str, Place), PackageId>,
    by_stanza: HashMap<Selected, VersionId>,
    /// The architecture of each index that is one of the universe's.
    index_places: Vec<Option<usize>>,
    /// The first stanza that could not be read.
    pub(super) error: Option<ResolveError>,
}

impl<'u> Pool<'u> {
    /// An empty pool. Excluded packages that are `requested` count as not excluded.
    pub(super) fn new(
        universe: &'u Universe,
        exclude: &'u BTreeSet<String>,
        requested: BTreeSet<&'u str>,
    ) -> Self {
        let place_of_index = |index: &'u crate::distro::debian::index::Index| {
            let stanza = index.stanzas().find(|stanza| stanza.architecture() != "all")?;
            universe.architectures.iter().position(|it| it == stanza.architecture())
        };
        Self {
            universe,
            exclude,
            requested,
            packages: Vec::new(),
            versions: Vec::new(),
            ids: HashMap::new(),
            by_stanza: HashMap::new(),
            index_places: universe.indexes.iter().map(|index| place_of_index(index)).collect(),
            error: None,
        }
    }

    /// How many packages there are; their ids are below it.
    pub(super) fn len(&self) -> usize {
        self.packages.len()
    }

    pub(super) fn package(&self, id: PackageId) -> &Package<'u> {
        &self.packages[id.position()]
    }

    pub(super) fn version(&self, id: VersionId) -> &Version<'u> {
        &self.versions[id.0 as usize]
    }

    pub(super) fn version_mut(&mut self, id: VersionId) -> &mut Version<'u> {
        &mut self.versions[id.0 as usize]
    }

    /// Whether anything may be excluded.
    pub(super) fn has_exclusions(&self) -> bool {
        !self.exclude.is_empty()
    }

    /// How many architectures there are.
    pub(super) fn places(&self) -> usize {
        self.universe.architectures.len()
    }

    /// The name for people: with its architecture where that is not the image's.
    pub(super) fn label(&self, id: PackageId) -> String {
        let package = self.package(id);
        match package.place {
            Place::At(place) if place > 0 => {
                format!("{}:{}", package.name, self.universe.architectures[place])
            }
            Place::Only(Some(place)) => format!("{}:{}", package.name, self.universe.architectures[place]),
            Place::Any => format!("{}:any", package.name),
            _ => package.name.to_owned(),
        }
    }

    /// The id of a package, which need not exist in any index.
    pub(super) fn id(&mut self, name: &'u str, place: Place) -> PackageId {
        *self.ids.entry((name, place)).or_insert_with(|| {
            self.packages.push(Package {
                name,
                place,
                versions: Vec::new(),
                essential: false,
                important: false,
                excluded: false,
                numbers: Vec::new(),
                loaded: false,
                providers: None,
            });
            PackageId(u32::try_from(self.packages.len() - 1).expect("fewer packages than bytes of index"))
        })
    }

    /// Reads the versions of a package, once.
    pub(super) fn load(&mut self, id: PackageId) {
        let Package { name, place, loaded, .. } = *self.package(id);
        if loaded {
            return;
        }
        let universe = self.universe;
        let numbers: Vec<_> = universe.indexes.iter().map(|index| index.name_number(name)).collect();
        let mut versions = Vec::new();
        if let Place::At(place) = place {
            for (position, index) in universe.indexes.iter().enumerate() {
                let Some(number) = numbers[position] else { continue };
                for stanza in index.numbered_packages(number) {
                    let selected = Selected { index: position, stanza };
                    self.load_version(id, place, selected, index.stanza(stanza), &mut versions);
                }
            }
        }
        versions.sort_by(|left, right| version::compare(self.version(*right).text, self.version(*left).text));
        let excluded = self.is_excluded(name, place);
        let package = &mut self.packages[id.position()];
        package.versions = versions;
        package.numbers = numbers;
        package.excluded = excluded;
        package.loaded = true;
        // apt takes itself for essential.
        if name == "apt" {
            package.essential = true;
            package.important = true;
        }
    }

    fn is_excluded(&self, name: &str, place: Place) -> bool {
        let Place::At(place) = place else { return false };
        if self.exclude.is_empty() || self.requested.contains(name) {
            return false;
        }
        self.exclude.contains(name)
            || self.exclude.contains(&format!("{name}:{}", self.universe.architectures[place]))
    }

    /// Adds one stanza to the versions of a package, unless it is for another architecture or repeats one.
    fn load_version(
        &mut self,
        id: PackageId,
        place: usize,
        selected: Selected,
        stanza: Stanza<'u>,
        versions: &mut Vec<VersionId>,
    ) {
        let architecture = stanza.architecture();
        let all = architecture == "all";
        if architecture != self.universe.architectures[place] && !(all && place == 0) {
            return;
        }
        let package = &mut self.packages[id.position()];
        package.essential |= stanza.essential();
        package.important |= stanza.protected();
        if versions.iter().any(|known| same_build(&self.versions[known.0 as usize].stanza, &stanza)) {
            return;
        }
        let version =
            VersionId(u32::try_from(self.versions.len()).expect("fewer versions than bytes of index"));
        self.versions.push(Version {
            package: id,
            text: stanza.version(),
            selected,
            multi_arch: stanza.multi_arch(),
            priority: stanza.priority(),
            stanza,
            dependencies: None,
            soft_dependencies: None,
            cut: Vec::new(),
        });
        self.by_stanza.insert(selected, version);
        versions.push(version);
    }

    /// The versions that provide a package, the last one of the indexes first, as apt lists them.
    pub(super) fn providers(&mut self, id: PackageId) -> Rc<[Provider<'u>]> {
        if let Some(providers) = &self.package(id).providers {
            return Rc::clone(providers);
        }
        self.load(id);
        let mut found = Vec::new();
        self.stated_providers(id, &mut found);
        self.implied_providers(id, &mut found);
        found.reverse();
        let providers: Rc<[Provider<'u>]> = found.into();
        self.packages[id.position()].providers = Some(Rc::clone(&providers));
        providers
    }

    /// Those that say so in `Provides`.
    fn stated_providers(&mut self, id: PackageId, found: &mut Vec<Provider<'u>>) {
        let universe = self.universe;
        let (name, place) = (self.package(id).name, self.package(id).place);
        for (position, index) in universe.indexes.iter().enumerate() {
            let Some(number) = self.package(id).numbers[position] else { continue };
            for stanza in index.numbered_providers(number) {
                let Some(version) = self.version_of(Selected { index: position, stanza }) else { continue };
                let field = self.version(version).stanza.field(Field::Provides).unwrap_or_default();
                let stated = self.relations(version, field);
                for relation in stated.iter().filter(|relation| relation.name == name) {
                    if let Some(provider) = self.stated_provider(place, name, version, relation) {
                        found.push(provider);
                    }
                }
            }
        }
    }

    /// What one `Provides` means for the target `name` at `place`.
    fn stated_provider(
        &self,
        place: Place,
        name: &str,
        version: VersionId,
        relation: &Relation<'u>,
    ) -> Option<Provider<'u>> {
        let owner = self.version(version);
        let owner_place = self.package(owner.package).place;
        let provided = match relation.constraint {
            None => None,
            Some((Operator::Equal, version)) => Some(version),
            Some(_) => return None,
        };
        let qualified_place = relation.qualifier.and_then(|it| self.architecture_place(it));
        let (applies, implicit) = match (place, relation.qualifier) {
            (Place::At(_), None) => (owner.multi_arch == MultiArch::Foreign || owner_place == place, false),
            (Place::At(at), Some(_)) => (qualified_place == Some(at), true),
            (Place::Any, None) => (owner.multi_arch == MultiArch::Allowed, true),
            (Place::Any, Some(qualifier)) => (qualifier == "any", false),
            (Place::Only(at), None) => (at.is_some_and(|at| owner_place == Place::At(at)), true),
            (Place::Only(at), Some(_)) => (at.is_some() && qualified_place == at, false),
        };
        let itself = self.package(owner.package).name == name
            && owner_place == place
            && provided.is_none_or(|version| version == owner.text);
        (applies && !itself).then_some(Provider { package: owner.package, version, provided, implicit })
    }

    /// Those that follow from `Multi-Arch`: a foreign package serves every architecture, an allowed one `:any`.
    fn implied_providers(&mut self, id: PackageId, found: &mut Vec<Provider<'u>>) {
        let (name, place) = (self.package(id).name, self.package(id).place);
        for other in 0..self.places() {
            let wanted = match place {
                Place::At(at) if at == other => continue,
                Place::At(_) => Some(MultiArch::Foreign),
                Place::Any => Some(MultiArch::Allowed),
                Place::Only(at) if at == Some(other) => None,
                Place::Only(_) => continue,
            };
            let sibling = self.id(name, Place::At(other));
            self.load(sibling);
            for version in self.package(sibling).versions.iter().rev() {
                let owner = self.version(*version);
                if wanted.is_none_or(|wanted| owner.multi_arch == wanted) {
                    let provided = Some(owner.text);
                    found.push(Provider { package: sibling, version: *version, provided, implicit: true });
                }
            }
        }
    }

    /// The version that a stanza brought, loading its package; none if it repeats another.
    fn version_of(&mut self, selected: Selected) -> Option<VersionId> {
        let stanza = self.universe.indexes[selected.index].stanza(selected.stanza);
        let place = match stanza.architecture() {
            "all" => 0,
            other => self.architecture_place(other)?,
        };
        let owner = self.id(stanza.package(), Place::At(place));
        self.load(owner);
        self.by_stanza.get(&selected).copied()
    }

    /// The number of an architecture of the universe.
    pub(super) fn architecture_place(&self, architecture: &str) -> Option<usize> {
        match architecture {
            "native" => Some(0),
            other => self.universe.architectures.iter().position(|it| it == other),
        }
    }

    /// The relations of a field of a version; one that cannot be read counts as empty and ends the resolution.
    pub(super) fn relations(&mut self, owner: VersionId, field: &'u str) -> Vec<Relation<'u>> {
        relation::parse(field).unwrap_or_else(|source| {
            let version = self.version(owner);
            let package = self.package(version.package).name.to_owned();
            let error = ResolveError::Relations { package, version: version.text.to_owned(), source };
            self.error.get_or_insert(error);
            Vec::new()
        })
    }

    /// When apt would have first met a package: number of the index and position in it.
    pub(super) fn born(&self, id: PackageId) -> (usize, u32) {
        let package = self.package(id);
        let Place::At(place) = package.place else { return NEVER_BORN };
        let mut events = Vec::new();
        for (position, index) in self.universe.indexes.iter().enumerate() {
            let Some(number) = package.numbers.get(position).copied().flatten() else { continue };
            let mention = index.first_mention(number);
            let own = self.index_places[position];
            let kinds = [
                (mention.own, own, false),
                (mention.native, Some(0), false),
                (mention.own_weak, own, true),
                (mention.native_weak, Some(0), true),
            ];
            for (at, place, weak) in kinds {
                if let (Some(at), Some(place)) = (at, place) {
                    events.push(((position, at), place, weak));
                }
            }
        }
        events.sort_unstable();
        // A weak mention counts only if it is the first of the name at any architecture.
        let found =
            events.iter().enumerate().find(|(nth, (_, at, weak))| *at == place && (!*weak || *nth == 0));
        found.map_or(NEVER_BORN, |(_, (at, _, _))| *at)
    }
}

/// Whether two stanzas of one package describe one version, as apt judges it.
fn same_build(left: &Stanza<'_>, right: &Stanza<'_>) -> bool {
    let normal = |stanza: &Stanza<'_>, field: Field| -> Vec<u8> {
        let text = stanza.field(field).unwrap_or_default().to_ascii_lowercase().replace("0:", "");
        text.into_bytes().into_iter().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').collect()
    };
    let fields = [
        Field::InstalledSize,
        Field::Depends,
        Field::PreDepends,
        Field::Conflicts,
        Field::Breaks,
        Field::Replaces,
    ];
    version::compare(left.version(), right.version()).is_eq()
        && left.size() == right.size()
        && left.multi_arch() == right.multi_arch()
        && (left.architecture() == "all") == (right.architecture() == "all")
        && fields.iter().all(|field| {
            left.field(*field) == right.field(*field) || normal(left, *field) == normal(right, *field)
        })
}
