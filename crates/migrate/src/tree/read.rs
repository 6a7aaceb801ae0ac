use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{Layout, Migration, Part, alembic};

/// How deep folders are read: Prisma's and Diesel's have one for each migration, Django's one for each application.
const DEPTH: usize = 3;

/// Why a folder is none of migrations.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// It could not be read.
    #[error("read {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is no text.
    #[error("{}:1:1: it is not UTF-8 from byte {at} on", path.display())]
    Encoding {
        /// The file.
        path: PathBuf,
        /// The first byte that is not.
        at: usize,
    },
    /// Nothing in it is a migration.
    #[error("{}: no migrations of any tool that is known", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
}

/// A folder of migrations, in the order of their versions.
#[derive(Clone, Debug)]
pub struct MigrationTree {
    /// The folder.
    pub folder: PathBuf,
    /// The tool that it is of.
    pub layout: Layout,
    /// The migrations, in order. A version that two files have is there twice.
    pub migrations: Vec<Migration>,
    texts: BTreeMap<PathBuf, String>,
}

impl MigrationTree {
    /// Reads a folder. Without a layout, the tool is told by what is in the folder.
    ///
    /// # Errors
    /// [`TreeError`]: unreadable, no text, or nothing in it.
    pub fn read(folder: &Path, layout: Option<Layout>) -> Result<Self, TreeError> {
        let mut files = Vec::new();
        collect(folder, DEPTH, &mut files)?;
        Self::of_files(folder, files, layout)
    }

    /// As above, of files that were read already; their paths begin with the folder's.
    ///
    /// # Errors
    /// As above.
    pub fn of_files(folder: &Path, files: Vec<(PathBuf, Vec<u8>)>, layout: Option<Layout>) -> Result<Self, TreeError> {
        let mut texts = BTreeMap::new();
        for (path, bytes) in files {
            match String::from_utf8(bytes) {
                Ok(text) => texts.insert(path, text),
                Err(error) => return Err(TreeError::Encoding { path, at: error.utf8_error().valid_up_to() }),
            };
        }
        let layout = layout.or_else(|| detect(folder, &texts));
        let Some(layout) = layout else { return Err(TreeError::Empty { path: folder.to_owned() }) };
        let mut migrations: Vec<Migration> = match layout {
            Layout::Goose | Layout::Dbmate => marked(folder, &texts, layout),
            Layout::GolangMigrate | Layout::Sqlx => paired(folder, &texts, layout),
            Layout::Flyway | Layout::Refinery => prefixed(folder, &texts),
            Layout::Diesel | Layout::Prisma => foldered(folder, &texts, layout),
            Layout::Alembic => alembic::migrations(&texts),
            Layout::Django => django(folder, &texts),
            Layout::Rails => scripted(folder, &texts, "rb"),
            Layout::Ecto => scripted(folder, &texts, "exs"),
        };
        if migrations.is_empty() {
            return Err(TreeError::Empty { path: folder.to_owned() });
        }
        if layout != Layout::Alembic {
            migrations.sort_by_cached_key(|m| (order_key(&m.version), m.path.clone()));
        }
        Ok(Self { folder: folder.to_owned(), layout, migrations, texts })
    }

    /// The text of a migration's file.
    pub fn text(&self, path: &Path) -> &str {
        self.texts.get(path).map_or("", String::as_str)
    }

    /// Files of SQL in the folder itself that are no migrations: their names have no version.
    pub fn unnumbered(&self) -> impl Iterator<Item = &Path> {
        let is_sql = |path: &&PathBuf| path.extension() == Some(OsStr::new("sql")) && is_direct(&self.folder, path);
        let others = self.texts.keys().filter(is_sql);
        others.filter(|path| !self.migrations.iter().any(|m| m.path == **path)).map(PathBuf::as_path)
    }

