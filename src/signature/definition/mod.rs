//! What a signature is once read: plain data, the same whether it came from YAML
//! or from the blob that the build made. Knows no file and no event.
//!
//! A **rule** says what one record tells; a **cause** says which rules prove,
//! support, stand behind or refute it. Both are laid down in `docs/signatures.md`.

#[macro_use]
mod words;
mod cause;
mod code;
mod correlation;
mod detection;
mod dialog;
mod later;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use cause::{Anchor, Bearing, Cause, Clue, CodePair, FINDINGS_FAMILY, Observation, Requires, Window};
pub use code::{Background, Code, CodeRange, Confidence, Ending, Members, Pair, Space};
pub use correlation::{Correlation, Counted, Filter};
pub use detection::{Comparison, Condition, Detection, FieldTest, Glob, Pattern, Search};
pub use dialog::{Claim, Dialog, DialogCode, Judgement};
pub use later::Later;

words! {
    /// How far a connection came, in the order in which a connection passes them.
    /// The gateway's phases exist only where a gateway is used.
    Phase {
        /// The client resolves the name.
        Dns = "dns",
        /// TCP connect, to the listener or the gateway.
        Tcp = "tcp",
        /// HTTPS or WebSocket to the gateway.
        GatewayTransport = "gateway-transport",
        /// Authentication at the gateway.
        GatewayAuth = "gateway-auth",
        /// Connection authorization policy.
        GatewayCap = "gateway-cap",
        /// Resource authorization policy.
        GatewayRap = "gateway-rap",
        /// The gateway connects to the target.
        GatewayTarget = "gateway-target",
        /// RDP negotiation request and response.
        X224 = "x224",
        /// TLS handshake.
        Tls = "tls",
        /// CredSSP / Network Level Authentication.
        Credssp = "credssp",
        /// Basic settings exchange, channel join.
        Mcs = "mcs",
        /// RDP licensing exchange.
        Licensing = "licensing",
        /// Broker decision and redirected hop.
        BrokerRedirect = "broker-redirect",
        /// Accept, arbitration, limits.
        SessionArbitration = "session-arbitration",
        /// Winlogon logon.
        Logon = "logon",
        /// Profile load and shell start.
        ProfileShell = "profile-shell",
        /// Graphics and dynamic channels, first frame.
        Graphics = "graphics",
        /// A working session; what fails here is a later drop.
        Established = "established",
    }
}

impl Phase {
    /// The phase after this one on a connection with or without a gateway.
    pub fn next(self, gateway: bool) -> Option<Phase> {
        Phase::ALL.iter().copied().find(|phase| *phase > self && (gateway || !phase.is_gateway()))
    }

    /// Entering `other` proves that this phase is over. The broker's decision falls into the
    /// arbitration of the session: neither is before the other.
    pub fn precedes(self, other: Phase) -> bool {
        self < other && (self, other) != (Phase::BrokerRedirect, Phase::SessionArbitration)
    }

    /// One of the phases that only a connection through a gateway has.
    pub fn is_gateway(self) -> bool {
        (Phase::GatewayTransport..=Phase::GatewayTarget).contains(&self)
    }
}

words! {
    /// The part that a computer plays in a connection.
    Role {
        /// Runs mstsc.
        Client = "client",
        /// The computer that is connected to.
        Server = "server",
        /// RD Gateway.
        Gateway = "gateway",
        /// RD Connection Broker.
        Broker = "broker",
        /// Domain controller.
        Dc = "dc",
        /// Licence server.
        License = "license",
        /// Neither end: packets on their way, told by addresses and ports.
        Network = "network",
        /// No particular one.
        Any = "any",
    }
}

words! {
    /// What a rule's match is good for.
    Kind {
        /// It may prove, support or refute causes.
        Fact = "fact",
        /// It marks a step of a connection's life.
        Marker = "marker",
        /// Looks like an error and means nothing.
        Noise = "noise",
    }
}

