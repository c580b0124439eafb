//! Takes the settled fields of a block apart: each value in the form that its field wants, mistakes reported.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::fields::{Candidate, Field, FieldSet, Part};
use super::machine::{Eval, Machine, Stop};
use super::value::{Kind, Map, MapEntry, Value};
use crate::check::form::Form;
use crate::check::schema::{self, Shape};
use crate::modules::Site;
use crate::recipe::{Expectation, Step, Test, Waiver};

/// The fields of one block being taken.
pub struct Fields<'a, 'p> {
    /// Reports, places.
    pub machine: &'a mut Machine<'p>,
    set: FieldSet,
    schema: &'static [schema::Field],
    /// Whether a mistake was reported.
    pub failed: bool,
    /// Whether fields with mistakes were left out.
    pub incomplete: bool,
}

/// A text with its place.
pub type Placed = (String, Site);

impl<'a, 'p> Fields<'a, 'p> {
    /// The fields of `set`. Those that `schema` does not have are reported.
    pub fn new(
        machine: &'a mut Machine<'p>,
        set: FieldSet,
        schema: &'static [schema::Field],
        item: &str,
    ) -> Self {
        let (failed, incomplete) = (set.failed, set.failed);
        let mut fields = Fields { machine, set, schema, failed, incomplete };
        fields.known(item);
        fields
    }

    fn known(&mut self, item: &str) {
        for (name, field) in &self.set.fields {
            let site = field_site(field);
            match schema::find(self.schema, name) {
                None if self.machine.reports.has("hbuild::lang::unknown_field") => self.failed = true,
                None => {
                    let message = format!("{item} has no field `{name}`");
                    let report = self.machine.error("hbuild::lang::unknown_field", site, message);
                    report.meant(name, self.schema.iter().map(|field| field.name), "fields");
                    self.failed = true;
                }
                Some(_) => {}
            }
        }
    }

    fn shape(&self, name: &str) -> Shape {
        schema::find(self.schema, name).map_or(Shape::Bool, |field| field.shape)
    }

    /// Whether the field has a value.
    pub fn has(&self, name: &str) -> bool {
        self.set
            .fields
            .get(name)
            .and_then(|field| field.value.as_ref())
            .is_some_and(|given| !given.value.is_none())
    }

    /// Whether anything is said about the field.
    pub fn mentions(&self, name: &str) -> bool {
        let field = self.set.fields.get(name);
        self.has(name) || field.is_some_and(|field| !field.keys.is_empty() || !field.appends.is_empty())
    }

    /// The place of the field's name, of the first thing appended, or `other`.
    pub fn site(&self, name: &str, other: Site) -> Site {
        self.set.fields.get(name).map_or(other, field_site)
    }

