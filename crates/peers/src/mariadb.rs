//! A real MariaDB server of a test's own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::postgres::{as_ordinary_user, eventually, folder, free_port};
use crate::skip;

/// A MariaDB server in a folder of its own, on loopback, stopped when dropped.
pub struct MariaDb {
    folder: TempDir,
    port: u16,
    server: Option<Child>,
}

impl MariaDb {
    /// Starts one, or reports the skip of the calling test where the server is not installed. Its user `todo` has all
    /// rights and no password.
    ///
    /// # Panics
    /// Where it is installed and does not start.
    pub fn start() -> Option<Self> {
        let program = |name: &str| {
            let folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"];
            folders.iter().map(|folder| PathBuf::from(folder).join(name)).find(|path| path.is_file())
        };
        let (Some(server), Some(install)) = (program("mariadbd"), program("mariadb-install-db")) else {
            skip("needs MariaDB's server programs: install mariadb-server");
            return None;
        };
        let mut maria = Self { folder: folder("bowline-maria-"), port: free_port(), server: None };
        let data = maria.folder.path().join("data");
        let mut command = Command::new(install);
        command.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
        command.args(["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-log-bin"]);
        as_ordinary_user(&mut command, "mysql");
        let made = command.current_dir(maria.folder.path()).output().unwrap();
        assert!(made.status.success(), "mariadb-install-db: {}", String::from_utf8_lossy(&made.stderr));
        let init = maria.folder.path().join("init.sql");
        let grant = "CREATE USER 'todo'@'127.0.0.1';\nGRANT ALL ON *.* TO 'todo'@'127.0.0.1' WITH GRANT OPTION;\n\
                     CREATE USER 'locked'@'127.0.0.1' IDENTIFIED BY 'correct';\nCREATE DATABASE todo;\n";
        std::fs::write(&init, grant).unwrap();
        let mut command = Command::new(server);
        let path = |name: &str| maria.folder.path().join(name).display().to_string();
        command.arg("--no-defaults").arg(format!("--datadir={}", data.display()));
        command.args([format!("--port={}", maria.port), "--bind-address=127.0.0.1".to_owned()]);
        command.args([format!("--socket={}", path("m.sock")), format!("--pid-file={}", path("m.pid"))]);
        command.arg(format!("--init-file={}", init.display())).args(["--skip-name-resolve", "--skip-log-bin"]);
        command.args(["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=32M"]);
        as_ordinary_user(&mut command, "mysql");
        let errors = std::fs::File::create(maria.folder.path().join("server.log")).unwrap();
        maria.server = Some(command.stdout(Stdio::null()).stderr(errors).spawn().unwrap());
        eventually("MariaDB answers", || maria.sql("SELECT 1").is_ok());
        Some(maria)
    }

    /// What the client says to a statement, tab-separated without a header.
    ///
    /// # Errors
    /// What it says on stderr where the statement fails.
    ///
    /// # Panics
    /// Where the client cannot be started.
    pub fn sql(&self, statement: &str) -> Result<String, String> {
        let mut command = Command::new("mariadb");
        command.args(["--no-defaults", "-h", "127.0.0.1", "-P", &self.port.to_string(), "-u", "todo"]);
        let output = command.args(["--skip-ssl", "-BN", "-e", statement, "todo"]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }

    /// Port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connection string of the database `todo` in the form that goose takes.
    pub fn dsn(&self) -> String {
        format!("todo@tcp(127.0.0.1:{})/todo", self.port)
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        let _ = server.kill();
        let _ = server.wait();
    }
}
