//! Signed images in a registry, and cosign before and since its version 3 as the ones who verify; and a build from source
//! that looks for key and passphrase.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use hbuild::digest::Sha256;
use hbuild::evidence::RunV1;
use hbuild::evidence::signing::Bundle;
use serde_json::Value;
use support::builds::{self, ARCH};
use support::oracles::{has, run};
use support::workspace::{Workspace, files};

const PASSPHRASE: &str = "open-sesame-4711";

const RECIPE: &str = r#"
build curious {
  for distro, arch
  repositories = [test]
  tools   = [tools]
  script  = """
    set +e
    mkdir -p $OUT/srv
    echo looked > $OUT/srv/looked
    env
    for file in /proc/*/environ /proc/*/cmdline /proc/self/environ; do echo "$file"; cat "$file"; done
    ls -la / /build /tmp /root /home /proc/1/fd /proc/self/fd
    cat /key.key /build/key.key KEYS/key.key
    cat /proc/*/maps /proc/*/mountinfo
    true
    """
}

image app {
  for distro, arch
  version    = "1.0"
  repositories = [test]
  packages   = ["libapp"]
  contents   = [curious]
  entrypoint = ["/usr/bin/none"]
}
"#;

/// A workspace with keys, and an image whose build looked for them.
fn built() -> Option<Workspace> {
    let workspace = Workspace::new();
    if !builds::add_tools(&workspace, &["bash", "cat", "env", "ls", "mkdir"]) {
        return None;
    }
    let folder = workspace.path("keys");
    fs::create_dir(&folder).unwrap();
    workspace.write_recipe(&builds::recipe(RECIPE).replace("KEYS", folder.to_str().unwrap()));
    signing(&workspace, &["keygen", "-o", folder.join("key").to_str().unwrap()]);
    builds::executes(&workspace, "app.hb#curious").then_some(workspace)
}

/// hbuild with the passphrase, which must succeed.
fn signing(workspace: &Workspace, arguments: &[&str]) -> String {
    run(workspace.command(arguments).env("HBUILD_PASSPHRASE", PASSPHRASE))
}

fn key(workspace: &Workspace, kind: &str) -> String {
    workspace.path(&format!("keys/key.{kind}")).display().to_string()
}

#[test]
fn a_build_finds_neither_key_nor_passphrase_and_the_run_attestation_tells_of_it() {
    let Some(workspace) = built() else { return };
    // Built anew, with the secrets in hbuild's environment.
    fs::remove_dir_all(workspace.path("store")).unwrap();
    let secret = fs::read_to_string(key(&workspace, "key")).unwrap();
    let line = secret.lines().nth(1).unwrap();
    let mut build = workspace.command(&["build", "app.hb"]);
    run(build.env("HBUILD_PASSPHRASE", PASSPHRASE).env("ANOTHER_SECRET", line));
    let log = workspace.run(&["log", "app.hb#curious"]).stdout;
    let log = String::from_utf8_lossy(&log);
    assert!(log.contains("SOURCE_DATE_EPOCH=") && log.contains("/proc/self/environ"), "{log}");
    for word in [PASSPHRASE, "HBUILD_PASSPHRASE", line, "ANOTHER_SECRET", "HBUILD_STORE", "PRIVATE KEY"] {
        assert!(!log.contains(word), "{word} in\n{log}");
    }

    let image = "out/app";
    let unsigned = files(&workspace.path("project/out/app"));
    let without = ["sign", image, "--key", &key(&workspace, "key"), "--no-run", "--legacy-cosign"];
    signing(&workspace, &without);
    let signed = files(&workspace.path("project/out/app"));
    signing(&workspace, &without);
    assert!(files(&workspace.path("project/out/app")) == signed);
    // The same build again leaves the signatures where they are.
    workspace.must(&["build", "app.hb"]);
    assert!(files(&workspace.path("project/out/app")) == signed);
    assert!(
        unsigned
            .iter()
            .all(|file| file.0 == "index.json" || file.0.contains("blobs") || signed.contains(file))
    );
    let everything = files(&workspace.path("project/out")).into_iter().chain(files(&workspace.path("store")));
    for (name, bytes) in everything {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(PASSPHRASE) && !text.contains(line), "a secret in {name}");
    }

    for _ in 0..2 {
        signing(&workspace, &["sign", image, "--key", &key(&workspace, "key")]);
    }
    let runs = runs(&workspace.path("project/out/app"));
    let [run] = &runs[..] else { panic!("one run attestation, not {}", runs.len()) };
    let program = Sha256::of(&fs::read(env!("CARGO_BIN_EXE_hbuild")).unwrap());
    assert_eq!(run.hbuild.digest["sha256"], program.to_string());
    assert_eq!(run.builds.len(), 1);
    let build = &run.builds[0];
    assert_eq!((build.name.as_str(), build.platform.as_str()), ("curious", &*format!("linux/{ARCH}")));
    let record: Value =
        serde_json::from_str(&workspace.must(&["log", "--record", "app.hb#curious"])).unwrap();
    assert_eq!(serde_json::to_value(&build.sandbox).unwrap(), record["execution"]["sandbox"]);
    assert_eq!(serde_json::to_value(&build.usage).unwrap(), record["execution"]["usage"]);
    let fetched: Vec<&str> = run.fetched.iter().map(|file| file.name.as_str()).collect();
    assert!(fetched.iter().any(|name| name.starts_with("libapp=1.0-1")), "{fetched:?}");
    assert_eq!((&run.substituted, &run.unknown), (&Vec::new(), &Vec::new()));
    validate(&workspace);

    // Another machine knows nothing of it, and says so.
    let elsewhere = workspace.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let mut sign = workspace.command(&["sign", image, "--key", &key(&workspace, "key")]);
    support::oracles::run(sign.env("HBUILD_PASSPHRASE", PASSPHRASE).env("HBUILD_STORE", elsewhere));
    let [run] = &self::runs(&workspace.path("project/out/app"))[..] else { panic!("one run attestation") };
    assert!(run.builds.is_empty() && run.fetched.is_empty());
    assert!(run.unknown.contains(&"curious".to_owned()), "{:?}", run.unknown);
}