    /// The field `name` as `make` gives it, made once for all points where the same statements set it. What `make` gives
    /// depends on the field and `on` alone.
    pub fn shared<T: Send + Sync + 'static>(
        &mut self,
        name: &'static str,
        on: u64,
        make: impl FnOnce(&mut Self) -> T,
    ) -> Arc<T> {
        self.shared_of(&[name], on, no_parts, make)
    }

    /// What `make` gives of the fields `names`, of `parts` and of `on`, made once for all points where they are the same.
    pub fn shared_of<P, T: Send + Sync + 'static>(
        &mut self,
        names: &[&'static str],
        on: u64,
        parts: fn(&FieldSet) -> &[Part<P>],
        make: impl FnOnce(&mut Self) -> T,
    ) -> Arc<T> {
        let mut key = Vec::with_capacity(12);
        key.extend([self.schema.as_ptr().addr() as u64, on]);
        for name in names {
            key.extend([name.as_ptr().addr() as u64, name.len() as u64]);
            if let Some(field) = self.set.fields.get(*name) {
                field.identify(&mut key);
            }
        }
        key.extend(parts(&self.set).iter().map(|part| u64::from(part.said)));
        if let Some(known) = self.machine.memo.taken(&key) {
            return known;
        }
        let (failed, reported) = (std::mem::take(&mut self.failed), self.machine.reports.count());
        let made = Arc::new(make(self));
        if !self.failed && self.machine.reports.count() == reported {
            self.machine.memo.keep_taken(key, made.clone());
        }
        self.failed |= failed;
        made
    }

    /// The strings of a list field alone, made once for all points where they are the same.
    pub fn shared_texts(&mut self, name: &'static str) -> Arc<Vec<String>> {
        self.shared(name, 0, |fields| fields.plain(name))
    }

    /// The strings of a map field, likewise.
    pub fn shared_map(&mut self, name: &'static str) -> Arc<BTreeMap<String, String>> {
        self.shared(name, 0, |fields| fields.map(name))
    }

    /// The one value of a field without keys and without `+=`; `none` counts as absent.
    fn single(&mut self, name: &str) -> Option<Value> {
        let field = self.set.fields.get(name)?.clone();
        if !field.appends.is_empty() || !field.keys.is_empty() {
            let site = field.appends.first().map_or_else(|| field_site(&field), |given| given.value.site);
            let message = format!("`{name}` has one value, nothing can be added to it");
            self.machine.error("hbuild::lang::bad_field", site, message).help(format!("write `{name} = …`"));
            self.failed = true;
        }
        field.value.map(|given| given.value).filter(|value| !value.is_none())
    }

    /// Notes that something was reported.
    fn fail<T>(&mut self, result: Eval<T>) -> Option<T> {
        self.failed |= result.is_err();
        result.ok()
    }

    /// The string of a field.
    pub fn text(&mut self, name: &str) -> Option<String> {
        self.placed(name).map(|(text, _)| text)
    }

    /// The string of a field with its place.
    pub fn placed(&mut self, name: &str) -> Option<Placed> {
        let form = match self.shape(name) {
            Shape::Text(form) => form,
            _ => Form::Version,
        };
        let value = self.single(name)?;
        let text = self.machine.formed(&value, form);
        let text = self.fail(text)?;
        Some((text, value.site))
    }

    /// The whole number of a field.
    pub fn int(&mut self, name: &str) -> Option<i64> {
        let Shape::Int(least, most) = self.shape(name) else { return None };
        let value = self.single(name)?;
        let number = self.machine.int(&value, least, most);
        self.fail(number)
    }

    /// The condition of a field.
    pub fn bool(&mut self, name: &str) -> Option<bool> {
        let value = self.single(name)?;
        match value.kind {
            Kind::Bool(condition) => Some(condition),
            _ => {
                let wanted = self.machine.wrong_type(value.site, Shape::Bool.describe(), &value);
                self.fail(wanted)
            }
        }
    }

    /// The value of a field that is looked at by its kind.
    pub fn value(&mut self, name: &str) -> Option<Value> {
        self.single(name)
    }

    /// The elements of a list field: the winner's, then what is appended.
    pub fn elements(&mut self, name: &str) -> Option<Vec<Value>> {
        let single = matches!(self.shape(name), Shape::TextOrTexts(_));
        let wanted = self.shape(name).describe();
        let field = self.set.fields.get(name)?.clone();
        self.no_keys(name, &field);
        let winner = field.value.filter(|given| !given.value.is_none());
        let absent = winner.is_none();
        let mut elements = Vec::new();
        for value in winner.into_iter().chain(field.appends).map(|given| given.value) {
            match &value.kind {
                Kind::List(list) => {
                    self.failed |= list.iter().any(|element| matches!(element.kind, Kind::Invalid));
                    elements.extend(list.iter().cloned());
                }
                Kind::Text(_) if single => elements.push(value),
                _ => {
                    let _: Eval<()> = self.machine.wrong_type(value.site, wanted, &value);
                    self.failed = true;
                }
            }
        }
        if absent && elements.is_empty() { None } else { Some(elements) }
    }

    fn no_keys(&mut self, name: &str, field: &Field) {
        if let Some(given) = field.keys.values().next() {
            let message = format!("`{name}` has no keys");
            self.machine
                .error("hbuild::lang::bad_field", given.site, message)
                .help(format!("write `{name} = …`"));
            self.failed = true;
        }
    }

    /// The strings of a list field, with their places.
    pub fn texts(&mut self, name: &str) -> Vec<Placed> {
        let form = match self.shape(name) {
            Shape::Texts(form) | Shape::TextOrTexts(form) => form,
            _ => Form::Any,
        };
        let mut texts = Vec::new();
        for element in self.elements(name).unwrap_or_default() {
            let text = self.machine.formed(&element, form);
            if let Some(text) = self.fail(text) {
                texts.push((text, element.site));
            }
        }
        texts
    }

    /// The strings of a list field alone.
    pub fn plain(&mut self, name: &str) -> Vec<String> {
        self.texts(name).into_iter().map(|(text, _)| text).collect()
    }

    /// The entries of a map field: the winner's, what `+=` adds, and the keys that are replaced. A key is replaced
    /// where it is set at least as strongly as the map that has it.
    pub fn entries(&mut self, name: &str) -> Map {
        let wanted = self.shape(name).describe();
        let Some(mut field) = self.set.fields.get(name).cloned() else { return Map::default() };
        let mut map = Map::default();
        let winner = field.value.filter(|given| !given.value.is_none());
        let appended_from = usize::from(winner.is_some());
        for (index, given) in winner.into_iter().chain(field.appends).enumerate() {
            let Kind::Map(added) = &given.value.kind else {
                let _: Eval<()> = self.machine.wrong_type(given.value.site, wanted, &given.value);
                self.failed = true;
                continue;
            };
            for entry in &added.entries {
                match field.keys.get(&entry.key) {
                    Some(key) if key.rank >= given.rank => continue,
                    Some(_) if index < appended_from => drop(field.keys.remove(&entry.key)),
                    Some(key) => self.insert(&mut map, key_entry(&entry.key, key)),
                    None => {}
                }
                self.insert(&mut map, entry.clone());
            }
        }
        for (key, given) in &field.keys {
            if map.get(key).is_none() {
                map.entries.push(key_entry(key, given));
            }
        }
        self.failed |= map.entries.iter().any(|entry| matches!(entry.value.kind, Kind::Invalid));
        map.entries.retain(|entry| !matches!(entry.value.kind, Kind::None | Kind::Invalid));
        map
    }

    fn insert(&mut self, map: &mut Map, entry: MapEntry) {
        let before = self.machine.reports.count();
        self.machine.insert(map, entry);
        self.failed |= self.machine.reports.count() > before;
    }

    /// The strings of a map field.
    pub fn map(&mut self, name: &str) -> BTreeMap<String, String> {
        let Shape::Map(keys, values) = self.shape(name) else { return BTreeMap::new() };
        let mut map = BTreeMap::new();
        for entry in self.entries(name).entries {
            let key = self.machine.form(&entry.key, keys, entry.site);
            let value = self.machine.formed(&entry.value, values);
            if let (Some(()), Some(value)) = (self.fail(key), self.fail(value)) {
                map.insert(String::from(&*entry.key), value);
            }
        }
        map
    }

    /// The records of a map field: by name, each with its fields, which are those of its shape.
    pub fn records(&mut self, name: &str) -> Vec<(String, Site, BTreeMap<&'static str, Value>)> {
        let Shape::Records(form, schema) = self.shape(name) else { return Vec::new() };
        let mut records = Vec::new();
        for entry in self.entries(name).entries {
            let key = self.machine.form(&entry.key, form, entry.site);
            let record = self.machine.record_fields(&entry.value, schema, entry.site);
            if let (Some(()), Some(record)) = (self.fail(key), self.fail(record)) {
                records.push((entry.key.to_string(), entry.site, record));
            }
        }
        records
    }

    /// The tests, each with the place of its name.
    pub fn tests(&self) -> Vec<(Test, Site)> {
        parts(&self.set.tests)
    }

    /// The steps, each with the place of its name.
    pub fn steps(&self) -> Vec<(Step, Site)> {
        parts(&self.set.steps)
    }

    /// The waivers.
    pub fn waivers(&self) -> Vec<Waiver> {
        parts(&self.set.waivers).into_iter().map(|(waiver, _)| waiver).collect()
    }

    /// What a stream must hold.
    pub fn expectation(&mut self, name: &str) -> Option<Expectation> {
        let value = self.single(name)?;
        match &value.kind {
            Kind::Expectation(expectation) => Some(Expectation::clone(expectation)),
            Kind::Text(text) => Some(Expectation::Contains(text.to_string())),
            _ => {
                let wanted = self.machine.wrong_type(value.site, Shape::Expectation.describe(), &value);
                self.fail(wanted)
            }
        }
    }
}

