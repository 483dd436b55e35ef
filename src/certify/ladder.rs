//! The ladder: cheap rules first; the kernel checks after each.

use crate::certificate::{Bounds, Proof, Rejection, Verdict};
use crate::model::Family;
use crate::spec::{Aim, Bonds, Claim, Obligation, Standing};

use super::ensemble::{tree_dual, tree_pairs};
use super::network::search::Found;
use super::network::{alpha, branch, changes, halving, lp};
use super::{Searcher, attack, ensemble};

/// A proof and the kernel's answer to it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The last proof tried; for undecided obligations, it was not enough.
    pub proof: Proof,
    /// The kernel's verdict.
    pub verdict: Verdict,
    /// True if the attack alone, before any search, found a counterexample.
    pub is_refuted_by_attack: bool,
    /// Cases of branch and bound that were visited.
    pub nodes: u64,
    /// True if a search ended because its budget of nodes was used up; a larger budget may decide more.
    pub is_spent: bool,
    /// True if a search kept no proof because it needed more memory than allowed.
    pub is_full: bool,
}

impl Answer {
    fn open() -> Self {
        Self::of(Proof::None, Verdict::Undecided(Bounds::NONE))
    }

    fn of(proof: Proof, verdict: Verdict) -> Self {
        let (is_refuted_by_attack, is_spent, is_full) = (false, false, false);
        Self { proof, verdict, is_refuted_by_attack, nodes: 0, is_spent, is_full }
    }

    fn is_closed(&self) -> bool {
        !matches!(self.verdict, Verdict::Undecided(_))
    }
}

impl Searcher<'_> {
    /// Tries rule after rule until the kernel is convinced, and the attack before all that cost more.
    pub(super) fn answer(&self, at: usize) -> Answer {
        let Some(obligation) = self.lowered.obligation(at) else { return Answer::open() };
        if obligation.standing == Standing::Invalid {
            return Answer { verdict: Verdict::Invalid, ..Answer::open() };
        }
        if let Some(pairs) = self.kernel.pairs() {
            let mut witnesses = Vec::new();
            let verdict = Verdict::Counted(pairs.count(&mut witnesses));
            return Answer { proof: Proof::AllPairs { witnesses }, verdict, ..Answer::open() };
        }
        if obligation.sufficient.is_none() {
            return self.attacked(at, &obligation).unwrap_or_else(Answer::open);
        }
        let rungs = rungs(&obligation, &self.subject.model.0.family);
        let (cheap, rungs) =
            rungs.split_at(rungs.iter().take_while(|rung| rung.is_cheap()).count());
        // no attack refutes what is proved, so that rules which cost less come first
        let mut cheap = cheap.iter().map(|rung| self.climb(at, &obligation, *rung));
        let closed = cheap.find(Answer::is_closed);
        if let Some(proved) = closed.as_ref().filter(|it| matches!(it.verdict, Verdict::Proved(_)))
        {
            return proved.clone();
        }
        if let Some(answer) = self.attacked(at, &obligation).or(closed) {
            return answer;
        }
        let (mut nodes, mut is_spent, mut is_full) = (0, false, false);
        for rung in rungs {
            let answer = self.climb(at, &obligation, *rung);
            nodes += answer.nodes;
            is_spent |= answer.is_spent;
            is_full |= answer.is_full;
            if answer.is_closed() {
                return Answer { nodes, ..answer };
            }
        }
        Answer { nodes, is_spent, is_full, ..Answer::open() }
    }

    /// True if the attack alone refutes an obligation, whose line may exist already.
    pub fn is_refuted_by_attack(&self, at: usize) -> bool {
        let obligation = self.lowered.obligation(at);
        obligation.is_some_and(|obligation| self.attacked(at, &obligation).is_some())
    }

    /// The first point of the attack that decides.
    fn attacked(&self, at: usize, obligation: &Obligation) -> Option<Answer> {
        let candidates = attack::candidates(self, obligation).into_iter();
        let proofs = candidates.map(|points| Proof::Counterexample { points });
        // between huge ends, a float that is sought may be no number
        let mut answers = proofs.filter(Proof::is_writable).map(|proof| self.ask(at, proof));
        let answer = answers.find(Answer::is_closed)?;
        Some(Answer { is_refuted_by_attack: true, ..answer })
    }

    /// The kernel's answer to a proof. A rejection of our own proof leaves the obligation undecided.
    fn ask(&self, at: usize, proof: Proof) -> Answer {
        let verdict = self.kernel.check(at, &proof);
        let verdict = verdict.unwrap_or_else(|rejection: Rejection| {
            debug_assert!(false, "the search offered a malformed proof: {rejection}");
            Verdict::Undecided(Bounds::NONE)
        });
        Answer::of(proof, verdict)
    }

    fn climb(&self, at: usize, obligation: &Obligation, rung: Rung) -> Answer {
        let Found { proof, nodes, is_spent, is_full } = self.offer(obligation, rung);
        // a proof that no line can hold would be no certificate
        let proof = proof.filter(Proof::is_writable);
        let answer = proof.map_or_else(Answer::open, |proof| self.ask(at, proof));
        Answer { nodes, is_spent, is_full, ..answer }
    }

    /// A proof of obligation `at` about one label by what takes milliseconds: boxes, for networks the linear rule, for
    /// ensembles a search over cells within the budget of nodes. `None` if these do not prove it, whatever it is.
    pub fn prove_cheaply(&self, at: usize) -> Option<Proof> {
        let obligation = self.lowered.obligation(at)?;
        if obligation.standing == Standing::Invalid {
            return None;
        }
        let rungs = match self.subject.model.0.family {
            Family::Mlp(_) => [Rung::Interval, Rung::Linear],
            Family::Ensemble(_) => [Rung::Interval, Rung::Cells],
        };
        for rung in rungs {
            // the linear rule costs more than to look for a point against it
            let is_linear = matches!(rung, Rung::Linear);
            if is_linear && !attack::candidates(self, &obligation).is_empty() {
                return None;
            }
            let offered = self.offer(&obligation, rung).proof.filter(Proof::is_writable)?;
            if let Ok(Verdict::Proved(_)) = self.kernel.judge(obligation.clone(), &offered) {
                return Some(offered);
            }
        }
        None
    }

    /// The proofs that every rung offers, reached or not; none of them has been checked yet.
    pub fn offers(&self, at: usize) -> Vec<Proof> {
        let Some(obligation) = self.lowered.obligation(at) else { return Vec::new() };
        let rungs = rungs(&obligation, &self.subject.model.0.family);
        rungs.iter().filter_map(|rung| self.offer(&obligation, *rung).proof).collect()
    }

    /// The proof that the relaxation with one variable per leaf offers for obligation `at` about one label of
    /// an ensemble: one step of the ladder, for figures.
    pub fn offer_shares(&self, at: usize) -> Option<Proof> {
        tree_dual::search(self, &self.lowered.obligation(at)?)
    }

    /// The proof that the search over boxes of cells offers for it.
    pub fn offer_cells(&self, at: usize) -> Option<Proof> {
        ensemble::label::search(self, &self.lowered.obligation(at)?).proof
    }

    fn offer(&self, obligation: &Obligation, rung: Rung) -> Found {
        let proof = match rung {
            Rung::Interval => Some(Proof::interval()),
            Rung::Linear => Some(Proof::linear(Vec::new())),
            Rung::Alpha => alpha::linear_hint(self, obligation),
            Rung::Lp => lp::linear_hint(self, obligation),
            Rung::Jacobian => Some(Proof::jacobian()),
            Rung::Range => Some(Proof::Range),
            Rung::Difference => Some(Proof::difference()),
            Rung::Fuzz => Some(Proof::fuzz()),
            Rung::Attack => {
                let points = attack::insist(self, obligation);
                points.map(|points| Proof::Counterexample { points })
            }
            Rung::Boxes => return halving::search(self, obligation),
            Rung::Start => return branch::start(self, obligation),
            Rung::Changes => return changes::search(self, obligation),
            Rung::Split => return branch::search(self, obligation),
            Rung::Twins => return tree_pairs::search(self, obligation),
            Rung::Shares => tree_dual::search(self, obligation),
            Rung::Cells => return ensemble::label::search(self, obligation),
            Rung::Jumps => return ensemble::jumps::search(self, obligation),
        };
        Found { proof, ..Found::default() }
    }
}

