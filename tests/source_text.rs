//! Traces and logs that somebody turned into text: every form in its encodings, broken and hostile.

#![allow(missing_docs, clippy::unwrap_used, clippy::panic)]

use std::fmt::Write;

use jiff::civil::date;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use whyrdp::event::{Damage, Event, Interest, Sink, Stamp};
use whyrdp::source::{Aids, FORMATS, Input, open_with, recognise};

/// What a file told.
#[derive(Default)]
struct Told {
    records: usize,
    stamps: Vec<String>,
    events: Vec<Event>,
    damage: Vec<Damage>,
}

impl Sink for Told {
    fn record(&mut self, stamp: &Stamp<'_>) {
        self.records += 1;
        self.stamps.push(format!("{}/{} {}", stamp.provider, stamp.event_id, stamp.channel).trim_end().to_owned());
    }

    fn event(&mut self, event: &Event) {
        self.events.push(event.clone());
    }

    fn damage(&mut self, damage: Damage) {
        self.damage.push(damage);
    }
}

impl Told {
    fn fields(&self, at: usize) -> String {
        let fields = self.events[at].fields().map(|(name, value)| format!("{name}={value}"));
        fields.collect::<Vec<_>>().join(" ")
    }

    fn times(&self) -> Vec<String> {
        let time = |event: &Event| event.system.time.map_or("none".to_owned(), |time| time.to_string());
        self.events.iter().map(time).collect()
    }

    fn complaints(&self) -> Vec<&str> {
        self.damage.iter().map(|damage| &*damage.what).collect()
    }
}

fn format(bytes: &[u8]) -> Option<&'static str> {
    recognise(&bytes[..bytes.len().min(whyrdp::source::HEAD)]).map(|format| format.name)
}

fn read_as(format: &'static str, bytes: &[u8], interest: &Interest, aids: &Aids) -> Told {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let input = Input { path: file.path().to_owned(), name: "t".into(), format, bytes: bytes.len() as u64 };
    let log = open_with(&input, aids).unwrap();
    let mut told = Told::default();
    (0..log.blocks()).for_each(|block| log.read(block, interest, &mut told));
    told
}

fn read(bytes: &[u8], aids: &Aids) -> Told {
    read_as(format(bytes).unwrap(), bytes, &Interest::everything(), aids)
}

fn told(text: &str) -> Told {
    read(text.as_bytes(), &Aids::default())
}

/// The same text in every encoding that these tools write.
fn encodings(text: &str) -> Vec<Vec<u8>> {
    let little = |mark: &[u8]| mark.iter().copied().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let big = |mark: &[u8]| mark.iter().copied().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
    let ansi = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
    vec![text.as_bytes().to_vec(), marked, little(b"\xFF\xFE"), little(b""), big(b"\xFE\xFF"), ansi]
}

const CLIENT: &str = "Microsoft-Windows-TerminalServices-ClientActiveXCore";
const XML: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<Events>
<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event">
	<System>
		<Provider Name="Microsoft-Windows-TerminalServices-ClientActiveXCore" Guid="{28aa95bb-d444-4719-a36f-40462168127e}" />
		<EventID>1026</EventID>
		<Version>0</Version>
		<Level>4</Level>
		<Task>101</Task>
		<Opcode>11</Opcode>
		<Keywords>0x4000000000000000</Keywords>
		<TimeCreated SystemTime="2022-08-22T17:26:59.586989500+07:59" />
		<Correlation ActivityID="{f4201234-5678-49ab-8cde-0123456789ab}" />
		<Execution ProcessID="7200" ThreadID="7204" ProcessorID="1" KernelTime="0" UserTime="0" />
		<Channel />
		<Computer />
	</System>
	<EventData>
		<Data Name="Name">Größe &amp; &#39;Grund&apos;</Data>
		<Data Name="Value">    2825</Data>
	</EventData>
	<RenderingInfo Culture="de-DE">
		<Level>Informationen </Level>
		<Message>Irgendwas</Message>
	</RenderingInfo>
</Event>
</Events>
"#;

#[test]
fn tracerpt_xml_is_the_event_that_an_event_log_has_in_every_encoding() {
    for bytes in encodings(XML) {
        assert_eq!(format(&bytes), Some("event-xml"));
        let told = read(&bytes, &Aids::default());
        assert_eq!(told.complaints(), [""; 0]);
        let channel = "Microsoft-Windows-TerminalServices-RDPClient/Operational";
        assert_eq!(told.stamps, [format!("{CLIENT}/1026 {channel}")]);
        assert_eq!(told.fields(0), "Name=Größe & 'Grund' Value=2825");
        let system = &told.events[0].system;
        assert_eq!(told.times(), ["2022-08-22T09:26:59.5869895Z"]);
        assert_eq!((system.process_id, system.thread_id, system.level), (Some(7200), Some(7204), Some(4)));
        assert_eq!(system.activity_id.unwrap().to_string(), "F4201234-5678-49AB-8CDE-0123456789AB");
        assert_eq!(&bytes[usize::try_from(told.events[0].origin.position.offset).unwrap()..][..1].len(), &1);
    }
}

