//! A row, or several that are equal, and the model's answers at it.

use std::cell::OnceCell;

use crate::defense::Defense;
use crate::interval::{Interval, Rational, sigmoid, softplus};
use crate::model::{Family, Model, Point};

use super::defended::Defended;
use super::exact::Exactly;
use super::floats::{Approximate, Divergent};

/// Rows that are equal.
pub(super) struct Site<'a> {
    pub(super) values: &'a [f64],
    /// Positions of the rows, ascending.
    pub(super) rows: Vec<usize>,
    exact: OnceCell<Exactly>,
    defended: OnceCell<Defended>,
}

impl<'a> Site<'a> {
    /// A site of one row, at that position.
    pub(super) fn new(values: &'a [f64], row: usize) -> Self {
        Self { values, rows: vec![row], exact: OnceCell::new(), defended: OnceCell::new() }
    }

    /// Number of rows.
    pub(super) fn size(&self) -> u64 {
        self.rows.len() as u64
    }

    /// The exact answers of the model, computed once.
    pub(super) fn exactly(&self, model: &Model) -> &Exactly {
        self.exact.get_or_init(|| {
            let [zero, one] = self.scores(model);
            Exactly::new(&one - &zero)
        })
    }

    /// The answers behind a defense, enclosed once.
    pub(super) fn defended(&self, model: &Model, defense: &Defense) -> &Defended {
        self.defended.get_or_init(|| {
            let scores = self.scores(model);
            Defended::new([0, 1].map(|class| defense.enclosure(class, &scores, model.tie)))
        })
    }

    /// The exact scores.
    fn scores(&self, model: &Model) -> [Rational; 2] {
        let scores = Point::from_floats(self.values).map(|point| model.exact_scores(&point));
        // lowering asks for two classes
        let scores = scores.and_then(|scores| scores.try_into().ok());
        scores.unwrap_or([Rational::ZERO; 2])
    }

    /// An enclosure of the margin: by a pass of intervals, or exact if that gives none.
    fn margin(&self, model: &Model) -> (Rational, Rational) {
        let pass = || {
            let Family::Mlp(mlp) = &model.family else { return None };
            let features = model.schema.features().iter().zip(self.values);
            let input = features.map(|(feature, &x)| {
                let z = feature.standardise_exactly(&Rational::from_f64(x)?);
                Interval::enclosing(&z, &z)
            });
            let logits = mlp.forward(&Interval::point(1.0), input.collect::<Option<_>>()?);
            let [zero, one] = logits.as_slice() else { return None };
            let margin = *one + zero.scale(-1.0);
            Rational::from_f64(margin.lo()).zip(Rational::from_f64(margin.hi()))
        };
        pass().unwrap_or_else(|| {
            let margin = &self.exactly(model).margin;
            (margin.clone(), margin.clone())
        })
    }

    /// An enclosure of `σ(m)`.
    pub(super) fn posterior(&self, model: &Model) -> Approximate {
        let (low, high) = self.margin(model);
        Approximate::around(&sigmoid(&low).0, &sigmoid(&high).1)
    }

    /// Enclosures of the numbers that the divergence needs.
    pub(super) fn divergent(&self, model: &Model) -> Divergent {
        let (low, high) = self.margin(model);
        Divergent::Scores {
            margin: Approximate::around(&low, &high),
            posterior: Approximate::around(&sigmoid(&low).0, &sigmoid(&high).1),
            softplus: Approximate::around(&softplus(&low).0, &softplus(&high).1),
        }
    }
}
