//! Ports on the loopback interface.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result, bail};

/// Returns the wanted port if no program listens on it, or a free one.
///
/// # Errors
///
/// Fails if the wanted port is taken. The message says how to choose another one.
pub(crate) fn choose(wanted: Option<u16>) -> Result<u16> {
    let listener = match TcpListener::bind((Ipv4Addr::LOCALHOST, wanted.unwrap_or(0))) {
        Ok(listener) => listener,
        Err(error) => match wanted {
            Some(port) => bail!(
                "port {port} on 127.0.0.1 cannot be used: {error}. Stop the program that listens on it, \
                 or choose another port with --port"
            ),
            None => return Err(error).context("no port on 127.0.0.1 can be opened"),
        },
    };
    Ok(listener.local_addr()?.port())
}

/// Takes the wanted port, or a free one, for a server of this process.
///
/// # Errors
///
/// Fails for the same reasons as [`choose`].
pub(crate) async fn listen(wanted: Option<u16>) -> Result<tokio::net::TcpListener> {
    let port = choose(wanted)?;
    Ok(tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_the_way_out() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let message = choose(Some(port)).unwrap_err().to_string();
        assert!(message.contains(&port.to_string()), "{message}");
        assert!(message.contains("--port"), "{message}");
    }

    #[test]
    fn a_free_port_is_found_when_none_is_asked_for() {
        assert_ne!(choose(None).unwrap(), 0);
    }
}