#[test]
fn an_exported_event_log_as_xml_keeps_channel_record_and_computer() {
    let text = "<Events><Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
        <Provider Name='Schannel' EventSourceName='Old'/><EventID Qualifiers='0'>36870</EventID>\
        <TimeCreated SystemTime='2024-05-01T08:00:00.1234567Z'/><EventRecordID>77</EventRecordID><Channel>System</Channel>\
        <Computer>SRV01</Computer><Security UserID='S-1-5-18'/></System><UserData><EventXML xmlns='Event_NS'>\
        <Address a='1'>10.0.0.5</Address></EventXML></UserData></Event><Event xmlns='x'><System><Provider Name='A'/>\
        <EventID>1</EventID></System><EventData><Data>one</Data><Data></Data><Binary>00FF</Binary></EventData></Event></Events>";
    let told = told(text);
    assert_eq!(told.complaints(), [""; 0]);
    assert_eq!(told.stamps, ["Schannel/36870 System", "A/1"]);
    assert_eq!(told.fields(0), "Address_a=1 Address=10.0.0.5");
    assert_eq!(told.fields(1), "Data=one Data= Binary=00FF");
    let system = &told.events[0].system;
    assert_eq!((system.record_id, &*system.computer, &*system.user_id), (Some(77), "SRV01", "S-1-5-18"));
    assert_eq!(system.source_name, "Old");
    assert_eq!(told.times()[0], "2024-05-01T08:00:00.1234567Z");
}

#[test]
fn what_tracerpt_left_as_bytes_is_decoded_and_what_nobody_knows_is_for_no_signature() {
    let payload: String =
        "srv".encode_utf16().chain([0]).flat_map(u16::to_le_bytes).fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02X}").unwrap();
            hex
        });
    let event = |guid: &str, id: u32, payload: &str| {
        format!(
            "<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System><Provider Guid=\"{guid}\"/>\
             <EventID>{id}</EventID><Version>0</Version></System><BinaryEventData>{payload}</BinaryEventData></Event>"
        )
    };
    // 1102 has one name and one value.
    let both = format!("{payload}{payload}");
    let known = event("{28aa95bb-d444-4719-a36f-40462168127e}", 1102, &both);
    let unknown = event("{11111111-2222-3333-4444-555555555555}", 10, &both);
    let text = format!("<Events>{known}{unknown}</Events>");
    let told = told(&text);
    assert_eq!(told.events[0].system.provider, CLIENT);
    assert!(told.fields(0).contains("Value=srv"), "{}", told.fields(0));
    assert_eq!(told.records, 2);
    let mut asked = Interest::everything();
    asked.undecoded = false;
    let told = read_as("event-xml", text.as_bytes(), &asked, &Aids::default());
    assert_eq!((told.records, told.events.len()), (2, 1));
}

#[test]
fn tracelogging_and_wpp_of_tracerpt_keep_names_and_words() {
    let text = "<Events><Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\"><System>\
        <Provider Name=\"\" Guid=\"{080656c2-c24f-4660-8f5a-ce83656b0e7c}\"/><EventID>0</EventID></System><EventData>\
        <Data Name=\"ErrorCode\">-2147024894</Data></EventData><RenderingInfo Culture=\"en-US\"><Task>MSRDC_WILFailure</Task>\
        </RenderingInfo></Event><Event xmlns=\"x\"><System><Provider Name=\"sslfilter\" Guid=\"{3f9a1d52-6c0e-4b7d-9a44-0d3c5e1f7788}\"/>\
        <EventID>10</EventID></System><DebugData><SequenceNumber>5</SequenceNumber><Function>Handshake</Function>\
        <Message>failed 0x80090308</Message></DebugData></Event></Events>";
    let told = told(text);
    assert_eq!(told.events[0].system.provider, "Microsoft.Windows.RemoteDesktop.ClientCore");
    assert_eq!(told.fields(0), "ErrorCode=-2147024894 EventName=MSRDC_WILFailure");
    assert_eq!(told.fields(1), "SequenceNumber=5 Function=Handshake Message=failed 0x80090308");
}

