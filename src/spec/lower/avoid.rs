//! Output regions: input boxes from which no unsafe block of outputs may be reached.

use std::sync::Arc;

use dashu_int::IBig;

use crate::interval::{Decimal, Rational};
use crate::model::{Family, FeatureSpec, Model};

use super::super::condition::Condition;
use super::super::{Domain, InputBox, OutputRow, RawRegion, Units};
use super::{LowerError, unsupported};

/// `y·f <= rhs`, or `<`, multiplied by a positive whole number so that every coefficient is a float.
#[derive(Clone, Debug, PartialEq)]
pub struct Halfspace {
    /// One coefficient per output (of both copies, one after the other).
    pub y: Vec<f64>,
    /// Right-hand side.
    pub rhs: Rational,
    /// True if equality is outside.
    pub is_strict: bool,
}

/// A conjunction of rows: an unsafe set of outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputBlock {
    /// The rows; at least one.
    pub rows: Vec<Halfspace>,
}

impl Halfspace {
    /// True if this value of `y·f` is inside.
    fn has(&self, value: &Rational) -> bool {
        if self.is_strict { *value < self.rhs } else { *value <= self.rhs }
    }
}

impl OutputBlock {
    /// True if the exact outputs lie in the block.
    pub fn contains(&self, outputs: &[Rational]) -> bool {
        let product = |y: &f64, f: &Rational| Rational::from_f64(*y).map(|y| &y * f);
        self.rows.iter().all(|row| {
            let terms = row.y.iter().zip(outputs).map(|(y, f)| product(y, f));
            let sum = terms.collect::<Option<Vec<_>>>();
            let sum = sum.map(|terms| terms.iter().fold(Rational::ZERO, |sum, t| &sum + t));
            row.y.len() == outputs.len() && sum.is_some_and(|sum| row.has(&sum))
        })
    }
}

/// The blocks of a spec.
pub(super) fn blocks(
    model: &Model,
    copies: usize,
    blocks: &[Vec<OutputRow>],
) -> Result<Arc<[OutputBlock]>, LowerError> {
    let Family::Mlp(mlp) = &model.family else {
        let why = "it is decided for networks only";
        return Err(unsupported("property `output-region` of an ensemble", why));
    };
    let outputs = copies * mlp.layers.last().map_or(0, crate::model::Layer::outputs);
    let block = |rows: &Vec<OutputRow>| {
        if rows.is_empty() {
            return Err(unsupported("an unsafe block without rows", "every output is in it"));
        }
        if rows.iter().flat_map(|row| &row.y).all(|y| *y.value() == Rational::ZERO) {
            let why = "whether outputs are in it does not depend on them; let a row name one";
            let what = "an unsafe block whose rows name no output".into();
            return Err(LowerError::Meaningless { what, why });
        }
        let rows = rows.iter().map(|row| halfspace(row, outputs)).collect::<Result<_, _>>()?;
        Ok(OutputBlock { rows })
    };
    if blocks.is_empty() {
        let why = "no outputs are unsafe, so nothing is claimed; give `unsafe` a block of rows";
        return Err(LowerError::Meaningless {
            what: "an output region without blocks".into(),
            why,
        });
    }
    blocks.iter().map(block).collect()
}

fn halfspace(row: &OutputRow, outputs: usize) -> Result<Halfspace, LowerError> {
    expect_length("coefficients `y` of an unsafe row", row.y.len(), outputs)?;
    // the product of the denominators makes every coefficient whole
    let factor = row.y.iter().fold(IBig::ONE, |product, y| product * y.value().parts().1);
    let whole = |y: &Decimal| {
        let scaled = y.value() * &Rational::integer(factor.clone());
        let float = scaled.down();
        (Rational::from_f64(float).as_ref() == Some(&scaled)).then_some(float)
    };
    let y = row.y.iter().map(whole).collect::<Option<_>>().ok_or_else(|| {
        unsupported("these coefficients `y`", "as whole numbers they need more than 53 bits")
    })?;
    let rhs = row.rhs.value() * &Rational::integer(factor.clone());
    Ok(Halfspace { y, rhs, is_strict: row.strict })
}

/// The region of an input box, with both copies of the input one after the other.
pub(super) fn region(
    model: &Model,
    domain: &Domain,
    units: Units,
    copies: usize,
    input: &InputBox,
) -> Result<RawRegion, LowerError> {
    let features = model.schema.features();
    let sides = if input.sides.len() == features.len() {
        input.sides.iter().cycle().take(copies * features.len()).cloned().collect()
    } else {
        expect_length("sides of a box", input.sides.len(), copies * features.len())?;
        input.sides.clone()
    };
    let of_side = features.iter().cycle();
    let raw = |(feature, (low, high)): (&FeatureSpec, &(Decimal, Decimal))| {
        (raw_value(feature, units, low.value()), raw_value(feature, units, high.value()))
    };
    let sides: Vec<_> = of_side.zip(&sides).map(raw).collect();
    if let Some(index) = domain.first_beyond(&sides) {
        let name = features.get(index % features.len().max(1)).map(|f| f.name.clone());
        return Err(LowerError::Beyond { name: name.unwrap_or_default() });
    }
    let mut conditions = Vec::with_capacity(input.rows.len());
    for row in &input.rows {
        expect_length("coefficients `x` of an input row", row.x.len(), copies * features.len())?;
        let coefficients: Vec<Rational> = row.x.iter().map(|x| x.value().clone()).collect();
        conditions.push(raw_condition(features, units, coefficients, row.rhs.value().clone()));
    }
    Ok(RawRegion::joint(domain, sides, conditions))
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

/// `Σ c·z <= rhs` with `z = scale·(x − mean)` is `Σ (c·scale)·x <= rhs + Σ c·scale·mean`.
fn raw_condition(
    features: &[FeatureSpec],
    units: Units,
    coefficients: Vec<Rational>,
    rhs: Rational,
) -> Condition {
    if units == Units::Raw {
        return Condition { coefficients, rhs };
    }
    let mut bound = rhs;
    let scaled = |(c, feature): (&Rational, &FeatureSpec)| {
        let scaled = c * &feature.exact_scale();
        bound = &bound + &(&scaled * &feature.exact_mean());
        scaled
    };
    let coefficients = coefficients.iter().zip(features.iter().cycle()).map(scaled).collect();
    Condition { coefficients, rhs: bound }
}

fn expect_length(what: &'static str, found: usize, expected: usize) -> Result<(), LowerError> {
    if found == expected {
        return Ok(());
    }
    Err(LowerError::Count { what, found, expected })
}
