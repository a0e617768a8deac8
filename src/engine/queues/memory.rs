//! How much memory queues may use by default: a quarter of the machine's, or of the cgroup's limit where that is less.
use std::fs;
use std::path::Path;

/// When nothing can be found out.
const FALLBACK: u64 = 1 << 30;

/// A quarter of the memory there is, in bytes.
pub fn a_quarter() -> u64 {
    a_quarter_at(Path::new("/"))
}

/// The same where `/proc` and `/sys` lie in `root`.
fn a_quarter_at(root: &Path) -> u64 {
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    total(&read("proc/meminfo"))
        .into_iter()
        .chain(cgroup_limits(root, &read("proc/self/cgroup")))
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

/// The limits of our cgroups and all above them, as `/proc/self/cgroup` names them: `0::/path` in the unified
/// hierarchy, `N:…memory…:/path` in the one of version 1 (cgroups(7)).
fn cgroup_limits(root: &Path, cgroups: &str) -> Vec<u64> {
    let own = cgroups.lines().filter_map(|line| {
        let mut parts = line.splitn(3, ':');
        let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
        let (mount, file) = if number == "0" && controllers.is_empty() {
            ("sys/fs/cgroup", "memory.max")
        } else if controllers.split(',').any(|name| name == "memory") {
            // No limit is a number here too, larger than any machine.
            ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            return None;
        };
        Some((mount, file, path.strip_prefix('/')?))
    });
    // In a container the path may be the host's: then the mount itself is our cgroup, the last of these.
    let files = own.flat_map(|(mount, file, path)| {
        let above = Path::new(path).ancestors();
        above.map(move |folder| root.join(mount).join(folder).join(file))
    });
    // `max` is no number and no limit.
    files
        .filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root with these files.
    fn root(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    const MEMINFO: (&str, &str) = ("proc/meminfo", "MemTotal:  8000 kB\nMemFree: 1 kB\n");

    #[test]
    fn the_machines_memory_counts_where_there_is_no_limit() {
        let machine = root(&[MEMINFO]);
        assert_eq!(a_quarter_at(machine.path()), 2000 * 1024);
        assert_eq!(a_quarter_at(root(&[]).path()), FALLBACK);
        assert_eq!(total("nonsense"), None);
        assert!(a_quarter() > 1 << 20);
    }

    #[test]
    fn the_least_limit_of_the_unified_hierarchy_counts() {
        let machine = root(&[
            MEMINFO,
            ("proc/self/cgroup", "0::/job/step\n"),
            ("sys/fs/cgroup/job/memory.max", "4000\n"),
            ("sys/fs/cgroup/job/step/memory.max", "max\n"),
        ]);
        assert_eq!(a_quarter_at(machine.path()), 1000);
    }

    #[test]
    fn the_limit_of_version_1_counts() {
        let cgroup = (
            "proc/self/cgroup",
            "9:cpu,cpuacct:/x\n4:memory:/slurm/job_7\n0::/y\n",
        );
        let file = "sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes";
        let machine = root(&[MEMINFO, cgroup, (file, "8000\n")]);
        assert_eq!(a_quarter_at(machine.path()), 2000);
        // As large as it gets: none.
        let machine = root(&[MEMINFO, cgroup, (file, "9223372036854771712\n")]);
        assert_eq!(a_quarter_at(machine.path()), 2000 * 1024);
        // In a container that shows its own cgroup as the root.
        let file = "sys/fs/cgroup/memory/memory.limit_in_bytes";
        let machine = root(&[MEMINFO, cgroup, (file, "6000\n")]);
        assert_eq!(a_quarter_at(machine.path()), 1500);
    }
}
