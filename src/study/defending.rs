//! Defenses of a study: the choice of their strength, and cells that measure their effect.

use crate::defend::{
    DecoyModel, DefendError, DefenseKind, changed_elsewhere, choose, defended_posterior, effect,
};
use crate::defense::Defense;
use crate::model::{Digest, Model, Part, Row};
use crate::report::Share;

use super::StudyError;
use super::grid::{GridDefense, Strength};
use super::line::DefendedCell;
use super::membership::membership;
use super::workbench::{Workbench, expect_met};

/// A defense, with the way it was chosen.
pub(super) struct Chosen {
    pub(super) defense: Defense,
    /// The model that it answers by where it is unsure, if one was trained.
    pub(super) decoy: Option<DecoyModel>,
    /// Digest of its file.
    pub(super) digest: Digest,
    how: String,
}

/// Refuses parameters that the defense does not have.
pub(super) fn expect_parameters(kind: DefenseKind, parameters: &str) -> Result<(), DefendError> {
    kind.with(Digest::of(b""), parameters, None).map(|_| ())
}

impl Workbench<'_> {
    /// The defense that the grid asks for. It is left out where even the weakest costs more than the points of
    /// accuracy that are allowed.
    pub(super) fn choose(&self, named: &GridDefense) -> Result<Chosen, StudyError> {
        self.expect_named(&named.only)?;
        expect_met(&named.needs, self.data)?;
        let (model, kind) = (&self.made.model, named.kind);
        let train = |outliers| DecoyModel::train(model, self.data, outliers, self.grid.seed);
        let decoy = named.decoy.map(train).transpose()?;
        let (defense, how) = match &named.strength {
            Strength::Given(parameters) => {
                let defense = kind.with(self.made.digest, parameters, decoy.as_ref())?;
                (defense, "given by the grid".to_owned())
            }
            Strength::Budget(points) => {
                let rows = self.data.part(Part::Validation);
                let choice =
                    choose((kind, decoy.as_ref()), (model, self.made.digest), rows, *points)?;
                let points = points_text(*points);
                if choice.is_identity {
                    return Err(StudyError::LeftOut(format!(
                        "even the weakest {} costs more than {points} on validation rows",
                        kind.words()
                    )));
                }
                let percent = |accuracy: f64| format!("{:.1}%", 100.0 * accuracy);
                let how = format!(
                    "largest that costs at most {points} on validation rows, {} → {} there",
                    percent(choice.accuracy_before),
                    percent(choice.accuracy_after)
                );
                (choice.defense, how)
            }
            Strength::AsFarAs(place) => {
                let like = &self.grid.defenses[*place];
                let threshold = self.choose(like)?.defense.turns_below();
                let threshold = threshold
                    .ok_or_else(|| StudyError::LeftOut(format!("{} turns no labels", like.name)))?;
                let defense = Defense::poisoning_below(self.made.digest, &threshold);
                let how = format!(
                    "labels turn below a confidence of {:.4}, as by {}",
                    threshold.down(),
                    like.name
                );
                (defense.map_err(DefendError::from)?, how)
            }
        };
        let how = match named.decoy {
            None => how,
            Some(outliers) => {
                format!("{how}; decoy trained on turned labels of {}", outliers.words())
            }
        };
        defense.check_model(model).map_err(DefendError::from)?;
        let digest = Digest::of(defense.to_json().as_bytes());
        Ok(Chosen { defense, decoy, digest, how })
    }

    /// The costs of a defense to the honest user.
    pub(super) fn measure_defense(&self, chosen: &Chosen) -> Result<DefendedCell, StudyError> {
        let test = self.data.part(Part::Test);
        let effect = effect(&self.made.model, &chosen.defense, test)?;
        let share =
            |part: f64| Share::new((part * test.len() as f64).round() as u64, test.len() as u64);
        Ok(DefendedCell {
            kind: chosen.defense.kind().to_owned(),
            strength: chosen.defense.parameters(),
            chosen: chosen.how.clone(),
            defense: chosen.digest,
            accuracy_before: share(effect.accuracy_before),
            accuracy_after: share(effect.accuracy_after),
            label_flips: share(effect.flipped),
            posterior_shift: match chosen.defense.randomised() {
                // labels are answered, and one that changes moves all of its share
                Some(_) => 2.0 * effect.flipped,
                None => posterior_shift(&self.made.model, &chosen.defense, test),
            },
            membership: membership(&self.made.model, Some(&chosen.defense), self.data),
            f1_after: Some(effect.f1_after),
            elsewhere: Some(changed_elsewhere(
                (&self.made.model, &chosen.defense),
                &self.valid,
                test,
                self.grid.seed,
            )?),
        })
    }
}

fn points_text(points: f64) -> String {
    if points == 1.0 {
        "one accuracy point".to_owned()
    } else {
        format!("{points} accuracy points")
    }
}

/// Mean 1-norm distance between defended and undefended posterior.
fn posterior_shift(model: &Model, defense: &Defense, rows: &[Row]) -> f64 {
    let shift = |row: &Row| {
        let posterior = model.posterior(&row.values);
        let answered = defended_posterior(model, defense, &row.values);
        posterior.iter().zip(&answered).map(|(p, q)| (p - q).abs()).sum::<f64>()
    };
    rows.iter().map(shift).sum::<f64>() / rows.len().max(1) as f64
}
