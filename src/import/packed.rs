//! Files that may be packed.

use std::borrow::Cow;
use std::io::Read;

use crate::model::LimitError;

use super::ImportError;

/// Unpacked sizes that need no explanation, in bytes.
const SMALL: u64 = 16 << 20;
/// How much larger than packed a larger model may be. Trees in JSON shrink to a tenth; what shrinks more
/// than this was made to fill memory.
const RATIO: u64 = 32;

/// The bytes of a file; gzip is unpacked up to `limit` bytes, and in proportion to what is packed.
pub(super) fn unpack(bytes: &[u8], limit: u64) -> Result<Cow<'_, [u8]>, ImportError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.into());
    }
    let limit = limit.min(SMALL.max(RATIO * bytes.len() as u64));
    let mut unpacked = Vec::new();
    let decoder = flate2::read::MultiGzDecoder::new(bytes);
    decoder
        .take(limit + 1)
        .read_to_end(&mut unpacked)
        .map_err(|reason| ImportError::Gzip { reason })?;
    let found = unpacked.len() as u64;
    if found > limit {
        let what = "bytes of an unpacked file";
        return Err(LimitError { what, found, limit }.into());
    }
    Ok(unpacked.into())
}
