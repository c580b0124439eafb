//! The variants of one recipe on their axes, and conditions and values over them.
//!
//! Everything that a recipe says at some of its variants is a function from variants to code. This module writes
//! such a function as a person would: as it is where it is constant, as a `match` on the axis that tells the cases
//! apart, as a column of the table of releases, as conditions of `when`.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Distro, Flavor};

use super::code::{self, is_sign};

/// Variants, by their numbers.
pub type Set = BTreeSet<usize>;

/// A variant: its place on each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Variant {
    /// Index of the row of the table of releases.
    pub row: usize,
    /// Index of the distro.
    pub distro: usize,
    /// Index of the profile.
    pub profile: usize,
    /// Flavor.
    pub flavor: Flavor,
}

/// A row of the table of releases.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its label.
    pub label: String,
    /// Its version.
    pub version: String,
}

/// A column of the table beside version and distros.
#[derive(Debug, Clone)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Values by row.
    pub values: Vec<Option<String>>,
}

/// The axes of one recipe and the variants there are.
#[derive(Debug, Default)]
pub struct Grid {
    /// Rows of the table; none where no definition has a version.
    pub rows: Vec<Row>,
    /// Whether every version is made of numbers.
    pub numeric: bool,
    /// Distros.
    pub distros: Vec<Distro>,
    /// Profiles; the ordinary one is `standard`.
    pub profiles: Vec<String>,
    /// Variants in order.
    pub variants: Vec<Variant>,
    /// Columns that values were put in.
    pub columns: RefCell<Vec<Column>>,
    /// Products that were asked for.
    pub known: RefCell<BTreeMap<Set, Vec<Set>>>,
}

/// The axes that tell variants apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// `distro`.
    Distro,
    /// `release`.
    Release,
    /// `profile`.
    Profile,
    /// `flavor`.
    Flavor,
}

const AXES: [Axis; 4] = [Axis::Distro, Axis::Release, Axis::Profile, Axis::Flavor];

/// Whether what the hint is about belongs to a release rather than to a distro.
fn follows_release(hint: &str) -> bool {
    const ENDINGS: [&str; 11] = [
        "released",
        "end-of-life",
        "end-of-support",
        "commit",
        "sha256",
        "version",
        "license",
        "sha",
        "digest",
        "purl",
        "title",
    ];
    ENDINGS.iter().any(|ending| hint.ends_with(ending))
}

impl Grid {
    /// All variants.
    pub fn all(&self) -> Set {
        (0..self.variants.len()).collect()
    }

    /// Those of a flavor.
    pub fn of_flavor(&self, flavor: Flavor) -> Set {
        self.all().into_iter().filter(|variant| self.variants[*variant].flavor == flavor).collect()
    }

    /// The place of a variant on an axis.
    pub fn at(&self, variant: usize, axis: Axis) -> usize {
        let variant = self.variants[variant];
        match axis {
            Axis::Distro => variant.distro,
            Axis::Release => variant.row,
            Axis::Profile => variant.profile,
            Axis::Flavor => variant.flavor as usize,
        }
    }

    fn labels(&self, set: &Set, axis: Axis) -> BTreeSet<usize> {
        set.iter().map(|variant| self.at(*variant, axis)).collect()
    }

    /// The code of the function: `absent` stands where a `match` must have an arm and there is no variant.
    pub fn value(&self, values: &BTreeMap<usize, String>, absent: &str, hint: &str) -> String {
        let mut distinct: Vec<&String> = Vec::new();
        values.values().for_each(|value| {
            if !distinct.contains(&value) {
                distinct.push(value);
            }
        });
        match distinct.as_slice() {
            [] => return absent.to_owned(),
            [only] => return (*only).clone(),
            _ => {}
        }
        let split = |axis: &Axis| self.split(values, *axis);
        let tells = |parts: &BTreeMap<usize, BTreeMap<usize, String>>| {
            parts.values().all(|part| part.values().collect::<BTreeSet<_>>().len() == 1)
        };
        let by_row = split(&Axis::Release);
        if self.rows.len() > 1
            && follows_release(hint)
            && tells(&by_row)
            && let Some(column) = self.column(&by_row, hint)
        {
            return column;
        }
        let telling = AXES.iter().find(|axis| tells(&split(axis)));
        let order = [Axis::Distro, Axis::Profile, Axis::Flavor, Axis::Release];
        let axis = telling.or_else(|| order.iter().find(|axis| split(axis).len() > 1)).copied();
        let Some(axis) = axis else { return distinct[0].clone() };
        let parts = self.split(values, axis);
        if axis == Axis::Release
            && let Some(column) = self.column(&parts, hint)
        {
            return column;
        }
        let arm = |place: usize| {
            let hint = self.hint(hint, axis, place);
            parts.get(&place).map(|part| self.value(part, absent, &hint))
        };
        self.arms(axis, arm, absent)
    }

