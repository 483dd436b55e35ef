//! The closest values under linear rows: minimise `½ Σ w_i (v_i − v⁰_i)²` subject to `A v <= b`, by Hildreth's
//! row-by-row ascent of the dual (1957). Multipliers are kept between solves, since rows are only added.

use super::rows::LeafRow;

/// Sweeps over all rows in one solve, at most.
const SWEEPS: usize = 400;
/// A row is met if it misses its bound by at most this.
const NEAR: f64 = 1e-6;

/// Values, rows and multipliers.
pub(super) struct Closest {
    values: Vec<f64>,
    weights: Vec<f64>,
    rows: Vec<LeafRow>,
    multipliers: Vec<f64>,
    /// `Σ a²/w` per row.
    lengths: Vec<f64>,
}

impl Closest {
    /// Starts at `values`; weights are positive.
    pub(super) fn new(values: &[f64], weights: &[f64]) -> Self {
        Self {
            values: values.to_vec(),
            weights: weights.to_vec(),
            rows: Vec::new(),
            multipliers: Vec::new(),
            lengths: Vec::new(),
        }
    }

    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn add(&mut self, row: LeafRow) {
        let length = row.terms.iter().map(|(leaf, a)| a * a / self.weights[*leaf]).sum();
        self.rows.push(row);
        self.multipliers.push(0.0);
        self.lengths.push(length);
    }

    /// The closest values, nearly.
    pub(super) fn solve(&mut self) -> &[f64] {
        for _ in 0..SWEEPS {
            let mut worst = 0.0_f64;
            for at in 0..self.rows.len() {
                worst = worst.max(self.visit(at));
            }
            if worst <= NEAR {
                break;
            }
        }
        &self.values
    }

    /// Moves the multiplier of a row to its best value; returns the amount by which the row was missed.
    fn visit(&mut self, at: usize) -> f64 {
        let row = &self.rows[at];
        let sum: f64 = row.terms.iter().map(|(leaf, a)| a * self.values[*leaf]).sum();
        let excess = sum - row.bound;
        let before = self.multipliers[at];
        let after = (before + excess / self.lengths[at]).max(0.0);
        let change = after - before;
        if change != 0.0 {
            for (leaf, a) in &row.terms {
                self.values[*leaf] -= change * a / self.weights[*leaf];
            }
            self.multipliers[at] = after;
        }
        excess
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(terms: &[(usize, f64)], bound: f64) -> LeafRow {
        LeafRow { terms: terms.to_vec(), bound }
    }

    fn is_near(found: &[f64], expected: &[f64]) -> bool {
        found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4)
    }

    #[test]
    fn without_rows_nothing_moves() {
        assert_eq!(Closest::new(&[1.0, -2.0], &[1.0, 3.0]).solve(), [1.0, -2.0]);
    }

    #[test]
    fn heavier_values_move_less() {
        let mut closest = Closest::new(&[1.0, 0.0], &[1.0, 3.0]);
        closest.add(row(&[(0, 1.0), (1, -1.0)], 0.0));
        assert!(is_near(closest.solve(), &[0.25, 0.25]));
    }

    /// The corner of two rows, of which one is no longer needed after the other.
    #[test]
    fn rows_that_are_met_do_not_pull() {
        let mut closest = Closest::new(&[2.0, 2.0], &[1.0, 1.0]);
        closest.add(row(&[(0, 1.0), (1, 1.0)], 2.0));
        assert!(is_near(closest.solve(), &[1.0, 1.0]));
        closest.add(row(&[(0, 1.0)], -1.0));
        assert!(is_near(closest.solve(), &[-1.0, 2.0]));
    }
}
