//! The best thieves, and one sentence of verdict per defense.

use super::format::{integer, of, percent};
use super::{AttackReport, DefendedAttack, DefenseReport, ModelReport, Share};

/// Points of agreement below which a difference is called none.
const NOTHING: f64 = 0.005;

impl ModelReport {
    /// The attack with the largest mean agreement on held-out rows at a budget; of equal ones the first.
    pub fn best_attack(&self, budget: u64) -> Option<&AttackReport> {
        let attacks = self.attacks.iter().filter(|attack| attack.budget == budget);
        let mean = |attack: &AttackReport| attack.agreement.heldout.mean;
        attacks.reduce(|best, one| if mean(one) > mean(best) { one } else { best })
    }
}

impl DefenseReport {
    /// The best thieves without and with the defense, by mean agreement on held-out rows: name and mean of each; of
    /// equal ones the first.
    pub fn best_thieves(&self) -> Option<[(&str, f64); 2]> {
        let best = |mean: fn(&DefendedAttack) -> f64| {
            let means = self.attacks.iter().map(|attack| (attack.attack.as_str(), mean(attack)));
            means.reduce(|best, one| if one.1 > best.1 { one } else { best })
        };
        Some([
            best(|attack| attack.before.heldout.mean)?,
            best(|attack| attack.after.heldout.mean)?,
        ])
    }

    /// True if the repetitions of an attack, paired, show that the defense helps it, or else that it hinders it.
    fn is_shown(&self, attack: &str, is_help: bool) -> bool {
        let decrease = self.attacks.iter().find(|one| one.attack == attack).map(|one| one.decrease);
        let interval = decrease.and_then(|decrease| decrease.heldout.interval);
        interval.is_some_and(|[low, high]| if is_help { high < 0.0 } else { low > 0.0 })
    }

    /// Proved obligations of all certificates without and with the defense.
    pub fn proofs_kept(&self) -> [u64; 2] {
        let sum = |count: fn(&super::StillProved) -> u64| self.certificates.iter().map(count).sum();
        [sum(|kept| kept.before.proved), sum(|kept| kept.after.proved)]
    }

    /// The verdict in one sentence.
    pub fn verdict(&self, budget: u64) -> String {
        let Share { count: before, of: rows } = self.accuracy_before;
        let lost = 100.0 * (before as f64 - self.accuracy_after.count as f64) / rows.max(1) as f64;
        let cost = match lost {
            lost if lost.abs() < 0.05 => "costs no accuracy".to_owned(),
            lost if lost < 0.0 => format!("gains {:.1} points of accuracy", -lost),
            lost => format!("costs {lost:.1} points of accuracy"),
        };
        let [proved, kept] = self.proofs_kept();
        let proofs = match proved {
            0 => String::new(),
            _ if kept == proved => ", keeps every proof".to_owned(),
            _ if kept > proved => {
                format!(", proves {} in place of {}", integer(kept), integer(proved))
            }
            _ => format!(", keeps {} proofs", of(Share::new(kept, proved))),
        };
        let thief = self.best_thieves().map_or_else(String::new, |[before, after]| {
            let (from, to) = (percent(before.1), percent(after.1));
            let ends = format!("{from}% \u{2192} {to}% with {} queries", integer(budget));
            match after.1 - before.1 {
                gain if gain > NOTHING && self.is_shown(after.0, true) => {
                    format!(" and helps the thief ({ends})")
                }
                gain if gain < -NOTHING && self.is_shown(before.0, false) => {
                    format!(" and slows the thief ({ends})")
                }
                gain if gain.abs() <= NOTHING => {
                    format!(" and does nothing against the best thief ({ends})")
                }
                _ => format!(
                    " and makes no difference to the best thief that the repetitions show ({ends})"
                ),
            }
        });
        format!("{} ({}) {cost}{proofs}{thief}.", self.kind, self.strength)
    }
}
