//! Images that extend others: the layers they share, the tree that both make together, the lock of both.

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use support::archive::Package;
use support::oracles::{has, run};
use support::workspace::Workspace;

const HEAD: &str = r#"hbuild 1

for distro in [debian("12")], arch in [amd64]

repository test {
  url        = "http://archive.invalid/test"
  suite      = "stable"
  components = ["main"]
  key        = "archive.asc"
}
"#;

const ITEMS: &str = r#"
source stuff { path = "stuff" }
source more { path = "more" }

image base {
  for distro, arch
  repositories = [test]
  version      = "1"
  packages     = ["libapp"]
  contents     = [stuff.at("/opt/stuff")]
  users        = { svc = { uid = 7, home = "/srv" } }
  env          = { BASE = "1" }
  entrypoint   = ["/base"]
  paths = {
    "/etc/motd"          = file(text = "base\n")
    "/etc/kept"          = file(text = "kept\n", owner = "svc", mode = 0o640)
    "/srv/data"          = directory(owner = "svc", mode = 0o750)
    "/opt/stuff/dropped" = delete
    "/opt/stuff/changed" = attrs(mode = 0o600)
  }
}

image app {
  for distro, arch
  repositories = [test]
  version      = "2"
  extends      = base
  packages     = ["app"]
  contents     = [more.at("/opt/more")]
  users        = { own = { uid = 9 } }
  paths = {
    "/etc/motd"        = file(text = "app\n")
    "/opt/stuff/gone"  = delete
    "/opt/stuff/dir"   = delete
    "/opt/stuff/there" = attrs(mode = 0o755)
    "/opt/stuff/link"  = symlink("there")
  }
}

image top {
  for distro, arch
  repositories = [test]
  version      = "3"
  extends      = app
  paths        = { "/etc/kept" = delete, "/etc/top" = file(text = "top\n") }
}
"#;

fn workspace() -> Workspace {
    let workspace = Workspace::with(vec![
        Package::new("app", "1.0-1")
            .field("Depends", "libapp (>= 1), helper")
            .file("usr/bin/app", "#!/bin/true\n")
            .file("opt/stuff/dropped-not", "of app\n"),
        Package::new("helper", "1.0-1").file("usr/lib/helper.txt", "helps\n"),
        Package::new("libapp", "1.0-1").file("usr/lib/libapp.txt", "a library\n"),
        Package::new("libapp", "1.1-1").file("usr/lib/libapp.txt", "a newer library\n"),
    ]);
    let stuff = workspace.path("project/stuff");
    for name in ["there", "gone", "dropped", "changed", "dir/deep/file", "link"] {
        let path = stuff.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("{name}\n")).unwrap();
    }
    fs::create_dir_all(workspace.path("project/more")).unwrap();
    fs::write(workspace.path("project/more/new"), "new\n").unwrap();
    workspace.write_recipe(&format!("{HEAD}{ITEMS}"));
    workspace
}

fn blob(layout: &Path, descriptor: &Value) -> Value {
    let digest = descriptor["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/");
    serde_json::from_slice(&fs::read(layout.join(digest)).unwrap()).unwrap()
}

/// The manifest that a layout has under this name.
fn manifest(layout: &Path, name: &str) -> Value {
    let index: Value = serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    let named = |entry: &&Value| entry["annotations"]["org.opencontainers.image.ref.name"] == name;
    blob(layout, index["manifests"].as_array().unwrap().iter().find(named).unwrap())
}

fn layers(layout: &Path, name: &str) -> Vec<Value> {
    manifest(layout, name)["layers"].as_array().unwrap().clone()
}

