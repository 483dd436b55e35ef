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
mod unit;
mod words;

pub use condition::Link;
pub use lower::{Aim, Bonds, Confidence, Pair, Regions, norm_squared, square_distance};
pub use lower::{Claim, LowerError, Lowered, Obligation, Standing, Threshold};
pub use lower::{Halfspace, OutputBlock, PairBound};
pub use property::{Direction, LabelSource, Norm, On, Property, Scope, Semantics, Units, Zone};
pub use property::{FeatureName, InputBox, InputRow, Integers, OutputRow};
pub use read::{Spec, SpecError};
pub use region::{Ball, Domain, RawRegion};
pub use unit::DistanceUnit;
