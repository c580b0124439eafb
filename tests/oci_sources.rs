//! Images of registries as sources: from a real registry, from layouts in folders, and from servers that misbehave.
//! skopeo brings images there, umoci is the oracle of whiteouts.

#[allow(dead_code, reason = "of what a server can do wrong, this needs a part")]
#[path = "mirror_support/server.rs"]
mod server;
mod support;

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde_json::Value;
use server::{Answer, Request, Server};
use support::layouts::{Layout, Packed, Tar, digest};
use support::oracles::{has, run};
use support::workspace::Workspace;

fn recipe(reference: &str, more: &str) -> String {
    format!(
        r#"hbuild 1
for distro in [debian("12")], arch in [amd64, arm64]
source base {{
  oci     = "{reference}"
  license = "MIT"
}}
image app {{
  for distro, arch
  contents = [base.at("/opt/x")]
{more}}}
"#
    )
}

/// A folder with a project and a store; no package is needed here.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::create_dir(place.path("project")).unwrap();
        place
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    fn write_recipe(&self, text: &str) {
        fs::write(self.path("project/app.hb"), text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
        command.args(arguments).current_dir(self.path("project")).env_clear();
        command.env("HBUILD_STORE", self.path("store")).env("HOME", self.0.path());
        command
    }

    fn must(&self, arguments: &[&str]) -> String {
        run(&mut self.command(arguments))
    }

    fn must_fail(&self, arguments: &[&str], status: i32, code: &str) -> String {
        let output = self.command(arguments).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(status), "{error}");
        assert!(error.contains(code) && error.contains("help:"), "no {code} in:\n{error}");
        error
    }
}

/// Layers with every kind of change: files replaced, deleted, put back; directories deleted, emptied, turned into
/// files and back; links across layers; files that go through a link of a lower layer.
fn layers() -> Vec<Vec<u8>> {
    let first = Tar::default()
        .directory("etc/")
        .file("etc/keep", "1")
        .file("etc/gone", "1")
        .file("etc/changed", "1")
        .directory("usr/")
        .directory("usr/lib/")
        .file("usr/lib/a", "a")
        .symlink("lib", "usr/lib")
        .directory("old/")
        .directory("old/deep/")
        .file("old/deep/file", "x")
        .directory("emptied/")
        .file("emptied/one", "x")
        .directory("emptied/two/")
        .file("emptied/two/three", "x")
        .directory("was-directory/")
        .file("was-directory/x", "x")
        .file("was-file", "x")
        .link("etc/keep-too", "etc/keep")
        .bytes();
    let second = Tar::default()
        .file("etc/.wh.gone", "")
        .file("etc/changed", "22")
        .file(".wh.old", "")
        .directory("emptied/")
        .file("emptied/new", "y")
        .file("emptied/.wh..wh..opq", "")
        .file("was-directory", "now a file")
        .directory("was-file/")
        .file("was-file/inside", "y")
        .link("etc/changed-too", "etc/changed")
        .bytes();
    let third = Tar::default()
        .directory("old/")
        .file("old/back", "z")
        .file("etc/gone", "back")
        .file("lib/through", "z")
        .link("etc/across", "usr/lib/a")
        .bytes();
    vec![first, second, third]
}

fn packed(packing: &[Packed]) -> Vec<(Vec<u8>, Packed)> {
    layers().into_iter().zip(packing.iter().copied().cycle()).collect()
}

/// Names, modes, owners, sizes and targets of all below a folder.
fn listing(folder: &Path) -> String {
    let mut find = Command::new("find");
    find.current_dir(folder).args([".", "-mindepth", "1", "-type", "d", "-printf", "%P d %m %U:%G\\n"]);
    find.args(["-o", "-printf", "%P %y %m %U:%G %s %T@ %n %l\\n"]);
    let mut lines: Vec<String> = run(&mut find).lines().map(str::to_owned).collect();
    lines.sort();
    lines.join("\n")
}

