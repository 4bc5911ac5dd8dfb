//! Each invariant refuses a planted breach, and not the sound history that is nearest to it.

use portvakt_torture::history::{
    Bounds, Event, History, Invariant, Known, Line, Operation, Outcome, Place, Recorded, known, parse,
};

use Operation::{
    Activate, Authenticate, Begin, Collect, Deactivate, End, Fault, FindCode, FindLogin, FirstKey, GiveScope,
    Identify, Introspect, KeySet, Redeem, Refresh, Refuse, Register, Reuse, Revoke, Rotate, Stop, Userinfo,
    Verify, WithdrawScope,
};

const OK: Outcome = Outcome::Done;
const LOST: Outcome = Outcome::Unknown;
const SECOND: u64 = 1_000_000;

fn no(reason: &str) -> Outcome {
    Outcome::Refused(reason.to_owned())
}

/// An event of the one login at the one node, from `start` to `end` in seconds.
fn event(operation: Operation, start: u64, end: u64, outcome: Outcome) -> Event {
    let place = Place { node: "a".to_owned(), life: 0 };
    Event::asked("it", operation, place, start * SECOND).told(end * SECOND, outcome)
}

/// One after the other, each a second long and a second apart.
fn row(steps: &[(Operation, Outcome)]) -> Vec<Event> {
    let step = |(at, (operation, outcome)): (usize, &(Operation, Outcome))| {
        event(*operation, 2 * at as u64, 2 * at as u64 + 1, outcome.clone())
    };
    steps.iter().enumerate().map(step).collect()
}

/// The client's operations are about a client and all others about a login: each in a history of its own.
fn judged(events: &[Event]) -> Option<Invariant> {
    judged_within(events, &Bounds::default())
}

fn judged_within(events: &[Event], bounds: &Bounds) -> Option<Invariant> {
    let history = History { events: events.to_vec(), audit: None };
    history.judge(bounds).held().err().map(|breach| breach.invariant)
}

fn pair(rule: &str, invariant: Invariant, breach: &[Event], sound: &[Event]) {
    assert_eq!(judged(breach), Some(invariant), "{rule}: {breach:#?}");
    assert_eq!(judged(sound), None, "{rule}: {sound:#?}");
}

/// Everything that one server could break at the hands of one client.
#[test]
fn each_rule_refuses_a_planted_breach_and_not_its_sound_neighbour() {
    let code = [(Begin, OK), (Identify, OK), (Collect, OK)];
    let with = |more: &[(Operation, Outcome)]| [&code, more].concat();
    let grant = || no("invalid_grant");
    for (rule, invariant, breach, sound) in [
        ("login lost", Invariant::I2, vec![(Begin, OK), (Identify, no("400"))], vec![(Begin, LOST)]),
        (
            "evidence lost",
            Invariant::I2,
            vec![(Begin, OK), (Identify, OK), (Collect, no("303"))],
            vec![(Begin, OK), (Identify, LOST), (Collect, no("303"))],
        ),
        (
            "two codes",
            Invariant::I1,
            with(&[(Collect, OK)]),
            vec![(Begin, OK), (Identify, OK), (Collect, LOST), (Collect, OK)],
        ),
        ("code lost", Invariant::I2, with(&[(Redeem, grant())]), with(&[(Redeem, LOST), (Redeem, grant())])),
        (
            "two redemptions",
            Invariant::I1,
            with(&[(Redeem, LOST), (Redeem, OK), (Redeem, OK)]),
            with(&[(Redeem, LOST), (Redeem, OK), (Redeem, grant())]),
        ),
        (
            "wrong refusal",
            Invariant::I2,
            with(&[(Redeem, OK), (Redeem, no("invalid_client"))]),
            with(&[(Redeem, OK), (Redeem, grant())]),
        ),
        (
            "token lost",
            Invariant::I2,
            with(&[(Redeem, OK), (Userinfo, no("401"))]),
            with(&[(Redeem, OK), (Redeem, LOST), (Userinfo, no("401"))]),
        ),
        (
            "token outlives replay",
            Invariant::I4,
            with(&[(Redeem, OK), (Redeem, grant()), (Userinfo, OK)]),
            with(&[(Redeem, OK), (Redeem, LOST), (Userinfo, OK)]),
        ),
        (
            "token comes back",
            Invariant::I4,
            with(&[(Redeem, OK), (Redeem, LOST), (Userinfo, no("401")), (Userinfo, OK)]),
            with(&[(Redeem, OK), (Redeem, LOST), (Userinfo, OK), (Userinfo, OK)]),
        ),
        (
            "registration lost",
            Invariant::I2,
            vec![(Register, OK), (Authenticate, no("invalid_client"))],
            vec![(Register, LOST), (Authenticate, no("invalid_client"))],
        ),
        (
            "failed",
            Invariant::I8,
            with(&[(Redeem, Outcome::Failed("500".to_owned()))]),
            with(&[(Redeem, LOST)]),
        ),
        (
            "a finished login goes on",
            Invariant::I2,
            with(&[(Identify, OK)]),
            with(&[(Identify, no("finished"))]),
        ),
        ("an answer and a refusal", Invariant::I1, with(&[(Refuse, OK)]), with(&[(Refuse, no("finished"))])),
        (
            "ended and answered",
            Invariant::I1,
            vec![(Begin, OK), (Identify, OK), (End, OK), (Collect, OK)],
            vec![(Begin, OK), (Identify, OK), (End, LOST), (Collect, no("finished"))],
        ),
        (
            "a code for nobody",
            Invariant::I2,
            vec![(Begin, OK), (Identify, no("403")), (Collect, OK)],
            vec![(Begin, LOST), (Identify, LOST), (Collect, OK)],
        ),
        (
            "a spent code looks new",
            Invariant::I2,
            with(&[(Redeem, OK), (FindCode, OK)]),
            with(&[(Redeem, LOST), (FindCode, OK)]),
        ),
        (
            "a login is refused as finished that nobody finished",
            Invariant::I2,
            vec![(Begin, OK), (FindLogin, no("finished"))],
            vec![(Begin, OK), (Refuse, LOST), (FindLogin, no("finished"))],
        ),
    ] {
        // A refused `Identify` of the pair's own is not what is shown.
        let breach: Vec<_> = breach.into_iter().filter(|(_, outcome)| *outcome != no("403")).collect();
        pair(rule, invariant, &row(&breach), &row(&sound));
    }
}

