//! From claims to the statements that the kernel understands.
//!
//! The transcendental step is done once per spec, rounded outward. With two classes and margin
//! `m = f_1 − f_0`, `s = ±1` for label 1 and 0:
//!
//! ```text
//! F_y > 1 − δ            ⇔  s·m > τ,   τ = ln((1−δ)/δ)
//! ‖F‖² < e^ε/(e^ε + 1)   ⇔  |m| < μ,   μ = 2·artanh √tanh(ε/2)
//! ```
//!
//! A threshold is an interval `[τ⁻, τ⁺]`: proofs must clear τ⁺, refutations must not exceed τ⁻.

mod avoid;
mod carried;
mod change;
mod error;
mod fuzz;
mod kind;
mod monotone;
mod obligation;
mod pair;
mod pairs;
mod posterior;
mod score;

use std::sync::Arc;

use crate::defense::Defense;
use crate::interval::Rational;
use crate::model::{Model, Point, Precision, Row, argmax};

use super::region::Metric;
use super::{Domain, LabelSource, On, Property, RawRegion, Semantics, Spec};
use carried::Carried;
use error::unsupported;
use kind::Lowering;

pub use avoid::{Halfspace, OutputBlock};
pub use error::LowerError;
pub use obligation::{Claim, Obligation, Standing, Threshold};
pub use pair::{Aim, Bonds, Confidence, Pair, Regions, norm_squared, square_distance};
pub use pairs::PairBound;

/// A spec applied to a model and rows: a list of obligations, made one by one.
#[derive(Debug)]
pub struct Lowered<'a> {
    model: &'a Model,
    spec: &'a Spec,
    rows: &'a [Row],
    semantics: Semantics,
    domain: Domain,
    kind: Lowering,
    defense: Option<Defense>,
    carried: Carried,
}

impl<'a> Lowered<'a> {
    /// Checks that `spec` makes sense for `model` and prepares its obligations over `rows`.
    pub fn new(
        spec: &'a Spec,
        model: &'a Model,
        defense: Option<&Defense>,
        rows: &'a [Row],
    ) -> Result<Self, LowerError> {
        let domain = Domain::new(&model.schema, &spec.domain, spec.integers)?;
        if let Some(defense) = defense.filter(|_| model.classes != 2) {
            return Err(unsupported(defense.to_string(), "a defense is a map of two posteriors"));
        }
        score::expect_claim_about_score(spec, model)?;
        score::expect_posterior(spec, model, defense.is_some())?;
        let carried = Carried::new(&spec.property, defense);
        let kind = Lowering::new(spec, model, matches!(carried, Carried::Lost), &domain, rows)?;
        let semantics = effective_semantics(spec, model)?;
        let defense = defense.cloned();
        let lowered = Self { model, spec, rows, semantics, domain, kind, defense, carried };
        lowered.check_labels()?;
        lowered.whole_domain()?;
        Ok(lowered)
    }

    /// The function that the obligations are about.
    pub fn semantics(&self) -> Semantics {
        self.semantics
    }

    /// The defense in front of the model, if the claims are about the defended model.
    pub fn defense(&self) -> Option<&Defense> {
        self.defense.as_ref()
    }

    /// Per feature, true if it takes whole numbers only.
    pub fn is_whole(&self) -> &[bool] {
        self.domain.is_whole()
    }

