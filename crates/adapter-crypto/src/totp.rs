//! Time-based one-time passwords (RFC 6238), as authenticator apps count them.
use std::sync::Arc;

use data_encoding::BASE32_NOPAD;
use huntzen_tenancy::{clock::Randomness, identity::TotpCodes, sealing::SecretText};
use jiff::Timestamp;
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

/// What authenticator apps show above the code.
const ISSUER: &str = "HuntZen Care";
/// Steps before and after the present one whose codes are taken: clocks differ, people type slowly.
const SKEW: u16 = 1;

/// Counts codes of six digits by HMAC-SHA-1, a new one every thirty seconds.
pub struct TotpRs {
    randomness: Arc<dyn Randomness>,
}

impl TotpRs {
    /// Secrets come from `randomness`.
    pub fn new(randomness: Arc<dyn Randomness>) -> Self {
        Self { randomness }
    }
}

/// The counter of a secret; none for a text that no secret of ours is.
fn counter(secret: &SecretText, account: Option<&str>) -> Option<Totp> {
    let bytes = BASE32_NOPAD.decode(secret.expose().as_bytes()).ok()?;
    let builder = Builder::new().with_secret(bytes).with_skew(SKEW).with_issuer(Some(ISSUER));
    account.map_or(builder.clone(), |account| builder.with_account_name(account)).build().ok()
}

impl TotpCodes for TotpRs {
    fn fresh_secret(&self) -> SecretText {
        let mut bytes = Zeroizing::new([0; 20]);
        self.randomness.fill(bytes.as_mut());
        SecretText::new(BASE32_NOPAD.encode(bytes.as_ref()))
    }

    fn url(&self, secret: &SecretText, account: &str) -> SecretText {
        let url = counter(secret, Some(account)).and_then(|counter| counter.to_url().ok());
        SecretText::new(url.unwrap_or_default())
    }

    fn step(&self, secret: &SecretText, code: &str, now: Timestamp) -> Option<i64> {
        let is_code = code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit());
        let time = u64::try_from(now.as_second()).ok().filter(|_| is_code)?;
        let step = counter(secret, None)?.check(code, time)?;
        i64::try_from(step).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsRandomness;

    fn totp() -> TotpRs {
        TotpRs::new(Arc::new(OsRandomness))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap_or_default()
    }

    /// The secret of the test vectors of RFC 6238, appendix B: the ASCII digits 1 to 0, twice.
    fn vectors() -> SecretText {
        SecretText::new(BASE32_NOPAD.encode(b"12345678901234567890"))
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        // The last six of the eight digits that the appendix gives for SHA-1.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(totp().step(&vectors(), code, at(seconds)), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_taken_a_step_early_and_a_step_late() {
        let code = "287082";
        for (seconds, taken) in [(0, true), (29, true), (30, true), (89, true), (90, false), (59, true)] {
            assert_eq!(totp().step(&vectors(), code, at(seconds)).is_some(), taken, "{seconds}");
        }
        for code in ["28708", "2870820", "28708a", "", "٢٨٧٠٨٢", "287 82"] {
            assert_eq!(totp().step(&vectors(), code, at(59)), None, "{code}");
        }
    }

    #[test]
    fn a_device_reads_what_is_counted() {
        let secret = totp().fresh_secret();
        assert_eq!(secret.expose().len(), 32);
        assert_ne!(secret.expose(), totp().fresh_secret().expose());
        let url = totp().url(&secret, "marc.dupont@techcorp.example");
        let url = url.expose();
        assert!(url.starts_with("otpauth://totp/HuntZen%20Care:marc.dupont%40techcorp.example?"), "{url}");
        assert!(url.contains(&format!("secret={}", secret.expose())), "{url}");
        assert!(url.contains("issuer=HuntZen%20Care"), "{url}");
    }
}
