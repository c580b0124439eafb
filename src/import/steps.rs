//! The steps of a build over its variants: those that all have once, the others in `when`s.

use std::collections::BTreeMap;

use super::block::Block;
use super::code;
use super::grid::{Grid, Set};
use super::levels::Levels;

/// A step as code.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StepCode {
    /// Its name.
    pub name: String,
    /// Working directory.
    pub dir: Option<String>,
    /// Environment.
    pub env: Option<String>,
    /// Script.
    pub script: String,
}

/// Adds the steps to the block.
pub fn write_steps(
    grid: &Grid,
    levels: &Levels<'_>,
    block: &mut Block<'_>,
    steps: &BTreeMap<usize, Vec<StepCode>>,
) {
    let steps = unified(levels, steps);
    let Some(first) = steps.values().next() else { return };
    let same_names = steps.values().all(|list| {
        list.len() == first.len() && list.iter().zip(first).all(|(one, other)| one.name == other.name)
    });
    if same_names {
        for index in 0..first.len() {
            let here = steps.iter().map(|(at, list)| (*at, list[index].clone())).collect();
            block.push("", joint(grid, &here));
        }
        return;
    }
    let common = (0..first.len())
        .take_while(|index| steps.values().all(|list| list.get(*index) == first.get(*index)))
        .count();
    for step in &first[..common] {
        block.push("", alone(step));
    }
    let mut groups: Vec<(&[StepCode], Set)> = Vec::new();
    for (variant, list) in &steps {
        let rest = &list[common..];
        match groups.iter_mut().find(|(known, _)| *known == rest) {
            Some((_, set)) => drop(set.insert(*variant)),
            None => groups.push((rest, Set::from([*variant]))),
        }
    }
    for (list, set) in groups {
        for (condition, _) in block.conditions(&set) {
            list.iter().for_each(|step| block.push(&condition, alone(step)));
        }
    }
}

/// The steps with what follows from the version taken from the release.
fn unified(levels: &Levels<'_>, steps: &BTreeMap<usize, Vec<StepCode>>) -> BTreeMap<usize, Vec<StepCode>> {
    let mut steps = steps.clone();
    for part in 0..3 {
        let mut codes: Vec<(usize, String)> = Vec::new();
        for (variant, list) in &steps {
            for step in list {
                codes.extend(part_of(step, part).map(|code| (*variant, code)));
            }
        }
        let mut found = levels.unify(&codes).into_iter();
        for step in steps.values_mut().flatten() {
            if part_of(step, part).is_some() {
                let code = found.next().unwrap_or_default();
                match part {
                    0 => step.dir = Some(code),
                    1 => step.env = Some(code),
                    _ => step.script = code,
                }
            }
        }
    }
    steps
}

fn part_of(step: &StepCode, part: usize) -> Option<String> {
    match part {
        0 => step.dir.clone(),
        1 => step.env.clone(),
        _ => Some(step.script.clone()),
    }
}

fn alone(step: &StepCode) -> String {
    joint_of(&step.name, step.dir.clone(), step.env.clone(), step.script.clone())
}

fn joint(grid: &Grid, steps: &BTreeMap<usize, StepCode>) -> String {
    let value = |of: &dyn Fn(&StepCode) -> Option<String>| {
        let values: BTreeMap<usize, String> =
            steps.iter().map(|(at, step)| (*at, of(step).unwrap_or_else(|| "none".to_owned()))).collect();
        let any = steps.values().any(|step| of(step).is_some());
        any.then(|| grid.value(&values, "none", "step"))
    };
    let name = steps.values().next().map(|step| step.name.clone()).unwrap_or_default();
    let script = value(&|step| Some(step.script.clone())).unwrap_or_default();
    joint_of(&name, value(&|step| step.dir.clone()), value(&|step| step.env.clone()), script)
}

fn joint_of(name: &str, dir: Option<String>, env: Option<String>, script: String) -> String {
    let mut fields = Vec::new();
    fields.extend(dir.map(|dir| format!("dir = {dir}")));
    fields.extend(env.map(|env| format!("env = {env}")));
    fields.push(format!("script = {script}"));
    let lines: String = fields.iter().map(|field| format!("    {field}\n")).collect();
    format!("step {} {{\n{lines}  }}", code::string(name))
}
