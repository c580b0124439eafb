//! Limits that no kernel interface holds: what is looked at from time to time, and how it is said.

use std::os::fd::BorrowedFd;

use super::{Limits, sys};
use crate::store::Applied;

/// Notes how memory and time are limited.
pub(super) fn note(limits: &Limits, applied: &mut Applied) {
    if let Some(memory) = limits.memory {
        applied.limits.insert("memory".to_owned(), format!("{memory} by watchdog"));
        applied.missing.push("memory limit of a cgroup".to_owned());
    }
    if let Some(seconds) = limits.seconds {
        applied.limits.insert("seconds".to_owned(), format!("{seconds} by watchdog"));
    }
    applied.missing.sort();
}

/// Bytes that the processes of this namespace hold for themselves, with the files of `space`. Pages shared after a
/// fork count for each process.
pub(super) fn memory_used(space: BorrowedFd<'_>) -> u64 {
    let mut kilobytes = 0;
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| name.starts_with(|first: char| first.is_ascii_digit())) {
            continue;
        }
        let status = std::fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        let field = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let number = field.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes += number.unwrap_or_default();
    }
    kilobytes * 1024 + sys::space_used(space).0
}

/// A number of bytes for people.
pub(super) fn bytes(number: u64) -> String {
    for (unit, name) in [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if number >= unit && number.is_multiple_of(unit) {
            return format!("{} {name}", number / unit);
        }
    }
    for (unit, name) in [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
        if number >= unit {
            return format!("{:.1} {name}", number as f64 / unit as f64);
        }
    }
    format!("{number} bytes")
}

/// `SIGSEGV` for 11; the number where it has no name here.
pub(super) fn signal_name(signal: i32) -> String {
    let name = match signal {
        libc::SIGHUP => "SIGHUP",
        libc::SIGINT => "SIGINT",
        libc::SIGQUIT => "SIGQUIT",
        libc::SIGILL => "SIGILL",
        libc::SIGTRAP => "SIGTRAP",
        libc::SIGABRT => "SIGABRT",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGKILL => "SIGKILL",
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGPIPE => "SIGPIPE",
        libc::SIGALRM => "SIGALRM",
        libc::SIGTERM => "SIGTERM",
        libc::SIGSYS => "SIGSYS",
        libc::SIGXCPU => "SIGXCPU",
        libc::SIGXFSZ => "SIGXFSZ",
        libc::SIGUSR1 => "SIGUSR1",
        libc::SIGUSR2 => "SIGUSR2",
        other => return other.to_string(),
    };
    name.to_owned()
}
