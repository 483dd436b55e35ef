//! Property theft: a property of the grid, asked of the substitute as it is of its target.

use crate::certificate::Settings;
use crate::model::{Digest, Model};
use crate::report::Counts;
use crate::spec::Spec;
use crate::steal::{AttackSpec, Classifier, Scene};

use super::StudyError;
use super::workbench::Workbench;

impl Workbench<'_> {
    /// The counts of the kernel on a property of the grid and the substitute of a repetition. `None` for a substitute that
    /// answers one class and is no model, and where the property says nothing here.
    pub(super) fn copied(
        &self,
        scene: &Scene,
        spec: &AttackSpec,
        seed: u64,
        property: usize,
    ) -> Result<Option<Counts>, StudyError> {
        let seeds = scene.seed_rows(spec, seed);
        let known = scene.knowledge(&seeds);
        let stolen = spec.attack().steal(&mut scene.oracle(spec, seed), &known, seed)?;
        match &stolen.classifier {
            Classifier::Model(model) => match self.counts_of(model, property) {
                // the theft has its figures all the same
                Err(error) if error.leaves_out() => Ok(None),
                counts => counts.map(Some),
            },
            Classifier::Constant { .. } => Ok(None),
        }
    }

    /// The counts of the kernel on a certificate that is written for no file.
    fn counts_of(&self, model: &Model, property: usize) -> Result<Counts, StudyError> {
        let spec = Spec::read(self.text_of(property)?.as_bytes())?;
        let digest = Digest::of(model.to_json().as_bytes());
        let task = self.task((model, digest), (&spec, property), None);
        let certificate = task.certify(&mut |_, _| {})?;
        let decision = task.subject.decide(&certificate.text, Settings::default())?;
        Ok(decision.checked.tally.all)
    }
}
