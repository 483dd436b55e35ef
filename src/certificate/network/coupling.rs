//! Difference lines between the two copies of a network that an output region is about.
//!
//! Two copies that are bounded each on its own lose what they have in common. With `Δ = f(x′) − f(x)`,
//!
//! ```text
//! a·f(x) + b·f(x′)  =  (a + b)·f(x) + b·Δ  =  (a + b)·f(x′) − a·Δ
//! ```
//!
//! and `Δ` is bounded by the linear rule on the change itself ([`super::difference`]) over `d = x′ − x`. The
//! range of `d` follows from the boxes of both copies and from the conditions on the input that bind a feature
//! of one copy to the same feature of the other, `c·x′_i − c·x_i <= h`. A neuron of the first copy is bounded
//! at `x`, the same neuron of the second at `x′`; both bounds use the signs of the case as well.

use crate::interval::{Form, Interval, Rational};
use crate::model::Schema;
use crate::spec::RawRegion;

use crate::certificate::{Block, Hidden, Hint, Network, Sign};

/// Two copies of one network whose inputs are bound to each other.
pub struct Coupling<'a, F: Form> {
    /// Both copies side by side.
    network: &'a Network<F>,
    /// Limits that the conditions set on `x′_i − x_i`, per feature, standardised.
    limits: Vec<Interval>,
}

/// The copies over one case.
pub struct Coupled<'a, F: Form> {
    network: &'a Network<F>,
    /// Bounds of `x′ − x` and of the change of every neuron.
    changes: Hidden,
}

impl<'a, F: Form> Coupling<'a, F> {
    /// The coupling that the conditions of a region over both inputs make; `None` if they bind nothing.
    pub(in crate::certificate) fn new(
        network: &'a Network<F>,
        schema: &Schema,
        region: &RawRegion,
    ) -> Option<Self> {
        let mut limits = vec![Interval::WHOLE; schema.len()];
        for link in region.links() {
            let scale = schema.features().get(link.feature)?.exact_scale();
            *limits.get_mut(link.feature)? = link.standardised(&scale)?;
        }
        let is_bound = limits.iter().any(|limit| *limit != Interval::WHOLE);
        is_bound.then_some(Self { network, limits })
    }

    /// The copies over a case of both, whose bounds are `hidden`; `None` if the boxes alone bind them as much,
    /// if no pair is left, and after overflow.
    pub fn over(&self, hidden: &Hidden) -> Option<Coupled<'a, F>> {
        let (from, to) = halves(hidden.input());
        let mut is_bound = false;
        let mut moves = Vec::with_capacity(self.limits.len());
        for ((from, to), limit) in from.iter().zip(to).zip(&self.limits) {
            let apart = *to - *from;
            let held = apart.intersect(*limit)?;
            is_bound |= held != apart;
            moves.push(held);
        }
        let places = hidden.layers().map(|layer| {
            let (from, to) = halves(layer);
            from.iter().zip(to).map(|(from, to)| [*from, *to]).collect()
        });
        let changes = is_bound.then(|| self.network.change_bounds(places, &moves))?;
        Some(Coupled { network: self.network, changes: changes? })
    }
}

impl<F: Form> Coupled<'_, F> {
    /// Lower bound of row `index` of a block, `y·f − rhs`, by the better of both ways to write it; −∞
    /// where a sum `a + b` is no float. `hidden` bounds both copies.
    pub fn bound(
        &self,
        block: &Block<F>,
        index: usize,
        hidden: &Hidden,
        hint: Option<&Hint>,
        signs: &[Sign],
    ) -> f64 {
        let Some((y, constant)) = block.half(index) else { return f64::NEG_INFINITY };
        let (a, b) = halves(y);
        let Some(sums) = exact_sums(a, b) else { return f64::NEG_INFINITY };
        let nothing = vec![0.0; sums.len()];
        let minus_a: Vec<f64> = a.iter().map(|a| -a).collect();
        let of_change = |row: &[f64]| self.network.least_change(row, &self.changes);
        let of_copies = |row: [&[f64]; 2]| {
            let mut form = F::new(&row.concat());
            form.add_constant(1.0, constant);
            let interval = self.network.interval_margin(form.clone(), hidden);
            let linear = self.network.linear_margin(form, hidden, hint, signs);
            if interval > linear { interval } else { linear }
        };
        let by_first = (of_copies([&sums, &nothing]) + of_change(b)).next_down();
        let by_second = (of_copies([&nothing, &sums]) + of_change(&minus_a)).next_down();
        if by_first > by_second { by_first } else { by_second }
    }
}

/// The part of the first copy, and that of the second.
fn halves<T>(both: &[T]) -> (&[T], &[T]) {
    both.split_at(both.len() / 2)
}

/// `a + b`, coefficient by coefficient; `None` unless every sum is a float.
fn exact_sums(a: &[f64], b: &[f64]) -> Option<Vec<f64>> {
    let sum = |(a, b): (&f64, &f64)| {
        let exact = &Rational::from_f64(*a)? + &Rational::from_f64(*b)?;
        (Rational::from_f64(a + b)? == exact).then_some(a + b)
    };
    a.iter().zip(b).map(sum).collect()
}
