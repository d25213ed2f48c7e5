//! `whyrdp`: tells why Remote Desktop failed, from exported Windows logs.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::main()
}
