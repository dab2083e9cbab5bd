// SPDX-License-Identifier: GPL-2.0

//! Numbers that look random, and are the same for the same seed wherever they are drawn.
//!
//! `SplitMix64`: a counter whose steps are mixed. Nobody attacks a test, and ten lines can be read.

/// The fraction of the golden ratio: no seed and its successor begin alike.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A source of numbers.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// The source that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Random { state: seed }
    }

    /// A source of its own for part `number` of what `seed` stands for: what one part draws does
    /// not change what another one gets.
    pub fn part(seed: u64, number: u64) -> Self {
        let start = Random::new(seed).next();
        Random::new(Random::new(start.wrapping_add(number)).next())
    }

    /// The next number.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "an empty range has no numbers");
        assert!(high - low < u64::MAX);
        // The ranges are tiny against 2^64: that some numbers are likelier cannot be measured.
        low + self.next() % (high - low + 1)
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        assert!(percent <= 100);
        self.between(1, 100) <= percent
    }

    /// One of `choices`; what stands there twice is twice as likely.
    pub fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        assert!(!choices.is_empty(), "there must be something to choose");
        let index = self.between(0, choices.len() as u64 - 1);
        choices[usize::try_from(index).expect("it is smaller than a length")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The reference implementation's first numbers for seed 1234567.
    #[test]
    fn it_is_splitmix64() {
        let mut random = Random::new(1_234_567);
        let drawn: Vec<_> = (0..3).map(|_| random.next()).collect();
        assert_eq!(
            drawn,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423
            ]
        );
    }

    #[test]
    fn ranges_are_reached_and_kept() {
        let mut random = Random::new(1);
        let mut seen = [false; 4];
        for _ in 0..100 {
            let number = random.between(3, 6);
            seen[usize::try_from(number - 3).unwrap()] = true;
        }
        assert_eq!(seen, [true; 4]);
        assert_eq!(random.between(5, 5), 5);
    }

    #[test]
    fn chances_have_two_ends() {
        let mut random = Random::new(2);
        assert!((0..100).all(|_| random.chance(100)));
        assert!(!(0..100).any(|_| random.chance(0)));
    }

    #[test]
    fn parts_differ() {
        let first = |seed, number| Random::part(seed, number).next();
        assert_eq!(first(1, 1), first(1, 1));
        assert_ne!(first(1, 1), first(1, 2));
        assert_ne!(first(1, 2), first(2, 1));
    }
}
