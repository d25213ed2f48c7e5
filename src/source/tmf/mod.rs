//! Trace message formats (.tmf): how the values of WPP messages are stored and what they say. Made by
//! `tracepdb` from private symbols; Windows' own are not public. The form of the files is described at
//! learn.microsoft.com/windows-hardware/drivers/devtest/trace-message-format-file.

mod format;
mod item;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use crate::error::Error;
use crate::event::{Event, Guid};
use crate::source::lines::{self, Encoding};
use crate::source::payload::Want;
use format::Part;
use item::Kind;

/// Bytes of one file.
const FILE: u64 = 32 << 20;
/// Files of a folder, and messages in all.
const FILES: usize = 20_000;
const MESSAGES: usize = 2_000_000;
/// Values of one message.
const VALUES: usize = 64;
/// Bytes of what a message says.
pub(super) const SAID: usize = 64 << 10;
/// Position of the first value in format strings; lower ones are parts of the prefix.
const FIRST: usize = 10;

/// Messages by their source file and number.
#[derive(Debug, Default)]
pub struct Messages {
    known: FxHashMap<(Guid, u32), Message>,
}

/// One message.
#[derive(Debug)]
pub(in crate::source) struct Message {
    /// Name of the component: what tools show in brackets.
    pub provider: Box<str>,
    /// Level as events have it.
    pub level: Option<u8>,
    level_name: Box<str>,
    flags: Box<str>,
    function: Box<str>,
    /// Source file and line.
    place: Box<str>,
    parts: Vec<Part>,
    values: Vec<Value>,
}

#[derive(Debug)]
struct Value {
    name: Box<str>,
    kind: Kind,
}

impl Messages {
    /// Reads every `.tmf` file of a folder, and complains of those that cannot be used.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn read(folder: &Path) -> Result<(Self, Vec<Error>), Error> {
        let trouble = |error: std::io::Error| Error::new(folder, error);
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(trouble)? {
            let path: PathBuf = entry.map_err(trouble)?.path();
            if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("tmf")) {
                files.push(path);
            }
        }
        files.sort();
        let mut messages = Messages::default();
        let mut problems = Vec::new();
        if files.len() > FILES {
            problems.push(Error::new(folder, format_args!("only the first {FILES} files are read")));
        }
        for path in files.iter().take(FILES) {
            match contents(path) {
                Ok((text, whole)) => {
                    messages.add(path, &text, MESSAGES, &mut problems);
                    if !whole {
                        problems.push(Error::new(path, format_args!("only the first {FILE} bytes are read")));
                    }
                }
                Err(error) => problems.push(Error::new(path, error)),
            }
        }
        Ok((messages, problems))
    }

    /// How many messages are known.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// The message of this number of a source file.
    pub(in crate::source) fn get(&self, file: Guid, number: u32) -> Option<&Message> {
        self.known.get(&(file, number))
    }

    /// Adds the messages of one file, up to so many in all. Of several with one name the first stays.
    fn add(&mut self, path: &Path, text: &str, most: usize, problems: &mut Vec<Error>) {
        let mut head: Option<Head<'_>> = None;
        let mut lines = (1..).zip(text.lines().map(str::trim)).peekable();
        while let Some((number, line)) = lines.next() {
            let mut wrong = |what: &str| problems.push(Error::new(path, format_args!("line {number}: {what}")));
            if line.starts_with("#type") {
                let mut values = Vec::new();
                if lines.next_if(|(_, line)| *line == "{").is_some() {
                    let inside = std::iter::from_fn(|| lines.next_if(|(_, line)| !line.starts_with(['}', '#'])));
                    values.extend(inside.filter(|(_, line)| !line.is_empty()).map(|(_, line)| value(line)));
                }
                if values.len() > VALUES {
                    wrong("more values than a message can hold; the message is left out");
                    continue;
                }
                let Some(values) = values.into_iter().collect::<Option<Vec<_>>>() else {
                    wrong("values of a kind that is not known; the message is left out");
                    continue;
                };
                match head.as_ref().and_then(|head| message(head, line, values)) {
                    Some((id, message)) if self.known.len() < most => {
                        let Some(head) = &head else { continue };
                        self.known.entry((head.guid, id)).or_insert(message);
                    }
                    Some(_) => return wrong("too many messages; the rest is left out"),
                    None => wrong("no message can be read here"),
                }
            } else if let Some(new) = Head::read(line) {
                head = Some(new);
            }
        }
    }
}

