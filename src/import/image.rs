//! The image of a recipe: the fields of all definitions over their variants.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::Form;
use hbuild_lang::recipe::{Flavor, Image};

use super::accounts::Names;
use super::block::{Block, Given};
use super::code;
use super::definition::{Definition, Only, Test};
use super::levels::Occurrence;
use super::reader::Str;
use super::recipe::Draft;
use super::version;

const DESCRIPTION: &str = "org.opencontainers.image.description";
const LICENSES: &str = "org.opencontainers.image.licenses";

/// What builds and sources put into the image at a variant.
#[derive(Debug, Default, Clone)]
pub struct FromBuilds {
    /// Contents: the variant, the code, and the architecture it is limited to.
    pub contents: Vec<(usize, String, Option<&'static str>)>,
    /// Rules for paths: the variant, path and code, and the architecture.
    pub paths: Vec<(usize, String, String, Option<&'static str>)>,
}

/// The doc comment and the text of the image.
pub fn image(draft: &Draft<'_>, block: &mut Block<'_>, from: &FromBuilds) -> Option<String> {
    let writer = Writer { draft };
    writer.head(block);
    writer.packages(block);
    contents(block, &from.contents);
    writer.accounts(block);
    writer.maps(block);
    writer.paths(block, from);
    writer.process(block);
    writer.tests(block);
    draft.common_description()
}

fn contents(block: &mut Block<'_>, contents: &[(usize, String, Option<&'static str>)]) {
    for arch in [None, Some("amd64"), Some("arm64")] {
        let here = contents.iter().filter(|(_, _, only)| *only == arch);
        let here: Vec<Occurrence> = here.map(|(variant, code, _)| (*variant, code.clone())).collect();
        if !here.is_empty() {
            block.arch = arch;
            let sign = if arch.is_none() { "=" } else { "+=" };
            block.list("contents", &here, &|_, _| false, sign);
        }
    }
    block.arch = None;
}

/// Writes the fields of the image.
pub struct Writer<'d> {
    /// What it is made of.
    pub draft: &'d Draft<'d>,
}

