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

/// Who signed in when.
pub(crate) fn people(rows: &[Row]) -> String {
    let mut table = table();
    table.set_header([
        "function",
        "people",
        "first press",
        "second",
        "later",
        "gave up",
        "two accounts",
        "incomplete",
        "drained",
        "people/s",
        "slowest answer",
        "groups that waited",
    ]);
    for Row { function, launch, outcome } in rows {
        let later: u32 = outcome.at_press[2..].iter().sum();
        let drained = outcome.drained.as_secs_f64();
        table.add_row([
            (*function).to_owned(),
            launch.people.to_string(),
            outcome.at_press[0].to_string(),
            outcome.at_press[1].to_string(),
            later.to_string(),
            outcome.gave_up.to_string(),
            outcome.second_accounts.to_string(),
            outcome.incomplete.to_string(),
            format!("{drained:.0} s"),
            format!("{:.1}", f64::from(outcome.signed_in()) / drained.max(1.0)),
            format!("{:.1} s", outcome.slowest.as_secs_f64()),
            match outcome.waited {
                (0, _) => "none".to_owned(),
                (waited, last) => format!("{waited}, until {:.0} s", last.as_secs_f64()),
            },
        ]);
    }
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
