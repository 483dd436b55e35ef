//! Progress on standard error; nothing is shown if that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar with a label in front; it is hidden if standard error is no terminal.
pub(crate) fn bar(label: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let template = "{prefix:>24} [{bar:30}] {pos}/{len} {eta} {msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(label.to_owned());
    bar
}
