//! `whyrdp-accuracy`: analyzes every case of `corpus/` and tells how often the report is right.
//!
//! Exits with 1 where the figures are below those of `corpus/accuracy.yml`.

mod judge;
mod level;
mod score;
mod table;

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::thread;

use whyrdp::signature::Signatures;
use whyrdp_corpus::{Case, cases};

use judge::{Judged, judge};
use level::Level;
use score::Scores;

const USAGE: &str = "\
usage: whyrdp-accuracy [--format text|json] [SLUG...]   analyze the cases, compare with what is true of them
Run from the root of the repository, or set --corpus DIR.
Exits with 1 below the level of DIR/accuracy.yml, which holds for all cases together.
";

struct Wish {
    corpus: PathBuf,
    json: bool,
    slugs: Vec<String>,
}

fn main() -> ExitCode {
    let Some(wish) = wish(std::env::args().skip(1)) else {
        let _ = std::io::stderr().write_all(USAGE.as_bytes());
        return ExitCode::from(2);
    };
    match run(&wish) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(2)
        }
    }
}

fn wish(mut args: impl Iterator<Item = String>) -> Option<Wish> {
    let mut wish = Wish { corpus: PathBuf::from("corpus"), json: false, slugs: Vec::new() };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--corpus" => wish.corpus = args.next()?.into(),
            "--format" => match args.next()?.as_str() {
                "json" => wish.json = true,
                "text" => wish.json = false,
                _ => return None,
            },
            flag if flag.starts_with('-') => return None,
            slug => wish.slugs.push(slug.to_owned()),
        }
    }
    Some(wish)
}

/// Returns whether the level is reached.
fn run(wish: &Wish) -> Result<bool, Box<dyn Error + Send + Sync>> {
    let (signatures, problems) = Signatures::open(true, &[]);
    if !problems.is_empty() {
        return Err(format!("signatures with problems: {problems:?}").into());
    }
    let all = wanted(&wish.corpus, &wish.slugs)?;
    let judged = judge_all(all, &signatures)?;
    let scores = Scores::of(&judged);
    let mut out = std::io::stdout().lock();
    if wish.json {
        serde_json::to_writer_pretty(&mut out, &scores)?;
        writeln!(out)?;
    } else {
        write!(out, "{}", table::text(&scores))?;
    }
    // Some cases alone say nothing about all of them.
    if !wish.slugs.is_empty() {
        return Ok(true);
    }
    let below = Level::read(&wish.corpus.join("accuracy.yml"))?.not_reached(&scores.total);
    for line in &below {
        writeln!(std::io::stderr(), "below accuracy.yml: {line}")?;
    }
    Ok(below.is_empty())
}

/// On threads of their own: the scan has a pool, and a worker that waits for another pool takes up a
/// further case meanwhile, upon the same stack.
fn judge_all(all: Vec<Case>, signatures: &Signatures) -> Result<Vec<Judged>, Box<dyn Error + Send + Sync>> {
    let (queue, done) = (Mutex::new(all.into_iter()), Mutex::new(Vec::new()));
    let work = || {
        loop {
            let case = queue.lock().ok().and_then(|mut queue| queue.next());
            let Some(case) = case else { break };
            let judged = judge(case, signatures);
            if let Ok(mut done) = done.lock() {
                done.push(judged);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let done = done.into_inner().map_err(|_| "a case could not be judged")?;
    let mut judged = done.into_iter().collect::<Result<Vec<Judged>, _>>()?;
    judged.sort_by(|a, b| a.slug.cmp(&b.slug));
    Ok(judged)
}

fn wanted(corpus: &Path, slugs: &[String]) -> Result<Vec<Case>, Box<dyn Error + Send + Sync>> {
    let mut all = cases(corpus)?;
    if let Some(slug) = slugs.iter().find(|slug| !all.iter().any(|case| case.slug == **slug)) {
        return Err(format!("no case {slug}").into());
    }
    all.retain(|case| slugs.is_empty() || slugs.contains(&case.slug));
    if all.is_empty() {
        return Err(format!("no cases in {}", corpus.display()).into());
    }
    Ok(all)
}
