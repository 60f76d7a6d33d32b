//! The binary `huntzen`.
use std::process::ExitCode;

/// Gives memory back to the system after a burst, and is faster than the system's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    huntzen_app::cli::main()
}