/// Answers that crossed on their way say nothing of each other's order.
#[test]
fn nothing_is_concluded_from_events_that_overlap() {
    let begun = || vec![event(Begin, 0, 1, OK), event(Identify, 2, 3, OK), event(Collect, 4, 5, OK)];
    let with = |more: Vec<Event>| [begun(), more].concat();
    pair(
        "a winner and a loser at once",
        Invariant::I2,
        &with(vec![event(Redeem, 6, 7, no("invalid_grant")), event(Redeem, 8, 9, OK)]),
        &with(vec![event(Redeem, 6, 9, no("invalid_grant")), event(Redeem, 8, 9, OK)]),
    );
    let redeemed =
        |reader: Event| with(vec![event(Redeem, 6, 7, OK), event(Redeem, 8, 10, no("replayed")), reader]);
    pair(
        "a use while a replay is on its way",
        Invariant::I4,
        &redeemed(event(Userinfo, 10, 11, OK)),
        &redeemed(event(Userinfo, 9, 11, OK)),
    );
    pair(
        "a refusal before any replay",
        Invariant::I2,
        &redeemed(event(Userinfo, 7, 8, no("revoked"))),
        &redeemed(event(Userinfo, 7, 9, no("revoked"))),
    );
    // All contenders lost, so the code was never there.
    let lost = |count: u64| (0..count).map(|_| event(Redeem, 6, 9, no("replayed"))).collect::<Vec<_>>();
    assert_eq!(judged(&with(lost(64))), Some(Invariant::I2));
    assert_eq!(judged(&with([lost(63), vec![event(Redeem, 6, 9, LOST)]].concat())), None);
}

