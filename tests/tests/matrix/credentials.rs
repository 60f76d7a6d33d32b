//! What must not pass for a credential, at every operation that asks for one.
use actix_web::{http::Method, test::TestRequest};
use huntzen_adapter_crypto::{JitsiSigner, JwtSigner};
use huntzen_app::http::{Access, operations};
use huntzen_booking::room::{RoomClaims, RoomGuest, RoomName, RoomServer, RoomTokenSigner, RoomWindow};
use huntzen_tenancy::{
    clock::Clock,
    identity::{AccessClaims, AccessTokenSigner},
    ids::{SessionId, UserId},
    policy::Role,
    words::Words,
};
use huntzen_tests::api::{Answer, ApiWorld};
use jiff::SignedDuration;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    cells::UNKNOWN,
    table::{Who, about},
    troupe::{Member, Stage, Troupe},
};

/// `{"alg":"none","typ":"JWT"}` and the same with `RS256`, as they travel.
const UNSIGNED: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
const ASYMMETRIC: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9";

#[actix_web::test]
async fn no_bad_credential_opens_any_operation_in_memory() {
    stay_shut(ApiWorld::memory().await).await;
}

#[actix_web::test]
async fn no_bad_credential_opens_any_operation_over_postgres() {
    stay_shut(ApiWorld::postgres().await).await;
}

#[actix_web::test]
async fn no_forged_token_is_accepted() {
    let stage = Stage::new(ApiWorld::memory().await);
    let troupe = stage.troupe();
    let genuine = &troupe.member(Who::Employee).token;
    let forgeries = stage.forgeries(&troupe);
    assert_eq!(forgeries.len(), 200);
    let mut accepted = Vec::new();
    for forgery in forgeries {
        assert_ne!(&forgery, genuine);
        let answer = stage.api.get_with(&forgery, "/auth/me").await;
        if answer.status != 401 {
            accepted.push((forgery, answer.status));
        }
    }
    assert!(accepted.is_empty(), "{accepted:?}");
    stage.api.get_with(genuine, "/auth/me").await.expect(200);
}

