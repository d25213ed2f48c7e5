//! Which attempts are wanted, what the dialog said, and names that logs cannot tell.

use clap::builder::NonEmptyStringValueParser;
use jiff::tz::TimeZone;
use whyrdp::correlate::{Request, Said, Selection};
use whyrdp::event::Time;
use whyrdp::signature::{Signatures, phrase};

use super::code;
use super::moment::{self, Moment};
use crate::cli::console::Console;
use crate::cli::exit::Failure;

/// Fifteen minutes to each side.
const WINDOW: &str = "15m";

/// As typed.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Which attempts")]
pub struct Selecting {
    /// Code that the dialog showed, hex or decimal, with the extended code after a slash
    #[arg(long, value_name = "CODE[/EXTENDED]", value_parser = code::parse)]
    code: Option<Said>,
    /// Words that the dialog showed, also in German, French or Spanish; a hint, never a proof
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    said: Option<String>,
    /// Only attempts from this time on: RFC 3339, a date, or a span before the newest record (2h, 30d)
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    since: Option<Moment>,
    /// Only attempts up to this time; a date means to the end of that day
    #[arg(long, value_name = "TIME", value_parser = moment::parse)]
    until: Option<Moment>,
    /// Only attempts around this time
    #[arg(long, value_name = "TIME", value_parser = moment::parse, conflicts_with_all = ["since", "until"])]
    around: Option<Moment>,
    /// How far around reaches to each side
    #[arg(long, value_name = "SPAN", value_parser = moment::span, default_value = WINDOW, requires = "around")]
    window: i64,
    /// Only attempts in which this computer takes part (repeatable)
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    host: Vec<String>,
    /// Only attempts of this user (repeatable); a domain may stand with the name and is not compared
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    user: Vec<String>,
    /// Only attempts from this client address (repeatable)
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    client_ip: Vec<String>,
    /// Another name or address of a computer, where the logs do not tell (repeatable)
    #[arg(long, value_name = "NAME=ADDRESS", value_parser = alias)]
    alias: Vec<(String, String)>,
}

impl Selecting {
    /// Not every attempt is wanted.
    pub fn selects(&self) -> bool {
        let times = self.since.is_some() || self.until.is_some() || self.around.is_some();
        times || !(self.host.is_empty() && self.user.is_empty() && self.client_ip.is_empty())
    }

    /// Tells where the words of the dialog are those of none that is known.
    pub fn complain(&self, signatures: &Signatures, console: &Console) {
        let Some(said) = &self.said else { return };
        if signatures.dialogs_in(said).is_empty() && phrase::codes(said).is_empty() {
            console.warn(format_args!("--said: these words are of no known dialog, so they hint at nothing: {said}"));
        }
    }

    /// What is meant, now that the newest record is known.
    pub fn request(&self, zone: &TimeZone, newest: Option<Time>) -> Result<Request, Failure> {
        let bounds = |option: &str, moment: Option<Moment>| match moment {
            None => Ok(None),
            Some(moment @ Moment::Back(_)) => Ok(moment.bounds(zone, newest)),
            Some(moment) => match moment.bounds(zone, newest) {
                Some(bounds) => Ok(Some(bounds)),
                None => Err(Failure::usage(format_args!("{option}: no such time between the years 1601 and 9999"))),
            },
        };
        let around = bounds("--around", self.around)?;
        let since = bounds("--since", self.since)?.map(|(first, _)| first);
        let until = bounds("--until", self.until)?.map(|(_, last)| last);
        if let (Some(since), Some(until)) = (since, until)
            && since > until
        {
            return Err(Failure::usage(format_args!("--since ({since}) is later than --until ({until}): swap them")));
        }
        Ok(Request {
            complaint: Said { text: self.said.clone(), ..self.code.clone().unwrap_or_default() },
            selection: Selection {
                since: since.or(around.map(|(first, _)| first.plus(-self.window))),
                until: until.or(around.map(|(_, last)| last.plus(self.window))),
                hosts: self.host.clone(),
                users: self.user.clone(),
                client_ips: self.client_ip.clone(),
            },
            aliases: self.alias.clone(),
        })
    }
}

fn alias(typed: &str) -> Result<(String, String), String> {
    match typed.split_once('=') {
        Some((name, address)) if !name.trim().is_empty() && !address.trim().is_empty() => {
            Ok((name.trim().to_owned(), address.trim().to_owned()))
        }
        _ => Err("give a computer and its other name or address, e.g. SRV01=10.0.0.5".to_owned()),
    }
}

/// An address; the interface that Windows writes behind some may be left out.
fn address(typed: &str) -> Result<String, String> {
    let bare = typed.split('%').next().unwrap_or(typed);
    match bare.parse::<std::net::IpAddr>() {
        Ok(_) => Ok(typed.to_owned()),
        Err(_) => Err("no address: give one such as 10.0.0.5 or fe80::1; --host takes names".to_owned()),
    }
}
