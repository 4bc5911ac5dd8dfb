//! A node that is measured: the release binary with `serve`, as one of several would run, and the PostgreSQL server that it stands on.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use portvakt_cluster::{Durability, Folder, Password, Postgres, Proxy, Settings, fitted, free_port};
use serde::Deserialize;

use super::server::{Client, Issuer, Person, Server, Stands, is_in_memory};
use crate::client::{Connection, Request};
use crate::house::{Outcome, run};

/// What is registered: as at `portvakt dev`.
const CATALOGUE: &str = include_str!("../../../crates/portvakt/src/dev/demo.toml");

/// Where catalogues are written for.
pub(super) const WRITTEN_FOR: &str = "http://localhost:8080";

/// How long a node may take to answer.
const START: Duration = Duration::from_secs(60);

/// How often a node that starts is asked whether it answers: this much may be added to what is found.
const LOOK: Duration = Duration::from_millis(1);

/// The database, and the role that a node has there, which owns nothing.
const NAME: &str = "portvakt";

/// One PostgreSQL server with the node's tables, and the node's own files. The server ends with it.
pub(super) struct Place {
    // Before its folder.
    postgres: Postgres,
    _data: Folder,
    binary: PathBuf,
    folder: PathBuf,
    port: u16,
}

/// The parts of the catalogue that a load needs.
#[derive(Deserialize)]
struct Catalogue {
    issuer: Vec<String>,
    clients: Vec<Registered>,
    test_persons: Vec<Person>,
}

#[derive(Deserialize)]
struct Registered {
    issuer: Option<Vec<String>>,
    client_id: String,
    client_secret: Option<String>,
    redirect_uris: Vec<String>,
}

impl Place {
    /// Starts an empty PostgreSQL server, which syncs every commit to its disk, and makes the tables. `folder` is for the node's own
    /// files. `really`: a server whose data would lie in memory is refused.
    ///
    /// # Errors
    /// A step failed: what it said.
    pub(super) fn new(binary: &Path, folder: &Path, really: bool) -> Result<Self, String> {
        let data = Folder::temporary("bench")?;
        if really && is_in_memory(data.path())? {
            let place = data.path().display();
            return Err(format!(
                "{place} is in memory, where a sync costs nothing: set TMPDIR to a folder on a disk"
            ));
        }
        let postgres = Postgres::start(&data.path().join("server"), &Settings::new(Durability::Fsync))?;
        postgres.create_database(NAME)?;
        postgres.sql(NAME, &format!("CREATE ROLE {NAME} LOGIN"))?;
        let made = |why| format!("{}: {why}", folder.display());
        fs::create_dir_all(folder).map_err(made)?;
        let place = Self {
            postgres,
            _data: data,
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            port: free_port()?,
        };
        place.draw_master_key()?;
        place.configure(place.postgres.port())?;
        run(place
            .portvakt(&["db", "migrate", "--grant-to", NAME, "--as"])
            .arg(place.postgres.url(NAME))
            .arg("--config")
            .arg(place.configuration()))?;
        Ok(place)
    }

    /// Starts the node and waits until it answers. `measured` as at [`super::server::Start`].
    ///
    /// # Errors
    /// It ended, or does not answer.
    pub(super) fn start(&self, measured: bool) -> Result<Server, String> {
        let mut command = self.portvakt(&["serve", "--config"]);
        command.arg(self.configuration());
        if measured {
            command.arg("--measure");
        }
        let mut server = Server::spawn(command, &self.folder.join("node.log"), self.stands()?)?;
        let deadline = Instant::now() + START;
        let discovery = Request::get("/.well-known/openid-configuration");
        loop {
            let answer = Connection::to(&self.authority()).send(&discovery);
            if answer.is_ok_and(|answer| answer.status == 200) {
                return Ok(server);
            }
            if server.has_ended() || Instant::now() >= deadline {
                return Err(format!("the node did not start; its log is {}/node.log", self.folder.display()));
            }
            sleep(LOOK);
        }
    }

    /// Registers the catalogue. Done when every node has it.
    ///
    /// # Errors
    /// It was refused.
    pub(super) fn register(&self) -> Outcome {
        self.apply("catalogue.toml", &self.catalogue()?)
    }

    /// Registers another catalogue, which lies in a file of that name.
    ///
    /// # Errors
    /// It was refused.
    pub(super) fn apply(&self, name: &str, catalogue: &str) -> Outcome {
        let file = self.folder.join(name);
        fs::write(&file, catalogue).map_err(|why| format!("{}: {why}", file.display()))?;
        run(self.portvakt(&["apply"]).arg(&file).arg("--config").arg(self.configuration()))
    }

