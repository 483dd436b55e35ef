//! The ends of each row's box as codes: the number of cuts at most the end. A box reaches the left of cut `k` iff
//! its low code is at most `k`, and the right iff its high code is above `k`.

use crate::train::MovableRows;
use crate::train::trees::bins::code;

use super::cuts::roomy_cuts;

/// The codes of a row in one feature: of the ends of its box, and of its own value between them.
#[derive(Clone, Copy)]
pub(super) struct SideCodes {
    pub(super) low: u8,
    pub(super) own: u8,
    pub(super) high: u8,
}

/// The boxes of the training rows as codes.
pub(super) struct BoxCodes {
    /// Per feature, the cuts in ascending order; fewer than 256.
    cuts: Vec<Vec<f64>>,
    /// Row-major, shape `[rows][features]`.
    codes: Vec<SideCodes>,
}

impl BoxCodes {
    /// At most `bins` (2 to 256) bins per feature.
    pub(super) fn new(sample: MovableRows, bins: usize) -> Self {
        let features = sample.rows.first().map_or(0, |row| row.values.len());
        let column = |feature: usize| -> Vec<f64> {
            sample.rows.iter().map(|row| row.values[feature]).collect()
        };
        let cuts: Vec<_> = (0..features).map(|f| roomy_cuts(&column(f), bins)).collect();
        let mut codes = Vec::with_capacity(sample.rows.len() * features);
        for (at, row) in sample.rows.iter().enumerate() {
            let (lo, hi) = sample.moves.row(at);
            let ends = cuts.iter().zip(lo).zip(&row.values).zip(hi);
            codes.extend(ends.map(|(((cuts, lo), x), hi)| SideCodes {
                low: code(cuts, *lo),
                own: code(cuts, *x),
                high: code(cuts, *hi),
            }));
        }
        Self { cuts, codes }
    }

    /// Number of features.
    pub(super) fn features(&self) -> usize {
        self.cuts.len()
    }

    /// The codes of a row's box, in feature order.
    pub(super) fn row(&self, row: u32) -> &[SideCodes] {
        &self.codes[row as usize * self.features()..][..self.features()]
    }

    /// The cuts of each feature.
    pub(super) fn cuts(&self) -> &[Vec<f64>] {
        &self.cuts
    }
}
