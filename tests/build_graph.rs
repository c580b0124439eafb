//! The graph of builds from source: what they are made from, what they share, and which of them a target means.

mod support;

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use support::archive::Package;
use support::workspace::Workspace;

const HEAD: &str = r#"hbuild 1
for distro in [debian("12")], flavor in [runtime, dev], arch in [amd64]

repository test {
  url        = "http://archive.invalid/test"
  suite      = "stable"
  components = ["main"]
  key        = "archive.asc"
}
"#;

const BUILDS: &str = r#"
source lib-src {
  path    = "lib"
  patches = ["fixes/one.patch", "fixes/it's two.patch"]
}
source data { path = "data.txt" }

build lib {
  for distro, arch
  repositories = [test]
  tools   = ["cc"]
  source  = lib-src
  version = "1.2"
  license = "Zlib"
  outputs = ["headers"]
  env     = { MODE = "fast" }
  step "make" {
    dir    = "sub"
    env    = { V = "1" }
    script = "make"
  }
  step "install" { script = "make install" }
  check = "make test"
}

build tool {
  for distro, arch
  repositories = [test]
  tools   = ["cc", lib.headers]
  sources = { main = lib-src, extra = data }
  dir     = "main"
  script  = "make"
}

build other {
  for distro, arch
  repositories = [test]
  tools   = ["cc"]
  sources = { main = data }
  script  = "make"
}
"#;

const IMAGE: &str = r#"
image app {
  for distro, flavor, arch
  repositories = [test]
  version    = "1.0"
  packages   = ["app"]
  contents   = [tool, lib.headers.at("/usr/include"), lib.only(["usr/lib/**"]), data.at("/srv")]
  entrypoint = ["/usr/bin/tool"]
}
"#;

fn workspace(recipe: &str) -> Workspace {
    let packages =
        ["app", "cc", "libc"].map(|name| Package::new(name, "1.0-1").file(&format!("usr/{name}"), "x"));
    let mut packages = packages.to_vec();
    packages[1] = packages[1].clone().field("Depends", "libc");
    let workspace = Workspace::with(packages);
    fs::create_dir_all(workspace.path("project/lib/sub")).unwrap();
    fs::create_dir_all(workspace.path("project/fixes")).unwrap();
    for (name, text) in
        [("lib/sub/a.c", "a"), ("data.txt", "data"), ("fixes/one.patch", "1"), ("fixes/it's two.patch", "2")]
    {
        fs::write(workspace.path("project").join(name), text).unwrap();
    }
    workspace.write_recipe(recipe);
    workspace.must(&["lock"]);
    workspace
}

/// The derivations of `hbuild graph --format json`.
struct Derivations(BTreeMap<String, Value>, Vec<String>);

impl Derivations {
    fn of(workspace: &Workspace, arguments: &[&str]) -> Self {
        let text = workspace.must(&[&["graph", "--format", "json"], arguments].concat());
        let document: Value = serde_json::from_str(&text).unwrap();
        let roots = serde_json::from_value(document["roots"].clone()).unwrap();
        Self(serde_json::from_value(document["derivations"].clone()).unwrap(), roots)
    }

    fn labels(&self, kind: &str) -> Vec<&str> {
        let of_kind = self.0.values().filter(|one| one["action"]["kind"] == kind);
        let mut labels: Vec<&str> = of_kind.map(|one| one["label"].as_str().unwrap()).collect();
        labels.sort_unstable();
        labels
    }

    fn named(&self, label: &str) -> &Value {
        self.0.values().find(|one| one["label"] == label).unwrap_or_else(|| panic!("no `{label}`"))
    }

    /// The labels of what `one` takes, with the outputs taken.
    fn inputs(&self, one: &Value) -> Vec<(String, Vec<String>)> {
        let inputs = one["inputs"].as_array().unwrap().iter();
        let input = |input: &Value| {
            let label = self.0[input["derivation"].as_str().unwrap()]["label"].as_str().unwrap();
            (label.to_owned(), serde_json::from_value(input["outputs"].clone()).unwrap())
        };
        inputs.map(input).collect()
    }

    fn input_labels(&self, label: &str) -> Vec<String> {
        self.inputs(self.named(label)).into_iter().map(|(label, _)| label).collect()
    }
}

