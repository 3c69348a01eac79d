//! A server on this machine.

use std::net::Ipv4Addr;

use anyhow::{Context, Result};
use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running server. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    /// Its address, without a slash at its end.
    pub url: String,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts one on a free port.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn start(router: Router) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("no port is free")?;
        Self::on(listener, router)
    }

    /// Starts one on this port.
    ///
    /// # Errors
    ///
    /// The port has no address.
    pub fn on(listener: TcpListener, router: Router) -> Result<Self> {
        let url = format!("http://{}", listener.local_addr()?);
        let task = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        Ok(Self { url, task })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
