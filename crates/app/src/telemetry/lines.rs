//! Log lines on their way out: those of requests leave together, one call to the system for many; warnings and
//! errors leave at once, after what was said before them.
use std::{
    io::{self, Write},
    mem,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{Builder, sleep},
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits for others: what a process that is killed may lose.
const TOGETHER: Duration = Duration::from_millis(5);
/// Bytes that wait at most. Whoever says more writes it out, and so waits for a reader that is slow.
const MOST_WAITING: usize = 256 * 1024;

/// Where log lines go.
#[derive(Clone)]
pub struct Lines(Arc<Shared>);

struct Shared {
    waiting: Mutex<Vec<u8>>,
    /// Tells that lines wait where none did.
    came: Condvar,
    /// Held while `waiting` is emptied and written, so that lines keep their order.
    out: Mutex<Box<dyn Write + Send>>,
    /// Without a thread that writes them out, lines do not wait.
    wait: AtomicBool,
}

impl Lines {
    /// Lines that leave through `out`.
    pub fn through(out: impl Write + Send + 'static) -> Self {
        let lines = Self::new(out);
        let writing = lines.clone();
        // The thread ends with the process.
        let thread = Builder::new().name("log".to_owned()).spawn(move || writing.write_on());
        lines.0.wait.store(thread.is_ok(), Ordering::Relaxed);
        lines
    }

    fn new(out: impl Write + Send + 'static) -> Self {
        let out = Mutex::new(Box::new(out) as Box<dyn Write + Send>);
        Self(Arc::new(Shared { waiting: Mutex::default(), came: Condvar::new(), out, wait: AtomicBool::new(false) }))
    }

    /// Writes out what waits. A reader that is gone loses it.
    pub fn flush(&self) {
        let mut out = self.0.out.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = mem::take(&mut *self.waiting());
        let _ = out.write_all(&lines).and_then(|()| out.flush());
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8], at_once: bool) {
        let mut waiting = self.waiting();
        let is_first = waiting.is_empty();
        waiting.extend_from_slice(line);
        let is_much = waiting.len() > MOST_WAITING;
        drop(waiting);
        if at_once || is_much || !self.0.wait.load(Ordering::Relaxed) {
            self.flush();
        } else if is_first {
            self.0.came.notify_one();
        }
    }

    fn write_on(&self) {
        loop {
            let waiting = self.waiting();
            let waiting = self.0.came.wait_while(waiting, |waiting| waiting.is_empty());
            drop(waiting);
            sleep(TOGETHER);
            self.flush();
        }
    }
}

/// One line on its way.
pub struct Line<'a> {
    lines: &'a Lines,
    at_once: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.lines.add(line, self.at_once);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { lines: self, at_once: true }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        Line { lines: self, at_once: *meta.level() <= Level::WARN }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::{thread::scope, time::Instant};

    use tracing_subscriber::fmt;

    use super::*;

    /// Keeps each piece that is written.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<String>>>);

    impl Write for Kept {
        fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(String::from_utf8(piece.to_vec()).unwrap());
            Ok(piece.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Kept {
        fn lines(&self) -> Vec<String> {
            self.0.lock().unwrap().concat().lines().map(str::to_owned).collect()
        }
    }

    /// Lines that wait for somebody who never comes.
    fn unattended(kept: &Kept) -> Lines {
        let lines = Lines::new(kept.clone());
        lines.0.wait.store(true, Ordering::Relaxed);
        lines
    }

    /// Says it with a subscriber that writes nothing but messages.
    fn saying(lines: &Lines, say: impl FnOnce()) {
        let format = fmt::format().without_time().with_level(false).with_target(false).compact();
        let subscriber = fmt().event_format(format).with_ansi(false).with_writer(lines.clone()).finish();
        tracing::subscriber::with_default(subscriber, say);
    }

    #[test]
    fn lines_leave_together_and_in_order_and_by_themselves() {
        let kept = Kept::default();
        let lines = Lines::through(kept.clone());
        let said: Vec<_> = (0..500).map(|number| format!("line {number}")).collect();
        saying(&lines, || said.iter().for_each(|line| tracing::info!("{line}")));
        let begun = Instant::now();
        while kept.lines().len() < said.len() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{} lines", kept.lines().len());
            sleep(TOGETHER);
        }
        assert_eq!(kept.lines(), said);
        assert!(kept.0.lock().unwrap().len() < said.len(), "each line left alone");
    }

    #[test]
    fn a_warning_leaves_at_once_after_what_came_before_it() {
        let kept = Kept::default();
        let lines = unattended(&kept);
        saying(&lines, || tracing::info!("before"));
        assert!(kept.lines().is_empty());
        saying(&lines, || tracing::warn!("mind"));
        assert_eq!(kept.lines(), ["before", "mind"]);
        saying(&lines, || tracing::info!("after"));
        lines.flush();
        assert_eq!(kept.lines(), ["before", "mind", "after"]);
    }

    #[test]
    fn what_waits_is_bounded_and_no_line_is_lost_or_cut() {
        let kept = Kept::default();
        let lines = unattended(&kept);
        let long = "x".repeat(1_000);
        scope(|scope| {
            for name in ["a", "b", "c"] {
                let (lines, long) = (&lines, &long);
                scope.spawn(move || {
                    (0..300).for_each(|number| lines.add(format!("{name} {number} {long}\n").as_bytes(), false));
                });
            }
        });
        assert!(lines.waiting().len() <= MOST_WAITING + 1_100);
        assert!(kept.lines().len() > 300, "most have left");
        lines.flush();
        for name in ["a", "b", "c"] {
            let of_one: Vec<_> = kept.lines().into_iter().filter(|line| line.starts_with(name)).collect();
            let all: Vec<_> = (0..300).map(|number| format!("{name} {number} {long}")).collect();
            assert!(of_one == all, "{name}");
        }
    }

    #[test]
    fn without_a_thread_no_line_waits() {
        let kept = Kept::default();
        let lines = Lines::new(kept.clone());
        saying(&lines, || tracing::info!("now"));
        assert_eq!(kept.lines(), ["now"]);
    }
}
