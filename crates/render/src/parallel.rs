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

#[cfg(test)]
mod tests {
    use super::work_while_making;

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
