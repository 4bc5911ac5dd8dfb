//! What must hold whatever breaks, and how it is found out when it does not.