/// An attempt without an answer is a success as soon as its fruit is seen.
#[test]
fn a_success_that_nobody_was_told_of_counts() {
    let attempt = |operation, number: u32, at: u64, outcome| Event {
        attempt: number,
        ..event(operation, at, at + 1, outcome)
    };
    let with = |more: Vec<Event>| [vec![event(Begin, 0, 1, OK), event(Identify, 2, 3, OK)], more].concat();
    let collects = || vec![attempt(Collect, 1, 4, LOST), attempt(Collect, 2, 6, OK)];
    pair(
        "two codes of one login",
        Invariant::I1,
        &with([collects(), vec![attempt(FindCode, 1, 8, OK)]].concat()),
        &with(
            [collects(), vec![attempt(FindCode, 1, 8, no("unknown")), attempt(FindCode, 2, 10, OK)]].concat(),
        ),
    );
    let redeems = || vec![event(Collect, 4, 5, OK), attempt(Redeem, 1, 6, LOST), attempt(Redeem, 2, 8, OK)];
    pair(
        "two tokens of one code",
        Invariant::I1,
        &with([redeems(), vec![attempt(Userinfo, 1, 10, OK)]].concat()),
        &with([redeems(), vec![attempt(Userinfo, 2, 10, OK)]].concat()),
    );
    let refused =
        || vec![event(Collect, 4, 5, OK), attempt(Redeem, 1, 6, OK), attempt(Redeem, 2, 8, no("replayed"))];
    let seen = vec![Event { attempt: 2, ..event(Userinfo, 8, 9, OK) }];
    assert_eq!(judged(&with([refused(), seen].concat())), Some(Invariant::I2), "refused, and done");
}

#[test]
fn what_may_still_happen_is_bounded_when_the_bound_is_given() {
    let steps = row(&[
        (Begin, OK),
        (Identify, OK),
        (Collect, OK),
        (Redeem, OK),
        (Redeem, LOST),
        (Userinfo, OK),
        (Userinfo, no("401")),
    ]);
    assert_eq!(judged(&steps), None, "the replay may have come late");
    let bounds = Bounds { unknown: Some(0), ..Bounds::default() };
    assert_eq!(judged_within(&steps, &bounds), Some(Invariant::I2), "whom it was sent to was dead by then");
}

#[test]
fn i4_nothing_lives_at_a_withdrawn_client_or_with_a_stopped_person() {
    let client = |operation, start, end, outcome| Event {
        about: "client".to_owned(),
        ..event(operation, start, end, outcome)
    };
    let by =
        |event: Event| Event { client: Some("client".to_owned()), person: Some("kari".to_owned()), ..event };
    let at = |node: &str, event: Event| Event { node: node.to_owned(), ..event };
    let login = || {
        vec![
            client(Register, 0, 1, OK),
            by(event(Begin, 2, 3, OK)),
            by(event(Identify, 4, 5, OK)),
            by(event(Collect, 6, 7, OK)),
            by(event(Redeem, 8, 9, OK)),
        ]
    };
    let with = |more: Vec<Event>| [login(), more].concat();
    let gone = || client(Deactivate, 10, 11, OK);
    pair(
        "a token at a withdrawn client",
        Invariant::I4,
        &with(vec![gone(), by(event(Userinfo, 11, 12, OK))]),
        &with(vec![gone(), by(event(Userinfo, 10, 12, OK))]),
    );
    pair(
        "another node's copy",
        Invariant::I4,
        &with(vec![gone(), at("b", by(event(Userinfo, 12, 13, OK)))]),
        &with(vec![gone(), at("b", by(event(Userinfo, 11, 12, OK)))]),
    );
    pair(
        "refused, though it was taken back",
        Invariant::I2,
        &with(vec![gone(), client(Activate, 12, 13, OK), by(event(Userinfo, 13, 14, no("401")))]),
        &with(vec![gone(), client(Activate, 12, 13, LOST), by(event(Userinfo, 13, 14, no("401")))]),
    );
    pair(
        "the client itself",
        Invariant::I4,
        &with(vec![gone(), client(Authenticate, 12, 13, OK)]),
        &with(vec![gone(), client(Authenticate, 12, 13, no("invalid_client"))]),
    );
    let stop = || Event { about: "kari".to_owned(), ..event(Stop, 10, 11, OK) };
    pair(
        "a stopped person",
        Invariant::I4,
        &with(vec![stop(), by(event(Userinfo, 11, 12, OK))]),
        &with(vec![stop(), by(event(Userinfo, 11, 12, no("401")))]),
    );
}

/// A use of the refresh token that attempt `presented` brought, at an instant, by attempt `number`.
fn refresh(presented: u32, number: u32, at: u64, outcome: Outcome) -> Event {
    let (now, presented) = (Some(at as i64), Some(presented));
    Event { attempt: number, presented, now, ..event(Refresh, at, at + 1, outcome) }
}

/// A use of the access token that attempt `number` brought.
fn userinfo(number: u32, at: u64, outcome: Outcome) -> Event {
    Event { attempt: number, now: Some(at as i64), ..event(Userinfo, at, at + 1, outcome) }
}

