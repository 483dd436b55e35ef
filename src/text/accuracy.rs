//! Totals as the pair that bounds constraint accuracy, and shares as percentages.
//!
//! ```text
//! n = proved + refuted + undecided          (vacuous and invalid are listed apart)
//! proved/n  ≤  constraint accuracy  ≤  1 − refuted/n
//! ```
//!
//! Lower ends print rounded down, upper ends rounded up, with one decimal; digits are added before
//! a number would read as 100% or 0% without being it. Integers throughout: no float is rounded twice.

use serde::{Deserialize, Serialize};

use crate::certificate::Totals;

/// `1 cell`, `2 cells`: a count of things whose plural takes an s.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `count` out of `of`: an observed share, for example correct predictions among test rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Number of those that have the property.
    pub count: u64,
    /// Number of all.
    pub of: u64,
}

impl Share {
    /// `count` out of `of`.
    pub fn new(count: u64, of: u64) -> Self {
        Self { count, of }
    }

    /// The share as a number in `[0, 1]`; `None` if there is nothing to divide by.
    pub fn ratio(self) -> Option<f64> {
        (self.of > 0).then(|| self.count as f64 / self.of as f64)
    }

    /// Rounded down: `99.9%` for 999 of 1000, `100%` only for all. `None` if `of` is 0.
    pub fn lower(self) -> Option<String> {
        percent(self, false)
    }

    /// Rounded up: `33.4%` for 1 of 3, `100%` only for all. `None` if `of` is 0.
    pub fn upper(self) -> Option<String> {
        percent(self, true)
    }

    /// To the nearest tenth: `94.1%`; `100%` or `0%` only if it is exactly that. `None` if `of` is 0.
    pub fn nearest(self) -> Option<String> {
        let (lower, count, of) = (self.lower()?, u128::from(self.count), u128::from(self.of));
        Some(match (2 * 1000 * count + of) / (2 * of) {
            tenths @ 1..=999 => format!("{}.{}%", tenths / 10, tenths % 10),
            0 if self.count > 0 => "<0.1%".to_owned(),
            _ => lower,
        })
    }

    /// The nearest share with its count: `72.7% (72 of 99)`. `None` if `of` is 0.
    pub fn counted(self) -> Option<String> {
        Some(format!("{} ({} of {})", self.nearest()?, grouped(self.count), grouped(self.of)))
    }
}

/// A whole number such as `1,340`.
pub fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Digits after the point that a percentage gets at most.
const MOST_DECIMALS: u32 = 9;

fn percent(share: Share, round_up: bool) -> Option<String> {
    let (count, of) = (u128::from(share.count), u128::from(share.of));
    if of == 0 || count > of {
        return None;
    }
    if count == 0 || count == of {
        return Some(if count == 0 { "0%" } else { "100%" }.to_owned());
    }
    let at = |decimals: u32| {
        let units = 10u128.pow(decimals);
        let scaled = count * 100 * units;
        (if round_up { scaled.div_ceil(of) } else { scaled / of }, units)
    };
    // More digits while the rounded number would say all or nothing; it is neither.
    let decimals = (1..=MOST_DECIMALS).find(|&decimals| {
        let (rounded, units) = at(decimals);
        rounded > 0 && rounded < 100 * units
    });
    let Some(decimals) = decimals else {
        return Some(if round_up { "<100%" } else { ">0%" }.to_owned());
    };
    let (rounded, units) = at(decimals);
    Some(format!("{}.{:0width$}%", rounded / units, rounded % units, width = decimals as usize))
}

impl Totals {
    /// Lower end of constraint accuracy, `proved / n`, rounded down. `None` if n is 0.
    pub fn lower(self) -> Option<String> {
        Share::new(self.proved, self.n()).lower()
    }

    /// Upper end of constraint accuracy, `1 − refuted / n`, rounded up.
    ///
    /// `None` if n is 0, and also if nothing is refuted while something is undecided: that end is
    /// the empty statement "at most all", and `100%` is kept for properties proved everywhere.
    pub fn upper(self) -> Option<String> {
        if self.refuted == 0 && self.undecided > 0 {
            return None;
        }
        Share::new(self.n() - self.refuted.min(self.n()), self.n()).upper()
    }

    /// The share of the proved with its count, where nothing is undecided and rounding outward would hide that:
    /// `66.7% (2 of 3)`.
    pub fn exactly(self) -> Option<String> {
        let is_hidden = self.undecided == 0 && self.n() > 0 && self.lower() != self.upper();
        is_hidden.then(|| Share::new(self.proved, self.n()).counted())?
    }

