//! The limit on guessing: passwords, codes and tokens, of accounts that exist and that do not.
use std::{net::Ipv4Addr, sync::Arc};

use actix_web::{http::Method, test::TestRequest};
use futures_util::future::join_all;
use huntzen_adapter_crypto::HmacTallyKeys;
use huntzen_adapter_memory::MemoryTallies;
use huntzen_app::config::RateLimit;
use huntzen_tenancy::{
    TenancyError,
    limits::{AttemptPorts, AttemptRules, FailedAttempts, Guess, Network, SharedTallies},
};
use huntzen_tests::{
    api::{Answer, Front, PASSWORD, Played},
    api_suite,
    clock::TestClock,
    totp,
};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::{Value, json};

api_suite! {
    known_and_unknown_addresses_are_refused_alike,
    a_success_makes_forget_what_failed_from_there,
    an_account_is_shut_for_everywhere_at_last,
    a_network_is_shut_for_everybody_at_last,
    of_many_at_once_no_more_fail_than_may,
    what_is_no_guess_does_not_count,
    codes_are_guessed_no_longer_than_passwords,
    whoever_is_signed_in_stays_so,
    a_proof_is_guessed_no_longer_than_a_password,
    every_route_that_takes_a_token_is_guarded,
    tokens_are_guessed_no_longer_from_a_network,
    an_address_is_probed_no_longer_by_registering,
    strangers_fill_nobodys_mailbox,
    nobody_is_written_to_for_ever_by_registering_or_moving,
    this_node_counts_while_the_tallies_are_out_of_reach,
}

const HERE: &str = "198.51.100.7";
const THERE: &str = "198.51.100.8";
const UNKNOWN: &str = "nobody@alpha.example";
const WRONG: &str = "not the password";

async fn guarded(play: &Played, change: impl FnOnce(&mut RateLimit)) -> Front {
    let change = |limits: &mut RateLimit| {
        limits.enabled = true;
        limits.general_limit = 1_000;
        change(limits);
    };
    play.front(|config| change(&mut config.rate_limit)).await
}

async fn login(front: &Front, from: &str, email: &str, password: &str) -> Answer {
    front.post(from, "", "/auth/login", &json!({ "email": email, "password": password })).await
}

#[track_caller]
fn refused(answer: &Answer, seconds: &str) {
    answer.refused(429, "too_many_requests");
    assert_eq!(answer.header("retry-after"), Some(seconds), "{}", answer.asked);
}

