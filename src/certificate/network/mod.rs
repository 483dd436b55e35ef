//! Networks prepared for bounding: forward intervals and backward substitution.

pub(super) mod avoid;
pub(super) mod boxes;
pub(super) mod condition;
pub(super) mod coupling;
pub(super) mod difference;
pub(super) mod fuzz;
pub(super) mod jacobian;
pub(super) mod linear;
pub(super) mod narrow;
pub(super) mod range;
pub(super) mod sign;
pub(super) mod split;
pub(super) mod step;

pub use avoid::Block;
pub use coupling::{Coupled, Coupling};
pub use jacobian::{gradient, least_slope, monotone_rows};
pub use range::Rate;
pub use sign::Sign;

use std::sync::{Arc, OnceLock};

use crate::interval::{Form, Interval, Lines, Sizes, Stored, magnitudes};
use crate::model::{Layer, Mlp};
use crate::spec::LinearCondition;

use crate::certificate::Hint;
use condition::{hinted, least, narrowed_box};
use narrow::narrowed;

/// A network in one arithmetic.
#[derive(Debug)]
pub struct Network<F: Form> {
    layers: Vec<F::Layer>,
    /// Per layer of one copy, the column of weights that each input meets: `[inputs][outputs]`; made when a
    /// gradient asks for it.
    columns: OnceLock<Vec<Vec<Vec<f64>>>>,
    /// One copy without its biases; made when changes are bounded.
    unbiased: OnceLock<Box<Self>>,
    /// The first layer of one copy.
    first: Option<F::Layer>,
    /// Outputs per layer, of all copies.
    widths: Vec<usize>,
}

/// A box of inputs, bounds of the pre-activations of the hidden layers over its points that meet the conditions,
/// and what follows from them. Ends are finite.
#[derive(Clone, Debug)]
pub struct Hidden {
    input: Arc<[Interval]>,
    conditions: Arc<[LinearCondition]>,
    /// The sizes of the first layer.
    sizes: Arc<Sizes>,
    /// Shared between the cases of a split, which often differ in later layers only.
    layers: Vec<Arc<HiddenLayer>>,
}

#[derive(Debug)]
struct HiddenLayer {
    /// `z`
    before: Vec<Interval>,
    /// `relu(z)`
    after: Vec<Interval>,
    /// The sizes of the layer that reads `relu(z)`.
    sizes: Sizes,
    /// Default lines.
    lines: Vec<Lines>,
}

impl Hidden {
    /// The conditions that inputs meet.
    #[cfg(any(test, feature = "advice"))]
    pub fn conditions(&self) -> &[LinearCondition] {
        &self.conditions
    }

    /// The box.
    pub fn input(&self) -> &[Interval] {
        &self.input
    }

    /// Lower bound of a form over the inputs, at the points that meet the conditions.
    pub fn least<F: Form>(&self, form: &F) -> f64 {
        least(form, &self.input, &self.conditions)
    }
    /// Pre-activation bounds per hidden layer, first layer first.
    pub fn layers(&self) -> impl Iterator<Item = &[Interval]> {
        self.layers.iter().map(|layer| layer.before.as_slice())
    }

    /// Bounds after the ReLU per hidden layer, first layer first.
    pub(super) fn activations(&self) -> impl Iterator<Item = &[Interval]> {
        self.layers.iter().map(|layer| layer.after.as_slice())
    }

    /// Bounds of the inputs of `layer`, and its sizes.
    fn below(&self, layer: usize) -> Option<(&[Interval], &Sizes)> {
        match layer.checked_sub(1) {
            None => Some((&self.input, &self.sizes)),
            Some(previous) => self.layers.get(previous).map(|l| (l.after.as_slice(), &l.sizes)),
        }
    }

    /// The sizes by which the layer pays for its inputs.
    pub(super) fn sizes(&self, layer: usize) -> Option<&Sizes> {
        self.below(layer).map(|(_, sizes)| sizes)
    }
}

/// The bounds of the part of a box in which a neuron has a sign.
#[derive(Clone, Debug)]
pub enum Signed {
    /// No point has the sign.
    Empty,
    /// The bounds.
    Bounds(Hidden),
    /// Overflow, or no such layer.
    Unknown,
}

