//! Axes: their values and labels, all points of a file, and the points of one item.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::budget;
use super::machine::{Eval, Machine, Scope, Stop};
use super::point::{AxisTable, AxisValue, Point, Points};
use super::value::{Kind, Map, Value};
use crate::check::definitions::Node;
use crate::modules::{Binding, FileId, LoadedFile, Site};
use crate::syntax::ast;

/// Axes whose values have a type of their own.
const TYPED: [&str; 3] = ["distro", "arch", "flavor"];

impl Machine<'_> {
    /// Evaluates the axes of every file. A file whose axes have mistakes has no points.
    pub fn evaluate_axes(&mut self) {
        for file in self.program.ids() {
            let table = self.table(file).unwrap_or_default();
            self.axes.insert(file, Rc::new(table));
        }
    }

    fn table(&mut self, file: FileId) -> Eval<AxisTable> {
        let program = self.program;
        let mut points = vec![Rc::new(Point::default())];
        let mut table = AxisTable::default();
        for binding in program.file(file).axes() {
            let name: Rc<str> = binding.name.text.as_str().into();
            let values = binding.values.as_ref().ok_or(Stop)?;
            let mut next = Vec::new();
            for point in &points {
                let scope = Scope::new(file, point.clone(), format!("the axis `{name}`"));
                for mut value in self.axis_values(&name, values, &scope)? {
                    self.steps(1 + point.axes.len(), file.site(values.span))?;
                    table.note(&mut value);
                    self.axis_values.identify(&mut value);
                    let mut axes = point.axes.clone();
                    axes.push(value);
                    next.push(Rc::new(Point { axes }));
                    if next.len() > budget::POINTS {
                        let message = format!("the axes have more than {} points", budget::POINTS);
                        let help = "take values or axes away";
                        return self.stop("hbuild::lang::budget", file.site(binding.span), message, help);
                    }
                }
            }
            if next.is_empty() {
                let message = format!("the axis `{name}` has no value");
                let help = "give it one value at least";
                return self.stop("hbuild::lang::empty_axis", file.site(values.span), message, help);
            }
            points = next;
            table.names.push(name);
        }
        points.sort_by(|one, other| one.order().cmp(other.order()));
        table.points = points;
        Ok(table)
    }

    /// The values of one axis, each with its label.
    fn axis_values(&mut self, axis: &Rc<str>, values: &ast::Expr, scope: &Scope) -> Eval<Vec<AxisValue>> {
        let site = scope.file.site(values.span);
        let value = self.eval(values, scope)?;
        let found: Vec<AxisValue> = match &value.kind {
            Kind::Map(map) => map
                .entries
                .iter()
                .map(|entry| AxisValue {
                    axis: axis.clone(),
                    label: entry.key.clone(),
                    value: labelled(&entry.value, &entry.key),
                    place: 0,
                    number: 0,
                    identity: 0,
                })
                .collect(),
            Kind::List(list) => {
                let mut found = Vec::new();
                for value in list.iter() {
                    if matches!(value.kind, Kind::Invalid) {
                        return Err(Stop);
                    }
                    let Some(label) = value.label() else {
                        let message = format!("{} has no label as a value of an axis", value.describe());
                        let help = "write a map instead of the list: its keys are the labels";
                        return self.stop("hbuild::lang::bad_axis_value", value.site, message, help);
                    };
                    let (axis, value) = (axis.clone(), value.clone());
                    found.push(AxisValue {
                        axis,
                        label: label.into(),
                        value,
                        place: 0,
                        number: 0,
                        identity: 0,
                    });
                }
                found
            }
            _ => return self.wrong_type(site, "a list or a map", &value),
        };
        let mut seen: BTreeMap<Rc<str>, Site> = BTreeMap::new();
        for value in &found {
            self.steps(1, site)?;
            self.axis_value(value)?;
            if let Some(first) = seen.insert(value.label.clone(), value.value.site) {
                let message = format!("the axis `{axis}` has `{}` twice", value.label);
                self.error("hbuild::lang::duplicate_axis_value", value.value.site, message)
                    .related(first, "the first one")
                    .help("take one of them away");
                return Err(Stop);
            }
        }
        Ok(found)
    }

    fn axis_value(&mut self, value: &AxisValue) -> Eval<()> {
        let site = value.value.site;
        let typed = match &value.value.kind {
            Kind::Distro(_) => Some(("distro", "distros")),
            Kind::Arch(_) => Some(("arch", "architectures")),
            Kind::Flavor(_) => Some(("flavor", "flavors")),
            _ => None,
        };
        let axis = &*value.axis;
        match typed {
            Some((wanted, what)) if wanted != axis => {
                let message = format!("the axis of {what} is called `{wanted}`, not `{axis}`");
                let help = format!("write `for {wanted} in …`");
                return self.stop("hbuild::lang::bad_axis_value", site, message, &help);
            }
            None if TYPED.contains(&axis) && self.reports.has("hbuild::lang::mixed_types") => {
                return Err(Stop);
            }
            None if TYPED.contains(&axis) => {
                let message = format!("{} is no value of the axis `{axis}`", value.value.describe());
                let help = match axis {
                    "distro" => "write `for distro in [debian(\"13\")]`",
                    "arch" => "write `for arch in [amd64, arm64]`",
                    _ => "write `for flavor in [runtime, dev]`",
                };
                return self.stop("hbuild::lang::bad_axis_value", site, message, help);
            }
            _ => {}
        }
        let label = &*value.label;
        let valid = label.len() <= 64
            && label.starts_with(|first: char| first.is_ascii_alphanumeric())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if valid {
            return Ok(());
        }
        let help = "a label is part of tags: letters, digits, `.`, `_` and `-`, 64 of them at most";
        self.stop("hbuild::lang::bad_axis_value", site, format!("`{label}` cannot be a label"), help)
    }

    /// The points of an item in order; an item whose `for` has mistakes stops.
    pub fn points_of(&mut self, node: Node) -> Eval<Rc<Points>> {
        if let Some(known) = self.item_points.get(&node) {
            return known.clone();
        }
        let points = self.item_points_of(node).map(|points| Rc::new(Points::new(points)));
        self.item_points.insert(node, points.clone());
        points
    }

    fn item_points_of(&mut self, node: Node) -> Eval<Vec<Rc<Point>>> {
        let (file, item) = node;
        let program = self.program;
        let declaration = program.file(file).declaration(item).ok_or(Stop)?;
        let table = self.axes.get(&file).cloned().ok_or(Stop)?;
        let over: Vec<&ast::ForBinding> = LoadedFile::over(declaration).collect();
        let mut within = Vec::new();
        let mut fits = true;
        for (index, binding) in over.iter().enumerate() {
            fits &= self.axis_name(file, binding, &over[..index]).is_ok();
            match self.narrowed(file, binding, &table) {
                Ok(labels) => within.push(labels),
                Err(Stop) => fits = false,
            }
        }
        if !fits || table.points.is_empty() {
            return Err(Stop);
        }
        let names: Vec<&str> = over.iter().map(|binding| binding.name.text.as_str()).collect();
        let mut points: Vec<Rc<Point>> = Vec::new();
        let mut seen: BTreeMap<Vec<usize>, usize> = BTreeMap::new();
        for full in &table.points {
            self.steps(1, file.site(declaration.name.span))?;
            let taken = over.iter().zip(&within).all(|(binding, within)| {
                let label = full.get(&binding.name.text).map(|value| &*value.label);
                within.as_ref().is_none_or(|labels| label.is_some_and(|label| labels.contains(label)))
            });
            if !taken {
                continue;
            }
            if table.names.iter().all(|axis| names.contains(&&**axis)) {
                points.push(full.clone());
                continue;
            }
            let point = full.project(|axis| names.contains(&axis));
            let order: Vec<usize> = point.order().collect();
            match seen.get(&order) {
                Some(known) => self.unambiguous(&points[*known].clone(), &point, &over, file)?,
                None => {
                    seen.insert(order, points.len());
                    points.push(Rc::new(point));
                }
            }
        }
        points.sort_by(|one, other| one.order().cmp(other.order()));
        if points.is_empty() {
            let message = format!("{} `{}` has no point", declaration.kind.as_str(), declaration.name.text);
            let help = "what its `for` leaves of one axis does not go with what it leaves of another";
            return self.stop("hbuild::lang::no_such_point", file.site(declaration.name.span), message, help);
        }
        Ok(points)
    }

    fn axis_name(
        &mut self,
        file: FileId,
        binding: &ast::ForBinding,
        before: &[&ast::ForBinding],
    ) -> Eval<()> {
        let name = &binding.name.text;
        let site = file.site(binding.name.span);
        let loaded = self.program.file(file);
        if !matches!(loaded.names.get(name), Some(Binding::Axis(_))) {
            if loaded.lost.contains(name) {
                return Err(Stop);
            }
            let (what, message) = ((file, name.clone()), format!("there is no axis `{name}`"));
            let report = self.reports.lacking("hbuild::lang::unknown_axis", what, site, message);
            match loaded.axes() {
                [] => report.help("declare the axes with one `for` at file level"),
                axes => report.meant(name, axes.iter().map(|axis| axis.name.text.as_str()), "axes"),
            };
            return Err(Stop);
        }
        if before.iter().any(|other| other.name.text == *name) {
            let message = format!("the axis `{name}` is named twice");
            return self.stop("hbuild::lang::duplicate_name", site, message, "name each axis once");
        }
        Ok(())
    }

    /// The labels that a `for … in` of an item leaves; `None` where it takes all.
    fn narrowed(
        &mut self,
        file: FileId,
        binding: &ast::ForBinding,
        table: &AxisTable,
    ) -> Eval<Option<BTreeSet<String>>> {
        let Some(values) = &binding.values else { return Ok(None) };
        let axis = binding.name.text.as_str();
        let subject = "the `for` of an item";
        let value = self.eval(values, &Scope::new(file, Rc::new(Point::default()), subject))?;
        let elements: Vec<Value> = match &value.kind {
            Kind::List(list) => list.to_vec(),
            Kind::Map(map) => map.entries.iter().map(|entry| Value::text(&entry.key, entry.site)).collect(),
            _ => return self.wrong_type(file.site(values.span), "a list or a map", &value),
        };
        let mut labels = BTreeSet::new();
        for element in &elements {
            self.steps(1, element.site)?;
            let found = element.label().filter(|label| table.place(axis, label).is_some());
            match found {
                Some(label) => {
                    labels.insert(label);
                }
                None if table.points.is_empty() => return Err(Stop),
                None => {
                    let written = element.label().unwrap_or_else(|| element.describe().to_owned());
                    let message = format!("the axis `{axis}` has no `{written}`");
                    let report = self.error("hbuild::lang::unknown_label", element.site, message);
                    report.meant(&written, table.labels_of(axis), "labels");
                    return Err(Stop);
                }
            }
        }
        Ok(Some(labels))
    }

    /// Stops where one label of an axis means two values, because the axis depends on one that is not named.
    fn unambiguous(&mut self, one: &Point, two: &Point, over: &[&ast::ForBinding], file: FileId) -> Eval<()> {
        for (first, second) in one.axes.iter().zip(&two.axes) {
            self.steps(1, Site::default())?;
            if first.value.equals(&second.value) == Some(true) {
                continue;
            }
            let name = over.iter().find(|binding| binding.name.text == *first.axis);
            let site = file.site(name.map_or_else(Default::default, |binding| binding.name.span));
            let message = format!("`{}` of the axis `{}` has two values", first.label, first.axis);
            let (first, second) = (first.value.site, second.value.site);
            self.error("hbuild::lang::ambiguous_axis", site, message)
                .related(first, "one")
                .related(second, "the other")
                .help("name the axis that it depends on in the `for`, too");
            return Err(Stop);
        }
        Ok(())
    }
}

/// The value with its label where it is a row of a table.
fn labelled(value: &Value, label: &Rc<str>) -> Value {
    match &value.kind {
        Kind::Map(map) => {
            let map = Map { entries: map.entries.clone(), label: Some(label.clone()) };
            Value { kind: Kind::Map(Rc::new(map)), site: value.site }
        }
        _ => value.clone(),
    }
}
