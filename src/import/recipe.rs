//! One recipe out of the definitions of one image.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::recipe::{Family, Flavor, Image};

use super::accounts::Names;
use super::base::Base;
use super::block::Block;
use super::builds::Builds;
use super::code;
use super::comments::{comment, header};
use super::grid::Grid;
use super::levels::Levels;
use super::reader::Str;
use super::remark::{Problem, Remark, RemarkKind};
use super::symbolic::{ArchLets, Symbols};
use super::table::{assemble, axes};
use super::variants::{self, Entry};

/// What recipes are made of while they are made.
pub struct Draft<'a> {
    /// Name of the image in the recipe.
    pub name: String,
    /// Definitions, one a variant.
    pub entries: &'a [Entry],
    /// Their variables.
    pub symbols: Vec<Symbols<'a>>,
    /// The axes.
    pub grid: &'a Grid,
    /// Values that depend on the architecture.
    pub lets: &'a ArchLets,
    /// What the standard library brings, where the recipe uses it.
    pub base: Option<Base>,
    /// Whether the dev flavor takes `base.dev`.
    pub use_dev: bool,
    remarks: RefCell<BTreeSet<Remark>>,
    item: RefCell<String>,
}

/// A recipe.
#[derive(Debug, Clone)]
pub struct Written {
    /// Name of the image.
    pub name: String,
    /// Its text.
    pub text: String,
    /// What is to be said.
    pub remarks: Vec<Remark>,
}

impl<'a> Draft<'a> {
    fn new(name: String, entries: &'a [Entry], grid: &'a Grid, lets: &'a ArchLets) -> Self {
        let base = Base::of(&grid.distros);
        let whole = |entry: &Entry| {
            let packages = || entry.definition.packages.iter().map(|package| package.value.as_str());
            let named = |name: &str| {
                packages().any(|package| package.split(['=', '~', '<', '>']).next() == Some(name))
            };
            match entry.identity.distro.family {
                Family::Debian => named("base-files"),
                Family::Alpine => {
                    ["alpine-baselayout", "alpine-baselayout-data", "alpine-base"].into_iter().any(named)
                }
            }
        };
        let has_manager = |entry: &&Entry| {
            let root = entry.definition.accounts.run_as.as_ref().is_some_and(|run_as| run_as.value == "root");
            let manager = ["apt", "apk-tools"];
            root && entry.definition.packages.iter().any(|package| manager.contains(&package.value.as_str()))
        };
        let dev = || entries.iter().filter(|entry| entry.identity.flavor == Flavor::Dev);
        let use_base = entries.iter().all(whole);
        Self {
            name,
            entries,
            symbols: entries.iter().map(|entry| Symbols::new(&entry.definition, lets)).collect(),
            grid,
            lets,
            base: use_base.then_some(base),
            use_dev: use_base && dev().next().is_some() && dev().all(|entry| has_manager(&entry)),
            remarks: RefCell::default(),
            item: RefCell::default(),
        }
    }

    fn remark(&self, kind: RemarkKind, variant: usize, text: &Str, value: String, reason: &str) {
        self.remarks.borrow_mut().insert(Remark {
            kind,
            file: self.entries[variant].definition.file.clone(),
            line: text.mark.line,
            column: text.mark.column,
            field: text.field.to_string(),
            value,
            reason: reason.to_owned(),
            item: self.item.borrow().clone(),
        });
    }

    /// Says that something is not in the recipe.
    pub fn left_out(&self, variant: usize, text: &Str, reason: &str) {
        self.remark(RemarkKind::LeftOut, variant, text, text.value.clone(), reason);
    }

