//! Lines on a screen: wrapped, indented, coloured where wanted, and always escaped.
//!
//! Every word on its way out passes [`Text`] or [`Page::table`], and both escape, so that
//! no section can forget it.

use std::io::{self, Write};

use comfy_table::{Attribute, Cell, ColumnConstraint, ContentArrangement, Table, Width};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::event::Time;
use crate::report::Options;
use crate::report::terminal::clean;
use crate::report::when;
use crate::step::{Piece, pieces};

/// Most characters of any one value.
const MOST: usize = 2000;

/// How a word looks, where colours are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As everything.
    Plain,
    /// Headings and titles.
    Bold,
    /// What may be skipped.
    Dim,
    /// Went wrong, or is proven.
    Red,
    /// Deserves care.
    Yellow,
    /// Went well.
    Green,
}

impl Style {
    fn code(self) -> Option<&'static str> {
        match self {
            Style::Plain => None,
            Style::Bold => Some("1"),
            Style::Dim => Some("2"),
            Style::Red => Some("1;31"),
            Style::Yellow => Some("33"),
            Style::Green => Some("32"),
        }
    }
}

/// Words with their looks, escaped when they come in.
#[derive(Clone, Debug, Default)]
pub struct Text(Vec<(Style, String)>);

impl Text {
    /// Nothing yet.
    pub fn new() -> Self {
        Text::default()
    }

    /// Plain words.
    pub fn plain(words: &str) -> Self {
        Text::new().add(Style::Plain, words)
    }

    /// Words of one look.
    pub fn of(style: Style, words: &str) -> Self {
        Text::new().add(style, words)
    }

    /// More words, glued to the last unless a blank stands between.
    #[must_use]
    pub fn add(self, style: Style, words: &str) -> Self {
        self.cut(style, words, MOST)
    }

    /// As [`Text::add`], at most `most` characters.
    #[must_use]
    pub fn cut(mut self, style: Style, words: &str, most: usize) -> Self {
        self.0.push((style, clean(words, most)));
        self
    }
}

/// One cell of a table, escaped when it is made.
#[derive(Clone, Debug)]
pub struct Entry(Style, String);

impl Entry {
    /// Words of one look.
    pub fn new(style: Style, words: &str) -> Self {
        Entry(style, clean(words, MOST))
    }

    /// Plain words.
    pub fn plain(words: &str) -> Self {
        Entry::new(Style::Plain, words)
    }

    /// At most `most` characters of one look.
    pub fn cut(style: Style, words: &str, most: usize) -> Self {
        Entry(style, clean(words, most))
    }

    /// Two lines in one cell.
    pub fn two(style: Style, first: &str, second: &str) -> Self {
        Entry(style, format!("{}\n{}", clean(first, MOST), clean(second, MOST)))
    }
}

/// A column of a table: its heading and its room.
pub struct Column(pub &'static str, pub Room);

/// How wide a column may be.
pub enum Room {
    /// What is left.
    Rest,
    /// As wide as its widest cell.
    Content,
    /// So many letters.
    Exactly(u16),
}

/// Where the report goes.
pub struct Page<'a> {
    out: &'a mut dyn Write,
    /// What the reader wants.
    pub options: &'a Options,
}

impl<'a> Page<'a> {
    /// A page on `out`.
    pub fn new(out: &'a mut dyn Write, options: &'a Options) -> Self {
        Page { out, options }
    }

    /// Columns to write in; very narrow and very wide screens are treated as if they were not.
    pub fn width(&self) -> usize {
        self.options.width.clamp(40, 200)
    }

    /// Room for tables beside each other's long lines.
    pub fn wide(&self) -> bool {
        self.width() >= 110
    }

    /// Columns for prose behind an indent: wider than this it is hard to read, however wide the screen.
    pub fn room(&self, hang: usize) -> usize {
        self.width().min(120).saturating_sub(hang).max(20)
    }

    /// An empty line.
    pub fn blank(&mut self) -> io::Result<()> {
        self.out.write_all(b"\n")
    }

    /// A section begins.
    pub fn heading(&mut self, words: &str) -> io::Result<()> {
        self.blank()?;
        self.put(0, "", &Text::of(Style::Bold, &words.to_uppercase()))
    }

    /// `lead`, then text whose further lines stand under its first letter.
    pub fn put(&mut self, indent: usize, lead: &str, text: &Text) -> io::Result<()> {
        self.put_styled(indent, (Style::Dim, lead), text)
    }

