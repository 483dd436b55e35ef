//! A cell as a number: signs of fractions and thousands, missing values, infinities, dates.

use std::borrow::Cow;

use super::options::{DecimalSign, ThousandsSign};
use crate::model::parse_number;

/// Words for a value that is missing, in small letters. In a column of texts they are texts.
const MISSING: [&str; 13] =
    ["na", "n/a", "nan", "#n/a", "#na", "<na>", "null", "none", "nil", "?", "-", "--", "."];

/// The content of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CellText<'a> {
    /// A number, in the notation of a data set.
    Number(Cow<'a, str>),
    /// Nothing but blanks.
    Blank,
    /// A word for a missing value.
    Missing,
    /// Infinite, or beyond a 32-bit float.
    Endless,
    /// Any other text.
    Words,
}

/// The signs inside numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct NumberSigns {
    pub(super) decimal: DecimalSign,
    pub(super) thousands: ThousandsSign,
}

impl NumberSigns {
    /// Signs with which the cells of a file might be numbers although they are none with these.
    pub(super) fn others(self) -> Vec<Self> {
        let decimals = [DecimalSign::Comma, DecimalSign::Point];
        let pairs = decimals.into_iter().flat_map(|decimal| {
            ThousandsSign::NAMES.iter().map(move |&(_, thousands)| Self { decimal, thousands })
        });
        pairs.filter(|signs| *signs != self && !signs.is_ambiguous()).collect()
    }

    /// True if both signs are the same.
    pub(super) fn is_ambiguous(self) -> bool {
        matches!(
            (self.decimal, self.thousands),
            (DecimalSign::Comma, ThousandsSign::Comma) | (DecimalSign::Point, ThousandsSign::Point)
        )
    }

    /// The content of a cell; blanks around it do not count.
    pub(super) fn read(self, text: &str) -> CellText<'_> {
        let text = text.trim();
        if text.is_empty() {
            return CellText::Blank;
        }
        if let Some(number) = self.plain(text) {
            match number.parse::<f64>() {
                Ok(value) if value.is_nan() => return CellText::Missing,
                Ok(_) if parse_number(&number).is_ok() => return CellText::Number(number),
                Ok(_) => return CellText::Endless,
                Err(_) => {}
            }
        }
        let is_missing = MISSING.contains(&text.to_ascii_lowercase().as_str());
        if is_missing { CellText::Missing } else { CellText::Words }
    }

    /// The text with a point before its fraction and without signs between thousands. `None`: with these signs it is
    /// no number.
    fn plain(self, text: &str) -> Option<Cow<'_, str>> {
        let comma = self.decimal == DecimalSign::Comma;
        let sign = if comma { ',' } else { '.' };
        let whole = text.split(sign).next().unwrap_or_default();
        let rest = text.get(whole.len()..).unwrap_or_default();
        let is_grouped = whole.contains(|c| self.thousands.is(c));
        if is_grouped && !self.is_in_groups(whole) {
            return None;
        }
        // a point that is no sign of these numbers belongs to other ones
        if comma && !is_grouped && text.contains('.') || comma && rest.contains('.') {
            return None;
        }
        if !comma && !is_grouped {
            return Some(Cow::Borrowed(text));
        }
        let digits = whole.chars().filter(|&c| !self.thousands.is(c));
        let fraction = if comma { rest.replacen(',', ".", 1) } else { rest.to_owned() };
        Some(Cow::Owned(digits.collect::<String>() + &fraction))
    }

    /// True for one to three digits, the first not 0, and then groups of three.
    fn is_in_groups(self, whole: &str) -> bool {
        let digits = whole.trim_start_matches(['+', '-']);
        let mut groups = digits.split(|c| self.thousands.is(c));
        let is_digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
        let first = groups.next().unwrap_or_default();
        let is_first =
            (1..=3).contains(&first.len()) && is_digits(first) && !first.starts_with('0');
        is_first && groups.all(|group| group.len() == 3 && is_digits(group))
    }
}

impl NumberSigns {
    /// What stands beside the digits of a cell that is a number without it.
    pub(super) fn beside(self, text: &str) -> Option<&'static str> {
        const CURRENCIES: [&str; 8] = ["€", "$", "£", "¥", "EUR", "USD", "GBP", "CHF"];
        let is_number = |text: &str| {
            let signs = self.others().into_iter().chain([self]);
            signs.into_iter().any(|signs| matches!(signs.read(text), CellText::Number(_)))
        };
        if !text.bytes().any(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let bare = |text: &str, sign: &str| -> Option<String> {
            let at_end = text.trim_end().strip_suffix(sign).map(|text| text.trim().to_owned());
            at_end.or_else(|| text.contains(sign).then(|| text.replacen(sign, "", 1)))
        };
        let plain = text.replace(['\u{2212}', '\u{2013}'], "-");
        if plain != text && is_number(&plain) {
            return Some("a minus that is not `-` but another line");
        }
        if bare(&plain, "%").is_some_and(|text| is_number(&text)) {
            return Some("a percent sign");
        }
        let is_price =
            |sign: &&'static str| bare(&plain, sign).is_some_and(|text| is_number(&text));
        CURRENCIES.into_iter().find(is_price).map(|_| "a currency")
    }
}