async fn stay_shut(api: ApiWorld) {
    let stage = Stage::new(api);
    let troupe = stage.troupe();
    let control = stage.troupe();
    let mut bad = Vec::new();
    for role in Role::ALL {
        bad.push((*role, stage.bad_credentials(&troupe, *role).await));
    }
    let mut wrong = Vec::new();
    let mut asked = 0;
    for operation in operations().operations() {
        let (is_open, roles) = match operation.access {
            Access::Permission(permission) | Access::Optional(permission) => (false, permission.roles()),
            // Known to everybody, and to be opened by no bad credential all the same.
            Access::PublicKnowing => (true, Role::ALL),
            Access::Public => continue,
        };
        let path = about(operation.path, &UNKNOWN.to_string());
        for role in roles {
            let (_, credentials) = bad.iter().find(|(of, _)| of == role).unwrap();
            for (name, credential) in credentials.iter().filter(|(_, credential)| credential.is_some() || !is_open) {
                let answer = stage.with(credential.as_deref(), &operation.method, &path).await;
                let told = answer.json["code"].as_str().unwrap_or_default();
                let code_fits = match credential {
                    None => told == "unauthenticated",
                    Some(_) => matches!(told, "invalid_token" | "session_ended"),
                };
                if answer.status != 401 || !code_fits {
                    wrong.push(format!("{role} {name}: {} {} {told}", answer.asked, answer.status));
                }
                asked += 1;
            }
            // What all the others are denied, a good one has.
            let good = stage.sign_in(control.first(*role).person.clone());
            let answer = stage.with(Some(&format!("Bearer {}", good.token)), &operation.method, &path).await;
            let asks_for_more = ["aggregated_only", "step_up_required"].map(Value::from).contains(&answer.json["code"]);
            if matches!(answer.status, 401 | 403) && !asks_for_more {
                wrong.push(format!("{role} rightly: {} {}", answer.asked, answer.status));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 2000, "only {asked} asked");
    // The genuine tokens that the bad ones are made of were good all the while.
    for role in Role::ALL {
        stage.api.get_with(&troupe.first(*role).token, "/auth/me").await.expect(200);
    }
}

impl Stage {
    async fn with(&self, credential: Option<&str>, method: &Method, path: &str) -> Answer {
        let request = TestRequest::with_uri(path).method(method.clone());
        self.api
            .send(match credential {
                Some(credential) => request.insert_header(("authorization", credential)),
                None => request,
            })
            .await
    }

    /// What somebody of this role might send who should not come in, as `Authorization` has it.
    async fn bad_credentials(&self, troupe: &Troupe, role: Role) -> Vec<(&'static str, Option<String>)> {
        let member = troupe.first(role);
        let token = &member.token;
        let (header, payload, signature) = parts(token);
        let claims = self.claims(&member.person, member.session);
        let auth = &self.api.config.auth;
        let (issuer, audience) = (auth.issuer.as_str(), auth.audience.as_str());
        let (secret, minutes) = (&auth.jwt_secret, SignedDuration::from_mins);
        let raised = self.signed(&AccessClaims { role: another(role), ..claims.clone() });
        let bearers = [
            ("empty", String::new()),
            (
                "expired",
                self.signed(&AccessClaims {
                    issued_at: claims.issued_at - minutes(15),
                    expires_at: claims.issued_at,
                    ..claims.clone()
                }),
            ),
            (
                "of the future",
                self.signed(&AccessClaims { issued_at: claims.issued_at + minutes(1), ..claims.clone() }),
            ),
            ("without algorithm", format!("{UNSIGNED}.{payload}.")),
            ("without algorithm, signed", format!("{UNSIGNED}.{payload}.{signature}")),
            ("without signature", format!("{header}.{payload}.")),
            ("of HS384", forged(Algorithm::HS384, &self.payload(member), secret)),
            ("of HS512", forged(Algorithm::HS512, &self.payload(member), secret)),
            ("that says RS256", format!("{ASYMMETRIC}.{payload}.{signature}")),
            ("for another audience", JwtSigner::new(secret, issuer, "elsewhere").sign(&claims).unwrap()),
            ("of another issuer", JwtSigner::new(secret, "elsewhere", audience).sign(&claims).unwrap()),
            ("under another secret", JwtSigner::new(&auth.jwt_refresh_secret, issuer, audience).sign(&claims).unwrap()),
            ("a refresh token", member.refresh.clone()),
            ("a room token", JitsiSigner::new(&self.api.config.jitsi.secret).sign(&self.room_claims()).unwrap()),
            ("a room token under our secret", JitsiSigner::new(secret).sign(&self.room_claims()).unwrap()),
            ("tampered", format!("{header}.{}.{signature}", parts(&raised).1)),
            ("of no session", self.signed(&AccessClaims { session: SessionId(UNKNOWN), ..claims.clone() })),
            (
                "of another's session",
                self.signed(&AccessClaims { session: troupe.member(Who::Stranger).session, ..claims.clone() }),
            ),
            ("of nobody", self.signed(&AccessClaims { user: UserId(UNKNOWN), ..claims.clone() })),
            ("of another role", self.signed(&AccessClaims { role: another(role), ..claims.clone() })),
            ("revoked", self.revoked(member).await),
            ("signed out", self.signed_out(member).await),
            ("of a blocked account", self.blocked(role).await),
            ("of an erased account", self.erased(role)),
        ];
        let mut all: Vec<_> =
            bearers.into_iter().map(|(name, token)| (name, Some(format!("Bearer {token}")))).collect();
        all.push(("none", None));
        all.push(("of another scheme", Some(format!("Basic {token}"))));
        if role == Role::AdminRh {
            all.push(("of a suspended company", Some(format!("Bearer {}", self.suspended().await))));
        }
        all
    }

    /// A token that is well signed, whatever it says.
    fn signed(&self, claims: &AccessClaims) -> String {
        self.signer.sign(claims).unwrap()
    }

    /// What this member's token says.
    fn payload(&self, member: &Member) -> Value {
        let (user, auth) = (&member.person.user, &self.api.config.auth);
        let now = self.api.world.clock.now().as_second();
        json!({
            "sub": user.id, "email": user.email.as_str(), "role": user.role, "companyId": user.company,
            "sid": member.session, "iat": now, "exp": now + 900, "iss": auth.issuer, "aud": auth.audience,
        })
    }

    /// What a token to a room says that is open now.
    fn room_claims(&self) -> RoomClaims {
        let (now, jitsi) = (self.api.world.clock.now(), &self.api.config.jitsi);
        let server = RoomServer { app_id: &jitsi.app_id, domain: &jitsi.domain, audience: &jitsi.app_id };
        let window = RoomWindow::around(now, now + SignedDuration::from_mins(50));
        let guest = RoomGuest { pseudonym: "5f2c", alias: None, is_practitioner: true };
        let room = RoomName::from_random([9; 16]);
        RoomClaims::issue(server, &room, window, guest, now, Uuid::nil()).unwrap()
    }

    /// The token of a session that was used before it was revoked.
    async fn revoked(&self, member: &Member) -> String {
        let lost = self.sign_in(member.person.clone());
        self.api.get_with(&lost.token, "/auth/me").await.expect(200);
        let path = format!("/auth/sessions/{}", lost.session);
        self.ask(Some(member), "DELETE", &path, &Value::Null).await.expect(204);
        lost.token
    }

    /// The token of a session that was used before it signed out.
    async fn signed_out(&self, member: &Member) -> String {
        let gone = self.sign_in(member.person.clone());
        self.api.get_with(&gone.token, "/auth/me").await.expect(200);
        let body = json!({ "refreshToken": gone.refresh });
        self.ask(Some(&gone), "POST", "/auth/logout", &body).await.expect(204);
        gone.token
    }

    /// The token of an account that used it before it was blocked.
    async fn blocked(&self, role: Role) -> String {
        let (troupe, operators) = (self.troupe(), self.troupe());
        let member = troupe.first(role);
        self.api.get_with(&member.token, "/auth/me").await.expect(200);
        let path = format!("/super-admin/users/{}/block", member.person.id());
        self.ask(Some(operators.member(Who::Operator)), "POST", &path, &Value::Null).await.expect(200);
        member.token.clone()
    }

    /// The token of an account that is no longer active.
    fn erased(&self, role: Role) -> String {
        let troupe = self.troupe();
        let member = troupe.first(role);
        let mut user = member.person.user.clone();
        user.is_active = false;
        self.api.world.tenancy.run(&member.person.scope(), |tx| tx.update_user(&user)).unwrap();
        member.token.clone()
    }

    /// The token of HR that used it before its company was suspended.
    async fn suspended(&self) -> String {
        let troupe = self.troupe();
        let hr = troupe.member(Who::Hr);
        self.api.get_with(&hr.token, "/auth/me").await.expect(200);
        let path = format!("/companies/{}/suspend", troupe.company.id);
        self.ask(Some(troupe.member(Who::Administrator)), "POST", &path, &Value::Null).await.expect(200);
        hr.token.clone()
    }

    /// Two hundred tokens near the one of the employee.
    fn forgeries(&self, troupe: &Troupe) -> Vec<String> {
        let member = troupe.member(Who::Employee);
        let token = &member.token;
        let (header, _, signature) = parts(token);
        let mut forgeries = Vec::new();
        // One character changed, all over the token.
        for number in 0..80 {
            let place = number * (token.len() - 1) / 79;
            let changed = token.char_indices().map(|(at, character)| match (at == place, character) {
                (false, same) => same,
                (true, 'A') => 'B',
                (true, _) => 'A',
            });
            forgeries.push(changed.collect());
        }
        // Well signed under secrets that are not ours, one of them none at all.
        let ours = self.api.config.auth.jwt_secret.expose_secret();
        for end in 0..40 {
            let secret = SecretString::from(ours.get(..end).unwrap());
            forgeries.push(forged(Algorithm::HS256, &self.payload(member), &secret));
        }
        // Another account, role or company under the genuine signature.
        for who in [Who::Operator, Who::Administrator, Who::Hr, Who::Practitioner, Who::Stranger] {
            for claim in ["sub", "role", "companyId", "sid", "exp", "email", "iat", "all"] {
                let mut payload = self.payload(member);
                let other = self.payload(troupe.member(who));
                match claim {
                    "all" => payload = other,
                    "exp" | "iat" => payload[claim] = json!(self.payload(member)[claim].as_i64().unwrap() + 60),
                    claim => payload[claim] = other[claim].clone(),
                }
                let told = forged(Algorithm::HS256, &payload, &SecretString::from(format!("{who:?}")));
                forgeries.push(format!("{header}.{}.{signature}", parts(&told).1));
            }
        }
        // Cut short and drawn out.
        for cut in 1..=20 {
            forgeries.push(token.get(..token.len() - cut).unwrap().to_owned());
            forgeries.push(format!("{token}{}", "A".repeat(cut)));
        }
        forgeries
    }
}

/// A token made without the application's signer.
fn forged(algorithm: Algorithm, payload: &Value, secret: &SecretString) -> String {
    let key = EncodingKey::from_secret(secret.expose_secret().as_bytes());
    jsonwebtoken::encode(&Header::new(algorithm), payload, &key).unwrap()
}

fn parts(token: &str) -> (&str, &str, &str) {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = signed.split_once('.').unwrap();
    (header, payload, signature)
}

fn another(role: Role) -> Role {
    match role {
        Role::SuperAdmin => Role::AdminHuntzen,
        Role::AdminHuntzen | Role::AdminRh | Role::Practitioner | Role::Employee => Role::SuperAdmin,
    }
}
