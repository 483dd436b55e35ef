//! Cells that steal: one repetition of an attack on a model, as it is or behind a defense.

use crate::model::Part;
use crate::oracle::Response;
use crate::steal::{AttackSpec, Generator, Scene, SeedRows, run};

use super::StudyError;
use super::line::StolenCell;
use super::workbench::{Workbench, expect_asked, expect_met};

impl Workbench<'_> {
    /// Runs one repetition. The attacker is given the proofs about the model behind this very defense.
    pub(super) fn steal(
        &self,
        defense: Option<usize>,
        attack: usize,
        repetition: u64,
    ) -> Result<StolenCell, StudyError> {
        let named = &self.grid.attacks[attack];
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
        let mut figures = run(&scene, &spec, 1, self.grid.seed.wrapping_add(repetition))?;
        let figures = figures.pop().ok_or(crate::report::ReportError::NoRepetitions)?;
        Ok(StolenCell {
            generator: generator_text(&spec.generator),
            inference: spec.inference.name().to_owned(),
            budget: spec.queries as u64,
            seeds: spec.seed_rows as u64,
            figures,
        })
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
