//! Builds: the settled fields at one point as a [`recipe::Build`], with the edition's defaults.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use super::edition::edition;
use super::image::{self, EPOCH};
use super::machine::{Eval, Machine, Stop};
use super::packages;
use super::point::Point;
use super::source::missing;
use super::take::{Fields, Placed, no_parts};
use super::value::{Kind, Value};
use crate::check::definitions::Node;
use crate::check::schema::{self, Shape};
use crate::modules::{FileId, Site};
use crate::recipe::{Arch, Build, Content, ContentKind, Distro, Family, Located, SourceUse, Step};

impl Machine<'_> {
    /// The build at one of its points. What it takes over from its source is not there yet.
    pub fn build(&mut self, node: Node, point: &Rc<Point>) -> Eval<Build> {
        let (file, item) = node;
        let program = self.program;
        let declaration = program.file(file).declaration(item).ok_or(Stop)?;
        let site = file.site(declaration.name.span);
        let set = self.item_fields(node, declaration, point);
        let name = self.item_name(file, &declaration.name.text);
        let subject = format!("build `{name}`");
        self.build_sites.entry(name.clone()).or_insert(site);
        let mut fields = Fields::new(self, set, schema::BUILD, &subject);
        let any_arch = any_arch(&mut fields, point);
        let of_point = point.get("distro").map(|value| value.value.site);
        let distro_site = fields.site("distro", of_point.unwrap_or(site));
        let own = own_distro(&mut fields, of_point.is_some())?;
        let (distro, arch) = fields.machine.axes_of_build((file, any_arch, own), point, &subject, site)?;
        let family = distro.family;
        let ingredients = fields
            .shared_of(&["tools", "inputs"], family as u64, no_parts, |fields| ingredients(fields, family));
        if ingredients.has_no_tools && !fields.failed {
            missing(&mut fields, &subject, "tools", site);
        }
        let build = Build {
            point: point.labels(),
            any_arch,
            description: declaration.doc.clone(),
            version: fields.text("version"),
            license: fields.text("license"),
            purl: fields.text("purl"),
            cpe: fields.text("cpe"),
            repositories: image::repositories(&mut fields, &distro, distro_site),
            target: target(point, &distro),
            tools: Arc::clone(&ingredients.tools),
            inputs: Arc::clone(&ingredients.inputs),
            exclude: exclude(&mut fields, distro.family),
            effects: edition().effects(distro.family),
            default_paths: edition().root_rules(),
            contents: ingredients.contents.clone(),
            sources: sources(&mut fields),
            env: fields.shared_map("env"),
            dir: fields.text("dir"),
            shell: shell(&mut fields),
            steps: fields.shared_of(
                &["script", "check"],
                0,
                |set| &set.steps,
                |fields| steps(fields, &subject, site),
            ),
            check: script(&mut fields, "check", "check"),
            outputs: outputs(&mut fields),
            loopback: loopback(&mut fields),
            epoch: fields.int("epoch").unwrap_or(EPOCH),
            place: program.place(site),
            name,
            distro,
            arch,
        };
        let failed = fields.failed;
        if failed { Err(Stop) } else { Ok(build) }
    }

    fn axes_of_build(
        &mut self,
        (file, any_arch, own): (FileId, bool, Option<Distro>),
        point: &Point,
        subject: &str,
        site: Site,
    ) -> Eval<(Distro, Arch)> {
        let distro = own.map(Kind::Distro).or_else(|| Some(point.get("distro")?.value.kind.clone()));
        let arch = match any_arch {
            true => [file, FileId::default()].iter().find_map(|file| {
                let first = self.axes.get(file)?.values_of("arch").next()?;
                Some(first.value.kind.clone())
            }),
            false => point.get("arch").map(|value| value.value.kind.clone()),
        };
        let (missing, help) = match (distro, arch) {
            (Some(Kind::Distro(distro)), Some(Kind::Arch(arch))) => return Ok((distro, arch)),
            (Some(Kind::Distro(_)), _) if any_arch => {
                ("arch", "declare `for arch in [amd64, arm64]` at file level: it is executed on the first")
            }
            (Some(Kind::Distro(_)), _) => {
                ("arch", "name `arch` in its `for`, or write `arch = any` where it makes the same for each")
            }
            _ => (
                "distro",
                "name `distro` in its `for`, or write `distro = debian(\"13\")`: its tools are packages of one",
            ),
        };
        let message = format!("{subject} does not vary over `{missing}`");
        self.stop("hbuild::lang::build_needs_axis", site, message, help)
    }
}

