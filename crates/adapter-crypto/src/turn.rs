//! Credentials for TURN servers that last an hour: the REST scheme of coturn
//! (draft-uberti-behave-turn-rest-00; `use-auth-secret`, `static-auth-secret`).
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use huntzen_clinical::{
    call::{IceServer, IceServers},
    ids::CallId,
};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use sha1::Sha1;

/// How long credentials can be used to begin with; an allocation that they opened goes on.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// Names the operator's servers, with credentials for those of TURN.
pub struct TurnServers {
    stun: Vec<String>,
    turn: Vec<String>,
    secret: SecretString,
}

impl TurnServers {
    /// These servers; `secret` is what the TURN servers share with this one.
    pub fn new(urls: &[String], secret: SecretString) -> Self {
        let (stun, turn) = urls.iter().cloned().partition(|url| url.starts_with("stun"));
        Self { stun, turn, secret }
    }

    fn credential(&self, username: &str) -> String {
        let mut code = match Hmac::<Sha1>::new_from_slice(self.secret.expose_secret().as_bytes()) {
            Ok(code) => code,
            // HMAC takes keys of any length.
            Err(never) => unreachable!("{never}"),
        };
        code.update(username.as_bytes());
        BASE64.encode(&code.finalize().into_bytes())
    }
}

impl IceServers for TurnServers {
    fn for_call(&self, call: CallId, now: Timestamp) -> Vec<IceServer> {
        let mut servers = Vec::new();
        if !self.stun.is_empty() {
            servers.push(IceServer { urls: self.stun.clone(), username: None, credential: None });
        }
        if !self.turn.is_empty() {
            let username = format!("{}:{}", (now + LIFETIME).as_second(), call.0.simple());
            let credential = self.credential(&username);
            servers.push(IceServer { urls: self.turn.clone(), username: Some(username), credential: Some(credential) });
        }
        servers
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn credentials_are_those_that_coturn_computes() {
        let urls = ["stun:stun.example:3478", "turn:turn.example:3478?transport=udp", "turns:turn.example:5349"];
        let servers = TurnServers::new(&urls.map(str::to_owned), "north".into());
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_799_996_400);
        let named = servers.for_call(CallId(Uuid::from_u128(7)), now);
        let username = "1800000000:00000000000000000000000000000007";
        assert_eq!(
            named,
            [
                IceServer { urls: vec![urls[0].to_owned()], username: None, credential: None },
                IceServer {
                    urls: vec![urls[1].to_owned(), urls[2].to_owned()],
                    username: Some(username.to_owned()),
                    credential: Some("qokZLxvv/E1DXJwBQjIfzm7Nraw=".to_owned()),
                },
            ]
        );
        assert!(!format!("{named:?}").contains("1800000000"));
        assert_eq!(TurnServers::new(&[], "".into()).for_call(CallId(Uuid::nil()), now), []);
    }
}
