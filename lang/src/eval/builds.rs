//! What is known of builds when all of them are evaluated: what they take over from their sources, whether the
//! outputs that something takes exist, whether one needs itself.

use std::collections::BTreeMap;

use super::machine::Machine;
use crate::modules::Site;
use crate::recipe::{Build, Content, ContentKind, Point, Recipe, Source};

/// Builds by name and point.
type Index<'a> = BTreeMap<(&'a str, &'a Point), usize>;

impl Machine<'_> {
    /// Completes the builds of the recipe, and reports outputs that none has and circles among them.
    pub fn finish_builds(&mut self, recipe: &mut Recipe) {
        if recipe.builds.is_empty() {
            return;
        }
        let sources: BTreeMap<(&str, &Point), &Source> =
            recipe.sources.iter().map(|source| ((source.name.as_str(), &source.point), source)).collect();
        for build in &mut recipe.builds {
            take_over(build, &sources);
        }
        let index: Index<'_> =
            (0..).zip(&recipe.builds).map(|(at, build)| ((build.name.as_str(), &build.point), at)).collect();
        for (content, site) in std::mem::take(&mut self.outputs) {
            self.known_output(&content, site, &recipe.builds, &index);
        }
        let circles = circles(&recipe.builds, &index);
        for circle in circles {
            self.circle(&recipe.builds, &circle);
        }
    }

    fn known_output(&mut self, content: &Content, site: Site, builds: &[Build], index: &Index<'_>) {
        let build = index.get(&(content.source.as_str(), &content.point)).and_then(|at| builds.get(*at));
        let (Some(build), Some(output)) = (build, &content.output) else { return };
        if !build.outputs.contains(output) {
            let message = format!("build `{}` has no output `{output}`", build.name);
            let report = self.error("hbuild::lang::unknown_output", site, message);
            match build.outputs.is_empty() {
                true => report.help(format!("give it one with `outputs = [\"{output}\"]`")),
                false => report.meant(output, build.outputs.iter().map(String::as_str), "outputs"),
            };
        }
    }

    /// Reports builds that need one another.
    fn circle(&mut self, builds: &[Build], circle: &[usize]) {
        let name = |at: &usize| {
            let build = &builds[*at];
            let labels: Vec<String> =
                build.point.iter().map(|(axis, label)| format!("{axis} {label}")).collect();
            (build.name.as_str(), labels.join(", "))
        };
        let Some((first, labels)) = circle.first().map(name) else { return };
        let names = circle.iter().chain(circle.first()).map(|at| format!("`{}`", name(at).0));
        let names: Vec<String> = names.collect();
        let site = self.build_sites.get(first).copied().unwrap_or_default();
        self.error("hbuild::lang::build_cycle", site, format!("build `{first}` at {labels} needs itself"))
            .label(format!("the circle is {}", names.join(" → ")))
            .help("take one of them out of the `tools` or `inputs` of another");
    }
}

/// Fills in what the build leaves to its one source.
fn take_over(build: &mut Build, sources: &BTreeMap<(&str, &Point), &Source>) {
    let mut used = build.sources.values();
    let (Some(one), None) = (used.next(), used.next()) else { return };
    let Some(source) = sources.get(&(one.value.source.as_str(), &one.value.point)) else { return };
    let filled = |field: &mut Option<String>, from: &Option<String>| {
        if field.is_none() {
            field.clone_from(from);
        }
    };
    filled(&mut build.version, &source.purl.as_deref().and_then(version_of_purl));
    filled(&mut build.license, &source.license);
    filled(&mut build.purl, &source.purl);
    filled(&mut build.cpe, &source.cpe);
}

/// The version in a package URL; `None` where it has none, or one that is written with `%`.
fn version_of_purl(purl: &str) -> Option<String> {
    let path = purl.split(['?', '#']).next()?;
    let (_, version) = path.rsplit('/').next()?.rsplit_once('@')?;
    (!version.is_empty() && !version.contains('%')).then(|| version.to_owned())
}

/// Every circle that a depth-first walk meets: builds each of which needs the next.
fn circles(builds: &[Build], index: &Index<'_>) -> Vec<Vec<usize>> {
    let needs = |at: usize| -> Vec<usize> {
        let contents = builds[at].contents.iter().map(|content| &content.value);
        contents
            .filter(|content| content.kind == ContentKind::Build)
            .filter_map(|content| index.get(&(content.source.as_str(), &content.point)).copied())
            .collect()
    };
    let (mut found, mut open, mut done) = (Vec::new(), vec![false; builds.len()], vec![false; builds.len()]);
    for start in 0..builds.len() {
        let mut stack: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut next = (!done[start]).then_some(start);
        loop {
            if let Some(at) = next.take() {
                open[at] = true;
                stack.push((at, needs(at)));
            }
            let Some((at, below)) = stack.last_mut() else { break };
            match below.pop() {
                Some(target) if open[target] => {
                    let from = stack.iter().position(|(at, _)| *at == target).unwrap_or(0);
                    found.push(stack[from..].iter().map(|(at, _)| *at).collect());
                }
                Some(target) => next = (!done[target]).then_some(target),
                None => {
                    (open[*at], done[*at]) = (false, true);
                    stack.pop();
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_purls() {
        let version = |purl: &str| version_of_purl(purl);
        assert_eq!(version("pkg:generic/redis@8.8.2"), Some("8.8.2".to_owned()));
        assert_eq!(version("pkg:npm/@scope/x@1.0?arch=any#sub"), Some("1.0".to_owned()));
        assert_eq!(version("pkg:generic/redis"), None);
        assert_eq!(version("pkg:generic/redis@1%3A2"), None);
    }
}
