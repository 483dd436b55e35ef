//! Synthetic data in the shape of the paper's five sets.
//!
//! Class 1 gets exactly its share of the rows. Given the class, features are independent: a normal
//! score, shifted between the classes by the feature's `shift`, is squashed into the feature's range,
//!
//! ```text
//! z = N(0, 1) ± shift/2        x = low + (high − low)·σ(z)^p
//! ```
//!
//! with p = 1, or 6 for counts with a long tail. Squashing is increasing, so the log-odds of class 1
//! move with `shift` in every feature: a feature that the meta file calls monotone is truly monotone.

use std::fmt;
use std::path::Path;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

use super::DatasetError;
use super::paper::{PAPER_SETS, PaperSet};
use super::write::{WrittenSet, one_file, write};
use crate::interval::Decimal;
use crate::model::{Kind, Meta};

/// Fewest rows: enough for 50 auxiliary rows and for both classes in every part.
const LEAST_ROWS: usize = 400;
/// Most rows.
const MOST_ROWS: usize = 2_000_000;
/// Counts with a wider range than this have a long tail.
const LONG_TAIL: f64 = 1000.0;
/// Exponent of a long tail.
const TAIL_EXPONENT: i32 = 6;

const SHAPES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/shapes.csv"));

/// The result of making a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Made {
    /// Name of the data set, `synthetic_SHAPE`.
    pub name: String,
    /// Number of rows.
    pub rows: usize,
    /// Rows of class 1.
    pub positive: usize,
    /// Number of features.
    pub features: usize,
    /// Seed of the random numbers.
    pub seed: u64,
    /// The data set itself.
    #[serde(flatten)]
    pub written: WrittenSet,
}

/// One line of the table of shapes.
#[derive(Clone, Debug, Deserialize)]
struct ShapedFeature {
    shape: String,
    feature: String,
    kind: Kind,
    low: f64,
    high: f64,
    /// Distance of the class means of the normal score; negative if class 1 is lower.
    shift: f64,
}

/// Makes `rows` rows (default: the paper's number) in the shape of the paper's set `shape` and writes
/// them to `out` (`NAME.csv`, with `NAME.meta.json` beside it), or nowhere. The same shape, rows and seed give the
/// same bytes.
pub fn make(
    shape: &str,
    rows: Option<usize>,
    seed: u64,
    out: Option<&Path>,
) -> Result<Made, DatasetError> {
    let set = find(shape)?;
    let rows = rows.unwrap_or(set.rows);
    if !(LEAST_ROWS..=MOST_ROWS).contains(&rows) {
        return Err(DatasetError::Rows { found: rows, least: LEAST_ROWS, most: MOST_ROWS });
    }
    let (_, file) = super::write::names(out, set.name)?;
    let features = features_of(set.name);
    let labels = labels(set, rows, seed);
    let text = rows_text(&features, &labels, seed);
    let meta = meta(set, &features, &file);
    let (_, written) = write(out, &meta, text.into_bytes())?;
    Ok(Made {
        name: meta.name,
        rows,
        positive: labels.iter().filter(|&&is_positive| is_positive).count(),
        features: features.len(),
        seed,
        written,
    })
}

/// Finds a shape by the name of the paper's set, with or without `synthetic_` before it.
fn find(shape: &str) -> Result<&'static PaperSet, DatasetError> {
    super::paper::paper_set(shape).ok_or_else(|| DatasetError::Shape {
        found: shape.to_owned(),
        known: PAPER_SETS.iter().map(|set| set.name.to_owned()).collect(),
    })
}

fn features_of(shape: &str) -> Vec<ShapedFeature> {
    let mut reader = csv::Reader::from_reader(SHAPES.as_bytes());
    let lines = reader.deserialize::<ShapedFeature>();
    lines
        .map(|line| line.expect("a test reads the shipped table"))
        .filter(|feature| feature.shape == shape)
        .collect()
}