/// A login whose code gave the tokens of attempt 1, and what follows from second 8 on.
fn redeemed(more: Vec<Event>) -> Vec<Event> {
    let redeem = Event { attempt: 1, ..event(Redeem, 6, 7, OK) };
    let login = [event(Begin, 0, 1, OK), event(Identify, 2, 3, OK), event(Collect, 4, 5, OK), redeem];
    [login.to_vec(), more].concat()
}

#[test]
fn i3_of_the_tokens_that_one_refresh_token_gave_one_branch_lives() {
    let retried =
        |more: Vec<Event>| redeemed([vec![refresh(1, 2, 8, OK), refresh(1, 3, 10, OK)], more].concat());
    pair(
        "the branch that a retry replaced",
        Invariant::I3,
        &retried(vec![userinfo(2, 12, OK)]),
        &retried(vec![userinfo(3, 12, OK), userinfo(2, 14, no("unknown"))]),
    );
    pair(
        "the replaced refresh token",
        Invariant::I3,
        &retried(vec![refresh(2, 4, 12, OK)]),
        &retried(vec![refresh(3, 4, 12, OK), refresh(2, 5, 14, no("replayed"))]),
    );
    pair(
        "it ended, where nothing replaced it",
        Invariant::I2,
        &retried(vec![userinfo(3, 12, no("expired"))]),
        &retried(vec![userinfo(2, 12, no("expired"))]),
    );
    // Two at once: nobody knows which was first, but one of them lives.
    let at_once = |more: Vec<Event>| {
        let other = Event { start: 8 * SECOND, ..refresh(1, 3, 9, OK) };
        redeemed([vec![refresh(1, 2, 8, OK), other], more].concat())
    };
    let seen = Introspect;
    pair(
        "two living branches",
        Invariant::I3,
        &at_once(vec![userinfo(2, 12, OK), Event { operation: seen, ..userinfo(3, 14, OK) }]),
        &at_once(vec![userinfo(2, 12, OK), userinfo(3, 14, no("unknown")), userinfo(2, 16, OK)]),
    );
    pair(
        "an answer that was lost may have come last",
        Invariant::I3,
        &redeemed(vec![
            refresh(1, 2, 8, OK),
            refresh(1, 3, 10, OK),
            userinfo(3, 12, OK),
            userinfo(2, 14, OK),
        ]),
        &redeemed(vec![
            refresh(1, 2, 8, LOST),
            refresh(1, 3, 10, OK),
            userinfo(3, 12, OK),
            userinfo(2, 14, OK),
        ]),
    );
}

/// RFC 9700 §4.14.2: a branch lives in whatever came of it. A token was used, and then its own successor and the token itself at once.
#[test]
fn i3_a_branch_is_alive_as_long_as_anything_that_came_of_it_is() {
    let long = |event: Event| Event { end: event.end + SECOND, ..event };
    let at_once = |last: Outcome, more: Vec<Event>| {
        let used = vec![refresh(1, 2, 8, OK), long(refresh(2, 4, 10, OK)), long(refresh(1, 3, 10, last))];
        redeemed([used, more].concat())
    };
    let on_and_on = vec![
        userinfo(4, 13, OK),
        userinfo(3, 15, OK),
        userinfo(4, 17, OK),
        userinfo(3, 19, OK),
        refresh(4, 5, 21, OK),
        refresh(3, 6, 23, OK),
        userinfo(5, 25, OK),
        userinfo(6, 27, OK),
        refresh(5, 7, 29, OK),
        refresh(6, 8, 31, OK),
        userinfo(7, 33, OK),
        userinfo(8, 35, OK),
    ];
    pair(
        "both branches go on for ever",
        Invariant::I3,
        &at_once(OK, on_and_on),
        &at_once(
            no("replayed"),
            vec![userinfo(4, 13, no("revoked")), refresh(4, 5, 15, no("invalid_grant"))],
        ),
    );
    pair(
        "a retry of what was used is acknowledged",
        Invariant::I3,
        &at_once(OK, Vec::new()),
        &at_once(LOST, Vec::new()),
    );
    // Of two uses at once nobody knows which came first. What came of one shows that the other is dead.
    let both = |more: Vec<Event>| {
        redeemed([vec![long(refresh(1, 2, 8, OK)), long(refresh(1, 3, 8, OK))], more].concat())
    };
    pair(
        "an access token of one, and the grandchild of the other",
        Invariant::I3,
        &both(vec![refresh(2, 4, 11, OK), refresh(4, 5, 13, OK), userinfo(5, 15, OK), userinfo(3, 17, OK)]),
        &both(vec![
            refresh(2, 4, 11, OK),
            refresh(4, 5, 13, OK),
            userinfo(5, 15, OK),
            userinfo(3, 17, no("unknown")),
        ]),
    );
    pair(
        "both were used, and each before the other was known",
        Invariant::I3,
        &both(vec![refresh(2, 4, 9, OK), refresh(3, 5, 9, OK)]),
        &both(vec![refresh(2, 4, 9, OK), refresh(3, 5, 9, LOST)]),
    );
    // It may have lived until the other one replaced it.
    let before = Event { end: 10 * SECOND, ..userinfo(2, 9, OK) };
    assert_eq!(judged(&both(vec![before, refresh(3, 4, 11, OK), userinfo(4, 13, OK)])), None);
}

