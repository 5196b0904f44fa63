//! Who may train: no more at once in one process than there are cores, so that the first are ready while others wait.
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::available_parallelism;

static TRAINING: Mutex<usize> = Mutex::new(0);
static DONE: Condvar = Condvar::new();

/// Leave to train, until it is dropped.
pub(super) struct Turn(());

impl Turn {
    /// Waits until a core is free for us.
    pub(super) fn wait() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let training = TRAINING.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = DONE.wait_while(training, |training| *training >= cores);
        *waited.unwrap_or_else(PoisonError::into_inner) += 1;
        Self(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        *TRAINING.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        DONE.notify_one();
    }
}
