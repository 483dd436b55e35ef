//! Formats of the numbers on a page. The ends of constraint accuracy are formatted where they are
//! counted, with rounding outward; observed shares are rounded to the nearest.

use super::{Difference, Estimate, PropertyName, Share};

pub(crate) use crate::text::grouped as integer;

/// The sign for an empty cell.
pub(super) const NONE: &str = "–";

/// A share as `812 of 1,340`.
pub(super) fn of(share: Share) -> String {
    format!("{} of {}", integer(share.count), integer(share.of))
}

/// An observed share, to the nearest tenth: `94.1%`. It is `100%` or `0%` only if it is exactly that.
pub(super) fn share(share: Share) -> String {
    share.nearest().unwrap_or_else(|| NONE.to_owned())
}

/// An observed share with its count: `72.7% (72 of 99)`.
pub(crate) fn observed(observed: Share) -> String {
    observed.counted().unwrap_or_else(|| NONE.to_owned())
}

/// A mean in `[0, 1]` as `94.21%`.
pub(crate) fn percent_of(mean: f64) -> String {
    format!("{}%", percent(mean))
}

/// A mean in `[0, 1]` in percent, to the nearest hundredth. It is `100.00` or `0.00` only if it is exactly that.
pub(super) fn percent(mean: f64) -> String {
    match format!("{:.2}", 100.0 * mean).as_str() {
        "100.00" if mean < 1.0 => ">99.99".to_owned(),
        "0.00" if mean > 0.0 => "<0.01".to_owned(),
        text => text.to_owned(),
    }
}

/// `94.21 ±0.35`, in percent; a single repetition has no spread.
pub(super) fn estimate_percent(estimate: &Estimate) -> String {
    match estimate.sd {
        Some(sd) => format!("{} ±{:.2}", percent(estimate.mean), 100.0 * sd),
        None => percent(estimate.mean),
    }
}

/// A squared difference such as `0.0123`.
pub(super) fn squared(estimate: &Estimate) -> String {
    format!("{:.4}", estimate.mean)
}

/// A difference such as `+0.42 [-0.10, +0.94]`, in percentage points.
pub(super) fn difference(difference: &Difference) -> String {
    let points = |value: f64| format!("{:+.2}", 100.0 * value);
    match difference.interval {
        Some([low, high]) => {
            format!("{} [{}, {}]", points(difference.mean), points(low), points(high))
        }
        None => points(difference.mean),
    }
}

/// Totals over repetitions as averages of one repetition: all whole numbers if possible, else all with one decimal.
pub(super) fn averages(totals: impl IntoIterator<Item = (u64, u64)>) -> Vec<String> {
    let totals: Vec<(u64, u64)> = totals.into_iter().collect();
    let are_whole = totals.iter().all(|(total, n)| *n == 0 || total.is_multiple_of(*n));
    let average = |&(total, repetitions): &(u64, u64)| match repetitions {
        0 => NONE.to_owned(),
        n if are_whole => integer(total / n),
        n => {
            let tenths = (u128::from(total) * 20 + u128::from(n)) / (2 * u128::from(n));
            let whole = u64::try_from(tenths / 10).unwrap_or(u64::MAX);
            format!("{}.{}", integer(whole), tenths % 10)
        }
    };
    totals.iter().map(average).collect()
}

/// A word of a command line: in quotes where the shell would read it otherwise.
pub(crate) fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_./:@%+=,-".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// A claim such as `local-invariance (epsilon 0.1, delta 0.5)`.
pub(super) fn claim(name: &PropertyName) -> String {
    if name.parameters.is_empty() {
        return name.property.clone();
    }
    format!("{} ({})", name.property, name.parameters)
}

/// The text with `�` for every character by which a name could rewrite the screen or turn text around. Names
/// come from files. Characters that XML does not know go as well.
pub(super) fn printable(text: &str) -> String {
    let is_turned = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let is_unsafe =
        |c: char| c.is_control() || is_turned(c) || matches!(c, '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if is_unsafe(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_command_stay_one_word() {
        assert_eq!(shell_word("../data/tiny-1.csv"), "../data/tiny-1.csv");
        assert_eq!(shell_word("my data.csv"), "'my data.csv'");
        assert_eq!(shell_word("it's"), "'it'\\''s'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn thousands_are_grouped() {
        let written = [0, 7, 999, 1000, 13_400, 1_000_000].map(integer);
        assert_eq!(written, ["0", "7", "999", "1,000", "13,400", "1,000,000"]);
    }

    #[test]
    fn a_mean_near_the_end_does_not_read_as_the_end() {
        assert_eq!(percent(0.999_999), ">99.99");
        assert_eq!(percent(1e-9), "<0.01");
        assert_eq!(percent(1.0), "100.00");
        assert_eq!(percent(0.0), "0.00");
        assert_eq!(percent(0.942_123), "94.21");
    }

    #[test]
    fn a_name_cannot_move_the_cursor_or_turn_the_text() {
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}d"), "a�[2Jb�c�d");
    }

    #[test]
    fn observed_shares_are_rounded_to_the_nearest_tenth() {
        let written = [(1242, 1331), (1, 3), (2, 3), (0, 5), (5, 5), (1, 10_000), (9_999, 10_000)]
            .map(|(count, of)| share(Share::new(count, of)));
        assert_eq!(written, ["93.3%", "33.3%", "66.7%", "0%", "100%", "<0.1%", "99.9%"]);
        assert_eq!(share(Share::new(0, 0)), NONE);
    }

    #[test]
    fn averages_of_a_column_show_a_decimal_only_if_one_needs_it() {
        assert_eq!(averages([(600, 3), (0, 3)]), ["200", "0"]);
        assert_eq!(averages([(600, 3), (3601, 3), (5, 0)]), ["200.0", "1,200.3", NONE]);
    }
}
