//! Figures beside claims about two points: the largest change of the score, its whole range, and whether any
//! point is as confident as a claim supposes.

use std::sync::Arc;

use crate::certificate::{Proof, TwinBox, Verdict};
use crate::interval::Rational;
use crate::model::{Family, Point};
use crate::spec::{Aim, Bonds, Claim, Confidence, Obligation, On, Pair, Regions, Threshold};

use super::aim::FloatAim;
use super::parts::Shown;
use super::product::FALL;
use super::question::{BoxQuestion, FIRST_BOXES};
use super::witness::Ground;
use super::{Grids, Means, prove, regions};
use crate::certify::{Options, Searcher};

/// The largest change of the score between two points that a claim binds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LargestChange {
    /// Some pair changes by at least this; 0 if no changing pair was found.
    pub least: f64,
    /// No pair changes by more; the kernel has shown this.
    pub most: f64,
    /// True if both are the largest change, up to the rounding of `f64`; else the budget ended first.
    pub is_exact: bool,
    /// Boxes of pairs visited.
    pub nodes: u64,
}

/// The largest change of an obligation about a change (`small-neighborhood`, `stability`), whatever its
/// bound, or an enclosure of it as far as the budget of nodes lasts. Proving that it is the largest takes at
/// most as many nodes again. `None` for other claims, and if trees are too large over pairs of points.
pub(in crate::certify) fn largest_change(
    searcher: &Searcher,
    obligation: &Obligation,
) -> Option<LargestChange> {
    let mut on_score = obligation.clone();
    expect_change(&mut on_score, Rational::ZERO, searcher.lowered.is_whole())?;
    widest(searcher, on_score)
}

/// The range of the score over the whole region of an obligation about its change, from its least to its
/// greatest value. Bounds should be compared with it, since a small score changes little. `None` as for
/// [`largest_change`].
pub(in crate::certify) fn score_span(
    searcher: &Searcher,
    obligation: &Obligation,
) -> Option<LargestChange> {
    let mut all = obligation.clone();
    expect_change(&mut all, Rational::ZERO, searcher.lowered.is_whole())?;
    let moved: Arc<[bool]> = vec![true; searcher.subject.model.0.schema.len()].into();
    let aim = Aim::Close { bound: Rational::ZERO, on: On::Score, is_strict: false };
    let claim = Claim::Pair(Pair { bonds: Bonds::Moved(moved), regions: Regions::Both, aim });
    all.sufficient = Some(claim.clone());
    all.claim = claim;
    widest(searcher, all)
}

/// True if some point of the region has the confidence that an obligation speaks of (`high-confidence`,
/// `redundancy`); if no point has it, the obligation holds emptily. `None` for other claims, or if the
/// budget of nodes is too small.
pub(in crate::certify) fn is_premise_met(
    searcher: &Searcher,
    obligation: &Obligation,
) -> Option<bool> {
    let Aim::Stays(scores) = &obligation.claim.pair()?.aim else { return None };
    let grid = searcher.grid.as_ref()?;
    // a point with the confidence violates this claim by itself, because no score reaches the cutoff
    let beyond = Rational::from_f64(2.0 * grid.total() + 1.0)?;
    let cutoff = Threshold { below: beyond.clone(), above: beyond };
    let claim = Claim::Pair(Pair {
        bonds: Bonds::Moved(vec![false; searcher.subject.model.0.schema.len()].into()),
        regions: Regions::Own(Arc::new(obligation.region.clone())),
        aim: Aim::Stays(Arc::new(Confidence { floor: scores.floor.clone(), cutoff })),
    });
    let alone = Obligation { sufficient: Some(claim.clone()), claim, ..obligation.clone() };
    let proof = prove(searcher, &alone, Means::All, &mut 0)?;
    match searcher.kernel.judge(alone, &proof) {
        Ok(Verdict::Refuted(_)) => Some(true),
        Ok(Verdict::Proved(_)) => Some(false),
        _ => None,
    }
}

/// The largest change that a claim about the score allows for.
fn widest(searcher: &Searcher, on_score: Obligation) -> Option<LargestChange> {
    let Family::Ensemble(ensemble) = &searcher.subject.model.0.family else { return None };
    let claim = on_score.sufficient.as_ref()?;
    let questions = searcher.kernel.questions(&on_score)?;
    let pairing = questions.pairings().into_iter().next()?;
    let grids = Grids::new(ensemble, searcher.lowered.is_whole(), claim);
    let question =
        BoxQuestion::new(ensemble, &grids, (pairing, pairing.root()?), FloatAim::of(claim)?)?;
    let ground = Ground { grids: grids.both(), regions: regions(&on_score, claim) };
    let scene = ExtentClaim { searcher, on_score: &on_score, question, ground };
    let mut nodes = 0;
    let (found, is_largest) = scene.largest(&mut nodes);
    let changes: Vec<Option<Rational>> = found.iter().map(|here| scene.change(here)).collect();
    let is_met = changes.first().is_none_or(Option::is_some);
    let least = changes.into_iter().flatten().reduce(|a, b| if a < b { b } else { a });
    let least = least.unwrap_or(Rational::ZERO);
    let exact = if is_largest && is_met { scene.exactly(&least, &mut nodes) } else { None };
    let (most, is_exact) = match exact {
        Some(most) => (most, true),
        None => (scene.at_most(&least, &mut nodes)?, false),
    };
    Some(LargestChange { least: least.down(), most, is_exact, nodes })
}

