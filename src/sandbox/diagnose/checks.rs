//! What the findings mean for builds from source. Pure.

use serde::Serialize;

use super::advice;
use super::findings::{Findings, Outcome, Probe};

/// Free space below which a build is likely to fail.
const LITTLE_SPACE: u64 = 2_000_000_000;
/// Free inodes below which it is: the root of a C compiler alone takes some 10,000.
const FEW_INODES: u64 = 50_000;
/// Memory below which it is.
const LITTLE_MEMORY: u64 = 512_000_000;

/// How much of what a check is about can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// All of it.
    Ok,
    /// Builds are possible without it, and lose something.
    Limited,
    /// Not tried, because something that it needs is refused.
    Unknown,
    /// Isolation depends on it: builds from source are refused.
    Refused,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Check {
    /// What it is about, for programs; never changes.
    pub name: &'static str,
    /// What it is about, for people.
    pub title: &'static str,
    /// How it is.
    pub status: Status,
    /// What was found.
    pub found: String,
    /// What builds lose by it, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loses: Option<&'static str>,
    /// What to do, the best first; one of them is enough where they do not say otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fixes: Vec<String>,
}

impl Check {
    /// A check about which there is nothing to say but what was found.
    pub fn ok(name: &'static str, title: &'static str, found: impl Into<String>) -> Self {
        Self { name, title, status: Status::Ok, found: found.into(), loses: None, fixes: Vec::new() }
    }

    /// The same with less than everything.
    pub fn with(mut self, status: Status, loses: &'static str, fixes: Vec<String>) -> Self {
        self.status = status;
        self.loses = Some(loses);
        self.fixes = fixes;
        self
    }
}

/// Every check, in the order they are shown.
pub fn checks(findings: &Findings) -> Vec<Check> {
    let mut checks = vec![kernel(findings)];
    checks.extend(Probe::ALL.into_iter().map(|probe| probed(findings, probe)));
    checks.extend([store(findings), space(findings), memory(findings)]);
    checks
}

fn kernel(findings: &Findings) -> Check {
    let found = format!("Linux {}, {}", findings.kernel, findings.machine);
    let check = Check::ok("kernel", "kernel", found);
    let mut numbers = findings.kernel.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version >= (5, 13) {
        return check;
    }
    let fixes = vec!["run a newer kernel: Linux 5.13 or later has all that hbuild makes use of".to_owned()];
    check.with(Status::Limited, "calls that this kernel is too old for", fixes)
}

/// The title of a probe's check, and what is lost where it is refused; none where that is nothing but the build.
fn about(probe: Probe) -> (&'static str, Option<&'static str>) {
    match probe {
        Probe::OtherUser => ("unprivileged user", None),
        Probe::UserNamespace => ("user namespaces", None),
        Probe::MountNamespace => ("mount namespaces", None),
        Probe::ProcessNamespace => ("process namespaces", None),
        Probe::NetworkNamespace => ("network namespaces", None),
        Probe::IpcNamespace => ("IPC namespaces", None),
        Probe::NameNamespace => ("host name namespaces", None),
        Probe::CgroupNamespace => ("cgroup namespaces", None),
        Probe::Tmpfs => ("mounting tmpfs", None),
        Probe::BindMount => ("read-only bind mounts", None),
        Probe::PivotRoot => ("changing the root", None),
        Probe::Procfs => ("mounting procfs", None),
        Probe::NoNewPrivileges => ("no new privileges", None),
        Probe::Seccomp => ("seccomp filters", None),
        Probe::Personality => (
            "fixed address layout",
            Some("programs get random addresses, and one that lets them into its output does not reproduce"),
        ),
        Probe::Landlock => {
            ("Landlock", Some("files are kept apart by the mounts alone, without a second line behind them"))
        }
        Probe::Cgroup => {
            ("cgroup delegation", Some("memory is watched ten times a second, and not limited by the kernel"))
        }
        Probe::Overlay => (
            "overlayfs",
            Some("the table of mounts inside names the folder of the host that the root lies in"),
        ),
    }
}

/// What is lost with a mandatory part.
pub(super) const BUILDS: &str = "builds from source are refused; images made of packages alone still build";