#[test]
fn i3_a_token_gives_nothing_once_its_successor_was_used_or_its_grace_is_over() {
    let followed =
        |more: Vec<Event>| redeemed([vec![refresh(1, 2, 8, OK), refresh(2, 3, 10, OK)], more].concat());
    pair(
        "a use after its successor's",
        Invariant::I3,
        &followed(vec![refresh(1, 4, 12, OK)]),
        &followed(vec![refresh(3, 4, 12, OK)]),
    );
    pair(
        "a replay revokes",
        Invariant::I4,
        &followed(vec![refresh(1, 4, 12, no("invalid_grant")), refresh(3, 5, 14, OK)]),
        &followed(vec![refresh(1, 4, 12, no("invalid_grant")), refresh(3, 5, 14, no("invalid_grant"))]),
    );
    pair(
        "its access token too",
        Invariant::I4,
        &followed(vec![refresh(1, 4, 12, no("invalid_grant")), userinfo(3, 14, OK)]),
        &followed(vec![refresh(1, 4, 12, LOST), userinfo(3, 14, OK)]),
    );
    pair(
        "after the grace",
        Invariant::I3,
        &redeemed(vec![refresh(1, 2, 8, OK), refresh(1, 3, 40, OK)]),
        &redeemed(vec![refresh(1, 2, 8, OK), refresh(1, 3, 36, OK)]),
    );
    pair(
        "refused within the grace",
        Invariant::I2,
        &redeemed(vec![refresh(1, 2, 8, OK), refresh(1, 3, 20, no("replayed"))]),
        &redeemed(vec![refresh(1, 2, 8, OK), refresh(1, 3, 40, no("replayed"))]),
    );
    pair(
        "an acknowledged refresh is lost",
        Invariant::I2,
        &redeemed(vec![refresh(1, 2, 8, OK), refresh(2, 3, 10, no("invalid_grant"))]),
        &redeemed(vec![
            refresh(1, 2, 8, OK),
            refresh(1, 3, 10, LOST),
            refresh(2, 4, 12, no("invalid_grant")),
        ]),
    );
    // A token that stays is used again and again, and what it gave lives side by side.
    let reuse = |number, at| Event { operation: Reuse, ..refresh(1, number, at, OK) };
    let stays = redeemed(vec![reuse(2, 8), reuse(3, 60), userinfo(2, 62, OK), userinfo(3, 64, OK)]);
    assert_eq!(judged(&stays), None);
}

