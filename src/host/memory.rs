//! How much memory there is.

use std::fs;
use std::path::Path;

/// Bytes of memory that new processes can have before something is swapped out: what the kernel thinks available,
/// within the limits of the process's cgroup. `None` where the system does not say.
pub fn available() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let available = meminfo_field(&text, "MemAvailable:")?;
    Some(cgroup_limit().map_or(available, |limit| available.min(limit)))
}

/// The field of `/proc/meminfo` in bytes; it is given in KiB there.
fn meminfo_field(text: &str, name: &str) -> Option<u64> {
    let value = text.lines().find_map(|line| line.strip_prefix(name))?;
    value.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What the cgroups (version 2) that hold this process leave it.
fn cgroup_limit() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let root = Path::new("/sys/fs/cgroup");
    let folders = Path::new(own).ancestors().map(|folder| root.join(folder));
    let number = |path: &Path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let left = |folder: std::path::PathBuf| {
        let limit = number(&folder.join("memory.max"))?;
        Some(limit.saturating_sub(number(&folder.join("memory.current")).unwrap_or(0)))
    };
    folders.filter_map(left).min()
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
