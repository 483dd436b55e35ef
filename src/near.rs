//! Near names: what a misspelled name was probably meant to be. They advise; nothing is accepted for them.

/// Longest name that is compared, in bytes.
const LONGEST: usize = 64;

/// The known name nearest to `found`: the same but for case and the kind of its dashes, or with at most a third of its
/// letters added, left out, changed or exchanged. Among equally near ones the first.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // files may hold names of any length, and the distance takes time in both
    if found.len() > LONGEST {
        return None;
    }
    let simple = |name: &str| name.to_lowercase().replace('_', "-");
    let meant = simple(found);
    let most = meant.chars().count() / 3;
    let distance = |name: &'a str| (strsim::damerau_levenshtein(&meant, &simple(name)), name);
    let candidates = known.into_iter().filter(|name| name.len() <= LONGEST && *name != found);
    let (changes, name) = candidates.map(distance).min_by_key(|(changes, _)| *changes)?;
    (changes <= most).then_some(name)
}

/// `; did you mean `NAME`?`, or nothing where no known name is near.
pub fn advice<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(found, known).map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_letters_are_forgiven() {
        let known = ["epsilon", "epsilon-1", "delta", "norm", "on", "label", "features", "kinds"];
        for (found, near) in [
            ("epsilonn", Some("epsilon")),
            ("espilon", Some("epsilon")),
            ("Delta", Some("delta")),
            ("epsilon_1", Some("epsilon-1")),
            ("nrom", Some("norm")),
            ("lable", Some("label")),
            ("labels", Some("label")),
            ("feature", Some("features")),
            ("knids", Some("kinds")),
            ("speed", None),
            ("y", None),
            ("l3", None),
            ("", None),
        ] {
            assert_eq!(nearest(found, known), near, "{found}");
        }
        assert_eq!(nearest(&"é".repeat(1 << 20), known), None);
        assert_eq!(nearest("epsilon", []), None);
    }
}
