//! Advice for machines that are made up here.

use std::path::Path;

use super::facts::{cgroup_folder, outcome};
use super::*;

/// A machine that allows everything.
fn willing() -> Findings {
    let works = |probe: Probe| {
        let detail = match probe {
            Probe::Cgroup => "cpu io memory pids",
            Probe::Landlock => "6",
            _ => "",
        };
        (probe, Outcome::Works(detail.to_owned()))
    };
    Findings {
        kernel: "6.12.9-amd64".into(),
        machine: "x86_64".into(),
        user: 1000,
        container: None,
        program: "/usr/bin/hbuild".into(),
        unprivileged_clone: None,
        max_user_namespaces: Some(60_000),
        apparmor_restriction: None,
        filtered: false,
        masked_proc: false,
        cgroup: Cgroup { folder: Some("/sys/fs/cgroup/user.slice".into()), controllers: Vec::new() },
        store: Store {
            path: "/store".into(),
            free: 50_000_000_000,
            inodes: Some(9_000_000),
            ..Store::default()
        },
        memory: 8_000_000_000,
        probes: Probe::ALL.into_iter().map(works).collect(),
    }
}

/// The same where `probe` is refused, and what needs it is not tried.
fn refusing(mut findings: Findings, probe: Probe, errno: i32) -> Findings {
    findings.probes.insert(probe, Outcome::Refused { call: "call".into(), errno });
    for other in Probe::ALL {
        let first = other.needs().and_then(|need| match &findings.probes[&need] {
            Outcome::Refused { .. } => Some(need),
            Outcome::NotTried(first) => Some(*first),
            _ => None,
        });
        if let Some(first) = first {
            findings.probes.insert(other, Outcome::NotTried(first));
        }
    }
    findings
}

fn check(findings: &Findings, name: &str) -> Check {
    checks(findings).into_iter().find(|check| check.name == name).unwrap()
}

fn fixes(findings: &Findings, probe: Probe) -> Vec<String> {
    check(findings, probe.name()).fixes
}

#[test]
fn a_willing_machine_has_nothing_to_fix() {
    for check in checks(&willing()) {
        assert_eq!((check.status, check.fixes.len(), check.loses), (Status::Ok, 0, None), "{check:?}");
    }
}

