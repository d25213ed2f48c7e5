//! What a signal asks for: while logs are read, to stop reading and tell what is known so far;
//! at any other time, or when it comes again, to end at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use super::exit::Exit;

/// Shared with the thread that hears signals.
#[derive(Clone, Default)]
pub struct Stop(Arc<State>);

#[derive(Default)]
struct State {
    /// The first signal that came; 0 before.
    signal: AtomicI32,
    /// Somebody looks at it again and again.
    heeded: AtomicBool,
}

impl Stop {
    /// A signal came. `true`: nobody would heed it, so that the program has to end now.
    pub fn on(&self, signal: i32) -> bool {
        let first = self.0.signal.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        !(first && self.0.heeded.load(Ordering::SeqCst))
    }

    /// Does something that looks at [`Stop::asked`] again and again.
    pub fn heeded<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.heeded.store(true, Ordering::SeqCst);
        let done = work();
        self.0.heeded.store(false, Ordering::SeqCst);
        done
    }

    /// Somebody wants the program to stop.
    pub fn asked(&self) -> bool {
        self.0.signal.load(Ordering::SeqCst) != 0
    }

    /// How the program ends because of it.
    pub fn exit(&self) -> Exit {
        match self.0.signal.load(Ordering::SeqCst) {
            0 => Exit::Done,
            signal => Exit::of_signal(signal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_signal_while_somebody_heeds_it_lets_the_program_go_on() {
        let stop = Stop::default();
        assert!(stop.on(15), "nobody would look");
        let stop = Stop::default();
        assert!(!stop.heeded(|| stop.on(15)));
        assert!(stop.asked());
        assert!(stop.heeded(|| stop.on(2)), "asked twice");
        assert_eq!(stop.exit(), Exit::Terminated);
        assert_eq!(Stop::default().exit(), Exit::Done);
    }
}
