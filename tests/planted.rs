//! Planted defects: each is put into a copy of the sources, and a test of that copy must fail.
//!
//! The kernel itself has no switches. The copy has one at every place of a defect, so that a single build holds
//! them all, and a run of its tests the one whose number `PROPCERT_PLANTED` names. The copy is the checker
//! without its program. With `PROPCERT_DEFECTS=WORD,WORD` only those are tried whose name or file has one of the
//! words.

mod copied;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use copied::{crate_copy, root};

/// A defect: its name, the file below `src`, the text that is there once, with the expression in `«»` that the
/// defect changes, and what it is changed into.
struct Defect(&'static str, &'static str, &'static str, &'static str);

static DEFECTS: [Defect; 88] = [
    Defect(
        "a radius per feature is forgotten",
        "spec/lower/setting.rs",
        "ok_or_else(known)? = «radius.value().clone()»;",
        "Rational::ZERO",
    ),
    Defect(
        "the step between rows is forgotten",
        "certificate/file/mod.rs",
        "Ok(Some(data.every(part, «stated»)))",
        "NonZeroUsize::MIN",
    ),
    Defect(
        "a step is not compared",
        "certificate/file/mod.rs",
        "expect_equal(\"step between rows\", text(stated), text(«given»))",
        "stated",
    ),
    Defect(
        "rows at a step are named by their place",
        "certificate/file/mod.rs",
        "row: decided.row.map(|row| «row.saturating_mul(step)»)",
        "row.saturating_mul(step.min(1))",
    ),
    Defect(
        "the sign of a coefficient picks the wrong line",
        "interval/rounded.rs",
        "let (slope, height) = match «*a >= 0.0» {",
        "*a <= 0.0",
    ),
    Defect("a slope is not clipped", "interval/form.rs", "«s.clamp(0.0, 1.0)»", "s"),
    Defect(
        "the upper line is too low",
        "interval/form.rs",
        "«if at_low > at_high { at_low } else { at_high }»",
        "0.5 * if at_low > at_high { at_low } else { at_high }",
    ),
    Defect(
        "a bias is forgotten",
        "interval/rounded.rs",
        "                «self.constant.add_product(a, b)»;\n                products.add(",
        "()",
    ),
    Defect(
        "rounding is free",
        "interval/rounded.rs",
        "let loss = «INFLATE * (sum.error() + self.loss)»;",
        "0.0",
    ),
    Defect(
        "an underflowed product has no sign",
        "interval/rounded.rs",
        "«(a > 0.0) == (b > 0.0)»",
        "term >= 0.0",
    ),
    Defect(
        "a carry is lost",
        "interval/products.rs",
        "carry = «(sum + carry) >> PLACE»;",
        "sum >> PLACE",
    ),
    Defect(
        "an unstable neuron passes its slope on",
        "certificate/network/jacobian.rs",
        "«slope.hull(Interval::point(0.0))»",
        "slope",
    ),
    Defect(
        "an open neuron passes on what it gets",
        "certificate/network/jacobian.rs",
        "let lo = if «z.lo() >= 0.0» {",
        "z.hi() >= 0.0",
    ),
    Defect("floor for ceil", "model/ensemble.rs", "«threshold.ceil()»", "threshold.floor()"),
    Defect(
        "< for <= at a threshold",
        "model/ensemble.rs",
        "partition_point(|t| «*t <= x»)",
        "*t < x",
    ),
    Defect(
        "a threshold at the upper end is left out",
        "certificate/ensemble/jumps.rs",
        "(lo..«hi»).map(",
        "hi.saturating_sub(1)",
    ),
    Defect("a child is forgotten", "certificate/cases.rs", "all = «all.and(outcome)»", "outcome"),
    Defect(
        "one direction of a shift only",
        "certificate/network/fuzz/mod.rs",
        "&& «self.is_kept(axis, &-shift.clone(), &held, margin)»",
        "self.is_kept(axis, shift, &held, margin)",
    ),
    Defect(
        "every label wins its ties",
        "certificate/claims.rs",
        "(«wins_tie» && *m == Rational::ZERO)",
        "true",
    ),
    Defect(
        "poisoning costs nothing",
        "defense/prediction_poisoning.rs",
        "«(&(&delta - alpha) / &(&Rational::ONE - alpha))?»",
        "(&delta / &Rational::ONE)?",
    ),
    Defect(
        "a decoy answers the label",
        "defense/adaptive_misinformation.rs",
        "(«&least * low», ",
        "low.clone()",
    ),
    Defect(
        "a mirror keeps every label",
        "defense/adaptive_misinformation.rs",
        "Decoy::Mirror => Some(«map.tau.value().clone()»),",
        "Rational::half()",
    ),
    Defect(
        "misinformation is trusted where it is too much",
        "defense/adaptive_misinformation.rs",
        "if «suffices(&middle)» { high = middle }",
        "!suffices(&middle)",
    ),
    Defect(
        "a constant answer is at least its larger share",
        "defense/mixture.rs",
        "if «first < second» { first } else { second }",
        "first > second",
    ),
    Defect(
        "rounding costs nothing",
        "defense/rounding.rs",
        "let delta = «&delta - &(&Rational::half() / &self.unit())?»;",
        "delta",
    ),
    Defect(
        "a drawn label is claimed inside its band",
        "defense/randomised_response.rs",
        "Some(Asked::Confidence { delta: «&Rational::ONE - confidence.value()» })",
        "Rational::half()",
    ),
    Defect(
        "a label without a proof is claimed not to be drawn",
        "defense/randomised_response.rs",
        "| (Asked::Closeness(_) | Asked::Change | Asked::Rows, _) => «None»,",
        "Some(asked.clone())",
    ),
    Defect(
        "a vertex takes nothing from the label",
        "defense/vertex_poisoning.rs",
        "Asked::Label => «self.kept_above()?»,",
        "Rational::half()",
    ),
    Defect(
        "a budget takes nothing from an answer",
        "defense/vertex_poisoning.rs",
        "PoisonNorm::L2) => (Rational::ONE, «budget.value().clone()»),",
        "Rational::ZERO",
    ),
    Defect(
        "what a defense loses is claimed of the undefended model",
        "spec/lower/carried.rs",
        "Some(_) | None => «Self::Lost»,",
        "Self::Itself",
    ),
    Defect(
        "a jump of answers is forgotten",
        "defense/closeness.rs",
        "(«*limit >= self.least» && within >= Rational::ZERO)",
        "true",
    ),
    Defect(
        "what a map moves answers apart is forgotten",
        "defense/closeness.rs",
        "slack: «(&(&self.slack + shift) / rate)?»,",
        "self.slack.clone()",
    ),
    Defect(
        "a mirror turns answers once",
        "defense/adaptive_misinformation.rs",
        "Decoy::Mirror => «Rational::integer(2)»,",
        "Rational::ONE",
    ),
    Defect(
        "the distance of boxes is that of their far ends",
        "spec/lower/carried.rs",
        "        «(other_low - high).max(low - other_high).max(Rational::ZERO)»",
        "(other_high - low).max(high - other_low).max(Rational::ZERO)",
    ),
    Defect(
        "answers behind a map are as close as they may be",
        "certificate/rows/defended.rs",
        "most = &most + &(«&far» * &far);",
        "&near",
    ),
    Defect(
        "answers behind a map are as far apart as they may be",
        "certificate/witness.rs",
        "let (over, under) = («&low - &other_high», &other_low - &high);",
        "&high - &other_low",
    ),
    Defect(
        "an answer near the boundary need not be sure",
        "certificate/witness.rs",
        "        «is_sure» && turns",
        "true",
    ),
    Defect(
        "a gap of posteriors counts once",
        "certificate/rows/floats.rs",
        "«(2.0 * top * top <= self.low * square)»",
        "(top * top <= self.low * square)",
    ),
    Defect(
        "a divergence is taken the other way round",
        "certificate/rows/all_pairs.rs",
        "«(b, a, other, own)»]",
        "(b, a, own, other)",
    ),
    Defect(
        "one of two posteriors is forgotten",
        "certificate/network/range.rs",
        "&(x * x) * &Rational::integer(«2»)",
        "1",
    ),
    Defect(
        "a distance is squared and its constant is not",
        "certificate/network/range.rs",
        "«&(constant * constant) * &square»",
        "constant * &square",
    ),
    Defect(
        "a segment is cut out between whole numbers",
        "spec/lower/obligation.rs",
        "Bonds::Free | Bonds::Moved(_) => «false»,",
        "true",
    ),
    Defect(
        "a segment between close points is cut out between whole numbers",
        "spec/lower/obligation.rs",
        "Bonds::Within { .. } => «matches!(pair.aim, Aim::Flip { .. })»,",
        "true",
    ),
    Defect(
        "the shifted copies of a part stay in the domain",
        "certificate/network/fuzz/mod.rs",
        "let wide = «region.widened(self.shifts)»;",
        "region.clone()",
    ),
    Defect(
        "a step begins above the confident margin",
        "certificate/network/step.rs",
        "both.add_constant(lambda, «floor»);",
        "2.0 * floor",
    ),
    Defect(
        "a change is never larger than its share",
        "interval/form.rs",
        "let floor = «-larger(slope * q, rest * -p)»;",
        "-0.0",
    ),
    Defect(
        "a point has all its neighbours in its own part",
        "certificate/network/difference.rs",
        "let around = «part.neighbourhood(reach, self.domain)»;",
        "part.clone()",
    ),
    Defect(
        "whole numbers that are ε apart are not close",
        "certificate/network/difference.rs",
        "«Rational::integer(reach.floor())»",
        "&Rational::integer(reach.floor()) - &Rational::ONE",
    ),
    Defect(
        "a neuron of one copy is bounded as that of the other",
        "certificate/network/coupling.rs",
        "[*from, «*to»])",
        "*from",
    ),
    Defect(
        "what one copy does is put down to the other",
        "certificate/network/coupling.rs",
        "a.iter().map(|a| «-a»)",
        "*a",
    ),
    Defect(
        "a bound copy is cut too far",
        "spec/region.rs",
        "to.1.min(«&from.1 + most»)",
        "&from.1 - most",
    ),
    Defect(
        "at its radius a ball ends, wherever the cell lies",
        "certificate/ensemble/distance.rs",
        "«(is_open && sum == self.limit)»",
        "(is_open || sum == self.limit) && sum >= self.limit",
    ),
    Defect(
        "the squares of a ball are compared with its radius",
        "certificate/ensemble/distance.rs",
        "Norm::L2 => «ball.epsilon * ball.epsilon»,",
        "ball.epsilon.clone()",
    ),
    Defect(
        "a cell is as far as its far end",
        "certificate/ensemble/distance.rs",
        "let nearest = if self.centre < lo {\n            «lo»",
        "hi",
    ),
    Defect(
        "whole numbers end at the threshold",
        "certificate/ensemble/distance.rs",
        "(if is_whole { «&at - &Rational::ONE» } else { at }, !is_whole)",
        "&at - &Rational::integer(2)",
    ),
    Defect(
        "a served copy stays in its ball",
        "certificate/kernel/mod.rs",
        "let distances = match «self.lowered.semantics()» {",
        "Semantics::Real",
    ),
    Defect(
        "a served copy loses nothing",
        "certificate/claims.rs",
        ".map(|(m, e)| «m - e»)",
        "m.clone()",
    ),
    Defect(
        "a sign's multiplier may be negative",
        "certificate/network/sign.rs",
        "(is_own && «value > 0.0» && value.is_finite())",
        "true",
    ),
    Defect(
        "a case gets the other sign",
        "certificate/network/mod.rs",
        "«if sign.is_on { -1.0 } else { 1.0 }»",
        "if sign.is_on { 1.0 } else { -1.0 }",
    ),
    Defect(
        "boxes of a pair are apart as soon as they do not touch",
        "certificate/network/fuzz/mod.rs",
        "distance.is_some_and(|square| square > «Rational::ONE»)",
        "Rational::ZERO",
    ),
    Defect(
        "a partner is asked for the sign of no point",
        "certificate/network/fuzz/mod.rs",
        "if «keeps_side(is_void, &margins.range(partners, &held)?)» {",
        "is_void[0] || keeps_side(is_void, &margins.range(partners, &held)?)",
    ),
    Defect(
        "a sign narrows by the other sign",
        "certificate/network/narrow.rs",
        "let side = «if is_on { 1.0 } else { -1.0 }»;",
        "if is_on { -1.0 } else { 1.0 }",
    ),
    Defect(
        "a sign narrows without its bias",
        "certificate/network/narrow.rs",
        "«form.add_constant(factor, self.bias)»;",
        "()",
    ),
    Defect(
        "a condition may count against the claim",
        "certificate/network/condition.rs",
        "(|(_, multiplier)| «*multiplier > 0.0» && multiplier.is_finite())",
        "true",
    ),
    Defect(
        "a condition holds on its other side",
        "certificate/network/condition.rs",
        "Half::new(row, -rhs, input, «false»)",
        "true",
    ),
    Defect(
        "a side is cut where another is longest",
        "certificate/network/condition.rs",
        "let reach = («room / g.abs()»).next_up();",
        "0.5 * room / g.abs()",
    ),
    Defect(
        "what a coefficient of a condition loses is free",
        "spec/condition.rs",
        "let paid = «&rest * &feature.standardise_exactly(low)»;",
        "Rational::ZERO",
    ),
    Defect(
        "only the first unsafe block counts",
        "certificate/network/avoid.rs",
        "in «blocks».iter().enumerate() {",
        "blocks.get(..1).unwrap_or_default()",
    ),
    Defect(
        "a row may count against its block",
        "certificate/network/avoid.rs",
        "if «*weight > 0.0» && weight.is_finite()",
        "true",
    ),
    Defect(
        "shares are not taken off again",
        "certificate/ensemble/tree_dual.rs",
        "in_steps += «total.least(cells.side(*feature), -1)»;",
        "0 * total.least(cells.side(*feature), -1)",
    ),
    Defect(
        "a leaf has the share of its first cell only",
        "certificate/ensemble/tree_dual.rs",
        "own.iter().map(|(feature, share)| «share.least(here.side(*feature), 1)»).sum();",
        "share.least((here.side(*feature).0, here.side(*feature).0), 1)",
    ),
    Defect(
        "points at exactly the reach are not close",
        "certificate/ensemble/tree_pairs/band.rs",
        "gap < *reach || (gap == *reach && is_attained && «!is_strict»)",
        "is_strict",
    ),
    Defect(
        "a shift goes twice as far",
        "certificate/ensemble/tree_pairs/band.rs",
        "«axis.values(0, cell).moved(by).cells(axis)»",
        "axis.values(0, cell).moved(&(by + by)).cells(axis)",
    ),
    Defect(
        "one pair of leaves stands for all",
        "certificate/ensemble/tree_pairs/walk.rs",
        "Some(found) => «found.join(&leaves)»,",
        "()",
    ),
    Defect(
        "what is left of a shared bound is all of it",
        "certificate/ensemble/tree_pairs/sum.rs",
        "limit: «limit - &most»",
        "limit.clone()",
    ),
    Defect(
        "a sum names a tree twice",
        "certificate/ensemble/tree_pairs/sum.rs",
        "named.is_sorted_by(|a, b| «a < b»)",
        "a <= b",
    ),
    Defect(
        "the other trees of a sum are forgotten",
        "certificate/ensemble/tree_pairs/sum.rs",
        "«named.binary_search(tree).is_err()»",
        "false",
    ),
    Defect(
        "answers may only fall",
        "certificate/ensemble/tree_pairs/aim.rs",
        "«largest_rise(sums).max(largest_fall(sums))»",
        "largest_rise(sums).min(largest_fall(sums))",
    ),
    Defect(
        "a flip from below is none",
        "certificate/ensemble/tree_pairs/aim.rs",
        "(«positive && negative», ",
        "positive || negative",
    ),
    Defect(
        "a cutoff counts the other way",
        "certificate/ensemble/tree_pairs/aim.rs",
        "sums.change.1 <= «floor - cutoff»",
        "floor + cutoff",
    ),
    Defect(
        "points that differ elsewhere are a change of one feature",
        "spec/lower/pair.rs",
        "«at(index, moved) || x == y»",
        "true",
    ),
    Defect(
        "a right-hand side has the other sign",
        "certificate/network/avoid.rs",
        "«-row.rhs.up()»",
        "row.rhs.up()",
    ),
    Defect(
        "a plain score has a posterior",
        "spec/lower/score.rs",
        "«answers == decided» {",
        "answers == decided || (!is_network && profile.on.is_some())",
    ),
    Defect(
        "a coefficient that overflowed is lost where a side ends at 0",
        "interval/rounded.rs",
        "a == 0.0 || (b == 0.0 && «a.is_finite()»)\n}",
        "true",
    ),
    Defect(
        "a claim about no partner may be proved",
        "spec/lower/mod.rs",
        "|| «claim.has_no_partners()»;",
        "false",
    ),
    Defect(
        "a box is cut to the domain",
        "spec/property/output_region.rs",
        "«setting.domain.first_beyond(&sides)»",
        "None",
    ),
    Defect(
        "rows may change files",
        "model/rows.rs",
        "«Digest::of_all(digests.iter().map(|digest| digest.bytes().as_slice()))»",
        "Digest::of_all(several.iter().map(Vec::as_slice).chain([meta]))",
    ),
    Defect(
        "an array passes for an object",
        "model/object.rs",
        "«deserializer.deserialize_map(OfMap(PhantomData))»",
        "T::deserialize(deserializer).map(Object)",
    ),
];

