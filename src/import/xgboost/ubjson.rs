//! UBJSON as XGBoost writes it, turned into the JSON text that the reader takes.
//!
//! ```text
//! value   Z T F | i U I l L number | d D float | S text | { (text value)* } | array
//! text    integer marker, length, bytes
//! array   [ value* ]  |  [ # count value*  |  [ $ marker # count payload*
//! ```
//!
//! Everything is big-endian. A float becomes its shortest decimal, which reads back to the same bits.
//! Every length is compared with the bytes that are left before it is used, and entries
//! of arrays take at least a byte each, so the text stays in proportion to the file.

use crate::import::ImportError;
use crate::model::{LimitError, MAX_BYTES};

/// Deepest nesting, as in the JSON that is read.
const MAX_DEPTH: usize = 16;

/// True if these bytes start as UBJSON does: after the brace comes the length of the first key.
pub(super) fn is_ubjson(bytes: &[u8]) -> bool {
    matches!(bytes, [b'{', b'L' | b'l' | b'i' | b'U' | b'I', ..])
}

/// The same content as JSON.
pub(super) fn to_json(bytes: &[u8]) -> Result<Vec<u8>, ImportError> {
    let mut reader = UbjsonReader { bytes, at: 0, text: Vec::new() };
    let marker = reader.byte()?;
    reader.value(marker, 0)?;
    if reader.at < bytes.len() {
        return Err(reader.problem("bytes follow the end of the model"));
    }
    Ok(reader.text)
}

struct UbjsonReader<'a> {
    bytes: &'a [u8],
    at: usize,
    text: Vec<u8>,
}

impl<'a> UbjsonReader<'a> {
    /// The refusal for a problem at the byte that comes next.
    fn problem(&self, problem: &'static str) -> ImportError {
        ImportError::Ubjson { at: self.at, problem }
    }

    /// The refusal for a problem at the byte that was just taken.
    fn problem_before(&self, problem: &'static str) -> ImportError {
        ImportError::Ubjson { at: self.at.saturating_sub(1), problem }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ImportError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest.get(..length).ok_or_else(|| self.problem("the file ends too early"))?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        let mut payload = [0; N];
        payload.copy_from_slice(self.take(N)?);
        Ok(payload)
    }

    fn byte(&mut self) -> Result<u8, ImportError> {
        self.array().map(|[byte]| byte)
    }

    /// Passes over the next byte if it is this one; true if it was.
    fn skip(&mut self, byte: u8) -> bool {
        let is_next = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn write(&mut self, value: &impl serde::Serialize) {
        serde_json::to_writer(&mut self.text, value).expect("a vector takes all that is written");
    }

    /// Reads the value after its marker.
    fn value(&mut self, marker: u8, depth: usize) -> Result<(), ImportError> {
        match marker {
            b'Z' => self.write(&()),
            b'T' => self.write(&true),
            b'F' => self.write(&false),
            b'S' => self.string()?,
            b'{' | b'[' if depth >= MAX_DEPTH => {
                let (found, limit) = (depth as u64 + 1, MAX_DEPTH as u64);
                return Err(LimitError { what: "depth of UBJSON nesting", found, limit }.into());
            }
            b'{' => self.object(depth)?,
            b'[' => self.entries(depth)?,
            _ => self.number(marker)?,
        }
        let found = self.text.len() as u64;
        if found > MAX_BYTES {
            let what = "bytes of the JSON of a UBJSON file";
            return Err(LimitError { what, found, limit: MAX_BYTES }.into());
        }
        Ok(())
    }

    fn number(&mut self, marker: u8) -> Result<(), ImportError> {
        match marker {
            b'd' => {
                let value = f32::from_be_bytes(self.array()?);
                if !value.is_finite() {
                    return Err(self.problem_before("a float that is not finite"));
                }
                self.write(&value);
            }
            b'D' => {
                let value = f64::from_be_bytes(self.array()?);
                // prediction needs f32, and the decimal must not be rounded twice
                let single = value as f32;
                if !single.is_finite() || f64::from(single) != value {
                    return Err(self.problem_before("a 64-bit float that is no finite 32-bit one"));
                }
                self.write(&single);
            }
            _ => {
                let value = self.integer(marker)?;
                self.write(&value);
            }
        }
        Ok(())
    }

    fn integer(&mut self, marker: u8) -> Result<i64, ImportError> {
        match marker {
            b'i' => self.array().map(i8::from_be_bytes).map(i64::from),
            b'U' => self.array().map(u8::from_be_bytes).map(i64::from),
            b'I' => self.array().map(i16::from_be_bytes).map(i64::from),
            b'l' => self.array().map(i32::from_be_bytes).map(i64::from),
            b'L' => self.array().map(i64::from_be_bytes),
            _ => Err(self.problem_before("no marker that is read stands here")),
        }
    }

    /// Reads a length with its marker.
    fn length(&mut self) -> Result<usize, ImportError> {
        let marker = self.byte()?;
        let length = self.integer(marker)?;
        let left = self.bytes.len() - self.at;
        let length = usize::try_from(length).ok().filter(|&length| length <= left);
        length.ok_or_else(|| self.problem("a length of more than the bytes that are left"))
    }

    fn string(&mut self) -> Result<(), ImportError> {
        let length = self.length()?;
        let start = self.at;
        let text = std::str::from_utf8(self.take(length)?)
            .map_err(|_| ImportError::Ubjson { at: start, problem: "a text that is not UTF-8" })?;
        self.write(&text);
        Ok(())
    }

    /// Reads an object; its keys have no marker of their own.
    fn object(&mut self, depth: usize) -> Result<(), ImportError> {
        self.text.push(b'{');
        let mut is_first = true;
        while !self.skip(b'}') {
            self.comma(&mut is_first);
            self.string()?;
            self.text.push(b':');
            let marker = self.byte()?;
            self.value(marker, depth + 1)?;
        }
        self.text.push(b'}');
        Ok(())
    }

    fn entries(&mut self, depth: usize) -> Result<(), ImportError> {
        self.text.push(b'[');
        let marker = if self.skip(b'$') { Some(self.byte()?) } else { None };
        let count = if self.skip(b'#') { Some(self.length()?) } else { None };
        // entries of some other types take no bytes, so their count would be believed unseen
        let is_number = |marker| matches!(marker, b'd' | b'D' | b'i' | b'U' | b'I' | b'l' | b'L');
        if marker.is_some_and(|marker| count.is_none() || !is_number(marker)) {
            return Err(self.problem("a typed array without a count, or not of numbers"));
        }
        let mut is_first = true;
        for index in 0.. {
            if count.map_or_else(|| self.skip(b']'), |count| index == count) {
                break;
            }
            self.comma(&mut is_first);
            match marker {
                Some(marker) => self.number(marker)?,
                None => {
                    let marker = self.byte()?;
                    self.value(marker, depth + 1)?;
                }
            }
        }
        self.text.push(b']');
        Ok(())
    }

    fn comma(&mut self, is_first: &mut bool) {
        if !std::mem::replace(is_first, false) {
            self.text.push(b',');
        }
    }
}