/// The text of a file, and whether that is all of it.
fn contents(path: &Path) -> std::io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    (&file).take(FILE).read_to_end(&mut bytes)?;
    let whole = (&file).read(&mut [0])? == 0;
    let (encoding, mark) = Encoding::of(&bytes);
    Ok((encoding.text(bytes.get(mark..).unwrap_or_default()).into_owned(), whole))
}

/// `GUID component // SRC=file MJ= MN=`
struct Head<'a> {
    guid: Guid,
    component: &'a str,
    source: &'a str,
}

impl<'a> Head<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (guid, rest) = line.split_once(char::is_whitespace)?;
        let (component, notes) = rest.split_once("//").unwrap_or((rest, ""));
        Some(Head { guid: Guid::parse(guid)?, component: component.trim(), source: note(notes, "SRC=") })
    }
}

/// A note behind `//`.
fn note<'a>(notes: &'a str, name: &str) -> &'a str {
    let mut words = notes.split_whitespace();
    words.find_map(|word| word.strip_prefix(name)).unwrap_or_default()
}

/// `#typev name_line number "format" // LEVEL= FLAGS= FUNC=`
fn message(head: &Head<'_>, line: &str, values: Vec<Value>) -> Option<(u32, Message)> {
    let (names, rest) = line.split_once('"')?;
    let mut names = names.split_whitespace().skip(1);
    let place = names.next()?;
    let id = names.next()?.parse().ok()?;
    // The last quote before the notes ends the format, which may hold quotes.
    let (body, notes) = rest.rsplit_once("\" //").or_else(|| rest.rsplit_once('"'))?;
    let level_name = note(notes, "LEVEL=");
    let line = place.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let message = Message {
        provider: head.component.into(),
        level: level(level_name),
        level_name: level_name.into(),
        flags: note(notes, "FLAGS=").into(),
        function: note(notes, "FUNC=").into(),
        place: if line.is_empty() { head.source.into() } else { format!("{}:{line}", head.source).into() },
        parts: format::read(body),
        values,
    };
    Some((id, message))
}

/// `expression, ItemKind -- position`. The expression may hold commas.
fn value(line: &str) -> Option<Value> {
    let line = line.rsplit_once("--").map_or(line, |(before, _)| before).trim();
    let at = line.rfind(", Item")?;
    let (name, kind) = line.split_at_checked(at)?;
    Some(Value { name: lines::at_most(name.trim(), 100).into(), kind: Kind::read(kind.get(2..)?.trim())? })
}

fn level(name: &str) -> Option<u8> {
    let name = name.trim_start_matches("TRACE_LEVEL_").trim_start_matches("WINEVENT_LEVEL_");
    Some(match name.to_ascii_uppercase().as_str() {
        "FATAL" | "CRITICAL" => 1,
        "ERROR" | "ERR" => 2,
        "WARNING" | "WARN" | "WRN" => 3,
        "INFORMATION" | "INFO" => 4,
        "VERBOSE" | "VRB" => 5,
        _ => return None,
    })
}

