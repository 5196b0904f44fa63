//! Ends the program where a script hangs or takes all memory within one statement.
//!
//! The interpreter looks at its limits between statements alone, and what runs cannot be stopped from outside: comparing
//! or printing values that hold each other a million times over, joining long texts. One message and an exit code are
//! better than a machine that stands still.
use std::collections::BTreeMap;
use std::process::exit;
use std::sync::{Mutex, Once, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::clock;

/// How long a hook may take: its steps are done in a hundredth of that.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the program may take more while one hook runs, in bytes; its heap is bounded by a tenth of that.
const MEMORY: u64 = 2 << 30;

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// What the program exits with: what came of it is unknown.
const UNKNOWN: i32 = 2;

/// What runs now.
static RUNNING: Mutex<Running> = Mutex::new(Running { next: 0, hooks: BTreeMap::new() });

static WATCHED: Once = Once::new();

struct Running {
    next: u64,
    hooks: BTreeMap<u64, Entry>,
}

struct Entry {
    /// Says where it is that something is wrong.
    place: Box<dyn Fn(&str) -> String + Send>,
    since: Instant,
    /// What the program took when it was first looked at, in bytes.
    memory: Option<u64>,
}

/// As long as this lives, what a script does is watched.
pub(super) struct Guard(u64);

/// Watches what begins now; `place` says of a fault where it is.
pub(super) fn watch(place: impl Fn(&str) -> String + Send + 'static) -> Guard {
    WATCHED.call_once(|| drop(thread::Builder::new().name("guard".to_owned()).spawn(look)));
    let entry = Entry { place: Box::new(place), since: Instant::now(), memory: None };
    let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let number = running.next;
    running.next += 1;
    running.hooks.insert(number, entry);
    Guard(number)
}

impl Drop for Guard {
    fn drop(&mut self) {
        RUNNING.lock().unwrap_or_else(PoisonError::into_inner).hooks.remove(&self.0);
    }
}

fn look() {
    loop {
        thread::sleep(LOOK);
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if running.hooks.is_empty() {
            continue;
        }
        let memory = clock::memory_bytes().unwrap_or_default();
        for entry in running.hooks.values_mut() {
            let before = *entry.memory.get_or_insert(memory);
            if let Some(why) = fault(entry.since.elapsed(), memory.saturating_sub(before)) {
                eprintln!("neuron: {}", (entry.place)(&why));
                exit(UNKNOWN);
            }
        }
    }
}

/// Why a hook may not go on.
fn fault(taken: Duration, memory: u64) -> Option<String> {
    let within = "within one statement: does it compare, print or join what grew by being put into itself?";
    if taken > PATIENCE {
        return Some(format!("it takes longer than {} s {within}", PATIENCE.as_secs()));
    }
    (memory > MEMORY).then(|| format!("it takes more than {MEMORY} bytes of memory {within}"))
}
