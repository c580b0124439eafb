//! How much memory there is.

use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of memory that new processes can have before something is swapped out: what the kernel thinks available,
/// within the limits of the process's cgroup. `None` where the system does not say.
pub fn available() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let available = meminfo_field(&text, "MemAvailable:")?;
    Some(cgroup_limit().map_or(available, |limit| available.min(limit)))
}

/// Bytes of memory that there are for all processes: what the machine has, within the limits of the process's
/// cgroup. `None` where the system does not say.
pub fn total() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let total = meminfo_field(&text, "MemTotal:")?;
    Some(cgroup_files("memory.max").map(|(_, limit)| limit).min().map_or(total, |limit| total.min(limit)))
}

/// The field of `/proc/meminfo` in bytes; it is given in KiB there.
fn meminfo_field(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What the cgroups that hold this process leave it.
fn cgroup_limit() -> Option<u64> {
    let left = |(folder, limit): (PathBuf, u64)| {
        limit.saturating_sub(number(&folder.join("memory.current")).unwrap_or(0))
    };
    cgroup_files("memory.max").map(left).min()
}

/// The number in the file `name` of each cgroup (version 2) that holds this process, where it is one.
fn cgroup_files(name: &str) -> impl Iterator<Item = (PathBuf, u64)> {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let own = own.lines().find_map(|line| line.strip_prefix("0::/")).map(PathBuf::from);
    let folders: Vec<PathBuf> = own.iter().flat_map(|own| own.ancestors()).map(PathBuf::from).collect();
    let root = Path::new("/sys/fs/cgroup");
    folders.into_iter().filter_map(move |folder| {
        let folder = root.join(folder);
        let number = number(&folder.join(name))?;
        Some((folder, number))
    })
}

fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_bytes() {
        let text = "MemTotal:       16301052 kB\nMemAvailable:   12345 kB\n";
        assert_eq!(meminfo_field(text, "MemAvailable:"), Some(12345 * 1024));
        assert_eq!(meminfo_field(text, "Swap:"), None);
    }
}
