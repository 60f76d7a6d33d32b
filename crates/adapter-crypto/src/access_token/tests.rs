//! What passes as an access token, and the many things that must not.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use huntzen_booking::room::{RoomClaims, RoomGuest, RoomName, RoomServer, RoomTokenSigner, RoomWindow};
use huntzen_tenancy::{identity::RefreshTokens, words::Words};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};
use uuid::Uuid;

use super::*;
use crate::{HmacRefreshTokens, JitsiSigner};

const SECRET: &str = "unit-test-secret-of-the-access-tokens";
const ISSUED: &str = "2027-03-08T08:55:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn id(last: u128) -> Uuid {
    Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 + last)
}

fn signer() -> JwtSigner {
    JwtSigner::new(&SecretString::from(SECRET), "huntzen-care", "huntzen-front")
}

fn claims() -> AccessClaims {
    AccessClaims {
        user: UserId(id(1)),
        email: Email::parse("marc.dupont@techcorp.example").unwrap(),
        role: Role::Employee,
        company: Some(CompanyId(id(2))),
        session: SessionId(id(3)),
        issued_at: at(ISSUED),
        expires_at: at(ISSUED) + SignedDuration::from_mins(15),
    }
}

fn payload() -> Value {
    json!({
        "sub": id(1), "email": "marc.dupont@techcorp.example", "role": "EMPLOYEE", "companyId": id(2),
        "sid": id(3), "iat": 1_804_496_100, "exp": 1_804_497_000, "iss": "huntzen-care",
        "aud": "huntzen-front",
    })
}

fn with(field: &str, value: Value) -> Value {
    let mut payload = payload();
    payload.as_object_mut().unwrap().insert(field.to_owned(), value);
    payload
}

fn without(field: &str) -> Value {
    let mut payload = payload();
    payload.as_object_mut().unwrap().remove(field).unwrap();
    payload
}

fn encoded(value: &Value) -> String {
    BASE64URL_NOPAD.encode(value.to_string().as_bytes())
}

fn unsigned(header: &Value, payload: &Value) -> String {
    format!("{}.{}", encoded(header), encoded(payload))
}

/// A token made without the code under test.
fn forged(header: &Value, payload: &Value, secret: &str) -> String {
    let signed = unsigned(header, payload);
    let mut code = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    code.update(signed.as_bytes());
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&code.finalize().into_bytes()))
}

fn hs256() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

fn passes(token: &str) -> bool {
    signer().verify(token, at(ISSUED)).is_ok()
}

#[test]
fn the_token_is_the_one_that_the_standard_gives() {
    assert_eq!(
        signer().sign(&claims()).unwrap(),
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTk4MDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDEi\
         LCJlbWFpbCI6Im1hcmMuZHVwb250QHRlY2hjb3JwLmV4YW1wbGUiLCJyb2xlIjoiRU1QTE9ZRUUiLCJjb21wYW55SWQiOiIwMTk4\
         MDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAwMDIiLCJzaWQiOiIwMTk4MDAwMC0wMDAwLTcwMDAtODAwMC0wMDAwMDAwMDAw\
         MDMiLCJpYXQiOjE4MDQ0OTYxMDAsImV4cCI6MTgwNDQ5NzAwMCwiaXNzIjoiaHVudHplbi1jYXJlIiwiYXVkIjoiaHVudHplbi1m\
         cm9udCJ9.tssDrcHkWJgtdGlh4bqy2Sy7wCgMKDORD9ejFtb9dTc"
    );
}

#[test]
fn every_role_is_read_back() {
    for role in Role::ALL {
        let company = role.has_company().then_some(CompanyId(id(2)));
        let claims = AccessClaims { role: *role, company, ..claims() };
        let token = signer().sign(&claims).unwrap();
        assert_eq!(signer().verify(&token, at(ISSUED)), Ok(claims));
    }
}

#[test]
fn a_token_of_the_same_standard_made_elsewhere_is_read() {
    let token = forged(&hs256(), &payload(), SECRET);
    assert_eq!(signer().verify(&token, at(ISSUED)), Ok(claims()));
    assert!(passes(&forged(&json!({"alg": "HS256"}), &payload(), SECRET)));
}