/// The rule that bounds the next layer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// Intervals of the layer before.
    Forward,
    /// All the way back to the input.
    Backward,
}

impl<F: Form> Network<F> {
    /// Prepares `copies` copies of `mlp`, with nothing between them: inputs, neurons and outputs of the first
    /// copy, then those of the next.
    pub fn side_by_side(mlp: &Mlp, copies: usize) -> Self {
        let stored = |l: &Layer| Stored::new(&l.weights, &l.bias, l.inputs).side_by_side(copies);
        Self::of(mlp.layers.iter().map(stored))
    }

    fn of(stored: impl Iterator<Item = Stored>) -> Self {
        let layers: Vec<F::Layer> = stored.map(F::layer).collect();
        let all = || layers.iter().map(F::stored);
        Self {
            columns: OnceLock::new(),
            unbiased: OnceLock::new(),
            first: all().next().map(|stored| F::layer(stored.side_by_side(1))),
            widths: all().map(|stored| stored.copies() * stored.outputs()).collect(),
            layers,
        }
    }

    /// One copy without its biases; it shares the weights.
    fn unbiased(&self) -> &Self {
        let stored = || self.layers.iter().map(|layer| F::stored(layer).without_bias());
        self.unbiased.get_or_init(|| Box::new(Self::of(stored())))
    }

    /// Number of layers, the output included.
    pub fn depth(&self) -> usize {
        self.layers.len()
    }

    /// Outputs per layer.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// The weights that each input of a layer meets, `[inputs][outputs]`, of one copy.
    pub(super) fn columns(&self, layer: usize) -> &[Vec<f64>] {
        let all = self.columns.get_or_init(|| self.layers.iter().map(columns::<F>).collect());
        all.get(layer).map_or(&[], Vec::as_slice)
    }

    /// Hidden bounds by the interval rule; `None` after overflow.
    pub fn interval_bounds(&self, input: &[Interval]) -> Option<Hidden> {
        self.bounds(self.bare(input, Arc::default())?, None, |_| Depth::Forward)
    }

    /// Hidden bounds by the interval rule, and by the linear rule with default slopes where the
    /// interval rule leaves the sign open; `None` after overflow.
    pub fn linear_bounds(&self, input: &[Interval]) -> Option<Hidden> {
        self.linear_bounds_under(input, Arc::default())
    }

    /// As [`Network::linear_bounds`], over the points of the box that meet the conditions.
    pub fn linear_bounds_under(
        &self,
        input: &[Interval],
        conditions: Arc<[LinearCondition]>,
    ) -> Option<Hidden> {
        let input = narrowed_box::<F>(input.to_vec(), &conditions);
        self.bounds(self.bare(&input, conditions)?, None, |_| Depth::Backward)
    }

    /// The bounds of a smaller box under the same conditions: the parent's, intersected with the interval rule,
    /// and from layer `refresh` on with the linear rule where the sign is still open.
    pub fn inherited_bounds(
        &self,
        parent: &Hidden,
        input: &[Interval],
        refresh: Option<usize>,
    ) -> Option<Hidden> {
        self.bounds(self.within(parent, input)?, Some(parent), refreshed_from(refresh))
    }

    /// The bounds of the part of a box in which a neuron has a sign. Layers before that of the neuron keep
    /// their bounds. So does its own layer, unless it is the first, where the sign narrows the other neurons.
    /// Later layers, and all from layer `refresh` on, are bounded as in [`Network::inherited_bounds`].
    pub fn signed_bounds(&self, parent: &Hidden, sign: Sign, refresh: Option<usize>) -> Signed {
        let Some(held) = parent.layers.get(sign.layer) else { return Signed::Unknown };
        let mut before = held.before.clone();
        if let Some(bound) = before.get_mut(sign.neuron) {
            match bound.intersect(sign.half()) {
                Some(half) => *bound = half,
                None => return Signed::Empty,
            }
        }
        if sign.layer == 0 {
            match self.narrowed(&parent.input, sign, before) {
                Ok(narrower) => before = narrower,
                Err(nothing) => return nothing,
            }
        }
        let signed = || {
            let layer = Arc::new(self.hidden_layer(sign.layer, before)?);
            let mut held = parent.clone();
            *held.layers.get_mut(sign.layer)? = layer;
            let kept = refresh.map_or(sign.layer + 1, |first| first.min(sign.layer + 1));
            let layers = held.layers.iter().take(kept).cloned().collect();
            let start = Hidden { layers, ..held.clone() };
            self.bounds(start, Some(&held), refreshed_from(refresh))
        };
        signed().map_or(Signed::Unknown, Signed::Bounds)
    }