    /// As [`Page::put`], with a look for the lead.
    pub fn put_styled(&mut self, indent: usize, lead: (Style, &str), text: &Text) -> io::Result<()> {
        let hang = indent + lead.1.width();
        for (at, line) in wrap(text, self.room(hang)).into_iter().enumerate() {
            let mut written = if at == 0 {
                format!("{}{}", " ".repeat(indent), self.painted(lead.0, lead.1))
            } else {
                " ".repeat(hang)
            };
            for (style, words) in line {
                written.push_str(&self.painted(style, &words));
            }
            writeln!(self.out, "{}", written.trim_end())?;
        }
        Ok(())
    }

    /// A line of a step. What does not fit is broken around its commands and never within them: whoever copies one
    /// wants it whole.
    pub fn step(&mut self, indent: usize, lead: &str, style: Style, line: &str) -> io::Result<()> {
        let pieces = pieces(line);
        // In brackets a command is but a remark.
        let remark = pieces.iter().any(|piece| matches!(piece, Piece::Words(words) if words.ends_with('(')));
        let apart = !remark && pieces.iter().any(|piece| matches!(piece, Piece::Command(_)));
        if !apart || line.width() <= self.room(indent + lead.width()) {
            let text = pieces.into_iter().fold(Text::new(), |text, piece| match piece {
                Piece::Words(words) => text.add(style, words),
                Piece::Command(command) => text.add(Style::Green, command),
            });
            return self.put(indent, lead, &text);
        }
        let mut lead = lead.to_owned();
        for piece in pieces {
            match piece {
                Piece::Command(command) => self.command(indent, &lead, command)?,
                Piece::Words(words) => {
                    let words = words.trim_start_matches([',', ';', ' ']).trim_end_matches([',', ' ']);
                    self.put(indent, &lead, &Text::of(style, words))?;
                }
            }
            lead = " ".repeat(lead.width());
        }
        Ok(())
    }

    /// A command on one line, however long: whoever copies it wants it whole.
    pub fn command(&mut self, indent: usize, lead: &str, words: &str) -> io::Result<()> {
        let (lead, words) = (self.painted(Style::Dim, lead), self.painted(Style::Green, &clean(words, MOST)));
        writeln!(self.out, "{}{lead}{words}", " ".repeat(indent))
    }

    /// A table; rows without any cell are left out.
    pub fn table(&mut self, indent: usize, columns: &[Column], rows: Vec<Vec<Entry>>) -> io::Result<()> {
        let mut table = Table::new();
        let room = u16::try_from(self.width().saturating_sub(indent)).unwrap_or(u16::MAX);
        table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(room);
        if self.options.color {
            table.enforce_styling()
        } else {
            table.force_no_tty()
        };
        if columns.iter().any(|column| !column.0.is_empty()) {
            table.set_header(columns.iter().map(|column| Cell::new(column.0).add_attribute(Attribute::Dim)));
        }
        for row in rows {
            table.add_row(row.into_iter().map(cell));
        }
        for (column, wanted) in table.column_iter_mut().zip(columns) {
            column.set_padding((0, 2));
            match wanted.1 {
                Room::Rest => {}
                Room::Content => {
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
                Room::Exactly(width) => {
                    column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(width + 2)));
                }
            }
        }
        for line in table.lines() {
            writeln!(self.out, "{}{}", " ".repeat(indent), line.trim_end())?;
        }
        Ok(())
    }

    fn painted(&self, style: Style, words: &str) -> String {
        match style.code() {
            Some(code) if self.options.color && !words.trim().is_empty() => {
                format!("\x1b[{code}m{words}\x1b[0m")
            }
            _ => words.to_owned(),
        }
    }

    /// Date and time to the second, with the offset where the zone is not UTC.
    pub fn moment(&self, time: Time) -> String {
        when::moment(&self.options.timezone, time)
    }

    /// Date and time to the millisecond.
    pub fn instant(&self, time: Time) -> String {
        when::instant(&self.options.timezone, time)
    }

    /// Time of day to the millisecond.
    pub fn clock(&self, time: Time) -> String {
        when::clock(&self.options.timezone, time)
    }

    /// Date.
    pub fn date(&self, time: Time) -> String {
        when::date(&self.options.timezone, time)
    }

    /// Name of the zone.
    pub fn zone(&self) -> String {
        when::name(&self.options.timezone)
    }

    /// From and to, the date once where it is the same.
    pub fn span(&self, first: Option<Time>, last: Option<Time>) -> String {
        when::span(&self.options.timezone, first, last)
    }
}

