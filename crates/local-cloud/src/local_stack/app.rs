//! An app as a customer of the pool would write it: buttons, the code grant with PKCE, and who came back.

mod page;
mod session;

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Context, Result};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use self::page::Page;
use self::session::Sessions;
use super::Address;
use crate::port;

type Answer = Response<Full<Bytes>>;

/// The app's port, taken before it answers, because the stack is deployed with the app's address.
#[derive(Debug)]
pub(super) struct Port {
    listener: TcpListener,
    address: String,
}

impl Port {
    pub(super) async fn take(wanted: Option<u16>) -> Result<Self> {
        let port = port::choose(wanted)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .with_context(|| format!("the app cannot listen on port {port}"))?;
        Ok(Self { listener, address: format!("http://127.0.0.1:{port}") })
    }

    /// The app's address, without a slash at its end.
    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

/// The running app. Dropping it ends it.
#[derive(Debug)]
pub(super) struct App(JoinHandle<()>);

impl App {
    /// Begins to answer.
    pub(super) fn serve(port: Port, address: &Address) -> Result<Self> {
        Ok(Self(tokio::spawn(accept(port.listener, Arc::new(Sessions::new(address)?)))))
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn accept(listener: TcpListener, sessions: Arc<Sessions>) {
    while let Ok((stream, _)) = listener.accept().await {
        let sessions = sessions.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let sessions = sessions.clone();
                async move { Ok::<_, Infallible>(answer(&sessions, &request).await) }
            });
            // A browser that leaves in the middle is no fault of the app.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(sessions: &Sessions, request: &Request<Incoming>) -> Answer {
    let query = request.uri().query().unwrap_or_default();
    let cookie = request.headers().get(COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let path = request.uri().path();
    if request.method() != Method::GET {
        return html(StatusCode::METHOD_NOT_ALLOWED, &Page::refused("This page can only be read"));
    }
    let outcome = match path {
        "/" => sessions.home(cookie).await.map(|page| html(StatusCode::OK, &page)),
        "/sign-in" => Ok(redirect(&sessions.begin(query), None)),
        "/callback" => sessions.finish(query).await.map(|outcome| match outcome {
            Ok(cookie) => redirect("/", Some(&cookie)),
            Err(refusal) => html(StatusCode::OK, &Page::refused(&refusal)),
        }),
        "/sign-out" => {
            sessions.end(cookie);
            Ok(redirect("/", None))
        }
        _ => Ok(html(StatusCode::NOT_FOUND, &Page::refused("There is no such page"))),
    };
    outcome.unwrap_or_else(|error| html(StatusCode::BAD_GATEWAY, &Page::refused(&format!("{error:#}"))))
}

fn html(status: StatusCode, page: &Page) -> Answer {
    let (status, body) = match page.render() {
        Ok(body) => (status, body),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    };
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    answer
}

fn redirect(target: &str, cookie: Option<&str>) -> Answer {
    let mut answer = Response::builder().status(StatusCode::FOUND).header(LOCATION, target);
    if let Some(cookie) = cookie {
        answer = answer.header(SET_COOKIE, cookie);
    }
    answer.body(Full::default()).unwrap_or_default()
}
