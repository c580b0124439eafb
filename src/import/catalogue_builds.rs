//! The builds of the catalogue format.

use super::catalogue::{artifacts, files, leave, one_of, owner, path_entry};
use super::definition::*;
use super::reader::{At, Reader, Str};
use super::yaml::Kind;

const PRIVILEGED: &str =
    "builds run without privileges and without a network: have what it fetches as a `source`";
const CACHES: &str = "a build keeps nothing from one run to the next";
const SECRETS: &str = "secrets never reach a build: have what they are for as a `source`";

/// The builds of an image.
pub fn builds(reader: &Reader, contents: &At<'_>) -> Vec<Build> {
    let list = reader.list(contents, "builds");
    list.iter().filter(|at| reader.is_map(at)).map(|at| build(reader, at)).collect()
}

fn build(reader: &Reader, at: &At<'_>) -> Build {
    let mut found = Build {
        name: reader.text(at, "name"),
        only: Only { condition: reader.text(at, "if"), platforms: Vec::new() },
        uses: reader.text(at, "uses"),
        work_dir: reader.text(at, "work-dir"),
        shell: reader.text(at, "shell"),
        environment: reader.map(at, "environment"),
        paths: reader.list(at, "paths").iter().filter_map(|path| path_entry(reader, path)).collect(),
        steps: reader.list(at, "pipeline").iter().map(|step| self::step(reader, step)).collect(),
        outputs: reader
            .list(at, "outputs")
            .iter()
            .filter_map(|output| self::output(reader, output))
            .collect(),
        matrix: reader.list(at, "matrix").iter().filter_map(|axis| matrix(reader, axis)).collect(),
        ..Build::default()
    };
    common(reader, at);
    leave(reader, at, "entitlement", "who may have an image is the registry's to say");
    leave(reader, at, "accounts", "a build runs as the one user of its sandbox");
    for attestation in reader.list(at, "attestations") {
        reader.left_out(&attestation, "hbuild writes its own evidence");
    }
    if let Some(contents) = reader.get(at, "contents").filter(|contents| reader.is_map(contents)) {
        found.repositories = reader.texts(&contents, "repositories").unwrap_or_default();
        for key in reader.list(&contents, "keyring") {
            reader.str(&key);
            reader.left_out(&key, super::catalogue::repository_reason());
        }
        found.packages = reader.texts(&contents, "packages").unwrap_or_default();
        (found.files, found.artifacts) = (files(reader, &contents), artifacts(reader, &contents));
        leave(reader, &contents, "mappings", "hbuild names packages in the SBOM by their own metadata");
    }
    found
}

/// What builds and their steps have both and hbuild has not.
fn common(reader: &Reader, at: &At<'_>) {
    if reader.flag(at, "privileged") == Some(true) {
        leave(reader, at, "privileged", PRIVILEGED);
    }
    for cache in reader.list(at, "caches").iter().filter(|at| reader.is_map(at)) {
        super::catalogue::required(reader, cache, "path", reader.text(cache, "path"));
        one_of(reader, cache, "sharing", &["shared", "private", "locked"]);
        reader.left_out(cache, CACHES);
    }
}

fn step(reader: &Reader, at: &At<'_>) -> Step {
    if !reader.is_map(at) {
        return Step::default();
    }
    let mut found = Step {
        name: reader.text(at, "name"),
        condition: reader.text(at, "if"),
        uses: reader.text(at, "uses"),
        work_dir: reader.text(at, "work-dir"),
        shell: reader.text(at, "shell"),
        environment: reader.map(at, "environment"),
        runs: reader.text(at, "runs"),
        ..Step::default()
    };
    common(reader, at);
    if reader.text(at, "run-as").is_some_and(|user| user.value != "root" && user.value != "0") {
        leave(reader, at, "run-as", "a build runs as the one user of its sandbox");
    }
    for secret in reader.list(at, "secrets") {
        for key in ["id", "env"] {
            super::catalogue::required(reader, &secret, key, reader.text(&secret, key));
        }
        reader.left_out(&secret, SECRETS);
    }
    if let Some(with) = reader.get(at, "with") {
        with_of(reader, &with, &mut found);
    }
    found
}

/// What the action of a step is told: patches by themselves, all else as it stands.
fn with_of(reader: &Reader, with: &At<'_>, step: &mut Step) {
    let patch = step.uses.as_ref().is_some_and(|uses| uses.value.starts_with("patch@"));
    for (key, value) in reader.entries(with) {
        match (&*key.value, &value.node.kind) {
            ("patches", Kind::List(_)) if patch => {
                step.patches.extend(reader.elements(&value).iter().filter_map(|at| reader.str(at)));
            }
            ("patch", Kind::Scalar { .. }) if patch => step.patches.extend(reader.str(&value)),
            ("options", Kind::Scalar { .. }) if patch => step.options = reader.str(&value),
            _ => {
                value.node.done();
                step.with.push((key, value.node.flow()));
            }
        }
    }
}

fn output(reader: &Reader, at: &At<'_>) -> Option<Output> {
    if !reader.is_map(at) {
        return None;
    }
    let (source, target) = (reader.text(at, "source"), reader.text(at, "target"));
    let condition = reader.text(at, "if");
    if reader.flag(at, "diff") == Some(true) {
        leave(reader, at, "diff", "what the script writes below `$OUT` is what is new");
    }
    let owner = owner(reader, at);
    let (Some(source), Some(target)) = (source.clone().or(target.clone()), target.or(source)) else {
        reader.left_out(at, "it says neither what nor where");
        return None;
    };
    Some(Output { source, target, condition, owner })
}

fn matrix(reader: &Reader, at: &At<'_>) -> Option<MatrixAxis> {
    if !reader.is_map(at) {
        return None;
    }
    let name = super::catalogue::required(reader, at, "name", reader.text(at, "name"))?;
    let items = reader.get(at, "items")?;
    let item = |(key, value): (Str, At<'_>)| {
        value.node.done();
        let fields = match &value.node.kind {
            Kind::Map(map) => map.iter().map(|(key, node)| (key.text.clone(), node.flow())).collect(),
            _ => vec![(String::new(), value.node.flow())],
        };
        (key.value, fields)
    };
    let text = Str { value: at.node.flow(), mark: at.node.mark, field: at.field.clone() };
    Some(MatrixAxis { name: name.value, text, items: reader.entries(&items).into_iter().map(item).collect() })
}
