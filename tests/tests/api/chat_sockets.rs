//! Conversations on real sockets: joining, saying, resuming, typing, reading, leaving.
use huntzen_app::realtime::watch::Watch;
use huntzen_clinical::conversation::NewMessage;
use huntzen_tenancy::{Actor, Caller, Origin, clock::Clock, ids::UserId, policy::Role, sealing::SecretText};
use huntzen_tests::{
    api::{Listening, Played},
    api_suite,
    websocket::WebSocket,
};
use jiff::SignedDuration;
use serde_json::{Value, json};

api_suite! {
    what_is_said_reaches_every_device_in_order,
    a_client_resumes_with_nothing_lost_and_nothing_twice,
    a_repeat_is_answered_as_the_first,
    nobody_else_joins_or_speaks,
    typing_is_relayed_to_the_others,
    reading_is_told_to_the_room,
    presence_follows_the_devices,
    wrong_events_leave_the_socket_open,
    what_http_says_reaches_the_room,
    what_a_node_says_that_was_never_heard_arrives_within_seconds,
}

const START: &str = "2027-01-05T09:00:00Z";

/// An open conversation of Marc and Sophie, and a server in front of it.
async fn opened(play: &Played) -> (Listening, String) {
    let id = play.booked(Played::MARC, START).await;
    play.set_clock("2027-01-05T08:00:00Z");
    (play.listen(), id)
}

async fn joined(play: &Played, server: &Listening, who: &str, id: &str) -> WebSocket {
    let mut socket = play.socket(server, who, "/chat").await;
    let answer = socket.ask("chat:join", &json!({ "consultationId": id }));
    assert_eq!(answer["consultationId"], *id, "{answer}");
    assert_eq!(socket.event("chat:history")["consultationId"], *id);
    socket
}

fn say(socket: &mut WebSocket, id: &str, content: &str) -> Value {
    socket.ask("chat:message", &json!({ "consultationId": id, "content": content }))
}

fn seqs(messages: &Value) -> Vec<u64> {
    messages.as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect()
}

async fn what_is_said_reaches_every_device_in_order(play: &Played) {
    let (server, id) = opened(play).await;
    let (marc, sophie) = (play.account_of(Played::MARC).await, play.account_of(Played::SOPHIE).await);
    let mut phone = joined(play, &server, Played::MARC, &id).await;
    let mut laptop = joined(play, &server, Played::MARC, &id).await;
    let mut practitioner = joined(play, &server, Played::SOPHIE, &id).await;
    let words = "Je n'arrive plus à dormir. \"Depuis lundi\" 😴";
    let answer = say(&mut phone, &id, words);
    assert_eq!((&answer["seq"], &answer["createdAt"]), (&json!(1), &json!("2027-01-05T08:00:00Z")), "{answer}");
    let expected = json!({
        "id": answer["id"], "seq": 1, "consultationId": id, "senderId": marc, "content": words,
        "createdAt": "2027-01-05T08:00:00Z",
    });
    for socket in [&mut phone, &mut laptop, &mut practitioner] {
        assert_eq!(socket.event("chat:message:received"), expected);
    }
    for number in 2..=20 {
        let (speaker, sender) = if number % 3 == 0 { (&mut practitioner, &sophie) } else { (&mut laptop, &marc) };
        let answer = say(speaker, &id, &format!("Message {number}"));
        assert_eq!(answer["seq"], number, "{answer} of {sender}");
    }
    for socket in [&mut phone, &mut laptop, &mut practitioner] {
        let received: Vec<_> = (2..=20).map(|_| socket.event("chat:message:received")["seq"].clone()).collect();
        assert_eq!(received, (2..=20).map(Value::from).collect::<Vec<_>>());
    }
}

