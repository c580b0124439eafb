//! apko's format, into the same definition as the catalogue's.

use super::catalogue::{leave, one_of, required};
use super::definition::*;
use super::reader::{At, Reader, Str};
use super::yaml::Kind;

/// The definition.
pub fn read(reader: &Reader, root: &At<'_>) -> Definition {
    let mut found = Definition { file: reader.file.clone(), ..Definition::default() };
    if !reader.is_map(root) {
        return found;
    }
    contents(reader, root, &mut found);
    process(reader, root, &mut found);
    if let Some(at) = reader.get(root, "accounts").filter(|at| reader.is_map(at)) {
        found.accounts = accounts(reader, &at);
    }
    found.environment = reader.map(root, "environment");
    found.annotations = reader.map(root, "annotations");
    found.volumes = reader.texts(root, "volumes").unwrap_or_default();
    found.paths = reader.list(root, "paths").iter().filter_map(|path| path_entry(reader, path)).collect();
    found.os_release = os_release(reader, root);
    found.platforms = archs(reader, root);
    leave(reader, root, "include", "the file to be included was not found");
    leave(reader, root, "vcs-url", "hbuild knows the repository of the recipe itself");
    leave(reader, root, "layering", "hbuild lays its layers out itself");
    for certificate in reader.get(root, "certificates").iter().flat_map(|at| reader.list(at, "additional")) {
        reader.left_out(&certificate, "put the certificate into the image with a `source` beside the recipe");
    }
    found
}

fn contents(reader: &Reader, root: &At<'_>, found: &mut Definition) {
    let Some(contents) = reader.get(root, "contents").filter(|contents| reader.is_map(contents)) else {
        return;
    };
    for key in ["repositories", "build_repositories", "runtime_repositories"] {
        found.repositories.extend(reader.texts(&contents, key).unwrap_or_default());
    }
    found.keyring = reader.texts(&contents, "keyring").unwrap_or_default();
    found.packages = reader.texts(&contents, "packages").unwrap_or_default();
    leave(reader, &contents, "baseimage", "an image that is extended is named with `extends`");
}

fn process(reader: &Reader, root: &At<'_>, found: &mut Definition) {
    if let Some(entrypoint) = reader.get(root, "entrypoint").filter(|at| reader.is_map(at)) {
        one_of(reader, &entrypoint, "type", &["service-bundle", ""]);
        if let Some(services) = reader.get(&entrypoint, "services") {
            reader.left_out(&services, "an image runs one program: there is no supervisor");
            leave(reader, &entrypoint, "type", "an image runs one program: there is no supervisor");
        }
        if let Some(fragment) = reader.text(&entrypoint, "shell-fragment") {
            let word = |text: &str| Str { value: text.to_owned(), ..fragment.clone() };
            found.entrypoint = vec![word("/bin/sh"), word("-c"), fragment.clone()];
            leave(reader, &entrypoint, "command", "`shell-fragment` stands instead of it");
        } else if let Some(command) = reader.text(&entrypoint, "command") {
            found.entrypoint = words(reader, &command);
        }
    }
    found.cmd = reader.text(root, "cmd").map(|cmd| words(reader, &cmd)).unwrap_or_default();
    found.work_dir = reader.text(root, "work-dir");
    found.stop_signal = reader.text(root, "stop-signal");
}

/// The words of a command line, as a shell splits them.
fn words(reader: &Reader, text: &Str) -> Vec<Str> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut letters = text.value.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (Some(open), _) if letter == open => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(letters.next()),
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    if quote.is_some() {
        reader.problem(text.mark, format!("`{}` has a quote that is not closed", text.field));
    }
    words.extend(word);
    words.into_iter().map(|value| Str { value, ..text.clone() }).collect()
}

fn accounts(reader: &Reader, at: &At<'_>) -> Accounts {
    let user = |at: &At<'_>| {
        let name = required(reader, at, "username", reader.text(at, "username"))?;
        let (uid, _) = required(reader, at, "uid", reader.number(at, "uid"))?;
        let gid = reader.number(at, "gid").map_or(uid, |(gid, _)| gid);
        Some(User { name, uid, gid, home: reader.text(at, "homedir"), shell: reader.text(at, "shell") })
    };
    let group = |at: &At<'_>| {
        let name = required(reader, at, "groupname", reader.text(at, "groupname"))?;
        let (gid, _) = required(reader, at, "gid", reader.number(at, "gid"))?;
        Some(Group { name, gid, members: reader.texts(at, "members").unwrap_or_default() })
    };
    Accounts {
        root: false,
        run_as: reader.text(at, "run-as"),
        users: reader.list(at, "users").iter().filter(|at| reader.is_map(at)).filter_map(user).collect(),
        groups: reader.list(at, "groups").iter().filter(|at| reader.is_map(at)).filter_map(group).collect(),
    }
}

fn path_entry(reader: &Reader, at: &At<'_>) -> Option<PathEntry> {
    if !reader.is_map(at) {
        return None;
    }
    let kinds = ["directory", "empty-file", "hardlink", "symlink", "permissions"];
    let kind = required(reader, at, "type", one_of(reader, at, "type", &kinds))?;
    let path = required(reader, at, "path", reader.text(at, "path"))?;
    let source = reader.text(at, "source");
    let recursive = reader.flag(at, "recursive").unwrap_or_default();
    let owner = Owner {
        uid: reader.number(at, "uid"),
        gid: reader.number(at, "gid"),
        mode: reader.text(at, "permissions"),
    };
    let action = match kind.value.as_str() {
        "directory" => PathAction::Directory(recursive, None),
        "empty-file" => PathAction::Empty,
        "symlink" => PathAction::Symlink(required(reader, at, "source", source)?),
        "permissions" => PathAction::Attrs(recursive),
        _ => {
            reader.left_out(at, "a recipe makes no hard links: take a symbolic one");
            return None;
        }
    };
    Some(PathEntry { action, path, only: Only::default(), owner })
}

fn os_release(reader: &Reader, root: &At<'_>) -> Vec<(Str, Str)> {
    const NAMES: [&str; 6] = ["name", "id", "version-id", "pretty-name", "home-url", "bug-report-url"];
    let Some(at) = reader.get(root, "os-release").filter(|at| reader.is_map(at)) else { return Vec::new() };
    let field = |name: &str| {
        let text = reader.text(&at, name)?;
        Some((Str { value: name.to_uppercase().replace('-', "_"), ..text.clone() }, text))
    };
    NAMES.into_iter().filter_map(field).collect()
}

/// The architectures that hbuild builds for, as platforms; the others are left out.
fn archs(reader: &Reader, root: &At<'_>) -> Vec<Str> {
    let mut platforms = Vec::new();
    let Some(archs) = reader.get(root, "archs") else { return platforms };
    if matches!(archs.node.kind, Kind::List(_)) {
        for at in reader.elements(&archs) {
            let Some(arch) = reader.str(&at) else { continue };
            let value = match arch.value.as_str() {
                "amd64" | "x86_64" => "linux/amd64",
                "arm64" | "aarch64" => "linux/arm64",
                "all" | "host" => continue,
                _ => {
                    reader.left_out(&at, "hbuild builds for amd64 and arm64");
                    continue;
                }
            };
            platforms.push(Str { value: value.to_owned(), ..arch });
        }
    } else {
        reader.elements(&archs);
    }
    platforms
}
