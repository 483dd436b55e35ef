//! Counterexamples: points as raw values, everything about them decided exactly.
//!
//! Under `served-f32` one f32 execution at the rounded point is enough, since the claim is about all
//! executions. Through a defense the posterior is enclosed and moved by the defense's map.

use crate::defense::Defense;
use crate::interval::{Rational, exp, sigmoid};
use crate::model::{Model, Point, argmax};
use crate::spec::{Aim, Claim, Direction, Obligation, On, Semantics, square_distance};

use crate::certificate::Rejection;
use crate::certificate::claims::competitors;

/// The function a witness is evaluated on.
pub(super) struct Evaluated<'a> {
    pub(super) model: &'a Model,
    pub(super) semantics: Semantics,
    /// The defense in front of the model.
    pub(super) defense: Option<&'a Defense>,
}

/// True if the points violate the obligation's claim inside its region.
pub(super) fn violates(
    subject: &Evaluated,
    obligation: &Obligation,
    texts: &[Vec<String>],
) -> Result<bool, Rejection> {
    let features = subject.model.schema.len();
    let points: Vec<Point> =
        texts.iter().map(|text| Point::parse(text, features)).collect::<Result<_, _>>()?;
    let count = |expected| Rejection::Count { what: "points", found: points.len(), expected };
    let region = &obligation.region;
    Ok(match (&obligation.claim, points.as_slice()) {
        (Claim::Label { label }, [x]) => {
            region.contains(x) && subject.answers_other_than(*label, x)
        }
        (Claim::Posterior { label, odds, threshold }, [x]) => {
            region.contains(x) && subject.is_unsure(*label, odds, &threshold.below, x)
        }
        (Claim::Pair(pair), points) => {
            let misses = |a: &Point, b: &Point| {
                pair.speaks_of(region, a, b) && subject.misses(&pair.aim, a, b)
            };
            match (points, points.first().and_then(|x| pair.partners(x))) {
                ([x], Some(mut partners)) => partners.any(|other| misses(x, &other)),
                ([a, b], None) => misses(a, b),
                (_, Some(_)) => return Err(count(1)),
                (_, None) => return Err(count(2)),
            }
        }
        // decided pair by pair
        (Claim::AllPairs { .. }, _) => false,
        (Claim::Avoid { blocks, copies }, points) if points.len() == *copies => {
            let outputs = points.iter().map(|x| subject.scores(x)).collect::<Option<Vec<_>>>();
            subject.defense.is_none()
                && region.contains(&Point::joint(points))
                && outputs.is_some_and(|f| blocks.iter().any(|block| block.contains(&f.concat())))
        }
        (Claim::Avoid { copies, .. }, _) => return Err(count(*copies)),
        (Claim::Label { .. } | Claim::Posterior { .. }, _) => return Err(count(1)),
    })
}

