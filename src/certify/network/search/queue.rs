//! The open cases, worst bound first, within a memory.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::tree::Slot;

/// With more open cases than this, nearly closed cases come first, since they need no memory.
const MANY: usize = 50_000;

/// So many cases are kept whatever they take up.
const KEPT: usize = 1_024;

/// A case that takes up memory while it waits.
pub(in crate::certify::network) trait Stowed {
    /// Its size in bytes, approximately; what cases share is divided among them.
    fn bytes(&self) -> usize;
}

/// The open cases of a search.
pub(super) struct Queue<C> {
    cases: BTreeMap<Priority, C>,
    /// The size of all cases, and the size from which on nearly closed ones come first.
    bytes: usize,
    most: usize,
}

impl<C: Stowed> Queue<C> {
    /// A queue that should not grow beyond `most` bytes.
    pub(super) fn new(slot: Slot, root: C, most: usize) -> Self {
        let mut queue = Self { cases: BTreeMap::new(), bytes: 0, most };
        queue.insert(f64::NEG_INFINITY, slot, root);
        queue
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// True if the cases take up twice what they may: nearly closed ones came first, and did not close.
    pub(super) fn is_overfull(&self) -> bool {
        self.bytes / 2 > self.most && self.cases.len() > KEPT
    }

    /// Forgets the cases with the best bounds, which are the least likely to hold a counterexample, until the others fit.
    pub(super) fn forget(&mut self) {
        while self.bytes > self.most && self.cases.len() > KEPT {
            let Some((_, case)) = self.cases.pop_last() else { break };
            self.bytes -= case.bytes();
        }
    }

    /// Adds a case at `slot`; `bound` is approximately the bound that its parent reached.
    pub(super) fn insert(&mut self, bound: f64, slot: Slot, case: C) {
        self.bytes += case.bytes();
        self.cases.insert(Priority { bound, slot }, case);
    }

    /// At most `size` cases with the worst bounds; with the best bounds if there are very many, or if they take
    /// up too much memory.
    pub(super) fn next_group(&mut self, size: usize) -> Vec<C> {
        let mut group = Vec::with_capacity(size);
        while group.len() < size {
            let is_crowded = self.cases.len() > MANY || self.bytes > self.most;
            let next = if is_crowded { self.cases.pop_last() } else { self.cases.pop_first() };
            let Some((_, case)) = next else { break };
            self.bytes -= case.bytes();
            group.push(case);
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

    impl Stowed for &str {
        fn bytes(&self) -> usize {
            self.len()
        }
    }

    impl Stowed for usize {
        fn bytes(&self) -> usize {
            1
        }
    }

    #[test]
    fn the_worst_bound_comes_first_and_of_equals_the_older() {
        let mut queue = Queue::new(0, "root", usize::MAX);
        queue.insert(2.0, 1, "best");
        queue.insert(-1.0, 4, "younger");
        queue.insert(-1.0, 3, "older");
        queue.insert(f64::NAN, 2, "unknown");
        assert_eq!(queue.next_group(9), ["root", "older", "younger", "best", "unknown"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn a_group_has_the_size_asked_for() {
        let mut queue = Queue::new(0, 0, usize::MAX);
        (1..=4).for_each(|slot| queue.insert(slot as f64, slot, slot));
        assert_eq!(queue.next_group(4), [0, 1, 2, 3]);
        assert_eq!(queue.next_group(4), [4]);
    }

    #[test]
    fn of_very_many_the_best_come_first_until_they_are_not() {
        let mut queue = Queue::new(0, 0, usize::MAX);
        (1..=MANY).for_each(|slot| queue.insert(slot as f64, slot, slot));
        assert_eq!(queue.next_group(3), [MANY, 0, 1]);
    }

    #[test]
    fn the_best_are_forgotten_where_nothing_fits() {
        let mut queue = Queue::new(0, 0_usize, 600);
        (1..=KEPT).for_each(|slot| queue.insert(slot as f64, slot, slot));
        assert!(!queue.is_overfull());
        (1..=KEPT).for_each(|slot| queue.insert(-(slot as f64), KEPT + slot, slot));
        assert!(queue.is_overfull());
        queue.forget();
        assert_eq!((queue.cases.len(), queue.bytes), (KEPT, KEPT), "so many are kept");
        assert_eq!(queue.cases.last_key_value().unwrap().0.bound, -2.0);
        assert!(!queue.is_overfull());
    }

    #[test]
    fn of_very_large_ones_the_best_come_first_until_they_fit() {
        let mut queue = Queue::new(0, "root", 9);
        queue.insert(1.0, 1, "large");
        queue.insert(2.0, 2, "largest");
        assert_eq!(queue.next_group(3), ["largest", "root", "large"]);
        assert_eq!(queue.bytes, 0);
    }
}
