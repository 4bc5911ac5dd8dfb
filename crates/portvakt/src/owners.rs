//! What owners of clients are warned of: a secret that soon ends or has ended, and refusals that keep coming for one reason. A warning
//! is a line of the log, for whoever passes it on, and a row, so that of several nodes one warns; `portvakt client list` and `portvakt
//! organisation report` tell of it later.

use std::collections::{BTreeSet, HashMap};

use portvakt_protocol::client::ClientId;
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::organisation::{OrgNumber, Organisation};
use portvakt_protocol::refusal::inert;
use portvakt_protocol::registration::ClientRecord;
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{Broken, OwnerWarning, Store, WarningKind};
use portvakt_web::refusal_count::{OFTEN, RefusedOften};
use portvakt_web::site::Site;

/// An owner is warned so many days before a secret of a client's ends, each time once. 0: when the last one has ended.
const STAGES: [u32; 4] = [60, 30, 7, 0];

/// What remains of a secret when its end is first told of.
pub(crate) const FIRST_STAGE: Seconds = Seconds::days(60);

/// For so long a warning that the last secret has ended is made up for, after no server ran or while the client could not be used.
/// Shorter than warnings are kept, so that none is given anew when its row is gone.
const TOLD_LATE: Seconds = Seconds::days(30);

/// When a secret of a client's ends, and what the client has then. Secrets that end in the same instant are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SecretEnd {
    /// It is refused from this instant on.
    pub(crate) expires: Timestamp,
    /// Until when another goes on; none: it is the last.
    pub(crate) goes_on_until: Option<Timestamp>,
}

impl SecretEnd {
    /// The ends that are to come, soonest first; where every secret has ended, when the last one did. None of a client that
    /// authenticates without a secret, or never had one.
    pub(crate) fn of(record: &ClientRecord, now: Timestamp) -> Vec<Self> {
        if !record.registration.token_endpoint_auth_method.has_secret() {
            return Vec::new();
        }
        let ends: BTreeSet<_> = record.secrets.iter().map(|secret| secret.expires).collect();
        let Some(last) = ends.last().copied() else { return Vec::new() };
        let counts = ends.into_iter().filter(|expires| now < *expires || *expires == last);
        counts.map(|expires| Self { expires, goes_on_until: (expires < last).then_some(last) }).collect()
    }
}

/// A secret of a client's that ends soon, or the last one that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ending {
    client_id: ClientId,
    organisation: OrgNumber,
    supplier: Option<OrgNumber>,
    end: SecretEnd,
    /// The one of [`STAGES`] that it has come to, in days.
    stage: u32,
}

impl Ending {
    /// Those of a client that can be used, as far as they have come to a stage.
    fn of(record: &ClientRecord, organisations: &[Organisation], now: Timestamp) -> Vec<Self> {
        let registration = &record.registration;
        let may_have_clients =
            |orgno: &OrgNumber| organisations.iter().any(|one| one.orgno == *orgno && one.may_have_clients());
        let is_used = record.active
            && may_have_clients(&registration.client_orgno)
            && registration.supplier_orgno.as_ref().is_none_or(may_have_clients);
        let ends = if is_used { SecretEnd::of(record, now) } else { Vec::new() };
        let ending = |end: SecretEnd| {
            Some(Self {
                client_id: registration.client_id.clone(),
                organisation: registration.client_orgno.clone(),
                supplier: registration.supplier_orgno.clone(),
                end,
                stage: stage(end.expires, now)?,
            })
        };
        ends.into_iter().filter_map(ending).collect()
    }

    /// When it came to its stage.
    fn since(&self) -> Timestamp {
        self.end.expires - Seconds::days(self.stage)
    }
}

/// The stage that has been reached, the nearest to the end or the end itself; none once that is long past.
fn stage(expires: Timestamp, now: Timestamp) -> Option<u32> {
    let reached = STAGES.into_iter().rev().find(|days| expires <= now + Seconds::days(*days));
    reached.filter(|_| now < expires + TOLD_LATE)
}

