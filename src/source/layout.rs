//! What the values of an event in a trace are called and how they are stored: a trace holds the
//! values alone. Facts of the providers' manifests, from `signatures/layouts/`; knows no format.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use crate::event::Guid;

static TABLES: &str = include_str!(concat!(env!("OUT_DIR"), "/layouts.tsv"));

/// How a value is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// UTF-16 up to NUL, or of as many characters as its length says.
    Utf16,
    /// 8-bit text up to NUL, or of as many bytes as its length says.
    Ansi,
    /// Behind its length in bytes (16 bit): UTF-16.
    CountedUtf16,
    /// Behind its length: 8-bit text.
    CountedAnsi,
    /// Behind its length: bytes.
    CountedBytes,
    /// Bytes, of the length that the layout says, or what the others leave.
    Bytes,
    /// Signed, of so many bytes.
    Signed(u8),
    /// Unsigned.
    Unsigned(u8),
    /// Unsigned, shown in hex.
    Hex(u8),
    /// 4 or 8 bytes.
    Float(u8),
    /// 4 bytes.
    Boolean,
    /// 4 or 8 bytes, as the writer was a 32- or 64-bit process.
    Pointer,
    /// 16 bytes.
    Guid,
    /// FILETIME.
    FileTime,
    /// SYSTEMTIME.
    SystemTime,
    /// A SID.
    Sid,
}

/// How a value is shown where that does not follow from how it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Show {
    /// As its kind.
    #[default]
    Plain,
    /// In hex.
    Hex,
    /// As signed.
    Signed,
    /// As true or false.
    Boolean,
    /// As a character.
    Character,
    /// 8-bit text that is UTF-8.
    Utf8,
    /// Port in network order.
    Port,
    /// IPv4 address in network order.
    Ip4,
    /// IPv6 or IPv4 address or socket address, by its bytes.
    Address,
    /// FILETIME.
    Time,
}

/// A length or count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Not told.
    Free,
    /// This many.
    Fixed(usize),
    /// As many as the field of this position says.
    Field(usize),
}

/// A field of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub show: Show,
    pub length: Extent,
    pub count: Extent,
}

/// One layout of an event.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub version: Option<u8>,
    pub first_build: u32,
    pub last_build: u32,
    /// Full name, empty where none is known.
    pub channel: &'static str,
    pub fields: Vec<Field>,
}

/// A provider, or a class of classic events.
pub(super) struct Provider {
    pub name: &'static str,
    /// GUID of the provider, which for a class is not that of the class.
    pub guid: Guid,
    /// Its lines.
    text: &'static str,
    layouts: OnceLock<FxHashMap<u32, Vec<Layout>>>,
}

impl Provider {
    /// Layouts of an event, the newest first.
    pub fn layouts(&self, event_id: u32) -> &[Layout] {
        // Read when first met: most traces hold few of the providers.
        let all = self.layouts.get_or_init(|| read_layouts(self.text));
        all.get(&event_id).map_or(&[], Vec::as_slice)
    }
}

/// Every provider and class that is known.
pub(super) struct Known {
    providers: FxHashMap<Guid, Provider>,
    classes: FxHashMap<Guid, Provider>,
    names: OnceLock<FxHashMap<String, Guid>>,
}

