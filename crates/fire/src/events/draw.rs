//! Draws hostile JSON: what is there is changed, and then the text of it.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use serde_json::{Map, Value, json};

use super::MARK;

/// Changes a document in so many places, each drawn.
pub(super) fn edit(rng: &mut StdRng, document: &mut Value, places: u32, names: &[&str]) {
    for _ in 0..places {
        let value = value(rng, names, 3);
        change_somewhere(rng, document, value, names);
    }
}

/// Puts a value somewhere, takes something away, or adds a member.
fn change_somewhere(rng: &mut StdRng, at: &mut Value, value: Value, names: &[&str]) {
    let goes_on = rng.random_range(0..4) > 0;
    match at {
        Value::Object(members) if goes_on && !members.is_empty() => {
            let name = members.keys().nth(rng.random_range(0..members.len())).cloned().unwrap_or_default();
            match rng.random_range(0..8) {
                0 => drop(members.remove(&name)),
                1 => drop(members.insert(self::name(rng, names), value)),
                _ => {
                    if let Some(member) = members.get_mut(&name) {
                        change_somewhere(rng, member, value, names);
                    }
                }
            }
        }
        Value::Array(items) if goes_on && !items.is_empty() => {
            let place = rng.random_range(0..items.len());
            change_somewhere(rng, &mut items[place], value, names);
        }
        other => *other = value,
    }
}

/// A name that means something, or one that does not.
pub(super) fn name(rng: &mut StdRng, names: &[&str]) -> String {
    match names.choose(rng) {
        Some(known) if rng.random_range(0..4) > 0 => (*known).to_owned(),
        _ => text(rng),
    }
}

/// Any JSON.
pub(super) fn value(rng: &mut StdRng, names: &[&str], depth: u32) -> Value {
    match rng.random_range(0..if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => json!(rng.random_bool(0.5)),
        2 => number(rng),
        3..=5 => json!(text(rng)),
        6 => (0..rng.random_range(0..4)).map(|_| value(rng, names, depth - 1)).collect(),
        _ => {
            let mut members = Map::new();
            for _ in 0..rng.random_range(0..4) {
                members.insert(name(rng, names), value(rng, names, depth - 1));
            }
            Value::Object(members)
        }
    }
}

fn number(rng: &mut StdRng) -> Value {
    let chosen = [json!(0), json!(-1), json!(u64::MAX), json!(i64::MIN), json!(1e308), json!(5e-324), json!(0.1)];
    chosen.choose(rng).cloned().unwrap_or_default()
}

/// A text that somebody might try. All but the shortest have the mark.
pub(super) fn text(rng: &mut StdRng) -> String {
    let subject = rng.next_u32();
    let mark = format!("{MARK}{subject}");
    let long = |part: &str, rng: &mut StdRng| part.repeat(1 << rng.random_range(0..13));
    match rng.random_range(0..30) {
        0 => String::new(),
        1 => " ".to_owned(),
        2 => "true".to_owned(),
        3 => format!("{mark}@example.com"),
        4 => format!("{mark}@EXAMPLE.com "),
        5 => format!("\"{mark} x\"@example.com"),
        6 => format!("{mark}@example.com\" or email ^= \""),
        7 => format!("{mark}@[127.0.0.1]"),
        8 => format!("{mark}@exämple.com"),
        9 => format!("{mark}@{}", long("a.", rng)),
        10 => format!("{}@example.com", long(&mark, rng)),
        11 => format!("Google_{mark}"),
        12 => format!("google_{mark}_{mark}"),
        13 => format!("Facebook_{}", long("9", rng)),
        14 => "_".repeat(rng.random_range(1..200)),
        15 => json!([{ "userId": mark, "providerName": "Google", "providerType": "Google", "primary": "false" }])
            .to_string(),
        16 => format!("[{{\"userId\":\"{mark}\",\"providerName\":\"Facebook\",\"primary\":true}}"),
        17 => format!(
            "[{}]",
            vec![format!("{{\"userId\":\"{mark}\",\"providerName\":\"Facebook\"}}"); rng.random_range(0..40)].join(",")
        ),
        18 => format!("{mark}\u{0}\u{7f}\u{85}"),
        19 => format!("{mark}\r\n\r\nHTTP/1.1 200 OK\r\n"),
        20 => format!("{mark}\",\"error_code\":\"x"),
        21 => format!("\u{202e}{mark}\u{2066}\u{feff}"),
        22 => format!("{mark}{}", long("\u{301}", rng)),
        23 => format!("{mark} {{{{ 7 * 7 }}}} {{% for x in range(10000000) %}} <script>alert(1)</script>"),
        24 => format!("{{####}} {{username}} {mark}"),
        25 => format!("../../{mark}%00%2e%2e%2f"),
        26 => ["PreSignUp_ExternalProvider", "PreSignUp_SignUp", "CustomMessage_SignUp", "TokenGeneration_HostedAuth"]
            .choose(rng)
            .map_or_else(String::new, |source| (*source).to_owned()),
        27 => ["CONFIRMED", "EXTERNAL_PROVIDER", "UNCONFIRMED"]
            .choose(rng)
            .map_or_else(String::new, |status| (*status).to_owned()),
        28 => format!("eyJhbGciOiJub25lIn0.eyJzdWIiOiI{mark}.{mark}"),
        _ => long(&mark, rng),
    }
}

/// Changes the text of a document, which may make it another one, or none.
pub(super) fn edit_text(rng: &mut StdRng, text: &mut String) {
    let mut place = |text: &String| {
        let at = rng.random_range(0..=text.len());
        text.floor_char_boundary(at)
    };
    let (at, to) = (place(text), place(text));
    match rng.random_range(0..8) {
        0 => text.truncate(at),
        1 => text.insert_str(at, "\\ud800"),
        2 => text.insert_str(at, &"[".repeat(1 << rng.random_range(0..16))),
        3 => text.insert_str(at, &format!(",\"userName\":\"{MARK}\",\"userName\":\"Google_{MARK}\",")),
        4 => text.insert(at, char::from(rng.random_range(0..128))),
        5 => drop(text.drain(at.min(to)..at.max(to))),
        6 => {
            let copy = text[at.min(to)..at.max(to)].to_owned();
            text.insert_str(at, &copy);
        }
        _ => *text = format!("{}{text}{}", "{\"a\":".repeat(1 << rng.random_range(0..16)), "}".repeat(3)),
    }
}

/// Changes the bytes, so that they may be no text: some are drawn anew, or all.
pub(crate) fn edit_bytes(rng: &mut StdRng, bytes: &mut Vec<u8>) {
    if rng.random_range(0..4) == 0 || bytes.is_empty() {
        *bytes = vec![0; rng.random_range(0..64)];
        rng.fill_bytes(bytes);
        return;
    }
    for _ in 0..rng.random_range(1..8) {
        let at = rng.random_range(0..bytes.len());
        bytes[at] = rng.random_range(0..=u8::MAX);
    }
}