/// Warns the owners of an issuer's clients of each secret that has come to a stage of its end, once a stage.
///
/// # Errors
/// [`Broken`]; who was warned until then is not warned again.
pub(crate) async fn warn_of_secrets(store: &Store, issuer: &Issuer, now: Timestamp) -> Result<(), Broken> {
    let (_, registry) = store.registry(issuer).await?;
    let of = |record| Ending::of(record, &registry.organisations, now);
    let endings: Vec<_> = registry.clients.iter().flat_map(of).collect();
    let Some(earliest) = endings.iter().map(Ending::since).min() else { return Ok(()) };
    let told = last_told(store.owner_warnings(issuer, earliest).await?);
    for ending in &endings {
        let warning = ending.warning(now);
        let last = told.get(&(warning.client_id.clone(), warning.reason.clone()));
        if last.is_some_and(|at| *at >= ending.since()) {
            continue;
        }
        if store.warn_owner(issuer, &warning).await? {
            ending.log(issuer);
        }
    }
    Ok(())
}

/// When owners were last told of secrets that end, by client and end.
fn last_told(newest_first: Vec<OwnerWarning>) -> HashMap<(ClientId, String), Timestamp> {
    let of_secrets = newest_first.into_iter().filter(|warning| warning.kind == WarningKind::SecretEnds);
    of_secrets.rev().map(|OwnerWarning { client_id, reason, at, .. }| ((client_id, reason), at)).collect()
}

impl Ending {
    /// Its row: one that was written at the end, or later, says that the secret has ended.
    fn warning(&self, at: Timestamp) -> OwnerWarning {
        let (client_id, reason) = (self.client_id.clone(), self.end.expires.to_rfc3339());
        OwnerWarning { client_id, kind: WarningKind::SecretEnds, reason, at }
    }

    fn what(&self) -> String {
        match (self.stage, self.end.goes_on_until) {
            (0, _) => "its last secret has ended".to_owned(),
            (days, None) => format!("its secret ends within {days} days"),
            (days, Some(until)) => {
                format!(
                    "an older secret ends within {days} days; another goes on until {}",
                    until.to_rfc3339()
                )
            }
        }
    }

    fn fix(&self) -> String {
        let rotate = format!("`portvakt client secret rotate {}", self.client_id);
        match (self.stage, self.end.goes_on_until) {
            (0, _) => format!("{rotate}` makes another; until it is used, the client is refused wherever it authenticates"),
            (_, None) => {
                format!("{rotate} --keep-old 24h` makes another; without one every request of the client is refused from then on")
            }
            (_, Some(_)) => "if the older one is still used, put the newer in its place before then; if nobody uses it, nothing is to be \
                             done"
                .to_owned(),
        }
    }

    fn log(&self, issuer: &Issuer) {
        tracing::warn!(
            target: "owner",
            %issuer,
            client = %self.client_id,
            organisation = %self.organisation,
            supplier = self.supplier.as_ref().map(tracing::field::display),
            what = self.what(),
            when = self.end.expires.to_rfc3339(),
            fix = self.fix(),
            "an owner is to be told"
        );
    }
}

/// Warns the owners of clients that were refused often for one rule at this node, each once a day for each rule, whichever node it was.
///
/// # Errors
/// [`Broken`]; who is left is warned by the next call.
pub(crate) async fn warn_of_refusals(site: &Site, now: Timestamp) -> Result<(), Broken> {
    let (issuer, pages) = (site.provider.issuer(), site.provider.url(Endpoint::RulePage));
    for often in site.refused_often() {
        let warning = OwnerWarning {
            client_id: often.client_id.clone(),
            kind: WarningKind::RefusedOften,
            reason: often.rule.to_owned(),
            at: now,
        };
        // Read before the row is written: who has one is not told again.
        let client = site.store.client(&site.provider, &often.client_id).await?;
        let supplier = client.as_ref().and_then(|client| client.supplier());
        if site.store.warn_owner(issuer, &warning).await? {
            log_refused(issuer, &often, supplier, &format!("{pages}/{}", often.rule));
        }
        site.owner_told(&often);
    }
    Ok(())
}

