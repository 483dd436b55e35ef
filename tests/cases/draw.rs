//! Draws from which models and mutants are made.

#![allow(dead_code, reason = "every test file uses its own part")]

/// A small generator (SplitMix64), so that one seed makes a whole model.
pub struct Draw(pub u64);

impl Draw {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.bits() % n
    }

    /// A number from 0 to `n − 1`; 0 if there is none.
    pub fn index(&mut self, n: usize) -> usize {
        usize::try_from(self.below(n.max(1) as u64)).unwrap()
    }

    pub fn pick<T: Clone>(&mut self, all: &[T]) -> Option<T> {
        let at = self.index(all.len());
        all.get(at).cloned()
    }

    pub fn is_heads(&mut self) -> bool {
        self.bits().is_multiple_of(2)
    }

    /// In [−1, 1).
    pub fn signed(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// A coordinate of `[0, 1]`: an end, the middle, or any dyadic.
    pub fn share(&mut self) -> f64 {
        match self.below(4) {
            0 => 0.0,
            1 => 1.0,
            2 => 0.5,
            _ => self.signed().abs(),
        }
    }
}
