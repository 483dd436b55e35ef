//! The log of a run that may be interrupted: `OUT.partial`, a header and whole lines.
//!
//! The header is a JSON object that names every input on which the lines depend. A run goes on from a log
//! only if its own header is the same; then its result is that of a run in one piece.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::{StoreError, partial_name};

/// Longest line of a log, in bytes; the rest of a longer one is dropped like a torn one.
const LONGEST_LINE: u64 = 1 << 26;

/// The log, open for more lines; threads add one at a time.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: Mutex<File>,
}

/// The judgement about a line of an earlier run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// The line counts, and so do those before it.
    Kept,
    /// More lines are needed to tell.
    Pending,
    /// The line and all after it are written anew.
    Dropped,
}

/// Reasons not to go on from a log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The log could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log belongs to another run.
    #[error(
        "{path}: an interrupted run with another `{key}`: found {found}, now {now}; give the same, or remove the file"
    )]
    OtherRun {
        /// The log.
        path: String,
        /// The first key of the header that differs.
        key: String,
        /// Its value there.
        found: String,
        /// Its value now.
        now: String,
    },
}

impl Log {
    /// Begins the log of the result `out`. With `is_resumed` it goes on after the lines of an earlier run that
    /// `take` keeps; it is given each whole line in order, without its end. A torn last line is dropped, and
    /// a torn header counts as none.
    ///
    /// # Errors
    /// A log with another header. It is left as it is.
    pub fn open(
        out: &Path,
        header: &str,
        is_resumed: bool,
        take: &mut dyn FnMut(&[u8]) -> Retention,
    ) -> Result<Self, LogError> {
        let path = partial_name(out);
        let kept = match is_resumed && path.exists() {
            true => kept_bytes(&path, header, take)?,
            false => 0,
        };
        let open = || -> std::io::Result<File> {
            let mut file =
                OpenOptions::new().create(true).truncate(false).write(true).open(&path)?;
            file.set_len(kept)?;
            if kept == 0 {
                writeln!(file, "{header}")?;
            }
            OpenOptions::new().append(true).open(&path)
        };
        let file = Mutex::new(open().map_err(StoreError::about(&path))?);
        Ok(Self { path, file })
    }

    /// Adds whole lines.
    pub fn add(&self, lines: &str) -> Result<(), StoreError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(lines.as_bytes()).map_err(StoreError::about(&self.path))
    }

    /// Makes the log the result itself, with its header and all its lines.
    pub fn publish(self, out: &Path) -> Result<(), StoreError> {
        let file = self.file.into_inner().unwrap_or_else(PoisonError::into_inner);
        file.sync_all().map_err(StoreError::about(&self.path))?;
        std::fs::rename(&self.path, out).map_err(StoreError::about(out))
    }

    /// Removes the log once its result is there.
    pub fn remove(self) -> Result<(), StoreError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::about(&self.path)(error))
            }
            _ => Ok(()),
        }
    }
}

/// The number of bytes up to the end of the last line kept; 0 if the header is torn.
fn kept_bytes(
    path: &Path,
    header: &str,
    take: &mut dyn FnMut(&[u8]) -> Retention,
) -> Result<u64, LogError> {
    let about = StoreError::about(path);
    let mut reader = BufReader::new(File::open(path).map_err(&about)?);
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| {
        line.clear();
        reader.by_ref().take(LONGEST_LINE).read_until(b'\n', line)?;
        Ok(line.pop_if(|last| *last == b'\n').is_some())
    };
    let is_whole = next(&mut line).map_err(&about)?;
    if !is_whole && header.as_bytes().starts_with(&line) {
        return Ok(0);
    }
    if line != header.as_bytes() {
        return Err(other_run(path, header, &line));
    }
    let (mut bytes, mut kept) = (line.len() as u64 + 1, line.len() as u64 + 1);
    while next(&mut line).map_err(&about)? {
        bytes += line.len() as u64 + 1;
        match take(&line) {
            Retention::Kept => kept = bytes,
            Retention::Pending => {}
            Retention::Dropped => break,
        }
    }
    Ok(kept)
}

/// The refusal that names the first key in which two headers differ.
fn other_run(path: &Path, header: &str, found: &[u8]) -> LogError {
    let [now, found] = [header.as_bytes(), found].map(|text| {
        serde_json::from_slice::<serde_json::Map<String, Value>>(text).unwrap_or_default().into()
    });
    let (key, found, now) = difference(String::new(), Some(&found), Some(&now));
    let key = if key.is_empty() { "header".to_owned() } else { key };
    LogError::OtherRun { path: path.display().to_string(), found, now, key }
}

