//! Keys of a spec: each is taken once, by the property that it belongs to; what is left is refused.

use std::fmt;

use crate::interval::{Decimal, Rational};

use super::SpecError;

/// Declares [`Keys`](super::Keys): every key that some property takes, with a method that takes it.
macro_rules! keys {
    ($($field:ident: $type:ty = $name:literal),* $(,)?) => {
        /// Every key that some property takes.
        #[derive(Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct Keys {
            /// The property that takes keys, once it is known.
            #[serde(skip)]
            taker: &'static str,
            $(#[serde(rename = $name)] $field: Option<$type>,)*
        }

        impl Keys {
            $(pub(super) fn $field(&mut self) -> TakenKey<$type> {
                TakenKey { taker: self.taker, key: $name, value: self.$field.take() }
            })*

            /// Refuses if one of these keys is not given, and names all that are not.
            fn expect_all(&self, property: &'static str, needed: &[&'static str]) -> Result<(), SpecError> {
                let is_given = |key: &str| match key { $($name => self.$field.is_some(),)* _ => true };
                let missing: Vec<_> = needed.iter().copied().filter(|key| !is_given(key)).collect();
                match missing.as_slice() {
                    [] => Ok(()),
                    _ => Err(SpecError::Missing { property, keys: missing }),
                }
            }

            /// Refuses the first key that is still there.
            pub(super) fn expect_no_more(&self) -> Result<(), SpecError> {
                let property = self.taker;
                $(if self.$field.is_some() {
                    return Err(SpecError::Superfluous { property, key: $name });
                })*
                Ok(())
            }
        }
    };
}
pub(super) use keys;

/// A key taken out of a spec, with its value if it is given.
pub(in crate::spec) struct TakenKey<T> {
    pub(super) taker: &'static str,
    pub(super) key: &'static str,
    pub(super) value: Option<T>,
}

impl<T> TakenKey<T> {
    /// The value, if the key is given.
    pub(in crate::spec) fn given(self) -> Option<T> {
        self.value
    }

    pub(in crate::spec) fn or(self, default: T) -> T {
        self.value.unwrap_or(default)
    }

    /// The value; a missing key is refused.
    pub(super) fn needed(self) -> Result<T, SpecError> {
        self.value.ok_or(SpecError::Missing { property: self.taker, keys: vec![self.key] })
    }
}

/// Numbers that are needed, in a range.
impl TakenKey<Decimal> {
    pub(super) fn not_negative(self) -> Result<Decimal, SpecError> {
        let (key, value) = (self.key, self.needed()?);
        expect_not_negative(key, &value)?;
        Ok(value)
    }

    pub(super) fn positive(self) -> Result<Decimal, SpecError> {
        self.needed_if(|value| *value > Rational::ZERO, "a number > 0")
    }

    /// Strictly between 0 and 1.
    pub(super) fn share(self) -> Result<Decimal, SpecError> {
        let is_inside = |value: &Rational| *value > Rational::ZERO && *value < Rational::ONE;
        self.needed_if(is_inside, "a number strictly between 0 and 1")
    }

    /// The value, which is needed and holds what is expected of it.
    fn needed_if(
        self,
        holds: impl Fn(&Rational) -> bool,
        expected: &'static str,
    ) -> Result<Decimal, SpecError> {
        let (key, value) = (self.key, self.needed()?);
        expect(key, &value, holds(value.value()), expected)?;
        Ok(value)
    }
}

impl<T> TakenKey<Vec<T>> {
    /// The list, which is needed and not empty.
    pub(super) fn filled(self) -> Result<Vec<T>, SpecError> {
        let (key, list) = (self.key, self.needed()?);
        expect_filled(key, &list)?;
        Ok(list)
    }
}

/// Refuses a number below 0.
pub(super) fn expect_not_negative(key: &'static str, value: &Decimal) -> Result<(), SpecError> {
    expect(key, value, *value.value() >= Rational::ZERO, "a number >= 0")
}

pub(super) fn expect_filled<T>(key: &'static str, list: &[T]) -> Result<(), SpecError> {
    expect(key, "an empty list", !list.is_empty(), "at least one feature")
}

/// Refuses a value for which the claim would have no meaning.
pub(super) fn expect(
    key: &'static str,
    found: impl fmt::Display,
    holds: bool,
    expected: &'static str,
) -> Result<(), SpecError> {
    holds.then_some(()).ok_or_else(|| SpecError::Value { key, found: found.to_string(), expected })
}
