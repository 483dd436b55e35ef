//! Numbers that a graph keeps in other files of its folder, put into it.
//!
//! PyTorch writes weights to a file beside the graph unless told otherwise. A tensor then names the file and the place in
//! it, instead of holding its bytes:
//!
//! ```text
//! 13 external_data { 1 key, 2 value }*,  14 data_location = 1      becomes      9 raw_data
//! location: the file, relative to the folder and inside it;  offset, length: bytes, by default from 0 to the end
//! ```
//!
//! All else is copied, so that the reader of graphs sees one message and checks it as any other.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use crate::import::ImportError;
use crate::import::packed::unpack;
use crate::model::at_most;
use crate::source::read_regular;

use super::MAX_BYTES;
use super::wire::{Fields, Value, Writer, text, unsupported};

/// Messages on the way from a file to its tensors.
#[derive(Clone, Copy, PartialEq)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
}

impl Message {
    /// The message in a field that tensors may be in.
    fn inner(self, field: u32) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) => Self::Graph,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5) => Self::Tensor,
            (Self::Node, 5) => Self::Attribute,
            _ => return None,
        })
    }
}

/// The bytes of an `.onnx` file, packed or not, with the numbers that it keeps in files of `folder`.
///
/// # Errors
/// Broken messages; a file outside the folder, that is not there, or shorter than the graph says; more than 256 MiB in all.
pub fn gather(bytes: &[u8], folder: &Path) -> Result<Vec<u8>, ImportError> {
    let bytes = unpack(bytes, MAX_BYTES)?;
    let mut beside = FilesBeside { folder, read: BTreeMap::new(), left: MAX_BYTES, put: 0 };
    let whole = copy(Message::Model, Fields::new(&bytes, 0), &mut beside)?;
    // a file that needs no other stays as it is, to the byte
    Ok(if beside.read.is_empty() { bytes.into_owned() } else { whole.into_bytes() })
}

/// The files read so far, and the bytes that may still be read.
struct FilesBeside<'a> {
    folder: &'a Path,
    read: BTreeMap<String, Vec<u8>>,
    left: u64,
    /// Bytes put into the graph; several tensors may name the same ones.
    put: usize,
}

/// The place of a tensor's numbers.
#[derive(Default)]
struct NumbersBeside<'a> {
    location: Option<&'a str>,
    offset: Option<u64>,
    length: Option<u64>,
}

fn copy(
    message: Message,
    mut fields: Fields<'_>,
    beside: &mut FilesBeside,
) -> Result<Writer, ImportError> {
    let mut writer = Writer::default();
    let (mut place, mut is_beside, mut name) = (NumbersBeside::default(), false, "");
    while let Some((number, value)) = fields.next()? {
        match (message, number, value) {
            (Message::Tensor, 13, Value::Bytes(bytes, at)) => {
                place.take(Fields::new(bytes, at))?;
                is_beside = true;
            }
            (Message::Tensor, 14, Value::Varint(1)) => is_beside = true,
            (_, _, Value::Bytes(bytes, at)) => {
                if (message, number) == (Message::Tensor, 8) {
                    name = text(bytes, at)?;
                }
                writer = match message.inner(number) {
                    Some(inner) => {
                        writer.bytes(number, copy(inner, Fields::new(bytes, at), beside)?)
                    }
                    None => writer.bytes(number, bytes),
                };
            }
            (_, _, Value::Varint(n)) => writer = writer.number(number, n),
            (_, _, Value::Four(bytes)) => writer = writer.four(number, bytes),
            (_, _, Value::Eight(bytes)) => writer = writer.eight(number, bytes),
        }
    }
    if is_beside {
        writer = writer.bytes(9, beside.numbers(name, &place)?);
    }
    Ok(writer)
}

impl<'a> NumbersBeside<'a> {
    /// Takes one key with its value.
    fn take(&mut self, mut fields: Fields<'a>) -> Result<(), ImportError> {
        let (mut key, mut value) = ("", "");
        while let Some((number, found)) = fields.next()? {
            match (number, found) {
                (1, Value::Bytes(bytes, at)) => key = text(bytes, at)?,
                (2, Value::Bytes(bytes, at)) => value = text(bytes, at)?,
                _ => {}
            }
        }
        let bytes = || {
            let what = format!("a tensor in another file with {key} `{value:.60}`");
            value.parse().map(Some).map_err(|_| unsupported(what, "a number of bytes"))
        };
        match key {
            "location" => self.location = Some(value),
            "offset" => self.offset = bytes()?,
            "length" => self.length = bytes()?,
            other => {
                let what = format!("a tensor in another file with the key `{other:.60}`");
                return Err(unsupported(what, "the keys location, offset and length"));
            }
        }
        Ok(())
    }
}

