//! Standard error: complaints, notes and statistics. Text from logs and file names is escaped.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use whyrdp::report::terminal::clean;

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How loud and colourful, for every command.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Behaviour")]
pub struct Manner {
    /// Say nothing on standard error but why it failed
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// Leave nothing out for brevity, and tell statistics on standard error
    #[arg(short, long, global = true)]
    verbose: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = When::Auto, hide_possible_values = true)]
    #[arg(help = "When to use colours: auto (on a terminal, unless NO_COLOR is set), always, never")]
    color: When,
}

/// Complaints shown of one kind, unless everything is wanted.
const MOST: usize = 10;

/// Where people are spoken to.
pub struct Console {
    quiet: bool,
    verbose: bool,
    color: When,
}

impl Console {
    /// As was asked for.
    pub fn new(manner: &Manner) -> Self {
        Console { quiet: manner.quiet, verbose: manner.verbose, color: manner.color }
    }

    /// Everything is wanted.
    pub fn verbose(&self) -> bool {
        self.verbose
    }

    /// Progress may be shown.
    pub fn shows_progress(&self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }

    /// Colours are wanted on this output.
    pub fn colors(&self, terminal: bool) -> bool {
        match self.color {
            When::Never => false,
            When::Always => true,
            When::Auto => {
                terminal
                    && !anstyle_query::no_color()
                    && anstyle_query::term_supports_color()
                    // Older consoles of Windows must be told to understand colours.
                    && anstyle_query::windows::enable_ansi_colors().unwrap_or(true)
            }
        }
    }

    /// Why the program fails.
    pub fn error(&self, message: impl Display) {
        say("error", message);
    }

    /// What is wrong without ending the work.
    pub fn warn(&self, message: impl Display) {
        if !self.quiet {
            say("warning", message);
        }
    }

    /// Several complaints of one kind, the first few of many.
    pub fn warn_all<T: Display>(&self, messages: impl IntoIterator<Item = T>) {
        if self.quiet {
            return;
        }
        let mut left_out = 0_u64;
        for (at, message) in messages.into_iter().enumerate() {
            if at < MOST || self.verbose {
                self.warn(message);
            } else {
                left_out += 1;
            }
        }
        if left_out > 0 {
            self.warn(format_args!("and {left_out} more like these (all with -v)"));
        }
    }

    /// What is told only on request.
    pub fn note(&self, message: impl Display) {
        if self.verbose {
            say("note", message);
        }
    }
}

/// A standard error that nobody reads is no reason to fail.
fn say(kind: &str, message: impl Display) {
    let message = message.to_string();
    let lines: Vec<String> = message.lines().map(|line| clean(line, 4000)).collect();
    let _ = writeln!(std::io::stderr().lock(), "whyrdp: {kind}: {}", lines.join("\n  "));
}