impl Known {
    /// What comes with the program.
    pub fn get() -> &'static Known {
        static KNOWN: OnceLock<Known> = OnceLock::new();
        KNOWN.get_or_init(|| Known::read(TABLES))
    }

    /// A provider by its GUID.
    pub fn provider(&self, guid: Guid) -> Option<&Provider> {
        self.providers.get(&guid)
    }

    /// A provider by its name, in any case of letters.
    pub fn named(&self, name: &str) -> Option<&Provider> {
        let guids = self.names.get_or_init(|| {
            // Of several of one name the one whose events are known.
            let mut all: Vec<_> =
                self.providers.iter().map(|(guid, known)| (known.text.is_empty(), *guid, known)).collect();
            all.sort_unstable_by_key(|(unknown, guid, _)| std::cmp::Reverse((*unknown, *guid)));
            all.into_iter().map(|(_, guid, known)| (known.name.to_ascii_lowercase(), guid)).collect()
        });
        self.provider(*guids.get(&name.to_ascii_lowercase())?)
    }

    /// A class of classic events by its GUID.
    pub fn class(&self, guid: Guid) -> Option<&Provider> {
        self.classes.get(&guid)
    }

    fn read(text: &'static str) -> Self {
        let mut known =
            Known { providers: FxHashMap::default(), classes: FxHashMap::default(), names: OnceLock::new() };
        let mut rest = text;
        while !rest.is_empty() {
            let line = first_line(rest);
            let mut cells = line.split('\t');
            let kind = cells.next().unwrap_or_default();
            let guid = cells.next().and_then(Guid::parse);
            let mut taken = line.len() + 1;
            match (kind, guid) {
                ("provider" | "name", Some(guid)) => {
                    let body = rest.get(taken..).unwrap_or_default();
                    let length = if kind == "provider" { block(body) } else { 0 };
                    taken += length;
                    let name = cells.next().unwrap_or_default();
                    known.providers.entry(guid).or_insert_with(|| provider(name, guid, &body[..length]));
                }
                // Lines of one class are neighbours; each begins with the same GUID.
                ("class", Some(guid)) => {
                    let prefix = line.get(..line.len().min(44)).unwrap_or_default();
                    let lines = rest.lines().take_while(|line| line.starts_with(prefix));
                    taken = lines.map(|line| line.len() + 1).sum::<usize>().max(taken);
                    let mut cells = cells.skip(2);
                    let control = cells.next().and_then(Guid::parse).unwrap_or(guid);
                    let body = rest.get(..taken.min(rest.len())).unwrap_or_default();
                    let name = cells.next().unwrap_or_default();
                    known.classes.insert(guid, provider(name, control, body));
                }
                _ => {}
            }
            rest = rest.get(taken..).unwrap_or_default();
        }
        known
    }
}

fn provider(name: &'static str, guid: Guid, text: &'static str) -> Provider {
    Provider { name, guid, text, layouts: OnceLock::new() }
}

fn first_line(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default()
}

/// Bytes of the lines that belong to a provider.
fn block(body: &str) -> usize {
    let own = |line: &&str| !["provider\t", "name\t", "class\t"].iter().any(|start| line.starts_with(start));
    body.split_inclusive('\n').take_while(own).map(str::len).sum()
}

