//! What owners of clients are warned of: a secret that soon ends, and refusals that keep coming for one reason. A warning is a line
//! of the log, for whoever passes it on, and a row, so that of several nodes one warns; `portvakt client list` and `portvakt
//! organisation report` tell of it later.

use portvakt_protocol::client::ClientId;
use portvakt_protocol::features::Endpoint;
use portvakt_protocol::issuer::Issuer;
use portvakt_protocol::organisation::{OrgNumber, Organisation};
use portvakt_protocol::refusal::inert;
use portvakt_protocol::registration::{ClientRecord, Registry};
use portvakt_protocol::time::{Seconds, Timestamp};
use portvakt_store::{Broken, OwnerWarning, Store, WarningKind};
use portvakt_web::refusal_count::{OFTEN, RefusedOften};
use portvakt_web::site::Site;

/// An owner is warned so many days before the last secret of a client's ends, each time once.
const STAGES: [u32; 3] = [60, 30, 7];

/// What remains of a secret when its end is first told of.
pub(crate) const FIRST_STAGE: Seconds = Seconds::days(60);

/// A client whose last secret ends soon.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ending {
    client_id: ClientId,
    organisation: OrgNumber,
    expires: Timestamp,
    /// The stage that it has come to, in days.
    stage: u32,
}

impl Ending {
    /// The one of a client that can be used and has come to a stage. A secret that ends while another goes on is nobody's trouble.
    fn of(record: &ClientRecord, organisations: &[Organisation], now: Timestamp) -> Option<Self> {
        let registration = &record.registration;
        let owner = organisations.iter().find(|known| known.orgno == registration.client_orgno)?;
        let is_used =
            record.active && owner.may_have_clients() && registration.token_endpoint_auth_method.has_secret();
        let expires = record.living_secrets(now).map(|secret| secret.expires).max().filter(|_| is_used)?;
        Some(Self {
            client_id: registration.client_id.clone(),
            organisation: registration.client_orgno.clone(),
            expires,
            stage: stage(expires, now)?,
        })
    }

    /// When it came to its stage.
    fn since(&self) -> Timestamp {
        self.expires - Seconds::days(self.stage)
    }
}

/// The stage that has been reached, the nearest to the end.
fn stage(expires: Timestamp, now: Timestamp) -> Option<u32> {
    STAGES.into_iter().rev().find(|days| expires <= now + Seconds::days(*days))
}

/// Warns the owners of an issuer's clients whose last secret has come to a stage of its end, each client once a stage.
///
/// # Errors
/// [`Broken`]; who was warned until then is not warned again.
pub(crate) async fn warn_of_secrets(store: &Store, issuer: &Issuer, now: Timestamp) -> Result<(), Broken> {
    let (_, registry) = store.registry(issuer).await?;
    let endings: Vec<_> = endings(&registry, now).collect();
    let Some(earliest) = endings.iter().map(Ending::since).min() else { return Ok(()) };
    let told = store.owner_warnings(issuer, earliest).await?;
    for ending in endings.iter().filter(|ending| !ending.is_among(&told)) {
        if store.warn_owner(issuer, &ending.warning(now)).await? {
            ending.log(issuer);
        }
    }
    Ok(())
}

fn endings(registry: &Registry, now: Timestamp) -> impl Iterator<Item = Ending> {
    registry.clients.iter().filter_map(move |record| Ending::of(record, &registry.organisations, now))
}

impl Ending {
    /// Whether its owner was warned since it came to its stage.
    fn is_among(&self, told: &[OwnerWarning]) -> bool {
        let since = self.since();
        told.iter().any(|known| known.at >= since && *known == self.warning(known.at))
    }

    fn warning(&self, at: Timestamp) -> OwnerWarning {
        let (client_id, reason) = (self.client_id.clone(), self.expires.to_rfc3339());
        OwnerWarning { client_id, kind: WarningKind::SecretEnds, reason, at }
    }

    fn log(&self, issuer: &Issuer) {
        tracing::warn!(
            target: "owner",
            %issuer,
            client = %self.client_id,
            organisation = %self.organisation,
            what = format!("its secret ends within {} days", self.stage),
            when = self.expires.to_rfc3339(),
            fix = format!(
                "`portvakt client secret rotate {} --keep-old 24h` makes another; without one every request of the client is refused \
                 from then on",
                self.client_id
            ),
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
        if site.store.warn_owner(issuer, &warning).await? {
            log_refused(issuer, &often, &format!("{pages}/{}", often.rule));
        }
        site.owner_told(&often);
    }
    Ok(())
}

fn log_refused(issuer: &Issuer, often: &RefusedOften, page: &str) {
    tracing::warn!(
        target: "owner",
        %issuer,
        client = %often.client_id,
        organisation = %often.organisation,
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
    use portvakt_protocol::registration::Change;
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
            scene.client(true).await;
            scene
        }

        async fn change(&self, change: Change) {
            let actor = Actor("test".to_owned());
            self.store.register(vec![change], None, actor, NOW).await.unwrap();
        }

        async fn client(&self, active: bool) {
            let registration = Box::new(registration("skjema"));
            self.change(Change::Client { issuer: self.issuer.clone(), registration, active }).await;
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
        scene.client(false).await;
        assert_eq!(scene.look(0).await, [], "it is deactivated");
        scene.client(true).await;
        let stopped = Organisation { standing: Standing::Deactivated, ..organisation() };
        scene.change(Change::Organisation { issuer: scene.issuer.clone(), organisation: stopped }).await;
        assert_eq!(scene.look(0).await, [], "its organisation is");
        scene
            .change(Change::Organisation { issuer: scene.issuer.clone(), organisation: organisation() })
            .await;
        assert_eq!(scene.look(6).await, [], "it has ended");
        assert_eq!(scene.look(0).await, [(0, 5)], "one stage, not three");
    }

    #[tokio::test]
    async fn an_owner_is_warned_once_at_each_stage_whichever_node_looks_and_how_often() {
        let scene = Scene::begin().await;
        scene.secret("one", 100).await;
        assert_eq!(scene.look(39).await, []);
        let mut warned = Vec::new();
        for stage in [40..70, 70..93, 93..100] {
            warned.push((stage.start, 100));
            for day in stage.step_by(3) {
                assert_eq!(scene.look(day).await, warned, "day {day}");
            }
        }
        scene.secret("other", 200).await;
        assert_eq!(scene.look(100).await, warned, "another goes on");
        warned.push((140, 200));
        assert_eq!(scene.look(140).await, warned, "of the new one");
    }
}
