//! The report as plain text for snapshots in a user's repository: figures only, in a fixed order, without digests,
//! versions and times.

use std::fmt::Write;

use crate::report::{
    AuditFindings, Counts, DefenseReport, Estimate, IntervalFinding, ModelReport, NO_PRIVACY,
    OrderVerdict, Report, Run, observed, percent_of,
};

use crate::text::digits::{above, below, nearest, shortest};

use super::figures::declared_counts;

/// The text of `report.txt`.
pub fn report_text(report: &Report) -> String {
    let mut text = format!("{}\n", report.title);
    for run in &report.runs {
        for model in &run.models {
            let mut lines = TextLines { text: &mut text, run, model };
            lines.all();
        }
    }
    text
}

struct TextLines<'a> {
    text: &'a mut String,
    run: &'a Run,
    model: &'a ModelReport,
}

impl TextLines<'_> {
    fn line(&mut self, line: impl std::fmt::Display) {
        // a string takes everything
        let _ = writeln!(self.text, "{line}");
    }

    fn heading(&mut self, heading: &str) {
        self.line(format_args!("\n{heading}"));
    }

    fn all(&mut self) {
        let (run, model) = (self.run, self.model);
        let Some(audited) = &model.audited else { return };
        let synthetic = if run.data.synthetic { " (synthetic)" } else { "" };
        self.line(format_args!("model: {}, {}", model.family, model.size));
        self.line(format_args!("data: {}{synthetic}, seed {}", run.data.name, run.seed));
        self.line(format_args!("accuracy: {}", observed(model.accuracy)));
        self.line(format_args!("largest class: {}", observed(audited.majority)));
        self.local(audited);
        self.radii(audited);
        self.orders(audited);
        self.changes(audited);
        self.certificates();
        self.stealing(audited);
        self.inference(audited);
        self.angles();
        self.gives_away();
        self.defenses(audited);
        self.left_out(audited);
        self.gates(audited);
        self.against(audited);
    }

    fn local(&mut self, audited: &AuditFindings) {
        if audited.local.is_empty() {
            return;
        }
        self.heading("Local invariance (decided by the kernel)");
        for found in &audited.local {
            let counts = found.counts;
            let unsure = match found.unsure_already {
                0 => String::new(),
                unsure => format!(" {unsure} unsure already,"),
            };
            self.line(format_args!(
                "epsilon {}: {}; refuted: {} wrong already,{unsure} {} attacked",
                found.epsilon,
                decided(counts),
                found.wrong_already,
                found.attacked
            ));
            if let Some(example) = &found.example {
                self.line(format_args!("  an example: {example}"));
            }
        }
    }

    fn radii(&mut self, audited: &AuditFindings) {
        let Some(radii) = &audited.radii else { return };
        let whole = if radii.is_whole { ", whole features keep to whole numbers" } else { "" };
        self.heading(&format!(
            "Radii, L-infinity, in standard deviations{whole} (decided by the kernel)"
        ));
        if let Some(report) = &self.model.radii {
            let quartiles = report.quartiles.map(|quartile| {
                quartile.map_or_else(|| "none".to_owned(), |radius| shortest(nearest(radius, 3)))
            });
            self.line(format_args!(
                "rows {}, exact {}, zero {}, never {}, quartiles {}",
                report.rows,
                report.exact,
                report.zero,
                radii.endless,
                quartiles.join(" ")
            ));
        }
        for flip in &radii.flips {
            self.line(format_args!("  {} (test row {})", flip.words, flip.row));
        }
    }

    fn orders(&mut self, audited: &AuditFindings) {
        if audited.orders.is_empty() {
            return;
        }
        self.heading("Monotonicity on the declared domain (decided by the kernel)");
        if declared_counts(&audited.orders).n() > 0 {
            let counts = decided(declared_counts(&audited.orders));
            self.line(format_args!("directions asked for: {counts}"));
        }
        for order in &audited.orders {
            let declared = order.declared.as_ref();
            let asked = declared.map_or_else(String::new, |asked| format!(" (asked: {asked})"));
            self.line(format_args!(
                "{}: increasing {}, decreasing {}{asked}",
                order.feature,
                verdict_word(order.increasing),
                verdict_word(order.decreasing)
            ));
        }
    }

    fn changes(&mut self, audited: &AuditFindings) {
        if audited.changes.is_empty() {
            return;
        }
        self.heading("Largest changes of the score (decided by the kernel)");
        for change in &audited.changes {
            let least = shortest(below(change.least, 4));
            let most = shortest(above(change.most, 4));
            match change.least > 0.0 {
                true => self.line(format_args!("{}: {least} to {most}", change.moves)),
                false => self.line(format_args!("{}: at most {most}", change.moves)),
            }
        }
    }

    fn certificates(&mut self) {
        if self.model.certificates.is_empty() {
            return;
        }
        self.heading("Certificates");
        for certificate in &self.model.certificates {
            let file = certificate.file.as_deref().unwrap_or_default();
            let (confirmed, counts) =
                (if certificate.checked { "" } else { ", NOT CONFIRMED" }, certificate.counts);
            self.line(format_args!("{file}: {}{confirmed}", decided(counts)));
        }
    }

    fn stealing(&mut self, audited: &AuditFindings) {
        let model = self.model;
        if model.attacks.is_empty() {
            return;
        }
        self.heading("Stealing: agreement on held-out rows (measured), mean [95% interval]");
        for baseline in &model.baselines {
            let agreement = estimate(&baseline.agreement.heldout);
            self.line(format_args!("without an attack, {}: {agreement}", baseline.name));
        }
        for attack in &model.attacks {
            let wrong = match attack.inferred_wrong {
                0 => String::new(),
                1 => ", 1 inferred label wrong".to_owned(),
                wrong => format!(", {wrong} inferred labels wrong"),
            };
            let agreement = estimate(&attack.agreement.heldout);
            self.line(format_args!("{}: {agreement}{wrong}", attack.name));
        }
        for &budget in &audited.budgets {
            if let Some(best) = model.best_attack(budget) {
                let (name, mean) = (&best.name, percent_of(best.agreement.heldout.mean));
                self.line(format_args!("best with {budget} queries: {name}, {mean}"));
            }
        }
    }

    fn inference(&mut self, audited: &AuditFindings) {
        if audited.intervals.is_empty() {
            return;
        }
        self.heading("Labels inferred by intervals (measured)");
        for IntervalFinding { threshold, inferred, right } in &audited.intervals {
            let (inferred, right) = (observed(*inferred), observed(*right));
            self.line(format_args!("threshold {threshold}: inferred {inferred}, right {right}"));
        }
    }

    fn angles(&mut self) {
        let measured = self.model.attacks.iter().filter_map(|one| Some((&one.name, one.angles?)));
        let measured: Vec<_> = measured.collect();
        if measured.is_empty() {
            return;
        }
        self.heading("Angles between gradients on test rows and made points (measured)");
        for (name, angles) in measured {
            let (first, all) = (angles.first.mean, angles.all.mean);
            self.line(format_args!("{name}: {first:.1} degrees (first 50), {all:.1} (all)"));
        }
    }

    fn gives_away(&mut self) {
        let Some(given) = &self.model.gives_away else { return };
        self.heading("What certificates give away");
        let published = observed(given.published);
        self.line(format_args!("labels of published rows without a query: {published}"));
        for curve in &given.settled {
            // where everything is settled, more queries change nothing
            for point in
                curve.points.chunk_by(|a, b| a.queries == b.queries).filter_map(<[_]>::first)
            {
                let unasked = observed(point.unasked());
                self.line(format_args!(
                    "{}, {} queries: {unasked} settled unasked",
                    curve.reference, point.queries
                ));
            }
        }
    }

    fn defenses(&mut self, audited: &AuditFindings) {
        if self.model.defenses.is_empty() {
            return;
        }
        self.heading("Defenses");
        for defense in &self.model.defenses {
            let DefenseReport { strength, accuracy_before, accuracy_after, .. } = defense;
            self.line(format_args!(
                "{} ({strength}): accuracy {} -> {}",
                defense.kind,
                observed(*accuracy_before),
                observed(*accuracy_after)
            ));
            for kept in &defense.certificates {
                self.line(format_args!(
                    "  {} ({}): proved {} -> {} of {}",
                    kept.claim.property,
                    kept.claim.parameters,
                    kept.before.proved,
                    kept.after.proved,
                    kept.after.n()
                ));
            }
            for attack in &defense.attacks {
                self.line(format_args!(
                    "  {}: {} -> {}",
                    attack.attack,
                    estimate(&attack.before.heldout),
                    estimate(&attack.after.heldout)
                ));
            }
            self.line(format_args!("  {}", defense.verdict(audited.defended_budget)));
        }
        self.line(NO_PRIVACY);
    }

    fn left_out(&mut self, audited: &AuditFindings) {
        if !audited.left_out.is_empty() {
            self.heading("Not made");
            audited.left_out.iter().for_each(|reason| self.line(reason));
        }
    }

    fn against(&mut self, audited: &AuditFindings) {
        let Some(against) = &audited.against else { return };
        self.heading("Against the earlier audit");
        for (word, changes) in [("worse", &against.worse), ("better", &against.better)] {
            changes.iter().for_each(|change| self.line(format_args!("{word}: {change}")));
        }
        let apart = &against.apart;
        apart.iter().for_each(|one| self.line(format_args!("not compared: {one}")));
        if against.worse.is_empty() && against.better.is_empty() {
            self.line("nothing changed");
        }
    }

    fn gates(&mut self, audited: &AuditFindings) {
        if audited.gates.is_empty() {
            return;
        }
        self.heading("Gates");
        for gate in &audited.gates {
            let word = if gate.passed { "met" } else { "FELL SHORT" };
            self.line(format_args!("{} {}: {word} ({})", gate.name, gate.demand, gate.found));
        }
    }
}

/// `72.7% (72 of 99) proved, 27.2% (27 of 99) refuted, 0 undecided`.
fn decided(counts: Counts) -> String {
    let Counts { proved, refuted, undecided, vacuous, invalid } = counts;
    let n = counts.n();
    let share = |count| observed(crate::report::Share::new(count, n));
    let mut text = format!("proved {}, refuted {}", share(proved), share(refuted));
    for (count, what) in [(undecided, "undecided"), (vacuous, "vacuous"), (invalid, "invalid")] {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text
}

fn verdict_word(verdict: OrderVerdict) -> &'static str {
    match verdict {
        OrderVerdict::Proved => "proved",
        OrderVerdict::Refuted => "refuted",
        OrderVerdict::Open => "open",
    }
}

/// A mean with its interval in percent.
fn estimate(estimate: &Estimate) -> String {
    match estimate.interval() {
        Some([low, high]) => format!(
            "{} [{}, {}]",
            percent_of(estimate.mean),
            percent_of(low.max(0.0)),
            percent_of(high.min(1.0))
        ),
        None => percent_of(estimate.mean),
    }
}
