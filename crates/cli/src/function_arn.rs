//! Which Lambda function is meant.

use anyhow::{Result, bail};
use std::fmt;

/// The ARN of a function, or of an alias of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FunctionArn {
    text: String,
    /// The Region it runs in.
    pub(crate) region: String,
    /// The account it belongs to.
    pub(crate) account: String,
    /// Its name.
    pub(crate) name: String,
    /// The alias, if one is named.
    pub(crate) alias: Option<String>,
}

impl FunctionArn {
    /// Reads an ARN; `None` if it is not one of a function.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let (head, alias) = match parts.as_slice() {
            [head @ .., alias] if head.len() == 7 => (head, Some((*alias).to_owned())),
            head if head.len() == 7 => (head, None),
            _ => return None,
        };
        let &["arn", partition, "lambda", region, account, "function", name] = head else { return None };
        let named = ![partition, region, account, name].contains(&"") && alias.as_deref() != Some("");
        named.then(|| Self {
            text: text.to_owned(),
            region: region.to_owned(),
            account: account.to_owned(),
            name: name.to_owned(),
            alias,
        })
    }

    /// The whole ARN.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for FunctionArn {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// A function as somebody names it on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Function {
    /// By its ARN.
    Arn(FunctionArn),
    /// By its name in the pool's account and Region, and perhaps an alias of it.
    Name { name: String, alias: Option<String> },
}

impl Function {
    /// Reads a name, `name:alias`, or an ARN.
    ///
    /// # Errors
    ///
    /// Fails if it is none of these, or if it names a version: Cognito accepts functions and aliases only.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let function = if text.starts_with("arn:") {
            FunctionArn::parse(text).map(Self::Arn)
        } else {
            let (name, alias) = text.split_once(':').map_or((text, None), |(name, alias)| (name, Some(alias)));
            let usable = |part: &str, most: usize| {
                (1..=most).contains(&part.len())
                    && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$'))
            };
            // The most that Lambda allows for a function's and an alias's name.
            let fits = usable(name, 64) && alias.is_none_or(|alias| usable(alias, 128));
            fits.then(|| Self::Name { name: name.to_owned(), alias: alias.map(str::to_owned) })
        };
        let Some(function) = function else {
            bail!("{text:?} is not a function: give its name, name:alias or its ARN");
        };
        let alias = match &function {
            Self::Arn(arn) => &arn.alias,
            Self::Name { alias, .. } => alias,
        };
        if let Some(version) = alias.as_deref()
            && (version == "$LATEST" || version.chars().all(|c| c.is_ascii_digit()))
        {
            bail!("{text:?} names version {version}: a user pool takes a function or an alias, but no version");
        }
        Ok(function)
    }
}

/// Reads what names a function, and leaves it as it is.
///
/// # Errors
///
/// Those of [`Function::parse`].
pub(crate) fn checked(text: &str) -> Result<String> {
    Function::parse(text).map(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_is_read_with_and_without_alias() {
        let plain = FunctionArn::parse("arn:aws:lambda:eu-central-1:123456789012:function:pre-sign-up").unwrap();
        assert_eq!((plain.region.as_str(), plain.account.as_str()), ("eu-central-1", "123456789012"));
        assert_eq!((plain.name.as_str(), plain.alias), ("pre-sign-up", None));
        let alias = FunctionArn::parse("arn:aws-cn:lambda:cn-north-1:1:function:f:live").unwrap();
        assert_eq!(alias.alias.as_deref(), Some("live"));
        for wrong in ["arn:aws:s3:::bucket", "arn:aws:lambda:r:1:layer:f", "arn:aws:lambda:r:1:function:", "f", ""] {
            assert_eq!(FunctionArn::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_version_is_refused_because_cognito_takes_none() {
        for version in ["f:7", "f:$LATEST", "arn:aws:lambda:eu-central-1:123456789012:function:f:7"] {
            let error = Function::parse(version).unwrap_err().to_string();
            assert!(error.contains("no version"), "{error}");
        }
    }

    #[test]
    fn what_is_no_function_is_refused_with_what_is_allowed() {
        for wrong in ["", ":live", "f:", "a b", "arn:aws:iam::1:role/x", "f:live:more", "../f"] {
            let error = Function::parse(wrong).unwrap_err().to_string();
            assert!(error.contains("name:alias"), "{wrong}: {error}");
        }
    }
}
