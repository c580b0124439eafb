//! The builds of a recipe, with what they and the image take from sources.

use std::collections::{BTreeMap, BTreeSet};

use super::block::{Block, Given};
use super::code;
use super::definition::{Build, Only, Owner, PathAction};
use super::grid::Set;
use super::image::FromBuilds;
use super::layout::{Made, make};
use super::levels::{Levels, Occurrence};
use super::recipe::Draft;
use super::sources::{Origin, Sources, artifact, axes_of, header, origin};
use super::steps::write_steps;

/// The builds while they are collected.
pub struct Builds<'d> {
    draft: &'d Draft<'d>,
    levels: &'d Levels<'d>,
    sources: Sources,
    /// Builds by name, at their variants.
    builds: BTreeMap<String, BTreeMap<usize, Made>>,
    order: Vec<String>,
    from: FromBuilds,
}

impl<'d> Builds<'d> {
    /// Those of the draft.
    pub fn new(draft: &'d Draft<'d>, levels: &'d Levels<'d>) -> Self {
        let (sources, builds, order) = Default::default();
        Self { draft, levels, sources, builds, order, from: FromBuilds::default() }
    }

    /// The items before the image as comments and code, and what the image takes of them.
    pub fn items(&mut self) -> (Vec<(String, String)>, FromBuilds) {
        for variant in 0..self.draft.entries.len() {
            let mut names = BTreeSet::new();
            let builds = &self.draft.entries[variant].definition.builds;
            for (index, build) in builds.iter().enumerate() {
                self.unused_matrix(variant, build);
                for build in expanded(build) {
                    self.build(variant, index, &build, &mut names);
                }
            }
            self.files_of_image(variant);
        }
        let mut items = Vec::new();
        let found = self.sources.items(self.draft, self.levels);
        let axes: BTreeMap<String, BTreeSet<&'static str>> =
            self.sources.names().cloned().zip(found.iter().map(|(_, _, axes)| axes.clone())).collect();
        items.extend(found.into_iter().map(|(comments, code, _)| (comments, code)));
        for name in &self.order {
            items.push(self.item(name, &axes));
        }
        (items, std::mem::take(&mut self.from))
    }

    /// Says which axes of a matrix no text of the build refers to.
    fn unused_matrix(&self, variant: usize, build: &Build) {
        for axis in &build.matrix {
            let mut used = false;
            build
                .clone()
                .each_text(&mut |text| used |= text.value.contains(&format!("${{matrix.{}", axis.name)));
            if !used {
                self.draft.left_out(variant, &axis.text, "nothing in the build refers to the matrix");
            }
        }
    }

    fn build(&mut self, variant: usize, index: usize, build: &Build, names: &mut BTreeSet<String>) {
        let draft = self.draft;
        let only = Only { condition: build.only.condition.clone(), platforms: Vec::new() };
        let Some(arch) = draft.arch(variant, &only) else { return };
        let wanted = build
            .name
            .as_ref()
            .map_or_else(|| format!("build-{}", index + 1), |name| code::name(&name.value));
        let wanted = if wanted == draft.name { format!("{wanted}-build") } else { wanted };
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let name = std::iter::once(wanted.clone()).chain(numbered).find(|name| names.insert(name.clone()));
        let name = name.unwrap_or(wanted);
        draft.about(&format!("build {name}"));
        let mut made = make(draft, &mut self.sources, variant, build);
        let globs: Vec<String> = made.only.iter().map(|path| code::string(path)).collect();
        let content =
            if globs.is_empty() { name.clone() } else { format!("{name}.only({})", code::list(&globs)) };
        self.from.contents.push((variant, content, arch));
        let accounts = draft.names(variant);
        for (path, owner, folder) in std::mem::take(&mut made.owners) {
            self.owners(variant, &accounts, &path, &owner, folder, arch);
        }
        for path in &made.targets {
            self.keep(variant, path, arch);
        }
        if !self.builds.contains_key(&name) {
            self.order.push(name.clone());
        }
        self.builds.entry(name).or_default().insert(variant, made);
    }

    /// Rules for the owner of what a build installs.
    fn owners(
        &mut self,
        variant: usize,
        accounts: &super::accounts::Names,
        path: &str,
        owner: &Owner,
        folder: bool,
        arch: Option<&'static str>,
    ) {
        let root = |id: &Option<(u32, super::reader::Str)>| id.as_ref().is_none_or(|(id, _)| *id == 0);
        if root(&owner.uid) && root(&owner.gid) && owner.mode.is_none() {
            return;
        }
        let plain = Owner {
            uid: owner.uid.clone().filter(|(id, _)| *id != 0),
            gid: owner.gid.clone().filter(|(id, _)| *id != 0),
            mode: owner.mode.clone().filter(|_| !folder),
        };
        let rule = accounts.attributes(self.draft, variant, &plain, 0);
        if let Some(mode) = owner.mode.as_ref().filter(|_| folder) {
            self.draft.left_out(
                variant,
                mode,
                "set modes of folders and what is in them with `attrs(…)` in `paths`",
            );
        }
        if rule.is_empty() || path == "/" {
            return;
        }
        self.from.paths.push((variant, path.to_owned(), format!("attrs({rule})"), arch));
        if folder {
            self.from.paths.push((variant, format!("{path}/**"), format!("attrs({rule})"), arch));
        }
    }