impl FilesBeside<'_> {
    /// The bytes of a tensor.
    fn numbers(&mut self, tensor: &str, place: &NumbersBeside) -> Result<&[u8], ImportError> {
        let location = place.location.unwrap_or("");
        let wrong = |found: String, expected| ImportError::Graph {
            place: format!("tensor `{tensor:.60}`"),
            found,
            expected,
        };
        if !self.read.contains_key(location) {
            let path = self.inside(location).ok_or_else(|| {
                let found = format!("its numbers in `{location:.100}`");
                wrong(found, "the name of a file that is there, in the folder of the model")
            })?;
            let bytes = read_regular(&path, self.left).map_err(|error| {
                wrong(error.to_string(), "a file beside the model, 256 MiB with all others at most")
            })?;
            self.left -= bytes.len() as u64;
            self.read.insert(location.to_owned(), bytes);
        }
        let bytes = self.read.get(location).map_or(&[][..], Vec::as_slice);
        let start = usize::try_from(place.offset.unwrap_or(0)).ok();
        let after = start.and_then(|start| bytes.get(start..));
        let taken = after.and_then(|after| match place.length {
            None => Some(after),
            Some(length) => after.get(..usize::try_from(length).ok()?),
        });
        let taken = taken.ok_or_else(|| {
            let length = place.length.map_or("all".to_owned(), |length| length.to_string());
            let (from, held) = (place.offset.unwrap_or(0), bytes.len());
            let found = format!("{length} bytes from {from} of the {held} of `{location:.100}`");
            wrong(found, "bytes that are in that file")
        })?;
        self.put = self.put.saturating_add(taken.len());
        at_most("bytes of tensors in other files", self.put, MAX_BYTES as usize)?;
        Ok(taken)
    }

    /// The path of a file that is in the folder, whatever links lead out of it.
    fn inside(&self, location: &str) -> Option<PathBuf> {
        let relative = Path::new(location);
        let is_plain = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
        if location.is_empty() || !relative.components().all(is_plain) {
            return None;
        }
        let folder = if self.folder.as_os_str().is_empty() { Path::new(".") } else { self.folder };
        let (folder, path) =
            (folder.canonicalize().ok()?, folder.join(relative).canonicalize().ok()?);
        path.starts_with(folder).then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::onnx::{Outputs, onnx_outputs, to_onnx};
    use crate::model::Model;

    const NETWORK: &str = r#"{"format":"model/1","family":"mlp","precision":"f32","tie":"lower","classes":2,
        "features":[{"name":"x","kind":"real","low":"0","high":"1","mean":0.5,"scale":2.0}],
        "layers":[{"weights":[[1.5],[-2.5]],"bias":[0.25,0.0]},{"weights":[[1.0,2.0],[0.5,-1.0]],"bias":[0.0,3.0]}]}"#;

    /// The file with the raw bytes of its tensors in `numbers`, and those bytes.
    fn apart(bytes: &[u8], location: &str, more: &[(&str, &str)]) -> (Vec<u8>, Vec<u8>) {
        let mut numbers = Vec::new();
        let whole = moved(Message::Model, Fields::new(bytes, 0), (location, more), &mut numbers);
        (whole.into_bytes(), numbers)
    }

    fn moved(
        message: Message,
        mut fields: Fields<'_>,
        place: (&str, &[(&str, &str)]),
        numbers: &mut Vec<u8>,
    ) -> Writer {
        let mut writer = Writer::default();
        while let Some((number, value)) = fields.next().unwrap() {
            writer = match (message, number, value) {
                (Message::Tensor, 9, Value::Bytes(raw, _)) => {
                    let (offset, length) = (numbers.len().to_string(), raw.len().to_string());
                    numbers.extend(raw);
                    let keys = [("location", place.0), ("offset", &offset), ("length", &length)];
                    keys.iter().chain(place.1).fold(writer.number(14, 1), |writer, (key, value)| {
                        writer.bytes(13, Writer::default().bytes(1, key).bytes(2, value))
                    })
                }
                (_, _, Value::Bytes(bytes, at)) => match message.inner(number) {
                    Some(inner) => {
                        writer.bytes(number, moved(inner, Fields::new(bytes, at), place, numbers))
                    }
                    None => writer.bytes(number, bytes),
                },
                (_, _, Value::Varint(n)) => writer.number(number, n),
                (_, _, Value::Four(bytes)) => writer.four(number, bytes),
                (_, _, Value::Eight(bytes)) => writer.eight(number, bytes),
            };
        }
        writer
    }

    fn read(bytes: &[u8]) -> Result<Model, ImportError> {
        onnx_outputs(bytes, None, Outputs::default()).map(|imported| imported.model)
    }

    #[test]
    fn numbers_beside_a_graph_are_its_own() {
        let model = Model::read(NETWORK.as_bytes()).unwrap();
        let whole = to_onnx(&model).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (graph, numbers) = apart(&whole, "weights.data", &[]);
        assert!(!numbers.is_empty());
        std::fs::write(folder.path().join("weights.data"), &numbers).unwrap();
        assert_eq!(read(&gather(&graph, folder.path()).unwrap()).unwrap(), model);
        assert_eq!(gather(&whole, folder.path()).unwrap(), whole);
        let alone = read(&graph).unwrap_err().to_string();
        assert!(alone.contains("external_data=False"), "{alone}");
    }

    #[test]
    fn other_files_than_those_of_the_folder_are_refused() {
        let model = Model::read(NETWORK.as_bytes()).unwrap();
        let whole = to_onnx(&model).unwrap();
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("models");
        std::fs::create_dir(&folder).unwrap();
        let (_, numbers) = apart(&whole, "", &[]);
        for place in ["models/short.data", "outside.data"] {
            let held = if place.ends_with("short.data") { &numbers[1..] } else { &numbers[..] };
            std::fs::write(outside.path().join(place), held).unwrap();
        }
        let absolute = outside.path().join("outside.data").display().to_string();
        let mut places = vec!["", "missing.data", "../outside.data", ".", &absolute];
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("../outside.data", folder.join("link.data")).unwrap();
            places.push("link.data");
        }
        for place in places {
            let refused = gather(&apart(&whole, place, &[]).0, &folder).unwrap_err().to_string();
            assert!(refused.contains("tensor"), "{place}: {refused}");
        }
        let short = gather(&apart(&whole, "short.data", &[]).0, &folder).unwrap_err().to_string();
        assert!(short.contains("short.data") && short.contains("in that file"), "{short}");
        for (key, value) in [("offset", "-1"), ("length", "many"), ("checksum", "0a")] {
            let graph = apart(&whole, "short.data", &[(key, value)]).0;
            let refused = gather(&graph, &folder).unwrap_err().to_string();
            assert!(refused.contains(key), "{refused}");
        }
    }
}
