//! The output of the demo: chapters, facts that it checks, and the pool as a table.

use anyhow::{Result, bail};
use comfy_table::{ContentArrangement, Table, TableStyle, presets};
use console::style;
use local_cloud::user_pool::Profile;

/// What stands before every line of a chapter.
const INDENT: &str = "   ";

/// The widest table. With the indentation it fits a terminal of 80 columns.
const WIDTH: u16 = 77;

/// Opens a chapter.
pub(super) fn chapter(number: u8, title: &str) {
    println!("\n{} {}", style(format!("{number}.")).cyan().bold(), style(title).bold());
}

/// Tells what happens.
pub(super) fn tell(text: &str) {
    println!("{INDENT}{text}");
}

/// States a fact. The demo stops if it is not true.
pub(super) fn fact(holds: bool, text: &str) -> Result<()> {
    if holds {
        println!("{INDENT}{} {text}", style("✓").green());
        Ok(())
    } else {
        println!("{INDENT}{} {text}", style("✗").red());
        bail!("this should be true and is not: {text}")
    }
}

/// Shows the pool's profiles.
pub(super) fn show(title: &str, profiles: &[Profile]) {
    let mut table = Table::new();
    table.set_header(["account", "e-mail", "verified", "status", "ways in", "groups"]);
    for profile in profiles {
        table.add_row([
            short(&profile.username),
            profile.attribute("email").to_owned(),
            if profile.email_verified() { "yes" } else { "no" }.to_owned(),
            profile.status.clone(),
            ways_in(profile).join("\n"),
            profile.groups.join("\n"),
        ]);
    }
    println!("{INDENT}{}", style(title).dim());
    // Frames between the columns would take the room of the last one.
    print(table, presets::UTF8_HORIZONTAL_ONLY);
}

/// Shows a message in a frame.
pub(super) fn letter(subject: &str, text: &str) {
    let mut table = Table::new();
    table.set_header([subject]);
    table.add_row([text.trim()]);
    print(table, presets::UTF8_FULL_CONDENSED);
}

fn print(mut table: Table, look: TableStyle) {
    table.load_style(look);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    for line in table.to_string().lines() {
        println!("{INDENT}{}", line.trim_end());
    }
}

/// The ways in which people can sign in to a profile.
pub(super) fn ways_in(profile: &Profile) -> Vec<String> {
    let password = profile.is_native().then(|| "password".to_owned());
    let identities = profile.identities.iter().map(|identity| identity.provider.clone());
    password.into_iter().chain(identities).collect()
}

/// Enough of an id to recognise it.
fn short(id: &str) -> String {
    match id.char_indices().nth(7) {
        Some((end, _)) => format!("{}…", &id[..end]),
        None => id.to_owned(),
    }
}