impl Defect {
    /// The text before the expression, the expression, and the text behind it.
    fn parts(&self) -> [&'static str; 3] {
        let (before, rest) = self.2.split_once('«').unwrap();
        let (right, after) = rest.split_once('»').unwrap();
        [before, right, after]
    }

    /// The source with a switch between the right and the wrong expression.
    fn planted(&self, number: usize, source: &str) -> String {
        let [before, right, after] = self.parts();
        let switch = format!("(if crate::planted({number}) {{ {} }} else {{ {right} }})", self.3);
        let (text, switched) = (self.parts().concat(), [before, &switch, after].concat());
        assert_eq!(source.matches(&text).count(), 1, "{}: another defect is in its place", self.0);
        source.replacen(&text, &switched, 1)
    }
}

/// A defect whose text the sources no longer have would change nothing, and be missed.
#[test]
fn every_defect_has_its_place() {
    for defect in &DEFECTS {
        let Defect(name, file, _, wrong) = defect;
        let [before, right, after] = defect.parts();
        let text = std::fs::read_to_string(root().join("src").join(file)).unwrap();
        let found = text.matches(&defect.parts().concat()).count();
        assert_eq!(found, 1, "{name}: `{before}{right}{after}` in {file}");
        assert_ne!(right, *wrong, "{name}");
    }
}

