// SPDX-License-Identifier: GPL-2.0

//! How a generation is laid out in a block.
//!
//! A block is filled with copies of one stamp of [`STAMP_BYTES`]: magic, run, block, generation,
//! each eight bytes, little endian. The repetition replaces a checksum: a block that was written in
//! part holds stamps that differ. The run keeps an earlier run's late writes apart from this run's;
//! the block number shows a write that went to the wrong place.

use thiserror::Error;

/// Size of one stamp; a block holds a whole number of them.
pub const STAMP_BYTES: usize = 32;

const MAGIC: [u8; 8] = *b"GHOSTREG";

/// Where the generation is in a stamp.
const GENERATION: usize = 24;

/// What a block holds when it does not hold one generation of its own register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Damage {
    /// The bytes at this offset into the block are no stamp at all.
    #[error("no stamp at byte {byte} of the block")]
    NoStamp {
        /// Offset into the block.
        byte: usize,
    },
    /// Somebody else's run wrote it.
    #[error("read a stamp of another run ({run})")]
    OtherRun {
        /// The run that is named in the stamp.
        run: u64,
    },
    /// The write was meant for another block.
    #[error("read a stamp of block {block}")]
    OtherBlock {
        /// The block that is named in the stamp.
        block: u64,
    },
    /// Parts of the block are of different generations.
    #[error("read generations {oldest} to {newest} in one block")]
    Torn {
        /// The oldest generation in the block.
        oldest: u64,
        /// The newest generation in the block.
        newest: u64,
    },
}

/// Fills `bytes` with the stamp of `generation`.
pub fn encode(bytes: &mut [u8], run: u64, block: u64, generation: u64) {
    assert_eq!(bytes.len() % STAMP_BYTES, 0);

    let mut stamp = [0; STAMP_BYTES];
    stamp[..8].copy_from_slice(&MAGIC);
    stamp[8..16].copy_from_slice(&run.to_le_bytes());
    stamp[16..24].copy_from_slice(&block.to_le_bytes());
    stamp[GENERATION..].copy_from_slice(&generation.to_le_bytes());
    for place in bytes.chunks_exact_mut(STAMP_BYTES) {
        place.copy_from_slice(&stamp);
    }
}

/// The generation that fills `bytes`, if they are this run's and this block's.
pub fn decode(bytes: &[u8], run: u64, block: u64) -> Result<u64, Damage> {
    assert!(!bytes.is_empty());
    assert_eq!(bytes.len() % STAMP_BYTES, 0);

    let mut oldest = u64::MAX;
    let mut newest = 0;
    for (index, stamp) in bytes.chunks_exact(STAMP_BYTES).enumerate() {
        if stamp[..8] != MAGIC {
            let byte = index * STAMP_BYTES;
            return Err(Damage::NoStamp { byte });
        }
        let stamp_run = field(stamp, 8);
        if stamp_run != run {
            return Err(Damage::OtherRun { run: stamp_run });
        }
        let stamp_block = field(stamp, 16);
        if stamp_block != block {
            return Err(Damage::OtherBlock { block: stamp_block });
        }
        let generation = field(stamp, GENERATION);
        oldest = oldest.min(generation);
        newest = newest.max(generation);
    }
    if oldest == newest {
        Ok(newest)
    } else {
        Err(Damage::Torn { oldest, newest })
    }
}

/// The generations in a block of this run's stamps, one for each stamp.
pub fn generations(bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
    bytes
        .chunks_exact(STAMP_BYTES)
        .map(|stamp| field(stamp, GENERATION))
}

fn field(stamp: &[u8], start: usize) -> u64 {
    let bytes = stamp[start..start + 8].try_into();
    u64::from_le_bytes(bytes.expect("the slice is eight bytes long"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: u64 = 77;
    const BLOCK: u64 = 3;

    fn block_of(generation: u64) -> Vec<u8> {
        let mut bytes = vec![0; 4096];
        encode(&mut bytes, RUN, BLOCK, generation);
        bytes
    }

    #[test]
    fn a_generation_survives_the_round_trip() {
        for generation in [0, 1, u64::MAX] {
            assert_eq!(decode(&block_of(generation), RUN, BLOCK), Ok(generation));
        }
    }

    #[test]
    fn every_kind_of_damage_is_named() {
        assert_eq!(
            decode(&[0; 512], RUN, BLOCK),
            Err(Damage::NoStamp { byte: 0 })
        );
        assert_eq!(
            decode(&block_of(1), RUN + 1, BLOCK),
            Err(Damage::OtherRun { run: RUN })
        );
        assert_eq!(
            decode(&block_of(1), RUN, 4),
            Err(Damage::OtherBlock { block: BLOCK })
        );

        let mut torn = block_of(5);
        torn[512..1024].copy_from_slice(&block_of(4)[..512]);
        assert_eq!(
            decode(&torn, RUN, BLOCK),
            Err(Damage::Torn {
                oldest: 4,
                newest: 5
            })
        );

        let mut scratched = block_of(5);
        scratched[4095 - 31] ^= 1;
        assert_eq!(
            decode(&scratched, RUN, BLOCK),
            Err(Damage::NoStamp { byte: 4064 })
        );
    }
}
