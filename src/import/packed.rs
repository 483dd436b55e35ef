//! Files that may be packed.

use std::borrow::Cow;
use std::io::Read;

use crate::model::LimitError;

use super::ImportError;

/// Unpacked sizes that need no explanation, in bytes.
const SMALL: u64 = 16 << 20;
/// Largest ratio of unpacked to packed size of a larger model. Trees in JSON shrink to a
/// tenth; a file that shrinks more than this was made to fill memory.
const RATIO: u64 = 32;

/// The bytes of a file. Gzip is unpacked, up to `limit` bytes and in proportion to the packed size.
pub(super) fn unpack(bytes: &[u8], limit: u64) -> Result<Cow<'_, [u8]>, ImportError> {
    refuse_pickle(bytes)?;
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
    refuse_pickle(&unpacked)?;
    Ok(unpacked.into())
}

/// Refuses pickles, joblib's too: they start with the opcode of their protocol.
pub(super) fn refuse_pickle(bytes: &[u8]) -> Result<(), ImportError> {
    match bytes {
        [0x80, 2..=5, ..] => Err(ImportError::Unsupported {
            what: "a pickle".to_owned(),
            expected: "reading one runs what it holds; load it where you trust it and write the model itself: \
                       XGBoost's `save_model(\"model.json\")`, LightGBM's `booster_.save_model(\"model.txt\")`, \
                       scikit-learn's by the lines of Python in `import --help`",
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::import::Format;

    #[test]
    fn every_reader_refuses_a_pickle_by_name() {
        use Format::{Lightgbm, Onnx, RuleEnsemble, Sklearn, Xgboost};
        for format in [Xgboost, Lightgbm, Sklearn, RuleEnsemble, Onnx] {
            for protocol in 2..=5 {
                let pickle = [0x80, protocol, 0x95, 0, 0, 0];
                let refused = format.read(&pickle, None).unwrap_err().to_string();
                assert!(refused.starts_with("a pickle cannot be imported"), "{refused}");
            }
        }
    }
}
