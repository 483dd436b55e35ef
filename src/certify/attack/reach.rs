//! The attack on output regions: sign-gradient descent into an unsafe block, from the middle of the
//! box and from random points. Points are 32-bit floats if the box holds some, so that a served copy can
//! be given the same point. Linear conditions on the input are repaired one after the other.

use rand_chacha::ChaCha8Rng;

use crate::certificate::Block;
use crate::interval::{Rational, Rounded};
use crate::model::Point;
use crate::spec::{Claim, Obligation, OutputBlock, RawRegion};
use crate::violation::outputs::depth;
use crate::violation::{FloatBox, Sloped, slopes};

use crate::certify::Searcher;

/// Points that miss a block by no more than this are checked exactly.
const NEAR: f64 = 1e-4;
/// Steps per descent.
const STEPS: usize = 40;
/// Multiply-adds of a forward pass times descents per block, for every start that other attacks have.
/// Small networks are tried more often.
const PATIENCE: usize = 3_400_000;

/// A longer attack on the blocks that the linear rule leaves open.
pub(super) fn insist(
    searcher: &Searcher,
    obligation: &Obligation,
    rng: &mut ChaCha8Rng,
) -> Option<Vec<Vec<String>>> {
    let Claim::Avoid { copies, .. } = &obligation.claim else { return None };
    let (network, prepared) = searcher.kernel.network()?;
    let region = obligation.region.standardised(&searcher.subject.model.0.schema)?;
    let hidden = network.linear_bounds(region.sides())?;
    let is_open = |block: &&Block<Rounded>| {
        let bound = |row| network.linear_margin(block.row(row), &hidden, None, &[]);
        !(0..block.rows()).any(|row| block.is_left(row, bound(row)))
    };
    let pairs = searcher.blocks().iter().zip(prepared);
    let open: Vec<OutputBlock> =
        pairs.filter(|(_, block)| is_open(block)).map(|(block, _)| block.clone()).collect();
    let size: usize = searcher.mlp()?.layers.iter().map(|layer| layer.weights.len()).sum();
    let descents = (PATIENCE / size.max(1)).clamp(6, 250);
    let attempts = 1..=searcher.options.attack_starts * descents;
    candidates(searcher, obligation, *copies, &open, attempts, rng).into_iter().next()
}

/// The space of a descent.
struct Space<'a> {
    box_: FloatBox,
    region: &'a RawRegion,
    /// The conditions on the input, in floats.
    conditions: Vec<(Vec<f64>, f64)>,
}

/// A point in one of the blocks, to offer. Attempt 0 starts in the middle, later attempts anywhere.
pub(super) fn candidates(
    searcher: &Searcher,
    obligation: &Obligation,
    copies: usize,
    blocks: &[OutputBlock],
    attempts: std::ops::RangeInclusive<usize>,
    rng: &mut ChaCha8Rng,
) -> Vec<Vec<Vec<String>>> {
    let space = Space::new(&obligation.region);
    for attempt in attempts {
        for block in blocks {
            let start = if attempt == 0 { space.middle() } else { space.random(rng) };
            if let Some(point) = descend(searcher, &space, block, start) {
                return vec![space.texts(&point, copies)];
            }
        }
        if searcher.is_late() {
            break;
        }
    }
    Vec::new()
}

/// Points of a region that look like violations, among `places` (standardised).
pub(in crate::certify) fn unsafe_points(
    searcher: &Searcher,
    region: &RawRegion,
    places: &[Vec<f64>],
    copies: usize,
) -> Vec<Vec<Vec<String>>> {
    // most cases hold no violation; floats show that without the exact box
    let is_near = |z: &&Vec<f64>| {
        let outputs = searcher.mlp().map(|mlp| mlp.forward(&1.0, z.to_vec()));
        outputs.is_some_and(|outputs| {
            let near = |block| depth(block, &outputs).is_some_and(|depth| depth.value >= -NEAR);
            searcher.blocks().iter().any(near)
        })
    };
    let near: Vec<&Vec<f64>> = places.iter().filter(is_near).collect();
    if near.is_empty() {
        return Vec::new();
    }
    let space = Space::new(region);
    let schema = &searcher.subject.model.0.schema;
    let points = near.into_iter().map(|z| space.repaired(space.box_.nearest(schema, z)));
    let is_hit = |point: &Vec<f64>| {
        let is_inside = |block| depth_at(searcher, block, point).is_some_and(|d| d.value >= 0.0);
        searcher.blocks().iter().any(is_inside)
    };
    points.filter(is_hit).map(|point| space.texts(&point, copies)).collect()
}

