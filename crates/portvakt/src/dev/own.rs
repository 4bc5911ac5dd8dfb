//! The developer's own client, named by options and not by a file.

use portvakt_protocol::catalogue::{Catalogue, GivenSecret, RawClient, RawOrganisation, RawTerms};
use portvakt_protocol::client::ClientId;
use portvakt_protocol::registration::RegistrationFault;
use portvakt_protocol::secret::ClientSecret;

/// Where its faults stand. No path of a file has a space.
const PATH: &str = "command line";

/// The organisation that it belongs to: the demo's.
const ORGNO: &str = "991825827";

/// A client as the options name it; nothing of it is judged yet.
#[derive(Clone, Debug)]
pub(crate) struct OwnClient {
    /// `--client`.
    pub(crate) client_id: String,
    /// `--redirect-uri`, at least one.
    pub(crate) redirect_uris: Vec<String>,
    /// `--secret`; none: one is generated, if the client needs one.
    pub(crate) secret: Option<ClientSecret>,
    /// `--issuer`; none: every one.
    pub(crate) issuer: Option<String>,
    /// `--application-type`.
    pub(crate) application_type: String,
}

impl OwnClient {
    /// The catalogue with this client beside, at `issuers`.
    pub(super) fn beside(&self, catalogue: Catalogue, issuers: &[String]) -> Catalogue {
        // A client that is told to be unknown for its name is not also told that the name cannot be shown.
        let name =
            if ClientId::parse(&self.client_id).is_some() { self.client_id.as_str() } else { "unnamed" };
        let name = name.chars().take(portvakt_protocol::registration::LONGEST_NAME).collect();
        let client = RawClient {
            client_id: Some(self.client_id.clone()),
            client_secret: self.secret.clone().map(GivenSecret::Text),
            client_orgno: Some(ORGNO.to_owned()),
            display_name: Some(name),
            application_type: Some(self.application_type.clone()),
            // A service that does not refresh loses nothing by it.
            grant_types: Some(["authorization_code", "refresh_token"].map(str::to_owned).to_vec()),
            redirect_uris: Some(self.redirect_uris.clone()),
            scopes: Some(vec!["openid".to_owned(), "profile".to_owned()]),
            active: Some(true),
            ..RawClient::default()
        };
        let organisation = RawOrganisation {
            orgno: Some(ORGNO.to_owned()),
            name: Some("Portvakt Demo".to_owned()),
            standing: None,
            terms: Some(RawTerms {
                version: Some(super::TERMS.to_owned()),
                accepted_at: Some("2016-12-01T12:00:00Z".to_owned()),
                accepted_by: Some("portvakt dev".to_owned()),
            }),
        };
        catalogue.with_client(PATH, issuers, client, organisation)
    }
}

/// The faults of the options, each under its option's name, and those of the catalogue.
pub(super) fn split(faults: Vec<RegistrationFault>) -> (Vec<RegistrationFault>, Vec<RegistrationFault>) {
    let (mut of_options, of_file) = (Vec::new(), faults);
    let mut left = Vec::with_capacity(of_file.len());
    for fault in of_file {
        match fault.path.strip_prefix(PATH).map(option) {
            Some(path) => of_options.push(RegistrationFault { path, ..fault }),
            None => left.push(fault),
        }
    }
    (of_options, left)
}

/// The option that a field of the entry came from.
fn option(field: &str) -> String {
    let name = field.trim_start_matches('.');
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    match name {
        "redirect_uris" => "--redirect-uri".to_owned(),
        "client_secret" => "--secret".to_owned(),
        "issuer" => "--issuer".to_owned(),
        "application_type" => "--application-type".to_owned(),
        "" | "client_id" => "--client".to_owned(),
        other => format!("--client: its {other}"),
    }
}

#[cfg(test)]
mod tests {
    use portvakt_protocol::registration::Shown;

    use super::*;

    #[test]
    fn a_fault_of_an_option_is_told_under_its_name() {
        let fault = |path: &str| RegistrationFault {
            path: path.into(),
            line: None,
            value: Shown::Absent,
            rule: "x".into(),
        };
        let (options, file) = split(vec![
            fault("command line.redirect_uris[1]"),
            fault("clients[0].redirect_uris[1]"),
            fault("command line.client_secret"),
            fault("command line.client_orgno"),
            fault("command line"),
        ]);
        let paths =
            |faults: Vec<RegistrationFault>| faults.into_iter().map(|fault| fault.path).collect::<Vec<_>>();
        assert_eq!(paths(options), ["--redirect-uri", "--secret", "--client: its client_orgno", "--client"]);
        assert_eq!(paths(file), ["clients[0].redirect_uris[1]"]);
    }
}
