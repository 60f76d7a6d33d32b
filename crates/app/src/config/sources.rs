//! Where the configuration comes from, layer over layer.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::problem::{ConfigError, Problem};
use super::short_names::{PREFIX, key_of};
use super::{Config, Encryption, Environment, rules};

const DEFAULT: &str = include_str!("../../../../config/default.toml");
const DEVELOPMENT: &str = include_str!("../../../../config/development.toml");
const TEST: &str = include_str!("../../../../config/test.toml");
const PRODUCTION: &str = include_str!("../../../../config/production.toml");

/// The outside world as far as the configuration reads it.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The variables of the environment.
    pub variables: BTreeMap<String, String>,
    /// The folder that holds `config/`, `.env` and `.env.<environment>`.
    pub folder: PathBuf,
}

impl Sources {
    /// The environment of this process and its working folder.
    ///
    /// A variable that is not UTF-8 is left out: no key of ours can be meant by it.
    pub fn of_process() -> Self {
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
            folder: PathBuf::from("."),
        }
    }
}

impl Config {
    /// Reads every layer and checks the result.
    ///
    /// # Errors
    /// When a file cannot be read, a key is unknown, missing or has a wrong value, or a rule of
    /// the environment is broken. The error names the keys, never their values.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let (environment, layers) = layers(sources)?;
        rules::secrets_are_given(&layers)?;
        // Lossy, because the environment knows text only: "3000" has to do for a number.
        let mut config: Self = layers.extract_lossy()?;
        config.environment = environment;
        rules::check(&config)?;
        Ok(config)
    }
}

impl Encryption {
    /// Reads the ring alone, whatever else is missing or wrong.
    ///
    /// # Errors
    /// When a file cannot be read, or the section has unknown keys or wrong values.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let (_, layers) = layers(sources)?;
        if layers.contains("encryption") { Ok(layers.extract_inner_lossy("encryption")?) } else { Ok(Self::default()) }
    }
}

/// Which environment it is, and every layer over the one before.
fn layers(sources: &Sources) -> Result<(Environment, Figment), ConfigError> {
    let common_file = dotenv(&sources.folder.join(".env"))?;
    let environment = environment(&sources.variables, &common_file)?;
    let own_file = dotenv(&sources.folder.join(format!(".env.{}", environment.name())))?;

    let layers = Figment::new()
        .merge(file_layer("config/default.toml", DEFAULT)?)
        .merge(environment_file(&sources.folder, environment)?)
        .merge(variables_layer(&common_file))
        .merge(variables_layer(&own_file))
        .merge(variables_layer(&sources.variables));
    Ok((environment, layers))
}

/// The published secrets, which production refuses.
pub(super) fn published() -> [&'static str; 2] {
    [DEVELOPMENT, TEST]
}

fn environment(
    variables: &BTreeMap<String, String>,
    file: &BTreeMap<String, String>,
) -> Result<Environment, ConfigError> {
    let named = [variables, file].into_iter().find_map(|layer| {
        ["HUNTZEN_ENV", "NODE_ENV"].into_iter().find_map(|name| {
            let value = layer.get(name)?.trim();
            (!value.is_empty()).then_some((name, value))
        })
    });
    match named {
        None => Ok(Environment::default()),
        Some((_, "development")) => Ok(Environment::Development),
        Some((_, "test")) => Ok(Environment::Test),
        Some((_, "production")) => Ok(Environment::Production),
        Some((name, _)) => Err(Problem::at(name, "development, test or production is expected").into()),
    }
}

/// The file beside the program when there is one, else the copy compiled in, so that the single
/// binary works in any folder.
fn environment_file(folder: &Path, environment: Environment) -> Result<Layer, ConfigError> {
    let compiled_in = match environment {
        Environment::Development => DEVELOPMENT,
        Environment::Test => TEST,
        Environment::Production => PRODUCTION,
    };
    let name = format!("config/{}.toml", environment.name());
    match read_if_present(&folder.join(&name))? {
        Some(text) => file_layer(&name, &text),
        None => file_layer(&name, compiled_in),
    }
}

fn read_if_present(path: &Path) -> Result<Option<String>, ConfigError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Problem::at(path.display().to_string(), error.to_string()).into()),
    }
}

fn dotenv(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let Some(text) = read_if_present(path)? else {
        return Ok(BTreeMap::new());
    };
    dotenvy::from_read_iter(text.as_bytes())
        .collect::<Result<_, _>>()
        .ok()
        // The parser's own message quotes the line, which may hold a secret.
        .ok_or_else(|| Problem::at(path.display().to_string(), "a line is not NAME=value").into())
}

/// One layer of values and the name it has in messages.
pub(super) struct Layer {
    name: String,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

pub(super) fn file_layer(name: &str, text: &str) -> Result<Layer, ConfigError> {
    match Toml::from_str::<Dict>(text) {
        Ok(values) => Ok(Layer { name: name.to_owned(), values }),
        Err(error) => {
            // Only the position: the rest of the message quotes the line, perhaps a secret.
            let line =
                error.span().and_then(|span| text.get(..span.start)).map_or(1, |before| before.lines().count().max(1));
            Err(Problem::at(name, format!("is not valid TOML near line {line}")).into())
        }
    }
}

/// Turns variables into nested values; short names first, so that full names win over them.
fn variables_layer(variables: &BTreeMap<String, String>) -> Layer {
    let mut values = Dict::new();
    for full in [false, true] {
        for (name, value) in variables {
            if name.starts_with(PREFIX) != full || value.trim().is_empty() {
                continue;
            }
            if let Some(key) = key_of(name) {
                insert(&mut values, &key, value.trim());
            }
        }
    }
    Layer { name: "the environment".to_owned(), values }
}

fn insert(values: &mut Dict, key: &str, value: &str) {
    match key.split_once('.') {
        None => {
            values.insert(key.to_owned(), Value::from(value));
        }
        Some((section, rest)) => {
            let section = values.entry(section.to_owned()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = section {
                insert(inner, rest, value);
            }
        }
    }
}