    /// Says that none of the texts is in the recipe.
    pub fn all_left_out<'t>(&self, variant: usize, texts: impl IntoIterator<Item = &'t Str>, reason: &str) {
        texts.into_iter().for_each(|text| self.left_out(variant, text, reason));
    }

    /// Says that something has to be done before the recipe builds.
    pub fn to_do(&self, variant: usize, text: &Str, reason: &str) {
        self.remark(RemarkKind::ToDo, variant, text, text.value.clone(), reason);
    }

    /// Sets the item that remarks are about from now on.
    pub fn about(&self, item: &str) {
        item.clone_into(&mut self.item.borrow_mut());
    }

    /// The text as it is on the first architecture, for checks of its form.
    pub fn sample(&self, text: &str) -> String {
        let put = |letter: char| match letter {
            super::symbolic::SOURCE => "/build/src".to_owned(),
            super::symbolic::TARGET => "/out".to_owned(),
            letter => self.lets.get(letter).map_or_else(|| letter.to_string(), |(_, [first, _])| first),
        };
        text.chars().map(put).collect()
    }

    /// Packages and exclusions in the distro's grammar, without what is said twice.
    pub fn requests(&self, variant: usize, packages: &[Str]) -> (Vec<String>, Vec<String>) {
        let family = self.entries[variant].identity.distro.family;
        let (mut wanted, mut without): (Vec<String>, Vec<String>) = Default::default();
        let mut pins: BTreeMap<String, String> = BTreeMap::new();
        for text in packages {
            let value = self.symbols[variant].resolve(&text.value);
            let (value, excluded) =
                value.strip_prefix('!').map_or((value.as_str(), false), |name| (name, true));
            let sample = self.sample(value);
            match hbuild_lang::parse_package(&sample, family) {
                Err(problem) => self.left_out(variant, text, &problem.message),
                Ok(request) if excluded => match request.pin {
                    None => without.push(value.to_owned()),
                    Some(_) => self.left_out(variant, text, "what is excluded has no version"),
                },
                Ok(request) => {
                    let pin = request.pin.unwrap_or_default().to_owned();
                    let known = pins.entry(request.name.to_owned()).or_insert_with(|| pin.clone());
                    if !pin.is_empty() && !known.is_empty() && *known != pin {
                        self.left_out(variant, text, "the package has another pin already");
                        continue;
                    }
                    if known.is_empty() {
                        known.clone_from(&pin);
                    }
                    wanted.push(value.to_owned());
                }
            }
        }
        let unpinned = |value: &String| {
            let pinned = pins.get(value).is_some_and(|pin| !pin.is_empty());
            !pinned
        };
        wanted.retain(unpinned);
        let mut seen = BTreeSet::new();
        wanted.retain(|value| seen.insert(value.clone()));
        seen.clear();
        without.retain(|value| seen.insert(value.clone()));
        (wanted, without)
    }

    /// The images of the standard library for a variant: that of the runtime, and that of dev where it is used.
    pub fn base_images(&self, variant: usize) -> (Option<&Image>, Option<&Image>) {
        let Some(base) = &self.base else { return (None, None) };
        let distro = &self.entries[variant].identity.distro;
        let dev = (self.use_dev && self.is_dev(variant)).then(|| base.image(distro, Flavor::Dev)).flatten();
        (base.image(distro, Flavor::Runtime), dev)
    }

    /// The accounts of a variant.
    pub fn names(&self, variant: usize) -> Names {
        Names::new(self, variant, &self.entries[variant].definition.accounts, self.base_images(variant))
    }

    /// The name that the language gives a variant.
    pub fn variant_name(&self, variant: usize) -> String {
        let at = self.grid.variants[variant];
        let row = self.grid.rows.get(at.row);
        let mut parts: Vec<String> = row.map(|row| row.version.clone()).into_iter().collect();
        parts.push(self.grid.distros[at.distro].to_string());
        if at.flavor == Flavor::Dev {
            parts.push("dev".to_owned());
        }
        if self.grid.profiles.len() > 1 {
            let label = &self.grid.profiles[at.profile];
            let told =
                row.is_some_and(|row| row.version == *label || row.version.starts_with(&format!("{label}.")));
            if !told {
                parts.push(label.clone());
            }
        }
        parts.join("-")
    }

    /// What `repositories` and `keyring` say that the distro's own do not.
    fn repositories(&self) {
        for (variant, entry) in self.entries.iter().enumerate() {
            let build = entry.definition.builds.iter().flat_map(|build| &build.repositories);
            for text in entry.definition.repositories.iter().chain(build) {
                if !is_own(&text.value, entry.identity.distro.family, &entry.identity.distro.release) {
                    self.left_out(variant, text, super::catalogue::repository_reason());
                }
            }
            for text in &entry.definition.keyring {
                self.left_out(variant, text, super::catalogue::repository_reason());
            }
        }
    }

    fn unused_variables(&self) {
        for (variant, entry) in self.entries.iter().enumerate() {
            let used = self.symbols[variant].used.borrow();
            for (key, value) in &entry.definition.vars {
                let version = entry.identity.version.as_deref().unwrap_or("");
                let told = value.value == version || version.starts_with(&format!("{}.", value.value));
                let repeated = super::version::repeats(&entry.definition.texts, &value.value);
                if !used.contains(&key.value) && !told && !repeated {
                    self.left_out(variant, value, "nothing in the definition refers to the variable");
                }
            }
        }
    }

    /// What the standard library adds to the packages and accounts of the definitions.
    fn additions(&self) {
        let mut said = BTreeSet::new();
        for (variant, entry) in self.entries.iter().enumerate() {
            let (wanted, _) = self.requests(variant, &entry.definition.packages);
            let names: BTreeSet<&str> =
                wanted.iter().filter_map(|name| name.split(['=', '~', '<', '>', '@']).next()).collect();
            let (runtime, dev) = self.base_images(variant);
            let Some(image) = dev.or(runtime) else { continue };
            let added: Vec<&str> = image
                .packages
                .iter()
                .map(|p| p.value.as_str())
                .filter(|name| !names.contains(name))
                .collect();
            let users: BTreeSet<&str> =
                entry.definition.accounts.users.iter().map(|user| user.name.value.as_str()).collect();
            let accounts: Vec<&str> = image
                .users
                .keys()
                .map(String::as_str)
                .filter(|name| !users.contains(name) && *name != "root")
                .collect();
            let from = if dev.is_some() { "base.dev" } else { "base.runtime" };
            let distro = &entry.identity.distro;
            let lists = [("packages", added), ("accounts", accounts)];
            let lists = lists.iter().filter(|(_, names)| !names.is_empty());
            let text: Vec<String> =
                lists.map(|(what, names)| format!("{what} {}", names.join(", "))).collect();
            let text = text.join("; ");
            if text.is_empty() {
                continue;
            }
            if said.insert((from, distro.to_string(), text.clone())) {
                let mark = super::yaml::Mark { line: 1, column: 1 };
                let place = Str { value: String::new(), mark, field: "".into() };
                let reason = format!("`{from}({distro})` brings more: {text}");
                self.remark(RemarkKind::Added, variant, &place, String::new(), &reason);
            }
        }
    }
}