words! {
    /// The step of a connection's life that a marker stands for, on the side that its `host` names.
    Mark {
        /// A connection begins; it carries the connection's key.
        Open = "open",
        /// The listener was touched; alone it is noise.
        Knock = "knock",
        /// A step on the way, told by `reaches`.
        Step = "step",
        /// A user's identity was accepted.
        Authenticated = "authenticated",
        /// A session was reached.
        Session = "session",
        /// The session ended; its captured code says how.
        Disconnect = "disconnect",
        /// The connection is over.
        End = "end",
        /// Something changed on the computer: a boot, a policy, the clock, an update.
        Change = "change",
    }
}

words! {
    /// Something that a rule captures from a record: a join key, or a code of a number space.
    Slot {
        /// Client address, port allowed.
        ClientIp = "client_ip",
        /// Client port, where it does not stand behind the address.
        ClientPort = "client_port",
        /// Client computer name.
        ClientHost = "client_host",
        /// Name of the computer that is connected to, as the client typed it.
        Target = "target",
        /// Its address as the client resolved it.
        TargetIp = "target_ip",
        /// Its port, where it does not stand behind the address.
        TargetPort = "target_port",
        /// Process id of the client program, where the record's own is another's.
        Process = "process",
        /// User, `DOMAIN\name`, `name@domain` or bare.
        User = "user",
        /// Domain of the user.
        Domain = "domain",
        /// User's SID.
        Sid = "sid",
        /// Windows session id.
        Session = "session",
        /// Connection name such as `RDP-Tcp#12`.
        Connection = "connection",
        /// Disconnect reason of mstsc (number space `disconnect`).
        Disconnect = "disconnect",
        /// Extended disconnect reason (number space `extended`).
        Extended = "extended",
        /// RdpCoreTS 103 reason (number space `server-end`).
        ServerEnd = "server-end",
        /// LocalSessionManager 40 reason (number space `session-end`).
        SessionEnd = "session-end",
        /// HRESULT, NTSTATUS or Win32 error (number space `status`).
        Status = "status",
        /// Build number of the operating system (number space `build`).
        Build = "build",
        /// What the clock of the record's computer showed before it was set.
        ClockBefore = "clock_before",
        /// What it shows since.
        ClockAfter = "clock_after",
        /// What a domain controller's clock showed when the record was written.
        ClockOther = "clock_other",
    }
}

words! {
    /// How evidence is tied to a connection.
    Key {
        /// Same ActivityID.
        Activity = "activity",
        /// Same connection name.
        Connection = "connection",
        /// Same session id.
        Session = "session",
        /// Same client address.
        ClientIp = "client_ip",
        /// Same name of the client.
        ClientHost = "client_host",
        /// Same user.
        User = "user",
        /// Same SID of the user.
        Sid = "sid",
        /// Same target name or address.
        Target = "target",
        /// Same domain or realm as the server's or the user's.
        Domain = "domain",
        /// Same process of the client program.
        Process = "process",
        /// Same host within the window, nothing else.
        Time = "time",
    }
}

words! {
    /// Outcome of an attempt.
    Outcome {
        /// No session was reached.
        Failed = "failed",
        /// A session was reached and ended as wanted, or still runs.
        Established = "established",
        /// A session was reached and ended against the user's will.
        Dropped = "dropped",
        /// The user gave up, e.g. at the credential prompt.
        Abandoned = "abandoned",
        /// The logs do not tell.
        Unknown = "unknown",
    }
}

words! {
    /// Weight of a rule or a cause for whoever reads the report.
    Severity {
        /// Ended on purpose, harmless.
        Info = "info",
        /// Connected, with something missing.
        Low = "low",
        /// One user or one client is hit.
        Medium = "medium",
        /// One role or group is hit.
        High = "high",
        /// Everyone is blocked, or the host is under attack.
        Critical = "critical",
    }
}

/// One rule file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub struct Rule {
    /// File name without ending; the name by which causes call it.
    pub slug: String,
    /// Folder it stands in.
    pub family: String,
    /// What Sigma tells of it, but for its detection.
    pub about: Later<About>,
    /// Sigma `detection`.
    pub detection: Later<Detection>,
    /// The `whyrdp` block; a foreign Sigma rule has none.
    pub meaning: Option<Meaning>,
}

