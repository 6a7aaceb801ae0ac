use serde::{Deserialize, Serialize};

/// The tool that a folder of migrations, or a version table, is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// goose, and Bowline's own runner: `7_name.sql` with `-- +goose Up` and `-- +goose Down`.
    Goose,
    /// golang-migrate: `7_name.up.sql` and `7_name.down.sql`.
    GolangMigrate,
    /// sqlx: `7_name.sql`, or `7_name.up.sql` and `7_name.down.sql`.
    Sqlx,
    /// refinery: `V7__name.sql`.
    Refinery,
    /// Flyway: `V1.2__name.sql`, with `U1.2__name.sql` for the way back.
    Flyway,
    /// dbmate: `7_name.sql` with `-- migrate:up` and `-- migrate:down`.
    Dbmate,
    /// Diesel: `2024-01-01-000000_name/up.sql` and `down.sql`.
    Diesel,
    /// Prisma: `20240101000000_name/migration.sql`.
    Prisma,
    /// Alembic: Python files with `revision` and `down_revision`.
    Alembic,
    /// Django: `app/migrations/0001_name.py`.
    Django,
    /// Rails: `20240101000000_name.rb`.
    Rails,
    /// Ecto: `20240101000000_name.exs`.
    Ecto,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Goose,
        Self::GolangMigrate,
        Self::Sqlx,
        Self::Refinery,
        Self::Flyway,
        Self::Dbmate,
        Self::Diesel,
        Self::Prisma,
        Self::Alembic,
        Self::Django,
        Self::Rails,
        Self::Ecto,
    ];

    /// Its name, as flags take it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Goose => "goose",
            Self::GolangMigrate => "golang-migrate",
            Self::Sqlx => "sqlx",
            Self::Refinery => "refinery",
            Self::Flyway => "flyway",
            Self::Dbmate => "dbmate",
            Self::Diesel => "diesel",
            Self::Prisma => "prisma",
            Self::Alembic => "alembic",
            Self::Django => "django",
            Self::Rails => "rails",
            Self::Ecto => "ecto",
        }
    }

    /// The table in which it notes what it has done.
    pub fn table(self) -> &'static str {
        match self {
            Self::Goose => "goose_db_version",
            Self::GolangMigrate | Self::Dbmate | Self::Rails | Self::Ecto => "schema_migrations",
            Self::Sqlx => "_sqlx_migrations",
            Self::Refinery => "refinery_schema_history",
            Self::Flyway => "flyway_schema_history",
            Self::Diesel => "__diesel_schema_migrations",
            Self::Prisma => "_prisma_migrations",
            Self::Alembic => "alembic_version",
            Self::Django => "django_migrations",
        }
    }

    /// Whether its files are meant to have a way back.
    pub fn has_way_back(self) -> bool {
        matches!(self, Self::Goose | Self::GolangMigrate | Self::Dbmate | Self::Diesel)
    }

    /// Whether its migrations are SQL, so that they can be read.
    pub fn is_sql(self) -> bool {
        !matches!(self, Self::Alembic | Self::Django | Self::Rails | Self::Ecto)
    }
}

impl std::fmt::Display for Layout {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Layout {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|layout| layout.as_str() == text).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.iter().map(|layout| layout.as_str()).collect();
            format!("{text:?} is no migration tool that is known: {}", all.join(", "))
        })
    }
}
