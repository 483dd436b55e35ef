//! Changes of inputs in words: `raising char_freq_dollar from 0.02 to 0.03 turns label 1 into label 0`.

use crate::model::{Model, Point, Schema, argmax};
use crate::text::digits::{above, below, nearest, shortest};

/// The names of classes that data tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassNames<'a>(pub(super) &'a [String]);

impl ClassNames<'_> {
    /// The name of a label; `label 1` where the data tell none. A name that is a number is told from other numbers.
    pub(super) fn of(self, label: usize) -> String {
        crate::report::class_name(self.0, label)
    }
}

/// Most moved features that are named.
const NAMED: usize = 3;
/// Halvings of the way to a counterexample.
const HALVINGS: u32 = 12;

/// The exact label at a raw point; `None` if a value is not finite.
pub(super) fn exact_label(model: &Model, raw: &[f64]) -> Option<usize> {
    Some(argmax(&model.exact_scores(&Point::from_floats(raw)?), model.tie))
}

/// The number of features in which two points differ.
pub(super) fn moved(from: &[f64], to: &[f64]) -> usize {
    from.iter().zip(to).filter(|(a, b)| a != b).count()
}

/// The point `to` with as many features as possible put back to `from` while `still` is true of it: those that moved
/// least, in standard deviations, are put back first.
pub(super) fn simplest(
    schema: &Schema,
    from: &[f64],
    to: &[f64],
    still: &mut dyn FnMut(&[f64]) -> bool,
) -> Vec<f64> {
    let mut order = by_move(schema, from, to);
    order.reverse();
    let mut found = to.to_vec();
    for feature in order {
        let kept = std::mem::replace(&mut found[feature], from[feature]);
        if !still(&found) {
            found[feature] = kept;
        }
    }
    found
}

/// The features in which two points differ, that which moves most, in standard deviations, first.
fn by_move(schema: &Schema, from: &[f64], to: &[f64]) -> Vec<usize> {
    let apart = |feature: usize| {
        let scale = f64::from(schema.features()[feature].scale);
        ((from[feature] - to[feature]) * scale).abs()
    };
    let mut order: Vec<usize> = (0..from.len()).filter(|&at| from[at] != to[at]).collect();
    order.sort_by(|&a, &b| apart(b).total_cmp(&apart(a)).then(a.cmp(&b)));
    order
}

/// The moves from one point to the other: `raising a from 1 to 2 and lowering b from 4 to 3`.
pub(super) fn moves(schema: &Schema, from: &[f64], to: &[f64]) -> String {
    let order = by_move(schema, from, to);
    let one = |&feature: &usize| {
        let (before, after) = apart_texts(from[feature], to[feature]);
        let after = format!("{}{after}", beside(&after, to[feature]));
        let verb = if to[feature] > from[feature] { "raising" } else { "lowering" };
        format!("{verb} {} from {before} to {after}", schema.features()[feature].name)
    };
    let words: Vec<String> = order.iter().take(NAMED).map(one).collect();
    match (words.as_slice(), order.len()) {
        ([], _) => "changing nothing".to_owned(),
        ([only], 1) => only.clone(),
        ([first @ .., last], all) if all <= NAMED => format!("{} and {last}", first.join(", ")),
        ([first, ..], all) => format!("moving {all} features ({first}, the others by less)"),
    }
}

/// A change of label in words.
pub(super) fn flip(
    (schema, classes): (&Schema, ClassNames),
    (from, to): (&[f64], &[f64]),
    labels: [usize; 2],
) -> String {
    let [before, after] = labels.map(|label| classes.of(label));
    format!("{} turns {before} into {after}", moves(schema, from, to))
}

/// The point on the way from `from` to `to` nearest to `from` among some halvings of the way, while `still` is true of
/// it; then each of its numbers in three digits, away from `from`, where that is still true.
pub(super) fn shrunk(
    from: &[f64],
    to: Vec<f64>,
    still: &mut dyn FnMut(&[f64]) -> bool,
) -> Vec<f64> {
    let (mut near, mut far, mut found) = (0.0, 1.0, to.clone());
    for _ in 0..HALVINGS {
        let middle = (near + far) / 2.0;
        let between = |(a, b): (&f64, &f64)| if a == b { *a } else { a + middle * (b - a) };
        let tried: Vec<f64> = from.iter().zip(&to).map(between).collect();
        match still(&tried) {
            true => (far, found) = (middle, tried),
            false => near = middle,
        }
    }
    for feature in 0..found.len() {
        let (start, end) = (from[feature], found[feature]);
        if start != end {
            // what is shown in three digits is then what was evaluated
            found[feature] = if end > start { above(end, 3) } else { below(end, 3) };
            if !still(&found) {
                found[feature] = end;
            }
        }
    }
    found
}

