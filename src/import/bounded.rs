//! Lists with a limit that holds while they are read.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use crate::model::LimitError;

/// At most `LIMIT` entries of a list, and the number of entries it has. Entries beyond
/// the limit are counted, not kept.
#[derive(Debug)]
pub(super) struct Bounded<T, const LIMIT: usize> {
    kept: Vec<T>,
    found: usize,
}

impl<T, const LIMIT: usize> Default for Bounded<T, LIMIT> {
    fn default() -> Self {
        Self { kept: Vec::new(), found: 0 }
    }
}

impl<T, const LIMIT: usize> Bounded<T, LIMIT> {
    /// All entries, or the refusal of a list that has more than the limit.
    pub(super) fn all(self, what: &'static str) -> Result<Vec<T>, LimitError> {
        if self.found <= LIMIT {
            return Ok(self.kept);
        }
        Err(LimitError { what, found: self.found as u64, limit: LIMIT as u64 })
    }
}

impl<'de, T: Deserialize<'de>, const LIMIT: usize> Deserialize<'de> for Bounded<T, LIMIT> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Entries(PhantomData))
    }
}

struct Entries<T, const LIMIT: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const LIMIT: usize> Visitor<'de> for Entries<T, LIMIT> {
    type Value = Bounded<T, LIMIT>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        while kept.len() < LIMIT {
            match list.next_element()? {
                Some(entry) => kept.push(entry),
                None => return Ok(Bounded { found: kept.len(), kept }),
            }
        }
        let mut found = kept.len();
        while list.next_element::<IgnoredAny>()?.is_some() {
            found += 1;
        }
        Ok(Bounded { kept, found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<u8>, LimitError> {
        serde_json::from_str::<Bounded<u8, 3>>(text).unwrap().all("entries")
    }

    #[test]
    fn a_list_at_the_limit_is_whole() {
        assert_eq!(read("[]"), Ok(vec![]));
        assert_eq!(read("[1,2,3]"), Ok(vec![1, 2, 3]));
    }

    #[test]
    fn entries_over_the_limit_are_counted_and_not_read() {
        let refused = LimitError { what: "entries", found: 5, limit: 3 };
        assert_eq!(read(r#"[1,2,3,"four",{}]"#), Err(refused));
    }
}