    /// The text of a part, with the same place for every byte: what comes before it is blank.
    pub fn part_in_place(&self, part: &Part) -> String {
        let text = self.text(&part.path);
        let before = text.get(..part.range.start).unwrap_or_default();
        let mut placed: String =
            before.bytes().map(|byte| if matches!(byte, b'\n' | b'\r') { byte as char } else { ' ' }).collect();
        placed.push_str(text.get(part.range.clone()).unwrap_or_default());
        placed
    }
}

/// Versions in the order in which tools run them: by their numbers, then as text.
fn order_key(version: &str) -> (Vec<u64>, String) {
    let numbers = version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
    match version.starts_with(|c: char| c.is_ascii_digit()) {
        true => (numbers, version.to_owned()),
        false => (Vec::new(), version.to_owned()),
    }
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<(PathBuf, Vec<u8>)>) -> Result<(), TreeError> {
    let failed = |source| TreeError::Read { path: folder.to_owned(), source };
    let mut entries: Vec<_> = std::fs::read_dir(folder).map_err(failed)?.collect::<Result<_, _>>().map_err(failed)?;
    entries.sort_by_key(std::fs::DirEntry::path);
    for entry in entries {
        let path = entry.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        if path.is_dir() {
            if depth > 1 {
                collect(&path, depth - 1, files)?;
            }
        } else if matches!(path.extension().and_then(OsStr::to_str), Some("sql" | "py" | "rb" | "exs")) {
            let bytes = std::fs::read(&path).map_err(|source| TreeError::Read { path: path.clone(), source })?;
            files.push((path, bytes));
        }
    }
    Ok(())
}

fn file_name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

fn is_direct(folder: &Path, path: &Path) -> bool {
    path.parent() == Some(folder)
}

/// `7_add_users` is version 7, which adds users.
fn numbered(stem: &str) -> Option<(&str, &str)> {
    let (version, name) = stem.split_once('_')?;
    let digits = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
    digits.then_some((version, name))
}

/// A version as a table of numbers has it.
fn without_zeros(version: &str) -> String {
    match version.trim_start_matches('0') {
        "" => "0".to_owned(),
        rest => rest.to_owned(),
    }
}

fn detect(folder: &Path, texts: &BTreeMap<PathBuf, String>) -> Option<Layout> {
    let direct = || texts.iter().filter(|(path, _)| is_direct(folder, path));
    let any = |predicate: &dyn Fn(&str, &str) -> bool| direct().any(|(path, text)| predicate(file_name(path), text));
    let below = |name: &str| texts.keys().any(|path| file_name(path) == name && !is_direct(folder, path));
    if any(&|name, text| name.ends_with(".sql") && text.lines().any(|line| goose_mark(line).is_some())) {
        return Some(Layout::Goose);
    }
    if any(&|name, text| name.ends_with(".sql") && text.lines().any(|line| dbmate_mark(line).is_some())) {
        return Some(Layout::Dbmate);
    }
    if any(&|name, _| name.ends_with(".up.sql")) {
        return Some(Layout::GolangMigrate);
    }
    if any(&|name, _| flyway_name(name).is_some()) {
        return Some(Layout::Flyway);
    }
    if any(&|name, _| name.strip_suffix(".sql").and_then(numbered).is_some()) {
        return Some(Layout::Sqlx);
    }
    if below("migration.sql") {
        return Some(Layout::Prisma);
    }
    if below("up.sql") {
        return Some(Layout::Diesel);
    }
    if texts.values().any(|text| alembic::is_revision(text)) {
        return Some(Layout::Alembic);
    }
    if texts.iter().any(|(path, text)| path.extension() == Some(OsStr::new("py")) && is_django(text)) {
        return Some(Layout::Django);
    }
    let scripts = |extension: &str| !scripted(folder, texts, extension).is_empty();
    if scripts("rb") {
        return Some(Layout::Rails);
    }
    scripts("exs").then_some(Layout::Ecto)
}

/// The command of a goose annotation, in capitals.
fn goose_mark(line: &str) -> Option<String> {
    let line = line.trim();
    if !line.starts_with("--") {
        return None;
    }
    let (_, command) = line.split_once("+goose")?;
    Some(command.trim().to_ascii_uppercase())
}

