//! The sections of an audit's page: figures, tables that are shown or folded, and the commands that make them again.

use std::collections::BTreeSet;

use minijinja::{Value, context};

use super::audit_reading::{at_least, at_most};
use super::audit_stealing::stealing_tables;
use super::audited::class_name;
use super::format::{NONE, integer, observed, percent_of, shell_word};
use super::html::{figure_view, table_view};
use super::plots::{Figure, audited as drawn, figures};
use super::sections::{Column, Section, Table, Topic, sections};
use super::{
    AuditFindings, ChangeFinding, Counts, DefenseReport, FlipFinding, LocalFinding, ModelReport,
    NO_PRIVACY, OrderFinding, OrderVerdict, Run, Share,
};

/// Rows of a table that are not folded.
const SHOWN: usize = 8;

/// The parts of the page.
pub(super) struct PageViews<'a> {
    pub(super) run: &'a Run,
    pub(super) model: &'a ModelReport,
    pub(super) audited: &'a AuditFindings,
}

/// A section before it is laid out.
struct PageSection {
    id: &'static str,
    title: &'static str,
    evidence: &'static str,
    intro: String,
    figures: Vec<Figure>,
    /// Tables that are shown.
    shown: Vec<Table>,
    /// Tables that are folded, each below its caption.
    folded: Vec<Table>,
    /// Commands that make the figures again.
    commands: Vec<String>,
    /// The file with the lines of results; `None` for parts that are no cells.
    results: Option<String>,
}

