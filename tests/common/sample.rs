//! A report made by hand that has something of everything: two causes (one behind the
//! other), a weak one, hostile names, localized text, damage, noise and gaps.

use whyrdp::event::Time;
use whyrdp::evidence::{EventRef, Field};
use whyrdp::report::kept::Kept;
use whyrdp::report::model::*;
use whyrdp::signature::definition::{Bearing, Outcome, Phase, Severity};

const RCM: &str = "Microsoft-Windows-TerminalServices-RemoteConnectionManager";
const CORE: &str = "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS";
const CLIENT: &str = "Microsoft-Windows-TerminalServices-ClientActiveXCore";
const SECURITY: &str = "Microsoft-Windows-Security-Auditing";

/// A user name that tries to clear the screen, forge a row and turn the line around.
pub const HOSTILE: &str = "CORP\\eve\u{1b}[2J\r\n09:00 logon ok\u{202e}nimda\u{200b}";

pub fn time(text: &str) -> Time {
    Time::parse(&format!("2024-05-{text}Z")).unwrap()
}

pub fn name(number: u128) -> EventRef {
    EventRef(number << 64 | number)
}

/// The whole report.
pub fn report() -> Report {
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "whyrdp".into(), version: "0.1.0".into(), signatures_sha256: "ab".repeat(32) },
        complaint: Some(Complaint {
            code: Some(0x904),
            extended: Some(7),
            said: Some("Es ist ein interner Fehler aufgetreten.".into()),
            attempts: vec![name(101), name(102)],
        }),
        summary: Summary {
            attempts: 4,
            failed: 3,
            dropped: 0,
            abandoned: 0,
            established: 1,
            unknown: 0,
            top_cause: Some("private_key_acl".into()),
            first: Some(time("01T07:00:00")),
            last: Some(time("02T09:15:00.5")),
        },
        causes: vec![root_cause(), consequence(), weak_cause()],
        ruled_out: ruled_out(),
        findings: vec![finding()],
        attempts: attempts(),
        noise: vec![Noise {
            host: "SRV01".into(),
            client_ip: Some("203.0.113.77".into()),
            count: 12_345,
            first: time("01T00:00:00"),
            last: time("02T10:00:00"),
            what: "TCP connections that never asked for anything".into(),
        }],
        timeline: timeline(),
        coverage: coverage(),
        inputs: inputs(),
    }
}

fn cited(event: u128, signature: &str, role: Bearing, why: &str) -> Cited {
    Cited { event: name(event), signature: signature.into(), role, why: why.into() }
}

fn cause(id: &str, title: &str, severity: Severity, verdict: Level, score: u8) -> CauseReport {
    CauseReport {
        id: id.into(),
        family: "certificate".into(),
        title: title.into(),
        severity,
        verdict,
        score,
        explanation: String::new(),
        attempts: vec![name(101), name(102)],
        guesses_only: false,
        hosts: vec!["SRV01".into()],
        evidence: vec![],
        evidence_total: 0,
        absent: vec![],
        first: Some(time("02T09:00:00.1234567")),
        last: Some(time("02T09:15:00.5")),
        last_success: None,
        scope: Scope::default(),
        changes: vec![],
        caused_by: vec![],
        fix: vec![],
        avoid: vec![],
        verify: vec![],
        attack: vec![],
        references: vec![],
    }
}