/// The command of a dbmate annotation: `UP`, `UP TRANSACTION:FALSE`, `DOWN`.
fn dbmate_mark(line: &str) -> Option<String> {
    let rest = line.trim().strip_prefix("--")?.trim_start();
    Some(rest.strip_prefix("migrate:")?.trim().to_ascii_uppercase())
}

/// Tools with both ways in one file, parted by annotations.
fn marked(folder: &Path, texts: &BTreeMap<PathBuf, String>, layout: Layout) -> Vec<Migration> {
    let files = texts.iter().filter(|(path, _)| is_direct(folder, path));
    let of_file = |(path, text): (&PathBuf, &String)| {
        let (version, name) = numbered(file_name(path).strip_suffix(".sql")?)?;
        let version = if layout == Layout::Goose { without_zeros(version) } else { version.to_owned() };
        let mut transactions = [true, true];
        let (mut up, mut down) = (None, None);
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let after = at + line.len();
            let mark = if layout == Layout::Goose { goose_mark(line) } else { dbmate_mark(line) };
            match mark.as_deref() {
                Some("NO TRANSACTION") if layout == Layout::Goose => transactions = [false, false],
                Some(mark) if mark == "UP" || mark.starts_with("UP ") => {
                    up.get_or_insert(after..text.len());
                    transactions[0] &= !mark.contains("TRANSACTION:FALSE");
                }
                Some(mark) if mark == "DOWN" || mark.starts_with("DOWN ") => {
                    if let Some(up) = &mut up {
                        up.end = at;
                    }
                    down.get_or_insert(after..text.len());
                    transactions[1] &= !mark.contains("TRANSACTION:FALSE");
                }
                _ => {}
            }
            at = after;
        }
        let part = |range, transaction| Part { path: path.clone(), range, transaction };
        Some(Migration {
            version,
            name: name.to_owned(),
            path: path.clone(),
            up: up.map(|range| part(range, transactions[0])),
            down: down.map(|range| part(range, transactions[1])),
            after: Vec::new(),
            replaces: Vec::new(),
        })
    };
    files.filter_map(of_file).collect()
}

fn whole(path: &Path, texts: &BTreeMap<PathBuf, String>, transaction: bool) -> Part {
    let end = texts.get(path).map_or(0, String::len);
    Part { path: path.to_owned(), range: 0..end, transaction }
}

/// Tools with a file for each way.
fn paired(folder: &Path, texts: &BTreeMap<PathBuf, String>, layout: Layout) -> Vec<Migration> {
    let files: Vec<&PathBuf> = texts.keys().filter(|path| is_direct(folder, path)).collect();
    let of_file = |path: &&PathBuf| {
        let name = file_name(path);
        let stem = match (name.strip_suffix(".up.sql"), layout) {
            (Some(stem), _) => stem,
            (None, Layout::Sqlx) if !name.ends_with(".down.sql") => name.strip_suffix(".sql")?,
            (None, _) => return None,
        };
        let (version, title) = numbered(stem)?;
        let down = path.with_file_name(format!("{stem}.down.sql"));
        // sqlx reads the mark in the first line; golang-migrate sends a file as one query, which is one transaction.
        let bare = texts.get(*path).is_some_and(|text| text.starts_with("-- no-transaction"));
        let transaction = !(layout == Layout::Sqlx && bare);
        Some(Migration {
            version: without_zeros(version),
            name: title.replace('_', " "),
            path: (*path).clone(),
            up: Some(whole(path, texts, transaction)),
            down: texts.contains_key(&down).then(|| whole(&down, texts, transaction)),
            after: Vec::new(),
            replaces: Vec::new(),
        })
    };
    files.iter().filter_map(of_file).collect()
}

/// `V1.2__name.sql`, `V1_2__name.sql`: the letter, the version with dots, the name.
fn flyway_name(name: &str) -> Option<(char, String, &str)> {
    let stem = name.strip_suffix(".sql")?;
    let letter = stem.chars().next().filter(|letter| matches!(letter, 'V' | 'U'))?;
    let (version, title) = stem.get(1..)?.split_once("__")?;
    let parts: Vec<&str> = version.split(['.', '_']).collect();
    let numbers = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    numbers.then(|| (letter, parts.join("."), title))
}

