//! The bytes of a file as text.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::options::TextEncoding;
use crate::dataset::DatasetError;
use crate::text::line_of;

/// The text of a file without its mark, and the encoding it was read in. A mark decides, and must not contradict
/// `given`; without both it is UTF-8.
pub(super) fn decode(
    file: &str,
    bytes: &[u8],
    given: Option<TextEncoding>,
) -> Result<(String, TextEncoding), DatasetError> {
    let refused = |(line, reason): (usize, String)| DatasetError::Encoding {
        file: file.to_owned(),
        line: line as u64,
        reason,
    };
    let mark = Encoding::for_bom(bytes);
    let marked =
        mark.map(|(own, _)| if own == UTF_8 { TextEncoding::Utf8 } else { TextEncoding::Utf16 });
    if let (Some(given), Some(marked)) = (given, marked)
        && given != marked
    {
        let (given, marked) = (given.name(), marked.name());
        let reason = format!(
            "the file begins with the mark of {marked}, but --encoding {given} was given; leave that out"
        );
        return Err(refused((1, reason)));
    }
    let encoding = marked.or(given).unwrap_or(TextEncoding::Utf8);
    let body = bytes.get(mark.map_or(0, |(_, length)| length)..).unwrap_or_default();
    let text = match encoding {
        TextEncoding::Utf8 => utf8(body).map_err(refused)?,
        TextEncoding::Latin1 => encoding_rs::mem::decode_latin1(body).into_owned(),
        TextEncoding::Windows1252 => WINDOWS_1252.decode_without_bom_handling(body).0.into_owned(),
        TextEncoding::Utf16 => {
            // without a mark the first letter, which is one of ASCII in a header, tells the order of bytes
            let by_letter = if body.first() == Some(&0) { UTF_16BE } else { UTF_16LE };
            utf16(body, mark.map_or(by_letter, |(own, _)| own)).map_err(refused)?
        }
    };
    if let Some(at) = text.find('\0') {
        let reason = "found a character NUL; if the text is UTF-16, give --encoding utf-16";
        return Err(refused((line_of(&text, at), reason.to_owned())));
    }
    Ok((text, encoding))
}

fn utf8(bytes: &[u8]) -> Result<String, (usize, String)> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        let byte = rest.first().copied().unwrap_or_default();
        let advice = if bytes.contains(&0) {
            "utf-16: the text has characters NUL"
        } else {
            "windows-1252 if the text is of Windows or of Excel, else latin-1"
        };
        let reason =
            format!("found the byte {byte:#04x}, expected UTF-8; give --encoding {advice}");
        (line_of(&String::from_utf8_lossy(valid), valid.len()), reason)
    })?;
    Ok(text.to_owned())
}

fn utf16(bytes: &[u8], order: &'static Encoding) -> Result<String, (usize, String)> {
    let (text, is_faulty) = order.decode_without_bom_handling(bytes);
    match text.find(char::REPLACEMENT_CHARACTER).filter(|_| is_faulty) {
        None => Ok(text.into_owned()),
        Some(at) => {
            let reason = "found half a character, expected UTF-16; give another --encoding";
            Err((line_of(&text, at), reason.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(decode("f", &bytes, encoding).unwrap().0, text);
        }
        let (latin, _) = decode("f", b"Gr\xf6\xdfe", Some(TextEncoding::Latin1)).unwrap();
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
            let refused = decode("f.csv", bytes, encoding).unwrap_err().to_string();
            assert!(facts.iter().all(|fact| refused.contains(fact)), "{bytes:?}: {refused}");
        }
    }
}
