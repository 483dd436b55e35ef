//! Answers behind boundary randomised response.
//!
//! ```text
//! proved, or beyond the band   the label, always
//! else, cell met before        the answer of its first point
//! else                         y with probability e^ε/(1 + e^ε), decided by a secret key and the point; kept
//! ```
//!
//! | file | what it holds |
//! |---|---|
//! | `zone` | the points near which no other label is |
//! | `draw` | draws, and the cells that share them |
//! | `memory` | the answers of cells, in a file |
//! | `log` | the answers as a certificate that `check` decides |
//!
//! Two drawn answers in different cells are independent, and each is right with probability `p = e^ε/(1 + e^ε)`. So any
//! two agree with probability `p² + (1−p)²` or `2p(1−p)`, whose ratio is `cosh ε <= e^ε`; and one pair of answers is at
//! most `e^ε` times as likely with one point in place of another. Both readings of ε-soft boundary privacy hold at ε, for
//! all points of the zone, whatever the model. Each drawn cell costs ε; answers outside the zone cost nothing, and
//! neither do repeated ones. In a cell the *answer* is shared: with a shared coin two points on different sides of the
//! boundary would always differ, and would tell so.

mod draw;
mod log;
mod memory;
#[cfg(test)]
mod tests;
mod zone;

use rayon::prelude::*;

use crate::certificate::Proof;
use crate::defense::{Defense, RandomisedResponse};
use crate::model::{Digest, Model, Point, argmax};

use super::DefendError;
use draw::Coin;
use zone::ZoneTest;

pub use log::ServedLog;
pub use memory::{MemoryError, ResponseMemory};

/// The serving side of a defense whose answers are drawn.
#[derive(Clone, Debug)]
pub struct Server<'a> {
    model: &'a Model,
    response: &'a RandomisedResponse,
    zone: ZoneTest,
    coin: Coin,
}

/// A point, and what its answer depends on beside the memory.
#[derive(Clone, Debug, PartialEq)]
pub enum Placed {
    /// Outside the zone.
    Plain {
        /// The label there.
        label: usize,
        /// The proof that every point within Δ has it; `None` with a band.
        proof: Option<Proof>,
    },
    /// In the zone, or not known to be outside.
    Near {
        /// Its cell.
        cell: Digest,
        /// The answer if the cell has none yet.
        drawn: usize,
    },
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedAnswer {
    /// The class answered.
    pub label: usize,
    /// The reason for it.
    pub ground: AnswerGround,
}

/// The reason for an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerGround {
    /// The label, with the proof for the whole ball if the zone is one of balls.
    Plain(Option<Proof>),
    /// A draw for a cell that had no answer.
    Drawn,
    /// The answer of an earlier point of its cell.
    Remembered,
}

impl<'a> Server<'a> {
    /// A server of `model` behind `defense`.
    ///
    /// # Errors
    /// A model that the defense is not for, a defense whose answers are not drawn.
    pub fn new(model: &'a Model, defense: &'a Defense) -> Result<Self, DefendError> {
        defense.check_model(model)?;
        let kind = defense.kind();
        let response = defense.randomised().ok_or(DefendError::NotDrawn { kind })?;
        let zone = ZoneTest::new(response.zone(), response.grid().1)?;
        Ok(Self { model, response, zone, coin: Coin::new(response.epsilon()) })
    }

    /// The answers at raw points, in order, and new ones of cells kept in memory. Points are finite and have a value per
    /// feature.
    ///
    /// # Errors
    /// A model that claims about labels are not made of.
    pub fn answer(
        &self,
        points: &[Vec<f64>],
        memory: &mut ResponseMemory,
    ) -> Result<Vec<ServedAnswer>, DefendError> {
        let placed = self.place(points)?;
        Ok(placed.into_iter().map(|placed| Self::settle(placed, memory)).collect())
    }

    /// All that an answer depends on beside the memory; it does not depend on the other points.
    ///
    /// # Errors
    /// As [`Server::answer`].
    pub fn place(&self, points: &[Vec<f64>]) -> Result<Vec<Placed>, DefendError> {
        let proofs = self.zone.proofs(self.model, points)?;
        let place = |(point, proof): (&Vec<f64>, Option<(usize, Proof)>)| match proof {
            Some((label, proof)) => Placed::Plain { label, proof: Some(proof) },
            None => self.look(point),
        };
        Ok(points.par_iter().zip(proofs).map(place).collect())
    }

    /// Places a point that no proof places.
    fn look(&self, raw: &[f64]) -> Placed {
        let point = Point::from_floats(raw).expect("points are finite");
        let scores = self.model.exact_scores(&point);
        let label = argmax(&scores, self.model.tie);
        let is_sure = scores.as_slice().try_into().is_ok_and(|two| self.response.is_sure(two));
        if is_sure {
            return Placed::Plain { label, proof: None };
        }
        let (key, cell) = (self.response.key(), self.cell(&point));
        Placed::Near { cell, drawn: self.coin.answer(key, raw, label) }
    }

    /// The answer of a placed point.
    pub fn settle(placed: Placed, memory: &mut ResponseMemory) -> ServedAnswer {
        match placed {
            Placed::Plain { label, proof } => {
                ServedAnswer { label, ground: AnswerGround::Plain(proof) }
            }
            Placed::Near { cell, drawn } => match memory.answer(&cell) {
                Some(label) => ServedAnswer { label, ground: AnswerGround::Remembered },
                None => {
                    memory.add(cell, drawn);
                    ServedAnswer { label: drawn, ground: AnswerGround::Drawn }
                }
            },
        }
    }

    fn cell(&self, point: &Point) -> Digest {
        let (width, units) = self.response.grid();
        draw::cell(self.response.key(), &self.model.schema, point, (width.value(), units))
    }
}