/// Reports that fields of a build do not go together.
fn conflict(fields: &mut Fields<'_, '_>, site: Site, message: String, help: &str) {
    fields.machine.error("hbuild::lang::build_conflict", site, message).help(help);
    fields.failed = true;
}

/// Reports a value that is none of the field's.
fn wrong(fields: &mut Fields<'_, '_>, wanted: &str, value: &Value) {
    let _: Eval<()> = fields.machine.wrong_type(value.site, wanted, value);
    fields.failed = true;
}

fn any_arch(fields: &mut Fields<'_, '_>, point: &Point) -> bool {
    match fields.value("arch") {
        None => false,
        Some(Value { kind: Kind::AnyArch, site }) => {
            if point.get("arch").is_some() {
                let message = "a build for any architecture does not vary over `arch`".to_owned();
                conflict(fields, site, message, "leave `arch` out of its `for`, or `arch = any`");
            }
            true
        }
        Some(value) => {
            wrong(fields, Shape::AnyArch.describe(), &value);
            true
        }
    }
}

/// The distro that the build itself says its packages come from.
fn own_distro(fields: &mut Fields<'_, '_>, axis: bool) -> Eval<Option<Distro>> {
    match fields.value("distro") {
        Some(Value { kind: Kind::Distro(distro), .. }) => Ok(Some(distro)),
        Some(Value { kind: Kind::Invalid, .. }) => Err(Stop),
        Some(value) => fields.machine.wrong_type(value.site, Shape::Distro.describe(), &value),
        // It may be the field that has no value.
        None if fields.failed && !axis => Err(Stop),
        None => Ok(None),
    }
}

/// The distro of the point where it is not the one that packages come from.
fn target(point: &Point, packages: &Distro) -> Option<Distro> {
    match &point.get("distro")?.value.kind {
        Kind::Distro(distro) if distro != packages => Some(distro.clone()),
        _ => None,
    }
}

/// What the root of a build is made of.
struct Ingredients {
    tools: Arc<Vec<Located<String>>>,
    inputs: Arc<Vec<Located<String>>>,
    contents: Vec<Located<Content>>,
    has_no_tools: bool,
}

fn ingredients(fields: &mut Fields<'_, '_>, family: Family) -> Ingredients {
    let (tools, mut contents) = listed(fields, "tools");
    let has_no_tools = tools.is_empty() && contents.is_empty();
    let (inputs, more) = listed(fields, "inputs");
    contents.extend(more);
    packages::requested(fields, family, &[&tools, &inputs]);
    let located = |texts| Arc::new(packages::located(fields, texts));
    Ingredients { tools: located(tools), inputs: located(inputs), contents, has_no_tools }
}

/// The packages, and the builds and sources, of `tools` or `inputs`.
fn listed(fields: &mut Fields<'_, '_>, name: &str) -> (Vec<Placed>, Vec<Located<Content>>) {
    let (mut packages, mut contents) = (Vec::new(), Vec::new());
    for element in fields.elements(name).unwrap_or_default() {
        match &element.kind {
            Kind::Text(text) => packages.push((String::from(&**text), element.site)),
            Kind::Content(content) => {
                let place = fields.machine.program.place(element.site);
                contents.push(Located { value: Content::clone(content), place });
            }
            Kind::Invalid => {}
            _ => wrong(fields, "a package, a build or a source", &element),
        }
    }
    (packages, contents)
}

/// What the build excludes, over what the edition does.
fn exclude(fields: &mut Fields<'_, '_>, family: Family) -> Arc<Vec<Located<String>>> {
    if !fields.mentions("exclude") {
        return edition().root_exclude(family);
    }
    let mut all = match fields.has("exclude") {
        true => Vec::new(),
        false => Vec::clone(&edition().root_exclude(family)),
    };
    let own = packages::exclude(fields, family);
    all.retain(|known| own.iter().all(|one| one.value != known.value));
    all.extend(own);
    Arc::new(all)
}

/// The sources by folder: `sources`, or `source` as the one at the empty name.
fn sources(fields: &mut Fields<'_, '_>) -> BTreeMap<String, Located<SourceUse>> {
    if fields.mentions("source") && fields.mentions("sources") {
        let site = fields.site("sources", Site::default());
        let message = "a build has either `source` or `sources`".to_owned();
        conflict(fields, site, message, "name each source in `sources`: `sources = { app = …, lib = … }`");
    }
    let mut sources = BTreeMap::new();
    if let Some(value) = fields.value("source") {
        sources.extend(source_use(fields, &value).map(|source| (String::new(), source)));
    }
    let Shape::Sources(form) =
        schema::find(schema::BUILD, "sources").map_or(Shape::Bool, |field| field.shape)
    else {
        return sources;
    };
    for entry in fields.entries("sources").entries {
        fields.failed |= fields.machine.form(&entry.key, form, entry.site).is_err();
        sources.extend(source_use(fields, &entry.value).map(|source| (entry.key.to_string(), source)));
    }
    sources
}

