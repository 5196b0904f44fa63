//! The only place that asks the system for the time, and for what this process takes.
use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Ticks of `/proc` in a second, on every Linux.
const TICKS: f64 = 100.0;

/// Fields of `/proc/self/stat`, counted as proc(5) does.
const USER_TIME: usize = 14;
const SYSTEM_TIME: usize = 15;
const START_TIME: usize = 22;

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_millis() as u64)
}

/// When this process began, before its libraries were loaded; now, where the system does not tell.
pub(crate) fn process_began() -> Instant {
    let now = Instant::now();
    let age = process_age().filter(|age| *age >= 0.0).map(Duration::from_secs_f64);
    age.and_then(|age| now.checked_sub(age)).unwrap_or(now)
}

/// Seconds that this process has kept processors busy with its own work; nothing where the system does not tell.
pub(crate) fn cpu_seconds() -> Option<f64> {
    Some(process_stat(USER_TIME)? + process_stat(SYSTEM_TIME)?)
}

/// Bytes of memory that this process has in use; nothing where the system does not tell.
pub(crate) fn memory_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = resident.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1_024)
}

fn process_age() -> Option<f64> {
    let uptime = fs::read_to_string("/proc/uptime").ok()?;
    let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
    Some(uptime - process_stat(START_TIME)?)
}

/// A time of this process, in seconds.
fn process_stat(field: usize) -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name may hold anything; the third field follows its parenthesis.
    let ticks: f64 = stat.rsplit(')').next()?.split_whitespace().nth(field - 3)?.parse().ok()?;
    Some(ticks / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_takes_some_memory() {
        let bytes = memory_bytes().expect("Linux tells");
        assert!((1 << 20..1 << 40).contains(&bytes), "{bytes}");
    }

    #[test]
    fn a_process_began_before_now_and_not_long_ago() {
        let age = process_began().elapsed();
        assert!(age < Duration::from_secs(3_600), "{age:?}");
    }
}
