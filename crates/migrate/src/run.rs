//! Runs files: up, down, redo, reset; each file once, by one process at a time.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bowline_clock::Random;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use crate::envsub::Variables;
use crate::error::MigrateError;
use crate::event::Event;
use crate::file::{Direction, Section};
use crate::folder::{Folder, Migration};
use crate::lock;
use crate::options::Options;
use crate::plan;
use crate::report::{Applied, Outcome};
use crate::sequence;
use crate::server::{Listener, ServerError, Session};
use crate::statement;
use crate::status::has_changed;
use crate::tables::{State, Tables};
use crate::target::{Dialect, Target};

/// How far up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpTo {
    /// All files.
    Last,
    /// The next one; an error where there is none.
    Next,
    /// This version.
    Version(i64),
}

/// How far down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownTo {
    /// The current version alone.
    Previous,
    /// Everything above this version.
    Version(i64),
    /// All files that are applied.
    Nothing,
}

/// A folder of migrations and a database.
pub struct Runner<'a> {
    pub(crate) target: Target,
    pub(crate) folder: PathBuf,
    pub(crate) options: Options,
    pub(crate) variables: Variables<'a>,
    pub(crate) random: Random,
    pub(crate) listener: Listener,
}

/// A file that is read and parsed, ready to run.
pub(crate) struct Ready {
    pub(crate) version: i64,
    pub(crate) path: PathBuf,
    pub(crate) name: String,
    pub(crate) direction: Direction,
    pub(crate) section: Section,
    pub(crate) digest: String,
}

impl<'a> Runner<'a> {
    /// `variables` gives what `ENVSUB` asks for; `random` spreads retries; `listener` hears of everything.
    pub fn new(
        target: Target,
        folder: impl Into<PathBuf>,
        options: Options,
        variables: Variables<'a>,
        random: Random,
        listener: Arc<dyn Fn(Event) + Send + Sync>,
    ) -> Self {
        Self { target, folder: folder.into(), options, variables, random, listener }
    }

    /// Applies what is not applied yet.
    ///
    /// # Errors
    /// Where a file, the server or another process is in the way. What was applied before that stays.
    pub async fn up(&self, to: UpTo) -> Result<Outcome, MigrateError> {
        let folder = self.files()?;
        let target = match to {
            UpTo::Version(version) => version,
            UpTo::Last | UpTo::Next => i64::MAX,
        };
        if !folder.migrations.iter().any(|file| file.version <= target) {
            return Err(MigrateError::NoFiles { path: self.folder.clone() });
        }
        let mut session = Session::connect(&self.target, &self.options, &self.listener).await?;
        if self.options.no_versioning {
            let files: Vec<&Migration> = folder.migrations.iter().filter(|file| file.version <= target).collect();
            let files = if to == UpTo::Next { &files[..1] } else { &files[..] };
            return self.unversioned(&mut session, files, Direction::Up).await;
        }
        let said = std::cell::Cell::new(false);
        let planned = |state: &State| {
            if !said.replace(true) {
                self.say_what_changed(&folder, state)?;
            }
            let mut files = plan::up(&folder.migrations, state, target, self.options.allow_missing)?;
            match to {
                UpTo::Next if files.is_empty() => return Err(MigrateError::NoNext { current: state.current() }),
                UpTo::Next => files.truncate(1),
                UpTo::Last | UpTo::Version(_) => {}
            }
            Ok(files.into_iter().map(|file| (file, Direction::Up)).collect())
        };
        self.carry_out(&mut session, planned).await
    }

