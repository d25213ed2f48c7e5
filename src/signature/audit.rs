//! What the audit policy writes into the Security log: `signatures/audit.tsv`.

const TABLE: &str = include_str!("../../signatures/audit.tsv");

/// The channel of audit records.
pub const CHANNEL: &str = "Security";

/// A subcategory of the audit policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subcategory {
    /// Its English name.
    pub name: &'static str,
    /// By which `auditpol` knows it in every language.
    pub guid: &'static str,
    /// Events that it writes.
    pub ids: Vec<u32>,
    /// It writes one for every session over Remote Desktop.
    pub of_sessions: bool,
}

/// Every subcategory of the table.
pub fn subcategories() -> Vec<Subcategory> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let mut cells = line.split('\t');
            let (name, guid) = (cells.next()?, cells.next()?);
            let ids = cells.next()?.split(',').filter_map(|id| id.parse().ok()).collect();
            Some(Subcategory { name, guid, ids, of_sessions: cells.next() == Some("session") })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::subcategories;

    #[test]
    fn every_subcategory_has_its_guid_and_its_events() {
        let all = subcategories();
        assert!(all.len() > 10);
        for one in &all {
            assert!(crate::event::Guid::parse(one.guid).is_some() && !one.ids.is_empty(), "{one:?}");
        }
        assert_eq!(all.iter().filter(|one| one.of_sessions).count(), 1);
    }
}