#[test]
fn i4_nothing_lives_after_a_revocation_or_with_a_withdrawn_scope() {
    let revoke = |start, end, outcome| Event { presented: Some(1), ..event(Revoke, start, end, outcome) };
    pair(
        "a refresh after it",
        Invariant::I4,
        &redeemed(vec![revoke(8, 9, OK), refresh(1, 2, 10, OK)]),
        &redeemed(vec![revoke(8, 11, OK), refresh(1, 2, 10, OK)]),
    );
    pair(
        "a rotation that raced it",
        Invariant::I4,
        &redeemed(vec![revoke(8, 10, OK), refresh(1, 2, 9, OK), userinfo(2, 12, OK)]),
        &redeemed(vec![revoke(8, 10, LOST), refresh(1, 2, 9, OK), userinfo(2, 12, OK)]),
    );
    pair(
        "nobody revoked",
        Invariant::I2,
        &redeemed(vec![revoke(8, 9, no("invalid_client"))]),
        &redeemed(vec![revoke(8, 9, LOST), refresh(1, 2, 10, no("unknown"))]),
    );
    let scope =
        |operation, start| Event { about: "api".to_owned(), ..event(operation, start, start + 1, OK) };
    let with = |event: Event| Event { scope: Some("api".to_owned()), ..event };
    let taken = |more: Vec<Event>| {
        let all = [vec![scope(WithdrawScope, 8)], more].concat();
        redeemed(all.into_iter().map(|event| if event.about == "it" { with(event) } else { event }).collect())
    };
    pair(
        "a refresh with a withdrawn scope",
        Invariant::I4,
        &taken(vec![refresh(1, 2, 10, OK)]),
        &taken(vec![refresh(1, 2, 10, no("invalid_scope")), scope(GiveScope, 12), refresh(1, 3, 14, OK)]),
    );
    // A login that is under way when the scope is withdrawn is refused at its next step, and finished by that.
    let refused = |finds: Outcome| {
        let steps = [
            event(Begin, 0, 1, OK),
            event(Identify, 10, 11, no("invalid_scope")),
            event(FindLogin, 12, 13, finds),
        ];
        [vec![scope(WithdrawScope, 8)], steps.map(with).to_vec()].concat()
    };
    pair(
        "a login that was refused goes on",
        Invariant::I2,
        &refused(no("expired")),
        &refused(no("finished")),
    );
    pair(
        "refused, though it was given again",
        Invariant::I2,
        &taken(vec![scope(GiveScope, 10), refresh(1, 2, 12, no("invalid_scope"))]),
        &taken(vec![scope(GiveScope, 12), refresh(1, 2, 10, no("invalid_scope"))]),
    );
}

#[test]
fn i7_uses_of_refresh_tokens_leave_their_records() {
    let by = |event: Event| Event { client: Some("client".to_owned()), ..event };
    let audited = |events: Vec<Event>, records: &[&str]| {
        let record = |event: &&str| Recorded {
            event: (*event).to_owned(),
            client: Some("client".to_owned()),
            ..Recorded::default()
        };
        let usual = ["login", "code_issued", "code_redeemed"];
        let audit = Some(usual.iter().chain(records).map(record).collect());
        let events = events.into_iter().map(by).collect();
        History { events, audit }.judge(&Bounds::default()).held().err().map(|breach| breach.invariant)
    };
    let retried = || redeemed(vec![refresh(1, 2, 8, OK), refresh(1, 3, 10, OK), refresh(3, 4, 12, OK)]);
    assert_eq!(audited(retried(), &["refreshed", "refreshed", "refresh_retried"]), None);
    for records in [
        &["refreshed", "refreshed"][..],
        &["refreshed", "refresh_retried"],
        &["refreshed", "refreshed", "refreshed"],
        &["refreshed", "refreshed", "refresh_retried", "refresh_replayed"],
        &["refreshed", "refreshed", "refresh_retried", "grant_revoked"],
    ] {
        assert_eq!(audited(retried(), records), Some(Invariant::I7), "{records:?}");
    }
    // Whoever revokes first leaves the one record of it.
    let revoked = || {
        let revoke = Event { presented: Some(1), ..event(Revoke, 14, 16, OK) };
        [retried(), vec![revoke, refresh(1, 5, 14, no("replayed"))]].concat()
    };
    let all = ["refreshed", "refreshed", "refresh_retried"];
    for (records, broken) in [
        (&["grant_revoked"][..], None),
        (&["refresh_replayed"], None),
        (&[], Some(Invariant::I7)),
        (&["grant_revoked", "refresh_replayed"], Some(Invariant::I7)),
        (&["code_replayed"], Some(Invariant::I7)),
    ] {
        assert_eq!(audited(revoked(), &[&all[..], records].concat()), broken, "{records:?}");
    }
}

#[test]
fn i5_no_signature_is_older_than_the_publication_of_its_key() {
    let set = |node: &str, at: u64, kids: &[&str]| Event {
        node: node.to_owned(),
        now: Some(at as i64),
        kids: kids.iter().map(|kid| (*kid).to_owned()).collect(),
        ..event(KeySet, at, at + 1, OK)
    };
    let signed = |kid: &str, at: u64, outcome| Event {
        iat: Some(at as i64),
        kids: vec![kid.to_owned()],
        ..event(Verify, at, at + 1, outcome)
    };
    let sets = || vec![set("a", 0, &["old"]), set("b", 20, &["old"]), set("a", 20, &["old", "new"])];
    let with = |more: Event| [sets(), vec![more, set("b", 40, &["old", "new"])]].concat();
    pair("before its publication", Invariant::I5, &with(signed("new", 10, OK)), &with(signed("new", 30, OK)));
    pair("by a key of nobody's", Invariant::I5, &with(signed("none", 30, OK)), &with(signed("old", 30, OK)));
    let bad = with(signed("old", 30, no("the signature does not fit")));
    assert_eq!(judged(&bad), Some(Invariant::I5));
    // A key that has left may have signed as long as it was there.
    let left = [sets(), vec![signed("old", 21, OK), set("a", 40, &["new"]), set("b", 40, &["new"])]].concat();
    assert_eq!(judged(&left), None);
}

