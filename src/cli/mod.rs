//! The command line: only verbs, each of which makes a few calls into the rooms below.
//!
//! Results go to standard output or the named file, progress and messages to standard error.
//! Exit code 0: done, and as stated. 1: read and run, but not as stated. 2: could not be read,
//! refused, or over a limit.

/// Writes a message to standard error as `eprintln!` does, but goes on where nobody can read it.
macro_rules! tell {
    ($($text:tt)*) => { $crate::cli::files::tell(format_args!($($text)*)) };
}

mod advice;
mod check;
mod files;
#[cfg(feature = "full")]
mod full;
mod invalid;
mod subject;
mod witness;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Reason why a verb ends with exit code 2. The text says what was found, what was expected and what to do.
#[derive(Debug)]
pub struct Refusal(String);

impl<E: std::error::Error> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl Refusal {
    /// A refusal with its text.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Adds the name of the file that the refusal is about.
    pub(crate) fn about(path: &std::path::Path) -> impl Fn(Self) -> Self {
        move |refusal| Self(format!("{}: {}", path.display(), refusal.0))
    }
}

/// End of a verb that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Exit code 0.
    AsStated,
    /// Exit code 1.
    NotAsStated,
}

/// Summary of the whole program, or of the checker alone.
const ABOUT: &str = if cfg!(feature = "full") {
    "Train, certify, steal and defend classifiers with security properties.\n\n\
     Every figure called proved is decided by a small kernel; `check` decides a certificate again \
     from model, spec and data. Start with `propcert demo`."
} else {
    "Check certificates of security properties of classifiers.\n\n\
     This is the checker alone: it decides a certificate again from model, spec and data, and \
     trusts nothing in it."
};

#[derive(Debug, Parser)]
#[command(name = "propcert", version, max_term_width = 100, about = ABOUT)]
struct Cli {
    #[cfg(feature = "full")]
    #[command(flatten)]
    options: full::GlobalOptions,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    #[command(display_order = 8)]
    Check(check::Arguments),
    #[cfg(feature = "full")]
    #[command(flatten)]
    Full(full::FullVerb),
}

/// Parses the command line, runs the verb and reports how it ended.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    match run(cli) {
        Ok(Ending::AsStated) => ExitCode::SUCCESS,
        Ok(Ending::NotAsStated) => ExitCode::from(1),
        Err(Refusal(text)) => {
            let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
            let text = advice::of_option(&text, &words.collect::<Vec<_>>());
            tell!("propcert: {}", printable(&advice::advised(&text)));
            ExitCode::from(2)
        }
    }
}

/// Length at which a refusal is cut, in bytes.
const LONGEST_REFUSAL: usize = 2000;

/// Escapes control characters and cuts the text. Refusals quote the content of files, which may hold anything, and
/// control characters must not reach a terminal.
fn printable(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        if shown.len() >= LONGEST_REFUSAL {
            return shown + " …";
        }
        if c.is_control() && c != '\n' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

fn run(cli: Cli) -> Result<Ending, Refusal> {
    match cli.verb {
        Verb::Check(arguments) => check::run(&arguments),
        #[cfg(feature = "full")]
        Verb::Full(verb) => full::run(verb, &cli.options),
    }
}
