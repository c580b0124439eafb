//! One build at one variant: where its sources lie, what its steps are, what of it goes into the image.

use std::collections::BTreeSet;

use hbuild_lang::Form;

use super::code;
use super::definition::{Build, Owner, Step};
use super::reader::Str;
use super::recipe::Draft;
use super::shell;
use super::sources::{Sources, artifact, oci};
use super::steps::StepCode;
use super::symbolic::SOURCE;

/// A build as code.
#[derive(Debug, Clone, Default)]
pub struct Made {
    /// Tools.
    pub tools: Vec<String>,
    /// Packages left out.
    pub exclude: Vec<String>,
    /// The one source at `$SRC`.
    pub source: Option<String>,
    /// Sources by folder.
    pub sources: Vec<(String, String)>,
    /// Environment.
    pub env: Vec<(String, String)>,
    /// Working directory.
    pub dir: Option<String>,
    /// Shell.
    pub shell: Option<String>,
    /// Steps.
    pub steps: Vec<StepCode>,
    /// What the image takes, relative to its root; all where empty.
    pub only: Vec<String>,
    /// Paths in the image with their owners, and whether they are folders.
    pub owners: Vec<(String, Owner, bool)>,
    /// Paths in the image.
    pub targets: Vec<String>,
}

/// A build while it is made.
pub struct Maker<'d, 's> {
    pub(super) draft: &'d Draft<'d>,
    pub(super) sources: &'s mut Sources,
    pub(super) variant: usize,
    pub(super) build: &'d Build,
    pub(super) made: Made,
    /// Texts that are replaced in scripts and paths: where a source should lie, and where it does.
    pub(super) moves: Vec<(String, String)>,
    /// Commands that lay out what sources alone cannot.
    pub(super) prepare: Vec<String>,
    /// Whether steps run in hbuild's own shell.
    pub(super) own_shell: bool,
    pub(super) patched: BTreeSet<usize>,
}

/// The build at a variant.
pub fn make<'d>(draft: &'d Draft<'d>, sources: &mut Sources, variant: usize, build: &'d Build) -> Made {
    let (made, moves, prepare, patched) = Default::default();
    let mut maker = Maker { draft, sources, variant, build, made, moves, prepare, own_shell: true, patched };
    maker.tools();
    maker.unpack();
    maker.paths();
    maker.environment();
    maker.steps();
    maker.outputs();
    maker.made
}

impl Maker<'_, '_> {
    pub(super) fn resolve(&self, text: &Str) -> String {
        self.draft.symbols[self.variant].resolve(&text.value)
    }

    pub(super) fn moved(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in &self.moves {
            text = replace_path(&text, from, to);
        }
        text
    }

    fn tools(&mut self) {
        let (packages, exclude) = self.draft.requests(self.variant, &self.build.packages);
        let has = |name: &str| packages.iter().any(|package| package.split('=').next() == Some(name));
        let bash = has("bash") || has("build-essential");
        self.made.tools = packages.iter().map(|package| code::string(package)).collect();
        self.made.exclude = exclude.iter().map(|package| code::string(package)).collect();
        if let Some(uses) = &self.build.uses
            && let Some(name) = oci(self.draft, self.sources, self.variant, uses)
        {
            self.draft.to_do(
                self.variant,
                uses,
                "its files lie over the build's root: see that packages and image go together",
            );
            self.made.tools.push(name);
        }
        for found in &self.build.artifacts {
            if self.draft.arch(self.variant, &found.only).is_some()
                && let Some(content) = artifact(self.draft, self.sources, self.variant, found)
            {
                self.made.tools.push(content);
            }
        }
        let shells: BTreeSet<String> = self
            .build
            .steps
            .iter()
            .filter_map(|step| step.shell.as_ref())
            .map(|shell| self.resolve(shell))
            .collect();
        let shell =
            self.build.shell.as_ref().map(|shell| self.resolve(shell)).or_else(|| shells.first().cloned());
        match shell {
            Some(shell) => self.shell(&shell),
            None if !bash && has("busybox") => self.shell("sh"),
            None => {
                if !bash {
                    self.made.tools.push(code::string("bash"));
                }
            }
        }
        if self.made.tools.is_empty() {
            self.made.tools.push(code::string("bash"));
        }
        for step in &self.build.steps {
            if let Some(shell) = &step.shell
                && (shells.len() > 1 || self.build.shell.is_some())
            {
                self.draft.left_out(self.variant, shell, "all steps of a build have one shell");
            }
        }
    }

