//! From cases to queries.

use std::collections::{HashMap, VecDeque};

use crate::interval::{Decimal, Rational};
use crate::model::at_most;
use crate::spec::{InputBox, InputRow, OutputRow};

use super::atom::{Atom, AtomRow, Constraint};
use super::error::{End, VnnlibError};
use super::normal::{Conjunction, MAX_CASES, Normal};
use super::number;
use super::query::{Input, Query, Strict, UnsafeBlock};
use super::tensors::Tensors;
use super::write;

/// Most numbers of all boxes and blocks; long numbers count more than once.
const MAX_NUMBERS: usize = 300_000;

/// One query per case; cases that share their boxes or their blocks become one query.
pub(super) fn queries(
    normal: &Normal,
    atoms: &[Atom],
    tensors: &Tensors<'_>,
    copies: usize,
) -> Result<Vec<Query>, VnnlibError> {
    let mut builder = Builder { atoms, tensors, numbers: 0, boxes: 0, blocks: 0 };
    let common = builder.sides(&normal.inputs.common);
    let mut queries = Vec::new();
    for (on_inputs, on_outputs) in &normal.mixed {
        let cases = normal.inputs.cases.iter();
        let inputs = cases.map(|case| builder.input(&common, case, on_inputs));
        let inputs = inputs.collect::<Result<_, _>>()?;
        let cases = normal.outputs.cases.iter();
        let blocks = cases.map(|case| builder.block([&normal.outputs.common, case, on_outputs]));
        let blocks = blocks.collect::<Result<_, _>>()?;
        queries.push(Query { copies, has_floats: false, inputs, blocks });
    }
    if queries.len() > 1 {
        queries =
            merged(queries, |q| write::blocks(&q.blocks), |q, other| q.inputs.extend(other.inputs));
        queries =
            merged(queries, |q| write::inputs(&q.inputs), |q, other| q.blocks.extend(other.blocks));
    }
    Ok(queries)
}

/// Joins queries of equal text; each group stands at the position of its first query.
fn merged(
    queries: Vec<Query>,
    text: impl Fn(&Query) -> String,
    join: impl Fn(&mut Query, Query),
) -> Vec<Query> {
    let mut kept: Vec<Query> = Vec::new();
    let mut by_text = HashMap::new();
    for query in queries {
        let position = *by_text.entry(text(&query)).or_insert(kept.len());
        match kept.get_mut(position) {
            Some(first) => join(first, query),
            None => kept.push(query),
        }
    }
    kept
}

/// An end of a side, and true if it is strict.
type Bound<'a> = Option<(&'a Decimal, bool)>;

/// The conditions that comparisons put on inputs.
#[derive(Clone)]
struct InputSides<'a> {
    low: Vec<Bound<'a>>,
    high: Vec<Bound<'a>>,
    rows: Vec<(&'a AtomRow, bool)>,
}

impl<'a> InputSides<'a> {
    /// Takes a comparison in. Of two bounds the stronger one stays.
    fn take(&mut self, atom: &'a Atom) {
        match &atom.condition {
            Constraint::Row(row) => self.rows.push((row, atom.is_strict)),
            Constraint::Bound { input, end, value } => {
                let sides = match end {
                    End::Lower => &mut self.low,
                    End::Upper => &mut self.high,
                };
                let Some(side) = sides.get_mut(*input) else { return };
                let is_stronger = side.is_none_or(|(known, is_strict)| {
                    let (known, value) = (known.value(), value.value());
                    let is_inside = match end {
                        End::Lower => value > known,
                        End::Upper => value < known,
                    };
                    is_inside || (value == known && atom.is_strict && !is_strict)
                });
                if is_stronger {
                    *side = Some((value, atom.is_strict));
                }
            }
        }
    }
}

/// Both ends of a side, where they are known.
type SideEnds = (Option<(Decimal, bool)>, Option<(Decimal, bool)>);

/// The ends of all sides. A missing end is taken over from another variable by
///
/// ```text
/// xᵢ - xⱼ <= r   ⇒   high xᵢ <= high xⱼ + r,   low xⱼ >= low xᵢ - r
/// ```
///
/// The rows stay, so that box and rows state the same set as before. An end that is there is not
/// moved.
fn implied(sides: &InputSides<'_>) -> Vec<SideEnds> {
    let owned = |bound: &Bound<'_>| bound.map(|(value, is_strict)| (value.clone(), is_strict));
    let low: Vec<_> = sides.low.iter().map(owned).collect();
    let high: Vec<_> = sides.high.iter().map(owned).collect();
    let differences: Vec<_> = sides.rows.iter().filter_map(|(row, _)| difference(row)).collect();
    let upward = differences.iter().map(|&(i, j, r)| (j, i, r.clone()));
    let downward = differences.iter().map(|&(i, j, r)| (i, j, -r.clone()));
    spread(low, downward).into_iter().zip(spread(high, upward)).collect()
}

/// `(i, j, r)` of a row `xᵢ - xⱼ <= r`.
fn difference(row: &AtomRow) -> Option<(usize, usize, &Rational)> {
    let [(a, c), (b, d)] = row.terms.as_slice() else { return None };
    let (one, minus_one) = (Rational::ONE, Rational::integer(-1));
    match (c.value(), d.value()) {
        (c, d) if *c == one && *d == minus_one => Some((*a, *b, row.rhs.value())),
        (c, d) if *c == minus_one && *d == one => Some((*b, *a, row.rhs.value())),
        _ => None,
    }
}