/// Tests of the trusted rooms, the quickest first.
const TESTS: [&str; 5] = ["found", "refusals", "pairs", "soundness", "corruption"];

/// The files of tests, those first that look at this source most: the fewer are run, the sooner it ends.
fn likely_first(file: &str) -> [&'static str; 5] {
    match file {
        "certificate/rows/all_pairs.rs"
        | "certificate/rows/floats.rs"
        | "certificate/network/range.rs"
        | "certificate/network/difference.rs"
        | "interval/form.rs" => ["pairs", "refusals", "soundness", "corruption", "found"],
        "certificate/network/mod.rs"
        | "certificate/network/narrow.rs"
        | "certificate/network/sign.rs"
        | "certificate/network/avoid.rs"
        | "certificate/network/coupling.rs"
        | "spec/region.rs"
        | "certificate/network/step.rs"
        | "certificate/network/fuzz/mod.rs"
        | "certificate/ensemble/tree_dual.rs"
        | "certificate/ensemble/tree_pairs/band.rs"
        | "certificate/ensemble/tree_pairs/sum.rs"
        | "certificate/ensemble/tree_pairs/walk.rs"
        | "certificate/ensemble/tree_pairs/aim.rs"
        | "certificate/witness.rs"
        | "certificate/ensemble/distance.rs"
        | "certificate/kernel/mod.rs"
        | "interval/products.rs"
        | "spec/lower/obligation.rs"
        | "model/ensemble.rs" => ["soundness", "refusals", "corruption", "pairs", "found"],
        "interval/rounded.rs"
        | "spec/lower/mod.rs"
        | "spec/property/output_region.rs"
        | "model/rows.rs"
        | "model/object.rs" => ["found", "refusals", "soundness", "pairs", "corruption"],
        _ => ["refusals", "soundness", "pairs", "corruption", "found"],
    }
}