/// Tools with the version behind a letter.
fn prefixed(folder: &Path, texts: &BTreeMap<PathBuf, String>) -> Vec<Migration> {
    let named: Vec<_> = texts
        .keys()
        .filter(|path| is_direct(folder, path))
        .filter_map(|path| flyway_name(file_name(path)).map(|name| (path, name)))
        .collect();
    let of_file = |(path, (letter, version, title)): &(&PathBuf, (char, String, &str))| {
        if *letter != 'V' {
            return None;
        }
        let down = named.iter().find(|(_, (letter, of, _))| *letter == 'U' && of == version);
        Some(Migration {
            version: version.split('.').map(without_zeros).collect::<Vec<_>>().join("."),
            name: title.replace('_', " "),
            path: (*path).clone(),
            up: Some(whole(path, texts, true)),
            down: down.map(|(path, _)| whole(path, texts, true)),
            after: Vec::new(),
            replaces: Vec::new(),
        })
    };
    named.iter().filter_map(of_file).collect()
}

/// Tools with a folder for each migration.
fn foldered(folder: &Path, texts: &BTreeMap<PathBuf, String>, layout: Layout) -> Vec<Migration> {
    let wanted = if layout == Layout::Prisma { "migration.sql" } else { "up.sql" };
    let files = texts.keys().filter(|path| file_name(path) == wanted);
    let of_file = |path: &PathBuf| {
        let parent = path.parent()?;
        let title = (parent.parent() == Some(folder)).then(|| file_name(parent))?;
        let (stamp, name) = title.split_once('_')?;
        let version = match layout {
            Layout::Prisma => title.to_owned(),
            _ => stamp.replace('-', ""),
        };
        let down = path.with_file_name("down.sql");
        // Prisma sends a file as one query; Diesel reads a file beside it.
        Some(Migration {
            version,
            name: name.to_owned(),
            path: path.clone(),
            up: Some(whole(path, texts, true)),
            down: texts.contains_key(&down).then(|| whole(&down, texts, true)),
            after: Vec::new(),
            replaces: Vec::new(),
        })
    };
    files.filter_map(of_file).collect()
}

fn is_django(text: &str) -> bool {
    text.contains("migrations.Migration")
}

/// `shop/migrations/0001_initial.py` is `shop.0001_initial`. The folder may be a project, an application or its `migrations`.
fn django(folder: &Path, texts: &BTreeMap<PathBuf, String>) -> Vec<Migration> {
    let of_file = |(path, text): (&PathBuf, &String)| {
        let title = file_name(path).strip_suffix(".py")?;
        numbered(title).filter(|_| is_django(text))?;
        let parent = path.parent().filter(|parent| file_name(parent) == "migrations")?;
        let application = match file_name(parent.parent()?) {
            "" => file_name(folder),
            name => name,
        };
        Some(Migration {
            version: format!("{application}.{title}"),
            name: title.to_owned(),
            path: path.clone(),
            up: None,
            down: None,
            after: Vec::new(),
            replaces: replaced(text),
        })
    };
    texts.iter().filter_map(of_file).collect()
}

/// `replaces = [("shop", "0001_initial"), …]` of a squashed migration.
fn replaced(text: &str) -> Vec<String> {
    let list = text.split_once("replaces = [").and_then(|(_, rest)| rest.split_once(']')).map_or("", |(list, _)| list);
    let names = super::alembic::strings(list);
    names.chunks(2).filter_map(|pair| Some(format!("{}.{}", pair.first()?, pair.get(1)?))).collect()
}

