//! The door of the kernel: one obligation, one proof, one verdict.

#[cfg(any(test, feature = "advice"))]
mod advice;
mod cost;
mod served;

use dashu_int::IBig;

use crate::interval::{Exact, Form, Rational, Rounded};
use crate::model::{Ensemble, Family, Mlp, Model, Tie};
use crate::spec::{
    Aim, Bonds, Claim, Lowered, Obligation, Pair, RawRegion, Regions, Semantics, Standing,
};

use crate::certificate::claims::{Outcome, competitors, decide, label_of};
use crate::certificate::ensemble::distance::Distances;
use crate::certificate::ensemble::split::walk_cells;
use crate::certificate::ensemble::tree_pairs::{self, Twins};
use crate::certificate::ensemble::{Forest, Score, Size};
use crate::certificate::ensemble::{jumps, tree_dual};
use crate::certificate::network::boxes::walk_boxes;
use crate::certificate::network::difference::Changes;
use crate::certificate::network::fuzz::{Boundary, NetworkMargins};
use crate::certificate::network::linear::check_hints;
use crate::certificate::network::range::{self, Ranges};
use crate::certificate::network::split::NetworkCase;
use crate::certificate::witness::{Evaluated, violates};
use crate::certificate::{
    Block, Bounds, CaseRule, Cases, Coupling, Hidden, Leaf, LeafHint, Network, Pairs, Proof,
    Proved, Refuted, Rejection, Verdict,
};

#[cfg(any(test, feature = "advice"))]
pub use advice::Hurdle;

/// The arithmetic of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// Round-to-nearest `f64` with every rounding paid for; exact sums for ensembles.
    Rounded,
    /// Exact integers.
    Exact,
}

/// The kernel for one lowered spec.
pub struct Kernel<'a> {
    model: &'a Model,
    lowered: &'a Lowered<'a>,
    engine: ByArithmetic<'a>,
}

/// The model, prepared for one arithmetic.
enum ByArithmetic<'a> {
    Rounded(Prepared<'a, Rounded>),
    Exact(Prepared<'a, Exact>),
    Small(Forests<i128>, &'a Ensemble),
    Big(Forests<IBig>, &'a Ensemble),
}

/// A network and the unsafe blocks of the claim. With two copies the network is both side by side.
struct Prepared<'a, F: Form> {
    network: Network<F>,
    mlp: &'a Mlp,
    /// Ranges of the posterior that pairs of boxes asked for.
    ranges: Ranges,
    blocks: Vec<Block<F>>,
}

impl<'a, F: Form> Prepared<'a, F> {
    fn new(mlp: &'a Mlp, lowered: &Lowered) -> Self {
        let (blocks, copies) = lowered.blocks().unwrap_or((&[], 1));
        let network = Network::side_by_side(mlp, copies);
        let blocks = blocks.iter().map(Block::new).collect();
        Self { network, mlp, ranges: Ranges::default(), blocks }
    }
}

/// An ensemble on the grid of the claim (whole features moved) and on its plain grid.
#[derive(Debug)]
struct Forests<N> {
    claimed: Forest<N>,
    plain: Forest<N>,
}

impl<N: Score> Forests<N> {
    fn new(ensemble: &Ensemble, is_whole: &[bool], size: &Size) -> Self {
        let plain = vec![false; is_whole.len()];
        Self {
            claimed: Forest::new(ensemble, is_whole, size),
            plain: Forest::new(ensemble, &plain, size),
        }
    }

    /// The questions of a claim about two points.
    fn questions<'q>(
        &'q self,
        obligation: &'q Obligation,
        claim: &'q Claim,
        tie: Tie,
    ) -> Result<impl ExactSizeIterator<Item = Twins<'q, N>>, Rejection> {
        let why = "the claim is not about two points";
        let inapplicable = Rejection::Inapplicable { rule: "tree-pairs", why };
        let forests = [&self.claimed, &self.plain];
        Twins::all(forests, &obligation.region, claim, tie).ok_or(inapplicable)
    }
}

