//! Reads the settings of this machine and runs the probes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{Access, StatVfsMountFlags};

use super::findings::{Cgroup, Container, Findings, Outcome, Probe, Store};
use super::probe::PROBE_ARGUMENT;

/// What only the caller can tell.
#[derive(Debug, Clone)]
pub struct Place {
    /// The program to run probes with: this one.
    pub program: PathBuf,
    /// The store's folder; it need not be there.
    pub store: PathBuf,
    /// Whether the environment is that of a pod of Kubernetes.
    pub kubernetes: bool,
    /// The variable `container`, which some containers set.
    pub container: Option<String>,
}

/// What this machine allows. Starts one process for each probe.
pub fn find(place: &Place) -> Findings {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let name = rustix::system::uname();
    Findings {
        kernel: name.release().to_string_lossy().into_owned(),
        machine: name.machine().to_string_lossy().into_owned(),
        user: rustix::process::geteuid().as_raw(),
        container: container(place, &mounts),
        program: fs::read_link(&place.program).unwrap_or_else(|_| place.program.clone()),
        unprivileged_clone: setting("kernel/unprivileged_userns_clone"),
        max_user_namespaces: setting("user/max_user_namespaces"),
        apparmor_restriction: setting("kernel/apparmor_restrict_unprivileged_userns"),
        filtered: field(&status, "Seccomp:").is_some_and(|mode| mode != "0"),
        masked_proc: mount_points(&mounts).any(|point| point.starts_with("/proc/") && !automatic(point)),
        cgroup: own_cgroup(),
        store: store(&place.store),
        memory: available_memory(),
        probes: probes(&place.program),
    }
}

/// A number below `/proc/sys`.
fn setting(path: &str) -> Option<u64> {
    fs::read_to_string(Path::new("/proc/sys").join(path)).ok()?.trim().parse().ok()
}

fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim)
}

/// The mount points of a `mountinfo`.
fn mount_points(mounts: &str) -> impl Iterator<Item = &str> {
    mounts.lines().filter_map(|line| line.split(' ').nth(4))
}

/// Mounts on `/proc` that hide nothing.
fn automatic(point: &str) -> bool {
    point == "/proc/sys/fs/binfmt_misc"
}

fn container(place: &Place, mounts: &str) -> Option<Container> {
    let there = |path: &str| Path::new(path).exists();
    // A container's root is a mount, and so is that of every other machine, but for a chroot.
    if !mounts.is_empty() && !mount_points(mounts).any(|point| point == "/") {
        return Some(Container::Chroot);
    }
    if place.kubernetes || there("/var/run/secrets/kubernetes.io") {
        Some(Container::Kubernetes)
    } else if there("/run/.containerenv") {
        Some(Container::Podman)
    } else if there("/.dockerenv") && mount_points(mounts).any(|point| point == "/etc/hosts") {
        // A machine that was made from an image has the file too, but not the mount.
        Some(Container::Docker)
    } else {
        match place.container.as_deref() {
            Some("podman" | "oci") => Some(Container::Podman),
            Some("docker") => Some(Container::Docker),
            Some(_) => Some(Container::Other),
            None => None,
        }
    }
}

/// The control group of version 2 that this process is in.
pub fn own_cgroup() -> Cgroup {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let folder = cgroup_folder(&mounts, &groups);
    let text = folder.as_ref().and_then(|folder| fs::read_to_string(folder.join("cgroup.controllers")).ok());
    let controllers = text.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    Cgroup { folder, controllers }
}

/// The folder of the group that `groups` (`/proc/self/cgroup`) names, by the mounts of a `mountinfo`.
pub(super) fn cgroup_folder(mounts: &str, groups: &str) -> Option<PathBuf> {
    let own = groups.lines().find_map(|line| line.strip_prefix("0::"))?;
    mounts.lines().find_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        if file_system.split(' ').next() != Some("cgroup2") {
            return None;
        }
        let fields: Vec<_> = mount.split(' ').collect();
        let (root, point) = (fields.get(3)?, fields.get(4)?);
        let below = Path::new(own).strip_prefix(root).ok()?;
        // Joining an empty path would end the folder's name with a slash.
        Some(Path::new(point).components().chain(below.components()).collect())
    })
}

fn store(path: &Path) -> Store {
    let mut found = Store { path: path.to_owned(), ..Store::default() };
    // A store that is not there yet will be made in the nearest folder that is.
    let Some(there) = path.ancestors().find(|path| path.exists()) else { return found };
    match rustix::fs::access(there, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) if there.is_dir() => {}
        Ok(()) => found.unwritable = Some(format!("`{}` is no folder", there.display())),
        Err(errno) => {
            let error = std::io::Error::from(errno);
            found.unwritable = Some(format!("`{}`: {error}", there.display()));
        }
    }
    if let Ok(numbers) = rustix::fs::statvfs(there) {
        found.noexec = numbers.f_flag.contains(StatVfsMountFlags::NOEXEC);
        found.free = numbers.f_bavail.saturating_mul(numbers.f_frsize);
        found.inodes = (numbers.f_files > 0).then_some(numbers.f_favail);
    }
    found
}

fn available_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes =
        field(&text, "MemAvailable:").and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// Runs every probe whose need is met.
fn probes(program: &Path) -> BTreeMap<Probe, Outcome> {
    let mut found: BTreeMap<Probe, Outcome> = BTreeMap::new();
    for probe in Probe::ALL {
        let missing = probe.needs().filter(|need| !matches!(found.get(need), Some(Outcome::Works(_))));
        let outcome = match missing {
            Some(need) => match found.get(&need) {
                Some(Outcome::NotTried(first)) => Outcome::NotTried(*first),
                _ => Outcome::NotTried(need),
            },
            None => run(program, probe),
        };
        found.insert(probe, outcome);
    }
    found
}

fn run(program: &Path, probe: Probe) -> Outcome {
    let mut command = Command::new(program);
    // Pipes, as a machine may be without /dev/null.
    command.args([PROBE_ARGUMENT, probe.name()]).env_clear().stdin(Stdio::piped()).stderr(Stdio::piped());
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => return Outcome::Lost(format!("cannot run {}: {error}", program.display())),
    };
    if !output.status.success() {
        return Outcome::Lost(format!("the probe ended with {}", output.status));
    }
    let line = String::from_utf8_lossy(&output.stdout);
    outcome(line.trim()).unwrap_or_else(|| Outcome::Lost("the probe said nothing".to_owned()))
}

/// What a probe's line says.
pub(super) fn outcome(line: &str) -> Option<Outcome> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "works" => Some(Outcome::Works(rest.to_owned())),
        "refused" => {
            let (call, errno) = rest.rsplit_once(' ')?;
            Some(Outcome::Refused { call: call.to_owned(), errno: errno.parse().ok()? })
        }
        _ => None,
    }
}