impl Writer<'_> {
    /// The definitions with their variants.
    pub fn each(&self) -> impl Iterator<Item = (usize, &Definition)> {
        self.draft.entries.iter().enumerate().map(|(variant, entry)| (variant, &entry.definition))
    }

    /// What the standard library gives at a variant.
    pub fn given(&self, pick: impl Fn(&Image) -> Option<String>, variant: usize) -> Given {
        let (runtime, dev) = self.draft.base_images(variant);
        let always = runtime.and_then(&pick);
        let in_dev = dev.and_then(&pick).filter(|value| Some(value) != always.as_ref());
        Given { always, in_dev }
    }

    fn text(&self, variant: usize, text: &Str) -> String {
        code::text(&self.draft.symbols[variant].resolve(&text.value))
    }

    /// The texts that have the form; those that have not are left out.
    fn formed<'t>(&self, variant: usize, texts: &'t [Str], form: Form) -> Vec<(&'t Str, String)> {
        let check = |text: &'t Str| {
            let value = self.draft.symbols[variant].resolve(&text.value);
            match form.problem(&self.draft.sample(&value)) {
                None => Some((text, value)),
                Some(problem) => {
                    self.draft.left_out(variant, text, &problem.message);
                    None
                }
            }
        };
        texts.iter().filter_map(check).collect()
    }

    fn head(&self, block: &mut Block<'_>) {
        let none = |_: usize| Given::default();
        if !self.draft.grid.rows.is_empty() {
            block.push("", "version = release.version".to_owned());
        }
        let titled = |(variant, definition): (usize, &Definition)| {
            let name = definition.name.as_ref()?;
            let good = self.formed(variant, std::slice::from_ref(name), Form::Line);
            good.first().map(|(_, value)| (variant, code::string(value)))
        };
        let titles: Vec<Occurrence> = self.each().filter_map(titled).collect();
        block.scalar("title", &titles, &none, "title");
        let license = |(variant, definition): (usize, &Definition)| {
            let (_, value) = definition.annotations.iter().find(|(key, _)| key.value == LICENSES)?;
            let value = self.draft.symbols[variant].resolve(&value.value);
            Form::License.problem(&value).is_none().then(|| (variant, code::string(&value)))
        };
        let licenses: Vec<Occurrence> = self.each().filter_map(license).collect();
        block.scalar("license", &licenses, &none, "license");
        super::tags::tags(self.draft, block);
        let mut dates = Vec::new();
        for (variant, definition) in self.each() {
            for (key, value) in &definition.dates {
                dates.push((variant, key.value.clone(), code::string(&value.value)));
            }
        }
        let hint = |key: &str| if key == "release" { "released".to_owned() } else { key.to_owned() };
        block.map("dates", &dates, &|_, _| Given::default(), &hint);
    }

    fn packages(&self, block: &mut Block<'_>) {
        let (mut packages, mut exclude) = (Vec::new(), Vec::new());
        for (variant, definition) in self.each() {
            let (wanted, without) = self.draft.requests(variant, &definition.packages);
            packages.extend(wanted.into_iter().map(|package| (variant, code::string(&package))));
            exclude.extend(without.into_iter().map(|package| (variant, code::string(&package))));
        }
        let has = |list: fn(&Image) -> Vec<String>| {
            move |code: &str, variant: usize| {
                let (runtime, dev) = self.draft.base_images(variant);
                [runtime, dev]
                    .into_iter()
                    .flatten()
                    .any(|image| list(image).iter().any(|one| code::string(one) == code))
            }
        };
        let values = |image: &Image| image.packages.iter().map(|package| package.value.clone()).collect();
        let excluded = |image: &Image| image.exclude.iter().map(|package| package.value.clone()).collect();
        let sign = if self.draft.base.is_some() { "+=" } else { "=" };
        block.list("packages", &packages, &has(values), sign);
        block.list("exclude", &exclude, &has(excluded), sign);
    }

    fn accounts(&self, block: &mut Block<'_>) {
        let names: Vec<Names> =
            (0..self.draft.entries.len()).map(|variant| self.draft.names(variant)).collect();
        let (mut users, mut groups) = (Vec::new(), Vec::new());
        for (variant, names) in names.iter().enumerate() {
            users.extend(names.user_entries().into_iter().map(|(name, code)| (variant, name, code)));
            groups.extend(names.group_entries().into_iter().map(|(name, code)| (variant, name, code)));
        }
        let user = |key: &str, variant: usize| {
            let key = key.to_owned();
            self.given(move |image| image.users.get(&key).map(super::accounts::user_code), variant)
        };
        let group = |key: &str, variant: usize| {
            let key = key.to_owned();
            self.given(move |image| image.groups.get(&key).map(super::accounts::group_code), variant)
        };
        block.map("users", &users, &user, &|_| "account".to_owned());
        block.map("groups", &groups, &group, &|_| "group".to_owned());
        let run_as =
            |(variant, names): (usize, &Names)| Some((variant, code::string(names.run_as.as_ref()?)));
        let wanted: Vec<Occurrence> = names.iter().enumerate().filter_map(run_as).collect();
        let given = |variant: usize| self.given(|image| Some(code::string(&image.run_as.value)), variant);
        let all: BTreeMap<usize, ()> = wanted.iter().map(|(variant, _)| (*variant, ())).collect();
        if !all.is_empty() {
            block.scalar_or_given("run-as", &wanted, &given, "run-as");
        }
    }

    /// A map of texts, without the keys for which `skip` holds.
    fn map(
        &self,
        block: &mut Block<'_>,
        field: &str,
        of: impl Fn(&Definition) -> &[(Str, Str)],
        skip: impl Fn(usize, &Str, &str) -> bool,
        form: Form,
        pick: fn(&Image) -> &BTreeMap<String, String>,
    ) {
        let mut entries = Vec::new();
        for (variant, definition) in self.each() {
            for (key, value) in of(definition) {
                let text = self.draft.symbols[variant].resolve(&value.value);
                if skip(variant, key, &text) {
                    continue;
                }
                match form.problem(&key.value) {
                    None if !text.contains('\0') => {
                        entries.push((variant, key.value.clone(), code::text(&text)));
                    }
                    problem => {
                        let why =
                            problem.map_or_else(|| "it holds a NUL".to_owned(), |problem| problem.message);
                        self.draft.left_out(variant, value, &why);
                    }
                }
            }
        }
        let given = |key: &str, variant: usize| {
            let key = key.to_owned();
            self.given(move |image| pick(image).get(&key).map(|value| code::text(value)), variant)
        };
        block.map(field, &entries, &given, &|key| key.rsplit('.').next().unwrap_or(key).to_lowercase());
    }

    fn maps(&self, block: &mut Block<'_>) {
        self.map(block, "env", |d| &d.environment, |_, _, _| false, Form::EnvName, |image| &image.env);
        self.map(block, "labels", |d| &d.labels, |_, _, _| false, Form::LabelName, |image| &image.labels);
        let description = self.draft.common_description().is_some();
        let told = |_: usize, key: &Str, value: &str| {
            (key.value == DESCRIPTION && description)
                || (key.value == LICENSES && Form::License.problem(value).is_none())
        };
        self.map(block, "annotations", |d| &d.annotations, told, Form::LabelName, |image| &image.annotations);
        let own = |variant: usize, key: &Str, value: &str| {
            let distro = &self.draft.entries[variant].identity.distro;
            match key.value.as_str() {
                "ID" => value == distro.family.as_str(),
                "VERSION_ID" => value == distro.release,
                "VERSION_CODENAME" => version::codename_of(&distro.release) == Some(value),
                _ => false,
            }
        };
        self.map(block, "os-release", |d| &d.os_release, own, Form::OsReleaseName, |image| &image.os_release);
    }

    fn process(&self, block: &mut Block<'_>) {
        let none = |_: usize| Given::default();
        let one = |of: fn(&Definition) -> Option<&Str>, form: Form, trim: bool| -> Vec<Occurrence> {
            let value = |(variant, definition): (usize, &Definition)| {
                let text = of(definition)?;
                let value = self.draft.symbols[variant].resolve(&text.value);
                let value = if trim && value.len() > 1 { value.trim_end_matches('/') } else { &value };
                match form.problem(&self.draft.sample(value)) {
                    None => Some((variant, code::string(value))),
                    Some(problem) => {
                        self.draft.left_out(variant, text, &problem.message);
                        None
                    }
                }
            };
            self.each().filter_map(value).collect()
        };
        let work_dir = one(|d| d.work_dir.as_ref(), Form::Path, true);
        block.scalar("work-dir", &work_dir, &none, "work-dir");
        let words = |of: fn(&Definition) -> &[Str]| -> Vec<Occurrence> {
            let list = |(variant, definition): (usize, &Definition)| {
                let words: Vec<String> = of(definition).iter().map(|word| self.text(variant, word)).collect();
                (!words.is_empty()).then(|| (variant, code::list(&words)))
            };
            self.each().filter_map(list).collect()
        };
        let list = |words: &[String]| {
            let words: Vec<String> = words.iter().map(|word| code::text(word)).collect();
            (!words.is_empty()).then(|| code::list(&words))
        };
        let entrypoint = |variant: usize| self.given(|image| list(&image.entrypoint), variant);
        block.scalar("entrypoint", &words(|d| &d.entrypoint), &entrypoint, "entrypoint");
        let cmd = |variant: usize| self.given(|image| list(&image.cmd), variant);
        block.scalar("cmd", &words(|d| &d.cmd), &cmd, "cmd");
        for (field, of, form) in [
            ("ports", (|d| &d.ports) as fn(&Definition) -> &Vec<Str>, Form::Port),
            ("volumes", |d| &d.volumes, Form::Path),
        ] {
            let mut found = Vec::new();
            for (variant, definition) in self.each() {
                let good = self.formed(variant, of(definition), form);
                found.extend(good.into_iter().map(|(_, value)| (variant, code::string(&value))));
            }
            block.list(field, &found, &|_, _| false, "=");
        }
        let signals = one(|d| d.stop_signal.as_ref(), Form::Signal, false);
        block.scalar("stop-signal", &signals, &none, "stop-signal");
    }

    fn tests(&self, block: &mut Block<'_>) {
        let mut found = Vec::new();
        for (variant, definition) in self.each() {
            let mut names = BTreeSet::new();
            for test in &definition.tests {
                found.extend(self.test(variant, test, &mut names).into_iter().map(|text| (variant, text)));
            }
        }
        block.statements(&found);
    }

    fn test(&self, variant: usize, test: &Test, names: &mut BTreeSet<String>) -> Vec<String> {
        let base = test.name.as_ref().map_or_else(|| "runs".to_owned(), |name| name.value.clone());
        let last = test.commands.len() - 1;
        let mut found = Vec::new();
        for (index, command) in test.commands.iter().enumerate() {
            let text = self.draft.symbols[variant].resolve(&command.value);
            let text = super::shell::with_variables(&text);
            let plain = !text.contains(|letter: char| "\"'\\$`;&|<>(){}*?[]~#\n\t!".contains(letter));
            let words: Vec<String> = match plain {
                true => text.split_whitespace().map(code::text).collect(),
                false => ["sh", "-c", &text].into_iter().map(code::text).collect(),
            };
            if words.is_empty() {
                continue;
            }
            let numbered = (2..).map(|number| format!("{base} {number}"));
            let name = std::iter::once(base.clone()).chain(numbered).find(|name| names.insert(name.clone()));
            let mut fields = vec![format!("run = {}", code::list(&words))];
            let (status, text) = &test.status;
            match (index == last, *status) {
                (true, 1..=255) => fields.push(format!("status = {status}")),
                (true, 256..) => self.draft.left_out(variant, text, "a program's status is at most 255"),
                _ => {}
            }
            if let (true, Some(output)) = (index == last, &test.output) {
                fields.push(format!("stdout = contains({})", self.text(variant, output)));
            }
            found.push(format!(
                "test {} {{ {} }}",
                code::string(&name.unwrap_or_default()),
                fields.join("; ")
            ));
        }
        found
    }
}

