//! Near names: what a misspelled name was probably meant to be. They advise; nothing is accepted for them.

/// The known name nearest to one that was found, if it is near enough to have been meant.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // files may hold names of any length, and the distance takes time in both
    if found.chars().nth(MAX_LETTERS).is_some() {
        return None;
    }
    let simple = |name: &str| name.to_lowercase().replace('_', "-");
    let meant = simple(found);
    let distance = |name: &'a str| (strsim::damerau_levenshtein(&meant, &simple(name)), name);
    let (changes, name) = known.into_iter().map(distance).min_by_key(|(changes, _)| *changes)?;
    let most = meant.chars().count().max(3) / 3;
    (changes <= most && name != found).then_some(name)
}

/// Longest name that is compared, in letters.
const MAX_LETTERS: usize = 100;

/// `; did you mean `NAME`?`, or nothing where no known name is near.
pub fn advice<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(found, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_letters_make_a_near_name() {
        let known = ["epsilon", "epsilon-1", "delta", "norm", "on"];
        for (found, near) in [
            ("epsilonn", Some("epsilon")),
            ("espilon", Some("epsilon")),
            ("Delta", Some("delta")),
            ("epsilon_1", Some("epsilon-1")),
            ("nrom", Some("norm")),
            ("no", Some("on")),
            ("speed", None),
            ("", None),
            ("delta", None),
        ] {
            assert_eq!(nearest(found, known), near, "{found}");
        }
        assert_eq!(nearest(&"é".repeat(1 << 20), known), None);
        assert_eq!(nearest("epsilon", []), None);
    }
}