#[test]
fn broken_xml_costs_its_event_and_no_other() {
    let event = |inside: &str| {
        format!("<Event xmlns=\"http://schemas.microsoft.com/win/2004/08/events/event\">{inside}</Event>\n")
    };
    let good = event("<System><Provider Name=\"P\"/><EventID>7</EventID></System>");
    let bomb = "<!DOCTYPE x [<!ENTITY a \"aaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
    let entity = event(
        "<System><Provider Name=\"P\"/><EventID>8</EventID></System><EventData><Data Name=\"A\">&b;\u{1}</Data></EventData>",
    );
    let deep =
        event(&format!("<System><Provider Name=\"P\"/><EventID>9</EventID></System><EventData>{}", "<a>".repeat(9999)));
    let unclosed = "<Event xmlns=\"x\"><System><Provider Name=\"P\"/>\n";
    let crossed = event("<System><Provider Name=\"P\"/><EventID>10</System></EventID>");
    let text =
        format!("<?xml version=\"1.0\"?><Events>{good}{bomb}{entity}{deep}{unclosed}{crossed}{}{good}", event("<a/>"));
    let told = read_as("event-xml", text.as_bytes(), &Interest::everything(), &Aids::default());
    assert_eq!(told.stamps, ["P/7", "P/8", "P/9", "P/10", "P/7"]);
    assert_eq!(told.fields(1), "A=&b;\u{1}");
    let places: Vec<_> = told.damage.iter().map(|damage| usize::try_from(damage.offset).unwrap()).collect();
    assert!(places.iter().all(|at| text[*at..].starts_with("<Event ")), "{places:?}");
    assert_eq!(
        told.complaints(),
        [
            "elements nested too deep: the rest of the event is missing",
            "an event without its end; it is missing",
            "an event without a provider; it is missing"
        ]
    );
}

const CSV: &str = concat!(
    "      Event Name,       Type,   Event ID,    Version,    Channel,      Level,     Opcode,       Task,            Keyword,       PID,        TID,  Processor Number,  Instance ID, Parent Instance ID,                          Activity ID,                  Related Activity ID,           Clock-Time,    Kernel(ms),      User(ms), User Data\r\n",
    "EventTrace,     Header,  0,  2,  0,  0,  0,  0,  0x0000000000000000, 0x00001A2C, 0x00000F30,  0,  ,  , {00000000-0000-0000-0000-000000000000}, , 133012312195869895,  0,  0,  65536, 1\r\n",
    "Microsoft-Windows-TerminalServices-ClientActiveXCore,       Info,  1026,  0,  16,  4,  11,  101,  0x4000000000000000, 0x00001C20, 0x00001C24,  1,  ,  , {F4201234-5678-49AB-8CDE-0123456789AB}, {00000000-0000-0000-0000-000000000000}, 133012312195869895,  0,  0, \"Größe, \"oder\" so\", 2825, \"Info\"\r\n",
    "{11111111-2222-3333-4444-555555555555},         10,  10,  0,  0,  0,  10,  0,  0x0, 0x00000F30, 0x00000F31,  0,  ,  , {00000000-0000-0000-0000-000000000000}, , 133012312195869900,  0,  0, 0x00\r\n",
);

#[test]
fn tracerpt_csv_gets_the_names_of_its_fields_from_the_layout() {
    for bytes in encodings(CSV) {
        assert_eq!(format(&bytes), Some("tracerpt-csv"));
        let told = read(&bytes, &Aids::default());
        assert_eq!(told.complaints(), [""; 0]);
        assert_eq!(told.records, 3);
        assert_eq!(told.fields(0), "Name=Größe, \"oder\" so Value=2825 CustomLevel=Info");
        let system = &told.events[0].system;
        assert_eq!(told.times()[0], "2022-07-02T10:26:59.5869895Z");
        assert_eq!((&*system.provider, system.process_id, system.level), (CLIENT, Some(7200), Some(4)));
        assert_eq!(system.channel, "Microsoft-Windows-TerminalServices-RDPClient/Operational");
        assert_eq!(system.activity_id.unwrap().to_string(), "F4201234-5678-49AB-8CDE-0123456789AB");
        let mut asked = Interest::everything();
        asked.undecoded = false;
        assert_eq!(read_as("tracerpt-csv", &bytes, &asked, &Aids::default()).events.len(), 1);
    }
}

