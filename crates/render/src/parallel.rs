//! Work on things while more of them are still being made.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;

/// From so many bytes of templates on, a second thread saves more than its start costs.
pub(crate) const MANY_BYTES: usize = 64 * 1024;

/// Calls `make`, which hands over items, and `work` with each of them: on a second thread at once and, when all are made,
/// on this one too. Without `second` thread each is worked on as it comes. The results are in no order. The second thread
/// does `first` before all else.
pub(crate) fn work_while_making<T: Send, D: Send, M>(
    second: bool,
    first: impl FnOnce() + Send,
    work: impl Fn(T) -> D + Sync,
    make: impl FnOnce(&mut dyn FnMut(T)) -> M,
) -> (M, Vec<D>) {
    if !second {
        let mut done = Vec::new();
        let made = make(&mut |item| done.push(work(item)));
        return (made, done);
    }
    let (sender, receiver) = mpsc::channel();
    let receiver = Mutex::new(receiver);
    let work_off = || {
        let mut done = Vec::new();
        loop {
            let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
            match next {
                Ok(item) => done.push(work(item)),
                Err(_) => return done,
            }
        }
    };
    thread::scope(|scope| {
        // Where no thread can be had, this one does it all.
        let other = thread::Builder::new().spawn_scoped(scope, || {
            first();
            work_off()
        });
        let made = make(&mut |item| {
            // The other end lives as long as this function.
            let _ = sender.send(item);
        });
        drop(sender);
        let mut done = work_off();
        if let Ok(other) = other {
            done.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        (made, done)
    })
}

/// The results for all items, in order, or the first error. A `second` thread does half of the work.
pub(crate) fn halves<T: Sync, D: Send, E: Send>(
    items: &[T],
    second: bool,
    work: impl Fn(&[T]) -> Result<Vec<D>, E> + Sync,
) -> Result<Vec<D>, E> {
    if !second || items.len() < 2 {
        return work(items);
    }
    let (left, right) = items.split_at(items.len() / 2);
    thread::scope(|scope| {
        let other = thread::Builder::new().spawn_scoped(scope, || work(right));
        let mut done = work(left)?;
        done.extend(match other {
            Ok(other) => other.join().unwrap_or_else(|panic| resume_unwind(panic))?,
            // Where no thread can be had, this one does it all.
            Err(_) => work(right)?,
        });
        Ok(done)
    })
}

#[cfg(test)]
mod tests {
    use super::{halves, work_while_making};

    #[test]
    fn halves_come_in_order_and_the_first_error_counts() {
        for second in [false, true] {
            for count in 0..6 {
                let items: Vec<i32> = (0..count).collect();
                let doubled = |items: &[i32]| Ok::<Vec<i32>, i32>(items.iter().map(|item| item * 2).collect());
                assert_eq!(halves(&items, second, doubled), Ok((0..count).map(|item| item * 2).collect()));
                let failing =
                    |items: &[i32]| items.iter().map(|item| if *item >= 1 { Err(*item) } else { Ok(*item) }).collect();
                let failed: Result<Vec<i32>, i32> = halves(&items, second, failing);
                assert_eq!(failed, if count > 1 { Err(1) } else { Ok(items) });
            }
        }
    }

    #[test]
    fn every_item_is_worked_on_once() {
        for second in [false, true] {
            let (made, mut done) = work_while_making(
                second,
                || (),
                |item: u32| item * 2,
                |hand_over| {
                    (0..1000).for_each(hand_over);
                    "made"
                },
            );
            done.sort_unstable();
            assert_eq!((made, done), ("made", (0..1000).map(|item| item * 2).collect::<Vec<_>>()));
        }
    }
}
