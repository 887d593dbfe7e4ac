//! The sources of settings, as texts by name: flags, variables, a TOML file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::settings::{LISTS, NAMES, NOT_YET, SECRETS};

/// The values of one source, by the setting's name.
pub(crate) type Layer = BTreeMap<&'static str, Given>;

/// What a source says about a setting.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Given {
    pub(crate) values: Vec<String>,
    pub(crate) origin: Origin,
}

/// Where a value comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// Nobody has set it.
    Default,
    /// A key of the TOML file.
    File(PathBuf),
    /// A flag, for example `--data-dir`.
    Flag(String),
    /// A variable of the environment.
    Variable(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "from {}", path.display()),
            Self::Flag(flag) => f.write_str(flag),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

/// All sources, the strongest first.
#[derive(Debug)]
pub(crate) struct Sources {
    layers: [Layer; 3],
}

impl Sources {
    /// Puts flags, variables and file together, in that order of strength.
    pub(crate) const fn new(flags: Layer, variables: Layer, file: Layer) -> Self {
        Self {
            layers: [flags, variables, file],
        }
    }

    /// The one value of a setting, if it is set.
    pub(super) fn one<T, E: fmt::Display>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Failure> {
        let Some(given) = self.given(name) else {
            return Ok(None);
        };
        match given.values.as_slice() {
            [value] => parsed(name, value, &given.origin, &parse).map(Some),
            _ => Err(refused(name, &given.origin, "it has one value")),
        }
    }

    /// All values of a setting.
    pub(super) fn many<T, E: fmt::Display>(
        &self,
        name: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Vec<T>, Failure> {
        let Some(given) = self.given(name) else {
            return Ok(Vec::new());
        };
        given
            .values
            .iter()
            .map(|value| parsed(name, value, &given.origin, &parse))
            .collect()
    }

    /// Refuses a setting that has a place and no meaning yet.
    pub(super) fn refuse_not_yet(&self, name: &'static str) -> Result<(), Failure> {
        match self.given(name) {
            Some(given) => Err(refused(
                name,
                &given.origin,
                "it is not in this version yet",
            )),
            None => Ok(()),
        }
    }

    /// Where the value that counts comes from.
    pub(super) fn origin(&self, name: &str) -> Origin {
        self.given(name)
            .map_or(Origin::Default, |given| given.origin.clone())
    }

    fn given(&self, name: &str) -> Option<&Given> {
        self.layers.iter().find_map(|layer| layer.get(name))
    }
}

/// Reads the variables of the environment that begin with `FIELDGATE_`.
///
/// # Errors
///
/// [`Failure::Configuration`] for one that means nothing: a misspelled name would otherwise be
/// ignored in silence.
pub(crate) fn variables(
    environment: impl Iterator<Item = (OsString, OsString)>,
) -> Result<Layer, Failure> {
    let mut layer = Layer::new();
    for (variable, value) in environment {
        let Some(variable) = variable.to_str() else {
            continue;
        };
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        if variable == CONFIG || variable == DEVICE_TOKEN || is_service_link(name) {
            continue;
        }
        let Some((name, from_file)) = setting_of(name) else {
            return Err(Failure::configuration(format!(
                "there is no setting {variable}: see `fieldgate-server config` for all names",
            )));
        };
        let Some(value) = value.to_str() else {
            return Err(Failure::configuration(format!("{variable} is not UTF-8")));
        };
        let value = if from_file {
            secret_file(variable, Path::new(value))?
        } else {
            value.to_owned()
        };
        let given = Given {
            values: split(name, &value),
            origin: Origin::Variable(variable.to_owned()),
        };
        if let Some(twin) = layer.insert(name, given) {
            return Err(Failure::configuration(format!(
                "{variable} and {} say the same setting: remove one",
                twin.origin
            )));
        }
    }
    Ok(layer)
}

/// Reads a TOML file.
///
/// # Errors
///
/// [`Failure::Configuration`] that names the file, and the key where one is wrong or unknown.
pub(crate) fn file(path: &Path) -> Result<Layer, Failure> {
    let at = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::configuration(format!("{at} cannot be read: {error}")))?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        // The error's own text would show a line of the file, and with it maybe a secret.
        let line = error.span().map_or(0, |span| {
            text.get(..span.start)
                .unwrap_or_default()
                .matches('\n')
                .count()
                + 1
        });
        Failure::configuration(format!(
            "{at} is not TOML, line {line}: {}",
            error.message()
        ))
    })?;
    let mut layer = Layer::new();
    for (key, value) in table {
        let Some(name) = known(&key) else {
            return Err(Failure::configuration(format!(
                "{at} has an unknown key `{key}`: the keys are {}",
                NAMES.join(", ")
            )));
        };
        let values = texts(name, value).map_err(|reason| {
            Failure::configuration(format!("{at}: the key `{key}` is refused: {reason}"))
        })?;
        let origin = Origin::File(path.to_owned());
        layer.insert(name, Given { values, origin });
    }
    Ok(layer)
}

fn parsed<T, E: fmt::Display>(
    name: &str,
    value: &str,
    origin: &Origin,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<T, Failure> {
    parse(value).map_err(|reason| {
        if SECRETS.contains(&name) {
            return refused(name, origin, reason);
        }
        refused(name, origin, format!("`{value}`: {reason}"))
    })
}

fn refused(name: &str, origin: &Origin, reason: impl fmt::Display) -> Failure {
    Failure::configuration(format!("{name} ({origin}) is refused: {reason}"))
}

fn known(wanted: &str) -> Option<&'static str> {
    let mut names = NAMES.into_iter().chain(NOT_YET);
    names.find(|name| *name == wanted)
}

fn setting_of(variable: &str) -> Option<(&'static str, bool)> {
    let name = variable.to_lowercase();
    if let Some(name) = known(&name) {
        return Some((name, false));
    }
    let name = known(name.strip_suffix("_file")?)?;
    SECRETS.contains(&name).then_some((name, true))
}

fn secret_file(variable: &str, path: &Path) -> Result<String, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let at = path.display();
        Failure::configuration(format!("{variable}: {at} cannot be read: {error}"))
    })?;
    Ok(text.trim_end().to_owned())
}

fn split(name: &str, value: &str) -> Vec<String> {
    if !LISTS.contains(&name) {
        return vec![value.to_owned()];
    }
    let items = value.split(',').map(|item| item.trim().to_owned());
    items.filter(|item| !item.is_empty()).collect()
}

fn texts(name: &str, value: toml::Value) -> Result<Vec<String>, &'static str> {
    match value {
        toml::Value::String(text) => Ok(vec![text]),
        toml::Value::Integer(number) => Ok(vec![number.to_string()]),
        toml::Value::Boolean(flag) => Ok(vec![flag.to_string()]),
        toml::Value::Array(items) if LISTS.contains(&name) => items
            .into_iter()
            .map(|item| match item {
                toml::Value::String(text) => Ok(text),
                _ => Err("its items are strings"),
            })
            .collect(),
        toml::Value::Array(_) => Err("it has one value"),
        _ => Err("it is a string, a number or a boolean"),
    }
}

/// Kubernetes sets such variables in every container when a service is called `fieldgate`.
fn is_service_link(name: &str) -> bool {
    name == "PORT" || name.starts_with("PORT_") || name.starts_with("SERVICE_")
}

/// The variable that names the TOML file.
pub(crate) const CONFIG: &str = "FIELDGATE_CONFIG";

/// The variable that the example device reads: an operator may have both in one shell.
const DEVICE_TOKEN: &str = "FIELDGATE_TOKEN";

const PREFIX: &str = "FIELDGATE_";