#[test]
fn a_folder_gives_the_tree_that_umoci_unpacks() {
    let root = rustix::process::geteuid().is_root();
    let workspace = Place::new();
    let mirror = workspace.path("mirror");
    let mut layout = Layout::new(&mirror);
    let image = layout.image("amd64", &packed(&[Packed::Plain, Packed::Gzip]));
    let other = layout.image("arm64", &packed(&[Packed::Zstd]));
    let index = layout.index(&[image.clone(), other]);
    layout.name(&image, "one");
    workspace.write_recipe(&recipe(&format!("registry.invalid/a/b:1@{}", digest(&index)), ""));
    let hbuild = |arguments: &[&str]| {
        let mut command = workspace.command(arguments);
        command.env("HBUILD_OCI_MIRROR", format!("file:{}", mirror.display()));
        run(&mut command)
    };
    hbuild(&["lock", "app.hb"]);
    let lock = fs::read_to_string(workspace.path("project/hbuild.lock")).unwrap();
    assert_eq!(lock.matches("[[oci.platform]]").count(), 2, "{lock}");
    assert!(lock.contains("name = \"registry.invalid/a/b\""), "a tag has no place in it: {lock}");
    hbuild(&["lock", "app.hb", "--check"]);
    let build = ["build", "app.hb", "--arch", "all", "--offline", "--format", "dir", "-o", "dir"];
    hbuild(&build);
    let roots = support::workspace::names(&workspace.path("project/dir"));
    let tree = |arch: &str| {
        let name = roots.iter().find(|name| name.contains(arch)).unwrap_or_else(|| panic!("{roots:?}"));
        workspace.path("project/dir").join(name).join("opt/x")
    };
    assert_eq!(listing(&tree("amd64")), listing(&tree("arm64")), "zstd is as good as gzip");
    assert_eq!(fs::read_to_string(tree("amd64").join("usr/lib/through")).unwrap(), "z");
    assert_eq!(fs::read_to_string(tree("amd64").join("etc/gone")).unwrap(), "back");
    if !has("umoci") || !root {
        return support::skip("no umoci, or not root");
    }
    let bundle = workspace.path("bundle");
    run(Command::new("umoci")
        .args(["unpack", "--image"])
        .arg(format!("{}:one", mirror.display()))
        .arg(&bundle));
    assert_eq!(listing(&tree("amd64")), listing(&bundle.join("rootfs")));
}

/// Debian's registry on a port of this host; it ends with this value.
struct Distribution {
    process: Child,
    authority: String,
}

