//! From what is claimed to what the kernel understands.
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

use std::sync::Arc;

use crate::interval::{Rational, ln, soft_boundary_margin};
use crate::model::{Defense, DefenseKind, Feature, Model, Point, Precision, Row, argmax};

use super::region::Metric;
use super::{
    Direction, Domain, FeatureName, LabelSource, Norm, On, OutputBlock, PairBound, Property,
    RawRegion, Scope, Semantics, Spec, Zone,
};
use super::{avoid, pairs};

/// Why a spec says nothing that can be decided of this model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LowerError {
    /// A feature the model does not have.
    #[error("the model has no feature `{name}`")]
    Feature {
        /// The name in the spec.
        name: String,
    },
    /// A feature named twice.
    #[error("feature `{name}` is named twice")]
    Twice {
        /// The name in the spec.
        name: String,
    },
    /// A domain range with its ends the wrong way round.
    #[error("[domain] `{name}`: the first end is larger than the second")]
    Range {
        /// The name in the spec.
        name: String,
    },
    /// A domain-wide claim over a feature without a range.
    #[error(
        "feature `{name}` has no declared range; a claim on the whole domain needs one: add it under [domain]"
    )]
    Unbounded {
        /// The feature.
        name: String,
    },
    /// Something this version cannot decide.
    #[error("{what} cannot be decided by this version: {why}")]
    Unsupported {
        /// What was asked.
        what: String,
        /// Why not, and what to do.
        why: &'static str,
    },
    /// A list of the wrong length.
    #[error("{what}: found {found}, the model asks for {expected}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// δ so close to 0 or 1 that the threshold is beyond ±60.
    #[error("delta {delta} asks for a margin beyond 60")]
    Delta {
        /// As written.
        delta: String,
    },
    /// A label of the data that the model does not know.
    #[error("row {row} has label {label}, the model has {classes} classes")]
    Label {
        /// Position in the part.
        row: usize,
        /// The label.
        label: usize,
        /// Classes of the model.
        classes: usize,
    },
}

/// An enclosure of a real threshold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// At most the threshold.
    pub below: Rational,
    /// At least the threshold.
    pub above: Rational,
}

/// A claim about every point (or pair of points) of a region.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    /// The label wins: its margin over every other class is > 0, or >= 0 where it wins the tie.
    Label {
        /// The class.
        label: usize,
    },
    /// `F_label > 1 − δ`, strictly.
    Posterior {
        /// The class.
        label: usize,
        /// `ln((1−δ)/δ)`: what the margin must exceed with two classes.
        threshold: Threshold,
        /// `δ/(1−δ)`: what `Σ_j exp(−m_j)` must stay below with more.
        odds: Rational,
    },
    /// Raising one feature alone never moves `F_class` against `direction`.
    Monotone {
        /// The feature.
        feature: Feature,
        /// Which way.
        direction: Direction,
        /// The class whose posterior moves.
        class: usize,
    },
    /// Wherever a shift flips the label, `|m| < μ`. Two classes.
    Fuzz {
        /// μ.
        margin: Threshold,
        /// Raw length of the shift, per feature.
        shifts: Arc<[Rational]>,
        /// Which shifts.
        zone: Zone,
        /// The norm of the ball zone.
        zone_norm: Norm,
    },
    /// No point (pair of points, with two copies) reaches any of the blocks.
    Avoid {
        /// The unsafe sets of outputs.
        blocks: Arc<[OutputBlock]>,
        /// How many copies of the network the region and the blocks speak of: 1 or 2.
        copies: usize,
    },
    /// Two points that are close get answers that are close: `d < ε ⇒ ‖F(x) − F(x′)‖₂ < Lε`, or
    /// `d <= ε ⇒ |m(x) − m(x′)| <= Lε`, with `d = max_i |x_i − x′_i|/(reach_i/ε)`. Two classes.
    Near {
        /// Raw length of ε, per feature.
        reach: Arc<[Rational]>,
        /// Lε.
        bound: Rational,
        /// Whether `F` or `m` is meant.
        on: On,
    },
    /// `‖F(a) − F(b)‖₂ <= L·‖a − b‖` for `a` of the first and `b` of the second box; the region is
    /// their hull. Two classes.
    Lipschitz {
        /// Raw length of a unit of the distance, per feature.
        units: Arc<[Rational]>,
        /// The distance.
        norm: Norm,
        /// L.
        constant: Rational,
        /// Around each of the two rows.
        boxes: Arc<[RawRegion; 2]>,
    },
    /// Every pair of rows is bound. Two classes; the obligation has no region.
    AllPairs {
        /// What binds two rows.
        bound: PairBound,
        /// Length of a raw unit, per feature.
        weights: Arc<[Rational]>,
    },
}

