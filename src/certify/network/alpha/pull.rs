//! Multipliers of the conditions between inputs, in floats.
//!
//! Over a box and one condition `g·z <= h`, the least value of a form `a·z` is the greatest of
//! `min (a + μ·g)·z − μ·h` over `μ >= 0`: a fractional knapsack (Dantzig 1957). From `μ = 0` on, an input moves to
//! its other end where `a_i + μ·g_i` changes its sign, until the condition holds. With several conditions, each in
//! turn gets the best multiplier beside those of the others.

use crate::interval::Interval;
use crate::spec::LinearCondition;

/// Rounds through several conditions.
const ROUNDS: usize = 3;
/// A coefficient is 0 if it is smaller than this share of what was added up to it.
const NOTHING: f64 = 1e-12;

/// One multiplier per condition.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulls {
    multipliers: Vec<f64>,
    /// Per condition, the input at whose change of sign its multiplier ended.
    critical: Vec<Option<usize>>,
    moves: Vec<(f64, usize)>,
}

impl Pulls {
    /// Starts at these multipliers.
    pub(super) fn start(&mut self, multipliers: Vec<f64>) {
        self.multipliers = multipliers;
    }

    /// The multipliers, one per condition.
    pub(super) fn multipliers(&self) -> &[f64] {
        &self.multipliers
    }

    /// Adds the best multiples of the conditions to a form.
    pub(super) fn raise(
        &mut self,
        form: &mut [f64],
        sides: &[Interval],
        conditions: &[LinearCondition],
    ) {
        self.multipliers.resize(conditions.len(), 0.0);
        self.critical.resize(conditions.len(), None);
        for (condition, multiplier) in conditions.iter().zip(&self.multipliers) {
            add(form, condition, *multiplier);
        }
        let rounds = if conditions.len() > 1 { ROUNDS } else { 1 };
        for (index, condition) in
            conditions.iter().enumerate().cycle().take(rounds * conditions.len())
        {
            add(form, condition, -self.multipliers[index]);
            let (best, critical) = self.best(form, sides, condition);
            (self.multipliers[index], self.critical[index]) = (best, critical);
            add(form, condition, best);
        }
    }

    /// The best multiplier of one condition, and the input at which it ends.
    fn best(
        &mut self,
        form: &[f64],
        sides: &[Interval],
        condition: &LinearCondition,
    ) -> (f64, Option<usize>) {
        self.moves.clear();
        let mut excess = -condition.rhs;
        for (index, ((a, g), side)) in form.iter().zip(&condition.row).zip(sides).enumerate() {
            let is_low = *a > 0.0 || (*a == 0.0 && *g >= 0.0);
            excess += g * if is_low { side.lo() } else { side.hi() };
            if *a * *g < 0.0 {
                self.moves.push((-a / g, index));
            }
        }
        if excess <= 0.0 {
            return (0.0, None);
        }
        self.moves.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for &(ratio, index) in &self.moves {
            excess -= condition.row[index].abs() * (sides[index].hi() - sides[index].lo());
            if excess <= 0.0 {
                return (ratio, Some(index));
            }
        }
        // no point is left: the bound rises without end
        let last = self.moves.last().map_or(0.0, |step| step.0);
        let size = |(a, side): (&f64, &Interval)| a.abs() * side.magnitude();
        let total: f64 = form.iter().zip(sides).map(size).sum();
        let far = last + 1e3 * (1.0 + total) / excess;
        (if far.is_finite() { far } else { last }, None)
    }

    /// Moves a corner of the box to where the conditions hold, and returns what their multiples add there.
    pub(super) fn settle(
        &self,
        form: &[f64],
        point: &mut [f64],
        sides: &[Interval],
        conditions: &[LinearCondition],
    ) -> f64 {
        let excess = |point: &[f64], LinearCondition { row, rhs }: &LinearCondition| {
            row.iter().zip(point).map(|(g, z)| g * z).sum::<f64>() - rhs
        };
        for ((condition, critical), multiplier) in
            conditions.iter().zip(&self.critical).zip(&self.multipliers)
        {
            let Some(index) = *critical else { continue };
            let g = condition.row[index];
            if form[index].abs() <= NOTHING * (multiplier * g).abs() {
                let moved = point[index] - excess(point, condition) / g;
                point[index] = moved.clamp(sides[index].lo(), sides[index].hi());
            }
        }
        let gains = conditions.iter().zip(&self.multipliers);
        gains.map(|(condition, multiplier)| multiplier * excess(point, condition)).sum()
    }
}

fn add(form: &mut [f64], condition: &LinearCondition, multiplier: f64) {
    if multiplier != 0.0 {
        form.iter_mut().zip(&condition.row).for_each(|(a, g)| *a += multiplier * g);
    }
}