fn log_refused(issuer: &Issuer, often: &RefusedOften, supplier: Option<&OrgNumber>, page: &str) {
    tracing::warn!(
        target: "owner",
        %issuer,
        client = %often.client_id,
        organisation = %often.organisation,
        supplier = supplier.map(tracing::field::display),
        what = format!("refused {OFTEN} times within an hour: {}", often.rule),
        when = often.last.to_rfc3339(),
        fix = %format!("{}; the last: {}", inert(&often.fix), crate::telemetry::explaining().words(&often.trace_id)),
        rule = often.rule,
        page,
        "an owner is to be told"
    );
}

#[cfg(test)]
mod tests {
    use portvakt_protocol::organisation::Standing;
    use portvakt_protocol::registration::{Change, ClientRegistration};
    use portvakt_protocol::secret::ClientSecret;
    use portvakt_store::Actor;
    use portvakt_testkit::{organisation, registration};

    use super::*;
    use crate::served::tests::{NOW, world};

    const DAY: i64 = 86_400;

    #[test]
    fn a_stage_is_reached_when_so_many_days_are_left_and_the_nearest_counts() {
        let expires = Timestamp::from_unix(100 * DAY);
        for (left, expected) in [
            (61 * DAY, None),
            (60 * DAY + 1, None),
            (60 * DAY, Some(60)),
            (30 * DAY + 1, Some(60)),
            (30 * DAY, Some(30)),
            (7 * DAY + 1, Some(30)),
            (7 * DAY, Some(7)),
            (1, Some(7)),
            (0, Some(0)),
            (-30 * DAY + 1, Some(0)),
            (-30 * DAY, None),
        ] {
            assert_eq!(stage(expires, Timestamp::from_unix(100 * DAY - left)), expected, "{left} s left");
        }
    }

    /// A client of an issuer's, and whose owner is warned as days go by.
    struct Scene {
        store: Store,
        issuer: Issuer,
        _folder: tempfile::TempDir,
    }

    impl Scene {
        async fn begin() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (store, site) = world(&folder).await;
            let scene = Self { store, issuer: site.provider.issuer().clone(), _folder: folder };
            scene
                .change(Change::Organisation { issuer: scene.issuer.clone(), organisation: organisation() })
                .await;
            scene.client(true, None).await;
            scene
        }

        async fn change(&self, change: Change) {
            let actor = Actor("test".to_owned());
            self.store.register(vec![change], None, actor, NOW).await.unwrap();
        }

        async fn client(&self, active: bool, supplier: Option<&Organisation>) {
            let supplier_orgno = supplier.map(|supplier| supplier.orgno.clone());
            let registration = Box::new(ClientRegistration { supplier_orgno, ..registration("skjema") });
            self.change(Change::Client { issuer: self.issuer.clone(), registration, active }).await;
        }

        async fn organisation(&self, organisation: Organisation) {
            self.change(Change::Organisation { issuer: self.issuer.clone(), organisation }).await;
        }

        /// Gives it a secret that lasts for so many days from the start.
        async fn secret(&self, text: &str, days: u32) {
            self.change(Change::Secret {
                issuer: self.issuer.clone(),
                client_id: ClientId::parse("skjema").unwrap(),
                digest: ClientSecret::presented(text).digest(),
                expires: NOW + Seconds::days(days),
                others_expire: NOW + Seconds::days(999),
            })
            .await;
        }

