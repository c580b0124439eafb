//! What commands of a sandbox may not do, each tried from inside: as root, and as an ordinary user.

mod sandbox_support;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixListener};

use hbuild::sandbox::Specification;

use sandbox_support::{Roots, again_as_ordinary_user, compile, specification};

/// A run of `attack.c`: the result of each attempt, and the other lines.
struct Attack {
    attempts: BTreeMap<String, String>,
    state: Vec<String>,
}

fn attack(change: impl FnOnce(&mut Specification)) -> Option<Attack> {
    let mut compiled = true;
    let roots = Roots::with(|root| compiled = compile("attack.c", &root.join("bin/attack")))?;
    if !compiled {
        return None;
    }
    let secret = roots.folder.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let name = format!("hbuild-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listening = UnixListener::bind_addr(&address).unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").ok();
    let number = port.as_ref().map_or(1, |port| port.local_addr().unwrap().port());

    let mut wanted = specification("");
    wanted.limits.processes = Some(64);
    let arguments = ["/bin/attack".to_owned(), name, number.to_string(), secret.display().to_string()];
    wanted.commands[0].arguments = arguments.to_vec();
    wanted.commands[0].arguments.push(std::process::id().to_string());
    change(&mut wanted);
    let (finished, log) = roots.run(&wanted).unwrap();
    assert_eq!(finished.failure, None, "{log}");
    let (state, attempts): (Vec<_>, Vec<_>) =
        log.lines().partition(|line| line.starts_with("state ") || line.starts_with("descriptor "));
    let attempts = attempts.into_iter().map(|line| line.split_once(' ').unwrap_or((line, "")));
    let attempts: BTreeMap<_, _> =
        attempts.map(|(name, result)| (name.to_owned(), result.to_owned())).collect();
    assert_eq!(attempts.get("end").map(String::as_str), Some("done"), "{log}");
    Some(Attack { attempts, state: state.into_iter().map(str::to_owned).collect() })
}

/// What each attempt must end with; several where kernels differ.
const RESULTS: &[(&str, &str)] = &[
    ("ENETUNREACH EACCES", "ipv4 ipv4-loopback"),
    ("ENETUNREACH", "ipv4-datagram"),
    ("ENETUNREACH EACCES EADDRNOTAVAIL EAFNOSUPPORT", "ipv6 ipv6-loopback"),
    ("EPERM", "ipv4-raw"),
    ("ECONNREFUSED EPERM", "abstract"),
    ("EAFNOSUPPORT", "netlink packet vsock alg socket-high-bits"),
    ("ENOENT", "host-file host-file-dots host-file-self sys device-disk device-memory device-log"),
    ("EACCES", "host-file-init"),
    (
        "ENOENT",
        "proc-sys/kernel/hostname proc-kcore proc-cmdline proc-version proc-kallsyms proc-keys proc-meminfo proc-bus",
    ),
    ("EPERM", "mknod-char mknod-block mknod-whiteout"),
    ("EROFS EACCES", "device-new root-create root-write root-unlink root-rename root-mkdir"),
    ("EROFS", "root-chmod"),
    ("18 EACCES EPERM", "root-link"),
    ("EBUSY EACCES EROFS 18", "out-rename out-rmdir"),
    ("17", "out-symlink"),
    ("EPERM", "name-to-handle open-by-handle"),
    ("EPERM", "mount mount-bind remount umount umount-out chroot pivot-root open-tree fsopen mount-setattr"),
    ("EPERM", "ptrace-init"),
    ("ESRCH", "ptrace-host kill-host"),
    ("EACCES", "init-environment init-memory init-maps init-files init-folder init-program"),
    ("EPERM", "init-vm init-file"),
    ("EPERM", "unshare-user unshare-mount unshare-network clone-user setns setgroups"),
    ("ENOSYS", "clone3 io-uring"),
    ("EPERM EINVAL", "setuid"),
    ("EPERM", "limit-processes limit-core limit-files limit-locked"),
    ("EACCES EPERM", "nice"),
    (
        "EPERM",
        "keyctl add-key request-key bpf perf userfaultfd fanotify module kexec reboot swapon acct syslog",
    ),
    ("EPERM", "clock hostname tiocsti tiocsti-high-bits tioclinux"),
    // The kernel keeps signals of a namespace's processes from its init: the call works, and does nothing.
    ("done EPERM", "kill-init"),
    ("done", "end"),
];

#[cfg(target_arch = "x86_64")]
const ABIS: &[(&str, &str)] = &[("ENOSYS", "x32 i386"), ("EPERM", "iopl")];
#[cfg(not(target_arch = "x86_64"))]
const ABIS: &[(&str, &str)] = &[];