impl<'a> Kernel<'a> {
    /// Prepares `model`, which must be the one that `lowered` was made for.
    pub fn new(model: &'a Model, lowered: &'a Lowered<'a>, arithmetic: Arithmetic) -> Self {
        let engine = match &model.family {
            Family::Mlp(mlp) => match arithmetic {
                Arithmetic::Rounded => ByArithmetic::Rounded(Prepared::new(mlp, lowered)),
                Arithmetic::Exact => ByArithmetic::Exact(Prepared::new(mlp, lowered)),
            },
            Family::Ensemble(ensemble) => {
                let is_whole = lowered.is_whole();
                let size = Size::of(ensemble);
                if arithmetic == Arithmetic::Rounded && size.bits <= 120 {
                    ByArithmetic::Small(Forests::new(ensemble, is_whole, &size), ensemble)
                } else {
                    ByArithmetic::Big(Forests::new(ensemble, is_whole, &size), ensemble)
                }
            }
        };
        Self { model, lowered, engine }
    }

    /// Number of obligations.
    pub fn len(&self) -> usize {
        self.lowered.len()
    }

    /// The row that an obligation is about, if it is about one.
    pub fn row_of(&self, at: usize) -> Option<usize> {
        self.lowered.row_of(at)
    }

    /// Decides obligation `at` by `proof`. `Undecided` if the proof does not clear, or if the
    /// points are no counterexample; a rejection if it makes no sense at all.
    pub fn check(&self, at: usize, proof: &Proof) -> Result<Verdict, Rejection> {
        let obligation = self.lowered.obligation(at).ok_or(Rejection::NoObligation { at })?;
        if obligation.standing == Standing::Invalid {
            let is_none = matches!(proof, Proof::None);
            return Ok(if is_none { Verdict::Invalid } else { Verdict::Undecided(Bounds::NONE) });
        }
        self.judge(obligation, proof)
    }

    /// Decides an obligation that the caller has made, for instance one with another bound, as
    /// [`Kernel::check`] decides those of the certificate.
    pub fn judge(&self, obligation: Obligation, proof: &Proof) -> Result<Verdict, Rejection> {
        match (proof, &obligation.claim) {
            (Proof::Counterexample { points }, _) if self.pairs().is_none() => {
                self.refute(obligation, points)
            }
            (_, Claim::AllPairs { .. }) => self.count(proof),
            _ => self.prove(obligation, proof),
        }
    }

    /// Refutes an obligation by points that violate its claim.
    fn refute(&self, obligation: Obligation, points: &[Vec<String>]) -> Result<Verdict, Rejection> {
        let subject = Evaluated {
            model: self.model,
            semantics: self.lowered.semantics(),
            defense: self.lowered.defense(),
        };
        Ok(if violates(&subject, &obligation, points)? {
            Verdict::Refuted(Refuted::new(obligation))
        } else {
            Verdict::Undecided(Bounds::NONE)
        })
    }

    /// Proves an obligation by the claim that suffices for it.
    fn prove(&self, obligation: Obligation, proof: &Proof) -> Result<Verdict, Rejection> {
        let Some(claim) = obligation.sufficient.clone() else {
            return Ok(Verdict::Undecided(Bounds::NONE));
        };
        let outcome = match &self.engine {
            _ if *proof == Proof::None => Outcome::Open(Bounds::NONE),
            ByArithmetic::Rounded(prepared) => {
                self.decide_network(prepared, &obligation, &claim, proof)?
            }
            ByArithmetic::Exact(prepared) => {
                self.decide_network(prepared, &obligation, &claim, proof)?
            }
            ByArithmetic::Small(forests, e) => {
                self.ensemble(forests, e, &obligation, &claim, proof)?
            }
            ByArithmetic::Big(forests, e) => {
                self.ensemble(forests, e, &obligation, &claim, proof)?
            }
        };
        Ok(match outcome {
            Outcome::Holds => Verdict::Proved(Proved::new(obligation, proof)),
            Outcome::Open(bounds) => Verdict::Undecided(bounds),
        })
    }

