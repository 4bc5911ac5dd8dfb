//! What is told when it stands: a page for people, JSON for scripts and for the demo service.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use portvakt_cluster::{MemberName, WorkedExample};
use serde_json::{Value, json};

use super::nodes::Nodes;
use crate::house::Outcome;

/// The page.
pub(super) fn text(example: &WorkedExample, nodes: Option<&Nodes>) -> String {
    let folder = example.folder().display();
    let mut page = String::from("\n");
    if let Some(nodes) = nodes {
        page.push_str(&format!(
            "Log in\n  {}  the demo service\n  {}  the issuer's page, at any node\n\n",
            nodes.demo_url, nodes.base
        ));
    }
    page.push_str("What runs, all on 127.0.0.1\n");
    page.push_str(&format!("  HAProxy    its page: {}\n", example.status_page()));
    for node in nodes.iter().flat_map(|nodes| &nodes.nodes) {
        let process = node.id().unwrap_or_default();
        page.push_str(&format!("  {:<10} port {}, process {process}\n", node.name, node.port));
    }
    page.push_str(&format!("  PgBouncer  {}\n", example.node_url()));
    for name in MemberName::ALL {
        page.push_str(&format!(
            "  {:<10} PostgreSQL on port {}, its Patroni on {}\n",
            name.as_str(),
            example.postgres_port(name),
            example.patroni_port(name)
        ));
    }
    page.push_str(&format!(
        "  etcd       knows who is primary\n  Files and logs: one folder each in {folder}\n\n"
    ));
    let primary = example.primary().unwrap_or(MemberName::Pg1).as_str();
    page.push_str(&format!(
        "Try it\n  patronictl -c {folder}/pg1/patroni.yml list    who is primary, who its synchronous standby\n  \
         pkill -9 -f {folder}/{primary}/              the primary dies, PostgreSQL and Patroni: another takes over in some 20 s\n",
    ));
    if let Some(node) = nodes.and_then(|nodes| nodes.nodes.first()) {
        page.push_str(&format!(
            "  kill -9 {:<10}                     {} dies: logins go on at the others\n",
            node.id().unwrap_or_default(),
            node.name
        ));
    }
    page.push_str("  What was killed is started again by itself.\n");
    page
}

/// The same for programs. It holds passwords and secrets; so does the folder.
pub(super) fn json(example: &WorkedExample, nodes: Option<&Nodes>) -> Value {
    let members = MemberName::ALL.map(|name| {
        json!({
            "name": name.as_str(),
            "postgres": example.postgres_port(name),
            "patroni": example.patroni_port(name),
            "log": example.member_log(name),
        })
    });
    let mut stands = json!({
        "folder": example.folder(),
        "haproxy": { "http": example.http_port(), "status": example.status_page() },
        "database": {
            "node_url": example.node_url(),
            "node_password": example.node_password().expose(),
            "owner_url": example.owner_url(),
            "owner_password": example.owner_password().expose(),
        },
        "members": members,
    });
    if let (Some(nodes), Some(stands)) = (nodes, stands.as_object_mut()) {
        let list = |node: &super::nodes::Node| json!({ "name": node.name, "port": node.port, "pid": node.id(), "log": nodes.log(node) });
        let catalogue: toml::Table = nodes.catalogue().parse().unwrap_or_default();
        stands.insert("demo".to_owned(), json!(nodes.demo_url));
        stands.insert("nodes".to_owned(), nodes.nodes.iter().map(list).collect());
        stands.insert("issuers".to_owned(), json!(issuers(&nodes.base)));
        stands.insert("clients".to_owned(), clients(&catalogue));
        stands.insert("persons".to_owned(), rows(&catalogue, "test_persons").map(|row| json!(row)).collect());
    }
    stands
}

/// Puts it there, whole, for nobody else to read.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(file: &Path, stands: &Value) -> Outcome {
    let why = |fault: std::io::Error| format!("{}: {fault}", file.display());
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let mut open = File::options();
    open.write(true).create(true).truncate(true).mode(0o600);
    open.open(&beside)
        .and_then(|mut new| writeln!(new, "{stands}"))
        .and_then(|()| fs::rename(&beside, file))
        .map_err(why)
}

/// The two issuers behind `base`, as `portvakt dev --json` lists them.
fn issuers(base: &str) -> [Value; 2] {
    let issuer = |issuer: String, profile: &str| {
        json!({
            "profile": profile,
            "environment": "development",
            "issuer_page": issuer,
            "discovery": format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')),
            "issuer": issuer,
        })
    };
    [issuer(format!("{base}/idporten-oidc-provider/"), "pilot"), issuer(base.to_owned(), "idporten")]
}

/// The clients of a catalogue, one entry for each issuer that one is registered at.
fn clients(catalogue: &toml::Table) -> Value {
    let everywhere = catalogue.get("issuer").cloned();
    let at = |row: &toml::Table| -> Vec<String> {
        let issuers = row.get("issuer").or(everywhere.as_ref());
        let issuers = issuers.and_then(toml::Value::as_array).into_iter().flatten();
        issuers.filter_map(toml::Value::as_str).map(str::to_owned).collect()
    };
    rows(catalogue, "clients")
        .flat_map(|row| at(row).into_iter().map(move |issuer| (issuer, row)))
        .map(|(issuer, row)| {
            let secret = row.get("client_secret");
            let list = |name: &str| row.get(name).map_or_else(|| json!([]), |value| json!(value));
            json!({
                "issuer": issuer,
                "client_id": row.get("client_id"),
                "client_secret": secret,
                "display_name": row.get("display_name"),
                "application_type": row.get("application_type").map_or_else(|| json!("web"), |value| json!(value)),
                "token_endpoint_auth_method": if secret.is_some() { "client_secret_basic" } else { "none" },
                "redirect_uris": list("redirect_uris"),
                "post_logout_redirect_uris": list("post_logout_redirect_uris"),
                "scopes": list("scopes"),
            })
        })
        .collect()
}

fn rows<'a>(catalogue: &'a toml::Table, name: &str) -> impl Iterator<Item = &'a toml::Table> {
    let rows = catalogue.get(name).and_then(toml::Value::as_array).into_iter().flatten();
    rows.filter_map(toml::Value::as_table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_without_an_issuer_of_its_own_is_told_at_each() {
        let catalogue = r#"
            issuer = ["a", "b"]
            [[clients]]
            client_id = "everywhere"
            redirect_uris = ["http://localhost:2004/callback"]
            [[clients]]
            issuer = ["b"]
            client_id = "at-b"
            client_secret = "given"
        "#;
        let told = clients(&catalogue.parse().unwrap());
        let at: Vec<_> =
            told.as_array().unwrap().iter().map(|one| (&one["client_id"], &one["issuer"])).collect();
        assert_eq!(at.len(), 3, "{at:?}");
        assert_eq!(told[0]["token_endpoint_auth_method"], "none");
        assert_eq!(told[2]["token_endpoint_auth_method"], "client_secret_basic");
        assert_eq!(told[2]["redirect_uris"], json!([]));
    }
}