async fn known_and_unknown_addresses_are_refused_alike(play: &Played) {
    let front = guarded(play, |_| ()).await;
    let ask = |email: &str, password: &str| {
        TestRequest::with_uri("/auth/login")
            .method(Method::POST)
            .insert_header(("x-request-id", "probe"))
            .set_json(json!({ "email": email, "password": password }))
    };
    let mut answers = Vec::new();
    for (from, email) in [(HERE, Played::MARC), (THERE, UNKNOWN), ("192.0.2.1", "no address at all")] {
        let mut said = Vec::new();
        for number in 0..8 {
            // However it is spelt, it is the same address; and the right password comes too late.
            let spelt = if number % 2 == 0 { email.to_owned() } else { format!(" {}", email.to_uppercase()) };
            let spelt = if email.contains('@') { spelt } else { email.to_owned() };
            let answer = front.send(from, ask(&spelt, if number < 5 { WRONG } else { PASSWORD })).await;
            if number < 5 {
                answer.refused(401, "invalid_credentials");
            } else {
                refused(&answer, "900");
            }
            let mut headers: Vec<String> =
                answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
            headers.sort();
            said.push((answer.status, headers, answer.bytes));
        }
        answers.push(said);
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    // Nothing was tried after the fifth.
    let user = play.account(Played::MARC).id.to_string();
    assert_eq!(play.done_to(&user).iter().filter(|done| *done == "LOGIN_FAILED!").count(), 5);
    // Somebody else there, and the same somewhere else, are not concerned; nor is the next window.
    login(&front, HERE, Played::CLAIRE, PASSWORD).await.expect(200);
    login(&front, "203.0.113.9", Played::MARC, PASSWORD).await.expect(200);
    play.advance(SignedDuration::from_mins(15) - SignedDuration::from_secs(1));
    refused(&login(&front, HERE, Played::MARC, PASSWORD).await, "1");
    play.advance(SignedDuration::from_secs(1));
    login(&front, HERE, Played::MARC, PASSWORD).await.expect(200);
}

async fn a_success_makes_forget_what_failed_from_there(play: &Played) {
    let front = guarded(play, |_| ()).await;
    for _ in 0..4 {
        login(&front, THERE, Played::MARC, WRONG).await.refused(401, "invalid_credentials");
    }
    for _ in 0..3 {
        for _ in 0..4 {
            login(&front, HERE, Played::MARC, WRONG).await.refused(401, "invalid_credentials");
        }
        login(&front, HERE, Played::MARC, PASSWORD).await.expect(200);
    }
    // What failed elsewhere is not forgotten, and success alone is never counted.
    login(&front, THERE, Played::MARC, WRONG).await.refused(401, "invalid_credentials");
    refused(&login(&front, THERE, Played::MARC, WRONG).await, "900");
    for _ in 0..30 {
        login(&front, HERE, Played::MARC, PASSWORD).await.expect(200);
    }
    // Seventeen have failed at the account: three more, and it is shut.
    for _ in 0..3 {
        login(&front, HERE, Played::MARC, WRONG).await.refused(401, "invalid_credentials");
    }
    refused(&login(&front, HERE, Played::MARC, PASSWORD).await, "900");
}

async fn an_account_is_shut_for_everywhere_at_last(play: &Played) {
    let front = guarded(play, |limits| limits.failed_per_account = 7).await;
    for email in [Played::MARC, UNKNOWN] {
        for number in 0..7 {
            let from = format!("192.0.2.{number}");
            login(&front, &from, email, WRONG).await.refused(401, "invalid_credentials");
        }
        refused(&login(&front, "203.0.113.1", email, PASSWORD).await, "900");
    }
    login(&front, "192.0.2.1", Played::CLAIRE, PASSWORD).await.expect(200);
}

async fn a_network_is_shut_for_everybody_at_last(play: &Played) {
    let front = guarded(play, |limits| limits.failed_per_ip = 6).await;
    for number in 0..6 {
        // The addresses of one /64 are one network.
        let from = format!("2001:db8:0:1::{number}");
        login(&front, &from, &format!("n{number}@alpha.example"), WRONG).await.refused(401, "invalid_credentials");
    }
    refused(&login(&front, "2001:db8:0:1:ffff::", Played::CLAIRE, PASSWORD).await, "900");
    login(&front, "2001:db8:0:2::", Played::CLAIRE, PASSWORD).await.expect(200);
}

async fn of_many_at_once_no_more_fail_than_may(play: &Played) {
    let front = guarded(play, |_| ()).await;
    for email in [Played::MARC, UNKNOWN] {
        let answers = join_all((0..50).map(|_| login(&front, HERE, email, WRONG))).await;
        let with = |status| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!((with(401), with(429)), (5, 45), "{email}");
    }
    // From many places at once likewise.
    let places: Vec<String> = (0..50).map(|number| format!("203.0.113.{number}")).collect();
    let answers = join_all(places.iter().map(|from| login(&front, from, Played::CLAIRE, WRONG))).await;
    let with = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(401), with(429)), (20, 30));
    // Where nobody fails, any number may come.
    let answers = join_all((0..20).map(|_| login(&front, HERE, Played::LEA, PASSWORD))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
}

