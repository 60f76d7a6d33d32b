//! Articles over HTTP: administrators write and publish, everybody reads, visitors are counted and not known.
use actix_web::{http::Method, test::TestRequest};
use huntzen_tenancy::{
    Caller, Origin,
    audit::{Action, Resource},
};
use huntzen_tests::{
    api::{Answer, NOBODY, Played},
    api_suite,
    contracts::at_once,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

api_suite! {
    an_article_is_written_published_read_changed_and_deleted,
    drafts_are_for_administrators_alone,
    a_token_that_is_shown_must_be_good,
    articles_are_found_by_category_tag_and_status,
    slugs_are_told_apart_and_stay,
    markdown_is_shown_as_html_that_does_nothing,
    visitors_are_counted_once_a_day_and_forgotten,
    what_is_no_article_is_refused,
    writing_leaves_a_trace_and_reading_none,
}

const FIELDS: [&str; 11] = [
    "category",
    "content",
    "contentHtml",
    "excerpt",
    "id",
    "publishedAt",
    "slug",
    "status",
    "tags",
    "title",
    "viewCount",
];

fn article(title: &str) -> Value {
    json!({ "title": title, "content": "Levez-vous à la **même** heure." })
}

/// A draft, as its author sees it.
async fn written(play: &Played, body: Value) -> Value {
    play.post(Played::ADMIN, "/articles", body).await.expect(201).clone()
}

/// The address of an article by its id.
fn path(article: &Value) -> String {
    format!("/articles/{}", article["id"].as_str().unwrap())
}

/// An article that everybody reads.
async fn published(play: &Played, body: Value) -> Value {
    let draft = written(play, body).await;
    play.post(Played::ADMIN, &format!("{}/publish", path(&draft)), Value::Null).await.expect(200).clone()
}

async fn titles(play: &Played, who: &str, query: &str) -> Vec<Value> {
    let answer = play.get(who, &format!("/articles{query}")).await;
    answer.expect(200);
    answer.each("title")
}

/// A visit from this address by this browser.
async fn visit(play: &Played, path: &str, address: &str, browser: &str) -> Answer {
    let request = TestRequest::with_uri(path).method(Method::PUT).insert_header(("user-agent", browser));
    play.send_from(address, request).await
}

async fn an_article_is_written_published_read_changed_and_deleted(play: &Played) {
    let body = json!({
        "title": " Bien dormir ", "excerpt": "Des horaires, du calme.", "content": "# Dormir\n\nLevez-vous à la **même** heure.",
        "category": "Sommeil", "tags": ["Sommeil", " ÉTÉ", "sommeil"],
    });
    let answer = play.post(Played::ADMIN, "/articles", body).await;
    let draft = answer.expect(201).clone();
    let id = draft["id"].as_str().unwrap().to_owned();
    let mut expected = json!({
        "id": id, "slug": "bien-dormir", "title": "Bien dormir", "excerpt": "Des horaires, du calme.",
        "content": "# Dormir\n\nLevez-vous à la **même** heure.",
        "contentHtml": "<h1>Dormir</h1>\n<p>Levez-vous à la <strong>même</strong> heure.</p>\n",
        "category": "Sommeil", "tags": ["sommeil", "été"], "status": "DRAFT", "publishedAt": null, "viewCount": 0,
    });
    assert_eq!(draft, expected);
    assert_eq!(id.parse::<Uuid>().unwrap().get_version_num(), 7);
    assert_eq!(answer.header("location"), Some(format!("/articles/{id}").as_str()));
    play.advance(SignedDuration::from_mins(5));
    expected["status"] = json!("PUBLISHED");
    expected["publishedAt"] = json!(play.now());
    let publish = format!("/articles/{id}/publish");
    assert_eq!(*play.post(Played::ADMIN, &publish, Value::Null).await.expect(200), expected);
    play.advance(SignedDuration::from_mins(5));
    for again in [
        play.post(Played::ADMIN, &publish, Value::Null).await,
        play.put(Played::ADMIN, &publish, Value::Null).await,
        play.get(NOBODY, "/articles/bien-dormir").await,
        play.get(Played::MARC, &format!("/articles/{id}")).await,
        play.get(Played::ADMIN, &format!("/articles/{}", id.to_uppercase())).await,
        play.patch(Played::ADMIN, "/articles/bien-dormir", json!({})).await,
    ] {
        assert_eq!(*again.expect(200), expected);
    }
    let change = json!({ "excerpt": null, "category": null, "tags": [], "content": "Plus tard." });
    expected["excerpt"] = Value::Null;
    expected["category"] = Value::Null;
    expected["tags"] = json!([]);
    expected["content"] = json!("Plus tard.");
    expected["contentHtml"] = json!("<p>Plus tard.</p>\n");
    assert_eq!(*play.put(Played::ADMIN, &format!("/articles/{id}"), change).await.expect(200), expected);
    assert_eq!(*play.get(NOBODY, "/articles/bien-dormir").await.expect(200), expected);
    play.delete(Played::ADMIN, &format!("/articles/{id}")).await.expect(204);
    for path in ["/articles/bien-dormir".to_owned(), format!("/articles/{id}")] {
        play.get(NOBODY, &path).await.refused(404, "not_found");
        play.delete(Played::ADMIN, &path).await.refused(404, "not_found");
        play.patch(Played::ADMIN, &path, json!({})).await.refused(404, "not_found");
        play.post(Played::ADMIN, &format!("{path}/publish"), Value::Null).await.refused(404, "not_found");
    }
}

async fn drafts_are_for_administrators_alone(play: &Played) {
    let draft = written(play, article("Brouillon")).await;
    play.advance(SignedDuration::from_secs(1));
    published(play, article("Ouvert")).await;
    let unknown = play.get(NOBODY, "/articles/personne").await;
    for who in [NOBODY, Played::OPERATOR, Played::HR, Played::SOPHIE, Played::MARC] {
        for name in [path(&draft), "/articles/brouillon".to_owned()] {
            let answer = play.get(who, &name).await;
            answer.refused(404, "not_found");
            assert_eq!(answer.json["detail"], unknown.json["detail"]);
        }
        assert_eq!(titles(play, who, "").await, ["Ouvert"], "{who}");
        assert_eq!(titles(play, who, "?status=PUBLISHED").await, ["Ouvert"], "{who}");
        let drafts = play.get(who, "/articles?status=draft").await;
        assert_eq!(*drafts.expect(200), json!({ "items": [], "page": 1, "perPage": 20, "total": 0 }), "{who}");
    }
    assert_eq!(*play.get(Played::ADMIN, "/articles/brouillon").await.expect(200), draft);
    assert_eq!(titles(play, Played::ADMIN, "").await, ["Ouvert", "Brouillon"]);
    assert_eq!(titles(play, Played::ADMIN, "?status=DRAFT").await, ["Brouillon"]);
    for who in [Played::OPERATOR, Played::HR, Played::SOPHIE, Played::MARC] {
        play.post(who, "/articles", article("Autre")).await.refused(403, "forbidden");
        play.post(who, &format!("{}/publish", path(&draft)), Value::Null).await.refused(403, "forbidden");
    }
}

/// A client learns that its session has ended wherever it asks, and what is public needs no token.
async fn a_token_that_is_shown_must_be_good(play: &Played) {
    written(play, article("Brouillon")).await;
    published(play, article("Ouvert")).await;
    let token = play.token_of(Played::ADMIN).await;
    play.get_with(&token, "/articles/brouillon").await.expect(200);
    for bad in ["nonsense", "", &format!("{token}x")] {
        // Before anything else of the request is looked at.
        for path in ["/articles/brouillon", "/articles/ouvert", "/articles/nothing", "/articles", "/articles?page=0"] {
            play.get_with(bad, path).await.refused(401, "invalid_token");
        }
    }
    let listed = play.get_with(&token, "/articles").await;
    assert_eq!(listed.expect(200)["total"], 2);
    assert_eq!(listed.header("cache-control"), Some("no-store"), "what differs by token is not kept");
    play.post(Played::ADMIN, "/auth/logout", Value::Null).await.expect(204);
    for path in ["/articles/brouillon", "/articles/ouvert", "/articles"] {
        play.get_with(&token, path).await.refused(401, "session_ended");
        play.get(NOBODY, "/articles/ouvert").await.expect(200);
    }
}

async fn articles_are_found_by_category_tag_and_status(play: &Played) {
    for (title, category, tags) in [
        ("Un", Some("Sommeil"), json!(["nuit", "Stress"])),
        ("Deux", Some("Stress"), json!(["stress"])),
        ("Trois", None, json!([])),
        ("Quatre", Some("Sommeil"), json!(["nuit"])),
    ] {
        play.advance(SignedDuration::from_mins(1));
        let body = json!({ "title": title, "content": "…", "category": category, "tags": tags });
        published(play, body).await;
    }
    for (query, expected) in [
        ("", vec!["Quatre", "Trois", "Deux", "Un"]),
        ("?category=Sommeil", vec!["Quatre", "Un"]),
        ("?category=sommeil", vec![]),
        ("?category=%20Stress%20", vec!["Deux"]),
        ("?tag=stress", vec!["Deux", "Un"]),
        ("?tag=STRESS&category=Sommeil", vec!["Un"]),
        ("?tag=%25", vec![]),
        ("?tag=&category=", vec!["Quatre", "Trois", "Deux", "Un"]),
        ("?page=2&perPage=3", vec!["Un"]),
        ("?page=9", vec![]),
    ] {
        assert_eq!(titles(play, NOBODY, query).await, expected, "{query}");
    }
    let page = play.get(NOBODY, "/articles?page=2&perPage=3").await;
    assert_eq!(page.fields_at("/items/0"), FIELDS);
    assert_eq!([&page.json["page"], &page.json["perPage"], &page.json["total"]], [2, 3, 4]);
    for (query, field, code) in [
        ("status=OPEN", "status", "unknown_value"),
        ("perPage=101", "perPage", "out_of_range"),
        ("page=0", "page", "out_of_range"),
        ("author=x", "author", "unknown_parameter"),
        ("tag=a&tag=b", "tag", "repeated"),
    ] {
        play.get(NOBODY, &format!("/articles?{query}")).await.invalid(field, code);
    }
    play.get(NOBODY, &format!("/articles?tag={}", "t".repeat(41))).await.invalid("tag", "too_long");
    play.get(NOBODY, &format!("/articles?category={}", "c".repeat(81))).await.invalid("category", "too_long");
    play.get(NOBODY, "/articles/un?full=1").await.invalid("full", "unknown_parameter");
}

async fn slugs_are_told_apart_and_stay(play: &Played) {
    let slug = |article: &Value| article["slug"].as_str().unwrap().to_owned();
    let first = written(play, article("L'été, enfin !")).await;
    let second = written(play, article("L'été enfin")).await;
    let third = published(play, article("l ete ENFIN")).await;
    assert_eq!([slug(&first), slug(&second), slug(&third)], ["l-ete-enfin", "l-ete-enfin-2", "l-ete-enfin-3"]);
    let renamed = json!({ "title": "L'automne" });
    // A draft's follows its title; a published one's is in other people's bookmarks.
    let draft = play.patch(Played::ADMIN, &path(&first), renamed.clone()).await;
    assert_eq!(slug(draft.expect(200)), "l-automne");
    let open = play.patch(Played::ADMIN, &path(&third), renamed.clone()).await;
    assert_eq!((open.text_at("/title"), open.text_at("/slug")), ("L'automne".to_owned(), "l-ete-enfin-3".to_owned()));
    let same = play.patch(Played::ADMIN, &path(&first), renamed).await;
    assert_eq!(slug(same.expect(200)), "l-automne", "its own is free to it");
    let nearly = play.patch(Played::ADMIN, &path(&first), json!({ "title": "L'automne !" })).await;
    assert_eq!(slug(nearly.expect(200)), "l-automne", "also under a title that is spelt otherwise");
    assert_eq!(slug(&written(play, article("L'été enfin")).await), "l-ete-enfin");
    assert_eq!(slug(&written(play, article("？？")).await), "article");
    let id = first["id"].as_str().unwrap();
    let disguised = published(play, article(id)).await;
    assert_eq!(slug(&disguised), format!("article-{id}"));
    play.get(NOBODY, &path(&first)).await.refused(404, "not_found");
    // Of many at once each gets one of its own.
    let services = &*play.services;
    let administrator = Caller { actor: play.account(Played::ADMIN).actor(None), origin: Origin::default() };
    let new = huntzen_tenancy::content::NewArticle {
        title: "Course".to_owned(),
        content: "…".to_owned(),
        ..Default::default()
    };
    let mut made = at_once(4, |_| services.article_editing.create(&administrator, &new).unwrap().slug);
    made.sort_unstable();
    assert_eq!(made, ["course", "course-2", "course-3", "course-4"]);
}

async fn markdown_is_shown_as_html_that_does_nothing(play: &Played) {
    for (content, expected) in [
        (
            "[Le 3114](https://3114.fr)",
            "<p><a href=\"https://3114.fr\" rel=\"noopener noreferrer nofollow\">Le 3114</a></p>\n",
        ),
        ("<script>alert(1)</script>\n\nSuite", "<p>Suite</p>\n"),
        ("<b onclick=\"alert(1)\">Gras</b>", "<p><b>Gras</b></p>\n"),
        ("[x](javascript:alert(1))", "<p><a rel=\"noopener noreferrer nofollow\">x</a></p>\n"),
        ("![Un chat](https://evil.example/pixel.gif)", "<p>Un chat</p>\n"),
    ] {
        let draft = written(play, json!({ "title": "Essai", "content": content })).await;
        assert_eq!((&draft["content"], &draft["contentHtml"]), (&json!(content), &json!(expected)));
    }
    let deep = json!({ "title": "Essai", "content": format!("{}x", "> ".repeat(1_000)) });
    play.post(Played::ADMIN, "/articles", deep).await.invalid("content", "too_complex");
}

async fn visitors_are_counted_once_a_day_and_forgotten(play: &Played) {
    let open = published(play, article("Ouvert")).await;
    let draft = written(play, article("Brouillon")).await;
    let view = format!("{}/view", path(&open));
    let seen = |answer: &Answer| answer.expect(200)["viewCount"].as_u64().unwrap();
    assert_eq!(*visit(play, &view, "203.0.113.9:1", "Firefox").await.expect(200), json!({ "viewCount": 1 }));
    // Another port, another name of the article, another method, somebody signed in: the same visitor.
    assert_eq!(seen(&visit(play, "/articles/ouvert/view", "203.0.113.9:2", "Firefox").await), 1);
    let authorization = format!("Bearer {}", play.token_of(Played::MARC).await);
    let signed = TestRequest::with_uri(&view).method(Method::POST).insert_header(("user-agent", "Firefox"));
    let signed = signed.insert_header(("authorization", authorization));
    assert_eq!(seen(&play.send_from("203.0.113.9:3", signed).await), 1);
    // Nobody lies about where they come from.
    let lying = TestRequest::with_uri(&view).method(Method::PUT).insert_header(("user-agent", "Firefox"));
    let lying = lying.insert_header(("x-forwarded-for", "198.51.100.1"));
    assert_eq!(seen(&play.send_from("203.0.113.9:4", lying).await), 1);
    for (at, (address, browser, expected)) in [
        ("203.0.113.9:1", "Chrome", 2),
        ("203.0.113.10:1", "Firefox", 3),
        ("[2001:db8:1:2::1]:1", "Firefox", 4),
        ("[2001:db8:1:2::2]:1", "Firefox", 4),
        ("[2001:db8:1:3::1]:1", "Firefox", 5),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(seen(&visit(play, &view, address, browser).await), expected, "{at}");
    }
    // Reading counts nothing.
    for who in [NOBODY, Played::MARC, Played::ADMIN] {
        assert_eq!(play.get(who, "/articles/ouvert").await.expect(200)["viewCount"], 5);
    }
    for name in [path(&draft), "/articles/brouillon".to_owned(), "/articles/personne".to_owned()] {
        visit(play, &format!("{name}/view"), "203.0.113.9:1", "Firefox").await.refused(404, "not_found");
        play.put(Played::ADMIN, &format!("{name}/view"), Value::Null).await.refused(404, "not_found");
    }
    assert_eq!(play.services.visits.forget().unwrap(), 0, "the day is not over");
    play.set_clock("2027-01-04T23:59:59.999999Z");
    assert_eq!(seen(&visit(play, &view, "203.0.113.9:1", "Firefox").await), 5);
    play.set_clock("2027-01-05T00:00:00Z");
    assert_eq!(play.services.visits.forget().unwrap(), 1);
    assert_eq!(play.services.visits.forget().unwrap(), 0);
    assert_eq!(seen(&visit(play, &view, "203.0.113.9:1", "Firefox").await), 6);
    assert_eq!(seen(&visit(play, &view, "203.0.113.9:1", "Firefox").await), 6);
    // What was changed meanwhile does not take views back.
    play.patch(Played::ADMIN, &path(&open), json!({ "title": "Autre" })).await.expect(200);
    assert_eq!(play.get(NOBODY, "/articles/ouvert").await.expect(200)["viewCount"], 6);
}

async fn what_is_no_article_is_refused(play: &Played) {
    let long = |letters: usize| "a".repeat(letters);
    let with = |field: &str, value: Value| {
        let mut body = article("Titre");
        body[field] = value;
        body
    };
    for (body, field, code) in [
        (json!({ "content": "…" }), "title", "required"),
        (json!({ "title": "Titre" }), "content", "required"),
        (with("title", json!("  ")), "title", "required"),
        (with("title", json!(long(201))), "title", "too_long"),
        (with("excerpt", json!(long(501))), "excerpt", "too_long"),
        (with("content", json!(" \n ")), "content", "required"),
        (with("content", json!(long(65_537))), "content", "too_long"),
        (with("content", json!("é".repeat(32_769))), "content", "too_long"),
        (with("content", json!("un\u{1b}")), "content", "invalid_characters"),
        (with("content", json!("un\u{0}")), "content", "invalid_characters"),
        (with("category", json!(long(81))), "category", "too_long"),
        (with("tags", json!(vec!["x"; 21])), "tags", "too_many"),
        (with("tags", json!([long(41)])), "tags", "too_long"),
        (with("tags", json!([""])), "tags", "required"),
        (with("tags", json!("sommeil")), "tags", "wrong_type"),
        (with("slug", json!("x")), "slug", "unknown_field"),
        (with("status", json!("PUBLISHED")), "status", "unknown_field"),
        (with("contentHtml", json!("<script>")), "contentHtml", "unknown_field"),
        (with("viewCount", json!(1)), "viewCount", "unknown_field"),
    ] {
        play.post(Played::ADMIN, "/articles", body).await.invalid(field, code);
    }
    let full = json!({
        "title": long(200), "excerpt": long(500), "content": long(65_536), "category": long(80),
        "tags": (0..20).map(|number| format!("{number:040}")).collect::<Vec<_>>(),
    });
    let draft = written(play, full).await;
    for (body, field, code) in [
        (json!({ "title": null }), "title", "wrong_type"),
        (json!({ "content": null }), "content", "wrong_type"),
        (json!({ "tags": null }), "tags", "wrong_type"),
        (json!({ "title": "" }), "title", "required"),
        (json!({ "status": "PUBLISHED" }), "status", "unknown_field"),
    ] {
        play.patch(Played::ADMIN, &path(&draft), body).await.invalid(field, code);
    }
    assert_eq!(*play.get(Played::ADMIN, &path(&draft)).await.expect(200), draft);
    let publish = format!("{}/publish", path(&draft));
    play.post(Played::ADMIN, &publish, json!({ "force": true })).await.refused(400, "unexpected_body");
    play.delete(Played::ADMIN, "/articles").await.refused(405, "method_not_allowed");
    for name in ["%00", "..%2Fadmin", &long(201)] {
        play.get(NOBODY, &format!("/articles/{name}")).await.refused(404, "not_found");
    }
}

async fn writing_leaves_a_trace_and_reading_none(play: &Played) {
    let draft = written(play, article("Secret")).await;
    let id = draft["id"].as_str().unwrap();
    play.advance(SignedDuration::from_secs(1));
    play.patch(Played::ADMIN, &path(&draft), json!({ "excerpt": "Secret" })).await.expect(200);
    for _ in 0..2 {
        play.advance(SignedDuration::from_secs(1));
        play.post(Played::ADMIN, &format!("{}/publish", path(&draft)), Value::Null).await.expect(200);
    }
    for who in [NOBODY, Played::MARC, Played::ADMIN] {
        play.get(who, &path(&draft)).await.expect(200);
        play.put(who, &format!("{}/view", path(&draft)), Value::Null).await.expect(200);
    }
    play.advance(SignedDuration::from_secs(1));
    play.delete(Played::ADMIN, &path(&draft)).await.expect(204);
    let trail = play.trail(id);
    let done: Vec<Action> = trail.iter().map(|entry| entry.action).collect();
    assert_eq!(done, [Action::Create, Action::Update, Action::Publish, Action::Delete]);
    let administrator = play.account_of(Played::ADMIN).await;
    for entry in trail {
        assert_eq!((entry.resource, entry.company, entry.subject), (Resource::Article, None, None));
        assert_eq!(entry.actor.map(|actor| actor.to_string()), Some(administrator.clone()));
    }
}
