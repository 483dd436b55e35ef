//! Claims that posteriors at two points are close, behind a map.

use crate::interval::Rational;

/// `‖F(x) − F(x′)‖₂ <= factor·limit − slack`, said of limits from `least` on. A property asks for
/// [`Closeness::ITSELF`]; a map carries it to what must hold of the undefended posteriors.
#[derive(Clone, Debug, PartialEq)]
pub struct Closeness {
    /// Above 0.
    factor: Rational,
    /// At least 0.
    slack: Rational,
    /// At least 0.
    least: Rational,
}

impl Closeness {
    /// The limit itself.
    pub const ITSELF: Self =
        Self { factor: Rational::ONE, slack: Rational::ZERO, least: Rational::ZERO };

    /// At least √2: the nearest `f64` lies above.
    pub(super) fn root_of_two() -> Rational {
        Rational::from_f64(std::f64::consts::SQRT_2).unwrap_or(Rational::ONE)
    }

    /// What suffices where a map moves two answers `‖F′ − G′‖ <= max(rate·‖F − G‖ + shift, jump)` apart; `None` if it
    /// cannot be said, as with a rate of 0.
    pub(super) fn behind(
        &self,
        rate: &Rational,
        shift: &Rational,
        jump: &Rational,
    ) -> Option<Self> {
        // the jump stays within the limit: factor·limit − slack >= jump
        let least = (&(jump + &self.slack) / &self.factor)?;
        Some(Self {
            factor: (&self.factor / rate)?,
            slack: (&(&self.slack + shift) / rate)?,
            least: if least > self.least { least } else { self.least.clone() },
        })
    }

    /// The factor, if a limit is no more than scaled.
    pub fn scale(&self) -> Option<&Rational> {
        let is_scale = self.slack == Rational::ZERO && self.least == Rational::ZERO;
        is_scale.then_some(&self.factor)
    }

    /// What a limit becomes; `None` if nothing can be as close as that.
    pub fn of_limit(&self, limit: &Rational) -> Option<Rational> {
        let within = &(&self.factor * limit) - &self.slack;
        (*limit >= self.least && within >= Rational::ZERO).then_some(within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Rational {
        text.parse::<crate::interval::Decimal>().unwrap().value().clone()
    }

    #[test]
    fn maps_one_behind_the_other_ask_for_the_sum_of_their_moves() {
        let zero = Rational::ZERO;
        let first = Closeness::ITSELF.behind(&number("0.5"), &zero, &zero).unwrap();
        assert_eq!(first.scale(), Some(&number("2")));
        assert_eq!(first.of_limit(&number("0.3")), Some(number("0.6")));
        // ‖F″‖ <= ½‖F′‖ and ‖F′‖ <= ½‖F‖ + 0.1, or a jump of 0.2
        let both = first.behind(&number("0.5"), &number("0.1"), &number("0.2")).unwrap();
        assert_eq!(both.scale(), None);
        assert_eq!(both.of_limit(&number("0.3")), Some(number("1")));
        assert_eq!(both.of_limit(&number("0.1")), Some(number("0.2")), "½·0.2 is the jump itself");
        assert_eq!(both.of_limit(&number("0.09")), None);
        assert_eq!(Closeness::ITSELF.behind(&zero, &zero, &zero), None);
        let shifted = Closeness::ITSELF.behind(&Rational::ONE, &number("0.2"), &zero).unwrap();
        assert_eq!(shifted.of_limit(&number("0.2")), Some(zero));
        assert_eq!(shifted.of_limit(&number("0.1")), None);
        assert!(&Closeness::root_of_two() * &Closeness::root_of_two() > number("2"));
    }
}
