//! The report for a ticket: Markdown as GitHub, GitLab and Jira's importers read it.
//!
//! Text from logs stands in code spans, where no reader of Markdown finds markup, links,
//! mentions or references; prose of the knowledge base is escaped.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::facts::{Facts, known};
use super::headline::{answer, answered, beside, count, digits, endings, explains_failure, hits, less_sure, selection};
use super::model::{AttemptReport, CauseReport, Level, Report};
use super::reading::{clocks, codes, complained, damaged, numbered, ruled_out, unproven};
use super::terminal::clean;
use super::wanted::wanted;
use super::{Options, when};
use crate::evidence::EventRef;
use crate::signature::definition::{Bearing, Phase, Severity};
use crate::step::{Piece, pieces};

/// Longest text of one field, and rows shown of a long list unless everything is wanted.
const LONGEST: usize = 300;
const SHOWN: usize = 30;
/// Changes shown before a cause, the last ones.
const CHANGES: usize = 5;

/// Writes the report as Markdown.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(report: &Report, out: &mut dyn Write, options: &Options) -> io::Result<()> {
    let page = Page { report, facts: Facts::of(report), options };
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = page.whole(&mut text);
    out.write_all(text.as_bytes())
}

struct Page<'a> {
    report: &'a Report,
    facts: Facts<'a>,
    options: &'a Options,
}

type Done = std::fmt::Result;