impl Message {
    /// Adds what the message says, and its values under their names.
    pub fn push(&self, event: &mut Event, wide: bool, payload: &[u8], want: Want<'_>) {
        let mut rest = payload;
        let mut values = Vec::new();
        for value in &self.values {
            let Some((read, behind)) = value.kind.split(rest, wide) else { break };
            values.push(read);
            rest = behind;
        }
        let said = format::said(&self.parts, &values, &|name| match name {
            "FUNC" => &self.function,
            "LEVEL" => &self.level_name,
            "FLAGS" => &self.flags,
            "COMPNAME" | "MOD" => &self.provider,
            _ => "",
        });
        for (name, text) in [
            ("Message", &*said),
            ("Function", &*self.function),
            ("FileLine", &*self.place),
            ("LevelName", &*self.level_name),
            ("FlagsName", &*self.flags),
        ] {
            if !text.is_empty() && want.wants(name) {
                event.push(name, text);
            }
        }
        for (value, read) in self.values.iter().zip(&values) {
            if want.wants(&value.name) {
                event.push(&value.name, &read.to_string());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Fields;

    const SAMPLE: &str = r#"// PDB:  mydriver.pdb
// PDB:  Last Updated :2022-1-1:1:1:1:1 (UTC) [tracepdb]
3f9a1d52-6c0e-4b7d-9a44-0d3c5e1f7788 synthetic // SRC=sslfilter.cpp MJ= MN=
#typev sslfilter_cpp123 10 "%0InitializeSecurityContext failed %10!s! for \"%11!s!\", 100%% of %12!04x!" //   LEVEL=TRACE_LEVEL_ERROR FLAGS=TRC_SSL FUNC=CTscSslFilter::Handshake
{
status, ItemHRESULT -- 10
this->name(a, b), ItemWString -- 11
count, ItemLong -- 12
}
#typev sslfilter_cpp124 11 "%0%!FUNC! no values"
#typev sslfilter_cpp125 12 "%0bad %10!s!"
{
x, ItemNobodyKnows -- 10
}
#typev nonsense
"#;

    fn messages() -> (Messages, Vec<Error>) {
        let mut messages = Messages::default();
        let mut problems = Vec::new();
        messages.add(Path::new("x.tmf"), SAMPLE, MESSAGES, &mut problems);
        (messages, problems)
    }

    fn guid() -> Guid {
        Guid::parse("3f9a1d52-6c0e-4b7d-9a44-0d3c5e1f7788").unwrap()
    }

    fn told(message: &Message, payload: &[u8]) -> Vec<(String, String)> {
        let mut event = Event::default();
        message.push(&mut event, true, payload, Want([Some(&Fields::All), None]));
        event.fields().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_message_says_its_values_and_names_them() {
        let (messages, _) = messages();
        let message = messages.get(guid(), 10).unwrap();
        assert_eq!((&*message.provider, message.level), ("synthetic", Some(2)));
        let mut payload = 0x8009_0308u32.to_le_bytes().to_vec();
        payload.extend("srv\0".encode_utf16().flat_map(u16::to_le_bytes));
        payload.extend(10u32.to_le_bytes());
        let fields = told(message, &payload);
        let all: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            all,
            [
                "Message=InitializeSecurityContext failed 0x80090308 for \"srv\", 100% of 000a",
                "Function=CTscSslFilter::Handshake",
                "FileLine=sslfilter.cpp:123",
                "LevelName=TRACE_LEVEL_ERROR",
                "FlagsName=TRC_SSL",
                "status=0x80090308",
                "this->name(a, b)=srv",
                "count=10"
            ]
        );
        assert_eq!(told(messages.get(guid(), 11).unwrap(), &[])[0].1, " no values");
    }

    #[test]
    fn a_payload_that_ends_early_leaves_its_places_open() {
        let (messages, _) = messages();
        let fields = told(messages.get(guid(), 10).unwrap(), &[8, 3, 9, 0x80, 1]);
        assert_eq!(fields[0].1, "InitializeSecurityContext failed 0x80090308 for \"\", 100% of ?");
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line_and_costs_nothing_else() {
        let (messages, problems) = messages();
        assert_eq!(messages.len(), 2);
        let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "x.tmf: line 11: values of a kind that is not known; the message is left out",
                "x.tmf: line 15: no message can be read here"
            ]
        );
    }

    /// What is read of a file of messages with so many values each, and the complaints.
    fn read(values: &[usize], most: usize) -> (usize, Vec<String>) {
        let mut text = "6c6e3cb2-5d8e-4c4c-8f0c-0d6f0c1f6d3a rdpcore // SRC=core.cpp MJ= MN=\n".to_owned();
        for (number, values) in values.iter().enumerate() {
            text.push_str(&format!("#typev core_cpp12 {number} \"%0said\" // LEVEL=ERROR FLAGS=ALL FUNC=Run\n{{\n"));
            for value in 0..*values {
                text.push_str(&format!("v{value}, ItemLong -- {}\n", FIRST + value));
            }
            text.push_str("}\n");
        }
        let (mut messages, mut problems) = (Messages::default(), Vec::new());
        messages.add(Path::new("core.tmf"), &text, most, &mut problems);
        (messages.len(), problems.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn messages_beyond_what_is_kept_are_left_out_and_told() {
        assert_eq!(read(&[1, 1, 1], 3), (3, Vec::new()));
        let (messages, problems) = read(&[1, 1, 1, 1], 2);
        assert_eq!(messages, 2);
        assert!(matches!(&problems[..], [one] if one.contains("line 10: too many messages")), "{problems:?}");
    }

    #[test]
    fn a_message_of_more_values_than_one_can_hold_is_left_out_alone() {
        let (messages, problems) = read(&[VALUES, VALUES + 1, 1], MESSAGES);
        assert_eq!(messages, 2);
        assert!(matches!(&problems[..], [one] if one.contains("more values than a message can hold")), "{problems:?}");
    }
}
