//! One line of results per cell, as JSON. A line holds no clock, host or path of the machine, so a cell gives the same
//! bytes wherever it is run.

use serde::{Deserialize, Serialize};

use crate::defend::ChangedElsewhere;
use crate::model::Digest;
use crate::report::{CertificateReport, Counts, GivesAway, RadiiReport, ReportError, Share};
use crate::steal::{Inference, Repetition};

use super::StudyError;
use super::cell::{Cell, Layout};

/// The results of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultLine {
    /// The place of the cell in its grid.
    pub index: u64,
    /// The key of the cell.
    pub key: String,
    /// Seed of everything random in the cell.
    pub seed: u64,
    /// Seed of the training of the model; absent if it is not trained here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_seed: Option<u64>,
    /// Digest of the model file; absent if there is no model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Digest>,
    /// The outcome.
    pub result: CellResult,
}

/// The outcome of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellResult {
    /// A certificate was written and checked.
    Certified(Box<CertifiedCell>),
    /// The model was stolen, once.
    Stolen(Box<StolenCell>),
    /// The model was measured.
    Measured(Box<MeasuredCell>),
    /// The defense was measured.
    Defended(Box<DefendedCell>),
    /// The cell says nothing here: a condition is not met, or the claim is not about such models.
    LeftOut {
        /// Reason, in words.
        reason: String,
    },
    /// The cell was run and ended early.
    Failed {
        /// Reason, in words.
        reason: String,
    },
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertifiedCell {
    /// The counts of the kernel, with the file of the certificate.
    pub report: CertificateReport,
    /// Digest of that file.
    pub certificate: Digest,
    /// Digest of the spec file.
    pub spec: Digest,
    /// True if the claim is about rows of the data.
    pub is_about_rows: bool,
}

/// One repetition of an attack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StolenCell {
    /// Text on the synthesis of points.
    pub generator: String,
    /// The rule by which labels are inferred.
    pub inference: String,
    /// Query budget, seed rows included.
    pub budget: u64,
    /// Seed rows.
    pub seeds: u64,
    /// The figures, beside those of comparable runs.
    pub figures: Repetition,
    /// Angles of gradients on benign and on made points, where the grid asks for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angles: Option<CellAngles>,
    /// Counts of the kernel on the property of the grid that the substitute is certified for, where the grid asks for it;
    /// absent as well for a substitute that is a constant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied: Option<Counts>,
}

/// Mean angles of gradients, in degrees, at weights that take a step after each point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellAngles {
    /// Between the first 50 test rows and the first 50 points that the attack made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<f64>,
    /// Between as many test rows as the attack made points, and all of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub all: Option<f64>,
}

/// The model itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredCell {
    /// `mlp` or `ensemble`.
    pub family: String,
    /// Size in words.
    pub size: String,
    /// Correct predictions on the test part.
    pub accuracy: Share,
    /// F1 on the test part.
    pub f1: f64,
    /// The share of pairs of test rows of the two classes that the score orders rightly; absent with more classes, or
    /// if one of them has no row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auc: Option<f64>,
    /// Mean of `−ln F_y` on the test part, in nats.
    pub log_loss: f64,
    /// The share of pairs in which the training row has the higher posterior of its label than the test row, ties counted
    /// half: ½ is chance; absent without posteriors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<f64>,
    /// A summary of the radii of test rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub radii: Option<RadiiReport>,
    /// Facts that the certificates give away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives_away: Option<GivesAway>,
}

/// The effect of a defense on the answers for test rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DefendedCell {
    /// Kind of the defense.
    pub kind: String,
    /// Strength as text.
    pub strength: String,
    /// Text on the choice of the strength.
    pub chosen: String,
    /// Digest of the defense file.
    pub defense: Digest,
    /// Correct predictions without the defense.
    pub accuracy_before: Share,
    /// Correct predictions with the defense.
    pub accuracy_after: Share,
    /// Rows whose label the defense changes.
    pub label_flips: Share,
    /// Mean 1-norm distance between defended and undefended posterior.
    pub posterior_shift: f64,
    /// Training rows told from test rows by the defended posterior, as in [`MeasuredCell`]; absent where labels are drawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership: Option<f64>,
    /// F1 of the rarer class of the test rows with the defense; absent in lines of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f1_after: Option<f64>,
    /// Labels that the defense changes away from the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<ChangedElsewhere>,
}

impl ResultLine {
    /// The line with its end.
    ///
    /// # Errors
    /// A figure that is not finite; JSON could not hold it.
    pub fn text(&self) -> Result<String, ReportError> {
        let text = serde_json::to_string(self)
            .map_err(|error| ReportError::Unreadable { reason: error.to_string() })?;
        // JSON has no NaN and no infinity: they become null, which cannot be read back
        match serde_json::from_str::<Self>(&text) {
            Ok(read) if read == *self => Ok(text + "\n"),
            _ => Err(ReportError::NotRepresentable),
        }
    }

    /// Reads a line, and finds its cell.
    ///
    /// # Errors
    /// A text that is no line, or a line of another grid.
    pub fn read(text: &[u8], layout: &Layout) -> Result<(Cell, Self), String> {
        let line: Self = serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let index = line.index;
        let cell =
            layout.at(index).ok_or_else(|| format!("there is no cell {index} in the grid"))?;
        let key = layout.key(&cell);
        if line.key != key {
            return Err(format!("cell {index} is called `{:.200}`; expected `{key}`", line.key));
        }
        Ok((cell, line))
    }

