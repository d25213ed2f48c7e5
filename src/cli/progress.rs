//! A bar for work that takes long enough to wonder about.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_millis(700);

/// Bytes done of bytes to do.
pub struct Progress {
    wanted: bool,
    total: u64,
    since: Instant,
    bar: OnceCell<ProgressBar>,
}

impl Progress {
    /// Over `total` bytes; never shown unless `wanted`.
    pub fn new(total: u64, wanted: bool) -> Self {
        Progress { wanted, total, since: Instant::now(), bar: OnceCell::new() }
    }

    /// So many bytes are done.
    pub fn at(&self, done: u64) {
        if !self.wanted || self.since.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_init(|| {
            let bar = ProgressBar::with_draw_target(Some(self.total), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("reading {bar:30} {bytes} of {total_bytes}, {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        bar.set_position(done);
    }

    /// Takes the bar away.
    pub fn done(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }

    /// How long it took.
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }
}
