//! The format of a file, by what is in it.

use super::packed::unpack;
use super::{Format, ImportError};

/// Bytes that are unpacked to look at a file, at most.
const MOST: u64 = crate::model::MAX_BYTES;

/// Keys of JSON files, each of one format.
const KEYS: [(&str, Format); 5] = [
    ("\"learner\"", Format::Xgboost),
    ("\"tree_info\"", Format::Lightgbm),
    ("\"sklearn-", Format::Sklearn),
    ("\"rule-ensemble-v1\"", Format::RuleEnsemble),
    ("\"tree-ensemble-v1\"", Format::RuleEnsemble),
];

/// The format of a model of another tool; `None` if it is none that is read. The reader of the format then decides.
///
/// # Errors
/// A pickle, and a packed file that cannot be unpacked.
pub fn recognise(bytes: &[u8]) -> Result<Option<Format>, ImportError> {
    let bytes = &unpack(bytes, MOST)?;
    let start = bytes.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(0);
    let rest = bytes.get(start..).unwrap_or_default();
    let has = |word: &str| rest.windows(word.len()).any(|window| window == word.as_bytes());
    Ok(match rest {
        [b't', b'r', b'e', b'e', b'\n' | b'\r', ..] => Some(Format::Lightgbm),
        [b'{', next, ..] if next.is_ascii_whitespace() || *next == b'"' => {
            KEYS.iter().find(|(key, _)| has(key)).map(|(_, format)| *format)
        }
        // UBJSON: an object whose first key has a length
        [b'{', ..] => Some(Format::Xgboost),
        // a protobuf message begins with the version of the graph, field 1
        [0x08, ..] => Some(Format::Onnx),
        _ => None,
    })
}

impl Format {
    /// The name in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::Xgboost => "XGBoost",
            Self::Lightgbm => "LightGBM",
            Self::Sklearn => "scikit-learn",
            Self::RuleEnsemble => "published rules",
            Self::Onnx => "ONNX",
        }
    }
}