    /// The rows that the claims are about, or are made around.
    pub fn rows(&self) -> &'a [Row] {
        self.rows
    }

    /// True if the point lies in the domain; a row outside it is invalid.
    pub fn is_in_domain(&self, point: &Point) -> bool {
        self.domain.contains(point)
    }

    /// True if the claim is the boundary property.
    pub fn is_fuzz(&self) -> bool {
        matches!(self.kind, Lowering::Fuzz { .. })
    }

    /// True if the claim is about points that are close.
    pub fn is_near(&self) -> bool {
        matches!(self.kind, Lowering::Near { .. })
    }

    /// True if posteriors of two points are compared.
    pub fn compares_posteriors(&self) -> bool {
        match &self.kind {
            Lowering::Near { claim } => {
                let aim = claim.pair().map(|pair| &pair.aim);
                matches!(aim, Some(Aim::Close { on: On::Posterior, .. }))
            }
            Lowering::Change { changes } => changes.is_on_posterior(),
            Lowering::Lipschitz { .. } => true,
            Lowering::Label { .. }
            | Lowering::Posterior { .. }
            | Lowering::Monotone { .. }
            | Lowering::Fuzz { .. }
            | Lowering::Avoid { .. }
            | Lowering::AllPairs { .. } => false,
        }
    }

    /// True if the claims are about a point and a copy of it with some features changed.
    pub fn is_change(&self) -> bool {
        matches!(self.kind, Lowering::Change { .. })
    }

    /// The bound on two rows, and the length of a raw unit per feature, if the claim is about all pairs.
    pub fn pair_bound(&self) -> Option<(&PairBound, &[Rational])> {
        let Lowering::AllPairs { claim: Claim::AllPairs { bound, weights } } = &self.kind else {
            return None;
        };
        Some((bound, weights))
    }

    /// The unsafe blocks and the number of copies, if the claim is about output regions.
    pub fn blocks(&self) -> Option<(&[OutputBlock], usize)> {
        let Lowering::Avoid { claim: Claim::Avoid { blocks, copies }, .. } = &self.kind else {
            return None;
        };
        Some((blocks, *copies))
    }

    /// Number of obligations.
    pub fn len(&self) -> usize {
        match &self.kind {
            Lowering::Avoid { regions, .. } => regions.len(),
            Lowering::AllPairs { .. } | Lowering::Near { .. } => 1,
            Lowering::Change { changes } => changes.len(),
            Lowering::Lipschitz { distinct, .. } => {
                distinct.len() * distinct.len().saturating_sub(1) / 2
            }
            Lowering::Label { .. } | Lowering::Posterior { .. } => self.rows.len(),
            Lowering::Monotone { metric, features, .. } => {
                features.len() * if metric.is_some() { self.rows.len() } else { 1 }
            }
            Lowering::Fuzz { metric, .. } => {
                if metric.is_some() {
                    self.rows.len()
                } else {
                    1
                }
            }
        }
    }

    /// True if there are no obligations.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row that an obligation is about, if it is about one.
    pub fn row_of(&self, at: usize) -> Option<usize> {
        match &self.kind {
            Lowering::Label { .. } | Lowering::Posterior { .. } => Some(at),
            Lowering::Monotone { metric, features, .. } => {
                metric.is_some().then(|| at / features.len().max(1))
            }
            Lowering::Fuzz { metric, .. } => metric.is_some().then_some(at),
            Lowering::Avoid { .. } | Lowering::AllPairs { .. } => None,
            Lowering::Near { .. } | Lowering::Change { .. } | Lowering::Lipschitz { .. } => None,
        }
    }

    /// The obligation of that index; `None` from [`Lowered::len`] on.
    pub fn obligation(&self, at: usize) -> Option<Obligation> {
        if at >= self.len() {
            return None;
        }
        if let Lowering::Lipschitz { .. } = &self.kind {
            return self.boxes(at);
        }
        let (metric, claim) = match &self.kind {
            Lowering::Label { metric } => (Some(metric), Claim::Label { label: self.label(at)? }),
            Lowering::Posterior { metric, claim } => (Some(metric), self.with_label(claim, at)?),
            Lowering::Monotone { metric, features, direction, class } => {
                let feature = *features.get(at % features.len())?;
                let claim = monotone::claim(feature, *direction, *class);
                (metric.as_ref(), claim)
            }
            Lowering::Fuzz { metric, claim } => (metric.as_ref(), claim.clone()),
            Lowering::Avoid { claim, .. }
            | Lowering::AllPairs { claim }
            | Lowering::Near { claim } => (None, claim.clone()),
            Lowering::Change { changes } => (None, changes.claim(at)?),
            Lowering::Lipschitz { .. } => return None,
        };
        let sufficient = self.sufficient(&claim, at);
        let (standing, region) = self.place(at, metric)?;
        let standing = if claim.has_no_partners() { Standing::Invalid } else { standing };
        Some(Obligation { at, standing, claim, sufficient, region })
    }

    /// The obligation of two rows of [`Lowering::Lipschitz`].
    fn boxes(&self, at: usize) -> Option<Obligation> {
        let Lowering::Lipschitz { metric, norm, constant, distinct } = &self.kind else {
            return None;
        };
        let (a, b) = pairs::pair_at(at, distinct.len())?;
        let centre =
            |position: usize| Point::from_floats(&self.rows.get(*distinct.get(position)?)?.values);
        let centres = [centre(a)?, centre(b)?];
        let is_valid = centres.iter().all(|centre| self.domain.contains(centre));
        let boxes = centres.map(|centre| RawRegion::ball(&centre, metric, &self.domain));
        let claim = Claim::Pair(Pair {
            bonds: Bonds::Free,
            regions: Regions::Each(Arc::new(boxes.clone())),
            aim: Aim::Lipschitz {
                units: metric.weights().iter().map(pairs::raw_unit).collect(),
                norm: *norm,
                constant: constant.clone(),
            },
        });
        let [first, second] = boxes;
        Some(Obligation {
            at,
            standing: if is_valid { Standing::Open } else { Standing::Invalid },
            sufficient: self.sufficient(&claim, at),
            claim,
            region: first.hull(&second),
        })
    }

    /// The region of an obligation, and its standing: invalid if its row is outside the domain or the region is
    /// void.
    fn place(&self, at: usize, metric: Option<&Arc<Metric>>) -> Option<(Standing, RawRegion)> {
        let Some(metric) = metric else {
            let region = match &self.kind {
                Lowering::Avoid { regions, .. } => regions.get(at)?.clone(),
                Lowering::AllPairs { .. } => RawRegion::plain(Vec::new(), Arc::default()),
                Lowering::Label { .. }
                | Lowering::Posterior { .. }
                | Lowering::Monotone { .. }
                | Lowering::Fuzz { .. }
                | Lowering::Near { .. }
                | Lowering::Change { .. }
                | Lowering::Lipschitz { .. } => self.domain.region().ok()?,
            };
            let is_void = region.is_empty() || region.is_excluded();
            let standing = if is_void { Standing::Invalid } else { Standing::Open };
            return Some((standing, region));
        };
        let centre = Point::from_floats(&self.rows.get(self.row_of(at)?)?.values)?;
        let is_valid = self.domain.contains(&centre);
        let standing = if is_valid { Standing::Open } else { Standing::Invalid };
        Some((standing, RawRegion::ball(&centre, metric, &self.domain)))
    }

    /// The label that an obligation about a row is made for.
    fn label(&self, at: usize) -> Option<usize> {
        let row = self.rows.get(self.row_of(at)?)?;
        match self.spec.label {
            LabelSource::True => Some(row.label),
            LabelSource::Predicted => {
                let scores = self.model.exact_scores(&Point::from_floats(&row.values)?);
                Some(argmax(&scores, self.model.tie))
            }
        }
    }

    /// The claim about the undefended model that suffices for a claim; `None` if the defense loses it.
    fn sufficient(&self, claim: &Claim, at: usize) -> Option<Claim> {
        match &self.carried {
            Carried::Itself => Some(claim.clone()),
            Carried::Posterior(posterior) => self.with_label(posterior, at),
            Carried::Lost => None,
        }
    }

    fn with_label(&self, claim: &Claim, at: usize) -> Option<Claim> {
        let Claim::Posterior { threshold, odds, .. } = claim else { return Some(claim.clone()) };
        let (threshold, odds) = (threshold.clone(), odds.clone());
        Some(Claim::Posterior { label: self.label(at)?, threshold, odds })
    }

    /// Refuses labels that the model does not know. A claim about a plain score does not look at the labels of
    /// rows.
    fn check_labels(&self) -> Result<(), LowerError> {
        if self.model.is_plain_score() {
            return Ok(());
        }
        let classes = self.model.classes;
        let unknown = self.rows.iter().enumerate().find(|(_, row)| row.label >= classes);
        unknown.map_or(Ok(()), |(index, row)| {
            Err(LowerError::Label { row: index, label: row.label, classes })
        })
    }

    /// Refuses a claim on the whole domain if a feature has no range.
    fn whole_domain(&self) -> Result<(), LowerError> {
        let is_local = match &self.kind {
            Lowering::Label { .. } | Lowering::Posterior { .. } => true,
            Lowering::Avoid { .. } | Lowering::AllPairs { .. } | Lowering::Lipschitz { .. } => true,
            Lowering::Near { .. } | Lowering::Change { .. } => false,
            Lowering::Monotone { metric, .. } | Lowering::Fuzz { metric, .. } => metric.is_some(),
        };
        if is_local {
            return Ok(());
        }
        self.domain.region().map(|_| ()).map_err(|index| LowerError::Unbounded {
            name: self
                .model
                .schema
                .features()
                .get(index)
                .map_or_else(String::new, |f| f.name.clone()),
        })
    }
}

/// The semantics of the spec, or the default: served for claims about one point of an f32 model, else real.
fn effective_semantics(spec: &Spec, model: &Model) -> Result<Semantics, LowerError> {
    let is_about_one_point =
        matches!(spec.property, Property::Label(_) | Property::LocalInvariance(_));
    let default = if is_about_one_point && model.precision == Precision::F32 {
        Semantics::ServedF32
    } else {
        Semantics::Real
    };
    let semantics = spec.semantics.unwrap_or(default);
    if semantics == Semantics::Real {
        return Ok(semantics);
    }
    if !is_about_one_point {
        let what = format!("property `{}` under served-f32", spec.property.name());
        let why = "a rounded program may step back by its rounding error; use semantics = \"real\"";
        return Err(unsupported(what, why));
    }
    if model.precision != Precision::F32 {
        return Err(unsupported("served-f32", "the model's precision is not f32"));
    }
    Ok(semantics)
}