#[test]
fn broken_lines_of_a_csv_are_told_with_their_place() {
    let row =
        "P, Info,  7,  0,  16,  4,  11,  101,  0x4, 0x00001C20, 0x00001C24,  1,  ,  , , , 133012312195869895,  0,  0, ";
    let header = CSV.lines().next().unwrap();
    let text = format!("{header}\n{row}\"two\nlines\", 5\n{row}1\nrubbish, and more\n{row}\"open,\0\n{row}2");
    let told = told(&text);
    assert_eq!(told.records, 4);
    assert_eq!(told.fields(0), "Data=two\nlines Data=5");
    assert_eq!(told.complaints(), ["lines behind this event are none themselves; they are missing"]);
    assert_eq!(usize::try_from(told.damage[0].offset).unwrap(), text.find(&format!("{row}1")).unwrap());
}

#[test]
fn lines_of_three_tools_are_read_in_the_zone_that_was_told() {
    let text = "EventTrace\r\n\
        [0]08FC.2CB4::2023/06/22-18:55:06.496885100 [Microsoft-Windows-TCPIP]TCP: größer (remote=10.0.0.5:3389) 0xC0000236.\r\n\
        \tmore of it\r\n\
        [0]0888.0D60::06/22/2023-18:55:07.173 [tracedrv]Hello, 1 Hi\r\n\
        [00]0001.0002::2023-06-22 18:55:08.100000000 [Microsoft-Windows-TCPIP] x\r\n\
        Unknown( 10): GUID=37753236-c81f-505e-d40a-128d3bb2b5ff (No Format Information found).\r\n\
        [0]0888.0D60::06/99/2023-18:55:07.173 [tracedrv]no day\r\n";
    let aids = Aids { zone: TimeZone::get("Europe/Berlin").ok(), ..Aids::default() };
    for bytes in encodings(text) {
        assert_eq!(format(&bytes), Some("trace-text"));
        let told = read(&bytes, &aids);
        assert_eq!(
            told.stamps,
            [
                "Microsoft-Windows-TCPIP/0",
                "tracedrv/0",
                "Microsoft-Windows-TCPIP/0",
                "{37753236-c81f-505e-d40a-128d3bb2b5ff}/10"
            ]
        );
        assert_eq!(told.times()[0], "2023-06-22T16:55:06.4968851Z");
        assert_eq!(told.times()[1..], ["2023-06-22T16:55:07.1730000Z", "2023-06-22T16:55:08.1000000Z"]);
        assert_eq!(
            told.fields(0),
            "Message=TCP: größer (remote=10.0.0.5:3389) 0xC0000236.\n\tmore of it Code=0xC0000236 Address=10.0.0.5:3389"
        );
        assert_eq!(told.events[0].system.process_id, Some(0x8FC));
        assert_eq!(told.complaints(), ["a line whose time cannot be read; it is missing"]);
    }
}

const FREERDP: &str = "loading\n\
    [23:59:58:671] [39108:39109] [DEBUG][com.freerdp.core] - freerdp_connect:freerdp_set_last_error_ex resetting error state\n\
    [00:00:03:001] [39108:39109] [ERROR][com.freerdp.core] - transport_connect_tls:freerdp_set_last_error_ex ERRCONNECT_TLS_CONNECT_FAILED [0x00020008]\n\
    [00:00:03:000] [39108:6d5a3000] [INFO][com.freerdp.core.rdp] - [rdp_print_errinfo]: ERRINFO_LOGOFF_BY_USER (0x0000000C):x\n\
    Certificate details:\n";

#[test]
fn freerdp_lines_of_both_versions_pass_midnight() {
    let aids = Aids { day: Some(date(2026, 11, 20)), zone: TimeZone::get("Europe/Berlin").ok(), ..Aids::default() };
    for bytes in encodings(FREERDP) {
        assert_eq!(format(&bytes), Some("freerdp-log"));
        let told = read(&bytes, &aids);
        let night = ["2026-11-20T22:59:58.6710000Z", "2026-11-20T23:00:03.0010000Z", "2026-11-20T23:00:03.0000000Z"];
        assert_eq!(told.times(), [&["none"], &night[..], &night[2..]].concat());
        assert_eq!(
            told.fields(2),
            "Tag=com.freerdp.core Function=transport_connect_tls Message=transport_connect_tls:freerdp_set_last_error_ex \
             ERRCONNECT_TLS_CONNECT_FAILED [0x00020008] Symbol=ERRCONNECT_TLS_CONNECT_FAILED Code=0x00020008"
        );
        assert_eq!(told.fields(3).split(' ').next_back(), Some("Code=0x0000000C"));
        assert_eq!(told.fields(4), "Message=Certificate details:");
        assert!(told.events.iter().all(|event| event.system.provider == "FreeRDP" && event.system.event_id == 1));
    }
}

