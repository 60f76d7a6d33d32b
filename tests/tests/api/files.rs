//! Files: sent, read by whom they are for, deleted, and gone from the storage.
use actix_web::test::TestRequest;
use huntzen_app::files::remove_due;
use huntzen_tenancy::{audit::AuditEntry, files::ObjectName};
use huntzen_tests::{
    api::{
        Answer, NOBODY, Played,
        forms::{Form, document},
    },
    api_suite,
    contracts::storages,
    samples,
};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

api_suite! {
    a_file_comes_back_as_it_went,
    a_form_may_say_things_in_any_order,
    what_a_form_lacks_is_named,
    what_is_no_form_is_refused,
    a_file_too_large_is_refused,
    each_type_is_sent_by_whom_it_is_for,
    each_type_is_read_by_whom_it_is_for,
    attachments_go_with_the_conversation,
    pictures_are_cleaned_and_shown,
    a_new_picture_replaces_the_old,
    a_practitioners_picture_is_public,
    what_is_deleted_is_gone,
    what_is_refused_leaves_nothing,
    one_may_keep_a_hundred,
    bytes_that_changed_are_not_handed_out,
    what_is_done_to_files_is_traced,
}

/// A slot of the day after the clock's.
const START: &str = "2027-01-05T08:00:00Z";

async fn sent(play: &Played, who: &str, kind: &str) -> String {
    let answer = if kind == "AVATAR" {
        play.upload(who, &picture(&samples::png())).await
    } else {
        play.upload(who, &document(kind, &samples::pdf())).await
    };
    answer.expect(201);
    answer.text_at("/id")
}

fn picture(png: &[u8]) -> Form {
    Form::new().text("fileType", "AVATAR").file("moi.png", "image/png", png)
}

fn attachment(consultation: &str) -> Form {
    document("ATTACHMENT", &samples::pdf()).text("relatedResource", "CONSULTATION").text("relatedId", consultation)
}

async fn download(play: &Played, who: &str, id: &str) -> Answer {
    play.get(who, &format!("/files/{id}")).await
}

/// Does what the job does every minute; answers how many objects went.
async fn remove(play: &Played) -> usize {
    remove_due(&play.services.file_removal, play.edge.storage.as_ref(), 1_000).await.unwrap()
}

fn object_of(play: &Played, who: &str, id: &str) -> ObjectName {
    let user = play.account(who);
    let scope = huntzen_tenancy::Scope::user(user.actor(None), huntzen_tenancy::Origin::default());
    let id: uuid::Uuid = id.parse().unwrap();
    play.world.tenancy.run(&scope, |tx| Ok(tx.file(id.into())?)).unwrap().unwrap().object
}

async fn a_file_comes_back_as_it_went(play: &Played) {
    for length in [200, 65_536, 1_000_000] {
        let bytes = samples::long_pdf(length);
        let sent = play.upload(Played::MARC, &document("DOCUMENT", &bytes)).await;
        let told = sent.expect(201).clone();
        let id = sent.text_at("/id");
        assert_eq!(sent.header("location"), Some(format!("/files/{id}").as_str()));
        let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes));
        let expected = json!({
            "id": id, "url": format!("/files/{id}"), "fileName": "a.pdf", "contentType": "application/pdf",
            "size": length, "fileType": "DOCUMENT", "sha256": sha256, "relatedResource": null, "relatedId": null,
            "createdAt": play.now(),
        });
        assert_eq!(told, expected);
        assert_eq!(uuid::Uuid::parse_str(&id).unwrap().get_version_num(), 4);
        assert_eq!(*play.get(Played::MARC, &format!("/files/{id}/meta")).await.expect(200), expected);
        let got = download(play, Played::MARC, &id).await;
        assert_eq!((got.status, got.bytes == bytes), (200, true));
        for (name, value) in [
            ("content-type", "application/pdf"),
            ("content-disposition", "attachment; filename=\"a.pdf\"; filename*=UTF-8''a.pdf"),
            ("content-security-policy", "sandbox; default-src 'none'"),
            ("x-content-type-options", "nosniff"),
            ("accept-ranges", "none"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(got.header(name), Some(value), "{name}");
        }
        assert_eq!(got.header("content-encoding"), None);
        // There are no parts to be had.
        let token = play.token_of(Played::MARC).await;
        let part = TestRequest::with_uri(&format!("/files/{id}"))
            .insert_header(("authorization", format!("Bearer {token}")))
            .insert_header(("accept-encoding", "gzip, br"))
            .insert_header(("range", "bytes=0-9"));
        let whole = play.send(part).await;
        assert_eq!((whole.status, whole.bytes == bytes), (200, true));
        let stored = storages::read(play.edge.storage.as_ref(), object_of(play, Played::MARC, &id)).await.unwrap();
        assert!(!stored.windows(8).any(|window| window == b"%PDF-1.7"), "the bytes are sealed");
    }
}

