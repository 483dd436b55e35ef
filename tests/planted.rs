//! Planted defects: each is put into a copy of the sources, and a test of that copy must fail.
//!
//! The kernel itself has no switches. The copy is the checker without its program, built without
//! optimisation, so that a defect costs a second or two; the first build costs half a minute. With
//! `PROPCERT_DEFECTS=WORD,WORD` only those are tried whose name or file has one of the words.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A defect: its name, the file below `src`, the right text and the wrong one.
struct Defect(&'static str, &'static str, &'static str, &'static str);

static DEFECTS: [Defect; 67] = [
    Defect(
        "the sign of a coefficient picks the wrong line",
        "interval/rounded.rs",
        "let (slope, height) = match *a >= 0.0 {",
        "let (slope, height) = match *a <= 0.0 {",
    ),
    Defect("a slope is not clipped", "interval/form.rs", "s.clamp(0.0, 1.0)", "s"),
    Defect(
        "the upper line is too low",
        "interval/form.rs",
        "if at_low > at_high { at_low } else { at_high }",
        "0.5 * if at_low > at_high { at_low } else { at_high }",
    ),
    Defect(
        "a bias is forgotten",
        "interval/rounded.rs",
        "                self.constant.add_product(a, b);\n                products.add(",
        "                let _ = b;\n                products.add(",
    ),
    Defect(
        "rounding is free",
        "interval/rounded.rs",
        "let loss = INFLATE * (sum.error() + self.loss);",
        "let loss = 0.0 * INFLATE * (sum.error() + self.loss);",
    ),
    Defect(
        "an underflowed product has no sign",
        "interval/rounded.rs",
        "(a > 0.0) == (b > 0.0)",
        "term >= 0.0",
    ),
    Defect(
        "a carry is lost",
        "interval/products.rs",
        "carry = (sum + carry) >> PLACE;",
        "carry = sum >> PLACE;",
    ),
    Defect(
        "an unstable neuron passes its slope on",
        "certificate/network/jacobian.rs",
        "slope.hull(Interval::point(0.0))",
        "slope",
    ),
    Defect("floor for ceil", "model/ensemble.rs", "threshold.ceil()", "threshold.floor()"),
    Defect(
        "< for <= at a threshold",
        "model/ensemble.rs",
        "partition_point(|t| *t <= x)",
        "partition_point(|t| *t < x)",
    ),
    Defect(
        "a threshold at the upper end is left out",
        "certificate/ensemble/jumps.rs",
        "(lo..hi).map(",
        "(lo..hi.saturating_sub(1)).map(",
    ),
    Defect(
        "a child is forgotten",
        "certificate/cases.rs",
        "all = all.and(outcome)",
        "all = outcome",
    ),
    Defect(
        "one direction of a shift only",
        "certificate/network/fuzz/mod.rs",
        "&& self.is_kept(axis, &-shift.clone(), &held, margin)",
        "&& self.is_kept(axis, shift, &held, margin)",
    ),
    Defect(
        "every label wins its ties",
        "certificate/claims.rs",
        "(wins_tie && *m == Rational::ZERO)",
        "((wins_tie || !wins_tie) && *m == Rational::ZERO)",
    ),
    Defect(
        "poisoning costs nothing",
        "defense/prediction_poisoning.rs",
        "(&(&delta - alpha) / &(&Rational::ONE - alpha))?",
        "(&delta / &Rational::ONE)?",
    ),
    Defect(
        "what a defense loses is claimed of the undefended model",
        "spec/lower/carried.rs",
        "Some(_) | None => Self::Lost,",
        "Some(_) | None => Self::Itself,",
    ),
    Defect(
        "a gap of posteriors counts once",
        "certificate/rows/floats.rs",
        "(2.0 * top * top <= self.low * square)",
        "(top * top <= self.low * square)",
    ),
    Defect(
        "a divergence is taken the other way round",
        "certificate/rows/all_pairs.rs",
        "(b, a, other, own)]",
        "(b, a, own, other)]",
    ),
    Defect(
        "one of two posteriors is forgotten",
        "certificate/network/range.rs",
        "&(x * x) * &Rational::integer(2)",
        "&(x * x) * &Rational::integer(1)",
    ),
    Defect(
        "a distance is squared and its constant is not",
        "certificate/network/range.rs",
        "&(constant * constant) * &square",
        "constant * &square",
    ),
    Defect(
        "a segment is cut out between whole numbers",
        "spec/lower/obligation.rs",
        "Bonds::Free | Bonds::Moved(_) => false,",
        "Bonds::Free | Bonds::Moved(_) => true,",
    ),
    Defect(
        "a segment between close points is cut out between whole numbers",
        "spec/lower/obligation.rs",
        "Bonds::Within { .. } => matches!(pair.aim, Aim::Flip { .. }),",
        "Bonds::Within { .. } => true,",
    ),
    Defect(
        "the shifted copies of a part stay in the domain",
        "certificate/network/fuzz/mod.rs",
        "let wide = region.widened(self.shifts);",
        "let wide = region.clone();",
    ),
    Defect(
        "a step begins above the confident margin",
        "certificate/network/step.rs",
        "both.add_constant(lambda, floor);",
        "both.add_constant(lambda, 2.0 * floor);",
    ),
    Defect(
        "a change is never larger than its share",
        "interval/form.rs",
        "let floor = -larger(slope * q, rest * -p);",
        "let floor = -larger(0.0 * q, 0.0 * -p);",
    ),
    Defect(
        "a point has all its neighbours in its own part",
        "certificate/network/difference.rs",
        "let around = part.neighbourhood(reach, self.domain);",
        "let around = part.clone();",
    ),
    Defect(
        "whole numbers that are ε apart are not close",
        "certificate/network/difference.rs",
        "Rational::integer(reach.floor())",
        "&Rational::integer(reach.floor()) - &Rational::ONE",
    ),
    Defect(
        "a neuron of one copy is bounded as that of the other",
        "certificate/network/coupling.rs",
        "[*from, *to])",
        "[*from, *from])",
    ),
    Defect(
        "what one copy does is put down to the other",
        "certificate/network/coupling.rs",
        "a.iter().map(|a| -a)",
        "a.iter().map(|a| *a)",
    ),
    Defect(
        "a bound copy is cut too far",
        "spec/region.rs",
        "to.1.min(&from.1 + most)",
        "to.1.min(&from.1 - most)",
    ),
    Defect(
        "at its radius a ball ends, wherever the cell lies",
        "certificate/ensemble/distance.rs",
        "(is_open && sum == self.limit)",
        "(is_open || sum == self.limit) && sum >= self.limit",
    ),
    Defect(
        "the squares of a ball are compared with its radius",
        "certificate/ensemble/distance.rs",
        "Norm::L2 => ball.epsilon * ball.epsilon,",
        "Norm::L2 => ball.epsilon.clone(),",
    ),
    Defect(
        "a cell is as far as its far end",
        "certificate/ensemble/distance.rs",
        "let nearest = if self.centre < lo {\n            lo",
        "let nearest = if self.centre < lo {\n            hi",
    ),
    Defect(
        "whole numbers end at the threshold",
        "certificate/ensemble/distance.rs",
        "(if is_whole { &at - &Rational::ONE } else { at }, !is_whole)",
        "(if is_whole { &at - &Rational::integer(2) } else { at }, !is_whole)",
    ),
    Defect(
        "a served copy stays in its ball",
        "certificate/kernel/mod.rs",
        "let is_real = self.lowered.semantics() == Semantics::Real;",
        "let is_real = true;",
    ),
    Defect(
        "a served copy loses nothing",
        "certificate/claims.rs",
        ".map(|(m, e)| m - e)",
        ".map(|(m, _)| m.clone())",
    ),
    Defect(
        "a sign's multiplier may be negative",
        "certificate/network/sign.rs",
        "(is_own && value > 0.0 && value.is_finite())",
        "(is_own && value.is_finite())",
    ),
    Defect(
        "a case gets the other sign",
        "certificate/network/mod.rs",
        "if sign.is_on { -1.0 } else { 1.0 }",
        "if sign.is_on { 1.0 } else { -1.0 }",
    ),
    Defect(
        "boxes of a pair are apart as soon as they do not touch",
        "certificate/network/fuzz/mod.rs",
        "distance.is_some_and(|square| square > Rational::ONE)",
        "distance.is_some_and(|square| square > Rational::ZERO)",
    ),
    Defect(
        "a partner is asked for the sign of no point",
        "certificate/network/fuzz/mod.rs",
        "keeps_side(is_void, &margins",
        "is_void[0] || keeps_side(is_void, &margins",
    ),
    Defect(
        "a sign narrows by the other sign",
        "certificate/network/narrow.rs",
        "let side = if is_on { 1.0 } else { -1.0 };",
        "let side = if is_on { -1.0 } else { 1.0 };",
    ),
    Defect(
        "a sign narrows without its bias",
        "certificate/network/narrow.rs",
        "        form.add_constant(factor, self.bias);\n",
        "",
    ),
    Defect(
        "a condition may count against the claim",
        "certificate/network/condition.rs",
        "(|(_, multiplier)| *multiplier > 0.0 && multiplier.is_finite())",
        "(|(_, multiplier)| multiplier.is_finite())",
    ),
    Defect(
        "a condition holds on its other side",
        "certificate/network/condition.rs",
        "Half::new(row, -rhs, input, false)",
        "Half::new(row, -rhs, input, true)",
    ),
    Defect(
        "a side is cut where another is longest",
        "certificate/network/condition.rs",
        "let reach = (room / g.abs()).next_up();",
        "let reach = (0.5 * room / g.abs()).next_up();",
    ),
    Defect(
        "what a coefficient of a condition loses is free",
        "spec/condition.rs",
        "let paid = &rest * &feature.standardise_exactly(low);",
        "let paid = &rest * &Rational::ZERO;",
    ),
    Defect(
        "only the first unsafe block counts",
        "certificate/network/avoid.rs",
        "blocks.iter().enumerate() {",
        "blocks.iter().enumerate().take(1) {",
    ),
    Defect(
        "a row may count against its block",
        "certificate/network/avoid.rs",
        "if *weight > 0.0 && weight.is_finite()",
        "if weight.is_finite()",
    ),
    Defect(
        "shares are not taken off again",
        "certificate/ensemble/tree_dual.rs",
        "in_steps += total.least(cells.side(*feature), -1);",
        "in_steps += 0 * total.least(cells.side(*feature), -1);",
    ),
    Defect(
        "a leaf has the share of its first cell only",
        "certificate/ensemble/tree_dual.rs",
        "own.iter().map(|(feature, share)| share.least(here.side(*feature), 1)).sum();",
        "own.iter().map(|(f, share)| share.least((here.side(*f).0, here.side(*f).0), 1)).sum();",
    ),
    Defect(
        "points at exactly the reach are not close",
        "certificate/ensemble/tree_pairs/band.rs",
        "gap < *reach || (gap == *reach && is_attained && !is_strict)",
        "gap < *reach || (gap == *reach && is_attained && is_strict)",
    ),
    Defect(
        "a shift goes twice as far",
        "certificate/ensemble/tree_pairs/band.rs",
        "axis.values(0, cell).moved(by).cells(axis)",
        "axis.values(0, cell).moved(&(by + by)).cells(axis)",
    ),
    Defect(
        "one pair of leaves stands for all",
        "certificate/ensemble/tree_pairs/walk.rs",
        "Some(found) => found.join(&leaves),",
        "Some(_) => {}",
    ),
    Defect(
        "what is left of a shared bound is all of it",
        "certificate/ensemble/tree_pairs/sum.rs",
        "limit: limit - &most",
        "limit: limit.clone()",
    ),
    Defect(
        "a sum names a tree twice",
        "certificate/ensemble/tree_pairs/sum.rs",
        "named.is_sorted_by(|a, b| a < b)",
        "named.is_sorted()",
    ),
    Defect(
        "the other trees of a sum are forgotten",
        "certificate/ensemble/tree_pairs/sum.rs",
        "named.binary_search(tree).is_err()",
        "named.binary_search(tree).is_err() && false",
    ),
    Defect(
        "answers may only fall",
        "certificate/ensemble/tree_pairs/aim.rs",
        "largest_rise(sums).max(largest_fall(sums))",
        "largest_rise(sums).min(largest_fall(sums))",
    ),
    Defect(
        "a flip from below is none",
        "certificate/ensemble/tree_pairs/aim.rs",
        "(positive && negative, ",
        "(positive || negative, ",
    ),
    Defect(
        "a cutoff counts the other way",
        "certificate/ensemble/tree_pairs/aim.rs",
        "sums.change.1 <= floor - cutoff",
        "sums.change.1 <= floor + cutoff",
    ),
    Defect(
        "points that differ elsewhere are a change of one feature",
        "spec/lower/pair.rs",
        "at(index, moved) || x == y",
        "at(index, moved) || x != y || x == y",
    ),
    Defect(
        "a right-hand side has the other sign",
        "certificate/network/avoid.rs",
        "-row.rhs.up()",
        "row.rhs.up()",
    ),
    Defect(
        "a plain score has a posterior",
        "spec/lower/score.rs",
        "answers == decided {",
        "answers == decided || (!is_network && profile.on.is_some()) {",
    ),
    Defect(
        "a coefficient that overflowed is lost where a side ends at 0",
        "interval/rounded.rs",
        "a == 0.0 || (b == 0.0 && a.is_finite())\n}",
        "a == 0.0 || b == 0.0\n}",
    ),
    Defect(
        "a claim about no partner may be proved",
        "spec/lower/mod.rs",
        "|| claim.has_no_partners();",
        "|| (claim.has_no_partners() && false);",
    ),
    Defect(
        "a box is cut to the domain",
        "spec/property/output_region.rs",
        "domain.first_beyond(&sides)",
        "domain.first_beyond(&sides).filter(|_| false)",
    ),
    Defect(
        "rows may change files",
        "model/rows.rs",
        "[all] => Digest::of_all([all.as_slice(), meta]),",
        "all if !all.is_empty() => Digest::of_all(all.iter().map(Vec::as_slice).chain([meta])),",
    ),
    Defect(
        "an array passes for an object",
        "model/object.rs",
        "deserializer.deserialize_map(OfMap(PhantomData))",
        "T::deserialize(deserializer).map(Object)",
    ),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A defect whose text the sources no longer have would change nothing, and be missed.
#[test]
fn every_defect_has_its_place() {
    for Defect(name, file, right, wrong) in &DEFECTS {
        let text = std::fs::read_to_string(root().join("src").join(file)).unwrap();
        assert_eq!(text.matches(right).count(), 1, "{name}: `{right}` in {file}");
        assert!(!text.contains(wrong) || right.contains(wrong), "{name}: {file} has it already");
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
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
        networks if networks.starts_with("network/") => "networks::",
        _ => return None,
    })
}