    fn hint(&self, hint: &str, axis: Axis, place: usize) -> String {
        match axis {
            Axis::Distro if hint.is_empty() => self.distros[place].family.to_string(),
            Axis::Distro => format!("{hint}-{}", self.distros[place].family),
            Axis::Profile => format!("{hint}-{}", self.profiles[place]),
            _ => hint.to_owned(),
        }
    }

    fn split(
        &self,
        values: &BTreeMap<usize, String>,
        axis: Axis,
    ) -> BTreeMap<usize, BTreeMap<usize, String>> {
        let mut parts: BTreeMap<usize, BTreeMap<usize, String>> = BTreeMap::new();
        for (variant, value) in values {
            parts.entry(self.at(*variant, axis)).or_default().insert(*variant, value.clone());
        }
        parts
    }

    /// A `match` on the axis, with an arm for each of its values.
    pub fn arms(&self, axis: Axis, arm: impl Fn(usize) -> Option<String>, absent: &str) -> String {
        let or_absent = |value: Option<String>| value.unwrap_or_else(|| absent.to_owned());
        let (subject, arms): (&str, Vec<(String, String)>) = match axis {
            Axis::Distro => return self.distro_arms(arm, absent),
            Axis::Release => {
                let label = |(place, row): (usize, &Row)| (code::string(&row.label), or_absent(arm(place)));
                ("release", self.rows.iter().enumerate().map(label).collect())
            }
            Axis::Profile => {
                let label = |(place, name): (usize, &String)| (code::string(name), or_absent(arm(place)));
                ("profile", self.profiles.iter().enumerate().map(label).collect())
            }
            Axis::Flavor => {
                let flavors = self.labels(&self.all(), Axis::Flavor);
                let label = |place: usize| {
                    let name = if place == Flavor::Dev as usize { "dev" } else { "runtime" };
                    (name.to_owned(), or_absent(arm(place)))
                };
                ("flavor", flavors.into_iter().map(label).collect())
            }
        };
        let arms: Vec<String> = arms.iter().map(|(label, value)| format!("{label} => {value}")).collect();
        format!("match {subject} {{ {} }}", arms.join(", "))
    }

    /// A `match` on the distro: one arm for a family whose releases agree.
    fn distro_arms(&self, arm: impl Fn(usize) -> Option<String>, absent: &str) -> String {
        let mut families: BTreeMap<String, Vec<(usize, Option<String>)>> = BTreeMap::new();
        for (place, distro) in self.distros.iter().enumerate() {
            families.entry(distro.family.to_string()).or_default().push((place, arm(place)));
        }
        let mut arms = Vec::new();
        for (family, members) in families {
            let known: BTreeSet<&String> = members.iter().filter_map(|(_, value)| value.as_ref()).collect();
            match known.into_iter().collect::<Vec<_>>().as_slice() {
                [] => arms.push(format!("{family} => {absent}")),
                [only] => arms.push(format!("{family} => {only}")),
                _ => {
                    for (place, value) in &members {
                        let value = value.clone().unwrap_or_else(|| absent.to_owned());
                        arms.push(format!("{} => {value}", self.distro(*place)));
                    }
                }
            }
        }
        format!("match distro {{ {} }}", arms.join(", "))
    }

    /// A distro as the language writes it.
    pub fn distro(&self, place: usize) -> String {
        let distro = &self.distros[place];
        format!("{}({})", distro.family, code::string(&distro.release))
    }

    /// The column of the table that holds the values, where they are plain strings or numbers.
    fn column(&self, parts: &BTreeMap<usize, BTreeMap<usize, String>>, hint: &str) -> Option<String> {
        let mut values: Vec<Option<String>> = vec![None; self.rows.len()];
        for (row, part) in parts {
            let mut distinct = part.values();
            let first = distinct.next()?;
            let plain = first.starts_with('"') && !first.starts_with("\"\"\"") && !first.contains(is_sign);
            let one =
                matches!(code::pieces(first).as_slice(), [code::Piece::Code(""), _, code::Piece::Code("")]);
            if !plain || !one || distinct.any(|other| other != first) {
                return None;
            }
            values[*row] = Some(first.clone());
        }
        let mut columns = self.columns.borrow_mut();
        if let Some(known) = columns.iter().find(|column| column.values == values) {
            return Some(format!("release.{}", known.name));
        }
        let wanted = if hint.is_empty() { "value".to_owned() } else { code::name(hint) };
        let taken = |name: &str| {
            ["version", "distros"].contains(&name) || columns.iter().any(|column| column.name == name)
        };
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let name = std::iter::once(wanted.clone()).chain(numbered).find(|name| !taken(name))?;
        columns.push(Column { name: name.clone(), values });
        Some(format!("release.{name}"))
    }