/// What Sigma tells of a rule in words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct About {
    /// Sigma `title`.
    pub title: String,
    /// Sigma `id`, a UUID.
    pub id: String,
    /// Sigma `description`.
    pub description: String,
    /// Sigma `level`: informational, low, medium, high, critical.
    pub level: String,
    /// Sigma `tags`.
    pub tags: Vec<String>,
    /// Sigma `references`.
    pub references: Vec<String>,
    /// Sigma `logsource`.
    pub logsource: Logsource,
}

/// Sigma `logsource`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Logsource {
    /// `product`
    pub product: Option<String>,
    /// `category`
    pub category: Option<String>,
    /// `service`
    pub service: Option<String>,
}

/// The `whyrdp` block of a rule: what a match means for a connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meaning {
    /// Rules of one fact count once per host and second; the slug unless given.
    pub fact: String,
    /// What it is good for.
    pub kind: Kind,
    /// The role that the record asserts of its computer.
    pub host: Role,
    /// Life step, for markers.
    pub mark: Option<Mark>,
    /// The phase that this record proves entered.
    pub reaches: Option<Phase>,
    /// The phase that this record proves failed: later ones were never entered.
    pub stops: Option<Phase>,
    /// Written on every connection that enters this phase: its absence, where the
    /// channel covers the time, proves the phase not entered.
    pub always: Option<Phase>,
    /// How it may be tied to a connection, best first.
    pub join: Vec<Key>,
    /// Which field holds what.
    pub capture: BTreeMap<Slot, Vec<String>>,
    /// Where no other log shows the connection, this record alone is one that ended so.
    pub implies: Option<Outcome>,
    /// State that the record sets.
    pub sets: Option<Setting>,
    /// Examples that keep the rule honest.
    pub tests: Tests,
}

/// A state that a record sets on its host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// State name, e.g. `termservice`.
    pub state: String,
    /// Its new value, e.g. `stopped`.
    pub value: String,
    /// A boot makes it unknown again.
    pub until_boot: bool,
    /// A connection that the host accepts makes it unknown again, whoever made it.
    pub until_accept: bool,
    /// Any record that the host writes a minute later or more makes it unknown again.
    pub until_record: bool,
}

/// Example events of a rule: field name to values, System fields under their Sigma names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tests {
    /// Events that must match.
    pub hits: Vec<Example>,
    /// Near misses that must not.
    pub misses: Vec<Example>,
}

/// One example event.
pub type Example = BTreeMap<String, Vec<String>>;

/// Words for the events of one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// Provider `Name` or `EventSourceName`.
    pub provider: String,
    /// Short name for timelines, e.g. `RDPClient`.
    pub short: String,
    /// Channel in which its telling records stand: what to collect.
    pub channel: String,
    /// It runs on systems without Windows' logs too: none is missed for its sake.
    #[serde(default)]
    pub elsewhere: bool,
    /// By event id: text with `{Field}` and `{Field|space}`, the latter decoded in place.
    pub events: BTreeMap<u32, String>,
}

/// The whole set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definitions {
    /// By slug.
    pub rules: Vec<Rule>,
    /// By slug.
    pub correlations: Vec<Correlation>,
    /// Conditions that are added to rules, by slug.
    pub filters: Vec<Filter>,
    /// By id.
    pub causes: Vec<Cause>,
    /// By number space, then number.
    pub codes: BTreeMap<String, Vec<Code>>,
    /// Groups of codes, by number space, as the table has them.
    pub ranges: BTreeMap<String, Vec<CodeRange>>,
    /// How number spaces are called, the likeliest first.
    pub spaces: Vec<Space>,
    /// Code pairs of mstsc that mean more than their halves, by code and extended code.
    pub pairs: Vec<Pair>,
    /// Texts of dialogs, by id.
    pub dialogs: Vec<Dialog>,
    /// Popular claims, by id.
    pub claims: Vec<Claim>,
    /// By provider.
    pub words: Vec<Words>,
    /// SHA-256 of the sources, lower-case hex.
    pub sha256: String,
}
