//! The strength of a target's defense, and its cost.
//!
//! Prediction poisoning (Orekondy, Schiele, Fritz, ICLR 2020) for two classes has a closed form,
//! and with it a flip threshold:
//!
//! ```text
//! F′ = (1 − α)·F + α·e_argmin(F)       the label flips  ⇔  max F < 1 / (2(1 − α))
//! ```
//!
//! so α is the only choice: as large as a budget of accuracy on validation rows allows.

mod poisoning;

pub use poisoning::{Choice, DefendError, Effect, choose_poisoning, effect};
