//! Posteriors that are seen on test rows and on uniform points. They are observed, not proved.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::dataset::ValidBox;
use crate::model::{Model, Part};
use crate::report::PosteriorFinding;

use super::run::AuditSubject;

/// Uniform points.
const UNIFORM: usize = 1_000;
/// The random stream of these points.
const STREAM: u64 = 19;

/// The posteriors that are seen.
pub(super) fn posterior(subject: &AuditSubject, score_span: Option<[f64; 2]>) -> PosteriorFinding {
    let model = subject.model;
    let rows = subject.data.part(Part::Test).iter().map(|row| reached(model, &row.values));
    let valid = ValidBox::new(&model.schema);
    let mut rng = ChaCha8Rng::seed_from_u64(subject.seed);
    rng.set_stream(STREAM);
    let uniform = (0..UNIFORM).map(|_| reached(model, &valid.uniform(&mut rng)));
    PosteriorFinding {
        on_rows: ends(rows),
        on_uniform: ends(uniform),
        uniform: UNIFORM as u64,
        score_span,
    }
}

/// The posterior of class 1, or with more classes of the winner.
fn reached(model: &Model, raw: &[f64]) -> f64 {
    let posterior = model.posterior(raw);
    match posterior.as_slice() {
        [_, one] => *one,
        several => several.iter().copied().fold(0.0, f64::max),
    }
}

fn ends(posteriors: impl Iterator<Item = f64>) -> [f64; 2] {
    posteriors.fold([1.0, 0.0], |[least, most], one| [least.min(one), most.max(one)])
}
