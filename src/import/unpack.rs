//! Where the sources of a build lie, and what has to be done so that its scripts find them.

use std::collections::BTreeSet;

use hbuild_lang::Form;

use super::code;
use super::definition::PathAction;
use super::layout::Maker;
use super::reader::Str;
use super::sources::{Fields, Origin, origin, stem};
use super::symbolic::{SOURCE, TARGET};

const OUTSIDE: &str = "a build has its sources below `$SRC`, and its root is read-only";

impl Maker<'_, '_> {
    /// Every text in which paths of sources may stand.
    fn texts(&self) -> Vec<String> {
        let steps = self.build.steps.iter().flat_map(|step| [&step.runs, &step.work_dir]);
        let own = steps.chain([&self.build.work_dir]).flatten();
        own.chain(self.build.outputs.iter().map(|output| &output.source))
            .map(|text| self.resolve(text))
            .collect()
    }

    /// Lays the build's downloads out.
    pub fn unpack(&mut self) {
        let files: Vec<_> = self
            .build
            .files
            .iter()
            .filter(|file| self.draft.arch(self.variant, &file.only).is_some())
            .collect();
        for file in &files {
            let owner = file.owner.ids().chain(&file.owner.mode);
            self.draft.all_left_out(self.variant, owner, "a build's files belong to its one user");
            for glob in file.includes.iter().chain(&file.excludes) {
                self.draft.left_out(self.variant, glob, "a build unpacks a source as a whole");
            }
            if let Some(condition) = file.only.condition.as_ref().or(file.only.platforms.first())
                && self.draft.arch(self.variant, &file.only) != Some(None)
            {
                self.draft.left_out(self.variant, condition, "the source is there on every architecture");
            }
        }
        let found: Vec<(String, Origin)> = files
            .iter()
            .filter_map(|file| {
                let origin = origin(self.draft, self.variant, file)?;
                let path = file.path.as_ref().map_or_else(|| SOURCE.to_string(), |path| self.resolve(path));
                Some((path, origin))
            })
            .collect();
        let alone = found.len() == 1;
        let folders: Vec<String> =
            found.iter().map(|(path, _)| path.trim_end_matches('/').to_owned()).collect();
        for (index, (path, origin)) in found.into_iter().enumerate() {
            let inside = folders.iter().enumerate().any(|(other, folder)| {
                other != index && folder.len() > 1 && folders[index].starts_with(&format!("{folder}/"))
            });
            self.place(&path, origin, alone, inside);
        }
    }

    fn place(&mut self, path: &str, mut origin: Origin, alone: bool, inside: bool) {
        let folder = path.trim_end_matches('/').to_owned();
        let name = format!("{}-src", origin.name.trim_end_matches("-src"));
        if !origin.is_tree() {
            return self.place_file(path, &folder, &name, origin);
        }
        let root = folder == SOURCE.to_string();
        let top = origin.file.as_deref().and_then(stem).map(|stem| format!("{folder}/{stem}"));
        let stripped = top.as_ref().is_some_and(|top| self.only_below(&folder, top));
        if let (Some(top), true) = (&top, stripped) {
            self.moves.push((top.clone(), folder.clone()));
        } else if origin.file.is_some() {
            origin.fields.push(("strip", "0".to_owned()));
        }
        let at = if stripped { top.clone().unwrap_or_default() } else { folder.clone() };
        self.patches(&at, &folder, &mut origin.fields);
        let key = folder.rsplit('/').next().unwrap_or_default().to_owned();
        let direct = folder == format!("{SOURCE}/{key}")
            && Form::FolderName.problem(&self.draft.sample(&key)).is_none();
        let source = self.sources.add(self.variant, &name, origin.fields);
        if root && alone {
            self.made.source = Some(source);
        } else if direct {
            self.made.sources.push((key, source));
        } else {
            let key = source.trim_end_matches("-src").to_owned();
            let lies = format!("{SOURCE}/{key}");
            self.made.sources.push((key, source));
            if inside || root {
                self.prepare.push(format!("mkdir -p {folder} && cp -a {lies}/. {folder}/"));
            } else {
                self.moves.push((folder, lies));
            }
        }
    }

    /// A download that is no archive: it lies in a folder of its own, and is copied to where it should be.
    fn place_file(&mut self, path: &str, folder: &str, name: &str, origin: Origin) {
        let file = origin.file.clone().unwrap_or_default();
        let source = self.sources.add(self.variant, name, origin.fields);
        let key = source.trim_end_matches("-src").to_owned();
        let lies = format!("{SOURCE}/{key}/{file}");
        self.made.sources.push((key, source));
        let to_folder = path.ends_with('/') || folder == SOURCE.to_string();
        if !folder.starts_with(SOURCE) && !folder.starts_with(TARGET) {
            self.moves.push((if to_folder { format!("{folder}/{file}") } else { folder.to_owned() }, lies));
        } else if to_folder {
            self.prepare.push(format!("mkdir -p {folder} && cp {lies} {folder}/"));
        } else {
            let parent = folder.rsplit_once('/').map_or(folder, |(parent, _)| parent);
            self.prepare.push(format!("mkdir -p {parent} && cp {lies} {folder}"));
        }
    }

