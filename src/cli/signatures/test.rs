//! `whyrdp signatures test`: the examples in rules, held against the rules.

use whyrdp::report::terminal::clean;
use whyrdp::signature::test_rule;

use super::{Folder, count, definitions};
use crate::cli::Session;
use crate::cli::exit::{Exit, Failure};
use crate::cli::output::Output;

const EXAMPLES: &str = "\
Examples:
  whyrdp signatures test                        what came with the program
  whyrdp signatures test my-rules/ && echo good

Every rule with a whyrdp block needs an event that matches and a near miss that does not:
  whyrdp:
    tests:
      match: [{Provider_Name: Schannel, EventID: 36870, Type: server}]
      miss:  [{Provider_Name: Schannel, EventID: 36870, Type: client}]";

/// As typed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    folder: Folder,
}

/// Runs the command.
pub fn run(args: &Args, session: &Session) -> Result<Exit, Failure> {
    let (sources, unreadable, _) = args.folder.open()?;
    let mut output = Output::open(None, false, &session.unfinished)?;
    let mut failed = 0_usize;
    let (mut tested, mut examples, mut foreign) = (0_usize, 0_usize, 0_usize);
    let mut tell = |file: &str, rule: &str, message: &str| {
        failed += 1;
        output.write(|out| writeln!(out, "{}", clean(&format!("{file}: {rule}: {message}"), 4000)))
    };
    for problem in &unreadable {
        tell(&problem.file, "-", &problem.message)?;
    }
    for file in &sources.0 {
        let one = whyrdp::signature::Sources(vec![file.clone()]);
        for rule in definitions(&one).rules {
            if let Some(meaning) = &rule.meaning {
                tested += 1;
                examples += meaning.tests.hits.len() + meaning.tests.misses.len();
            } else {
                foreign += 1;
            }
            for message in test_rule(&rule).err().into_iter().flatten() {
                tell(&file.0, &rule.slug, &message)?;
            }
        }
    }
    // What cannot be read has no examples that could hold.
    let (_, broken) = whyrdp::signature::read::load_text(&sources.0);
    for problem in &broken {
        let rule = problem.rule.as_deref().unwrap_or("-");
        tell(&problem.file, rule, &format!("cannot be used: {}", problem.message))?;
    }
    let others = if foreign > 0 { format!("; {foreign} without examples (no whyrdp block)") } else { String::new() };
    let end = if failed == 0 { "all hold".to_owned() } else { count(failed, "failure") };
    let summary = format!("{}, {}: {end}{others}", count(tested, "rule"), count(examples, "example"));
    output.write(|out| writeln!(out, "{summary}"))?;
    output.finish()?;
    Ok(if failed == 0 { Exit::Done } else { Exit::Found })
}