fn read_layouts(text: &'static str) -> FxHashMap<u32, Vec<Layout>> {
    let mut channels: Vec<(&str, &'static str)> = Vec::new();
    let mut all: FxHashMap<u32, Vec<Layout>> = FxHashMap::default();
    for line in text.lines() {
        let cells: Vec<&'static str> = line.split('\t').collect();
        match cells[..] {
            ["channel", word, name] => channels.push((word, name)),
            ["class", _, id, version, _, _, fields] => {
                if let Ok(id) = id.parse() {
                    all.entry(id).or_default().push(layout(version, "0", "0", "", fields));
                }
            }
            [id, version, first, last, word, fields] => {
                let channel = channels.iter().find(|(known, _)| *known == word).map_or("", |(_, name)| name);
                if let Ok(id) = id.parse() {
                    all.entry(id).or_default().push(layout(version, first, last, channel, fields));
                }
            }
            _ => {}
        }
    }
    all
}

fn layout(version: &str, first: &str, last: &str, channel: &'static str, fields: &'static str) -> Layout {
    let mut known: Vec<Field> = Vec::new();
    for text in fields.split('|').filter(|text| !text.is_empty()) {
        known.extend(field(text, &known));
    }
    Layout {
        version: version.parse().ok(),
        first_build: first.parse().unwrap_or(0),
        last_build: last.parse().unwrap_or(0),
        channel,
        fields: known,
    }
}

/// `NAME:TYPE[=LENGTH][*COUNT][>SHOWN]`
fn field(text: &'static str, before: &[Field]) -> Option<Field> {
    let (name, rest) = text.split_once(':')?;
    let (rest, show) = rest.split_once('>').unwrap_or((rest, ""));
    let (rest, count) = rest.split_once('*').unwrap_or((rest, ""));
    let (kind, length) = rest.split_once('=').unwrap_or((rest, ""));
    let extent = |text: &str| match text.parse() {
        Ok(number) => Extent::Fixed(number),
        Err(_) => before.iter().position(|field| field.name == text).map_or(Extent::Free, Extent::Field),
    };
    Some(Field {
        name,
        kind: kind_of(kind)?,
        show: match show {
            "addr" => Show::Address,
            "ip4" => Show::Ip4,
            "port" => Show::Port,
            _ => Show::Plain,
        },
        length: extent(length),
        count: extent(count),
    })
}

fn kind_of(word: &str) -> Option<Kind> {
    Some(match word {
        "s" => Kind::Utf16,
        "a" => Kind::Ansi,
        "b" => Kind::Bytes,
        "i8" => Kind::Signed(1),
        "i16" => Kind::Signed(2),
        "i32" => Kind::Signed(4),
        "i64" => Kind::Signed(8),
        "u8" => Kind::Unsigned(1),
        "u16" => Kind::Unsigned(2),
        "u32" => Kind::Unsigned(4),
        "u64" => Kind::Unsigned(8),
        "x32" => Kind::Hex(4),
        "x64" => Kind::Hex(8),
        "f32" => Kind::Float(4),
        "f64" => Kind::Float(8),
        "bool" => Kind::Boolean,
        "ptr" => Kind::Pointer,
        "guid" => Kind::Guid,
        "filetime" => Kind::FileTime,
        "systemtime" => Kind::SystemTime,
        "sid" => Kind::Sid,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_tables_is_read_whole() {
        let known = Known::get();
        assert!(known.providers.len() > 100 && known.classes.len() > 10);
        let mut events = 0;
        for line in TABLES.lines() {
            let cells: Vec<&'static str> = line.split('\t').collect();
            let fields = match cells[..] {
                ["provider" | "name", guid, name] => {
                    let guid = Guid::parse(guid).unwrap();
                    assert_eq!(known.provider(guid).map(|known| known.name), Some(name));
                    continue;
                }
                ["channel", _, _] => continue,
                ["class", guid, id, _, _, _, fields] => {
                    let class = known.class(Guid::parse(guid).unwrap()).unwrap();
                    assert!(!class.layouts(id.parse().unwrap()).is_empty(), "{line}");
                    fields
                }
                [id, _, _, _, _, fields] if id.parse::<u16>().is_ok() => fields,
                _ => panic!("{line}"),
            };
            let count = fields.split('|').filter(|text| !text.is_empty()).count();
            let read = layout("0", "0", "0", "", fields).fields;
            assert_eq!(read.len(), count, "{line}");
            for (field, text) in read.iter().zip(fields.split('|')) {
                let told = text.contains('=') || text.contains('*');
                let known = field.length != Extent::Free || field.count != Extent::Free;
                assert_eq!(told, known, "{text} in {line}");
            }
            events += 1;
        }
        assert!(events > 3000);
    }

    #[test]
    fn a_layout_has_the_channel_that_event_logs_name() {
        let client = known("{28aa95bb-d444-4719-a36f-40462168127e}");
        let [layout] = client.layouts(226) else { panic!("one layout") };
        assert_eq!(layout.channel, "Microsoft-Windows-TerminalServices-RDPClient/Operational");
        assert_eq!(layout.fields.last().map(|field| field.name), Some("Error Code"));
        assert_eq!(client.layouts(1003).len(), 2);
        assert!(client.layouts(9).is_empty());
    }

    fn known(guid: &str) -> &'static Provider {
        Known::get().provider(Guid::parse(guid).unwrap()).unwrap()
    }
}
