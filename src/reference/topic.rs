//! What an answer is made of: one form that text, JSON and Markdown are written from.

use serde::Serialize;

/// What is known about one question.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// As it was asked.
    pub asked: String,
    /// Each thing that it may mean, the likeliest first.
    pub topics: Vec<Topic>,
    /// Names like it, where nothing is known.
    pub near: Vec<String>,
}

/// One thing with a name.
#[derive(Clone, Debug, Serialize)]
pub struct Topic {
    /// What it is.
    pub kind: Kind,
    /// Its name within its kind.
    pub id: String,
    /// It in a line.
    pub title: String,
    /// Short facts: name and value.
    pub facts: Vec<Fact>,
    /// What there is to say.
    pub sections: Vec<Section>,
}

/// What a topic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A number of a number space.
    Code,
    /// A disconnect reason with an extended one.
    Pair,
    /// A group of codes.
    Group,
    /// An event of a provider.
    Event,
    /// All events of a provider.
    Provider,
    /// A rule or a correlation.
    Signature,
    /// A cause.
    Cause,
    /// A family of causes.
    Family,
    /// A phase of a connection.
    Phase,
    /// A dialog of the client.
    Dialog,
    /// A popular claim.
    Claim,
}

impl Kind {
    /// As a word.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Code => "code",
            Kind::Pair => "code pair",
            Kind::Group => "group of codes",
            Kind::Event => "event",
            Kind::Provider => "provider",
            Kind::Signature => "signature",
            Kind::Cause => "cause",
            Kind::Family => "family of causes",
            Kind::Phase => "phase",
            Kind::Dialog => "dialog",
            Kind::Claim => "claim",
        }
    }
}

/// A name with its value.
#[derive(Clone, Debug, Serialize)]
pub struct Fact {
    /// What is told.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// Lines under a heading.
#[derive(Clone, Debug, Serialize)]
pub struct Section {
    /// The heading.
    pub name: &'static str,
    /// They must be heeded.
    pub warning: bool,
    /// They are steps, in which commands may stand.
    #[serde(skip)]
    pub steps: bool,
    /// The lines.
    pub lines: Vec<Line>,
}

/// A line, with what hangs on it.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Line {
    /// The words.
    pub text: String,
    /// The cause that it is about: ask for it to know more.
    pub cause: Option<String>,
    /// What hangs on it.
    pub more: Vec<String>,
}

impl Line {
    /// Only words.
    pub fn plain(text: impl Into<String>) -> Self {
        Line { text: text.into(), ..Line::default() }
    }
}

impl Topic {
    /// With no facts yet.
    pub fn new(kind: Kind, id: impl Into<String>, title: impl Into<String>) -> Self {
        Topic { kind, id: id.into(), title: title.into(), facts: Vec::new(), sections: Vec::new() }
    }

    /// Adds a fact, if it says something.
    pub fn fact(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.facts.push(Fact { name, value });
        }
    }

    /// Adds a section, if it has a line.
    pub fn section(&mut self, name: &'static str, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.sections.push(Section { name, warning: false, steps: false, lines });
        }
    }

    /// Adds a section that must be heeded.
    pub fn warning(&mut self, name: &'static str, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.sections.push(Section { name, warning: true, steps: false, lines });
        }
    }

    /// Adds a section of steps; `warning` where they are not to be taken.
    pub fn steps(&mut self, name: &'static str, warning: bool, texts: &[String]) {
        if !texts.is_empty() {
            self.sections.push(Section { name, warning, steps: true, lines: texts.iter().map(Line::plain).collect() });
        }
    }

    /// Adds a section of plain lines.
    pub fn texts(&mut self, name: &'static str, texts: &[String]) {
        self.section(name, texts.iter().map(Line::plain).collect());
    }
}
