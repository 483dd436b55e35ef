//! Linear conditions between the inputs of a claim.
//!
//! A claim about the points of a box at which `g·z <= h` needs bounds at these points alone. There `g·z − h` is
//! not above 0, so any multiplier `μ >= 0` bounds a form from below:
//!
//! ```text
//! f(z)  >=  min over the box of  f(z) + Σ μ·(g·z − h)
//! ```
//!
//! The multipliers of a hint come first. Then the kernel adds, one condition after the other, what is best for
//! it alone ([`super::narrow`]), as long as the bound rises. A box with no such point lets the bound rise without
//! end: multipliers alone close the case.
//!
//! A condition also narrows the sides of the box. With `m` the least value of `g·z − h` over the box,
//!
//! ```text
//! z_i <= low_i − m/g_i    if g_i > 0          z_i >= high_i − m/g_i    if g_i < 0
//! ```

use std::borrow::Cow;

use crate::interval::{Form, Interval};
use crate::spec::LinearCondition;

use super::narrow::Half;
use crate::certificate::Hint;

/// A lower bound of a form over the points of a box that meet the conditions.
pub(super) fn least<F: Form>(form: &F, input: &[Interval], conditions: &[LinearCondition]) -> f64 {
    let mut best = form.minimum(input);
    let (mut form, mut moves) = (Cow::Borrowed(form), Vec::new());
    for condition in conditions {
        let half = half_of(condition, input);
        let Some(multiplier) = half.multiplier(&form.coefficients(), 1.0, &mut moves) else {
            continue;
        };
        let raised = half.raised(F::clone(&form), multiplier);
        let bound = raised.minimum(input);
        if bound > best {
            (best, form) = (bound, Cow::Owned(raised));
        }
    }
    best
}

/// A form with the hinted multiples of the conditions added; at the points that meet them, it is not above what
/// it was.
pub(super) fn hinted<F: Form>(
    form: F,
    input: &[Interval],
    conditions: &[LinearCondition],
    hint: Option<&Hint>,
) -> F {
    let named = hint.into_iter().flat_map(|hint| &hint.conditions);
    let counted = named.filter(|(_, multiplier)| *multiplier > 0.0 && multiplier.is_finite());
    counted.fold(form, |form, &(index, multiplier)| match conditions.get(index) {
        Some(condition) => half_of(condition, input).raised(form, multiplier),
        None => form,
    })
}

/// The sides of a box, narrowed by one condition after the other. If no point is left, any sides will do.
pub(super) fn narrowed_box<F: Form>(
    mut sides: Vec<Interval>,
    conditions: &[LinearCondition],
) -> Vec<Interval> {
    for LinearCondition { row, rhs } in conditions {
        let mut form = F::new(row);
        form.add_constant(-1.0, *rhs);
        let room = -form.minimum(&sides);
        for (side, &g) in sides.iter_mut().zip(row).filter(|(_, g)| **g != 0.0) {
            let reach = (room / g.abs()).next_up();
            let (low, high) = match g > 0.0 {
                true => (f64::NEG_INFINITY, (side.lo() + reach).next_up()),
                false => ((side.hi() - reach).next_down(), f64::INFINITY),
            };
            let within = Interval::new(low, high).and_then(|within| side.intersect(within));
            *side = within.unwrap_or(*side);
        }
    }
    sides
}

fn half_of<'a>(LinearCondition { row, rhs }: &'a LinearCondition, input: &[Interval]) -> Half<'a> {
    Half::new(row, -rhs, input, false)
}

#[cfg(test)]
mod tests {
    use crate::certificate::{Arithmetic, Hint, Kernel, Proof, Rejection, SplitTree, Verdict};
    use crate::model::Model;
    use crate::spec::{Lowered, Spec};

