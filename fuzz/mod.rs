//! What the tests that fuzz parsers share: how many cases, and valid texts made invalid.
//!
//! A `tests/fuzz.rs` takes this file in by its path. Cases are bounded so that an ordinary test run stays short, and are
//! the same in every run, but for those that are compared with the real thing; `make fuzz` asks for many times as many, and
//! for others every time.
#![allow(dead_code, clippy::panic)]

use std::io::Write;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{RngSeed, TestCaseError, TestError, TestRunner};

/// The environment variable whose number multiplies the cases; without it a run has the ordinary number of cases.
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

/// The environment variable that replays the cases of a seed that a run has printed.
pub(crate) const SEED: &str = "BOWLINE_SEED";

/// Cases of one seed.
const BATCH: u32 = 200;

/// So many fresh cases may differ in an ordinary run: what is left is one in several thousand, and what breaks a function
/// shows in more. They are told all the same, there and by the suite. Asked for a seed or for more cases, none may.
const TOLERATED: usize = 2;

/// Where the suite reads what differed and was tolerated.
const TOLD: &str = "BOWLINE_DIFFERENCES";

/// Compares us with the real thing on `ordinary` cases, times [`FACTOR`], that no run had before. The seeds are told, and all
/// cases that differ, each as small as it could be made, with the command that replays it.
///
/// `difference` says what differs, or nothing.
pub(crate) fn compare<S: Strategy>(
    what: &str,
    ordinary: u32,
    strategy: &S,
    difference: impl Fn(&S::Value) -> Option<String>,
) where
    S::Value: std::fmt::Debug,
{
    let replayed = std::env::var(SEED).ok().and_then(|seed| seed.parse().ok());
    let first = replayed.unwrap_or_else(|| {
        use std::hash::{BuildHasher, Hasher};
        // A hasher's own keys are as fresh as any.
        std::hash::RandomState::new().build_hasher().finish() >> 16
    });
    let mut left = ordinary.saturating_mul(factor().unwrap_or(1));
    let most = if factor().is_some() { 40 } else { 5 };
    let mut differences: Vec<String> = Vec::new();
    let mut seed: u64 = first;
    while left > 0 && differences.len() < most {
        let config = ProptestConfig {
            cases: left.min(BATCH),
            failure_persistence: None,
            max_shrink_iters: 1000,
            max_shrink_time: 5000,
            max_global_rejects: u32::MAX,
            rng_seed: RngSeed::Fixed(seed),
            ..ProptestConfig::default()
        };
        let ran = TestRunner::new(config).run(strategy, |case| match difference(&case) {
            None => Ok(()),
            Some(text) => Err(TestCaseError::fail(text)),
        });
        match ran {
            Ok(()) => {}
            Err(TestError::Fail(reason, case)) => {
                let text = format!("{}\n  of {case:?}", reason.message());
                if !differences.iter().any(|known| known.starts_with(&text)) {
                    let text = format!("{text}\n  again: {}", again(seed));
                    // At once, and past the test harness's capture: a long run may not live to its end.
                    let _ = writeln!(std::io::stderr(), "{what} differ:\n{text}\n");
                    differences.push(text);
                }
            }
            Err(TestError::Abort(reason)) => panic!("{what}: no cases could be made: {reason}"),
        }
        left -= left.min(BATCH);
        seed = seed.wrapping_add(1);
    }
    let ran = seed.wrapping_sub(first);
    // Past the capture too: a run that passes shall say what it tried.
    let _ = writeln!(std::io::stderr(), "{what}: {ran} seeds of up to {BATCH} cases each, from {SEED}={first}");
    let tolerated = if factor().is_some() || replayed.is_some() { 0 } else { TOLERATED };
    if differences.len() <= tolerated {
        differences.iter().for_each(|difference| tell(what, difference));
        return;
    }
    assert!(differences.is_empty(), "{what}: {} differences\n\n{}", differences.len(), differences.join("\n\n"));
}

/// Writes down what differed for the suite's summary.
fn tell(what: &str, difference: &str) {
    if let Some(path) = std::env::var_os(TOLD)
        && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(path)
    {
        let _ = writeln!(file, "{what}: {}", difference.replace('\n', "\n    "));
    }
}

/// The command that runs the test of this thread again, with the cases of a seed first.
fn again(seed: u64) -> String {
    let (package, target) = (env!("CARGO_PKG_NAME"), env!("CARGO_CRATE_NAME"));
    let current = std::thread::current();
    format!("{SEED}={seed} cargo test -p {package} --test {target} {}", current.name().unwrap_or_default())
}

/// Runs `work` on a thread with a [`SMALL_STACK`]; a stack that overflows ends the whole test program.
pub(crate) fn on_a_small_stack<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    std::thread::Builder::new().stack_size(SMALL_STACK).spawn(work).unwrap().join().unwrap()
}

/// What a generator decides by: numbers that a strategy draws. The smaller they are, the simpler is what is made of them,
/// and when they are used up, all that follows is the simplest there is. So shrinking them shrinks what is made.
#[derive(Clone)]
pub(crate) struct Choices {
    numbers: Vec<u32>,
    at: usize,
}

impl std::fmt::Debug for Choices {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} choices", self.numbers.len())
    }
}

impl Choices {
    /// A number below `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let number = self.numbers.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        // As in a fraction, so that a smaller number never gives a larger one.
        ((u64::from(number) * end as u64) >> 32) as usize
    }

    /// True `times` in a hundred.
    pub(crate) fn percent(&mut self, times: usize) -> bool {
        self.below(100) >= 100 - times
    }

    /// One of these; the first is the simplest.
    pub(crate) fn pick(&mut self, texts: &[&str]) -> String {
        texts[self.below(texts.len())].to_owned()
    }

    /// Up to `most` of these, in any order.
    pub(crate) fn pieces(&mut self, texts: &[&str], most: usize) -> String {
        (0..self.below(most + 1)).map(|_| texts[self.below(texts.len())]).collect()
    }

    /// Whether all numbers are used up: then generators should come to an end.
    pub(crate) fn is_over(&self) -> bool {
        self.at >= self.numbers.len()
    }

    /// Any character.
    pub(crate) fn char(&mut self) -> char {
        // Without what one version of Unicode knows and another does not.
        let ranges = [
            0x20..0x7f,
            0..0x80,
            0xa0..0x250,
            0x250..0x52f,
            0x5d0..0x5eb,
            0x900..0x94f,
            0x1e00..0x2426,
            0x3041..0x3097,
            0x4e00..0x4f00,
            0x1_f300..0x1_f650,
        ];
        let range = ranges[self.below(ranges.len())].clone();
        let number = range.start + self.below((range.end - range.start) as usize) as u32;
        char::from_u32(number).unwrap_or('\u{fffd}')
    }
}

/// Up to `most` choices.
pub(crate) fn choices(most: usize) -> impl Strategy<Value = Choices> {
    prop::collection::vec(any::<u32>(), 0..=most).prop_map(|numbers| Choices { numbers, at: 0 })
}

/// What a generator makes of up to `most` choices.
pub(crate) fn made<T: std::fmt::Debug>(most: usize, make: impl Fn(&mut Choices) -> T) -> impl Strategy<Value = T> {
    choices(most).prop_map(move |mut choices| make(&mut choices))
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
