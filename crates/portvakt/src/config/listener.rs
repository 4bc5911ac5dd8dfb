//! `[[listeners]]`: where connections are accepted, with our own TLS or behind proxies whose word is taken.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use ipnet::IpNet;
use portvakt_protocol::registration::Shown;
use portvakt_web::listen::{ListenerConfig, TlsFiles};

use super::reader::{At, Keys, Page};
use super::signing_files::pair_of_files;

/// Every listener; at least one must be there.
pub(super) fn all(page: &mut Page, keys: &mut Keys<'_>, folder: &Path) -> Vec<ListenerConfig> {
    let place = keys.place_of(page, "listeners");
    let tables = keys.tables(page, "listeners");
    if tables.is_empty() && !page.faults.iter().any(|fault| fault.place.path.starts_with("listeners")) {
        page.refuse(
            &place,
            Shown::Absent,
            "must name at least one listener, under the heading [[listeners]]",
        );
    }
    tables.into_iter().filter_map(|table| one(page, table, folder)).collect()
}

fn one(page: &mut Page, mut table: Keys<'_>, folder: &Path) -> Option<ListenerConfig> {
    let address = table.required_parsed(page, "address", |text| {
        text.parse::<SocketAddr>()
            .map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8080 or [::]:443".to_owned())
    });
    let tls = pair_of_files(page, &mut table, "tls", folder);
    let proxies = table.texts(page, "trusted_proxies");
    let trusted_proxies = proxies.iter().filter_map(|proxy| network(page, proxy)).collect();
    table.end(page);
    let tls = tls.map(|(certificate, key, _)| TlsFiles { certificate, key });
    Some(ListenerConfig { tls, trusted_proxies, ..ListenerConfig::new(address?.value) })
}

/// A network, or one address.
fn network(page: &mut Page, At { value, place }: &At<String>) -> Option<IpNet> {
    let alone = value.parse::<IpAddr>().map(IpNet::from);
    match alone.or_else(|_| value.parse::<IpNet>()) {
        // Trusting every address would let anyone say who they are.
        Ok(network) if network.prefix_len() == 0 => {
            page.refuse(
                place,
                Shown::text(value),
                "must be the proxies' own networks, not every address there is",
            );
            None
        }
        Ok(network) => Some(network),
        Err(_) => {
            page.refuse(place, Shown::text(value), "must be an IP address or a network, such as 10.0.0.0/8");
            None
        }
    }
}
