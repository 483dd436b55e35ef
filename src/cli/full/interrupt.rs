//! Ctrl-C during a run that keeps what it has: the run ends at once and says how much is kept.

use std::sync::atomic::{AtomicU64, Ordering};

/// Exit code of a run that was interrupted, as shells have it.
const INTERRUPTED: i32 = 130;

static DONE: AtomicU64 = AtomicU64::new(0);
/// 0 while nothing is kept.
static ALL: AtomicU64 = AtomicU64::new(0);

/// A run that keeps what it has, until it is dropped.
pub(crate) struct KeptRun;

impl KeptRun {
    /// Begins to listen for Ctrl-C. Where the system lets nobody listen, the run ends without a word.
    pub(crate) fn begin() -> Self {
        // a second run of the process has the first one's handler
        let _ = ctrlc::set_handler(|| {
            tell!("\npropcert: interrupted{}", words());
            std::process::exit(INTERRUPTED);
        });
        Self
    }

    /// Notes how much is kept of how much.
    pub(crate) fn note(&self, done: u64, all: u64) {
        DONE.store(done, Ordering::Relaxed);
        ALL.store(all, Ordering::Relaxed);
    }

    /// Notes that one more is kept.
    pub(crate) fn note_one(&self) {
        DONE.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for KeptRun {
    fn drop(&mut self) {
        ALL.store(0, Ordering::Relaxed);
    }
}

fn words() -> String {
    match (DONE.load(Ordering::Relaxed), ALL.load(Ordering::Relaxed)) {
        (_, 0) => String::new(),
        (done, all) => format!(": kept {done} of {all}; go on with --resume"),
    }
}
