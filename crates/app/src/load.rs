use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::App;

/// The file's name.
pub const FILE_NAME: &str = "bowline.yaml";

/// Why an application could not be read.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// There is neither a `bowline.yaml` nor a chart.
    #[error("{path}: no {FILE_NAME} and no Chart.yaml there")]
    NotFound {
        /// What was given.
        path: PathBuf,
    },
    /// The file could not be read.
    #[error("read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}:{line}:{column}: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: u64,
        /// Column, from 1.
        column: u64,
        /// What is wrong.
        message: String,
    },
}

impl App {
    /// Reads `path`: a `bowline.yaml`, or a folder that holds one. A folder or archive that is itself a chart makes an
    /// application of that chart's name. Paths in it become absolute against the file's folder.
    ///
    /// # Errors
    /// Where nothing of the kind is there, or it does not parse; with line and column.
    pub fn load(path: &Path) -> Result<Self, AppError> {
        let file = if path.is_dir() { path.join(FILE_NAME) } else { path.to_owned() };
        if !file.exists() || is_archive(&file) {
            return Self::of_bare_chart(path);
        }
        let text = fs::read_to_string(&file).map_err(|source| AppError::Read { path: file.clone(), source })?;
        Self::parse(&text, &file)
    }

    /// Parses the text of `file`.
    ///
    /// # Errors
    /// Where it is not a `bowline.yaml`; with line and column.
    pub fn parse(text: &str, file: &Path) -> Result<Self, AppError> {
        let mut app: Self = serde_saphyr::from_str(text).map_err(|error| {
            let (line, column) = error.location().map_or((1, 1), |at| (at.line(), at.column()));
            let message = first_line(&error.without_snippet().to_string());
            AppError::Parse { path: file.to_owned(), line, column, message }
        })?;
        let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        app.make_absolute(&folder);
        if app.namespace.is_empty() {
            app.namespace.clone_from(&app.name);
        }
        Ok(app)
    }

    fn of_bare_chart(path: &Path) -> Result<Self, AppError> {
        if !path.join("Chart.yaml").exists() && !is_archive(path) {
            return Err(AppError::NotFound { path: path.to_owned() });
        }
        let chart = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let name = chart.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Ok(Self::of_chart(chart, name))
    }

    /// An application that is a chart and nothing else.
    pub fn of_chart(chart: PathBuf, name: String) -> Self {
        Self {
            namespace: "default".to_owned(),
            name,
            chart,
            compat: None,
            values: Vec::new(),
            set: Default::default(),
            local: Default::default(),
            databases: Default::default(),
            rehearse: Default::default(),
        }
    }

    fn make_absolute(&mut self, folder: &Path) {
        let absolute = |path: &mut PathBuf| *path = folder.join(path.as_path());
        absolute(&mut self.chart);
        self.values.iter_mut().chain(&mut self.local.values).for_each(absolute);
        self.databases.values_mut().for_each(|database| absolute(&mut database.migrations));
        for image in self.local.images.values_mut() {
            image.path.iter_mut().for_each(absolute);
            match &mut image.workdir {
                Some(workdir) => absolute(workdir),
                workdir @ None => *workdir = Some(folder.to_owned()),
            }
            // A program given with a slash is a file of this folder; a bare name is looked up in PATH.
            if let Some(program) = image.command.first_mut().filter(|program| program.contains('/')) {
                *program = folder.join(&*program).to_string_lossy().into_owned();
            }
        }
    }
}

fn is_archive(path: &Path) -> bool {
    path.is_file() && path.extension().is_some_and(|extension| extension == "tgz")
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_relative_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        let text = "name: shop\nchart: chart\nlocal:\n  images:\n    web: { command: [bin/web, --fast] }\n";
        fs::write(&file, text).unwrap();
        let app = App::load(folder.path()).unwrap();
        let folder = folder.path().canonicalize().unwrap();
        assert_eq!((app.namespace.as_str(), app.chart), ("shop", folder.join("chart")));
        assert_eq!(app.local.images["web"].command, [folder.join("bin/web").to_string_lossy(), "--fast".into()]);
        assert_eq!(app.local.images["web"].workdir.as_deref(), Some(folder.as_path()));
    }

    #[test]
    fn databases_have_their_folders_and_variables() {
        let text = "name: shop\ndatabases:\n  who-is: { migrations: sql, wave: -5 }\n  b: { migrations: /b, env: B, \
                    require: [3, \"4\"], secret: b-db/URL, gate: false }\n";
        let app = App::parse(text, Path::new("/x/bowline.yaml")).unwrap();
        let database = &app.databases["who-is"];
        assert_eq!((database.migrations.as_path(), database.wave), (Path::new("/x/sql"), -5));
        assert_eq!(database.variable("who-is"), "WHO_IS_DATABASE_URL");
        assert!(database.gate && database.require.is_empty() && database.secret.is_none());
        let b = &app.databases["b"];
        assert_eq!((b.variable("b").as_str(), b.gate), ("B", false));
        assert_eq!(b.require, ["3", "4"]);
        assert_eq!(b.secret.as_ref().map(ToString::to_string).as_deref(), Some("b-db/URL"));
        let text = "name: shop\ndatabases:\n  b: { migrations: b, secret: URL }\n";
        let error = App::parse(text, Path::new("bowline.yaml")).unwrap_err().to_string();
        assert!(error.starts_with("bowline.yaml:3:") && error.contains("\"URL\" is not NAME/KEY"), "{error}");
    }

    #[test]
    fn a_misspelt_field_is_named_with_its_place() {
        let error = App::parse("name: shop\nchrat: chart\n", Path::new("bowline.yaml")).unwrap_err().to_string();
        assert!(error.starts_with("bowline.yaml:2:1: "), "{error}");
        assert!(error.contains("chrat"), "{error}");
    }

    #[test]
    fn a_folder_without_anything_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(App::load(folder.path()), Err(AppError::NotFound { .. })));
    }
}
