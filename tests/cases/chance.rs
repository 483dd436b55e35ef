//! Numbers by chance, the same in every run.

#![allow(dead_code, reason = "every test file uses its own part")]

/// A linear congruential generator (Knuth's MMIX), from a seed.
pub struct Chance(pub u64);

impl Chance {
    /// 64 bits; the higher, the more random.
    pub fn bits(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }

    /// A number from 0 to `end − 1`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() >> 33) as usize % end.max(1)
    }

    /// One of several.
    pub fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// In [−1, 1), an f32.
    pub fn signed(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    }
}
