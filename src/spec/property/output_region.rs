//! Boxes of inputs from which no unsafe outputs are reached.

use serde::{Deserialize, Deserializer};

use crate::interval::Decimal;
use crate::model::Object;

use super::{CountedBy, Keys, Profile, PropertyKind, SpecError, TwoEnds, expect};

/// No input of a box reaches an unsafe block of outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputRegion {
    /// The number of inputs that a box and a block are about, 1 or 2.
    pub copies: usize,
    /// The boxes.
    pub input: Vec<InputBox>,
    /// The blocks; outputs are unsafe if they meet all rows of one.
    pub unsafe_blocks: Vec<Vec<OutputRow>>,
}

/// One input box of an output region.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputBox {
    /// Lower and upper end per feature; with two copies, the ends of the first, then those of the second, or
    /// one list for both.
    #[serde(rename = "box", deserialize_with = "all_ends")]
    pub sides: Vec<(Decimal, Decimal)>,
    /// Further linear conditions.
    #[serde(default, deserialize_with = "input_rows")]
    pub rows: Vec<InputRow>,
}

/// One row `x·input <= rhs` of an output region.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputRow {
    /// One coefficient per input; with two copies, those of the first, then those of the second.
    pub x: Vec<Decimal>,
    /// Right-hand side.
    pub rhs: Decimal,
}

/// One row `y·f <= rhs`, or `<` if strict, of an unsafe block.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputRow {
    /// One coefficient per output; with two copies, those of the first, then those of the second.
    pub y: Vec<Decimal>,
    /// Right-hand side.
    pub rhs: Decimal,
    /// True if outputs with equality are safe.
    #[serde(default)]
    pub strict: bool,
}

impl PropertyKind for OutputRegion {
    const NAME: &str = "output-region";

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        let copies = keys.copies().or(1);
        let input = bare(keys.input().needed()?);
        let unsafe_blocks = keys.unsafe_blocks().needed()?.into_iter().map(bare).collect();
        expect("copies", copies, matches!(copies, 1 | 2), "1 or 2")?;
        Ok(Self { copies, input, unsafe_blocks })
    }

    fn profile(&self) -> Profile {
        Profile::of(CountedBy::InputBoxes)
    }

    fn words(&self) -> String {
        let (boxes, blocks) = (self.input.len(), self.unsafe_blocks.len());
        format!("{boxes} input boxes, {blocks} unsafe blocks, copies {}", self.copies)
    }
}

fn all_ends<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(Decimal, Decimal)>, D::Error> {
    Ok(Vec::<TwoEnds>::deserialize(from)?.into_iter().map(|TwoEnds(ends)| ends).collect())
}

fn input_rows<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<InputRow>, D::Error> {
    Ok(bare(Vec::deserialize(from)?))
}

fn bare<T>(objects: Vec<Object<T>>) -> Vec<T> {
    objects.into_iter().map(|Object(value)| value).collect()
}
