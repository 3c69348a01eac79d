//! What CloudFormation makes of a template with given parameters: its conditions decided, its references resolved.
//!
//! Only what the tests ask about is worked out. What depends on a resource that is not there yet stays a name, such as
//! `UserPool.Arn`.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// The template, with CloudFormation's short tags in their long form: `!Ref Name` as `{"Ref": "Name"}`.
#[derive(Debug)]
pub struct Template {
    document: Value,
}

/// A value that is left out (`AWS::NoValue`).
const NO_VALUE: &str = "AWS::NoValue";

impl Template {
    /// Reads a template's text.
    ///
    /// # Errors
    ///
    /// It is not YAML.
    pub fn parse(text: &str) -> Result<Self> {
        let documents = Yaml::load_from_str(text).context("the template is not YAML")?;
        Ok(Self { document: long_form(documents.first().context("the template is empty")?)? })
    }

    /// The parameters' defaults, by name.
    #[must_use]
    pub fn defaults(&self) -> BTreeMap<String, String> {
        let parameters = self.document["Parameters"].as_object().into_iter().flatten();
        let with_default = parameters.filter(|(_, parameter)| parameter.get("Default").is_some());
        with_default.map(|(name, parameter)| (name.clone(), text(&parameter["Default"]))).collect()
    }

    /// The values that a parameter allows; none if it lists none.
    #[must_use]
    pub fn allowed(&self, parameter: &str) -> Vec<String> {
        let allowed = self.document["Parameters"][parameter]["AllowedValues"].as_array();
        allowed.into_iter().flatten().map(text).collect()
    }

    /// The parameters that a resource depends on, by itself or through conditions.
    #[must_use]
    pub fn parameters_behind(&self, resource: &str) -> Vec<String> {
        let mut found = Vec::new();
        self.collect(&self.document["Resources"][resource], &mut found);
        found
    }

    fn collect(&self, value: &Value, found: &mut Vec<String>) {
        match (value, function(value)) {
            (_, Some(("Ref", name))) => {
                let name = name.as_str().unwrap_or_default();
                if self.document["Parameters"].get(name).is_some() {
                    found.push(name.to_owned());
                }
            }
            (_, Some(("Condition", name))) => self.collect_condition(name, found),
            (_, Some((name, arguments))) => {
                if name == "Fn::If" {
                    self.collect_condition(&arguments[0], found);
                }
                self.collect(arguments, found);
            }
            (Value::Array(items), None) => items.iter().for_each(|item| self.collect(item, found)),
            (Value::Object(members), None) => members.values().for_each(|member| self.collect(member, found)),
            _ => {}
        }
    }

    fn collect_condition(&self, name: &Value, found: &mut Vec<String>) {
        self.collect(&self.document["Conditions"][name.as_str().unwrap_or_default()], found);
    }

    /// What all resources of a kind share, with these parameters; those that are not given have their defaults.
    ///
    /// # Errors
    ///
    /// The template uses a function that is not known here, or they share nothing.
    pub fn globals(&self, kind: &str, parameters: &BTreeMap<String, String>) -> Result<Value> {
        let mut all = self.defaults();
        all.extend(parameters.clone());
        let view = View { document: &self.document, parameters: &all };
        view.resolve(&self.document["Globals"][kind])?.with_context(|| format!("no globals of {kind}"))
    }

    /// A resource's properties with these parameters; those that are not given have their defaults. `None` if its
    /// condition does not hold, or there is no such resource.
    ///
    /// # Errors
    ///
    /// The template uses a function that is not known here.
    pub fn properties(&self, resource: &str, parameters: &BTreeMap<String, String>) -> Result<Option<Value>> {
        let mut all = self.defaults();
        all.extend(parameters.clone());
        let view = View { document: &self.document, parameters: &all };
        let Some(resource) = self.document["Resources"].get(resource) else { return Ok(None) };
        match resource["Condition"].as_str() {
            Some(condition) if !view.holds(condition)? => Ok(None),
            _ => view.resolve(&resource["Properties"]),
        }
    }

