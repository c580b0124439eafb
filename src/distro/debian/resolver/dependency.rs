//! The relations of a version, with their targets numbered, and whether a version or a provider meets them.

use std::rc::Rc;

use super::pool::{PackageId, Place, Pool, Provider, VersionId};
use crate::distro::debian::index::{Field, MultiArch};
use crate::distro::debian::relation::{Operator, Relation};
use crate::distro::debian::version;

/// What a relation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    PreDepends,
    Depends,
    Conflicts,
    Breaks,
    Recommends,
    Suggests,
}

impl Kind {
    /// Whether it forbids.
    pub(super) fn is_negative(self) -> bool {
        matches!(self, Self::Conflicts | Self::Breaks)
    }
}

/// How a relation bounds the version of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound<'u> {
    /// Any version.
    Free,
    /// As the relation states.
    Stated(Operator, &'u str),
    /// Any but this, as packages that stand beside themselves at another architecture demand.
    Other(&'u str),
}

/// One alternative of a relation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dependency<'u> {
    pub(super) kind: Kind,
    pub(super) target: PackageId,
    pub(super) bound: Bound<'u>,
    /// The next one of the list is an alternative to this.
    pub(super) or_next: bool,
    /// Follows from `Multi-Arch`.
    pub(super) implicit: bool,
}

impl Dependency<'_> {
    /// Whether a version of the target will do, or is what is forbidden. A provider that states no version meets
    /// only relations without a bound.
    pub(super) fn admits(&self, text: Option<&str>) -> bool {
        match (self.bound, text) {
            (Bound::Free, _) => true,
            (_, None) => false,
            (Bound::Stated(operator, wanted), Some(text)) => operator.admits(version::compare(text, wanted)),
            (Bound::Other(wanted), Some(text)) => version::compare(text, wanted).is_ne(),
        }
    }
}

/// The groups of alternatives of a list.
pub(super) fn groups<'d, 'u>(list: &'d [Dependency<'u>]) -> impl Iterator<Item = &'d [Dependency<'u>]> {
    list.chunk_by(|before, _| before.or_next)
}

