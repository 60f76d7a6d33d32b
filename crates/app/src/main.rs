//! The binary `huntzen`.
use std::process::ExitCode;

/// Gives memory back to the system after a burst, and is faster than the system's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    keep_pages_small();
    huntzen_app::cli::main()
}

/// With huge pages, which the allocator asks for, every piece of memory that is touched counts as 2 MiB: an idle server
/// keeps four times what it uses. What it starts has small pages as well; a system that refuses this keeps its own.
#[cfg(target_os = "linux")]
fn keep_pages_small() {
    let _ = rustix::thread::disable_transparent_huge_pages(true);
}

#[cfg(not(target_os = "linux"))]
fn keep_pages_small() {}