async fn what_is_no_guess_does_not_count(play: &Played) {
    let front = guarded(play, |_| ()).await;
    for _ in 0..9 {
        let login = json!({ "email": Played::MARC, "password": WRONG, "more": 1 });
        front.post(HERE, "", "/auth/login", &login).await.invalid("more", "unknown_field");
        let reset = json!({ "token": "none", "newPassword": "short" });
        front.post(HERE, "", "/auth/reset-password", &reset).await.invalid("newPassword", "too_short");
    }
    // Nor does a right password that is of no use.
    let id = play.account(Played::MARC).id;
    play.post(Played::OPERATOR, &format!("/super-admin/users/{id}/block"), Value::Null).await.expect(200);
    for _ in 0..9 {
        login(&front, HERE, Played::MARC, PASSWORD).await.refused(401, "account_inactive");
    }
    // But it is no success either.
    for number in 0..9 {
        let right = login(&front, HERE, Played::MARC, PASSWORD).await;
        if number < 5 {
            right.refused(401, "account_inactive");
            login(&front, HERE, Played::MARC, WRONG).await.refused(401, "invalid_credentials");
        } else {
            refused(&right, "900");
        }
    }
}

/// Turns the second factor of Marc on; answers its secret and a backup code.
async fn with_second_factor(play: &Played) -> (String, String) {
    let setup = play.post(Played::MARC, "/auth/2fa/setup", Value::Null).await;
    let (secret, backup) = (setup.text_at("/secret"), setup.text_at("/backupCodes/0"));
    let code = totp::code(&secret, play.now().parse().unwrap());
    play.post(Played::MARC, "/auth/2fa/verify", json!({ "code": code })).await.expect(200);
    play.advance(SignedDuration::from_secs(60));
    (secret, backup)
}

async fn codes_are_guessed_no_longer_than_passwords(play: &Played) {
    let (secret, backup) = with_second_factor(play).await;
    let front = guarded(play, |_| ()).await;
    let ask = async |from: &str, more: Value| {
        let mut body = json!({ "email": Played::MARC, "password": PASSWORD });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        front.post(from, "", "/auth/login", &body).await
    };
    for number in 0..5 {
        // Whoever knows the password alone learns that a code is asked for, as often as they like, and
        // gets no more codes to try by it.
        ask(HERE, json!({})).await.refused(401, "two_factor_required");
        let wrong = if number % 2 == 0 { json!({ "code": "nope" }) } else { json!({ "backupCode": "AAAA" }) };
        ask(HERE, wrong).await.refused(401, "invalid_code");
    }
    refused(&ask(HERE, json!({})).await, "900");
    refused(&ask(HERE, json!({ "code": totp::code(&secret, play.now().parse().unwrap()) })).await, "900");
    refused(&ask(HERE, json!({ "backupCode": backup })).await, "900");
    ask(THERE, json!({ "code": totp::code(&secret, play.now().parse().unwrap()) })).await.expect(200);
}

async fn whoever_is_signed_in_stays_so(play: &Played) {
    let front = guarded(play, |limits| limits.failed_per_ip = 30).await;
    let signed_in = login(&front, HERE, Played::MARC, PASSWORD).await;
    let (token, refresh) = (signed_in.text_at("/accessToken"), signed_in.text_at("/refreshToken"));
    // Somebody guesses at the account until it is shut, and from the office until that is.
    for number in 0..30 {
        let email = if number < 5 { Played::MARC.to_owned() } else { format!("n{number}@alpha.example") };
        login(&front, HERE, &email, WRONG).await.refused(401, "invalid_credentials");
    }
    refused(&login(&front, HERE, Played::MARC, PASSWORD).await, "900");
    refused(&login(&front, HERE, Played::CLAIRE, PASSWORD).await, "900");
    front.get(HERE, &token, "/auth/me").await.expect(200);
    front.post(HERE, &token, "/auth/step-up", &json!({ "password": PASSWORD })).await.expect(200);
    let fresh = front.post(HERE, "", "/auth/refresh", &json!({ "refreshToken": refresh })).await;
    front.get(HERE, &fresh.text_at("/accessToken"), "/auth/me").await.expect(200);
    // The way back in by a letter is open too.
    play.empty_mailboxes();
    front.post(HERE, "", "/auth/forgot-password", &json!({ "email": Played::CLAIRE })).await.expect(202);
    let reset = json!({ "token": play.token_from_letter(Played::CLAIRE), "newPassword": "un tout autre mot" });
    front.post(HERE, "", "/auth/reset-password", &reset).await.expect(200);
}