#[test]
fn a_token_holds_from_its_issue_to_its_end_without_leeway() {
    let token = signer().sign(&claims()).unwrap();
    for (now, holds) in [
        ("2027-03-08T08:54:59.999999Z", false),
        ("2027-03-08T08:55:00Z", true),
        ("2027-03-08T09:09:59.999999Z", true),
        ("2027-03-08T09:10:00Z", false),
        ("2030-01-01T00:00:00Z", false),
    ] {
        assert_eq!(signer().verify(&token, at(now)).is_ok(), holds, "{now}");
    }
}

#[test]
fn fractions_of_a_second_never_lengthen_a_token() {
    let claims =
        AccessClaims { issued_at: at("2027-03-08T08:55:00.7Z"), expires_at: at("2027-03-08T09:10:00.7Z"), ..claims() };
    let token = signer().sign(&claims).unwrap();
    assert!(signer().verify(&token, claims.issued_at).is_ok());
    assert!(signer().verify(&token, at("2027-03-08T09:10:00Z")).is_err());
}

#[test]
fn not_before_is_obeyed() {
    let token = |nbf: i64| forged(&hs256(), &with("nbf", json!(nbf)), SECRET);
    assert!(passes(&token(1_804_496_100)));
    assert!(!passes(&token(1_804_496_101)));
    assert!(!passes(&token(i64::MAX)));
}

#[test]
fn two_hundred_forged_tokens_do_not_pass() {
    let genuine = signer().sign(&claims()).unwrap();
    assert!(passes(&genuine));
    let mut forgeries = Vec::new();
    // One character changed, all over the token.
    for number in 0..100 {
        let place = number * (genuine.len() - 1) / 99;
        let changed = genuine.char_indices().map(|(at, character)| match (at == place, character) {
            (false, same) => same,
            (true, 'A') => 'B',
            (true, _) => 'A',
        });
        forgeries.push(changed.collect::<String>());
    }
    // Signed properly, under a secret that is not ours.
    for number in 0..40 {
        forgeries.push(forged(&hs256(), &payload(), &format!("{SECRET}{number}")));
    }
    for end in 0..20 {
        forgeries.push(forged(&hs256(), &payload(), SECRET.get(..end).unwrap()));
    }
    // Another payload under the genuine signature.
    let (signed, signature) = genuine.rsplit_once('.').unwrap();
    let header = signed.split_once('.').unwrap().0;
    for number in 10..50 {
        forgeries.push(format!("{header}.{}.{signature}", encoded(&with("sub", json!(id(number))))));
    }
    assert_eq!(forgeries.len(), 200);
    for forgery in forgeries {
        assert_ne!(forgery, genuine);
        assert!(!passes(&forgery), "{forgery}");
    }
}

#[test]
fn no_other_algorithm_passes() {
    for algorithm in
        ["none", "None", "NONE", "nOnE", "", "HS384", "HS512", "RS256", "RS512", "PS256", "ES256", "EdDSA", "hs256"]
    {
        let header = json!({"alg": algorithm, "typ": "JWT"});
        assert!(!passes(&forged(&header, &payload(), SECRET)), "{algorithm}");
        assert!(!passes(&format!("{}.", unsigned(&header, &payload()))), "{algorithm}");
        assert!(!passes(&unsigned(&header, &payload())), "{algorithm}");
    }
    let signed = unsigned(&json!({"alg": "HS384"}), &payload());
    let mut code = Hmac::<Sha384>::new_from_slice(SECRET.as_bytes()).unwrap();
    code.update(signed.as_bytes());
    assert!(!passes(&format!("{signed}.{}", BASE64URL_NOPAD.encode(&code.finalize().into_bytes()))));
    let signed = unsigned(&json!({"alg": "HS512"}), &payload());
    let mut code = Hmac::<Sha512>::new_from_slice(SECRET.as_bytes()).unwrap();
    code.update(signed.as_bytes());
    assert!(!passes(&format!("{signed}.{}", BASE64URL_NOPAD.encode(&code.finalize().into_bytes()))));
}

#[test]
fn a_missing_signature_does_not_pass() {
    assert!(!passes(&format!("{}.", unsigned(&hs256(), &payload()))));
    assert!(!passes(&unsigned(&hs256(), &payload())));
}

