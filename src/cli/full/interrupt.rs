//! Ctrl-C during a long run: the run ends at once, says how much is kept, and leaves no draft behind.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Exit code of a run that was interrupted, as shells have it.
const INTERRUPTED: i32 = 130;
/// Trials to remove a folder in which other threads still write.
const TRIALS: usize = 20;

/// What would be said and removed now.
struct Interruption {
    kept: KeptPart,
    /// A folder being filled that nobody could go on with.
    draft: Option<PathBuf>,
}

static NOW: Mutex<Interruption> = Mutex::new(Interruption { kept: KeptPart::Nothing, draft: None });

/// The part of a run that outlives it.
#[derive(Clone, Copy)]
enum KeptPart {
    Nothing,
    /// It is not known yet, or not counted.
    Unknown,
    /// So many of so many, and `--resume` goes on.
    Resumable(u64, u64, &'static str),
    /// So many of so many results are whole.
    Finished(u64, u64),
}

fn now() -> MutexGuard<'static, Interruption> {
    NOW.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Begins to listen for Ctrl-C. Where the system lets nobody listen, the run ends without a word.
pub(crate) fn listen() {
    // a second run of the process has the first one's handler
    let _ = ctrlc::set_handler(|| {
        // held to the end, so that no result takes its place meanwhile
        let now = now();
        tell!("\npropcert: interrupted{}", words(now.kept));
        if let Some(draft) = &now.draft {
            let _ = (0..TRIALS).find(|_| std::fs::remove_dir_all(draft).is_ok() || !draft.exists());
        }
        std::process::exit(INTERRUPTED);
    });
}

/// Notes a folder that is being filled, to be removed with the run.
pub(crate) fn filling(draft: &Path) {
    listen();
    now().draft = Some(draft.to_owned());
}

/// Notes that no folder is being filled any more that is to be removed with the run.
pub(crate) fn filled() {
    now().draft = None;
}

/// Notes that a folder being filled stays, and that the next run goes on with it.
pub(crate) fn filling_resumably() {
    let mut now = now();
    (now.draft, now.kept) = (None, KeptPart::Unknown);
}

/// Notes that so many of several results are whole.
pub(crate) fn note_finished(done: u64, all: u64) {
    now().kept = KeptPart::Finished(done, all);
}

/// A run that keeps what it has, until it is dropped.
pub(crate) struct KeptRun {
    /// The things that are counted, in words.
    unit: &'static str,
}

impl KeptRun {
    /// Begins to listen for Ctrl-C.
    pub(crate) fn begin() -> Self {
        Self::counting("")
    }

    /// The same with a word, a blank before it, for what is counted.
    pub(crate) fn counting(unit: &'static str) -> Self {
        listen();
        now().kept = KeptPart::Unknown;
        Self { unit }
    }

    /// Notes how much is kept of how much.
    pub(crate) fn note(&self, done: u64, all: u64) {
        now().kept = KeptPart::Resumable(done, all, self.unit);
    }

    /// Notes that one more is kept.
    pub(crate) fn note_one(&self) {
        if let KeptPart::Resumable(done, ..) = &mut now().kept {
            *done += 1;
        }
    }
}

impl Drop for KeptRun {
    fn drop(&mut self) {
        now().kept = KeptPart::Nothing;
    }
}

fn words(kept: KeptPart) -> String {
    match kept {
        KeptPart::Nothing => ": nothing was kept".to_owned(),
        KeptPart::Unknown => String::new(),
        KeptPart::Resumable(done, all, unit) => {
            format!(": kept {done} of {all}{unit}; go on with --resume")
        }
        KeptPart::Finished(done, all) => format!(": {done} of {all} are finished and stay"),
    }
}
