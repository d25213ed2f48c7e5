//! Tells why Remote Desktop failed, offline, from exported Windows logs.
//!
//! ```text
//! files --source--> Event --signature--> Evidence --attempt--> Attempt --verdict--> Report --render--> text, JSON
//!         (one block of one file at a time, in parallel) |   (all evidence of the case, in order of time)
//!                                              Findings: a set of rows; sets merge
//! ```
//! Two functions carry everything. [`scan::scan`] is the map half: parallel, the only one that
//! reads. [`correlate::correlate`] is the reduce half: pure, it reads no clock and cannot fail.
//! Between them stand [`evidence::Findings`], a set of small rows that merge in any order.
//! What is known about Remote Desktop is data, read by [`signature`]. `ARCHITECTURE.md` is the map.
//!
//! ```
//! use std::convert::Infallible;
//! use whyrdp::correlate::{Request, correlate};
//! use whyrdp::evidence::Findings;
//! use whyrdp::scan::{Options, scan};
//! use whyrdp::signature::Signatures;
//! use whyrdp::source::discover;
//!
//! let (signatures, _) = Signatures::open(true, &[]);
//! let found = discover(&["corpus/selfsigned-renewal-denied/logs".into()]);
//! let mut findings = Findings::default();
//! let totals = scan::<Infallible>(&found.inputs, &signatures, &Options::default(), &mut |row| {
//!     findings.add(row);
//!     Ok(())
//! });
//! assert_eq!(totals.unwrap().unreadable, 0);
//!
//! let report = correlate(&findings, &signatures, &Request::default());
//! assert_eq!(report.summary.failed, 3);
//! assert_eq!(report.causes[0].family, "certificate");
//! ```

pub mod attempt;
pub mod correlate;
pub mod error;
pub mod event;
pub mod evidence;
pub mod inventory;
pub mod os;
pub mod reference;
pub mod report;
pub mod scan;
pub mod signature;
pub mod source;
pub mod step;
pub mod verdict;
pub mod verify;
