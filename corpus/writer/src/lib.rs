//! Writer of synthetic Windows logs for the cases in `corpus/`.
