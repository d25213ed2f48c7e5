//! `whyrdp-corpus`: generates the logs of the cases and checks that they are what they were.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use whyrdp_corpus::{Case, Error, cases, check, generate, show, write_hashes};

const USAGE: &str = "\
usage: whyrdp-corpus generate [--out DIR] [SLUG...]   write logs to DIR/SLUG/ (target/corpus)
       whyrdp-corpus hashes [SLUG...]                 rewrite logs.sha256 and committed logs
       whyrdp-corpus show [--all] SLUG...             the events of a case in words (--all: with background)
       whyrdp-corpus check [SLUG...]                  do the cases still generate the same bytes
Run from the root of the repository, or set --corpus DIR.
";

struct Wish {
    command: String,
    corpus: PathBuf,
    out: PathBuf,
    slugs: Vec<String>,
    all: bool,
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
            ExitCode::from(1)
        }
    }
}

fn wish(mut args: impl Iterator<Item = String>) -> Option<Wish> {
    let mut wish = Wish {
        command: args.next()?,
        corpus: PathBuf::from("corpus"),
        out: PathBuf::from("target/corpus"),
        slugs: Vec::new(),
        all: false,
    };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--all" => wish.all = true,
            "--out" => wish.out = args.next()?.into(),
            "--corpus" => wish.corpus = args.next()?.into(),
            flag if flag.starts_with('-') => return None,
            slug => wish.slugs.push(slug.to_owned()),
        }
    }
    Some(wish)
}

/// Returns whether all is as it should be.
fn run(wish: &Wish) -> Result<bool, Error> {
    let all = cases(&wish.corpus)?;
    let known = |slug: &&String| !all.iter().any(|case| case.slug == **slug);
    if let Some(slug) = wish.slugs.iter().find(known) {
        return Err(Error::Scenario(format!("no case {slug}")));
    }
    let wanted = |case: &&Case| wish.slugs.is_empty() || wish.slugs.contains(&case.slug);
    let mut good = true;
    let mut out = std::io::stdout().lock();
    for case in all.iter().filter(wanted) {
        let named = |e: Error| Error::Scenario(format!("{}: {e}", case.slug));
        match wish.command.as_str() {
            "generate" => {
                let dir = wish.out.join(&case.slug);
                clear(&dir)?;
                for path in generate(&case.dir, &dir).map_err(named)? {
                    let _ = writeln!(out, "{}", path.display());
                }
            }
            "hashes" => write_hashes(&case.dir).map_err(named)?,
            "show" => {
                for line in show::lines(&case.dir, wish.all).map_err(named)? {
                    let _ = writeln!(out, "{line}");
                }
            }
            "check" => {
                for difference in check(&case.dir).map_err(named)? {
                    good = false;
                    let file = difference.file.display();
                    let _ = writeln!(out, "{file}: {}", difference.what);
                }
            }
            other => return Err(Error::Scenario(format!("no command {other}\n{USAGE}"))),
        }
    }
    Ok(good)
}

/// Removes what an older scenario left behind.
fn clear(dir: &Path) -> Result<(), Error> {
    if dir.is_dir() {
        std::fs::remove_dir_all(dir).map_err(|e| Error::Io(dir.to_owned(), e))?;
    }
    Ok(())
}