async fn a_proof_is_guessed_no_longer_than_a_password(play: &Played) {
    let front = guarded(play, |_| ()).await;
    let token = play.token_of(Played::MARC).await;
    let step_up = json!({ "password": WRONG });
    let code = json!({ "code": "nope" });
    let change = json!({ "currentPassword": WRONG, "newPassword": "un tout autre mot" });
    front.post(HERE, &token, "/auth/step-up", &step_up).await.refused(401, "invalid_credentials");
    front.post(HERE, &token, "/auth/step-up", &code).await.refused(401, "invalid_code");
    for _ in 0..2 {
        front.post(HERE, &token, "/auth/change-password", &change).await.invalid("currentPassword", "wrong_password");
    }
    play.post(Played::MARC, "/auth/2fa/setup", Value::Null).await.expect(200);
    front.post(HERE, &token, "/auth/2fa/verify", &code).await.refused(401, "invalid_code");
    // All of them are one.
    let right = json!({ "password": PASSWORD });
    refused(&front.post(HERE, &token, "/auth/step-up", &right).await, "900");
    refused(&front.post(HERE, &token, "/auth/change-password", &change).await, "900");
    refused(&front.post(HERE, &token, "/auth/2fa/verify", &code).await, "900");
    let off = json!({ "password": PASSWORD, "code": "nope" });
    refused(&front.post(HERE, &token, "/auth/2fa/disable", &off).await, "900");
    // The session goes on, and signing in is another thing.
    front.get(HERE, &token, "/auth/me").await.expect(200);
    login(&front, HERE, Played::MARC, PASSWORD).await.expect(200);
    front.post(THERE, &token, "/auth/step-up", &right).await.expect(200);
}

/// Every route that takes a token, its body with one, and how it refuses one that does not exist.
fn token_routes(token: &str) -> [(&'static str, Value, u16, &'static str); 6] {
    let password = "un tout autre mot";
    [
        ("/auth/verify-email", json!({ "token": token }), 404, "not_found"),
        ("/auth/reset-password", json!({ "token": token, "newPassword": password }), 404, "not_found"),
        ("/employees/activate", json!({ "token": token, "password": password }), 404, "not_found"),
        (
            "/auth/register",
            json!({ "email": "zoe@alpha.example", "password": password, "firstName": "Zoé", "lastName": "Blanc",
                "invitationToken": token }),
            404,
            "not_found",
        ),
        ("/users/me/email/confirm", json!({ "token": token }), 404, "not_found"),
        ("/auth/refresh", json!({ "refreshToken": token }), 401, "invalid_refresh_token"),
    ]
}

async fn every_route_that_takes_a_token_is_guarded(play: &Played) {
    let front = guarded(play, |_| ()).await;
    for route in 0..6 {
        // Another token each time: those of letters are counted together.
        let (path, body, status, code) = token_routes(&format!("no such token {route}"))[route].clone();
        for _ in 0..5 {
            front.post(HERE, "", path, &body).await.refused(status, code);
        }
        refused(&front.post(HERE, "", path, &body).await, "900");
    }
    for _ in 0..5 {
        front.get(HERE, "", "/chat?ticket=nonsense").await.refused(401, "invalid_token");
    }
    refused(&front.get(HERE, "", "/chat?ticket=nonsense").await, "900");
}