/// The word before a text that a number misses by next to nothing, as just left of a threshold.
fn beside(text: &str, x: f64) -> &'static str {
    match text.parse::<f64>() {
        Ok(shown) if (shown - x).abs() > 1e-6 * x.abs().max(1e-9) => "",
        Ok(shown) if x < shown => "just below ",
        Ok(shown) if x > shown => "just above ",
        _ => "",
    }
}

/// Two different numbers in the fewest digits, at least three, that tell them apart.
pub(super) fn apart_texts(a: f64, b: f64) -> (String, String) {
    let pairs = (3..=17).map(|digits| (nearest(a, digits), nearest(b, digits)));
    let mut differing = pairs.skip_while(|(a, b)| a == b);
    let (a, b) = differing.next().unwrap_or((a, b));
    (shortest(a), shortest(b))
}

#[cfg(test)]
mod tests {
    use crate::model::{FeatureSpec, Kind};

    use super::*;

    fn schema() -> Schema {
        let feature = |(name, scale): (&str, f32)| FeatureSpec {
            name: name.to_owned(),
            kind: Kind::Real,
            low: None,
            high: None,
            mean: 0.0,
            scale,
        };
        Schema::new([("a", 1.0), ("b", 10.0), ("c", 1.0), ("d", 1.0)].map(feature).to_vec())
            .unwrap()
    }

    #[test]
    fn moves_name_what_moves_most_first() {
        let from = [0.0, 1.0, 2.0, 3.0];
        let said = |to: [f64; 4]| moves(&schema(), &from, &to);
        assert_eq!(said(from), "changing nothing");
        assert_eq!(said([0.5, 1.0, 2.0, 3.0]), "raising a from 0 to 0.5");
        assert_eq!(
            said([0.5, 0.9, 2.0, 3.0]),
            "lowering b from 1 to 0.9 and raising a from 0 to 0.5"
        );
        assert_eq!(
            said([1.0; 4]),
            "lowering d from 3 to 1, raising a from 0 to 1 and lowering c from 2 to 1"
        );
        assert_eq!(
            said([1.0, 0.0, 1.0, 1.0]),
            "moving 4 features (lowering b from 1 to 0, the others by less)"
        );
    }

    #[test]
    fn a_point_just_left_of_a_threshold_is_told_so() {
        let said = |x: f64| moves(&schema(), &[3.0; 4], &[x, 3.0, 3.0, 3.0]);
        assert_eq!(said(2.0f64.next_down()), "lowering a from 3 to just below 2");
        assert_eq!(said(2.0), "lowering a from 3 to 2");
        assert_eq!(said(1.999), "lowering a from 3 to 2");
    }

    #[test]
    fn close_numbers_are_told_apart() {
        assert_eq!(apart_texts(0.02, 0.03), ("0.02".to_owned(), "0.03".to_owned()));
        let (a, b) = apart_texts(1.0, 1.0f64.next_up());
        assert_eq!((a.as_str(), b.as_str()), ("1", "1.0000000000000002"));
        assert_eq!(apart_texts(1234.5, 1234.6), ("1234".to_owned(), "1235".to_owned()));
    }

    #[test]
    fn classes_have_the_names_that_the_data_tell() {
        let names = ["ham", "spam"].map(str::to_owned);
        let said = |classes: &[String]| {
            flip((&schema(), ClassNames(classes)), (&[0.0; 4], &[1.0, 0.0, 0.0, 0.0]), [1, 0])
        };
        assert_eq!(said(&names), "raising a from 0 to 1 turns spam into ham");
        assert_eq!(said(&[]), "raising a from 0 to 1 turns label 1 into label 0");
        let numbers = ["5", "7"].map(str::to_owned);
        assert_eq!(said(&numbers), "raising a from 0 to 1 turns label 7 into label 5");
    }

    #[test]
    fn an_example_comes_as_near_as_it_can() {
        let mut still = |x: &[f64]| x[0] >= 2.5;
        let found = shrunk(&[2.0, 7.0], vec![4.0, 7.0], &mut still);
        assert_eq!(found, [2.5, 7.0]);
        let found = shrunk(&[2.0], vec![0.0], &mut |x| x[0] < 1.0);
        assert_eq!(found, [0.999], "no 1, of which it is not true");
        assert_eq!(shrunk(&[2.0], vec![4.0], &mut |x| x[0] == 4.0), [4.0]);
    }

    #[test]
    fn what_need_not_move_is_put_back() {
        let mut still = |x: &[f64]| x[1] < 1.0;
        let found = simplest(&schema(), &[0.0, 1.0, 2.0, 3.0], &[9.0, 0.5, 9.0, 3.5], &mut still);
        assert_eq!(found, [0.0, 0.5, 2.0, 3.0]);
    }
}