fn cell(Entry(style, words): Entry) -> Cell {
    let cell = Cell::new_owned(words);
    match style {
        Style::Plain => cell,
        Style::Bold => cell.add_attribute(Attribute::Bold),
        Style::Dim => cell.add_attribute(Attribute::Dim),
        Style::Red => cell.fg(comfy_table::Color::Red),
        Style::Yellow => cell.fg(comfy_table::Color::DarkYellow),
        Style::Green => cell.fg(comfy_table::Color::DarkGreen),
    }
}

type Line = Vec<(Style, String)>;

/// Breaks at blanks; a word longer than a line is broken anywhere.
fn wrap(text: &Text, room: usize) -> Vec<Line> {
    let mut lines: Vec<Line> = vec![Vec::new()];
    let mut used = 0;
    for word in words(text) {
        let wide: usize = word.iter().map(|(_, part)| part.width()).sum();
        if used > 0 && used + 1 + wide > room {
            lines.push(Vec::new());
            used = 0;
        }
        if used > 0 {
            push(&mut lines, Style::Plain, ' ');
            used += 1;
        }
        for (style, part) in word {
            // A broken address or path is no use to anybody.
            let whole = part.matches(['/', '\\']).count() > 1;
            for ch in part.chars() {
                let step = ch.width().unwrap_or(0);
                if used + step > room && !whole {
                    lines.push(Vec::new());
                    used = 0;
                }
                push(&mut lines, style, ch);
                used += step;
            }
        }
    }
    lines
}

fn push(lines: &mut [Line], style: Style, ch: char) {
    let Some(line) = lines.last_mut() else { return };
    match line.last_mut() {
        Some((last, words)) if *last == style || ch == ' ' => words.push(ch),
        _ => line.push((style, ch.to_string())),
    }
}

fn words(text: &Text) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    let mut glue = false;
    for (style, part) in &text.0 {
        for (at, word) in part.split(' ').enumerate() {
            glue &= at == 0;
            if word.is_empty() {
                glue = false;
                continue;
            }
            match out.last_mut() {
                Some(last) if glue => last.push((*style, word.to_owned())),
                _ => out.push(vec![(*style, word.to_owned())]),
            }
            glue = true;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &Text, width: usize) -> String {
        let mut out = Vec::new();
        let options = Options { width, ..Options::default() };
        Page::new(&mut out, &options).put(2, "- ", text).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn further_lines_stand_under_the_first() {
        let text = Text::plain("one two three four five six seven eight nine ten");
        assert_eq!(shown(&text, 40), "  - one two three four five six seven\n    eight nine ten\n");
    }

    #[test]
    fn words_of_two_looks_stay_glued() {
        let text = Text::plain("code ").add(Style::Bold, "0x904").add(Style::Plain, ", then");
        assert_eq!(shown(&text, 80), "  - code 0x904, then\n");
    }

    #[test]
    fn a_command_is_never_broken() {
        let told = |line: &str| {
            let mut out = Vec::new();
            let options = Options { width: 40, ..Options::default() };
            Page::new(&mut out, &options).step(2, "1. ", Style::Plain, line).unwrap();
            String::from_utf8(out).unwrap()
        };
        let long = "reg query HKLM\\SOFTWARE\\A /v Name /t REG_DWORD";
        assert_eq!(told("Look: sfc /scannow"), "  1. Look: sfc /scannow\n");
        assert_eq!(told(long), format!("  1. {long}\n"));
        let around = format!("Look at the value of it: {long}; and set it");
        assert_eq!(told(&around), format!("  1. Look at the value of it:\n     {long}\n     and set it\n"));
    }

    #[test]
    fn a_word_wider_than_the_page_is_broken() {
        let out = shown(&Text::plain(&"字".repeat(60)), 40);
        assert!(out.lines().count() > 3);
        assert!(out.lines().all(|line| line.width() <= 40), "{out}");
    }

    #[test]
    fn nobody_can_put_an_escape_through() {
        let out = shown(&Text::new().add(Style::Red, "a\u{1b}[31m\nb"), 80);
        assert_eq!(out, "  - a\\x1b[31m\\nb\n");
    }
}