    /// Takes back what is applied.
    ///
    /// # Errors
    /// Where a file, the server or another process is in the way. What was taken back before that stays so.
    pub async fn down(&self, to: DownTo) -> Result<Outcome, MigrateError> {
        let folder = self.files()?;
        let mut session = Session::connect(&self.target, &self.options, &self.listener).await?;
        if self.options.no_versioning {
            let above = match to {
                DownTo::Previous => folder.migrations.last().map_or(0, |last| last.version - 1),
                DownTo::Version(version) => version,
                DownTo::Nothing => 0,
            };
            let files: Vec<&Migration> = folder.migrations.iter().rev().filter(|file| file.version > above).collect();
            return self.unversioned(&mut session, &files, Direction::Down).await;
        }
        let planned = |state: &State| {
            let files = match to {
                DownTo::Previous => match state.current() {
                    0 => return Err(MigrateError::NothingApplied),
                    version => vec![self.file(&folder, version)?],
                },
                DownTo::Version(above) => {
                    // in the order in which they were applied, backwards, down to the first that stays
                    let mut rest = state.clone();
                    let mut files = Vec::new();
                    loop {
                        let current = rest.current();
                        if current == 0 || current <= above {
                            break files;
                        }
                        files.push(self.file(&folder, current)?);
                        rest.rows.retain(|row| row.version != current);
                    }
                }
                DownTo::Nothing => {
                    let latest = state.latest();
                    let applied = |file: &&Migration| latest.get(&file.version).is_some_and(|row| row.applied);
                    folder.migrations.iter().rev().filter(applied).collect()
                }
            };
            Ok(files.into_iter().map(|file| (file, Direction::Down)).collect())
        };
        self.carry_out(&mut session, planned).await
    }

    /// The versions that are applied.
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub async fn applied(&self) -> Result<BTreeSet<i64>, MigrateError> {
        let mut session = Session::connect(&self.target, &self.options, &self.listener).await?;
        let state = self.tables().read(&mut session).await?;
        // The row of version 0 only says that the table was made.
        let is_applied = |version: i64, row: &crate::tables::VersionRow| row.applied && version > 0;
        Ok(state.latest().into_iter().filter(|(v, row)| is_applied(*v, row)).map(|(version, _)| version).collect())
    }

    /// Takes back exactly these versions, as far as they are applied, the last one first.
    ///
    /// # Errors
    /// As with [`Runner::down`].
    pub async fn take_back(&self, versions: &[i64]) -> Result<Outcome, MigrateError> {
        let folder = self.files()?;
        let mut session = Session::connect(&self.target, &self.options, &self.listener).await?;
        let planned = |state: &State| {
            let latest = state.latest();
            let applied = |version: &&i64| latest.get(version).is_some_and(|row| row.applied);
            let back = versions.iter().rev().filter(applied);
            back.map(|version| Ok((self.file(&folder, *version)?, Direction::Down))).collect()
        };
        self.carry_out(&mut session, planned).await
    }

    /// Takes the current version back and applies it again.
    ///
    /// # Errors
    /// As with [`Runner::down`] and [`Runner::up`].
    pub async fn redo(&self) -> Result<Outcome, MigrateError> {
        let folder = self.files()?;
        let mut session = Session::connect(&self.target, &self.options, &self.listener).await?;
        let planned = |state: &State| match state.current() {
            0 => Err(MigrateError::NothingApplied),
            version => {
                let file = self.file(&folder, version)?;
                Ok(vec![(file, Direction::Down), (file, Direction::Up)])
            }
        };
        self.carry_out(&mut session, planned).await
    }

    /// The database's version; 0 where it was never migrated.
    ///
    /// # Errors
    /// Where the server cannot be asked.
    pub async fn version(&self) -> Result<i64, MigrateError> {
        if self.options.no_versioning {
            return Ok(self.files()?.migrations.last().map_or(0, |file| file.version));
        }
        let mut session = Session::connect(&self.target, &self.options, &self.listener).await?;
        Ok(self.tables().read(&mut session).await?.current())
    }

