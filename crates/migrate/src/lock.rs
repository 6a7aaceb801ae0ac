//! Waiting for the migration lock: look, stay idle, look again. Never a blocking request, which would be in the way of
//! the holder's concurrent index builds.

use std::time::Duration;

use bowline_clock::Random;
use tokio::time::Instant;

use crate::error::MigrateError;
use crate::event::{Event, Holder};
use crate::server::{Listener, ServerError, Session};

/// Longest pause between two looks.
pub const POLL: Duration = Duration::from_millis(250);
/// Pause after the first look at a holder. A holder that only finds that nothing is left is gone by then.
const FIRST_POLL: Duration = Duration::from_millis(8);

/// Takes the lock, at the latest when `deadline` has passed since `start`. Says for how long it was waited for.
pub(crate) async fn take(
    session: &mut Session,
    start: Instant,
    deadline: Duration,
    random: &Random,
    listener: &Listener,
) -> Result<Duration, MigrateError> {
    let mut known: Option<Option<Holder>> = None;
    let mut pause = FIRST_POLL;
    let mut said = false;
    loop {
        let tried = session.try_lock().await;
        let failed =
            |source: ServerError| MigrateError::Bookkeeping { doing: "take the migration lock".to_owned(), source };
        let holder = match tried.map_err(failed)? {
            Ok(()) => {
                let waited = start.elapsed();
                if said {
                    listener(Event::LockTaken { waited });
                }
                return Ok(waited);
            }
            Err(holder) => holder,
        };
        let left = deadline.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(MigrateError::Locked { holder, waited: deadline });
        }
        let same = known.as_ref().is_some_and(|known| {
            known.as_ref().map(|holder| holder.process) == holder.as_ref().map(|holder| holder.process)
        });
        pause = if same { (pause * 2).min(POLL) } else { FIRST_POLL };
        // Short holders come and go; who stays is named.
        if same && !said && start.elapsed() >= POLL / 2 {
            said = true;
            listener(Event::LockHeld { holder: holder.clone(), limit: deadline });
        }
        known = Some(holder);
        // not all at once
        let jitter = Duration::from_micros(random.below(u64::try_from(pause.as_micros() / 4).unwrap_or(0).max(1)));
        tokio::time::sleep((pause - pause / 4 + jitter).min(left)).await;
    }
}
