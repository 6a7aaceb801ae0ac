//! `docs/cli.md` is what the arguments' definition says.
// Helpers of tests fail the test; real programs are waited for in real time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[test]
fn the_page_of_commands_is_up_to_date() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/cli.md");
    let text = std::fs::read_to_string(&page).unwrap_or_default();
    if std::env::var_os("BOWLINE_WRITE_REFERENCE").is_some() {
        std::fs::write(&page, bowline_cli::reference()).unwrap();
        return;
    }
    assert!(text == bowline_cli::reference(), "docs/cli.md is out of date: run `cargo run -p xtask -- docs`");
}
