//! What of a build goes into the image.

use hbuild_lang::Form;

use super::code;
use super::layout::Maker;
use super::shell;
use super::steps::StepCode;
use super::symbolic::{SOURCE, TARGET};

const READ_ONLY: &str = "a build's root is read-only: have the script write below `$OUT`";

impl Maker<'_, '_> {
    /// The outputs: what lies below `$OUT` already, and copies of the rest.
    pub fn outputs(&mut self) {
        let mut copies = Vec::new();
        let mut whole = false;
        for output in &self.build.outputs {
            let holds = output.condition.as_ref().is_none_or(|condition| {
                self.draft.symbols[self.variant].holds(&condition.value, "amd64").unwrap_or(true)
            });
            if !holds {
                continue;
            }
            self.draft.all_left_out(self.variant, &output.condition, "what a build makes is taken always");
            let trim =
                |path: String| if path.len() > 1 { path.trim_end_matches('/').to_owned() } else { path };
            let source = trim(self.moved(&self.resolve(&output.source)));
            let target = trim(self.resolve(&output.target));
            if source.starts_with("/opt/docker/sbom") {
                self.draft.all_left_out(
                    self.variant,
                    [&output.source],
                    "hbuild writes the SBOM itself, from what the sources say",
                );
                continue;
            }
            if Form::Path.problem(&self.draft.sample(&target)).is_some()
                || target.contains(['*', '?', '[', '{'])
            {
                self.draft.all_left_out(self.variant, output.texts(), "it is no absolute path");
                continue;
            }
            if source != format!("{TARGET}{}", if target == "/" { "" } else { &target }) {
                match self.copy(output, &source, &target) {
                    Some(copy) => copies.push(copy),
                    None => continue,
                }
            }
            whole |= target == "/";
            self.made.only.push(target.trim_start_matches('/').to_owned());
            let last = target.rsplit('/').next().unwrap_or_default();
            let folder = output.owner.mode.is_none() && !last.contains('.');
            self.made.owners.push((target.clone(), output.owner.clone(), folder));
            self.made.targets.push(target);
        }
        if whole {
            self.made.only.clear();
        }
        if !copies.is_empty() {
            let script = shell::with_variables(&copies.join("\n"));
            let taken = |name: &str| self.made.steps.iter().any(|step| step.name == name);
            let name =
                if taken("install outputs") { "install outputs of the build" } else { "install outputs" };
            self.made.steps.push(StepCode {
                name: name.to_owned(),
                dir: None,
                env: None,
                script: code::script(&script),
            });
        }
        if self.made.steps.is_empty() {
            let script = "echo 'the build has no steps' >&2\nexit 1\n";
            self.made.steps.push(StepCode {
                name: "build".to_owned(),
                dir: None,
                env: None,
                script: code::script(script),
            });
        }
    }

    /// The command that puts an output where the image wants it; `None` where nothing can.
    fn copy(&self, output: &super::definition::Output, source: &str, target: &str) -> Option<String> {
        let inside = source.starts_with(SOURCE) || source.starts_with(TARGET);
        if !inside {
            self.draft.to_do(self.variant, &output.source, READ_ONLY);
        }
        if source == "/" || !(inside || source.starts_with('/')) {
            self.draft.all_left_out(self.variant, output.texts(), READ_ONLY);
            return None;
        }
        let parent = target.rsplit_once('/').map_or("", |(parent, _)| parent);
        let command = match target {
            "/" => format!("cp -a {source}/. {TARGET}/"),
            _ => format!("mkdir -p {TARGET}{parent}\ncp -a {source} {TARGET}{target}"),
        };
        Some(command)
    }
}