async fn a_form_may_say_things_in_any_order(play: &Played) {
    let consultation = play.booked(Played::MARC, START).await;
    play.set_clock(START);
    let related = |form: Form| form.text("relatedResource", "consultation").text("relatedId", &consultation);
    let file = |form: Form| form.file("a.pdf", "application/pdf", &samples::pdf());
    for form in [
        related(file(Form::new())).text("fileType", "ATTACHMENT"),
        file(related(Form::new().text("fileType", "attachment"))),
        file(related(Form::new())).text("fileType", "ATTACHMENT"),
    ] {
        let answer = play.upload(Played::MARC, &form).await;
        let told = answer.expect(201);
        assert_eq!(told["fileType"], "ATTACHMENT");
        assert_eq!((&told["relatedResource"], &told["relatedId"]), (&json!("CONSULTATION"), &json!(consultation)));
        assert_eq!(download(play, Played::SOPHIE, &answer.text_at("/id")).await.bytes, samples::pdf());
    }
    // A picture that comes before it is known to be one of a person is cleaned all the same.
    let photograph = samples::jpeg_with(&[samples::jfif(), samples::exif(b"48.8566 N, 2.3522 E")]);
    let form = Form::new().file("moi.jpg", "image/jpeg", &photograph).text("fileType", "AVATAR");
    let answer = play.upload(Played::MARC, &form).await;
    answer.expect(201);
    let got = download(play, Played::CLAIRE, &answer.text_at("/id")).await;
    got.expect(200);
    assert!(!got.bytes.windows(7).any(|window| window == b"48.8566"));
    let stored =
        storages::read(play.edge.storage.as_ref(), object_of(play, Played::MARC, &answer.text_at("/id"))).await;
    assert_eq!(stored.unwrap(), got.bytes, "pictures lie as they are shown");
    remove(play).await;
    assert_eq!(remove(play).await, 0, "nothing else waits");
}

async fn what_a_form_lacks_is_named(play: &Played) {
    let file = |form: Form| form.file("a.pdf", "application/pdf", &samples::pdf());
    let id = "0190b2c4-1111-7000-8000-000000000000";
    for (form, field, code) in [
        (Form::new().text("fileType", "DOCUMENT"), "file", "required"),
        (file(Form::new()), "fileType", "required"),
        (file(Form::new().text("fileType", "PASSPORT")), "fileType", "unknown_value"),
        (file(Form::new().text("fileType", &"A".repeat(300))), "fileType", "too_long"),
        (document("ATTACHMENT", &samples::pdf()), "relatedResource", "required"),
        (document("DOCUMENT", &samples::pdf()).text("relatedId", id), "relatedResource", "required"),
        (document("DOCUMENT", &samples::pdf()).text("relatedResource", "USER"), "relatedId", "required"),
        (document("DOCUMENT", &samples::pdf()).text("relatedResource", "COMPANY"), "relatedResource", "unknown_value"),
        (document("DOCUMENT", &samples::pdf()).text("relatedId", "1"), "relatedId", "invalid"),
        (
            document("ATTACHMENT", &samples::pdf()).text("relatedResource", "USER").text("relatedId", id),
            "relatedResource",
            "invalid",
        ),
        (document("DOCUMENT", &samples::pdf()).text("folder", "a"), "folder", "unknown_field"),
        (document("DOCUMENT", &samples::pdf()).text("fileType", "DOCUMENT"), "fileType", "duplicate_field"),
        (file(document("DOCUMENT", &samples::pdf())), "file", "duplicate_field"),
        (Form::new().text("fileType", "DOCUMENT").file("a.pdf", "application/pdf", b""), "file", "required"),
    ] {
        play.upload(Played::MARC, &form).await.invalid(field, code);
    }
    let of_another = play.account(Played::CLAIRE).id;
    for (resource, id) in [("USER", of_another.to_string()), ("CONSULTATION", id.to_owned())] {
        let form = document("DOCUMENT", &samples::pdf()).text("relatedResource", resource).text("relatedId", &id);
        play.upload(Played::MARC, &form).await.refused(404, "not_found");
    }
    let own = play.account(Played::MARC).id.to_string();
    let form = document("DOCUMENT", &samples::pdf()).text("relatedResource", "USER").text("relatedId", &own);
    assert_eq!(play.upload(Played::MARC, &form).await.expect(201)["relatedId"], json!(own));
}