/// A step of the ladder.
#[derive(Clone, Copy, Debug)]
enum Rung {
    Interval,
    Linear,
    /// The linear rule with optimised slopes.
    Alpha,
    Lp,
    Jacobian,
    /// Ranges of answers over two boxes.
    Range,
    /// The change between two close points.
    Difference,
    /// The same change, box by box.
    Changes,
    Fuzz,
    /// A longer attack.
    Attack,
    /// The boundary property, box by box.
    Boxes,
    /// The first cases of a split.
    Start,
    /// Cuts of inputs or neurons of a network.
    Split,
    /// Shares of the leaves of an ensemble.
    Shares,
    /// Cell cuts of an ensemble.
    Cells,
    /// Threshold by threshold.
    Jumps,
    /// Boxes of pairs of points of an ensemble.
    Twins,
}

impl Rung {
    /// True if the rule costs less than an attack.
    fn is_cheap(self) -> bool {
        match self {
            Self::Interval | Self::Fuzz => true,
            Self::Linear
            | Self::Alpha
            | Self::Lp
            | Self::Jacobian
            | Self::Range
            | Self::Difference
            | Self::Changes
            | Self::Attack
            | Self::Boxes
            | Self::Start
            | Self::Split
            | Self::Shares
            | Self::Cells
            | Self::Jumps
            | Self::Twins => false,
        }
    }
}

fn rungs(obligation: &Obligation, family: &Family) -> &'static [Rung] {
    match (&obligation.claim, family) {
        (Claim::AllPairs { .. }, _) => &[],
        (Claim::Pair(pair), Family::Mlp(_)) => match (&pair.bonds, &pair.aim) {
            (_, Aim::Order { .. }) => &[Rung::Jacobian, Rung::Attack, Rung::Split],
            (_, Aim::Flip { .. }) => &[Rung::Fuzz, Rung::Attack, Rung::Boxes],
            (_, Aim::Lipschitz { .. }) => &[Rung::Range, Rung::Jacobian, Rung::Split],
            (Bonds::Within { .. }, Aim::Close { .. }) => {
                &[Rung::Difference, Rung::Changes, Rung::Split]
            }
            (_, Aim::Close { .. } | Aim::Stays(_)) => &[],
        },
        (Claim::Pair(pair), Family::Ensemble(_)) => match &pair.aim {
            Aim::Order { .. } => &[Rung::Jumps],
            Aim::Close { .. } | Aim::Lipschitz { .. } | Aim::Stays(_) | Aim::Flip { .. } => {
                &[Rung::Twins]
            }
        },
        (Claim::Avoid { .. }, _) => {
            &[Rung::Interval, Rung::Linear, Rung::Start, Rung::Attack, Rung::Split]
        }
        (Claim::Label { .. } | Claim::Posterior { .. }, Family::Mlp(_)) => {
            &[Rung::Interval, Rung::Linear, Rung::Alpha, Rung::Lp, Rung::Split]
        }
        (Claim::Label { .. } | Claim::Posterior { .. }, Family::Ensemble(_)) => {
            &[Rung::Interval, Rung::Cells, Rung::Shares]
        }
    }
}