#[test]
fn names_are_unique_and_needs_come_first() {
    let mut names: Vec<_> = checks(&willing()).into_iter().map(|check| check.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    for (at, probe) in Probe::ALL.into_iter().enumerate() {
        assert!(probe.needs().is_none_or(|need| Probe::ALL[..at].contains(&need)), "{probe:?}");
    }
}

#[test]
fn ubuntu_restricts_by_apparmor() {
    let ubuntu = Findings { apparmor_restriction: Some(1), ..willing() };
    // There the namespace itself is made, but has no rights: the first mount in it is refused.
    let ubuntu = refusing(ubuntu, Probe::MountNamespace, libc::EACCES);
    let fixes = fixes(&ubuntu, Probe::MountNamespace);
    assert!(fixes[0].contains("profile hbuild /usr/bin/hbuild flags=(unconfined) { userns, }"), "{fixes:?}");
    assert!(fixes[1].contains("sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"), "{fixes:?}");
    let tmpfs = check(&ubuntu, "tmpfs");
    assert_eq!(
        (tmpfs.status, tmpfs.found.as_str()),
        (Status::Unknown, "not tried, as it needs mount namespaces")
    );
}

#[test]
fn docker_refuses_by_its_filter() {
    let docker =
        Findings { container: Some(Container::Docker), masked_proc: true, filtered: true, ..willing() };
    let refused = refusing(docker.clone(), Probe::UserNamespace, libc::EPERM);
    let found = check(&refused, "user-namespace");
    assert_eq!(found.status, Status::Refused);
    assert_eq!(found.found, "call: Operation not permitted (os error 1)");
    assert!(found.loses.is_some_and(|text| text.contains("images made of packages alone still build")));
    for option in ["seccomp=unconfined", "apparmor=unconfined", "systempaths=unconfined"] {
        assert!(found.fixes[0].contains(option), "{found:?}");
    }
    // What is known to follow is said at once.
    assert!(fixes(&refused, Probe::Procfs)[0].contains("systempaths=unconfined"));

    let masked = refusing(docker.clone(), Probe::Procfs, libc::EPERM);
    assert_eq!(check(&masked, "procfs").status, Status::Refused);
    assert_eq!(fixes(&masked, Probe::Procfs), ["docker run --security-opt systempaths=unconfined …"]);

    // Some filters say what a kernel without the call would say.
    for probe in [Probe::UserNamespace, Probe::Seccomp, Probe::Landlock, Probe::NameNamespace] {
        let refused = refusing(docker.clone(), probe, libc::ENOSYS);
        assert!(fixes(&refused, probe)[0].contains("seccomp=unconfined"), "{probe:?}");
    }

    let random = refusing(docker.clone(), Probe::Personality, libc::EPERM);
    assert_eq!(check(&random, "personality").status, Status::Limited);
    assert!(fixes(&random, Probe::Personality)[0].contains("seccomp=unconfined"));

    // On Ubuntu the host's restriction holds in a container that AppArmor does not confine.
    let ubuntu = Findings { apparmor_restriction: Some(1), ..docker };
    let ubuntu = refusing(ubuntu, Probe::UserNamespace, libc::EPERM);
    assert!(
        fixes(&ubuntu, Probe::UserNamespace)[1].starts_with("on the host as well: sysctl -w kernel.apparmor")
    );
}

#[test]
fn podman_and_kubernetes_mask_proc() {
    let podman = Findings { container: Some(Container::Podman), masked_proc: true, ..willing() };
    let podman = refusing(podman, Probe::Procfs, libc::EPERM);
    assert_eq!(fixes(&podman, Probe::Procfs), ["podman run --security-opt unmask=ALL …"]);
    let pod = Findings { container: Some(Container::Kubernetes), masked_proc: true, ..willing() };
    let pod = refusing(pod, Probe::Procfs, libc::EPERM);
    assert!(fixes(&pod, Probe::Procfs)[0].contains("procMount: Unmasked"));
}

#[test]
fn settings_that_forbid_user_namespaces() {
    let none = Findings { max_user_namespaces: Some(0), ..willing() };
    let none = refusing(none, Probe::UserNamespace, libc::ENOSPC);
    assert!(fixes(&none, Probe::UserNamespace)[0].starts_with("sysctl -w user.max_user_namespaces="));
    let old_debian = Findings { unprivileged_clone: Some(0), ..willing() };
    let old_debian = refusing(old_debian, Probe::UserNamespace, libc::EPERM);
    assert!(
        fixes(&old_debian, Probe::UserNamespace)[0]
            .starts_with("sysctl -w kernel.unprivileged_userns_clone=1")
    );
    let without = refusing(willing(), Probe::UserNamespace, libc::ENOSYS);
    assert_eq!(fixes(&without, Probe::UserNamespace), ["run a kernel that was built with CONFIG_USER_NS"]);
    let chroot = Findings { container: Some(Container::Chroot), ..willing() };
    let chroot = refusing(chroot, Probe::UserNamespace, libc::EPERM);
    assert!(fixes(&chroot, Probe::UserNamespace)[0].contains("outside of the chroot"));
    let unit = refusing(Findings { filtered: true, ..willing() }, Probe::UserNamespace, libc::EPERM);
    assert!(fixes(&unit, Probe::UserNamespace)[0].contains("RestrictNamespaces="));
}

#[test]
fn every_refusal_has_a_fix() {
    let places = [None, Some(Container::Docker), Some(Container::Podman), Some(Container::Kubernetes)];
    for container in places.into_iter().chain([Some(Container::Chroot), Some(Container::Other)]) {
        for probe in Probe::ALL {
            for errno in [libc::EPERM, libc::EACCES, libc::ENOSPC, libc::ENOSYS, libc::EINVAL] {
                let findings = refusing(Findings { container, ..willing() }, probe, errno);
                let check = check(&findings, probe.name());
                assert!(check.status != Status::Ok && !check.fixes.is_empty(), "{container:?} {check:?}");
            }
        }
    }
}

#[test]
fn old_kernels_lose_landlock_and_overlays() {
    let old = Findings { kernel: "5.10.0-34-amd64".into(), ..willing() };
    let old = refusing(refusing(old, Probe::Landlock, libc::ENOSYS), Probe::Overlay, libc::EPERM);
    assert_eq!(check(&old, "kernel").status, Status::Limited);
    assert_eq!(check(&old, "landlock").status, Status::Limited);
    assert_eq!(check(&old, "overlayfs").status, Status::Limited);
}

#[test]
fn cgroups_without_the_controllers_limit_processes_only() {
    let mut findings = willing();
    findings.probes.insert(Probe::Cgroup, Outcome::Works("cpu pids".into()));
    let found = check(&findings, "cgroup");
    assert_eq!((found.status, found.found.as_str()), (Status::Limited, "without the controllers memory"));
    assert_eq!(found.fixes, ["systemd-run --user --scope -p Delegate=yes hbuild build …"]);
    let old = Findings { cgroup: Cgroup::default(), ..willing() };
    assert!(
        fixes(&refusing(old, Probe::Cgroup, libc::ENOENT), Probe::Cgroup)[0]
            .contains("unified_cgroup_hierarchy")
    );
}

#[test]
fn stores_that_do_not_serve() {
    let with = |store: Store| Findings { store, ..willing() };
    let store = willing().store;
    assert_eq!(check(&with(Store { noexec: true, ..store.clone() }), "store").status, Status::Refused);
    let closed = with(Store { unwritable: Some("no".into()), free: 0, ..store.clone() });
    assert_eq!(check(&closed, "store").status, Status::Refused);
    assert_eq!(check(&with(Store { free: 1000, ..store.clone() }), "space").status, Status::Limited);
    assert_eq!(check(&with(Store { inodes: Some(10), ..store.clone() }), "space").status, Status::Limited);
    // btrfs counts no inodes.
    assert_eq!(check(&with(Store { inodes: None, ..store }), "space").status, Status::Ok);
    assert_eq!(check(&Findings { memory: 1, ..willing() }, "memory").status, Status::Limited);
}

#[test]
fn the_own_control_group_is_found_below_its_mount() {
    let line = "30 23 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
    let at = |mounts: &str, groups: &str| cgroup_folder(mounts, groups);
    assert_eq!(at(line, "0::/user.slice/a\n").as_deref(), Some(Path::new("/sys/fs/cgroup/user.slice/a")));
    assert_eq!(at(line, "4:memory:/x\n0::/\n").as_deref(), Some(Path::new("/sys/fs/cgroup")));
    assert_eq!(at("30 23 0:27 / /sys/fs/cgroup rw - cgroup cgroup rw,cpu\n", "0::/\n"), None);
    assert_eq!(at(line, "4:memory:/x\n"), None);
}

#[test]
fn lines_of_probes() {
    assert_eq!(outcome("works"), Some(Outcome::Works(String::new())));
    assert_eq!(outcome("works 6"), Some(Outcome::Works("6".into())));
    let refused = Outcome::Refused { call: "mount(proc)".into(), errno: 1 };
    assert_eq!(outcome("refused mount(proc) 1"), Some(refused));
    assert_eq!(outcome("nonsense"), None);
}