    /// Whether every text that names the folder goes on with the archive's top folder.
    fn only_below(&self, folder: &str, top: &str) -> bool {
        let texts = self.texts();
        let mut seen = false;
        let all = texts.iter().all(|text| {
            text.match_indices(folder).all(|(at, _)| {
                let rest = &text[at..];
                let longer = rest[folder.len()..]
                    .starts_with(|next: char| next.is_ascii_alphanumeric() || "-_.".contains(next));
                let below = rest.starts_with(top)
                    && !rest[top.len()..]
                        .starts_with(|next: char| next.is_ascii_alphanumeric() || "-_.".contains(next));
                seen |= below;
                longer || below
            })
        });
        all && seen
    }

    /// Takes the patches that the first steps apply to the source that lies at `at`.
    fn patches(&mut self, at: &str, folder: &str, fields: &mut Fields) {
        let mut found = Vec::new();
        for (index, step) in self.build.steps.iter().enumerate() {
            let patch = step.uses.as_ref().is_some_and(|uses| uses.value.starts_with("patch@"));
            let options = step.options.as_ref().map_or("-p1", |options| options.value.as_str());
            let dir = step.work_dir.as_ref().or(self.build.work_dir.as_ref()).map(|dir| self.resolve(dir));
            let dir = dir.unwrap_or_else(|| SOURCE.to_string());
            let here = [at, folder].contains(&dir.trim_end_matches('/'));
            if !patch || options != "-p1" || !here || step.condition.is_some() || !step.with.is_empty() {
                break;
            }
            let files: Option<Vec<&Str>> =
                step.patches.iter().map(|patch| self.beside(&self.resolve(patch))).collect();
            let Some(files) = files else { break };
            found.extend(files.iter().map(|file| code::string(&self.resolve(file))));
            self.patched.insert(index);
        }
        if !found.is_empty() {
            fields.push(("patches", code::list(&found)));
        }
    }

    /// The file beside the catalogue that an entry of the build's `paths` puts at a path.
    fn beside(&self, path: &str) -> Option<&Str> {
        self.build.paths.iter().find_map(|entry| match &entry.action {
            PathAction::Beside(source) if self.resolve(&entry.path) == path => Form::RelativePath
                .problem(&self.draft.sample(&self.resolve(source)))
                .is_none()
                .then_some(source),
            _ => None,
        })
    }

    /// Files, folders and links that the build wants in its root.
    pub fn paths(&mut self) {
        let patches: BTreeSet<String> = self
            .patched
            .iter()
            .flat_map(|step| self.build.steps[*step].patches.iter().map(|patch| self.resolve(patch)))
            .collect();
        for entry in &self.build.paths {
            let path = self.resolve(&entry.path);
            if self.draft.arch(self.variant, &entry.only).is_none() {
                continue;
            }
            let only = entry
                .only
                .condition
                .iter()
                .filter(|_| self.draft.arch(self.variant, &entry.only) != Some(None));
            self.draft.all_left_out(self.variant, only, "the path is there on every architecture");
            if let PathAction::Beside(source) | PathAction::Directory(_, Some(source)) = &entry.action {
                self.draft.to_do(self.variant, source, "put this file or folder beside the recipe");
            }
            if patches.contains(&path) {
                continue;
            }
            let path = self.moved(path.trim_end_matches('/'));
            if !path.starts_with(SOURCE) && !path.starts_with(TARGET) {
                self.draft.all_left_out(self.variant, entry.texts(), OUTSIDE);
                continue;
            }
            self.draft.all_left_out(
                self.variant,
                entry.owner.ids(),
                "a build's files belong to its one user",
            );
            self.prepare_path(&path, &entry.action);
            if let Some(mode) = &entry.owner.mode {
                let bits = mode.value.trim_start_matches("0o");
                if !bits.is_empty() && bits.bytes().all(|byte| (b'0'..=b'7').contains(&byte)) {
                    self.prepare.push(format!("chmod {bits} {path}"));
                } else {
                    self.draft.left_out(self.variant, mode, "it is no mode such as `0755`");
                }
            }
        }
    }

    fn prepare_path(&mut self, path: &str, action: &PathAction) {
        let parent = path.rsplit_once('/').map_or(path, |(parent, _)| parent);
        let command = match action {
            PathAction::Directory(_, None) => format!("mkdir -p {path}"),
            PathAction::Directory(_, Some(source)) | PathAction::Beside(source) => {
                let from = self.resolve(source);
                if Form::RelativePath.problem(&self.draft.sample(&from)).is_some() {
                    return self.draft.left_out(self.variant, source, "it is no path beside the recipe");
                }
                let file = from.rsplit('/').next().unwrap_or(&from);
                let name = format!("{}-file", code::name(file));
                let name = self.sources.add(self.variant, &name, vec![("path", code::string(&from))]);
                let key = name.clone();
                let lies = format!("{SOURCE}/{key}");
                self.made.sources.push((key, name));
                match action {
                    PathAction::Beside(_) => format!("mkdir -p {parent} && cp {lies}/{file} {path}"),
                    _ => format!("mkdir -p {path} && cp -a {lies}/. {path}/"),
                }
            }
            PathAction::Text(content) => {
                let text = self.resolve(content);
                let mut end = "END".to_owned();
                while text.lines().any(|line| line == end) {
                    end.push('_');
                }
                let line = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
                format!("mkdir -p {parent} && cat > {path} << '{end}'\n{text}{line}{end}")
            }
            PathAction::Empty => format!("mkdir -p {parent} && : > {path}"),
            PathAction::Symlink(target) => {
                format!("mkdir -p {parent} && ln -sfn '{}' {path}", self.resolve(target))
            }
            PathAction::Delete(_) => format!("rm -rf {path}"),
            PathAction::Attrs(_) => return,
        };
        self.prepare.push(command);
    }
}
