use super::*;

fn said(cause: &str, level: Level, right: bool) -> Said {
    Said { cause: cause.into(), level, right }
}

fn case(slug: &str, truth: Option<&[&str]>, causes: Vec<Said>) -> Judged {
    let top = causes.first().filter(|said| said.level >= Level::Probable).map(|said| said.cause.clone());
    Judged {
        slug: slug.into(),
        family: "account".into(),
        truth: truth.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect()),
        unprovable: truth.is_none(),
        known_miss: None,
        top,
        verdicts: causes.clone(),
        causes,
    }
}

#[test]
fn a_cause_in_second_place_is_among_the_first_three_and_not_on_top() {
    let causes = vec![said("other", Level::Confirmed, false), said("wanted", Level::Possible, true)];
    let scores = Scores::of(&[case("second", Some(&["wanted"]), causes)]);
    assert_eq!(scores.total.top_1, Part { of: 0, all: 1 });
    assert_eq!(scores.total.top_3, Part { of: 1, all: 1 });
    assert_eq!(scores.total.wrong_confirmed, Part { of: 1, all: 1 });
    assert_eq!(scores.misses[0].wrong, ["confirmed other"]);
}

#[test]
fn a_cause_in_fourth_place_is_not_among_the_first_three() {
    let mut causes: Vec<Said> = ["a", "b", "c"].map(|id| said(id, Level::Possible, false)).into();
    causes.push(said("wanted", Level::Possible, true));
    let total = Scores::of(&[case("fourth", Some(&["wanted"]), causes)]).total;
    assert_eq!(total.top_3, Part { of: 0, all: 1 });
}

#[test]
fn a_right_cause_that_is_only_possible_is_a_miss() {
    let scores = Scores::of(&[case("weak", Some(&["wanted"]), vec![said("wanted", Level::Possible, true)])]);
    assert_eq!(scores.total.top_1.of, 0);
    assert_eq!(scores.misses.len(), 1);
}

#[test]
fn a_wrong_accusation_beside_the_right_cause_is_a_miss() {
    let causes = vec![said("wanted", Level::Confirmed, true), said("other", Level::Probable, false)];
    let scores = Scores::of(&[case("both", Some(&["wanted"]), causes)]);
    assert_eq!(scores.total.top_1, Part { of: 1, all: 1 });
    assert_eq!(scores.total.wrong_probable, Part { of: 1, all: 1 });
    assert_eq!(scores.misses.len(), 1);
}

#[test]
fn what_is_only_possible_accuses_nobody() {
    let scores = Scores::of(&[case("silent", None, vec![said("other", Level::Possible, false)])]);
    assert_eq!(scores.total.top_1.all, 0, "there is nothing to find");
    assert_eq!(scores.total.unprovable_confirmed, Part { of: 0, all: 1 });
    assert!(scores.misses.is_empty());
    assert_eq!(scores.total.right["possible"], Part { of: 0, all: 1 });
}

#[test]
fn a_confirmed_cause_where_the_logs_do_not_tell_is_counted() {
    let scores = Scores::of(&[case("loud", None, vec![said("other", Level::Confirmed, false)])]);
    assert_eq!(scores.total.unprovable_confirmed, Part { of: 1, all: 1 });
    assert_eq!(scores.misses[0].truth, None);
}
