//! Cells that steal: one repetition of an attack on a model, as it is or behind a defense.

use crate::dataset::evenly;
use crate::model::{Part, Row};
use crate::oracle::Response;
use crate::steal::{
    AngleReading, AttackSpec, Generator, Labelled, Scene, SeedRows, Source, angles, run,
};

use super::StudyError;
use super::line::{CellAngles, StolenCell};
use super::workbench::{Workbench, expect_asked, expect_met};

/// Points of each side in the first of two comparisons of angles.
const FEW: usize = 50;

impl Workbench<'_> {
    /// Runs one repetition. The attacker is given the proofs about the model behind this very defense.
    pub(super) fn steal(
        &self,
        defense: Option<usize>,
        attack: usize,
        repetition: u64,
    ) -> Result<StolenCell, StudyError> {
        let named = &self.grid.attacks[attack];
        self.expect_named(&named.only)?;
        expect_met(&named.needs, self.data)?;
        expect_asked(defense, named.is_behind_defenses)?;
        if named.spec.response != Response::Label && !self.made.model.has_posterior() {
            let reason = "the scores of the model have no posterior; the attack needs one";
            return Err(StudyError::LeftOut(reason.to_owned()));
        }
        let chosen = defense.map(|defense| self.chosen(defense)).transpose()?;
        let defended = chosen.map(|chosen| &chosen.defense);
        let pool = self.data.part(match named.spec.seeds {
            SeedRows::P => Part::Train,
            SeedRows::X | SeedRows::Nothing => Part::Auxiliary,
        });
        let scene = Scene {
            evaluation: self.evaluation()?,
            defense: defended,
            pool,
            valid: &self.valid,
            proved: self.given(defense),
            proofs_about: defended,
        };
        let spec =
            AttackSpec { seed_rows: named.spec.seed_rows.min(pool.len()), ..named.spec.clone() };
        let seed = self.grid.seed.wrapping_add(repetition);
        let mut figures = run(&scene, &spec, 1, seed)?;
        let figures = figures.pop().ok_or(crate::report::ReportError::NoRepetitions)?;
        // what is stolen again is stolen by the length that was chosen
        let again = figures.chosen.map_or(spec.clone(), |chosen| spec.with_length(chosen.value));
        Ok(StolenCell {
            generator: match &spec.choose {
                Some(choice) => format!(
                    "{}, else one of {} by {}",
                    generator_text(&spec.generator),
                    choice.values.len(),
                    choice.by.name()
                ),
                None => generator_text(&spec.generator),
            },
            inference: spec.inference.name().to_owned(),
            budget: spec.queries as u64,
            seeds: spec.seed_rows as u64,
            figures,
            copied: match named.certified {
                Some(property) => self.copied(&scene, &again, seed, property)?,
                None => None,
            },
            angles: named.has_angles.then(|| self.angles(&scene, &again, seed)).transpose()?,
        })
    }

    /// The angles between gradients on test rows and on the points that a repetition made.
    fn angles(
        &self,
        scene: &Scene,
        spec: &AttackSpec,
        seed: u64,
    ) -> Result<CellAngles, StudyError> {
        let seeds = scene.seed_rows(spec, seed);
        let known = scene.knowledge(&seeds);
        let substitute = spec.attack().steal(&mut scene.oracle(spec, seed), &known, seed)?;
        let made = substitute.sample.points.get(spec.seed_rows..).unwrap_or_default();
        let benign = evenly(self.data.part(Part::Test), made.len());
        let benign: Vec<Labelled> = benign.map(|(_, row)| self.benign(row)).collect();
        let mean = |count: usize| {
            let some = evenly(&benign, count).map(|(_, point)| point.clone()).collect::<Vec<_>>();
            let points = (some, made[..count.min(made.len())].to_vec());
            let found = angles(
                &known,
                &spec.substitute,
                (&points.0, &points.1),
                AngleReading::Drift,
                seed,
            )?;
            Ok::<_, StudyError>(found.mean)
        };
        Ok(CellAngles { first: mean(FEW)?, all: mean(made.len())? })
    }

    /// A row with the target's label.
    fn benign(&self, row: &Row) -> Labelled {
        let label = self.made.model.label(&row.values);
        Labelled { values: row.values.clone(), label, source: Source::Paid, posterior: None }
    }
}

fn generator_text(generator: &Generator) -> String {
    match generator {
        Generator::Uniform { radius } => format!("uniform, r {radius}"),
        Generator::Gaussian { sigma, .. } => format!("gaussian, s {sigma}"),
        Generator::Repeat { radius, times, .. } => format!("groups of {times}, r {radius}"),
        Generator::Neighbour { radius } => format!("neighbour of a known point, r {radius}"),
        Generator::Along { radius } => format!("along proved order, r {radius}"),
        Generator::LineSearch { radius, local, .. } => {
            let on = if *local { "on the substitute" } else { "on the target" };
            format!("line search {on}, r {radius}")
        }
        Generator::Jacobian { epsilon, .. } => format!("Jacobian, ε {epsilon}"),
        Generator::Committee { radius, members, .. } => {
            format!("committee of {members}, r {radius}")
        }
    }
}
