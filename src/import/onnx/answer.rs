//! The nodes after the logits of a classifier: posteriors, and the label.
//!
//! ```text
//! z → Sigmoid → p,   Concat(1 − p, p)                      one logit, of class 1
//! z → Softmax or LogSoftmax                                a logit each
//!   → ArgMax → ArrayFeatureExtractor, Cast, Reshape        the label, under any name
//! ```
//!
//! All of it follows from the logits and is left out. Anything else is refused, because another function of
//! a posterior is another classifier.

use crate::import::ImportError;

use super::graph::Values;
use super::place::NodePlace;
use super::value::{Activation, AnswerPart, Known, OfLogits};

/// The types FLOAT and DOUBLE.
const FLOATS: [i64; 2] = [1, 11];

impl<'a> Values<'a> {
    /// The value of a node of the answer; `None` if the node is not part of the answer.
    pub(super) fn answer(
        &mut self,
        place: &NodePlace<'a>,
    ) -> Result<Option<OfLogits>, ImportError> {
        let operands = place.node.inputs.iter().map(|name| self.known(name));
        let operands: Vec<Option<Known<'a>>> = operands.collect();
        let wrong =
            |expected| Err(place.wrong(format!("the operands {:?}", place.node.inputs), expected));
        Ok(Some(match (place.node.operator, operands.as_slice()) {
            ("Sigmoid", &[Some(Known::Computed(logits))]) => {
                OfLogits { logits, activation: Activation::Sigmoid, part: AnswerPart::One }
            }
            ("Softmax" | "LogSoftmax", &[Some(Known::Computed(logits))]) => {
                self.expect_last_axis(place, logits, -1)?;
                OfLogits { logits, activation: Activation::Softmax, part: AnswerPart::All }
            }
            ("ArgMax", &[Some(Known::Computed(logits))]) => {
                self.expect_first_of_last_axis(place, logits)?;
                OfLogits { logits, activation: Activation::Softmax, part: AnswerPart::Label }
            }
            (
                "ArgMax",
                &[Some(Known::Answer(answer @ OfLogits { part: AnswerPart::All, logits, .. }))],
            ) => {
                self.expect_first_of_last_axis(place, logits)?;
                OfLogits { part: AnswerPart::Label, ..answer }
            }
            (
                "Sub",
                &[
                    Some(Known::Stored(one)),
                    Some(Known::Answer(answer @ OfLogits { part: AnswerPart::One, .. })),
                ],
            ) => {
                if self.numbers(one)? != [1.0] {
                    return wrong("1 less the posterior of class 1");
                }
                OfLogits { part: AnswerPart::Zero, ..answer }
            }
            ("Concat", &[Some(Known::Answer(zero)), Some(Known::Answer(one))])
                if (zero.part, one.part) == (AnswerPart::Zero, AnswerPart::One)
                    && zero.logits == one.logits =>
            {
                self.expect_last_axis(place, one.logits, 0)?;
                OfLogits { part: AnswerPart::All, ..one }
            }
            ("ArrayFeatureExtractor", &[Some(Known::Stored(_)), Some(Known::Answer(answer))])
                if answer.part == AnswerPart::Label =>
            {
                answer
            }
            ("ZipMap", &[Some(Known::Answer(answer))]) if answer.part == AnswerPart::All => answer,
            ("Cast", &[Some(Known::Answer(answer))]) => {
                let to = place.int("to")?;
                if answer.part != AnswerPart::Label && !to.is_some_and(|to| FLOATS.contains(&to)) {
                    return wrong("a Cast of posteriors to FLOAT (1) or DOUBLE (11)");
                }
                answer
            }
            ("Identity" | "Flatten" | "Reshape", [Some(Known::Answer(answer)), ..])
                if answer.part != AnswerPart::All || place.node.operator == "Identity" =>
            {
                *answer
            }
            (operator, operands) => {
                if operands.iter().any(|known| matches!(known, Some(Known::Answer(_))))
                    || ANSWERS.contains(&operator)
                {
                    return wrong(EXPECTED);
                }
                return Ok(None);
            }
        }))
    }

    /// Expects an arg max along the numbers of one point that takes the first of equal ones.
    fn expect_first_of_last_axis(
        &self,
        place: &NodePlace<'a>,
        logits: usize,
    ) -> Result<(), ImportError> {
        if place.int("select_last_index")?.is_some_and(|value| value != 0) {
            let expected = "0: the first of equal posteriors";
            return Err(place.wrong("select_last_index".to_owned(), expected));
        }
        self.expect_last_axis(place, logits, 0)
    }

    /// Expects the attribute `axis` to name the last dimension; `default` is its value where it is left out.
    fn expect_last_axis(
        &self,
        place: &NodePlace<'a>,
        logits: usize,
        default: i64,
    ) -> Result<(), ImportError> {
        let axis = place.int("axis")?.unwrap_or(default);
        if axis == -1 || self.shape(logits).is_last(axis, 1) {
            return Ok(());
        }
        Err(place.wrong(format!("axis {axis}"), "the last dimension"))
    }
}

/// Operators that occur in answers only.
const ANSWERS: [&str; 7] =
    ["ArgMax", "ArrayFeatureExtractor", "Concat", "LogSoftmax", "Sigmoid", "Softmax", "ZipMap"];

const EXPECTED: &str = "after the last layer a Sigmoid of one logit or a Softmax, then at most 1 − p, \
                        Concat(1 − p, p), ArgMax and the names of the labels";
