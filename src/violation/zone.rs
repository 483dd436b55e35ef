//! The zone of the boundary property: the points within Δ of a point, and a search for a partner of another
//! label there.

use crate::interval::Rational;
use crate::model::{Family, Model};
use crate::spec::Norm;

use super::boundary::BoundaryClaim;
use super::slopes::margin_slopes;

/// Steps inside the ball zone.
const STEPS: usize = 4;
/// The share of Δ that a move covers. The kernel measures exactly; rounding adds far less to a distance in
/// floats than the remaining share.
const INSIDE: f64 = 1.0 - 1e-9;
/// How many times the change that slopes foretell a move inside the zone is thought to make at most.
const FORETOLD: f64 = 4.0;

impl BoundaryClaim<'_> {
    /// A point of the zone of `raw` with another label: one shift away along an axis or, in a ball, in a
    /// direction in which the margin falls.
    pub fn partner(&self, model: &Model, raw: &[f64]) -> Option<Vec<f64>> {
        self.partner_by(model, raw, |point| model.label(point))
    }

    /// The same by other labels than those of the model, as behind a defense.
    pub fn partner_by(
        &self,
        model: &Model,
        raw: &[f64],
        label_of: impl Fn(&[f64]) -> usize,
    ) -> Option<Vec<f64>> {
        let label = label_of(raw);
        let is_flipped = |moved: &Vec<f64>| label_of(moved) != label;
        if let Some(norm) = self.ball
            && let Some(moved) = inside_ball(model, raw, self.shifts, norm).find(is_flipped)
        {
            return Some(moved);
        }
        shifted(raw, self.shifts).find(is_flipped)
    }

    /// False if the slopes at `raw` say that its margin is far too large to fall to 0 inside the zone. It costs one reverse
    /// pass, where [`BoundaryClaim::partner`] costs one pass for every shift. Networks; true for ensembles, and where slopes
    /// say nothing, as all are 0.
    pub fn seems_near(&self, model: &Model, raw: &[f64]) -> bool {
        let size = model.margin(raw).abs();
        // a point that is not confident is told by that alone
        if !matches!(model.family, Family::Mlp(_)) || size < self.mu {
            return true;
        }
        let slopes = margin_slopes(model, raw);
        let gains = slopes.iter().zip(self.shifts).map(|(g, shift)| (g * shift.down()).abs());
        let change = match self.ball {
            Some(Norm::Linf) => gains.sum(),
            Some(Norm::L2) => gains.map(|gain| gain * gain).sum::<f64>().sqrt(),
            Some(Norm::L1) | None => gains.fold(0.0, f64::max),
        };
        change == 0.0 || size <= FORETOLD * change
    }

    /// The point `raw` and the point of its ball that lies nearest to `other` on the way there; `None` unless
    /// `raw` is confident and the labels of the two differ. For zone `ball`.
    pub fn towards(&self, model: &Model, [raw, other]: [Vec<f64>; 2]) -> Option<[Vec<f64>; 2]> {
        if model.margin(&raw).abs() < self.least {
            return None;
        }
        let reach = self.shifts.iter().map(inside);
        let steps: Vec<f64> = raw.iter().zip(&other).map(|(x, y)| y - x).collect();
        let ratios = steps.iter().zip(reach).map(|(step, reach)| (step / reach).abs());
        let length = match self.ball? {
            Norm::Linf => ratios.fold(0.0, f64::max),
            Norm::L1 => ratios.sum(),
            Norm::L2 => ratios.map(|ratio| ratio * ratio).sum::<f64>().sqrt(),
        };
        let share = if length > 1.0 { 1.0 / length } else { 1.0 };
        let moved: Vec<f64> = raw.iter().zip(&steps).map(|(x, step)| x + share * step).collect();
        (model.label(&moved) != model.label(&raw)).then_some([raw, moved])
    }
}

/// The points one shift away along an axis, both ways, feature by feature.
fn shifted(raw: &[f64], shifts: &[Rational]) -> impl Iterator<Item = Vec<f64>> {
    let moves = shifts.iter().enumerate().flat_map(|(index, shift)| {
        // rounded towards the point, so that it stays within Δ
        let reach = shift.down();
        [(index, raw[index] + reach, 1.0), (index, raw[index] - reach, -1.0)]
    });
    moves.map(|(index, end, sign)| {
        let mut moved = raw.to_vec();
        let is_beyond = (end - raw[index]).abs() > shifts[index].down();
        moved[index] = match (is_beyond, sign > 0.0) {
            (false, _) => end,
            (true, true) => end.next_down(),
            (true, false) => end.next_up(),
        };
        moved
    })
}

/// A little less than Δ.
fn inside(shift: &Rational) -> f64 {
    shift.down() * INSIDE
}

/// Points at distance Δ, less an allowance for rounding. Each point makes |m| least by the slopes at
/// the point before it, as if these slopes were constant.
fn inside_ball<'a>(
    model: &'a Model,
    raw: &'a [f64],
    shifts: &'a [Rational],
    norm: Norm,
) -> impl Iterator<Item = Vec<f64>> + 'a {
    let reach: Vec<f64> = shifts.iter().map(inside).collect();
    let sign = if model.margin(raw) > 0.0 { -1.0 } else { 1.0 };
    let is_network = matches!(model.family, Family::Mlp(_));
    let next = move |from: &Vec<f64>| {
        let slopes = margin_slopes(model, from);
        let gains: Vec<f64> = slopes.iter().zip(&reach).map(|(g, r)| sign * g * r).collect();
        let length = gains.iter().map(|gain| gain * gain).sum::<f64>().sqrt();
        let most = gains.iter().fold(0.0, |top: f64, gain| top.max(gain.abs()));
        let share = |gain: f64| match norm {
            Norm::Linf => gain.signum(),
            Norm::L2 => gain / length,
            Norm::L1 => {
                if gain.abs() == most {
                    gain.signum()
                } else {
                    0.0
                }
            }
        };
        let moved = raw.iter().zip(&gains).zip(&reach);
        (most > 0.0).then(|| moved.map(|((x, gain), r)| x + share(*gain) * r).collect())
    };
    let first = is_network.then(|| raw.to_vec());
    std::iter::successors(first, next).skip(1).take(STEPS)
}
