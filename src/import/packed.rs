//! Files that may be packed.

use std::borrow::Cow;
use std::io::Read;

use crate::model::LimitError;

use super::ImportError;

/// The bytes of a file; gzip is unpacked up to `limit` bytes.
pub(super) fn unpack(bytes: &[u8], limit: u64) -> Result<Cow<'_, [u8]>, ImportError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.into());
    }
    let mut unpacked = Vec::new();
    let decoder = flate2::read::MultiGzDecoder::new(bytes);
    decoder
        .take(limit + 1)
        .read_to_end(&mut unpacked)
        .map_err(|reason| ImportError::Gzip { reason })?;
    let found = unpacked.len() as u64;
    if found > limit {
        let what = "bytes of an unpacked model file";
        return Err(LimitError { what, found, limit }.into());
    }
    Ok(unpacked.into())
}
