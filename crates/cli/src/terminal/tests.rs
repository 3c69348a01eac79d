//! Nothing reaches the terminal past this module.

use std::fs;
use std::path::Path;

/// What writes to a terminal, or draws on one.
const BYPASSES: [&str; 10] = [
    "println!",
    "eprint!",
    " print!",
    "dbg!",
    "io::stderr",
    "io::stdout",
    "Stdio::inherit",
    "comfy_table",
    "console::",
    "indicatif",
];

#[test]
fn only_the_terminal_module_writes_to_the_terminal() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![source.clone()];
    let mut read = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            if name == "terminal.rs" || name.starts_with("terminal/") || name.contains("tests") {
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            read += 1;
            for bypass in BYPASSES {
                assert!(!text.contains(bypass), "{name} uses {bypass}: `terminal` shows things to people");
            }
        }
    }
    assert!(read > 30, "{read} files were read");
}