fn probed(findings: &Findings, probe: Probe) -> Check {
    let (title, loses) = about(probe);
    let check = |found: String| Check::ok(probe.name(), title, found);
    let status = if loses.is_some() { Status::Limited } else { Status::Refused };
    match findings.probes.get(&probe) {
        Some(Outcome::Works(detail)) => works(findings, probe, detail, check(String::new())),
        Some(Outcome::Refused { call, errno }) => {
            let fixes = advice::fixes(findings, probe, *errno);
            check(refusal(call, *errno)).with(status, loses.unwrap_or(BUILDS), fixes)
        }
        Some(Outcome::NotTried(need)) => {
            let fixes = match probe {
                Probe::Procfs if findings.masked_proc => advice::fixes(findings, probe, 0),
                _ => Vec::new(),
            };
            let found = format!("not tried, as it needs {}", about(*need).0);
            Check { status: Status::Unknown, fixes, ..check(found) }
        }
        Some(Outcome::Lost(why)) => {
            let fixes =
                vec!["let hbuild start itself: its own file must be readable, and runnable".to_owned()];
            check(why.clone()).with(status, loses.unwrap_or(BUILDS), fixes)
        }
        None => Check { status: Status::Unknown, ..check("not tried".to_owned()) },
    }
}

/// `prctl: Operation not permitted (os error 1)`.
fn refusal(call: &str, errno: i32) -> String {
    format!("{call}: {}", std::io::Error::from_raw_os_error(errno))
}

/// The check of a probe that worked.
fn works(findings: &Findings, probe: Probe, detail: &str, mut check: Check) -> Check {
    check.found = match probe {
        Probe::OtherUser if findings.user == 0 => "root, which becomes an ordinary user first".to_owned(),
        Probe::OtherUser => format!("user {}", findings.user),
        Probe::Landlock => format!("version {detail} of its interface"),
        Probe::Cgroup => {
            let missing: Vec<_> = ["memory", "pids"]
                .into_iter()
                .filter(|name| !detail.split(' ').any(|has| has == *name))
                .collect();
            if !missing.is_empty() {
                let found = format!("without the controllers {}", missing.join(", "));
                let loses = about(probe).1.unwrap_or(BUILDS);
                return Check { found, ..check }.with(Status::Limited, loses, advice::delegation(findings));
            }
            "memory and processes".to_owned()
        }
        _ => "yes".to_owned(),
    };
    check
}

fn store(findings: &Findings) -> Check {
    let found = findings.store.path.display().to_string();
    let check = |found: String| Check::ok("store", "store", found);
    if let Some(why) = &findings.store.unwritable {
        let fixes = vec!["set HBUILD_STORE to a folder that this user may write to".to_owned()];
        let loses = "nothing can be built at all";
        return check(format!("cannot be written: {why}")).with(Status::Refused, loses, fixes);
    }
    if findings.store.noexec {
        let fixes = vec![
            "set HBUILD_STORE to a folder on a file system without `noexec`".to_owned(),
            "mount it without: mount -o remount,exec MOUNT-POINT".to_owned(),
        ];
        return check(format!("{found} is mounted `noexec`")).with(Status::Refused, BUILDS, fixes);
    }
    check(found)
}

fn space(findings: &Findings) -> Check {
    let inodes = findings.store.inodes.map_or(String::new(), |inodes| format!(", {inodes} inodes"));
    let found = format!("{:.1} GB free{inodes}", findings.store.free as f64 / 1e9);
    let check = Check::ok("space", "space for the store", found);
    let few = findings.store.inodes.is_some_and(|inodes| inodes < FEW_INODES);
    if findings.store.unwritable.is_some() || findings.store.free >= LITTLE_SPACE && !few {
        return check;
    }
    let fixes = vec![
        "hbuild store gc --max-size SIZE".to_owned(),
        "set HBUILD_STORE to a folder on a file system with more room".to_owned(),
    ];
    check.with(Status::Limited, "a large root, or a large build, may not fit", fixes)
}

fn memory(findings: &Findings) -> Check {
    let found = format!("{:.1} GB available", findings.memory as f64 / 1e9);
    let check = Check::ok("memory", "memory", found);
    if findings.memory >= LITTLE_MEMORY {
        return check;
    }
    let fixes = vec!["give this machine or container more memory, or build with `--jobs 1`".to_owned()];
    check.with(Status::Limited, "builds write to memory: a large one will not fit", fixes)
}
