//! `hbuild import` as a command: every definition becomes a recipe that passes `check` without a warning and
//! `fmt --check`, and evaluates to what the definition says, compared by a program of its own that reads the YAML with
//! another library.

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use support::skip;

fn hbuild(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hbuild")).args(arguments).output().unwrap()
}

fn must(arguments: &[&str]) -> Vec<u8> {
    let output = hbuild(arguments);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "hbuild {arguments:?}: {errors}");
    output.stdout
}

fn tool(name: &str, arguments: &[&Path]) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools").join(name);
    Command::new("python3").arg(script).args(arguments).output().unwrap()
}

/// Whether Python reads YAML here.
fn has_yaml() -> bool {
    let found =
        Command::new("python3").args(["-c", "import yaml"]).output().is_ok_and(|out| out.status.success());
    if !found {
        skip("python3 has no yaml");
    }
    found
}

/// Imports a folder, and compares every variant of the recipes with its definition.
fn round_trip(definitions: &Path, folder: &Path) {
    let recipes = folder.join("recipes");
    let (recipes, report, shown) =
        (recipes.to_str().unwrap(), folder.join("report.json"), folder.join("shown.json"));
    std::fs::write(&report, must(&["import", "--json", definitions.to_str().unwrap(), "-o", recipes]))
        .unwrap();
    must(&["check", "--strict", recipes]);
    must(&["fmt", "--check", recipes]);
    std::fs::write(&shown, must(&["show", "--json", recipes])).unwrap();
    let compared = tool("import-compare.py", &[&report, &shown]);
    let differences = String::from_utf8_lossy(&compared.stdout);
    assert!(compared.status.success(), "{differences}{}", String::from_utf8_lossy(&compared.stderr));
}

#[test]
fn definitions_of_the_catalogue_come_to_recipes_that_say_the_same() {
    let catalogue = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/dhi");
    if !catalogue.is_dir() {
        return skip("no ../shared/dhi");
    }
    if has_yaml() {
        round_trip(&catalogue, tempfile::tempdir().unwrap().path());
    }
}

#[test]
fn definitions_that_differ_at_random_come_to_recipes_that_say_the_same() {
    if !has_yaml() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let definitions = folder.path().join("definitions");
    let made = tool("import-stress.py", &[Path::new("7"), &definitions, Path::new("12")]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    round_trip(&definitions, folder.path());
}

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let path = folder.path().to_owned();
    (folder, path)
}

const DEFINITION: &str = "image: dhi.io/app\nvariant: runtime\ntags: [\"1.2-debian13\"]\n\
    contents:\n  packages: [base-files]\nos-release: {id: debian, version-id: \"13\"}\n";

#[test]
fn one_bad_file_does_not_stop_the_others() {
    let bad = "image: dhi.io/bad\nvariant: runtime\ncontents:\n  packages: {}\n";
    let (_kept, path) = folder(&[
        ("good.yaml", DEFINITION),
        ("bad.yaml", bad),
        ("broken.yaml", "image: [\n"),
        ("twice.yaml", "image: dhi.io/a\nimage: dhi.io/b\nvariant: dev\n"),
        ("info.yaml", "title: no definition\n"),
    ]);
    let output = hbuild(&["import", path.to_str().unwrap(), "-o", path.join("out").to_str().unwrap()]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    for part in [
        "bad.yaml:4:13",
        "`contents.packages` takes a list",
        "broken.yaml:",
        "twice.yaml:2:1",
        "1 file passed over",
    ] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
    must(&["check", "--strict", path.join("out").to_str().unwrap()]);
    let again = hbuild(&[
        "import",
        path.join("good.yaml").to_str().unwrap(),
        "-o",
        path.join("out").to_str().unwrap(),
    ]);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("hbuild::usage::file_exists"));
}

#[test]
fn two_files_of_one_variant_are_named() {
    let (_kept, path) = folder(&[("debian-13/1.yaml", DEFINITION), ("debian-13/2.yaml", DEFINITION)]);
    let output = hbuild(&["import", path.to_str().unwrap()]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("2.yaml") && errors.contains("1.yaml` describes the same variant"), "{errors}");
}

