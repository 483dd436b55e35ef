//! Sizes are checked before anything is built from a file.

/// Largest file that is read, in bytes.
pub const MAX_BYTES: u64 = 1 << 30;
/// Deepest nesting of JSON arrays and objects.
const MAX_DEPTH: usize = 16;
/// Longest JSON string, in bytes.
const MAX_STRING: usize = 1 << 20;
/// Longest JSON number, in bytes: more digits than any float needs.
const MAX_NUMBER: usize = 1100;
/// Most features, or neurons of a layer.
pub(super) const MAX_WIDTH: usize = 65_536;
/// Most layers.
pub(super) const MAX_LAYERS: usize = 64;
/// Most weights and biases.
pub(super) const MAX_PARAMETERS: usize = 10_000_000;
/// Most trees.
pub(super) const MAX_TREES: usize = 10_000;
/// Most nodes of a tree.
pub(super) const MAX_NODES: usize = 65_535;
/// Longest path of a tree.
pub(super) const MAX_TREE_DEPTH: usize = 64;
/// Most classes.
pub(super) const MAX_CLASSES: usize = 1_000;

/// A file that is larger, deeper or longer than the limits allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}: found {found}, the limit is {limit}")]
pub struct LimitError {
    /// Name of the size that is limited.
    pub what: &'static str,
    /// The size found (or reached when reading stopped).
    pub found: u64,
    /// The largest size that is accepted.
    pub limit: u64,
}

/// Refuses `found > limit`; `what` names the size that is limited.
pub fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), LimitError> {
    if found <= limit {
        return Ok(());
    }
    Err(LimitError { what, found: found as u64, limit: limit as u64 })
}

/// One pass over the bytes of a JSON text: refuses deep nesting, long strings and long numbers,
/// before a parser allocates anything. Says nothing about well-formedness.
pub fn check_json(bytes: &[u8]) -> Result<(), LimitError> {
    check_json_to_depth(bytes, MAX_DEPTH)
}

/// [`check_json`] with another limit of nesting: formats of other tools put nodes inside one another.
pub fn check_json_to_depth(bytes: &[u8], deepest: usize) -> Result<(), LimitError> {
    if bytes.len() as u64 > MAX_BYTES {
        let found = bytes.len() as u64;
        return Err(LimitError { what: "bytes of a file", found, limit: MAX_BYTES });
    }
    let (mut depth, mut string, mut number) = (0usize, None::<usize>, 0usize);
    let mut is_escaped = false;
    for &byte in bytes {
        if let Some(length) = string {
            at_most("bytes of a JSON string", length, MAX_STRING)?;
            string = (is_escaped || byte != b'"').then_some(length + 1);
            is_escaped = byte == b'\\' && !is_escaped;
            continue;
        }
        number = if matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E') {
            number + 1
        } else {
            0
        };
        at_most("characters of a JSON number", number, MAX_NUMBER)?;
        match byte {
            b'"' => string = Some(0),
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at_most("depth of JSON nesting", depth, deepest)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_texts_pass() {
        assert!(check_json(br#"{"a":[1,2,{"b":"x\"]]]]"}],"c":-1.5e-300}"#).is_ok());
    }

    #[test]
    fn nesting_strings_and_numbers_are_limited() {
        assert_eq!(check_json(&[b'['; 17]).unwrap_err().what, "depth of JSON nesting");
        let long = format!("\"{}\"", "x".repeat(MAX_STRING + 1));
        assert_eq!(check_json(long.as_bytes()).unwrap_err().what, "bytes of a JSON string");
        let digits = "1".repeat(MAX_NUMBER + 1);
        assert_eq!(check_json(digits.as_bytes()).unwrap_err().what, "characters of a JSON number");
    }

    #[test]
    fn brackets_inside_strings_do_not_count() {
        let text = format!("\"{}\"", "[".repeat(100));
        assert!(check_json(text.as_bytes()).is_ok());
    }
}