/// Whether a repository is one of the distro's own.
fn is_own(text: &str, family: Family, release: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    match family {
        Family::Alpine => {
            let branch = format!("/v{release}/");
            text.contains("alpinelinux.org/alpine") && text.contains(&branch)
        }
        Family::Debian => words.first() == Some(&"deb") && text.contains("debian.org/debian"),
    }
}

/// The recipe of the definitions, which all are of one image, and what is wrong with some of them.
pub fn write(image: &str, entries: Vec<Entry>) -> (Option<Written>, Vec<Problem>) {
    let (entries, grid, problems) = variants::arrange(entries);
    if entries.is_empty() {
        return (None, problems);
    }
    let lets = ArchLets::default();
    let draft = Draft::new(code::name(image), &entries, &grid, &lets);
    let levels = Levels { grid: &grid, variables: variants::variables(&entries, &grid) };
    let text = text(&draft, &levels);
    draft.about("");
    draft.unused_variables();
    let mut remarks: Vec<Remark> = draft.remarks.take().into_iter().collect();
    remarks.extend(entries.iter().flat_map(|entry| entry.definition.remarks.iter().cloned()));
    remarks.sort();
    let header = header(image, &draft, &remarks);
    let text = text.replacen("\u{e7f0}", &header, 1);
    (Some(Written { name: draft.name.clone(), text, remarks }), problems)
}

