//! Claims: one property instance per file, as pure data, and its lowering to obligations.
//!
//! A [`Spec`] is read from TOML; every number that states a bound is a decimal string and stays
//! exact. [`Lowered`] turns a spec, a model, an optional defense and rows into [`Obligation`]s,
//! the only statements the kernel understands: *for all x in a region, a claim about margins*.
//!
//! Trusted.

#![cfg_attr(not(test), deny(clippy::wildcard_enum_match_arm))]

mod condition;
mod lower;
mod property;
mod read;
mod region;
#[cfg(any(test, feature = "advice"))]
mod tables;
mod terms;
mod unit;
mod words;

pub use condition::{LinearCondition, Link};
pub use lower::{Aim, Bonds, Confidence, Pair, Regions, norm_squared, square_distance};
pub use lower::{Claim, LowerError, Lowered, Obligation, Standing, Threshold};
pub use lower::{Halfspace, OutputBlock, PairBound};
// all that is public there: a new property does not touch this file
pub use property::*;
pub use read::{Spec, SpecError};
pub use region::{Ball, Domain, RawRegion};
pub use terms::{Direction, FeatureName, Integers, LabelSource, Norm, On, Scope, Semantics};
pub use terms::{Units, Zone};
pub use unit::DistanceUnit;