    /// The pairs of a claim about all pairs of rows.
    pub fn pairs(&self) -> Option<Pairs<'a>> {
        let arithmetic = match self.engine {
            ByArithmetic::Rounded(_) | ByArithmetic::Small(..) => Arithmetic::Rounded,
            ByArithmetic::Exact(_) | ByArithmetic::Big(..) => Arithmetic::Exact,
        };
        Pairs::new(self.model, self.lowered, arithmetic)
    }

    /// Counts the pairs of a claim about all pairs of rows, if each witness is a violation.
    fn count(&self, proof: &Proof) -> Result<Verdict, Rejection> {
        let Proof::AllPairs { witnesses } = proof else {
            let why = "a claim about all pairs of rows is decided by rule all-pairs";
            return Err(Rejection::Inapplicable { rule: proof.rule(), why });
        };
        let Some(pairs) = self.pairs() else { return Ok(Verdict::Undecided(Bounds::NONE)) };
        Ok(if pairs.are_violations(witnesses)? {
            Verdict::Counted(pairs.count(&mut Vec::new()))
        } else {
            Verdict::Undecided(Bounds::NONE)
        })
    }

    /// Decides a claim about a network: by rules that go a way of their own, else by those that start from
    /// bounds of the hidden neurons.
    fn decide_network<F: Form>(
        &self,
        prepared: &Prepared<F>,
        obligation: &Obligation,
        claim: &Claim,
        proof: &Proof,
    ) -> Result<Outcome, Rejection> {
        let network = &prepared.network;
        let (schema, region) = (&self.model.schema, &obligation.region);
        let Some(Pair { bonds, regions, aim }) = claim.pair() else {
            return self.decide_cases(prepared, obligation, claim, proof);
        };
        match (bonds, aim, proof) {
            (Bonds::Free, Aim::Lipschitz { units, norm, constant }, Proof::Range) => {
                let Regions::Each(boxes) = regions else { return Ok(Outcome::Open(Bounds::NONE)) };
                Ok(range::apart(network, &prepared.ranges, schema, boxes, units, *norm, constant))
            }
            (Bonds::Within { .. }, Aim::Close { .. }, Proof::Cases(cases))
                if matches!(cases.rule, CaseRule::Difference | CaseRule::Split)
                    && cases.has_leaf(Leaf::Linear) =>
            {
                if !cases.hints.is_empty() {
                    let why = "leaves `L` of small-neighborhood take no hints";
                    return Err(Rejection::Inapplicable { rule: proof.rule(), why });
                }
                let decide = |part: &_, _: Option<&_>| {
                    self.changes(prepared, obligation, claim).decide(part)
                };
                walk_boxes(schema, region, &cases.tree(0), Leaf::Linear, |_| None, decide)
            }
            (_, Aim::Flip { .. }, _) => self.decide_fuzz(network, region, claim, proof),
            (Bonds::Raised(feature), Aim::Order { .. }, Proof::Cases(cases))
                if cases.rule == CaseRule::Jacobian
                    && region.sides().get(feature.0).is_some_and(|(low, high)| low == high) =>
            {
                // where the feature cannot move, the two points are one
                Ok(Outcome::Holds)
            }
            _ => self.decide_cases(prepared, obligation, claim, proof),
        }
    }

    /// The boundary property: over the whole region, or box by box.
    #[cfg_attr(not(test), expect(clippy::wildcard_enum_match_arm, reason = "refused"))]
    fn decide_fuzz<F: Form>(
        &self,
        network: &Network<F>,
        region: &RawRegion,
        claim: &Claim,
        proof: &Proof,
    ) -> Result<Outcome, Rejection> {
        let why = "boundary-fuzz is proved by fuzz, or split without hints";
        let inapplicable = Rejection::Inapplicable { rule: proof.rule(), why };
        let Some(boundary) = Boundary::of(claim) else { return Err(inapplicable) };
        let schema = &self.model.schema;
        let margins = NetworkMargins { network, schema };
        match proof {
            Proof::Cases(cases)
                if matches!(cases.rule, CaseRule::Fuzz | CaseRule::Split)
                    && cases.hints.is_empty() =>
            {
                let partners = |part: &_| boundary.partners(part);
                let decide =
                    |part: &_, partners: Option<&_>| boundary.decide(&margins, part, partners);
                walk_boxes(schema, region, &cases.tree(0), Leaf::Fuzz, partners, decide)
            }
            _ => Err(inapplicable),
        }
    }

    /// The rules that start from bounds of the hidden neurons over the region, and splits of it.
    fn decide_cases<F: Form>(
        &self,
        prepared: &Prepared<F>,
        obligation: &Obligation,
        claim: &Claim,
        proof: &Proof,
    ) -> Result<Outcome, Rejection> {
        let Prepared { network, mlp, blocks, .. } = prepared;
        let cases = network_cases(claim, proof)?;
        let conditions = obligation.region.linear_conditions(&self.model.schema);
        let check = |hint: &LeafHint| check_hints(hint.hints(), network.widths(), conditions.len());
        cases.hints.iter().try_for_each(check)?;
        let Some(region) = obligation.region.standardised(&self.model.schema) else {
            // the empty region: nothing to prove, and nothing is said to be proved
            return Ok(Outcome::Open(Bounds::NONE));
        };
        // the interval rule needs intervals only
        let hidden = match cases.rule == CaseRule::Interval {
            true => network.interval_bounds(region.sides()),
            false => network.linear_bounds_under(region.sides(), conditions),
        };
        let Some(hidden) = hidden else { return Ok(Outcome::Open(Bounds::NONE)) };
        let Some(allowances) = self.network_allowances(mlp, obligation, &hidden, claim) else {
            return Ok(Outcome::Open(Bounds::NONE));
        };
        let coupling = self.coupling_of(prepared, obligation);
        let case = NetworkCase {
            network,
            model: self.model,
            claim,
            blocks,
            coupling: coupling.as_ref(),
            allowances: &allowances,
        };
        case.walk(obligation, hidden, &cases.tree(0), &cases.hints)
    }

    /// The rule on changes, for a claim about points that are close.
    fn changes<'p, F: Form>(
        &'p self,
        prepared: &'p Prepared<F>,
        obligation: &'p Obligation,
        claim: &'p Claim,
    ) -> Changes<'p, F> {
        let (network, schema) = (&prepared.network, &self.model.schema);
        Changes { network, schema, claim, domain: &obligation.region }
    }

    /// The coupling that binds the copies of an output region to each other; `None` for other claims.
    fn coupling_of<'p, F: Form>(
        &self,
        prepared: &'p Prepared<F>,
        obligation: &Obligation,
    ) -> Option<Coupling<'p, F>> {
        let (_, 2) = self.lowered.blocks()? else { return None };
        Coupling::new(&prepared.network, &self.model.schema, &obligation.region)
    }

    /// The most that a served copy may lose of each margin of the claim; `None` if it may do anything.
    fn network_allowances(
        &self,
        mlp: &Mlp,
        obligation: &Obligation,
        hidden: &Hidden,
        claim: &Claim,
    ) -> Option<Vec<Rational>> {
        let classes = self.model.classes;
        let Ok(label) = label_of(claim) else { return Some(Vec::new()) };
        if self.lowered.semantics() == Semantics::Real {
            return Some(vec![Rational::ZERO; classes.saturating_sub(1)]);
        }
        let errors =
            served::network_allowance(mlp, &self.model.schema, &obligation.region, hidden)?;
        pairwise(&errors, label, classes)
    }

    fn ensemble<N: Score>(
        &self,
        forests: &Forests<N>,
        ensemble: &Ensemble,
        obligation: &Obligation,
        claim: &Claim,
        proof: &Proof,
    ) -> Result<Outcome, Rejection> {
        let inapplicable = |why| Rejection::Inapplicable { rule: proof.rule(), why };
        let is_served = self.lowered.semantics() == Semantics::ServedF32;
        let forest = &forests.claimed;
        let cells = forest.cells(&obligation.region, is_served);
        match (claim, proof) {
            (_, Proof::Cases(cases)) if cases.is_of_pairs() => {
                let questions = forests.questions(obligation, claim, self.model.tie)?;
                if !cases.hints.is_empty() {
                    return Err(inapplicable("leaves `T` take no hints"));
                }
                if cases.rule == CaseRule::Split && questions.len() != 1 {
                    return Err(inapplicable("a claim of several questions has a tree for each"));
                }
                tree_pairs::decide(questions, cases)
            }
            (
                Claim::Pair(Pair {
                    bonds: Bonds::Raised(feature),
                    aim: Aim::Order { direction, class },
                    ..
                }),
                Proof::Cases(cases),
            ) if cases.rule == CaseRule::Jumps => {
                jumps::monotone(forest, &cells, feature.0, *class, *direction, cases)
            }
            (Claim::Label { .. } | Claim::Posterior { .. }, Proof::TreeDual { shifts }) => {
                let (label, classes) = (label_of(claim)?, self.model.classes);
                let Some(allowances) = self.ensemble_allowances(ensemble, claim)? else {
                    return Ok(Outcome::Open(Bounds::NONE));
                };
                let margins = tree_dual::margins(forest, label, classes, &cells, shifts)?;
                decide(claim, self.model.tie, classes, &margins, &allowances)
            }
            (Claim::Label { .. } | Claim::Posterior { .. }, Proof::Cases(cases))
                if matches!(cases.rule, CaseRule::Interval | CaseRule::Split) =>
            {
                if !cases.hints.is_empty() {
                    let found = cases.hints.len();
                    return Err(Rejection::Count { what: "hints", found, expected: 0 });
                }
                let Some(allowances) = self.ensemble_allowances(ensemble, claim)? else {
                    return Ok(Outcome::Open(Bounds::NONE));
                };
                // a served copy rounds points of the ball into cells that the ball does not meet
                let distances = match self.lowered.semantics() {
                    Semantics::Real => Distances::new(&obligation.region, forest.grid(), &cells),
                    Semantics::ServedF32 => None,
                };
                let here = (cells, distances);
                walk_cells(forest, self.model, claim, &allowances, here, &cases.tree(0))
            }
            _ => Err(inapplicable("not for this claim on an ensemble")),
        }
    }

    fn ensemble_allowances(
        &self,
        ensemble: &Ensemble,
        claim: &Claim,
    ) -> Result<Option<Vec<Rational>>, Rejection> {
        let classes = self.model.classes;
        let label = label_of(claim)?;
        if self.lowered.semantics() == Semantics::Real {
            return Ok(Some(vec![Rational::ZERO; classes.saturating_sub(1)]));
        }
        Ok(served::ensemble_allowance(ensemble).and_then(|errors| match errors.as_slice() {
            [error] => Rational::from_f64(*error).map(|error| vec![error]),
            several => pairwise(several, label, classes),
        }))
    }
}

