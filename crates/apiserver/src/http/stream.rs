//! Watches as streams of JSON lines.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::{Status, Watch, WatchEvent};

/// How often a quiet watch that asked for bookmarks gets one.
const BOOKMARKS: Duration = Duration::from_secs(60);
/// How long a watch lasts that does not say.
const LONGEST: Duration = Duration::from_secs(1800);

/// What becomes of an object before it is written: itself, a table row, its metadata.
pub(super) type Form = Box<dyn Fn(&Arc<Value>) -> Value + Send>;

struct State {
    watch: Watch,
    bookmarks: Option<Interval>,
    end: Pin<Box<tokio::time::Sleep>>,
    form: Option<Form>,
    over: bool,
}

#[derive(Serialize)]
struct Line<'a, T> {
    r#type: &'a str,
    object: T,
}

fn line(r#type: &str, object: impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(&Line { r#type, object }).unwrap_or_default();
    line.push(b'\n');
    Bytes::from(line)
}

/// The lines of a watch, until its time is over or it breaks.
pub(super) fn lines(
    watch: Watch,
    bookmarks: bool,
    timeout: Option<u64>,
    form: Option<Form>,
) -> Pin<Box<dyn Stream<Item = Bytes> + Send>> {
    let bookmarks = bookmarks.then(|| {
        let mut interval = tokio::time::interval_at(Instant::now() + BOOKMARKS, BOOKMARKS);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval
    });
    let lasts = timeout.filter(|s| *s > 0).map_or(LONGEST, Duration::from_secs);
    let end = Box::pin(tokio::time::sleep(lasts));
    let state = State { watch, bookmarks, end, form, over: false };
    Box::pin(futures::stream::unfold(state, step))
}

async fn step(mut state: State) -> Option<(Bytes, State)> {
    if state.over {
        return None;
    }
    let next = tokio::select! {
        biased;
        event = state.watch.next() => Some(event),
        () = tick(&mut state.bookmarks) => None,
        () = &mut state.end => return None,
    };
    let piece = match next {
        Some(Ok(event)) => state.write(&event),
        Some(Err(status)) => {
            state.over = true;
            error(&status)
        }
        None => match state.watch.bookmark() {
            Some(event) => state.write(&event),
            None => Bytes::new(),
        },
    };
    Some((piece, state))
}

async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}

impl State {
    fn write(&self, event: &WatchEvent) -> Bytes {
        let kind = event.kind.as_str();
        match &self.form {
            Some(form) => line(kind, form(&event.object)),
            None => line(kind, &*event.object),
        }
    }
}

fn error(status: &Status) -> Bytes {
    line("ERROR", status.to_value())
}
