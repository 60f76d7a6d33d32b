//! The metrics, in the text format of `OpenMetrics`, on a port of their own: `GET /metrics` and nothing else.
use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use actix_web::{App, HttpResponse, HttpServer, dev::ServerHandle, rt, web};
use prometheus_client::{encoding::text::encode, registry::Registry};

/// Connections at once; more than a few collectors never come.
const CONNECTIONS: usize = 16;
const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A server of metrics, with a thread of its own: it answers however busy the others are.
pub struct Exposition {
    handle: ServerHandle,
    /// Where it listens.
    pub address: Option<SocketAddr>,
}

impl Exposition {
    /// Serves what is under `registry` at this address, from within a running system.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn start(address: SocketAddr, registry: Registry) -> io::Result<Self> {
        let registry = web::Data::from(Arc::new(registry));
        let server = HttpServer::new(move || {
            let metrics = web::resource("/metrics").route(web::get().to(metrics));
            App::new().app_data(registry.clone()).service(metrics)
        })
        .workers(1)
        .worker_max_blocking_threads(1)
        .backlog(16)
        .max_connections(CONNECTIONS)
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::from_secs(5))
        .client_disconnect_timeout(Duration::from_secs(2))
        .shutdown_timeout(1)
        .disable_signals()
        .bind(address)?;
        let address = server.addrs().first().copied();
        let server = server.run();
        let handle = server.handle();
        rt::spawn(server);
        Ok(Self { handle, address })
    }

    /// Serves no more.
    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}

async fn metrics(registry: web::Data<Registry>) -> HttpResponse {
    let mut text = String::new();
    match encode(&mut text, &registry) {
        Ok(()) => HttpResponse::Ok().content_type(MEDIA_TYPE).body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}
