/// An attribute that every new native profile must have (`SchemaAttributes` of the pool).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredAttribute {
    /// Its name, such as `family_name`.
    pub name: String,
    /// The fewest characters it may have, if the pool says so.
    pub min_length: Option<usize>,
    /// The most characters it may have, if the pool says so.
    pub max_length: Option<usize>,
}

impl RequiredAttribute {
    /// Whether a value is there and fits, as far as its length tells.
    #[must_use]
    pub fn takes(&self, value: Option<&str>) -> bool {
        let Some(value) = value.filter(|value| !value.is_empty()) else { return false };
        let length = value.chars().count();
        self.min_length.is_none_or(|min| min <= length) && self.max_length.is_none_or(|max| length <= max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_missing_empty_or_of_another_length_is_not_taken() {
        let birthdate = RequiredAttribute { name: "birthdate".into(), min_length: Some(10), max_length: Some(10) };
        assert!(birthdate.takes(Some("1815-12-10")));
        for value in [None, Some(""), Some("1815"), Some("10 December 1815")] {
            assert!(!birthdate.takes(value), "{value:?}");
        }
        let any = RequiredAttribute { min_length: None, max_length: None, ..birthdate };
        assert!(any.takes(Some("é")) && !any.takes(Some("")));
    }
}
