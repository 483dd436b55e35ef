//! The floats inside a region: where points are sought.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::model::{FeatureSpec, Schema};
use crate::spec::RawRegion;

/// The largest box of floats inside a region, raw. A side without a float has `lo > hi`.
#[derive(Clone, Debug)]
pub struct FloatBox {
    lo: Vec<f64>,
    hi: Vec<f64>,
    is_whole: Vec<bool>,
}

impl FloatBox {
    /// The floats between the ends of the region's box; conditions and balls are left out.
    pub fn new(region: &RawRegion) -> Self {
        let lo = region.sides().iter().map(|(lo, _)| lo.up()).collect();
        let hi = region.sides().iter().map(|(_, hi)| hi.down()).collect();
        Self { lo, hi, is_whole: region.is_whole().to_vec() }
    }

    /// Moves a point to the nearest member of the box, whole where it must be.
    pub fn clip(&self, raw: &mut [f64]) {
        for (index, x) in raw.iter_mut().enumerate() {
            if self.is_whole[index] {
                *x = x.round();
            }
            // a side without a float is empty: any value is refused later
            *x = x.max(self.lo[index]).min(self.hi[index].max(self.lo[index])) + 0.0;
        }
    }

    /// The member nearest to a standardised point (of both copies, with two).
    pub fn nearest(&self, schema: &Schema, standardised: &[f64]) -> Vec<f64> {
        let features = schema.features().iter().cycle().zip(standardised);
        let raw = |(f, z): (&FeatureSpec, &f64)| z / f64::from(f.scale) + f64::from(f.mean);
        let mut point = features.map(raw).collect::<Vec<_>>();
        self.clip(&mut point);
        point
    }

    /// Per coordinate, true if it takes whole numbers only.
    pub fn is_whole(&self) -> &[bool] {
        &self.is_whole
    }

    /// The least float per coordinate.
    pub fn lo(&self) -> &[f64] {
        &self.lo
    }

    /// The greatest float per coordinate.
    pub fn hi(&self) -> &[f64] {
        &self.hi
    }

    /// The point half way between the ends, whole where it must be.
    pub fn middle(&self) -> Vec<f64> {
        let ends = self.lo.iter().zip(&self.hi);
        let mut middle: Vec<f64> = ends.map(|(lo, hi)| lo + (hi - lo) / 2.0).collect();
        self.clip(&mut middle);
        middle
    }

    /// A random point of the box, each coordinate on its own.
    pub fn random(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let ends = self.lo.iter().zip(&self.hi);
        let mut point: Vec<f64> =
            ends.map(|(lo, hi)| lo + (hi - lo) * rng.random::<f64>()).collect();
        self.clip(&mut point);
        point
    }
}