    /// Narrows `before`, the bounds of the first layer, by the sign of one of its neurons; `Err` tells why
    /// there are no such bounds. A sign in one copy says nothing about another.
    fn narrowed(
        &self,
        input: &[Interval],
        sign: Sign,
        mut before: Vec<Interval>,
    ) -> Result<Vec<Interval>, Signed> {
        let first = self.first.as_ref().ok_or(Signed::Unknown)?;
        let (inputs, width) = (F::stored(first).inputs(), F::stored(first).outputs());
        let copy = sign.neuron.checked_div(width).ok_or(Signed::Unknown)?;
        let input = input.get(copy * inputs..(copy + 1) * inputs).ok_or(Signed::Unknown)?;
        let own = before.get_mut(copy * width..(copy + 1) * width).ok_or(Signed::Unknown)?;
        let sign = Sign { neuron: sign.neuron % width, ..sign };
        let narrower = narrowed::<F>(first, input, sign, own.to_vec()).ok_or(Signed::Empty)?;
        own.copy_from_slice(&narrower);
        Ok(before)
    }

    /// Bounds of the change of each hidden neuron of one copy between two points whose inputs differ by an
    /// element of `moves`; `None` after overflow. `places` bounds each neuron at the first and at the second point,
    /// layer by layer.
    fn change_bounds(
        &self,
        places: impl IntoIterator<Item = Vec<[Interval; 2]>>,
        moves: &[Interval],
    ) -> Option<Hidden> {
        self.unbiased().unbiased_changes(places, moves)
    }

    /// Lower bound of the change of `row · logits`, with the bounds that [`Network::change_bounds`] gave.
    fn least_change(&self, row: &[f64], changes: &Hidden) -> f64 {
        self.unbiased().linear_margin(F::new(row), changes, None, &[])
    }

    /// As [`Network::change_bounds`], of the network without biases.
    fn unbiased_changes(
        &self,
        places: impl IntoIterator<Item = Vec<[Interval; 2]>>,
        moves: &[Interval],
    ) -> Option<Hidden> {
        let mut changes = self.bare(moves, Arc::default())?;
        for (layer, places) in places.into_iter().enumerate() {
            let apart: Vec<_> = places.iter().map(|[from, to]| *to - *from).collect();
            let before = self.layer_bounds(layer, &changes, Some(&apart), Depth::Backward)?;
            let (mut after, mut lines) = (Vec::new(), Vec::new());
            for (&places, &change) in places.iter().zip(&before) {
                after.push(change_of_relu(places, change));
                lines.push(Lines::of_change(places, change));
            }
            let sizes = F::sizes(self.layers.get(layer + 1)?, &magnitudes(&after));
            changes.layers.push(Arc::new(HiddenLayer { before, after, sizes, lines }));
        }
        Some(changes)
    }

    /// A box without hidden bounds.
    fn bare(&self, input: &[Interval], conditions: Arc<[LinearCondition]>) -> Option<Hidden> {
        let sizes = Arc::new(F::sizes(self.layers.first()?, &magnitudes(input)));
        Some(Hidden { input: input.into(), conditions, sizes, layers: Vec::new() })
    }

    /// A smaller box without hidden bounds. If there are conditions, it is cut to the parent's box, and narrowed
    /// by them unless that is no smaller.
    fn within(&self, parent: &Hidden, input: &[Interval]) -> Option<Hidden> {
        let conditions = Arc::clone(&parent.conditions);
        if conditions.is_empty() {
            return self.bare(input, conditions);
        }
        let both = input.iter().zip(parent.input());
        let both: Vec<_> = both.map(|(own, held)| own.intersect(*held).unwrap_or(*own)).collect();
        match both == parent.input() {
            true => self.bare(&both, conditions),
            false => self.bare(&narrowed_box::<F>(both, &conditions), conditions),
        }
    }

