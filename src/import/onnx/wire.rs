//! Protobuf's wire format: numbered fields, each a varint, eight bytes, four bytes, or a length and
//! that many bytes. Reading copies nothing, and compares a length with the bytes that are there before using it.
//! A message is written field by field, in the order of the calls.

use crate::import::ImportError;

/// The fields of one message, in file order.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    /// The bytes left to read.
    rest: &'a [u8],
    /// Position in the file at which `rest` starts.
    at: usize,
}

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// A whole number.
    Varint(u64),
    /// Eight bytes, little end first.
    Eight([u8; 8]),
    /// A text, a packed list or a message, and its position in the file.
    Bytes(&'a [u8], usize),
    /// Four bytes, little end first.
    Four([u8; 4]),
}

/// A field: its number and its value.
pub(super) type Field<'a> = (u32, Value<'a>);

impl<'a> Fields<'a> {
    /// The fields of a message that starts at byte `at` of the file.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { rest: bytes, at }
    }

    /// The next field; `None` at the end of the message.
    pub(super) fn next(&mut self) -> Result<Option<Field<'a>>, ImportError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let start = self.at;
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).ok().filter(|number| *number > 0);
        let number = number.ok_or_else(|| broken(start, "no field has this number"))?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Eight(self.array()?),
            2 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                let start = self.at;
                Value::Bytes(self.take(length)?, start)
            }
            5 => Value::Four(self.array()?),
            _ => return Err(broken(start, "groups are not part of the format")),
        };
        Ok(Some((number, value)))
    }

    /// Reads a varint: up to ten bytes of seven bits each, lowest first.
    fn varint(&mut self) -> Result<u64, ImportError> {
        let start = self.at;
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(broken(start, "a whole number of more than 64 bits"))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ImportError> {
        let start = self.at;
        self.take(N)?.try_into().map_err(|_| broken(start, "the file ends here"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ImportError> {
        let ends = || broken(self.at, "the file, or the message this is part of, ends too early");
        let (taken, rest) = self.rest.split_at_checked(length).ok_or_else(ends)?;
        (self.rest, self.at) = (rest, self.at + length);
        Ok(taken)
    }
}

/// The refusal of bytes that are no message.
pub(super) fn broken(at: usize, problem: &'static str) -> ImportError {
    ImportError::Wire { at, problem }
}

/// The whole numbers of a packed list.
pub(super) fn packed(bytes: &[u8], at: usize) -> Result<Vec<u64>, ImportError> {
    let mut fields = Fields::new(bytes, at);
    let mut numbers = Vec::new();
    while !fields.rest.is_empty() {
        numbers.push(fields.varint()?);
    }
    Ok(numbers)
}

/// A message under construction.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    /// Writes a whole number.
    pub(super) fn number(mut self, field: u32, value: u64) -> Self {
        self.varint(u64::from(field) << 3);
        self.varint(value);
        self
    }

    /// Writes a float as four bytes.
    #[cfg(test)]
    pub(super) fn float(self, field: u32, value: f32) -> Self {
        self.four(field, value.to_le_bytes())
    }

    /// Writes four bytes.
    pub(super) fn four(mut self, field: u32, bytes: [u8; 4]) -> Self {
        self.varint(u64::from(field) << 3 | 5);
        self.0.extend(bytes);
        self
    }

    /// Writes eight bytes.
    pub(super) fn eight(mut self, field: u32, bytes: [u8; 8]) -> Self {
        self.varint(u64::from(field) << 3 | 1);
        self.0.extend(bytes);
        self
    }

    /// Writes a text, a packed list or a message.
    pub(super) fn bytes(mut self, field: u32, value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        self.varint(u64::from(field) << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    /// Appends the fields of another message.
    pub(super) fn followed_by(mut self, fields: &Self) -> Self {
        self.0.extend(&fields.0);
        self
    }

    /// The bytes written so far.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

impl AsRef<[u8]> for Writer {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The text of a name.
pub(super) fn text(bytes: &[u8], at: usize) -> Result<&str, ImportError> {
    std::str::from_utf8(bytes).map_err(|_| broken(at, "a name that is not UTF-8"))
}

/// The refusal of content that an ONNX file may hold and this program does not read.
pub(super) fn unsupported(what: impl Into<String>, expected: &'static str) -> ImportError {
    ImportError::Unsupported { what: what.into(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Vec<Field<'_>>, ImportError> {
        let mut fields = Fields::new(bytes, 0);
        std::iter::from_fn(|| fields.next().transpose()).collect()
    }

    #[test]
    fn what_is_written_is_read() {
        let message = Writer::default().number(1, 300).bytes(2, "ab").float(3, 0.5);
        let message = message.number(4, u64::MAX);
        let expected = [
            (1, Value::Varint(300)),
            (2, Value::Bytes(b"ab", 5)),
            (3, Value::Four(0.5f32.to_le_bytes())),
            (4, Value::Varint(u64::MAX)),
        ];
        assert_eq!(read(message.as_ref()).unwrap(), expected);
    }

    #[test]
    fn broken_messages_are_refused_where_they_break() {
        let refused: [(&str, &[u8], usize); 7] = [
            ("no value", &[0x08], 1),
            ("five bytes announced, one there", &[0x12, 0x05, b'a'], 2),
            ("a group", &[0x0b], 0),
            ("field 0", &[0x00, 0x01], 0),
            ("a number without end", &[0x08, 0x80, 0x80], 3),
            ("three of eight bytes", &[0x09, 1, 2, 3], 1),
            ("2⁶³ bytes announced", &[0x12, 255, 255, 255, 255, 255, 255, 255, 255, 127, 1], 10),
        ];
        for (case, bytes, place) in refused {
            let error = read(bytes).unwrap_err();
            assert!(
                matches!(error, ImportError::Wire { at, .. } if at == place),
                "{case}: {error}"
            );
        }
        let long = [&[0x08][..], &[0xff; 10]].concat();
        assert!(read(&long).unwrap_err().to_string().contains("64 bits"));
    }
}
