//! Chromium, driven over the WebDriver protocol by plain HTTP.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{ask, eventually};

/// A browser of its own, closed when dropped.
pub struct Browser {
    driver: Child,
    address: String,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts one, or reports the skip of the calling test where Chromium or its driver is not installed.
    pub fn start() -> Option<Self> {
        let (Some(driver), Some(chromium)) = (program("chromedriver"), program("chromium")) else {
            bowline_peers::skip("needs a real browser: install chromium and chromium-driver");
            return None;
        };
        let mut child =
            Command::new(driver).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let started = "started successfully on port ";
        let port =
            output.find_map(|line| line.split_once(started).map(|(_, port)| port.trim_end_matches('.').to_owned()));
        std::thread::spawn(move || output.for_each(drop));
        let address = format!("127.0.0.1:{}", port.expect("chromedriver says its port"));
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let options = json!({"binary": chromium, "args": arguments});
        let wanted = json!({"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}});
        let reply = ask(&address, "POST", "/session", Some(&json!({"capabilities": {"alwaysMatch": wanted}}))).unwrap();
        let session =
            reply.json()["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{}", reply.body)).to_owned();
        Some(Self { driver: child, address, session, _profile: profile })
    }

    fn command(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
        let reply = ask(&self.address, method, &format!("/session/{}{path}", self.session), body).unwrap();
        if reply.status == 200 { Ok(reply.json()["value"].clone()) } else { Err(reply.body) }
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.command("POST", path, Some(body)).unwrap()
    }

    /// Opens a page.
    pub fn open(&self, url: &str) {
        self.post("/url", &json!({"url": url}));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// The element with this `data-testid` in the to-do with this title (`""`: anywhere), once it is there.
    fn find(&self, title: &str, test_id: &str) -> String {
        let inside = if title.is_empty() { String::new() } else { format!("//li[.//label[text()='{title}']]") };
        let path = format!("{inside}//*[@data-testid='{test_id}']");
        let mut found = None;
        eventually(&format!("the page has {test_id} {title}"), || {
            let element = self.command("POST", "/element", Some(&json!({"using": "xpath", "value": path})));
            found = element.ok().and_then(|e| e.as_object()?.values().next()?.as_str().map(str::to_owned));
            found.is_some()
        });
        found.unwrap()
    }

    /// Types into a field.
    pub fn enter(&self, test_id: &str, text: &str) {
        let element = self.find("", test_id);
        self.post(&format!("/element/{element}/value"), &json!({"text": text}));
    }

    /// Clicks.
    pub fn click(&self, title: &str, test_id: &str) {
        let element = self.find(title, test_id);
        self.post(&format!("/element/{element}/click"), &json!({}));
    }

    /// What a script returns.
    pub fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// Errors in the browser's console since the last look.
    pub fn errors(&self) -> Vec<Value> {
        let entries = self.post("/se/log", &json!({"type": "browser"}));
        entries.as_array().unwrap().iter().filter(|entry| entry["level"] == "SEVERE").cloned().collect()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // closes the browser; the driver alone would leave it behind
        _ = ask(&self.address, "DELETE", &format!("/session/{}", self.session), None);
        _ = self.driver.kill();
        _ = self.driver.wait();
    }
}

fn program(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}
