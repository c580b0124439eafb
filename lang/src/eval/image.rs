//! Images: the settled fields at one point as a [`recipe::Image`], with the edition's defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::edition::edition;
use super::machine::{Eval, Machine, Stop};
use super::packages;
use super::point::Point;
use super::take::Fields;
use super::value::{Kind, Value};
use super::variants::Placed;
use crate::check::definitions::Node;
use crate::check::form::{Form, is_glob};
use crate::check::schema;
use crate::modules::{Site, releases};
use crate::recipe::{
    Arch, Content, Distro, Flavor, Group, Image, ImageUse, Located, PathRule, Repository, Resolve, Test, User,
};

/// The time of directories and generated files unless a recipe sets one.
pub const EPOCH: i64 = 315_532_800;
/// Who runs an image unless a recipe says so.
const RUN_AS: &str = "65532:65532";

impl Machine<'_> {
    /// The image at one of its points.
    pub fn image(&mut self, node: Node, point: &Rc<Point>) -> Eval<Placed> {
        let (file, item) = node;
        let program = self.program;
        let declaration = program.file(file).declaration(item).ok_or(Stop)?;
        let site = file.site(declaration.name.span);
        let (distro, flavor, arch) = self.axes_of_image(point, &declaration.name.text, site)?;
        let distro_site = point.get("distro").map_or(site, |value| value.value.site);
        let set = self.item_fields(node, declaration, point);
        let subject = format!("image `{}`", declaration.name.text);
        let name = self.item_name(file, &declaration.name.text);
        let family = distro.family;
        let mut fields = Fields::new(self, set, schema::IMAGE, &subject);
        let placed_fields = ["version", "tags", "dates"].map(|name| (name, fields.site(name, site)));
        let version = fields.text("version");
        let tags = fields.texts("tags");
        let (users, groups) = (fields.shared("users", 0, users), fields.shared("groups", 0, groups));
        let run_as = run_as(&mut fields, &users, site);
        let packages = fields.shared("packages", family as u64, |fields| packages::take(fields, family));
        let exclude = fields.shared("exclude", family as u64, |fields| packages::exclude(fields, family));
        let image = Image {
            name,
            extends: extends(&mut fields),
            point: point.labels(),
            variant: variant(version.as_deref(), point),
            repositories: repositories(&mut fields, &distro, distro_site),
            packages,
            exclude,
            resolve: resolve(&mut fields),
            contents: contents(&mut fields),
            paths: fields.shared("paths", 0, rules),
            run_as,
            users,
            groups,
            title: fields.text("title").unwrap_or_else(|| declaration.name.text.clone()),
            license: fields.text("license"),
            dates: fields.shared_map("dates"),
            env: fields.shared_map("env"),
            entrypoint: fields.shared_texts("entrypoint"),
            cmd: fields.shared_texts("cmd"),
            work_dir: fields.text("work-dir").unwrap_or_else(|| "/".to_owned()),
            ports: fields.shared("ports", 0, ports),
            volumes: fields.shared_texts("volumes"),
            stop_signal: fields.text("stop-signal"),
            labels: fields.shared_map("labels"),
            annotations: fields.shared_map("annotations"),
            os_release: fields.shared_map("os-release"),
            epoch: fields.int("epoch").unwrap_or(EPOCH),
            tests: fields.shared_of(&["tests"], 0, |set| &set.tests, tests),
            waivers: fields.shared_of(&["waivers"], 0, |set| &set.waivers, |fields| fields.waivers()),
            tags: Vec::new(),
            distro,
            flavor,
            arch,
            description: declaration.doc.clone(),
            version,
            default_paths: edition().rules(flavor),
            effects: edition().effects(family),
            place: fields.machine.program.place(site),
        };
        let failed = fields.failed;
        if failed {
            return Err(Stop);
        }
        Ok(Placed { image: with_tags(image, &tags), tags, site, fields: placed_fields })
    }

    fn axes_of_image(&mut self, point: &Point, name: &str, site: Site) -> Eval<(Distro, Flavor, Arch)> {
        let distro = point.get("distro").map(|value| &value.value.kind);
        let arch = point.get("arch").map(|value| &value.value.kind);
        let flavor = match point.get("flavor").map(|value| &value.value.kind) {
            Some(Kind::Flavor(flavor)) => *flavor,
            _ => Flavor::Runtime,
        };
        if let (Some(Kind::Distro(distro)), Some(Kind::Arch(arch))) = (distro, arch) {
            return Ok((distro.clone(), flavor, *arch));
        }
        let missing = if matches!(distro, Some(Kind::Distro(_))) { "arch" } else { "distro" };
        let message = format!("image `{name}` does not vary over `{missing}`");
        let help = match missing {
            "arch" => {
                "declare `for arch in [amd64, arm64]` at file level and name `arch` in the image's `for`"
            }
            _ => {
                "declare `for distro in [debian(\"13\")]` at file level and name `distro` in the image's `for`"
            }
        };
        self.stop("hbuild::lang::image_needs_axis", site, message, help)
    }
}

