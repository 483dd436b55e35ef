//! Membership inference: rows of the training part told from rows of the test part by the answers for them.

use crate::dataset::{auc, evenly};
use crate::defend::defended_posterior;
use crate::defense::Defense;
use crate::model::{DataSet, Model, Part, Row};

/// Most rows of each part.
const ROWS: usize = 2000;

/// The share of pairs of a training row and a test row in which the training row has the higher posterior of its true
/// label, ties counted half: ½ tells nothing, 1 tells all (Yeom et al. 2018, the loss attack, over all thresholds).
/// Measured on at most 2,000 rows of each part; what a model from a file was trained on is not known, and is taken to be the training
/// part. `None` without posteriors, and where labels are drawn.
pub(super) fn membership(model: &Model, defense: Option<&Defense>, data: &DataSet) -> Option<f64> {
    if !model.has_posterior() || defense.is_some_and(|one| one.randomised().is_some()) {
        return None;
    }
    let of_truth = |row: &Row| {
        let posterior = match defense {
            Some(defense) => defended_posterior(model, defense, &row.values),
            None => model.posterior(&row.values),
        };
        posterior.get(row.label).copied().unwrap_or(0.0)
    };
    let scored = |part: Part| {
        evenly(data.part(part), ROWS).map(move |(_, row)| (of_truth(row), part == Part::Train))
    };
    auc(scored(Part::Train).chain(scored(Part::Test)))
}

#[cfg(test)]
mod tests {
    use crate::dataset;
    use crate::train::Recipe;

    use super::*;

    /// A model of deep trees knows its rows; one of a single split does not.
    #[test]
    fn models_that_know_their_rows_tell_them_apart() {
        let data = dataset::open("spambase").unwrap();
        let told = |recipe: &str| {
            let model = Recipe::read(recipe.as_bytes()).unwrap().train(&data, 1).unwrap();
            membership(&model, None, &data).unwrap()
        };
        let trees = |text: &str| format!("family = 'trees'\n[training]\n{text}");
        let shallow = told(&trees("trees = 1\ndepth = 1\n"));
        let deep = told(&trees("trees = 60\ndepth = 8\neta = 0.5\n"));
        assert!((shallow - 0.5).abs() < 0.02, "{shallow}");
        assert!(deep > 0.53, "{deep}");
    }
}
