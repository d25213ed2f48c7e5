//! `whyrdp`: tells why Remote Desktop failed, from exported Windows logs.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::panic))]

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
