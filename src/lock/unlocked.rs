//! What a lock does not have: named for people, with the reason and the way round it.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Point, Source};

use super::{LockError, RecipeItems};

/// What could not be locked for one reason. What an earlier lock had of it stays.
#[derive(Debug)]
pub struct Unlocked {
    /// What; never empty.
    pub items: Vec<UnlockedItem>,
    /// Why.
    pub reason: LockError,
}

/// An image, build or source at one point.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnlockedItem {
    /// File name of its recipe.
    pub recipe: String,
    /// `image`, `build` or `source`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its point.
    pub point: Point,
}

impl UnlockedItem {
    /// The item with its point: ``image `redis` (amd64, debian13)``.
    pub fn shown(&self) -> String {
        super::check::described(self.kind, &self.name, &self.point)
    }
}

impl From<Unlocked> for LockError {
    fn from(unlocked: Unlocked) -> Self {
        let items = summary(unlocked.items.iter());
        Self::Incomplete { items, reason: Box::new(unlocked.reason) }
    }
}

/// The sources of `recipes` that `which` is true of.
pub(super) fn unlocked_sources(
    recipes: &[RecipeItems<'_>],
    which: impl Fn(&Source) -> bool,
) -> Vec<UnlockedItem> {
    let all = recipes.iter().flat_map(|recipe| recipe.sources.iter().map(move |source| (recipe, source)));
    let item = |(recipe, source): (&RecipeItems<'_>, &Source)| UnlockedItem {
        recipe: recipe.name.clone(),
        kind: "source",
        name: source.name.clone(),
        point: source.point.clone(),
    };
    all.filter(|(_, source)| which(source)).map(item).collect()
}

/// The items in few words: each image, build and source once, with the labels that it has there.
pub fn summary<'a>(items: impl Iterator<Item = &'a UnlockedItem>) -> String {
    let mut points: BTreeMap<(&str, &str), Vec<&Point>> = BTreeMap::new();
    for item in items {
        points.entry((item.kind, &item.name)).or_default().push(&item.point);
    }
    // Images first: they are what a person asks for.
    let mut entries: Vec<_> = points.into_iter().collect();
    entries.sort_by_key(|((kind, name), _)| (*kind != "image", *kind, *name));
    let shown = entries.iter().map(|((kind, name), points)| {
        let labels = blocks(points).iter().map(|block| labels(block)).collect::<Vec<_>>().join("; ");
        if labels.is_empty() { format!("{kind} `{name}`") } else { format!("{kind} `{name}` ({labels})") }
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// The points in few groups, each of which has every combination of its labels.
fn blocks<'a>(points: &[&'a Point]) -> Vec<Vec<&'a Point>> {
    let axes: BTreeSet<&String> = points.iter().flat_map(|point| point.keys()).collect();
    let split = |axis: &&String| {
        let mut by_label: BTreeMap<Option<&String>, Vec<&'a Point>> = BTreeMap::new();
        points.iter().for_each(|point| by_label.entry(point.get(*axis)).or_default().push(point));
        let mut by_rest: BTreeMap<Vec<Point>, Vec<&'a Point>> = BTreeMap::new();
        for group in by_label.into_values() {
            let without =
                |point: &&Point| Point::from_iter(point.iter().filter(|(name, _)| name != axis).map(owned));
            by_rest.entry(group.iter().map(without).collect()).or_default().extend(group);
        }
        by_rest.into_values().collect::<Vec<_>>()
    };
    let parts = axes.iter().map(split).filter(|parts| parts.len() > 1).min_by_key(Vec::len);
    match parts {
        Some(parts) => parts.iter().flat_map(|part| blocks(part)).collect(),
        None => vec![points.to_vec()],
    }
}

fn owned((axis, label): (&String, &String)) -> (String, String) {
    (axis.clone(), label.clone())
}

/// The labels of each axis on which the points are, in the order of the axes' names.
fn labels(points: &[&Point]) -> String {
    let mut labels: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (axis, label) in points.iter().flat_map(|point| point.iter()) {
        labels.entry(axis).or_default().insert(label);
    }
    let joined = labels.values().map(|labels| labels.iter().copied().collect::<Vec<_>>().join(" "));
    joined.collect::<Vec<_>>().join(", ")
}

/// The option that leaves out what is not locked and takes what is, where one axis tells them apart.
pub fn narrowing(locked: &[&Point], unlocked: &[&Point]) -> Option<String> {
    let axes: BTreeSet<&String> = locked.iter().flat_map(|point| point.keys()).collect();
    let mut axes: Vec<&String> = axes.into_iter().collect();
    axes.sort_by_key(|axis| (*axis != "distro", *axis));
    axes.into_iter().find_map(|axis| {
        let of = |points: &[&Point], name: fn(&str) -> &str| -> BTreeSet<String> {
            points.iter().filter_map(|point| point.get(axis)).map(|label| name(label).to_owned()).collect()
        };
        // `debian` stands for `debian12` and `debian13`.
        let family: fn(&str) -> &str =
            |label| label.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.');
        let whole: fn(&str) -> &str = |label| label;
        let names = if axis == "distro" { vec![family, whole] } else { vec![whole] };
        names.into_iter().find_map(|name| {
            let (ours, others) = (of(locked, name), of(unlocked, name));
            let tells = ours.len() == 1 && ours.is_disjoint(&others);
            ours.into_iter().next().filter(|_| tells).map(|label| format!("--{axis} {label}"))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(points: &[[&str; 2]]) -> String {
        let item = |[arch, distro]: &[&str; 2]| UnlockedItem {
            recipe: "app.hb".to_owned(),
            kind: "image",
            name: "app".to_owned(),
            point: Point::from(
                [("arch", *arch), ("distro", *distro)]
                    .map(|(axis, label)| (axis.to_owned(), label.to_owned())),
            ),
        };
        summary(points.iter().map(item).collect::<Vec<_>>().iter())
    }

    #[test]
    fn nothing_is_named_that_is_locked() {
        let [a1, a2, b1, b2] = [["amd64", "x"], ["arm64", "x"], ["amd64", "y"], ["arm64", "y"]];
        assert_eq!(said(&[a1, a2, b1, b2]), "image `app` (amd64 arm64, x y)");
        assert_eq!(said(&[a1, a2, b2]), "image `app` (amd64, x; arm64, x y)");
        assert_eq!(said(&[a2]), "image `app` (arm64, x)");
        assert_eq!(said(&[a1, b2]), "image `app` (amd64, x; arm64, y)");
    }
}
