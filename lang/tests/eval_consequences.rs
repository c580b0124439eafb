//! One mistake gives one error: single mistakes made in a sound recipe, each with the only thing that is said.

mod support;

use support::{Memory, evaluate, render_all};

const RECIPE: &str = r#"hbuild 1
import std/base
import std/c
import std/tag
import "lib.hb"

let releases = {
  "8.8" = { version = version("8.8.2"), sha256 = "0000000000000000000000000000000000000000000000000000000000000001", distros = [alpine("3.24"), debian("13")], patch = none }
  "7.4" = { version = version("7.4.11"), sha256 = "0000000000000000000000000000000000000000000000000000000000000002", distros = [debian("13")], patch = "p" }
}
let libraries = ["libone", "libtwo"]
let names = { "lib{{n}}" = n for n in ["a", "b"] }
for release in releases, distro in release.distros, flavor in [runtime, dev], arch in [amd64, arm64]
fn account(uid, home = "/home") = { uid = uid, home = home }
fn extra(folder) { paths += { "{{folder}}/x" = directory(owner = "app") } }
let prefix = "/usr/{{release.version.major}}"

source src {
  for release
  url     = "https://example.org/app-{{release.version}}.tar.gz"
  sha256  = release.sha256
}
build app {
  for release, distro, arch
  tools   = c.toolchain(distro) + match distro { alpine => ["openssl-dev"], debian => ["libssl-dev"] }
  source  = src
  outputs = ["modules"]
  step "compile" { script = "make PREFIX={{prefix}}" }
  step "install" { script = "make install" }
}
image server {
  for release, distro, flavor, arch
  use base.runtime(distro)
  use extra("/srv")
  version  = release.version
  tags     = tag.semver(release, among = releases, distro, flavor)
  packages += match distro { alpine => ["libssl3"], debian => ["libssl3t64"] } + libraries
  contents = [app, app.modules.at("/modules"), lib.data]
  users.app = account(1000, home = "/srv")
  labels   = names
  env      = { WORD = lib.word, LIST = libraries.join(" ") }
  entrypoint = ["/usr/bin/app"]
  when flavor == dev { use base.dev(distro) }
  test "prints its version" { run = ["app", "--version"]; stdout = contains(release.version) }
  waive elf-relro { paths = ["/usr/bin/*"], because = "upstream" }
}
image other {
  for release, distro, flavor, arch
  use base.runtime(distro)
  version  = release.version
  contents = [app]
}
"#;

const MODULE: &str = "hbuild 1\nlet word = \"w\"\nsource data { path = \"data\" }\n";

