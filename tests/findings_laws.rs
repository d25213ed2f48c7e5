//! The three laws of merging, on random rows: order, grouping and repetition change nothing.

use proptest::prelude::*;
use whyrdp::event::Time;
use whyrdp::evidence::{
    Coverage, EventRef, Evidence, Findings, InputFacts, Problem, Record, Row, RowError, Source, read_row, write_row,
};

fn time(seconds: u16) -> Time {
    Time::from_filetime(132_000_000_000_000_000 + u64::from(seconds) * 10_000_000)
}

fn evidence() -> impl Strategy<Value = Row> {
    (0u8..6, 0u8..3, proptest::collection::btree_set("[a-c]{1,2}", 1..3), 0u16..50, "[a-z ]{0,6}").prop_map(
        |(name, copy, signatures, at, value)| {
            Row::Evidence(Evidence {
                event: EventRef(u128::from(name)),
                record: Record {
                    computer: "srv".into(),
                    channel: "System".into(),
                    provider: "P".into(),
                    source_name: "".into(),
                    event_id: u32::from(name),
                    version: None,
                    level: Some(4),
                    record_id: Some(u64::from(name)),
                    time: Some(time(at)),
                    activity_id: None,
                    process_id: None,
                    user_id: "".into(),
                    fields: [whyrdp::evidence::Field("Data".into(), value.into())].into_iter().collect(),
                    cut: false,
                },
                signatures: signatures.into_iter().map(Into::into).collect(),
                source: Source { path: format!("file{copy}").into(), offset: 4096, within: 0 },
            })
        },
    )
}

fn coverage() -> impl Strategy<Value = Row> {
    (0u8..2, proptest::collection::vec((0u64..40, 0u16..100), 1..12), any::<bool>()).prop_map(
        |(host, records, forwarded)| {
            let mut coverage = Coverage::default();
            for (id, at) in records {
                coverage.record((id != 0).then_some(id), time(at), forwarded);
            }
            Row::Coverage { computer: format!("h{host}").into(), channel: "System".into(), coverage }
        },
    )
}

fn row() -> impl Strategy<Value = Row> {
    let problem = ("[ab]", 0u64..3, any::<bool>()).prop_map(|(path, offset, lost)| {
        Row::Problem(Problem { path: path.into(), offset: Some(offset), what: "checksum".into(), lost })
    });
    let input = ("[ab]", 0u64..3)
        .prop_map(|(path, records)| Row::Input(InputFacts { path: path.into(), records, ..InputFacts::default() }));
    prop_oneof![evidence(), coverage(), problem, input]
}

fn set(rows: &[Row]) -> Findings {
    let mut findings = Findings::default();
    rows.iter().cloned().for_each(|row| findings.add(row));
    findings
}

fn merged(parts: &[&Findings]) -> Findings {
    let mut all = Findings::default();
    parts.iter().for_each(|part| all.merge((*part).clone()));
    all
}

proptest! {
    #[test]
    fn merging_is_associative_commutative_and_idempotent(
        a in proptest::collection::vec(row(), 0..20),
        b in proptest::collection::vec(row(), 0..20),
        c in proptest::collection::vec(row(), 0..20),
    ) {
        let (a, b, c) = (set(&a), set(&b), set(&c));
        let (left, right) = (merged(&[&merged(&[&a, &b]), &c]), merged(&[&a, &merged(&[&b, &c])]));
        prop_assert_eq!(&left, &right);
        prop_assert_eq!(&left, &merged(&[&c, &b, &a]));
        prop_assert_eq!(&left, &merged(&[&left, &a, &left]));
    }

    #[test]
    fn rows_in_any_order_and_twice_give_the_same_set(mut rows in proptest::collection::vec(row(), 0..30)) {
        let once = set(&rows);
        rows.reverse();
        let twice: Vec<Row> = rows.iter().chain(&rows).cloned().collect();
        prop_assert_eq!(once, set(&twice));
    }

    #[test]
    fn a_row_reads_back_as_it_was_written(row in row()) {
        let line = write_row(&row, "abc").unwrap();
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(read_row(&line, "abc").unwrap(), row);
    }

    #[test]
    fn a_row_whose_keys_stand_in_another_order_is_the_same_row(row in row()) {
        let line = write_row(&row, "abc").unwrap();
        let sorted = serde_json::from_str::<serde_json::Value>(&line).unwrap().to_string();
        prop_assert_eq!(read_row(&sorted, "abc").unwrap(), row);
        prop_assert!(read_row(&sorted, "abd").is_err() && read_row(&line, "abd").is_err());
        prop_assert!(read_row(&line, "ab").is_err() && read_row(&line, "abcd").is_err());
        let later = line.replacen("\"schema_version\":1,", "\"schema_version\":11,", 1);
        prop_assert!(matches!(read_row(&later, "abc"), Err(RowError::Version(11))));
    }

    #[test]
    fn coverage_counts_each_record_once(records in proptest::collection::vec((1u64..60, 0u16..100), 0..80)) {
        let mut coverage = Coverage::default();
        for (id, at) in &records {
            coverage.record(Some(*id), time(*at), false);
        }
        let distinct: std::collections::BTreeSet<u64> = records.iter().map(|(id, _)| *id).collect();
        prop_assert_eq!(coverage.records(), distinct.len() as u64);
        prop_assert!(coverage.runs.windows(2).all(|pair| pair[0].last_id + 1 < pair[1].first_id));
        prop_assert_eq!(coverage.bounds().map(|(first, _)| first), records.iter().map(|(_, at)| time(*at)).min());
    }
}
