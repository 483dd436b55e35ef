//! Claims that are true by a float and false by the next one.
//!
//! Every case has a claim with one number `{}` in it, and a proof. The judge finds the two neighbouring
//! floats between which the claim turns. On the true side the proof is accepted, as close to the turn as
//! its roundings allow, and on the false side it is refused. Then every number of the certificate, the
//! spec, the model and the rows is moved by one ulp (whole numbers by one), up and down: what is false
//! after that must be refused as well. Where the case is a witness, true and false change places.

mod moved;
mod turns;

use propcert::interval::format_hexadecimal;
use propcert::model::Model;
use propcert::spec::{Lowered, Spec};

use crate::cases::BOTH;
use crate::certificates::{Certified, signed_cases};
use crate::models::folded_network;
use crate::stride;
use moved::{decimals_moved, models_moved, numbers_moved, rows_moved};
use turns::{Case, cases, data_with, region};

/// Whether what the certificate says of its subject is false.
fn is_false(case: &Case, c: &Certified) -> bool {
    c.truths.iter().any(|truth| *truth == case.is_witness())
}

/// Checks a mutant in both arithmetics; false ones must be refused.
fn judge(case: &Case, mutant: &Certified, bytes: &[u8], what: &str, tally: &mut Tally) {
    let is_false = is_false(case, mutant);
    for arithmetic in BOTH {
        let is_accepted = mutant.accepts(bytes, arithmetic, what);
        assert!(!(is_false && is_accepted), "{}: {what}: accepted in {arithmetic:?}", case.name);
        tally.accepted += usize::from(is_accepted);
    }
    tally.made += 1;
    tally.false_ones += usize::from(is_false);
}

#[derive(Debug, Default)]
struct Tally {
    made: usize,
    false_ones: usize,
    /// In both arithmetics together.
    accepted: usize,
}

/// The same certificate for another spec, model or rows, if that can be stated at all.
fn about(
    c: &Certified,
    model: &Model,
    text: &str,
    rows: &[(Vec<f64>, usize)],
) -> Option<Certified> {
    let spec = Spec::read(text.as_bytes()).ok()?;
    if !spec.property.is_about_rows() {
        let region = Lowered::new(&spec, model, None, &[]).ok()?.obligation(0)?.region;
        // of two copies the judge knows planes only
        if region.sides().iter().filter(|(low, high)| low < high).count() > 2 {
            return None;
        }
    }
    Some(c.about(model.clone(), text.to_owned(), data_with(rows)))
}

#[test]
fn nothing_false_is_accepted_within_one_ulp() {
    for case in cases() {
        let turn = case.turn();
        let mut tallies: [Tally; 4] = Default::default();
        let [in_file, in_spec, in_model, in_rows] = &mut tallies;
        let bad = case.stated(turn.1);
        judge(&case, &bad, &bad.text(), "one ulp beyond", in_spec);
        for text in
            numbers_moved(&String::from_utf8(bad.text()).unwrap()).into_iter().step_by(stride())
        {
            judge(&case, &bad, text.as_bytes(), &text, in_file);
        }
        let mut slacks = Vec::new();
        for arithmetic in BOTH {
            let (number, slack) = case.accepted(turn, arithmetic);
            slacks.push(slack);
            let good = case.stated(number);
            for text in numbers_moved(&String::from_utf8(good.text()).unwrap())
                .into_iter()
                .step_by(stride())
            {
                judge(&case, &good, text.as_bytes(), &text, in_file);
            }
            for text in decimals_moved(&good.spec_text).into_iter().step_by(stride()) {
                let Some(other) = about(&good, &good.model, &text, &case.rows) else {
                    continue;
                };
                judge(&case, &other, &other.text(), &text, in_spec);
            }
            for model in models_moved(&good.model).into_iter().step_by(stride()) {
                let Some(other) = about(&good, &model, &good.spec_text, &case.rows) else {
                    continue;
                };
                judge(&case, &other, &other.text(), "a number of the model", in_model);
            }
            if good.spec.property.is_about_rows() {
                for rows in rows_moved(&case.rows).into_iter().step_by(stride()) {
                    let other = about(&good, &good.model, &good.spec_text, &rows);
                    let Some(other) = other else { continue };
                    judge(&case, &other, &other.text(), &format!("{rows:?}"), in_rows);
                }
            }
        }
        println!("{}: {} or {} ulps short; {tallies:?}", case.name, slacks[1], slacks[0]);
        // in integers little is lost
        assert!(slacks[1] <= 64, "{}: {slacks:?}", case.name);
        if stride() > 1 {
            continue;
        }
        assert!(tallies[0].made > 20 && tallies[0].false_ones > 10, "{}", case.name);
        let subjects: usize = tallies[1..].iter().map(|tally| tally.false_ones).sum();
        assert!(subjects > 2, "{}: no number of spec, model and rows matters", case.name);
    }
}

/// Cuts at the ends of their boxes, and one ulp further out.
#[test]
fn a_cut_one_ulp_outside_its_box_is_refused() {
    let single = region(1, "[[{y = ['-1', '1'], rhs = '0.25'}]]", "");
    let double = region(2, "[[{y = ['-1', '1', '-1', '1'], rhs = '-0.5'}]]", "");
    let signs = "r0.0 1/r0.0 L#0 L#0 1/r0.0 L#0 L#0";
    // a tree with a place for the cut, an end of the box there, and whether it is the upper one
    let table = [
        (&single, "i0:@ L i0:0x0p0 L L".to_owned(), -2.5f64, false),
        (&single, "i0:@ i0:0x0p0 L L L".to_owned(), 2.5, true),
        (&single, "i0:0x1.4p0 i0:@ i0:0x0p0 L L L L".to_owned(), 1.25, true),
        (&single, "i0:0x1.4p0 i0:0x0p0 L L i0:@ L L".to_owned(), 1.25, false),
        (&single, "i0:0x1.4p0 i0:0x0p0 L L i0:@ L L".to_owned(), 2.5, true),
        (&double, format!("1/i0:@ {signs} L"), 2.5, true),
        (&double, format!("1/i0:@ L {signs}"), -2.5, false),
        (&double, format!("i0:0x1.4p0 {signs} i0:@ L L"), 1.25, false),
    ];
    for (text, tree, end, is_upper) in table {
        let accepted = |at: f64| {
            let neurons: &[usize] = if text.contains("copies") { &[0, 2] } else { &[0] };
            let proof = signed_cases(&tree.replace('@', &format_hexadecimal(at)), neurons);
            let case = Case {
                name: "a cut",
                model: folded_network(),
                text: text.clone(),
                rows: Vec::new(),
                proofs: vec![proof],
                guess: 1.0,
                holds_above: false,
            };
            let c = case.stated(1.0);
            BOTH.map(|arithmetic| c.accepts(&c.text(), arithmetic, &tree))
        };
        let [inside, outside] = if is_upper {
            [end.next_down(), end.next_up()]
        } else {
            [end.next_up(), end.next_down()]
        };
        assert_eq!([end, inside].map(accepted), [[true; 2]; 2], "{tree}: {end}");
        assert_eq!(accepted(outside), [false; 2], "{tree}: {outside}");
    }
}
