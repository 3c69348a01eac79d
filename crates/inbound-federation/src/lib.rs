//! inbound-federation