    fn shell(&mut self, shell: &str) {
        let words: Vec<&str> = shell.split_whitespace().collect();
        match words.as_slice() {
            [] => {}
            ["bash" | "/bin/bash" | "/usr/bin/bash"] => {}
            [one] => {
                self.own_shell = false;
                self.made.shell = Some(code::string(one));
            }
            words => {
                self.own_shell = false;
                let mut list: Vec<String> = words.iter().map(|word| code::string(word)).collect();
                if !words.iter().any(|word| word.starts_with('-') && word.ends_with('c')) {
                    list.push(code::string("-euc"));
                }
                self.made.shell = Some(code::list(&list));
            }
        }
    }

    fn environment(&mut self) {
        let mut env = Vec::new();
        for (key, value) in &self.build.environment {
            let text = self.moved(&self.resolve(value));
            match Form::BuildEnvName.problem(&key.value) {
                None => env.push((key.value.clone(), code::string(&text))),
                Some(problem) => self.draft.left_out(self.variant, value, &problem.message),
            }
        }
        self.made.env = env;
        if let Some(dir) = &self.build.work_dir {
            self.made.dir = self.dir(dir);
        }
    }

    /// A working directory as the language has it: relative to `$SRC`, or absolute.
    fn dir(&self, text: &Str) -> Option<String> {
        let path = self.moved(&self.resolve(text));
        let path = path.trim_end_matches('/');
        let source = SOURCE.to_string();
        if path == source || path.is_empty() {
            return None;
        }
        let path = path.strip_prefix(&format!("{source}/")).unwrap_or(path);
        let problem = Form::Directory.problem(&self.draft.sample(path));
        if let Some(problem) = problem {
            self.draft.left_out(self.variant, text, &problem.message);
            return None;
        }
        Some(code::string(path))
    }

    /// A script in hbuild's words.
    fn script(&self, text: &str) -> String {
        let mut text = self.moved(text);
        if self.own_shell {
            let rest = text.trim_start_matches('\n');
            let first = rest.lines().next().unwrap_or("");
            let sets = [
                "set -eux -o pipefail",
                "set -euxo pipefail",
                "set -euo pipefail",
                "set -eu -o pipefail",
                "set -ex",
                "set -e",
                "set -eux",
            ];
            if sets.contains(&first.trim()) {
                text = rest[first.len()..].trim_start_matches('\n').to_owned();
            }
        }
        let text = text.replace("\"$(nproc)\"", "\"$JOBS\"").replace("$(nproc)", "$JOBS");
        shell::with_variables(&text)
    }

    fn steps(&mut self) {
        let mut names = BTreeSet::from(["check".to_owned()]);
        let mut unique = |wanted: &str| {
            let wanted = if wanted.is_empty() { "step" } else { wanted };
            let numbered = (2..).map(|number| format!("{wanted} {number}"));
            std::iter::once(wanted.to_owned())
                .chain(numbered)
                .find(|name| names.insert(name.clone()))
                .unwrap_or_default()
        };
        let mut steps = Vec::new();
        if !self.prepare.is_empty() {
            let script = shell::with_variables(&self.prepare.join("\n"));
            steps.push(StepCode {
                name: unique("lay out sources"),
                dir: None,
                env: None,
                script: code::script(&script),
            });
        }
        for (index, step) in self.build.steps.iter().enumerate() {
            if self.patched.contains(&index) || !self.holds(step) {
                continue;
            }
            let name = step.name.as_ref().map(|name| self.resolve(name)).unwrap_or_default();
            let script = self.step_script(step);
            if script.trim().is_empty() {
                continue;
            }
            let dir = step.work_dir.as_ref().and_then(|dir| self.dir(dir));
            steps.push(StepCode {
                name: unique(&name),
                dir,
                env: self.step_env(step),
                script: code::script(&script),
            });
        }
        self.made.steps = steps;
    }

