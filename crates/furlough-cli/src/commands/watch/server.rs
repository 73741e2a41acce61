use super::{assets, guard::guard, hub::Hub};
use crate::interrupt;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::Stream;
use futures_util::future::{Either, select};
use futures_util::stream::unfold;
use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::spawn_blocking;

/// How often is looked whether the user wants an end.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until the user wants an end. Streams that are open then end with the process.
pub async fn serve(listener: TcpListener, hub: Arc<Hub>, host: &str) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let app = assets::routes()
        .route("/events", get(events))
        .route("/dropped/{id}", get(dropped))
        .with_state(hub)
        .layer(from_fn_with_state(Arc::<str>::from(host), guard));
    let serving = pin!(axum::serve(listener, app).into_future());
    match select(serving, pin!(asked())).await {
        Either::Left((served, _)) => served,
        Either::Right(_) => Ok(()),
    }
}

async fn asked() {
    while !interrupt::asked() {
        tokio::time::sleep(PAUSE).await;
    }
}

/// The runs as they are, and then each change, as server-sent events.
async fn events(State(hub): State<Arc<Hub>>) -> Response {
    match subscribe(hub).await {
        Some(reader) => Sse::new(stream(reader)).keep_alive(KeepAlive::default()).into_response(),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

struct Reader {
    hub: Arc<Hub>,
    /// What is to be told before changes are.
    first: Option<Arc<str>>,
    changes: Receiver<Arc<str>>,
}

/// Reading the runs may take the disk a while, which the other connections do not wait for.
async fn subscribe(hub: Arc<Hub>) -> Option<Reader> {
    let reader = move || {
        let (first, changes) = hub.subscribe();
        Reader { hub, first: Some(first), changes }
    };
    spawn_blocking(reader).await.ok()
}

fn stream(reader: Reader) -> impl Stream<Item = Result<Event, Infallible>> {
    unfold(reader, |mut reader| async move {
        loop {
            if let Some(first) = reader.first.take() {
                let event = Event::default().retry(Duration::from_secs(1)).data(first);
                return Some((Ok(event), reader));
            }
            match reader.changes.recv().await {
                Ok(change) => return Some((Ok(Event::default().data(change)), reader)),
                Err(RecvError::Lagged(_)) => reader = subscribe(reader.hub).await?,
                Err(RecvError::Closed) => return None,
            }
        }
    })
}

async fn dropped(State(hub): State<Arc<Hub>>, Path(id): Path<u32>) -> Response {
    let found = spawn_blocking(move || hub.dropped(id)).await.ok().flatten();
    match found.and_then(|dropped| serde_json::to_string(&dropped).ok()) {
        Some(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        None => (StatusCode::NOT_FOUND, "no such run, or it has no checkpoint yet\n").into_response(),
    }
}