fn root_cause() -> CauseReport {
    CauseReport {
        explanation: "TermService runs as NETWORK SERVICE and cannot open the private key of the certificate that the \
                      listener is bound to, so every TLS handshake ends before a user is asked for. Two proofs stand \
                      inside the attempts; nothing speaks against it."
            .into(),
        evidence: vec![
            cited(3, "schannel_36870_key_access", Bearing::Proof, "Schannel could not open the private key while the connection was in its TLS handshake."),
            cited(4, "schannel_36870_key_access", Bearing::Proof, "Schannel could not open the private key while the connection was in its TLS handshake."),
            cited(12, "schannel_36870_key_access", Bearing::Proof, "Schannel could not open the private key while the connection was in its TLS handshake."),
            cited(13, "schannel_36870_key_access", Bearing::Proof, "Schannel could not open the private key while the connection was in its TLS handshake."),
            cited(2, "rcm_1057_no_certificate", Bearing::Standing, "The service could not make a certificate of its own since it started."),
        ],
        evidence_total: 7,
        absent: vec![Absent {
            signature: "rdpcorets_132_authenticated".into(),
            channel: "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational".into(),
            host: "SRV01".into(),
            role: Bearing::Support,
            why: "Nobody was authenticated although the log covers the time.".into(),
        }],
        last_success: Some(time("01T07:00:00")),
        scope: Scope {
            users: Hit { affected: 2, seen: 3 },
            clients: Hit { affected: 2, seen: 2 },
            servers: Hit { affected: 1, seen: 1 },
        },
        changes: vec![Change { event: name(1), what: "update KB5037765 was installed".into() }],
        fix: vec![
            "Give NETWORK SERVICE read access to the key file:\nicacls %ProgramData%\\Microsoft\\Crypto\\Keys\\<name> /grant \"NETWORK SERVICE:R\"".into(),
            "Restart TermService; sessions that run are cut.".into(),
        ],
        avoid: vec!["Do not set SecurityLayer to 0: it turns off TLS and Network Level Authentication for everyone.".into()],
        verify: vec!["Get-WinEvent -FilterHashtable @{LogName='System';ProviderName='Schannel';Id=36870} -MaxEvents 1 shows nothing newer than the restart.".into()],
        references: vec!["https://learn.microsoft.com/troubleshoot/windows-server/remote/rdp-error-general-troubleshooting".into()],
        ..cause("private_key_acl", "TermService cannot read the private key of the listener's certificate", Severity::Critical, Level::Confirmed, 97)
    }
}

fn consequence() -> CauseReport {
    CauseReport {
        explanation: "The listener offers no certificate that a client accepts.".into(),
        evidence: vec![cited(
            5,
            "client_226_ssl_state",
            Bearing::Support,
            "The client's state machine broke in its TLS layer.",
        )],
        caused_by: vec!["private_key_acl".into()],
        attempts: vec![name(101)],
        ..cause(
            "listener_without_certificate",
            "Listener has no usable certificate",
            Severity::High,
            Level::Probable,
            70,
        )
    }
}

fn weak_cause() -> CauseReport {
    CauseReport {
        family: "account".into(),
        explanation: "The password was wrong.".into(),
        evidence: vec![cited(
            7,
            "security_4625_rdp",
            Bearing::Support,
            "A logon over the network failed in the same minute.",
        )],
        attempts: vec![name(103)],
        verify: vec!["Look at SubStatus of the 4625 record: 0xC000006A is a wrong password.".into()],
        ..cause("wrong_password", "Wrong password", Severity::Medium, Level::Possible, 30)
    }
}

fn ruled_out() -> Vec<RuledOut> {
    let family = |family: &str, because: &str, why: &str| RuledOut {
        id: None,
        family: Some(family.into()),
        because: because.into(),
        why: why.into(),
        events: vec![],
    };
    vec![
        RuledOut {
            id: Some("certificate_expired".into()),
            family: None,
            because: "refuted".into(),
            why: "the certificate was renewed on 2024-04-30".into(),
            events: vec![name(2)],
        },
        family("licensing", "phase-not-reached", "no failed attempt came as far as licensing"),
        family("graphics-protocol-udp", "phase-not-reached", "no failed attempt came as far as graphics"),
        family("network", "phase-passed", "the server accepted every connection"),
    ]
}

fn finding() -> Finding {
    Finding {
        id: "password_spray".into(),
        title: "Many user names tried from one address".into(),
        severity: Severity::High,
        attack: vec!["T1110.003".into()],
        host: Some("SRV01".into()),
        count: 812,
        first: Some(time("01T00:00:00")),
        last: Some(time("01T03:00:00")),
        evidence: vec![name(7)],
    }
}