/// `<version>-<distro><release>[-<flavor>][-<other labels>]`.
fn variant(version: Option<&str>, point: &Point) -> String {
    let label = |axis: &str| point.get(axis).map(|value| value.label.to_string());
    let mut parts: Vec<String> = version.map(str::to_owned).into_iter().chain(label("distro")).collect();
    parts.extend(label("flavor").filter(|flavor| flavor != Flavor::Runtime.as_str()));
    let others = point.axes.iter().filter(|value| !matches!(&*value.axis, "distro" | "flavor" | "arch"));
    for other in others {
        let told = version.is_some_and(|version| {
            version == &*other.label || version.starts_with(&format!("{}.", other.label))
        });
        if !told {
            parts.push(other.label.to_string());
        }
    }
    parts.join("-")
}

fn with_tags(mut image: Image, tags: &[(String, Site)]) -> Image {
    for (tag, _) in tags {
        if *tag != image.variant && !image.tags.contains(tag) {
            image.tags.push(tag.clone());
        }
    }
    image
}

/// The ports, each with its protocol.
fn ports(fields: &mut Fields<'_, '_>) -> Vec<String> {
    let with_protocol = |port: String| if port.contains('/') { port } else { format!("{port}/tcp") };
    fields.plain("ports").into_iter().map(with_protocol).collect()
}

fn number(record: &BTreeMap<&'static str, Value>, field: &str) -> Option<u32> {
    match record.get(field)?.kind {
        Kind::Int(number) => u32::try_from(number).ok(),
        _ => None,
    }
}

fn users(fields: &mut Fields<'_, '_>) -> BTreeMap<String, User> {
    let mut users = BTreeMap::new();
    for (name, _, record) in fields.records("users") {
        let text = |field: &str, or: &str| {
            record.get(field).and_then(Value::interpolated).unwrap_or_else(|| or.to_owned())
        };
        let uid = number(&record, "uid").unwrap_or_default();
        let user = User {
            uid,
            gid: number(&record, "gid").unwrap_or(uid),
            home: text("home", "/nonexistent"),
            shell: text("shell", "/sbin/nologin"),
            gecos: text("gecos", ""),
        };
        users.insert(name, user);
    }
    users
}

fn groups(fields: &mut Fields<'_, '_>) -> BTreeMap<String, Group> {
    let mut groups = BTreeMap::new();
    for (name, _, record) in fields.records("groups") {
        let members = match record.get("members").map(|value| &value.kind) {
            Some(Kind::List(list)) => list.iter().filter_map(Value::interpolated).collect(),
            _ => Vec::new(),
        };
        groups.insert(name, Group { gid: number(&record, "gid").unwrap_or_default(), members });
    }
    groups
}

/// Who runs the image: a name must be an account of `users`, or root.
fn run_as(fields: &mut Fields<'_, '_>, users: &BTreeMap<String, User>, site: Site) -> Located<String> {
    let found = fields.placed("run-as");
    let (value, at) = found.unwrap_or_else(|| (RUN_AS.to_owned(), site));
    let named = !value.starts_with(|first: char| first.is_ascii_digit());
    if named && value != "root" && !users.contains_key(&value) && !fields.failed {
        let message = format!("`{value}` is no account of `users`");
        let accounts = users.keys().map(String::as_str).chain(["root"]);
        fields
            .machine
            .error("hbuild::lang::unknown_account", at, message)
            .meant(&value, accounts, "accounts")
            .otherwise("an account of a package is named by its numbers");
        fields.failed = true;
    }
    Located { value, place: fields.machine.program.place(at) }
}

