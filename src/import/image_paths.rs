//! The paths of the image.

use std::collections::{BTreeMap, BTreeSet};

use hbuild_lang::Form;
use hbuild_lang::recipe::PathRule;

use super::accounts::Names;
use super::block::Block;
use super::code;
use super::definition::{PathAction, PathEntry};
use super::image::{FromBuilds, Writer};

impl Writer<'_> {
    /// The field `paths`: the definitions' own rules, and those that builds need.
    pub fn paths(&self, block: &mut Block<'_>, from: &FromBuilds) {
        let mut rules: Vec<(usize, String, String, Option<&'static str>)> = Vec::new();
        for (variant, definition) in self.each() {
            let names = self.draft.names(variant);
            let mut own = BTreeMap::new();
            for entry in &definition.paths {
                self.path(variant, entry, &names, &mut own);
            }
            rules.extend(own.into_iter().map(|((path, arch), rule)| (variant, path, rule, arch)));
            if names.removed.contains("nonroot") {
                let there =
                    self.draft.base_images(variant).0.map(|image| image.paths.contains_key("/home/nonroot"));
                let said = rules.iter().any(|(at, path, _, _)| *at == variant && path == "/home/nonroot");
                if there == Some(true) && !said {
                    rules.push((variant, "/home/nonroot".to_owned(), "none".to_owned(), None));
                }
            }
        }
        let known: BTreeSet<(usize, String)> =
            rules.iter().map(|(v, path, _, _)| (*v, path.clone())).collect();
        let new = |rule: &&(usize, String, String, Option<&'static str>)| {
            !known.contains(&(rule.0, rule.1.clone()))
        };
        rules.extend(from.paths.iter().filter(new).cloned());
        let given = |key: &str, variant: usize| {
            let key = key.to_owned();
            self.given(move |image| image.paths.get(&key).map(|rule| rule_code(&rule.value)), variant)
        };
        for arch in [None, Some("amd64"), Some("arm64")] {
            let here = rules.iter().filter(|(_, _, _, only)| *only == arch);
            let here: Vec<(usize, String, String)> =
                here.map(|(variant, path, rule, _)| (*variant, path.clone(), rule.clone())).collect();
            block.arch = arch;
            block.map("paths", &here, &given, &|_| "path".to_owned());
        }
        block.arch = None;
    }

    /// The rule of an entry.
    fn path(
        &self,
        variant: usize,
        entry: &PathEntry,
        names: &Names,
        own: &mut BTreeMap<(String, Option<&'static str>), String>,
    ) {
        let Some(arch) = self.draft.arch(variant, &entry.only) else { return };
        let path = self.draft.symbols[variant].resolve(&entry.path.value);
        let path = if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path };
        let mut add = |path: String, rule: String| {
            if own.insert((path, arch), rule.clone()).is_some_and(|before| before != rule) {
                self.draft.left_out(
                    variant,
                    &entry.path,
                    "a later entry for the same path stands instead of this one",
                );
            }
        };
        let glob = matches!(entry.action, PathAction::Delete(_) | PathAction::Attrs(_));
        let form = if glob { Form::Glob } else { Form::Path };
        let problem = form.problem(&self.draft.sample(&path));
        if problem.is_some() || (!glob && path.contains(['*', '?', '{'])) {
            let why = problem.map_or_else(|| "it looks like a glob".to_owned(), |problem| problem.message);
            return self.draft.all_left_out(variant, entry.texts(), &why);
        }
        let attributes = |default: u16| names.attributes(self.draft, variant, &entry.owner, default);
        let below = if path == "/" { "/**".to_owned() } else { format!("{path}/**") };
        match &entry.action {
            PathAction::Directory(recursive, source) => {
                add(path.clone(), format!("directory({})", attributes(0o755)));
                if let Some(source) = source {
                    self.draft.left_out(
                        variant,
                        source,
                        "add a `source` with this `path`, placed with `.at(…)`",
                    );
                }
                let rule = attributes(0);
                if *recursive && !rule.is_empty() {
                    add(below, format!("attrs({rule})"));
                }
            }
            PathAction::Text(content) => {
                let text = self.draft.symbols[variant].resolve(&content.value);
                let mut arguments = vec![format!("text = {}", code::text(&text))];
                arguments.extend(Some(attributes(0o644)).filter(|text| !text.is_empty()));
                add(path, format!("file({})", arguments.join(", ")));
            }
            PathAction::Empty => {
                let mut arguments = vec!["text = \"\"".to_owned()];
                arguments.extend(Some(attributes(0o644)).filter(|text| !text.is_empty()));
                add(path, format!("file({})", arguments.join(", ")));
            }
            PathAction::Beside(_) => {
                let rule = attributes(0);
                if !rule.is_empty() {
                    add(path, format!("attrs({rule})"));
                }
            }
            PathAction::Symlink(target) => {
                let target = self.draft.symbols[variant].resolve(&target.value);
                if let Some((uid, text)) = &entry.owner.uid
                    && *uid != 0
                {
                    self.draft.left_out(variant, text, "a symbolic link belongs to root");
                }
                add(path, format!("symlink({})", code::string(&target)));
            }
            PathAction::Delete(recursive) => {
                add(path, "delete".to_owned());
                if *recursive {
                    add(below, "delete".to_owned());
                }
            }
            PathAction::Attrs(recursive) => {
                let rule = attributes(0);
                if rule.is_empty() {
                    return;
                }
                add(path, format!("attrs({rule})"));
                if *recursive {
                    add(below, format!("attrs({rule})"));
                }
            }
        }
    }
}

/// A rule of the standard library as code.
fn rule_code(rule: &PathRule) -> String {
    let arguments = |owner: &Option<String>, group: &Option<String>, mode: &Option<u16>| {
        let mut arguments = Vec::new();
        arguments.extend(owner.as_ref().map(|owner| format!("owner = {}", code::string(owner))));
        arguments.extend(group.as_ref().map(|group| format!("group = {}", code::string(group))));
        arguments.extend(mode.map(|mode| format!("mode = 0o{mode:o}")));
        arguments
    };
    match rule {
        PathRule::File { text, owner, group, mode } => {
            let mut all = vec![format!("text = {}", code::text(text))];
            all.extend(arguments(owner, group, mode));
            format!("file({})", all.join(", "))
        }
        PathRule::Directory { owner, group, mode } => {
            format!("directory({})", arguments(owner, group, mode).join(", "))
        }
        PathRule::Attrs { owner, group, mode } => {
            format!("attrs({})", arguments(owner, group, mode).join(", "))
        }
        PathRule::Symlink { target } => format!("symlink({})", code::string(target)),
        PathRule::Delete => "delete".to_owned(),
        PathRule::Keep => "keep".to_owned(),
    }
}