/// A claim about the score whose largest change is sought.
struct ExtentClaim<'a> {
    searcher: &'a Searcher<'a>,
    on_score: &'a Obligation,
    question: BoxQuestion<'a>,
    ground: Ground<'a>,
}

impl ExtentClaim<'_> {
    /// Boxes of pairs that change much, the largest change first, none if no pair changes; and true if no pair
    /// changes more. All trees together get three quarters of the budget, or a third of that if they seem
    /// hopeless. They start from the pairs that a climb found, unless a few boxes decide.
    fn largest(&self, nodes: &mut u64) -> (Vec<TwinBox>, bool) {
        let Options { budget_nodes, seed, .. } = self.searcher.options;
        let (root, budget) = (self.question.root, budget_nodes - budget_nodes / 4);
        let few = budget.min(FIRST_BOXES);
        let (found, is_largest) = self.question.search().largest(root, 0.0, (few, few), nodes);
        let mut all: Vec<TwinBox> = found.into_iter().collect();
        if is_largest {
            return (all, true);
        }
        let mut ascent = self.question.ascent(seed);
        all.extend(ascent.climb(f64::INFINITY, *nodes));
        let above = all.iter().map(|here| self.fall(here)).fold(0.0, f64::max);
        let (found, is_largest) =
            self.question.search().largest(root, above, (budget / 3, budget), nodes);
        all.extend(found);
        if !is_largest {
            all.extend(ascent.climb(f64::INFINITY, budget_nodes));
        }
        all.sort_by(|a, b| self.fall(b).total_cmp(&self.fall(a)));
        (all, is_largest)
    }

    /// An upper bound of the change of the pairs of a box.
    fn fall(&self, here: &TwinBox) -> f64 {
        self.question.search().start(here.clone()).top[FALL]
    }

    /// The change of a pair of a box. `None` if the kernel does not confirm that the claim binds the pair, for
    /// example if a cell has no float.
    fn change(&self, here: &TwinBox) -> Option<Rational> {
        let points = self.ground.pair(here, None);
        let model = self.searcher.subject.model.0;
        let margin = |x: &Vec<f64>| model.exact_margin(&Point::from_floats(x)?);
        let change = (&margin(&points[0])? - &margin(&points[1])?).abs();
        if change == Rational::ZERO {
            return None;
        }
        // the pair refutes any smaller bound, if the claim binds the pair
        let claim = self.claim(&(&change / &Rational::integer(2))?)?;
        let proof = Proof::Counterexample { points: points.map(|x| Point::texts(&x)).to_vec() };
        let verdict = self.searcher.kernel.judge(claim, &proof);
        matches!(verdict, Ok(Verdict::Refuted(_))).then_some(change)
    }

    /// The claim with another bound.
    fn claim(&self, most: &Rational) -> Option<Obligation> {
        let mut claim = self.on_score.clone();
        expect_change(&mut claim, most.clone(), self.searcher.lowered.is_whole())?;
        Some(claim)
    }

    /// A bound that some pair reaches, rounded up, if the kernel confirms that no pair exceeds it.
    fn exactly(&self, most: &Rational, nodes: &mut u64) -> Option<f64> {
        let claim = self.claim(most)?;
        let mut boxes = 0;
        let proof = prove(self.searcher, &claim, Means::Together, &mut boxes);
        *nodes += boxes;
        // rounding up may give −0
        self.confirmed(claim, &proof?).then(|| most.up() + 0.0)
    }

    /// A bound from the parts with the rest of the budget, or from all trees together without a cut, if the
    /// kernel confirms it.
    fn at_most(&self, least: &Rational, nodes: &mut u64) -> Option<f64> {
        let options = self.searcher.options;
        let boxes = (options.budget_nodes.saturating_sub(*nodes), options);
        let shown = self.question.by_parts(least.down(), boxes, nodes);
        self.shown(shown).or_else(|| self.shown(self.question.uncut()))
    }

    fn shown(&self, shown: Option<Shown>) -> Option<f64> {
        let Shown { most, tree } = shown?;
        let claim = self.claim(&Rational::from_f64(most)?)?;
        self.confirmed(claim, &Proof::split(tree, Vec::new())).then_some(most)
    }

    fn confirmed(&self, claim: Obligation, proof: &Proof) -> bool {
        matches!(self.searcher.kernel.judge(claim, proof), Ok(Verdict::Proved(_)))
    }
}

