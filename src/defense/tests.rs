//! Maps against the formulas at their heads, on a grid of points, and what they carry against what they answer.

use proptest::prelude::*;

use super::served::Served;
use super::*;

/// Carries nothing, and says nothing about anything.
pub(super) struct Mute;

impl AnswerMap for Mute {
    fn kind(&self) -> &'static str {
        "mute"
    }

    fn carry(&self, _: &Asked) -> Option<Asked> {
        None
    }

    fn enclosure(&self, _: usize, _: &[Rational; 2], _: Tie) -> (Rational, Rational) {
        (Rational::ZERO, Rational::ONE)
    }
}

impl Served for Mute {
    fn to_json(&self, _: Digest) -> String {
        String::new()
    }

    fn label(&self, _: &[Rational; 2], _: Tie) -> usize {
        0
    }

    fn apply(&self, posterior: [f64; 2], _: usize) -> [f64; 2] {
        posterior
    }
}

impl fmt::Display for Mute {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("mute")
    }
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn misinformation(nu: &str, tau: &str, decoy: Decoy) -> Defense {
    let steps = (decimal(nu), decimal(tau));
    Defense::adaptive_misinformation(Digest::of(b""), steps, decoy).unwrap()
}

fn mixture(alpha: &str, eta: [&str; 2]) -> Defense {
    Defense::mixture(Digest::of(b""), decimal(alpha), eta.map(decimal)).unwrap()
}

/// Maps of every kind, gentle and strong.
fn maps() -> Vec<Defense> {
    let target = Digest::of(b"");
    vec![
        Defense::prediction_poisoning(target, decimal("0")).unwrap(),
        Defense::prediction_poisoning(target, decimal("0.2")).unwrap(),
        Defense::prediction_poisoning(target, decimal("0.49")).unwrap(),
        misinformation("50", "0.7", Decoy::Uniform),
        misinformation("10", "0.6", Decoy::Uniform),
        misinformation("1000", "0.5", Decoy::Mirror),
        misinformation("50", "0.7", Decoy::Mirror),
        misinformation("0.001", "0.99", Decoy::Mirror),
        misinformation("50", "0.7", Decoy::Model(Digest::of(b"decoy"))),
        misinformation("1000000", "0.99", Decoy::Model(Digest::of(b"decoy"))),
        misinformation("0.001", "0.5", Decoy::Model(Digest::of(b"decoy"))),
        mixture("0", ["0.9", "0.1"]),
        mixture("0.3", ["0.5", "0.5"]),
        mixture("0.6", ["0.9", "0.1"]),
        Defense::rounding(target, 1).unwrap(),
        Defense::rounding(target, 3).unwrap(),
        Defense::rounding(target, 15).unwrap(),
        band("0.51"),
        band("0.9"),
        ball("0.25"),
        vertices(PoisonStep::Fixed(decimal("0.2")), VertexChoice::Gradient),
        vertices(PoisonStep::Fixed(decimal("0.2")), VertexChoice::Keeping),
        vertices(PoisonStep::Budget(decimal("0.3"), PoisonNorm::L1), VertexChoice::Random),
        vertices(PoisonStep::Budget(decimal("0.2"), PoisonNorm::L2), VertexChoice::Argmin),
    ]
}

fn drawn(zone: ResponseZone) -> Result<Defense, DefenseError> {
    let (key, grid) = (Digest::of(b"key"), (decimal("0.1"), ResponseUnits::Raw));
    Defense::randomised_response(Digest::of(b""), decimal("1"), zone, grid, key)
}

fn band(confidence: &str) -> Defense {
    drawn(ResponseZone::Band { confidence: decimal(confidence) }).unwrap()
}

fn ball(shift: &str) -> Defense {
    drawn(ResponseZone::Ball { shift: decimal(shift) }).unwrap()
}

fn vertices(step: PoisonStep, choice: VertexChoice) -> Defense {
    Defense::vertex_poisoning(Digest::of(b""), step, choice, 3).unwrap()
}

fn scores(margin: f64) -> [Rational; 2] {
    [Rational::ZERO, Rational::from_f64(margin).unwrap()]
}

/// `[least, greatest]` of the answer to the label at a margin, in floats.
fn answered(defense: &Defense, margin: f64) -> [f64; 2] {
    let own = usize::from(margin > 0.0);
    let (low, high) = defense.enclosure(own, &scores(margin), Tie::Lower);
    [low.down(), high.up()]
}

