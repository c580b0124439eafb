//! Definitions of the catalogue format: every field of its schema is read here, or in `catalogue_builds`, or is left
//! out by name.

use super::catalogue_builds::builds;
use super::definition::*;
use super::reader::{At, Reader, Str};
use super::yaml::Kind;

const NO_SUCH: &str = "hbuild has nothing like it";
const KEYS: &str = "the key has to stand beside the recipe: add a `repository` with it";

/// The definition, with what is wrong and what is left out in the reader.
pub fn read(reader: &Reader, root: &At<'_>, text: &str) -> Definition {
    let mut found = Definition { file: reader.file.clone(), syntax: syntax(text), ..Definition::default() };
    if !reader.is_map(root) {
        return found;
    }
    found.texts = texts(root);
    head(reader, root, &mut found);
    if let Some(contents) = reader.get(root, "contents").filter(|contents| reader.is_map(contents)) {
        found.repositories = reader.texts(&contents, "repositories").unwrap_or_default();
        found.keyring = reader.texts(&contents, "keyring").unwrap_or_default();
        found.packages = reader.texts(&contents, "packages").unwrap_or_default();
        found.files = files(reader, &contents);
        found.artifacts = artifacts(reader, &contents);
        found.builds = builds(reader, &contents);
        mappings(reader, &contents);
    }
    if let Some(accounts) = reader.get(root, "accounts") {
        found.accounts = self::accounts(reader, &accounts);
    }
    found.os_release = os_release(reader, root);
    found.paths = reader.list(root, "paths").iter().filter_map(|path| path_entry(reader, path)).collect();
    found.tests = reader.list(root, "tests").iter().filter_map(|test| self::test(reader, test)).collect();
    found
}

/// All values but those of `vars`.
fn texts(root: &At<'_>) -> String {
    let Kind::Map(map) = &root.node.kind else { return String::new() };
    let values = map.iter().filter(|(key, _)| key.text != "vars").map(|(_, node)| node.flow());
    values.collect::<Vec<_>>().join("\n")
}

/// What follows `# syntax=` in the first lines.
fn syntax(text: &str) -> Option<String> {
    let comments = text.lines().take_while(|line| line.starts_with('#') || line.trim().is_empty());
    comments
        .filter_map(|line| line.trim_start_matches('#').trim().strip_prefix("syntax="))
        .next()
        .map(str::to_owned)
}

fn head(reader: &Reader, root: &At<'_>, found: &mut Definition) {
    let texts = |key: &str| reader.texts(root, key).unwrap_or_default();
    found.name = reader.text(root, "name");
    found.image = reader.text(root, "image");
    found.flavor = reader.text(root, "flavor");
    found.suffix = reader.text(root, "suffix");
    (found.tags, found.platforms) = (texts("tags"), platforms(reader, root));
    (found.dates, found.vars) = (dates(reader, root), reader.map(root, "vars"));
    found.work_dir = reader.text(root, "work-dir");
    found.stop_signal = reader.text(root, "stop-signal");
    found.environment = reader.map(root, "environment");
    found.annotations = reader.map(root, "annotations");
    found.labels = reader.map(root, "labels");
    (found.entrypoint, found.cmd) = (texts("entrypoint"), texts("cmd"));
    (found.ports, found.volumes) = (texts("ports"), texts("volumes"));
    found.variant = one_of(reader, root, "variant", &["dev", "runtime", "helm"]);
    for (key, values, reason) in [
        ("compression", &["zstd", "gzip"][..], "a layer's compression is an option of `hbuild build`"),
        ("output", &["layered", "squashed"], "hbuild lays its layers out itself"),
        ("entitlement", &["public", "enterprise", "els"], "who may have an image is the registry's to say"),
    ] {
        if one_of(reader, root, key, values).is_some() {
            leave(reader, root, key, reason);
        }
    }
    found.fips = reader.flag(root, "fips-compliant").unwrap_or_default();
    leave(reader, root, "fips-compliant", "no field of an image claims it");
    if reader.flag(root, "stig-certified").is_some() {
        leave(reader, root, "stig-certified", "no field of an image claims it");
    }
    if let Some(includes) = reader.get(root, "includes") {
        reader.left_out(&includes, "the file to be included was not found");
    }
    leave(reader, root, "track", "updates are found by `hbuild outdated`, without a configuration");
}

/// A text that is one of some.
pub fn one_of(reader: &Reader, at: &At<'_>, key: &str, values: &[&str]) -> Option<Str> {
    let found = reader.text(at, key)?;
    if !values.contains(&found.value.as_str()) {
        let message = format!("`{}` is one of {}, not `{}`", found.field, values.join(", "), found.value);
        reader.problem(found.mark, message);
    }
    Some(found)
}

