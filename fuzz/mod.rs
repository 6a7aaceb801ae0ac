//! What the tests that fuzz parsers share: how many cases, and valid texts made invalid.
//!
//! A `tests/fuzz.rs` takes this file in by its path. Cases are bounded so that an ordinary test run stays short, and are
//! the same in every run; `make fuzz` asks for many times as many, and for others every time.
#![allow(dead_code)]

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;

/// The environment variable whose number multiplies the cases; without it a run has the ordinary number of cases, drawn
/// from a fixed seed.
pub(crate) const FACTOR: &str = "BOWLINE_FUZZ";

/// The stack of the threads that Rust's tests and Tokio's workers run on, in bytes: no input may need more.
pub(crate) const SMALL_STACK: usize = 2 * 1024 * 1024;

/// How many times the ordinary number of cases is wanted.
fn factor() -> Option<u32> {
    std::env::var(FACTOR).ok()?.parse().ok()
}

/// `ordinary` cases, times [`FACTOR`].
pub(crate) fn cases(ordinary: u32) -> ProptestConfig {
    let seed = if factor().is_some() { RngSeed::Random } else { RngSeed::Fixed(4) };
    ProptestConfig {
        cases: ordinary.saturating_mul(factor().unwrap_or(1)),
        failure_persistence: None,
        max_shrink_iters: 2000,
        rng_seed: seed,
        ..ProptestConfig::default()
    }
}

/// Runs `work` on a thread with a [`SMALL_STACK`]; a stack that overflows ends the whole test program.
pub(crate) fn on_a_small_stack<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    std::thread::Builder::new().stack_size(SMALL_STACK).spawn(work).unwrap().join().unwrap()
}

/// Fragments of a grammar in any order, with arbitrary text between them.
pub(crate) fn jumble(fragments: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        12 => select(fragments).prop_map(str::to_owned),
        1 => "\\PC{0,4}",
        1 => any::<char>().prop_map(String::from),
        1 => any::<i64>().prop_map(|number| number.to_string()),
    ];
    prop::collection::vec(piece, 0..most).prop_map(|pieces| pieces.concat())
}

/// One change of a text.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Truncate(Index),
    Delete(Index, Index),
    Duplicate(Index, Index, usize),
    Insert(Index, Vec<u8>),
    Overwrite(Index, u8),
    /// A part of another valid text, put in here.
    Splice(Index, Index, Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        1 => at().prop_map(Change::Truncate),
        2 => (at(), at()).prop_map(|(a, b)| Change::Delete(a, b)),
        2 => (at(), at(), 1..20usize).prop_map(|(a, b, n)| Change::Duplicate(a, b, n)),
        2 => (at(), prop::collection::vec(any::<u8>(), 1..4)).prop_map(|(a, bytes)| Change::Insert(a, bytes)),
        4 => (at(), any::<u8>()).prop_map(|(a, byte)| Change::Overwrite(a, byte)),
        3 => (at(), at(), at(), at()).prop_map(|(a, b, c, d)| Change::Splice(a, b, c, d)),
    ]
}

fn span(a: Index, b: Index, length: usize) -> (usize, usize) {
    let (a, b) = (a.index(length + 1), b.index(length + 1));
    (a.min(b), a.max(b))
}

fn apply(mut text: Vec<u8>, change: &Change, seeds: &[Vec<u8>]) -> Vec<u8> {
    match change {
        Change::Truncate(at) => text.truncate(at.index(text.len() + 1)),
        Change::Delete(a, b) => {
            let (from, to) = span(*a, *b, text.len());
            text.drain(from..to);
        }
        Change::Duplicate(a, b, times) => {
            let (from, to) = span(*a, *b, text.len());
            let part = text[from..to.min(from + 4096)].repeat(*times);
            text.splice(to..to, part);
        }
        Change::Insert(at, bytes) => {
            let at = at.index(text.len() + 1);
            text.splice(at..at, bytes.iter().copied());
        }
        Change::Overwrite(at, byte) => {
            if !text.is_empty() {
                let at = at.index(text.len());
                text[at] = *byte;
            }
        }
        Change::Splice(at, which, a, b) => {
            let other = &seeds[which.index(seeds.len())];
            let (from, to) = span(*a, *b, other.len());
            let at = at.index(text.len() + 1);
            text.splice(at..at, other[from..to].iter().copied());
        }
    }
    text
}

/// Valid inputs with a few changes: what gets deep into a parser before it breaks.
pub(crate) fn mutated(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (any::<Index>(), prop::collection::vec(change(), 0..5)).prop_map(move |(which, changes)| {
        let first = seeds[which.index(seeds.len())].clone();
        changes.iter().fold(first, |text, change| apply(text, change, &seeds))
    })
}

/// The same for texts; bytes that are no UTF-8 are replaced.
pub(crate) fn mutated_text(seeds: &[&str]) -> impl Strategy<Value = String> + use<> {
    let seeds = seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    mutated(seeds).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}