async fn what_is_no_form_is_refused(play: &Played) {
    play.post(Played::MARC, "/files/upload", json!({ "fileType": "DOCUMENT" }))
        .await
        .refused(415, "unsupported_media_type");
    play.post(NOBODY, "/files/upload", json!({})).await.refused(401, "unauthenticated");
    let whole = document("DOCUMENT", &samples::pdf()).bytes();
    for length in [0, 10, 60, 150, whole.len() - 60, whole.len() - 30] {
        let cut = whole[..length].to_vec();
        let answer = play.upload_bytes(Played::MARC, cut).await;
        assert_eq!(answer.status, 400, "{length}: {}", answer.json);
    }
    remove(play).await;
    assert_eq!(remove(play).await, 0);
}

async fn a_file_too_large_is_refused(play: &Played) {
    let most = play.config.storage.max_file_bytes;
    assert_eq!(most, 10 * 1024 * 1024);
    let form = document("DOCUMENT", &samples::long_pdf(most));
    play.upload(Played::MARC, &form).await.expect(201);
    for length in [most + 1, most + 100_000] {
        let form = document("DOCUMENT", &samples::long_pdf(length));
        play.upload(Played::MARC, &form).await.refused(413, "payload_too_large");
    }
    assert_eq!(remove(play).await, 1, "of the one that was noticed by its bytes");
}

async fn each_type_is_sent_by_whom_it_is_for(play: &Played) {
    let consultation = play.booked(Played::MARC, START).await;
    play.set_clock(START);
    for (who, certificate, attached) in [
        (Played::OPERATOR, 403, 403),
        (Played::ADMIN, 403, 403),
        (Played::HR, 403, 403),
        (Played::SOPHIE, 201, 201),
        (Played::PAUL, 201, 404),
        (Played::MARC, 403, 201),
        (Played::CLAIRE, 403, 404),
        (Played::LEA, 403, 404),
    ] {
        sent(play, who, "AVATAR").await;
        sent(play, who, "DOCUMENT").await;
        let answer = play.upload(who, &document("CERTIFICATE", &samples::pdf())).await;
        assert_eq!(answer.status, certificate, "a certificate of {who}: {}", answer.json);
        let answer = play.upload(who, &attachment(&consultation)).await;
        assert_eq!(answer.status, attached, "an attachment of {who}: {}", answer.json);
    }
    play.upload(NOBODY, &document("DOCUMENT", &samples::pdf())).await.refused(401, "unauthenticated");
}

async fn each_type_is_read_by_whom_it_is_for(play: &Played) {
    let consultation = play.booked(Played::MARC, START).await;
    play.set_clock(START);
    let attached = play.upload(Played::SOPHIE, &attachment(&consultation)).await.text_at("/id");
    let document = sent(play, Played::MARC, "DOCUMENT").await;
    let certificate = sent(play, Played::SOPHIE, "CERTIFICATE").await;
    let picture = sent(play, Played::MARC, "AVATAR").await;
    for (who, expected) in [
        (NOBODY, [401, 401, 401, 401]),
        (Played::OPERATOR, [404, 404, 404, 200]),
        (Played::ADMIN, [404, 200, 404, 200]),
        (Played::HR, [404, 404, 404, 200]),
        (Played::OTHER_HR, [404, 404, 404, 200]),
        (Played::SOPHIE, [404, 200, 200, 200]),
        (Played::PAUL, [404, 404, 404, 200]),
        (Played::MARC, [200, 404, 200, 200]),
        (Played::CLAIRE, [404, 404, 404, 200]),
        (Played::LEA, [404, 404, 404, 200]),
    ] {
        for (id, expected) in [&document, &certificate, &attached, &picture].into_iter().zip(expected) {
            for path in [format!("/files/{id}"), format!("/files/{id}/meta")] {
                let answer = play.get(who, &path).await;
                assert_eq!(answer.status, expected, "{who}: {}", answer.asked);
            }
            if ![Played::MARC, Played::SOPHIE].contains(&who) {
                let status = if who == NOBODY { 401 } else { 404 };
                assert_eq!(play.delete(who, &format!("/files/{id}")).await.status, status, "{who} deletes");
            }
        }
    }
    play.delete(Played::MARC, &format!("/files/{attached}")).await.refused(404, "not_found");
    for path in ["/files/0190b2c4-1111-4000-8000-000000000000", "/files/nothing"] {
        play.get(NOBODY, path).await.refused(401, "unauthenticated");
        play.get(Played::MARC, path).await.refused(404, "not_found");
    }
    play.get_with("nonsense", &format!("/files/{picture}")).await.refused(401, "invalid_token");
}