impl Distribution {
    fn start(folder: &Path) -> Option<Self> {
        if !support::loopback() || !has("docker-registry") || !has("skopeo") {
            return None;
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let authority = format!("127.0.0.1:{port}");
        fs::create_dir_all(folder).unwrap();
        let config = format!(
            "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{authority}\"}}\n",
            folder.join("data").display()
        );
        fs::write(folder.join("config.yml"), config).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(folder.join("config.yml")).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        let end = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(&authority).is_err() {
            assert!(Instant::now() < end, "the registry does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(Self { process, authority })
    }

    /// Copies an image there, with all of its platforms and as it is; its reference by digest.
    fn push(&self, from: &str, name: &str) -> String {
        let to = format!("{}/{name}", self.authority);
        let mut copy = Command::new("skopeo");
        copy.args(["copy", "--all", "--preserve-digests", "--dest-tls-verify=false", from]);
        run(copy.arg(format!("docker://{to}")));
        let mut inspect = Command::new("skopeo");
        inspect.args(["inspect", "--raw", "--tls-verify=false"]).arg(format!("docker://{to}"));
        let manifest = run(&mut inspect);
        format!("{to}@{}", hbuild::digest::Sha256::of(manifest.as_bytes()).to_oci())
    }
}

impl Drop for Distribution {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn an_image_that_hbuild_built_comes_back_from_a_registry() {
    let workspace = Workspace::new();
    let Some(registry) = Distribution::start(&workspace.path("registry")) else { return };
    workspace.must(&["lock", "app.hb"]);
    workspace.must(&["build", "app.hb", "-o", "out"]);
    let layout = format!("oci:{}", workspace.path("project/out/app").display());
    let reference = registry.push(&format!("{layout}:1.0-debian12"), "team/app");
    let two = recipe(&reference, "  version = \"2\"\n").replace(", arm64]", "]");
    workspace.write_recipe(&two);
    workspace.must(&["lock", "app.hb"]);
    workspace.must(&["build", "app.hb", "-o", "out2"]);
    let layout = format!("oci:{}:2-debian12-amd64", workspace.path("project/out2/app").display());
    let text = workspace.must(&["why", layout.strip_prefix("oci:").unwrap(), "/opt/x/usr/bin/app"]);
    assert!(text.contains("pkg:oci/app@sha256%3A") && text.contains("base"), "{text}");
    // The same recipe in another store, without the registry: its blobs are found by digest in a layout.
    drop(registry);
    let mut again = workspace.command(&["build", "app.hb", "-o", "out3"]);
    again.env("HBUILD_STORE", workspace.path("other"));
    again.env("HBUILD_OCI_MIRROR", format!("file:{}", workspace.path("project/out/app").display()));
    run(&mut again);
    let index = |out: &str| fs::read(workspace.path(&format!("project/{out}/app/index.json"))).unwrap();
    assert_eq!(index("out2"), index("out3"));
    evidence(&workspace.path("project/out2/app"), &reference);
}

/// SBOM and provenance name the image by its digest.
fn evidence(layout: &Path, reference: &str) {
    let (name, digest) = reference.split_once("@sha256:").unwrap();
    let purl = format!("pkg:oci/app@sha256%3A{digest}?arch=amd64&repository_url={name}");
    let mut found = [false; 3];
    for (_, bytes) in support::workspace::files(&layout.join("blobs/sha256")) {
        let Ok(document) = serde_json::from_slice::<Value>(&bytes) else { continue };
        let holds = document.to_string().contains(&purl);
        found[0] |= holds && document["bomFormat"] == "CycloneDX";
        found[1] |= holds && document["spdxVersion"].is_string();
        found[2] |= holds && document["predicateType"] == "https://slsa.dev/provenance/v1";
    }
    assert_eq!(found, [true; 3], "CycloneDX, SPDX, provenance");
}

/// A registry of the layout in `folder`, which answers other than it should where `twist` says so.
fn registry(folder: PathBuf, twist: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static) -> Server {
    Server::start(move |request, _| {
        if let Some(answer) = twist(request) {
            return answer;
        }
        let hex = request.path.rsplit("sha256:").next().unwrap_or_default();
        match fs::read(folder.join("blobs/sha256").join(hex)) {
            Ok(bytes) if request.path.starts_with("/v2/a/b/") => Answer::File(bytes),
            _ => Answer::Status(404),
        }
    })
}

/// A workspace with a layout of one image for amd64 and the blob of its one layer.
fn small() -> (Place, PathBuf, Value, String) {
    let workspace = Place::new();
    let folder = workspace.path("layout");
    let layout = Layout::new(&folder);
    let tar = Tar::default().file("hello", "hello\n").bytes();
    let image = layout.image("amd64", &[(tar, Packed::Plain)]);
    let manifest = fs::read(folder.join(digest(&image).replace("sha256:", "blobs/sha256/"))).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let layer = digest(&manifest["layers"][0]);
    (workspace, folder, image, layer)
}

fn amd64(authority: &str, image: &Value, workspace: &Place) {
    let text = recipe(&format!("{authority}/a/b@{}", digest(image)), "");
    workspace.write_recipe(&text.replace(", arm64]", "]"));
}

#[test]
fn a_token_is_fetched_once_and_goes_to_its_registry_alone() {
    if !support::loopback() {
        return;
    }
    let (workspace, folder, image, layer) = small();
    let elsewhere = registry(folder.clone(), |_| None);
    let cdn = elsewhere.url(&format!("/v2/a/b/blobs/{layer}"));
    let address = Arc::new(OnceLock::new());
    let server = registry(folder, {
        let (layer, address) = (layer.clone(), address.clone());
        move |request| {
            if request.path.starts_with("/token") {
                return Some(Answer::File(br#"{"token":"secret-token"}"#.to_vec()));
            }
            if request.authorization.as_deref() != Some("Bearer secret-token") {
                let address: &String = address.get().unwrap();
                let challenge = format!("Bearer realm=\"http://{address}/token\",service=\"s\"");
                return Some(Answer::Challenge(challenge));
            }
            request.path.ends_with(&layer).then(|| Answer::Redirect(cdn.clone()))
        }
    });
    address.set(server.authority()).unwrap();
    amd64(&server.authority(), &image, &workspace);
    workspace.must(&["lock", "app.hb"]);
    let tokens = || server.requests().iter().filter(|request| request.path.starts_with("/token")).count();
    assert_eq!(tokens(), 1, "{:?}", server.requests());
    assert_eq!(server.requests()[1].path, "/token?service=s&scope=repository:a/b:pull");
    workspace.must(&["build", "app.hb"]);
    assert!(elsewhere.requests().iter().all(|request| request.authorization.is_none()));
    assert_eq!(elsewhere.requests().len(), 1);
    for (name, bytes) in support::workspace::files(&workspace.path("store")) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("secret-token"), "the token stands in {name}");
    }
}

#[test]
fn what_a_registry_gives_is_believed_by_digest_alone() {
    if !support::loopback() {
        return;
    }
    let (workspace, folder, image, layer) = small();
    let manifest = digest(&image);
    let asks = |part: &str| {
        let part = part.to_owned();
        move |request: &Request| request.path.ends_with(&part)
    };
    let (is_manifest, is_layer) = (asks(&manifest), asks(&layer));
    type Twist = (&'static str, Box<dyn Fn(&Request) -> Option<Answer> + Send + Sync>);
    let on = |test: Box<dyn Fn(&Request) -> bool + Send + Sync>, answer: Answer| {
        Box::new(move |request: &Request| test(request).then(|| answer.clone()))
            as Box<dyn Fn(&Request) -> Option<Answer> + Send + Sync>
    };
    let of_manifest: [Twist; 6] = [
        ("wrong_bytes", on(Box::new(is_manifest.clone()), Answer::File(b"{}".to_vec()))),
        ("wrong_bytes", on(Box::new(is_manifest.clone()), Answer::Endless)),
        ("wrong_bytes", on(Box::new(is_manifest.clone()), Answer::File(vec![b' '; 5 << 20]))),
        ("not_found", on(Box::new(is_manifest.clone()), Answer::Status(404))),
        (
            "unsafe_redirect",
            on(Box::new(is_manifest.clone()), Answer::Redirect("file:///etc/passwd".to_owned())),
        ),
        ("registry_token", on(Box::new(is_manifest), Answer::Challenge("Basic realm=\"x\"".to_owned()))),
    ];
    for (code, twist) in of_manifest {
        let server = registry(folder.clone(), twist);
        amd64(&server.authority(), &image, &workspace);
        workspace.must_fail(&["lock", "app.hb"], 3, &format!("hbuild::host::{code}"));
    }
    let bytes = fs::read(folder.join(layer.replace("sha256:", "blobs/sha256/"))).unwrap();
    let other = bytes.iter().map(|byte| byte ^ 1).collect();
    let of_layer: [Twist; 4] = [
        ("wrong_bytes", on(Box::new(is_layer.clone()), Answer::File(other))),
        ("wrong_bytes", on(Box::new(is_layer.clone()), Answer::File([bytes.clone(), vec![0; 512]].concat()))),
        ("wrong_bytes", on(Box::new(is_layer.clone()), Answer::Endless)),
        ("unsafe_redirect", on(Box::new(is_layer), Answer::Redirect("file:///etc/passwd".to_owned()))),
    ];
    for (code, twist) in of_layer {
        let server = registry(folder.clone(), twist);
        amd64(&server.authority(), &image, &workspace);
        workspace.must(&["lock", "app.hb"]);
        workspace.must_fail(&["build", "app.hb"], 3, &format!("hbuild::host::{code}"));
    }
}

#[test]
fn images_that_cannot_be_taken_say_why() {
    let workspace = Place::new();
    let folder = workspace.path("layout");
    let layout = Layout::new(&folder);
    let plain = |tar: Tar| layout.image("amd64", &[(tar.bytes(), Packed::Plain)]);
    let lock = |image: &Value, arches: &str| {
        let text = recipe(&format!("registry.invalid/a/b@{}", digest(image)), "");
        workspace.write_recipe(&text.replace("[amd64, arm64]", arches));
        let mut command = workspace.command(&["lock", "app.hb"]);
        command.env("HBUILD_OCI_MIRROR", format!("file:{}", folder.display()));
        command.output().unwrap()
    };
    let failing = |output: &std::process::Output, code: &str, words: &str| {
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(code) && error.contains(words), "{code}: {error}");
    };
    let ordinary = plain(Tar::default().file("x", "x"));
    let index = layout.index(std::slice::from_ref(&ordinary));
    failing(&lock(&index, "[amd64, arm64]"), "hbuild::lock::platform", "it has: amd64");
    let mut lying = ordinary.clone();
    lying["platform"]["architecture"] = "arm64".into();
    let index = layout.index(&[lying]);
    failing(&lock(&index, "[arm64]"), "hbuild::host::not_an_image", "its index says linux/arm64");
    let chart = serde_json::json!({
        "schemaVersion": 2, "layers": [], "config": layout.blob(b"{}", "application/vnd.cncf.helm.config.v1+json"),
    });
    let chart = layout.blob(chart.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
    failing(&lock(&chart, "[amd64]"), "hbuild::host::not_an_image", "helm");
    for (tar, code) in [
        (Tar::default().file("../x", "x"), "path_leaves_root"),
        (Tar::default().file("/x", "x"), "absolute_path"),
        (Tar::default().device("null"), "special_file"),
        (Tar::default().symlink("a", "/etc").file("a/passwd", "x"), "through_symlink"),
        (Tar::default().file("x/.wh..wh.plnk", ""), "whiteout_name"),
        (Tar::default().directory("x/.wh.y/"), "whiteout_name"),
        (Tar::default().link("x", "../../etc/passwd"), "bad_hard_link"),
        (Tar::default().link("x", "nothing"), "bad_hard_link"),
    ] {
        let locked = lock(&plain(tar), "[amd64]");
        assert!(locked.status.success(), "{}", String::from_utf8_lossy(&locked.stderr));
        let mut build = workspace.command(&["build", "app.hb"]);
        build.env("HBUILD_OCI_MIRROR", format!("file:{}", folder.display()));
        failing(&build.output().unwrap(), &format!("hbuild::archive::{code}"), "source:base");
    }
}

#[test]
fn another_digest_outgrows_the_lock() {
    let (workspace, folder, image, _) = small();
    fs::rename(&folder, workspace.path("mirror")).unwrap();
    let mirror = format!("file:{}", workspace.path("mirror").display());
    amd64("registry.invalid", &image, &workspace);
    workspace.must_fail(&["build", "app.hb"], 1, "hbuild::lock::missing");
    run(workspace.command(&["lock", "app.hb"]).env("HBUILD_OCI_MIRROR", &mirror));
    let lock = fs::read(workspace.path("project/hbuild.lock")).unwrap();
    workspace.must_fail(&["build", "app.hb", "--offline"], 3, "hbuild::host::registry_offline");
    let text = recipe(&format!("registry.invalid/a/b@sha256:{}", "0".repeat(64)), "");
    workspace.write_recipe(&text.replace(", arm64]", "]"));
    let error = workspace.must_fail(&["build", "app.hb"], 1, "hbuild::lock::outgrown");
    assert!(error.contains("oci: +registry.invalid/a/b@sha256:0000"), "{error}");
    amd64("registry.invalid", &image, &workspace);
    run(workspace.command(&["build", "app.hb"]).env("HBUILD_OCI_MIRROR", &mirror));
    workspace.write_recipe("hbuild 1\n");
    workspace.must(&["lock", "app.hb"]);
    assert!(!fs::read_to_string(workspace.path("project/hbuild.lock")).unwrap().contains("[[oci]]"));
    assert!(String::from_utf8(lock).unwrap().contains("[[oci]]"));
}
