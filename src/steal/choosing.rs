//! The choice of the length by which a generator moves or spreads its points, among several.
//!
//! ```text
//! heldout   five folds of the paid labels: a substitute of four is asked for the fifth; the largest mean agreement
//! oracle    the largest agreement with the target on held-out rows, which no attacker has
//! ```
//!
//! Every length is an attack of its own that pays its own budget; the figures count what all of them asked. `oracle` is
//! there to compare with published figures that were chosen so. Figures of both never stand in one table
//! without their name. Of equal lengths the first is taken.

use serde::{Deserialize, Serialize};

use super::{
    AttackSpec, Classifier, Knowledge, Labelled, Repetition, Sample, Scene, StealError,
    SubstituteOptions,
};

/// Folds of the paid labels.
const FOLDS: usize = 5;

/// The figure by which a length is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChosenBy {
    /// Agreement on paid labels that were held out.
    Heldout,
    /// Agreement on the rows that the attack is measured on.
    Oracle,
}

impl ChosenBy {
    /// The name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Heldout => "heldout",
            Self::Oracle => "oracle",
        }
    }
}

/// Lengths to choose from, in standard deviations: the generator's radius, sigma or epsilon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LengthChoice {
    /// The figure that chooses.
    pub by: ChosenBy,
    /// The lengths, positive and different, from 2 to 32 of them.
    pub values: Vec<f64>,
}

/// The length that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChosenLength {
    /// The figure that chose.
    pub by: ChosenBy,
    /// The length.
    pub value: f64,
    /// The figure of that length.
    pub figure: f64,
    /// Number of lengths tried.
    pub tried: usize,
    /// Distinct points asked by all of them together.
    pub asked: usize,
}

impl Scene<'_> {
    /// One repetition for each length, of which the best is kept.
    pub(super) fn repeat_chosen(
        &self,
        attack: &AttackSpec,
        choice: &LengthChoice,
        seed: u64,
    ) -> Result<Repetition, StealError> {
        let mut best: Option<(f64, f64, Repetition)> = None;
        let mut asked = 0;
        for &length in &choice.values {
            let candidate = attack.with_length(length);
            let (repetition, sample) = self.repeat_once(&candidate, seed)?;
            asked += repetition.attack.queries;
            let figure = match choice.by {
                ChosenBy::Oracle => repetition.attack.scores.agreement.held_out,
                ChosenBy::Heldout => self.folded(&candidate, &sample, seed)?,
            };
            if best.as_ref().is_none_or(|(most, ..)| figure > *most) {
                best = Some((figure, length, repetition));
            }
        }
        let Some((figure, value, repetition)) = best else {
            let given = AttackSpec { choose: None, ..attack.clone() };
            return Ok(self.repeat_once(&given, seed)?.0);
        };
        let tried = choice.values.len();
        let chosen = Some(ChosenLength { by: choice.by, value, figure, tried, asked });
        Ok(Repetition { chosen, ..repetition })
    }

    /// Mean agreement of substitutes with the paid labels of a fold that they have not seen.
    fn folded(&self, attack: &AttackSpec, sample: &Sample, seed: u64) -> Result<f64, StealError> {
        let rows = self.seed_rows(attack, seed);
        let known = self.knowledge(&rows);
        let paid: Vec<&Labelled> = sample.paid().collect();
        folds(&paid, &known, &attack.substitute, seed)
    }
}

/// The folds take every fifth point; a sample with fewer points than folds has no figure, which is 0.
fn folds(
    paid: &[&Labelled],
    known: &Knowledge,
    options: &SubstituteOptions,
    seed: u64,
) -> Result<f64, StealError> {
    if paid.len() < FOLDS {
        return Ok(0.0);
    }
    let mut hits = 0;
    for fold in 0..FOLDS {
        let is_held = |at: usize| at % FOLDS == fold;
        let part = |held: bool| {
            let points = paid.iter().enumerate().filter(move |(at, _)| is_held(*at) == held);
            points.map(|(_, point)| Labelled::clone(point)).collect::<Vec<_>>()
        };
        let (substitute, _) = Classifier::fit(&part(false), known, options, seed)?;
        hits += part(true).iter().filter(|p| substitute.label(&p.values) == p.label).count();
    }
    Ok(hits as f64 / paid.len() as f64)
}

#[cfg(test)]
mod tests {
    use crate::dataset::ValidBox;
    use crate::steal::tests::{linear_target, rows};
    use crate::steal::{AttackName, Evaluation, run};

    use super::*;

    const ATTACK: &str = "attack = \"random\"\nqueries = 40\n[generator]\nkind = \"uniform\"\nradius = 9.0\n\
        [substitute]\nfamily = \"trees\"\ntrees = 5\n[choose]\nby = \"heldout\"\nvalues = [0.001, 1.5, 3.0]\n";

    #[test]
    fn the_best_of_the_lengths_is_kept_with_what_all_of_them_asked() {
        let model = linear_target();
        let valid = ValidBox::new(&model.schema);
        let (training, test) = (rows(&model, 80, 1), rows(&model, 200, 2));
        let evaluation = Evaluation::new(&model, &training, &test, &valid, 100, 0).unwrap();
        let scene = Scene {
            evaluation: &evaluation,
            defense: None,
            pool: &training,
            valid: &valid,
            proved: &[],
            proofs_about: None,
        };
        for by in [ChosenBy::Heldout, ChosenBy::Oracle] {
            let text = ATTACK.replace("heldout", by.name());
            let attack = AttackSpec::read(text.as_bytes()).unwrap();
            assert_eq!(AttackSpec::read(attack.to_toml().as_bytes()).unwrap(), attack);
            let found = run(&scene, &attack, 3, 7).unwrap();
            assert_eq!(found, run(&scene, &attack, 3, 7).unwrap());
            for repetition in &found {
                let chosen = repetition.chosen.unwrap();
                assert_eq!((chosen.by, chosen.tried), (by, 3));
                let alone = |length: f64| {
                    let alone = attack.with_length(length);
                    run(&scene, &alone, 1, repetition.seed).unwrap()[0]
                };
                let all = [0.001, 1.5, 3.0].map(alone);
                assert_eq!(chosen.asked, all.iter().map(|one| one.attack.queries).sum::<usize>());
                assert_eq!(alone(chosen.value).attack, repetition.attack);
                let best = all.iter().map(|one| one.attack.scores.agreement.held_out);
                if by == ChosenBy::Oracle {
                    assert_eq!(chosen.figure, best.fold(0.0, f64::max));
                }
            }
        }
    }

    #[test]
    fn lengths_that_are_no_choice_are_refused() {
        for (old, new, fact) in [
            ("[0.001, 1.5, 3.0]", "[1.0]", "from 2 to 32 lengths"),
            ("[0.001, 1.5, 3.0]", "[1.0, 1.0]", "there once"),
            ("[0.001, 1.5, 3.0]", "[1.0, -1.0]", "positive"),
            ("[0.001, 1.5, 3.0]", "[1.0, 1e9]", "1000000"),
            ("heldout", "guess", "guess"),
            ("\"random\"", "\"thresholds\"", "[choose]"),
        ] {
            let text = ATTACK.replace(old, new);
            assert_ne!(text, ATTACK);
            let error = AttackSpec::read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(fact), "{error}");
        }
        assert_eq!(AttackSpec::default_toml(AttackName::Random).matches("choose").count(), 0);
    }
}
