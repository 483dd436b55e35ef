//! Cells that measure a model itself: its accuracy, its radii, and the facts that its certificates give away.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::certificate::Proved;
use crate::dataset::{auc_of, evenly, log_loss};
use crate::model::{Family, Layer, Model, Part, Row};
use crate::report::{GivesAway, PropertyName, SettledCurve, SettledPoint, Share, grouped};
use crate::steal::{Classifier, settled};
use crate::text::counted;

use super::grid::Leak;
use super::line::MeasuredCell;
use super::membership::membership;
use super::workbench::Workbench;
use super::{StudyError, radii};

/// Points of each reference set when labels are settled.
const REFERENCE: usize = 500;

impl Workbench<'_> {
    /// Measures the model without a defense.
    pub(super) fn measure(&self) -> Result<MeasuredCell, StudyError> {
        let model = &self.made.model;
        let test = self.data.part(Part::Test);
        let correct = test.iter().filter(|row| model.label(&row.values) == row.label).count();
        let own = Classifier::Model(Box::new(model.clone()));
        let measured: Vec<Row> =
            evenly(test, self.grid.radii_rows).map(|(_, row)| row.clone()).collect();
        let radii = (!measured.is_empty()).then(|| radii::summary(model, &measured)).flatten();
        Ok(MeasuredCell {
            family: model.family_name().to_owned(),
            size: size_of(model),
            accuracy: Share::new(correct as u64, test.len() as u64),
            f1: self.evaluation()?.scores(&own).f1,
            auc: auc_of(model, test),
            log_loss: log_loss(model, test),
            membership: membership(model, None, self.data),
            radii,
            gives_away: self.grid.leak.as_ref().and_then(|leak| self.gives_away(leak)),
        })
    }

    /// The facts that publishing the certificates gives away: labels of published rows
    /// without any query, and the part of two reference sets that a few paid queries settle. `None` if the
    /// published property says nothing here.
    fn gives_away(&self, leak: &Leak) -> Option<GivesAway> {
        let published = self.certificate(None, leak.published)?;
        let properties = 0..self.grid.properties.len();
        let kept = properties.filter_map(|property| self.certificate(None, property));
        let proved: Vec<Proved> = kept.flat_map(|kept| kept.proved.iter().cloned()).collect();
        let n = published.counts.n() + published.counts.invalid;
        let test = self.data.part(Part::Test);
        let rows: Vec<Vec<f64>> =
            evenly(test, REFERENCE).map(|(_, row)| row.values.clone()).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(self.grid.seed);
        rng.set_stream(REFERENCE as u64);
        let uniform: Vec<Vec<f64>> = (0..REFERENCE).map(|_| self.valid.uniform(&mut rng)).collect();
        let curve = |reference: String, points: &[Vec<f64>]| SettledCurve {
            claim: PropertyName::new("all certificates", "local invariance and monotonicity"),
            reference,
            how: "greedy, in hindsight: each query where it settles most".to_owned(),
            points: settled_points(&self.made.model, points, &proved, &leak.queries),
        };
        let claim = &published.claim;
        Some(GivesAway {
            published: Share::new(published.counts.proved, n),
            published_how: format!(
                "a row proved for its true label ({}, {}) tells the target's label there, no query needed",
                claim.property, claim.parameters
            ),
            settled: vec![
                curve(format!("{} test rows, at equal steps", rows.len()), &rows),
                curve(format!("{REFERENCE} points, uniform on the domain"), &uniform),
            ],
        })
    }
}

/// The points that so many queries settle, with the certificates and without them.
fn settled_points(
    model: &Model,
    points: &[Vec<f64>],
    proved: &[Proved],
    queries: &[usize],
) -> Vec<SettledPoint> {
    let most = queries.iter().copied().max().unwrap_or(0);
    let with = settled(model, points, proved, most);
    let alone = settled(model, points, &[], most);
    let point = |&queries: &usize| {
        let found = with.at(queries);
        let alone = alone.at(found.queries);
        let share = |settled: usize| Share::new(settled as u64, found.total as u64);
        SettledPoint {
            queries: found.queries as u64,
            settled: share(found.settled),
            by_answers_alone: share(alone.settled),
            wrong: found.wrong as u64,
        }
    };
    queries.iter().map(point).collect()
}

fn size_of(model: &Model) -> String {
    match &model.family {
        Family::Mlp(mlp) => {
            let widths: Vec<String> = std::iter::once(model.schema.len())
                .chain(mlp.layers.iter().map(Layer::outputs))
                .map(|width| width.to_string())
                .collect();
            let parameters: usize = mlp.layers.iter().map(|l| l.weights.len() + l.bias.len()).sum();
            let parameters = grouped(parameters as u64);
            format!("[{}] ReLU, {parameters} parameters", widths.join(", "))
        }
        Family::Ensemble(ensemble) => {
            let leaves: usize = ensemble.trees.iter().map(|tree| tree.leaves().count()).sum();
            let trees = counted(ensemble.trees.len(), "tree");
            format!("{trees}, {} leaves", grouped(leaves as u64))
        }
    }
}
