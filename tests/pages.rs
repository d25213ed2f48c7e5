//! The forms that people read in other programs: HTML and Markdown.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::print_stderr)]

#[path = "common/cases.rs"]
mod cases;
#[path = "common/sample.rs"]
mod sample;

use std::path::Path;

use whyrdp::report::model::{Report, Row};
use whyrdp::report::{Options, format};

/// Text that tries to be markup in every form.
const EVIL: &str = "<script>window.hacked=1</script><img src=x onerror=alert(1)>\"'><style>*{display:none}</style>\
    [x](javascript:alert(1)) ![y](http://evil.example/p.png) `code` | cell | **bold** @team #1 http://evil.example\r\n\
    # heading\u{202e}\u{1b}[2J</details></main>";

fn render(report: &Report, name: &str) -> String {
    let mut out = Vec::new();
    (format(name).unwrap().write)(report, &mut out, &Options::default()).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.ends_with('\n'));
    text
}

/// The sample with hostile text wherever logs can put some.
fn hostile() -> Report {
    let mut report = sample::report();
    for attempt in &mut report.attempts {
        attempt.user = Some(EVIL.into());
        attempt.client.host = Some(EVIL.into());
        attempt.server.host = Some(EVIL.into());
        attempt.server.typed_name = Some(EVIL.into());
    }
    for row in &mut report.timeline {
        if let Row::Event(row) = row {
            row.message = EVIL.into();
            row.host = EVIL.into();
            row.provider = EVIL.into();
            row.channel = EVIL.into();
            row.source.path = EVIL.into();
        }
    }
    for cause in &mut report.causes {
        cause.title = EVIL.into();
        cause.explanation = EVIL.into();
        cause.hosts = vec![EVIL.into()];
        cause.fix = vec![EVIL.into()];
        cause.references = vec![EVIL.into(), "javascript:alert(1)".into()];
    }
    for host in &mut report.coverage.hosts {
        host.host = EVIL.into();
        host.aliases = vec![EVIL.into()];
    }
    for input in &mut report.inputs {
        input.path = EVIL.into();
    }
    report.complaint.as_mut().unwrap().said = Some(EVIL.into());
    report
}

fn many() -> Report {
    let mut report = cases::report("selfsigned-renewal-denied");
    let rows = report.timeline.clone();
    let mut number = 0;
    while report.timeline.len() < 5000 {
        for row in &rows {
            let mut row = row.clone();
            if let Row::Event(row) = &mut row {
                number += 1;
                row.event = sample::name(number);
                row.message = format!("{} (record {number})", row.message);
            }
            report.timeline.push(row);
        }
    }
    report
}

/// Writes pages where `.ci/browser` finds them.
#[test]
#[ignore = "run by .ci/browser"]
fn pages_for_the_browser() {
    let folder = std::env::var_os("BROWSER_PAGES").unwrap();
    let write = |name: &str, report: &Report| {
        std::fs::write(Path::new(&folder).join(name), render(report, "html")).unwrap();
    };
    write("report.html", &cases::report("selfsigned-renewal-denied"));
    write("hostile.html", &hostile());
    write("many.html", &many());
}

#[test]
fn a_page_allows_its_own_style_and_script_and_nothing_else() {
    use base64::Engine;
    use sha2::Digest;
    let page = render(&sample::report(), "html");
    let between = |from: &str, to: &str| page.split(from).nth(1).unwrap().split(to).next().unwrap().to_owned();
    let policy = between("http-equiv=\"Content-Security-Policy\" content=\"", "\"");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    for (text, part) in
        [(between("<style>", "</style>"), "style-src"), (between("<script>", "</script>"), "script-src")]
    {
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text.as_bytes()));
        assert!(policy.contains(&format!("{part} 'sha256-{hash}'")), "{part}");
    }
    assert!(!policy.contains("unsafe"));
    assert!(!page.contains("src=\"http") && !page.contains("@import") && !page.contains("url("));
}

#[test]
fn hostile_text_stays_text_in_a_page() {
    let page = render(&hostile(), "html");
    assert_eq!((page.matches("<script").count(), page.matches("<style").count()), (1, 1));
    assert!(!page.contains("<img") && !page.contains("href=\"javascript"));
    assert!(!page.contains(|ch: char| (ch.is_control() && ch != '\n') || ch == '\u{202e}'));
    assert!(page.contains("&lt;script&gt;window.hacked"));
}

#[test]
fn every_record_cause_and_attempt_is_on_the_page() {
    let report = sample::report();
    let page = render(&report, "html");
    for row in &report.timeline {
        match row {
            Row::Event(row) => assert!(page.contains(&format!("id=\"e-{}\"", row.event))),
            Row::Run(run) => assert!(page.contains(&format!("× {}", run.count))),
        }
    }
    for number in 1..=report.attempts.len() {
        assert!(page.contains(&format!("id=\"a-{number}\"")));
    }
    for at in 0..report.causes.len() {
        assert!(page.contains(&format!("id=\"c-{at}\"")));
    }
}

