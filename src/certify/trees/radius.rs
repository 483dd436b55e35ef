//! The distance to the nearest change of label, exactly.
//!
//! For every other class the sum is the margin of the label over it, and boxes at least as far as the
//! nearest flip so far are of no interest. So that this limit is near from the start, the search is done in
//! rounds of radius `ε, 2ε, 4ε, …` on the cells that meet the ball's cube: a round ends with the nearest
//! flip, or with the proof that nothing is nearer than its radius. A flip beyond the radius of a round is
//! none in that round, whatever the norm.
//!
//! What is found is an infimum over real inputs: left of a threshold it is not attained.

use crate::interval::Rational;
use crate::model::{Family, Model, Point, Tie, argmax};
use crate::spec::{Domain, Integers, LowerError, Norm};

use super::distance::{Key, Rest, Ruler};
use super::grid::{Grid, Sides};
use super::local::Local;
use super::search::{Answer, Around, End, Search};

/// Why there are no radii of a model.
#[derive(Debug, thiserror::Error)]
pub enum RadiusError {
    /// The model is a network.
    #[error(
        "exact radii are for ensembles; this model is a network: `certify` decides a given epsilon"
    )]
    Network,
    /// The model has no labels.
    #[error(
        "a radius is the distance to a change of label; this model is a plain score without classes"
    )]
    PlainScore,
    /// The declared ranges make no domain.
    #[error(transparent)]
    Domain(#[from] LowerError),
}

/// The distance from a point to the nearest change of label, in units of `z = scale·(x − mean)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Radius {
    /// At most the distance; the distance rounded down where the search closed. Infinite if the label
    /// never changes.
    pub lower: f64,
    /// At least the distance; the distance rounded up where the search closed. Infinite if no change
    /// was found.
    pub upper: f64,
    /// Whether the search closed: `lower` and `upper` are then the same or neighbours.
    pub is_exact: bool,
    /// Boxes looked at.
    pub nodes: u64,
    /// The largest radius of a closed ball that is proved to keep the label: `lower`, or the float below
    /// it if a point at that distance changes the label.
    pub epsilon: f64,
    /// A raw point with another label, as near as floats allow.
    pub witness: Option<Vec<f64>>,
    /// The label at the point.
    pub label: usize,
}

/// Exact radii of one ensemble in one norm. Whole features are taken as real ones; points are
/// compared within the declared ranges of the model.
pub struct Radii<'a> {
    model: &'a Model,
    grid: Grid,
    norm: Norm,
    domain: Domain,
    /// The cells of the domain.
    sides: Sides,
    weights: Vec<f64>,
    /// More than floats may lose of a difference of scores.
    doubt: f64,
}

impl<'a> Radii<'a> {
    /// Prepares an ensemble.
    pub fn new(model: &'a Model, norm: Norm) -> Result<Self, RadiusError> {
        let Family::Ensemble(ensemble) = &model.family else { return Err(RadiusError::Network) };
        if model.is_plain_score() {
            return Err(RadiusError::PlainScore);
        }
        let domain = Domain::new(&model.schema, &Default::default(), Integers::Relax)?;
        let grid = Grid::new(ensemble, domain.is_whole());
        let side = |(feature, (low, high)): (usize, &(Option<Rational>, Option<Rational>))| {
            let last = grid.thresholds(feature).len();
            // t <= x ⇔ t <= the largest float that is at most x
            let cell = |end: &Rational| grid.cell(feature, end.down());
            (low.as_ref().map_or(0, cell), high.as_ref().map_or(last, cell))
        };
        let sides = domain.sides().iter().enumerate().map(side).collect();
        let weights = model.schema.features().iter().map(|f| f64::from(f.scale)).collect();
        // n additions of numbers that add up to S are off by less than n·2⁻⁵³·S, twice as much in a difference
        let doubt = 16.0 * grid.trees.len() as f64 * f64::EPSILON * grid.total();
        Ok(Self { model, grid, norm, domain, sides, weights, doubt })
    }

    /// The radius at a raw point, within `budget` nodes; `None` if the point lies outside the domain or
    /// is not finite.
    pub fn at(&self, raw: &[f64], budget: u64) -> Option<Radius> {
        let point = Point::from_floats(raw)?;
        if !self.domain.contains(&point) {
            return None;
        }
        let label = self.label(raw, &point);
        let mut rounds = Rounds {
            radii: self,
            ruler: self.ruler(raw),
            label,
            nearest: Nearest::none(),
            proved: Key::ZERO,
            nodes: 0,
            budget,
        };
        let is_closed = rounds.run();
        Some(rounds.radius(is_closed))
    }

    /// The exact label; floats tell it unless two scores are close.
    fn label(&self, raw: &[f64], point: &Point) -> usize {
        let mut scores = self.model.scores(raw);
        scores.sort_by(|a, b| b.total_cmp(a));
        match scores.as_slice() {
            [first, second, ..] if first - second > self.doubt => self.model.label(raw),
            _ => argmax(&self.model.exact_scores(point), self.model.tie),
        }
    }

