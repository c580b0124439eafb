//! What to do about a refusal, by where hbuild runs and what is set there. Pure.

use super::findings::{Container, Findings, Probe};

/// What helps against the refusal of `probe` with this error number, the best first.
pub fn fixes(findings: &Findings, probe: Probe, errno: i32) -> Vec<String> {
    match probe {
        Probe::OtherUser => other_user(findings),
        Probe::NoNewPrivileges | Probe::Seccomp => match errno {
            libc::ENOSYS | libc::EINVAL if !findings.filtered => kernel_option("CONFIG_SECCOMP_FILTER"),
            _ => filter(findings),
        },
        Probe::Landlock => landlock(findings, errno),
        Probe::Personality => filter(findings),
        Probe::Cgroup => delegation(findings),
        Probe::Overlay => kernel_option("CONFIG_OVERLAY_FS, Linux 5.11 or later"),
        Probe::Procfs => procfs(findings),
        _ => namespace(findings, probe, errno),
    }
}

fn kernel_option(option: &str) -> Vec<String> {
    vec![format!("run a kernel that was built with {option}")]
}

fn other_user(findings: &Findings) -> Vec<String> {
    let user = match findings.container {
        Some(Container::Docker) => "docker run --user 1000 …",
        Some(Container::Podman) => "podman run --user 1000 …",
        Some(Container::Kubernetes) => "set `securityContext: { runAsUser: 1000 }`",
        _ => "run hbuild as an ordinary user",
    };
    vec![user.to_owned(), "leave root the capabilities SETUID and SETGID".to_owned()]
}

/// Against a refusal by a filter of system calls.
fn filter(findings: &Findings) -> Vec<String> {
    let text = match findings.container {
        Some(Container::Docker) => {
            "docker run --security-opt seccomp=unconfined …, or a profile that allows the call named here"
        }
        Some(Container::Podman) => {
            "podman run --security-opt seccomp=unconfined …, or a profile that allows the call named here"
        }
        Some(Container::Kubernetes) => "set `securityContext: { seccompProfile: { type: Unconfined } }`",
        _ => {
            "allow the call in the filter that what started hbuild installed (systemd: SystemCallFilter=, \
              LockPersonality=, RestrictNamespaces=)"
        }
    };
    vec![text.to_owned()]
}

fn landlock(findings: &Findings, errno: i32) -> Vec<String> {
    match errno {
        libc::EOPNOTSUPP => vec!["add `landlock` to the kernel's `lsm=` parameter".to_owned()],
        libc::ENOSYS if !findings.filtered => kernel_option("CONFIG_SECURITY_LANDLOCK, Linux 5.13 or later"),
        _ => filter(findings),
    }
}

/// What gives hbuild a control group of its own.
pub fn delegation(findings: &Findings) -> Vec<String> {
    let text = match findings.container {
        None if findings.cgroup.folder.is_none() => {
            "boot with `systemd.unified_cgroup_hierarchy=1`: limits are those of cgroup version 2"
        }
        None if findings.user == 0 => "systemd-run --scope -p Delegate=yes hbuild build …",
        None => "systemd-run --user --scope -p Delegate=yes hbuild build …",
        Some(Container::Docker) => {
            "none without `--privileged`; limit the container as a whole: docker run --memory …"
        }
        Some(Container::Podman) => "podman run --cgroupns private --security-opt unmask=/sys/fs/cgroup …",
        Some(Container::Kubernetes) => "none; the limits of the pod hold for the build as a whole",
        Some(_) => "have what runs this container delegate a control group to it",
    };
    vec![text.to_owned()]
}

fn procfs(findings: &Findings) -> Vec<String> {
    let text = match findings.container {
        Some(Container::Docker) => "docker run --security-opt systempaths=unconfined …",
        Some(Container::Podman) => "podman run --security-opt unmask=ALL …",
        Some(Container::Kubernetes) => {
            "set `hostUsers: false` in the pod and `securityContext: { procMount: Unmasked }` in the container"
        }
        _ if findings.masked_proc => {
            "run hbuild where nothing is mounted on parts of `/proc`: the kernel then lets nobody mount another one"
        }
        _ => return namespace(findings, Probe::Procfs, libc::EPERM),
    };
    let mut fixes = vec![text.to_owned()];
    fixes.extend(restriction(findings));
    fixes
}

