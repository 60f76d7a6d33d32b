//! The load program: the server's rates beside those of its bare statements.
pub mod capture;
pub mod clients;
pub mod dataset;
pub mod flood;
pub mod limit;
pub mod process;
pub mod pure;
pub mod rows;
pub mod table;
pub mod talk;

use std::{fmt, str::FromStr};

/// What is measured, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Only the rows whose names contain one of these words; all when there are none.
    pub only: Vec<String>,
    /// How long a row is measured, in seconds; a second of warming up comes before.
    pub seconds: u64,
    /// Clients at once.
    pub clients: usize,
    /// The server's connections to the database.
    pub pool: usize,
    /// Whether the history of a million consultations is made.
    pub million: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { only: Vec::new(), seconds: 5, clients: 32, pool: 10, million: true }
    }
}

/// An argument that is not understood.
#[derive(Debug)]
pub struct Usage(String);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is not understood; --only me,slots,earliest,one,metrics,book,note,journal,chat,import,sockets,start,memory,files,overload \
             --seconds 5 --clients 32 --pool 10 --no-million",
            self.0
        )
    }
}

impl std::error::Error for Usage {}

impl Options {
    /// Reads the arguments of the program.
    ///
    /// # Errors
    /// `Usage` for one that is not understood.
    pub fn read(arguments: impl Iterator<Item = String>) -> Result<Self, Usage> {
        let mut options = Self::default();
        let mut arguments = arguments;
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| Usage(argument.clone()));
            match argument.as_str() {
                "--only" => options.only = value()?.split(',').map(str::to_owned).collect(),
                "--seconds" => options.seconds = number(&value()?)?,
                "--clients" => options.clients = number(&value()?)?,
                "--pool" => options.pool = number(&value()?)?,
                "--no-million" => options.million = false,
                // What `cargo bench` adds.
                "--bench" => {}
                _ => return Err(Usage(argument)),
            }
        }
        Ok(options)
    }

    /// Whether a row is wanted.
    pub fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|word| row == word)
    }
}

fn number<N: FromStr>(text: &str) -> Result<N, Usage> {
    text.parse().ok().ok_or_else(|| Usage(text.to_owned()))
}