/// Tools whose migrations are programs, named by their version.
fn scripted(folder: &Path, texts: &BTreeMap<PathBuf, String>, extension: &str) -> Vec<Migration> {
    let of_file = |path: &PathBuf| {
        let (version, name) = numbered(file_name(path).strip_suffix(extension)?.strip_suffix('.')?)?;
        let version = if extension == "exs" { without_zeros(version) } else { version.to_owned() };
        let (name, path) = (name.to_owned(), path.clone());
        Some(Migration { version, name, path, up: None, down: None, after: Vec::new(), replaces: Vec::new() })
    };
    texts.keys().filter(|path| is_direct(folder, path)).filter_map(of_file).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> MigrationTree {
        let files = files.iter().map(|(path, text)| (Path::new("m").join(path), text.as_bytes().to_vec())).collect();
        MigrationTree::of_files(Path::new("m"), files, None).unwrap()
    }

    fn versions(tree: &MigrationTree) -> Vec<&str> {
        tree.migrations.iter().map(|m| m.version.as_str()).collect()
    }

    #[test]
    fn each_tool_is_told_by_its_files() {
        type Files<'a> = &'a [(&'a str, &'a str)];
        let cases: [(Files<'_>, Layout, &[&str]); 11] = [
            (
                &[("00010_b.sql", "-- +goose Up\n"), ("00002_a.sql", "-- +goose up\n"), ("x.sql", "")],
                Layout::Goose,
                &["2", "10"],
            ),
            (&[("1_a.up.sql", ""), ("1_a.down.sql", "")], Layout::GolangMigrate, &["1"]),
            (&[("20240101_a.sql", "SELECT 1;")], Layout::Sqlx, &["20240101"]),
            (&[("V1.10__b.sql", ""), ("V1_2__a.sql", ""), ("U1.2__a.sql", "")], Layout::Flyway, &["1.2", "1.10"]),
            (&[("20240101_a.sql", "-- migrate:up\n-- migrate:down\n")], Layout::Dbmate, &["20240101"]),
            (&[("2024-01-01-000000_a/up.sql", "")], Layout::Diesel, &["20240101000000"]),
            (&[("20240101000000_a/migration.sql", "")], Layout::Prisma, &["20240101000000_a"]),
            (&[("a.py", "revision = 'a1'\ndown_revision = None\n")], Layout::Alembic, &["a1"]),
            (
                &[("shop/migrations/0001_initial.py", "class Migration(migrations.Migration):")],
                Layout::Django,
                &["shop.0001_initial"],
            ),
            (&[("20240101000000_create_users.rb", "")], Layout::Rails, &["20240101000000"]),
            (&[("20240101000000_create_users.exs", "")], Layout::Ecto, &["20240101000000"]),
        ];
        for (files, layout, expected) in cases {
            let tree = tree(files);
            assert_eq!(tree.layout, layout);
            assert_eq!(versions(&tree), expected, "{layout}");
        }
    }

    #[test]
    fn the_ways_of_a_goose_file_keep_their_places() {
        let text = "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE TABLE a (b int);\n-- +goose Down\nDROP TABLE a;\n";
        let tree = tree(&[("1_a.sql", text)]);
        let migration = &tree.migrations[0];
        let (up, down) = (migration.up.clone().unwrap(), migration.down.clone().unwrap());
        assert!(!up.transaction && !down.transaction);
        assert_eq!(&text[up.range.clone()], "CREATE TABLE a (b int);\n");
        let placed = tree.part_in_place(&down);
        assert_eq!(placed.find("DROP"), text.find("DROP"));
        assert_eq!(placed.lines().count(), text.lines().count());
        assert!(!placed.contains("CREATE"));
    }

    #[test]
    fn what_is_no_text_is_refused_with_its_place() {
        let files = vec![(PathBuf::from("m/1_a.sql"), vec![b'-', 0xff])];
        let error = MigrationTree::of_files(Path::new("m"), files, None).unwrap_err();
        assert_eq!(error.to_string(), "m/1_a.sql:1:1: it is not UTF-8 from byte 1 on");
        let error = MigrationTree::of_files(Path::new("m"), Vec::new(), None).unwrap_err();
        assert_eq!(error.to_string(), "m: no migrations of any tool that is known");
    }
}