/// Against the refusal of a namespace, or of a mount in one.
fn namespace(findings: &Findings, probe: Probe, errno: i32) -> Vec<String> {
    // A filter may say what a kernel says that has no such call.
    if matches!(errno, libc::ENOSYS | libc::EINVAL | libc::ENODEV) && !findings.filtered {
        return kernel_option(option_of(probe));
    }
    if findings.container == Some(Container::Chroot) {
        return vec![
            "run hbuild outside of the chroot: the kernel refuses user namespaces in one".to_owned(),
            "enter the folder by another way: systemd-nspawn -D FOLDER, or podman run --rootfs FOLDER"
                .to_owned(),
        ];
    }
    let mut fixes = Vec::new();
    if findings.max_user_namespaces == Some(0) || errno == libc::ENOSPC {
        fixes.push(match probe {
            Probe::UserNamespace => sysctl("user.max_user_namespaces=15000"),
            _ => "raise the limits `user.max_*_namespaces`: sysctl -a -r '^user[.]max_'".to_owned(),
        });
    }
    if findings.unprivileged_clone == Some(0) {
        fixes.push(sysctl("kernel.unprivileged_userns_clone=1"));
    }
    fixes.extend(by_container(findings));
    fixes.extend(restriction(findings));
    if fixes.is_empty() && findings.filtered {
        fixes = filter(findings);
    }
    if fixes.is_empty() {
        fixes.push(
            "look for the refusal in the kernel's log (`dmesg`, `ausearch -m avc`): a security module"
                .to_owned(),
        );
    }
    fixes
}

fn option_of(probe: Probe) -> &'static str {
    match probe {
        Probe::UserNamespace => "CONFIG_USER_NS",
        Probe::ProcessNamespace => "CONFIG_PID_NS",
        Probe::NetworkNamespace => "CONFIG_NET_NS",
        Probe::IpcNamespace => "CONFIG_IPC_NS",
        Probe::NameNamespace => "CONFIG_UTS_NS",
        Probe::CgroupNamespace => "CONFIG_CGROUPS",
        Probe::Tmpfs => "CONFIG_TMPFS",
        _ => "CONFIG_NAMESPACES",
    }
}

fn sysctl(setting: &str) -> String {
    format!("sysctl -w {setting} (to keep it, write it to /etc/sysctl.d/60-hbuild.conf)")
}

fn by_container(findings: &Findings) -> Option<String> {
    let text = match findings.container? {
        Container::Docker => {
            "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
             --security-opt systempaths=unconfined …"
        }
        Container::Podman => "podman run --security-opt seccomp=unconfined --security-opt unmask=ALL …",
        Container::Kubernetes => {
            "set `hostUsers: false` in the pod, and in the container `securityContext: { procMount: Unmasked, \
             seccompProfile: { type: Unconfined }, appArmorProfile: { type: Unconfined } }`"
        }
        Container::Other => "have what runs this container allow user namespaces and mounts in them",
        Container::Chroot => return None,
    };
    Some(text.to_owned())
}

/// Against AppArmor's restriction: on Ubuntu since 23.10 a user namespace has no rights but by a profile.
fn restriction(findings: &Findings) -> Vec<String> {
    if findings.apparmor_restriction.is_none_or(|value| value == 0) {
        return Vec::new();
    }
    let everyone = sysctl("kernel.apparmor_restrict_unprivileged_userns=0");
    if findings.container.is_some() {
        return vec![format!("on the host as well: {everyone}")];
    }
    let program = findings.program.display();
    let profile = format!("abi <abi/4.0>, profile hbuild {program} flags=(unconfined) {{ userns, }}");
    vec![
        format!(
            "allow it to hbuild alone: echo '{profile}' > /etc/apparmor.d/hbuild && \
             apparmor_parser -r /etc/apparmor.d/hbuild"
        ),
        format!("allow it to every program: {everyone}"),
    ]
}