/// Says that the value of a key, if there is one, is left out.
pub fn leave(reader: &Reader, at: &At<'_>, key: &str, reason: &str) {
    if let Some(found) = reader.get(at, key) {
        reader.left_out(&found, reason);
    }
}

/// The platforms at `platforms`.
pub fn platforms(reader: &Reader, at: &At<'_>) -> Vec<Str> {
    let found = reader.texts(at, "platforms").unwrap_or_default();
    for platform in &found {
        if !matches!(platform.value.as_str(), "linux/amd64" | "linux/arm64") {
            let message =
                format!("`{}` is linux/amd64 or linux/arm64, not `{}`", platform.field, platform.value);
            reader.problem(platform.mark, message);
        }
    }
    found
}

/// Condition and platforms of an entry.
pub fn only(reader: &Reader, at: &At<'_>) -> Only {
    Only { condition: reader.text(at, "if"), platforms: platforms(reader, at) }
}

fn dates(reader: &Reader, root: &At<'_>) -> Vec<(Str, Str)> {
    let Some(dates) = reader.get(root, "dates").filter(|dates| reader.is_map(dates)) else {
        return Vec::new();
    };
    leave(reader, &dates, "type", NO_SUCH);
    leave(reader, &dates, "url", NO_SUCH);
    let date = |key: &str| {
        let found = reader.get(&dates, key)?;
        let text = reader.str(&found)?;
        if hbuild_lang::Form::Date.problem(&text.value).is_some() {
            reader.left_out(&found, "it is no date such as `2026-05-31`");
            return None;
        }
        Some((Str { value: key.to_owned(), ..text.clone() }, text))
    };
    ["release", "end-of-life", "end-of-support"].into_iter().filter_map(date).collect()
}

fn mappings(reader: &Reader, contents: &At<'_>) {
    let Some(mappings) = reader.get(contents, "mappings") else { return };
    for (_, value) in reader.entries(&mappings) {
        reader.str(&value);
        reader.left_out(&value, "hbuild names packages in the SBOM by their own metadata");
    }
}

/// The downloads at `files`.
pub fn files(reader: &Reader, contents: &At<'_>) -> Vec<File> {
    reader
        .list(contents, "files")
        .iter()
        .filter(|file| reader.is_map(file))
        .map(|at| file(reader, at))
        .collect()
}

fn file(reader: &Reader, at: &At<'_>) -> File {
    let mut found = File {
        url: reader.text(at, "url"),
        checksum: reader.text(at, "checksum"),
        path: reader.text(at, "path"),
        includes: reader.texts(at, "includes").unwrap_or_default(),
        excludes: reader.texts(at, "excludes").unwrap_or_default(),
        only: only(reader, at),
        owner: owner(reader, at),
        ..File::default()
    };
    leave(reader, at, "secret-id", "sources are had without secrets: credentials are hbuild's configuration");
    if let Some(spdx) = reader.get(at, "spdx").filter(|spdx| reader.is_map(spdx)) {
        found.name = reader.text(&spdx, "name");
        let version = reader.text(&spdx, "version");
        let packages = reader.list(&spdx, "packages");
        for (index, package) in packages.iter().filter(|package| reader.is_map(package)).enumerate() {
            if index > 0 {
                reader.left_out(package, "a source is one package: its first");
                continue;
            }
            (found.purl, found.license) = (reader.text(package, "purl"), reader.text(package, "license"));
            if let Some(name) = reader.text(package, "name") {
                found.name.get_or_insert(name.clone());
                if found.purl.as_ref().is_none_or(|purl| !purl.value.contains(&name.value)) {
                    leave(reader, package, "name", "a source is named by its purl");
                }
            }
            leave(reader, package, "path", "the whole source is the package");
        }
        if version.is_some_and(|version| {
            !found.purl.as_ref().is_some_and(|purl| purl.value.contains(&version.value))
        }) {
            leave(reader, &spdx, "version", "a source's version is that of its purl");
        }
    }
    found
}

/// Owner and mode of an entry.
pub fn owner(reader: &Reader, at: &At<'_>) -> Owner {
    Owner { uid: reader.number(at, "uid"), gid: reader.number(at, "gid"), mode: reader.text(at, "mode") }
}

/// The images at `artifacts`.
pub fn artifacts(reader: &Reader, contents: &At<'_>) -> Vec<Artifact> {
    let artifact = |at: &At<'_>| {
        let name = reader.text(at, "name")?;
        let owner = Owner { uid: reader.number(at, "uid"), gid: reader.number(at, "gid"), mode: None };
        let only = Only { condition: reader.text(at, "if"), platforms: Vec::new() };
        let includes = reader.texts(at, "includes").unwrap_or_default();
        let excludes = reader.texts(at, "excludes").unwrap_or_default();
        Some(Artifact { name, includes, excludes, only, owner })
    };
    let list = reader.list(contents, "artifacts");
    list.iter().filter(|at| reader.is_map(at)).filter_map(artifact).collect()
}

