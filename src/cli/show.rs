//! `hbuild show`.

use std::fmt::Write;

use hbuild_lang::recipe::{Image, PathRule};

use super::arguments::ShowArguments;
use super::report::Failure;
use super::{print, print_json, target};
use crate::build::{ArchChoice, select};

/// Prints the evaluated images. Every architecture is shown where none is asked for.
pub fn run(arguments: &ShowArguments) -> Result<(), Failure> {
    let projects = target::load(&arguments.selection.targets)?;
    target::check_axes(&arguments.selection, &projects)?;
    let mut filter = target::filter(&arguments.selection)?;
    if arguments.selection.arch.is_none() {
        filter.arch = ArchChoice::All;
    }
    let chosen = select(&projects, &filter).map_err(Failure::new)?;
    if arguments.json {
        let images: Vec<&Image> = chosen.iter().map(|(_, image)| *image).collect();
        return print_json(&images);
    }
    let mut text = String::new();
    for (_, image) in &chosen {
        describe(&mut text, image).expect("writing to a string never fails");
    }
    print(&text)
}

fn describe(out: &mut String, image: &Image) -> std::fmt::Result {
    writeln!(out, "{} {} {}", image.name, image.variant, image.arch)?;
    let mut line = |name: &str, value: String| {
        if value.is_empty() { Ok(()) } else { writeln!(out, "  {name:<12} {value}") }
    };
    line("description", image.description.clone().unwrap_or_default().replace('\n', " "))?;
    line("license", image.license.clone().unwrap_or_default())?;
    line("tags", image.tags.join(" "))?;
    let repositories = image.repositories.iter().map(|repository| {
        format!("{} {} {}", repository.name, repository.suite, repository.components.join(" "))
    });
    line("repositories", repositories.collect::<Vec<_>>().join(", "))?;
    line("packages", values(&image.packages))?;
    line("exclude", values(&image.exclude))?;
    let contents =
        image.contents.iter().map(|content| format!("{} at {}", content.value.source, content.value.at));
    line("contents", contents.collect::<Vec<_>>().join(", "))?;
    for (path, rule) in &image.paths {
        line("path", format!("{path} = {}", rule_name(&rule.value)))?;
    }
    for (name, user) in &image.users {
        line("user", format!("{name} {}:{} {}", user.uid, user.gid, user.home))?;
    }
    line("run-as", image.run_as.value.clone())?;
    for (name, value) in &image.env {
        line("env", format!("{name}={value}"))?;
    }
    line("entrypoint", image.entrypoint.join(" "))?;
    line("cmd", image.cmd.join(" "))?;
    line("work-dir", image.work_dir.clone())?;
    line("ports", image.ports.join(" "))?;
    line("volumes", image.volumes.join(" "))?;
    for test in &image.tests {
        line("test", format!("{}: {}", test.name, test.run.join(" ")))?;
    }
    for waiver in &image.waivers {
        line("waiver", format!("{} {}: {}", waiver.rule, waiver.paths.join(" "), waiver.because))?;
    }
    Ok(())
}

fn values(located: &[hbuild_lang::recipe::Located<String>]) -> String {
    located.iter().map(|entry| entry.value.as_str()).collect::<Vec<_>>().join(" ")
}

fn rule_name(rule: &PathRule) -> String {
    match rule {
        PathRule::File { text, .. } => format!("file, {} bytes", text.len()),
        PathRule::Directory { .. } => "directory".to_owned(),
        PathRule::Symlink { target } => format!("symlink to {target}"),
        PathRule::Delete => "delete".to_owned(),
        PathRule::Keep => "keep".to_owned(),
        PathRule::Attrs { .. } => "attrs".to_owned(),
    }
}
