//! Measures the real server, built for speed, and prints its rates beside their limits.
//!
//! `cargo build --release --bin huntzen && cargo bench -p huntzen-tests --bench load -- --only book`
use std::{error::Error, thread::available_parallelism};

use huntzen_tests::load::{
    Options, rows,
    table::{say, table},
};
use jiff::Timestamp;

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::read(std::env::args().skip(1))?;
    let cores = available_parallelism()?;
    #[expect(clippy::disallowed_methods, reason = "the server that is measured lives by the real clock")]
    let rows = rows::run(&options, Timestamp::now());
    let Options { clients, seconds, pool, .. } = options;
    say(&format!(
        "\n{cores} cores; {clients} clients on the same machine; {seconds} s a row after 1 s; {pool} connections of the \
         server to its own PostgreSQL, fsync on; pgbench with a connection for each client, prepared, as huntzen_app \
         under row security; CPU is the server's for each request, PostgreSQL not included\n"
    ));
    say(&table(&rows));
    Ok(())
}
