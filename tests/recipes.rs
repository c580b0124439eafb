//! The recipes of `recipes/` as texts and values: their size, their variants, and that those of the twelve images of a
//! public catalogue of hardened images say what its definitions say. The oracle is the catalogue in `../shared/dhi`.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// The images that the catalogue has too, with the number of their variants, each architecture for itself.
const IMAGES: [(&str, usize); 12] = [
    ("alpine-base", 4),
    ("busybox", 12),
    ("debian-base", 8),
    ("golang", 16),
    ("memcached", 16),
    ("nginx", 12),
    ("node", 12),
    ("postgres", 16),
    ("python", 20),
    ("redis", 24),
    ("static", 8),
    ("traefik", 8),
];

/// What differs from the catalogue's definitions on purpose, as `docs/src/recipes.md` says: image, field, ours.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    // nginx here needs no script to start in the dev flavor.
    ("nginx dev", "entrypoint", "nginx"),
    ("nginx dev", "cmd", "-g daemon off;"),
    ("nginx dev", "stop-signal", "SIGQUIT"),
    ("nginx runtime", "stop-signal", "SIGQUIT"),
    // The port is stated.
    ("redis runtime", "ports", "6379/tcp"),
    ("redis dev", "ports", "6379/tcp"),
];

fn recipes() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes")
}