/// Holds every signed statement of the layout against in-toto's own messages.
fn validate(workspace: &Workspace) {
    if !has("in-toto-validate") {
        return;
    }
    let bundles = files(&workspace.path("project/out/app"));
    let payloads =
        bundles.iter().filter_map(|(_, bytes)| Some(Bundle::parse(bytes).ok()?.payload().to_vec()));
    let mut command = Command::new("in-toto-validate");
    // Its validator takes no predicate without a member, which that of a signature is, as cosign has it.
    let signature = |payload: &Vec<u8>| payload.ends_with(br#""predicate":{}}"#);
    for (number, payload) in payloads.filter(|payload| !signature(payload)).enumerate() {
        let path = workspace.path(&format!("statement-{number}.json"));
        fs::write(&path, payload).unwrap();
        command.arg(path);
    }
    assert!(command.get_args().count() > 8);
    run(&mut command);
}

/// The predicates of all run attestations in a layout.
fn runs(layout: &Path) -> Vec<RunV1> {
    let bundle = |(_, bytes): (String, Vec<u8>)| {
        let statement: Value = serde_json::from_slice(Bundle::parse(&bytes).ok()?.payload()).ok()?;
        let run = statement["predicateType"] == "https://hbuild.dev/run/v1";
        run.then(|| serde_json::from_value(statement["predicate"].clone()).unwrap())
    };
    files(layout).into_iter().filter_map(bundle).collect()
}

/// A registry on this machine that lists no referrers; ended when dropped.
struct Registry {
    process: Child,
    name: String,
    _folder: tempfile::TempDir,
}

impl Registry {
    fn start() -> Option<Self> {
        if !has("docker-registry") || !support::loopback() {
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let name = format!("127.0.0.1:{free}");
        let data = folder.path().join("data");
        let text = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: {name}}}\n",
            data.display()
        );
        let configuration = folder.path().join("registry.yml");
        fs::write(&configuration, text).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(configuration).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().unwrap();
        for _ in 0..500 {
            if std::net::TcpStream::connect(&name).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { process, name, _folder: folder })
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs cosign with the trusted root that has nothing; what it prints, or `None` where it refuses.
fn cosign(workspace: &Workspace, program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(workspace.path("project")).env_clear();
    command.env("HOME", workspace.path("home")).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let output = command.output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn cosign_verifies_what_is_pushed_and_what_is_signed_there() {
    if !has("cosign2") || !has("cosign3") {
        return;
    }
    let Some(registry) = Registry::start() else { return };
    let workspace = Workspace::new();
    fs::create_dir(workspace.path("keys")).unwrap();
    for name in ["key", "other"] {
        signing(&workspace, &["keygen", "-o", workspace.path(&format!("keys/{name}")).to_str().unwrap()]);
    }
    let (public, other) = (key(&workspace, "pub"), key(&workspace, "pub").replace("key.pub", "other.pub"));
    workspace.must(&["lock"]);
    workspace.must(&["build", "--arch", "amd64"]);
    signing(&workspace, &["sign", "out/app", "--key", &key(&workspace, "key")]);
    let name = format!("{}/team/app", registry.name);
    let pushed = workspace.must(&["push", "out/app", &name]);
    let reference = pushed.lines().next().unwrap().split('@').next().unwrap();
    let index = fs::read(workspace.path("project/out/app/index.json")).unwrap();
    let index: Value = serde_json::from_slice(&index).unwrap();
    let entries = index["manifests"].as_array().unwrap().iter().filter(|entry| {
        let name = &entry["annotations"]["org.opencontainers.image.ref.name"];
        !name.as_str().unwrap().starts_with("sha256-")
    });
    // The index, then the manifest of its one platform.
    let digests: Vec<String> =
        entries.map(|entry| format!("{name}@{}", entry["digest"].as_str().unwrap())).collect();
    assert!(digests.len() == 2 && pushed.contains(digests[0].split('@').nth(1).unwrap()), "{pushed}");
    let [index, manifest] = [&digests[0], &digests[1]];
    let verify = |program: &str, key: &str, kind: Option<&str>, reference: &str| {
        let mut arguments = vec![if kind.is_some() { "verify-attestation" } else { "verify" }];
        arguments.extend(["--key", key, "--insecure-ignore-tlog"]);
        arguments.extend(kind.iter().flat_map(|kind| ["--type", kind]));
        arguments.push(reference);
        cosign(&workspace, program, &arguments)
    };
    for reference in [index, manifest] {
        let printed = verify("cosign3", &public, None, reference).expect("the signature holds");
        assert!(printed.contains(reference.split('@').nth(1).unwrap()), "{printed}");
        assert_eq!(verify("cosign3", &other, None, reference), None);
    }
    let own = ["https://hbuild.dev/elf/v1", "https://hbuild.dev/policy/v1", "https://hbuild.dev/run/v1"];
    for kind in ["slsaprovenance1", "spdxjson", "cyclonedx"].iter().chain(&own) {
        assert!(verify("cosign3", &public, Some(kind), manifest).is_some(), "{kind}");
    }
    assert_eq!(verify("cosign3", &other, Some("slsaprovenance1"), manifest), None);
    assert_eq!(verify("cosign3", &public, Some("vuln"), manifest), None);
    assert_eq!(verify("cosign2", &public, None, manifest), None, "it knows no bundles");

    // What cosign 2 knows is added where the image is.
    signing(&workspace, &["sign", reference, "--key", &key(&workspace, "key"), "--legacy-cosign"]);
    for reference in [index, manifest] {
        let printed = verify("cosign2", &public, None, reference).expect("the signature holds");
        assert!(printed.contains(&format!("\"docker-reference\":\"{name}\"")), "{printed}");
    }
    for kind in ["slsaprovenance1", "spdxjson", "https://hbuild.dev/run/v1"] {
        assert!(verify("cosign2", &public, Some(kind), manifest).is_some(), "{kind}");
    }
    assert_eq!(verify("cosign2", &other, Some("slsaprovenance1"), manifest), None);

    // A second key signs there, and the first one's signatures stay.
    let private = key(&workspace, "key").replace("key.key", "other.key");
    signing(&workspace, &["sign", reference, "--key", &private, "--legacy-cosign", "--no-run"]);
    for (program, key) in
        [("cosign2", &public), ("cosign2", &other), ("cosign3", &public), ("cosign3", &other)]
    {
        assert!(verify(program, key, None, manifest).is_some(), "{program} {key}");
    }
}
