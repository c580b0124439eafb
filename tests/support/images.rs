//! The real recipes, built once for all tests of one process on one store, and ways to run what was built.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{LazyLock, Mutex};

use super::skip;

/// Account and group that the images run as.
const ACCOUNT: &str = "65532:65532";

/// Where everything of this test run lies. Emptied when the process first asks for it. Its name is short: podman
/// takes no path of more than 50 characters for its `--runroot`.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let name = env!("CARGO_CRATE_NAME").split('_').next().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    // podman leaves its overlay folder mounted on itself.
    let _ = Command::new("umount").arg("-q").arg(folder.join("podman/root/overlay")).output();
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("recipes")).unwrap();
    folder
});

/// Where Debian's archive answers, if it does.
static MIRROR: LazyLock<Option<String>> = LazyLock::new(|| {
    let named = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = named.map(|entry| entry.path()).collect();
    files.push("/etc/apt/sources.list".into());
    let texts: Vec<String> = files.iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    let words = texts.iter().flat_map(|text| text.split_whitespace());
    let hosts = words.map(|word| word.trim_end_matches('/'));
    let mut mirrors: Vec<&str> =
        hosts.filter(|word| word.starts_with("http") && word.ends_with("/debian")).collect();
    mirrors.push("http://ftp.debian.org/debian");
    let answers = |mirror: &&&str| {
        let mut command = Command::new("curl");
        command.args(["-fsIL", "--max-time", "20", &format!("{mirror}/dists/bookworm/InRelease")]);
        command.output().is_ok_and(|output| output.status.success())
    };
    mirrors.iter().find(answers).map(|mirror| (*mirror).to_owned())
});

/// What was built already, by its arguments. The lock also keeps the tests from building at once, so that what
/// one downloads the next finds.
static BUILT: Mutex<BTreeMap<Vec<String>, PathBuf>> = Mutex::new(BTreeMap::new());

/// URL of a Debian mirror that answers, without a slash at its end; skips aloud where none does.
pub fn mirror() -> Option<&'static str> {
    if MIRROR.is_none() {
        skip("no Debian mirror answers (asked with curl)");
    }
    MIRROR.as_deref()
}

/// A new folder of this test run.
pub fn folder(name: &str) -> PathBuf {
    let folder = FOLDER.join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// A folder that other users reach too, unlike perhaps the project's.
pub fn reachable() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Whether the program is on PATH; skips aloud where it is not.
pub fn has(program: &str) -> bool {
    let found = on_path(program);
    if !found {
        skip(&format!("no `{program}` on PATH"));
    }
    found
}

fn on_path(program: &str) -> bool {
    std::env::var_os("PATH")
        .is_some_and(|all| std::env::split_paths(&all).any(|folder| folder.join(program).is_file()))
}

/// Whether this is root; skips aloud where it is not.
pub fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        skip("not root");
    }
    root
}

/// Runs the command, which must succeed; returns standard output.
pub fn must(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// hbuild with the store of this test run.
pub fn hbuild(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hbuild"));
    command.args(arguments).env("HBUILD_STORE", FOLDER.join("store")).env_remove("HBUILD_BUILDER_ID");
    command
}

/// What names the variants of a recipe that the tests are about: those whose packages and sources can be had for long.
pub fn selected(name: &str) -> &'static [&'static str] {
    match name {
        "busybox" | "debian-base" | "static" | "tini" => &["--distro", "debian12"],
        "memcached" => &["--release", "1.6.38", "--distro", "debian13"],
        "nginx" => &["--release", "1.26"],
        "node" => &["--release", "20"],
        "python" => &["--release", "3.13"],
        "redis" => &["--release", "8.0", "--distro", "debian13"],
        _ => &[],
    }
}

/// The folder of a recipe: that of the project with its lock, or where the distro of the recipe still changes,
/// so that the packages of the lock vanish from mirrors, a copy that was just locked.
pub fn recipe(name: &str) -> PathBuf {
    let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes").join(name);
    if !matches!(name, "memcached" | "nginx" | "node" | "python" | "redis") {
        return original;
    }
    let copy = FOLDER.join("recipes").join(name);
    let mut built = BUILT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if built.insert(vec!["lock".into(), name.into()], copy.clone()).is_none() {
        fs::create_dir_all(&copy).unwrap();
        for entry in fs::read_dir(original).unwrap() {
            let file = entry.unwrap().path();
            if file.extension() == Some(OsStr::new("hb")) {
                fs::copy(&file, copy.join(file.file_name().unwrap())).unwrap();
            }
        }
        let output = hbuild(&["lock", copy.to_str().unwrap()]).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        // Its variants on Alpine, and what comes from git, cannot be locked here.
        assert!(matches!(output.status.code(), Some(0 | 3)), "{errors}");
        assert!(
            errors.matches("hbuild::").count() == 2 * errors.matches("hbuild::lock::incomplete").count(),
            "{errors}"
        );
    }
    copy
}

