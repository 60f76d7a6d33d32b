//! A way to a port of this machine that can be cut, while whoever goes there by another way notices nothing.
use std::{
    io,
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread::{Builder, JoinHandle},
};

/// Passes bytes on in both directions; gone when this is dropped.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    ways: Arc<Mutex<Ways>>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Ways {
    is_cut: bool,
    is_over: bool,
    open: Vec<TcpStream>,
}

impl Ways {
    fn close_all(&mut self) {
        for stream in self.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Relay {
    /// To this port, on a port of its own.
    ///
    /// # Panics
    /// When there is none.
    pub fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let ways: Arc<Mutex<Ways>> = Arc::default();
        let shared = Arc::clone(&ways);
        let accepting =
            Builder::new().name("relay".to_owned()).spawn(move || accept(&listener, target, &shared)).unwrap();
        Self { port, ways, accepting: Some(accepting) }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Ends every connection, and each that is made until it is mended.
    pub fn cut(&self) {
        let mut ways = self.ways.lock().unwrap();
        ways.is_cut = true;
        ways.close_all();
    }

    /// Takes connections again.
    pub fn mend(&self) {
        self.ways.lock().unwrap().is_cut = false;
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let mut ways = self.ways.lock().unwrap();
        ways.is_over = true;
        ways.close_all();
        drop(ways);
        // It waits for one more.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

fn accept(listener: &TcpListener, target: u16, shared: &Mutex<Ways>) {
    for near in listener.incoming() {
        let mut ways = shared.lock().unwrap();
        if ways.is_over {
            return;
        }
        if !ways.is_cut {
            // Whom nobody answers at the other end is not answered here.
            let _ = near.and_then(|near| pass(&near, target, &mut ways));
        }
    }
}

fn pass(near: &TcpStream, target: u16, ways: &mut Ways) -> io::Result<()> {
    let far = TcpStream::connect((Ipv4Addr::LOCALHOST, target))?;
    for stream in [near, &far] {
        stream.set_nodelay(true)?;
        ways.open.push(stream.try_clone()?);
    }
    for (mut from, mut to) in [(near.try_clone()?, far.try_clone()?), (far, near.try_clone()?)] {
        Builder::new().spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        })?;
    }
    Ok(())
}