    /// The norm.
    pub fn norm(&self) -> Norm {
        self.norm
    }

    /// At least the distance between two raw points, rounded up.
    pub fn distance_up(&self, from: &[f64], to: &[f64]) -> f64 {
        let ruler = self.ruler(from);
        let terms = to.iter().enumerate().filter(|&(feature, x)| *x != from[feature]);
        let terms = terms.map(|(feature, &x)| ruler.exact_term(feature, x));
        let total = match self.norm {
            Norm::Linf => terms.max(),
            Norm::L1 | Norm::L2 => terms.reduce(|sum, term| &sum + &term),
        };
        let total = total.unwrap_or(Rational::ZERO);
        if self.norm == Norm::L2 { root_up(&total) } else { total.up() }
    }

    /// A length beyond every threshold, seen from a raw point.
    pub fn span(&self, raw: &[f64]) -> f64 {
        let ruler = self.ruler(raw);
        let ends = (0..raw.len()).flat_map(|feature| {
            let thresholds = self.grid.thresholds(feature);
            let ends = thresholds.first().into_iter().chain(thresholds.last());
            ends.map(move |&at| (feature, at))
        });
        let farthest = ends.map(|(feature, at)| ruler.to(feature, at, at <= raw[feature]).down);
        1.0 + 2.0 * farthest.fold(0.0, f64::max)
    }

    fn ruler(&self, raw: &[f64]) -> Ruler {
        Ruler { norm: self.norm, centre: raw.to_vec(), weights: self.weights.clone() }
    }
}

/// The nearest flip so far.
struct Nearest {
    key: Key,
    /// The distance (its square for L2) and whether it is an infimum that no point attains, where the
    /// key does not tell.
    exact: Option<(Rational, bool)>,
    witness: Option<Vec<f64>>,
}

impl Nearest {
    fn none() -> Self {
        Self { key: Key::INFINITE, exact: None, witness: None }
    }
}

/// The search around one point.
struct Rounds<'a> {
    radii: &'a Radii<'a>,
    ruler: Ruler,
    label: usize,
    nearest: Nearest,
    /// Nothing is nearer than this.
    proved: Key,
    nodes: u64,
    budget: u64,
}

