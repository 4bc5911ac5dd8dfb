//! How a server is set up.

/// What a confirmed commit survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// `fsync = on`: the machine's power going. For proofs and measurements.
    Fsync,
    /// `fsync = off`: the server's death, not the machine's. For scenes, which are quicker so.
    Quick,
}

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    durability: Durability,
    pub(crate) port: Option<u16>,
    lines: Vec<(String, String)>,
    admissions: Vec<String>,
}

impl Settings {
    /// A free port, and nothing but what every server here has.
    #[must_use]
    pub fn new(durability: Durability) -> Self {
        Self { durability, port: None, lines: Vec::new(), admissions: Vec::new() }
    }

    /// The port to listen on, in place of a free one.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// One more line of `postgresql.conf`; it wins over ours.
    #[must_use]
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.lines.push((name.to_owned(), value.to_owned()));
        self
    }

    /// One more line of `pg_hba.conf`, in front of those that let everybody in from this machine without a password.
    #[must_use]
    pub fn admit(mut self, line: &str) -> Self {
        self.admissions.push(line.to_owned());
        self
    }

    /// The whole `pg_hba.conf`, given the one that `initdb` wrote.
    pub(crate) fn admissions(&self, written: &str) -> String {
        self.admissions
            .iter()
            .map(String::as_str)
            .chain([written])
            .fold(String::new(), |text, line| text + line + "\n")
    }

    /// The whole `postgresql.conf`.
    pub(crate) fn text(&self) -> String {
        let fsync = match self.durability {
            Durability::Fsync => "on",
            Durability::Quick => "off",
        };
        let ours = [
            ("listen_addresses", "127.0.0.1"),
            // Everything here speaks TCP, and a socket's path may not be as long as a folder's.
            ("unix_socket_directories", ""),
            ("max_connections", "200"),
            ("shared_buffers", "64MB"),
            // In the folder, so that it goes with it after a kill -9.
            ("dynamic_shared_memory_type", "mmap"),
            ("fsync", fsync),
            ("full_page_writes", fsync),
            ("synchronous_commit", "on"),
            ("wal_level", "replica"),
            ("hot_standby", "on"),
            ("max_wal_senders", "10"),
            ("max_replication_slots", "10"),
            ("wal_keep_size", "128MB"),
            // A standby that has just lost its primary waits this long, and may not hear of its promotion before.
            ("wal_retrieve_retry_interval", "200ms"),
            ("max_wal_size", "1GB"),
            // pg_rewind needs it.
            ("wal_log_hints", "on"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("log_min_messages", "warning"),
            ("log_line_prefix", "%m [%p] %d "),
            // A refused row is told to the client; in the log it would show the row.
            ("log_error_verbosity", "terse"),
            ("log_min_error_statement", "panic"),
            ("client_min_messages", "warning"),
        ];
        let ours = ours.iter().map(|(name, value)| (*name, *value));
        let theirs = self.lines.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        ours.chain(theirs)
            .map(|(name, value)| format!("{name} = '{}'\n", value.replace('\'', "''")))
            .collect()
    }
}