/// The first key in which two values differ, `a.b` for one inside another, with what stands there in both.
fn difference(key: String, found: Option<&Value>, now: Option<&Value>) -> (String, String, String) {
    let inside =
        |value: Option<&Value>, name: &str| value.and_then(|value| value.get(name)).cloned();
    if let (Some(Value::Object(a)), Some(Value::Object(b))) = (found, now)
        && let Some(name) = b.keys().chain(a.keys()).find(|name| a.get(*name) != b.get(*name))
    {
        let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        return difference(key, inside(found, name).as_ref(), inside(now, name).as_ref());
    }
    // of longer texts the first line that differs
    let lines = [found, now].map(|value| match value {
        Some(Value::String(text)) => text.lines().map(str::to_owned).collect::<Vec<_>>(),
        Some(_) | None => Vec::new(),
    });
    let at = lines[0].iter().zip(&lines[1]).position(|(a, b)| a != b);
    let shown = |value: Option<&Value>, lines: &[String]| -> String {
        let text = match (value, at) {
            (None, _) => "nothing".to_owned(),
            (Some(_), Some(at)) if lines.len() > 1 => lines[at].clone(),
            (Some(value), _) => value.to_string(),
        };
        text.chars().take(80).collect()
    };
    let [was, is] = &lines;
    (key, shown(found, was), shown(now, is))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = r#"{"model":"a","seed":1}"#;

    fn reopened(
        text: &str,
        take: impl Fn(&[u8]) -> Retention,
    ) -> (Result<String, LogError>, String) {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let partial = partial_name(&out);
        std::fs::write(&partial, text).unwrap();
        let log = Log::open(&out, HEADER, true, &mut |line| take(line));
        let read = || std::fs::read_to_string(&partial).unwrap();
        (log.map(|log| log.add("new\n").map(|()| read()).unwrap()), read())
    }

    #[test]
    fn whole_lines_are_kept_as_far_as_they_are_taken() {
        let all = format!("{HEADER}\na\nb\nc\nd");
        let (kept, _) = reopened(&all, |_| Retention::Kept);
        assert_eq!(kept.unwrap(), format!("{HEADER}\na\nb\nc\nnew\n"));
        let (kept, _) = reopened(&all, |line| match line {
            b"b" | b"c" => Retention::Pending,
            _ => Retention::Kept,
        });
        assert_eq!(kept.unwrap(), format!("{HEADER}\na\nnew\n"));
        let (kept, _) =
            reopened(&all, |line| if line == b"a" { Retention::Dropped } else { Retention::Kept });
        assert_eq!(kept.unwrap(), format!("{HEADER}\nnew\n"));
        for torn in ["", "{", &HEADER[..9]] {
            let (kept, _) = reopened(torn, |_| Retention::Kept);
            assert_eq!(kept.unwrap(), format!("{HEADER}\nnew\n"), "{torn}");
        }
    }

    #[test]
    fn another_run_is_refused_by_the_key_that_differs() {
        for (other, words) in [
            (r#"{"model":"a","seed":2}"#, "another `seed`: found 2, now 1"),
            (r#"{"model":"b","seed":1}"#, "another `model`: found \"b\", now \"a\""),
            (r#"{"model":"a"}"#, "another `seed`: found nothing, now 1"),
            (r#"{"model":{"b":"c"},"seed":1}"#, "another `model`: found {\"b\":\"c\"}, now \"a\""),
            ("row,lower", "another `model`"),
            ("\0\0", "another `model`"),
        ] {
            let text = format!("{other}\na\n");
            let (kept, left) = reopened(&text, |_| Retention::Kept);
            let message = kept.unwrap_err().to_string();
            assert!(message.contains(words), "{message}");
            assert_eq!(left, text, "a refusal loses nothing");
        }
    }

    #[test]
    fn of_nested_objects_and_long_texts_the_place_is_named_that_differs() {
        let long = "d".repeat(100);
        let header = |digest: &str, attack: &str| serde_json::json!({ "about": { "data": { "digest": digest } }, "attack": attack });
        let now = header(&format!("{long}1"), "queries = 40\nseeds = 3");
        let told = |found: Value| difference(String::new(), Some(&found), Some(&now));
        let (key, ..) = told(header(&format!("{long}2"), "queries = 40\nseeds = 3"));
        assert_eq!(key, "about.data.digest");
        let (key, found, is) = told(header(&format!("{long}1"), "queries = 40\nseeds = 4"));
        assert_eq!(
            (key.as_str(), found.as_str(), is.as_str()),
            ("attack", "seeds = 4", "seeds = 3")
        );
    }
}
