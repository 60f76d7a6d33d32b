//! Tokens for the video rooms, signed under the secret that the room server shares.
use huntzen_booking::room::{RoomClaims, RoomSigningFailed, RoomTokenSigner};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};

/// Signs room tokens with HMAC-SHA-256 (`HS256`, RFC 7518 §3.2).
pub struct JitsiSigner {
    key: EncodingKey,
}

impl JitsiSigner {
    /// Signs under `secret`, which the room server alone shares.
    pub fn new(secret: &SecretString) -> Self {
        Self { key: EncodingKey::from_secret(secret.expose_secret().as_bytes()) }
    }
}

impl RoomTokenSigner for JitsiSigner {
    fn sign(&self, claims: &RoomClaims) -> Result<String, RoomSigningFailed> {
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &self.key)
            .map_err(|error| RoomSigningFailed(Box::new(error)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use data_encoding::BASE64URL_NOPAD;
    use hmac::{Hmac, KeyInit, Mac};
    use huntzen_booking::room::{RoomGuest, RoomName, RoomServer, RoomWindow};
    use sha2::Sha256;
    use uuid::Uuid;

    use super::*;

    fn claims() -> RoomClaims {
        RoomClaims::issue(
            RoomServer { app_id: "huntzen_app", domain: "meet.huntzen.care", audience: "huntzen_app" },
            &RoomName::from_random([9; 16]),
            RoomWindow::around("2027-03-08T09:00:00Z".parse().unwrap(), "2027-03-08T09:50:00Z".parse().unwrap()),
            RoomGuest { pseudonym: "5f2c", alias: None, is_practitioner: false },
            "2027-03-08T08:55:00Z".parse().unwrap(),
            Uuid::nil(),
        )
        .unwrap()
    }

    #[test]
    fn the_room_server_can_check_what_was_signed() {
        let token = JitsiSigner::new(&SecretString::from("a secret of the room server")).sign(&claims()).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();
        assert_eq!(BASE64URL_NOPAD.decode(header.as_bytes()).unwrap(), br#"{"typ":"JWT","alg":"HS256"}"#);
        let said: serde_json::Value =
            serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap()).unwrap();
        assert_eq!(said, serde_json::to_value(claims()).unwrap());

        let mut code = Hmac::<Sha256>::new_from_slice(b"a secret of the room server").unwrap();
        code.update(signed.as_bytes());
        code.verify_slice(&BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap()).unwrap();
    }

    #[test]
    fn another_secret_gives_another_signature() {
        let one = JitsiSigner::new(&SecretString::from("one secret")).sign(&claims()).unwrap();
        let other = JitsiSigner::new(&SecretString::from("other secret")).sign(&claims()).unwrap();
        let (one, other) = (one.rsplit_once('.').unwrap(), other.rsplit_once('.').unwrap());
        assert_eq!(one.0, other.0);
        assert_ne!(one.1, other.1);
    }
}