fn code(code: u32, symbol: &str, meaning: &str) -> CodeReport {
    CodeReport {
        code,
        hex: format!("{code:#x}"),
        symbol: Some(symbol.into()),
        meaning: Some(meaning.into()),
        from: "client log".into(),
    }
}

fn attempt(id: u128, start: &str, user: &str, outcome: Outcome) -> AttemptReport {
    AttemptReport {
        id: name(id),
        start: time(start),
        end: time(start).plus(35_000_000),
        basis: Basis::Both,
        client: ClientEnd { host: Some("CLIENT7".into()), ip: Some("10.0.0.7".into()), windows_user: None },
        server: ServerEnd { host: Some("SRV01".into()), typed_name: Some("srv01.corp.example".into()), ip: None },
        gateway: None,
        user: Some(user.into()),
        outcome,
        phase: Some(Phase::Tls),
        phase_limit: Some(Phase::Credssp),
        disconnect: None,
        extended: None,
        connections: vec![ConnectionReport {
            side: "server".into(),
            activity_id: Some("F4201234-5678-49AB-8CDE-0123456789AB".into()),
            host: "SRV01".into(),
            peer: Some("10.0.0.7".into()),
            start: time(start),
            end: time(start).plus(35_000_000),
            phase: Some(Phase::Tls),
            outcome,
        }],
        join: Join { by: vec!["server name".into(), "time".into()], ambiguous: false },
        verdicts: vec![],
        ruled_out: vec![],
        events: vec![],
    }
}

fn attempts() -> Vec<AttemptReport> {
    let established = AttemptReport {
        phase: Some(Phase::Established),
        phase_limit: None,
        ..attempt(100, "01T07:00:00", "CORP\\alice", Outcome::Established)
    };
    let first = AttemptReport {
        disconnect: Some(code(0x904, "SSL_ERR_FRESH_CRED", "the connection broke while it was set up")),
        extended: Some(code(7, "exDiscReasonServerDeniedConnection", "the server denied the connection")),
        verdicts: vec![Verdict {
            cause: "private_key_acl".into(),
            verdict: Level::Confirmed,
            score: 97,
            evidence: vec![cited(3, "schannel_36870_key_access", Bearing::Proof, "the key could not be opened")],
            caused_by: vec![],
        }],
        ruled_out: ruled_out(),
        events: vec![name(3), name(4), name(5)],
        ..attempt(101, "02T09:00:00.1234567", "CORP\\alice", Outcome::Failed)
    };
    let second = AttemptReport {
        gateway: Some(GatewayEnd {
            host: Some("GW1".into()),
            client_ip: Some("198.51.100.4".into()),
            target: Some("srv01".into()),
        }),
        events: vec![name(12), name(13)],
        ..attempt(102, "02T09:10:00", "CORP\\Jürgen Müller-Lüdenscheidt", Outcome::Failed)
    };
    let hostile = AttemptReport {
        client: ClientEnd { host: None, ip: Some("203.0.113.77".into()), windows_user: None },
        basis: Basis::Implied,
        phase: None,
        phase_limit: None,
        events: vec![name(7)],
        ..attempt(103, "02T09:15:00.5", HOSTILE, Outcome::Failed)
    };
    vec![established, first, second, hostile]
}

fn row(id: u128, at: &str, provider: &str, event_id: u32, attempt: Option<u128>, message: &str) -> Row {
    let client = provider == CLIENT;
    Row::Event(Box::new(EventRow {
        event: name(id),
        time: time(at),
        // The client's clock is 2.75 s behind.
        aligned_time: Some(if client { time(at).plus(27_500_000) } else { time(at) }),
        host: if client { "CLIENT7".into() } else { "SRV01".into() },
        role: Some(if client { "client".into() } else { "server".into() }),
        channel: "System".into(),
        provider: provider.into(),
        event_id,
        record_id: Some(4711 + u64::try_from(id).unwrap()),
        phase: attempt.map(|_| Phase::Tls),
        level: Some(if event_id == 36870 { RecordLevel::Error } else { RecordLevel::Information }),
        message: message.into(),
        signatures: vec!["sample_rule".into()],
        attempt: attempt.map(name),
        source: Place { path: "SRV01/System.evtx".into(), offset: 4096, within: 0 },
        kept: Kept {
            version: Some(1),
            activity_id: Some("F420C4B1-59EF-4A1C-8A0B-2F0C1A3B0000".into()),
            process_id: Some(1084),
            user_id: Some("S-1-5-20".into()),
            fields: fields(client),
            cut: false,
        },
    }))
}

