//! Lists of files: `PATH[TAB]NAME`, one a line.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use whyrdp::os;
use whyrdp::source::Given;

use super::encoding;
use super::exit::Failure;

/// Reads a list, from standard input where it is called `-`.
pub fn read(list: &Path) -> Result<Vec<Given>, Failure> {
    let wrong = |what: &dyn std::fmt::Display| {
        Failure::usage(format_args!("cannot read the list of files {}: {what}", list.display()))
    };
    let mut bytes = Vec::new();
    let read = match list.as_os_str() == "-" {
        true => io::stdin().read_to_end(&mut bytes).map(drop),
        false => fs::read(list).map(|read| bytes = read),
    };
    read.map_err(|error| wrong(&error))?;
    let text = encoding::behind_mark(&bytes).map_err(|wide| wrong(&wide))?;
    let mut given = Vec::new();
    for line in text.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let (path, name) = match line.iter().position(|byte| *byte == b'\t') {
            Some(tab) => (&line[..tab], String::from_utf8_lossy(&line[tab + 1..])),
            None => (line, "".into()),
        };
        if path == b"-" {
            return Err(Failure::usage("- cannot stand in a list of files: standard input holds no path"));
        }
        if !path.is_empty() {
            given.push(Given { path: os::path(path), name: Some(name.into_owned()).filter(|name| !name.is_empty()) });
        }
    }
    Ok(given)
}
