//! Alternatives: `update-alternatives --install` as it stands in the scripts.

use std::collections::BTreeMap;

use super::PackageScript;
use crate::image::merge::{MergeError, Workspace};
use crate::tree::TreePath;
use hbuild_lang::recipe::Flavor;

/// A group of links that lead to one of several programs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alternative {
    /// The generic link, `/usr/bin/awk`.
    pub link: String,
    /// The links that go with it, by name: `/usr/share/man/man1/awk.1.gz`.
    pub slaves: BTreeMap<String, String>,
    /// The choices by program.
    pub choices: BTreeMap<String, Choice>,
}

/// One choice.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choice {
    /// Its priority.
    pub priority: i64,
    /// What the links that go with it lead to, by name.
    pub slaves: BTreeMap<String, String>,
}

/// The alternatives of all scripts, by name.
pub fn read_alternatives(scripts: &[PackageScript]) -> BTreeMap<String, Alternative> {
    let mut alternatives: BTreeMap<String, Alternative> = BTreeMap::new();
    for script in scripts {
        let Ok(read) = &script.script else { continue };
        for call in read.calls.iter().filter(|call| call.program() == Some("update-alternatives")) {
            if let Some(words) = call.literal() {
                add(&mut alternatives, &words[1..]);
            }
        }
    }
    alternatives
}

fn add(alternatives: &mut BTreeMap<String, Alternative>, words: &[&str]) -> Option<()> {
    let at = words.iter().position(|word| *word == "--install")?;
    let [link, name, program, priority, ..] = words[at + 1..] else { return None };
    let plain = |name: &str| !name.is_empty() && !name.contains('/') && name != "." && name != "..";
    let absolute = |path: &str| matches!(TreePath::from_absolute(path), Ok(Some(_)));
    if !plain(name) || !absolute(link) || !absolute(program) {
        return None;
    }
    let mut choice = Choice { priority: priority.parse().ok()?, slaves: BTreeMap::new() };
    let alternative = alternatives.entry(name.to_owned()).or_default();
    alternative.link = link.to_owned();
    let mut rest = &words[at + 5..];
    while let ["--slave", link, name, path, ..] = rest {
        if plain(name) && absolute(link) && absolute(path) {
            alternative.slaves.insert((*name).to_owned(), (*link).to_owned());
            choice.slaves.insert((*name).to_owned(), (*path).to_owned());
        }
        rest = &rest[4..];
    }
    alternative.choices.insert(program.to_owned(), choice);
    Some(())
}

const EFFECT: &str = "alternatives";

/// Makes the links as dpkg leaves them after installing everything: the choice of the highest priority whose
/// program is there, each link by way of `/etc/alternatives`, and no link whose target is not there. The dev
/// flavor also gets the state that update-alternatives keeps.
pub fn set_alternatives(
    workspace: &mut Workspace<'_>,
    alternatives: &BTreeMap<String, Alternative>,
) -> Result<(), MergeError> {
    for (name, alternative) in alternatives {
        let present = alternative.choices.iter().filter(|(program, _)| workspace.exists(program));
        // Of two with one priority the one that sorts first stands.
        let best = present.max_by(|a, b| a.1.priority.cmp(&b.1.priority).then_with(|| b.0.cmp(a.0)));
        let Some((program, choice)) = best else { continue };
        set_link(workspace, name, &alternative.link, program);
        for (slave, link) in &alternative.slaves {
            if let Some(path) = choice.slaves.get(slave).filter(|path| workspace.exists(path)) {
                set_link(workspace, slave, link, path);
            }
        }
        if workspace.parameters.flavor == Flavor::Dev {
            let path = Workspace::path(&format!("/var/lib/dpkg/alternatives/{name}"));
            let state = state(workspace, alternative);
            workspace.write(EFFECT, &path, state, (0o644, 0, 0))?;
        }
    }
    Ok(())
}

fn set_link(workspace: &mut Workspace<'_>, name: &str, link: &str, target: &str) {
    let middle = format!("/etc/alternatives/{name}");
    let place = Workspace::path(link);
    // A package that ships a file of its own there keeps it.
    let own = workspace.root.real_path(&place).ok().and_then(|path| workspace.root.get(&path).map(|_| ()));
    if own.is_none() {
        workspace.link(EFFECT, &place, middle.clone());
    }
    workspace.link(EFFECT, &Workspace::path(&middle), target);
}

/// The state file: mode, link, the links that go with it, then each choice with priority and its targets.
fn state(workspace: &Workspace<'_>, alternative: &Alternative) -> Vec<u8> {
    let mut text = format!("auto\n{}\n", alternative.link);
    for (name, link) in &alternative.slaves {
        text += &format!("{name}\n{link}\n");
    }
    text += "\n";
    for (program, choice) in alternative.choices.iter().filter(|(program, _)| workspace.exists(program)) {
        text += &format!("{program}\n{}\n", choice.priority);
        for name in alternative.slaves.keys() {
            text += choice.slaves.get(name).map_or("", String::as_str);
            text += "\n";
        }
    }
    text += "\n";
    text.into_bytes()
}