    /// A proxy before the database, which a node that is started while it stands goes through. [`Place::go_direct`] ends that.
    ///
    /// # Errors
    /// No port is free, or the configuration cannot be written.
    pub(super) fn go_by_proxy(&self) -> Result<Proxy, String> {
        let proxy = Proxy::start(self.postgres.port())?;
        self.configure(proxy.port())?;
        Ok(proxy)
    }

    /// Nodes that are started from here on go to the database itself.
    ///
    /// # Errors
    /// The configuration cannot be written.
    pub(super) fn go_direct(&self) -> Outcome {
        self.configure(self.postgres.port())
    }

    /// CPU time of all of the database server's processes since its start, each to a tick of 10 ms.
    pub(super) fn database_cpu(&self) -> Duration {
        Duration::from_secs_f64(self.postgres.cpu_seconds())
    }

    /// Where the database's files are.
    pub(super) fn data(&self) -> &Path {
        self.postgres.folder()
    }

    fn authority(&self) -> String {
        format!("localhost:{}", self.port)
    }

    fn base(&self) -> String {
        format!("http://{}", self.authority())
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("portvakt.toml")
    }

    fn catalogue(&self) -> Result<String, String> {
        fitted(CATALOGUE, &[(WRITTEN_FOR, &self.base())])
    }

    /// Issuers as at `portvakt dev`; everything that can be left out is left out.
    fn configure(&self, database: u16) -> Outcome {
        let (base, port) = (self.base(), self.port);
        let issuers = [(format!("{base}/idporten-oidc-provider/"), "pilot"), (base, "idporten")];
        let issuers = issuers.map(|(issuer, profile)| {
            format!(
                "\n[[issuers]]\nissuer = \"{issuer}\"\nprofile = \"{profile}\"\nenvironment = \"development\"\n\
                 terms = \"demo\"\ntestid = {{ pools = [\"demo\"] }}\n"
            )
        });
        let text = format!(
            "data = \"postgres://{NAME}@127.0.0.1:{database}/{NAME}\"\nmaster_key = {{ file = \"master.key\" }}\n\n\
             [[listeners]]\naddress = \"127.0.0.1:{port}\"\n{}",
            issuers.concat()
        );
        let file = self.configuration();
        fs::write(&file, text).map_err(|why| format!("{}: {why}", file.display()))
    }

    /// 32 bytes, as hexadecimal digits.
    fn draw_master_key(&self) -> Outcome {
        let (one, other) = (Password::draw()?, Password::draw()?);
        let file = self.folder.join("master.key");
        let open = File::options().write(true).create_new(true).mode(0o600).open(&file);
        open.and_then(|mut open| writeln!(open, "{}{}", one.expose(), other.expose()))
            .map_err(|why| format!("{}: {why}", file.display()))
    }

    fn portvakt(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).stdout(Stdio::null());
        command
    }

    fn stands(&self) -> Result<Stands, String> {
        stands(&self.catalogue()?)
    }
}

/// What stands once that catalogue is registered.
fn stands(catalogue: &str) -> Result<Stands, String> {
    let Catalogue { issuer: everywhere, clients, test_persons } =
        toml::from_str(catalogue).map_err(|why| format!("the demo's catalogue: {why}"))?;
    let profiles = ["pilot", "idporten"].map(str::to_owned);
    let issuers = everywhere.iter().cloned().zip(profiles);
    Ok(Stands {
        issuers: issuers.map(|(issuer, profile)| Issuer { issuer, profile }).collect(),
        clients: clients
            .into_iter()
            .flat_map(|client| {
                let at = client.issuer.unwrap_or_else(|| everywhere.clone());
                at.into_iter().map(move |issuer| Client {
                    issuer,
                    client_id: client.client_id.clone(),
                    client_secret: client.client_secret.clone(),
                    redirect_uris: client.redirect_uris.clone(),
                })
            })
            .collect(),
        persons: test_persons,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_catalogue_has_a_confidential_client_at_each_issuer_and_persons() {
        let stands = stands(CATALOGUE).unwrap();
        for issuer in &stands.issuers {
            let mut confidential = stands.clients.iter().filter(|client| client.client_secret.is_some());
            assert!(confidential.any(|client| client.issuer == issuer.issuer), "{}", issuer.issuer);
        }
        let pilot = stands.issuers.iter().find(|issuer| issuer.profile == "pilot").unwrap();
        assert!(pilot.issuer.ends_with("/idporten-oidc-provider/"), "{}", pilot.issuer);
        assert_eq!(stands.persons.len(), 8);
    }
}
