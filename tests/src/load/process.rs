//! What a process has used of the processor and of the memory, as Linux tells (proc(5)).
use std::{fs, time::Duration};

/// The unit of the times in `/proc/<pid>/stat`: `USER_HZ`, which Linux fixes at 100 for programs.
const TICK: Duration = Duration::from_millis(10);

/// Processor time of all threads so far, in user and kernel mode; children not included.
pub fn processor_time(process: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name, in parentheses, may hold anything; utime and stime are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks: u32 = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u32>().unwrap()).sum();
    TICK * ticks
}

/// Resident memory in KiB.
pub fn resident_kib(process: u32) -> u64 {
    status_kib(process, "VmRSS:")
}

/// By how many KiB the resident memory has grown at most while `work` was done.
pub fn growth_kib(process: u32, work: impl FnOnce()) -> u64 {
    // Takes the peak down to what there is now.
    fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
    let before = resident_kib(process);
    work();
    status_kib(process, "VmHWM:").saturating_sub(before)
}

fn status_kib(process: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