async fn attachments_go_with_the_conversation(play: &Played) {
    // Of Wednesday; the clock stands on Monday at 8.
    let consultation = play.booked(Played::MARC, "2027-01-06T08:00:00Z").await;
    play.upload(Played::MARC, &attachment(&consultation)).await.refused(409, "chat_closed");
    play.set_clock("2027-01-05T08:00:00Z");
    let early = play.upload(Played::MARC, &attachment(&consultation)).await;
    early.expect(201);
    // What is only about a consultation is not sent to anybody.
    let about =
        document("DOCUMENT", &samples::pdf()).text("relatedResource", "CONSULTATION").text("relatedId", &consultation);
    let about = play.upload(Played::MARC, &about).await.text_at("/id");
    download(play, Played::SOPHIE, &about).await.refused(404, "not_found");
    play.post(Played::MARC, &format!("/consultations/{consultation}/cancel"), json!({})).await.expect(200);
    play.upload(Played::MARC, &attachment(&consultation)).await.refused(409, "chat_closed");
    download(play, Played::SOPHIE, &early.text_at("/id")).await.expect(200);
    let path = format!("/employees/{}/deactivate", play.marc);
    play.post(Played::HR, &path, Value::Null).await.expect(200);
    download(play, Played::MARC, &early.text_at("/id")).await.expect(200);
}

