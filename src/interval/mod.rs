//! Numbers that never lie: every bound that a verdict rests on is computed here.
//!
//! | type | what it is |
//! |---|---|
//! | [`Rational`] | an exact quotient of integers: region ends, thresholds, constants of a spec |
//! | [`Decimal`] | a [`Rational`] together with the text it was read from |
//! | [`Dyadic`] | an exact `n·2^e`; every stored float is one |
//! | [`Interval`] | a closed interval of `f64`, rounded outward |
//! | [`Region`] | a box, one interval per coordinate |
//! | [`Form`] | an affine form with a provable minimum over a box, in two arithmetics: [`Rounded`] and [`Exact`] |
//!
//! Trusted: a mistake here can make a false claim look proved.

#[cfg(any(test, feature = "advice"))]
mod advice;
mod decimal;
mod dyadic;
mod elementary;
mod exact;
mod form;
mod hexadecimal;
#[expect(clippy::module_inception)]
mod interval;
mod products;
mod rational;
mod rounded;
mod scalar;
mod stored;

#[cfg(any(test, feature = "advice"))]
pub use advice::format_hexadecimal;
pub use decimal::{Decimal, DecimalError};
pub use dyadic::Dyadic;
pub use elementary::{exp, ln, sigmoid, soft_boundary_margin, softplus};
pub use exact::{Exact, ExactLayer};
pub use form::{Form, Lines, Sizes};
pub use hexadecimal::parse_hexadecimal;
pub use interval::{Interval, Region, magnitudes};
pub use rational::{Rational, decode};
pub use rounded::{Rounded, gamma_f32, product_up, sum_up};
pub use scalar::Scalar;
pub use stored::Stored;
