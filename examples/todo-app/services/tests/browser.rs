//! A person at the page, in a real Chromium. With `TODO_URL` at the page that is running there (then nothing is started here,
//! and nothing is left there), without it at programs of its own.
#![allow(clippy::unwrap_used)]

mod support;

use serde_json::json;
use support::browser::Browser;
use support::{Postgres, Program, eventually, migrate};

const TITLES: &str =
    "return [...document.querySelectorAll('[data-testid=todo] [data-testid=title]')].map(e => e.textContent)";

/// Adds a to-do, sees it after a reload, completes it, sees that after a reload, and deletes it.
fn visit(browser: &Browser, url: &str) {
    let title = format!("tie a bowline {}", std::process::id());
    let has = |browser: &Browser| browser.run(TITLES).as_array().unwrap().contains(&json!(title));
    let completed = format!(
        "return document.evaluate(\"//li[.//label[text()='{title}']]\", document).iterateNext()?.dataset.completed"
    );

    browser.open(url);
    browser.enter("new-todo", &title);
    browser.click("", "add");
    eventually("the to-do is in the list", || has(browser));
    browser.reload();
    eventually("it is there after a reload", || has(browser));
    assert_eq!(browser.run(&completed), json!("false"));

    browser.click(&title, "toggle");
    eventually("it is completed", || browser.run(&completed) == json!("true"));
    browser.reload();
    eventually("it is there after a reload", || has(browser));
    assert_eq!(browser.run(&completed), json!("true"));

    browser.click(&title, "delete");
    eventually("it is gone", || !has(browser));
    assert_eq!(browser.errors(), Vec::<serde_json::Value>::new());
}

#[test]
fn a_todo_survives_a_reload() {
    if let Ok(url) = std::env::var("TODO_URL") {
        let Some(browser) = Browser::start() else { return };
        visit(&browser, &url);
        return;
    }
    let (Some(postgres), Some(browser)) = (Postgres::start(), Browser::start()) else { return };
    let database = postgres.url();
    migrate(&database);
    let mut backend = Program::start(env!("CARGO_BIN_EXE_todo-backend"), &[], &[("DATABASE_URL", &database)]);
    let address = backend.address();
    let to = format!("http://{address}");
    let frontend = Program::start(env!("CARGO_BIN_EXE_todo-frontend"), &[], &[("BACKEND_URL", &to)]);
    visit(&browser, &format!("http://{}", frontend.address()));

    // the page says so when the backend is down, and comes back by itself
    backend.terminate();
    assert!(backend.wait().success());
    browser.reload();
    let problem = "const p = document.querySelector('[data-testid=problem]'); return p.hidden ? '' : p.textContent";
    let says = |browser: &Browser| browser.run(problem).as_str().unwrap().to_owned();
    eventually("the page says what is wrong", || says(&browser).contains("not available right now"));
    let port = address.rsplit(':').next().unwrap();
    let _backend =
        Program::start(env!("CARGO_BIN_EXE_todo-backend"), &[], &[("DATABASE_URL", &database), ("PORT", port)]);
    eventually("the page recovers", || says(&browser).is_empty());
}
