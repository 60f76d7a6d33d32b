//! Access tokens: JSON Web Tokens (RFC 7519) under HMAC-SHA-256, checked at the instant passed.
use huntzen_tenancy::{
    email::Email,
    identity::{AccessClaims, AccessTokenError, AccessTokenSigner},
    ids::{CompanyId, SessionId, UserId},
    policy::Role,
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

/// The only algorithm, whatever a token's header asks for (RFC 8725 §3.1).
const ALGORITHM: Algorithm = Algorithm::HS256;

/// The claims as they travel. Instants are whole seconds (RFC 7519 §2, `NumericDate`).
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    sub: UserId,
    email: String,
    role: Role,
    company_id: Option<CompanyId>,
    sid: SessionId,
    iat: i64,
    exp: i64,
    /// Never issued; obeyed all the same when a token has it (RFC 7519 §4.1.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    iss: String,
    aud: String,
}

/// Signs and checks access tokens of one issuer for one audience.
pub struct JwtSigner {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    issuer: String,
    audience: String,
}

impl JwtSigner {
    /// Signs under `secret`, which must serve nothing else; `iss` and `aud` are written into every
    /// token and asked of every token.
    pub fn new(secret: &SecretString, issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        let (issuer, audience) = (issuer.into(), audience.into());
        let secret = secret.expose_secret().as_bytes();
        let mut validation = Validation::new(ALGORITHM);
        validation.set_required_spec_claims(&["exp", "sub", "iss", "aud"]);
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[&audience]);
        // The library would ask the machine's clock; `verify` compares with the instant it is given.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.leeway = 0;
        Self {
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
            validation,
            issuer,
            audience,
        }
    }

    /// What `token` says, when its signature, issuer and audience are ours.
    fn open(&self, token: &str) -> Option<Payload> {
        let token = jsonwebtoken::decode::<Payload>(token, &self.checking, &self.validation).ok()?;
        // An extension that must be understood is not understood here (RFC 7515 §4.1.11).
        let plain = token.header.crit.is_none() && token.header.typ.is_none_or(|kind| kind.eq_ignore_ascii_case("JWT"));
        // The library takes a list that holds the right word; ours is always the one word.
        let ours = token.claims.iss == self.issuer && token.claims.aud == self.audience;
        (plain && ours).then_some(token.claims)
    }
}

/// The instant that a token's number stands for.
fn instant(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

impl Payload {
    /// The claims, when they hold at `now`: without leeway, and not from the future.
    fn claims_at(self, now: Timestamp) -> Option<AccessClaims> {
        let (issued_at, expires_at) = (instant(self.iat)?, instant(self.exp)?);
        let begun = match self.nbf {
            Some(seconds) => instant(seconds)? <= now,
            None => true,
        };
        if !begun || issued_at > now || expires_at <= now {
            return None;
        }
        Some(AccessClaims {
            user: self.sub,
            email: Email::parse(&self.email)?,
            role: self.role,
            company: self.company_id,
            session: self.sid,
            issued_at,
            expires_at,
        })
    }
}

impl AccessTokenSigner for JwtSigner {
    /// Instants are cut to whole seconds: a token ends up to a second early, never late.
    fn sign(&self, claims: &AccessClaims) -> Result<String, AccessTokenError> {
        let payload = Payload {
            sub: claims.user,
            email: claims.email.as_str().to_owned(),
            role: claims.role,
            company_id: claims.company,
            sid: claims.session,
            iat: claims.issued_at.as_second(),
            exp: claims.expires_at.as_second(),
            nbf: None,
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
        };
        // The reason is dropped on purpose: the port's error says nothing.
        jsonwebtoken::encode(&Header::new(ALGORITHM), &payload, &self.signing).ok().ok_or(AccessTokenError)
    }

    fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, AccessTokenError> {
        self.open(token).and_then(|payload| payload.claims_at(now)).ok_or(AccessTokenError)
    }
}

#[cfg(test)]
mod tests;