/// Fills missing ends by `end of to = end of from + shift`, each at most once.
fn spread(
    mut ends: Vec<Option<(Decimal, bool)>>,
    steps: impl Iterator<Item = (usize, usize, Rational)>,
) -> Vec<Option<(Decimal, bool)>> {
    let mut steps_from: HashMap<usize, Vec<(usize, Rational)>> = HashMap::new();
    for (from, to, shift) in steps {
        steps_from.entry(from).or_default().push((to, shift));
    }
    let mut queue: VecDeque<usize> = (0..ends.len()).filter(|k| ends[*k].is_some()).collect();
    while let Some(from) = queue.pop_front() {
        let Some((value, _)) = ends[from].clone() else { continue };
        for (to, shift) in steps_from.get(&from).into_iter().flatten() {
            if ends[*to].is_none()
                && let Some(end) = number::decimal(&(value.value() + shift))
            {
                ends[*to] = Some((end, false));
                queue.push_back(*to);
            }
        }
    }
    ends
}

struct Builder<'a> {
    atoms: &'a [Atom],
    tensors: &'a Tensors<'a>,
    /// Count of numbers so far.
    numbers: usize,
    boxes: usize,
    blocks: usize,
}

impl<'a> Builder<'a> {
    fn count(&mut self, numbers: usize) -> Result<(), VnnlibError> {
        self.numbers = self.numbers.saturating_add(numbers);
        Ok(at_most("numbers of all boxes and blocks", self.numbers, MAX_NUMBERS)?)
    }

    fn atoms(&self, conjunction: &'a Conjunction) -> impl Iterator<Item = &'a Atom> + use<'a> {
        let atoms = self.atoms;
        conjunction.iter().filter_map(|atom| atoms.get(*atom))
    }

    fn sides(&self, common: &'a Conjunction) -> InputSides<'a> {
        let inputs = self.tensors.inputs();
        let mut sides =
            InputSides { low: vec![None; inputs], high: vec![None; inputs], rows: Vec::new() };
        self.atoms(common).for_each(|atom| sides.take(atom));
        sides
    }

    /// The box of `common ∧ case ∧ further`.
    fn input(
        &mut self,
        common: &InputSides<'a>,
        case: &'a Conjunction,
        further: &'a Conjunction,
    ) -> Result<Input, VnnlibError> {
        let number = self.boxes;
        self.boxes += 1;
        at_most("input boxes", self.boxes, MAX_CASES)?;
        self.count(2 * self.tensors.inputs())?;
        let mut sides = common.clone();
        self.atoms(case).chain(self.atoms(further)).for_each(|atom| sides.take(atom));
        let ends = implied(&sides);
        let (mut closed, mut strict) = (Vec::new(), Vec::new());
        for (index, ends) in ends.into_iter().enumerate() {
            let variable = || self.tensors.name_of_input(index);
            let unbounded =
                |end| VnnlibError::Unbounded { input: number, variable: variable(), end };
            let (low, is_low_strict) = ends.0.ok_or_else(|| unbounded(End::Lower))?;
            let (high, is_high_strict) = ends.1.ok_or_else(|| unbounded(End::Upper))?;
            if low.value() > high.value() {
                let (variable, ends) = (variable(), Box::new((low, high)));
                return Err(VnnlibError::Empty { input: number, variable, ends });
            }
            self.count(number::weight(low.value()) + number::weight(high.value()) - 2)?;
            strict.extend(is_low_strict.then_some(Strict::Lower(index)));
            strict.extend(is_high_strict.then_some(Strict::Upper(index)));
            closed.push((low, high));
        }
        let mut rows = Vec::new();
        for (index, (row, is_strict)) in sides.rows.into_iter().enumerate() {
            let (x, rhs) = self.dense(row, self.tensors.inputs())?;
            rows.push(InputRow { x, rhs });
            strict.extend(is_strict.then_some(Strict::Row(index)));
        }
        strict.sort_unstable();
        Ok(Input { set: InputBox { sides: closed, rows }, strict })
    }

    /// The block in which all `parts` hold.
    fn block(&mut self, parts: [&'a Conjunction; 3]) -> Result<UnsafeBlock, VnnlibError> {
        self.blocks += 1;
        at_most("unsafe blocks", self.blocks, MAX_CASES)?;
        let mut block = UnsafeBlock { rows: Vec::new() };
        let atoms = self.atoms;
        for atom in parts.into_iter().flatten().filter_map(|atom| atoms.get(*atom)) {
            let Constraint::Row(row) = &atom.condition else { continue };
            let (y, rhs) = self.dense(row, self.tensors.outputs())?;
            block.rows.push(OutputRow { y, rhs, strict: atom.is_strict });
        }
        if block.rows.is_empty() { Err(VnnlibError::NoOutputs) } else { Ok(block) }
    }

    /// A row with a coefficient for every variable.
    fn dense(
        &mut self,
        row: &AtomRow,
        width: usize,
    ) -> Result<(Vec<Decimal>, Decimal), VnnlibError> {
        let long = row.terms.iter().map(|(_, c)| number::weight(c.value()) - 1).sum::<usize>();
        self.count(width + long + number::weight(row.rhs.value()))?;
        let mut coefficients = vec![number::zero(); width];
        for (index, c) in &row.terms {
            if let Some(place) = coefficients.get_mut(*index) {
                place.clone_from(c);
            }
        }
        Ok((coefficients, row.rhs.clone()))
    }
}
