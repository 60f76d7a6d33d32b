//! What every store must do, port by port; the suite runs each function over each store.
pub mod accounts;
pub mod audit;
pub mod companies;
pub mod employees;
pub mod invitations;
pub mod letters;
pub mod notifications;
pub mod sessions;
pub mod tokens;

use std::sync::Barrier;

/// Runs `attempt` on `threads` threads at the same moment and answers what each came to.
pub fn at_once<T: Send>(threads: usize, attempt: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let gate = Barrier::new(threads);
    std::thread::scope(|scope| {
        let tries: Vec<_> = (0..threads)
            .map(|number| {
                let (gate, attempt) = (&gate, &attempt);
                scope.spawn(move || {
                    gate.wait();
                    attempt(number)
                })
            })
            .collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    })
}