/// The examples of the sheet: `(ν, τ)`, the posterior of the label, the answer with an even decoy or without any.
#[test]
fn misinformation_answers_as_its_formula_says() {
    for (nu, tau, p) in [("50", "0.7", 0.8_f64), ("50", "0.7", 0.7), ("10", "0.6", 0.9)] {
        let a = |p: f64| {
            1.0 / (1.0 + (decimal(nu).value().down() * (p - decimal(tau).value().down())).exp())
        };
        for (decoy, other) in [(Decoy::Uniform, 0.5), (Decoy::Mirror, 1.0 - p)] {
            let expected = (1.0 - a(p)) * p + a(p) * other;
            let [low, high] = answered(&misinformation(nu, tau, decoy), (p / (1.0 - p)).ln());
            assert!(
                (low - expected).abs() < 1e-12 && (high - expected).abs() < 1e-12,
                "{nu} {tau} {p}"
            );
        }
    }
}

/// The sheet's examples of what a decoy that is a model leaves of a posterior: `(1 − a)·p`.
#[test]
fn a_model_as_decoy_leaves_the_share_of_the_target() {
    for (nu, tau, p, least) in
        [("50", "0.7", 0.8_f64, 0.7946), ("50", "0.7", 0.7, 0.35), ("10", "0.6", 0.9, 0.8573)]
    {
        let map = misinformation(nu, tau, Decoy::Model(Digest::of(b"decoy")));
        let [low, high] = answered(&map, (p / (1.0 - p)).ln());
        let share = low / p;
        assert!((low - least).abs() < 5e-5, "{nu} {tau} {p}: {low}");
        assert!((high - (low + 1.0 - share)).abs() < 1e-12, "{nu} {tau} {p}: {high}");
    }
    // so gentle a step leaves the label for certain at no posterior that is told from 1
    let gentle = misinformation("0.0000000000001", "0.99", Decoy::Model(Digest::of(b"decoy")));
    assert_eq!(gentle.carry(&Asked::Label), None);
}

#[test]
fn files_are_read_as_they_are_written() {
    for defense in maps() {
        assert_eq!(Defense::read(defense.to_json().as_bytes()).unwrap(), defense);
    }
}

#[test]
fn parameters_out_of_range_are_refused_by_name() {
    let target = Digest::of(b"");
    let steps = |nu, tau| {
        Defense::adaptive_misinformation(target, (decimal(nu), decimal(tau)), Decoy::Uniform)
    };
    let mixed = |alpha, eta: [&str; 2]| Defense::mixture(target, decimal(alpha), eta.map(decimal));
    for (refused, expected) in [
        (steps("0", "0.7"), "nu is 0, expected 0 < nu <= 1000000"),
        (steps("50", "0.4"), "tau is 0.4, expected 0.5 <= tau < 1"),
        (steps("50", "1"), "tau is 1, expected 0.5 <= tau < 1"),
        (mixed("1", ["0.5", "0.5"]), "alpha is 1, expected 0 <= alpha < 1"),
        (
            mixed("0.1", ["0.5", "0.6"]),
            "eta is [0.5, 0.6], expected two shares, 0 or more, that add up to 1",
        ),
        (
            mixed("0.1", ["-1", "2"]),
            "eta is [-1, 2], expected two shares, 0 or more, that add up to 1",
        ),
        (
            drawn(ResponseZone::Band { confidence: decimal("1") }),
            "confidence is 1, expected 0.5 < confidence < 1",
        ),
        (
            drawn(ResponseZone::Ball { shift: decimal("0") }),
            "shift is 0, expected 0 < shift <= 1000000",
        ),
        (
            Defense::vertex_poisoning(
                target,
                PoisonStep::Fixed(decimal("0.5")),
                VertexChoice::Argmin,
                0,
            ),
            "alpha is 0.5, expected 0 <= alpha < 0.5",
        ),
        (Defense::rounding(target, 0), "digits is 0, expected a whole number from 1 to 15"),
        (Defense::rounding(target, 16), "digits is 16, expected a whole number from 1 to 15"),
    ] {
        assert_eq!(refused.unwrap_err().to_string(), expected);
    }
}