impl Rounds<'_> {
    /// Round after round; whether the last one closed.
    fn run(&mut self) -> bool {
        let mut epsilon = FIRST;
        let mut before = None;
        loop {
            let cube = self.cube(epsilon);
            let is_whole = cube == self.radii.sides;
            let limit = if is_whole { Key::INFINITE } else { self.limit(epsilon) };
            let is_same = self.ruler.norm == Norm::Linf && before.as_ref() == Some(&cube);
            if !is_same && !self.round(&cube, limit) {
                return false;
            }
            if is_whole || self.nearest.key < limit {
                return true;
            }
            self.proved = limit;
            epsilon *= 2.0;
            before = Some(cube);
        }
    }

    /// The key below which a distance is less than ε.
    fn limit(&self, epsilon: f64) -> Key {
        let down = if self.ruler.norm == Norm::L2 { epsilon * epsilon } else { epsilon };
        Key { down, rest: Rest::Attained }
    }

    /// The cells of the domain that meet the cube of half side ε.
    fn cube(&self, epsilon: f64) -> Sides {
        let limit = Key { down: epsilon, rest: Rest::Attained };
        let side = |(feature, &(least, most)): (usize, &(usize, usize))| {
            let thresholds = self.radii.grid.thresholds(feature);
            let cell = self.radii.grid.cell(feature, self.ruler.centre[feature]);
            let is_near = |at: f64, is_left| self.ruler.to(feature, at, is_left) < limit;
            let left = thresholds[least.min(cell)..cell].iter().rev();
            let left = left.take_while(|at| is_near(**at, true)).count();
            let right = thresholds[cell..most.max(cell)].iter();
            let right = right.take_while(|at| is_near(**at, false)).count();
            (cell - left, cell + right)
        };
        self.radii.sides.iter().enumerate().map(side).collect()
    }

    /// Looks for flips nearer than `limit` in a cube, class by class; whether all was looked at: neither
    /// the budget nor memory ended.
    fn round(&mut self, cube: &Sides, limit: Key) -> bool {
        let classes = self.radii.model.classes;
        let others: Vec<usize> = (0..classes).filter(|&other| other != self.label).collect();
        for (index, other) in others.iter().enumerate() {
            if self.nearest.key.down == 0.0 {
                return true;
            }
            if self.nodes >= self.budget {
                return false;
            }
            let wins_tie = (self.label < *other) == (self.radii.model.tie == Tie::Lower);
            let query = self.radii.grid.margin(self.label, *other, 0.0, wins_tie);
            let Some(local) = Local::new(&query, cube) else { return false };
            let ruler = self.ruler.clone();
            let around = Around { grid: &self.radii.grid, ruler: &ruler, sides: cube };
            let mut search = Search::new(&local, Some(&around), self.budget - self.nodes);
            search.limit = if self.nearest.key < limit { self.nearest.key } else { limit };
            let end = search.run(&mut |search| self.tell(search, cube));
            self.nodes += search.nodes;
            if end == End::Spent {
                // the other classes have been looked at up to the last round only
                if index + 1 == others.len() {
                    let open = search.left_open;
                    let nearest = self.nearest.key;
                    let near =
                        [limit, open].into_iter().fold(nearest, |a, b| if b < a { b } else { a });
                    self.proved = self.proved.max(near);
                }
                return false;
            }
        }
        true
    }

    /// Whether a raw point has the label, exactly.
    fn has_label(&self, raw: &[f64]) -> bool {
        let model = self.radii.model;
        Point::from_floats(raw)
            .is_none_or(|point| argmax(&model.exact_scores(&point), model.tie) == self.label)
    }

    /// A box whose nearest point has another label, as far as the sum tells.
    fn tell(&mut self, search: &Search, cube: &Sides) -> Answer {
        let cells = search.nearest_cells(cube);
        let centre = self.ruler.centre.iter().enumerate().zip(&cells);
        let witness: Vec<f64> = centre
            .map(|((feature, &x), &cells)| self.radii.grid.nearest_float(feature, cells, x))
            .collect();
        if !search.is_exact() && self.has_label(&witness) {
            return Answer::Cut;
        }
        let (key, exact) = match self.ruler.norm {
            Norm::Linf => (search.distance(), None),
            Norm::L1 | Norm::L2 => {
                let (exact, is_open) = search.exact_distance();
                (Key::of(&exact, is_open), Some((exact, is_open)))
            }
        };
        // between two floats only exact distances tell which is nearer
        let is_tie = key == self.nearest.key && exact.is_some() && exact < self.nearest.exact;
        if key >= search.limit && !is_tie {
            return Answer::Close;
        }
        self.nearest = Nearest { key, exact, witness: Some(witness) };
        if key.down == 0.0 { Answer::Stop } else { Answer::Nearer(key) }
    }

    fn radius(self, is_closed: bool) -> Radius {
        let Nearest { key, exact, witness } = self.nearest;
        let norm = self.ruler.norm;
        let (below, above) = ends(norm, key, exact.as_ref().map(|(exact, _)| exact));
        let (lower, is_attained) = if is_closed {
            (below, is_attained(norm, key, exact.as_ref(), below))
        } else {
            // at that distance there may be a flip, unless the key says that none is attained
            let lower = ends(norm, self.proved, None).0;
            (lower, is_attained(norm, self.proved, None, lower))
        };
        Radius {
            lower,
            upper: above,
            is_exact: is_closed,
            nodes: self.nodes,
            epsilon: if is_attained { lower.next_down() } else { lower },
            witness,
            label: self.label,
        }
    }
}

/// Whether a point may lie at the distance `lower` itself; of a flip, whether it does. At no distance there
/// is the centre alone.
fn is_attained(norm: Norm, key: Key, exact: Option<&(Rational, bool)>, lower: f64) -> bool {
    if lower == 0.0 || !lower.is_finite() {
        return false;
    }
    match exact {
        Some((exact, is_open)) => !is_open && power(norm, lower).as_ref() == Some(exact),
        None => key.rest == Rest::Attained && power(norm, lower) == Rational::from_f64(key.down),
    }
}

/// The radius of the first round, in units of z.
const FIRST: f64 = 0.01;

/// The distance rounded down and up.
fn ends(norm: Norm, key: Key, exact: Option<&Rational>) -> (f64, f64) {
    if key.down == f64::INFINITY {
        return (f64::INFINITY, f64::INFINITY);
    }
    if norm == Norm::L2 {
        return match exact {
            Some(square) => (root_down(square), root_up(square)),
            None => {
                let square = Rational::from_f64(key.down).unwrap_or(Rational::ZERO);
                (root_down(&square), f64::INFINITY)
            }
        };
    }
    let up = if key.rest == Rest::Above { key.down.next_up() } else { key.down };
    (key.down, up)
}

/// `x`, or its square for L2.
fn power(norm: Norm, x: f64) -> Option<Rational> {
    let x = Rational::from_f64(x)?;
    Some(if norm == Norm::L2 { &x * &x } else { x })
}

/// The largest float whose square is at most `square`.
fn root_down(square: &Rational) -> f64 {
    let is_above = |x: f64| power(Norm::L2, x).is_none_or(|other| other > *square);
    let mut root = square.down().sqrt();
    while root > 0.0 && is_above(root) {
        root = root.next_down();
    }
    while !is_above(root.next_up()) {
        root = root.next_up();
    }
    root
}

/// The smallest float whose square is at least `square`.
fn root_up(square: &Rational) -> f64 {
    let below = root_down(square);
    if power(Norm::L2, below).as_ref() == Some(square) { below } else { below.next_up() }
}
