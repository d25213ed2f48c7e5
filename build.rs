//! Packs `signatures/` into one blob, so that the program parses no YAML when it starts, and works out what every start
//! would have to: what is wanted of records. Uses the modules of the library; a bad signature fails the build.

#![allow(clippy::print_stdout, reason = "a build script speaks to cargo on stdout")]

use std::path::Path;
use std::{env, fs, io};

/// The parts of the library that make the blob and read it.
#[allow(dead_code, unused_imports, reason = "the library uses more of them")]
#[path = "src"]
mod library {
    pub mod event;
    pub mod signature {
        mod definition;
        mod filter;
        mod gates;
        mod glob;
        mod index;
        mod parts;
        mod pins;
        pub mod read;
        mod value;
        mod wording;

        /// Definitions as the program holds those that come with it.
        pub fn pack(mut all: definition::Definitions) -> Result<Vec<u8>, postcard::Error> {
            parts::arrange(&mut all);
            let pins: Vec<_> = all.rules.iter().map(|rule| pins::of(&rule.detection)).collect();
            let ground = parts::Ground::of(&all, &pins);
            postcard::to_allocvec::<parts::Packed>(&(all.into(), ground))
        }
    }
}
// They call it `crate::event`.
use library::event;
use library::signature::{pack, read};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=signatures");
    let root = Path::new("signatures");
    let (files, mut problems) = read::files_of(root);
    let (definitions, more) = read::load_text(&files);
    problems.extend(more);
    for (mut problem, name) in read::check_links(&definitions) {
        problem.line = line_of(&root.join(&problem.file), &name).unwrap_or(0);
        problems.push(problem);
    }
    for problem in &problems {
        println!("cargo::error=signatures/{problem}");
    }
    // Examples are for tests, which read the files: starting up need not unpack them.
    let mut definitions = definitions;
    for meaning in definitions.rules.iter_mut().filter_map(|rule| rule.meaning.as_mut()) {
        meaning.tests = Default::default();
    }
    let blob = pack(definitions).map_err(io::Error::other)?;
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("OUT_DIR is not set"))?;
    fs::write(Path::new(&out).join("signatures.postcard"), blob)?;
    fs::write(Path::new(&out).join("layouts.tsv"), layouts(&root.join("layouts"))?)?;
    // The files as they stand, for `whyrdp signatures`; nothing else reads them.
    let sources = postcard::to_allocvec(&files).map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("sources.postcard"), sources)
}

/// The layouts of all providers, one after the other.
fn layouts(folder: &Path) -> io::Result<String> {
    let files = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    let mut tables: Vec<_> =
        files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "tsv")).collect();
    tables.sort();
    tables.iter().map(fs::read_to_string).collect()
}

/// The first line of a file that holds this name.
fn line_of(file: &Path, name: &str) -> Option<u32> {
    let text = fs::read_to_string(file).ok()?;
    (1..).zip(text.lines()).find(|(_, line)| line.contains(name)).map(|(number, _)| number)
}
