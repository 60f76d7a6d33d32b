//! The one table that the load program prints.
use std::{
    fmt::Write as _,
    io::{self, Write as _},
    time::Duration,
};

/// One line of it.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// What is done.
    pub work: String,
    /// What was measured.
    pub measured: String,
    /// The same by the bare statements, or by the bare primitive.
    pub limit: String,
    /// What is asked for.
    pub goal: String,
    /// The measured rate over the limit's, or the measured time over the goal's.
    pub ratio: String,
}

impl Row {
    fn cells(&self) -> [&str; 5] {
        [&self.work, &self.measured, &self.limit, &self.goal, &self.ratio]
    }
}

/// The rows as a Markdown table.
pub fn table(rows: &[Row]) -> String {
    let head = ["work", "measured", "limit", "goal", "ratio"];
    let widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let longest = rows.iter().map(|row| row.cells()[column].chars().count()).max().unwrap_or(0);
            longest.max(head[column].len())
        })
        .collect();
    let mut text = String::new();
    let mut line = |cells: [&str; 5]| {
        for (cell, width) in cells.iter().zip(&widths) {
            // Writing to a string does not fail.
            let _ = write!(text, "| {cell:width$} ");
        }
        text.push_str("|\n");
    };
    line(head);
    let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    line([&rules[0], &rules[1], &rules[2], &rules[3], &rules[4]]);
    for row in rows {
        line(row.cells());
    }
    text
}

/// Says something to whoever waits.
pub fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// A time in the unit that suits it.
pub fn shown(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1_000.0 { format!("{micros:.0} µs") } else { format!("{:.1} ms", micros / 1e3) }
}