/// Whether there is anything to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A claim that can be proved or refuted.
    Open,
    /// The row is no member of the domain: never proved, counted apart.
    Invalid,
}

/// One statement for the kernel.
#[derive(Clone, Debug)]
pub struct Obligation {
    /// Index in the certificate.
    pub at: usize,
    /// Whether there is anything to prove.
    pub standing: Standing,
    /// What is claimed of the (defended) model; a counterexample refutes this.
    pub claim: Claim,
    /// A claim on the undefended model that implies `claim`; equal to it without a defense,
    /// `None` if the defense preserves nothing.
    pub sufficient: Option<Claim>,
    /// For which points.
    pub region: RawRegion,
}

/// A spec applied to a model and rows: a list of obligations, made one by one.
#[derive(Debug)]
pub struct Lowered<'a> {
    model: &'a Model,
    spec: &'a Spec,
    rows: &'a [Row],
    semantics: Semantics,
    domain: Domain,
    kind: Kind,
    alpha: Option<Rational>,
}

/// What differs between properties, with everything computed once.
#[derive(Debug)]
enum Kind {
    Label {
        metric: Arc<Metric>,
        poisoned: Option<Claim>,
    },
    Posterior {
        metric: Arc<Metric>,
        claim: Claim,
        poisoned: Option<Claim>,
    },
    Monotone {
        metric: Option<Arc<Metric>>,
        features: Vec<Feature>,
        direction: Direction,
        class: usize,
    },
    Fuzz {
        metric: Option<Arc<Metric>>,
        claim: Claim,
    },
    Avoid {
        claim: Claim,
        regions: Vec<RawRegion>,
    },
    AllPairs {
        claim: Claim,
    },
    Near {
        claim: Claim,
    },
    Lipschitz {
        metric: Arc<Metric>,
        norm: Norm,
        constant: Rational,
        /// Positions of the distinct rows.
        distinct: Vec<usize>,
    },
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
        let alpha = defense.map(|defense| match &defense.kind {
            DefenseKind::PredictionPoisoning { alpha } => alpha.value().clone(),
        });
        if alpha.is_some() && model.classes != 2 {
            return Err(unsupported("prediction poisoning", "its closed form needs two classes"));
        }
        let metric = |norm, epsilon: &Rational| {
            Arc::new(Metric::new(&model.schema, spec.units, norm, epsilon))
        };
        let kind = match &spec.property {
            Property::Label { epsilon, norm } => Kind::Label {
                metric: metric(*norm, epsilon.value()),
                poisoned: alpha.as_ref().and_then(|alpha| poisoned_claim(&half(), alpha)),
            },
            Property::LocalInvariance { epsilon, delta, norm } => {
                let beyond = || LowerError::Delta { delta: delta.to_string() };
                Kind::Posterior {
                    metric: metric(*norm, epsilon.value()),
                    claim: posterior_claim(delta.value()).ok_or_else(beyond)?,
                    poisoned: alpha.as_ref().and_then(|a| poisoned_claim(delta.value(), a)),
                }
            }
            Property::Monotonicity { features, direction, class, epsilon, .. } => Kind::Monotone {
                metric: epsilon.as_ref().map(|epsilon| metric(Norm::Linf, epsilon.value())),
                features: resolve(model, features)?,
                direction: *direction,
                class: target_class(model, *class)?,
            },
            Property::BoundaryFuzz { radius, norm, .. } => Kind::Fuzz {
                metric: radius.as_ref().map(|radius| metric(*norm, radius.value())),
                claim: fuzz_claim(spec, model)?,
            },
            Property::OutputRegion { copies, input, unsafe_blocks } => Kind::Avoid {
                claim: Claim::Avoid {
                    blocks: avoid::blocks(model, *copies, unsafe_blocks)?,
                    copies: *copies,
                },
                regions: input
                    .iter()
                    .map(|input| avoid::region(model, &domain, spec.units, *copies, input))
                    .collect::<Result<_, _>>()?,
            },
            Property::LocalInvarianceT { .. } | Property::LipschitznessT { .. } => {
                pairs::expect_decidable(spec, model, alpha.is_some())?;
                Kind::AllPairs { claim: pairs::all_pairs(spec, model)? }
            }
            Property::SmallNeighborhood { .. } => {
                pairs::expect_decidable(spec, model, alpha.is_some())?;
                Kind::Near { claim: pairs::near(spec, model)? }
            }
            Property::Lipschitzness { epsilon, constant, norm } => {
                pairs::expect_decidable(spec, model, alpha.is_some())?;
                Kind::Lipschitz {
                    metric: metric(Norm::Linf, epsilon.value()),
                    norm: *norm,
                    constant: constant.value().clone(),
                    distinct: pairs::distinct(rows),
                }
            }
            other => {
                let what = format!("property `{}`", other.name());
                let why = "its proof rules are not built yet";
                return Err(unsupported(what, why));
            }
        };
        let semantics = effective_semantics(spec, model)?;
        let lowered = Self { model, spec, rows, semantics, domain, kind, alpha };
        lowered.check_labels()?;
        lowered.whole_domain()?;
        Ok(lowered)
    }

    /// Which function the obligations are about.
    pub fn semantics(&self) -> Semantics {
        self.semantics
    }

    /// The strength α of prediction poisoning, if the model is defended by it.
    pub fn alpha(&self) -> Option<&Rational> {
        self.alpha.as_ref()
    }

    /// Which features take whole numbers only.
    pub fn is_whole(&self) -> &[bool] {
        self.domain.is_whole()
    }

    /// The rows that claims are made around, or about.
    pub fn rows(&self) -> &'a [Row] {
        self.rows
    }

    /// Whether the point lies in the domain: a row that does not is invalid.
    pub fn is_in_domain(&self, point: &Point) -> bool {
        self.domain.contains(point)
    }

    /// Whether the claim is the boundary property.
    pub fn is_fuzz(&self) -> bool {
        matches!(self.kind, Kind::Fuzz { .. })
    }

    /// Whether the claim is about points that are close.
    pub fn is_near(&self) -> bool {
        matches!(self.kind, Kind::Near { .. })
    }

    /// What binds two rows, and the length of a raw unit per feature, if the claim is about all pairs.
    pub fn pair_bound(&self) -> Option<(&PairBound, &[Rational])> {
        match &self.kind {
            Kind::AllPairs { claim: Claim::AllPairs { bound, weights } } => Some((bound, weights)),
            _ => None,
        }
    }

    /// The unsafe blocks and the number of copies, if the claim is about output regions.
    pub fn blocks(&self) -> Option<(&[OutputBlock], usize)> {
        match &self.kind {
            Kind::Avoid { claim: Claim::Avoid { blocks, copies }, .. } => Some((blocks, *copies)),
            _ => None,
        }
    }

    /// Number of obligations.
    pub fn len(&self) -> usize {
        match &self.kind {
            Kind::Avoid { regions, .. } => regions.len(),
            Kind::AllPairs { .. } | Kind::Near { .. } => 1,
            Kind::Lipschitz { distinct, .. } => {
                distinct.len() * distinct.len().saturating_sub(1) / 2
            }
            Kind::Label { .. } | Kind::Posterior { .. } => self.rows.len(),
            Kind::Monotone { metric, features, .. } => {
                features.len() * if metric.is_some() { self.rows.len() } else { 1 }
            }
            Kind::Fuzz { metric, .. } => {
                if metric.is_some() {
                    self.rows.len()
                } else {
                    1
                }
            }
        }
    }

    /// Whether there are no obligations.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row an obligation is about, if it is about one.
    pub fn row_of(&self, at: usize) -> Option<usize> {
        match &self.kind {
            Kind::Label { .. } | Kind::Posterior { .. } => Some(at),
            Kind::Monotone { metric, features, .. } => {
                metric.is_some().then(|| at / features.len().max(1))
            }
            Kind::Fuzz { metric, .. } => metric.is_some().then_some(at),
            Kind::Avoid { .. } | Kind::AllPairs { .. } => None,
            Kind::Near { .. } | Kind::Lipschitz { .. } => None,
        }
    }

    /// The obligation of that index; `None` from [`Lowered::len`] on.
    pub fn obligation(&self, at: usize) -> Option<Obligation> {
        if at >= self.len() {
            return None;
        }
        if let Kind::Lipschitz { .. } = &self.kind {
            return self.boxes(at);
        }
        let (metric, claim, sufficient) = match &self.kind {
            Kind::Label { metric, poisoned } => {
                let claim = Claim::Label { label: self.label(at)? };
                let carried = poisoned.as_ref().map(|claim| self.with_label(claim, at));
                (Some(metric), claim, carried)
            }
            Kind::Posterior { metric, claim, poisoned } => {
                let carried = poisoned.as_ref().map(|claim| self.with_label(claim, at));
                (Some(metric), self.with_label(claim, at)?, carried)
            }
            Kind::Monotone { metric, features, direction, class } => {
                let feature = *features.get(at % features.len())?;
                let claim = Claim::Monotone { feature, direction: *direction, class: *class };
                (metric.as_ref(), claim, None)
            }
            Kind::Fuzz { metric, claim } => (metric.as_ref(), claim.clone(), None),
            Kind::Avoid { claim, .. } | Kind::AllPairs { claim } | Kind::Near { claim } => {
                (None, claim.clone(), None)
            }
            Kind::Lipschitz { .. } => return None,
        };
        let sufficient =
            if self.alpha.is_none() { Some(claim.clone()) } else { sufficient.flatten() };
        let (standing, region) = self.place(at, metric)?;
        Some(Obligation { at, standing, claim, sufficient, region })
    }

    /// The obligation of two rows of [`Kind::Lipschitz`].
    fn boxes(&self, at: usize) -> Option<Obligation> {
        let Kind::Lipschitz { metric, norm, constant, distinct } = &self.kind else { return None };
        let (a, b) = pairs::pair_at(at, distinct.len())?;
        let centre =
            |position: usize| Point::from_floats(&self.rows.get(*distinct.get(position)?)?.values);
        let centres = [centre(a)?, centre(b)?];
        let is_valid = centres.iter().all(|centre| self.domain.contains(centre));
        let boxes = centres.map(|centre| RawRegion::ball(&centre, metric, &self.domain));
        let claim = Claim::Lipschitz {
            units: metric.weights().iter().map(pairs::raw_unit).collect(),
            norm: *norm,
            constant: constant.clone(),
            boxes: Arc::new(boxes.clone()),
        };
        let [first, second] = boxes;
        Some(Obligation {
            at,
            standing: if is_valid { Standing::Open } else { Standing::Invalid },
            sufficient: Some(claim.clone()),
            claim,
            region: first.hull(&second),
        })
    }

    /// The region of an obligation, and whether its row belongs to the domain.
    fn place(&self, at: usize, metric: Option<&Arc<Metric>>) -> Option<(Standing, RawRegion)> {
        let Some(metric) = metric else {
            let region = match &self.kind {
                Kind::Avoid { regions, .. } => regions.get(at)?.clone(),
                Kind::AllPairs { .. } => RawRegion::plain(Vec::new(), Arc::default()),
                _ => self.domain.region().ok()?,
            };
            let standing = if region.is_empty() { Standing::Invalid } else { Standing::Open };
            return Some((standing, region));
        };
        let centre = Point::from_floats(&self.rows.get(self.row_of(at)?)?.values)?;
        let is_valid = self.domain.contains(&centre);
        let standing = if is_valid { Standing::Open } else { Standing::Invalid };
        Some((standing, RawRegion::ball(&centre, metric, &self.domain)))
    }

    /// The label an obligation about a row is made for.
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

    fn with_label(&self, claim: &Claim, at: usize) -> Option<Claim> {
        match claim {
            Claim::Posterior { threshold, odds, .. } => Some(Claim::Posterior {
                label: self.label(at)?,
                threshold: threshold.clone(),
                odds: odds.clone(),
            }),
            other => Some(other.clone()),
        }
    }

    fn check_labels(&self) -> Result<(), LowerError> {
        let classes = self.model.classes;
        let unknown = self.rows.iter().enumerate().find(|(_, row)| row.label >= classes);
        unknown.map_or(Ok(()), |(index, row)| {
            Err(LowerError::Label { row: index, label: row.label, classes })
        })
    }

    /// A claim on the domain needs every feature's range.
    fn whole_domain(&self) -> Result<(), LowerError> {
        let is_local = match &self.kind {
            Kind::Label { .. } | Kind::Posterior { .. } => true,
            Kind::Avoid { .. } | Kind::AllPairs { .. } | Kind::Lipschitz { .. } => true,
            Kind::Near { .. } => false,
            Kind::Monotone { metric, .. } | Kind::Fuzz { metric, .. } => metric.is_some(),
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

pub(super) fn unsupported(what: impl Into<String>, why: &'static str) -> LowerError {
    LowerError::Unsupported { what: what.into(), why }
}

fn half() -> Rational {
    Rational::from_f64(0.5).expect("a half is finite")
}

/// Served semantics is the default for claims about one point of an f32 model, else real.
fn effective_semantics(spec: &Spec, model: &Model) -> Result<Semantics, LowerError> {
    let is_about_one_point =
        matches!(spec.property, Property::Label { .. } | Property::LocalInvariance { .. });
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

fn resolve(model: &Model, names: &[FeatureName]) -> Result<Vec<Feature>, LowerError> {
    let mut features = Vec::with_capacity(names.len());
    for name in names {
        let feature = name.find(&model.schema);
        let feature = feature.ok_or_else(|| LowerError::Feature { name: name.to_string() })?;
        if features.contains(&feature) {
            return Err(LowerError::Twice { name: name.to_string() });
        }
        features.push(feature);
    }
    Ok(features)
}

/// With two classes a direction refers to class 1; with more the class is named.
fn target_class(model: &Model, class: Option<usize>) -> Result<usize, LowerError> {
    match class {
        None if model.classes == 2 => Ok(1),
        Some(class) if model.classes > 2 && class < model.classes => Ok(class),
        Some(_) => Err(unsupported(
            "a `class` that the model does not have, or with two classes,",
            "`class` names one of more than two",
        )),
        None => Err(unsupported(
            "a direction without `class`",
            "with more than two classes, name the class",
        )),
    }
}

/// `F_y > 1 − δ` with the label still to be filled in; `None` beyond ±60.
fn posterior_claim(delta: &Rational) -> Option<Claim> {
    let rest = &Rational::ONE - delta;
    let (below, above) = ln(&(&rest / delta)?)?;
    let limit = Rational::integer(60);
    if above.clone().abs() > limit || below.clone().abs() > limit {
        return None;
    }
    let odds = (delta / &rest)?;
    Some(Claim::Posterior { label: 0, threshold: Threshold { below, above }, odds })
}

/// What must hold of the undefended posterior so that `F′_y > 1 − δ` after poisoning with α.
///
/// `F′_y` is `(1−α)·F_y`, or more by α where `y` is not the label; so `F_y > (1−δ)/(1−α)` suffices,
/// that is `F_y > 1 − δ′` with `δ′ = (δ−α)/(1−α)`. Nothing is preserved if `δ <= α`.
fn poisoned_claim(delta: &Rational, alpha: &Rational) -> Option<Claim> {
    let carried = (&(delta - alpha) / &(&Rational::ONE - alpha))?;
    if carried <= Rational::ZERO {
        return None;
    }
    posterior_claim(&carried)
}

fn fuzz_claim(spec: &Spec, model: &Model) -> Result<Claim, LowerError> {
    let Property::BoundaryFuzz { shift, epsilon, zone, zone_norm, .. } = &spec.property else {
        return Err(unsupported("this property", "it is no boundary-fuzz"));
    };
    if model.classes != 2 {
        return Err(unsupported(
            "boundary-fuzz with more than two classes",
            "the paper defines it for two",
        ));
    }
    let out_of_range = unsupported("this epsilon of boundary-fuzz", "expected 0 < epsilon < 60");
    let (below, above) = soft_boundary_margin(epsilon.value()).ok_or(out_of_range)?;
    let metric = Metric::new(&model.schema, spec.units, Norm::Linf, shift.value());
    Ok(Claim::Fuzz {
        margin: Threshold { below, above },
        shifts: metric.reach().into(),
        zone: *zone,
        zone_norm: *zone_norm,
    })
}

impl Spec {
    /// Where the property's obligations live: the domain, or around rows.
    pub fn scope(&self) -> Scope {
        if self.property.is_about_rows() { Scope::Local } else { Scope::Domain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first feature's name is the second one's index.
    #[test]
    fn a_number_is_an_index_and_a_text_a_name() {
        let text = r#"{"format":"model/1","family":"ensemble","precision":"f32","tie":"lower",
            "classes":2,"features":[{"name":"1","kind":"real","low":"0","high":"1"},
            {"name":"x","kind":"real","low":"0","high":"1"}],"base":[0],"trees":[]}"#;
        let model = Model::read(text.as_bytes()).unwrap();
        for (features, meant) in [("[1]", 1), ("[0]", 0), ("['1']", 0), ("['0']", 0), ("['x']", 1)]
        {
            let spec = format!(
                "property = 'monotonicity'\nfeatures = {features}\ndirection = 'increasing'"
            );
            let spec = Spec::read(spec.as_bytes()).unwrap();
            let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
            let claim = lowered.obligation(0).unwrap().claim;
            assert!(
                matches!(claim, Claim::Monotone { feature: Feature(found), .. } if found == meant),
                "{features}: {claim:?}"
            );
        }
    }
}
