//! Bytes become events: finds inputs, recognises their format by content, and
//! reads them block by block. Formats never see each other, nor signatures.