async fn a_client_resumes_with_nothing_lost_and_nothing_twice(play: &Played) {
    let (server, id) = opened(play).await;
    let mut phone = joined(play, &server, Played::MARC, &id).await;
    for number in 1..=120 {
        // Through HTTP: a socket has an allowance of events.
        let body = json!({ "content": format!("Message {number}") });
        play.post(Played::SOPHIE, &format!("/chat/{id}/messages"), body).await.expect(201);
    }
    let live: Vec<_> = (1..=120).map(|_| phone.event("chat:message:received")["seq"].clone()).collect();
    assert_eq!(live, (1..=120).map(Value::from).collect::<Vec<_>>());
    let mut late = play.socket(&server, Played::MARC, "/chat").await;
    late.ask("chat:join", &json!({ "consultationId": id }));
    let history = late.event("chat:history");
    assert_eq!(seqs(&history["messages"]), (21..=120).collect::<Vec<_>>(), "the last hundred");
    assert!(history["nextCursor"].is_string());
    let mut behind = play.socket(&server, Played::MARC, "/chat").await;
    behind.ask("chat:join", &json!({ "consultationId": id, "afterSeq": 3 }));
    let first = behind.event("chat:history");
    assert_eq!(seqs(&first["messages"]), (4..=103).collect::<Vec<_>>());
    assert_eq!(first["nextCursor"], Value::Null, "the rest comes by itself");
    say(&mut phone, &id, "Pendant ce temps");
    let rest: Vec<_> = (104..=121).map(|_| behind.event("chat:message:received")["seq"].clone()).collect();
    assert_eq!(rest, (104..=121).map(Value::from).collect::<Vec<_>>(), "what is new comes after what was missed");
    say(&mut phone, &id, "Et maintenant");
    assert_eq!(behind.event("chat:message:received")["seq"], 122);
    assert!(behind.events_so_far("chat:message:received").is_empty());
    let rejoined = behind.ask("chat:join", &json!({ "consultationId": id, "afterSeq": 122 }));
    assert_eq!(rejoined["consultationId"], *id);
    let mut ahead = play.socket(&server, Played::MARC, "/chat").await;
    ahead.ask("chat:join", &json!({ "consultationId": id, "afterSeq": 4_000_000 }));
    assert_eq!(seqs(&ahead.event("chat:history")["messages"]), Vec::<u64>::new());
    say(&mut phone, &id, "Encore");
    assert_eq!(ahead.event("chat:message:received")["seq"], 123, "whatever a client believes to have");
}

async fn a_repeat_is_answered_as_the_first(play: &Played) {
    let (server, id) = opened(play).await;
    let mut phone = joined(play, &server, Played::MARC, &id).await;
    let mut laptop = joined(play, &server, Played::MARC, &id).await;
    let mut practitioner = joined(play, &server, Played::SOPHIE, &id).await;
    let message = json!({ "consultationId": id, "content": "Une fois" });
    phone.send_event("chat:message", "m-1", &message).unwrap();
    let first = phone.answer("m-1");
    assert_eq!(first["seq"], 1);
    for socket in [&mut phone, &mut laptop] {
        socket.send_event("chat:message", "m-1", &message).unwrap();
        assert_eq!(socket.answer("m-1"), first);
    }
    // Whatever a repeat says, what was kept the first time stands.
    let other = json!({ "consultationId": id, "content": "Autre chose" });
    laptop.send_event("chat:message", "m-1", &other).unwrap();
    assert_eq!(laptop.answer("m-1"), first);
    practitioner.send_event("chat:message", "m-1", &message).unwrap();
    assert_eq!(practitioner.answer("m-1")["seq"], 2, "another sender's name is another message");
    let told = practitioner.event("chat:message:received");
    assert_eq!((&told["seq"], &told["content"]), (&json!(1), &json!("Une fois")));
    assert_eq!(practitioner.event("chat:message:received")["seq"], 2);
    assert!(practitioner.events_so_far("chat:message:received").is_empty());
}

async fn nobody_else_joins_or_speaks(play: &Played) {
    let (server, id) = opened(play).await;
    let mut phone = joined(play, &server, Played::MARC, &id).await;
    let unknown = play.world.randomness.uuid_v4();
    for who in [Played::CLAIRE, Played::LEA, Played::PAUL] {
        let mut socket = play.socket(&server, who, "/chat").await;
        let absent = socket.ask("chat:join", &json!({ "consultationId": unknown }));
        assert_eq!(absent["code"], "not_found");
        assert_eq!(socket.ask("chat:join", &json!({ "consultationId": id })), absent);
        assert_eq!(say(&mut socket, &id, "Bonjour.")["code"], "not_found");
        assert_eq!(socket.ask("chat:read", &json!({ "consultationId": id, "upToSeq": 9 }))["code"], "not_found");
        assert_eq!(socket.ask("chat:typing", &json!({ "consultationId": id, "isTyping": true }))["code"], "not_found");
        say(&mut phone, &id, "Un secret.");
        assert!(socket.events_so_far("chat:message:received").is_empty());
        assert!(socket.events_so_far("chat:history").is_empty());
    }
    // Whoever asks again and again hears nothing between the question and the refusal either.
    let mut stranger = play.socket(&server, Played::PAUL, "/chat").await;
    let mut practitioner = joined(play, &server, Played::SOPHIE, &id).await;
    let of = json!({ "consultationId": id });
    for number in 0..15 {
        stranger.send_event("chat:join", &number.to_string(), &of).unwrap();
        practitioner.ask(if number % 2 == 0 { "chat:leave" } else { "chat:join" }, &of);
    }
    stranger.answer("14");
    stranger.events_so_far("chat:presence");
    let heard: Vec<_> = stranger.told().into_iter().map(|(_, event)| event).collect();
    assert_eq!(heard, ["error"]);
    // A sender is never a field.
    let forged = json!({ "consultationId": id, "content": "a", "senderId": play.account_of(Played::SOPHIE).await });
    assert_eq!(phone.ask("chat:message", &forged)["code"], "invalid_event");
    for who in [Played::OPERATOR, Played::ADMIN, Played::HR] {
        let token = play.token_of(who).await;
        let refused = WebSocket::open(server.address, "/chat", &[("Authorization", &format!("Bearer {token}"))]);
        assert_eq!(refused.unwrap_err().status, 403, "{who}");
    }
    play.set_clock("2027-01-20T08:00:00Z");
    play.forget_tokens();
    let mut late = joined(play, &server, Played::SOPHIE, &id).await;
    assert_eq!(say(&mut late, &id, "Trop tard.")["code"], "chat_closed");
}