    pub(crate) fn tables(&self) -> Tables<'_> {
        Tables { table: &self.options.table, dialect: self.target.dialect }
    }

    pub(crate) fn files(&self) -> Result<Folder, MigrateError> {
        let folder = Folder::open(&self.folder)?;
        if folder.migrations.is_empty() { Err(MigrateError::NoFiles { path: self.folder.clone() }) } else { Ok(folder) }
    }

    /// Whoever changed a file that is applied already may believe that this run applies the change.
    fn say_what_changed(&self, folder: &Folder, state: &State) -> Result<(), MigrateError> {
        let latest = state.latest();
        let mut names = Vec::new();
        for file in &folder.migrations {
            if let Some(row) = latest.get(&file.version).filter(|row| row.applied)
                && has_changed(file, row, state)?
            {
                names.push(file.name());
            }
        }
        if !names.is_empty() {
            (self.listener)(Event::Changed { names });
        }
        Ok(())
    }

    fn file<'f>(&self, folder: &'f Folder, version: i64) -> Result<&'f Migration, MigrateError> {
        folder.find(version).ok_or_else(|| MigrateError::NoFile { version, path: self.folder.clone() })
    }

    /// Plans, takes the lock, plans again with what the one before left, and runs it.
    async fn carry_out<'f>(
        &self,
        session: &mut Session,
        planned: impl Fn(&State) -> Result<Vec<(&'f Migration, Direction)>, MigrateError>,
    ) -> Result<Outcome, MigrateError> {
        let tables = self.tables();
        let state = tables.read(session).await?;
        let first = planned(&state)?;
        if first.is_empty() {
            return Ok(Outcome { applied: Vec::new(), version: state.current() });
        }
        // Before the lock: a mistake in a file keeps nobody waiting, and nothing of what comes before it is run.
        let mut ready = self.prepare(&first)?;
        self.take_lock(session).await?;
        let result = async {
            let state = tables.read(session).await?;
            let second = planned(&state)?;
            if second != first {
                ready = self.prepare(&second)?;
            }
            let outcome = Outcome { applied: Vec::new(), version: state.current() };
            if ready.is_empty() {
                return Ok(outcome);
            }
            self.before().await?;
            tables.create(session, &state).await?;
            self.run(session, &state, &ready, outcome).await
        }
        .await;
        // The lock ends with the session as well; said for the ones that wait.
        _ = session.unlock().await;
        result
    }

    /// Waits for the lock. Whoever waits has run nothing yet: where its server goes away, it goes on waiting at the one
    /// that takes its place, which knows nothing of the lock.
    async fn take_lock(&self, session: &mut Session) -> Result<(), MigrateError> {
        let (start, limit) = (Instant::now(), self.options.lock_deadline);
        loop {
            if let Some(why) = session.read_only() {
                return Err(MigrateError::ReadOnly { target: self.target.shown(), why });
            }
            if session.is_pooled().await {
                return Err(MigrateError::Pooler { target: self.target.shown() });
            }
            match lock::take(session, start, limit, &self.random, &self.listener).await {
                Ok(_) => return Ok(()),
                Err(MigrateError::Bookkeeping { source, .. }) if source.disconnected && start.elapsed() < limit => {
                    let limit = self.options.connect_deadline;
                    (self.listener)(Event::WaitingForServer { why: source.to_string(), limit });
                    *session = Session::connect(&self.target, &self.options, &self.listener).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Runs the command that goes before anything is changed.
    async fn before(&self) -> Result<(), MigrateError> {
        let Some(command) = &self.options.before else { return Ok(()) };
        (self.listener)(Event::Before { command: command.clone() });
        let mut shell = tokio::process::Command::new("sh");
        shell.arg("-c").arg(command).env("DATABASE_URL", self.target.raw()).kill_on_drop(true);
        let ended = shell.stdin(std::process::Stdio::null()).status().await;
        let why = match ended {
            Ok(status) if status.success() => return Ok(()),
            Ok(status) => format!("failed: {status}"),
            Err(error) => format!("could not be started: {error}"),
        };
        Err(MigrateError::Before { command: command.clone(), why })
    }

    /// Reads and parses all files before the first one runs.
    fn prepare(&self, files: &[(&Migration, Direction)]) -> Result<Vec<Ready>, MigrateError> {
        files.iter().map(|(file, direction)| self.read(file, *direction)).collect()
    }

    fn read(&self, file: &Migration, direction: Direction) -> Result<Ready, MigrateError> {
        let content = read(&file.path)?;
        let section = Section::parse(&file.path, &content, direction, self.variables)?;
        for note in &section.notes {
            (self.listener)(Event::Note { text: format!("{}:{}: {}", file.path.display(), note.line, note.message) });
        }
        Ok(Ready {
            version: file.version,
            path: file.path.clone(),
            name: file.name(),
            direction,
            section,
            digest: digest(&content),
        })
    }

    async fn run(
        &self,
        session: &mut Session,
        state: &State,
        files: &[Ready],
        mut outcome: Outcome,
    ) -> Result<Outcome, MigrateError> {
        let tables = self.tables();
        // What stopped halfway is gone on with before anything else, and in its own direction.
        for row in &state.journal {
            if files.first().is_none_or(|file| (file.version, file.direction) != (row.version, row.direction)) {
                let (version, direction, next, of) = (row.version, row.direction, row.next, row.of);
                return Err(MigrateError::Stopped { version, direction, next, of });
            }
        }
        let mut unflushed = None;
        let (mut index, mut sequences) = (0, 0);
        while let Some(file) = files.get(index) {
            let after = |index: usize| files.get(index).is_some_and(|next| next.section.transaction);
            let length = sequence::length(session, &files[index..]);
            let ran = if length > 1 && state.journal.is_empty() {
                sequences += 1;
                let (files, relaxed) = (&files[index..index + length], after(index + length));
                let name = format!("bowline_{sequences}");
                let ran = self.sequence(session, files, relaxed, &name, &mut outcome).await;
                let done = ran.as_ref().map_or_else(|(done, _)| *done, |()| length);
                if let Some(last) = done.checked_sub(1).and_then(|last| files.get(last)) {
                    unflushed = (relaxed || done < length).then_some(last.version);
                }
                index += length;
                ran.map_err(|(_, error)| error)
            } else {
                let start = Instant::now();
                let stopped = state.journal.iter().find(|row| row.version == file.version);
                // What is done of a file that stopped halfway is not done again, whatever it says of transactions now.
                let halfway = stopped.is_some_and(|row| row.next > 1 || row.running);
                let by_itself = session.dialect() == Dialect::Mysql
                    && file.section.statements.iter().any(|one| statement::commits_by_itself(&one.sql));
                let whole = file.section.transaction && !by_itself && !halfway;
                let relaxed = whole && after(index + 1);
                let ran = if whole {
                    let mut record = tables.record(file.version, file.direction, &file.name, &file.digest);
                    record.extend(stopped.map(|row| tables.forget(row.version)));
                    self.whole(session, file, &record, relaxed).await
                } else {
                    self.stepwise(session, file, stopped).await
                };
                if ran.is_ok() {
                    unflushed = relaxed.then_some(file.version);
                    self.done(file, start.elapsed(), &mut outcome);
                }
                index += 1;
                ran
            };
            if let Err(error) = ran {
                if let Some(version) = unflushed {
                    _ = session.execute(&tables.flush(version)).await;
                }
                return Err(error);
            }
        }
        outcome.version = tables.read(session).await?.current();
        Ok(outcome)
    }

    pub(crate) fn done(&self, file: &Ready, took: Duration, outcome: &mut Outcome) {
        let (version, name, direction) = (file.version, file.name.clone(), file.direction);
        let statements = file.section.statements.len();
        (self.listener)(Event::Migrated { version, name: name.clone(), direction, statements, took });
        outcome.applied.push(Applied { version, name, direction, statements, took });
    }

    /// A file in one transaction together with its record. A lock that was not to be had is tried again.
    pub(crate) async fn whole(
        &self,
        session: &mut Session,
        file: &Ready,
        record: &[String],
        relaxed: bool,
    ) -> Result<(), MigrateError> {
        let all: Vec<&str> = file
            .section
            .statements
            .iter()
            .map(|one| one.sql.as_str())
            .chain(record.iter().map(String::as_str))
            .collect();
        let mut attempt = 1;
        loop {
            let Err((index, source)) = session.transaction(&all, relaxed).await else { return Ok(()) };
            if self.again(&file.name, &source, &mut attempt).await {
                continue;
            }
            return Err(failed(file, index, source, true));
        }
    }

    /// Waits and says yes where a statement gave way to another session and may be tried again.
    pub(crate) async fn again(&self, name: &str, source: &ServerError, attempt: &mut u32) -> bool {
        // lock_not_available, deadlock_detected, serialization_failure; MySQL's lock wait timeout and deadlock;
        // SQLite's busy and locked
        if source.disconnected
            || *attempt > self.options.lock_retries
            || !source.is(&["55P03", "40P01", "40001", "1205", "1213", "5", "6"])
        {
            return false;
        }
        *attempt += 1;
        let longest = Duration::from_millis(100 << (*attempt).min(6));
        let after = longest / 2 + longest.mul_f64(self.random.below(1000) as f64 / 2000.0);
        let why = match &source.blocker {
            Some(blocker) => format!("{source}; in the way: {blocker}"),
            None => source.to_string(),
        };
        (self.listener)(Event::Retry { name: name.to_owned(), why, attempt: *attempt, after });
        tokio::time::sleep(after).await;
        true
    }

    async fn unversioned(
        &self,
        session: &mut Session,
        files: &[&Migration],
        direction: Direction,
    ) -> Result<Outcome, MigrateError> {
        let files: Vec<_> = files.iter().map(|file| (*file, direction)).collect();
        let ready = self.prepare(&files)?;
        let mut outcome = Outcome::default();
        for file in &ready {
            let start = Instant::now();
            if file.section.transaction {
                self.whole(session, file, &[], false).await?;
            } else {
                for (index, one) in file.section.statements.iter().enumerate() {
                    session.execute(&one.sql).await.map_err(|source| failed(file, index, source, false))?;
                }
            }
            self.done(file, start.elapsed(), &mut outcome);
        }
        outcome.version = ready.last().map_or(0, |file| file.version);
        Ok(outcome)
    }
}

/// What went wrong with the statement at `index` of a file: with its place. Beyond the statements it is the record or
/// the commit.
pub(crate) fn failed(file: &Ready, index: usize, source: ServerError, undone: bool) -> MigrateError {
    let statements = &file.section.statements;
    let Some(one) = statements.get(index) else {
        return MigrateError::Commit { path: file.path.clone(), source };
    };
    let (mut line, mut column) = (one.line, one.column);
    if let Some(position) = source.position {
        for c in one.sql.chars().take(position.saturating_sub(1)) {
            if c == '\n' {
                line += 1;
                column = 1;
            } else {
                column += 1;
            }
        }
    }
    let (path, of) = (file.path.clone(), statements.len());
    MigrateError::Statement { path, line, column, statement: index + 1, of, undone, source }
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, MigrateError> {
    std::fs::read(path).map_err(|source| MigrateError::Read { path: path.to_owned(), source })
}

/// SHA-256 of a file, in hexadecimal; Windows' line ends count as ordinary ones, which is how Git may hand them out.
pub(crate) fn digest(content: &[u8]) -> String {
    let mut hasher = Sha256::new();
    let mut rest = content;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
        hasher.update(&rest[..at]);
        rest = &rest[at + 1..];
    }
    hasher.update(rest);
    hexadecimal(&hasher.finalize())
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
