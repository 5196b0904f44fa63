//! Processes that this one started: spoken with line by line, and made to stand still.
mod pipe;

use std::fs;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

pub(crate) use self::pipe::{Pipe, Silence};

/// Makes a process stand still.
pub(crate) fn pause(process: &Child) {
    signal(process, Signal::STOP);
}

/// Lets it go on.
pub(crate) fn resume(process: &Child) {
    signal(process, Signal::CONT);
}

/// Kills a process, and the groups that its children lead: who is killed cannot see to them.
pub(crate) fn kill(process: &mut Child) {
    let children = children(process.id());
    let _ = process.kill();
    let _ = process.wait();
    for child in children {
        // It may be gone already, or lead nobody.
        let _ = kill_process_group(child, Signal::KILL);
    }
}

/// The processes that a process started, as far as the system tells.
fn children(process: u32) -> Vec<Pid> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let lists: Vec<_> = lists.collect();
    let pids = lists.iter().flat_map(|list| list.split_whitespace());
    pids.filter_map(|pid| Pid::from_raw(pid.parse().ok()?)).collect()
}

/// It has not been waited for, so its number is still its own.
fn signal(process: &Child, signal: Signal) {
    let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    // It may be gone already.
    let _ = pid.map(|pid| kill_process(pid, signal));
}

/// Whether a group of processes can still be sent a signal.
#[cfg(test)]
pub(crate) fn group_lives(group: i32) -> bool {
    Pid::from_raw(group).is_some_and(|group| rustix::process::test_kill_process_group(group).is_ok())
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread::sleep;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn what_a_killed_process_started_dies_with_it() {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut shell = Command::new("sh").args(["-c", "setsid sleep 1000 & wait"]).spawn().unwrap();
        let group = loop {
            let led = children(shell.id()).into_iter().map(Pid::as_raw_pid).find(|pid| group_lives(*pid));
            if let Some(group) = led {
                break group;
            }
            assert!(Instant::now() < deadline, "it starts nothing");
            sleep(Duration::from_millis(5));
        };
        kill(&mut shell);
        while group_lives(group) {
            assert!(Instant::now() < deadline, "it lives on");
            sleep(Duration::from_millis(5));
        }
    }
}
