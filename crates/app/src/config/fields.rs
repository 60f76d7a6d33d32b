//! How single values are read from files and the environment, and shown without their secrets.

use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo};
use secrecy::SecretString;
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serializer};

/// What stands in place of a secret wherever the configuration is shown.
pub const MASK: &str = "********";

/// Reads a secret.
pub fn secret<'de, D: Deserializer<'de>>(value: D) -> Result<SecretString, D::Error> {
    String::deserialize(value).map(SecretString::from)
}

/// Reads a secret that may be absent.
pub fn optional_secret<'de, D: Deserializer<'de>>(value: D) -> Result<Option<SecretString>, D::Error> {
    Ok(Option::<String>::deserialize(value)?.map(SecretString::from))
}

/// Shows that a secret is set, not what it is.
pub fn mask<S: Serializer>(_secret: &SecretString, out: S) -> Result<S::Ok, S::Error> {
    out.serialize_str(MASK)
}

/// Shows whether a secret is set.
#[expect(clippy::ref_option, reason = "the signature is serde's")]
pub fn mask_optional<S: Serializer>(secret: &Option<SecretString>, out: S) -> Result<S::Ok, S::Error> {
    match secret {
        Some(_) => out.serialize_str(MASK),
        None => out.serialize_none(),
    }
}

/// Reads a positive duration such as `15m`, `12h` or `7d`; a day is 24 hours.
pub fn duration<'de, D: Deserializer<'de>>(value: D) -> Result<SignedDuration, D::Error> {
    let refused = || D::Error::custom("a duration such as 15m, 12h or 7d is expected");
    let text = String::deserialize(value)?;
    let span: Span = text.parse().ok().ok_or_else(refused)?;
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok().ok_or_else(refused)?;
    if length <= SignedDuration::ZERO {
        return Err(refused());
    }
    Ok(length)
}

/// Shows a duration in the form in which it is written.
pub fn show_duration<S: Serializer>(length: &SignedDuration, out: S) -> Result<S::Ok, S::Error> {
    out.collect_str(&format_args!("{length:#}"))
}

/// Reads a percentage from 1 to 100, or `off`.
pub fn percent_or_off<'de, D: Deserializer<'de>>(value: D) -> Result<Option<u8>, D::Error> {
    let text = Scalar::deserialize(value)?.0;
    if text == "off" {
        return Ok(None);
    }
    match text.parse() {
        Ok(percent @ 1..=100) => Ok(Some(percent)),
        _ => Err(D::Error::custom("a percentage from 1 to 100, or \"off\", is expected")),
    }
}

/// Shows a number, or `off`.
#[expect(clippy::ref_option, clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
pub fn show_or_off<S: Serializer>(number: &Option<u8>, out: S) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => out.serialize_u8(*number),
        None => out.serialize_str("off"),
    }
}

/// Reads an address with a port, such as `127.0.0.1:9464`, or `off`.
pub fn address_or_off<'de, D: Deserializer<'de>>(value: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = Scalar::deserialize(value)?.0;
    if text == "off" {
        return Ok(None);
    }
    let address = text.parse().ok();
    address.map(Some).ok_or_else(|| D::Error::custom("an address such as 127.0.0.1:9464, or \"off\", is expected"))
}

/// Shows an address, or `off`.
#[expect(clippy::ref_option, reason = "the signature is serde's")]
pub fn show_address_or_off<S: Serializer>(address: &Option<SocketAddr>, out: S) -> Result<S::Ok, S::Error> {
    match address {
        Some(address) => out.collect_str(address),
        None => out.serialize_str("off"),
    }
}

/// Reads a list: an array in a file, words parted by commas in the environment.
pub fn list<'de, T, D>(value: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr,
    T::Err: fmt::Display,
    D: Deserializer<'de>,
{
    value.deserialize_any(ListVisitor(PhantomData))
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T> Visitor<'de> for ListVisitor<T>
where
    T: FromStr,
    T::Err: fmt::Display,
{
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list, or words parted by commas")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        text.split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
            .map(|word| word.parse().map_err(E::custom))
            .collect()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<Vec<T>, A::Error> {
        let mut list = Vec::new();
        while let Some(word) = words.next_element::<String>()? {
            list.push(word.trim().parse().map_err(A::Error::custom)?);
        }
        Ok(list)
    }
}

/// A word or a number, kept as text: files write `90`, the environment `"90"`.
struct Scalar(String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        struct ScalarVisitor;
        impl Visitor<'_> for ScalarVisitor {
            type Value = Scalar;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a word or a whole number")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Scalar, E> {
                Ok(Scalar(text.trim().to_owned()))
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Scalar, E> {
                Ok(Scalar(number.to_string()))
            }
        }
        value.deserialize_any(ScalarVisitor)
    }
}