#[test]
fn a_build_is_an_execution_on_its_root_and_sources() {
    let workspace = workspace(&format!("{HEAD}{BUILDS}{IMAGE}"));
    let graph = Derivations::of(&workspace, &["--flavor", "runtime"]);
    let lib = &graph.named("build lib amd64 debian12")["action"];
    let labels = graph.input_labels("build lib amd64 debian12");
    let root = "project root debian12 amd64 of 2 packages";
    let patches = ["project patch fixes/one.patch", "project patch fixes/it's two.patch"];
    assert_eq!(labels, [root, "project source lib-src", patches[0], patches[1]]);
    assert_eq!(lib["sources"], json!(["/build/src", "/build/patches/0001", "/build/patches/0002"]));
    let steps = lib["steps"].as_array().unwrap();
    let of = |name: &str| -> Vec<&str> { steps.iter().map(|step| step[name].as_str().unwrap()).collect() };
    let names = ["patch fixes/one.patch", "patch fixes/it's two.patch", "make", "install", "check"];
    assert_eq!(of("name"), names);
    assert_eq!(of("dir"), ["/build/src", "/build/src", "/build/src/sub", "/build/src", "/build/src"]);
    let command = "patch -p1 --forward --fuzz=0 --no-backup-if-mismatch -i";
    assert_eq!(of("script")[0], format!("{command} '/build/patches/0001/one.patch'"));
    assert_eq!(of("script")[1], format!("{command} '/build/patches/0002/it'\\''s two.patch'"));
    assert_eq!(steps[2]["env"], json!({"V": "1"}));
    assert_eq!(lib["outputs"], json!(["headers"]));
    let env = json!({
        "HOME": "/build", "LC_ALL": "C.UTF-8", "MODE": "fast", "OUT": "/out", "OUT_HEADERS": "/out-headers",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "SOURCE_DATE_EPOCH": "315532800", "SRC": "/build/src", "TMPDIR": "/tmp", "TZ": "UTC",
    });
    assert_eq!(lib["env"], env);
    let tool = &graph.named("build tool amd64 debian12")["action"];
    assert_eq!(
        tool["sources"],
        json!(["/build/src/extra", "/build/src/main", "/build/patches/0001", "/build/patches/0002"])
    );
    let dirs: Vec<_> = tool["steps"].as_array().unwrap().iter().map(|step| &step["dir"]).collect();
    assert_eq!(dirs, ["/build/src/main"; 3], "patches of a source are applied in its folder");
}

#[test]
fn roots_hold_packages_then_contents_and_have_no_layers() {
    let workspace = workspace(&format!("{HEAD}{BUILDS}{IMAGE}"));
    let graph = Derivations::of(&workspace, &["--flavor", "runtime"]);
    let merges: Vec<_> = graph.0.values().filter(|one| one["action"]["kind"] == "merge").collect();
    let roots: Vec<_> =
        merges.iter().filter(|one| one["label"].as_str().unwrap().starts_with("root ")).collect();
    assert_eq!(roots.len(), 2, "one with and one without the headers of lib");
    for root in roots {
        let action = &root["action"];
        assert_eq!(action["layers"], json!([]));
        assert_eq!(action["users"]["build"]["uid"], 1000);
        let inputs = graph.inputs(root);
        assert!(inputs[0].0.starts_with("unpack cc ") && inputs[1].0.starts_with("unpack libc "));
        if let Some(content) = inputs.get(2) {
            assert_eq!(*content, ("build lib amd64 debian12".into(), vec!["headers.tree".into()]));
            assert_eq!(action["inputs"][2]["origin"], "build:lib");
        }
    }
}

#[test]
fn images_take_the_outputs_of_builds() {
    let workspace = workspace(&format!("{HEAD}{BUILDS}{IMAGE}"));
    let graph = Derivations::of(&workspace, &[]);
    assert_eq!(
        graph.labels("exec"),
        ["build lib amd64 debian12", "build tool amd64 debian12"],
        "two flavors share them"
    );
    let merge = graph.named("merge app 1.0-debian12 amd64");
    let inputs = graph.inputs(merge);
    let tree = |name: &str| vec![name.to_owned()];
    assert_eq!(inputs[1], ("build tool amd64 debian12".into(), tree("tree")));
    assert_eq!(inputs[2], ("build lib amd64 debian12".into(), tree("headers.tree")));
    assert_eq!(inputs[3], ("build lib amd64 debian12".into(), tree("tree")));
    assert_eq!(inputs[4], ("unpack source data".into(), vec!["origins".into(), "tree".into()]));
    let layers = merge["action"]["layers"].as_array().unwrap();
    let contents = [json!(["build:tool"]), json!(["build:lib"]), json!(["source:data"])];
    assert_eq!(layers[layers.len() - 3..], contents, "one layer for each origin");
    let definition = &graph.named("provenance of app 1.0-debian12 amd64")["action"];
    let executions = definition["executions"].as_array().unwrap();
    let names: Vec<_> = executions.iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["lib", "tool"], "what is needed comes first");
    let patches = &executions[0]["sources"][""]["patches"];
    assert_eq!(patches[0][0], "fixes/one.patch");
    let builds = definition["components"]["builds"].as_array().unwrap();
    assert_eq!(
        (&builds[0]["name"], &builds[0]["version"], &builds[0]["license"]),
        (&json!("lib"), &json!("1.2"), &json!("Zlib"))
    );
    assert_eq!(builds[0]["tools"].as_array().unwrap().len(), 2);
    assert_eq!(builds[1]["name"], "tool");
}

