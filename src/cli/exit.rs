//! Every way to end, in one place.

use std::fmt;
use std::io;
use std::process::ExitCode;

/// How the program ends, from the least to the most important where several hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, whatever was found.
    Done,
    /// `--fail-on` was met.
    Found,
    /// The report is there, but part of the input could not be read.
    Partial,
    /// Nothing could be read.
    Nothing,
    /// Wrong usage, or signatures that cannot be used.
    Usage,
    /// Output could not be written.
    Output,
    /// SIGTERM, or SIGHUP: the terminal is gone.
    Terminated,
    /// SIGINT.
    Interrupted,
}

impl Exit {
    /// The code of the process.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Found => 1,
            Exit::Usage => 2,
            Exit::Partial => 3,
            Exit::Nothing => 4,
            Exit::Output => 5,
            Exit::Interrupted => 130,
            Exit::Terminated => 143,
        }
    }

    /// The end that a signal asks for.
    pub fn of_signal(signal: i32) -> Self {
        if signal == 2 { Exit::Interrupted } else { Exit::Terminated }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// The end of a command that could not do its work, and what to tell about it.
#[derive(Debug)]
pub struct Failure {
    /// How the program ends.
    pub exit: Exit,
    /// What is wrong and what to do; `None` where nobody is left to listen.
    pub message: Option<String>,
}

impl Failure {
    /// Ends so, with these words.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Failure { exit, message: Some(message.to_string()) }
    }

    /// Wrong usage.
    pub fn usage(message: impl fmt::Display) -> Self {
        Failure::new(Exit::Usage, message)
    }

    /// Output failed. A reader that closed the pipe had enough: that is no failure.
    pub fn output(target: &str, error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Failure { exit: Exit::Done, message: None };
        }
        Failure::new(Exit::Output, format_args!("cannot write {target}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::Exit::*;

    #[test]
    fn where_several_hold_the_contract_says_which() {
        let order = [Done, Found, Partial, Nothing, Usage, Output];
        assert!(order.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(Interrupted > Output && Terminated > Output);
        assert_eq!([Done, Found, Usage, Partial, Nothing, Output].map(super::Exit::code), [0, 1, 2, 3, 4, 5]);
        assert_eq!((Interrupted.code(), Terminated.code()), (130, 143));
    }
}
