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

    /// The 95% interval of what the best thief loses, paired by repetition; where the best thief changes, that of the
    /// first minus the second.
    fn loss_interval(&self) -> Option<[f64; 2]> {
        let [(before, _), (after, _)] = self.best_thieves()?;
        let best = self.best.as_ref().filter(|best| best.before == before && best.after == after);
        let same = || self.attacks.iter().find(|one| before == after && one.attack == after);
        let decrease = best.map(|best| best.decrease);
        decrease.or_else(|| same().map(|one| one.decrease.heldout))?.interval
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
            let loss = self.loss_interval();
            match after.1 - before.1 {
                gain if gain > NOTHING && loss.is_some_and(|[_, high]| high < 0.0) => {
                    format!(" and helps the thief ({ends})")
                }
                gain if gain < -NOTHING && loss.is_some_and(|[low, _]| low > 0.0) => {
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

#[cfg(test)]
mod tests {
    use super::super::fixture::report;
    use super::super::{BestThieves, Difference, Estimate, PerSet};
    use super::*;

    fn each<T: Copy>(heldout: T) -> PerSet<T> {
        PerSet { heldout, uniform: heldout, boundary: heldout }
    }

    fn attack(name: &str, before: &[f64], after: &[f64]) -> DefendedAttack {
        let estimate = |values: &[f64]| each(Estimate::from_repetitions(values).unwrap());
        let decrease = each(Difference::from_pairs(before, after).unwrap());
        DefendedAttack {
            attack: name.to_owned(),
            before: estimate(before),
            after: estimate(after),
            decrease,
        }
    }

    /// A defense against two attacks, with the best before and the best after paired.
    fn defense(first: [&[f64]; 2], second: [&[f64]; 2]) -> DefenseReport {
        let mut defense = report().runs[0].models[0].defenses[0].clone();
        defense.attacks =
            vec![attack("first", first[0], first[1]), attack("second", second[0], second[1])];
        let [(before, _), (after, _)] =
            defense.best_thieves().map(|both| both.map(|(n, m)| (n.to_owned(), m))).unwrap();
        let of = |name: &str, side: usize| if name == "first" { first[side] } else { second[side] };
        let decrease = Difference::from_pairs(of(&before, 0), of(&after, 1)).unwrap();
        defense.best = Some(BestThieves { before, after, decrease });
        defense
    }

    #[test]
    fn a_thief_that_changes_is_not_slowed_by_what_the_other_loses() {
        // the first surely loses 30 points; the second, best afterwards, is as good as the first was but for chance
        let first = [&[0.90, 0.92, 0.94][..], &[0.60, 0.62, 0.64]];
        let second = [&[0.85, 0.86, 0.87][..], &[0.95, 0.80, 0.93]];
        let said = defense(first, second).verdict(200);
        assert!(said.contains("makes no difference"), "{said}");
        // it is where every repetition says so
        let second = [&[0.85, 0.86, 0.87][..], &[0.70, 0.72, 0.74]];
        let said = defense(first, second).verdict(200);
        assert!(said.contains("slows the thief (92.00% \u{2192} 72.00%"), "{said}");
        let second = [&[0.85, 0.86, 0.87][..], &[0.97, 0.98, 0.99]];
        let said = defense(first, second).verdict(200);
        assert!(said.contains("helps the thief (92.00% \u{2192} 98.00%"), "{said}");
    }

    #[test]
    fn without_the_pair_a_change_of_thief_shows_nothing() {
        let first = [&[0.90, 0.92, 0.94][..], &[0.60, 0.62, 0.64]];
        let mut other = defense(first, [&[0.85, 0.86, 0.87], &[0.70, 0.72, 0.74]]);
        other.best = None;
        let said = other.verdict(200);
        assert!(said.contains("makes no difference"), "{said}");
        let mut same = defense(first, [&[0.5, 0.5, 0.5], &[0.5, 0.5, 0.5]]);
        same.best = None;
        let said = same.verdict(200);
        assert!(said.contains("slows the thief"), "{said}");
    }
}