async fn tokens_are_guessed_no_longer_from_a_network(play: &Played) {
    let front = guarded(play, |limits| limits.failed_per_ip = 8).await;
    let session = play.sign_in(Played::MARC).await.text_at("/refreshToken");
    for number in 0..8 {
        let [verify, ..] = token_routes(&format!("guess {number}"));
        front.post(HERE, "", verify.0, &verify.1).await.refused(404, "not_found");
    }
    for (path, body, _, _) in token_routes("another guess").into_iter().take(5) {
        refused(&front.post(HERE, "", path, &body).await, "900");
    }
    // Refresh tokens are counted for themselves: people there stay signed in.
    let refresh = |token: &str| json!({ "refreshToken": token });
    let fresh = front.post(HERE, "", "/auth/refresh", &refresh(&session)).await.text_at("/refreshToken");
    for number in 0..8 {
        let guess = refresh(&format!("guess {number}"));
        front.post(HERE, "", "/auth/refresh", &guess).await.refused(401, "invalid_refresh_token");
    }
    refused(&front.post(HERE, "", "/auth/refresh", &refresh("another guess")).await, "900");
    front.post(THERE, "", "/auth/refresh", &refresh(&fresh)).await.expect(200);
}

async fn an_address_is_probed_no_longer_by_registering(play: &Played) {
    let front = guarded(play, |limits| limits.failed_per_ip = 7).await;
    let ask = async |email: &str| {
        let body = json!({ "email": email, "password": "un tout autre mot", "firstName": "A", "lastName": "B" });
        front.post(HERE, "", "/auth/register", &body).await
    };
    for _ in 0..5 {
        ask(Played::MARC).await.refused(409, "email_taken");
    }
    refused(&ask(Played::MARC).await, "900");
    ask("nina.roux@alpha.example").await.expect(201);
    ask("somebody@nowhere.example").await.refused(400, "no_eligible_company");
    ask(Played::CLAIRE).await.refused(409, "email_taken");
    refused(&ask("another@alpha.example").await, "900");
    login(&front, HERE, Played::MARC, PASSWORD).await.expect(200);
}

async fn strangers_fill_nobodys_mailbox(play: &Played) {
    let front = guarded(play, |_| ()).await;
    play.empty_mailboxes();
    let ask = async |from: &str, path: &str, email: &str| {
        front.post(from, "", path, &json!({ "email": email })).await.expect(202);
    };
    let letters = || play.letters_to(Played::MARC).len();
    // Letters that nobody gets keep the owner of the address from none.
    for _ in 0..9 {
        ask(HERE, "/auth/resend-verification", Played::MARC).await;
        ask(HERE, "/auth/forgot-password", &Played::MARC.replace('@', "+x@")).await;
    }
    // From wherever it is asked for, and however the mailbox is spelt; the answer is the same afterwards.
    for number in 0..4 {
        ask(&format!("192.0.2.{number}"), "/auth/forgot-password", &Played::MARC.to_uppercase()).await;
    }
    play.advance(SignedDuration::from_secs(1));
    ask(HERE, "/auth/forgot-password", Played::MARC).await;
    assert_eq!(letters(), 5);
    for number in 0..9 {
        ask(&format!("192.0.2.{number}"), "/auth/forgot-password", Played::MARC).await;
        ask(HERE, "/auth/forgot-password", UNKNOWN).await;
    }
    assert_eq!(letters(), 5);
    // The last letter is as good as ever, and others are written to.
    let reset = json!({ "token": play.token_from_letter(Played::MARC), "newPassword": "un tout autre mot" });
    front.post(HERE, "", "/auth/reset-password", &reset).await.expect(200);
    play.empty_mailboxes();
    ask(THERE, "/auth/forgot-password", Played::CLAIRE).await;
    assert_eq!(play.letters_to(Played::CLAIRE).len(), 1);
    // What is refused for another reason does not count.
    for _ in 0..6 {
        let nonsense = json!({ "email": "no address" });
        front.post(HERE, "", "/auth/forgot-password", &nonsense).await.invalid("email", "invalid_email");
    }
    play.advance(SignedDuration::from_secs(900));
    ask(THERE, "/auth/forgot-password", Played::MARC).await;
    assert_eq!(letters(), 1);
}