/// What is replaced, by what, and the last part of the code of the one error.
const MISTAKES: &[(&str, &str, &str)] = &[
    // Names.
    ("import std/base\n", "import std/bse\n", "unknown_module"),
    ("import \"lib.hb\"", "import \"lab.hb\"", "import_unreadable"),
    ("let releases = {", "let relases = {", "unknown_name"),
    ("let libraries =", "let librares =", "unknown_name"),
    ("let prefix =", "let prefx =", "unknown_name"),
    ("fn account(", "fn acount(", "unknown_name"),
    ("fn extra(", "fn extras(", "unknown_name"),
    ("source src {", "source sources {", "unknown_name"),
    ("build app {", "build application {", "unknown_name"),
    ("lib.word", "lib.wrd", "unknown_member"),
    ("base.dev(", "base.devel(", "unknown_member"),
    ("c.toolchain(", "c.tools(", "unknown_member"),
    ("release.sha256", "release.sha512", "unknown_member"),
    ("account(1000", "account(uids = 1000", "wrong_arguments"),
    ("account(1000, home = \"/srv\")", "account()", "wrong_arguments"),
    // Circles.
    ("let libraries = [", "let libraries = libraries + [", "definition_cycle"),
    ("= { uid = uid", "= account(uid) + { uid = uid", "definition_cycle"),
    // Axes.
    ("for release in releases,", "for relase in releases,", "unknown_name"),
    ("arch in [amd64, arm64]", "arch in [amd64, arm46]", "unknown_name"),
    ("arch in [amd64, arm64]", "arch in []", "empty_axis"),
    ("debian(\"13\")], patch = none", "debian(\"31\")], patch = none", "unknown_release"),
    ("flavor in [runtime, dev]", "flavor in [\"runtime\", dev]", "mixed_types"),
    ("build app {\n  for release, distro, arch", "build app {\n  for release, distro, arhc", "unknown_axis"),
    ("build app {\n  for release, distro, arch", "build app {\n  for distro, arch", "axis_not_in_scope"),
    (
        "image other {\n  for release, distro, flavor, arch",
        "image other {\n  for release, distro, flavor",
        "image_needs_axis",
    ),
    // Types.
    ("[\"libone\", \"libtwo\"]", "[\"libone\", 2]", "mixed_types"),
    ("patch = \"p\" }", "}", "mixed_types"),
    ("version = version(\"8.8.2\")", "version = \"8.8.2\"", "mixed_types"),
    ("version(\"8.8.2\")", "version(\"v8.8.2\")", "bad_version"),
    ("{ uid = uid,", "{ uid = \"uid\",", "wrong_type"),
    ("outputs = [\"modules\"]", "outputs = [\"module\"]", "unknown_output"),
    ("alpine => [\"openssl-dev\"], ", "", "missing_arm"),
    ("alpine => [\"libssl3\"], ", "", "missing_arm"),
    ("debian => [\"libssl3t64\"] }", "debian => \"libssl3t64\" }", "mixed_types"),
    ("flavor == dev {", "flavor == devel {", "unknown_name"),
    ("flavor == dev {", "flavor == \"dev\" {", "wrong_type"),
    // Fields and forms.
    ("  packages += match", "  pakages += match", "unknown_field"),
    ("contents = [app, ", "contents = [app, \"x\", ", "wrong_type"),
    ("\"libone\", ", "\"Lib one\", ", "bad_package"),
    ("release.sha256\n", "\"00\"\n", "bad_digest"),
    ("directory(owner", "directory(ower", "wrong_arguments"),
    ("\"{{folder}}/x\"", "\"{{folder}}x/\"", "bad_path"),
    ("extra(\"/srv\")", "extra(\"srv\")", "bad_path"),
    ("waive elf-relro", "waive elf-rello", "unknown_rule"),
    (", because = \"upstream\"", "", "missing_field"),
    ("run = [\"app\", \"--version\"]; ", "", "missing_field"),
    ("  source  = src\n", "", "unused"),
    ("use extra(\"/srv\")", "use extra", "not_a_value"),
    ("use extra(\"/srv\")", "use libraries", "wrong_type"),
    // Texts that do not parse.
    ("let releases = {", "lett releases = {", "syntax"),
    ("let libraries = [\"libone\", \"libtwo\"]", "let libraries = [\"libone\" \"libtwo\"]", "syntax"),
    ("let libraries = [", "let libraries [", "syntax"),
    ("let prefix = \"", "let prefix = '", "syntax"),
    ("release.distros, flavor", "release.distros flavor", "syntax"),
    ("for release in releases, d", "for in releases, d", "syntax"),
    ("fn account(uid, home", "fn account(uid; home", "syntax"),
    ("fn account(", "func account(", "syntax"),
    ("source src {", "sauce src {", "syntax"),
    ("source src {", "source src", "syntax"),
    ("build app {", "build App {", "syntax"),
    ("image server {", "image server", "syntax"),
    (
        "  step \"install\" { script = \"make install\" }\n}",
        "  step \"install\" { script = \"make install\" }\n",
        "syntax",
    ),
    ("script = \"make install\" }", "script = \"make install }", "syntax"),
    ("script = \"make install\" }", "script = \"make install\"", "syntax"),
    ("WORD = lib.word,", "WORD = ,", "syntax"),
    ("home = \"/srv\")", "home = \"/srv\"", "syntax"),
];

#[test]
fn one_mistake_gives_one_error() {
    let mut problems = Vec::new();
    for (old, new, code) in MISTAKES {
        assert_eq!(RECIPE.matches(old).count(), 1, "{old}");
        let mut files = Memory::one(&RECIPE.replace(old, new));
        files.0.insert("lib.hb".to_owned(), MODULE.into());
        let checked = match evaluate(&files) {
            Ok(evaluated) => evaluated.checked,
            Err(checked) => checked,
        };
        let errors: Vec<_> = checked.diagnostics.iter().filter(|found| found.is_error()).collect();
        let fits = match errors.as_slice() {
            [one] if *code == "syntax" => one.code.starts_with("hbuild::syntax::"),
            [one] => one.code == format!("hbuild::lang::{code}"),
            [] => checked.diagnostics.len() == 1 && *code == "unused",
            _ => false,
        };
        if !fits {
            problems.push(format!("`{old}` → `{new}`, wanted {code}:\n{}", render_all(&checked)));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n================\n"));
}

#[test]
fn the_recipe_is_sound() {
    let mut files = Memory::one(RECIPE);
    files.0.insert("lib.hb".to_owned(), MODULE.into());
    let checked = evaluate(&files).unwrap_or_else(|checked| panic!("{}", render_all(&checked))).checked;
    assert_eq!(render_all(&checked), "");
}