/// The image that it extends.
fn extends(fields: &mut Fields<'_, '_>) -> Option<Located<ImageUse>> {
    let value = fields.value("extends")?;
    let Kind::Image(image) = &value.kind else {
        let _: Eval<()> = fields.machine.wrong_type(value.site, "an image", &value);
        fields.failed = true;
        return None;
    };
    fields.machine.extended.entry(ImageUse::clone(image)).or_insert(value.site);
    let place = fields.machine.program.place(value.site);
    Some(Located { value: ImageUse::clone(image), place })
}

/// The tests, no two of one name.
fn tests(fields: &mut Fields<'_, '_>) -> Vec<Test> {
    let tests = fields.tests();
    let mut names = BTreeSet::new();
    for (test, site) in &tests {
        if !names.insert(test.name.as_str()) {
            let message = format!("the test `{}` is there twice", test.name);
            let help = "give each test a name of its own";
            fields.machine.error("hbuild::lang::duplicate_name", *site, message).help(help);
            fields.failed = true;
        }
    }
    tests.into_iter().map(|(test, _)| test).collect()
}

fn resolve(fields: &mut Fields<'_, '_>) -> Resolve {
    match fields.value("resolve") {
        None => Resolve::Full,
        Some(Value { kind: Kind::Resolve(resolve), .. }) => resolve,
        Some(value) => {
            let _: Eval<()> = fields.machine.wrong_type(value.site, "`full` or `listed`", &value);
            fields.failed = true;
            Resolve::Full
        }
    }
}

/// The distro's own repositories, or those that the item sets; then those that it adds. A release that the edition
/// does not know needs one.
pub fn repositories(fields: &mut Fields<'_, '_>, distro: &Distro, site: Site) -> Arc<Vec<Repository>> {
    let known = releases::is_known(distro.family, &distro.release);
    if known && !fields.mentions("repositories") {
        return fields.machine.shared.of_distro(distro);
    }
    let mut found = if fields.has("repositories") { Vec::new() } else { releases::all(distro) };
    for element in fields.elements("repositories").unwrap_or_default() {
        match &element.kind {
            Kind::Repository(repository) => {
                if !found.contains(repository) {
                    found.push(Repository::clone(repository));
                }
            }
            _ => {
                let _: Eval<()> = fields.machine.wrong_type(element.site, "a repository", &element);
                fields.failed = true;
            }
        }
    }
    if found.is_empty() && !known && !fields.failed {
        releases::report_unknown(fields.machine.reports, distro.family, &distro.release, site);
        fields.failed = true;
    }
    fields.machine.shared.share(found)
}

fn contents(fields: &mut Fields<'_, '_>) -> Vec<Located<Content>> {
    let mut contents = Vec::new();
    for element in fields.elements("contents").unwrap_or_default() {
        match &element.kind {
            Kind::Content(content) => {
                let place = fields.machine.program.place(element.site);
                contents.push(Located { value: Content::clone(content), place });
            }
            _ => {
                let _: Eval<()> = fields.machine.wrong_type(element.site, "a source or build", &element);
                fields.failed = true;
            }
        }
    }
    contents
}

fn rules(fields: &mut Fields<'_, '_>) -> BTreeMap<String, Located<PathRule>> {
    let mut rules = BTreeMap::new();
    for entry in fields.entries("paths").entries {
        let Kind::Rule(rule) = &entry.value.kind else {
            let wanted = "a rule such as `file(…)` or `delete`";
            let _: Eval<()> = fields.machine.wrong_type(entry.value.site, wanted, &entry.value);
            fields.failed = true;
            continue;
        };
        let globs = matches!(**rule, PathRule::Attrs { .. } | PathRule::Delete | PathRule::Keep);
        let form = if globs { Form::Glob } else { Form::Path };
        let formed = fields.machine.form(&entry.key, form, entry.site);
        if formed.is_err() {
            fields.failed = true;
            continue;
        }
        if !globs && is_glob(&entry.key) {
            let message = format!("`{}` looks like a glob, and this rule makes one path", entry.key);
            let help = "globs go with `attrs(…)`, `delete` and `keep`";
            fields.machine.error("hbuild::lang::bad_glob", entry.site, message).help(help);
            fields.failed = true;
            continue;
        }
        let place = fields.machine.program.place(entry.site);
        rules.insert(entry.key.to_string(), Located { value: PathRule::clone(rule), place });
    }
    rules
}
