//! Real servers from Debian's packages, each in a folder of its own, on the loopback, ended with whoever started it: PostgreSQL with
//! standbys, what stands before it, and a proxy that breaks the connection in ways that can be chosen. Nothing here knows
//! Portvakt: it is what an operator would set up.