/// Builds the recipe with `hbuild build`'s `arguments`, once for all tests; returns the output folder.
pub fn build(name: &str, arguments: &[&str]) -> PathBuf {
    let recipe = recipe(name);
    let key: Vec<String> = [name].iter().chain(arguments).map(|text| (*text).to_owned()).collect();
    let mut built = BUILT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(output) = built.get(&key) {
        return output.clone();
    }
    let output = FOLDER.join(format!("out-{}", key.join("-").replace("--", "")));
    let mut command = hbuild(&["build", recipe.to_str().unwrap(), "-o", output.to_str().unwrap()]);
    must(command.args(selected(name)).args(arguments));
    built.insert(key, output.clone());
    output
}

/// What narrows a build to amd64 and the flavor; the empty one for recipes without flavors.
fn narrowed(flavor: &str) -> Vec<&str> {
    let flavors = ["--flavor", flavor].into_iter().filter(|_| !flavor.is_empty());
    ["--arch", "amd64"].into_iter().chain(flavors).collect()
}

/// The unpacked root file system of the amd64 image of a flavor, and the `NAME:REF` of its image.
pub fn root(name: &str, flavor: &str) -> (PathBuf, String) {
    let output = build(name, &[narrowed(flavor), vec!["--format", "dir"]].concat());
    let found: Vec<PathBuf> = fs::read_dir(&output)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension() == Some(OsStr::new("rootfs")))
        .collect();
    let [root] = &found[..] else { panic!("{found:?}") };
    let stem = root.file_stem().unwrap().to_str().unwrap();
    let reference = stem.strip_prefix(&format!("{name}-")).unwrap();
    (root.clone(), format!("{name}:{reference}"))
}

/// The amd64 image of a flavor as skopeo and podman name it: `oci:FOLDER:REF`.
pub fn image(name: &str, flavor: &str) -> String {
    let output = build(name, &narrowed(flavor));
    format!("oci:{}", output.join(root(name, flavor).1).display())
}

/// One package of a variant of a lock: name, version, architecture.
pub type Package = (String, String, String);

/// The packages that the lock gives the amd64 variant of a flavor, sorted.
pub fn locked(name: &str, flavor: Option<&str>) -> Vec<Package> {
    let text = fs::read_to_string(recipe(name).join("hbuild.lock")).unwrap();
    let lock: toml::Table = text.parse().unwrap();
    let is_it = |variant: &&toml::Value| {
        let point = &variant["point"];
        let label = |axis: &str| point.get(axis).and_then(toml::Value::as_str);
        let chosen = selected(name).chunks(2).all(|pair| label(&pair[0][2..]) == Some(pair[1]));
        chosen && label("arch") == Some("amd64") && label("flavor") == flavor
    };
    let variant = lock["variant"].as_array().unwrap().iter().find(is_it).expect("the variant is locked");
    let package = |entry: &toml::Value| {
        let (name, rest) = entry.as_str().unwrap().split_once('=').unwrap();
        let (version, arch) = rest.rsplit_once(':').unwrap();
        (name.to_owned(), version.to_owned(), arch.to_owned())
    };
    let mut packages: Vec<Package> = variant["packages"].as_array().unwrap().iter().map(package).collect();
    packages.sort();
    packages
}

/// podman as root with storage of its own, in `storage` overlay or vfs.
pub fn podman(storage: &str) -> Command {
    let folder = FOLDER.join("podman");
    let mut command = Command::new("podman");
    for (option, below) in [("--root", "root"), ("--runroot", "run"), ("--tmpdir", "tmp")] {
        fs::create_dir_all(folder.join(below)).unwrap();
        command.arg(option).arg(folder.join(below));
    }
    command.args(["--storage-driver", storage, "--cgroup-manager", "cgroupfs", "--events-backend", "file"]);
    command.args(["--runtime", "runc"]);
    command
}

/// The storage driver with which podman runs a container here, found by running hello.
static STORAGE: LazyLock<Option<&'static str>> = LazyLock::new(|| {
    if !rustix::process::geteuid().is_root() || !on_path("podman") || !on_path("runc") {
        return None;
    }
    let hello = image("hello", "runtime");
    let runs = |storage: &&&str| {
        let mut command = podman(storage);
        command.args(RUN).arg(&hello);
        command.output().is_ok_and(|output| output.status.success())
    };
    ["overlay", "vfs"].iter().find(runs).copied()
});

/// Hardened to the full; the limits are those that a container without CAP_SYS_RESOURCE may set.
const RUN: [&str; 14] = [
    "run",
    "--quiet",
    "--rm",
    "--network",
    "none",
    "--read-only",
    "--read-only-tmpfs=false",
    "--user",
    ACCOUNT,
    "--cap-drop",
    "all",
    "--security-opt=no-new-privileges",
    "--ulimit=nofile=1024:1024",
    "--ulimit=nproc=1000:1000",
];

