//! Which signatures are used.

use std::path::PathBuf;

use whyrdp::signature::Signatures;

use crate::cli::console::Console;
use crate::cli::exit::Failure;

/// As typed.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Signatures")]
pub struct SignatureOptions {
    /// Folder of signatures that add to or override the built-in ones (repeatable)
    #[arg(long, value_name = "DIR")]
    signatures: Vec<PathBuf>,
    /// Leave the built-in signatures out
    #[arg(long)]
    no_builtin: bool,
}

impl SignatureOptions {
    /// Reads them, complaining of those that cannot be used. They stay until the program ends:
    /// taking so many small things apart would be work for nobody.
    pub fn load(&self, strict: bool, console: &Console) -> Result<&'static Signatures, Failure> {
        for folder in &self.signatures {
            if !folder.is_dir() {
                let what = match folder.exists() {
                    true => format!("--signatures {} is no folder: give the one that holds it", folder.display()),
                    false => format!("no such folder of signatures: {}", folder.display()),
                };
                return Err(Failure::usage(what));
            }
        }
        let (signatures, problems) = Signatures::open(!self.no_builtin, &self.signatures);
        console.warn_all(&problems);
        if strict && !problems.is_empty() {
            let what = format_args!("{} in the signatures, and --strict allows none", count(problems.len(), "problem"));
            return Err(Failure::usage(what));
        }
        if signatures.rules().len() == 0 {
            let hint = if self.no_builtin {
                "give --signatures DIR, or leave out --no-builtin"
            } else {
                "this build holds none: give --signatures DIR"
            };
            return Err(Failure::usage(format_args!("no usable signature: {hint}")));
        }
        let slow = signatures.unpinned();
        if !slow.is_empty() {
            console.warn(format_args!(
                "{} without provider and event id, so every record must be decoded in full and the scan takes longer: {}",
                count(slow.len(), "rule"),
                shortened(slow)
            ));
        }
        Ok(Box::leak(Box::new(signatures)))
    }
}

fn count(n: usize, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

fn shortened(names: &[String]) -> String {
    match names.get(5..) {
        Some([]) | None => names.join(", "),
        Some(rest) => format!("{} and {} more", names[..5].join(", "), rest.len()),
    }
}
