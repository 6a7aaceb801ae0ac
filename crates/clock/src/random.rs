use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// The letters of Kubernetes' generated names: no vowels, no look-alikes (`k8s.io/apimachinery/pkg/util/rand`).
const SUFFIX_LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// A repeatable source of random values (SplitMix64). Not for keys: nothing secret is made from it.
///
/// Clones share one sequence; [`Random::fork`] gives a component a sequence of its own, so that one component's use
/// does not shift another's.
#[derive(Clone, Debug)]
pub struct Random {
    seed: u64,
    state: Arc<Mutex<u64>>,
}

impl Random {
    /// The sequence that belongs to `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self { seed, state: Arc::new(Mutex::new(seed)) }
    }

    /// A sequence that differs from run to run.
    pub fn from_entropy() -> Self {
        // RandomState is keyed by the operating system's entropy.
        Self::seeded(std::collections::hash_map::RandomState::new().build_hasher().finish())
    }

    /// A sequence of its own for `component`, decided by this one's seed and the name alone.
    pub fn fork(&self, component: &str) -> Self {
        // FNV-1a: stable across runs and platforms.
        let hash =
            component.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Self::seeded(self.seed ^ hash)
    }

    /// The next 64 random bits.
    pub fn next_u64(&self) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 when `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64 }
    }

    /// `length` letters as Kubernetes appends them to `generateName` and pod names.
    pub fn suffix(&self, length: usize) -> String {
        (0..length).map(|_| char::from(SUFFIX_LETTERS[self.below(SUFFIX_LETTERS.len() as u64) as usize])).collect()
    }

    /// A version 4 UUID in its usual form.
    pub fn uuid(&self) -> String {
        let (a, b) = (self.next_u64(), self.next_u64());
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            a >> 32,
            (a >> 16) & 0xffff,
            a & 0x0fff,
            0x8000 | ((b >> 48) & 0x3fff),
            b & 0xffff_ffff_ffff
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_sequence_and_forks_are_independent() {
        let (a, b) = (Random::seeded(7), Random::seeded(7));
        let node = b.fork("node");
        node.next_u64();
        assert_eq!((a.uuid(), a.suffix(5)), (b.uuid(), b.suffix(5)));
        assert_ne!(Random::seeded(7).fork("node").next_u64(), Random::seeded(7).fork("api").next_u64());
    }

    #[test]
    fn uuid_has_version_and_variant() {
        let uuid = Random::seeded(1).uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4');
        assert!(matches!(uuid.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }
}
