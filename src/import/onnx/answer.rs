//! The nodes after the logits of a classifier: posteriors, and the label.
//!
//! ```text
//! z → Sigmoid → p,   Concat(1 − p, p)                      one logit, of class 1
//! z → Softmax or LogSoftmax                                a logit each
//!   → ArgMax → ArrayFeatureExtractor, Cast, Reshape        the label, under its name
//! ```
//!
//! All of it follows from the logits and is left out. Anything else is refused, because another function of
//! a posterior is another classifier. Classes may have other names than their numbers, but not the numbers of one
//! another, and no two the same.

use std::collections::BTreeSet;

use crate::import::ImportError;

use super::graph::Values;
use super::place::NodePlace;
use super::tensor::{Numbers, Tensor};
use super::value::{Activation, AnswerPart, Known, OfLogits};

/// The types UINT8, INT8 and BOOL, which do not tell all labels apart.
const NARROW: [i64; 3] = [2, 3, 9];
/// The type STRING.
const TEXTS: u64 = 8;
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
            (
                "ArrayFeatureExtractor",
                &[Some(Known::Stored(table)), Some(Known::Answer(answer))],
            ) if answer.part == AnswerPart::Label => {
                let names = names_of(place, table)?;
                self.name_classes(place, &names)?;
                answer
            }
            ("ZipMap", &[Some(Known::Answer(answer))]) if answer.part == AnswerPart::All => {
                if let Some(labels) = place.attribute("classlabels_int64s") {
                    self.name_classes(place, &LabelTable::Numbers(&labels.ints))?;
                }
                if let Some(labels) = place.attribute("classlabels_strings") {
                    self.name_classes(place, &LabelTable::Texts(&labels.texts))?;
                }
                answer
            }
            ("Cast", &[Some(Known::Answer(answer))]) => {
                let to = place.int("to")?;
                if answer.part != AnswerPart::Label && !to.is_some_and(|to| FLOATS.contains(&to)) {
                    return wrong("a Cast of posteriors to FLOAT (1) or DOUBLE (11)");
                }
                if to.is_some_and(|to| NARROW.contains(&to)) {
                    return wrong("a Cast of labels to a type that tells them apart");
                }
                answer
            }
            ("Identity" | "Flatten" | "Reshape", [Some(Known::Answer(answer)), ..])
                if answer.part != AnswerPart::All || place.node.operator == "Identity" =>
            {
                let is_whole_row =
                    answer.part == AnswerPart::Label || place.node.operator == "Identity";
                self.expect_rows_apart(place, is_whole_row)?;
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

    /// Takes note of the names of the classes, which must tell them apart.
    fn name_classes(
        &mut self,
        place: &NodePlace<'a>,
        names: &LabelTable<'_>,
    ) -> Result<(), ImportError> {
        if !names.tell_classes_apart() {
            let found = "labels in another order, or one of two classes".to_owned();
            return Err(place.wrong(found, "distinct labels, ascending where they are numbers"));
        }
        self.is_named |= !names.are_own();
        Ok(())
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
        let shape = self.shape(logits);
        shape.expect_row().map_err(|(found, expected)| place.wrong(found, expected))?;
        if axis == -1 || shape.is_last(axis, 1) {
            return Ok(());
        }
        Err(place.wrong(format!("axis {axis}"), "the last dimension"))
    }
}

/// The names of the classes, in the order of the logits.
enum LabelTable<'a> {
    Numbers(&'a [i64]),
    Texts(&'a [&'a [u8]]),
}

/// The names that a stored table holds.
fn names_of<'a>(
    place: &NodePlace<'_>,
    table: &'a Tensor<'_>,
) -> Result<LabelTable<'a>, ImportError> {
    match &table.numbers {
        Numbers::I64(labels) => Ok(LabelTable::Numbers(labels)),
        Numbers::Other(TEXTS) => Ok(LabelTable::Texts(&table.texts)),
        Numbers::F32(_) | Numbers::F64(_) | Numbers::Other(_) => {
            let found = "labels of another type".to_owned();
            Err(place.wrong(found, "labels that are INT32 (6), INT64 (7) or STRING (8)"))
        }
    }
}

impl LabelTable<'_> {
    /// True if these are the numbers of the classes.
    fn are_own(&self) -> bool {
        match self {
            Self::Numbers(labels) => labels.iter().zip(0..).all(|(label, class)| *label == class),
            Self::Texts(labels) => {
                labels.iter().enumerate().all(|(class, text)| *text == class.to_string().as_bytes())
            }
        }
    }

    /// True if no two classes have one name, and none that stands for another class: numbers ascend, and a text is not
    /// the number of another class.
    fn tell_classes_apart(&self) -> bool {
        match self {
            Self::Numbers(labels) => labels.is_sorted_by(|a, b| a < b),
            Self::Texts(labels) => {
                let distinct: BTreeSet<&&[u8]> = labels.iter().collect();
                let numbers = (0..labels.len()).map(|class| class.to_string());
                let taken = |(class, number): (usize, String)| {
                    labels
                        .iter()
                        .position(|text| *text == number.as_bytes())
                        .is_none_or(|at| at == class)
                };
                distinct.len() == labels.len() && numbers.enumerate().all(taken)
            }
        }
    }
}

/// Operators that occur in answers only.
const ANSWERS: [&str; 7] =
    ["ArgMax", "ArrayFeatureExtractor", "Concat", "LogSoftmax", "Sigmoid", "Softmax", "ZipMap"];

const EXPECTED: &str = "after the last layer a Sigmoid of one logit or a Softmax, then at most 1 − p, \
                        Concat(1 − p, p), ArgMax and the names of the labels";