    /// The outputs of a stack with these parameters; those that are not given have their defaults.
    ///
    /// # Errors
    ///
    /// The template uses a function that is not known here.
    pub fn outputs(&self, parameters: &BTreeMap<String, String>) -> Result<BTreeSet<String>> {
        let mut all = self.defaults();
        all.extend(parameters.clone());
        let view = View { document: &self.document, parameters: &all };
        let mut outputs = BTreeSet::new();
        for (name, output) in self.document["Outputs"].as_object().into_iter().flatten() {
            if output["Condition"].as_str().map_or(Ok(true), |condition| view.holds(condition))? {
                outputs.insert(name.clone());
            }
        }
        Ok(outputs)
    }

    /// What CloudFormation says to these parameters instead of deploying them: the descriptions of the template's rules
    /// that they break.
    ///
    /// # Errors
    ///
    /// The template uses a function that is not known here.
    pub fn refusals(&self, parameters: &BTreeMap<String, String>) -> Result<Vec<String>> {
        let mut all = self.defaults();
        all.extend(parameters.clone());
        let view = View { document: &self.document, parameters: &all };
        let mut refusals = Vec::new();
        for rule in self.document["Rules"].as_object().into_iter().flat_map(Map::values) {
            if rule.get("RuleCondition").is_some_and(|condition| !view.decide(condition).unwrap_or(true)) {
                continue;
            }
            for assertion in rule["Assertions"].as_array().into_iter().flatten() {
                if !view.decide(&assertion["Assert"])? {
                    refusals.push(text(&assertion["AssertDescription"]));
                }
            }
        }
        Ok(refusals)
    }

    /// What the template gives a function with these parameters: `PreSignUp` has the resources `PreSignUpFunction` and, if
    /// it calls anything, `PreSignUpRights`.
    ///
    /// # Errors
    ///
    /// The template uses a function that is not known here, or it makes no such function.
    pub fn granted(&self, function: &str, parameters: &BTreeMap<String, String>) -> Result<Granted> {
        let made = self.properties(&format!("{function}Function"), parameters)?.context("no such function")?;
        let variables = made["Environment"]["Variables"].as_object().into_iter().flatten();
        let environment = variables.map(|(name, value)| (name.clone(), value.as_str().unwrap_or("").to_owned()));
        let rights = self.properties(&format!("{function}Rights"), parameters)?.unwrap_or_default();
        let statements = rights["PolicyDocument"]["Statement"].as_array().into_iter().flatten();
        Ok(Granted {
            environment: environment.filter(|(_, value)| !value.is_empty()).collect(),
            actions: statements.flat_map(|statement| texts(&statement["Action"])).collect(),
        })
    }
}

/// What a template gives a function.
#[derive(Debug, PartialEq, Eq)]
pub struct Granted {
    /// Its environment, without empty values.
    pub environment: BTreeMap<String, String>,
    /// The IAM actions that it may call.
    pub actions: BTreeSet<String>,
}

/// The texts of a JSON list, or the one text in its place. A member that is no text is its JSON, so that it equals no text
/// that is expected.
#[must_use]
pub fn texts(list: &Value) -> BTreeSet<String> {
    let one = list.is_string().then_some(list);
    list.as_array().into_iter().flatten().chain(one).map(text).collect()
}

/// The template as one set of parameters makes it.
struct View<'a> {
    document: &'a Value,
    parameters: &'a BTreeMap<String, String>,
}