#[test]
fn a_freerdp_log_without_a_day_ends_when_it_was_written_and_says_so() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), FREERDP).unwrap();
    let written = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
    std::fs::File::options().write(true).open(file.path()).unwrap().set_modified(written).unwrap();
    let input =
        Input { path: file.path().to_owned(), name: "t".into(), format: "freerdp-log", bytes: FREERDP.len() as u64 };
    let log = open_with(&input, &Aids::default()).unwrap();
    let mut told = Told::default();
    log.read(0, &Interest::everything(), &mut told);
    assert_eq!(told.times()[1..3], ["2023-11-13T23:59:58.6710000Z", "2023-11-14T00:00:03.0010000Z"]);
    let [damage] = &log.damage()[..] else { panic!("one notice") };
    assert!(damage.what.contains("2023-11-14") && damage.what.contains("--trace-day") && !damage.lost);
}

#[test]
fn nights_are_counted_across_blocks() {
    let mut text = String::new();
    for day in 0..3 {
        for second in 0..86_400 / 8 {
            let at = second * 8;
            let (hour, minute, second) = (at / 3600, at / 60 % 60, at % 60);
            writeln!(text, "[{hour:02}:{minute:02}:{second:02}:000] [1:2] [INFO][com.freerdp.core] - day {day}")
                .unwrap();
        }
    }
    let aids = Aids { day: Some(date(2026, 1, 30)), ..Aids::default() };
    let told = read(text.as_bytes(), &aids);
    assert!(text.len() > 1 << 20 && told.records == 32_400);
    for event in &told.events {
        let day =
            ["2026-01-30", "2026-01-31", "2026-02-01"][event.field("Message").unwrap()[4..].parse::<usize>().unwrap()];
        assert!(event.system.time.unwrap().to_string().starts_with(day));
    }
}

#[test]
fn other_texts_are_no_traces() {
    for text in [
        "",
        "[",
        "<html><body>Event</body></html>",
        "<Eventual/>",
        "a,b,c\n1,2,3\n",
        "[section]\nkey=value\n",
        "2024-05-01 08:00:00 W3SVC1 GET /",
        "<?xml version=\"1.0\"?><Event>other people's</Event>",
    ] {
        for bytes in encodings(text) {
            assert_eq!(format(&bytes), None, "{text}");
        }
    }
}

fn samples() -> [(&'static str, String); 4] {
    let trace = "[0]08FC.2CB4::2023/06/22-18:55:06.496885100 [Microsoft-Windows-TCPIP]TCP: (remote=10.0.0.5:3389) 0xC0000236.\n";
    [
        ("event-xml", XML.to_owned()),
        ("tracerpt-csv", CSV.to_owned()),
        ("trace-text", trace.to_owned()),
        ("freerdp-log", FREERDP.to_owned()),
    ]
}

#[test]
fn every_format_survives_a_file_of_one_endless_line() {
    for (name, sample) in samples() {
        let start = sample.trim_end().trim_end_matches("</Events>").trim_end().trim_end_matches("</Event>");
        for fill in [b'x', b'<', b'"', b',', 0, b'['] {
            let mut bytes = start.as_bytes().to_vec();
            bytes.resize(3 << 20, fill);
            let told = read_as(name, &bytes, &Interest::everything(), &Aids::default());
            assert!(!told.damage.is_empty(), "{name} {fill}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_a_reader_panic_or_unfold(cuts in prop::collection::vec((0usize..4000, 0usize..60, "[\\PC\u{0}<>&\"\\[\\],\n]{0,12}"), 0..8), encoding in 0usize..6) {
        for (name, sample) in samples() {
            let mut text = sample;
            for (at, length, insert) in &cuts {
                let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
                let Some(from) = ends.get(at % ends.len().max(1)).copied() else { continue };
                let to = ends.iter().copied().find(|end| *end >= from + length).unwrap_or(text.len());
                text.replace_range(from..to, &insert.chars().map(|c| if u32::from(c) < 256 { c } else { '?' }).collect::<String>());
            }
            let bytes = encodings(&text).swap_remove(encoding);
            let told = read_as(name, &bytes, &Interest::everything(), &Aids::default());
            let size: usize = told.events.iter().flat_map(Event::fields).map(|(name, value)| name.len() + value.len()).sum();
            prop_assert!(size <= 4 * bytes.len() + 100);
        }
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        for format in FORMATS.iter().filter(|format| !["evtx", "etl"].contains(&format.name)) {
            (format.sniff)(&bytes);
            if samples().iter().any(|(name, _)| *name == format.name) {
                read_as(format.name, &bytes, &Interest::everything(), &Aids::default());
            }
        }
    }
}
