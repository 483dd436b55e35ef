//! Processor time of this thread: what work takes, whatever else the machine does.

/// When work started.
pub struct Effort(f64);

impl Effort {
    /// From now.
    pub fn start() -> Self {
        Self(spent())
    }

    /// Seconds of processor time since then; 0 where the system does not tell.
    pub fn seconds(&self) -> f64 {
        spent() - self.0
    }
}

/// Linux says it in nanoseconds, as the first of three numbers.
fn spent() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text.split(' ').next().and_then(|first| first.parse::<f64>().ok());
    nanoseconds.map_or(0.0, |nanoseconds| nanoseconds / 1e9)
}