impl PageViews<'_> {
    /// The subject of the audit, for the foot of the page.
    pub(super) fn facts(&self) -> Vec<(&'static str, String)> {
        let Self { run, model, audited } = self;
        let mut facts = Vec::new();
        facts.extend(run.tool.iter().map(|tool| ("made by", tool.clone())));
        facts.extend(
            model.digest.iter().map(|digest| ("model", format!("{}, digest {digest}", model.name))),
        );
        facts.extend(audited.imported.iter().map(|said| ("origin", said.clone())));
        let rows = run.data.rows;
        facts.push((
            "data",
            format!(
                "{}{}: {} features; rows: train {}, validation {}, test {}, auxiliary {}{}",
                run.data.name,
                if run.data.synthetic { " (synthetic)" } else { "" },
                integer(run.data.features),
                integer(rows.train),
                integer(rows.validation),
                integer(rows.test),
                integer(rows.auxiliary),
                run.data.digest.as_ref().map_or_else(String::new, |d| format!("; digest {d}"))
            ),
        ));
        facts.push(("command", audited.command.clone()));
        facts
    }

    /// The sections that have something to show.
    pub(super) fn sections(&self) -> Vec<Value> {
        self.filled().into_iter().map(section_view).collect()
    }

    /// All tables, shown or folded, with the titles of their sections.
    pub(super) fn all_tables(&self) -> Vec<(&'static str, Table)> {
        let of_section = |section: PageSection| {
            let tables = section.shown.into_iter().chain(section.folded);
            tables.map(move |table| (section.title, table))
        };
        self.filled().into_iter().flat_map(of_section).collect()
    }

    fn filled(&self) -> Vec<PageSection> {
        let all = [
            self.local(),
            self.radii(),
            self.orders(),
            self.changes(),
            self.stealing(),
            self.gives_away(),
            self.defenses(),
            self.certificates(),
        ];
        let is_there = |section: &PageSection| {
            !section.figures.is_empty() || !section.shown.is_empty() || !section.folded.is_empty()
        };
        all.into_iter().filter(is_there).collect()
    }

    fn class_one(&self) -> String {
        class_name(&self.audited.classes, 1)
    }

    /// The tables of a topic as other reports have them.
    fn tables(&self, topic: Topic) -> Vec<Table> {
        let found = sections(self.run).into_iter().filter(|section| section.topic == topic);
        let tables = found.flat_map(|Section { tables, .. }| tables);
        tables.filter(|table| !table.rows.is_empty()).collect()
    }

    /// The way from the page to the folder of the audit, with a slash at its end; empty on the page of the audit itself.
    fn way(&self) -> &str {
        let file = self.model.file.as_deref().unwrap_or_default();
        file.find("models/").and_then(|at| file.get(..at)).unwrap_or_default()
    }

    /// The lines of results.
    pub(super) fn cells(&self) -> String {
        format!("{}cells.jsonl", self.way())
    }

    /// The command that makes every cell again. A grid under another name of the data is not found by itself.
    pub(super) fn cells_command(&self) -> String {
        let (way, audited) = (self.way(), self.audited);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let end = audited.data.as_deref().and_then(|data| data.rsplit('/').next());
        match end.filter(|end| end.chars().all(is_plain)) {
            None => audited.command.clone(),
            Some(_) if way.is_empty() => "propcert study run grid.toml --out again".to_owned(),
            Some(_) => {
                format!("cd {} && propcert study run grid.toml --out again", shell_word(way))
            }
        }
    }

    /// The command that decides a certificate again, of a claim about rows with its data.
    fn check_command(&self, file: &str, is_of_rows: bool) -> Option<String> {
        let model = shell_word(self.model.file.as_deref()?);
        let name = file.rsplit('/').next()?.strip_suffix(".jsonl")?;
        let data = match (is_of_rows, &self.audited.data) {
            (true, data) => format!(" --data {}", shell_word(data.as_ref()?)),
            (false, _) => String::new(),
        };
        let spec = shell_word(&format!("{}specs/{name}.toml", self.way()));
        Some(format!("propcert check {} --model {model} --spec {spec}{data}", shell_word(file)))
    }

    fn local(&self) -> PageSection {
        const COLUMNS: [Column; 8] = [
            Column::text("ε"),
            Column::number("proved"),
            Column::number("open"),
            Column::number("refuted: attacked"),
            Column::number("refuted: wrong already"),
            Column::number("refuted: unsure already"),
            Column::text("an example of attacked"),
            Column::file("certificate"),
        ];
        let row = |local: &LocalFinding| {
            let Counts { proved, undecided, .. } = local.counts;
            let share = |count| observed(Share::new(count, local.counts.n()));
            vec![
                local.epsilon.clone(),
                share(proved),
                share(undecided),
                share(local.attacked),
                share(local.wrong_already),
                share(local.unsure_already),
                local.example.clone().unwrap_or_else(|| NONE.to_owned()),
                local.file.clone(),
            ]
        };
        let rows: Vec<_> = self.audited.local.iter().map(row).collect();
        let main = self.audited.local.iter().find(|one| one.epsilon == self.audited.main_epsilon);
        PageSection {
            id: "local",
            title: "Answers near rows",
            evidence: "decided by the kernel",
            intro: "Local invariance: every input that differs from a test row by at most ε standard deviations in \
                    each feature gets the row's label. Proved holds for all of these inputs, not only for inputs \
                    tried; refuted has an input that breaks it, evaluated exactly; open is neither."
                .to_owned(),
            figures: drawn::bands(self.audited, "bands").into_iter().collect(),
            shown: table("", &COLUMNS, rows),
            folded: Vec::new(),
            commands: main
                .and_then(|main| self.check_command(&main.file, true))
                .into_iter()
                .collect(),
            results: Some(self.cells()),
        }
    }

    fn radii(&self) -> PageSection {
        const COLUMNS: [Column; 5] = [
            Column::text("test row"),
            Column::number("radius at most"),
            Column::number("features moved"),
            Column::text("the change"),
            Column::file("certificate"),
        ];
        let row = |flip: &FlipFinding| {
            vec![
                flip.row.to_string(),
                at_most(flip.distance),
                flip.moved.to_string(),
                flip.words.clone(),
                flip.file.clone(),
            ]
        };
        let radii = self.audited.radii.as_ref();
        let rows = radii.map(|radii| radii.flips.iter().map(row).collect()).unwrap_or_default();
        let confirmed = radii.map_or_else(String::new, |radii| {
            format!(
                " Ball and nearest change of {} rows were put before the kernel.",
                observed(radii.confirmed)
            )
        });
        let command = radii.and_then(|radii| radii.flips.first()).map(|flip| {
            let stem = flip.file.strip_suffix(".flip.jsonl").unwrap_or(&flip.file);
            format!(
                "propcert check {} --model {} --spec {} --data {} --witnesses",
                shell_word(&flip.file),
                shell_word(self.model.file.as_deref().unwrap_or_default()),
                shell_word(&format!("{stem}.flip.toml")),
                shell_word(&format!("{stem}.csv"))
            )
        });
        let whole = match radii.is_some_and(|radii| radii.is_whole) {
            true => "Whole-number features keep to whole numbers.",
            false => "All features count as real numbers.",
        };
        PageSection {
            id: "radii",
            title: "Exact radii",
            evidence: "decided by the kernel",
            intro: format!(
                "The radius of a row is the distance to the nearest input with another label, in standard deviations of \
                 the feature that changes most. {whole} A radius of 0 means \
                 that the row lies on a threshold.{confirmed}"
            ),
            figures: drawn::radii(self.audited).into_iter().collect(),
            shown: table("The nearest changes", &COLUMNS, rows),
            folded: self.tables(Topic::Radii),
            commands: command.into_iter().collect(),
            results: None,
        }
    }

    fn orders(&self) -> PageSection {
        const COLUMNS: [Column; 6] = [
            Column::text("feature"),
            Column::text("asked"),
            Column::text("increasing"),
            Column::text("decreasing"),
            Column::text("a step against increasing"),
            Column::text("a step against decreasing"),
        ];
        let word = |verdict| match verdict {
            OrderVerdict::Proved => "proved",
            OrderVerdict::Refuted => "refuted",
            OrderVerdict::Open => "open",
        };
        let text = |words: &Option<String>| words.clone().unwrap_or_else(|| NONE.to_owned());
        let row = |order: &OrderFinding| {
            vec![
                order.feature.clone(),
                text(&order.declared),
                word(order.increasing).to_owned(),
                word(order.decreasing).to_owned(),
                text(&order.against_increasing),
                text(&order.against_decreasing),
            ]
        };
        let is_told = |order: &&OrderFinding| {
            let proved = [order.increasing, order.decreasing].contains(&OrderVerdict::Proved);
            proved || order.declared.is_some()
        };
        let orders = &self.audited.orders;
        let told: Vec<_> = orders.iter().filter(is_told).map(row).collect();
        let rest: Vec<_> = orders.iter().filter(|order| !is_told(order)).map(row).collect();
        let (shown, folded) =
            split("Features proved in a direction, or asked for one", &COLUMNS, told);
        let rest = table("Features that go both ways, or are open", &COLUMNS, rest);
        PageSection {
            id: "orders",
            title: "Features that speak one way",
            evidence: "decided by the kernel",
            intro: format!(
                "Monotonicity on the whole declared domain: increasing means that a greater value of the feature, \
                    all others equal, never lowers the score of {}; decreasing, that it never raises it. Nobody \
                    has to say which: both are asked of every feature. A step against a direction is a pair of inputs, \
                    evaluated exactly.",
                self.class_one()
            ),
            figures: Vec::new(),
            shown,
            folded: folded.into_iter().chain(rest).collect(),
            commands: (!orders.is_empty())
                .then(|| {
                    let file = "monotone-increasing.jsonl";
                    let file = format!("{}certificates/{}/{file}", self.way(), self.model.name);
                    self.check_command(&file, false)
                })
                .flatten()
                .into_iter()
                .collect(),
            results: Some(self.cells()),
        }
    }

    fn changes(&self) -> PageSection {
        const COLUMNS: [Column; 4] = [
            Column::text("what moves"),
            Column::number("some change is at least"),
            Column::number("every change is at most"),
            Column::file("certificate of the greatest"),
        ];
        let row = |change: &ChangeFinding| {
            vec![
                change.moves.clone(),
                at_least(change.least),
                at_most(change.most),
                change.file.clone().unwrap_or_else(|| NONE.to_owned()),
            ]
        };
        let mut changes: Vec<&ChangeFinding> = self.audited.changes.iter().collect();
        changes.sort_by(|a, b| b.most.total_cmp(&a.most));
        let (shown, folded) = split(
            "Largest changes of the score, greatest first",
            &COLUMNS,
            changes.into_iter().map(row).collect(),
        );
        let posterior = self.audited.posterior.as_ref().map_or_else(String::new, |found| {
            let [low, high] = found.on_rows.map(percent_of);
            let [least, most] = found.on_uniform.map(percent_of);
            format!(
                " Posteriors seen (observed, no proof): {low} to {high} on test rows, {least} to {most} on {} uniform \
                 points of the domain.",
                integer(found.uniform)
            )
        });
        let span = self.audited.posterior.as_ref().and_then(|found| found.score_span);
        let span = span.map_or_else(String::new, |[_, most]| {
            format!(
                " On the whole domain the score ranges over at most {}: shown by the kernel in this run, without a \
                 certificate.",
                at_most(most)
            )
        });
        let files: BTreeSet<&String> =
            self.audited.changes.iter().filter_map(|change| change.file.as_ref()).collect();
        let commands =
            files.into_iter().filter_map(|file| self.check_command(file, false)).collect();
        PageSection {
            id: "changes",
            title: "How far the score moves",
            evidence: "decided by the kernel",
            intro: format!(
                "One feature moves over its whole declared range while all others stay; in a small neighbourhood \
                 all features move, by at most ε each. The score is the log-odds of {}; both ends were shown by \
                 the kernel.{span}{posterior}",
                self.class_one()
            ),
            figures: Vec::new(),
            shown,
            folded,
            commands,
            results: None,
        }
    }

    fn stealing(&self) -> PageSection {
        PageSection {
            id: "stealing",
            title: "Stealing",
            evidence: "measured",
            intro: "A thief asks for labels within a budget of queries and trains a substitute on them; agreement is the \
                    share of held-out rows on which it decides as the model. Every attack is run again with other \
                    seeds. masked-thief uses the certificates: labels that follow from proofs cost no query."
                .to_owned(),
            figures: drawn::learning(self.model, self.audited)
                .into_iter()
                .chain(drawn::inference(self.audited))
                .collect(),
            shown: stealing_tables(self.model, self.audited),
            folded: self.tables(Topic::Stealing),
            commands: vec![self.cells_command()],
            results: Some(self.cells()),
        }
    }

    fn gives_away(&self) -> PageSection {
        PageSection {
            id: "gives-away",
            title: "What the certificates give away",
            evidence: "proved boxes, counted",
            intro: "A certificate that a row keeps its right label tells that label to whoever reads it; one query \
                    inside a proved box settles the box. Points that were asked are left out of the count."
                .to_owned(),
            figures: figures(self.run, Topic::GivesAway, "gives-away"),
            shown: Vec::new(),
            folded: self.tables(Topic::GivesAway),
            commands: vec![self.cells_command()],
            results: Some(self.cells()),
        }
    }

    fn defenses(&self) -> PageSection {
        const COLUMNS: [Column; 5] = [
            Column::text("defense"),
            Column::number("accuracy"),
            Column::number("proofs kept"),
            Column::number("best thief before"),
            Column::number("best thief after"),
        ];
        let row = |defense: &DefenseReport| {
            let [before, after] = defense.proofs_kept();
            let thief = |side: usize| {
                defense.best_thieves().map_or_else(
                    || NONE.to_owned(),
                    |thieves| format!("{} ({})", percent_of(thieves[side].1), thieves[side].0),
                )
            };
            vec![
                format!("{} ({})", defense.kind, defense.strength),
                format!(
                    "{} → {}",
                    observed(defense.accuracy_before),
                    observed(defense.accuracy_after)
                ),
                format!("{} of {}", integer(after), integer(before)),
                thief(0),
                thief(1),
            ]
        };
        PageSection {
            id: "defenses",
            title: "Defenses",
            evidence: "proved and measured, apart",
            intro: "Each defense changes the answers and is as strong as its budget of accuracy on validation rows allows. \
                    The proofs are made again of the defended model; the thieves attack it again with the same seeds. "
                .to_owned()
                + NO_PRIVACY,
            figures: Vec::new(),
            shown: table("", &COLUMNS, self.model.defenses.iter().map(row).collect()),
            folded: self.tables(Topic::Defenses),
            commands: vec![self.cells_command()],
            results: Some(self.cells()),
        }
    }

    fn certificates(&self) -> PageSection {
        let tables =
            [Topic::Proved, Topic::Sampled].into_iter().flat_map(|topic| self.tables(topic));
        PageSection {
            id: "certificates",
            title: "All certificates",
            evidence: "decided by the kernel; sampled figures apart",
            intro: "Every certificate with its counts, and the sampled figure beside it, which is no proof.".to_owned(),
            figures: Vec::new(),
            shown: Vec::new(),
            folded: tables.collect(),
            commands: vec![self.cells_command()],
            results: Some(self.cells()),
        }
    }
}