impl Page<'_> {
    fn whole(&self, out: &mut String) -> Done {
        let report = self.report;
        let s = &report.summary;
        writeln!(out, "# {}\n", prose(answered(report, self.options).trim_end_matches('.')))?;
        if s.attempts > 0 {
            let span = when::span(&self.options.timezone, s.first, s.last);
            writeln!(out, "{} ({span}): {}.", count(s.attempts, "attempt"), endings(report))?;
        }
        let unproven = unproven(report);
        if !unproven.is_empty() {
            writeln!(out, "No cause is proven for {}.", self.numbered(&unproven))?;
        }
        if let Some(complaint) = &report.complaint {
            writeln!(out, "{}", prose(&complained(complaint, &self.numbered(&complaint.attempts))))?;
        }
        if let Some(lost) = damaged(report) {
            writeln!(out, "{lost}; see the inputs for what could not be read.")?;
        }
        for finding in beside(report) {
            let on = finding.host.as_deref().map(|host| format!(" on {}", code(host))).unwrap_or_default();
            let title = prose(finding.title.trim_end_matches('.'));
            writeln!(out, "Beside it: {title}{on} ({}), see the findings.", finding.severity.word())?;
        }
        writeln!(out, "All times are {}{}.", prose(&when::name(&self.options.timezone)), clocks(report))?;
        if self.options.selected {
            writeln!(out, "{}", prose(&selection(report)))?;
        }
        let strong = |cause: &&CauseReport| cause.verdict >= Level::Probable && explains_failure(report, cause);
        for cause in report.causes.iter().filter(strong) {
            self.cause(out, cause)?;
        }
        self.others(out, answer(report).is_some())?;
        self.missing(out)?;
        self.attempts(out)?;
        self.findings(out)?;
        self.ruled_out(out)?;
        self.coverage(out)?;
        self.inputs(out)?;
        let tool = &report.tool;
        writeln!(out, "\n{} {}, signatures `{}`", prose(&tool.name), tame(&tool.version), tool.signatures_sha256)
    }

    /// Attempts by their places in the table.
    fn numbered(&self, ids: &[EventRef]) -> String {
        let ids: BTreeSet<EventRef> = ids.iter().copied().collect();
        let all = self.report.attempts.iter().enumerate();
        numbered(&all.filter(|(_, attempt)| ids.contains(&attempt.id)).map(|(at, _)| at + 1).collect::<Vec<_>>())
    }

    fn most(&self, most: usize) -> usize {
        if self.options.verbose { usize::MAX } else { most }
    }

    fn cause(&self, out: &mut String, cause: &CauseReport) -> Done {
        writeln!(out, "\n## {} ({})\n", prose(cause.title.trim_end_matches('.')), cause.verdict.word())?;
        writeln!(out, "{}\n", prose(&cause.explanation))?;
        writeln!(out, "- Cause: `{}`, severity {}, score {}", tame(&cause.id), cause.severity.word(), cause.score)?;
        if !cause.attempts.is_empty() {
            let span = when::span(&self.options.timezone, cause.first, cause.last);
            writeln!(out, "- Explains: {} ({span})", self.numbered(&cause.attempts))?;
            let weaker = less_sure(self.report, cause);
            if !weaker.is_empty() {
                writeln!(out, "- Only probable for: {}", self.numbered(&weaker))?;
            }
        }
        if !cause.hosts.is_empty() {
            let hosts: Vec<String> = cause.hosts.iter().map(|host| code(host)).collect();
            writeln!(out, "- Where: {}", hosts.join(", "))?;
        }
        if let Some(hits) = hits(self.report, cause) {
            writeln!(out, "- Hits: {}", prose(&hits))?;
        }
        if let Some(time) = cause.last_success {
            writeln!(out, "- Last worked: {}", when::moment(&self.options.timezone, time))?;
        }
        self.around(out, cause)?;
        self.evidence(out, cause)?;
        Self::absent(out, cause)?;
        steps(out, "Fix", &cause.fix, true)?;
        steps(out, "Avoid", &cause.avoid, false)?;
        steps(out, "Check that it is repaired", &cause.verify, false)?;
        let links = cause.references.iter().filter(|link| link.starts_with("https://"));
        let links: Vec<String> = links.map(|link| format!("<{}>", link.replace(['<', '>', ' '], ""))).collect();
        if !links.is_empty() {
            writeln!(out, "\nRead more: {}", links.iter().map(|l| tame(l)).collect::<Vec<_>>().join(", "))?;
        }
        Ok(())
    }

    /// What lies behind a cause, what it leads to, and what changed before.
    fn around(&self, out: &mut String, cause: &CauseReport) -> Done {
        let named =
            |other: &CauseReport| format!("{} (`{}`)", prose(other.title.trim_end_matches('.')), tame(&other.id));
        for id in &cause.caused_by {
            writeln!(out, "- Caused by: {}", self.facts.cause(id).map_or_else(|| code(id), named))?;
        }
        for other in self.report.causes.iter().filter(|other| other.caused_by.contains(&cause.id)) {
            writeln!(out, "- Leads to: {}", named(other))?;
        }
        let skipped = cause.changes.len().saturating_sub(self.most(CHANGES));
        if skipped > 0 {
            writeln!(out, "- Changed before: {} (all with -v)", count(skipped as u64, "earlier change"))?;
        }
        for change in &cause.changes[skipped..] {
            let row = self.facts.row(change.event);
            let when =
                row.map(|row| format!("{} {}: ", when::moment(&self.options.timezone, row.time), code(&row.host)));
            writeln!(out, "- Changed before: {}{}", when.unwrap_or_default(), code(&change.what))?;
        }
        Ok(())
    }

    fn evidence(&self, out: &mut String, cause: &CauseReport) -> Done {
        writeln!(out, "\n### Evidence\n")?;
        let mut told: Vec<(Bearing, &str)> = Vec::new();
        for claim in &cause.evidence {
            if told.contains(&(claim.role, &claim.why)) {
                continue;
            }
            told.push((claim.role, &claim.why));
            writeln!(out, "- **{}** {}", claim.role.word(), prose(&claim.why))?;
            let same = cause.evidence.iter().filter(|other| (other.role, &other.why) == (claim.role, &claim.why));
            let events: Vec<EventRef> = same.map(|other| other.event).collect();
            let mut said = "";
            for event in events.iter().take(self.most(3)) {
                said = self.record(out, *event, said)?;
            }
            if events.len() > self.most(3) {
                writeln!(out, "  - and {} more", events.len() - 3)?;
            }
        }
        Ok(())
    }

    fn absent(out: &mut String, cause: &CauseReport) -> Done {
        for one in &cause.absent {
            let log = format!("{} of {}", one.channel, one.host);
            writeln!(out, "- **missing** {} (no `{}` in {})", prose(&one.why), tame(&one.signature), code(&log))?;
        }
        let told = cause.evidence.len() as u64;
        if told < cause.evidence_total {
            writeln!(out, "- {} of {} pieces are told here", digits(told), digits(cause.evidence_total))?;
        }
        Ok(())
    }

    /// One record, and what it says unless the one before said the same.
    fn record<'r>(&'r self, out: &mut String, event: EventRef, said: &'r str) -> Result<&'r str, std::fmt::Error> {
        let Some(row) = self.facts.row(event) else { return Ok(said) };
        let time = when::instant(&self.options.timezone, row.time);
        let id = row.record_id.map(|id| format!(" record {id}")).unwrap_or_default();
        let source = format!("{} {}{id}", row.provider, row.event_id);
        let (host, source) = (code(&row.host), code(&source));
        match row.message == said {
            true => writeln!(out, "  - {time} {host} {source}")?,
            false => writeln!(out, "  - {time} {host} {source}: {}", code(&row.message))?,
        }
        Ok(&row.message)
    }

    fn others(&self, out: &mut String, answered: bool) -> Done {
        let unhappy = self.report.summary.failed + self.report.summary.dropped > 0;
        if unhappy && !answered {
            writeln!(out, "\nNo cause of a failure is proven from these logs.")?;
        }
        let (sure, possible): (Vec<&CauseReport>, Vec<_>) =
            self.report.causes.iter().partition(|cause| cause.verdict >= Level::Probable);
        let beside: Vec<&CauseReport> =
            sure.into_iter().filter(|cause| !explains_failure(self.report, cause)).collect();
        self.brief(out, "Possible, not proven", &possible)?;
        self.brief(out, "Seen, but no cause of a failure", &beside)
    }

    fn brief(&self, out: &mut String, title: &str, causes: &[&CauseReport]) -> Done {
        if causes.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n## {title}\n")?;
        for cause in causes.iter().take(self.most(8)) {
            write!(out, "- {} ({}, score {})", prose(&cause.title), cause.verdict.word(), cause.score)?;
            match cause.verify.first().filter(|_| cause.verdict == Level::Possible) {
                Some(check) => writeln!(out, "; to settle it: {}", step(check))?,
                None => writeln!(out)?,
            }
        }
        rest(out, causes.len(), self.most(8))
    }

    fn attempts(&self, out: &mut String) -> Done {
        let attempts = &self.report.attempts;
        if attempts.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n## Attempts\n")?;
        writeln!(out, "| # | Time | Client | Server | User | Outcome | Phase | Code | Cause |")?;
        writeln!(out, "|--:|---|---|---|---|---|---|---|---|")?;
        let shown = self.most(SHOWN);
        for (at, attempt) in attempts.iter().enumerate().take(shown) {
            self.attempt(out, at + 1, attempt)?;
        }
        rest(out, attempts.len(), shown)?;
        let codes = codes(self.report);
        if !codes.is_empty() {
            writeln!(out)?;
        }
        for one in codes {
            let symbol = one.symbol.as_ref().map(|symbol| format!(" {}", code(symbol))).unwrap_or_default();
            let meaning = prose(one.meaning.as_deref().unwrap_or_default());
            writeln!(out, "- {}{symbol}: {meaning} ({})", code(&one.hex), prose(&one.from))?;
        }
        Ok(())
    }

    fn attempt(&self, out: &mut String, number: usize, attempt: &AttemptReport) -> Done {
        let (client, server) = (&attempt.client, &attempt.server);
        let cell = |text: Option<&str>| known(text).map(code).unwrap_or_default();
        let hex = attempt.disconnect.iter().chain(&attempt.extended).map(|code| code.hex.clone()).collect::<Vec<_>>();
        let cause = attempt.verdicts.first().map(|one| format!("{} ({})", code(&one.cause), one.verdict.word()));
        writeln!(
            out,
            "| {number} | {} | {} | {} | {} | {} | {} | {} | {} |",
            when::instant(&self.options.timezone, attempt.start),
            cell(client.host.as_deref().or(client.ip.as_deref())),
            cell(server.host.as_deref().or(server.typed_name.as_deref()).or(server.ip.as_deref())),
            cell(attempt.user.as_deref()),
            attempt.outcome.word(),
            attempt.phase.map_or("", Phase::word),
            cell(Some(hex.join("/").as_str())),
            cause.unwrap_or_default(),
        )
    }

    fn findings(&self, out: &mut String) -> Done {
        let findings = &self.report.findings;
        if findings.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n## Findings that explain no failure\n")?;
        for finding in findings {
            let on = finding.host.as_deref().map(|host| format!(" on {}", code(host))).unwrap_or_default();
            let span = when::span(&self.options.timezone, finding.first, finding.last);
            let records = count(finding.count, "record");
            let attack = match finding.attack.as_slice() {
                [] => String::new(),
                techniques => format!(" ({})", prose(&techniques.join(", "))),
            };
            let title = prose(finding.title.trim_end_matches('.'));
            writeln!(out, "- {title} ({}){on}: {records}, {span}{attack}", finding.severity.word())?;
            if finding.severity >= Severity::High {
                writeln!(out, "  - What to do: {}", command(&format!("whyrdp explain {}", finding.id)))?;
            }
        }
        Ok(())
    }

    fn ruled_out(&self, out: &mut String) -> Done {
        let by_reason = ruled_out(self.report);
        if by_reason.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n## Ruled out\n")?;
        for ((_, why), names) in by_reason.iter().take(self.most(SHOWN)) {
            let names: Vec<String> = names.iter().map(|name| code(name)).collect();
            writeln!(out, "- {}: {}", names.join(", "), prose(why))?;
        }
        rest(out, by_reason.len(), self.most(SHOWN))
    }

    fn missing(&self, out: &mut String) -> Done {
        let wants = &self.report.coverage.collect;
        if wants.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n## To judge more, collect\n")?;
        for (at, one) in wants.iter().take(self.most(8)).enumerate() {
            let lead = format!("{}. ", at + 1);
            writeln!(out, "{lead}{}", prose(&wanted(one, &self.options.timezone)))?;
            for command in &one.commands {
                writeln!(out, "{:1$}- {2}", "", lead.len(), self::command(command))?;
            }
        }
        rest(out, wants.len(), self.most(8))
    }

    fn coverage(&self, out: &mut String) -> Done {
        let hosts = &self.report.coverage.hosts;
        if hosts.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n## Coverage\n\n| Host | Log | State | Records | Span | Clock |\n|---|---|---|--:|---|---|")?;
        for host in hosts {
            let ahead = host.clock.offset_ms.filter(|ms| *ms != 0).map(|ms| format!(" {ms:+} ms")).unwrap_or_default();
            for channel in &host.channels {
                writeln!(
                    out,
                    "| {} | {} | {} | {} | {} | {}{ahead} |",
                    code(&host.host),
                    code(&channel.channel),
                    tame(channel.shown().0),
                    channel.shown().1.map_or("-".to_string(), digits),
                    when::span(&self.options.timezone, channel.first, channel.last),
                    tame(host.clock.state.word()),
                )?;
            }
        }
        Ok(())
    }

    fn inputs(&self, out: &mut String) -> Done {
        let inputs = &self.report.inputs;
        if inputs.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n## Inputs\n\n| File | Bytes | Records | Damage | SHA-256 |\n|---|--:|--:|--:|---|")?;
        for input in inputs.iter().take(self.most(100)) {
            let hash = input.sha256.as_deref().map(code).unwrap_or_default();
            let (bytes, records) = (digits(input.bytes), digits(input.records));
            writeln!(out, "| {} | {bytes} | {records} | {} | {hash} |", code(&input.path), input.losses())?;
        }
        rest(out, inputs.len(), self.most(100))
    }
}

