//! Draws that repeat themselves, and the cells that share one.

use crate::defense::ResponseUnits;
use crate::interval::{Decimal, Rational, sigmoid};
use crate::model::{Digest, Point, Schema};

/// The share of right answers, as a number of 2⁶⁴-ths: at most `e^ε/(1 + e^ε)`, by less than 2⁻⁶³.
#[derive(Clone, Copy, Debug)]
pub(super) struct Coin(u64);

impl Coin {
    pub(super) fn new(epsilon: &Decimal) -> Self {
        let (low, _) = sigmoid(epsilon.value());
        let whole = Rational::integer(u64::MAX);
        let share = (&low * &whole).floor();
        Self(u64::try_from(share).unwrap_or(u64::MAX))
    }

    /// The answer drawn for a point whose label is `label`, of two classes. The same key and point give the same.
    pub(super) fn answer(self, key: &Digest, raw: &[f64], label: usize) -> usize {
        // both zeros are one point
        let bits: Vec<u8> = raw.iter().flat_map(|x| (x + 0.0).to_bits().to_le_bytes()).collect();
        let digest = Digest::keyed(key, [b"draw".as_slice(), &bits]);
        let draw =
            digest.bytes().first_chunk().map_or(u64::MAX, |first| u64::from_be_bytes(*first));
        if draw < self.0 { label } else { 1 - label }
    }
}

/// The cell of a point: `⌊u_i/width⌋` of every feature, with `u` the raw or the standardised value, under the key, so that a
/// memory tells nobody else where points were.
pub(super) fn cell(
    key: &Digest,
    schema: &Schema,
    point: &Point,
    (width, units): (&Rational, ResponseUnits),
) -> Digest {
    let mut text = String::new();
    for (feature, x) in schema.features().iter().zip(point.values()) {
        let at = match units {
            ResponseUnits::Standardised => feature.standardise_exactly(x),
            ResponseUnits::Raw => x.clone(),
        };
        let number = (&at / width).expect("widths are positive").floor();
        text += &format!("{number},");
    }
    Digest::keyed(key, [b"cell".as_slice(), text.as_bytes()])
}
