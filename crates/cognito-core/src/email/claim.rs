//! The address in a provider's claim, which may be more than a bare address.

use super::{Email, InvalidEmail};
use serde_json::Value;
use std::borrow::Cow;

/// `MULTIPLE_EMAILS`: what a claim with several different addresses is worth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum MultipleEmails {
    /// The claim is not used: nothing says which address is the person's.
    #[default]
    Unproven,
    /// Its first address counts. For providers that put the main address first.
    First,
}

impl Email {
    /// Reads the address in a claim; `None` if the claim holds none: null, blank, or an empty list.
    ///
    /// Cognito passes a claim with several values as `[a,b]`, each of them form-encoded (`[ada%40example.com]`), and
    /// some providers send a list, JSON as text, or addresses separated by semicolons. A list that repeats one
    /// address counts as that address.
    ///
    /// # Errors
    ///
    /// [`InvalidEmail`] if the claim holds no address, or [`InvalidEmail::Several`] if it holds several and `multiple`
    /// is not [`MultipleEmails::First`].
    pub fn from_claim(claim: &Value, multiple: MultipleEmails) -> Option<Result<Self, InvalidEmail>> {
        let parsed: Vec<_> = match claim {
            Value::Null => return None,
            Value::String(text) => texts(text).iter().map(|text| Self::parse(text)).collect(),
            list => members(list).into_iter().map(|text| text.map_or(Err(InvalidEmail::Syntax), Self::parse)).collect(),
        };
        let all_one = parsed.windows(2).all(|pair| pair[0] == pair[1]);
        let one_is_an_address = parsed.iter().any(Result::is_ok);
        let first = parsed.into_iter().next()?;
        if all_one || multiple == MultipleEmails::First || !one_is_an_address {
            return Some(first);
        }
        Some(Err(InvalidEmail::Several))
    }
}

/// The members of a JSON list; `None` for a member that is not a string. Any other value counts as a list of one.
fn members(value: &Value) -> Vec<Option<&str>> {
    let list = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
    list.iter().map(Value::as_str).filter(|text| text.is_none_or(|text| !text.trim().is_empty())).collect()
}

/// The texts in one text that may be a list.
fn texts(text: &str) -> Vec<Cow<'_, str>> {
    let text = text.trim();
    if text.starts_with(['[', '"'])
        && let Ok(json) = serde_json::from_str::<Value>(text)
    {
        return members(&json).into_iter().map(|text| Cow::Owned(text.unwrap_or("no text").to_owned())).collect();
    }
    let list = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    list.split([',', ';']).map(str::trim).filter(|text| !text.is_empty()).map(decoded).collect()
}

/// Undoes the form encoding of an address. A text that contains an `@` was not encoded.
fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('@') || !text.contains("%40") {
        return Cow::Borrowed(text);
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, tail @ ..] = rest {
        rest = tail;
        bytes.push(match (byte, tail) {
            (b'+', _) => b' ',
            (b'%', [high, low, tail @ ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (Some(high), Some(low)) = (digit(*high), digit(*low)) else { return Cow::Borrowed(text) };
                rest = tail;
                high * 16 + low
            }
            _ => *byte,
        });
    }
    String::from_utf8(bytes).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(claim: &Value, multiple: MultipleEmails) -> Option<Result<String, InvalidEmail>> {
        Email::from_claim(claim, multiple).map(|read| read.map(|email| email.as_str().to_owned()))
    }

    #[test]
    fn a_list_of_one_address_is_that_address_however_it_is_spelled() {
        for claim in [
            json!("ada+x@example.com"),
            json!(" ada+x@example.com\n"),
            json!("[ada+x@example.com]"),
            json!("[ ada+x@example.com , ]"),
            json!("[ada%2Bx%40example.com]"),
            json!("ada%2bx%40example.com"),
            json!("[\"ada+x@example.com\"]"),
            json!("\"ada+x@example.com\""),
            json!(["ada+x@example.com"]),
            json!(["", "ada+x@example.com"]),
            json!("ada+x@example.com;"),
            json!("[ada+x@example.com,ada+x@example.com]"),
        ] {
            assert_eq!(read(&claim, MultipleEmails::Unproven), Some(Ok("ada+x@example.com".into())), "{claim}");
        }
        let cases = json!("[Ada@Example.com,ada@example.com]");
        assert_eq!(read(&cases, MultipleEmails::Unproven), Some(Ok("Ada@Example.com".into())));
    }

    #[test]
    fn of_several_addresses_the_first_counts_only_where_the_operator_says_so() {
        for claim in [
            json!("[a@example.com,b@example.com]"),
            json!("[a%40example.com,b%40example.com]"),
            json!("a@example.com;b@example.com"),
            json!("a@example.com, b@example.com"),
            json!("[\"a@example.com\",\"b@example.com\"]"),
            json!(["a@example.com", "b@example.com"]),
            json!(["a@example.com", 7]),
            json!("[a@example.com,none]"),
        ] {
            assert_eq!(read(&claim, MultipleEmails::Unproven), Some(Err(InvalidEmail::Several)), "{claim}");
            assert_eq!(read(&claim, MultipleEmails::First), Some(Ok("a@example.com".into())), "{claim}");
        }
        let first_is_none = json!("[none,a@example.com]");
        assert_eq!(read(&first_is_none, MultipleEmails::Unproven), Some(Err(InvalidEmail::Several)));
        assert_eq!(read(&first_is_none, MultipleEmails::First), Some(Err(InvalidEmail::Syntax)));
    }

    #[test]
    fn what_is_no_address_is_none_and_an_empty_claim_is_absent() {
        for claim in [
            json!("not an address"),
            json!("Lovelace, Ada"),
            json!("Ada <ada@example.com>"),
            json!(7),
            json!(true),
            json!({"value": "ada@example.com"}),
            json!([["ada@example.com"]]),
            json!("[[ada@example.com]]"),
            json!("a%zz%40example.com"),
            json!("victim+x%40example.com"),
        ] {
            let read = read(&claim, MultipleEmails::Unproven);
            assert!(matches!(read, Some(Err(InvalidEmail::Syntax | InvalidEmail::Unsafe))), "{claim}: {read:?}");
        }
        for claim in [json!(null), json!(""), json!("  "), json!("[]"), json!("[,]"), json!([]), json!([""])] {
            assert_eq!(read(&claim, MultipleEmails::Unproven), None, "{claim}");
        }
    }

    proptest! {
        #[test]
        fn an_address_is_read_as_itself_and_no_text_panics(text in "\\PC{0,60}", local in "[a-z.+']{1,20}") {
            let _ = Email::from_claim(&json!(text), MultipleEmails::First);
            let address = format!("{local}@example.com");
            if let Ok(email) = Email::parse(&address) {
                prop_assert_eq!(Email::from_claim(&json!(address), MultipleEmails::Unproven), Some(Ok(email)));
            }
        }
    }
}
