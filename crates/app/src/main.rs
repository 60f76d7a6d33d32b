//! The binary `huntzen`.
fn main() {}