    /// Conditions, each a product over the axes, that no two variants share and that together make up the set. The
    /// empty condition holds everywhere.
    pub fn conditions(&self, set: &Set) -> Vec<(String, Set)> {
        let products = self.products(set);
        products.into_iter().map(|part| (self.condition(&part), part)).collect()
    }

    fn products(&self, set: &Set) -> Vec<Set> {
        if set.is_empty() {
            return Vec::new();
        }
        if let Some(known) = self.known.borrow().get(set) {
            return known.clone();
        }
        let found = self.split_into_products(set);
        self.known.borrow_mut().insert(set.clone(), found.clone());
        found
    }

    fn split_into_products(&self, set: &Set) -> Vec<Set> {
        if self.product(set, &AXES) == *set {
            return vec![set.clone()];
        }
        let mut best: Option<Vec<Set>> = None;
        for axis in [Axis::Flavor, Axis::Profile, Axis::Distro, Axis::Release] {
            let labels = self.labels(set, axis);
            if labels.len() < 2 {
                continue;
            }
            let part = |label: &usize| -> Set {
                set.iter().copied().filter(|variant| self.at(*variant, axis) == *label).collect()
            };
            let found: Vec<Set> = labels.iter().flat_map(|label| self.products(&part(label))).collect();
            if best.as_ref().is_none_or(|best| found.len() < best.len()) {
                best = Some(found);
            }
        }
        best.unwrap_or_else(|| vec![set.clone()])
    }

    /// All variants whose places on the axes are places of the set.
    fn product(&self, set: &Set, axes: &[Axis]) -> Set {
        let labels: Vec<(Axis, BTreeSet<usize>)> =
            axes.iter().map(|axis| (*axis, self.labels(set, *axis))).collect();
        let inside =
            |variant: &usize| labels.iter().all(|(axis, labels)| labels.contains(&self.at(*variant, *axis)));
        self.all().into_iter().filter(inside).collect()
    }

    /// The condition of a product, with as few axes as will do.
    fn condition(&self, set: &Set) -> String {
        let mut axes = AXES.to_vec();
        for axis in [Axis::Release, Axis::Profile, Axis::Distro, Axis::Flavor] {
            let fewer: Vec<Axis> = axes.iter().copied().filter(|other| *other != axis).collect();
            if self.product(set, &fewer) == *set {
                axes = fewer;
            }
        }
        let parts: Vec<String> = axes.iter().map(|axis| self.test(*axis, &self.labels(set, *axis))).collect();
        match parts.as_slice() {
            [one] => match one.strip_prefix('(').and_then(|one| one.strip_suffix(')')) {
                Some(inner) => inner.to_owned(),
                None => one.clone(),
            },
            _ => parts.join(" and "),
        }
    }

    fn test(&self, axis: Axis, labels: &BTreeSet<usize>) -> String {
        let any = |tests: Vec<String>| match tests.as_slice() {
            [one] => one.clone(),
            _ => format!("({})", tests.join(" or ")),
        };
        match axis {
            Axis::Flavor => {
                let dev = labels.contains(&(Flavor::Dev as usize));
                format!("flavor == {}", if dev { "dev" } else { "runtime" })
            }
            Axis::Profile => any(labels
                .iter()
                .map(|at| format!("profile == {}", code::string(&self.profiles[*at])))
                .collect()),
            Axis::Release => any(labels
                .iter()
                .map(|at| format!("release == {}", code::string(&self.rows[*at].label)))
                .collect()),
            Axis::Distro => {
                let family = self.distros[*labels.first().unwrap_or(&0)].family;
                let whole: BTreeSet<usize> =
                    (0..self.distros.len()).filter(|at| self.distros[*at].family == family).collect();
                if whole == *labels {
                    return format!("distro is {family}");
                }
                any(labels.iter().map(|at| format!("distro is {}", self.distro(*at))).collect())
            }
        }
    }
}