impl View<'_> {
    fn holds(&self, condition: &str) -> Result<bool> {
        let condition = self.document["Conditions"].get(condition);
        self.decide(condition.context("a condition that is not there")?)
    }

    fn decide(&self, condition: &Value) -> Result<bool> {
        let (function, arguments) = function(condition).context("not a condition")?;
        let all = || arguments.as_array().into_iter().flatten();
        match function {
            "Condition" => self.holds(arguments.as_str().unwrap_or_default()),
            "Fn::Equals" => {
                Ok(self.resolve(&arguments[0])?.map(|v| text(&v)) == self.resolve(&arguments[1])?.map(|v| text(&v)))
            }
            "Fn::Not" => Ok(!self.decide(&arguments[0])?),
            "Fn::And" => all().try_fold(true, |so_far, one| Ok(so_far && self.decide(one)?)),
            "Fn::Or" => all().try_fold(false, |so_far, one| Ok(so_far || self.decide(one)?)),
            "Fn::EachMemberEquals" => {
                let list = self.resolve(&arguments[0])?.map(|list| text(&list)).unwrap_or_default();
                Ok(list.split(',').all(|member| member == text(&arguments[1])))
            }
            "Fn::Contains" => {
                let listed = texts(&arguments[0]);
                Ok(self.resolve(&arguments[1])?.is_some_and(|value| listed.contains(&text(&value))))
            }
            other => bail!("{other} in a condition"),
        }
    }

    /// The value; `None` for one that is left out.
    fn resolve(&self, value: &Value) -> Result<Option<Value>> {
        match (value, function(value)) {
            (_, Some(("Ref", name))) => Ok(self.reference(name.as_str().unwrap_or_default())),
            (_, Some(("Fn::If", arguments))) => {
                let condition = arguments[0].as_str().context("Fn::If without a condition")?;
                self.resolve(&arguments[if self.holds(condition)? { 1 } else { 2 }])
            }
            (_, Some(("Fn::GetAtt" | "Fn::Sub", argument))) => Ok(Some(argument.clone())),
            // A parameter that is a list is its text, with commas.
            (_, Some(("Fn::Join", arguments))) if arguments[1].is_object() => self.resolve(&arguments[1]),
            (_, Some((_, arguments))) => self.resolve(arguments),
            (Value::Array(items), None) => {
                let resolved: Result<Vec<_>> = items.iter().map(|item| self.resolve(item)).collect();
                Ok(Some(resolved?.into_iter().flatten().collect()))
            }
            (Value::Object(members), None) => {
                let mut resolved = Map::new();
                for (name, member) in members {
                    resolved.extend(self.resolve(member)?.map(|member| (name.clone(), member)));
                }
                Ok(Some(resolved.into()))
            }
            _ => Ok(Some(value.clone())),
        }
    }

    fn reference(&self, name: &str) -> Option<Value> {
        (name != NO_VALUE).then(|| self.parameters.get(name).map_or(name, String::as_str).into())
    }
}

/// The function of CloudFormation that a value is, and its arguments.
fn function(value: &Value) -> Option<(&str, &Value)> {
    let members = value.as_object().filter(|members| members.len() == 1)?;
    let (name, arguments) = members.iter().next()?;
    (name == "Ref" || name == "Condition" || name.starts_with("Fn::")).then_some((name.as_str(), arguments))
}

fn long_form(yaml: &Yaml<'_>) -> Result<Value> {
    Ok(match yaml {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(flag)) => json!(flag),
        Yaml::Value(Scalar::Integer(number)) => json!(number),
        Yaml::Value(Scalar::FloatingPoint(number)) => json!(number.into_inner()),
        Yaml::Value(Scalar::String(text)) => json!(text),
        Yaml::Sequence(items) => items.iter().map(long_form).collect::<Result<_>>()?,
        Yaml::Mapping(members) => {
            let member = |(name, value)| Ok((text(&long_form(name)?), long_form(value)?));
            Value::Object(members.iter().map(member).collect::<Result<_>>()?)
        }
        Yaml::Tagged(tag, value) => {
            let name = match tag.suffix.as_str() {
                name @ ("Ref" | "Condition") => name.to_owned(),
                name => format!("Fn::{name}"),
            };
            json!({ name: long_form(value)? })
        }
        other => bail!("YAML that no template has: {other:?}"),
    })
}

/// A scalar as CloudFormation sees it, which compares everything as text.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