/// A copy of the sources, and a build cache of its own: cargo would take the copy's artefacts for
/// those of this crate.
struct Copy {
    folder: tempfile::TempDir,
    target: PathBuf,
}

impl Copy {
    fn new(number: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["src", "tests", "benches", "examples", "data"] {
            copy(&root().join(name), &folder.path().join(name));
        }
        for file in ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
            std::fs::copy(root().join(file), folder.path().join(file)).unwrap();
        }
        // every file of tests would build the program, and none of these needs it
        std::fs::remove_file(folder.path().join("src/main.rs")).unwrap();
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("planted-{number}"));
        Self { folder, target }
    }

    /// Whether a file of tests passes, or those of its tests whose names hold a word. A copy that does not build
    /// is no defect found.
    fn passes(&self, test: &str, word: Option<&str>) -> bool {
        let output = Command::new(env!("CARGO"))
            .args(["test", "--no-default-features", "--offline", "--test", test])
            .args(word)
            // without optimisation the many scenes of unfriendly numbers take a minute, and `found` has their kind
            .args(["--", "--skip", "extremes::"])
            .current_dir(self.folder.path())
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0")
            .env("PROPCERT_MUTANTS", "320")
            // a defect is found or not by the tests, never by luck
            .env("PROPTEST_RNG_SEED", "1")
            .output()
            .unwrap();
        let told = [output.stdout, output.stderr].map(|o| String::from_utf8_lossy(&o).into_owned());
        let has_failed = told[0].contains("test result: FAILED");
        assert!(output.status.success() != has_failed, "{test}: {}{}", told[0], told[1]);
        !has_failed
    }

    /// The first file of tests that fails with this defect.
    fn found_by(&self, Defect(_, file, right, wrong): &Defect) -> Option<&'static str> {
        let path = self.folder.path().join("src").join(file);
        let sound = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, sound.replacen(right, wrong, 1)).unwrap();
        let by_module = module_about(file).filter(|word| !self.passes("soundness", Some(word)));
        let by_file = || likely_first(file).into_iter().find(|test| !self.passes(test, None));
        let found = by_module.or_else(by_file);
        std::fs::write(&path, &sound).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap() == sound, "the copy is sound again");
        found
    }
}

