//! Reads a catalogue's text field by field. It does not stop at the first mistake: whoever corrects a file wants all of them.

mod fields;

use toml::de::DeTable;

use fields::{Fields, Page};

use super::Catalogue;
use super::raw::{RawAccess, RawClient, RawOnBehalfOf, RawOrganisation, RawPerson, RawScope, RawTerms};
use crate::person::Pid;
use crate::registration::fault::join;
use crate::registration::{RegistrationFault, Shown};

/// See [`Catalogue::parse`].
pub(super) fn read(text: &str) -> Result<Catalogue, Vec<RegistrationFault>> {
    let (document, mistakes) = DeTable::parse_recoverable(text);
    let mut page = Page::of(text);
    for mistake in &mistakes {
        // Its message alone: its own display quotes the line, which may hold a secret.
        let (line, message) = (mistake.span().map(|span| page.line(&span)), mistake.message());
        let rule = format!("must be TOML: {message}");
        page.faults.push(RegistrationFault {
            path: String::new(),
            line,
            value: Shown::Absent,
            rule: rule.into(),
        });
    }
    if !page.faults.is_empty() {
        return Err(page.faults);
    }
    let mut fields = Fields::new(String::new(), document.into_inner());
    let issuers = fields.one_or_more(&mut page, "issuer");
    let organisations = fields.entries(&mut page, "organisations", organisation);
    let scopes = fields.entries(&mut page, "scopes", scope);
    let clients = fields.entries(&mut page, "clients", client);
    let persons = fields.entries(&mut page, "test_persons", person);
    fields.end(&mut page);
    let Page { lines, faults, .. } = page;
    let catalogue =
        Catalogue { issuers, organisations, scopes, clients, persons, lines, faults, ..Catalogue::default() };
    Ok(catalogue)
}

fn organisation(page: &mut Page, fields: &mut Fields<'_>) -> RawOrganisation {
    RawOrganisation {
        orgno: fields.text(page, "orgno"),
        name: fields.text(page, "name"),
        standing: fields.text(page, "standing"),
        terms: fields.table(page, "terms").map(|mut terms| {
            let raw = RawTerms {
                version: terms.text(page, "version"),
                accepted_at: terms.instant(page, "accepted_at"),
                accepted_by: terms.text(page, "accepted_by"),
            };
            terms.end(page);
            raw
        }),
    }
}

fn scope(page: &mut Page, fields: &mut Fields<'_>) -> RawScope {
    RawScope {
        scope: fields.text(page, "scope"),
        owner_orgno: fields.text(page, "owner_orgno"),
        description: fields.text(page, "description"),
        description_nn: fields.text(page, "description_nn"),
        description_en: fields.text(page, "description_en"),
        description_se: fields.text(page, "description_se"),
        token_type: fields.text(page, "token_type"),
        at_max_age: fields.integer(page, "at_max_age"),
        authorization_max_lifetime: fields.integer(page, "authorization_max_lifetime"),
        requires_pseudonymous_tokens: fields.boolean(page, "requires_pseudonymous_tokens"),
        accessible_for_all: fields.boolean(page, "accessible_for_all"),
        allowed_integration_types: fields.texts(page, "allowed_integration_types"),
        enforced_aud_for_introspection: fields.texts(page, "enforced_aud_for_introspection"),
        active: fields.boolean(page, "active"),
        access: fields.tables(page, "access", |page, fields| RawAccess {
            consumer_orgno: fields.text(page, "consumer_orgno"),
            state: fields.text(page, "state"),
        }),
    }
}

fn customer(page: &mut Page, fields: &mut Fields<'_>) -> RawOnBehalfOf {
    RawOnBehalfOf {
        onbehalfof: fields.text(page, "onbehalfof"),
        display_name: fields.text(page, "display_name"),
        orgno: fields.text(page, "orgno"),
        url: fields.text(page, "url"),
    }
}

fn client(page: &mut Page, fields: &mut Fields<'_>) -> RawClient {
    let display_name = fields.text(page, "display_name");
    let client_name = fields.text(page, "client_name");
    if let (Some(_), Some(name)) = (&display_name, &client_name) {
        let rule = "must not stand beside display_name, of which it is another name";
        page.refuse(join(&fields.path, "client_name"), Shown::text(name), rule);
    }
    RawClient {
        client_id: fields.text(page, "client_id"),
        client_secret: fields.secret(page, "client_secret"),
        client_orgno: fields.text(page, "client_orgno"),
        display_name: display_name.or(client_name),
        description: fields.text(page, "description"),
        client_uri: fields.text(page, "client_uri"),
        integration_type: fields.text(page, "integration_type"),
        supplier_orgno: fields.text(page, "supplier_orgno"),
        refresh_token_usage: fields.text(page, "refresh_token_usage"),
        onbehalfof: fields.tables(page, "onbehalfof", customer),
        application_type: fields.text(page, "application_type"),
        grant_types: fields.texts(page, "grant_types"),
        token_endpoint_auth_method: fields.text(page, "token_endpoint_auth_method"),
        redirect_uris: fields.texts(page, "redirect_uris"),
        post_logout_redirect_uris: fields.texts(page, "post_logout_redirect_uris"),
        scopes: fields.texts(page, "scopes"),
        code_challenge_method: fields.text(page, "code_challenge_method"),
        amr_claim: fields.text(page, "amr_claim"),
        userinfo_without_profile: fields.boolean(page, "userinfo_without_profile"),
        authorization_lifetime: fields.integer(page, "authorization_lifetime"),
        access_token_lifetime: fields.integer(page, "access_token_lifetime"),
        refresh_token_lifetime: fields.integer(page, "refresh_token_lifetime"),
        active: fields.boolean(page, "active"),
    }
}

fn person(page: &mut Page, fields: &mut Fields<'_>) -> RawPerson {
    let pool = fields.text(page, "pool");
    let pid = fields.withheld_text(page, "pid").and_then(|text| match Pid::parse_synthetic(&text) {
        Ok(pid) => Some(pid),
        Err(fault) => {
            page.refuse(join(&fields.path, "pid"), Shown::withheld("text", &text), fault.to_string());
            None
        }
    });
    RawPerson { pool, pid, active: fields.boolean(page, "active") }
}
