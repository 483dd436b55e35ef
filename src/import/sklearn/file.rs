//! The layout of the dump.

use serde::Deserialize;

use crate::import::ImportError;
use crate::import::bounded::Bounded;
use crate::import::forest::{
    MAX_CLASSES, MAX_FEATURES, MAX_NODES, MAX_TREES, Stated, sums, without_missing,
};
use crate::model::at_most;

/// Shares of classes add up to one up to this error; counts do not.
const SHARE_TOLERANCE: f64 = 1e-6;

/// Models whose trees are averaged; a single tree is a forest of one.
const FORESTS: [&str; 4] = ["RandomForest", "ExtraTrees", "DecisionTree", "ExtraTree"];
/// Losses of histogram boosting whose prediction is the sum. `gamma` and `poisson`, which predict its
/// exponential, are left out.
const SUMS: [&str; 3] = ["squared_error", "absolute_error", "quantile"];

/// Said of histogram boosting whose trees count columns as the names do. Scikit-learn puts categorical columns
/// first, and dumps without this word were written of such models too.
const COLUMNS: &str = "as named";

type DumpColumn<T> = Bounded<T, MAX_NODES>;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SklearnFile {
    format: String,
    model: String,
    classes: usize,
    features: Bounded<String, MAX_FEATURES>,
    /// For histogram boosting only: [`COLUMNS`].
    columns: Option<String>,
    /// For gradient boosting only, as the next two.
    loss: Option<String>,
    rate: Option<f64>,
    base: Option<Bounded<f64, MAX_CLASSES>>,
    trees: Bounded<DumpTreeFile, MAX_TREES>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DumpTreeFile {
    output: Option<usize>,
    left: DumpColumn<i64>,
    right: DumpColumn<i64>,
    feature: DumpColumn<i64>,
    /// `null` is infinite: every value goes left, and only a missing value goes right.
    threshold: DumpColumn<Option<f64>>,
    value: DumpColumn<Vec<f64>>,
}

/// The content of a file besides its trees.
pub(super) struct Head {
    pub(super) classes: usize,
    pub(super) features: Vec<String>,
    /// `None` for a forest.
    pub(super) boosting: Option<Boosting>,
}

/// The base that is added first, and the rate that every value is multiplied by.
pub(super) struct Boosting {
    pub(super) base: Vec<f64>,
    pub(super) rate: f64,
    /// True if inputs are compared as they are, not rounded to float32.
    pub(super) is_histogram: bool,
}

impl Head {
    /// Number of sums.
    pub(super) fn sums(&self) -> usize {
        sums(self.classes)
    }
}

/// The nodes of a tree as columns of one length.
pub(super) struct DumpTree {
    output: Option<usize>,
    left: Vec<i64>,
    right: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<Option<f64>>,
    value: Vec<Vec<f64>>,
}

impl SklearnFile {
    /// Refuses other models by name, and refuses lists that do not fit one another.
    pub(super) fn check(self) -> Result<(Head, Vec<DumpTree>), ImportError> {
        let unsupported = |what, expected| Err(ImportError::Unsupported { what, expected });
        if self.format != "sklearn-trees/1" {
            let what = format!("format `{:.60}`", self.format);
            return unsupported(what, "`sklearn-trees/1` is read; see `import --help`");
        }
        at_most("classes", self.classes, MAX_CLASSES)?;
        let is_regressor = self.model.ends_with("Regressor");
        if is_regressor != (self.classes == 1) || self.classes == 0 {
            let what = format!("a `{:.60}` of {} classes", self.model, self.classes);
            return unsupported(what, "two or more of a classifier, one of a regressor");
        }
        let features = self.features.all("features")?;
        let kind = self.model.strip_suffix("Classifier").or(self.model.strip_suffix("Regressor"));
        let is_histogram = kind == Some("HistGradientBoosting");
        if is_histogram != self.columns.is_some()
            || self.columns.as_ref().is_some_and(|columns| columns != COLUMNS)
        {
            let what =
                format!("a `{:.60}` that does not say how its columns are counted", self.model);
            return unsupported(
                what,
                "`columns` is `as named` with histograms and left out elsewhere: write the dump anew by the lines \
                 of Python in `import --help`, which refuse columns in another order",
            );
        }
        let boosting = match (kind.unwrap_or_default(), self.loss.as_deref(), self.rate, self.base)
        {
            ("GradientBoosting" | "HistGradientBoosting", Some(loss), Some(rate), Some(base))
                if is_sum(loss, is_regressor, is_histogram) =>
            {
                Some(Boosting { base: base.all("entries of base")?, rate, is_histogram })
            }
            ("GradientBoosting" | "HistGradientBoosting", loss, ..) => {
                let what = format!(
                    "boosting of loss `{:.60}`, or without rate or base",
                    loss.unwrap_or_default()
                );
                return unsupported(
                    what,
                    "`log_loss` of a classifier is read, of GradientBoostingRegressor any, of \
                     HistGradientBoostingRegressor `squared_error`, `absolute_error` and `quantile`",
                );
            }
            (kind, None, None, None) if FORESTS.contains(&kind) => None,
            _ => {
                return unsupported(
                    format!("a `{:.60}`", self.model),
                    "read are GradientBoosting, HistGradientBoosting, RandomForest, ExtraTrees, DecisionTree, \
                     ExtraTree and MLP, each Classifier or Regressor",
                );
            }
        };
        let head = Head { classes: self.classes, features, boosting };
        if let Some(Boosting { base, rate, .. }) = &head.boosting {
            expect_length("base".to_owned(), base.len(), head.sums())?;
            if !base.iter().chain([rate]).all(|number| number.is_finite()) {
                let (place, found) = ("base, rate".to_owned(), "another number".to_owned());
                return Err(ImportError::Stated { place, found, expected: "finite numbers" });
            }
        }
        let trees = self.trees.all("trees")?;
        let native = trees.len() * if head.boosting.is_some() { 1 } else { head.sums() };
        at_most("trees, one per class", native, MAX_TREES)?;
        let trees = trees.into_iter().enumerate().map(|(index, tree)| tree.check(index));
        let trees = trees.collect::<Result<_, _>>()?;
        Ok((head, trees))
    }
}

/// True if the model predicts the sum, or the class of the sum.
fn is_sum(loss: &str, is_regressor: bool, is_histogram: bool) -> bool {
    match (is_regressor, is_histogram) {
        (false, _) => loss == "log_loss",
        (true, false) => true,
        (true, true) => SUMS.contains(&loss),
    }
}

impl DumpTreeFile {
    fn check(self, index: usize) -> Result<DumpTree, ImportError> {
        const WHAT: &str = "nodes of a tree";
        let tree = DumpTree {
            output: self.output,
            left: self.left.all(WHAT)?,
            right: self.right.all(WHAT)?,
            feature: self.feature.all(WHAT)?,
            threshold: self.threshold.all(WHAT)?,
            value: self.value.all(WHAT)?,
        };
        let expected = tree.left.len();
        for (key, found) in [
            ("right", tree.right.len()),
            ("feature", tree.feature.len()),
            ("threshold", tree.threshold.len()),
            ("value", tree.value.len()),
        ] {
            expect_length(format!("{key} of tree {index}"), found, expected)?;
        }
        Ok(tree)
    }
}

fn expect_length(place: String, found: usize, expected: usize) -> Result<(), ImportError> {
    if found == expected { Ok(()) } else { Err(ImportError::Length { place, found, expected }) }
}

impl DumpTree {
    /// The sum that a boosted tree adds to.
    pub(super) fn output(&self, tree: usize, sums: usize) -> Result<usize, ImportError> {
        let output = self.output.filter(|&output| output < sums);
        let refused = || ImportError::Stated {
            place: format!("output of tree {tree}"),
            found: self.output.map_or("nothing".to_owned(), |output| output.to_string()),
            expected: "an output of the model",
        };
        output.ok_or_else(refused)
    }

    /// Refuses leaves that hold anything but one share per class.
    pub(super) fn expect_shares(&self, tree: usize, classes: usize) -> Result<(), ImportError> {
        let is_share = |row: &Vec<f64>| {
            let sum: f64 = row.iter().sum();
            row.len() == classes && (sum - 1.0).abs() <= SHARE_TOLERANCE
        };
        match self.value.iter().position(|row| !is_share(row)) {
            None => Ok(()),
            Some(node) => Err(ImportError::Stated {
                place: format!("value of tree {tree}, node {node}"),
                found: self.value.get(node).map_or(String::new(), |row| format!("{row:?}")),
                expected: "one share per class, which add up to 1 (scikit-learn 1.3 and later)",
            }),
        }
    }

    /// The nodes. `leaf` turns a leaf's values into a number if their count is right, and
    /// `border` turns a threshold `t` into the border of `x ≤ t`.
    pub(super) fn stated(
        &self,
        tree: usize,
        leaf: impl Fn(&[f64]) -> Option<f64>,
        border: fn(f64) -> Option<f64>,
    ) -> Result<Vec<Stated>, ImportError> {
        let children = self.left.iter().zip(&self.right);
        let tests = self.feature.iter().zip(&self.threshold);
        let rows = children.zip(tests).zip(&self.value).enumerate();
        rows.map(|(node, (((&left, &right), (&feature, &threshold)), values))| {
            let refused = |found: String, expected| ImportError::Stated {
                place: format!("tree {tree}, node {node}"),
                found,
                expected,
            };
            if (left, right) == (-1, -1) {
                let value = leaf(values).map(Stated::Leaf);
                return value.ok_or_else(|| refused(format!("{values:?}"), "one value"));
            }
            let threshold = match threshold {
                Some(threshold) => border(threshold).ok_or_else(|| {
                    refused(format!("threshold {threshold}"), "one in the range of 32-bit floats")
                })?,
                None => f64::INFINITY,
            };
            Ok(Stated::Split { feature, threshold, left, right, default_left: false })
        })
        .collect::<Result<Vec<_>, _>>()
        .map(without_missing)
    }
}

/// The float64 `θ` with `x < θ` iff the float32 nearest to `x` is at most `t`.
pub(super) fn border(t: f64) -> Option<f64> {
    let nearest = t as f32;
    let below = if f64::from(nearest) > t { nearest.next_down() } else { nearest };
    if !below.is_finite() {
        return None;
    }
    // beyond the largest float32, 2^128 stands for the next one; rounding gives infinity there
    let next = below.next_up();
    let next = if next.is_finite() { f64::from(next) } else { 2f64.powi(128) };
    let middle = (f64::from(below) + next) / 2.0;
    let is_even = below.to_bits() & 1 == 0;
    Some(if is_even { middle.next_up() } else { middle })
}

/// The float64 `θ` with `x < θ` iff `x ≤ t`, for inputs that are not rounded.
pub(super) fn next(t: f64) -> Option<f64> {
    Some(t.next_up()).filter(|t| t.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_are_where_rounding_passes_the_threshold() {
        let edge = f64::from(f32::MAX);
        let thresholds =
            [0.0, -0.0, 0.1, -0.1, 1.5, -2.75, 1e-45, -1e-46, 3e38, edge, 1e300, -edge];
        let singles = [0.1f32, -0.1, 7.25, 1e-40, 16_777_217.0].map(f64::from);
        for t in thresholds.into_iter().chain(singles) {
            let border = border(t).unwrap();
            for x in [border.next_down(), border] {
                assert_eq!(f64::from(x as f32) <= t, x < border, "{t:e}: {x:e}");
            }
        }
        for t in [f64::NAN, f64::NEG_INFINITY, -1e300] {
            assert_eq!(border(t), None, "{t}");
        }
    }
}
