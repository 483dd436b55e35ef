//! The operations of a forward pass, so that the pass is written once.

use std::ops::Add;

use super::{Dyadic, Interval};

/// A number type that a ReLU network can be evaluated in.
///
/// The number 1 is not part of the trait but an argument of the pass: ReLU networks are positively
/// homogeneous, so a point with common denominator `D` is evaluated as `D·z` with unit `D`.
pub trait Scalar: Clone + Add<Output = Self> {
    /// `factor · self`.
    fn scale(&self, factor: f64) -> Self;
    /// `max(self, 0)`.
    fn relu(self) -> Self;
}

impl Scalar for f64 {
    fn scale(&self, factor: f64) -> Self {
        factor * self
    }
    fn relu(self) -> Self {
        // NaN stays NaN: `f64::max` would hide it
        if self < 0.0 { 0.0 } else { self }
    }
}

/// One execution of a served f32 copy: index order, no fused operations, gradual underflow.
impl Scalar for f32 {
    fn scale(&self, factor: f64) -> Self {
        factor as f32 * self
    }
    fn relu(self) -> Self {
        if self < 0.0 { 0.0 } else { self }
    }
}

impl Scalar for Interval {
    fn scale(&self, factor: f64) -> Self {
        Interval::scale(*self, factor)
    }
    fn relu(self) -> Self {
        Interval::relu(self)
    }
}

/// Exact evaluation. Stored numbers are finite: the strict reader has made sure.
impl Scalar for Dyadic {
    fn scale(&self, factor: f64) -> Self {
        &Dyadic::from_f64(factor).expect("models hold finite numbers only") * self
    }
    fn relu(self) -> Self {
        if self.is_negative() { Dyadic::ZERO } else { self }
    }
}

impl Add for Dyadic {
    type Output = Self;
    fn add(self, rhs: Self) -> Self {
        &self + &rhs
    }
}
