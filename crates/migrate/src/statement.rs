//! What a statement is, as far as running it needs to know: by its words, never by guessing at its meaning.

/// Words that begin or end a transaction.
const CONTROL: [&str; 9] = ["BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE", "PREPARE"];

/// First words of statements that MySQL commits by themselves.
const IMPLICIT_COMMIT: [&str; 17] = [
    "ALTER", "ANALYZE", "CACHE", "CHECK", "CREATE", "DROP", "FLUSH", "GRANT", "INSTALL", "LOAD", "LOCK", "OPTIMIZE",
    "RENAME", "REPAIR", "REVOKE", "TRUNCATE", "UNLOCK",
];

/// Whether a statement may begin or end a transaction. Says yes too often (a function's body) rather than too seldom.
pub(crate) fn controls_transactions(sql: &str) -> bool {
    words(sql).any(|word| CONTROL.iter().any(|control| word.eq_ignore_ascii_case(control)))
}

/// Whether a text is one PostgreSQL statement for certain, whatever stands before or after it, and one that neither minds
/// another in its transaction nor takes away what is prepared. Says no too often rather than too seldom.
pub(crate) fn stands_alone(sql: &str) -> bool {
    const NOT: [&str; 7] = ["TRANSACTION", "ISOLATION", "DISCARD", "DEALLOCATE", "STDIN", "STDOUT", "ATOMIC"];
    // Dollar quotes, escapes and nested comments are left to the server, each by itself.
    if sql.contains(['$', '\\', '\0']) || sql.contains("/*") || controls_transactions(sql) {
        return false;
    }
    if words(sql).any(|word| NOT.iter().any(|no| word.eq_ignore_ascii_case(no))) {
        return false;
    }
    let (mut parentheses, mut ended, mut said) = (0_usize, false, false);
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        if rest.starts_with("--") {
            // a last line is joined with what follows by a line's end
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
            continue;
        }
        if ended {
            return false;
        }
        let mut length = first.len_utf8();
        match first {
            ';' => ended = true,
            '(' => parentheses += 1,
            ')' => match parentheses.checked_sub(1) {
                Some(left) => parentheses = left,
                None => return false,
            },
            // A doubled one ends and begins again.
            '\'' | '"' => match rest[1..].find(first) {
                Some(end) => length = end + 2,
                None => return false,
            },
            _ => said = true,
        }
        rest = &rest[length..];
    }
    ended && said && parentheses == 0
}

/// Whether MySQL commits before and after it, so that a transaction around it means nothing.
pub(crate) fn commits_by_itself(sql: &str) -> bool {
    let words: Vec<Token> = tokens(sql);
    let mut first = true;
    for token in &words {
        if first
            && let Token::Word(word) = token
            && IMPLICIT_COMMIT.iter().any(|ddl| word.eq_ignore_ascii_case(ddl))
        {
            return true;
        }
        first = *token == Token::Symbol(';');
    }
    false
}

/// Whether PostgreSQL runs it within a transaction for certain: then its mark in the journal can go with it.
pub(crate) fn fits_transaction(sql: &str) -> bool {
    const PLAIN: [&str; 6] = ["INSERT", "UPDATE", "DELETE", "ALTER", "CREATE", "DROP"];
    const NOT_WITHIN: [&str; 8] =
        ["CONCURRENTLY", "DATABASE", "TABLESPACE", "SYSTEM", "SUBSCRIPTION", "CALL", "DO", "VALUE"];
    let mut words = words(sql);
    let Some(first) = words.next() else { return false };
    PLAIN.iter().any(|plain| first.eq_ignore_ascii_case(plain))
        && !controls_transactions(sql)
        && !words.any(|word| NOT_WITHIN.iter().any(|no| word.eq_ignore_ascii_case(no)))
}

fn words(sql: &str) -> impl Iterator<Item = &str> {
    // within comments and strings as well: callers want to hear yes too often
    sql.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

/// An index that `CREATE INDEX CONCURRENTLY` builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConcurrentIndex {
    /// Its name as the catalog has it; absent where the server chooses one.
    pub(crate) name: Option<String>,
    /// The table's schema and name as the catalog has them.
    pub(crate) schema: Option<String>,
    pub(crate) table: String,
}