impl Value {
    /// Whether it is `none`.
    pub fn is_none(&self) -> bool {
        matches!(self.kind, Kind::None)
    }
}

impl Machine<'_> {
    /// The string, or the version's text, in its form.
    pub fn formed(&mut self, value: &Value, form: Form) -> Eval<String> {
        let text = match &value.kind {
            Kind::Text(text) => Rc::clone(text),
            Kind::Version(version) => version.as_str().into(),
            _ => return self.wrong_type(value.site, "a string", value),
        };
        self.form(&text, form, value.site)?;
        Ok(String::from(&*text))
    }

    /// Reports a text that has not its form.
    pub fn form(&mut self, text: &str, form: Form, site: Site) -> Eval<()> {
        match form.problem(text) {
            None => Ok(()),
            Some(problem) => self.stop(problem.code, site, problem.message, &problem.help),
        }
    }

    /// The number within its bounds.
    pub fn int(&mut self, value: &Value, least: i64, most: i64) -> Eval<i64> {
        match value.kind {
            Kind::Int(number) if (least..=most).contains(&number) => Ok(number),
            Kind::Int(number) => {
                let help = format!("a number from {least} to {most} can stand here");
                self.stop(
                    "hbuild::lang::out_of_range",
                    value.site,
                    format!("{number} is out of range"),
                    &help,
                )
            }
            _ => self.wrong_type(value.site, "a whole number", value),
        }
    }

    fn record_fields(
        &mut self,
        value: &Value,
        schema: &'static [schema::RecordField],
        site: Site,
    ) -> Eval<BTreeMap<&'static str, Value>> {
        let Kind::Map(map) = &value.kind else { return self.wrong_type(value.site, "a record", value) };
        let mut record = BTreeMap::new();
        let mut whole = Ok(());
        for entry in &map.entries {
            match schema.iter().find(|field| field.name == &*entry.key) {
                Some(_) if entry.value.is_none() => {}
                Some(field) => match self.record_value(&entry.value, field.shape) {
                    Ok(()) => {
                        record.insert(field.name, entry.value.clone());
                    }
                    Err(stop) => whole = Err(stop),
                },
                None => {
                    let message = format!("there is no field `{}` here", entry.key);
                    self.error("hbuild::lang::unknown_field", entry.site, message).meant(
                        &entry.key,
                        schema.iter().map(|field| field.name),
                        "fields",
                    );
                    whole = Err(Stop);
                }
            }
        }
        whole?;
        if let Some(missing) = schema.iter().find(|field| field.required && !record.contains_key(field.name))
        {
            let message = format!("the field `{}` is missing", missing.name);
            let help = format!("write `{} = …`", missing.name);
            return self.stop("hbuild::lang::missing_field", site, message, &help);
        }
        Ok(record)
    }

    fn record_value(&mut self, value: &Value, shape: Shape) -> Eval<()> {
        match shape {
            Shape::Text(form) => self.formed(value, form).map(|_| ()),
            Shape::Int(least, most) => self.int(value, least, most).map(|_| ()),
            Shape::Texts(form) => match &value.kind {
                Kind::List(list) => {
                    list.iter().try_for_each(|element| self.formed(element, form).map(|_| ()))
                }
                _ => self.wrong_type(value.site, shape.describe(), value),
            },
            _ => Ok(()),
        }
    }
}

/// No parts: for what depends on fields alone.
pub fn no_parts(_: &FieldSet) -> &[Part<()>] {
    &[]
}

fn parts<P: Clone>(parts: &[Part<P>]) -> Vec<(P, Site)> {
    parts.iter().map(|part| (P::clone(&part.value), part.site)).collect()
}

fn key_entry(key: &Rc<str>, given: &Candidate) -> MapEntry {
    MapEntry { key: Rc::clone(key), site: given.site, value: given.value.clone() }
}

fn field_site(field: &Field) -> Site {
    let value = field.value.as_ref().map(|given| given.site);
    let key = || field.keys.values().next().map(|given| given.site);
    value.or_else(key).or_else(|| field.appends.first().map(|given| given.value.site)).unwrap_or_default()
}
