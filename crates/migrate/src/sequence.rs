//! Consecutive files on PostgreSQL, each in its own transaction that is one message to the server. While one runs, the
//! next is on its way already, so that the server never waits for us.
//!
//! ```text
//!  BEGIN; (is the one before recorded?); statements…; record; COMMIT      one message, one file
//! ```
//!
//! Nothing of a file runs where the one before failed: the transaction that failed stays open until it is rolled back,
//! and no other begins in it; where it was its `COMMIT` that failed, its record is not there.

use std::future::poll_fn;
use std::pin::Pin;

use futures::future::maybe_done;
use futures::{FutureExt, StreamExt};
use tokio::time::Instant;
use tokio_postgres::{Client, SimpleQueryMessage};

use crate::error::MigrateError;
use crate::file::Direction;
use crate::postgres::{Postgres, RELAX};
use crate::report::Outcome;
use crate::run::{Ready, Runner, failed};
use crate::server::{ServerError, Session};
use crate::statement;

/// Longest text of a file that is sent as one message: the server parses all of a message before it runs any of it.
const LONGEST: usize = 64 * 1024;

/// A file's transaction as one message.
struct Message {
    /// One statement each.
    pieces: Vec<String>,
    /// Where the file's own statements begin.
    lead: usize,
}

/// What came back: how many statements ended before the one that failed, and why it did.
type Answer = Result<(), (usize, tokio_postgres::Error)>;
type Flight<'a> = Pin<Box<dyn Future<Output = Answer> + 'a>>;

/// How many files from the first on can be sent in this way, which makes sense from two on.
pub(crate) fn length(session: &Session, files: &[Ready]) -> usize {
    if !matches!(session, Session::Postgres(_)) {
        return 0;
    }
    let fits = |file: &&Ready| {
        let statements = &file.section.statements;
        file.section.transaction
            && file.direction == Direction::Up
            && statements.iter().map(|one| one.sql.len()).sum::<usize>() <= LONGEST
            && statements.iter().all(|one| statement::stands_alone(&one.sql))
    };
    files.iter().take_while(fits).count()
}

impl Runner<'_> {
    /// Runs `files`, of which all but the last, and the last where `relaxed`, commit without waiting for the disk. `name`
    /// is one that the session has not prepared anything by yet. Says how many are done, and what stopped the next.
    pub(crate) async fn sequence(
        &self,
        session: &mut Session,
        files: &[Ready],
        relaxed: bool,
        name: &str,
        outcome: &mut Outcome,
    ) -> Result<(), (usize, MigrateError)> {
        let Session::Postgres(postgres) = session else { return Ok(()) };
        let tables = self.tables();
        let prepare = tables.prepare(name);
        postgres.execute(&prepare).await.map_err(|source| {
            let doing = "prepare the records of files".to_owned();
            (0, MigrateError::Bookkeeping { doing, source })
        })?;
        let message = |index: usize, first: usize| {
            let file = files.get(index)?;
            let last = index + 1 == files.len();
            let mut pieces = vec!["BEGIN;".to_owned()];
            if !last || relaxed {
                pieces.push(RELAX.to_owned());
            }
            if let Some(before) = index.checked_sub(1).filter(|_| index > first).and_then(|before| files.get(before)) {
                pieces.push(tables.after(name, before.version));
            }
            let lead = pieces.len();
            pieces.extend(file.section.statements.iter().map(|one| one.sql.clone()));
            pieces.push(tables.record_prepared(name, file.version, &file.name, &file.digest));
            pieces.push("COMMIT;".to_owned());
            Some(Message { pieces, lead })
        };
        let mut first = 0;
        let mut attempt = 1;
        while first < files.len() {
            let mut start = Instant::now();
            let ended = |index: usize| {
                if let Some(file) = files.get(index) {
                    self.done(file, start.elapsed(), outcome);
                    start = Instant::now();
                }
            };
            let Err((index, place, source)) = postgres.fly(|index| message(index, first), first, ended).await else {
                return Ok(());
            };
            if index > first {
                attempt = 1;
            }
            first = index;
            if self.again(&files[index].name, &source, &mut attempt).await {
                continue;
            }
            return Err((index, failed(&files[index], place, source, true)));
        }
        Ok(())
    }
}

impl Postgres {
    /// Sends messages from `first` on, until there is no more, each while the one before runs. `ended` hears of each
    /// that is committed. Where one fails: which, which of the file's statements (beyond them it is the record or the
    /// commit), and why. Then no transaction is open.
    async fn fly(
        &mut self,
        message: impl Fn(usize) -> Option<Message>,
        first: usize,
        mut ended: impl FnMut(usize),
    ) -> Result<(), (usize, usize, ServerError)> {
        let (client, watch) = self.parts();
        let mut index = first;
        let take_off = |message: &Message| maybe_done(flight(client, message.pieces.join("\n")));
        let mut current = message(index).map(|message| (take_off(&message), message));
        while let Some((mut flying, sent)) = current.take() {
            let mut next = message(index + 1).map(|message| (take_off(&message), message));
            let both = poll_fn(|context| {
                let landed = flying.poll_unpin(context);
                if let Some((next, _)) = &mut next {
                    // Its answer is for later.
                    _ = next.poll_unpin(context);
                }
                landed
            });
            watch.wait(std::pin::pin!(both)).await;
            let answer = Pin::new(&mut flying).take_output().unwrap_or(Ok(()));
            if let Err((done, error)) = answer {
                let mut error = watch.failed(&error);
                let (statement, position) = sent.place(done, error.position);
                error.position = position;
                // Its transaction may be open still, and the next one's answer says so.
                drop(next);
                _ = client.batch_execute("ROLLBACK").await;
                return Err((index, statement, error));
            }
            ended(index);
            index += 1;
            current = next;
        }
        Ok(())
    }
}

impl Message {
    /// Which of the file's statements, from 0, and which character of it, where the server names one.
    fn place(&self, done: usize, position: Option<usize>) -> (usize, Option<usize>) {
        let mut left = position.unwrap_or(0);
        for (index, text) in self.pieces.iter().enumerate().filter(|_| position.is_some()) {
            let length = text.chars().count() + 1;
            if left <= length {
                return (index.saturating_sub(self.lead), (index >= self.lead).then_some(left));
            }
            left -= length;
        }
        (done.saturating_sub(self.lead), None)
    }
}

fn flight<'a>(client: &'a Client, sql: String) -> Flight<'a> {
    Box::pin(async move {
        let mut done = 0;
        let stream = client.simple_query_raw(&sql).await.map_err(|error| (0, error))?;
        let mut stream = std::pin::pin!(stream);
        while let Some(answer) = stream.next().await {
            match answer {
                Ok(SimpleQueryMessage::CommandComplete(_)) => done += 1,
                Ok(_) => {}
                Err(error) => return Err((done, error)),
            }
        }
        Ok(())
    })
}