fn hbuild(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_hbuild")).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{arguments:?}: {:?}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// Every image of a recipe at every point, as `hbuild show --json` has it.
fn images(name: &str) -> Vec<Value> {
    let recipe = recipes().join(name);
    let items: Vec<Value> =
        serde_json::from_str(&hbuild(&["show", "--json", recipe.to_str().unwrap()])).unwrap();
    items.into_iter().filter(|item| item["variant"].is_string()).collect()
}

fn lines(name: &str) -> usize {
    fs::read_to_string(recipes().join(name).join(format!("{name}.hb"))).unwrap().lines().count()
}

#[test]
fn they_are_short_and_have_no_warning() {
    let folder = recipes();
    hbuild(&["check", "--strict", folder.to_str().unwrap()]);
    hbuild(&["fmt", "--check", folder.to_str().unwrap()]);
    assert!(lines("python") < 120 && lines("redis") < 150 && lines("postgres") < 150);
}

#[test]
fn every_variant_has_a_value_and_names_of_its_own() {
    for (name, count) in IMAGES {
        let images = images(name);
        assert_eq!(images.len(), count, "{name}");
        let mut owners: BTreeMap<String, String> = BTreeMap::new();
        for image in &images {
            let variant = image["variant"].as_str().unwrap();
            let tags = image["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap());
            for tag in tags.chain([variant]) {
                let owner = owners.entry(tag.to_owned()).or_insert_with(|| variant.to_owned());
                assert_eq!(owner, variant, "{name}: both have the tag `{tag}`");
            }
            let packages = image["packages"].as_array().unwrap();
            assert!(!packages.is_empty() && image["description"].is_string(), "{name} {variant}");
            let tested = image["tests"].as_array().unwrap().len();
            assert!(tested > 0 || name == "static", "{name} {variant} has no test");
        }
        let arches: BTreeSet<&str> = images.iter().map(|image| image["arch"].as_str().unwrap()).collect();
        assert_eq!(arches, BTreeSet::from(["amd64", "arm64"]), "{name}");
    }
}

/// How an image starts, and as whom, as the book has it in two cells of a table.
fn starts(image: &Value) -> (String, String) {
    let words = |field: &str| {
        let words = image[field].as_array().unwrap().iter();
        words.map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let account = image["run_as"]["value"].as_str().unwrap();
    let number = &image["users"][account]["uid"];
    let line = [words("entrypoint"), words("cmd")].concat().join(" ");
    (format!("`{line}`"), format!("{account} ({number})"))
}

#[test]
fn the_book_says_how_they_start() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/src/compatibility.md");
    let page = fs::read_to_string(page).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let mut named = BTreeSet::new();
    for cells in rows.map(|row| row.split(" | ").collect::<Vec<_>>()) {
        let name = cells[0].trim_matches(&['|', ' ', '`'][..]);
        named.insert(name);
        let said = (cells[1].trim().to_owned(), cells[2].trim().to_owned());
        for image in images(name).iter().filter(|image| image["flavor"] == "runtime") {
            assert_eq!(starts(image), said, "{name} {}", image["variant"]);
            let path = image["env"]["PATH"].as_str().unwrap();
            assert!(path.ends_with("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), "{name}");
        }
    }
    let missing: Vec<&str> =
        IMAGES.iter().map(|(name, _)| *name).filter(|name| !named.contains(name)).collect();
    assert_eq!(missing, ["static"]);
}

/// A definition of the catalogue.
struct Definition {
    path: String,
    text: String,
}

impl Definition {
    /// The entries of a list on the first level, or the value of a scalar, separated by blanks.
    fn field(&self, name: &str) -> String {
        let mut lines = self.text.lines().skip_while(|line| !line.starts_with(&format!("{name}:")));
        let Some(first) = lines.next() else { return String::new() };
        let own = first.split_once(':').unwrap().1.trim();
        let items = lines.take_while(|line| line.starts_with("  - "));
        let items = items.map(|line| line.trim_start_matches("  - ").trim_matches('"'));
        items.fold(own.trim_matches('"').to_owned(), |all, item| (all + " " + item).trim().to_owned())
    }

    /// The numeric user that the image runs as.
    fn user(&self) -> Option<u64> {
        let accounts = self.text.split("\naccounts:\n").nth(1)?;
        let name = accounts.split("run-as: ").nth(1)?.lines().next()?;
        if name == "root" {
            return Some(0);
        }
        let user = accounts.split(&format!("- name: {name}\n      uid: ")).nth(1)?;
        user.lines().next()?.parse().ok()
    }

    /// The name of the file: the release, with `-dev` for dev.
    fn release(&self) -> &str {
        Path::new(&self.path).file_stem().unwrap().to_str().unwrap()
    }

    /// Distro, as `debian13`.
    fn distro(&self) -> String {
        Path::new(&self.path).parent().unwrap().file_name().unwrap().to_str().unwrap().replace('-', "")
    }

    /// Whether `image` is the variant that this defines, on amd64.
    fn is(&self, image: &Value) -> bool {
        let flavor = if self.field("variant") == "dev" { "dev" } else { "runtime" };
        let release = match self.release().trim_end_matches("-dev") {
            "stable" => "1.30",
            // The catalogue counts the versions of its certificates.
            "static-musl" | "static-glibc" => "",
            release => release,
        };
        let version = image["version"].as_str().unwrap();
        let same = version.strip_prefix(release);
        let same = same.is_some_and(|rest| release.is_empty() || rest.is_empty() || rest.starts_with('.'));
        same && image["point"]["distro"] == self.distro()
            && image["flavor"] == flavor
            && image["arch"] == "amd64"
    }
}

fn definitions(name: &str) -> Vec<Definition> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/dhi").join(name);
    let mut found = Vec::new();
    for distro in fs::read_dir(folder).into_iter().flatten() {
        for file in fs::read_dir(distro.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            found.push(Definition { path: path.display().to_string(), text });
        }
    }
    found
}

fn joined(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(|item| item.as_str().unwrap()).collect::<Vec<_>>().join(" "),
        other => other.as_str().unwrap_or_default().to_owned(),
    }
}

#[test]
fn they_say_what_the_catalogue_says() {
    if definitions("redis").is_empty() {
        support::skip("../shared/dhi is not there");
        return;
    }
    let (mut compared, mut wrong) = (0, Vec::new());
    for (name, _) in IMAGES {
        let images = images(name);
        for definition in definitions(name) {
            let Some(image) = images.iter().rfind(|image| definition.is(image)) else {
                wrong.push(format!("{}: there is no such variant", definition.path));
                continue;
            };
            let which = format!("{name} {}", image["flavor"].as_str().unwrap());
            for (theirs, ours) in [
                ("entrypoint", "entrypoint"),
                ("cmd", "cmd"),
                ("ports", "ports"),
                ("work-dir", "work_dir"),
                ("stop-signal", "stop_signal"),
            ] {
                let (expected, found) = (definition.field(theirs), joined(&image[ours]));
                let default = theirs == "work-dir" && expected.is_empty() && found == "/";
                let difference = DIFFERENCES.contains(&(&which, theirs, &found));
                if expected != found && !default && !difference {
                    wrong.push(format!("{}: {theirs}: `{expected}`, not `{found}`", definition.path));
                }
            }
            let account = image["run_as"]["value"].as_str().unwrap();
            let user = image["users"][account]["uid"].as_u64();
            if user != definition.user() {
                wrong.push(format!("{}: run-as: {:?}, not {user:?}", definition.path, definition.user()));
            }
            compared += 1;
        }
    }
    assert_eq!((compared, wrong), (41, Vec::<String>::new()));
}
