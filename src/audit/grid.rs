//! The grid of an audit: one model on one data set, with the properties, attacks and defenses of its plan, as the text
//! that `study run` reads too.

use std::fmt::Write;

use crate::defend::DefenseKind;
use crate::model::{Family, Model};
use crate::steal::{AttackNumbers, AttackSpec, Generator, Inference, SubstituteFamily};

use super::plan::{AuditPart, AuditPlan, PlannedAttack};

/// Rows of the attacker's own that an attack starts from, at most; half of a small budget.
const SEED_ROWS: u64 = 50;
/// Queries after which settled points are counted.
const SETTLED_AFTER: &str = "[1, 2, 5, 10, 20, 50, 100, 200]";

/// The subject of a grid.
#[derive(Clone, Copy, Debug)]
pub(super) struct GridSubject<'a> {
    /// The model.
    pub(super) model: &'a Model,
    /// Its name in keys and files.
    pub(super) name: &'a str,
    /// The data, as the grid names it.
    pub(super) data: &'a str,
    /// Seed of everything random.
    pub(super) seed: u64,
}

/// The name of the property of local invariance at ε. A model without posteriors makes claims about labels.
pub(super) fn local_name(model: &Model, epsilon: &impl std::fmt::Display) -> String {
    format!("{}-{epsilon}", if model.has_posterior() { "local-invariance" } else { "label" })
}

/// The property of the boundary zone.
pub(super) const BOUNDARY: &str = "boundary-fuzz-0.1";
/// The properties of every feature in either direction.
pub(super) const ORDERS: [(&str, &str); 2] =
    [("monotone-increasing", "increasing"), ("monotone-decreasing", "decreasing")];

/// The name of an attack at a budget.
pub(super) fn attack_name(attack: &str, budget: u64) -> String {
    format!("{attack}-{budget}")
}

/// The name of the attack that infers labels by intervals shorter than a threshold.
pub(super) fn interval_name(threshold: &impl std::fmt::Display) -> String {
    format!("interval-{threshold}")
}

/// The text of the grid.
pub(super) fn grid_text(subject: GridSubject, plan: &AuditPlan) -> String {
    let mut text = GridText { subject, plan, text: String::new() };
    text.head();
    text.locals();
    text.orders();
    text.boundary();
    text.attacks();
    text.intervals();
    text.defenses();
    text.text
}

struct GridText<'a> {
    subject: GridSubject<'a>,
    plan: &'a AuditPlan,
    text: String,
}

