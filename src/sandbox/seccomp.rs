//! The system calls that no command may make, as a BPF program.
//!
//! What the namespaces and the missing capabilities forbid anyway is forbidden here once more; what they would allow
//! and no build needs (kernel interfaces with a long list of holes, other ABIs) is forbidden here alone.

use std::ffi::c_long;

/// What a call leads to.
#[derive(Clone, Copy)]
enum Verdict {
    /// It fails with this error.
    Error(i32),
    /// It fails with this error where the low half of argument `.0` has one of the bits `.1`.
    Bits(u8, u32, i32),
    /// … where the low half of the argument is one of `.1`.
    OneOf(u8, &'static [u32], i32),
    /// … where the low half of the argument is none of `.1`.
    NoneOf(u8, &'static [u32], i32),
    /// … where the low half of argument `.0`, masked with `.1`, is one of `.2`.
    Masked(u8, u32, &'static [u32], i32),
}

const DENIED: Verdict = Verdict::Error(libc::EPERM);
const ABSENT: Verdict = Verdict::Error(libc::ENOSYS);

const NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32
    | 0x80; // CLONE_NEWTIME, which unshare(2) alone takes: in clone(2) the bit is part of the exit signal.
const CLONE_NAMESPACES: u32 = NAMESPACES & !0x80;
const FAMILIES: &[u32] = &[libc::AF_UNIX as u32, libc::AF_INET as u32, libc::AF_INET6 as u32];
const TERMINAL_INPUT: &[u32] = &[libc::TIOCSTI as u32, libc::TIOCLINUX as u32];
const DEVICES: &[u32] = &[libc::S_IFCHR, libc::S_IFBLK];

/// The calls of every architecture.
const CALLS: &[(c_long, Verdict)] = &[
    // Mounts and file systems.
    (libc::SYS_mount, DENIED),
    (libc::SYS_umount2, DENIED),
    (libc::SYS_pivot_root, DENIED),
    (libc::SYS_chroot, DENIED),
    (libc::SYS_move_mount, DENIED),
    (libc::SYS_open_tree, DENIED),
    (libc::SYS_fsopen, DENIED),
    (libc::SYS_fsconfig, DENIED),
    (libc::SYS_fsmount, DENIED),
    (libc::SYS_fspick, DENIED),
    (libc::SYS_mount_setattr, DENIED),
    (STATMOUNT, ABSENT),
    (LISTMOUNT, ABSENT),
    (OPEN_TREE_ATTR, DENIED),
    (libc::SYS_swapon, DENIED),
    (libc::SYS_swapoff, DENIED),
    (libc::SYS_quotactl, DENIED),
    (libc::SYS_quotactl_fd, DENIED),
    (libc::SYS_name_to_handle_at, DENIED),
    (libc::SYS_open_by_handle_at, DENIED),
    (libc::SYS_fanotify_init, DENIED),
    (libc::SYS_fanotify_mark, DENIED),
    (libc::SYS_mknodat, Verdict::Masked(2, libc::S_IFMT, DEVICES, libc::EPERM)),
    // Namespaces. A clone3(2) hides its flags in memory: the C libraries fall back to clone(2).
    (libc::SYS_unshare, Verdict::Bits(0, NAMESPACES, libc::EPERM)),
    (libc::SYS_setns, DENIED),
    (libc::SYS_clone, Verdict::Bits(0, CLONE_NAMESPACES, libc::EPERM)),
    (libc::SYS_clone3, ABSENT),
    // Keys, and what the kernel runs on behalf of programs.
    (libc::SYS_keyctl, DENIED),
    (libc::SYS_add_key, DENIED),
    (libc::SYS_request_key, DENIED),
    (libc::SYS_io_uring_setup, ABSENT),
    (libc::SYS_io_uring_enter, ABSENT),
    (libc::SYS_io_uring_register, ABSENT),
    (libc::SYS_bpf, DENIED),
    (libc::SYS_perf_event_open, DENIED),
    (libc::SYS_userfaultfd, DENIED),
    (libc::SYS_memfd_secret, ABSENT),
    // The machine.
    (libc::SYS_kexec_load, DENIED),
    (libc::SYS_kexec_file_load, DENIED),
    (libc::SYS_init_module, DENIED),
    (libc::SYS_finit_module, DENIED),
    (libc::SYS_delete_module, DENIED),
    (libc::SYS_reboot, DENIED),
    (libc::SYS_acct, DENIED),
    (libc::SYS_syslog, DENIED),
    (libc::SYS_vhangup, DENIED),
    (libc::SYS_settimeofday, DENIED),
    (libc::SYS_clock_settime, DENIED),
    (libc::SYS_adjtimex, DENIED),
    (libc::SYS_clock_adjtime, DENIED),
    (libc::SYS_sethostname, DENIED),
    (libc::SYS_setdomainname, DENIED),
    (libc::SYS_move_pages, DENIED),
    (libc::SYS_migrate_pages, DENIED),
    // Other processes. ptrace(2) is allowed: only processes of the sandbox can be named, and its init is not
    // dumpable.
    (libc::SYS_process_vm_readv, DENIED),
    (libc::SYS_process_vm_writev, DENIED),
    (libc::SYS_pidfd_getfd, DENIED),
    (libc::SYS_kcmp, DENIED),
    (libc::SYS_lookup_dcookie, DENIED),
    // Sockets of other families than the local one and IP.
    (libc::SYS_socket, Verdict::NoneOf(0, FAMILIES, libc::EAFNOSUPPORT)),
    (libc::SYS_socketpair, Verdict::NoneOf(0, FAMILIES, libc::EAFNOSUPPORT)),
    (libc::SYS_ioctl, Verdict::OneOf(1, TERMINAL_INPUT, libc::EPERM)),
];

// Numbers that libc does not have for every architecture; they are the same in all.
const STATMOUNT: c_long = 457;
const LISTMOUNT: c_long = 458;
const OPEN_TREE_ATTR: c_long = 467;

/// The calls of this architecture alone.
#[cfg(target_arch = "x86_64")]
const MORE_CALLS: &[(c_long, Verdict)] = &[
    (libc::SYS_iopl, DENIED),
    (libc::SYS_ioperm, DENIED),
    (libc::SYS_uselib, DENIED),
    (libc::SYS_ustat, ABSENT),
    (libc::SYS_sysfs, ABSENT),
    (libc::SYS_mknod, Verdict::Masked(1, libc::S_IFMT, DEVICES, libc::EPERM)),
];
#[cfg(not(target_arch = "x86_64"))]
const MORE_CALLS: &[(c_long, Verdict)] = &[];

// AUDIT_ARCH_*: ELF machine, 64 bits, little endian.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 62 | 0x8000_0000 | 0x4000_0000;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 183 | 0x8000_0000 | 0x4000_0000;

/// First number of the x32 ABI, behind all others; elsewhere no call has one.
const OTHER_ABI: u32 = 0x4000_0000;

// Offsets in `struct seccomp_data`, little endian.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const ARGUMENTS: u32 = 16;

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const JUMP: u16 = (libc::BPF_JMP | libc::BPF_JA) as u16;
const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const IF_AT_LEAST: u16 = (libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K) as u16;
const IF_BITS: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

pub(super) type Program = Vec<libc::sock_filter>;

fn instruction(code: u16, jt: u8, jf: u8, k: u32) -> libc::sock_filter {
    libc::sock_filter { code, jt, jf, k }
}

fn allow() -> libc::sock_filter {
    instruction(RETURN, 0, 0, libc::SECCOMP_RET_ALLOW)
}

fn fail(errno: i32) -> libc::sock_filter {
    instruction(RETURN, 0, 0, libc::SECCOMP_RET_ERRNO | errno as u32)
}

/// The program with its digest, made once.
pub(super) struct Filter {
    pub(super) program: Program,
    /// BLAKE3 of it as the kernel gets it, hexadecimal.
    pub(super) digest: String,
}

impl Filter {
    pub(super) fn new() -> Self {
        let program = program();
        let digest = digest(&program);
        Self { program, digest }
    }
}

/// The program: calls of another ABI fail as if they did not exist, the others are looked for in a balanced tree, so
/// that the kernel's table of calls that are always allowed is made quickly.
fn program() -> Program {
    let mut calls: Vec<_> = CALLS.iter().chain(MORE_CALLS).copied().collect();
    calls.sort_by_key(|(number, _)| *number);
    let mut program = vec![
        instruction(LOAD, 0, 0, ARCH),
        instruction(IF_EQUAL, 1, 0, ARCHITECTURE),
        fail(libc::ENOSYS),
        instruction(LOAD, 0, 0, NUMBER),
        instruction(IF_AT_LEAST, 0, 1, OTHER_ABI),
        fail(libc::ENOSYS),
    ];
    program.extend(tree(&calls));
    program
}

/// Looks for the number in `calls`, which are sorted. Every way through ends.
fn tree(calls: &[(c_long, Verdict)]) -> Program {
    match calls {
        [] => vec![allow()],
        [(number, verdict)] => {
            let mut program = vec![instruction(IF_EQUAL, 1, 0, *number as u32), allow()];
            program.extend(verdict.program());
            program
        }
        _ => {
            let (below, above) = calls.split_at(calls.len() / 2);
            let below = tree(below);
            let mut program = vec![
                instruction(IF_AT_LEAST, 0, 1, above[0].0 as u32),
                instruction(JUMP, 0, 0, below.len() as u32),
            ];
            program.extend(below);
            program.extend(tree(above));
            program
        }
    }
}

impl Verdict {
    fn program(self) -> Program {
        let load = |argument: u8| instruction(LOAD, 0, 0, ARGUMENTS + 8 * u32::from(argument));
        match self {
            Self::Error(errno) => vec![fail(errno)],
            Self::Bits(argument, bits, errno) => {
                vec![load(argument), instruction(IF_BITS, 1, 0, bits), allow(), fail(errno)]
            }
            Self::OneOf(argument, values, errno) => {
                [vec![load(argument)], among(values, fail(errno), allow())].concat()
            }
            Self::NoneOf(argument, values, errno) => {
                [vec![load(argument)], among(values, allow(), fail(errno))].concat()
            }
            Self::Masked(argument, mask, values, errno) => {
                let head = vec![load(argument), instruction(AND, 0, 0, mask)];
                [head, among(values, fail(errno), allow())].concat()
            }
        }
    }
}

/// `found` where the accumulator is one of `values`, else `other`.
fn among(values: &[u32], found: libc::sock_filter, other: libc::sock_filter) -> Program {
    let mut program: Program =
        values.iter().flat_map(|value| [instruction(IF_EQUAL, 0, 1, *value), found]).collect();
    program.push(other);
    program
}

fn digest(program: &[libc::sock_filter]) -> String {
    let mut hasher = blake3::Hasher::new();
    for instruction in program {
        hasher.update(&instruction.code.to_le_bytes());
        hasher.update(&[instruction.jt, instruction.jf]);
        hasher.update(&instruction.k.to_le_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
