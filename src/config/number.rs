//! Numbers: sizes in bytes, times in seconds.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use super::cache::MIN_STORE_SIZE;
use crate::http::cache_control::MAX_SECONDS;

/// A size in bytes.
#[derive(Clone, Copy)]
pub(super) struct Bytes(pub(super) u64);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number(deserializer, "a whole number of bytes, 0 or more", u64::MAX).map(Self)
    }
}

/// The size of the host's store in bytes.
#[derive(Clone, Copy)]
pub(super) struct StoreSize(pub(super) u64);

impl<'de> Deserialize<'de> for StoreSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a whole number of bytes, 1048576 or more";
        let size = number(deserializer, expected, u64::MAX)?;
        if size < MIN_STORE_SIZE {
            Err(de::Error::custom(format!("expected {expected}")))
        } else {
            Ok(Self(size))
        }
    }
}

/// How many of something, at most `MOST`.
#[derive(Clone, Copy)]
pub(super) struct Count<const MOST: u64>(pub(super) u64);

impl<'de, const MOST: u64> Deserialize<'de> for Count<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        number(deserializer, &format!("a whole number from 0 to {MOST}"), MOST).map(Self)
    }
}

/// The units that a time may be written in, in milliseconds. One that ends as another does comes before it.
const UNITS: [(&str, u64); 6] =
    [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("w", 604_800_000)];

/// A number with its unit, such as "250ms" or "1h", in milliseconds.
fn milliseconds(text: &str) -> Option<u64> {
    let (digits, factor) =
        UNITS.into_iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, factor)))?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<u64>().ok().filter(|_| is_number)?.checked_mul(factor)
}

/// A time-out, in milliseconds: a number of seconds, or a number with its unit in quotes.
#[derive(Clone, Copy)]
pub(super) struct Timeout(pub(super) u32);

impl Timeout {
    const EXPECTED: &'static str =
        "seconds, from 0.001 to 60, or a time in quotes, such as \"250ms\" or \"1s\"";
    const MOST: u64 = 60_000;

    fn of_milliseconds(number: u64) -> Option<Self> {
        u32::try_from(number).ok().filter(|_| (1..=Self::MOST).contains(&number)).map(Self)
    }
}

impl<'de> Deserialize<'de> for Timeout {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TimeoutVisitor;

        impl Visitor<'_> for TimeoutVisitor {
            type Value = Timeout;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Timeout::EXPECTED)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Timeout, E> {
                let read = milliseconds(text).and_then(Timeout::of_milliseconds);
                read.ok_or_else(|| E::custom(format!("expected {}", Timeout::EXPECTED)))
            }

            fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Timeout, E> {
                self.visit_f64(f64::from(i32::try_from(seconds).unwrap_or(-1)))
            }

            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in the range")]
            fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Timeout, E> {
                if (0.001..=60.0).contains(&seconds) {
                    Ok(Timeout((seconds * 1000.0).round() as u32))
                } else {
                    Err(E::custom(format!("expected {}", Timeout::EXPECTED)))
                }
            }
        }

        deserializer.deserialize_any(TimeoutVisitor)
    }
}

/// A time in seconds, as caches count it (RFC 9111 §1.2.2): a number, or a number with its unit in quotes.
#[derive(Clone, Copy)]
pub(super) struct Seconds(pub(super) u32);

impl Seconds {
    const EXPECTED: &'static str = "a whole number of seconds, from 0 to 2147483648, or a time such as \"90s\", \"15m\", \"1h\", \"30d\" or \"2w\"";

    fn of_number(number: i64) -> Option<Self> {
        u32::try_from(number).ok().filter(|seconds| *seconds <= MAX_SECONDS).map(Self)
    }

    fn of_text(text: &str) -> Option<Self> {
        let number = milliseconds(text).filter(|number| number % 1000 == 0)?;
        Self::of_number(i64::try_from(number / 1000).ok()?)
    }
}

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SecondsVisitor;

        impl Visitor<'_> for SecondsVisitor {
            type Value = Seconds;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Seconds::EXPECTED)
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Seconds, E> {
                Seconds::of_number(number).ok_or_else(|| E::custom(format!("expected {}", Seconds::EXPECTED)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Seconds, E> {
                Seconds::of_text(text).ok_or_else(|| E::custom(format!("expected {}", Seconds::EXPECTED)))
            }
        }

        deserializer.deserialize_any(SecondsVisitor)
    }
}

fn number<'de, D: Deserializer<'de>>(deserializer: D, expected: &str, most: u64) -> Result<u64, D::Error> {
    struct NumberVisitor<'a>(&'a str);

    impl Visitor<'_> for NumberVisitor<'_> {
        type Value = i64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
            Ok(number)
        }
    }

    let number = deserializer.deserialize_any(NumberVisitor(expected))?;
    u64::try_from(number)
        .ok()
        .filter(|number| *number <= most)
        .ok_or_else(|| de::Error::custom(format!("expected {expected}")))
}