/// The part of `soundness` that looks at this source: where it finds the defect, the whole need not be run.
fn module_about(file: &str) -> Option<&'static str> {
    Some(match file.trim_start_matches("certificate/").trim_end_matches(".rs") {
        "ensemble/distance" => "balls::",
        "network/coupling" => "coupled::",
        "network/avoid" => "regions::",
        "kernel/served" => "served::",
        pairs if pairs.starts_with("ensemble/tree_pairs/") => "twins::",
        ensembles if ensembles.starts_with("ensemble/") => "ensembles::",
        "model/ensemble" => "ensembles::",
        maps if maps.starts_with("defense/") => "defenses::",
        networks if networks.starts_with("network/") => "networks::",
        _ => return None,
    })
}

/// The switch of the copy.
const SWITCH: &str = r#"
/// True if the defect of this number is in force.
pub(crate) fn planted(number: usize) -> bool {
    static PLANTED: std::sync::OnceLock<Option<usize>> = std::sync::OnceLock::new();
    let read = || std::env::var("PROPCERT_PLANTED").ok().and_then(|number| number.parse().ok());
    *PLANTED.get_or_init(read) == Some(number)
}
"#;

/// A copy of the sources with every defect behind its switch, and its tests, built.
struct PlantedCopy {
    folder: tempfile::TempDir,
    /// The programs of the files of tests.
    programs: BTreeMap<String, PathBuf>,
}