    /// Keeps what the runtime flavor would drop, where a build installs it.
    fn keep(&mut self, variant: usize, path: &str, arch: Option<&'static str>) {
        let (runtime, dev) = self.draft.base_images(variant);
        let Some(image) = dev.or(runtime) else { return };
        let dropped = |rule: &str| {
            let folder = rule.trim_end_matches("/**");
            path == folder || path.starts_with(&format!("{folder}/"))
        };
        let deletes =
            |rule: &hbuild_lang::recipe::PathRule| matches!(rule, hbuild_lang::recipe::PathRule::Delete);
        if image.default_paths.iter().any(|(path, rule)| deletes(rule) && dropped(path)) {
            self.from.paths.push((variant, format!("{path}/**"), "keep".to_owned(), arch));
        }
    }

    /// Downloads, artifacts and files beside the catalogue that go into the image as they are.
    fn files_of_image(&mut self, variant: usize) {
        let draft = self.draft;
        let definition = &draft.entries[variant].definition;
        draft.about(&format!("image {}", draft.name));
        for found in &definition.artifacts {
            let Some(arch) = draft.arch(variant, &found.only) else { continue };
            if let Some(content) = artifact(draft, &mut self.sources, variant, found) {
                self.from.contents.push((variant, content, arch));
            }
        }
        for file in &definition.files {
            let Some(arch) = draft.arch(variant, &file.only) else { continue };
            if let Some(origin) = origin(draft, variant, file) {
                self.download(variant, file, origin, arch);
            }
        }
        let mut beside: BTreeMap<(String, String, Option<&'static str>), Vec<String>> = BTreeMap::new();
        for entry in &definition.paths {
            let PathAction::Beside(source) = &entry.action else { continue };
            let Some(arch) = draft.arch(variant, &entry.only) else { continue };
            let (from, path) = (
                draft.symbols[variant].resolve(&source.value),
                draft.symbols[variant].resolve(&entry.path.value),
            );
            let (folder, name) = from.rsplit_once('/').unwrap_or(("", &from));
            let (target, wanted) = path.rsplit_once('/').unwrap_or(("", &path));
            let good =
                hbuild_lang::Form::RelativePath.problem(&draft.sample(&from)).is_none() && !folder.is_empty();
            if !good || name != wanted {
                let reason = "put the file beside the recipe under the name it has in the image, and add a `source` for it";
                draft.left_out(variant, source, reason);
                continue;
            }
            draft.to_do(variant, source, "put this file beside the recipe");
            beside.entry((folder.to_owned(), target.to_owned(), arch)).or_default().push(name.to_owned());
        }
        for ((folder, target, arch), files) in beside {
            let name = self.beside(variant, &folder);
            let globs: Vec<String> = files.iter().map(|file| code::string(file)).collect();
            let mut content = format!("{name}.only({})", code::list(&globs));
            if !target.is_empty() {
                content.push_str(&format!(".at({})", code::string(&target)));
            }
            self.from.contents.push((variant, content, arch));
        }
    }

    /// The source for a folder beside the recipe.
    fn beside(&mut self, variant: usize, folder: &str) -> String {
        let mut parts: Vec<&str> = folder.split('/').collect();
        parts.retain(|part| !["image", "chart", "package"].contains(part));
        let last = parts.len().saturating_sub(2);
        let mut name = code::name(&parts[last..].join("-"));
        if name == self.draft.name {
            name.push_str("-files");
        }
        self.sources.add(variant, &name, vec![("path", code::string(folder))])
    }

    fn download(
        &mut self,
        variant: usize,
        file: &super::definition::File,
        mut origin: Origin,
        arch: Option<&'static str>,
    ) {
        let draft = self.draft;
        let path =
            file.path.as_ref().map(|path| draft.symbols[variant].resolve(&path.value)).unwrap_or_default();
        let path = if path.is_empty() { "/".to_owned() } else { path };
        let accounts = draft.names(variant);
        let tree = origin.is_tree();
        if tree && origin.file.is_some() {
            origin.fields.push(("strip", "0".to_owned()));
        }
        let trimmed = if path.len() > 1 { path.trim_end_matches('/') } else { &path };
        let mut at = trimmed.to_owned();
        if let (false, Some(name), false) = (tree, &origin.file, path.ends_with('/')) {
            match trimmed.rsplit_once('/') {
                Some((folder, last)) if last == name => at = folder.to_owned(),
                _ => {
                    if let Some(text) = &file.path {
                        draft.to_do(
                            variant,
                            text,
                            "the file keeps the name it has in its URL, in a folder of this name",
                        );
                    }
                }
            }
        }
        let name = format!("{}-src", origin.name.trim_end_matches("-src"));
        let mut content = self.sources.add(variant, &name, origin.fields);
        for (method, globs) in [("only", &file.includes), ("without", &file.excludes)] {
            let list: Vec<String> = globs
                .iter()
                .map(|glob| code::string(draft.symbols[variant].resolve(&glob.value).trim_matches('/')))
                .collect();
            if !list.is_empty() {
                content.push_str(&format!(".{method}({})", code::list(&list)));
            }
        }
        if let Some(problem) = hbuild_lang::Form::Path.problem(&draft.sample(&at)).filter(|_| !at.is_empty())
        {
            if let Some(text) = &file.path {
                draft.left_out(variant, text, &problem.message);
            }
        } else if !at.is_empty() && at != "/" {
            content.push_str(&format!(".at({})", code::string(&at)));
        }
        self.from.contents.push((variant, content, arch));
        self.owners(variant, &accounts, trimmed, &file.owner, tree, arch);
    }

    /// A build as comments and code.
    fn item(&self, name: &str, sources: &BTreeMap<String, BTreeSet<&'static str>>) -> (String, String) {
        let (draft, made) = (self.draft, &self.builds[name]);
        let variants: Set = made.keys().copied().collect();
        draft.about(&format!("build {name}"));
        let mut block = Block::new(self.levels, variants.clone());
        let all = |of: &dyn Fn(&Made) -> Vec<String>| -> Vec<Occurrence> {
            made.iter()
                .flat_map(|(at, made)| of(made).into_iter().map(|code| (*at, code)).collect::<Vec<_>>())
                .collect()
        };
        let one = |of: &dyn Fn(&Made) -> Option<String>| -> Vec<Occurrence> {
            made.iter().filter_map(|(at, made)| Some((*at, of(made)?))).collect()
        };
        let never = |_: &str, _: usize| false;
        block.list("tools", &all(&|made| made.tools.clone()), &never, "=");
        block.list("exclude", &all(&|made| made.exclude.clone()), &never, "+=");
        let none = |_: usize| Given::default();
        block.scalar("source", &one(&|made| made.source.clone()), &none, "source");
        let keyed = |of: fn(&Made) -> &Vec<(String, String)>| -> Vec<(usize, String, String)> {
            made.iter()
                .flat_map(|(at, made)| of(made).iter().map(|(key, value)| (*at, key.clone(), value.clone())))
                .collect()
        };
        block
            .map("sources", &keyed(|made| &made.sources), &|_, _| Given::default(), &|_| "source".to_owned());
        block.map("env", &keyed(|made| &made.env), &|_, _| Given::default(), &|key| key.to_lowercase());
        block.scalar("dir", &one(&|made| made.dir.clone()), &none, "dir");
        block.scalar("shell", &one(&|made| made.shell.clone()), &none, "shell");
        let steps = made.iter().map(|(at, made)| (*at, made.steps.clone())).collect();
        write_steps(draft.grid, self.levels, &mut block, &steps);
        let body = block.text();
        let mut axes = axes_of(draft, self.levels, &body);
        axes.extend(["distro", "arch"]);
        let mentioned = super::recipe::mentions(&body);
        for (source, over) in sources {
            if mentioned.contains(source) {
                axes.extend(over);
            }
        }
        let header = header(draft, &axes, &variants);
        (draft.comments(&format!("build {name}")), format!("build {name} {{\n{header}{body}}}\n"))
    }
}

/// Names of the items of a cell of a matrix, and what its references stand for.
type Cell = (Vec<String>, Vec<(String, String)>);

/// The builds that a matrix makes of one; the build itself where it has none.
fn expanded(build: &Build) -> Vec<Build> {
    const MOST: usize = 64;
    let mut found: Vec<Cell> = vec![Cell::default()];
    for axis in &build.matrix {
        let mut next = Vec::new();
        for (names, values) in &found {
            for (item, fields) in &axis.items {
                let mut names = names.clone();
                names.push(item.clone());
                let mut values = values.clone();
                values.push((format!("${{matrix.{}}}", axis.name), item.clone()));
                values.push((format!("${{matrix.{}.name}}", axis.name), item.clone()));
                for (field, value) in fields {
                    let dot = if field.is_empty() { ".value" } else { "." };
                    values.push((format!("${{matrix.{}{dot}{field}}}", axis.name), value.clone()));
                }
                next.push((names, values));
            }
        }
        next.truncate(MOST);
        found = if next.is_empty() { found } else { next };
    }
    let make = |(names, values): Cell| {
        let mut made = build.clone();
        if names.is_empty() {
            return made;
        }
        if let Some(name) = &mut made.name {
            name.value = format!("{}-{}", name.value, names.join("-"));
        }
        made.each_text(&mut |text| {
            for (from, to) in &values {
                if text.value.contains(from.as_str()) {
                    text.value = text.value.replace(from.as_str(), to);
                }
            }
        });
        made
    };
    found.into_iter().map(make).collect()
}