#[test]
fn an_issuer_gets_one_first_key_and_shows_it() {
    let key = |operation, kid: &str, start, end, outcome| Event {
        kids: vec![kid.to_owned()],
        ..event(operation, start, end, outcome)
    };
    pair(
        "two first keys",
        Invariant::I1,
        &[key(FirstKey, "k1", 0, 2, OK), key(FirstKey, "k2", 1, 3, OK)],
        &[key(FirstKey, "k1", 0, 2, OK), key(FirstKey, "k2", 1, 3, no("kept"))],
    );
    pair(
        "none of two",
        Invariant::I2,
        &[key(FirstKey, "k1", 0, 2, no("kept")), key(FirstKey, "k2", 1, 3, no("kept"))],
        &[key(FirstKey, "k1", 0, 2, LOST), key(FirstKey, "k2", 1, 3, no("kept"))],
    );
    pair(
        "a key lost",
        Invariant::I2,
        &[key(FirstKey, "k1", 0, 2, OK), key(KeySet, "k2", 3, 4, OK)],
        &[key(FirstKey, "k1", 0, 2, OK), key(Rotate, "k2", 2, 3, LOST), key(KeySet, "k2", 3, 4, OK)],
    );
}

#[test]
fn i6_nothing_is_accepted_past_its_end() {
    let timed = |operation, at: u64, now: i64, expires: Option<i64>, outcome| Event {
        now: Some(now),
        expires,
        ..event(operation, at, at + 1, outcome)
    };
    let with = |redeem: Event| {
        let code = vec![
            timed(Begin, 0, 0, Some(1800), OK),
            timed(Identify, 2, 2, None, OK),
            timed(Collect, 4, 4, Some(64), OK),
        ];
        [code, vec![redeem]].concat()
    };
    pair(
        "a code at its end",
        Invariant::I6,
        &with(timed(Redeem, 6, 64, Some(184), OK)),
        &with(timed(Redeem, 6, 63, Some(184), OK)),
    );
    pair(
        "a code before its end",
        Invariant::I2,
        &with(timed(Redeem, 6, 62, Some(184), no("unknown"))),
        &with(timed(Redeem, 6, 63, Some(184), no("unknown"))),
    );
    let skewed = Bounds { skew: 2, ..Bounds::default() };
    assert_eq!(judged_within(&with(timed(Redeem, 6, 65, None, OK)), &skewed), None);
    assert_eq!(judged_within(&with(timed(Redeem, 6, 66, None, OK)), &skewed), Some(Invariant::I6));
    let late = [with(timed(Redeem, 6, 63, Some(70), OK)), vec![timed(Userinfo, 8, 70, None, OK)]].concat();
    assert_eq!(judged(&late), Some(Invariant::I6), "a token at its end");
}

#[test]
fn i7_every_success_has_its_record_and_every_record_its_effect() {
    let by = |event: Event| Event { client: Some("client".to_owned()), ..event };
    let granted = |event: Event| Event { grant: Some("g1".to_owned()), ..event };
    let login = |redeem: Outcome| -> Vec<Event> {
        let [begin, identify, collect, redeem] = [
            event(Begin, 0, 1, OK),
            event(Identify, 2, 3, OK),
            event(Collect, 4, 5, OK),
            event(Redeem, 6, 7, redeem),
        ];
        vec![by(begin), by(identify), by(granted(collect)), by(redeem)]
    };
    let record = |event: &str| Recorded {
        event: event.to_owned(),
        client: Some("client".to_owned()),
        grant: (event != "login").then(|| "g1".to_owned()),
        kid: None,
    };
    let audited = |events: Vec<Event>, records: &[&str]| {
        let audit = Some(records.iter().map(|name| record(name)).collect());
        History { events, audit }.judge(&Bounds::default()).held().err().map(|breach| breach.invariant)
    };
    let whole = ["login", "code_issued", "code_redeemed"];
    assert_eq!(audited(login(OK), &whole), None);
    for missing in 0..3 {
        let records: Vec<&str> =
            whole.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, name)| *name).collect();
        assert_eq!(audited(login(OK), &records), Some(Invariant::I7), "{records:?}");
    }
    for added in ["login", "code_issued", "code_redeemed", "code_replayed", "login_refused", "logins_ended"] {
        assert_eq!(audited(login(OK), &[&whole[..], &[added]].concat()), Some(Invariant::I7), "{added}");
    }
    assert_eq!(audited(login(LOST), &whole), None);
    assert_eq!(audited(login(LOST), &whole[..2]), None);
    let replayed = || [login(OK), vec![by(event(Redeem, 8, 9, no("replayed")))]].concat();
    assert_eq!(audited(replayed(), &whole), Some(Invariant::I7), "a replay without its record");
    assert_eq!(audited(replayed(), &[&whole[..], &["code_replayed"]].concat()), None);
    // A record without an effect that could still come: the code is not there afterwards.
    let seen = [login(OK), vec![event(FindCode, 6, 7, no("unknown"))]].concat();
    assert_eq!(audited(seen, &whole), Some(Invariant::I2));
}

