//! Whom to call in an emergency.
use actix_web::test::TestRequest;
use huntzen_tests::{
    api::{NOBODY, Played},
    api_suite,
};

api_suite! {
    the_numbers_are_told_to_anybody_in_either_language,
}

async fn the_numbers_are_told_to_anybody_in_either_language(play: &Played) {
    for (language, name) in [("fr", "Prévention du suicide"), ("en-GB", "Suicide prevention")] {
        let request = TestRequest::get().uri("/crisis").insert_header(("accept-language", language));
        let answer = play.send(request).await;
        answer.expect(200);
        assert_eq!(answer.each("number"), ["3114", "15", "112", "114"]);
        assert_eq!(answer.json["items"][0]["name"], name);
        assert!(answer.json["message"].as_str().is_some_and(|text| !text.is_empty()));
    }
    // A token is neither needed nor looked at.
    play.get_with("nonsense", "/crisis").await.expect(200);
    play.get(NOBODY, "/crisis?who=me").await.invalid("who", "unknown_parameter");
}
