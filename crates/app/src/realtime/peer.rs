//! The TCP connection under a socket: actix keeps it to itself, so a handle is taken when it is
//! accepted, to end what actix leaves open.
use std::{
    any::Any,
    net::{Shutdown, TcpStream},
    os::fd::AsFd,
    rc::Rc,
    time::Duration,
};

use actix_web::{HttpRequest, dev::Extensions, rt};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::sockopt::set_socket_linger,
};

/// How often a connection that could not be written to is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A second handle on an accepted connection. It keeps the connection's number open, so it goes
/// with the connection itself.
#[derive(Clone, Debug)]
pub(crate) struct Peer(Rc<TcpStream>);

/// Remembers the connection for the requests that come through it (`HttpServer::on_connect`). A
/// connection whose handle cannot be doubled (no file descriptors left) serves requests and opens
/// no sockets.
pub(crate) fn remember(connection: &dyn Any, extensions: &mut Extensions) {
    let stream = connection.downcast_ref::<rt::net::TcpStream>();
    let handle = stream.and_then(|stream| stream.as_fd().try_clone_to_owned().ok());
    if let Some(handle) = handle {
        extensions.insert(Peer(Rc::new(TcpStream::from(handle))));
    }
}

impl Peer {
    /// The connection that `request` came through.
    pub(crate) fn of(request: &HttpRequest) -> Option<Self> {
        request.conn_data::<Self>().cloned()
    }

    /// Waits until the system has taken all that was written: right after a write that it did not
    /// take wholly, there is no room. Two looks, because what is left is written in between.
    pub(super) async fn written(&self) {
        let mut looks = 0;
        while looks < 2 {
            if self.has_room() {
                looks += 1;
                rt::task::yield_now().await;
            } else {
                looks = 0;
                rt::time::sleep(LOOK_AGAIN).await;
            }
        }
    }

    fn has_room(&self) -> bool {
        let mut descriptors = [PollFd::new(&*self.0, PollFlags::OUT)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut descriptors, Some(&at_once)).is_ok_and(|ready| ready > 0)
    }

    /// Says that nothing more will be sent. actix then reads, for at most two seconds, until the
    /// peer says the same, and closes.
    pub(super) fn finish(&self) {
        if let Err(error) = self.0.shutdown(Shutdown::Write) {
            tracing::trace!(%error, "the connection had ended before");
        }
    }

    /// Ends the connection at once; what was not taken by the peer is thrown away.
    pub(super) fn reset(&self) {
        if let Err(error) = set_socket_linger(&*self.0, Some(Duration::ZERO)) {
            tracing::debug!(%error, "the connection ends without a reset");
        }
        if let Err(error) = self.0.shutdown(Shutdown::Both) {
            tracing::trace!(%error, "the connection had ended before");
        }
    }
}