#[test]
fn other_formats_and_bombs_are_refused() {
    let bomb: String = (1..40).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}, *a{0}]\n", n - 1)).collect();
    let (_kept, path) = folder(&[
        ("melange.yaml", "package:\n  name: x\n  version: 1\npipeline:\n  - runs: make\n"),
        ("bomb.yaml", &format!("a0: &a0 x\n{bomb}image: x\nvariant: dev\n")),
    ]);
    for (file, part) in [("melange.yaml", "this is melange's"), ("bomb.yaml", "more than 200000 values")] {
        let output = hbuild(&["import", path.join(file).to_str().unwrap()]);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{file}: {errors}");
        assert!(errors.contains(part), "{file}: {errors}");
    }
}

#[test]
fn apko_files_come_to_recipes() {
    let apko = "include: base/common.yaml\ncontents:\n  packages:\n    - nginx\nentrypoint:\n  \
        command: /usr/sbin/nginx -c '/etc/nginx/my conf' -g \"daemon off;\"\naccounts:\n  groups:\n    \
        - groupname: nginx\n      gid: 10000\n  users:\n    - username: nginx\n      uid: 10000\n  run-as: nginx\n\
        paths:\n  - path: /run/nginx\n    type: directory\n    uid: 10000\n    gid: 10000\n    permissions: 0o755\n  \
        - path: /etc/x\n    type: hardlink\n    source: /etc/y\narchs: [amd64, riscv64]\n";
    let common = "contents:\n  repositories:\n    - https://dl-cdn.alpinelinux.org/alpine/v3.22/main\n  \
        packages: [alpine-baselayout]\nenvironment:\n  PATH: /usr/sbin:/sbin:/usr/bin:/bin\n";
    let (_kept, path) = folder(&[("nginx.yaml", apko), ("base/common.yaml", common)]);
    let recipe = path.join("nginx.hb");
    let output =
        hbuild(&["import", path.join("nginx.yaml").to_str().unwrap(), "-o", recipe.to_str().unwrap()]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert!(errors.contains("hard links") && errors.contains("riscv64"), "{errors}");
    must(&["check", "--strict", recipe.to_str().unwrap()]);
    let shown: serde_json::Value =
        serde_json::from_slice(&must(&["show", "--json", recipe.to_str().unwrap()])).unwrap();
    let image = &shown[0];
    assert_eq!(shown.as_array().unwrap().len(), 1, "one architecture");
    let words = serde_json::json!(["/usr/sbin/nginx", "-c", "/etc/nginx/my conf", "-g", "daemon off;"]);
    assert_eq!(image["entrypoint"], words);
    assert_eq!(image["distro"], serde_json::json!({ "family": "alpine", "release": "3.22" }));
    assert_eq!(image["run_as"]["value"], "nginx");
    assert_eq!(image["paths"]["/run/nginx"]["value"]["owner"], "nginx");
    assert_eq!(image["env"]["PATH"], "/usr/sbin:/sbin:/usr/bin:/bin");
}

#[test]
fn every_field_of_the_schema_is_in_the_recipe_or_listed() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/dhi/spec.json");
    if !schema.is_file() {
        return skip("no ../shared/dhi");
    }
    if !has_yaml() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (file, markers) = (folder.path().join("all.yaml"), folder.path().join("markers"));
    let made = tool("import-markers.py", &[&schema, &file, &markers]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let report = must(&["import", "--json", file.to_str().unwrap()]);
    let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
    let recipe = &report["recipes"][0];
    let code: String = recipe["text"]
        .as_str()
        .unwrap()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n");
    let remarks: Vec<(String, String)> = recipe["remarks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|remark| (remark["field"].as_str().unwrap().to_owned(), remark["value"].to_string()))
        .collect();
    let mut lost = Vec::new();
    for line in std::fs::read_to_string(markers).unwrap().lines() {
        let (field, marker) = line.split_once('\t').unwrap();
        let named = |known: &String| {
            let plain: String = known.replace("[0]", "");
            field == plain || field.starts_with(&format!("{plain}.")) || plain.starts_with(field)
        };
        let found = match marker {
            // A truth value: root is an account of the recipe, the others are listed by their field.
            "" => field == "accounts.root" || remarks.iter().any(|(known, _)| named(known)),
            marker => code.contains(marker) || remarks.iter().any(|(_, value)| value.contains(marker)),
        };
        if !found {
            lost.push(line.to_owned());
        }
    }
    assert!(lost.is_empty(), "neither in the recipe nor listed: {lost:#?}");
}
