//! Advice of the kernel to a search, before the kernel is asked to decide. No verdict rests on it, and the checker is built
//! without it.

use crate::interval::{Form, Rational, Rounded};
use crate::model::{Mlp, Model, Tie};
use crate::spec::{Claim, Obligation, RawRegion, Semantics};

use super::{ByArithmetic, Kernel, Prepared};
use crate::certificate::claims::{Outcome, decide, label_of};
use crate::certificate::ensemble::CellBox;
use crate::certificate::network::fuzz::{Boundary, NetworkMargins};
use crate::certificate::{Block, Bounds, Coupling, Network, Questions};

/// Most sides of boxes, of all questions together, that a search is given.
const MOST_SIDES: usize = 1 << 22;

/// The hurdle that the margins of a label must clear. A search can test it before it asks the kernel.
#[derive(Clone, Debug)]
pub struct Hurdle {
    claim: Claim,
    tie: Tie,
    classes: usize,
    allowances: Vec<Rational>,
}

impl Hurdle {
    /// True if these lower bounds, one per competing class in ascending order, are enough. Infinite bounds are
    /// not.
    pub fn is_cleared(&self, margins: &[f64]) -> bool {
        let margins: Vec<_> = margins.iter().map(|&margin| Rational::from_f64(margin)).collect();
        let outcome = decide(&self.claim, self.tie, self.classes, &margins, &self.allowances);
        outcome == Ok(Outcome::Holds)
    }
}

impl<F: Form> Network<F> {
    /// Prepares `mlp`.
    pub fn new(mlp: &Mlp) -> Self {
        Self::side_by_side(mlp, 1)
    }
}

impl Kernel<'_> {
    /// True if there are no obligations.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The obligation of that index.
    pub fn obligation(&self, at: usize) -> Option<Obligation> {
        self.lowered.obligation(at)
    }

    /// The hurdle that the margins of a network must clear on the obligation's region; `None` for claims that
    /// are not about one label, for ensembles, and where a served copy may do anything.
    pub fn hurdle(&self, obligation: &Obligation) -> Option<Hurdle> {
        let ByArithmetic::Rounded(Prepared { network, mlp, .. }) = &self.engine else {
            return None;
        };
        let claim = obligation.sufficient.clone()?;
        label_of(&claim).ok()?;
        let region = obligation.region.standardised(&self.model.schema)?;
        let hidden = network.linear_bounds(region.sides())?;
        let allowances = self.network_allowances(mlp, obligation, &hidden, &claim)?;
        let Model { tie, classes, .. } = *self.model;
        Some(Hurdle { claim, tie, classes, allowances })
    }

    /// True if the cheap rules of the boundary property close a part of an obligation's region; the partners of
    /// its points lie in a box of their own if one is given. Networks only. A search can ask this before it
    /// asks for a verdict.
    pub fn is_fuzz_closed(
        &self,
        claim: &Claim,
        part: &RawRegion,
        partners: Option<&RawRegion>,
    ) -> bool {
        let (ByArithmetic::Rounded(prepared), Some(boundary)) = (&self.engine, Boundary::of(claim))
        else {
            return false;
        };
        let margins = NetworkMargins { network: &prepared.network, schema: &self.model.schema };
        boundary.decide(&margins, part, partners) == Outcome::Holds
    }

    /// The bounds that the rule on changes reaches for the pairs whose first point lies in a part of an
    /// obligation's region; `None` if the part is closed. A search can ask this before it asks for a verdict.
    pub fn changes_missed(&self, obligation: &Obligation, part: &RawRegion) -> Option<Bounds> {
        let (ByArithmetic::Rounded(prepared), Some(claim)) = (&self.engine, &obligation.sufficient)
        else {
            return Some(Bounds::NONE);
        };
        match self.changes(prepared, obligation, claim).decide(part) {
            Outcome::Holds => None,
            Outcome::Open(bounds) => Some(bounds),
        }
    }

    /// The network that claims are decided on (both copies side by side, with two) and the unsafe
    /// blocks, in the arithmetic of the search; `None` for ensembles and exact kernels.
    pub fn network(&self) -> Option<(&Network<Rounded>, &[Block<Rounded>])> {
        match &self.engine {
            ByArithmetic::Rounded(prepared) => Some((&prepared.network, &prepared.blocks)),
            ByArithmetic::Exact(_) | ByArithmetic::Small(..) | ByArithmetic::Big(..) => None,
        }
    }

    /// The coupling that binds the two copies of an output region to each other, in the arithmetic of the
    /// search; `None` if nothing binds them.
    pub fn coupling(&self, obligation: &Obligation) -> Option<Coupling<'_, Rounded>> {
        let ByArithmetic::Rounded(prepared) = &self.engine else { return None };
        self.coupling_of(prepared, obligation)
    }

    /// The questions of an obligation about two points of an ensemble; `None` for other claims, for
    /// networks, and where they take too much room all together.
    pub fn questions<'q>(&'q self, obligation: &'q Obligation) -> Option<Questions<'q>> {
        let claim = obligation.sufficient.as_ref()?;
        let tie = self.model.tie;
        let fits = |count: usize| count.saturating_mul(self.model.schema.len()) <= MOST_SIDES;
        match &self.engine {
            ByArithmetic::Rounded(..) | ByArithmetic::Exact(..) => None,
            ByArithmetic::Small(all, _) => {
                let questions = all.questions(obligation, claim, tie).ok()?;
                fits(questions.len()).then(|| Questions::small(questions))
            }
            ByArithmetic::Big(all, _) => {
                let questions = all.questions(obligation, claim, tie).ok()?;
                fits(questions.len()).then(|| Questions::big(questions))
            }
        }
    }

    /// The cells of an ensemble that an obligation's region meets; `None` for networks.
    pub fn cells(&self, obligation: &Obligation) -> Option<CellBox> {
        let is_served = self.lowered.semantics() == Semantics::ServedF32;
        match &self.engine {
            ByArithmetic::Rounded(..) | ByArithmetic::Exact(..) => None,
            ByArithmetic::Small(forests, _) => {
                Some(forests.claimed.cells(&obligation.region, is_served))
            }
            ByArithmetic::Big(forests, _) => {
                Some(forests.claimed.cells(&obligation.region, is_served))
            }
        }
    }
}