/// A drawn answer is no claim: what a map of each kind says of every statement, and that its key is not shown.
#[test]
fn drawn_answers_carry_labels_above_their_band_and_nothing_else() {
    let delta = decimal("0.1").value().clone();
    let others = [
        Asked::Confidence { delta },
        Asked::Order,
        Asked::Boundary,
        Asked::Outputs,
        Asked::Closeness(Closeness::ITSELF),
        Asked::Change,
        Asked::Rows,
    ];
    for asked in &others {
        assert_eq!((band("0.9").carry(asked), ball("0.25").carry(asked)), (None, None));
    }
    assert_eq!(ball("0.25").carry(&Asked::Label), None);
    let kept = Asked::Confidence { delta: decimal("0.1").value().clone() };
    assert_eq!(band("0.9").carry(&Asked::Label), Some(kept));
    let text = format!("{} {}", band("0.9"), ball("0.25"));
    assert!(!text.contains(&Digest::of(b"key").to_string()), "{text}");
}

/// The posterior that suffices, by the worst point of the simplex.
#[test]
fn what_vertices_take_is_in_closed_form() {
    let label = |step, choice| vertices(step, choice).carry(&Asked::Label);
    let fixed = |alpha: &str| PoisonStep::Fixed(decimal(alpha));
    let confidence =
        |delta: &str| Some(Asked::Confidence { delta: decimal(delta).value().clone() });
    // 1/(2(1 − α)), (1 + e)/2, (1 + 1.4143·e)/2
    assert_eq!(label(fixed("0.2"), VertexChoice::Random), confidence("0.375"));
    let budget = |norm| PoisonStep::Budget(decimal("0.2"), norm);
    assert_eq!(label(budget(PoisonNorm::L1), VertexChoice::Random), confidence("0.4"));
    assert_eq!(label(budget(PoisonNorm::L2), VertexChoice::Random), confidence("0.35857"));
    assert_eq!(label(fixed("0.2"), VertexChoice::Keeping), Some(Asked::Label));
    let asked = Asked::Confidence { delta: decimal("0.5").value().clone() };
    let carried = |step| vertices(step, VertexChoice::Keeping).carry(&asked);
    assert_eq!(carried(fixed("0.2")), confidence("0.375"));
    assert_eq!(carried(budget(PoisonNorm::L1)), confidence("0.4"));
    assert_eq!(carried(budget(PoisonNorm::L2)), confidence("0.3"));
    let strict = Asked::Confidence { delta: decimal("0.1").value().clone() };
    assert_eq!(vertices(budget(PoisonNorm::L1), VertexChoice::Argmin).carry(&strict), None);
}

/// Margins on both sides of where the maps turn, and very small and large ones.
fn margins() -> impl Strategy<Value = f64> {
    prop_oneof![
        -8.0..8.0_f64,
        (-12.0..3.0_f64).prop_map(|e| 10_f64.powf(e)),
        Just(0.0),
        Just(f64::MIN_POSITIVE),
        Just(1e-300),
        Just(700.0),
        Just(1e300),
    ]
}