/// Names, modes, owners, times, sizes and targets of all below a folder; of directories the time, too.
fn listing(folder: &Path) -> String {
    let mut find = Command::new("find");
    find.current_dir(folder).args([".", "-mindepth", "1", "-type", "d", "-printf", "%P d %m %U:%G %T@\\n"]);
    find.args(["-o", "-printf", "%P %y %m %U:%G %s %T@ %n %l\\n"]);
    let mut lines: Vec<String> = run(&mut find).lines().map(str::to_owned).collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn an_image_begins_with_the_layers_of_the_one_it_extends() {
    let workspace = workspace();
    workspace.must(&["lock", "app.hb"]);
    let build = |out: &str| {
        workspace.must(&["build", "app.hb", "--compression", "gzip", "-o", out]);
        workspace.path("project").join(out)
    };
    let out = build("out");
    let of = |image: &str, name: &str| layers(&out.join(image), name);
    let base = of("base", "1-debian12-amd64");
    let app = of("app", "2-debian12-amd64");
    let top = of("top", "3-debian12-amd64");
    assert_eq!(app[..base.len()], base);
    assert_eq!(top[..app.len()], app);
    assert!(
        app.len() > base.len() && top.len() == app.len() + 1,
        "{} {} {}",
        base.len(),
        app.len(),
        top.len()
    );
    let manifest = manifest(&out.join("app"), "2-debian12-amd64");
    assert_eq!(manifest["annotations"]["org.opencontainers.image.base.name"], "base:1-debian12");
    let config = blob(&out.join("app"), &manifest["config"]);
    assert!(config["config"]["Entrypoint"].is_null(), "{config}");
    assert!(!config["config"]["Env"].to_string().contains("BASE"), "{config}");

    workspace.must(&["build", "app.hb", "--format", "dir", "-o", "dir"]);
    let roots = support::workspace::names(&workspace.path("project/dir"));
    let root = |image: &str| {
        let name = roots.iter().find(|name| name.starts_with(image)).unwrap_or_else(|| panic!("{roots:?}"));
        workspace.path("project/dir").join(name)
    };
    let read = |image: &str, path: &str| fs::read_to_string(root(image).join(path)).unwrap_or_default();
    assert_eq!(read("app", "etc/motd"), "app\n");
    assert_eq!(read("app", "etc/kept"), "kept\n");
    assert_eq!(read("app", "opt/stuff/dropped-not"), "of app\n");
    assert_eq!(read("app", "usr/lib/libapp.txt"), "a newer library\n");
    for gone in ["opt/stuff/gone", "opt/stuff/dir", "opt/stuff/dropped"] {
        assert!(!root("app").join(gone).exists(), "{gone}");
    }
    assert!(!root("top").join("etc/kept").exists());
    let accounts = read("app", "etc/passwd");
    assert!(accounts.contains("own:") && !accounts.contains("svc:"), "{accounts}");
    let status = support::workspace::names(&root("app").join("var/lib/dpkg/status.d"));
    let packages: Vec<_> = status.iter().filter(|name| !name.ends_with(".md5sums")).collect();
    assert_eq!(packages, ["app", "helper", "libapp"]);

    let other = workspace.path("other");
    for (jobs, out) in [("1", "one"), ("4", "four")] {
        let mut again =
            workspace.command(&["build", "app.hb", "--compression", "gzip", "-j", jobs, "-o", out]);
        run(again.env("HBUILD_STORE", other.join(jobs)));
        for image in ["base", "app", "top"] {
            let index = |out: &Path| fs::read(out.join(image).join("index.json")).unwrap();
            assert_eq!(index(&workspace.path("project").join(out)), index(&workspace.path("project/out")));
        }
    }
    oracles(&workspace, &root);
    origins(&workspace);
}

/// What skopeo copies and umoci unpacks.
fn oracles(workspace: &Workspace, root: &dyn Fn(&str) -> std::path::PathBuf) {
    if !has("skopeo") || !has("umoci") || !rustix::process::geteuid().is_root() {
        return support::skip("no skopeo or umoci, or not root");
    }
    for (image, name) in [("app", "2-debian12-amd64"), ("top", "3-debian12-amd64")] {
        let from = format!("{}:{name}", workspace.path("project/out").join(image).display());
        let copy = workspace.path(&format!("copy-{image}"));
        run(Command::new("skopeo")
            .args(["copy", &format!("oci:{from}")])
            .arg(format!("dir:{}", copy.display())));
        let bundle = workspace.path(&format!("bundle-{image}"));
        run(Command::new("umoci").args(["unpack", "--image", &from]).arg(&bundle));
        assert_eq!(listing(&root(image)), listing(&bundle.join("rootfs")), "{image}");
    }
}

/// `why` knows files of the image that is extended, and what this one did.
fn origins(workspace: &Workspace) {
    let why = |path: &str| workspace.must(&["why", "out/app:2-debian12-amd64", path]);
    assert!(why("/usr/lib/libapp.txt").contains("libapp 1.1-1"), "{}", why("/usr/lib/libapp.txt"));
    assert!(why("/opt/stuff/there").contains("stuff"), "{}", why("/opt/stuff/there"));
    let motd = ITEMS.lines().position(|line| line.contains("\"app\\n\"")).unwrap();
    let line = HEAD.lines().count() + motd + 1;
    assert!(why("/etc/motd").contains(&format!("app.hb:{line}")), "{}", why("/etc/motd"));
    let kept =
        HEAD.lines().count() + ITEMS.lines().position(|line| line.contains("\"/etc/kept\"")).unwrap() + 1;
    assert!(why("/etc/kept").contains(&format!("app.hb:{kept}")), "{}", why("/etc/kept"));
}

#[test]
fn two_versions_of_a_package_are_one_error() {
    let workspace = workspace();
    let text = format!("{HEAD}{ITEMS}").replace("[\"app\"]", "[\"app\", \"libapp=1.0-1\"]");
    workspace.write_recipe(&text);
    let error = workspace.must_fail(&["lock", "app.hb"], 1, "hbuild::lock::extends");
    for word in ["image `app`", "image `base`", "libapp", "1.1-1", "1.0-1"] {
        assert!(error.contains(word), "{word} is missing: {error}");
    }
}

#[test]
fn the_lock_moves_both_together_and_knows_when_it_is_outgrown() {
    let workspace = workspace();
    // Locked with the older library, both keep it when a newer one comes.
    workspace.write_recipe(&format!("{HEAD}{ITEMS}").replace("[\"libapp\"]", "[\"libapp=1.0-1\"]"));
    workspace.must(&["lock", "app.hb"]);
    let lock = || fs::read_to_string(workspace.path("project/hbuild.lock")).unwrap();
    assert!(lock().contains("libapp=1.0-1") && !lock().contains("libapp=1.1-1"), "{}", lock());
    workspace.must(&["lock", "app.hb", "--check"]);
    workspace.write_recipe(&format!("{HEAD}{ITEMS}").replace("[\"libapp\"]", "[\"libapp=1.1-1\"]"));
    let error = workspace.must_fail(&["build", "app.hb#app"], 1, "hbuild::lock::outgrown");
    assert!(error.contains("+libapp=1.1-1"), "{error}");
    workspace.must(&["lock", "app.hb"]);
    assert!(lock().contains("libapp=1.1-1") && !lock().contains("libapp=1.0-1"), "{}", lock());
    workspace.must(&["build", "app.hb#app"]);
    assert!(!workspace.path("project/out/base").exists(), "what is extended is not written for itself");
}

#[test]
fn an_image_of_another_file_can_be_extended() {
    let workspace = workspace();
    let (base, app) = ITEMS.split_once("image app").unwrap();
    fs::write(workspace.path("project/common.hb"), format!("{HEAD}{base}")).unwrap();
    let app =
        app.replace("extends      = base", "extends      = common.base").replace("[more.", "[common.more.");
    let head = HEAD.replace("hbuild 1\n", "hbuild 1\nimport \"common.hb\"\n");
    workspace.write_recipe(&format!("{head}image app{app}"));
    let configuration = workspace.path(".config/hbuild/config.toml");
    let text = fs::read_to_string(&configuration).unwrap();
    let mirrors = text.lines().find_map(|line| line.strip_prefix("test = ")).unwrap();
    fs::write(&configuration, format!("{text}\"common.test\" = {mirrors}\n")).unwrap();
    workspace.must(&["lock", "."]);
    workspace.must(&["build", ".", "-o", "out"]);
    let out = workspace.path("project/out");
    assert_eq!(support::workspace::names(&out), ["app", "base", "top"]);
    let base = layers(&out.join("base"), "1-debian12-amd64");
    assert_eq!(layers(&out.join("app"), "2-debian12-amd64")[..base.len()], base);
}
