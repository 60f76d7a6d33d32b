//! How many rounds a race has: a twentieth of them in `make test`, all in `make test-full`.

/// Whether `HUNTZEN_TEST_SCALE=full` asks for every round.
pub fn is_full() -> bool {
    std::env::var("HUNTZEN_TEST_SCALE").is_ok_and(|scale| scale == "full")
}

/// `full` rounds, or a twentieth of them and at least one.
pub fn rounds(full: usize) -> usize {
    if is_full() { full } else { (full / 20).max(1) }
}
