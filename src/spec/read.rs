//! Strict reading of specs: TOML, one property instance per file.

use std::collections::BTreeMap;

use crate::interval::Decimal;
use crate::model::Digest;
use crate::near::advice;

use super::property::{Keys, Property};
use super::terms::{Integers, LabelSource, Semantics, TwoEnds, Units};

/// Largest spec file, in bytes.
const MAX_BYTES: usize = 8 << 20;

/// A property with the choices that are part of the claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The property that is claimed.
    pub property: Property,
    /// Unit of ε and Δ.
    pub units: Units,
    /// The function meant; `None`: the property's default.
    pub semantics: Option<Semantics>,
    /// The values that integer features take.
    pub integers: Integers,
    /// The source of the labels.
    pub label: LabelSource,
    /// Raw ranges that replace the declared ones, by feature name or index.
    pub domain: BTreeMap<String, (Decimal, Decimal)>,
    /// Digest of the text that it was read from.
    pub digest: Digest,
}

/// The error for a file that is no spec.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// Too long.
    #[error("a spec of {found} bytes; the limit is {MAX_BYTES}")]
    Size {
        /// Bytes found.
        found: usize,
    },
    /// Not UTF-8.
    #[error("a spec is UTF-8 text: {0}")]
    Text(#[from] std::str::Utf8Error),
    /// Not the TOML that a spec asks for.
    #[error("not a spec: {0}")]
    Toml(#[from] toml::de::Error),
    /// No property is named.
    #[error("a spec needs the key `property`, one of {names}", names = Property::NAMES.join(", "))]
    NoProperty,
    /// An unknown property.
    #[error("property `{0}` is unknown{near}; known: {names}", near = advice(_0, Property::NAMES), names = Property::NAMES.join(", "))]
    Property(String),
    /// Keys that the property needs.
    #[error("property `{property}` needs the key{s} {list}", s = if keys.len() > 1 { "s" } else { "" }, list = quoted(keys))]
    Missing {
        /// The property.
        property: &'static str,
        /// All of the keys that are missing.
        keys: Vec<&'static str>,
    },
    /// A key that does not belong to the property.
    #[error("property `{property}` does not take the key `{key}`")]
    Superfluous {
        /// The property.
        property: &'static str,
        /// The key.
        key: &'static str,
    },
    /// A value outside its range.
    #[error("`{key}` is {found}; expected {expected}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value found.
        found: String,
        /// The values expected.
        expected: &'static str,
    },
}

/// `` `a`, `b` and `c` ``
fn quoted(keys: &[&str]) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
    match quoted.as_slice() {
        [most @ .., last] if !most.is_empty() => format!("{} and {last}", most.join(", ")),
        all => all.concat(),
    }
}