/// What an HTML renderer with GitHub's extensions makes of it.
fn rendered(markdown: &str) -> String {
    let mut options = comrak::Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.render.r#unsafe = true;
    comrak::markdown_to_html(markdown, &options)
}

#[test]
fn hostile_text_stays_text_in_markdown() {
    let markdown = render(&hostile(), "md");
    assert!(!markdown.contains(|ch: char| (ch.is_control() && ch != '\n') || ch == '\u{202e}'));
    let html = rendered(&markdown);
    for tag in ["<script", "<img", "<style", "<strong>bold", "href=\"javascript", "href=\"http://evil"] {
        assert!(!html.contains(tag), "{tag} in\n{html}");
    }
    let outside = regex::Regex::new("(?s)<code>.*?</code>").unwrap().replace_all(&html, "").into_owned();
    assert!(!outside.contains("@team"), "{outside}");
    for line in markdown.lines().filter(|line| line.starts_with("| ") && line.contains("CORP")) {
        assert_eq!(line.matches(" | ").count(), 8, "{line}");
    }
}

#[test]
fn markdown_tells_causes_steps_attempts_and_hashes() {
    let report = sample::report();
    let markdown = render(&report, "md");
    let html = rendered(&markdown);
    assert_eq!(html.matches("<h1>").count(), 1);
    assert!(html.matches("<table>").count() == 3, "{html}");
    for words in ["Restart TermService", "Evidence", "0x904/0x7", &"cd".repeat(32), "Wrong password"] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn markdown_read_as_it_stands_counts_its_steps_and_tells_codes_and_roots() {
    let mut report = sample::report();
    report.causes[1].caused_by = vec![report.causes[0].id.clone()];
    let markdown = render(&report, "md");
    let (root, after) = (&report.causes[0], &report.causes[1]);
    let titled = |lead: &str, id: &str| markdown.lines().any(|line| line.starts_with(lead) && line.contains(id));
    assert!(titled("- Caused by: ", &root.id) && titled("- Leads to: ", &after.id), "{markdown}");
    assert!(markdown.contains("\n1. ") && markdown.contains("\n2. Restart TermService"), "{markdown}");
    assert!(titled("- `0x904`", "the connection broke"), "{markdown}");
    assert!(!markdown.contains("0\\.1"), "the version is no list");
    assert!(markdown.contains("The complaint (code 0x904"), "{markdown}");
}

#[test]
fn a_page_leads_from_the_answer_to_what_is_to_be_collected() {
    let page = render(&sample::report(), "html");
    assert!(page.contains("href=\"#missing\"") && page.contains("id=\"missing\""), "{page}");
    let mut report = sample::report();
    report.coverage.cannot_judge.clear();
    report.coverage.collect.clear();
    assert!(!render(&report, "html").contains("#missing"), "nothing is missing");
}

/// Two whole reports for readers who want to see one before they have logs.
const SHOWN: [(&str, &str, &str, &str); 2] = [
    (
        "certificate-not-licence.md",
        "licensing-warning-beside-certificate",
        "A certificate, not a licence",
        "Users cannot connect and mstsc shows 0x904. The server has warned of its licences for days, so everybody looks\n\
         there. The logs of the client and of the server were handed in. The report names the key of the certificate,\n\
         with the records that prove it, and says why licensing is out.",
    ),
    (
        "cut-on-the-way.md",
        "middlebox-resets-unprovable",
        "Cut on the way",
        "The same 0x904, and both ends only see the connection break off. No record of either proves who ended it: the\n\
         report says so, tells what fits and what does not, and which logs would tell more.",
    ),
];

fn shown(slug: &str, title: &str, about: &str) -> String {
    let mut report = cases::report(slug);
    for input in &mut report.inputs {
        input.path = input.path.replace('\\', "/");
    }
    let mut out = Vec::new();
    (format("text").unwrap().write)(&report, &mut out, &Options { width: 100, ..Options::default() }).unwrap();
    let text = String::from_utf8(out).unwrap();
    format!(
        "# {title}\n\n{about}\n\nThe case is [corpus/{slug}](../../corpus/{slug}/scenario.yml); nobody's logs, nobody's names.\n\n\
         ```text\n{text}```\n"
    )
}

#[test]
fn the_reports_in_the_documentation_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reports");
    let mut wrong = Vec::new();
    for (name, slug, title, about) in SHOWN {
        let page = shown(slug, title, about);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(name), &page).unwrap();
        }
        let there = std::fs::read_to_string(folder.join(name)).unwrap_or_default().replace("\r\n", "\n");
        if there != page {
            wrong.push(name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:?} changed; UPDATE_GOLDEN=1 writes them anew");
}