impl GridText<'_> {
    fn line(&mut self, line: std::fmt::Arguments) {
        // a string takes everything
        let _ = writeln!(self.text, "{line}");
    }

    fn head(&mut self) {
        let GridSubject { model, name, data, seed } = self.subject;
        let plan = self.plan;
        self.line(format_args!(
            "# The grid of an audit: `propcert study run` runs its cells again.\n"
        ));
        self.line(format_args!("data = [{}]", quoted(data)));
        self.line(format_args!("seed = {seed}"));
        self.line(format_args!("repetitions = {}", plan.repetitions));
        self.line(format_args!("budget-nodes = {}", plan.budget_nodes));
        self.line(format_args!("exact = {}", plan.exact));
        if plan.makes(AuditPart::Leakage) && plan.makes(AuditPart::LocalInvariance) {
            let published = local_name(model, plan.main_epsilon());
            self.line(format_args!("\n[gives-away]\npublished = {}", quoted(&published)));
            self.line(format_args!("queries = {SETTLED_AFTER}"));
        }
        self.line(format_args!(
            "\n[[model]]\nname = {0}\nfile = \"models/{name}.json\"",
            quoted(name)
        ));
    }

    /// A property with its spec. One that is not asked behind defenses says so.
    fn property(&mut self, name: &str, keys: &str, is_behind_defenses: bool, spec: &str) {
        self.line(format_args!("\n[[property]]\nname = {}", quoted(name)));
        self.text += keys;
        if !is_behind_defenses {
            self.line(format_args!("behind-defenses = false"));
        }
        self.line(format_args!("spec = {}", quoted(spec)));
    }

    fn locals(&mut self) {
        let (plan, model) = (self.plan, self.subject.model);
        if !plan.makes(AuditPart::LocalInvariance) {
            return;
        }
        let spec = |epsilon: &dyn std::fmt::Display, more: &str| match model.has_posterior() {
            true => format!(
                "property = \"local-invariance\"\nepsilon = \"{epsilon}\"\ndelta = \"{}\"\nnorm = \"linf\"\n{more}",
                plan.delta
            ),
            false => {
                format!("property = \"label\"\nepsilon = \"{epsilon}\"\nnorm = \"linf\"\n{more}")
            }
        };
        let main = plan.main_epsilon();
        for epsilon in &plan.epsilons {
            let keys = format!("rows = {}\nspread = true\n", plan.rows);
            let name = local_name(model, epsilon);
            self.property(&name, &keys, epsilon == main, &spec(epsilon, ""));
        }
        if plan.makes(AuditPart::Stealing) || plan.makes(AuditPart::Leakage) {
            let name = local_name(model, main) + "-own";
            let keys =
                format!("part = \"auxiliary\"\nrows = {}\nfor-attackers = true\n", plan.own_rows);
            self.property(&name, &keys, true, &spec(main, "label = \"predicted\"\n"));
        }
    }

    fn orders(&mut self) {
        if !self.plan.makes(AuditPart::Monotonicity) || self.subject.model.classes > 2 {
            return;
        }
        let features = self.subject.model.schema.features().iter().map(|f| quoted(&f.name));
        let features = features.collect::<Vec<_>>().join(", ");
        for (name, direction) in ORDERS {
            let spec = format!(
                "property = \"monotonicity\"\nfeatures = [{features}]\ndirection = \"{direction}\"\n"
            );
            self.property(name, "for-attackers = true\n", true, &spec);
        }
    }

    /// As in the demonstration without a case distinction: every case bounds every axis, and once more exactly.
    fn boundary(&mut self) {
        if self.plan.makes(AuditPart::Boundary) {
            let keys = format!(
                "rows = {}\nspread = true\nbudget-nodes = 1\nneeds = [\"two-classes\"]\n",
                self.plan.boundary_rows
            );
            let spec = "property = \"boundary-fuzz\"\nshift = \"0.1\"\nepsilon = \"0.1\"\nradius = \"0.05\"\n";
            self.property(BOUNDARY, &keys, false, spec);
        }
    }

    fn attacks(&mut self) {
        let plan = self.plan;
        if !plan.makes(AuditPart::Stealing) {
            return;
        }
        let angled = self.angled();
        for attack in &plan.attacks {
            for &budget in &plan.budgets {
                let Some(toml) = at_budget(attack, budget, plan) else { continue };
                let name = attack_name(&attack.name, budget);
                self.line(format_args!("\n[[attack]]\nname = {}", quoted(&name)));
                if angled.as_ref() == Some(&name) {
                    self.line(format_args!("angles = true"));
                }
                if budget != plan.defended_budget() {
                    self.line(format_args!("behind-defenses = false"));
                }
                self.line(format_args!("attack = {}", quoted(&toml)));
            }
        }
    }

    /// The attack whose angles of gradients are measured: the first that follows gradients, of a network by a network, with
    /// the fewest queries that are not asked behind defenses too.
    fn angled(&self) -> Option<String> {
        let plan = self.plan;
        let is_network = matches!(self.subject.model.family, Family::Mlp(_));
        let follows = |attack: &&PlannedAttack| {
            let spec = AttackSpec::read(attack.text.as_bytes());
            spec.is_ok_and(|spec| {
                let is_trees = spec.substitute.family == SubstituteFamily::Trees;
                matches!(spec.generator, Generator::Jacobian { .. }) && !is_trees
            })
        };
        let attack = plan.attacks.iter().find(follows).filter(|_| plan.angles && is_network)?;
        let made = |budget: &&u64| at_budget(attack, **budget, plan).is_some();
        let mut budgets = plan.budgets.iter().filter(made);
        let others = budgets.clone().find(|budget| **budget != plan.defended_budget());
        let budget = others.or_else(|| budgets.next())?;
        Some(attack_name(&attack.name, *budget))
    }

    /// Thieves that infer labels by intervals, one for each threshold. Only their labels count: the substitutes are small.
    fn intervals(&mut self) {
        let plan = self.plan;
        if !plan.makes(AuditPart::Stealing) || self.subject.model.classes != 2 {
            return;
        }
        let queries = plan.defended_budget();
        for threshold in &plan.interval_thresholds {
            let name = interval_name(threshold);
            self.line(format_args!("\n[[attack]]\nname = {}", quoted(&name)));
            self.line(format_args!("behind-defenses = false"));
            let toml = format!(
                "attack = \"masked_thief\"\nseeds = \"X\"\nseed-rows = {}\nqueries = {queries}\ncap-factor = 3\n\
                 substitute = {{ family = \"trees\", trees = 3, depth = 2 }}\n\n\
                 [generator]\nkind = \"neighbour\"\nradius = 1.0\n\n\
                 [inference]\nrule = \"length\"\neta = -4.0\nthreshold = {threshold}\n\n\
                 [inference.property]\nname = \"lipschitz\"\nl = 0.03\nnorm = \"l2\"\n",
                (queries / 2).min(SEED_ROWS)
            );
            self.line(format_args!("attack = {}", quoted(&toml)));
        }
    }

    fn defenses(&mut self) {
        let plan = self.plan;
        if !plan.makes(AuditPart::Defenses) {
            return;
        }
        for kind in &plan.defenses {
            let name = kind.name();
            let (name, points) = (quoted(name), plan.points);
            self.line(format_args!("\n[[defense]]\nname = {name}\nkind = {name}"));
            self.line(format_args!("points = {points:?}"));
            // vertices of the simplex there are for any number of classes
            if *kind != DefenseKind::VertexPoisoning {
                self.line(format_args!("needs = [\"two-classes\"]"));
            }
        }
    }
}

/// The TOML of an attack with so many queries; `None` if the attack cannot do with so few.
pub(super) fn at_budget(attack: &PlannedAttack, budget: u64, plan: &AuditPlan) -> Option<String> {
    let queries = usize::try_from(budget).ok()?;
    let seed_rows = usize::try_from((budget / 2).min(SEED_ROWS)).ok();
    let numbers = AttackNumbers { queries: Some(queries), seed_rows };
    let mut spec = AttackSpec::read_with(attack.text.as_bytes(), numbers).ok()?;
    if let (Generator::Neighbour { radius }, Inference::Certified) =
        (&mut spec.generator, &spec.inference)
    {
        // neighbours inside the proved boxes
        *radius = plan.main_epsilon().to_string().parse().unwrap_or(*radius);
    }
    Some(spec.to_toml())
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
