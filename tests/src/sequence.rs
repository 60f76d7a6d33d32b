//! Numbers that look random and are the same in every run.

/// A sequence of such numbers (Vigna's xorshift64*).
#[derive(Debug)]
pub struct Sequence(u64);

impl Sequence {
    /// The sequence that begins with `seed`, which is not 0.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// The next number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() >> 33).unwrap() % bound
    }
}