/// The case distinction of a proof that starts from bounds of hidden neurons.
fn network_cases<'p>(claim: &Claim, proof: &'p Proof) -> Result<&'p Cases, Rejection> {
    let aim = claim.pair().map(|pair| &pair.aim);
    let takes = |rule: CaseRule| match rule {
        CaseRule::Interval | CaseRule::Linear => aim.is_none(),
        // the rule on changes proves more of small neighbourhoods on a whole domain
        CaseRule::Jacobian => aim.is_some_and(|aim| !matches!(aim, Aim::Close { .. })),
        CaseRule::Split => true,
        CaseRule::Fuzz | CaseRule::Difference | CaseRule::Jumps | CaseRule::TreePairs => false,
    };
    if let Proof::Cases(cases) = proof
        && takes(cases.rule)
    {
        return Ok(cases);
    }
    Err(Rejection::Inapplicable { rule: proof.rule(), why: "not for this claim on a network" })
}

/// `e_label + e_class` for every competing class, rounded up.
fn pairwise(errors: &[f64], label: usize, classes: usize) -> Option<Vec<Rational>> {
    let own = *errors.get(label)?;
    let sum = |class: usize| {
        let total = crate::interval::sum_up([own, *errors.get(class)?]);
        Rational::from_f64(total)
    };
    competitors(label, classes).map(sum).collect()
}