/// Whether an entry is for any architecture of a variant, and if for one alone, which.
impl Draft<'_> {
    /// The architecture that an entry is limited to; `None` where it is for none of the variant's.
    pub fn arch(&self, variant: usize, only: &Only) -> Option<Option<&'static str>> {
        let symbols = &self.symbols[variant];
        let arches = &self.entries[variant].arches;
        let holds = |arch: &str| {
            let platform = only.platforms.is_empty()
                || only.platforms.iter().any(|platform| platform.value == format!("linux/{arch}"));
            let condition =
                only.condition.as_ref().is_none_or(|text| symbols.holds(&text.value, arch).unwrap_or(true));
            platform && condition
        };
        if let Some(condition) = &only.condition
            && symbols.holds(&condition.value, "amd64").is_none()
        {
            self.left_out(
                variant,
                condition,
                "the condition is not understood: what it is for is taken always",
            );
        }
        let kept: Vec<&str> = arches.iter().map(|arch| arch.as_str()).filter(|arch| holds(arch)).collect();
        match kept.as_slice() {
            [] => None,
            kept if kept.len() == arches.len() => Some(None),
            ["amd64"] => Some(Some("amd64")),
            _ => Some(Some("arm64")),
        }
    }

    /// The description that all definitions share, where it can be a doc comment.
    pub fn common_description(&self) -> Option<String> {
        let of = |definition: &Definition| {
            let found = definition.annotations.iter().find(|(key, _)| key.value == DESCRIPTION);
            found.map(|(_, value)| value.value.clone())
        };
        let mut all = self.entries.iter().map(|entry| of(&entry.definition));
        let first = all.next()??;
        let plain = first.trim() == first && !first.is_empty() && !first.chars().any(char::is_control);
        let free =
            !first.contains("${") && !first.contains("#{") && code::string(&first).len() == first.len() + 2;
        (plain && free && all.all(|other| other.as_ref() == Some(&first))).then_some(first)
    }

    /// Whether a definition has the flavor that `base.dev` is for.
    pub fn is_dev(&self, variant: usize) -> bool {
        self.entries[variant].identity.flavor == Flavor::Dev
    }
}