    /// Bounds the hidden layers that are missing.
    fn bounds(
        &self,
        mut hidden: Hidden,
        parent: Option<&Hidden>,
        depth: impl Fn(usize) -> Depth,
    ) -> Option<Hidden> {
        for layer in hidden.layers.len()..self.layers.len().saturating_sub(1) {
            let held = parent.and_then(|p| p.layers.get(layer)).map(|l| l.before.as_slice());
            let before = self.layer_bounds(layer, &hidden, held, depth(layer))?;
            hidden.layers.push(Arc::new(self.hidden_layer(layer, before)?));
        }
        Some(hidden)
    }

    /// A hidden layer with all that follows from its bounds.
    fn hidden_layer(&self, layer: usize, before: Vec<Interval>) -> Option<HiddenLayer> {
        let after: Vec<_> = before.iter().map(|z| z.relu()).collect();
        let sizes = F::sizes(self.layers.get(layer + 1)?, &magnitudes(&after));
        let lines = before.iter().map(|&z| Lines::new(z, None)).collect();
        Some(HiddenLayer { before, after, sizes, lines })
    }

    /// Bounds one more hidden layer. Bounds of several rules are intersected. All of them hold for the same
    /// numbers, so an empty intersection means an empty region, for which any bounds hold.
    fn layer_bounds(
        &self,
        layer: usize,
        hidden: &Hidden,
        held: Option<&[Interval]>,
        depth: Depth,
    ) -> Option<Vec<Interval>> {
        let affine = self.layers.get(layer)?;
        let (below, sizes) = hidden.below(layer)?;
        let both = |a: Interval, b: Interval| a.intersect(b).unwrap_or(a);
        // without conditions, the first layer has no better rule than intervals; nor has the second, over one point
        let is_point = hidden.input.iter().all(|side| side.lo() == side.hi());
        let is_told = layer > usize::from(is_point) || !hidden.conditions.is_empty();
        let neuron = |neuron| {
            let mut bounds = F::range(affine, neuron, below, sizes);
            if let Some(held) = held.and_then(|held| held.get(neuron)) {
                bounds = both(*held, bounds);
            }
            let is_open = bounds.lo() < 0.0 && bounds.hi() > 0.0;
            if is_open && depth == Depth::Backward && is_told {
                bounds = both(bounds, self.backward_range(layer, neuron, hidden));
            }
            bounds.is_finite().then_some(bounds)
        };
        (0..*self.widths.get(layer)?).map(neuron).collect()
    }

    /// Bounds of one pre-activation by the linear rule with default slopes.
    fn backward_range(&self, layer: usize, neuron: usize, hidden: &Hidden) -> Interval {
        let Some(affine) = self.layers.get(layer) else { return Interval::WHOLE };
        let lower = |sign| {
            let form = self.descend(F::output(affine, neuron, sign), layer, hidden, None, &[]);
            form.map_or(f64::NEG_INFINITY, |form| hidden.least(&form))
        };
        Interval::new(lower(1.0), -lower(-1.0)).unwrap_or(Interval::WHOLE)
    }

    /// Lower bound of a form over the logits by the interval rule.
    pub fn interval_margin(&self, form: F, hidden: &Hidden) -> f64 {
        let bound = || {
            let last = self.layers.len().checked_sub(1)?;
            let (below, sizes) = hidden.below(last)?;
            Some(form.through_layer(self.layers.get(last)?, sizes).minimum(below))
        };
        bound().unwrap_or(f64::NEG_INFINITY)
    }

    /// Lower bound of a form over the logits by the linear rule, over the points of the box at
    /// which the neurons have the given signs and the conditions are met.
    pub fn linear_margin(
        &self,
        form: F,
        hidden: &Hidden,
        hint: Option<&Hint>,
        signs: &[Sign],
    ) -> f64 {
        let form = self.input_form(form, hidden, hint, signs);
        form.map_or(f64::NEG_INFINITY, |form| hidden.least(&form))
    }