#[test]
fn targets_are_images_or_builds() {
    let workspace = workspace(&format!("{HEAD}{BUILDS}{IMAGE}"));
    let all = Derivations::of(&workspace, &["app.hb#other"]);
    assert_eq!((all.labels("exec"), all.1.len()), (vec!["build other amd64 debian12"], 1));
    assert!(all.labels("image").is_empty());
    let said = workspace.must_fail(&["graph", "app.hb#nothing"], 2, "hbuild::usage::no_image");
    assert!(said.contains("app") && said.contains("other") && said.contains("tool"), "{said}");
    workspace.must_fail(&["graph", "app.hb#other", "--distro", "alpine"], 2, "hbuild::usage::no_variant");
    workspace.must(&["graph", "app.hb#other", "--flavor", "dev"]);
    workspace.write_recipe(&format!("{HEAD}{BUILDS}"));
    workspace.must(&["lock"]);
    let builds = Derivations::of(&workspace, &[]);
    assert_eq!(builds.1.len(), 3, "a file without images stands for its builds");
    let shown: Value = serde_json::from_str(&workspace.must(&["show", "--json"])).unwrap();
    assert_eq!(shown[0]["name"], "lib");
}

#[test]
fn what_a_build_does_not_depend_on_does_not_change_it() {
    let workspace = workspace(&format!("{HEAD}{BUILDS}"));
    let id = |name: &str| Derivations::of(&workspace, &[&format!("app.hb#{name}")]).1;
    let (lib, tool, other) = (id("lib"), id("tool"), id("other"));
    fs::write(workspace.path("project/data.txt"), "new").unwrap();
    assert_eq!(id("lib"), lib);
    assert_ne!((id("tool"), id("other")), (tool.clone(), other.clone()));
    fs::write(workspace.path("project/data.txt"), "data").unwrap();
    fs::write(workspace.path("project/fixes/one.patch"), "3").unwrap();
    assert_eq!(id("other"), other);
    assert!(id("lib") != lib && id("tool") != tool, "what needs a patched build changes with the patch");
}

#[test]
fn an_execution_elsewhere_is_refused_before_anything_starts() {
    let other = if cfg!(target_arch = "aarch64") { "amd64" } else { "arm64" };
    let workspace = workspace(&format!("{HEAD}{BUILDS}"));
    workspace
        .write_recipe(&format!("{HEAD}{BUILDS}").replace("arch in [amd64]", &format!("arch in [{other}]")));
    let lock = fs::read_to_string(workspace.path("project/hbuild.lock")).unwrap();
    let (packages, roots) = lock.split_once("[[root]]").unwrap();
    let roots = roots.replace("arch = \"amd64\"", &format!("arch = \"{other}\""));
    fs::write(workspace.path("project/hbuild.lock"), format!("{packages}[[root]]{roots}")).unwrap();
    let said = workspace.must_fail(&["build", "--arch", other], 3, "hbuild::exec::other_platform");
    assert!(said.contains("`build ") && said.contains(other) && said.contains("--arch"), "{said}");
    assert!(!said.contains("derivations built"), "{said}");
    assert!(!workspace.path("project/out").exists());
}

#[test]
fn the_lock_must_have_the_root() {
    let workspace = workspace(&format!("{HEAD}{BUILDS}"));
    workspace.write_recipe(
        &format!("{HEAD}{BUILDS}").replace("tools   = [\"cc\"]", "tools   = [\"cc\", \"app\"]"),
    );
    let said = workspace.must_fail(&["build"], 1, "hbuild::lock::outgrown");
    assert!(said.contains("lib") && said.contains("app"), "{said}");
}