    fn holds(&self, step: &Step) -> bool {
        let Some(condition) = &step.condition else { return true };
        let held: Vec<Option<bool>> = self.draft.entries[self.variant]
            .arches
            .iter()
            .map(|arch| self.draft.symbols[self.variant].holds(&condition.value, arch.as_str()))
            .collect();
        if held.iter().all(|held| *held == Some(false)) {
            return false;
        }
        if !held.iter().all(|held| *held == Some(true)) {
            self.draft.to_do(
                self.variant,
                condition,
                "the step is executed always: test `$(uname -m)` in its script",
            );
        }
        true
    }

    fn step_env(&self, step: &Step) -> Option<String> {
        let mut entries = Vec::new();
        for (key, value) in &step.environment {
            let text = self.moved(&self.resolve(value));
            match Form::BuildEnvName.problem(&key.value) {
                None => entries.push(format!("{} = {}", code::key(&key.value), code::string(&text))),
                Some(problem) => self.draft.left_out(self.variant, value, &problem.message),
            }
        }
        (!entries.is_empty()).then(|| format!("{{ {} }}", entries.join(", ")))
    }

    fn step_script(&self, step: &Step) -> String {
        let Some(uses) = &step.uses else {
            return step.runs.as_ref().map(|runs| self.script(&self.resolve(runs))).unwrap_or_default();
        };
        self.draft.all_left_out(self.variant, &step.runs, "the step calls an action instead");
        let named = uses.value.split('@').next().unwrap_or_default();
        if ["sbom", "spdx"].contains(&named) {
            self.draft.left_out(
                self.variant,
                uses,
                "hbuild writes the SBOM itself, from what the sources say",
            );
            return String::new();
        }
        if named == "patch" && step.with.is_empty() {
            let options = step.options.as_ref().map_or("-p1", |options| options.value.as_str());
            let lines = step
                .patches
                .iter()
                .map(|patch| format!("patch {options} -i {}\n", self.moved(&self.resolve(patch))));
            return shell::with_variables(&lines.collect::<String>());
        }
        self.draft.to_do(self.variant, uses, "write out in the step's script what the action does");
        let mut script = format!("# uses: {}\n", uses.value);
        let patches = step.patches.iter().map(|patch| format!("patch: {}", patch.value));
        let with = step.with.iter().map(|(key, value)| format!("{}: {value}", key.value));
        for line in with.chain(patches).chain(step.options.iter().map(|o| format!("options: {}", o.value))) {
            let line = self.draft.sample(&self.moved(&self.draft.symbols[self.variant].resolve(&line)));
            script.extend(line.lines().map(|line| format!("#   {line}\n")));
        }
        script.push_str(&format!(
            "echo '{} has to be written out here' >&2\nexit 1\n",
            uses.value.replace('\'', "")
        ));
        script
    }
}

/// The text with a path replaced where it stands as a whole or goes on below.
fn replace_path(text: &str, from: &str, to: &str) -> String {
    if from.is_empty() || from == to || !text.contains(from) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let after = &rest[at + from.len()..];
        let longer = after.starts_with(|next: char| next.is_ascii_alphanumeric() || "-_.".contains(next));
        out.push_str(&rest[..at]);
        out.push_str(if longer { from } else { to });
        rest = after;
    }
    out.push_str(rest);
    out
}
