//! Boxes of inputs from which no unsafe outputs are reached.

use std::sync::Arc;

use dashu_int::IBig;
use serde::{Deserialize, Deserializer};

use crate::interval::{Decimal, Rational};
use crate::model::{Family, FeatureSpec, Layer, Model, Object};

use super::super::condition::Condition;
use super::super::{Halfspace, OutputBlock, RawRegion};
use super::{
    Asked, Claim, CountedBy, Keys, LowerError, Lowering, Places, Profile, PropertyKind, Setting,
    SpecError, TwoEnds, Units, Variation, expect, meaningless, unsupported,
};

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
    const SUMMARY: &str = "No input of a box reaches an unsafe block of outputs";
    const NEEDED: &[&str] = &["input", "unsafe"];

    fn take(keys: &mut Keys) -> Result<Self, SpecError> {
        let copies = keys.copies().or(1);
        let input = bare(keys.input().needed()?);
        let unsafe_blocks = keys.unsafe_blocks().needed()?.into_iter().map(bare).collect();
        expect("copies", copies, matches!(copies, 1 | 2), "1 or 2")?;
        Ok(Self { copies, input, unsafe_blocks })
    }

    fn profile(&self) -> Profile {
        Profile::of(CountedBy::InputBoxes, Asked::Outputs)
    }

    fn lower(&self, setting: &Setting) -> Result<Lowering, LowerError> {
        let claim =
            Claim::Avoid { blocks: self.unsafe_outputs(setting.model)?, copies: self.copies };
        let region = |input: &InputBox| input.region(setting, self.copies);
        let regions = self.input.iter().map(region).collect::<Result<_, _>>()?;
        Ok(Lowering { places: Places::Boxes(regions), claim, variation: Variation::Same })
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

impl OutputRegion {
    fn unsafe_outputs(&self, model: &Model) -> Result<Arc<[OutputBlock]>, LowerError> {
        let Family::Mlp(mlp) = &model.family else {
            let why = "it is decided for networks only";
            return Err(unsupported("property `output-region` of an ensemble", why));
        };
        if self.unsafe_blocks.is_empty() {
            let why = "no outputs are unsafe, so nothing is claimed; give `unsafe` a block of rows";
            return Err(meaningless("an output region without blocks", why));
        }
        let outputs = self.copies * mlp.layers.last().map_or(0, Layer::outputs);
        self.unsafe_blocks.iter().map(|rows| block(rows, outputs)).collect()
    }
}

fn block(rows: &[OutputRow], outputs: usize) -> Result<OutputBlock, LowerError> {
    if rows.is_empty() {
        return Err(unsupported("an unsafe block without rows", "every output is in it"));
    }
    if rows.iter().flat_map(|row| &row.y).all(|y| *y.value() == Rational::ZERO) {
        let why = "whether outputs are in it does not depend on them; let a row name one";
        return Err(meaningless("an unsafe block whose rows name no output", why));
    }
    let rows = rows.iter().map(|row| row.halfspace(outputs)).collect::<Result<_, _>>()?;
    Ok(OutputBlock { rows })
}

impl OutputRow {
    fn halfspace(&self, outputs: usize) -> Result<Halfspace, LowerError> {
        expect_length("coefficients `y` of an unsafe row", self.y.len(), outputs)?;
        // the product of the denominators makes every coefficient whole
        let factor = self.y.iter().fold(IBig::ONE, |product, y| product * y.value().parts().1);
        let factor = Rational::integer(factor);
        let whole = |y: &Decimal| {
            let scaled = y.value() * &factor;
            let float = scaled.down();
            (Rational::from_f64(float).as_ref() == Some(&scaled)).then_some(float)
        };
        let y = self.y.iter().map(whole).collect::<Option<_>>().ok_or_else(|| {
            let why = "as whole numbers they need more than 53 bits";
            unsupported("these coefficients `y`", why)
        })?;
        Ok(Halfspace { y, rhs: self.rhs.value() * &factor, is_strict: self.strict })
    }
}

impl InputBox {
    /// Its region, with both copies of the input one after the other.
    fn region(&self, setting: &Setting, copies: usize) -> Result<RawRegion, LowerError> {
        let (features, units) = (setting.model.schema.features(), setting.spec.units);
        let inputs = copies * features.len();
        // one list of ends holds for both copies
        let times = if self.sides.len() == features.len() { copies } else { 1 };
        expect_length("sides of a box", times * self.sides.len(), inputs)?;
        let sides = self.sides.iter().cycle().take(inputs);
        let raw = |(feature, (low, high)): (&FeatureSpec, &(Decimal, Decimal))| {
            (raw_value(feature, units, low.value()), raw_value(feature, units, high.value()))
        };
        let sides: Vec<_> = features.iter().cycle().zip(sides).map(raw).collect();
        if let Some(index) = setting.domain.first_beyond(&sides) {
            let name = features.get(index % features.len().max(1)).map(|f| f.name.clone());
            return Err(LowerError::Beyond { name: name.unwrap_or_default() });
        }
        let condition = |row: &InputRow| {
            expect_length("coefficients `x` of an input row", row.x.len(), inputs)?;
            Ok(row.condition(features, units))
        };
        let conditions = self.rows.iter().map(condition).collect::<Result<_, _>>()?;
        Ok(RawRegion::joint(&setting.domain, sides, conditions))
    }
}

/// The raw value of a value in the units of the spec: `x = z/scale + mean`.
fn raw_value(feature: &FeatureSpec, units: Units, value: &Rational) -> Rational {
    match units {
        Units::Raw => value.clone(),
        Units::Standardised => {
            let length = (value / &feature.exact_scale()).expect("scales are positive");
            &length + &feature.exact_mean()
        }
    }
}

impl InputRow {
    /// `Σ c·z <= rhs` with `z = scale·(x − mean)` is `Σ (c·scale)·x <= rhs + Σ c·scale·mean`.
    fn condition(&self, features: &[FeatureSpec], units: Units) -> Condition {
        let mut rhs = self.rhs.value().clone();
        let scaled = |(c, feature): (&Decimal, &FeatureSpec)| match units {
            Units::Raw => c.value().clone(),
            Units::Standardised => {
                let scaled = c.value() * &feature.exact_scale();
                rhs = &rhs + &(&scaled * &feature.exact_mean());
                scaled
            }
        };
        let coefficients = self.x.iter().zip(features.iter().cycle()).map(scaled).collect();
        Condition { coefficients, rhs }
    }
}

fn expect_length(what: &'static str, found: usize, expected: usize) -> Result<(), LowerError> {
    let is_as_expected = found == expected;
    is_as_expected.then_some(()).ok_or(LowerError::Count { what, found, expected })
}
