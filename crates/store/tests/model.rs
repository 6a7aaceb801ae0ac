//! The store against a model of it: a plain map with all of its past.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use bowline_store::{EventKind, Expect, Range, Store, StoreError};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Op {
    Put(u8, u32),
    Create(u8, u32),
    Replace(u8, u32, bool),
    Delete(u8),
    Other,
}

fn op() -> impl Strategy<Value = Op> {
    let key = 0..12u8;
    prop_oneof![
        (key.clone(), any::<u32>()).prop_map(|(k, v)| Op::Put(k, v)),
        (key.clone(), any::<u32>()).prop_map(|(k, v)| Op::Create(k, v)),
        (key.clone(), any::<u32>(), any::<bool>()).prop_map(|(k, v, fresh)| Op::Replace(k, v, fresh)),
        key.prop_map(Op::Delete),
        Just(Op::Other),
    ]
}

fn name(key: u8) -> String {
    format!("{}/{key}", if key.is_multiple_of(2) { "even" } else { "odd" })
}

type Model = BTreeMap<String, (u32, u64)>;

/// Runs the operations against store and model; gives the model after every revision.
fn run(store: &Store<u32>, ops: &[Op]) -> BTreeMap<u64, Model> {
    let (partition, other) = (store.partition("a"), store.partition("b"));
    let mut model = Model::new();
    let mut past = BTreeMap::from([(store.revision(), model.clone())]);
    for op in ops {
        match *op {
            Op::Put(k, v) => {
                let entry = partition.put(&name(k), Expect::Any, |_| v).unwrap();
                model.insert(name(k), (v, entry.modified));
            }
            Op::Create(k, v) => match partition.put(&name(k), Expect::Absent, |_| v) {
                Ok(entry) => assert!(model.insert(name(k), (v, entry.modified)).is_none()),
                Err(error) => assert!(error == StoreError::Exists && model.contains_key(&name(k))),
            },
            Op::Replace(k, v, fresh) => {
                let known = model.get(&name(k)).map_or(0, |(_, revision)| *revision);
                let expect = if fresh { known } else { known.wrapping_sub(1) };
                match (partition.put(&name(k), Expect::Revision(expect), |_| v), known) {
                    (Ok(entry), 1..) if fresh => {
                        model.insert(name(k), (v, entry.modified));
                    }
                    (Err(StoreError::Missing), 0) => {}
                    (Err(StoreError::Conflict { current }), known) if !fresh => assert_eq!(current, known),
                    (other, known) => panic!("replace at {known} gave {other:?}"),
                }
            }
            Op::Delete(k) => match partition.delete(&name(k), Expect::Any, |v, _| *v) {
                Ok(entry) => assert_eq!(model.remove(&name(k)).unwrap().0, entry.value),
                Err(error) => assert!(error == StoreError::Missing && !model.contains_key(&name(k))),
            },
            Op::Other => {
                other.put("x", Expect::Any, |_| 0).unwrap();
            }
        }
        past.insert(store.revision(), model.clone());
    }
    past
}

fn snapshot(store: &Store<u32>, prefix: &str, at: Option<u64>, limit: usize) -> Result<Model, StoreError> {
    let partition = store.partition("a");
    let (mut model, mut after, mut at) = (Model::new(), None::<String>, at);
    loop {
        let page = partition.list(&Range { prefix, after: after.as_deref(), limit, at }, |_| true)?;
        at = Some(page.revision);
        model.extend(page.entries.iter().map(|(k, e)| (k.to_string(), (e.value, e.modified))));
        match page.next {
            Some(next) => after = Some(next.to_string()),
            None => return Ok(model),
        }
    }
}

proptest! {
    #[test]
    fn behaves_like_a_map_with_a_past(ops in prop::collection::vec(op(), 0..60), history in 1..80usize, limit in 0..5usize) {
        let store = Store::new(history);
        let mut watcher = store.partition("a").watch("odd/", store.revision()).unwrap();
        let past = run(&store, &ops);
        let last = past.values().next_back().unwrap();
        prop_assert_eq!(&snapshot(&store, "", None, limit).unwrap(), last);
        // Every revision reads as it was, or is said to be compacted; never anything else.
        for (revision, then) in &past {
            match snapshot(&store, "even/", Some(*revision), limit) {
                Ok(model) => {
                    let wanted: Model = then.iter().filter(|(k, _)| k.starts_with("even/")).map(|(k, v)| (k.clone(), *v)).collect();
                    prop_assert_eq!(model, wanted);
                }
                Err(error) => prop_assert!(matches!(error, StoreError::Compacted { .. }), "{}", error),
            }
        }
        // A watch from the start either replays to the same end or says that it cannot.
        let mut replayed = BTreeMap::new();
        let mut seen = 0;
        loop {
            match watcher.try_next() {
                Ok(Some(event)) => {
                    prop_assert!(event.revision > seen && event.key.starts_with("odd/"));
                    seen = event.revision;
                    let before = replayed.get(&*event.key).copied();
                    prop_assert_eq!(before, event.previous.as_ref().map(|p| (p.value, p.modified)));
                    match event.kind {
                        EventKind::Put => { replayed.insert(event.key.to_string(), (event.value, event.revision)); }
                        EventKind::Delete => { replayed.remove(&*event.key); }
                    }
                }
                Ok(None) => {
                    let wanted: Model = last.iter().filter(|(k, _)| k.starts_with("odd/")).map(|(k, v)| (k.clone(), *v)).collect();
                    prop_assert_eq!(&replayed, &wanted);
                    prop_assert_eq!(watcher.revision(), store.revision());
                    break;
                }
                Err(error) => {
                    prop_assert!(matches!(error, StoreError::Compacted { .. }), "{}", error);
                    prop_assert!(ops.len() > history);
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_waiting_watcher_is_woken() {
    let store = Store::new(10);
    let partition = store.partition("a");
    let mut watcher = partition.watch("", store.revision()).unwrap();
    let writer = async { partition.put("k", Expect::Absent, |revision| revision).unwrap() };
    let (event, entry) = tokio::join!(watcher.next(), writer);
    assert_eq!(event.unwrap().value, entry.value);
    assert!(matches!(partition.watch("", 99), Err(StoreError::Future { asked: 99, current: 2 })));
}

#[test]
fn a_slow_watcher_is_told() {
    let store = Store::new(3);
    let partition = store.partition("a");
    let mut watcher = partition.watch("", store.revision()).unwrap();
    for value in 0..4 {
        partition.put("k", Expect::Any, |_| value).unwrap();
    }
    assert!(matches!(watcher.try_next(), Err(StoreError::Compacted { asked: 1, oldest: 2 })));
}