/// Independent random streams of one seed.
enum Purpose {
    Labels,
    Features,
}

fn stream(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

/// The paper's share of class 1, to the nearest row, in random order.
fn labels(set: &PaperSet, rows: usize, seed: u64) -> Vec<bool> {
    let (positive, of) = set.positive;
    let count = (2 * rows * positive + of) / (2 * of);
    let mut labels: Vec<bool> = (0..rows).map(|row| row < count).collect();
    labels.shuffle(&mut stream(seed, Purpose::Labels));
    labels
}

fn rows_text(features: &[ShapedFeature], labels: &[bool], seed: u64) -> String {
    let mut rng = stream(seed, Purpose::Features);
    let mut text = String::from("label");
    features.iter().for_each(|feature| text.extend([",", &feature.feature]));
    text.push('\n');
    for &is_positive in labels {
        text.push(if is_positive { '1' } else { '0' });
        for feature in features {
            text.push(',');
            text.push_str(&feature.draw(is_positive, &mut rng));
        }
        text.push('\n');
    }
    text
}

impl ShapedFeature {
    /// One value as text. Reals lie strictly inside the range and have four decimals.
    fn draw(&self, is_positive: bool, rng: &mut ChaCha8Rng) -> String {
        let half = if is_positive { self.shift / 2.0 } else { -self.shift / 2.0 };
        let noise: f64 = StandardNormal.sample(rng);
        let share = 1.0 / (1.0 + (-(noise + half)).exp());
        let width = self.high - self.low;
        match self.kind {
            Kind::Binary => u8::from(share > 0.5).to_string(),
            Kind::Integer if width > LONG_TAIL => {
                (self.low + width * share.powi(TAIL_EXPONENT)).round().to_string()
            }
            Kind::Integer => (self.low + width * share).round().to_string(),
            Kind::Real => format!("{:.4}", self.low + width * (0.001 + 0.998 * share)),
        }
    }

    fn range(&self) -> (Decimal, Decimal) {
        let decimal = |value| Decimal::from_f64(value).expect("the shipped table is finite");
        (decimal(self.low), decimal(self.high))
    }
}

fn meta(set: &PaperSet, features: &[ShapedFeature], file: &str) -> Meta {
    let direction = |shift: f64| if shift > 0.0 { "increasing" } else { "decreasing" };
    let monotone = features.iter().filter(|feature| feature.shift != 0.0);
    Meta {
        source: Some("synthetic: made by this program, in the shape of a published set".to_owned()),
        name: format!("synthetic_{}", set.name),
        label: "label".to_owned(),
        features: features.iter().map(|feature| feature.feature.clone()).collect(),
        kinds: features.iter().map(|feature| feature.kind).collect(),
        ranges: features.iter().map(ShapedFeature::range).collect(),
        files: one_file(file),
        synthetic: true,
        classes: Vec::new(),
        auxiliary: None,
        monotone: monotone
            .map(|feature| (feature.feature.clone(), direction(feature.shift).to_owned()))
            .collect(),
        category_codes: Default::default(),
    }
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, rows, positive, features, seed, .. } = self;
        writeln!(f, "{name}: {rows} SYNTHETIC rows, {positive} of class 1, {features} features")?;
        write!(f, "seed {seed}, {}", self.written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_has_the_papers_number_of_features() {
        for set in &PAPER_SETS {
            let features = features_of(set.name);
            assert_eq!(features.len(), set.features, "{}", set.name);
            assert!(features.iter().all(|feature| feature.low < feature.high));
            assert!(features.iter().any(|feature| feature.shift != 0.0));
        }
    }

    #[test]
    fn the_class_share_is_the_papers() {
        for set in &PAPER_SETS[..4] {
            let positive = labels(set, set.rows, 3).iter().filter(|&&label| label).count();
            assert_eq!(positive, set.positive.0, "{}", set.name);
        }
    }
}
