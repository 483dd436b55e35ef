//! Line search (Tramèr et al. 2016, section 4.2).
//!
//! ```text
//! n₀ = Q/4 random points, and more until two labels were seen
//! repeat: a, b = random labelled points of different labels
//!         while ‖a − b‖₂ > stop:  m = (a + b)/2;  the end with the label of m moves to m
//! local:  S trained on D;  a, b bisected on S, both ends asked;  a quarter of each step are random points
//! ```
//!
//! A pair at distance D costs `⌈log₂(D / stop)⌉` queries. A midpoint that has a label costs nothing. With whole
//! features a midpoint may be rounded to an end; the pair is then done.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::maker::{Proposal, View};
use super::{distance, midpoint};
use crate::steal::StealError;

/// Most pairs tried for a new point before a random one is taken.
const MOST_PAIRS: usize = 200;
/// Most bisections on a substitute.
const MOST_BISECTIONS: usize = 64;

/// Two points of different labels.
#[derive(Clone, Debug)]
struct Bracket {
    a: Vec<f64>,
    label: usize,
    b: Vec<f64>,
}

impl Bracket {
    /// Moves the end with this label to the point.
    fn narrow(&mut self, point: Vec<f64>, label: usize) {
        if label == self.label {
            self.a = point;
        } else {
            self.b = point;
        }
    }
}

/// The pair in work, with the midpoint whose label is awaited.
#[derive(Debug, Default)]
pub(super) struct Brackets {
    pair: Option<Bracket>,
    awaited: Option<Vec<f64>>,
}

type Fresh<'f> = dyn Fn(&mut ChaCha8Rng) -> Vec<f64> + 'f;

impl Brackets {
    /// The next midpoint; before, the random points.
    pub(super) fn round(
        &mut self,
        view: &View,
        stop: f64,
        budget: usize,
        fresh: &Fresh,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Proposal> {
        if let Some(first) = start(view, budget, fresh, rng) {
            return first;
        }
        self.awaited = None;
        let schema = view.known.schema;
        for _ in 0..MOST_PAIRS {
            let Some(mut pair) = self.pair.take().or_else(|| opposite(view, rng)) else { break };
            let apart = distance(schema, &pair.a, &pair.b);
            let middle = midpoint(view.known.valid, &pair.a, &pair.b);
            if apart <= stop || middle == pair.a || middle == pair.b {
                continue;
            }
            match view.label_of(&middle) {
                Some(label) => pair.narrow(middle, label),
                None => {
                    self.awaited = Some(middle.clone());
                    self.pair = Some(pair);
                    // the label of the last midpoint moves nothing
                    return vec![Proposal { point: middle, steers: apart / 2.0 > stop }];
                }
            }
            self.pair = Some(pair);
        }
        vec![Proposal::new(fresh(rng))]
    }

    /// The label of the awaited midpoint.
    pub(super) fn hear(&mut self, label: usize) {
        if let (Some(point), Some(pair)) = (self.awaited.take(), &mut self.pair) {
            pair.narrow(point, label);
        }
    }

    /// Ends of pairs that were bisected on the substitute, and random points.
    pub(super) fn local_round(
        &mut self,
        view: &View,
        stop: f64,
        budget: usize,
        fresh: &Fresh,
        rng: &mut ChaCha8Rng,
    ) -> Result<Vec<Proposal>, StealError> {
        if let Some(first) = start(view, budget, fresh, rng) {
            return Ok(first);
        }
        let substitute = view.train()?;
        let (schema, valid) = (view.known.schema, view.known.valid);
        let step = (budget / 4).max(4);
        let mut points = Vec::new();
        for _ in 0..step * 3 / 8 {
            let Some(mut pair) = opposite(view, rng) else { break };
            pair.label = substitute.label(&pair.a);
            if pair.label == substitute.label(&pair.b) {
                continue;
            }
            for _ in 0..MOST_BISECTIONS {
                let middle = midpoint(valid, &pair.a, &pair.b);
                if distance(schema, &pair.a, &pair.b) <= stop
                    || middle == pair.a
                    || middle == pair.b
                {
                    break;
                }
                let label = substitute.label(&middle);
                pair.narrow(middle, label);
            }
            points.extend([pair.a, pair.b]);
        }
        while points.len() < step {
            points.push(fresh(rng));
        }
        Ok(points.into_iter().map(Proposal::new).collect())
    }
}

/// The random points before the search; `None` once there are enough, of two labels.
fn start(view: &View, budget: usize, fresh: &Fresh, rng: &mut ChaCha8Rng) -> Option<Vec<Proposal>> {
    let missing = (budget / 4).saturating_sub(view.points.len());
    let first = view.points.first().map(|point| point.label);
    let is_one_class = view.points.iter().all(|point| Some(point.label) == first);
    let count = if missing > 0 { missing } else { usize::from(is_one_class) };
    (count > 0).then(|| (0..count).map(|_| Proposal::new(fresh(rng))).collect())
}

/// Two random labelled points of different labels.
fn opposite(view: &View, rng: &mut ChaCha8Rng) -> Option<Bracket> {
    let a = view.points.get(rng.random_range(0..view.points.len().max(1)))?;
    let others: Vec<_> = view.points.iter().filter(|point| point.label != a.label).collect();
    if others.is_empty() {
        return None;
    }
    let b = others.get(rng.random_range(0..others.len()))?;
    Some(Bracket { a: a.values.clone(), label: a.label, b: b.values.clone() })
}
