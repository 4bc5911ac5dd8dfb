//! The listener over real sockets, on loopback: requests, slow peers, TLS.

#[cfg(test)]
mod patience;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod tls;
