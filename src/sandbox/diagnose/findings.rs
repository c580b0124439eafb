//! The facts that a diagnosis rests on.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Something that a sandbox does, done on trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// Run as root: become another user.
    OtherUser,
    /// Make a user namespace and map the own user into it.
    UserNamespace,
    /// Make a mount namespace whose mounts reach nobody else.
    MountNamespace,
    /// Make a process namespace.
    ProcessNamespace,
    /// Make a network namespace.
    NetworkNamespace,
    /// Make a namespace of System V and POSIX message queues.
    IpcNamespace,
    /// Make a namespace of the host name, and set the name.
    NameNamespace,
    /// Make a namespace of control groups.
    CgroupNamespace,
    /// Mount a tmpfs of bounded size.
    Tmpfs,
    /// Show a folder in another place, read-only.
    BindMount,
    /// Make a mount the root.
    PivotRoot,
    /// Mount the procfs of a process namespace.
    Procfs,
    /// Give up the gain of privileges by programs.
    NoNewPrivileges,
    /// Install a filter of system calls.
    Seccomp,
    /// Switch the random layout of addresses off.
    Personality,
    /// Ask for Landlock.
    Landlock,
    /// Make a control group below the own one.
    Cgroup,
    /// Mount an overlay.
    Overlay,
}

impl Probe {
    /// Every probe.
    pub const ALL: [Self; 18] = [
        Self::OtherUser,
        Self::UserNamespace,
        Self::MountNamespace,
        Self::ProcessNamespace,
        Self::NetworkNamespace,
        Self::IpcNamespace,
        Self::NameNamespace,
        Self::CgroupNamespace,
        Self::Tmpfs,
        Self::BindMount,
        Self::PivotRoot,
        Self::Procfs,
        Self::NoNewPrivileges,
        Self::Seccomp,
        Self::Personality,
        Self::Landlock,
        Self::Cgroup,
        Self::Overlay,
    ];

    /// Its name in results and as an argument.
    pub fn name(self) -> &'static str {
        match self {
            Self::OtherUser => "other-user",
            Self::UserNamespace => "user-namespace",
            Self::MountNamespace => "mount-namespace",
            Self::ProcessNamespace => "pid-namespace",
            Self::NetworkNamespace => "network-namespace",
            Self::IpcNamespace => "ipc-namespace",
            Self::NameNamespace => "uts-namespace",
            Self::CgroupNamespace => "cgroup-namespace",
            Self::Tmpfs => "tmpfs",
            Self::BindMount => "bind-mount",
            Self::PivotRoot => "pivot-root",
            Self::Procfs => "procfs",
            Self::NoNewPrivileges => "no-new-privileges",
            Self::Seccomp => "seccomp",
            Self::Personality => "personality",
            Self::Landlock => "landlock",
            Self::Cgroup => "cgroup",
            Self::Overlay => "overlayfs",
        }
    }

    /// What has to work first for the probe to say anything.
    pub fn needs(self) -> Option<Self> {
        match self {
            Self::OtherUser
            | Self::UserNamespace
            | Self::NoNewPrivileges
            | Self::Seccomp
            | Self::Personality
            | Self::Landlock
            | Self::Cgroup => None,
            Self::Tmpfs | Self::BindMount | Self::PivotRoot | Self::Procfs | Self::Overlay => {
                Some(Self::MountNamespace)
            }
            _ => Some(Self::UserNamespace),
        }
    }
}

/// What became of a probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It worked; what there is to know of it, mostly nothing.
    Works(String),
    /// The kernel refused.
    Refused {
        /// The call, as a person may look it up.
        call: String,
        /// The kernel's error number.
        errno: i32,
    },
    /// Not tried, because this is refused.
    NotTried(Probe),
    /// The process that probes could not be run, or died.
    Lost(String),
}

/// What hbuild runs in, where it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// Docker.
    Docker,
    /// podman or buildah.
    Podman,
    /// A pod of Kubernetes.
    Kubernetes,
    /// A chroot: a root that is no mount.
    Chroot,
    /// Some other container.
    Other,
}

/// The own control group, version 2.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cgroup {
    /// Its folder, where version 2 is mounted.
    pub folder: Option<PathBuf>,
    /// The controllers it may use.
    pub controllers: Vec<String>,
}

/// The file system of the store.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Store {
    /// The store's folder.
    pub path: PathBuf,
    /// Why nothing can be written there.
    pub unwritable: Option<String>,
    /// Whether programs on it may not be run.
    pub noexec: bool,
    /// Free bytes for this user.
    pub free: u64,
    /// Free inodes for this user; none where the file system does not count them.
    pub inodes: Option<u64>,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// The kernel's release, such as `6.12.9-amd64`.
    pub kernel: String,
    /// The machine, such as `x86_64`.
    pub machine: String,
    /// The effective user.
    pub user: u32,
    /// What hbuild runs in.
    pub container: Option<Container>,
    /// The path of the program, for rules that name it.
    pub program: PathBuf,
    /// `kernel.unprivileged_userns_clone`, of Debian's and some other kernels.
    pub unprivileged_clone: Option<u64>,
    /// `user.max_user_namespaces`.
    pub max_user_namespaces: Option<u64>,
    /// `kernel.apparmor_restrict_unprivileged_userns`, of Ubuntu's kernels.
    pub apparmor_restriction: Option<u64>,
    /// Whether a filter of system calls holds already.
    pub filtered: bool,
    /// Whether parts of `/proc` are hidden by mounts.
    pub masked_proc: bool,
    /// The own control group.
    pub cgroup: Cgroup,
    /// The store.
    pub store: Store,
    /// Bytes of memory that can be had, swap left out.
    pub memory: u64,
    /// What the probes found.
    pub probes: BTreeMap<Probe, Outcome>,
}