    /// True if nothing in it is other than it should be: the cell did not fail, its certificate was confirmed, and no
    /// inferred label is wrong.
    pub fn is_as_stated(&self) -> bool {
        match &self.result {
            CellResult::Certified(certified) => certified.report.checked,
            CellResult::Stolen(stolen) => {
                // rules that guarantee nothing may guess wrong
                let is_proved = stolen.inference == Inference::Certified.name();
                !is_proved || stolen.figures.attack.wrong == 0
            }
            CellResult::Measured(measured) => {
                let settled = measured.gives_away.iter().flat_map(|given| &given.settled);
                settled.flat_map(|curve| &curve.points).all(|point| point.wrong == 0)
            }
            CellResult::Defended(_) | CellResult::LeftOut { .. } => true,
            CellResult::Failed { .. } => false,
        }
    }
}

impl CellResult {
    /// The outcome of a cell that ended early.
    ///
    /// # Errors
    /// A failure that is not the cell's: results could not be written.
    pub(super) fn of_error(error: StudyError) -> Result<Self, StudyError> {
        match error {
            StudyError::Store(_) | StudyError::Source(_) => Err(error),
            error if error.leaves_out() => Ok(Self::LeftOut { reason: error.to_string() }),
            error => Ok(Self::Failed { reason: error.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::steal::{Agreement, Figures, Scores};

    use super::*;

    fn layout() -> Layout {
        let names = |name: &str| vec![name.to_owned()];
        let (data, models, attacks) = (names("d"), names("m"), names("a"));
        let (properties, defenses) = (Vec::new(), Vec::new());
        Layout { data, models, properties, attacks, defenses, repetitions: 2 }
    }

    fn stolen(f1: f64) -> ResultLine {
        let agreement = Agreement { held_out: 0.1 + 0.2, uniform: 1.0 / 3.0, boundary: None };
        let scores = Scores { agreement, mse: 1e-300, f1 };
        let attack = Figures {
            queries: 3,
            labelled: 4,
            inferred: 1,
            wrong: 0,
            duplicates: 0,
            steps: u64::MAX,
            scores,
            inference: None,
            moves: None,
            intervals: None,
        };
        let figures = Repetition {
            seed: 8,
            attack,
            without_inference: attack,
            same_steps: None,
            ceiling: None,
            majority: scores,
            seeds_only: Some(scores),
            chosen: None,
        };
        let stolen = StolenCell {
            generator: "uniform, r 2".to_owned(),
            inference: "certified".to_owned(),
            budget: 3,
            seeds: 1,
            figures,
            angles: None,
            copied: None,
        };
        ResultLine {
            index: 1,
            key: "d/m/none/steal/a/1".to_owned(),
            seed: 8,
            training_seed: Some(7),
            model: Some(Digest::of(b"m")),
            result: CellResult::Stolen(Box::new(stolen)),
        }
    }

    #[test]
    fn a_line_is_read_back_as_it_was() {
        let line = stolen(0.7);
        let text = line.text().unwrap();
        assert_eq!(text.matches('\n').count(), 1);
        let (cell, read) = ResultLine::read(text.as_bytes(), &layout()).unwrap();
        assert_eq!((cell.index, &read), (1, &line));
        assert_eq!(read.text().unwrap(), text);
    }

    #[test]
    fn figures_that_are_not_finite_have_no_line() {
        assert_eq!(stolen(f64::NAN).text(), Err(ReportError::NotRepresentable));
        assert_eq!(stolen(f64::INFINITY).text(), Err(ReportError::NotRepresentable));
    }

    #[test]
    fn lines_of_other_grids_and_torn_ones_are_refused() {
        let text = stolen(0.7).text().unwrap();
        for (changed, fact) in [
            (text.replace("steal/a/1", "steal/a/0"), "expected `d/m/none/steal/a/1`"),
            (text.replace("\"index\":1", "\"index\":0"), "expected `d/m/none/steal/a/0`"),
            (text.replace("\"index\":1", "\"index\":9"), "there is no cell 9"),
            (text.replace("\"seed\":8,\"training", "\"speed\":8,\"training"), "speed"),
            (text.replace("\"stolen\"", "\"found\""), "found"),
            (text[..40].to_owned(), "EOF"),
            (String::new(), "EOF"),
        ] {
            let message = ResultLine::read(changed.as_bytes(), &layout()).unwrap_err();
            assert!(message.contains(fact), "{changed}\n{message}");
        }
    }

    #[test]
    fn a_wrong_label_and_a_failure_are_not_as_stated() {
        let mut line = stolen(0.7);
        assert!(line.is_as_stated());
        if let CellResult::Stolen(stolen) = &mut line.result {
            stolen.figures.attack.wrong = 1;
        }
        assert!(!line.is_as_stated());
        line.result = CellResult::Failed { reason: "no rows".to_owned() };
        assert!(!line.is_as_stated());
        line.result = CellResult::LeftOut { reason: "three classes".to_owned() };
        assert!(line.is_as_stated());
    }
}