impl PlantedCopy {
    fn new() -> Self {
        let folder = crate_copy();
        // every file of tests would build the program, and none of these needs it
        std::fs::remove_file(folder.path().join("src/main.rs")).unwrap();
        for (number, defect) in DEFECTS.iter().enumerate() {
            let path = folder.path().join("src").join(defect.1);
            let source = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, defect.planted(number, &source)).unwrap();
        }
        let crate_root = folder.path().join("src/lib.rs");
        let text = std::fs::read_to_string(&crate_root).unwrap() + SWITCH;
        std::fs::write(&crate_root, text).unwrap();
        let programs = build(folder.path());
        Self { folder, programs }
    }

    /// Whether a file of tests passes with a defect, or without any; or those of its tests whose names hold a
    /// word.
    fn passes(&self, test: &str, word: Option<&str>, defect: Option<usize>) -> bool {
        let mut run = Command::new(&self.programs[test])
            .args(word)
            // the many scenes of unfriendly numbers take longest, and `found` has their kind
            .args(["--skip", "extremes::"])
            .current_dir(self.folder.path())
            .env("RUST_TEST_THREADS", "1")
            .env("PROPCERT_PLANTED", defect.map_or(String::new(), |number| number.to_string()))
            .env("PROPCERT_MUTANTS", "320")
            // a defect is found or not by the tests, never by luck nor by what was left from another one
            .env("PROPTEST_RNG_SEED", "1")
            .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut told = String::new();
        for line in BufReader::new(run.stdout.take().unwrap()).lines().map(Result::unwrap) {
            // one test that fails is enough
            if line.ends_with("... FAILED") && defect.is_some() {
                run.kill().unwrap();
                run.wait().unwrap();
                return false;
            }
            told += &line;
            told.push('\n');
        }
        assert!(run.wait().unwrap().success(), "{test}: {told}");
        true
    }

    /// The first file of tests that fails with this defect.
    fn found_by(&self, number: usize) -> Option<&'static str> {
        let file = DEFECTS[number].1;
        let by_module = module_about(file)
            .filter(|word| !self.passes("soundness", Some(word), Some(number)))
            .map(|_| "soundness");
        let fails = |test: &&str| !self.passes(test, None, Some(number));
        by_module.or_else(|| likely_first(file).into_iter().find(fails))
    }
}