/// Values as Windows writes them: named, without a name, empty, and from a stranger.
fn fields(client: bool) -> Vec<Field> {
    let field = |name: &str, value: &str| Field(name.into(), value.into());
    if client {
        return vec![field("Name", "Server Name"), field("Value", "srv01"), field("CustomLevel", "Info")];
    }
    vec![
        field("TargetUserName", HOSTILE),
        field("IpAddress", "-"),
        field("Status", "0xC000006D"),
        field("Data", "=1+1"),
        field("Data", ""),
        field("a.b", "dotted"),
    ]
}

fn timeline() -> Vec<Row> {
    let key = "A fatal error occurred when attempting to access the TLS server credential private key (0x8009030D, internal state 10001).";
    vec![
        row(
            1,
            "01T22:00:00",
            "Microsoft-Windows-WindowsUpdateClient",
            19,
            None,
            "Installation erfolgreich: Sicherheitsupdate für Windows (KB5037765)",
        ),
        row(
            2,
            "02T06:00:00.25",
            RCM,
            1057,
            None,
            "The RD Session Host Server has failed to create a new self signed certificate: Zugriff verweigert",
        ),
        row(
            31,
            "02T09:00:00.1234567",
            CORE,
            131,
            Some(101),
            "The server accepted a new TCP connection from client 10.0.0.7:50123",
        ),
        row(3, "02T09:00:00.2", "Schannel", 36870, Some(101), key),
        row(4, "02T09:00:00.3", "Schannel", 36870, Some(101), key),
        row(
            5,
            "02T08:59:57.6",
            CLIENT,
            226,
            Some(101),
            "RDPClient_SSL: error going from TsSslStateHandshakeInProgress (0x80004005)",
        ),
        row(12, "02T09:10:00.2", "Schannel", 36870, Some(102), key),
        row(13, "02T09:10:00.3", "Schannel", 36870, Some(102), key),
        Row::Run(RunRow {
            count: 811,
            first: time("02T09:11:00"),
            last: time("02T09:14:00"),
            host: "SRV01".into(),
            provider: SECURITY.into(),
            event_id: 4625,
            message: "An account failed to log on".into(),
        }),
        row(
            7,
            "02T09:15:00.5",
            SECURITY,
            4625,
            Some(103),
            &format!("Logon of {HOSTILE} from アドレス 203.0.113.77 failed: 0xC000006D"),
        ),
    ]
}

fn channel(channel: &str, state: ChannelState, records: u64, lost: u64) -> ChannelCoverage {
    let (first, last) = if records > 0 { (Some(time("01T00:00:00")), Some(time("02T10:00:00"))) } else { (None, None) };
    ChannelCoverage { channel: channel.into(), state, first, last, records, lost }
}