fn steps(out: &mut String, title: &str, steps: &[String], numbered: bool) -> Done {
    if steps.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n### {title}\n")?;
    for (at, step) in steps.iter().enumerate() {
        let mut lines = step.lines();
        let lead = if numbered { format!("{}. ", at + 1) } else { "- ".to_owned() };
        writeln!(out, "{lead}{}", step_line(lines.next().unwrap_or_default()))?;
        for line in lines.filter(|line| !line.trim().is_empty()) {
            writeln!(out, "{:1$}- {2}", "", lead.len(), command(line))?;
        }
    }
    Ok(())
}

/// A step in one line.
fn step(text: &str) -> String {
    step_line(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn step_line(line: &str) -> String {
    let mut out = String::new();
    for piece in pieces(line) {
        match piece {
            Piece::Command(text) => out.push_str(&command(text)),
            Piece::Words(text) => {
                let begins = text.starts_with(' ') && !out.is_empty();
                let ends = text.ends_with(' ') && text.len() > 1;
                out.extend([if begins { " " } else { "" }, &prose(text), if ends { " " } else { "" }]);
            }
        }
    }
    out
}

fn rest(out: &mut String, all: usize, shown: usize) -> Done {
    if all > shown { writeln!(out, "\nand {} more (all with -v)", digits((all - shown) as u64)) } else { Ok(()) }
}

/// Controls spelled out, and a bar made harmless: nothing in a table may begin a cell.
fn tame(text: &str) -> String {
    clean(text, LONGEST).replace('|', "\\|")
}

/// A code span that holds this text, whatever it is; in a table too.
fn code(text: &str) -> String {
    span(&tame(text))
}

/// A code span outside of tables, to be copied: nothing in it is changed but controls, and nothing cut.
fn command(text: &str) -> String {
    span(&clean(text.trim(), 4000))
}

fn span(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut longest = 0;
    let mut run = 0;
    for ch in text.chars() {
        run = if ch == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    // A span that begins or ends with a backtick or is all blank needs blanks around it.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Prose with everything that could be markup escaped; addresses and mentions made dead.
fn prose(text: &str) -> String {
    let text = clean(&text.split_whitespace().collect::<Vec<_>>().join(" "), 4000);
    let mut out = String::with_capacity(text.len() * 2);
    for (at, ch) in text.char_indices() {
        let begins = at == 0;
        match ch {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' | '$' => out.extend(['\\', ch]),
            '#' | '+' | '-' | '=' if begins => out.extend(['\\', ch]),
            // Readers look for mentions and references in the finished text, but never in code.
            '@' | '#' => out.extend(['`', ch, '`']),
            ':' if text[at..].starts_with("://") => out.push_str("&#58;"),
            '.' if text[..at].bytes().all(|b| b.is_ascii_digit()) && !begins => out.push_str("\\."),
            ch => out.push(ch),
        }
    }
    // The last way to a link without a scheme.
    out.replace("www.", "www&#46;")
}

#[cfg(test)]
mod tests {
    use super::{code, prose, step};

    #[test]
    fn code_spans_cannot_be_left() {
        assert_eq!(code("a`b``c"), "```a`b``c```");
        assert_eq!(code("`a"), "`` `a ``");
        assert_eq!(code("a|b\nc"), "`a\\|b\\nc`");
        assert_eq!(code(""), "");
    }

    #[test]
    fn commands_are_copied_as_they_stand() {
        assert_eq!(step("Get-HotFix | sort <a>"), "`Get-HotFix | sort <a>`");
        assert_eq!(step("Look (reg query HK_LM\\a*) <b>"), "Look (`reg query HK_LM\\a*`) \\<b\\>");
        assert_eq!(step("net user `a`\n- <img> \u{1b}[1m"), "``net user `a` - <img> \\x1b[1m``");
        assert_eq!(step("Set a password"), "Set a password");
    }

    #[test]
    fn prose_is_no_markup() {
        assert_eq!(prose("# a *b* [c](d) <e>"), "\\# a \\*b\\* \\[c\\](d) \\<e\\>");
        assert_eq!(prose("1. a @b #2 http://x"), "1\\. a `@`b `#`2 http&#58;//x");
        assert_eq!(prose("- a\n\nb"), "\\- a b");
    }
}