/// The programs of the files of tests of a copy. A copy that does not build is no defect found.
fn build(folder: &Path) -> BTreeMap<String, PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(["test", "--no-default-features", "--features", "advice", "--offline", "--no-run"])
        .arg("--message-format=json-render-diagnostics")
        .args(TESTS.iter().flat_map(|test| ["--test", test]))
        .current_dir(folder)
        // cargo would take the copy's artefacts for those of this crate
        .env("CARGO_TARGET_DIR", PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("planted"))
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let program = |line: &str| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let path = message["executable"].as_str()?;
        Some((message["target"]["name"].as_str()?.to_owned(), PathBuf::from(path)))
    };
    let programs: BTreeMap<_, _> =
        String::from_utf8_lossy(&output.stdout).lines().filter_map(program).collect();
    assert!(TESTS.iter().all(|test| programs.contains_key(*test)), "{programs:?}");
    programs
}

/// The numbers of the defects that are asked for, all by default.
fn asked() -> Vec<usize> {
    let words = std::env::var("PROPCERT_DEFECTS").unwrap_or_default();
    let is_asked = |text: &str| words.split(',').any(|word| text.contains(word));
    let numbered = DEFECTS.iter().enumerate();
    let asked = numbered.filter(|(_, Defect(name, file, ..))| is_asked(name) || is_asked(file));
    let asked: Vec<_> = asked.map(|(number, _)| number).collect();
    assert!(!asked.is_empty(), "no defect has `{words}` in its name or file");
    asked
}

/// Does this for each item, on two threads.
fn for_each<T: Sync>(items: &[T], act: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            act(item);
        }
    };
    std::thread::scope(|scope| {
        let second = scope.spawn(work);
        work();
        second.join().unwrap();
    });
}

#[test]
fn every_planted_defect_is_found() {
    let (copy, asked, missed) = (PlantedCopy::new(), asked(), Mutex::new(Vec::new()));
    for_each(&TESTS, |test| {
        assert!(copy.passes(test, None, None), "{test} fails without a defect")
    });
    for_each(&asked, |&number| {
        let found = copy.found_by(number);
        println!("{}: {}", DEFECTS[number].0, found.unwrap_or("MISSED"));
        if found.is_none() {
            missed.lock().unwrap().push(DEFECTS[number].0);
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "{missed:?}");
}
