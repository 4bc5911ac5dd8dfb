//! Pages: what one costs the server, and what one weighs on its way to a browser.

use serde::Serialize;

use super::bars::Bar;
use super::load::Load;
use super::rows::Sample;
use super::{Bench, CONNECTIONS};
use crate::client::{Answer, Connection, Miss, RelyingParty, Request};

/// An address that no client has registered: who sends a browser here gets the page of a refusal.
const ELSEWHERE: &str = "http://localhost:9/elsewhere";

/// So many logins are under way while their pages are looked at, each of them again and again.
const LOGINS: usize = 10 * CONNECTIONS;

/// What a browser that was here before may have to load for a page, in KB.
const MOST_AGAIN: f64 = 8.0;

/// What one that comes for the first time may have to load, in KB.
const MOST_FIRST: f64 = 40.0;

/// One sample of each page's row.
pub(super) struct PageSamples {
    /// The login page of a login under way.
    pub(super) login: Sample,
    /// The page of an authorization request with a redirect URI that is not registered, its log line included.
    pub(super) refused: Sample,
    /// The issuer's own page, with the last refusals on it.
    pub(super) issuer: Sample,
}

impl Bench<'_> {
    /// Measures `count` looks at each page. The refusals stand before the page that lists them.
    pub(super) fn sample_pages(
        &mut self,
        load: &mut Load,
        party: &RelyingParty,
        count: usize,
    ) -> Result<PageSamples, String> {
        let logins = load.each(&[(); LOGINS], |connection, ()| party.begin(connection))?;
        let looks: Vec<_> = logins.iter().map(|login| party.look(login)).collect();
        let looks: Vec<_> = looks.iter().map(Vec::as_slice).cycle().take(count).collect();
        let mut loaded = |requests: &[&[u8]], status| {
            let (sample, _) = self.measure(|| {
                load.each(requests, |connection, request| {
                    connection.send_bytes(request)?.expect(status).map(drop)
                })
            })?;
            Ok::<_, String>(sample)
        };
        let (refused, issuer) = (refused(party), issuer(party));
        Ok(PageSamples {
            login: loaded(&looks, 200)?,
            refused: loaded(&vec![refused.as_slice(); count], 400)?,
            issuer: loaded(&vec![issuer.as_slice(); count], 200)?,
        })
    }
}

/// An authorization request that must not redirect (RFC 6749 §4.1.2.1).
fn refused(party: &RelyingParty) -> Vec<u8> {
    let party = RelyingParty { redirect_uri: ELSEWHERE.to_owned(), ..party.clone() };
    Request::get(&party.authorization()).bytes(&party.at.authority)
}

fn issuer(party: &RelyingParty) -> Vec<u8> {
    Request::get(&party.at.issuer).bytes(&party.at.authority)
}

/// The bytes of a page over the wire: heads and bodies of the answers.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Weight {
    name: &'static str,
    /// Of the page alone: a browser keeps the rest.
    again_bytes: u32,
    /// With the stylesheets and the icon, compressed.
    first_bytes: u32,
}

impl Weight {
    /// What was promised of a page.
    pub(super) fn bars(&self) -> [Bar; 2] {
        let Self { name, again_bytes, first_bytes } = self;
        [
            Bar::of_bytes(format!("{name} over the wire, first visit"), *first_bytes, MOST_FIRST),
            Bar::of_bytes(format!("{name} over the wire, later"), *again_bytes, MOST_AGAIN),
        ]
    }
}

/// Loads each page as a browser does, and makes sure that it is what its row says: the login page has a button for each of `pids`,
/// the others show a refusal in detail.
///
/// # Errors
/// A page or what it refers to is not there, or is not what it should be.
pub(super) fn weigh(party: &RelyingParty, pids: &[String]) -> Result<Vec<Weight>, String> {
    let mut server = Connection::to(&party.at.authority);
    let login = party.begin(&mut server).map_err(|miss| miss.to_string())?;
    let pages = [
        ("login_page", party.look(&login), 200, "name=\"person\"", pids.len()),
        ("refused_page", refused(party), 400, "<dt>Fix</dt>", 1),
        ("issuer_page", issuer(party), 200, "<dt>Fix</dt>", 1),
    ];
    pages
        .into_iter()
        .map(|(name, request, status, part, least)| {
            let page = server.send_bytes(&request).map_err(Miss::from).and_then(|page| page.expect(status));
            let page = page.map_err(|miss| format!("{name}: {miss}"))?;
            let found = page.text().matches(part).count();
            if found < least {
                return Err(format!("{name} has {part} {found} times, and should have it {least} times"));
            }
            let again_bytes = bytes(&page)?;
            let first_bytes = assets(&page.text()).into_iter().try_fold(again_bytes, |sum, asset| {
                let request = Request::get(asset).with("accept-encoding", "gzip");
                let asset = server.send(&request).map_err(Miss::from).and_then(|asset| asset.expect(200));
                Ok::<_, String>(sum + bytes(&asset.map_err(|miss| format!("{name}: {miss}"))?)?)
            })?;
            Ok(Weight { name, again_bytes, first_bytes })
        })
        .collect()
}

fn bytes(answer: &Answer) -> Result<u32, String> {
    u32::try_from(answer.size()).map_err(|_| "an answer too large to count".to_owned())
}

/// The targets of what a page's head refers to.
fn assets(page: &str) -> Vec<&str> {
    let head = page.split("</head>").next().unwrap_or_default();
    let targets = head.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next());
    targets.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_loads_what_the_head_refers_to() {
        let page = "<head><link rel=\"stylesheet\" href=\"/a.css\">\n<link rel=\"icon\" href=\"/b.svg\"></head>\
                    <a href=\"/c\">";
        assert_eq!(assets(page), ["/a.css", "/b.svg"]);
        assert!(assets("").is_empty());
    }

    #[test]
    fn both_visits_have_a_bar() {
        let holds = |again_bytes, first_bytes| {
            Weight { name: "x", again_bytes, first_bytes }.bars().map(|bar| bar.holds(1.0))
        };
        assert_eq!(holds(8_000, 40_001), [false, true]);
        assert_eq!(holds(8_001, 40_000), [true, false]);
    }
}