fn text(draft: &Draft<'_>, levels: &Levels<'_>) -> String {
    let grid = draft.grid;
    let names = names_of(draft, levels);
    let mut builds = Builds::new(draft, levels);
    let (items, from) = builds.items();
    let mut block = Block::new(levels, grid.all());
    draft.about(&format!("image {}", draft.name));
    if draft.base.is_some() {
        block.push("", "use base.runtime(distro)".to_owned());
    }
    if draft.use_dev {
        block.push("flavor == dev", "use base.dev(distro)".to_owned());
    }
    let description = super::image::image(draft, &mut block, &from);
    draft.repositories();
    draft.additions();
    let image = image_text(draft, description, &block);
    let mut body = String::new();
    let mut codes = String::new();
    let image = (draft.comments(&format!("image {}", draft.name)), image);
    for (comments, item) in items.iter().chain([&image]) {
        let item = code::finish(item, draft.lets, &names);
        body.push_str(&format!("{comments}{item}\n"));
        codes.push_str(&item);
    }
    let lets = lets(draft, levels, &codes);
    assemble(draft, &lets, &body, codes.contains("tag.semver(") || lets.contains("tag.semver("))
}

fn image_text(draft: &Draft<'_>, description: Option<String>, block: &Block<'_>) -> String {
    let mut out = String::new();
    if let Some(description) = description {
        out.push_str(&format!("## {description}\n"));
    }
    out.push_str(&format!("image {} {{\n  for {}\n", draft.name, axes(draft).join(", ")));
    out.push_str(&block.text());
    out.push_str("}\n");
    out
}

impl Draft<'_> {
    /// The comments for an item.
    pub fn comments(&self, item: &str) -> String {
        let mut out = String::new();
        for kind in [RemarkKind::ToDo, RemarkKind::LeftOut, RemarkKind::Added] {
            let remarks = self.remarks.borrow();
            let here: Vec<Remark> =
                remarks.iter().filter(|remark| remark.kind == kind && remark.item == item).cloned().collect();
            out.push_str(&comment(kind, &here, "# "));
        }
        out
    }
}

/// What stands for each variable: a column of the table, or a `let`.
pub fn names_of(draft: &Draft<'_>, levels: &Levels<'_>) -> Vec<String> {
    let name = |variable: &super::levels::Variable| {
        let values = variable.values.iter().map(|(at, value)| (*at, code::string(value))).collect();
        let columns = draft.grid.columns.borrow().clone();
        let value = draft.grid.value(&values, "\"\"", &variable.name);
        if value.starts_with("release.") {
            return value;
        }
        *draft.grid.columns.borrow_mut() = columns;
        variable.name.clone()
    };
    levels.variables.iter().map(name).collect()
}

/// The `let`s that the body mentions: those over `arch`, and the variables that follow the release.
fn lets(draft: &Draft<'_>, levels: &Levels<'_>, body: &str) -> String {
    let mut out = String::new();
    let mentioned = mentions(body);
    if mentioned.contains("prefixes") {
        out.push_str("let prefixes = tag.semver(release, among = releases)\n");
    }
    if mentioned.contains("suffix") {
        out.push_str("let suffix = match flavor { runtime => \"\", dev => \"-dev\" }\n");
    }
    for index in 0..0x200 {
        let Some((name, [one, two])) = char::from_u32(0xe100 + index).and_then(|sign| draft.lets.get(sign))
        else {
            break;
        };
        if mentioned.contains(&name) {
            let (one, two) = (code::string(&one), code::string(&two));
            out.push_str(&format!("let {name} = match arch {{ amd64 => {one}, arm64 => {two} }}\n"));
        }
    }
    let names = names_of(draft, levels);
    for (variable, name) in levels.variables.iter().zip(&names) {
        if *name == variable.name && mentioned.contains(name) {
            let values = variable.values.iter().map(|(at, value)| (*at, code::string(value))).collect();
            let value = draft.grid.value(&values, "\"\"", &variable.name);
            out.push_str(&format!("let {} = {value}\n", variable.name));
        }
    }
    out
}

/// The names that code mentions, those in interpolations included.
pub fn mentions(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut words = |text: &str| {
        let letter = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
        found.extend(text.split(|next| !letter(next)).map(str::to_owned));
    };
    for piece in code::pieces(code) {
        match piece {
            code::Piece::Code(code) => {
                code.lines().map(|line| line.split('#').next().unwrap_or("")).for_each(&mut words);
            }
            code::Piece::String { inner, .. } => {
                inner.split("{{").skip(1).filter_map(|part| part.split("}}").next()).for_each(&mut words);
            }
        }
    }
    found
}