#[test]
fn i8_something_succeeds_again_in_time() {
    let fault = || event(Fault, 10, 20, OK);
    let begin = |about: &str, start, end, outcome| Event {
        about: about.to_owned(),
        ..event(Begin, start, end, outcome)
    };
    pair(
        "too late",
        Invariant::I8,
        &[fault(), begin("1", 21, 50, LOST), begin("2", 50, 51, OK)],
        &[fault(), begin("1", 21, 40, LOST), begin("2", 49, 50, OK)],
    );
    assert_eq!(judged(&[fault()]), Some(Invariant::I8), "nobody tried");
    let next = event(Fault, 30, 60, OK);
    assert_eq!(judged(&[fault(), next.clone(), begin("1", 61, 62, OK)]), None, "the next fault came");
    assert_eq!(judged(&[fault(), next, begin("1", 25, 26, OK)]), Some(Invariant::I8), "after the last one");
    let failed = |start| begin("1", start, start + 1, Outcome::Failed("503".to_owned()));
    let well = || begin("2", 49, 50, OK);
    pair("a failure", Invariant::I8, &[fault(), well(), failed(51)], &[fault(), well(), failed(48)]);
}

#[test]
fn an_onlooker_knows_what_to_ask_next() {
    let state = |steps: &[(Operation, Outcome)]| known(&row(steps), &Bounds::default());
    let nothing = state(&[]);
    assert_eq!((nothing.begun, nothing.code, nothing.redeemed), (Known::No, Known::No, Known::No));
    let begun = state(&[(Begin, OK), (Identify, LOST)]);
    assert_eq!((begun.begun, begun.evident, begun.code), (Known::Yes, Known::Maybe, Known::No));
    let redeemed = state(&[(Begin, LOST), (Identify, OK), (Collect, OK), (Redeem, OK)]);
    assert_eq!((redeemed.begun, redeemed.code, redeemed.redeemed), (Known::Yes, Known::Yes, Known::Yes));
    assert_eq!(redeemed.revoked, Known::No);
    let replayed =
        [(Begin, OK), (Identify, OK), (Collect, OK), (Redeem, LOST), (Redeem, no("invalid_grant"))];
    assert_eq!((state(&replayed).redeemed, state(&replayed).revoked), (Known::Yes, Known::Yes));
    assert_eq!(state(&[(Register, LOST)]).registered, Known::Maybe);
    assert_eq!(state(&[(Register, OK)]).registered, Known::Yes);
}

#[test]
fn a_log_that_was_cut_off_tells_all_but_its_torn_line() {
    let line = |number, event: Event| {
        let line = Line { writer: 1, number, event };
        format!("{}\n", serde_json::to_string(&line).unwrap())
    };
    let asked = Event { end: portvakt_torture::history::UNENDED, ..event(Begin, 0, 0, LOST) };
    let text = [
        line(0, asked.clone()),
        line(1, Event { about: "other".to_owned(), ..asked.clone() }),
        line(0, event(Begin, 0, 1, OK)),
        line(2, asked.clone())[..40].to_owned(),
    ]
    .concat();
    let events = parse(&text).unwrap();
    assert_eq!(events.len(), 2);
    assert_eq!(events[0], event(Begin, 0, 1, OK), "with its answer");
    assert_eq!((events[1].about.as_str(), &events[1].outcome), ("other", &LOST), "whoever asked was lost");
    assert_eq!(parse("{}\n").unwrap_err().line, 1);
}