impl<'u> Pool<'u> {
    /// Pre-Depends, Depends, Conflicts and Breaks of a version, in this order, then those that `Multi-Arch` implies.
    pub(super) fn dependencies(&mut self, id: VersionId) -> Rc<[Dependency<'u>]> {
        if let Some(known) = &self.version(id).dependencies {
            return Rc::clone(known);
        }
        let mut list = Vec::new();
        self.push_field(id, Kind::PreDepends, Field::PreDepends, &mut list);
        self.push_field(id, Kind::Depends, Field::Depends, &mut list);
        self.cut_excluded(id, &mut list);
        self.push_field(id, Kind::Conflicts, Field::Conflicts, &mut list);
        self.push_field(id, Kind::Breaks, Field::Breaks, &mut list);
        self.push_implied(id, &mut list);
        let list: Rc<[Dependency<'u>]> = list.into();
        self.version_mut(id).dependencies = Some(Rc::clone(&list));
        list
    }

    /// Recommends and Suggests of a version.
    pub(super) fn soft_dependencies(&mut self, id: VersionId) -> Rc<[Dependency<'u>]> {
        if let Some(known) = &self.version(id).soft_dependencies {
            return Rc::clone(known);
        }
        let mut list = Vec::new();
        self.push_field(id, Kind::Recommends, Field::Recommends, &mut list);
        self.push_field(id, Kind::Suggests, Field::Suggests, &mut list);
        let list: Rc<[Dependency<'u>]> = list.into();
        self.version_mut(id).soft_dependencies = Some(Rc::clone(&list));
        list
    }

    fn push_field(&mut self, id: VersionId, kind: Kind, field: Field, list: &mut Vec<Dependency<'u>>) {
        let Some(text) = self.version(id).stanza.field(field) else { return };
        let own_place = self.package(self.version(id).package).place;
        for relation in self.relations(id, text) {
            let bound =
                relation.constraint.map_or(Bound::Free, |(operator, text)| Bound::Stated(operator, text));
            let or_next = relation.or_next && !kind.is_negative();
            let mut push = |pool: &mut Self, place| {
                let target = pool.id(relation.name, place);
                list.push(Dependency { kind, target, bound, or_next, implicit: false });
            };
            match self.target_place(&relation, own_place) {
                // What is forbidden without a qualifier is forbidden at every architecture.
                Place::At(_) if kind.is_negative() => {
                    (0..self.places()).for_each(|place| push(self, Place::At(place)));
                }
                place => push(self, place),
            }
        }
    }

    fn target_place(&self, relation: &Relation<'u>, own: Place) -> Place {
        match relation.qualifier {
            None => own,
            Some("any") => Place::Any,
            Some(other) => Place::Only(self.architecture_place(other)),
        }
    }

    /// Packages of one name exclude each other across architectures, unless they are `Multi-Arch: same` and of
    /// one version.
    fn push_implied(&mut self, id: VersionId, list: &mut Vec<Dependency<'u>>) {
        let version = self.version(id);
        let (package, text, same) = (version.package, version.text, version.multi_arch == MultiArch::Same);
        let (name, place) = (self.package(package).name, self.package(package).place);
        for other in (0..self.places()).filter(|other| Place::At(*other) != place) {
            let target = self.id(name, Place::At(other));
            self.load(target);
            if self.package(target).versions.is_empty() {
                continue;
            }
            let (kind, bound) =
                if same { (Kind::Breaks, Bound::Other(text)) } else { (Kind::Conflicts, Bound::Free) };
            list.push(Dependency { kind, target, bound, or_next: false, implicit: true });
        }
    }

    /// Whether a relation does not concern its target itself: nothing conflicts with itself.
    pub(super) fn ignores_target(&self, owner: VersionId, dependency: &Dependency<'u>) -> bool {
        let owner = self.version(owner);
        let (own, target) = (self.package(owner.package), self.package(dependency.target));
        let same_group = own.name == target.name && matches!(target.place, Place::At(_));
        dependency.kind.is_negative()
            && same_group
            && (owner.package == dependency.target
                || (owner.multi_arch == MultiArch::Same && !dependency.implicit))
    }

    /// Whether a relation does not concern a provider of its target.
    pub(super) fn ignores_provider(
        &self,
        owner: VersionId,
        dependency: &Dependency<'u>,
        provider: &Provider<'u>,
    ) -> bool {
        let own = self.package(self.version(owner).package);
        dependency.kind.is_negative()
            && (dependency.implicit || self.package(provider.package).name == own.name)
    }

    /// Every version that could meet a relation, or that it forbids: those of its target, then the providers. Those
    /// of excluded packages come only `with_excluded`.
    pub(super) fn targets(
        &mut self,
        owner: VersionId,
        dependency: &Dependency<'u>,
        with_excluded: bool,
    ) -> Vec<VersionId> {
        self.load(dependency.target);
        let providers = self.providers(dependency.target);
        let mut found = Vec::new();
        if !self.ignores_target(owner, dependency) {
            let versions = self.package(dependency.target).versions.iter().copied();
            found.extend(versions.filter(|version| dependency.admits(Some(self.version(*version).text))));
        }
        for provider in providers.iter() {
            if !self.ignores_provider(owner, dependency, provider) && dependency.admits(provider.provided) {
                found.push(provider.version);
            }
        }
        found.retain(|version| with_excluded || !self.package(self.version(*version).package).excluded);
        found
    }

    /// Takes out the groups that only excluded packages could meet, and remembers them.
    fn cut_excluded(&mut self, id: VersionId, list: &mut Vec<Dependency<'u>>) {
        if !self.has_exclusions() {
            return;
        }
        let mut kept = Vec::with_capacity(list.len());
        for group in groups(list) {
            let met_by = |pool: &mut Self, with_excluded| {
                group.iter().any(|dependency| !pool.targets(id, dependency, with_excluded).is_empty())
            };
            if !met_by(self, false) && met_by(self, true) {
                let text = self.describe(group);
                self.version_mut(id).cut.push(text);
            } else {
                kept.extend_from_slice(group);
            }
        }
        *list = kept;
    }

    /// A group as Debian writes it.
    pub(super) fn describe(&self, group: &[Dependency<'u>]) -> String {
        let one = |dependency: &Dependency<'u>| {
            let target = self.package(dependency.target);
            let name = match target.place {
                Place::At(_) | Place::Only(None) => target.name.to_owned(),
                _ => self.label(dependency.target),
            };
            match dependency.bound {
                Bound::Free => name,
                Bound::Stated(operator, version) => format!("{name} ({operator} {version})"),
                Bound::Other(version) => format!("{name} (other than {version})"),
            }
        };
        group.iter().map(one).collect::<Vec<_>>().join(" | ")
    }
}
