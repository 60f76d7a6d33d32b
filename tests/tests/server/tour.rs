//! The tour of the README, run as it stands: what a newcomer is promised must work.
use std::process::Command;

use huntzen_tests::server::DataFolder;

const README: &str = include_str!("../../../README.md");

/// The block of shell that the README marks as the tour.
fn tour() -> &'static str {
    let after = README.split_once("<!-- tour:").unwrap().1;
    let block = after.split_once("```sh\n").unwrap().1;
    block.split_once("```").unwrap().0
}

#[test]
fn the_tour_of_the_readme_works_as_printed() {
    // As in development: a time of another day may be held today.
    let folder = DataFolder::new().with("HUNTZEN__BOOKING__EARLY_START_MINUTES", "129600");
    folder.seed();
    let server = folder.serve();
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", tour()])
        .env("PORT", server.address().port().to_string())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    for step in [
        "CONFIRMED",
        "IN_PROGRESS",
        "COMPLETED",
        "\"consultations\":1,",
        "\"activeDays\":1}",
        "Retrouver un sommeil réparateur",
        "\"department\":\"Autres\"",
    ] {
        assert!(told.contains(step), "{step} is missing in {told}");
    }
}