/// A table, or none if it has no rows.
pub(super) fn table(caption: &str, columns: &[Column], rows: Vec<Vec<String>>) -> Vec<Table> {
    if rows.is_empty() { Vec::new() } else { vec![Table::new(caption, columns, rows)] }
}

/// The first rows as a table that is shown, and all of them as one that is folded where there are more.
fn split(caption: &str, columns: &[Column], rows: Vec<Vec<String>>) -> (Vec<Table>, Vec<Table>) {
    if rows.len() <= SHOWN {
        return (table(caption, columns, rows), Vec::new());
    }
    let first = table(caption, columns, rows.iter().take(SHOWN).cloned().collect());
    (first, table(&format!("All {} of them", rows.len()), columns, rows))
}

fn section_view(section: PageSection) -> Value {
    let PageSection { id, title, evidence, intro, figures, shown, folded, commands, results } =
        section;
    let figures: Vec<Value> = figures.into_iter().map(figure_view).collect();
    let shown: Vec<Value> = shown.into_iter().map(table_view).collect();
    let fold = |table: Table| {
        let name = match table.caption.as_str() {
            "" => "Summary".to_owned(),
            caption => format!("{caption} ({} rows)", table.rows.len()),
        };
        context! { name, tables => vec![table_view(Table { caption: String::new(), ..table })] }
    };
    let folded: Vec<Value> = folded.into_iter().map(fold).collect();
    context! { id, title, evidence, intro, figures, shown, folded, commands, results }
}
