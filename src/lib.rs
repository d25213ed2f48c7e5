//! whyrdp
