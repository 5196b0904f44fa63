//! Processes that this one started: spoken with line by line, and made to stand still.
mod pipe;

use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

pub(crate) use self::pipe::{Pipe, Silence};

/// Makes a process stand still.
pub(crate) fn pause(process: &Child) {
    signal(process, Signal::STOP);
}

/// Lets it go on.
pub(crate) fn resume(process: &Child) {
    signal(process, Signal::CONT);
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
