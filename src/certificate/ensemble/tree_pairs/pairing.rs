//! Pairs of cells of two points that go with each other: boxes of pairs, and cuts of them.

use std::sync::Arc;

use super::super::CellBox;
use super::band::Band;

/// A box of cells for each of two points.
#[derive(Clone, Debug)]
pub struct TwinBox {
    cells: [CellBox; 2],
}

impl TwinBox {
    pub(in super::super) fn new(cells: [CellBox; 2]) -> Self {
        Self { cells }
    }

    /// Lowest and highest cell of a point (0 or 1) along a feature.
    pub fn side(&self, copy: usize, feature: usize) -> (usize, usize) {
        self.cells.get(copy).map_or((1, 0), |cells| cells.side(feature))
    }

    /// The cells of both points along a feature.
    pub fn sides(&self, feature: usize) -> [(usize, usize); 2] {
        [self.side(0, feature), self.side(1, feature)]
    }

    pub(super) fn set(&mut self, copy: usize, feature: usize, side: (usize, usize)) {
        if let Some(cells) = self.cells.get_mut(copy) {
            cells.set(feature, side);
        }
    }

    /// Puts back what [`TwinBox::sides`] gave.
    pub fn restore(&mut self, feature: usize, [first, second]: [(usize, usize); 2]) {
        self.set(0, feature, first);
        self.set(1, feature, second);
    }

    /// The cells of one point up to `number`, and those from `number + 1` on.
    fn halves(&self, copy: usize, feature: usize, number: usize) -> Option<(Self, Self)> {
        let (below, above) = self.cells.get(copy)?.cut(feature, number)?;
        let with = |cells| {
            let mut part = self.clone();
            if let Some(slot) = part.cells.get_mut(copy) {
                *slot = cells;
            }
            part
        };
        Some((with(below), with(above)))
    }
}

/// The pairs of cells that a claim is about.
#[derive(Debug)]
pub struct Pairing {
    pub(super) bands: Vec<Arc<Band>>,
    root: Option<TwinBox>,
}

impl Pairing {
    /// No pairs.
    pub(super) fn nothing() -> Self {
        Self { bands: Vec::new(), root: None }
    }

    /// The pairs of a box, with these sides for both points, that are equal but in one feature, which is free.
    pub(in super::super) fn moving(
        sides: impl Iterator<Item = (usize, usize)>,
        moved: usize,
        root: TwinBox,
    ) -> Self {
        let band = |(feature, side)| Arc::new(Band::on_one_grid(side, feature == moved));
        Self::new(sides.enumerate().map(band).collect(), root)
    }

    /// The pairs of a box that the bands, one per feature, allow.
    pub(super) fn new(bands: Vec<Arc<Band>>, mut root: TwinBox) -> Self {
        let features = bands.len();
        let mut pairing = Self { bands, root: None };
        if (0..features).all(|feature| pairing.tighten(&mut root, feature)) {
            pairing.root = Some(root);
        }
        pairing
    }

    /// All pairs; `None` if there are none.
    pub fn root(&self) -> Option<&TwinBox> {
        self.root.as_ref()
    }

    /// Both parts of a cut, each narrowed to cells that go with a cell of the other point, or `None` if nothing
    /// of it is left. The whole result is `None` if the cut lies outside the box.
    pub fn cut(
        &self,
        here: &TwinBox,
        copy: usize,
        feature: usize,
        number: usize,
    ) -> Option<(Option<TwinBox>, Option<TwinBox>)> {
        let (low, high) = here.halves(copy, feature, number)?;
        let tight = |mut part: TwinBox| self.tighten(&mut part, feature).then_some(part);
        Some((tight(low), tight(high)))
    }

    /// Narrows both sides of a feature to cells that go with some cell of the other side; `false` if none
    /// is left.
    pub(super) fn tighten(&self, here: &mut TwinBox, feature: usize) -> bool {
        let Some(band) = self.bands.get(feature) else { return false };
        for (from, to) in [(0, 1), (1, 0)] {
            let (first, last) = band.partners(from, here.side(from, feature));
            let (lo, hi) = here.side(to, feature);
            let narrowed = (lo.max(first), hi.min(last));
            if narrowed.0 > narrowed.1 {
                return false;
            }
            here.set(to, feature, narrowed);
        }
        true
    }
}
