//! How much memory this process may still take: what `ulimit`, the control group and the machine
//! itself allow.
//!
//! Linux says all of it in text files. Where there are none, nothing is known here, and only the
//! allocator is asked.

use crate::terminal;
use anyhow::bail;
use furlough::nn::Sequential;
use furlough::train::{TrainingMemory, too_large};
use std::path::{Path, PathBuf};

/// Address space of a thread's stack.
const STACK: u64 = 2 << 20;

/// Threads beside those that compute: the one that writes files and the one that shows.
const OTHER_THREADS: u64 = 2;

/// The tightest of several limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Bytes that are left.
    left: u64,
    /// What sets it, and how much that is, as the end of a sentence.
    reason: String,
}

/// What the system's files say; empty where there is none.
#[derive(Debug, Default)]
struct Texts {
    /// `/proc/self/limits`.
    limits: String,
    /// `/proc/self/status`.
    status: String,
    /// `/proc/meminfo`.
    meminfo: String,
    /// The memory limits of the control group and of those that it lies in.
    groups: Vec<String>,
}

/// Refuses a training that takes more memory than this process may have.
///
/// # Errors
/// [`furlough::Error::Layer`] that names the largest layer, the memory that it would take, and the
/// limit.
pub fn check_training(network: &Sequential, memory: &TrainingMemory, threads: usize) -> anyhow::Result<()> {
    match no_room(memory.total(), threads) {
        Some(reason) => Err(too_large(network, memory.total(), &reason).into()),
        None => Ok(()),
    }
}

/// Refuses some other work that takes more memory than this process may have.
///
/// # Errors
/// One that says how much it takes and what the limit is.
pub fn check(bytes: u64, work: &str, threads: usize) -> anyhow::Result<()> {
    match no_room(bytes, threads) {
        Some(reason) => bail!("{work} takes about {} of memory, {reason}", terminal::bytes(bytes)),
        None => Ok(()),
    }
}

/// Returns why this process may not have so much more memory, as the end of a sentence.
pub fn no_room(bytes: u64, threads: usize) -> Option<String> {
    tightest(&Texts::read(), threads).filter(|limit| bytes > limit.left).map(|limit| limit.reason)
}

/// Returns what is left of the limit that leaves least, when so many threads compute.
fn tightest(texts: &Texts, threads: usize) -> Option<Limit> {
    let stacks = STACK * (threads as u64 + OTHER_THREADS);
    let used = |name: &str| kilobytes(&texts.status, name).unwrap_or(0);
    let resource = |name: &str| {
        let words = texts.limits.lines().find_map(|line| line.strip_prefix(name))?;
        words.split_whitespace().next()?.parse::<u64>().ok()
    };
    let own = |name: &str, flag: &str, used: u64| {
        let left = resource(name)?.saturating_sub(used + stacks);
        Some(Limit { left, reason: format!("but `ulimit {flag}` leaves {}", terminal::bytes(left)) })
    };
    let group = texts.groups.iter().filter_map(|text| text.trim().parse::<u64>().ok()).min();
    let group = group.map(|most| Limit {
        left: most.saturating_sub(used("VmRSS:")),
        reason: format!("but its control group may use {}", terminal::bytes(most)),
    });
    let machine = kilobytes(&texts.meminfo, "MemTotal:").map(|memory| {
        let all = memory + kilobytes(&texts.meminfo, "SwapTotal:").unwrap_or(0);
        let reason = format!("but this machine has {}", terminal::bytes(all));
        Limit { left: all.saturating_sub(used("VmRSS:")), reason }
    });
    let own = [own("Max address space", "-v", used("VmSize:")), own("Max data size", "-d", used("VmData:"))];
    own.into_iter().chain([group, machine]).flatten().min_by_key(|limit| limit.left)
}

/// Returns the bytes of a line `NAME  123 kB`.
fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    Some(1024 * line.split_whitespace().next()?.parse::<u64>().ok()?)
}

impl Texts {
    fn read() -> Self {
        let text = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let groups = group_files(&text("/proc/self/cgroup"));
        Texts {
            limits: text("/proc/self/limits"),
            status: text("/proc/self/status"),
            meminfo: text("/proc/meminfo"),
            groups: groups.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect(),
        }
    }
}

/// Returns where the memory limits of a process's control groups stand, of both versions.
fn group_files(cgroup: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for line in cgroup.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { continue };
        let (root, name) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            some if some.split(',').any(|one| one == "memory") => ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),
            _ => continue,
        };
        // Within a container its own group is the root, whatever the path says.
        let within = Path::new(group.trim_start_matches('/'));
        files.extend(within.ancestors().map(|place| Path::new(root).join(place).join(name)));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Texts {
        Texts {
            limits: "Limit                     Soft Limit           Hard Limit           Units     \n\
                     Max data size             unlimited            unlimited            bytes     \n\
                     Max address space         unlimited            unlimited            bytes     \n"
                .into(),
            status: "Name:\tfurlough\nVmSize:\t  102400 kB\nVmRSS:\t    51200 kB\nVmData:\t   61440 kB\n".into(),
            meminfo: "MemTotal:        8000000 kB\nMemFree:         1000000 kB\nSwapTotal:              0 kB\n".into(),
            groups: vec!["max\n".into()],
        }
    }

    #[test]
    fn the_tightest_limit_is_told() {
        let told = |texts: &Texts| tightest(texts, 2).unwrap();
        let machine = told(&texts());
        assert_eq!(machine.left, (8_000_000 - 51_200) * 1024);
        assert!(machine.reason.starts_with("but this machine has"), "{}", machine.reason);

        let group = told(&Texts { groups: vec!["max\n".into(), "2000000000\n".into()], ..texts() });
        assert_eq!(group.left, 2_000_000_000 - 51_200 * 1024);
        assert!(group.reason.starts_with("but its control group may use"), "{}", group.reason);

        let limits = texts().limits.replacen("Max address space         unlimited", "Max address space  1000000000", 1);
        let own = told(&Texts { limits, groups: vec!["2000000000".into()], ..texts() });
        assert_eq!(own.left, 1_000_000_000 - 102_400 * 1024 - 4 * STACK);
        assert!(own.reason.starts_with("but `ulimit -v` leaves"), "{}", own.reason);

        let limits = texts().limits.replacen("Max data size             unlimited", "Max data size  900000000", 1);
        assert!(told(&Texts { limits, ..texts() }).reason.starts_with("but `ulimit -d` leaves"));
        assert_eq!(tightest(&Texts::default(), 1), None);
    }

    #[test]
    fn control_groups_are_found_with_those_they_lie_in() {
        let paths = |text: &str| group_files(text).iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
        assert_eq!(
            paths("0::/user.slice/job\n"),
            [
                "/sys/fs/cgroup/user.slice/job/memory.max",
                "/sys/fs/cgroup/user.slice/memory.max",
                "/sys/fs/cgroup/memory.max"
            ]
        );
        assert_eq!(
            paths("5:cpu,cpuacct:/\n4:memory:/docker\n"),
            ["/sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        );
        assert!(paths("nonsense").is_empty());
    }
}
