//! What was stopped stays so: a file that does not speak of it revives nothing, and a withdrawal ends by an acceptance alone.

use super::*;
use crate::organisation::Standing;
use crate::time::Seconds;

const SCOPE: &str = "[[scopes]]\nscope = \"skatt:inntekt\"\n";
const PERSON: &str = "[[test_persons]]\npool = \"synthetic\"\npid = \"21879498012\"\n";

/// The terms accepted a day later than in [`ORGANISATION`].
const ANEW: (&str, &str) = ("2016-12-01T12", "2016-12-02T12");

fn all() -> String {
    [ORGANISATION, SCOPE, TEN_FIELDS, PERSON].concat()
}

/// The file with one more line under a heading.
fn said(text: &str, heading: &str, line: &str) -> String {
    text.replace(heading, &format!("{heading}\n{line}"))
}

/// Two days after the acceptance, with an organisation in this standing.
fn world_with(standing: &str) -> World {
    let mut world = World::of(&[PILOT_TEST]);
    world.apply(&all(), false);
    world.now = NOW + Seconds::days(2);
    let stop = said(&all(), "[[organisations]]", &format!("standing = \"{standing}\""));
    assert_eq!(world.apply(&stop, false).changes.len(), 1);
    world
}

#[test]
fn an_unchanged_file_revives_nothing_and_says_so() {
    let mut world = World::of(&[PILOT_TEST]);
    world.apply(&all(), false);
    let stopped = ["[[scopes]]", "[[clients]]", "[[test_persons]]"]
        .iter()
        .fold(all(), |text, heading| said(&text, heading, "active = false"));
    let stopped = said(&stopped, "[[organisations]]", "standing = \"deactivated\"");
    assert_eq!(world.apply(&stopped, false).changes.len(), 4);

    let again = world.apply(&all(), true);
    let how = "stays deactivated: say active = true to bring it back";
    assert_eq!(
        lines(&again),
        [
            format!(
                "= organisation 991825827 at {PILOT_TEST}: stays deactivated: say standing = \"active\" to bring it back"
            ),
            format!("= scope skatt:inntekt at {PILOT_TEST}: {how}"),
            format!("= client ten at {PILOT_TEST}: {how}"),
            format!("= test_persons[0] in the pool synthetic: {how}"),
        ]
    );
    assert!(again.is_empty());

    let renamed = world.apply(&all().replace("Ti felt", "Elleve felt"), false);
    let change = "display_name \"Ti felt\" → \"Elleve felt\"";
    assert_eq!(lines(&renamed)[2], format!("~ client ten at {PILOT_TEST}: {change}; {how}"));
    assert!(!world.client(PILOT_TEST, "ten").active);
}

#[test]
fn what_says_that_it_is_active_is_back() {
    let mut world = world_with("deactivated");
    let stopped = said(&all(), "[[clients]]", "active = false");
    world.apply(&stopped, false);
    let back = said(&all(), "[[clients]]", "active = true");
    let back = said(&back, "[[organisations]]", "standing = \"active\"");
    let plan = world.apply(&back, false);
    assert_eq!(plan.changes.len(), 2, "{:?}", lines(&plan));
    assert!(world.organisation(PILOT_TEST, "991825827").may_have_clients());
    assert!(world.client(PILOT_TEST, "ten").active);
}

#[test]
fn a_withdrawal_is_not_undone_by_the_acceptance_before_it() {
    let mut world = world_with("withdrawn");
    let rule = "must be withdrawn, or come with terms with an accepted_at later than 2016-12-01T12:00:00Z: \
                the organisation withdrew from them";
    for standing in ["active", "deactivated"] {
        let text = said(&all(), "[[organisations]]", &format!("standing = \"{standing}\""));
        assert_eq!(
            world.refused(&text),
            [format!("organisations[0].standing = \"{standing}\": {rule} (line 3)")]
        );
        let older = text.replace("2016-12-01T12", "2016-12-01T11");
        assert_eq!(world.refused(&older).len(), 1);
        let silent: String = text
            .lines()
            .filter(|line| !line.starts_with("terms"))
            .fold(String::new(), |text, line| text + line + "\n");
        assert_eq!(world.refused(&silent).len(), 1, "an acceptance on record is no new one");
    }
    let future =
        said(&all(), "[[organisations]]", "standing = \"active\"").replace("2016-12-01T12", "2999-01-01T12");
    let told = world.refused(&future);
    assert!(told.len() == 1 && told[0].contains("must not lie in the future"), "{told:?}");
    let again = world.apply(&all(), true);
    assert!(again.is_empty());
    let note = "stays withdrawn: say standing = \"active\" beside terms accepted later than 2016-12-01T12:00:00Z to bring it back";
    assert_eq!(lines(&again)[0], format!("= organisation 991825827 at {PILOT_TEST}: {note}"));
    assert_eq!(world.organisation(PILOT_TEST, "991825827").standing, Standing::Withdrawn);
}

#[test]
fn a_withdrawal_is_undone_by_a_later_acceptance_beside_the_standing() {
    let mut world = world_with("withdrawn");
    let anew = all().replace(ANEW.0, ANEW.1);
    assert!(world.apply(&anew, false).is_empty(), "an acceptance whose standing is not said waits for it");
    let back = said(&anew, "[[organisations]]", "standing = \"active\"");
    world.apply(&back, false);
    assert!(world.organisation(PILOT_TEST, "991825827").may_have_clients());
    assert!(world.apply(&back, false).is_empty());
    assert!(world.apply(&all(), false).is_empty());
}
