//! The outcomes of several launches as tables.

use comfy_table::{Table, presets};

use crate::cognito::Category;
use crate::launch::{Launch, Outcome};

/// One launch and what became of it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) function: &'static str,
    pub(crate) launch: Launch,
    pub(crate) outcome: Outcome,
}

/// A column: its title, and its cell for a launch.
type Column = (&'static str, fn(&Row) -> String);

/// Who signed in when.
const PEOPLE: [Column; 12] = [
    ("function", |row| row.function.to_owned()),
    ("people", |row| row.launch.people.to_string()),
    ("first press", |row| row.outcome.at_press[0].to_string()),
    ("second", |row| row.outcome.at_press[1].to_string()),
    ("later", |row| row.outcome.at_press[2..].iter().sum::<u32>().to_string()),
    ("gave up", |row| row.outcome.gave_up.to_string()),
    ("two accounts", |row| row.outcome.second_accounts.to_string()),
    ("incomplete", |row| row.outcome.incomplete.to_string()),
    ("drained", |row| format!("{:.0} s", row.outcome.drained.as_secs_f64())),
    ("people/s", |Row { outcome, .. }| {
        format!("{:.1}", f64::from(outcome.signed_in()) / outcome.drained.as_secs_f64().max(1.0))
    }),
    ("slowest answer", |row| format!("{:.1} s", row.outcome.slowest.as_secs_f64())),
    ("groups that waited", |row| match row.outcome.waited {
        (0, _) => "none".to_owned(),
        (waited, last) => format!("{waited}, until {:.0} s", last.as_secs_f64()),
    }),
];

/// Who signed in when.
pub(crate) fn people(rows: &[Row]) -> String {
    let mut table = table();
    table.set_header(PEOPLE.map(|(title, _)| title));
    table.add_rows(rows.iter().map(|row| PEOPLE.map(|(_, cell)| cell(row))));
    table.to_string()
}

/// Calls of each category per person, those that were thrown back after the plus sign.
pub(crate) fn calls(rows: &[Row]) -> String {
    let mut table = table();
    let categories = Category::ALL.map(|category| format!("{category:?}"));
    table.set_header(["function", "people"].map(str::to_owned).into_iter().chain(categories));
    for Row { function, launch, outcome } in rows {
        let people = f64::from(launch.people);
        let of = |category| {
            let tally = outcome.tallies.get(&category).copied().unwrap_or_default();
            format!("{:.2} + {:.2}", f64::from(tally.answered) / people, f64::from(tally.throttled) / people)
        };
        let calls = Category::ALL.map(of);
        table.add_row([(*function).to_owned(), launch.people.to_string()].into_iter().chain(calls));
    }
    table.to_string()
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table
}