/// Turns the claim into one about the score, with another bound; `None` for claims that are not about a
/// change. Points less than ε apart in the posterior's claim are at most ε apart in the score's claim. Both
/// agree in the limit, except for whole features, whose reach becomes the next whole number below.
pub(super) fn expect_change(
    obligation: &mut Obligation,
    limit: Rational,
    is_whole: &[bool],
) -> Option<()> {
    for claim in [Some(&mut obligation.claim), obligation.sufficient.as_mut()] {
        let Some(Claim::Pair(Pair { bonds, aim: aim @ Aim::Close { .. }, .. })) = claim else {
            return None;
        };
        if let Bonds::Within { reach, is_strict } = bonds {
            if *is_strict {
                let below = |(reach, &whole)| if whole { whole_below(reach) } else { reach };
                *reach = reach.iter().cloned().zip(is_whole).map(below).collect();
            }
            *is_strict = false;
        }
        *aim = Aim::Close { bound: limit.clone(), on: On::Score, is_strict: false };
    }
    Some(())
}

/// The largest whole number below a positive number, or the number itself if floats cannot decide.
fn whole_below(number: Rational) -> Rational {
    let floor = number.down().floor();
    let is_told = (0.0..9e15).contains(&floor) && number > Rational::ZERO;
    match Rational::from_f64(floor).filter(|_| is_told) {
        Some(whole) if whole < number => whole,
        Some(whole) => &whole - &Rational::ONE,
        None => number,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::Subject;
    use crate::model::{Digest, Model};
    use crate::spec::{Lowered, Spec};

    /// Over x and y; trees as in a file.
    fn largest(kinds: [&str; 2], trees: &str, claim: &str) -> [LargestChange; 2] {
        let feature = |(name, kind): (&str, &str)| {
            format!(r#"{{"name":"{name}","kind":"{kind}","low":"0","high":"3"}}"#)
        };
        let features = [("x", kinds[0]), ("y", kinds[1])].map(feature).join(",");
        let text = format!(
            r#"{{"format":"model/1","family":"ensemble","precision":"f64","tie":"lower","classes":2,
            "features":[{features}],"base":[0],"trees":[{trees}]}}"#
        );
        let model = Model::read(text.as_bytes()).unwrap();
        let spec = Spec::read(claim.as_bytes()).unwrap();
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        let digest = Digest::of(b"");
        let subject = Subject { model: (&model, digest), spec: &spec, data: None, defense: None };
        let searcher = Searcher::new(subject, &lowered, &[], Options::default());
        [searcher.largest_change(0).unwrap(), searcher.score_span(0).unwrap()]
    }

    /// 0 or 1 by x; 100 where y is at least the float after 0.3, where the domain has no float below.
    const SPLIT_DOMAIN: &str = r#"{"output":0,"feature":[1,0,0,0,0],"threshold":[0.30000000000000004,0.5,0,0,0],
        "left":[1,3,-1,-1,-1],"right":[2,4,-1,-1,-1],"default-left":[0,0,0,0,0],"leaf":[0,0,100,0,1]}"#;

    /// Points that no float is of are no witnesses, and a pair beside them is none either.
    #[test]
    fn no_change_is_told_of_pairs_outside_the_domain() {
        let claim =
            "property = 'stability'\nfeatures = ['x']\nbound = '1'\n[domain]\ny = ['0.3', '0.3']";
        for LargestChange { least, most, .. } in largest(["real"; 2], SPLIT_DOMAIN, claim) {
            assert!(least <= 1.0 && (1.0..1.1).contains(&most), "{least} {most}");
        }
        let claim =
            "property = 'stability'\nfeatures = ['x']\nbound = '1'\n[domain]\ny = ['0.3', '0.4']";
        let [change, span] = largest(["real"; 2], SPLIT_DOMAIN, claim);
        assert!(change.least <= 1.0 && change.most >= 1.0, "{change:?}");
        assert!(span.least <= 100.0 && span.most >= 100.0, "{span:?}");
    }

    /// A posterior's claim is about points less than ε apart.
    #[test]
    fn whole_features_stay_within_the_distance() {
        let stump = r#"{"output":0,"feature":[0,0,0],"threshold":[2,0,0],"left":[1,-1,-1],
            "right":[2,-1,-1],"default-left":[0,0,0],"leaf":[0,0,1]}"#;
        let near = |kind, epsilon: &str, on: &str| {
            let claim = format!(
                "property = 'small-neighborhood'\nunits = 'raw'\nconstant = '1'\nepsilon = '{epsilon}'\n\
                 on = '{on}'"
            );
            let [change, _] = largest([kind; 2], stump, &claim);
            assert!(change.is_exact && change.least == change.most, "{change:?}");
            change.most
        };
        assert_eq!(near("integer", "1", "posterior"), 0.0);
        assert_eq!(near("integer", "1", "score"), 1.0);
        assert_eq!(near("integer", "1.5", "posterior"), 1.0);
        assert_eq!(near("integer", "0.5", "score"), 0.0);
        assert_eq!(near("real", "1", "posterior"), 1.0);
        let below = |text: &str| {
            whole_below(text.parse::<crate::interval::Decimal>().unwrap().value().clone())
        };
        for (number, whole) in
            [("1", 0), ("0.5", 0), ("1.5", 1), ("2.000000000000000000001", 2), ("7", 6)]
        {
            assert_eq!(below(number), Rational::integer(whole), "{number}");
        }
    }
}
