//! The points near which no other label is: proved one by one by the cheap rules of the kernel.

use rayon::prelude::*;

use crate::certificate::{Proof, Subject};
use crate::certify::{Options, Searcher};
use crate::defense::{ResponseUnits, ResponseZone};
use crate::model::{Digest, Model, Row};
use crate::spec::{Lowered, Spec};

use super::super::DefendError;

/// Cases of a search over the cells of an ensemble, per point.
pub(super) const NODES: u64 = 200;

/// The claim that a point is outside the zone, `label` within Δ; `None` with a band, which needs no proof.
#[derive(Clone, Debug)]
pub(super) struct ZoneTest(Option<Box<(Spec, String)>>);

impl ZoneTest {
    pub(super) fn new(zone: &ResponseZone, units: ResponseUnits) -> Result<Self, DefendError> {
        let ResponseZone::Ball { shift } = zone else { return Ok(Self(None)) };
        let units = match units {
            ResponseUnits::Standardised => "standardised",
            ResponseUnits::Raw => "raw",
        };
        let text = format!(
            "# No point this near to an answered one has another label.\nproperty = \"label\"\nepsilon = \"{shift}\"\n\
             norm = \"linf\"\nunits = \"{units}\"\nsemantics = \"real\"\n"
        );
        let spec = Spec::read(text.as_bytes()).expect("a positive decimal makes a spec");
        Ok(Self(Some(Box::new((spec, text)))))
    }

    /// The spec and its text.
    pub(super) fn spec(&self) -> Option<(&Spec, &str)> {
        self.0.as_deref().map(|(spec, text)| (spec, text.as_str()))
    }

    /// For each point its label with a proof, if one was found.
    ///
    /// # Errors
    /// A model that claims about labels are not made of.
    pub(super) fn proofs(
        &self,
        model: &Model,
        points: &[Vec<f64>],
    ) -> Result<Vec<Option<(usize, Proof)>>, DefendError> {
        let Some((spec, _)) = self.spec() else { return Ok(vec![None; points.len()]) };
        // what is proved of this label is proved; floats only guess it
        let row = |point: &Vec<f64>| Row {
            values: point.clone(),
            label: model.label(point),
            key: Digest::of(b""),
        };
        let rows: Vec<Row> = points.par_iter().map(row).collect();
        let lowered = Lowered::new(spec, model, None, &rows)?;
        let subject = Subject { model: (model, Digest::of(b"")), spec, data: None, defense: None };
        let options = Options { budget_nodes: NODES, attack_starts: 0, ..Options::default() };
        let searcher = Searcher::new(subject, &lowered, &rows, options);
        let prove = |at: usize| Some((rows[at].label, searcher.prove_cheaply(at)?));
        Ok((0..rows.len()).into_par_iter().map(prove).collect())
    }
}
