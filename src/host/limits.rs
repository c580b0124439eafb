//! What builds in sandboxes may use of this machine, as flags and the configuration file say it.

use serde::Deserialize;
use serde::de::{Deserializer, Error};

/// Limits of builds, each as far as one is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildLimits {
    /// Whether nothing is to be built where a part of the sandbox is missing.
    #[serde(default)]
    pub strict: bool,
    /// Bytes of memory of one build.
    #[serde(default, deserialize_with = "size")]
    pub memory: Option<u64>,
    /// Bytes of the files that one build writes.
    #[serde(default, deserialize_with = "size")]
    pub space: Option<u64>,
    /// Seconds that one build may take.
    #[serde(default, deserialize_with = "time")]
    pub time: Option<u64>,
    /// Processes and threads of one build at a time.
    #[serde(default, deserialize_with = "count")]
    pub processes: Option<u64>,
}

impl BuildLimits {
    /// These, and where they say nothing, those of `others`.
    pub fn or(self, others: Self) -> Self {
        Self {
            strict: self.strict || others.strict,
            memory: self.memory.or(others.memory),
            space: self.space.or(others.space),
            time: self.time.or(others.time),
            processes: self.processes.or(others.processes),
        }
    }
}

/// The number of bytes of `12`, `12K`, `12M`, `12G`, `12T`, powers of 1024.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let units = [('K', 1 << 10), ('M', 1 << 20), ('G', 1 << 30), ('T', 1 << 40)];
    scaled(text, &units)
        .ok_or("write a number of bytes, or one with K, M, G or T behind it: `10G`".to_owned())
}

/// The same, of something that cannot be nothing.
pub fn parse_limit(text: &str) -> Result<u64, String> {
    parse_size(text).and_then(positive)
}

/// The number of seconds of `90`, `90s`, `30m`, `2h`.
pub fn parse_time(text: &str) -> Result<u64, String> {
    let time = scaled(text, &[('s', 1), ('m', 60), ('h', 3600)]);
    time.ok_or("write a number of seconds, or one with s, m or h behind it: `30m`".to_owned())
        .and_then(positive)
}

/// A number that is not 0.
pub fn parse_count(text: &str) -> Result<u64, String> {
    scaled(text, &[]).ok_or("write a number".to_owned()).and_then(positive)
}

fn positive(number: u64) -> Result<u64, String> {
    if number > 0 { Ok(number) } else { Err("it has to be more than 0".to_owned()) }
}

fn scaled(text: &str, units: &[(char, u64)]) -> Option<u64> {
    let unit = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(*unit)?, *factor)));
    let (digits, factor) = unit.unwrap_or((text, 1));
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?;
    number?.checked_mul(factor)
}

/// A value of the configuration file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Number(u64),
    Text(String),
}

fn value<'de, D: Deserializer<'de>>(
    from: D,
    parse: fn(&str) -> Result<u64, String>,
) -> Result<Option<u64>, D::Error> {
    let text = match Value::deserialize(from) {
        Ok(Value::Number(number)) => number.to_string(),
        Ok(Value::Text(text)) => text,
        // What serde says of alternatives is about this program.
        Err(_) => String::new(),
    };
    parse(&text).map(Some).map_err(D::Error::custom)
}

fn size<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    value(from, parse_limit)
}

fn time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    value(from, parse_time)
}

fn count<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
    value(from, parse_count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!(
            (parse_size("0"), parse_size("12K"), parse_size("3G")),
            (Ok(0), Ok(12 << 10), Ok(3 << 30))
        );
        assert_eq!((parse_time("90"), parse_time("30m"), parse_time("2h")), (Ok(90), Ok(1800), Ok(7200)));
        for wrong in ["", "K", "-1", "+1", "1.5G", "12KB", " 1", "16777216T", "1m"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
        assert!(parse_time("0").is_err() && parse_limit("0K").is_err() && parse_count("1k").is_err());
    }

    #[test]
    fn the_configuration_takes_numbers_and_texts() {
        let found: BuildLimits =
            toml::from_str("strict = true\nmemory = \"4G\"\nspace = 1048576\ntime = \"1h\"").unwrap();
        let limits = BuildLimits {
            strict: true,
            memory: Some(4 << 30),
            space: Some(1 << 20),
            time: Some(3600),
            processes: None,
        };
        assert_eq!(found, limits);
        let flags = BuildLimits { memory: Some(1), ..BuildLimits::default() };
        assert_eq!(flags.or(limits), BuildLimits { memory: Some(1), ..limits });
        let error = toml::from_str::<BuildLimits>("memory = [4]").unwrap_err().to_string();
        assert!(error.contains("write a number of bytes"), "{error}");
        assert!(toml::from_str::<BuildLimits>("cpu = 4").is_err());
    }
}