fn source_use(fields: &mut Fields<'_, '_>, value: &Value) -> Option<Located<SourceUse>> {
    match &value.kind {
        Kind::Content(content) if content.kind == ContentKind::Source => {
            let whole = content.at == "/"
                && content.only.is_empty()
                && content.without.is_empty()
                && content.replacing.is_empty();
            if !whole {
                let message = "a build unpacks a source as a whole".to_owned();
                let help = "leave `.at(…)` and the like out; name its folder in `sources = { name = … }`";
                conflict(fields, value.site, message, help);
                return None;
            }
            let place = fields.machine.program.place(value.site);
            let source = SourceUse { source: content.source.clone(), point: content.point.clone() };
            Some(Located { value: source, place })
        }
        _ => {
            wrong(fields, Shape::Source.describe(), value);
            None
        }
    }
}

/// The shell's command line: a list as it is, a program with options that stop at the first failure.
fn shell(fields: &mut Fields<'_, '_>) -> Vec<String> {
    let line = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let (words, site) = match fields.value("shell") {
        None => return line(&["bash", "-euo", "pipefail", "-c"]),
        Some(Value { kind: Kind::Text(program), .. }) if !program.contains(char::is_whitespace) => {
            return match program.rsplit('/').next() {
                Some("bash") => line(&[&program, "-euo", "pipefail", "-c"]),
                _ => line(&[&program, "-eu", "-c"]),
            };
        }
        Some(value) => match &value.kind {
            Kind::List(list) => (list.iter().map(Value::interpolated).collect(), value.site),
            Kind::Text(_) => (None, value.site),
            _ => {
                wrong(fields, "a program or a command line", &value);
                return Vec::new();
            }
        },
    };
    words.filter(|words: &Vec<String>| !words.is_empty()).unwrap_or_else(|| {
        let help = "write a program, `\"sh\"`, or the words of its command line, `[\"sh\", \"-euc\"]`";
        let message = "this is no command line of a shell";
        fields.machine.error("hbuild::lang::bad_shell", site, message).help(help);
        fields.failed = true;
        Vec::new()
    })
}

/// A field's script as a step.
fn script(fields: &mut Fields<'_, '_>, field: &str, name: &str) -> Option<Step> {
    let (script, site) = fields.placed(field)?;
    let place = fields.machine.program.place(site);
    Some(Step { name: name.to_owned(), env: BTreeMap::new(), dir: None, script, place })
}

fn steps(fields: &mut Fields<'_, '_>, subject: &str, site: Site) -> Vec<Step> {
    let steps = fields.steps();
    if let (Some((_, at)), true) = (steps.first(), fields.has("script")) {
        let message = "a build has either `script` or steps".to_owned();
        conflict(fields, *at, message, "make the script a step of its own: `step \"…\" { script = … }`");
    }
    let mut names = BTreeSet::new();
    if fields.has("check") {
        names.insert("check");
    }
    for (step, at) in &steps {
        if !names.insert(step.name.as_str()) {
            let message = format!("the step `{}` is there twice", step.name);
            let help = "give each step a name of its own; `check = …` is the step `check`";
            fields.machine.error("hbuild::lang::duplicate_name", *at, message).help(help);
            fields.failed = true;
        }
    }
    let mut steps: Vec<Step> = steps.into_iter().map(|(step, _)| step).collect();
    steps.extend(script(fields, "script", "build"));
    if steps.is_empty() && !fields.failed {
        missing(fields, subject, "script", site);
    }
    steps
}

fn outputs(fields: &mut Fields<'_, '_>) -> Vec<String> {
    let mut outputs: Vec<String> = Vec::new();
    for (name, site) in fields.texts("outputs") {
        if outputs.contains(&name) {
            let message = format!("the output `{name}` is there twice");
            fields.machine.error("hbuild::lang::duplicate_name", site, message).help("keep one");
            fields.failed = true;
        }
        outputs.push(name);
    }
    outputs
}

fn loopback(fields: &mut Fields<'_, '_>) -> bool {
    match fields.value("network") {
        None => false,
        Some(Value { kind: Kind::Loopback, .. }) => true,
        Some(value) => {
            wrong(fields, Shape::Network.describe(), &value);
            false
        }
    }
}