fn coverage() -> CoverageReport {
    CoverageReport {
        hosts: vec![
            HostCoverage {
                host: "SRV01".into(),
                aliases: vec!["10.0.0.1".into(), "srv01.corp.example".into()],
                roles: vec!["server".into()],
                os: Some("2016+".into()),
                clock: Clock {
                    reference: Some("SRV01".into()),
                    offset_ms: None,
                    spread_ms: None,
                    pairs: 0,
                    state: ClockState::Reference,
                    segments: 1,
                    known_by: None,
                    unaligned_with: Vec::new(),
                    steps: Vec::new(),
                    witnesses: Vec::new(),
                },
                channels: vec![
                    channel("System", ChannelState::Present, 20_123, 0),
                    channel("Security", ChannelState::Wrapped, 1_234_567, 12),
                    channel(
                        "Microsoft-Windows-RemoteDesktopServices-RdpCoreTS/Operational",
                        ChannelState::Absent,
                        0,
                        0,
                    ),
                ],
                audit: vec![AuditCoverage {
                    subcategory: "Logon".into(),
                    guid: "{0CCE9215-69AE-11D9-BED3-505054503030}".into(),
                    state: AuditState::Off,
                }],
            },
            HostCoverage {
                host: "CLIENT7".into(),
                aliases: vec![],
                roles: vec!["client".into()],
                os: None,
                clock: Clock {
                    reference: Some("SRV01".into()),
                    offset_ms: Some(-2750),
                    spread_ms: Some(40),
                    pairs: 3,
                    state: ClockState::Aligned,
                    segments: 2,
                    known_by: Some(OffsetBasis::Pairs),
                    unaligned_with: vec!["SRV02".into()],
                    steps: vec![ClockStep {
                        before: time("01T12:00:00"),
                        after: time("01T11:00:00"),
                        ms: -3_600_000,
                        known_by: StepBasis::Both,
                        corrected: true,
                        offset_ms: None,
                        events: vec![name(1)],
                    }],
                    witnesses: vec![ClockWitness {
                        event: name(2),
                        says: "W32Time 36: clock has not been synchronised for 86400 s".into(),
                        agrees: Some(true),
                    }],
                },
                channels: vec![],
                audit: vec![],
            },
        ],
        cannot_judge: vec![
            CannotJudge {
                cause: None,
                family: Some("credssp-nla".into()),
                attempts: vec![name(103)],
                because: "the Security log begins after the attempt".into(),
                collect: "Security.evtx of SRV01 from before 2024-05-02 09:15".into(),
            },
            CannotJudge {
                cause: Some("wrong_password".into()),
                family: None,
                attempts: vec![],
                because: "no domain controller's log is here".into(),
                collect: "Security.evtx of the domain controller".into(),
            },
        ],
        collect: collects(),
    }
}

fn collects() -> Vec<Collect> {
    vec![
        Collect {
            host: Some("SRV01.corp.example".into()),
            role: "server".into(),
            how: CollectHow::Again,
            logs: vec!["Security".into()],
            audit: vec![],
            from: Some(time("02T09:14:55")),
            to: Some(time("02T09:20:05")),
            commands: vec![
                "wevtutil sl \"Security\" /ms:67108864".into(),
                "wevtutil epl \"Security\" \"SRV01-Security.evtx\"".into(),
            ],
            serves: vec!["account".into(), "credssp-nla".into()],
            causes: 9,
        },
        Collect {
            host: None,
            role: "domain controller".into(),
            how: CollectHow::Export,
            logs: vec!["Security".into(), "System".into()],
            audit: vec![],
            from: Some(time("02T09:14:55")),
            to: Some(time("02T09:20:05")),
            commands: vec![
                "wevtutil epl \"Security\" \"domain-controller-Security.evtx\"".into(),
                "wevtutil epl \"System\" \"domain-controller-System.evtx\"".into(),
            ],
            serves: vec!["account".into()],
            causes: 4,
        },
    ]
}

fn inputs() -> Vec<InputReport> {
    let input = |path: &str, records: u64| InputReport {
        path: path.into(),
        kind: "evtx".into(),
        bytes: 1_118_208,
        sha256: None,
        records,
        record_kinds: Default::default(),
        providers: vec![ProviderReport {
            name: "Schannel".into(),
            guid: Some("1F678132-5938-4686-9FDC-C8FF68F15C85".into()),
            records,
        }],
        first: Some(time("01T00:00:00")),
        last: Some(time("02T10:00:00")),
        lost: Lost::default(),
        damage: vec![],
    };
    vec![
        input("CLIENT7/RDPClient.evtx", 42),
        InputReport {
            sha256: Some("cd".repeat(32)),
            lost: Lost { events: 7, buffers: 1 },
            damage: vec![
                DamageReport {
                    offset: Some(69_632),
                    what: "chunk 1: wrong magic; its records are missing".into(),
                    lost: true,
                },
                DamageReport { offset: None, what: "file ends early\u{1b}[1A".into(), lost: false },
            ],
            ..input("SRV01/System.evtx", 20_123)
        },
    ]
}