    /// The form over the inputs that the linear rule puts below a form over the logits, with the hinted multiples
    /// of the conditions.
    pub fn input_form(
        &self,
        form: F,
        hidden: &Hidden,
        hint: Option<&Hint>,
        signs: &[Sign],
    ) -> Option<F> {
        let last = self.layers.len().checked_sub(1)?;
        let form = form.through_layer(self.layers.get(last)?, hidden.sizes(last)?);
        let form = self.descend(form, last, hidden, hint, signs)?;
        Some(hinted(form, &hidden.input, &hidden.conditions, hint))
    }

    /// Bounds of the logits by the interval rule; an end may be infinite.
    pub(super) fn output_bounds(&self, hidden: &Hidden) -> Vec<Interval> {
        let bounds = || {
            let last = self.layers.len().checked_sub(1)?;
            let (affine, (below, sizes)) = (self.layers.get(last)?, hidden.below(last)?);
            let outputs = 0..self.widths.get(last).copied().unwrap_or(0);
            Some(outputs.map(|output| F::range(affine, output, below, sizes)).collect())
        };
        bounds().unwrap_or_default()
    }

    /// A form over the inputs of `layer`, substituted back to the input.
    fn descend(
        &self,
        mut form: F,
        layer: usize,
        hidden: &Hidden,
        hint: Option<&Hint>,
        signs: &[Sign],
    ) -> Option<F> {
        for previous in (0..layer).rev() {
            let h = hidden.layers.get(previous)?;
            form = match hinted_lines(h, previous, hint) {
                Some(lines) => form.through_relu(&lines, &h.before),
                None => form.through_relu(&h.lines, &h.before),
            };
            for sign in signs.iter().filter(|sign| sign.layer == previous) {
                let multiplier = sign.multiplier(hint);
                let size = h.before.get(sign.neuron).map_or(f64::INFINITY, |z| z.magnitude());
                form.add_product(
                    sign.neuron,
                    if sign.is_on { -1.0 } else { 1.0 },
                    multiplier,
                    size,
                );
            }
            form = form.through_layer(self.layers.get(previous)?, hidden.sizes(previous)?);
        }
        Some(form)
    }
}

/// The columns of one copy of a layer.
fn columns<F: Form>(layer: &F::Layer) -> Vec<Vec<f64>> {
    let stored = F::stored(layer);
    let column = |input| stored.rows().filter_map(|row| row.get(input).copied()).collect();
    (0..stored.inputs()).map(column).collect()
}

/// Bounds of `relu(z′) − relu(z)` for `z′ − z` in `change`, `z` and `z′` in their places.
fn change_of_relu([from, to]: [Interval; 2], change: Interval) -> Interval {
    let by_change = if from.lo() >= 0.0 && to.lo() >= 0.0 {
        change
    } else if from.hi() <= 0.0 && to.hi() <= 0.0 {
        Interval::point(0.0)
    } else {
        change.hull(Interval::point(0.0))
    };
    let by_place = to.relu() - from.relu();
    by_change.intersect(by_place).unwrap_or(by_change)
}

/// Chooses the linear rule from layer `refresh` on.
fn refreshed_from(refresh: Option<usize>) -> impl Fn(usize) -> Depth {
    move |layer| match refresh {
        Some(first) if layer >= first => Depth::Backward,
        _ => Depth::Forward,
    }
}

/// The lines of a layer with the hinted lower slopes; `None` if no hint names the layer.
fn hinted_lines(hidden: &HiddenLayer, layer: usize, hint: Option<&Hint>) -> Option<Vec<Lines>> {
    let mut named = hint?.slopes.iter().filter(|(at, _, _)| *at == layer).peekable();
    named.peek()?;
    let mut lines = hidden.lines.clone();
    for &(_, neuron, slope) in named {
        if let (Some(line), Some(&bounds)) = (lines.get_mut(neuron), hidden.before.get(neuron)) {
            *line = Lines::new(bounds, Some(slope));
        }
    }
    Some(lines)
}