#[test]
fn a_header_cannot_bring_a_key_or_an_unknown_duty() {
    let key = BASE64URL_NOPAD.encode(b"a key of the attacker");
    let header = json!({"alg": "HS256", "jwk": {"kty": "oct", "k": key}, "jku": "https://evil.example/"});
    assert!(!passes(&forged(&header, &payload(), "a key of the attacker")));
    let header = json!({"alg": "HS256", "crit": ["exp"], "exp": 1});
    assert!(!passes(&forged(&header, &payload(), SECRET)));
    assert!(!passes(&forged(&json!({"alg": "HS256", "typ": "dpop+jwt"}), &payload(), SECRET)));
}

#[test]
fn every_claim_is_required() {
    for claim in ["sub", "email", "role", "sid", "iat", "exp", "iss", "aud"] {
        assert!(!passes(&forged(&hs256(), &without(claim), SECRET)), "{claim}");
        assert!(!passes(&forged(&hs256(), &with(claim, Value::Null), SECRET)), "{claim}");
    }
}

#[test]
fn claims_of_another_kind_do_not_pass() {
    for (claim, value) in [
        ("sub", json!("marc.dupont")),
        ("email", json!("not an address")),
        ("role", json!("OWNER")),
        ("role", json!(1)),
        ("sid", json!(7)),
        ("iat", json!("1804496100")),
        ("iat", json!(1_804_496_101)),
        ("exp", json!("1804497000")),
        ("exp", json!(1_804_496_100)),
        ("exp", json!(-1)),
        ("exp", json!(i64::MAX)),
        ("exp", json!(1e300)),
        ("nbf", json!("now")),
        ("iss", json!("huntzen-car")),
        ("iss", json!(["huntzen-care"])),
        ("aud", json!("huntzen-care")),
        ("aud", json!(["huntzen-front", "elsewhere"])),
    ] {
        assert!(!passes(&forged(&hs256(), &with(claim, value.clone()), SECRET)), "{claim} {value}");
    }
}

#[test]
fn a_claim_given_twice_does_not_pass() {
    let doubled = payload().to_string().replacen('{', r#"{"role":"SUPER_ADMIN","#, 1);
    let signed = format!("{}.{}", encoded(&hs256()), BASE64URL_NOPAD.encode(doubled.as_bytes()));
    let mut code = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    code.update(signed.as_bytes());
    assert!(!passes(&format!("{signed}.{}", BASE64URL_NOPAD.encode(&code.finalize().into_bytes()))));
}

#[test]
fn what_is_no_token_does_not_pass() {
    let genuine = signer().sign(&claims()).unwrap();
    for text in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "é.é.é".to_owned(),
        format!(" {genuine}"),
        format!("{genuine} "),
        format!("{genuine}="),
        format!("{genuine}.{genuine}"),
        format!("Bearer {genuine}"),
        "A".repeat(100_000),
    ] {
        assert!(!passes(&text), "{text:.40}");
    }
}

#[test]
fn other_tokens_of_the_product_do_not_pass() {
    let secret = SecretString::from(SECRET);
    let refresh = HmacRefreshTokens::new(secret.clone()).successor("any");
    assert!(!passes(&refresh));

    // Even where an operator gave both signers one secret, issuer and audience.
    let room = RoomClaims::issue(
        RoomServer { app_id: "huntzen-care", domain: "meet.huntzen.care", audience: "huntzen-front" },
        &RoomName::from_random([9; 16]),
        RoomWindow::around(at("2027-03-08T09:00:00Z"), at("2027-03-08T09:50:00Z")),
        RoomGuest { pseudonym: "5f2c", alias: None, is_practitioner: false },
        at(ISSUED),
        id(4),
    )
    .unwrap();
    assert!(!passes(&JitsiSigner::new(&secret).sign(&room).unwrap()));
}

#[test]
fn another_issuer_or_audience_is_another_house() {
    let token = signer().sign(&claims()).unwrap();
    let secret = SecretString::from(SECRET);
    assert!(JwtSigner::new(&secret, "elsewhere", "huntzen-front").verify(&token, at(ISSUED)).is_err());
    assert!(JwtSigner::new(&secret, "huntzen-care", "elsewhere").verify(&token, at(ISSUED)).is_err());
}
