//! `hbuild show`.

use std::fmt::Write;

use clap::Args;
use hbuild_lang::recipe::{Build, Content, Image, Located, PathRule, Repository};

use super::arguments::Selection;
use super::context::Context;
use super::registry::RegistryArguments;
use super::report::Failure;
use super::{print, print_json, show_image, target};
use crate::build::{ArchChoice, Item, select};

/// Arguments of `show`.
#[derive(Debug, Args)]
pub struct ShowArguments {
    /// Recipes and variants, or one image: a layout folder or an archive, optionally with `:REF`
    #[command(flatten)]
    pub selection: Selection,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
    /// Registries
    #[command(flatten)]
    pub registry: RegistryArguments,
}

/// Prints the evaluated images and builds, or what is in an image. Every architecture is shown where none is asked for.
pub fn run(arguments: &ShowArguments, context: &Context) -> Result<(), Failure> {
    if show_image::is_image(&arguments.selection.targets) {
        return show_image::run(arguments, context);
    }
    let projects = target::load(&arguments.selection.targets, context.reporter())?;
    target::check_axes(&arguments.selection, &projects)?;
    let mut filter = target::filter(&arguments.selection)?;
    filter.builds = true;
    if arguments.selection.arch.is_none() {
        filter.arch = ArchChoice::All;
    }
    let chosen = select(&projects, &filter).map_err(Failure::new)?;
    if arguments.json {
        let items: Vec<Item<'_>> = chosen.iter().map(|(_, item)| *item).collect();
        return print_json(&items);
    }
    let mut text = String::new();
    for (_, item) in &chosen {
        match item {
            Item::Image(image) => describe(&mut text, image),
            Item::Build(build) => describe_build(&mut text, build),
        }
        .expect("writing to a string never fails");
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
    line("extends", extends(image))?;
    line("repositories", repositories(&image.repositories))?;
    line("packages", values(&image.packages))?;
    line("exclude", values(&image.exclude))?;
    line("contents", contents(&image.contents))?;
    for (path, rule) in image.paths.iter() {
        line("path", format!("{path} = {}", rule_name(&rule.value)))?;
    }
    for (name, user) in image.users.iter() {
        line("user", format!("{name} {}:{} {}", user.uid, user.gid, user.home))?;
    }
    line("run-as", image.run_as.value.clone())?;
    for (name, value) in image.env.iter() {
        line("env", format!("{name}={value}"))?;
    }
    line("entrypoint", image.entrypoint.join(" "))?;
    line("cmd", image.cmd.join(" "))?;
    line("work-dir", image.work_dir.clone())?;
    line("ports", image.ports.join(" "))?;
    line("volumes", image.volumes.join(" "))?;
    for test in image.tests.iter() {
        line("test", format!("{}: {}", test.name, test.run.join(" ")))?;
    }
    for waiver in image.waivers.iter() {
        line("waiver", format!("{} {}: {}", waiver.rule, waiver.paths.join(" "), waiver.because))?;
    }
    Ok(())
}

fn describe_build(out: &mut String, build: &Build) -> std::fmt::Result {
    write!(out, "{}", build.name)?;
    build.point.values().try_for_each(|label| write!(out, " {label}"))?;
    writeln!(out)?;
    let mut line = |name: &str, value: String| {
        if value.is_empty() { Ok(()) } else { writeln!(out, "  {name:<12} {value}") }
    };
    line("description", build.description.clone().unwrap_or_default().replace('\n', " "))?;
    line("version", build.version.clone().unwrap_or_default())?;
    line("license", build.license.clone().unwrap_or_default())?;
    line("purl", build.purl.clone().unwrap_or_default())?;
    line("cpe", build.cpe.clone().unwrap_or_default())?;
    line("packages of", build.target.as_ref().map(|_| build.distro.to_string()).unwrap_or_default())?;
    line("repositories", repositories(&build.repositories))?;
    line("tools", values(&build.tools))?;
    line("inputs", values(&build.inputs))?;
    line("exclude", values(&build.exclude))?;
    line("contents", contents(&build.contents))?;
    for (folder, used) in &build.sources {
        line("source", format!("{} at {}", used.value.source, in_source(folder)))?;
    }
    for (name, value) in build.env.iter() {
        line("env", format!("{name}={value}"))?;
    }
    line("dir", build.dir.as_deref().map(in_source).unwrap_or_default())?;
    line("shell", build.shell.join(" "))?;
    line("network", if build.loopback { "loopback".to_owned() } else { String::new() })?;
    line("outputs", build.outputs.join(" "))?;
    for step in build.steps.iter().chain(&build.check) {
        let dir = step.dir.as_deref().map(|dir| format!(" in {}", in_source(dir))).unwrap_or_default();
        line("step", format!("{}{dir}", step.name))?;
        for (name, value) in &step.env {
            line("", format!("{name}={value}"))?;
        }
        step.script.lines().try_for_each(|text| line("", format!("| {text}")))?;
    }
    Ok(())
}

fn repositories(repositories: &[Repository]) -> String {
    let repository = |repository: &Repository| {
        format!("{} {} {}", repository.name, repository.suite, repository.components.join(" "))
    };
    repositories.iter().map(repository).collect::<Vec<_>>().join(", ")
}

/// The image that an image extends, with its point.
fn extends(image: &Image) -> String {
    let Some(base) = &image.extends else { return String::new() };
    base.value.point.values().fold(base.value.image.clone(), |text, label| text + " " + label)
}

/// A folder of a build as its scripts see it.
fn in_source(folder: &str) -> String {
    match folder {
        "" => "$SRC".to_owned(),
        absolute if absolute.starts_with('/') => absolute.to_owned(),
        relative => format!("$SRC/{relative}"),
    }
}

fn contents(contents: &[Located<Content>]) -> String {
    let content = |content: &Located<Content>| {
        let output = content.value.output.iter().map(|output| format!(".{output}")).collect::<String>();
        format!("{}{output} at {}", content.value.source, content.value.at)
    };
    contents.iter().map(content).collect::<Vec<_>>().join(", ")
}

fn values(located: &[Located<String>]) -> String {
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
