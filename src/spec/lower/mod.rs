//! From claims to the statements that the kernel understands. A property's file says which claims it makes; here
//! are their shapes ([`Lowering`]), and their obligations one by one.
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
mod error;
mod obligation;
mod pair;
mod pairs;
mod score;
mod setting;
mod shape;

use std::sync::Arc;

use crate::defense::Defense;
use crate::interval::Rational;
use crate::model::{Model, Point, Precision, Row};

use super::{Domain, LabelSource, RawRegion, Semantics, Spec};
use carried::Carried;

pub use avoid::{Halfspace, OutputBlock};
pub use error::LowerError;
pub(super) use error::{meaningless, unsupported};
pub use obligation::{Claim, Obligation, Standing, Threshold};
pub use pair::{Aim, Bonds, Confidence, Pair, Regions, norm_squared, square_distance};
pub use pairs::PairBound;
pub(super) use setting::Setting;
pub(super) use shape::{Lowering, Places, Variation};

/// A spec applied to a model and rows: a list of obligations, made one by one.
#[derive(Debug)]
pub struct Lowered<'a> {
    setting: Setting<'a>,
    lowering: Lowering,
    semantics: Semantics,
    defense: Option<Defense>,
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
        if let Some(defense) = defense.filter(|defense| !defense.takes(model.classes)) {
            let what = format!("{} in front of {} classes", defense.kind(), model.classes);
            return Err(unsupported(
                what,
                "it is a map of two posteriors; vertex-poisoning takes more",
            ));
        }
        let asked = spec.property.profile().asked;
        let carried = Carried::new(asked.clone(), defense);
        let setting = Setting { spec, model, rows, domain, carried };
        score::expect_claim_about_score(&setting)?;
        score::expect_posterior(&setting, defense.is_some())?;
        setting.expect_decided(&asked)?;
        let lowering = spec.property.lower(&setting)?;
        let semantics = effective_semantics(&setting)?;
        setting.expect_labels()?;
        if let Places::Domain = lowering.places {
            setting.whole_domain()?;
        }
        Ok(Self { setting, lowering, semantics, defense: defense.cloned() })
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
        self.setting.domain.is_whole()
    }

    /// The rows that the claims are about, or are made around.
    pub fn rows(&self) -> &'a [Row] {
        self.setting.rows
    }

    /// The domain of the claims.
    pub fn domain(&self) -> &Domain {
        &self.setting.domain
    }

    /// The raw half widths of the boxes around rows, per feature, if the claims are made there.
    #[cfg(any(test, feature = "advice"))]
    pub fn reach(&self) -> Option<&[Rational]> {
        let Places::Rows(metric) = &self.lowering.places else { return None };
        Some(metric.reach())
    }

    /// True if the point lies in the domain; a row outside it is invalid.
    pub fn is_in_domain(&self, point: &Point) -> bool {
        self.setting.domain.contains(point)
    }

    /// The aim of all obligations, if they are about two points.
    pub fn aim(&self) -> Option<&Aim> {
        self.lowering.claim.pair().map(|pair| &pair.aim)
    }

    /// The bound on two rows, and the length of a raw unit per feature, if the claim is about all pairs.
    pub fn pair_bound(&self) -> Option<(&PairBound, &[Rational])> {
        let Claim::AllPairs { bound, weights } = &self.lowering.claim else { return None };
        Some((bound, weights))
    }

    /// The unsafe blocks and the number of copies, if the claim is about output regions.
    pub fn blocks(&self) -> Option<(&[OutputBlock], usize)> {
        let Claim::Avoid { blocks, copies } = &self.lowering.claim else { return None };
        Some((blocks, *copies))
    }

    /// The largest number of conditions between the inputs of an obligation.
    pub fn conditions(&self) -> usize {
        let Places::Boxes(regions) = &self.lowering.places else { return 0 };
        regions.iter().map(|region| region.conditions().count()).max().unwrap_or(0)
    }

    /// Number of obligations.
    pub fn len(&self) -> usize {
        self.lowering.len(self.setting.rows.len())
    }

    /// The row that an obligation is about, if it is about one.
    pub fn row_of(&self, at: usize) -> Option<usize> {
        matches!(self.lowering.places, Places::Rows(_)).then(|| self.lowering.place_of(at))
    }

    /// True if the claims are about the labels that the data gives rows, of the model as it is.
    pub fn is_about_true_labels(&self) -> bool {
        let spec = self.setting.spec;
        let is_true = spec.label == LabelSource::True && spec.property.profile().is_about_label();
        is_true && self.defense.is_none()
    }

    /// True if the model gives a row another label than the data does.
    pub fn is_wrong(&self, row: usize) -> bool {
        let label = self.setting.predicted(row);
        label.is_some() && label != self.setting.rows.get(row).map(|row| row.label)
    }

    /// The obligation of that index; `None` from [`Lowered::len`] on.
    pub fn obligation(&self, at: usize) -> Option<Obligation> {
        if at >= self.len() {
            return None;
        }
        let claim = self.lowering.claim_of(at, self.setting.model.schema.len())?;
        let mut claim = self.with_label(claim, at)?;
        let (is_valid, region) = self.region(at, &mut claim)?;
        let is_void = region.is_empty() || region.is_excluded() || claim.has_no_partners();
        let standing = if is_valid && !is_void { Standing::Open } else { Standing::Invalid };
        let sufficient = match &self.setting.carried {
            Carried::Itself => Some(claim.clone()),
            Carried::Closer(by) => carried::closer(by, &claim),
            Carried::Posterior(posterior) => self.with_label(posterior.clone(), at),
            Carried::Lost => None,
        };
        Some(Obligation { at, standing, claim, sufficient, region })
    }

    /// The region of an obligation, and true if its rows lie in the domain. The boxes around two rows are
    /// filled into the claim.
    fn region(&self, at: usize, claim: &mut Claim) -> Option<(bool, RawRegion)> {
        let place = self.lowering.place_of(at);
        Some(match &self.lowering.places {
            Places::Rows(metric) => self.setting.ball(place, metric)?,
            Places::PairsOfRows { metric, distinct } => {
                let (a, b) = pairs::pair_at(place, distinct.len())?;
                let ball = |position| self.setting.ball(*distinct.get(position)?, metric);
                let ((is_first_valid, first), (is_second_valid, second)) = (ball(a)?, ball(b)?);
                let hull = first.hull(&second);
                if let Claim::Pair(pair) = claim {
                    pair.regions = Regions::Each(Arc::new([first, second]));
                }
                (is_first_valid && is_second_valid, hull)
            }
            Places::Domain => (true, self.setting.domain.region()?),
            Places::Boxes(regions) => (true, regions.get(place)?.clone()),
            Places::Bare => (true, RawRegion::plain(Vec::new(), Arc::default())),
        })
    }

    /// A claim with the label of the row that an obligation is about, if it names one.
    fn with_label(&self, mut claim: Claim, at: usize) -> Option<Claim> {
        if let Claim::Label { label } | Claim::Posterior { label, .. } = &mut claim {
            *label = self.setting.label(self.row_of(at)?)?;
        }
        Some(claim)
    }
}

/// The semantics of the spec, or the default: served for claims about one point of an f32 model, else real.
fn effective_semantics(setting: &Setting) -> Result<Semantics, LowerError> {
    let (spec, is_f32) = (setting.spec, setting.model.precision == Precision::F32);
    let is_about_one_point = spec.property.profile().is_about_label();
    let is_served = is_about_one_point && is_f32;
    let default = if is_served { Semantics::ServedF32 } else { Semantics::Real };
    let semantics = spec.semantics.unwrap_or(default);
    if semantics == Semantics::Real || is_served {
        return Ok(semantics);
    }
    if !is_about_one_point {
        let why = "a rounded program may step back by its rounding error; use semantics = \"real\"";
        return Err(unsupported(setting.property("under served-f32"), why));
    }
    Err(unsupported("served-f32", "the model's precision is not f32"))
}