        /// Every node looks on that day; on which days there were warnings so far, and of a secret that ends when.
        async fn look(&self, day: u32) -> Vec<(u32, u32)> {
            let now = NOW + Seconds::days(day);
            let nodes = [self.store.clone(), self.store.clone()];
            let (one, other) = tokio::join!(
                warn_of_secrets(&nodes[0], &self.issuer, now),
                warn_of_secrets(&nodes[1], &self.issuer, now)
            );
            one.and(other).unwrap();
            let told = self.store.owner_warnings(&self.issuer, NOW).await.unwrap();
            let day = |at: Timestamp| at.since(NOW).get() / Seconds::days(1).get();
            let ends = |reason: &str| day(Timestamp::from_rfc3339(reason).unwrap());
            told.iter().rev().map(|warning| (day(warning.at), ends(&warning.reason))).collect()
        }
    }

    #[tokio::test]
    async fn what_cannot_be_used_anyway_warns_nobody() {
        let scene = Scene::begin().await;
        assert_eq!(scene.look(0).await, [], "it has no secret");
        scene.secret("one", 5).await;
        scene.client(false, None).await;
        assert_eq!(scene.look(0).await, [], "it is deactivated");
        scene.client(true, None).await;
        scene.organisation(Organisation { standing: Standing::Deactivated, ..organisation() }).await;
        assert_eq!(scene.look(0).await, [], "its organisation is");
        scene.organisation(organisation()).await;
        let supplier = Organisation { orgno: OrgNumber::parse("889640782").unwrap(), ..organisation() };
        scene.organisation(Organisation { standing: Standing::Withdrawn, ..supplier.clone() }).await;
        scene.client(true, Some(&supplier)).await;
        assert_eq!(scene.look(0).await, [], "whoever runs it is stopped");
        assert_eq!(scene.look(5).await, [], "when it has ended too");
        scene.organisation(supplier).await;
        assert_eq!(scene.look(0).await, [(0, 5)], "one stage, not three");
    }

    #[tokio::test]
    async fn an_owner_is_warned_once_at_each_stage_whichever_node_looks_and_how_often() {
        let scene = Scene::begin().await;
        scene.secret("one", 100).await;
        assert_eq!(scene.look(39).await, []);
        let mut warned = Vec::new();
        for stage in [40..70, 70..93, 93..100, 100..200] {
            warned.push((stage.start, 100));
            for day in stage.step_by(3) {
                assert_eq!(scene.look(day).await, warned, "day {day}");
            }
        }
        scene.secret("other", 300).await;
        assert_eq!(scene.look(200).await, warned, "another goes on");
        warned.push((240, 300));
        assert_eq!(scene.look(240).await, warned, "of the new one");
    }

    #[tokio::test]
    async fn an_older_secret_is_told_of_at_each_stage_and_not_when_it_has_ended() {
        let scene = Scene::begin().await;
        scene.secret("older", 70).await;
        scene.secret("newer", 95).await;
        scene.secret("same", 95).await;
        let mut warned = Vec::new();
        for (days, told) in
            [(10..35, 70), (35..40, 95), (40..63, 70), (63..65, 70), (65..88, 95), (88..95, 95)]
        {
            warned.push((days.start, told));
            for day in days {
                assert_eq!(scene.look(day).await, warned, "day {day}");
            }
        }
        warned.push((95, 95));
        assert_eq!(scene.look(95).await, warned, "the last has ended");
    }

    #[test]
    fn a_secret_that_ends_while_another_goes_on_is_told_of_as_no_harm() {
        let at = |day: i64| Timestamp::from_unix(day * DAY);
        let ending = |stage, expires, goes_on_until| Ending {
            client_id: ClientId::parse("skjema").unwrap(),
            organisation: organisation().orgno,
            supplier: None,
            end: SecretEnd { expires, goes_on_until },
            stage,
        };
        let mild = ending(7, at(7), Some(at(360)));
        assert_eq!(
            mild.what(),
            "an older secret ends within 7 days; another goes on until 1970-12-27T00:00:00Z"
        );
        assert!(!mild.fix().contains("rotate") && mild.fix().contains("if nobody uses it"), "{}", mild.fix());
        for (stage, what) in [(7, "its secret ends within 7 days"), (0, "its last secret has ended")] {
            let last = ending(stage, at(7), None);
            assert_eq!(last.what(), what);
            assert!(last.fix().starts_with("`portvakt client secret rotate skjema"), "{}", last.fix());
            assert!(last.fix().contains("refused"), "{}", last.fix());
        }
    }
}