/// The storage driver that works with podman; skips aloud where none does.
pub fn podman_storage() -> Option<&'static str> {
    if STORAGE.is_none() {
        skip("podman with runc cannot run containers here");
    }
    *STORAGE
}

/// Runs a built image as 65532 with a read-only root and no network, with its entry point and `arguments`, or
/// with `program` in the entry point's place, `/tmp` being a tmpfs if wanted: with podman, or where it cannot,
/// in a chroot of the unpacked image. Skips aloud where neither can be had.
pub fn run(name: &str, flavor: &str, tmp: bool, program: Option<&str>, arguments: &[&str]) -> Option<Output> {
    container(name, flavor, tmp, program).map(|mut command| command.args(arguments).output().unwrap())
}

/// The command that `run` runs, without arguments yet; its standard input reaches the program.
pub fn container(name: &str, flavor: &str, tmp: bool, program: Option<&str>) -> Option<Command> {
    match *STORAGE {
        Some(storage) => {
            let mut command = podman(storage);
            command.args(RUN).arg("--interactive");
            command.args(tmp.then_some("--tmpfs=/tmp"));
            command.args(program.map(|program| format!("--entrypoint={program}")));
            command.arg(image(name, flavor));
            Some(command)
        }
        None if !is_root() || !has("skopeo") => None,
        None => Some(chroot(name, flavor, tmp, program)),
    }
}

/// A container that runs in the background as `run` does, until this is dropped.
pub struct Service {
    storage: &'static str,
    container: String,
}

/// Starts the runtime image with podman and more `options` of `podman run`; skips aloud where podman cannot.
pub fn start(name: &str, options: &[&str], arguments: &[&str]) -> Option<Service> {
    let storage = podman_storage()?;
    let mut command = podman(storage);
    command.args(RUN).arg("--detach").args(options).arg(image(name, "runtime")).args(arguments);
    Some(Service { storage, container: must(&mut command).trim().to_owned() })
}

impl Service {
    /// What a program of the container's own says there.
    pub fn execute(&self, arguments: &[&str]) -> Output {
        podman(self.storage).arg("exec").arg(&self.container).args(arguments).output().unwrap()
    }

    /// Number of its first process on this machine.
    pub fn process(&self) -> String {
        let inspect = ["inspect", "--format", "{{.State.Pid}}", &self.container];
        must(podman(self.storage).args(inspect)).trim().to_owned()
    }

    /// A program of this machine on the container's network.
    pub fn beside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--net", "--target", &self.process(), "--", program]);
        command
    }

    /// What the container wrote.
    pub fn log(&self) -> String {
        let output = podman(self.storage).args(["logs", &self.container]).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// Asks until the answer holds `expected`, for a service that needs a moment to start.
    pub fn until(&self, expected: &str, ask: impl Fn() -> Output) -> String {
        for _ in 0..100 {
            let text = String::from_utf8_lossy(&ask().stdout).into_owned();
            if text.contains(expected) {
                return text;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("never `{expected}`\n{}", self.log());
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let end = ["rm", "--force", "--volumes", "--time", "0", &self.container];
        let _ = podman(self.storage).args(end).output();
    }
}

fn chroot(name: &str, flavor: &str, tmp: bool, program: Option<&str>) -> Command {
    let tmpfs = if tmp { "mount -t tmpfs tmpfs \"$0/tmp\";" } else { "" };
    let script = format!(
        "chown {ACCOUNT} /proc/self/fd/1 /proc/self/fd/2 || true
        mount --bind \"$0\" \"$0\"; mount --rbind /dev \"$0/dev\"; mount -t proc proc \"$0/proc\"; {tmpfs}
        mount -o remount,bind,ro \"$0\"; root=$0; exec chroot --userspec={ACCOUNT} --groups= \"$root\" \"$@\""
    );
    let config = configuration(&image(name, flavor));
    let texts = |key: &str| -> Vec<String> {
        let list = config["config"][key].as_array().cloned().unwrap_or_default();
        list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let mut command = Command::new("unshare");
    command.args(["--mount", "--net", "--pid", "--fork", "sh", "-ec", &script]).arg(root(name, flavor).0);
    command.args(program.map_or_else(|| texts("Entrypoint"), |program| vec![program.to_owned()]));
    let environment = texts("Env");
    command.env_clear();
    command.envs(environment.iter().map(|variable| variable.split_once('=').unwrap()));
    command
}

/// The image config as skopeo reads it.
pub fn configuration(image: &str) -> serde_json::Value {
    serde_json::from_str(&must(Command::new("skopeo").args(["inspect", "--config", image]))).unwrap()
}