async fn pictures_are_cleaned_and_shown(play: &Played) {
    let secret = b"pris chez moi, 48.8566 N";
    let text = samples::chunk(b"tEXt", &[b"Comment\0", secret.as_slice()].concat());
    let plain = samples::png_with(&[samples::chunk(b"eXIf", secret), text, samples::chunk(b"tIME", &[7; 7])]);
    let comment = samples::segment(0xfe, secret);
    let colours = samples::segment(0xe2, &[b"ICC_PROFILE\0\x01\x01".as_slice(), secret].concat());
    let photograph = samples::jpeg_with(&[samples::jfif(), samples::exif(secret), comment, colours]);
    for (media, name, bytes, cleaned) in [
        ("image/png", "moi.png", [plain, secret.to_vec()].concat(), samples::png()),
        (
            "image/jpeg",
            "moi.jpg",
            [photograph, secret.to_vec()].concat(),
            samples::jpeg_with(&[
                samples::jfif(),
                samples::segment(0xe1, b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"),
            ]),
        ),
    ] {
        let form = Form::new().text("fileType", "AVATAR").file(name, media, &bytes);
        let answer = play.upload(Played::MARC, &form).await;
        assert_eq!(answer.expect(201)["size"], cleaned.len());
        let id = answer.text_at("/id");
        let got = download(play, Played::CLAIRE, &id).await;
        assert_eq!(got.bytes, cleaned, "{media}");
        assert_eq!(got.header("content-type"), Some(media));
        assert_eq!(play.get(Played::MARC, "/auth/me").await.expect(200)["avatarUrl"], format!("/files/{id}"));
    }
    // What is no picture of a person stays as it is.
    let kept = samples::jpeg_with(&[samples::jfif(), samples::exif(secret)]);
    let form = Form::new().text("fileType", "DOCUMENT").file("scan.jpg", "image/jpeg", &kept);
    let id = play.upload(Played::MARC, &form).await.text_at("/id");
    assert_eq!(download(play, Played::MARC, &id).await.bytes, kept);
}

async fn a_new_picture_replaces_the_old(play: &Played) {
    let first = sent(play, Played::MARC, "AVATAR").await;
    let second = sent(play, Played::MARC, "AVATAR").await;
    download(play, Played::MARC, &first).await.refused(404, "not_found");
    download(play, Played::MARC, &second).await.expect(200);
    assert_eq!(remove(play).await, 1);
    download(play, Played::MARC, &second).await.expect(200);
    play.delete(Played::MARC, &format!("/files/{second}")).await.expect(204);
    assert_eq!(play.get(Played::MARC, "/auth/me").await.expect(200)["avatarUrl"], Value::Null);
    assert_eq!(remove(play).await, 1);
}

async fn a_practitioners_picture_is_public(play: &Played) {
    let id = sent(play, Played::SOPHIE, "AVATAR").await;
    let url = json!(format!("/files/{id}"));
    let got = download(play, NOBODY, &id).await;
    assert_eq!((got.status, got.bytes == samples::png()), (200, true));
    play.get(NOBODY, &format!("/files/{id}/meta")).await.refused(401, "unauthenticated");
    let profile = format!("/practitioners/{}", play.sophie);
    assert_eq!(play.get(NOBODY, &profile).await.expect(200)["avatarUrl"], url);
    assert!(play.get(NOBODY, "/practitioners/search").await.each("avatarUrl").contains(&url));
    assert_eq!(play.get(Played::SOPHIE, "/practitioners/me").await.expect(200)["avatarUrl"], url);
    assert!(play.get(Played::ADMIN, "/practitioners").await.each("avatarUrl").contains(&url));
    play.post(Played::ADMIN, &format!("{profile}/suspend"), Value::Null).await.expect(200);
    download(play, NOBODY, &id).await.refused(401, "unauthenticated");
    download(play, Played::MARC, &id).await.expect(200);
}

async fn what_is_deleted_is_gone(play: &Played) {
    let id = sent(play, Played::MARC, "DOCUMENT").await;
    let object = object_of(play, Played::MARC, &id);
    let path = format!("/files/{id}");
    play.delete(Played::MARC, &path).await.expect(204);
    play.delete(Played::MARC, &path).await.refused(404, "not_found");
    download(play, Played::MARC, &id).await.refused(404, "not_found");
    let storage = play.edge.storage.as_ref();
    assert!(storages::read(storage, object).await.is_some(), "until the job comes");
    assert_eq!(remove(play).await, 1);
    assert_eq!(storages::read(storage, object).await, None);
}

async fn what_is_refused_leaves_nothing(play: &Played) {
    let consultation = play.booked(Played::MARC, START).await;
    let long = samples::long_pdf(200_000);
    let cut = &long[..150_000];
    for (form, status) in [
        (document("DOCUMENT", cut), 400),
        (document("CERTIFICATE", &long), 403),
        (Form::new().file("a.pdf", "application/pdf", &long).text("fileType", "CERTIFICATE"), 403),
        (Form::new().file("a.pdf", "application/pdf", &long).text("fileType", "AVATAR"), 415),
        (Form::new().file("a.pdf", "application/pdf", &long).text("nothing", "AVATAR"), 400),
        (attachment("0190b2c4-1111-4000-8000-000000000000"), 404),
    ] {
        let answer = play.upload(Played::MARC, &form).await;
        assert_eq!(answer.status, status, "{}", answer.json);
    }
    play.upload(Played::CLAIRE, &attachment(&consultation)).await.refused(404, "not_found");
    // Each that had begun is queued, and nothing is left of any; none counts among those that go on.
    assert_eq!(remove(play).await, 6);
    for _ in 0..12 {
        play.upload(Played::MARC, &document("DOCUMENT", cut)).await.expect(400);
    }
    sent(play, Played::MARC, "DOCUMENT").await;
    // An upload that never ended is given up by the other job.
    play.advance(SignedDuration::from_hours(24 * 8));
    assert_eq!(play.services.file_removal.give_up_stale_uploads(100).unwrap(), 0);
}

async fn one_may_keep_a_hundred(play: &Played) {
    for _ in 0..100 {
        sent(play, Played::MARC, "DOCUMENT").await;
    }
    for form in [document("DOCUMENT", &samples::pdf()), picture(&samples::png())] {
        play.upload(Played::MARC, &form).await.refused(409, "quota_exceeded");
    }
    sent(play, Played::CLAIRE, "DOCUMENT").await;
}

async fn bytes_that_changed_are_not_handed_out(play: &Played) {
    let storage = play.edge.storage.as_ref();
    let ids = [sent(play, Played::MARC, "DOCUMENT").await, sent(play, Played::MARC, "DOCUMENT").await];
    let of_sophie = sent(play, Played::SOPHIE, "DOCUMENT").await;
    let [object, other] = [&ids[0], &ids[1]].map(|id| object_of(play, Played::MARC, id));
    let genuine = storages::read(storage, object).await.unwrap();
    let swapped = storages::read(storage, other).await.unwrap();
    let of_another = storages::read(storage, object_of(play, Played::SOPHIE, &of_sophie)).await.unwrap();
    let mut spoiled = vec![swapped, of_another, Vec::new(), genuine[..20].to_vec(), genuine[..36].to_vec()];
    spoiled.push(genuine[..genuine.len() - 1].to_vec());
    spoiled.push([genuine.clone(), vec![0]].concat());
    for at in [0, 5, 20, 36, 60, genuine.len() - 1] {
        let mut flipped = genuine.clone();
        flipped[at] ^= 1;
        spoiled.push(flipped);
    }
    for bytes in spoiled {
        storages::write(storage, object, &bytes, 10_000).await;
        download(play, Played::MARC, &ids[0]).await.refused(500, "internal");
    }
    storages::write(storage, object, &genuine, 10_000).await;
    download(play, Played::MARC, &ids[0]).await.expect(200);
    storage.remove(object).await.unwrap();
    download(play, Played::MARC, &ids[0]).await.refused(500, "internal");
    // A picture lies in clear, and is compared all the same.
    let id = sent(play, Played::MARC, "AVATAR").await;
    let object = object_of(play, Played::MARC, &id);
    let mut bytes = storages::read(storage, object).await.unwrap();
    bytes[40] ^= 1;
    storages::write(storage, object, &bytes, 10_000).await;
    download(play, Played::CLAIRE, &id).await.refused(500, "internal");
}

async fn what_is_done_to_files_is_traced(play: &Played) {
    let certificate = sent(play, Played::SOPHIE, "CERTIFICATE").await;
    download(play, Played::SOPHIE, &certificate).await.expect(200);
    download(play, Played::ADMIN, &certificate).await.expect(200);
    download(play, Played::MARC, &certificate).await.expect(404);
    play.get(Played::ADMIN, &format!("/files/{certificate}/meta")).await.expect(200);
    play.delete(Played::SOPHIE, &format!("/files/{certificate}")).await.expect(204);
    let done_to = |id| {
        let mut done = play.done_to(id);
        // The clock stands.
        done.sort_unstable();
        done
    };
    assert_eq!(done_to(&certificate), ["CREATE", "DELETE", "READ", "READ"]);
    let owner = play.account(Played::SOPHIE).id;
    assert!(play.trail(&certificate).iter().all(|entry| entry.subject == Some(owner)));
    // An attachment is its employee's, and that its name is read is traced as well.
    let consultation = play.booked(Played::MARC, START).await;
    let attached = play.upload(Played::SOPHIE, &attachment(&consultation)).await.text_at("/id");
    download(play, Played::SOPHIE, &attached).await.expect(200);
    play.get(Played::MARC, &format!("/files/{attached}/meta")).await.expect(200);
    play.delete(Played::SOPHIE, &format!("/files/{attached}")).await.expect(204);
    assert_eq!(done_to(&attached), ["CREATE", "DELETE", "READ", "READ"]);
    let marc = play.account(Played::MARC);
    let of_marc = |entry: &AuditEntry| (entry.subject, entry.company) == (Some(marc.id), marc.company);
    assert!(play.trail(&attached).iter().all(of_marc), "{:?}", play.trail(&attached));
    let first = sent(play, Played::SOPHIE, "AVATAR").await;
    download(play, NOBODY, &first).await.expect(200);
    download(play, Played::MARC, &first).await.expect(200);
    sent(play, Played::SOPHIE, "AVATAR").await;
    assert_eq!(done_to(&first), ["CREATE", "DELETE"]);
}