/// True if a claim about the undefended answers holds at a margin; `None` where floats cannot tell.
fn holds(asked: &Asked, margin: f64) -> Option<bool> {
    match asked {
        Asked::Label => Some(true),
        Asked::Confidence { delta } => {
            let low = sigmoid(&Rational::from_f64(margin.abs())?).0;
            Some(low > &Rational::ONE - delta)
        }
        Asked::Order | Asked::Boundary | Asked::Outputs => None,
        Asked::Closeness(_) | Asked::Change | Asked::Rows => None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Where the claim that is carried holds, the claim about the defended model does.
    #[test]
    fn what_is_carried_holds_of_the_answers(margin in margins(), delta in 1u32..99, flip in any::<bool>()) {
        let margin = if flip { -margin } else { margin };
        let tie = if flip { Tie::Upper } else { Tie::Lower };
        let (at, delta) = (scores(margin), decimal(&format!("0.{delta:02}")).value().clone());
        let own = crate::model::argmax(&at, tie);
        for defense in maps() {
            if let Some(true) = defense.carry(&Asked::Label).and_then(|asked| holds(&asked, margin)) {
                prop_assert_eq!(defense.label(&at, tie), own, "{} {}", defense, margin);
                let (_, most) = defense.enclosure(own, &at, tie);
                prop_assert!(most >= Rational::half(), "{} {}", defense, margin);
            }
            let confidence = Asked::Confidence { delta: delta.clone() };
            if let Some(true) = defense.carry(&confidence).and_then(|asked| holds(&asked, margin)) {
                let (_, most) = defense.enclosure(own, &at, tie);
                prop_assert!(most > &Rational::ONE - &delta, "{} {}", defense, margin);
            }
        }
    }

    /// Kept orders: what rises with the score still does, and closeness and evenness are never lost.
    #[test]
    fn orders_that_are_carried_hold_of_the_answers(one in margins(), other in margins(), flip in any::<bool>()) {
        let (low, high) = if one < other { (one, other) } else { (other, one) };
        let (low, high) = if flip { (-high, -low) } else { (low, high) };
        let (a, b) = (scores(low), scores(high));
        for defense in maps() {
            let [(from, _), (_, to)] = [&a, &b].map(|at| defense.enclosure(1, at, Tie::Lower));
            if defense.carry(&Asked::Order).is_some() {
                prop_assert!(from <= to, "{}: {} {}", defense, low, high);
            }
            if defense.carry(&Asked::Boundary).is_some() {
                let own = crate::model::argmax(&b, Tie::Lower);
                prop_assert_eq!(defense.label(&b, Tie::Lower), own);
                let (answer, before) = (defense.enclosure(own, &b, Tie::Lower).0, posterior(own, &b).1);
                prop_assert!(answer <= before, "{}: {}", defense, high);
            }
        }
    }

    /// Where posteriors are as close as what a limit becomes asks for, no two answers are farther apart than the limit; and
    /// no map that is gentle loses all limits.
    #[test]
    fn closeness_that_is_carried_holds_of_the_answers(
        one in margins(), near in prop_oneof![margins(), (-9.0..0.0_f64).prop_map(|e| 10_f64.powf(e))],
        is_step in any::<bool>(), flips in any::<[bool; 2]>(), beside in prop_oneof![Just(0), -3..4_i32],
    ) {
        let first = if flips[0] { -one } else { one };
        let second = if flips[1] { -near } else { near };
        let (a, b) = (scores(first), scores(if is_step { first + second } else { second }));
        let root = Closeness::root_of_two();
        // the enclosure of a budget in the 2-norm is wider than its answers
        let is_attained = |defense: &Defense| !defense.to_string().contains(" l2");
        for defense in maps().into_iter().filter(is_attained) {
            let Some(Asked::Closeness(by)) = defense.carry(&Asked::Closeness(Closeness::ITSELF)) else {
                prop_assert!(["boundary-randomised-response", "adaptive-misinformation"].contains(&defense.kind()));
                continue;
            };
            // the farthest that two enclosures allow, and a limit just above or below it
            let farthest = |[(low, high), (other_low, other_high)]: [(Rational, Rational); 2]| {
                (&high - &other_low).max(&other_high - &low)
            };
            let answered = (0..2).map(|class| farthest([&a, &b].map(|at| defense.enclosure(class, at, Tie::Lower))));
            let reached = answered.max().unwrap();
            let factor = Rational::from_f64(1.0 - f64::from(beside) * 1e-9).unwrap();
            let limit = &(&root * &reached) * &factor;
            let limit = if beside == 3 { Rational::from_f64(1e-300).unwrap() } else { limit };
            let Some(asked) = by.of_limit(&limit) else { continue };
            let before = &root * &farthest([&a, &b].map(|at| posterior(1, at)));
            if before <= asked {
                let slack = Rational::from_f64(1e-25).unwrap();
                prop_assert!(&root * &reached <= &limit + &slack, "{}: {} {}", defense, first, second);
            }
        }
    }

    /// The floats answer within the enclosure, nearly; a label decided for certain is that of the larger answer.
    #[test]
    fn floats_follow_the_enclosures(margin in margins(), flip in any::<bool>()) {
        let margin = if flip { -margin } else { margin };
        let at = scores(margin);
        let own = crate::model::argmax(&at, Tie::Lower);
        let one = 1.0 / (1.0 + (-margin).exp());
        for defense in maps() {
            let floats = defense.apply(&[1.0 - one, one], own);
            let mut bounds = Vec::new();
            for class in [0, 1] {
                let (low, high) = defense.enclosure(class, &at, Tie::Lower);
                let near = match defense.kind() {
                    // a float may round the other way at a half
                    "rounding" => 0.1,
                    _ => 1e-6,
                };
                let answer = floats[class];
                prop_assert!(low.down() - near <= answer && answer <= high.up() + near, "{}: {} {}", defense, margin, answer);
                bounds.push((low, high));
            }
            let label = defense.label(&at, Tie::Lower);
            prop_assert!(bounds[label].1 >= bounds[1 - label].0, "{}: {}", defense, margin);
        }
    }
}

/// The limits that maps ask for, by hand: with `‖F′ − G′‖ <= 0.3`.
#[test]
fn closeness_becomes_what_the_formulas_say() {
    let target = Digest::of(b"");
    let within = |defense: &Defense, limit: &str| {
        let Some(Asked::Closeness(by)) = defense.carry(&Asked::Closeness(Closeness::ITSELF)) else {
            return None;
        };
        by.of_limit(decimal(limit).value()).map(|limit| (limit.up() * 1e4).round() / 1e4)
    };
    let poisoned = |alpha| Defense::prediction_poisoning(target, decimal(alpha)).unwrap();
    let step = |norm| vertices(PoisonStep::Budget(decimal("0.1"), norm), VertexChoice::Random);
    for (defense, limit, expected) in [
        (mixture("0.25", ["0.9", "0.1"]), "0.3", Some(0.4)),
        (poisoned("0.2"), "0.3", Some(0.375)),
        // √2·0.2 = 0.2828
        (poisoned("0.2"), "0.282", None),
        (Defense::rounding(target, 1).unwrap(), "0.3", Some(0.1586)),
        (Defense::rounding(target, 1).unwrap(), "0.14", None),
        (step(PoisonNorm::L1), "0.3", Some(0.1586)),
        (step(PoisonNorm::L2), "0.3", Some(0.1)),
        // (0.3 − √2·0.1)/0.9
        (vertices(PoisonStep::Fixed(decimal("0.1")), VertexChoice::Random), "0.3", Some(0.1762)),
        (misinformation("50", "0.7", Decoy::Model(target)), "0.3", None),
    ] {
        assert_eq!(within(&defense, limit), expected, "{defense} {limit}");
    }
    // the steepest slopes of the even decoy, by the sheet; bounds by pieces lie a little above
    for (nu, tau, slope) in [("10", "0.6", 1.20), ("50", "0.7", 3.10), ("1000", "0.8", 75.5)] {
        let limit = within(&misinformation(nu, tau, Decoy::Uniform), "1").unwrap();
        let found = 1.0 / limit;
        assert!(found > slope - 0.01 && found < 1.25 * slope, "{nu} {tau}: {found}");
    }
}

/// Maps that turn labels are compared at equal thresholds: there poisoning and a mirrored answer turn the same ones.
#[test]
fn poisoning_turns_the_labels_that_a_mirror_turns() {
    for tau in ["0.5", "0.55", "0.62", "0.75", "0.99"] {
        let mirror = misinformation("1000", tau, Decoy::Mirror);
        let threshold = mirror.turns_below().unwrap();
        let poisoned = Defense::poisoning_below(Digest::of(b""), &threshold).unwrap();
        let turned = |defense: &Defense, margin: f64| {
            let scores = [0.0, margin].map(|score| Rational::from_f64(score).unwrap());
            defense.label(&scores, Tie::Lower) != usize::from(margin > 0.0)
        };
        let margins = (-600..600).map(|k| (f64::from(k) + 0.3) / 100.0);
        let count = margins.filter(|&margin| {
            assert_eq!(turned(&poisoned, margin), turned(&mirror, margin), "{tau} at {margin}");
            turned(&mirror, margin)
        });
        assert_eq!(count.count() > 0, tau != "0.5", "{tau}");
    }
}

#[test]
fn a_threshold_that_no_poisoning_has_is_refused() {
    let target = Digest::of(b"");
    for threshold in [Rational::ZERO, Rational::ONE, Rational::integer(2)] {
        let refused = Defense::poisoning_below(target, &threshold);
        assert!(refused.is_err(), "{threshold:?}");
    }
    let labels_stay = misinformation("1000", "0.9", Decoy::Uniform);
    assert_eq!(
        (labels_stay.turns_below(), mixture("0.3", ["0.5", "0.5"]).turns_below()),
        (None, None)
    );
}