#[test]
fn every_attempt_is_denied() {
    let Some(Attack { attempts, state }) = attack(|_| {}) else { return };
    let mut wrong = Vec::new();
    let mut rest = attempts.clone();
    for (allowed, names) in RESULTS.iter().chain(ABIS) {
        for name in names.split(' ') {
            let result = rest.remove(name).unwrap_or_else(|| "not tried".to_owned());
            // A kernel without 32 bits kills the process that tries.
            let killed = name == "i386" && result == "not tried";
            if !killed && allowed.split(' ').all(|word| word != result) {
                wrong.push(format!("{name}: {result}, not {allowed}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(rest.is_empty(), "no result is stated for {rest:?}");
    for line in [
        "state CapInh:\t0000000000000000",
        "state CapPrm:\t0000000000000000",
        "state CapEff:\t0000000000000000",
        "state CapBnd:\t0000000000000000",
        "state CapAmb:\t0000000000000000",
        "state NoNewPrivs:\t1",
        "state Seccomp:\t2",
        "descriptor 0",
        "descriptor 1",
        "descriptor 2",
    ] {
        assert!(state.iter().any(|found| found == line), "no `{line}` in {state:#?}");
    }
    assert_eq!(state.iter().filter(|line| line.starts_with("descriptor")).count(), 3, "{state:#?}");
    let who = state.iter().find(|line| line.contains("uid=")).unwrap();
    assert!(who.starts_with("state uid=1000 gid=1000 euid=1000 host=hbuild pid="), "{who}");
    again_as_ordinary_user("every_attempt_is_denied");
}

#[test]
fn the_loopback_interface_leads_to_no_host() {
    let Some(Attack { attempts, .. }) = attack(|wanted| wanted.loopback = true) else { return };
    assert_eq!(attempts["ipv4"], "ENETUNREACH");
    assert_eq!(attempts["ipv4-loopback"], "ECONNREFUSED");
    assert_eq!(attempts["netlink"], "EAFNOSUPPORT");
    assert!(["ECONNREFUSED", "EPERM"].contains(&attempts["abstract"].as_str()));
    again_as_ordinary_user("the_loopback_interface_leads_to_no_host");
}

#[test]
fn setuid_programs_gain_nothing() {
    let mut compiled = true;
    let roots = Roots::with(|root| compiled = compile("attack.c", &root.join("bin/attack")));
    let Some(roots) = roots.filter(|_| compiled) else { return };
    let program = roots.folder.path().join("r/bin/attack");
    if rustix::process::geteuid().is_root() {
        // Of root itself: a program that would make whoever runs it root on the host.
        std::os::unix::fs::chown(&program, Some(0), Some(0)).unwrap();
    }
    fs::set_permissions(&program, fs::Permissions::from_mode(0o6755)).unwrap();
    let script = "attack; cp=/build/attack; cat /bin/attack > $cp; chmod 6755 $cp; $cp";
    let log = roots.log(script);
    assert_eq!(log.matches("uid=1000 gid=1000 euid=1000").count(), 2, "{log}");
    assert_eq!(log.matches("CapEff:\t0000000000000000").count(), 2, "{log}");
    again_as_ordinary_user("setuid_programs_gain_nothing");
}

#[test]
fn the_environment_is_what_the_specification_says() {
    let Some(roots) = Roots::new() else { return };
    let log = roots.log("env; echo; cat /proc/self/cgroup; echo; ls /proc; echo; ls /dev");
    let parts: Vec<Vec<_>> = log.split("\n\n").map(|part| part.lines().collect()).collect();
    let [variables, groups, processes, devices] = parts.try_into().unwrap();
    let allowed = ["OUT=/out", "PATH=/bin:/usr/bin", "PWD=/build", "SHLVL=0", "SHLVL=1", "_=/bin/env"];
    assert!(variables.iter().all(|line| allowed.contains(line)), "{variables:?}");
    assert!(groups.iter().all(|line| line.ends_with(":/")), "{groups:?}");
    assert!(processes.iter().filter(|word| word.parse::<u32>().is_ok()).count() <= 3, "{processes:?}");
    let known =
        ["fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"];
    assert!(devices.iter().all(|name| known.contains(name)), "{devices:?}");
    again_as_ordinary_user("the_environment_is_what_the_specification_says");
}

#[test]
fn sandboxes_share_nothing() {
    let Some(roots) = Roots::new() else { return };
    roots
        .log("echo x > /tmp/left; echo x > /build/left; echo x > /dev/shm/left; (exec -a left sleep 1000) &");
    let log = roots.log("ls -A /tmp /build /build/src /dev/shm /out; ls /proc");
    assert!(!log.contains("left"), "{log}");
    assert!(log.lines().filter(|line| line.parse::<u32>().is_ok()).count() <= 3, "{log}");
}

#[test]
fn tables_of_mounts_do_not_show_where_roots_lie() {
    let Some(roots) = Roots::new() else { return };
    let wanted =
        specification("cd /proc/self; for table in mountinfo mounts mountstats; do echo; cat $table; done");
    let (finished, log) = roots.run(&wanted).unwrap();
    assert_eq!(finished.failure, None, "{log}");
    assert_eq!(log.lines().filter(|line| line.is_empty()).count(), 3, "{log}");
    assert!(log.contains(" /build "), "{log}");
    if finished.applied.missing.iter().any(|missing| missing == "overlay of the root") {
        support::skip("this system has no overlays in user namespaces, so that the root is a bind mount");
        return;
    }
    let folder = roots.folder.path();
    let devices = roots.log("stat -c %d /bin /bin/bash");
    let (one, other) = devices.trim().split_once('\n').unwrap();
    assert_eq!(one, other, "the device of a folder and of a file of the root");
    for part in [folder.to_str().unwrap(), folder.file_name().unwrap().to_str().unwrap()] {
        assert!(!log.contains(part), "{part}: {log}");
    }
    again_as_ordinary_user("tables_of_mounts_do_not_show_where_roots_lie");
}
