//! Counterexamples: points as raw values, everything about them decided exactly.
//!
//! Under `served-f32` one f32 execution at the rounded point is enough, since the claim is about all
//! executions. Through a defense the posterior is enclosed and moved by the defense's map.

use crate::defense::Defense;
use crate::interval::{Rational, exp, sigmoid};
use crate::model::{Model, Point, argmax};
use crate::spec::{Claim, Direction, Norm, Obligation, On, Semantics, Zone};

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
    Ok(match (&obligation.claim, points.as_slice()) {
        (Claim::Label { label }, [x]) => {
            obligation.region.contains(x) && subject.answers_other_than(*label, x)
        }
        (Claim::Posterior { label, odds, threshold }, [x]) => {
            obligation.region.contains(x) && subject.is_unsure(*label, odds, &threshold.below, x)
        }
        (Claim::Monotone { feature, direction, class }, [a, b]) => {
            let region = &obligation.region;
            let is_step = is_step_up(a, b, feature.0);
            is_step
                && region.contains(a)
                && region.contains(b)
                && subject.moves_against(*direction, *class, a, b)
        }
        (Claim::Fuzz { margin, shifts, zone: Zone::Axis, .. }, [x]) => {
            obligation.region.contains(x)
                && subject.is_confident(&margin.above, x)
                && axis_neighbours(x, shifts).any(|other| subject.flips(x, &other))
        }
        (Claim::Fuzz { margin, shifts, zone: Zone::Ball, zone_norm }, [x, other]) => {
            obligation.region.contains(x)
                && is_in_zone(x, other, shifts, *zone_norm)
                && subject.is_confident(&margin.above, x)
                && subject.flips(x, other)
        }
        (Claim::Near { reach, bound, on }, [a, b]) => {
            let is_strict = *on == On::Posterior;
            let mut gaps = differences(a, b).zip(reach.iter());
            let is_near = gaps.all(|(d, r)| d < *r || (!is_strict && d == *r));
            is_near
                && obligation.region.contains(a)
                && obligation.region.contains(b)
                && match on {
                    On::Score => subject.margins_apart(a, b).is_some_and(|gap| gap > *bound),
                    On::Posterior => {
                        subject.posteriors_apart(a, b).is_some_and(|gap| gap >= bound * bound)
                    }
                }
        }
        (Claim::Stable { moved, bound, on }, [a, b]) => {
            let region = &obligation.region;
            agree_elsewhere(a, b, moved)
                && region.contains(a)
                && region.contains(b)
                && match on {
                    On::Score => subject.margins_apart(a, b).is_some_and(|gap| gap > *bound),
                    On::Posterior => {
                        subject.posteriors_apart(a, b).is_some_and(|gap| gap > bound * bound)
                    }
                }
        }
        (Claim::Confident { moved, partners, scores }, [a, b]) => {
            agree_elsewhere(a, b, moved)
                && obligation.region.contains(a)
                && partners.contains(b)
                && subject.defense.is_none()
                && subject.margin(a).is_some_and(|m| m >= scores.floor.above)
                && subject.margin(b).is_some_and(|m| m < scores.cutoff.below)
        }
        (Claim::Lipschitz { units, norm, constant, boxes }, [a, b]) => {
            let [first, second] = &**boxes;
            let limit = square_distance(a, b, units, *norm).map(|d| &(constant * constant) * &d);
            first.contains(a)
                && second.contains(b)
                && subject.posteriors_apart(a, b).zip(limit).is_some_and(|(gap, most)| gap > most)
        }
        // decided pair by pair
        (Claim::AllPairs { .. }, _) => false,
        (Claim::Avoid { blocks, copies }, points) if points.len() == *copies => {
            let outputs = points.iter().map(|x| subject.scores(x)).collect::<Option<Vec<_>>>();
            subject.defense.is_none()
                && obligation.region.contains(&Point::joint(points))
                && outputs.is_some_and(|f| blocks.iter().any(|block| block.contains(&f.concat())))
        }
        (Claim::Avoid { copies, .. }, _) => return Err(count(*copies)),
        (Claim::Monotone { .. } | Claim::Fuzz { zone: Zone::Ball, .. }, _) => return Err(count(2)),
        (Claim::Near { .. } | Claim::Lipschitz { .. }, _) => return Err(count(2)),
        (Claim::Stable { .. } | Claim::Confident { .. }, _) => return Err(count(2)),
        _ => return Err(count(1)),
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

    /// `|m(a) − m(b)|`, exactly; not through a defense.
    fn margins_apart(&self, a: &Point, b: &Point) -> Option<Rational> {
        let gap = &self.margin(a)? - &self.margin(b)?;
        self.defense.is_none().then(|| gap.abs())
    }

    /// A lower bound of `‖F(a) − F(b)‖₂² = 2·(σ(m) − σ(m′))²`; it is 0 only if nothing better is known.
    fn posteriors_apart(&self, a: &Point, b: &Point) -> Option<Rational> {
        let (m, n) = (self.margin(a)?, self.margin(b)?);
        let (low, high) = if m < n { (m, n) } else { (n, m) };
        let gap = &sigmoid(&high).0 - &sigmoid(&low).1;
        let gap = if gap > Rational::ZERO { gap } else { Rational::ZERO };
        let square = &gap * &gap;
        self.defense.is_none().then(|| &square + &square)
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
        self.defense.is_none() && self.margin(x).is_some_and(|m| m.abs() >= *above)
    }

    fn flips(&self, a: &Point, b: &Point) -> bool {
        let label = |x| self.scores(x).map(|scores| argmax(&scores, self.model.tie));
        label(a).zip(label(b)).is_some_and(|(a, b)| a != b)
    }
}

/// True if `a_j <= b_j` and the points are equal elsewhere.
fn is_step_up(a: &Point, b: &Point, feature: usize) -> bool {
    let mut pairs = a.values().iter().zip(b.values()).enumerate();
    pairs.all(|(index, (x, y))| if index == feature { x <= y } else { x == y })
}

/// True if the points are equal in every feature that is not moved.
fn agree_elsewhere(a: &Point, b: &Point, moved: &[bool]) -> bool {
    let mut pairs = a.values().iter().zip(b.values()).zip(moved);
    pairs.all(|((x, y), is_moved)| *is_moved || x == y)
}

/// The points one shift away along each axis, both ways.
fn axis_neighbours(x: &Point, shifts: &[Rational]) -> impl Iterator<Item = Point> {
    let signed = |(index, shift): (usize, &Rational)| {
        [shift.clone(), -shift.clone()].map(|shift| (index, shift))
    };
    let shifted = shifts.iter().enumerate().flat_map(signed);
    shifted.map(|(index, shift)| x.moved(index, &shift))
}

/// `|a_i − b_i|` per feature.
fn differences(a: &Point, b: &Point) -> impl Iterator<Item = Rational> {
    a.values().iter().zip(b.values()).map(|(x, y)| (x - y).abs())
}

/// `‖(a − b)/units‖²`.
fn square_distance(a: &Point, b: &Point, units: &[Rational], norm: Norm) -> Option<Rational> {
    let ratios = differences(a, b).zip(units).map(|(d, unit)| &d / unit);
    norm_squared(&ratios.collect::<Option<Vec<_>>>()?, norm)
}

/// The square of a norm of non-negative numbers.
pub(super) fn norm_squared(lengths: &[Rational], norm: Norm) -> Option<Rational> {
    let sum = |terms: Vec<Rational>| terms.iter().fold(Rational::ZERO, |sum, term| &sum + term);
    let length = match norm {
        Norm::Linf => lengths.iter().max()?.clone(),
        Norm::L1 => sum(lengths.to_vec()),
        Norm::L2 => return Some(sum(lengths.iter().map(|length| length * length).collect())),
    };
    Some(&length * &length)
}

/// True if `other` lies within Δ of `x`: `‖(x − other)/shifts‖ <= 1`.
fn is_in_zone(x: &Point, other: &Point, shifts: &[Rational], norm: Norm) -> bool {
    let pairs = x.values().iter().zip(other.values()).zip(shifts);
    let ratios: Option<Vec<Rational>> =
        pairs.map(|((a, b), shift)| &(a - b).abs() / shift).collect();
    let Some(ratios) = ratios else { return false };
    match norm {
        Norm::Linf => ratios.iter().all(|r| *r <= Rational::ONE),
        Norm::L1 => ratios.iter().fold(Rational::ZERO, |sum, r| &sum + r) <= Rational::ONE,
        Norm::L2 => ratios.iter().fold(Rational::ZERO, |sum, r| &sum + &(r * r)) <= Rational::ONE,
    }
}
