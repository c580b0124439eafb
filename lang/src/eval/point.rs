//! Points of the axes: one value for each axis that something varies over.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::value::{Kind, Value};
use crate::recipe;

/// One axis at one value.
#[derive(Debug, Clone)]
pub struct AxisValue {
    /// The axis.
    pub axis: Rc<str>,
    /// The value's label.
    pub label: Rc<str>,
    /// The value.
    pub value: Value,
    /// The label's place on its axis.
    pub place: usize,
    /// The number of the axis's name among all files.
    pub number: u32,
    /// What tells it from other values of axes of this name: a label may have several, one for each value of the
    /// axis that its own depends on.
    pub identity: u16,
}

/// The axes beyond this number are not told apart.
const AXES: u32 = 63;
/// Axes that a [`PointKey`] has room for.
const KEY_AXES: usize = 8;

/// What tells a point from others on some axes.
pub type PointKey = [u16; KEY_AXES];

impl AxisValue {
    /// The bit that stands for its axis.
    pub fn bit(&self) -> u64 {
        1 << self.number.min(AXES)
    }
}

/// A point, in the order of the file's axes.
#[derive(Debug, Clone, Default)]
pub struct Point {
    /// One for each axis.
    pub axes: Vec<AxisValue>,
}

impl Point {
    /// The value on `axis`.
    pub fn get(&self, axis: &str) -> Option<&AxisValue> {
        self.axes.iter().find(|value| &*value.axis == axis)
    }

    /// The point without the axes that `keep` refuses.
    pub fn project(&self, keep: impl Fn(&str) -> bool) -> Point {
        Point { axes: self.axes.iter().filter(|value| keep(&value.axis)).cloned().collect() }
    }

    /// What tells it from other points on the axes with these bits; `None` where they are too many.
    pub fn key(&self, axes: u64) -> Option<PointKey> {
        let mut key = PointKey::default();
        let mut slots = key.iter_mut();
        if axes >> AXES != 0 {
            return None;
        }
        for value in self.axes.iter().filter(|value| value.bit() & axes != 0) {
            *slots.next()? = value.identity;
        }
        Some(key)
    }

    /// The places of its labels: what points are sorted by.
    pub fn order(&self) -> impl Iterator<Item = usize> {
        self.axes.iter().map(|value| value.place)
    }

    /// Labels by axis, as the evaluated recipe has them.
    pub fn labels(&self) -> recipe::Point {
        self.axes.iter().map(|value| (String::from(&*value.axis), String::from(&*value.label))).collect()
    }

    /// The point for messages: `release 8.8, distro debian13`.
    pub fn describe(&self) -> String {
        let parts: Vec<String> =
            self.axes.iter().map(|value| format!("{} {}", value.axis, value.label)).collect();
        parts.join(", ")
    }
}

/// The points of an item.
#[derive(Debug)]
pub struct Points {
    /// In the order of axes and labels.
    pub all: Vec<Rc<Point>>,
    by_labels: OnceCell<BTreeMap<recipe::Point, usize>>,
}

impl Points {
    /// The points, which differ in their labels.
    pub fn new(all: Vec<Rc<Point>>) -> Points {
        Points { all, by_labels: OnceCell::new() }
    }

    /// The point with these labels.
    pub fn find(&self, labels: &recipe::Point) -> Option<&Rc<Point>> {
        let by_labels = self.by_labels.get_or_init(|| {
            self.all.iter().enumerate().map(|(index, point)| (point.labels(), index)).collect()
        });
        self.all.get(*by_labels.get(labels)?)
    }
}

/// The axes of a file with all their points.
#[derive(Debug, Default)]
pub struct AxisTable {
    /// Names in the order declared.
    pub names: Vec<Rc<str>>,
    /// Labels of each axis in the order they come up.
    labels: BTreeMap<Rc<str>, Labels>,
    /// Every point, in the order of axes and labels.
    pub points: Vec<Rc<Point>>,
}

/// The names of axes of all files, and the values that they have.
#[derive(Debug, Default)]
pub struct AxisValues {
    axes: BTreeMap<Rc<str>, (u32, Vec<AxisValue>)>,
    by_label: BTreeMap<(u32, Rc<str>), Vec<usize>>,
}

impl AxisValues {
    /// Gives a value its number and its identity.
    pub fn identify(&mut self, value: &mut AxisValue) {
        let next = self.axes.len() as u32;
        let (number, values) = self.axes.entry(value.axis.clone()).or_insert((next, Vec::new()));
        value.number = *number;
        let same_label = self.by_label.entry((*number, value.label.clone())).or_default();
        // What is made of a distro, an architecture or a flavor shows nowhere where that was written.
        let placeless = matches!(value.value.kind, Kind::Distro(_) | Kind::Arch(_) | Kind::Flavor(_));
        let same = |at: &&usize| {
            let other = &values[**at].value;
            (placeless || other.site == value.value.site) && other.equals(&value.value) == Some(true)
        };
        let at = same_label.iter().find(same).copied().unwrap_or_else(|| {
            same_label.push(values.len());
            values.push(value.clone());
            values.len() - 1
        });
        // Points are few enough: their number is limited.
        value.identity = u16::try_from(at).unwrap_or(u16::MAX);
    }
}

/// The labels of one axis.
#[derive(Debug, Default)]
struct Labels {
    values: Vec<AxisValue>,
    places: BTreeMap<Rc<str>, usize>,
}

impl AxisTable {
    /// Notes the label of a value, which it gives its place.
    pub fn note(&mut self, value: &mut AxisValue) {
        let labels = self.labels.entry(value.axis.clone()).or_default();
        value.place = *labels.places.entry(value.label.clone()).or_insert(labels.values.len());
        if value.place == labels.values.len() {
            labels.values.push(value.clone());
        }
    }

    /// The labels of an axis in order.
    pub fn labels_of(&self, axis: &str) -> impl Iterator<Item = &str> {
        self.values_of(axis).map(|value| &*value.label)
    }

    /// The first value of each label of an axis, in order.
    pub fn values_of(&self, axis: &str) -> impl Iterator<Item = &AxisValue> {
        self.labels.get(axis).into_iter().flat_map(|labels| &labels.values)
    }

    /// The place of a label on its axis.
    pub fn place(&self, axis: &str, label: &str) -> Option<usize> {
        self.labels.get(axis)?.places.get(label).copied()
    }
}