/// True for dates in numbers, such as `2021-03-04`, `4.3.2021` or `03/04/21`, with or without a time, and for times.
pub(super) fn is_date(text: &str) -> bool {
    let (day, time) = text.split_once(['T', ' ']).unwrap_or((text, ""));
    if is_time(text) {
        return true;
    }
    let is_day = ['-', '/', '.'].into_iter().any(|sign| {
        let parts: Vec<&str> = day.split(sign).collect();
        let [a, b, c] = parts.as_slice() else { return false };
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let is_short = |part: &str| is_number(part) && part.len() <= 2;
        let is_year = |part: &str| is_number(part) && part.len() == 4;
        (is_year(a) && is_short(b) && is_short(c))
            || (is_short(a) && is_short(b) && (is_short(c) || is_year(c)))
    });
    is_day && (time.is_empty() || is_time(time))
}

/// True for hours and minutes, with whatever follows them.
fn is_time(text: &str) -> bool {
    let Some((hours, rest)) = text.trim().split_once(':') else { return false };
    let is_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let minutes = rest.get(..2).unwrap_or_default();
    (1..=2).contains(&hours.len()) && is_digits(hours) && minutes.len() == 2 && is_digits(minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signs(decimal: DecimalSign, thousands: ThousandsSign) -> NumberSigns {
        NumberSigns { decimal, thousands }
    }

    #[test]
    fn numbers_are_read_by_their_signs() {
        use DecimalSign::{Comma, Point};
        let (comma, point) = (ThousandsSign::Comma, ThousandsSign::Point);
        for (text, signs, plain) in [
            ("1.50", signs(Point, ThousandsSign::None), "1.50"),
            (" -7e-3 ", signs(Point, ThousandsSign::None), "-7e-3"),
            ("1,50", signs(Comma, ThousandsSign::None), "1.50"),
            ("12", signs(Comma, ThousandsSign::None), "12"),
            ("1.234.567,25", signs(Comma, point), "1234567.25"),
            ("1,234.5", signs(Point, comma), "1234.5"),
            ("-12,345", signs(Point, comma), "-12345"),
            ("1 234,5", signs(Comma, ThousandsSign::Space), "1234.5"),
            ("1\u{a0}234\u{a0}567", signs(Point, ThousandsSign::Space), "1234567"),
            ("1'234.5", signs(Point, ThousandsSign::Apostrophe), "1234.5"),
            ("0.125", signs(Point, comma), "0.125"),
        ] {
            assert_eq!(signs.read(text), CellText::Number(Cow::Borrowed(plain)), "{text}");
        }
        for (text, signs) in [
            ("1,5", signs(Point, ThousandsSign::None)),
            ("1.5", signs(Comma, ThousandsSign::None)),
            ("1.5", signs(Comma, point)),
            ("0.125", signs(Comma, point)),
            ("1,23", signs(Point, comma)),
            ("1,2,3", signs(Comma, ThousandsSign::None)),
            ("1,5.5", signs(Comma, point)),
            ("12,34,567", signs(Point, comma)),
            ("1 234", signs(Point, ThousandsSign::None)),
            ("12 kg", signs(Point, ThousandsSign::None)),
        ] {
            assert_eq!(signs.read(text), CellText::Words, "{text}");
        }
    }

    #[test]
    fn what_is_no_finite_number_is_told_apart() {
        let signs = signs(DecimalSign::Point, ThousandsSign::None);
        for text in ["inf", "-Infinity", "1e39", "-4e38", "1e999"] {
            assert_eq!(signs.read(text), CellText::Endless, "{text}");
        }
        for text in ["NaN", "-nan", "NA", "n/a", "?", "NULL", "#N/A"] {
            assert_eq!(signs.read(text), CellText::Missing, "{text}");
        }
        assert_eq!(signs.read(" \u{a0}"), CellText::Blank);
    }

    #[test]
    fn dates_are_known() {
        for text in
            ["2021-03-04", "4.3.2021", "03/04/21", "2021-03-04T05:06:07Z", "1/2/2020 7:15", "7:15"]
        {
            assert!(is_date(text), "{text}");
        }
        for text in ["1.5", "10.0.0.1", "2021", "a-b-c", "1-2", "123-45-678", "2021-03-04 noon"] {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn signs_beside_numbers_are_known() {
        let signs = signs(DecimalSign::Point, ThousandsSign::None);
        for (text, sign) in [
            ("12%", "percent"),
            ("-1.5 %", "percent"),
            ("12,5 %", "percent"),
            ("€ 3.50", "currency"),
            ("$1,234.50", "currency"),
            ("-3 EUR", "currency"),
            ("\u{2212}2.5", "minus"),
            ("\u{2013}2", "minus"),
        ] {
            assert!(signs.beside(text).is_some_and(|found| found.contains(sign)), "{text}");
        }
        for text in ["%", "a%", "12 kg", "12-3", "12", "EUR", "1%2%"] {
            assert_eq!(signs.beside(text), None, "{text}");
        }
    }
}