/// The defects that are asked for, all by default.
fn asked() -> Vec<&'static Defect> {
    let words = std::env::var("PROPCERT_DEFECTS").unwrap_or_default();
    let is_asked = |text: &str| words.split(',').any(|word| text.contains(word));
    let asked = DEFECTS.iter().filter(|Defect(name, file, ..)| is_asked(name) || is_asked(file));
    let asked: Vec<_> = asked.collect();
    assert!(!asked.is_empty(), "no defect has `{words}` in its name or file");
    asked
}

/// The names of those defects that no test finds, of those that nobody has taken yet. The copy must pass these
/// files of tests before: copies are the same, so that each file has to pass in one of them.
fn missed(
    copy: &Copy,
    sound: &[&str],
    (defects, next): (&[&Defect], &AtomicUsize),
) -> Vec<&'static str> {
    assert!(sound.iter().all(|test| copy.passes(test, None)), "the sound copy fails");
    let mut missed = Vec::new();
    while let Some(defect) = defects.get(next.fetch_add(1, Ordering::Relaxed)) {
        let found = copy.found_by(defect);
        println!("{}: {}", defect.0, found.unwrap_or("MISSED"));
        if found.is_none() {
            missed.push(defect.0);
        }
    }
    missed
}

/// Two copies side by side: each build is of one crate, which keeps one processor busy.
#[test]
fn every_planted_defect_is_found() {
    let (defects, next) = (asked(), AtomicUsize::new(0));
    let missed = std::thread::scope(|scope| {
        let second = scope.spawn(|| missed(&Copy::new(1), &TESTS[3..], (&defects, &next)));
        let first = missed(&Copy::new(0), &TESTS[..3], (&defects, &next));
        [first, second.join().expect("the second copy is as sound as the first")].concat()
    });
    assert!(missed.is_empty(), "{missed:?}");
}
