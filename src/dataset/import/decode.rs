//! The bytes of a file as text: unpacked, and decoded.

use std::io::Read;

use super::options::TextEncoding;
use crate::dataset::DatasetError;
use crate::model::{DataError, LimitError};

/// The marks with which texts may begin.
const MARKS: [(&[u8], TextEncoding); 3] = [
    (b"\xef\xbb\xbf", TextEncoding::Utf8),
    (b"\xff\xfe", TextEncoding::Utf16),
    (b"\xfe\xff", TextEncoding::Utf16),
];

/// The characters of windows-1252 from 0x80 to 0x9f; a byte without one is the character of that number.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The bytes of a file; gzip is unpacked up to `limit` bytes.
pub(super) fn unpack(file: &str, bytes: Vec<u8>, limit: u64) -> Result<Vec<u8>, DataError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    let decoder = flate2::read::MultiGzDecoder::new(bytes.as_slice());
    decoder
        .take(limit + 1)
        .read_to_end(&mut unpacked)
        .map_err(|error| DataError::Gzip { file: file.to_owned(), reason: error.to_string() })?;
    let found = unpacked.len() as u64;
    if found > limit {
        let what = "bytes of an unpacked data file";
        return Err(LimitError { what, found, limit }.into());
    }
    Ok(unpacked)
}

/// The text of a file without its mark, and the encoding it was read in. A mark decides, and must not contradict
/// `given`; without both it is UTF-8.
pub(super) fn decode(
    file: &str,
    bytes: Vec<u8>,
    given: Option<TextEncoding>,
) -> Result<(String, TextEncoding), DatasetError> {
    let refused =
        |line: u64, reason: String| DatasetError::Encoding { file: file.to_owned(), line, reason };
    let mark = MARKS.iter().find(|(mark, _)| bytes.starts_with(mark));
    let marked = mark.map(|(_, encoding)| *encoding);
    if let (Some(given), Some(marked)) = (given, marked)
        && given != marked
    {
        let (given, marked) = (given.name(), marked.name());
        let reason = format!(
            "the file begins with the mark of {marked}, but --encoding {given} was given; leave that out"
        );
        return Err(refused(1, reason));
    }
    let encoding = marked.or(given).unwrap_or(TextEncoding::Utf8);
    let start = mark.map_or(0, |(mark, _)| mark.len());
    let body = bytes.get(start..).unwrap_or_default();
    let text = match encoding {
        TextEncoding::Utf8 => utf8(body).map_err(|(line, reason)| refused(line, reason))?,
        TextEncoding::Latin1 => body.iter().map(|&byte| char::from(byte)).collect(),
        TextEncoding::Windows1252 => body.iter().map(|&byte| windows(byte)).collect(),
        TextEncoding::Utf16 => {
            let is_big = match mark {
                Some((mark, _)) => mark.starts_with(b"\xfe"),
                None => body.first() == Some(&0),
            };
            utf16(body, is_big).map_err(|(line, reason)| refused(line, reason))?
        }
    };
    if let Some(at) = text.find('\0') {
        let reason = "found a character NUL; if the text is UTF-16, give --encoding utf-16";
        return Err(refused(line_of(text.as_bytes(), at), reason.to_owned()));
    }
    Ok((text, encoding))
}

fn utf8(bytes: &[u8]) -> Result<String, (u64, String)> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        let byte = bytes.get(at).copied().unwrap_or_default();
        let advice = if bytes.contains(&0) {
            "utf-16: the text has characters NUL"
        } else {
            "windows-1252 if the text is of Windows or of Excel, else latin-1"
        };
        let reason =
            format!("found the byte {byte:#04x}, expected UTF-8; give --encoding {advice}");
        (line_of(bytes, at), reason)
    })?;
    Ok(text.to_owned())
}

fn windows(byte: u8) -> char {
    let place = usize::from(byte).checked_sub(0x80);
    place.and_then(|place| WINDOWS.get(place)).copied().unwrap_or(char::from(byte))
}

fn utf16(bytes: &[u8], is_big: bool) -> Result<String, (u64, String)> {
    let units = bytes.chunks(2).map(|pair| match *pair {
        [a, b] if is_big => u16::from_be_bytes([a, b]),
        [a, b] => u16::from_le_bytes([a, b]),
        // half a character stands for no character
        _ => 0xd800,
    });
    let mut text = String::with_capacity(bytes.len() / 2);
    for letter in char::decode_utf16(units) {
        let letter = letter.map_err(|_| {
            let line = line_of(text.as_bytes(), text.len());
            (line, "found half a character, expected UTF-16; give another --encoding".to_owned())
        })?;
        text.push(letter);
    }
    Ok(text)
}

/// The line of a place, from 1.
fn line_of(bytes: &[u8], at: usize) -> u64 {
    1 + bytes.iter().take(at).filter(|&&byte| byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_gzip_bomb_stops_at_the_limit() {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packer.write_all(&[b'1'; 100_000]).unwrap();
        let packed = packer.finish().unwrap();
        assert!(packed.len() < 1000);
        let error = unpack("f.csv.gz", packed.clone(), 1000).unwrap_err();
        assert!(matches!(error, DataError::Limit(LimitError { found: 1001, limit: 1000, .. })));
        assert_eq!(unpack("f.csv.gz", packed, 100_000).unwrap().len(), 100_000);
    }

    /// `Größe €`, in every way.
    #[test]
    fn texts_are_decoded() {
        let text = "Größe €\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), None),
            (marked(b"\xef\xbb\xbf", text.as_bytes()), None),
            (marked(b"\xff\xfe", &little), None),
            (marked(b"\xfe\xff", &big), None),
            (marked(b"\xfe\xff", &big), Some(TextEncoding::Utf16)),
            (little, Some(TextEncoding::Utf16)),
            (big, Some(TextEncoding::Utf16)),
            (b"Gr\xf6\xdfe \x80\n".to_vec(), Some(TextEncoding::Windows1252)),
        ] {
            assert_eq!(decode("f", bytes, encoding).unwrap().0, text);
        }
        let (latin, _) = decode("f", b"Gr\xf6\xdfe".to_vec(), Some(TextEncoding::Latin1)).unwrap();
        assert_eq!(latin, "Größe");
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_line() {
        for (bytes, encoding, facts) in [
            (b"a\nb\xf6".as_slice(), None, ["line 2", "0xf6", "--encoding windows-1252"]),
            (b"a\n\xff\xfe", Some(TextEncoding::Utf8), ["line 2", "0xff", "UTF-8"]),
            (b"\xff\xfea\0", Some(TextEncoding::Latin1), ["utf-16", "latin-1", "leave that out"]),
            (b"a\0\n\0b\0", None, ["line 1", "NUL", "--encoding utf-16"]),
            (b"\xff\xfea\0\n\0b", None, ["line 2", "half a character", "UTF-16"]),
            (b"\xff\xfe\x00\xdc", None, ["line 1", "half a character", "UTF-16"]),
        ] {
            let refused = decode("f.csv", bytes.to_vec(), encoding).unwrap_err().to_string();
            assert!(facts.iter().all(|fact| refused.contains(fact)), "{bytes:?}: {refused}");
        }
    }
}
