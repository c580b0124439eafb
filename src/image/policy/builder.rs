//! Performs policy derivations.

use std::collections::BTreeMap;

use hbuild_lang::recipe::{Flavor, Waiver};

use super::report::rules_in_force;
use super::waivers::Waivers;
use super::{Effect, Finding, PolicyError, PolicyReport, accounts, binaries, files, rule, secrets};
use crate::exec::{BuildContext, BuildError, BuildOutputs, Builder};
use crate::graph::{Action, Derivation, Evidence, outputs};
use crate::image::config::{numeric_user, text, to_canonical};
use crate::image::elf::ElfReport;
use crate::tree::{ContentError, Contents, OriginMap, Tree, TreePath};

/// What the policy is held against.
#[derive(Clone, Copy)]
pub struct PolicyInput<'a> {
    /// Which rules hold.
    pub flavor: Flavor,
    /// Who runs the image, `uid:gid` in numbers.
    pub user: &'a str,
    /// What the recipe waives.
    pub waivers: &'a [Waiver],
    /// The merged tree.
    pub tree: &'a Tree,
    /// Where its files came from.
    pub origins: &'a OriginMap,
    /// The contents of its files.
    pub contents: &'a dyn Contents,
    /// The report about its ELF files.
    pub elf: &'a ElfReport,
}

/// Makes the `document` of a policy derivation: a [`PolicyReport`]. Inputs: the merge, with `origins` and
/// `tree`, and the ELF report's `document`. Waivers that nothing needs are warned about.
#[derive(Debug, Clone, Copy, Default)]
pub struct PolicyBuilder;

impl Builder for PolicyBuilder {
    fn build(&self, derivation: &Derivation, context: &dyn BuildContext) -> Result<BuildOutputs, BuildError> {
        let Action::Evidence(evidence) = &derivation.action else {
            unreachable!("the scheduler hands policy derivations to this builder");
        };
        let Evidence::Policy { flavor, user, waivers } = &**evidence else {
            unreachable!("the scheduler hands policy derivations to this builder");
        };
        let has =
            |number: usize, output: &str| derivation.inputs[number].outputs.iter().any(|name| name == output);
        let input = |output: &str| (0..derivation.inputs.len()).find(|number| has(*number, output));
        let (Some(merge), Some(elf)) = (input(outputs::TREE), input(outputs::DOCUMENT)) else {
            unreachable!("a policy's inputs are a merge and an ELF report");
        };
        let (tree, origins) =
            (context.tree(merge, outputs::TREE)?, context.origins(merge, outputs::ORIGINS)?);
        let document = context.input(elf, outputs::DOCUMENT)?;
        let elf: ElfReport = serde_json::from_slice(&context.bytes(document)?)
            .map_err(|_| ContentError::Damaged(document.digest))?;
        let [passwd, group] = ["etc/passwd", "etc/group"].map(|path| text(&tree, path, context.contents()));
        let user = numeric_user(user, &passwd?, &group?).map_err(BuildError::action)?;
        let report = check(PolicyInput {
            flavor: *flavor,
            user: &user,
            waivers,
            tree: &tree,
            origins: &origins,
            contents: context.contents(),
            elf: &elf,
        })??;
        for unused in &report.unused_waivers {
            let glob = unused.glob.as_ref().map(|glob| format!(" for {glob}")).unwrap_or_default();
            context.warn(format!("nothing needs the waiver of {}{glob}", unused.rule));
        }
        Ok(BTreeMap::from([(outputs::DOCUMENT.to_owned(), context.put(&to_canonical(&report))?)]))
    }
}

impl From<PolicyError> for BuildError {
    fn from(error: PolicyError) -> Self {
        Self::action(error)
    }
}

/// Holds an image against the policy: the report, or every break that no waiver covers.
pub fn check(input: PolicyInput<'_>) -> Result<Result<PolicyReport, PolicyError>, ContentError> {
    let found = findings(&input)?;
    Ok(judge(&input, found))
}

fn judge(input: &PolicyInput<'_>, found: Vec<Finding>) -> Result<PolicyReport, PolicyError> {
    let mut waivers = Waivers::new(input.waivers)?;
    let (mut waived, mut reported, mut breaks) = (Vec::new(), Vec::new(), Vec::new());
    for finding in found {
        let effect = rule(&finding.rule)
            .map_or(Effect::Break, |rule| rule.effect(input.flavor, finding.origin.as_ref()));
        // A waiver of what is only reported is used all the same: the recipe serves both flavors.
        match (waivers.apply(finding), effect) {
            (Ok(covered), _) => waived.push(covered),
            (Err(finding), Effect::Report) => reported.push(finding),
            (Err(finding), Effect::Break) => breaks.push(finding),
        }
    }
    if !breaks.is_empty() {
        return Err(PolicyError::Broken { breaks });
    }
    Ok(PolicyReport {
        schema: 1,
        flavor: input.flavor,
        user: input.user.to_owned(),
        rules: rules_in_force(input.flavor),
        waived,
        reported,
        unused_waivers: waivers.unused(),
        not_proven: input.elf.not_proven.clone(),
    })
}

/// Every place where a rule is not held to, sorted.
fn findings(input: &PolicyInput<'_>) -> Result<Vec<Finding>, ContentError> {
    let finding = |rule: &str, path: &TreePath, detail: String| Finding {
        rule: rule.to_owned(),
        path: Some(path.clone()),
        origin: input.origins.get(path).cloned(),
        detail,
    };
    let mut found = Vec::new();
    found.extend(accounts::root_user(input.user));
    for entry in input.tree.entries() {
        for (rule, detail) in files::breaks(input.tree, entry) {
            found.push(finding(rule, &entry.path, detail));
        }
        if let Some(detail) = secrets::secret(entry, input.contents)? {
            found.push(finding("secret-file", &entry.path, detail));
        }
    }
    for problem in &input.elf.problems {
        found.push(finding(&problem.rule, &problem.path, problem.detail.clone()));
    }
    for file in &input.elf.files {
        for (rule, detail) in binaries::breaks(file) {
            found.push(finding(rule, &file.path, detail));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