impl Spec {
    /// Reads the bytes of a spec file. Unknown keys, keys of other properties, numbers that are
    /// not decimal strings and values outside their range are refused.
    pub fn read(bytes: &[u8]) -> Result<Self, SpecError> {
        if bytes.len() > MAX_BYTES {
            return Err(SpecError::Size { found: bytes.len() });
        }
        let mut keys: Keys = toml::from_str(std::str::from_utf8(bytes)?)?;
        let spec = Self {
            property: Property::take(&mut keys)?,
            units: keys.units().or(Units::Standardised),
            semantics: keys.semantics().given(),
            integers: keys.integers().or(Integers::Respect),
            label: keys.label().or(LabelSource::True),
            domain: {
                let ranges = keys.domain().or(BTreeMap::new()).into_iter();
                ranges.map(|(name, TwoEnds(ends))| (name, ends)).collect()
            },
            digest: Digest::of(bytes),
        };
        keys.expect_no_more()?;
        Ok(spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Spec, SpecError> {
        Spec::read(text.as_bytes())
    }

    #[test]
    fn every_property_parses() {
        for text in [
            "property = 'label'\nepsilon = '0.1'",
            "property = 'local-invariance'\nepsilon = '0.1'\ndelta = '0.5'\nnorm = 'l1'",
            "property = 'label'\nunits = 'raw'\nepsilon = { a = '0', 3 = '2.5' }",
            "property = 'local-invariance-t'\nepsilon-1 = '1'\nepsilon-2 = '0.1'",
            "property = 'lipschitzness'\nepsilon = '0.1'\nconstant = '1'",
            "property = 'lipschitzness-t'\nconstant = '1'",
            "property = 'small-neighborhood'\nepsilon = '0.1'\nconstant = '1'\non = 'score'",
            "property = 'monotonicity'\nfeatures = ['a', 3]\ndirection = 'increasing'",
            "property = 'monotonicity'\nfeatures = ['a']\ndirection = 'decreasing'\nscope = 'local'\nepsilon = '1'",
            "property = 'boundary-fuzz'\nshift = '0.1'\nepsilon = '0.1'\nradius = '0.3'",
            "property = 'boundary-fuzz'\nshift = '0.1'\nepsilon = '0.1'\nscope = 'domain'\nzone = 'ball'\nzone-norm = 'l1'",
            "property = 'stability'\nfeatures = [0]\nbound = '0.1'",
            "property = 'high-confidence'\nfeatures = [0]\nconfidence = '0.98'\ncutoff = '0.5'\nrange = ['0', '5']",
            "property = 'redundancy'\ngroups = [[0, 1], ['b']]\nconfidence = '0.98'\ncutoff = '0.5'",
            "property = 'output-region'\nunsafe = [[{y = ['1', '-1'], rhs = '0'}]]\n[[input]]\nbox = [['0', '1']]",
        ] {
            read(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        let start = "property = 'local-invariance'\nepsilon = '0.1'\n";
        for (text, part) in [
            ("property = 'robustness'", "unknown"),
            ("epsilon = '0.1'", "property"),
            (start, "needs the key `delta`"),
            ("property = 'stability'", "needs the keys `features` and `bound`"),
            ("property = 'lable'\nepsilon = '1'", "did you mean `label`?; known"),
            (&format!("{start}delta = 0.5"), "string"),
            (&format!("{start}delta = '0'"), "between 0 and 1"),
            (&format!("{start}delta = '1e'"), "not a decimal"),
            (&format!("{start}delta = '0.5'\nspeed = 3"), "speed"),
            (&format!("{start}delta = '0.5'\nshift = '1'"), "does not take the key `shift`"),
            (&format!("{start}delta = '0.5'\ndelta = '0.4'"), "duplicate"),
            (&format!("{start}delta = '0.5'\nnorm = 'l3'"), "l3"),
            ("property = 'label'\nepsilon = '-1'", ">= 0"),
            ("property = 'label'\nepsilon = 0.1", "a string: numbers are exact"),
            ("property = 'label'\nepsilon = { a = '1' }", "`units` is not given; expected \"raw\""),
            (
                "property = 'label'\nunits = 'standardised'\nepsilon = { a = '1' }",
                "`units` is standardised; expected \"raw\"",
            ),
            ("property = 'label'\nunits = 'raw'\nepsilon = { a = '-1' }", "`epsilon` is -1"),
            (
                "property = 'label'\nunits = 'raw'\nepsilon = { a = 1 }",
                "a string: numbers are exact",
            ),
            ("property = 'label'\nunits = 'raw'\nepsilon = {}", "at least one feature"),
            ("property = 'label'\nunits = 'raw'\nepsilon = ['1']", "or a table of them by feature"),
            ("property = 'label'\nunits = 'raw'\nepsilon = { a = '1', a = '2' }", "duplicate"),
            (
                "property = 'label'\nunits = 'raw'\nnorm = 'l2'\nepsilon = { a = '1' }",
                "`norm` is l2; expected linf",
            ),
            (
                "property = 'small-neighborhood'\nunits = 'raw'\nepsilon = { a = '1' }\nconstant = '1'",
                "`epsilon` is a table; expected one number",
            ),
            ("property = 'monotonicity'\nfeatures = []\ndirection = 'increasing'", "at least one"),
            (
                "property = 'redundancy'\ngroups = []\nconfidence = '0.9'\ncutoff = '0.5'",
                "at least one",
            ),
            (&format!("{start}delta = '0.5'\n[domain]\na = ['0', '1', '9']"), "3 numbers"),
            (&format!("{start}delta = '0.5'\n[domain]\na = ['0']"), "1 numbers"),
            (
                "property = 'high-confidence'\nfeatures = [0]\nconfidence = '0.9'\ncutoff = '0.5'\nrange = ['0', '1', '2']",
                "3 numbers",
            ),
            (
                "property = 'output-region'\nunsafe = []\n[[input]]\nbox = [['0', '1', '2']]",
                "3 numbers",
            ),
            (
                "property = 'boundary-fuzz'\nshift = '0.1'\nepsilon = '0.1'\nscope = 'domain'\nradius = '1'",
                "does not take",
            ),
        ] {
            let message = read(text).expect_err(text).to_string();
            assert!(message.contains(part), "{text}\n{message}");
        }
    }
}
