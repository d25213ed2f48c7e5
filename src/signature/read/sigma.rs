//! Sigma rules: the head that every rule has. What a rule looks for is in `detection`,
//! what it means for a connection in `meaning`, judgements over many in `correlation`.

use super::correlation::logsource;
use super::definition::{About, Correlation, Filter, Rule};
use super::problem::Complaints;
use super::yaml::Node;
use super::{channels, correlation, detection, meaning};

const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];
const STATUSES: [&str; 5] = ["stable", "test", "experimental", "deprecated", "unsupported"];
const KEYS: &[&str] = &[
    "title",
    "id",
    "name",
    "related",
    "taxonomy",
    "status",
    "description",
    "license",
    "references",
    "author",
    "date",
    "modified",
    "logsource",
    "detection",
    "correlation",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
    "whyrdp",
];

/// Where a document stands.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Name by which causes call the rule.
    pub slug: &'a str,
    /// Folder that it stands in.
    pub family: &'a str,
}

/// One document of a rule file.
#[derive(Debug)]
pub enum Document {
    /// A rule.
    Rule(Box<Rule>),
    /// A correlation rule.
    Correlation(Box<Correlation>),
    /// A filter.
    Filter(Box<Filter>),
}

/// Does the document claim to be one of ours? Such a one is held to more than Sigma asks.
pub fn is_ours(node: &Node) -> bool {
    node.get("whyrdp").is_some()
}

/// Reads a rule or a correlation rule; what is wrong goes to `complaints`.
pub fn read(node: &Node, place: Place<'_>, complaints: &mut Complaints) -> Option<Document> {
    let before = complaints.count();
    if let Some(action) = node.get("action") {
        complaints.add(action.line, "unsupported", "`action` documents of old Sigma are not supported");
        return None;
    }
    if let Some(body) = node.get("filter").filter(|_| node.get("detection").is_none()) {
        return correlation::filter(node, body, place, complaints).map(|filter| Document::Filter(Box::new(filter)));
    }
    if is_ours(node) {
        complaints.map(node, "a rule", KEYS)?;
    }
    let document = match (node.get("correlation"), node.get("detection")) {
        (Some(body), None) => Document::Correlation(Box::new(correlation::read(node, body, place, complaints)?)),
        (None, Some(body)) => Document::Rule(Box::new(rule(node, body, place, complaints)?)),
        (Some(body), Some(_)) => {
            complaints.add(body.line, "unknown-key", "a rule has `detection` or `correlation`, not both");
            return None;
        }
        (None, None) => {
            complaints.add(node.line, "missing-key", "neither `detection` nor `correlation` is there");
            return None;
        }
    };
    (complaints.count() == before).then_some(document)
}

fn rule(node: &Node, body: &Node, place: Place<'_>, complaints: &mut Complaints) -> Option<Rule> {
    let head = head(node, complaints);
    let logsource = match complaints.need(node, "logsource") {
        Some(source) => logsource(source, complaints),
        None => Default::default(),
    };
    let mut detection = detection::read(body, complaints);
    if let Some(detection) = &mut detection
        && let Err(message) = channels::narrow(&logsource, detection)
    {
        let line = node.get("logsource").map_or(node.line, |source| source.line);
        complaints.add(line, "logsource", message);
    }
    let meaning = node.get("whyrdp").and_then(|block| meaning::read(block, place.slug, complaints));
    let Head { title, id, description, level, tags } = head?;
    let references = complaints.texts(node, "references");
    let about = About { title, id, description, level, tags, references, logsource };
    Some(Rule {
        slug: place.slug.to_owned(),
        family: place.family.to_owned(),
        about: about.into(),
        detection: detection?.into(),
        meaning,
    })
}

/// What rules and correlation rules have in common.
#[derive(Debug)]
pub struct Head {
    /// `title`
    pub title: String,
    /// `id` in lower case.
    pub id: String,
    /// `description`
    pub description: String,
    /// `level`; medium unless given.
    pub level: String,
    /// `tags`
    pub tags: Vec<String>,
}

/// Reads it.
pub fn head(node: &Node, complaints: &mut Complaints) -> Option<Head> {
    let ours = is_ours(node);
    let title = complaints.need_text(node, "title");
    let id = if ours { complaints.need_text(node, "id") } else { complaints.may_text(node, "id") };
    if let Some(id) = id.as_deref().filter(|id| ours && !is_uuid(id)) {
        complaints.add(node.line, "id", format!("`id` must be a UUID, not `{id}`"));
    }
    let description =
        if ours { complaints.need_text(node, "description") } else { complaints.may_text(node, "description") };
    let level = if ours { complaints.need_text(node, "level") } else { complaints.may_text(node, "level") };
    for (key, word, known) in [("level", &level, LEVELS), ("status", &complaints.may_text(node, "status"), STATUSES)] {
        if let Some(word) = word.as_deref().filter(|word| (ours || key == "level") && !known.contains(word)) {
            let line = node.get(key).map_or(node.line, |value| value.line);
            complaints.add(
                line,
                "unknown-word",
                format!("`{key}` cannot be `{word}`; it is one of {}", known.join(", ")),
            );
        }
    }
    Some(Head {
        title: title?,
        id: id.unwrap_or_default().to_lowercase(),
        description: description.unwrap_or_default(),
        level: level.unwrap_or_else(|| "medium".to_owned()),
        tags: complaints.texts(node, "tags"),
    })
}

fn is_uuid(text: &str) -> bool {
    let mut groups = text.split('-').map(|group| (group.len(), group.bytes().all(|b| b.is_ascii_hexdigit())));
    [8, 4, 4, 4, 12].into_iter().all(|length| groups.next() == Some((length, true))) && groups.next().is_none()
}
