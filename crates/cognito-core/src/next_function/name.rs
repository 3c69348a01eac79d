use std::fmt;

/// A function of Lambda: a name or an ARN, with an alias or version or without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionName {
    /// As it was written, without the qualifier.
    function: String,
    name: String,
    qualifier: Option<String>,
    region: Option<String>,
}

impl FunctionName {
    /// What a setting of this kind may be.
    pub const ALLOWED: &str = "the name or ARN of another Lambda function, and after a colon its alias, if it has one";

    /// Reads a name, `name:alias` or an ARN. `None` if it is none of these.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (head, qualifier) = match parts.as_slice() {
            ["arn", _, "lambda", _, _, "function", _] | [_] => (parts.as_slice(), None),
            [head @ .., qualifier] if head.len() == 7 || head.len() == 1 => (head, Some(*qualifier)),
            _ => return None,
        };
        let (name, region) = match head {
            [name] => (*name, None),
            ["arn", partition, "lambda", region, account, "function", name]
                if is_word(partition, 20) && is_word(region, 40) && is_digits(account) =>
            {
                (*name, Some((*region).to_owned()))
            }
            _ => return None,
        };
        let usable = is_word(name, 140) && qualifier.is_none_or(|q| is_word(q.trim_start_matches('$'), 128));
        usable.then(|| Self {
            function: head.join(":"),
            name: name.to_owned(),
            qualifier: qualifier.map(str::to_owned),
            region,
        })
    }

    /// The name or ARN without alias and version.
    #[must_use]
    pub fn function(&self) -> &str {
        &self.function
    }

    /// The alias or version.
    #[must_use]
    pub fn qualifier(&self) -> Option<&str> {
        self.qualifier.as_deref()
    }

    /// The Region of an ARN.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }

    /// Whether this may be the function of that name in that Region. A function is not told its account, so one of the
    /// same name in another account counts, too.
    #[must_use]
    pub fn may_be(&self, name: &str, region: &str) -> bool {
        self.name == name && self.region.as_deref().is_none_or(|own| own == region)
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.function)?;
        self.qualifier.iter().try_for_each(|qualifier| write!(f, ":{qualifier}"))
    }
}

/// Parts of an ARN become part of a URL, so they have none of its special characters.
fn is_word(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn is_digits(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
