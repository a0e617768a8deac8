//! How much memory queues may use by default: a quarter of the machine's, or of the cgroup's limit where that is less.
use std::fs;
use std::path::Path;

/// When nothing can be found out.
const FALLBACK: u64 = 1 << 30;

/// A quarter of the memory there is, in bytes.
pub fn a_quarter() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total(&text));
    let limits = fs::read_to_string("/proc/self/cgroup")
        .map(|text| cgroup_limits(&text))
        .unwrap_or_default();
    machine
        .into_iter()
        .chain(limits)
        .min()
        .map_or(FALLBACK, |bytes| bytes / 4)
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// The limits of our cgroup and all above it (the unified hierarchy's line starts with `0::`).
fn cgroup_limits(cgroup: &str) -> Vec<u64> {
    let own = cgroup
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))
        .unwrap_or_default();
    let folders = Path::new(own)
        .ancestors()
        .map(|folder| Path::new("/sys/fs/cgroup").join(folder));
    let limits = folders.filter_map(|folder| fs::read_to_string(folder.join("memory.max")).ok());
    // `max` is no number and no limit.
    limits.filter_map(|text| text.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_read_in_bytes() {
        assert_eq!(
            total("MemTotal:       24 kB\nMemFree: 1 kB\n"),
            Some(24 * 1024)
        );
        assert_eq!(total("nonsense"), None);
    }

    #[test]
    fn there_is_always_some_memory_to_use() {
        assert!(a_quarter() > 1 << 20);
    }
}