impl Evaluated<'_> {
    /// The scores that count, exactly; `None` if a served execution overflows.
    fn scores(&self, point: &Point) -> Option<Vec<Rational>> {
        match self.semantics {
            Semantics::Real => Some(self.model.exact_scores(point)),
            Semantics::ServedF32 => {
                let served = self.model.served_scores(point);
                served.iter().map(|&score| Rational::from_f64(f64::from(score))).collect()
            }
        }
    }

    /// Score of class 1 minus score of class 0; `None` unless there are two classes.
    fn margin(&self, point: &Point) -> Option<Rational> {
        match self.scores(point)?.as_slice() {
            [zero, one] => Some(one - zero),
            _ => None,
        }
    }

    /// True if the answers at two points miss the aim for certain.
    fn misses(&self, aim: &Aim, a: &Point, b: &Point) -> bool {
        match aim {
            Aim::Close { bound, on: On::Score, is_strict } => self
                .margins_apart(a, b)
                .is_some_and(|gap| gap > *bound || (*is_strict && gap == *bound)),
            Aim::Close { bound, on: On::Posterior, is_strict } => {
                let square = bound * bound;
                let gap = self.posteriors_apart(a, b);
                gap.is_some_and(|gap| gap > square || (*is_strict && gap == square))
            }
            Aim::Lipschitz { units, norm, constant } => {
                let square = square_distance(a, b, units, *norm);
                let limit = square.map(|square| &(constant * constant) * &square);
                self.posteriors_apart(a, b).zip(limit).is_some_and(|(gap, most)| gap > most)
            }
            Aim::Order { direction, class } => self.moves_against(*direction, *class, a, b),
            // asked of no defended model
            Aim::Stays(scores) => {
                self.defense.is_none()
                    && self.margin(a).is_some_and(|m| m >= scores.floor.above)
                    && self.margin(b).is_some_and(|m| m < scores.cutoff.below)
            }
            Aim::Flip { margin, .. } => match self.defense {
                None => self.is_confident(&margin.above, a) && self.flips(a, b),
                Some(defense) => self.turns_answer(defense, &margin.above, a, b),
            },
        }
    }

    /// `|m(a) − m(b)|`, exactly; not through a defense.
    fn margins_apart(&self, a: &Point, b: &Point) -> Option<Rational> {
        let gap = &self.margin(a)? - &self.margin(b)?;
        self.defense.is_none().then(|| gap.abs())
    }

    /// A lower bound of `‖F(a) − F(b)‖₂² = 2·(σ(m) − σ(m′))²`, or of that of the answers of a defense; it is 0 only if
    /// nothing better is known.
    fn posteriors_apart(&self, a: &Point, b: &Point) -> Option<Rational> {
        if let Some(defense) = self.defense {
            let gap = |class: usize| {
                let answers = [a, b].map(|x| self.defended(class, defense, x));
                let [Some((low, high)), Some((other_low, other_high))] = answers else {
                    return None;
                };
                let (over, under) = (&low - &other_high, &other_low - &high);
                Some(over.max(under).max(Rational::ZERO))
            };
            let (zero, one) = (gap(0)?, gap(1)?);
            return Some(&(&zero * &zero) + &(&one * &one));
        }
        let (m, n) = (self.margin(a)?, self.margin(b)?);
        let (low, high) = if m < n { (m, n) } else { (n, m) };
        let gap = &sigmoid(&high).0 - &sigmoid(&low).1;
        let gap = if gap > Rational::ZERO { gap } else { Rational::ZERO };
        let square = &gap * &gap;
        Some(&square + &square)
    }

    fn answers_other_than(&self, label: usize, x: &Point) -> bool {
        match self.defense {
            None => self.scores(x).is_some_and(|s| argmax(&s, self.model.tie) != label),
            // the defended label is another one for certain if its posterior is below ½
            Some(defense) => {
                self.defended(label, defense, x).is_some_and(|(_, top)| Rational::half() > top)
            }
        }
    }

    /// True if `F_label <= 1 − δ` for certain.
    fn is_unsure(&self, label: usize, odds: &Rational, below: &Rational, x: &Point) -> bool {
        if let Some(defense) = self.defense {
            // 1 − δ = 1/(1 + odds)
            let limit = &Rational::ONE / &(&Rational::ONE + odds);
            let posterior = self.defended(label, defense, x);
            return posterior.zip(limit).is_some_and(|((_, top), limit)| top <= limit);
        }
        let Some(scores) = self.scores(x) else { return false };
        let Some(own) = scores.get(label) else { return false };
        let margins: Vec<Rational> = competitors(label, scores.len())
            .filter_map(|class| scores.get(class).map(|other| own - other))
            .collect();
        match margins.as_slice() {
            [margin] => margin <= below,
            several => {
                let lower =
                    several.iter().fold(Rational::ZERO, |sum, m| &sum + &exp(&-m.clone()).0);
                lower >= *odds
            }
        }
    }

    /// `[least, greatest]` of the posterior that the defense answers for a class.
    fn defended(&self, class: usize, defense: &Defense, x: &Point) -> Option<(Rational, Rational)> {
        let scores: [Rational; 2] = self.scores(x)?.try_into().ok()?;
        (class < 2).then(|| defense.enclosure(class, &scores, self.model.tie))
    }

    /// True if `F_class(a) > F_class(b)` for certain (increasing); `a` is the lower point.
    fn moves_against(&self, direction: Direction, class: usize, a: &Point, b: &Point) -> bool {
        let (first, second) = match direction {
            Direction::Increasing => (a, b),
            Direction::Decreasing => (b, a),
        };
        if let Some(defense) = self.defense {
            // F′_class(first) > F′_class(second) for certain
            let answers = |x| self.defended(class, defense, x);
            return answers(first).zip(answers(second)).is_some_and(|(a, b)| a.0 > b.1);
        }
        let (Some(from), Some(to)) = (self.scores(first), self.scores(second)) else {
            return false;
        };
        let margins = |scores: &[Rational]| -> Option<Vec<Rational>> {
            let own = scores.get(class)?;
            Some(
                competitors(class, scores.len())
                    .filter_map(|k| scores.get(k).map(|s| own - s))
                    .collect(),
            )
        };
        let (Some(from), Some(to)) = (margins(&from), margins(&to)) else { return false };
        match (from.as_slice(), to.as_slice()) {
            ([from], [to]) => from > to,
            // F = 1/(1 + Σ exp(−m)): it falls if the sum rises
            (from, to) => {
                let above = from
                    .iter()
                    .try_fold(Rational::ZERO, |sum, m| exp(&-m.clone()).1.map(|e| &sum + &e));
                let below = to.iter().fold(Rational::ZERO, |sum, m| &sum + &exp(&-m.clone()).0);
                above.is_some_and(|above| below > above)
            }
        }
    }

    /// True if `|m| >= μ` for certain.
    fn is_confident(&self, above: &Rational, x: &Point) -> bool {
        self.margin(x).is_some_and(|m| m.abs() >= *above)
    }

    /// True if a defense's answer to `a` is as sure as one of margin μ, and its label at `b` is another, for certain.
    fn turns_answer(&self, defense: &Defense, above: &Rational, a: &Point, b: &Point) -> bool {
        let answers = |x| self.defended(0, defense, x).zip(self.defended(1, defense, x));
        let (Some((a0, a1)), Some((b0, b1))) = (answers(a), answers(b)) else { return false };
        let square = |low: &Rational| match *low > Rational::ZERO {
            true => low * low,
            false => Rational::ZERO,
        };
        let sure = sigmoid(above).1;
        let least = &square(&sure) + &square(&(&Rational::ONE - &sure));
        let is_sure = &square(&a0.0) + &square(&a1.0) >= least;
        let turns = (a0.0 > a1.1 && b1.0 > b0.1) || (a1.0 > a0.1 && b0.0 > b1.1);
        is_sure && turns
    }

    fn flips(&self, a: &Point, b: &Point) -> bool {
        let label = |x| self.scores(x).map(|scores| argmax(&scores, self.model.tie));
        label(a).zip(label(b)).is_some_and(|(a, b)| a != b)
    }
}
