//! Operators: whom they invite, and blocking and unblocking accounts.
use huntzen_tests::{
    api::{NOBODY, PASSWORD, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    operators_invite_operators_and_administrators,
    a_blocked_account_is_out_at_once_until_it_is_unblocked,
    operators_alone_block_and_never_themselves,
}

fn operator(email: &str, role: &str) -> Value {
    json!({ "email": email, "firstName": "Ines", "lastName": "Roy", "role": role })
}

async fn operators_invite_operators_and_administrators(play: &Played) {
    for (email, said, role) in [
        ("one@huntzen.example", "SUPER_ADMIN", "SUPER_ADMIN"),
        ("two@huntzen.example", "admin_huntzen", "ADMIN_HUNTZEN"),
        ("three@huntzen.example", "R2_HUNTZEN_ADMIN", "ADMIN_HUNTZEN"),
    ] {
        let answer = play.post(Played::OPERATOR, "/super-admin/admins", operator(email, said)).await;
        let id = answer.expect(201)["id"].as_str().unwrap();
        let expected = json!({
            "id": id, "email": email, "firstName": "Ines", "lastName": "Roy", "role": role,
            "companyId": null, "isActive": false, "blockedAt": null,
        });
        assert_eq!(answer.json, expected);
        assert_eq!(answer.header("location"), Some("/super-admin/admins"));
        assert_eq!(play.done_to(id), ["INVITE"]);
        play.sign_in(email).await.refused(401, "invalid_credentials");
        play.accept(email).await;
        assert_eq!(play.get(email, "/auth/me").await.expect(200)["role"], role);
    }
    // What they are is what they may do: the second invites nobody here.
    let body = operator("four@huntzen.example", "ADMIN_HUNTZEN");
    play.post("two@huntzen.example", "/super-admin/admins", body.clone()).await.refused(403, "forbidden");
    play.post("one@huntzen.example", "/super-admin/admins", body.clone()).await.expect(201);
    play.post("one@huntzen.example", "/super-admin/admins", body).await.refused(409, "email_taken");
    let taken = operator(Played::MARC, "ADMIN_HUNTZEN");
    play.post(Played::OPERATOR, "/super-admin/admins", taken).await.refused(409, "email_taken");

    let invite = |body: Value| play.post(Played::OPERATOR, "/super-admin/admins", body);
    for role in ["EMPLOYEE", "PRACTITIONER", "ADMIN_RH", "R5_EMPLOYEE"] {
        invite(operator("five@huntzen.example", role)).await.invalid("role", "not_allowed");
    }
    invite(operator("five@huntzen.example", "OWNER")).await.invalid("role", "unknown_value");
    invite(operator("five", "ADMIN_HUNTZEN")).await.invalid("email", "invalid_email");
    let mut body = operator("five@huntzen.example", "ADMIN_HUNTZEN");
    body["password"] = PASSWORD.into();
    invite(body).await.invalid("password", "unknown_field");
    assert!(play.letters_to("five@huntzen.example").is_empty());
}

async fn a_blocked_account_is_out_at_once_until_it_is_unblocked(play: &Played) {
    let account = play.account(Played::MARC).id.to_string();
    let (block, unblock) =
        (format!("/super-admin/users/{account}/block"), format!("/super-admin/users/{account}/unblock"));
    let before = play.sign_in(Played::MARC).await;
    let (access, refresh) = (before.text_at("/accessToken"), before.text_at("/refreshToken"));
    play.get_with(&access, "/auth/me").await.expect(200);
    play.advance(SignedDuration::from_secs(1));

    let blocked = play.post(Played::OPERATOR, &block, Value::Null).await;
    let expected = json!({
        "id": account, "email": Played::MARC, "firstName": "Marc", "lastName": "Dupont", "role": "EMPLOYEE",
        "companyId": play.alpha, "isActive": true, "blockedAt": "2027-01-04T08:00:01Z",
    });
    assert_eq!(*blocked.expect(200), expected);
    play.get_with(&access, "/auth/me").await.refused(401, "session_ended");
    let body = json!({ "refreshToken": refresh });
    play.post(NOBODY, "/auth/refresh", body.clone()).await.refused(401, "invalid_refresh_token");
    play.sign_in(Played::MARC).await.refused(401, "account_inactive");
    // Again, later, by either method: nothing changes.
    play.advance(SignedDuration::from_secs(1));
    assert_eq!(play.post(Played::OPERATOR, &block, Value::Null).await.bytes, blocked.bytes);
    assert_eq!(play.put(Played::OPERATOR, &block, Value::Null).await.bytes, blocked.bytes);

    let free = play.put(Played::OPERATOR, &unblock, Value::Null).await;
    assert_eq!(free.expect(200)["blockedAt"], Value::Null);
    assert_eq!(play.post(Played::OPERATOR, &unblock, Value::Null).await.bytes, free.bytes);
    // What was open before stays closed.
    play.get_with(&access, "/auth/me").await.refused(401, "session_ended");
    play.post(NOBODY, "/auth/refresh", body).await.refused(401, "invalid_refresh_token");
    let again = play.sign_in(Played::MARC).await.text_at("/accessToken");
    play.get_with(&again, "/auth/me").await.expect(200);
    let done = play.done_to(&account);
    let count = |action: &str| done.iter().filter(|done| *done == action).count();
    assert_eq!((count("BLOCK"), count("UNBLOCK")), (1, 1), "{done:?}");
}

async fn operators_alone_block_and_never_themselves(play: &Played) {
    let unknown = "/super-admin/users/018f0000-0000-7000-8000-000000000000/block";
    for who in [Played::ADMIN, Played::HR, Played::SOPHIE, Played::MARC] {
        play.post(who, unknown, Value::Null).await.refused(403, "forbidden");
        play.post(who, "/super-admin/admins", json!({ "x": 1 })).await.refused(403, "forbidden");
    }
    play.post(NOBODY, unknown, Value::Null).await.refused(401, "unauthenticated");
    play.post(Played::OPERATOR, unknown, Value::Null).await.refused(404, "not_found");
    play.post(Played::OPERATOR, "/super-admin/users/marc/block", Value::Null).await.refused(404, "not_found");
    let own = play.account(Played::OPERATOR).id;
    for step in ["block", "unblock"] {
        let path = format!("/super-admin/users/{own}/{step}");
        play.post(Played::OPERATOR, &path, Value::Null).await.invalid("id", "own_account");
    }
    let path = format!("/super-admin/users/{own}/block");
    play.post(Played::OPERATOR, &path, json!({ "why": "x" })).await.refused(400, "unexpected_body");
    // An invited account that is blocked cannot be completed into an open one.
    play.post(Played::OPERATOR, "/super-admin/admins", operator("six@huntzen.example", "ADMIN_HUNTZEN"))
        .await
        .expect(201);
    let invited = play.account("six@huntzen.example").id;
    play.post(Played::OPERATOR, &format!("/super-admin/users/{invited}/block"), Value::Null).await.expect(200);
    let accept = json!({ "token": play.token_from_letter("six@huntzen.example"), "password": PASSWORD });
    play.post(NOBODY, "/employees/activate", accept).await;
    let refused = play.sign_in("six@huntzen.example").await;
    assert_eq!(refused.status, 401, "{}", refused.text());
}