    /// `93.3% ≤ CA ≤ 97.5%`, or the half of it that says something; `CA = 66.7% (2 of 3)` where
    /// nothing is undecided; `no obligations` if n is 0.
    pub fn constraint_accuracy(self) -> String {
        if let Some(share) = self.exactly() {
            return format!("CA = {share}");
        }
        match (self.lower(), self.upper()) {
            (Some(lower), Some(upper)) if lower == upper => format!("CA = {lower}"),
            (Some(lower), Some(upper)) => format!("{lower} ≤ CA ≤ {upper}"),
            (Some(lower), None) => format!("{lower} ≤ CA"),
            (None, _) => "no obligations".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(proved: u64, refuted: u64, undecided: u64) -> Totals {
        Totals { proved, refuted, undecided, vacuous: 7, invalid: 9 }
    }

    #[test]
    fn lower_ends_are_rounded_down_and_upper_ends_up() {
        let table = [
            (1, 3, "33.3%", "33.4%"),
            (2, 3, "66.6%", "66.7%"),
            (1, 2, "50.0%", "50.0%"),
            (999, 1000, "99.9%", "99.9%"),
            (9_999, 10_000, "99.9%", "99.99%"),
            (1, 10_000, "0.01%", "0.1%"),
            (1, 3_000_000, "0.00003%", "0.1%"),
            (2_999_999, 3_000_000, "99.9%", "99.99997%"),
            (0, 5, "0%", "0%"),
            (5, 5, "100%", "100%"),
        ];
        for (count, of, lower, upper) in table {
            let share = Share::new(count, of);
            assert_eq!(share.lower().as_deref(), Some(lower), "{count}/{of} down");
            assert_eq!(share.upper().as_deref(), Some(upper), "{count}/{of} up");
        }
    }

    #[test]
    fn nothing_to_divide_by_prints_no_number() {
        assert_eq!(Share::new(0, 0).lower(), None);
        assert_eq!(Share::new(0, 0).ratio(), None);
        assert_eq!(counts(0, 0, 0).lower(), None);
        assert_eq!(counts(0, 0, 0).upper(), None);
        assert_eq!(counts(0, 0, 0).constraint_accuracy(), "no obligations");
    }

    #[test]
    fn more_than_all_prints_no_number() {
        assert_eq!(Share::new(6, 5).lower(), None);
        assert_eq!(Share::new(6, 5).upper(), None);
    }

    #[test]
    fn vacuous_and_invalid_are_not_part_of_n() {
        assert_eq!(counts(2, 1, 1).n(), 4);
    }

    #[test]
    fn constraint_accuracy_is_a_pair() {
        assert_eq!(counts(812, 290, 225).constraint_accuracy(), "61.1% ≤ CA ≤ 78.2%");
        assert_eq!(counts(2, 1, 0).constraint_accuracy(), "CA = 66.7% (2 of 3)");
        assert_eq!(counts(3, 0, 0).constraint_accuracy(), "CA = 100%");
        assert_eq!(counts(0, 3, 0).constraint_accuracy(), "CA = 0%");
    }

    #[test]
    fn an_open_row_never_shows_a_hundred_percent() {
        assert_eq!(counts(999, 0, 1).constraint_accuracy(), "99.9% ≤ CA");
        let nearly = counts(u64::MAX / 2, 1, 0);
        assert_eq!(nearly.lower().as_deref(), Some("99.9%"));
        assert_eq!(nearly.upper().as_deref(), Some("<100%"));
    }

    /// The number before the sign, as a multiple of 10⁻⁹ percent.
    fn parsed(text: &str) -> u128 {
        let (whole, decimals) =
            text.trim_end_matches('%').split_once('.').unwrap_or((text.trim_end_matches('%'), ""));
        format!("{whole}{decimals:0<9}").parse().unwrap()
    }

    proptest! {
        #[test]
        fn printed_ends_enclose_the_share(of in 1u64..2_000_000, part in 0.0..=1.0f64) {
            let count = (of as f64 * part) as u64;
            let share = Share::new(count, of);
            let exact = u128::from(count) * 100_000_000_000;
            let (lower, upper) = (share.lower().unwrap(), share.upper().unwrap());
            prop_assert!(parsed(&lower) * u128::from(of) <= exact, "{lower} > {count}/{of}");
            prop_assert!(parsed(&upper) * u128::from(of) >= exact, "{upper} < {count}/{of}");
            prop_assert_eq!(lower == "100%", count == of);
            prop_assert_eq!(upper == "100%", count == of);
        }
    }
}