async fn typing_is_relayed_to_the_others(play: &Played) {
    let (server, id) = opened(play).await;
    let marc = play.account_of(Played::MARC).await;
    let mut phone = joined(play, &server, Played::MARC, &id).await;
    let mut practitioner = joined(play, &server, Played::SOPHIE, &id).await;
    let types = |is_typing: bool| json!({ "consultationId": id, "isTyping": is_typing });
    let mut stranger = play.socket(&server, Played::SOPHIE, "/chat").await;
    assert_eq!(stranger.ask("chat:typing", &types(true))["code"], "not_found", "only after joining");
    assert_eq!(phone.ask("chat:typing", &types(true)), json!({}));
    let told = practitioner.event("chat:typing");
    assert_eq!(told, json!({ "consultationId": id, "userId": marc, "isTyping": true }));
    for _ in 0..10 {
        assert_eq!(phone.ask("chat:typing", &types(false)), json!({}));
    }
    say(&mut phone, &id, "Fini");
    practitioner.event("chat:message:received");
    let relayed = practitioner.events_so_far("chat:typing").len();
    assert!((1..10).contains(&relayed), "{relayed} of 10 at once were relayed");
    assert!(phone.events_so_far("chat:typing").is_empty());
}

async fn reading_is_told_to_the_room(play: &Played) {
    let (server, id) = opened(play).await;
    let sophie = play.account_of(Played::SOPHIE).await;
    let mut phone = joined(play, &server, Played::MARC, &id).await;
    let mut practitioner = joined(play, &server, Played::SOPHIE, &id).await;
    let first = say(&mut phone, &id, "Un");
    say(&mut phone, &id, "Deux");
    let mark = json!({ "consultationId": id, "messageId": first["id"] });
    assert_eq!(practitioner.ask("chat:read", &mark), json!({ "consultationId": id, "upToSeq": 1 }));
    let told = phone.event("chat:read:updated");
    let expected = json!({
        "consultationId": id, "readerId": sophie, "upToSeq": 1, "readAt": "2027-01-05T08:00:00Z",
    });
    assert_eq!(told, expected);
    practitioner.ask("chat:read", &json!({ "consultationId": id, "upToSeq": 2 }));
    assert_eq!(phone.event("chat:read:updated")["upToSeq"], 2);
    practitioner.ask("chat:read", &json!({ "consultationId": id, "upToSeq": 2 }));
    assert!(phone.events_so_far("chat:read:updated").is_empty(), "nothing was unread");
    say(&mut phone, &id, "Trois");
    practitioner.ask("chat:read", &json!({ "consultationId": id, "upToSeq": 4_000_000 }));
    assert_eq!(phone.event("chat:read:updated")["upToSeq"], 3, "nobody has read what is not said yet");
    for wrong in [
        json!({ "consultationId": id }),
        json!({ "consultationId": id, "upToSeq": 1, "messageId": first["id"] }),
        json!({ "consultationId": id, "upToSeq": -1 }),
    ] {
        assert_eq!(practitioner.ask("chat:read", &wrong)["code"], "invalid_event", "{wrong}");
    }
    let elsewhere = json!({ "consultationId": play.world.randomness.uuid_v4(), "messageId": first["id"] });
    assert_eq!(practitioner.ask("chat:read", &elsewhere)["code"], "not_found");
}