/// The depth of the outputs at a raw point in a block.
fn depth_at(searcher: &Searcher, block: &OutputBlock, raw: &[f64]) -> Option<Sloped<1>> {
    depth(block, &searcher.mlp()?.forward(&1.0, standardise(searcher, raw)))
}

fn standardise(searcher: &Searcher, raw: &[f64]) -> Vec<f64> {
    let schema = &searcher.subject.model.0.schema;
    raw.chunks(schema.len()).flat_map(|copy| schema.standardise(copy)).collect()
}

fn descend(
    searcher: &Searcher,
    space: &Space,
    block: &OutputBlock,
    mut point: Vec<f64>,
) -> Option<Vec<f64>> {
    let mlp = searcher.mlp()?;
    for step in 0..STEPS {
        let depth = depth_at(searcher, block, &point)?;
        if depth.value >= 0.0 && space.contains(&point) {
            return Some(point);
        }
        let gradient = slopes(mlp, &standardise(searcher, &point), &depth.slopes[0]);
        // long steps first, so that a descent leaves a flat neighbourhood
        let share = 0.4 * (1.0 - step as f64 / STEPS as f64).powi(2) + 0.002;
        for (index, slope) in gradient.iter().enumerate() {
            let width = space.box_.hi()[index] - space.box_.lo()[index];
            if *slope != 0.0 {
                point[index] += share * width * slope.signum();
            }
        }
        point = space.repaired(point);
    }
    None
}

impl<'a> Space<'a> {
    fn new(region: &'a RawRegion) -> Self {
        let floats = |(coefficients, rhs): (&[Rational], &Rational)| {
            (coefficients.iter().map(Rational::down).collect(), rhs.down())
        };
        let conditions = region.conditions().map(floats).collect();
        Self { box_: FloatBox::new(region), region, conditions }
    }

    fn middle(&self) -> Vec<f64> {
        self.repaired(self.box_.middle())
    }

    fn random(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        self.repaired(self.box_.random(rng))
    }

    /// The nearest member of the box, with 32-bit floats as coordinates if the box holds such, moved so that
    /// the conditions hold if that is easy.
    fn repaired(&self, mut point: Vec<f64>) -> Vec<f64> {
        self.box_.clip(&mut point);
        self.shorten(&mut point);
        for _ in 0..3 {
            for (coefficients, rhs) in &self.conditions {
                let Some(last) = coefficients.iter().rposition(|c| *c != 0.0) else { continue };
                let terms = coefficients.iter().zip(&point).take(last);
                let rest: f64 = terms.map(|(c, x)| c * x).sum();
                if rest + coefficients[last] * point[last] > *rhs {
                    point[last] = (rhs - rest) / coefficients[last] + 0.0;
                }
            }
        }
        point
    }

    fn shorten(&self, point: &mut [f64]) {
        for (index, x) in point.iter_mut().enumerate() {
            let (lo, hi) = (self.box_.lo()[index], self.box_.hi()[index]);
            let short = *x as f32;
            let near = [short, short.next_up(), short.next_down()].map(f64::from);
            *x = near.into_iter().find(|y| lo <= *y && *y <= hi).unwrap_or(*x) + 0.0;
        }
    }

    fn contains(&self, point: &[f64]) -> bool {
        self.conditions.iter().all(|(coefficients, rhs)| {
            coefficients.iter().zip(point).map(|(c, x)| c * x).sum::<f64>() <= *rhs
        })
    }

    /// The point as text, copy by copy; a coordinate that the region fixes is written exactly.
    fn texts(&self, point: &[f64], copies: usize) -> Vec<Vec<String>> {
        let sides = self.region.sides().iter();
        let exact = |((low, high), text): (&(Rational, Rational), String)| {
            let fixed = (low == high).then(|| low.decimal_text()).flatten();
            fixed.unwrap_or(text)
        };
        let texts: Vec<String> = sides.zip(Point::texts(point)).map(exact).collect();
        texts.chunks((texts.len() / copies).max(1)).map(<[String]>::to_vec).collect()
    }
}