/// The accounts of an image.
fn accounts(reader: &Reader, at: &At<'_>) -> Accounts {
    if !reader.is_map(at) {
        return Accounts::default();
    }
    let user = |at: &At<'_>| {
        leave(reader, at, "mode", "an account has no mode");
        let name = required(reader, at, "name", reader.text(at, "name"))?;
        let (uid, _) = required(reader, at, "uid", reader.number(at, "uid"))?;
        let (gid, _) = required(reader, at, "gid", reader.number(at, "gid"))?;
        Some(User { name, uid, gid, home: None, shell: None })
    };
    let group = |at: &At<'_>| {
        let name = required(reader, at, "name", reader.text(at, "name"))?;
        let (gid, _) = required(reader, at, "gid", reader.number(at, "gid"))?;
        Some(Group { name, gid, members: reader.texts(at, "members").unwrap_or_default() })
    };
    Accounts {
        root: reader.flag(at, "root").unwrap_or_default(),
        run_as: reader.text(at, "run-as"),
        users: reader.list(at, "users").iter().filter(|at| reader.is_map(at)).filter_map(user).collect(),
        groups: reader.list(at, "groups").iter().filter(|at| reader.is_map(at)).filter_map(group).collect(),
    }
}

/// The value, or a problem that says what is missing.
pub fn required<T>(reader: &Reader, at: &At<'_>, key: &str, value: Option<T>) -> Option<T> {
    if value.is_none() && at.node.get(key).is_none() {
        reader.problem(at.node.mark, format!("`{}` has no `{key}`", at.field));
    }
    value
}

fn os_release(reader: &Reader, root: &At<'_>) -> Vec<(Str, Str)> {
    const NAMES: [&str; 8] = [
        "name",
        "id",
        "id-like",
        "version-id",
        "version-codename",
        "pretty-name",
        "home-url",
        "bug-report-url",
    ];
    let Some(at) = reader.get(root, "os-release").filter(|at| reader.is_map(at)) else { return Vec::new() };
    let field = |name: &str| {
        let text = reader.text(&at, name)?;
        let key = Str { value: name.to_uppercase().replace('-', "_"), ..text.clone() };
        Some((key, text))
    };
    NAMES.into_iter().filter_map(field).collect()
}

/// A path entry.
pub fn path_entry(reader: &Reader, at: &At<'_>) -> Option<PathEntry> {
    if !reader.is_map(at) {
        return None;
    }
    let kinds = ["symlink", "directory", "file", "delete", "emptyfile"];
    let kind = required(reader, at, "type", one_of(reader, at, "type", &kinds))?;
    let path = required(reader, at, "path", reader.text(at, "path"))?;
    let (source, content) = (reader.text(at, "source"), reader.text(at, "content"));
    let recursive = reader.flag(at, "recursive").unwrap_or_default();
    let (owner, only) = (owner(reader, at), only(reader, at));
    let unused = |key: &str| leave(reader, at, key, &format!("an entry of the type {} has none", kind.value));
    let action = match kind.value.as_str() {
        "symlink" => {
            unused("content");
            PathAction::Symlink(required(reader, at, "source", source)?)
        }
        "directory" => {
            unused("content");
            PathAction::Directory(recursive, source)
        }
        "delete" => {
            unused("content");
            unused("source");
            PathAction::Delete(recursive)
        }
        "emptyfile" => {
            unused("content");
            unused("source");
            PathAction::Empty
        }
        _ => match (content, source) {
            (Some(content), _) => {
                unused("source");
                PathAction::Text(content)
            }
            (None, Some(source)) => PathAction::Beside(source),
            // An empty text is as good as none.
            (None, None) => PathAction::Empty,
        },
    };
    if recursive && !matches!(action, PathAction::Directory(..) | PathAction::Delete(_)) {
        unused("recursive");
    }
    Some(PathEntry { action, path, only, owner })
}

fn test(reader: &Reader, at: &At<'_>) -> Option<Test> {
    if !reader.is_map(at) {
        return None;
    }
    leave(reader, at, "directory", "tests run in the image, which has no files of the catalogue");
    leave(reader, at, "timeout", "a test has no time of its own");
    let name = reader.text(at, "name");
    let status = required(reader, at, "exit-code", reader.number(at, "exit-code"))?;
    let commands = reader.texts(at, "commands").unwrap_or_default();
    let output = reader.text(at, "output");
    if commands.is_empty() {
        reader.left_out(at, "it runs no command");
        return None;
    }
    Some(Test { name, commands, status, output })
}

/// Why repositories with keys of their own stay out.
pub fn repository_reason() -> &'static str {
    KEYS
}
