//! The application of a world behind a real socket: what WebSocket tests connect to.
use std::{net::SocketAddr, sync::mpsc::channel, thread::JoinHandle};

use actix_web::{dev::ServerHandle, rt::System};
use huntzen_app::{
    http,
    server::{ServerSettings, listen},
};

use super::ApiWorld;
use crate::websocket::WebSocket;

/// A running server; it stops when this is dropped.
pub struct Listening {
    /// Where it listens.
    pub address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl ApiWorld {
    /// Serves this world on the loopback, by two workers.
    pub fn listen(&self) -> Listening {
        let (edge, services) = (self.edge.clone(), self.services.clone());
        let (told, address) = channel();
        let thread = std::thread::spawn(move || {
            System::new().block_on(async move {
                let settings = ServerSettings { host: "127.0.0.1".to_owned(), port: 0, workers: 2, pool_size: 4 };
                let listening = listen(&settings, edge, services, http::operations).unwrap();
                told.send((listening.addresses[0], listening.server.handle())).unwrap();
                listening.server.await.unwrap();
            });
        });
        let (address, handle) = address.recv().unwrap();
        Listening { address, handle, thread: Some(thread) }
    }

    /// A socket of `who` at `path`.
    pub async fn socket(&self, server: &Listening, who: &str, path: &str) -> WebSocket {
        WebSocket::signed_in(server.address, path, &self.token_of(who).await)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