/// The index that a statement builds concurrently, where it does.
pub(crate) fn concurrent_index(sql: &str) -> Option<ConcurrentIndex> {
    let tokens = tokens(sql);
    let mut rest = tokens.iter().peekable();
    let word = |token: Option<&&Token>, expected: &str| matches!(token, Some(Token::Word(word)) if word.eq_ignore_ascii_case(expected));
    if !word(rest.next().as_ref(), "create") {
        return None;
    }
    if word(rest.peek(), "unique") {
        rest.next();
    }
    if !word(rest.next().as_ref(), "index") || !word(rest.next().as_ref(), "concurrently") {
        return None;
    }
    if word(rest.peek(), "if") {
        rest.nth(2);
    }
    let mut name = None;
    if !word(rest.peek(), "on") {
        name = Some(rest.next()?.name()?);
    }
    rest.next();
    if word(rest.peek(), "only") {
        rest.next();
    }
    let first = rest.next()?.name()?;
    if rest.peek() == Some(&&Token::Symbol('.')) {
        rest.next();
        let table = rest.next()?.name()?;
        return Some(ConcurrentIndex { name, schema: Some(first), table });
    }
    Some(ConcurrentIndex { name, schema: None, table: first })
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    /// In double quotes or backticks.
    Quoted(String),
    /// A string's content does not matter.
    Text,
    Symbol(char),
}

impl Token {
    /// As the catalog has it: unquoted names are lower case.
    fn name(&self) -> Option<String> {
        match self {
            Self::Word(word) => Some(word.to_lowercase()),
            Self::Quoted(name) => Some(name.clone()),
            Self::Text | Self::Symbol(_) => None,
        }
    }
}

/// Words, names and symbols without comments.
fn tokens(sql: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = rest.trim_start();
        } else if rest.starts_with("--") {
            rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
        } else if rest.starts_with("/*") {
            rest = rest[2..].split_once("*/").map_or("", |(_, rest)| rest);
        } else if matches!(first, '"' | '`' | '\'') {
            let mut end = 1;
            while let Some(at) = rest[end..].find(first) {
                end += at + 1;
                if !rest[end..].starts_with(first) {
                    break;
                }
                end += 1;
            }
            let closed = end > 1 && rest[..end].ends_with(first);
            let content = if closed { &rest[1..end - 1] } else { &rest[1..] };
            let doubled = format!("{first}{first}");
            tokens.push(match first {
                '\'' => Token::Text,
                _ => Token::Quoted(content.replace(&doubled, &first.to_string())),
            });
            rest = if closed { &rest[end..] } else { "" };
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            tokens.push(Token::Symbol(first));
            rest = &rest[first.len_utf8()..];
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concurrent_indexes_are_found_with_their_names() {
        let found = |sql: &str| concurrent_index(sql).map(|index| (index.name, index.schema, index.table));
        let some = |name: Option<&str>, schema: Option<&str>, table: &str| {
            Some((name.map(str::to_owned), schema.map(str::to_owned), table.to_owned()))
        };
        assert_eq!(
            found("create index concurrently Users_Name on Users (name)"),
            some(Some("users_name"), None, "users")
        );
        assert_eq!(
            found("-- why\nCREATE UNIQUE /* x */ INDEX CONCURRENTLY IF NOT EXISTS \"A \"\"b\" ON ONLY app.\"T\" (x);"),
            some(Some("A \"b"), Some("app"), "T")
        );
        assert_eq!(found("CREATE INDEX CONCURRENTLY ON t (x)"), some(None, None, "t"));
        assert_eq!(found("CREATE INDEX i ON t (x)"), None);
        assert_eq!(found("CREATE INDEX CONCURRENTLY"), None);
        assert_eq!(found("SELECT 'CREATE INDEX CONCURRENTLY i ON t (x)'"), None);
    }

    #[test]
    fn statements_are_known_by_their_words() {
        assert!(controls_transactions("select 1; commit;"));
        assert!(!controls_transactions("CREATE TABLE committed (id int)"));
        assert!(commits_by_itself("-- x\nINSERT INTO t VALUES ('a;b'); CREATE TABLE u (id int)"));
        assert!(!commits_by_itself("INSERT INTO t VALUES ('; drop')"));
        assert!(fits_transaction("ALTER TABLE t ADD COLUMN a int"));
        assert!(!fits_transaction("ALTER TYPE mood ADD VALUE 'calm'"));
        assert!(!fits_transaction("DROP INDEX CONCURRENTLY i"));
        for alone in [
            "CREATE TABLE t (id int DEFAULT (1));",
            "INSERT INTO t VALUES ('it''s; fine'); -- don't\n",
            "-- a; 'b\nSELECT \"a;b\" FROM t;\n",
        ] {
            assert!(stands_alone(alone), "{alone}");
        }
        for not in [
            "SELECT 1",
            ";",
            "-- only this\n;",
            "SELECT 1; SELECT 2;",
            "SELECT 'abc;",
            "SELECT \"abc;",
            "SELECT E'\\';",
            "DO $$ SELECT 1 $$;",
            "SELECT 1 /* ; */;",
            "CREATE RULE r AS ON INSERT TO t DO (INSERT INTO a VALUES (1);",
            "INSERT INTO b VALUES (2));",
            "COMMIT;",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;",
            "DISCARD TEMP;",
            "COPY t FROM STDIN;",
        ] {
            assert!(!stands_alone(not), "{not}");
        }
        assert!(!fits_transaction("VACUUM t"));
        assert!(!fits_transaction(""));
    }
}
