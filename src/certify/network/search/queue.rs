//! The open cases, worst bound first.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::tree::Slot;

/// With more open cases than this, nearly closed cases come first, since they need no memory.
const MANY: usize = 50_000;

/// The open cases of a search.
pub(super) struct Queue<C>(BTreeMap<Priority, C>);

impl<C> Queue<C> {
    pub(super) fn new(slot: Slot, root: C) -> Self {
        let mut queue = Self(BTreeMap::new());
        queue.insert(f64::NEG_INFINITY, slot, root);
        queue
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a case at `slot`; `bound` is approximately the bound that its parent reached.
    pub(super) fn insert(&mut self, bound: f64, slot: Slot, case: C) {
        self.0.insert(Priority { bound, slot }, case);
    }

    /// At most `size` cases with the worst bounds; with the best bounds if there are very many.
    pub(super) fn next_group(&mut self, size: usize) -> Vec<C> {
        let mut group = Vec::with_capacity(size);
        while group.len() < size {
            let is_crowded = self.0.len() > MANY;
            let next = if is_crowded { self.0.pop_last() } else { self.0.pop_first() };
            match next {
                Some((_, case)) => group.push(case),
                None => break,
            }
        }
        group
    }
}

/// The order of open cases: worst bound first, then the older case.
#[derive(Clone, Copy, Debug)]
struct Priority {
    bound: f64,
    slot: Slot,
}

impl Ord for Priority {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bound.total_cmp(&other.bound).then(self.slot.cmp(&other.slot))
    }
}

impl PartialOrd for Priority {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Priority {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Priority {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_bound_comes_first_and_of_equals_the_older() {
        let mut queue = Queue::new(0, "root");
        queue.insert(2.0, 1, "best");
        queue.insert(-1.0, 4, "younger");
        queue.insert(-1.0, 3, "older");
        queue.insert(f64::NAN, 2, "unknown");
        assert_eq!(queue.next_group(9), ["root", "older", "younger", "best", "unknown"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_group_has_the_size_asked_for() {
        let mut queue = Queue::new(0, 0);
        (1..=4).for_each(|slot| queue.insert(slot as f64, slot, slot));
        assert_eq!(queue.next_group(4), [0, 1, 2, 3]);
        assert_eq!(queue.next_group(4), [4]);
    }

    #[test]
    fn of_very_many_the_best_come_first_until_they_are_not() {
        let mut queue = Queue::new(0, 0);
        (1..=MANY).for_each(|slot| queue.insert(slot as f64, slot, slot));
        assert_eq!(queue.next_group(3), [MANY, 0, 1]);
    }
}
