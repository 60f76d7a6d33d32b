//! Company news over HTTP: HR publishes, its people are told and read what is meant for them.
use huntzen_tenancy::{
    audit::{Action, Resource},
    clock::Clock,
};
use huntzen_tests::{
    api::{NOBODY, Played},
    api_suite,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

api_suite! {
    news_are_published_read_changed_and_deleted,
    news_are_told_to_whom_they_are_meant_for,
    news_are_told_live,
    reading_follows_the_department_and_eligibility,
    hr_learns_nothing_of_reading,
    what_is_no_news_is_refused,
    writing_news_leaves_a_trace,
}

fn news(title: &str, departments: &[&str]) -> Value {
    json!({ "title": title, "content": "Elle ouvre **lundi**.", "targetDepartments": departments })
}

/// News of alpha's HR.
async fn published(play: &Played, body: Value) -> Value {
    play.post(Played::HR, "/news", body).await.expect(201).clone()
}

async fn titles(play: &Played, who: &str, path: &str) -> Vec<Value> {
    let answer = play.get(who, path).await;
    answer.expect(200);
    answer.each("title")
}

async fn news_are_published_read_changed_and_deleted(play: &Played) {
    let body = json!({ "title": " La cantine ", "content": "Elle ouvre **lundi**." });
    let answer = play.post(Played::HR, "/news", body).await;
    let id = answer.text_at("/id");
    let mut expected = json!({
        "id": id, "title": "La cantine", "content": "Elle ouvre **lundi**.",
        "contentHtml": "<p>Elle ouvre <strong>lundi</strong>.</p>\n", "targetDepartments": [],
        "publishedAt": play.now(),
    });
    assert_eq!(*answer.expect(201), expected);
    assert_eq!(id.parse::<Uuid>().unwrap().get_version_num(), 7);
    let path = format!("/news/{id}");
    assert_eq!(answer.header("location"), Some(path.as_str()));
    let only = |item: &Value| json!({ "items": [item], "page": 1, "perPage": 20, "total": 1 });
    for (who, list) in [(Played::HR, "/news"), (Played::MARC, "/news/company"), (Played::CLAIRE, "/news/company")] {
        assert_eq!(*play.get(who, list).await.expect(200), only(&expected), "{who}");
    }
    play.advance(SignedDuration::from_mins(5));
    let change = json!({ "title": "La cantine ferme", "targetDepartments": [" Développement ", "Développement"] });
    expected["title"] = json!("La cantine ferme");
    expected["targetDepartments"] = json!(["Développement"]);
    assert_eq!(*play.patch(Played::HR, &path, change).await.expect(200), expected);
    expected["content"] = json!("<script>alert(1)</script>\n\n*Mardi*.");
    expected["contentHtml"] = json!("<p><em>Mardi</em>.</p>\n");
    let change = json!({ "content": "<script>alert(1)</script>\n\n*Mardi*." });
    assert_eq!(*play.put(Played::HR, &path, change).await.expect(200), expected);
    assert_eq!(*play.get(Played::MARC, "/news/company").await.expect(200), only(&expected));
    for (who, list) in [(Played::LEA, "/news/company"), (Played::OTHER_HR, "/news")] {
        assert_eq!(play.get(who, list).await.expect(200)["total"], 0, "{who}");
    }
    let unknown = format!("/news/{}", Uuid::from_u128(7));
    let absent = play.delete(Played::HR, &unknown).await;
    absent.refused(404, "not_found");
    play.delete(Played::OTHER_HR, &path).await.must_look_like(&absent);
    play.patch(Played::OTHER_HR, &path, json!({ "title": "x" })).await.refused(404, "not_found");
    play.delete(Played::HR, &path).await.expect(204);
    play.delete(Played::HR, &path).await.refused(404, "not_found");
    for (who, list) in [(Played::HR, "/news"), (Played::MARC, "/news/company")] {
        assert_eq!(play.get(who, list).await.expect(200)["total"], 0);
    }
    play.get(Played::HR, &path).await.refused(405, "method_not_allowed");
}

async fn news_are_told_to_whom_they_are_meant_for(play: &Played) {
    play.patch(Played::HR, &format!("/employees/{}", play.claire), json!({ "department": "Ventes" })).await.expect(200);
    let told = async |who: &str| {
        let inbox = play.get(who, "/notifications?type=NEWS_PUBLISHED").await;
        inbox.expect(200);
        inbox.each("data")
    };
    play.advance(SignedDuration::from_mins(1));
    let for_sales = published(play, news("Ventes", &["Ventes"])).await;
    assert_eq!(told(Played::CLAIRE).await, [json!({ "newsId": for_sales["id"] })]);
    assert!(told(Played::MARC).await.is_empty());
    play.advance(SignedDuration::from_mins(1));
    let for_all = published(play, news("Tous", &[])).await;
    let inbox = play.get(Played::MARC, "/notifications").await;
    let item = json!({
        "id": inbox.text_at("/items/0/id"), "type": "NEWS_PUBLISHED", "title": "Actualité de votre entreprise",
        "body": "Votre entreprise a publié une actualité.", "data": { "newsId": for_all["id"] }, "isRead": false,
        "readAt": null, "createdAt": for_all["publishedAt"],
    });
    assert_eq!(*inbox.expect(200), json!({ "items": [item], "nextCursor": null, "unreadCount": 1 }));
    assert_eq!(told(Played::CLAIRE).await.len(), 2);
    for who in [Played::LEA, Played::HR, Played::OTHER_HR, Played::SOPHIE, Played::ADMIN, Played::OPERATOR] {
        assert!(told(who).await.is_empty(), "{who} was told");
    }
    // In the app alone, and once: neither a letter nor a change tells more.
    assert!(play.letters_to(Played::MARC).is_empty());
    let path = format!("/news/{}", for_sales["id"].as_str().unwrap());
    play.patch(Played::HR, &path, json!({ "targetDepartments": [] })).await.expect(200);
    assert_eq!((told(Played::MARC).await.len(), told(Played::CLAIRE).await.len()), (1, 2));
    assert_eq!(titles(play, Played::MARC, "/news/company").await, ["Tous", "Ventes"]);
    // What a person was told stays theirs.
    play.delete(Played::HR, &path).await.expect(204);
    assert_eq!(told(Played::CLAIRE).await.len(), 2);
}

async fn news_are_told_live(play: &Played) {
    let server = play.listen();
    let mut phone = play.socket(&server, Played::MARC, "/notifications/live").await;
    let mut other = play.socket(&server, Played::LEA, "/notifications/live").await;
    let mut watch = huntzen_app::realtime::watch::Watch::default();
    let mut look = || watch.look(&play.services.live, &play.edge.hub, play.world.clock.now());
    look().unwrap();
    let news = published(play, news("La cantine", &["Développement"])).await;
    look().unwrap();
    look().unwrap();
    let told = phone.event("notification:new");
    let listed = play.get(Played::MARC, "/notifications").await;
    assert_eq!(told, json!({ "notification": listed.json["items"][0], "unreadCount": 1 }));
    assert_eq!(told["notification"]["type"], "NEWS_PUBLISHED");
    assert_eq!(told["notification"]["data"], json!({ "newsId": news["id"] }));
    assert!(phone.events_so_far("notification:new").is_empty(), "told twice");
    assert!(other.events_so_far("notification:new").is_empty());
}

async fn reading_follows_the_department_and_eligibility(play: &Played) {
    for (title, departments) in [("Tous", vec![]), ("Dév", vec!["Développement"]), ("Ventes", vec!["Ventes", "Achats"])]
    {
        play.advance(SignedDuration::from_mins(1));
        published(play, news(title, &departments)).await;
    }
    let entry = format!("/employees/{}", play.marc);
    assert_eq!(titles(play, Played::MARC, "/news/company").await, ["Dév", "Tous"]);
    play.patch(Played::HR, &entry, json!({ "department": "Achats" })).await.expect(200);
    assert_eq!(titles(play, Played::MARC, "/news/company").await, ["Ventes", "Tous"]);
    play.patch(Played::HR, &entry, json!({ "department": null })).await.expect(200);
    assert_eq!(titles(play, Played::MARC, "/news/company").await, ["Tous"]);
    play.post(Played::HR, &format!("{entry}/deactivate"), Value::Null).await.expect(200);
    assert_eq!(
        *play.get(Played::MARC, "/news/company").await.expect(200),
        json!({ "items": [], "page": 1, "perPage": 20, "total": 0 })
    );
    play.post(Played::HR, &format!("{entry}/activate"), Value::Null).await.expect(200);
    assert_eq!(titles(play, Played::MARC, "/news/company").await, ["Tous"]);
    assert_eq!(titles(play, Played::HR, "/news?perPage=2").await, ["Ventes", "Dév"]);
    assert_eq!(titles(play, Played::HR, "/news?perPage=2&page=2").await, ["Tous"]);
    let page = play.get(Played::CLAIRE, "/news/company?perPage=1&page=2").await;
    assert_eq!((page.each("title"), &page.json["total"]), (vec![json!("Tous")], &json!(2)));
}

/// Whoever reads, whoever was told and whoever never came: HR is answered the very same.
async fn hr_learns_nothing_of_reading(play: &Played) {
    let written = published(play, news("La cantine", &[])).await;
    let fields = ["content", "contentHtml", "id", "publishedAt", "targetDepartments", "title"];
    let before = play.get(Played::HR, "/news").await;
    assert_eq!(before.fields_at("/items/0"), fields);
    play.get(Played::MARC, "/news/company").await.expect(200);
    play.put(Played::MARC, "/notifications/read-all", Value::Null).await.expect(200);
    play.get(Played::HR, "/news").await.must_look_like(&before);
    // Meant for nobody at all, it is published all the same.
    let for_nobody = play.post(Played::HR, "/news", news("Personne", &["Inconnu"])).await;
    for_nobody.expect(201);
    assert_eq!(for_nobody.fields_at(""), fields);
    assert_eq!(play.trail(written["id"].as_str().unwrap()).len(), 1, "reading leaves no trace");
    play.get(Played::HR, "/news/company").await.refused(403, "forbidden");
    play.get(Played::MARC, "/news").await.refused(403, "forbidden");
    for (path, who) in [("/news", NOBODY), ("/news/company", NOBODY)] {
        play.get(who, path).await.refused(401, "unauthenticated");
    }
}

async fn what_is_no_news_is_refused(play: &Played) {
    let long = |letters: usize| "a".repeat(letters);
    let with = |field: &str, value: Value| {
        let mut body = news("Titre", &[]);
        body[field] = value;
        body
    };
    for (body, field, code) in [
        (json!({ "title": "Titre" }), "content", "required"),
        (with("title", json!(long(201))), "title", "too_long"),
        (with("title", json!(" ")), "title", "required"),
        (with("content", json!("")), "content", "required"),
        (with("content", json!(long(65_537))), "content", "too_long"),
        (with("content", json!("> ".repeat(1_000) + "x")), "content", "too_complex"),
        (with("targetDepartments", json!(vec!["x"; 51])), "targetDepartments", "too_many"),
        (with("targetDepartments", json!([long(121)])), "targetDepartments", "too_long"),
        (with("targetDepartments", json!([" "])), "targetDepartments", "required"),
        (with("targetDepartments", Value::Null), "targetDepartments", "wrong_type"),
        (with("companyId", json!(play.beta)), "companyId", "unknown_field"),
        (with("publishedAt", json!("2027-01-01T00:00:00Z")), "publishedAt", "unknown_field"),
    ] {
        play.post(Played::HR, "/news", body).await.invalid(field, code);
    }
    let path = format!("/news/{}", published(play, news("Titre", &[])).await["id"].as_str().unwrap());
    for (body, field, code) in [
        (json!({ "title": null }), "title", "wrong_type"),
        (json!({ "targetDepartments": null }), "targetDepartments", "wrong_type"),
        (json!({ "content": "" }), "content", "required"),
        (json!({ "publishedAt": null }), "publishedAt", "unknown_field"),
    ] {
        play.patch(Played::HR, &path, body).await.invalid(field, code);
    }
    play.get(Played::HR, "/news?department=x").await.invalid("department", "unknown_parameter");
    play.get(Played::MARC, "/news/company?perPage=0").await.invalid("perPage", "out_of_range");
    play.patch(Played::HR, "/news/premier", json!({})).await.refused(404, "not_found");
}

async fn writing_news_leaves_a_trace(play: &Played) {
    let news = published(play, news("Secret", &[])).await;
    let id = news["id"].as_str().unwrap();
    let path = format!("/news/{id}");
    play.advance(SignedDuration::from_secs(1));
    play.patch(Played::HR, &path, json!({ "title": "Autre" })).await.expect(200);
    play.advance(SignedDuration::from_secs(1));
    play.delete(Played::HR, &path).await.expect(204);
    let trail = play.trail(id);
    let done: Vec<Action> = trail.iter().map(|entry| entry.action).collect();
    assert_eq!(done, [Action::Create, Action::Update, Action::Delete]);
    for entry in trail {
        assert_eq!((entry.resource, entry.subject), (Resource::News, None));
        assert_eq!(entry.company.map(|company| company.to_string()), Some(play.alpha.clone()));
    }
}
