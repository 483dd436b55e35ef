//! Names that were meant, found by the few letters in which they differ.

/// Longest name that is compared, in bytes.
const LONGEST: usize = 64;

/// The known name nearest to `found`: the same but for case, or with at most a third of its letters added, left out,
/// changed or exchanged. Among equally near ones the first.
pub fn near<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if found.len() > LONGEST {
        return None;
    }
    let found: Vec<char> = found.to_lowercase().chars().collect();
    let most = found.len() / 3;
    let candidates = known.into_iter().filter(|name| name.len() <= LONGEST);
    let distances = candidates.map(|name| {
        let letters: Vec<char> = name.to_lowercase().chars().collect();
        (distance(&found, &letters), name)
    });
    let nearest = distances.min_by_key(|(distance, _)| *distance);
    nearest.filter(|(distance, _)| *distance <= most).map(|(_, name)| name)
}

/// Fewest letters to add, leave out, change or exchange with the next one.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, other) in b.iter().enumerate() {
            let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX);
            let changed = at(&row, j) + usize::from(letter != other);
            let mut least = changed.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let is_exchange =
                i > 0 && j > 0 && a.get(i - 1) == Some(other) && b.get(j - 1) == Some(letter);
            if is_exchange {
                least = least.min(at(&before, j - 1) + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_letters_are_forgiven() {
        let known = ["label", "features", "kinds", "ranges", "x"];
        for (found, expected) in [
            ("lable", Some("label")),
            ("labels", Some("label")),
            ("Kinds", Some("kinds")),
            ("feature", Some("features")),
            ("", None),
            ("y", None),
            ("range", Some("ranges")),
            ("more", None),
            ("knids", Some("kinds")),
        ] {
            assert_eq!(near(found, known), expected, "{found}");
        }
        assert_eq!(near(&"x".repeat(65), ["x"]), None);
    }
}