async fn presence_follows_the_devices(play: &Played) {
    let (server, id) = opened(play).await;
    let sophie = play.account_of(Played::SOPHIE).await;
    let mut phone = joined(play, &server, Played::MARC, &id).await;
    let presence = |is_online: bool| json!({ "consultationId": id, "userId": sophie, "isOnline": is_online });
    let mut practitioner = play.socket(&server, Played::SOPHIE, "/chat").await;
    let answer = practitioner.ask("chat:join", &json!({ "consultationId": id }));
    assert_eq!(answer, json!({ "consultationId": id, "otherIsOnline": true }));
    assert_eq!(phone.event("chat:presence"), presence(true));
    let second = joined(play, &server, Played::SOPHIE, &id).await;
    assert_eq!(phone.event("chat:presence"), presence(true));
    practitioner.ask("chat:leave", &json!({ "consultationId": id }));
    assert!(phone.events_so_far("chat:presence").is_empty(), "another device is still there");
    drop(second);
    assert_eq!(phone.event("chat:presence"), presence(false));
    say(&mut phone, &id, "Seul");
    assert!(practitioner.events_so_far("chat:message:received").is_empty());
}

async fn wrong_events_leave_the_socket_open(play: &Played) {
    let (server, id) = opened(play).await;
    let mut phone = joined(play, &server, Played::MARC, &id).await;
    for text in ["", "x", "[]", "{}", r#"{"event":"chat:join"}"#, r#"{"event":"chat:join","data":{}}"#] {
        phone.send_text(text).unwrap();
        assert_eq!(phone.event("error")["code"], "invalid_event", "{text}");
    }
    for data in [json!({}), json!({ "consultationId": "x", "content": "a" }), json!({ "consultationId": id })] {
        assert_eq!(phone.ask("chat:message", &data)["code"], "invalid_event", "{data}");
    }
    assert_eq!(say(&mut phone, &id, " ")["code"], "invalid_event");
    assert_eq!(say(&mut phone, &id, &"é".repeat(4_097))["code"], "invalid_event");
    assert_eq!(say(&mut phone, &id, &"é".repeat(4_096))["seq"], 1);
}

async fn what_http_says_reaches_the_room(play: &Played) {
    let (server, id) = opened(play).await;
    let mut phone = joined(play, &server, Played::MARC, &id).await;
    let said = play.post(Played::SOPHIE, &format!("/chat/{id}/messages"), json!({ "content": "Bonjour." })).await;
    let received = phone.event("chat:message:received");
    assert_eq!((&received["id"], &received["content"]), (&said.json["id"], &json!("Bonjour.")));
    let path = format!("/chat/messages/{}/read", said.text_at("/id"));
    play.put(Played::MARC, &path, Value::Null).await.expect(200);
    assert_eq!(phone.event("chat:read:updated")["upToSeq"], 1);
}

async fn what_a_node_says_that_was_never_heard_arrives_within_seconds(play: &Played) {
    let (server, id) = opened(play).await;
    let mut phone = joined(play, &server, Played::MARC, &id).await;
    let sophie = UserId(play.account_of(Played::SOPHIE).await.parse().unwrap());
    let actor = Actor { user: sophie, role: Role::Practitioner, company: None, session: None };
    // Another node keeps it, and nobody hears of that.
    let kept = |content: &str| {
        let message = NewMessage {
            caller: Caller { actor, origin: Origin::default() },
            consultation: id.parse::<uuid::Uuid>().unwrap().into(),
            client_id: None,
            content: SecretText::new(content.to_owned()),
            once: None,
        };
        play.services.messages.write(&[message], &|_, _| true).remove(0).unwrap().seq
    };
    let mut watch = Watch::default();
    let mut after = |seconds| {
        play.world.clock.advance(SignedDuration::from_secs(seconds));
        watch.catch_up(&play.services.room_feed, &play.edge.hub, play.world.clock.now()).unwrap();
    };
    assert_eq!(kept("Il y a quelqu'un ?"), 1);
    after(0);
    after(60);
    assert!(phone.events_so_far("chat:message:received").is_empty(), "a node alone looks for nothing");
    play.edge.hub.is_among_others();
    after(1);
    assert_eq!(phone.event("chat:message:received")["seq"], 1);
    assert_eq!(kept("Bonjour"), 2);
    after(4);
    assert!(phone.events_so_far("chat:message:received").is_empty(), "it looks every five seconds");
    after(1);
    assert_eq!(phone.event("chat:message:received")["content"], "Bonjour");
}