    /// `f0 = relu(x1 + 2)`, `f1 = relu(x0 − x1)`.
    const MODEL: &str = r#"{"format":"model/1","family":"mlp","precision":"f32","tie":"lower","classes":2,
        "features":[{"name":"a","kind":"real"},{"name":"b","kind":"real"}],
        "layers":[{"weights":[[0.0,1.0],[1.0,-1.0]],"bias":[2.0,0.0]},
        {"weights":[[1.0,0.0],[0.0,1.0]],"bias":[0.0,0.0]}]}"#;

    /// `x0 + x1 <= ¼` and `x1 − x0 <= ¼`: together `x1 <= ¼`.
    const WEDGE: &str = "{x = ['1', '1'], rhs = '0.25'}, {x = ['-1', '1'], rhs = '0.25'}";

    /// The kernel's answer to a proof that the square under these conditions does not reach the row, in both
    /// arithmetics.
    fn answers(conditions: &str, row: &str, proof: &Proof) -> [Result<bool, Rejection>; 2] {
        let text = format!(
            "property = 'output-region'\nunsafe = [[{row}]]\n[[input]]\n\
             box = [['-1', '1'], ['-1', '1']]\nrows = [{conditions}]"
        );
        let model = Model::read(MODEL.as_bytes()).unwrap();
        let spec = Spec::read(text.as_bytes()).unwrap();
        let lowered = Lowered::new(&spec, &model, None, &[]).unwrap();
        [Arithmetic::Rounded, Arithmetic::Exact].map(|arithmetic| {
            let verdict = Kernel::new(&model, &lowered, arithmetic).check(0, proof)?;
            Ok(matches!(verdict, Verdict::Proved(_)))
        })
    }

    fn pulled(conditions: &[(usize, f64)]) -> Proof {
        let conditions = conditions.to_vec();
        Proof::linear(vec![Hint { conditions, ..Hint::default() }])
    }

    const YES: [Result<bool, Rejection>; 2] = [Ok(true), Ok(true)];
    const NO: [Result<bool, Rejection>; 2] = [Ok(false), Ok(false)];

    /// `f0 >= 2.3` needs `x1 >= 0.3`, which both conditions exclude and neither alone does.
    #[test]
    fn conditions_count_together_by_their_multipliers() {
        let above = |rhs: &str| format!("{{y = ['-1', '0'], rhs = '-{rhs}'}}");
        let answer = |rhs: &str, multipliers: &[(usize, f64)]| {
            answers(WEDGE, &above(rhs), &pulled(multipliers))
        };
        assert_eq!(answers(WEDGE, &above("2.3"), &Proof::linear(Vec::new())), NO);
        assert_eq!(answer("2.3", &[(0, 0.5), (1, 0.5)]), YES);
        // the kernel adds the last one itself
        assert_eq!(answer("2.3", &[(0, 0.5)]), YES);
        assert_eq!(answer("2.3", &[(1, 0.5)]), YES);
        for (value, least) in
            [(-0.5, "2.3"), (f64::INFINITY, "2.3"), (f64::NAN, "2.3"), (0.5, "2.25")]
        {
            assert_eq!(answer(least, &[(0, value), (1, value)]), NO, "{value} {least}");
        }
        // at x = (0, ¼) the output is 2.25, not more
        let more = "{y = ['-1', '0'], rhs = '-2.25', strict = true}";
        assert_eq!(answers(WEDGE, more, &pulled(&[(0, 0.5), (1, 0.5)]))[1], Ok(true));
        let nearly = "{y = ['-1', '0'], rhs = '-2.2499999999999999', strict = true}";
        assert_eq!(answers(WEDGE, nearly, &pulled(&[(0, 0.5), (1, 0.5)])), NO);
    }

    #[test]
    fn a_multiplier_of_no_condition_and_one_given_twice_are_refused() {
        let row = "{y = ['-1', '0'], rhs = '-2.3'}";
        for refused in answers(WEDGE, row, &pulled(&[(2, 0.5)])) {
            assert_eq!(refused, Err(Rejection::Index { what: "condition", index: 2 }));
        }
        for refused in answers(WEDGE, row, &pulled(&[(1, 0.5), (1, 0.5)])) {
            let what = "the multiplier of condition";
            assert_eq!(refused, Err(Rejection::Twice { what, index: 1 }));
        }
        for refused in answers("", row, &pulled(&[(0, 0.5)])) {
            assert_eq!(refused, Err(Rejection::Index { what: "condition", index: 0 }));
        }
    }

    /// Where `x0 <= x1`, the second neuron is off: its bound knows of the condition. Where `x1 <= x0` it is on.
    #[test]
    fn neurons_are_bounded_where_the_condition_holds() {
        let row = "{y = ['0', '-1'], rhs = '-0.5'}";
        assert_eq!(answers("{x = ['1', '-1'], rhs = '0'}", row, &Proof::linear(Vec::new())), YES);
        assert_eq!(answers("{x = ['3', '-3'], rhs = '1'}", row, &Proof::linear(Vec::new())), YES);
        assert_eq!(answers("{x = ['3', '-3'], rhs = '1.5'}", row, &Proof::linear(Vec::new())), NO);
        assert_eq!(answers("{x = ['-1', '1'], rhs = '0'}", row, &Proof::linear(Vec::new())), NO);
        assert_eq!(answers("{x = ['0', '0'], rhs = '0'}", row, &Proof::linear(Vec::new())), NO);
    }

    /// `x0 + x1 <= −1` and `x0 + x1 >= 0`: no point is left, and everything holds of none.
    #[test]
    fn multipliers_alone_close_what_is_empty() {
        let row = "{y = ['-1', '0'], rhs = '-1'}";
        let ends = |least: &str| {
            format!("{{x = ['1', '1'], rhs = '-1'}}, {{x = ['-1', '-1'], rhs = '{least}'}}")
        };
        let hint = |weight, value| {
            let (weights, conditions) = (vec![weight], vec![(0, value), (1, value)]);
            Proof::linear(vec![Hint { weights, conditions, ..Hint::default() }])
        };
        for weight in [0.0, 1.0] {
            assert_eq!(answers(&ends("0"), row, &hint(weight, 8.0)), YES);
            assert_eq!(answers(&ends("1"), row, &hint(weight, 8.0)), NO);
            assert_eq!(answers(&ends("0"), row, &hint(weight, -8.0)), NO);
        }
    }

    /// With `x1 <= −½ − x0`, the half `x0 >= ½` has `x1 <= −1`, and a cut in the rest of that side is a cut still.
    #[test]
    fn a_half_is_narrowed_and_cut_as_it_stands() {
        let condition = "{x = ['1', '1'], rhs = '-0.5'}";
        let split = |text: &str| Proof::split(SplitTree::parse(text).unwrap(), Vec::new());
        // f0 >= 1.01 needs x1 >= −0.99
        let row = "{y = ['-1', '0'], rhs = '-1.01'}";
        let at = |row: &str, tree: &str| answers(condition, row, &split(tree));
        let box_ = "{y = ['-1', '0'], rhs = '-2.6'}";
        assert_eq!(at(row, "i0:0x1p-1 L L"), NO);
        assert_eq!(at(box_, "i0:0x1p-1 L L"), YES);
        assert_eq!(at(box_, "i0:0x1p-1 L i1:0x1p-1 L L"), YES);
        for refused in at(box_, "i0:0x1p-1 L i1:0x1p1 L L") {
            assert_eq!(refused, Err(Rejection::CutOutside { token: 2 }));
        }
    }
}
