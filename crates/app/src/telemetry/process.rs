//! What the system says of this process: its processor time, its memory, its open files. Linux alone.
use std::{
    fs,
    sync::{Mutex, PoisonError},
    thread::available_parallelism,
    time::{Duration, Instant},
};

use rustix::{
    process::{Resource, getrlimit},
    time::{ClockId, clock_gettime},
};

/// The shortest time over which the use of the processors is worked out.
const SHORTEST: Duration = Duration::from_secs(1);

/// This process since its start.
#[derive(Debug)]
pub struct Process {
    begun: Instant,
    looked: Mutex<Look>,
}

/// The processor time at some instant, and the share of the time before.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    cpu: Duration,
    percent: f64,
}

impl Default for Process {
    fn default() -> Self {
        let begun = Instant::now();
        Self { begun, looked: Mutex::new(Look { at: begun, cpu: cpu_time(), percent: 0.0 }) }
    }
}

impl Process {
    /// How long it has served.
    pub fn uptime(&self) -> Duration {
        self.begun.elapsed()
    }

    /// What it has used of all processors together since somebody last asked, 0 to 100; asked again within a
    /// second, the same.
    pub fn cpu_percent(&self) -> f64 {
        let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = looked.at.elapsed();
        if passed >= SHORTEST {
            let cpu = cpu_time();
            let cores = f64::from(u32::try_from(available_parallelism().map_or(1, usize::from)).unwrap_or(1));
            let percent = cpu.saturating_sub(looked.cpu).as_secs_f64() / passed.as_secs_f64() / cores * 100.0;
            *looked = Look { at: Instant::now(), cpu, percent: percent.clamp(0.0, 100.0) };
        }
        looked.percent
    }
}

/// Processor time, user and system, of all threads.
pub fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Memory of the process, in bytes: resident, and virtual.
pub fn memory() -> (u64, u64) {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    (kibibytes(&status, "VmRSS:"), kibibytes(&status, "VmSize:"))
}

/// Memory that the process may take, in bytes: the machine's, or the control group's where it has less.
pub fn memory_limit() -> u64 {
    let machine = kibibytes(&fs::read_to_string("/proc/meminfo").unwrap_or_default(), "MemTotal:");
    let group = fs::read_to_string("/sys/fs/cgroup/memory.max").unwrap_or_default();
    group.trim().parse().map_or(machine, |group: u64| group.min(machine))
}

/// Files that are open, and how many may be.
pub fn files() -> (u64, Option<u64>) {
    let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    // The folder that is being read is one of them.
    (u64::try_from(open.saturating_sub(1)).unwrap_or_default(), getrlimit(Resource::Nofile).current)
}

fn kibibytes(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let count: Option<u64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    count.unwrap_or_default().saturating_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_knows_this_process() {
        let ((resident, virtual_size), limit) = (memory(), memory_limit());
        assert!(
            resident > 1 << 20 && virtual_size >= resident && limit > resident,
            "{resident} {virtual_size} {limit}"
        );
        let (open, most) = files();
        assert!(open >= 3 && most.is_none_or(|most| most >= open), "{open} {most:?}");
    }

    #[test]
    fn the_processors_use_is_a_share_of_all_of_them() {
        let process = Process::default();
        assert!(process.cpu_percent().abs() < f64::EPSILON, "nothing is known yet");
        let busy_until = Instant::now() + SHORTEST + Duration::from_millis(50);
        let mut sum = 0_u64;
        while Instant::now() < busy_until {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let percent = process.cpu_percent();
        assert!(percent > 0.0 && percent <= 100.0, "{percent}");
        assert!((process.cpu_percent() - percent).abs() < f64::EPSILON, "asked again at once, the same");
        assert!(process.uptime() >= SHORTEST);
    }

    #[test]
    fn lines_are_read_by_their_name() {
        let text = "VmPeak:\t    9 kB\nVmRSS:\t   12 kB\n";
        assert_eq!((kibibytes(text, "VmRSS:"), kibibytes(text, "VmSwap:")), (12 * 1024, 0));
    }
}