async fn nobody_is_written_to_for_ever_by_registering_or_moving(play: &Played) {
    let front = guarded(play, |_| ()).await;
    let register = async |name: &str| {
        let email = format!("nina.roux{name}@alpha.example");
        let body = json!({ "email": email, "password": "un tout autre mot", "firstName": "A", "lastName": "B" });
        front.post(HERE, "", "/auth/register", &body).await
    };
    for number in 0..5 {
        register(&format!("+{number}")).await.expect(201);
    }
    refused(&register("+again").await, "900");
    register(".other").await.expect(201);
    play.post(Played::CLAIRE, "/auth/step-up", json!({ "password": PASSWORD })).await.expect(200);
    let token = play.token_of(Played::CLAIRE).await;
    let moved = json!({ "newEmail": "claire@elsewhere.example" });
    for _ in 0..5 {
        front.post(HERE, &token, "/users/me/email", &moved).await.expect(202);
    }
    refused(&front.post(HERE, &token, "/users/me/email", &moved).await, "900");
}

async fn this_node_counts_while_the_tallies_are_out_of_reach(play: &Played) {
    let front = guarded(play, |_| ()).await;
    front.tallies.move_away();
    for _ in 0..5 {
        login(&front, HERE, Played::MARC, WRONG).await.refused(401, "invalid_credentials");
    }
    refused(&login(&front, HERE, Played::MARC, PASSWORD).await, "900");
    front.tallies.cut_off(true);
    for _ in 0..4 {
        login(&front, HERE, Played::CLAIRE, WRONG).await.refused(401, "invalid_credentials");
    }
    login(&front, HERE, Played::CLAIRE, PASSWORD).await.expect(200);
    for email in [Played::CLAIRE, UNKNOWN] {
        for _ in 0..5 {
            login(&front, HERE, email, WRONG).await.refused(401, "invalid_credentials");
        }
        refused(&login(&front, HERE, email, PASSWORD).await, "900");
    }
    front.tallies.cut_off(false);
    refused(&login(&front, HERE, Played::MARC, PASSWORD).await, "900");
    login(&front, HERE, Played::CLAIRE, PASSWORD).await.expect(200);
}

/// However many tokens are guessed at, from however many networks: it is not forgotten what failed at an account.
#[test]
fn guesses_at_tokens_do_not_push_those_at_passwords_out() {
    let few = || SharedTallies::of_one_node(Arc::new(MemoryTallies::holding(200)));
    let secret = SecretString::from("the secret of an installation");
    let ports = AttemptPorts {
        passwords: few(),
        tokens: few(),
        keys: Arc::new(HmacTallyKeys::new(&secret)),
        clock: Arc::new(TestClock::default()),
    };
    let rules = AttemptRules {
        per_account_network: 5,
        per_account: 20,
        per_network: 100,
        window: SignedDuration::from_mins(15),
    };
    let attempts = FailedAttempts::new(ports, Some(rules));
    let network = |number: u32| Network::of(Some(Ipv4Addr::from_bits(number).into()));
    let sign_in = |number| {
        let guess = Guess::at_sign_in(Played::MARC, network(number));
        attempts.guard(guess, || Err::<(), _>(TenancyError::InvalidCredentials)).unwrap_err()
    };
    for number in 0..20 {
        assert!(matches!(sign_in(number), TenancyError::InvalidCredentials));
    }
    for number in 0..1_000 {
        let (secret, from) = (format!("guess {number}"), network(1_000 + number));
        for guess in [
            Guess::at_refresh_token(&secret, from),
            Guess::at_one_time_token(&secret, from),
            Guess::at_ticket(&secret, from),
            Guess::at_registration(&format!("n{number}@nowhere.example"), from),
        ] {
            drop(attempts.guard(guess, || Err::<(), _>(TenancyError::NotFound)));
            drop(attempts.guard(guess, || Err::<(), _>(TenancyError::NoEligibleCompany)));
        }
    }
    assert!(matches!(sign_in(20), TenancyError::TooManyAttempts { most: 20, seconds: 900 }));
}
