//! Models of the tools that wrote them, against what those tools compute.
//!
//! Needs Python (`PROPCERT_PYTHON`, else `python3`) with the packages of a tool; without them its tests
//! say SKIPPED and test nothing. Rows have no missing values, as data sets here have none.
#![cfg(feature = "full")]

mod doubles;
mod python;
mod xgboost;
