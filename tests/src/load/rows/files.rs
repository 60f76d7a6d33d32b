//! Files: what one of the largest costs on its way in and out, in time and in memory.
use std::time::Instant;

use super::{
    super::{
        process::growth_kib,
        table::{say, shown},
    },
    Bench,
};
use crate::{
    api::forms::{Form, document},
    samples,
    server::Server,
};

/// The largest that is taken.
const BYTES: usize = 10 * 1024 * 1024;
/// Times whose median counts.
const TIMES: usize = 5;

impl Bench<'_> {
    pub(super) fn files(&mut self, server: &Server<'_>) {
        if !self.options.wants("files") {
            return;
        }
        say("sending and fetching files of 10 MiB");
        let form = document("DOCUMENT", &samples::long_pdf(BYTES)).bytes();
        let mut client = server.client().with_token(self.employees[0].clone());
        let (mut sending, mut fetching, mut grown) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TIMES {
            grown.push(growth_kib(server.process(), || {
                let began = Instant::now();
                let sent = client.send_bytes("POST", "/files/upload", (&Form::media(), &form)).unwrap();
                assert_eq!(sent.status, 201, "{}", sent.json());
                sending.push(began.elapsed());
                let began = Instant::now();
                let url = sent.json()["url"].as_str().unwrap().to_owned();
                assert_eq!(client.send("GET", &url, None).unwrap().body.len(), BYTES);
                fetching.push(began.elapsed());
            }));
        }
        for (work, mut times) in [("send a file of 10 MiB", sending), ("fetch it", fetching)] {
            times.sort_unstable();
            self.push(work, shown(times[TIMES / 2]), "-".to_owned(), "-", "-".to_owned());
        }
        grown.sort_unstable();
        let kib = grown[TIMES / 2];
        let hundredths = kib * 100 / (5 * 1024);
        let ratio = format!("{}.{:02}", hundredths / 100, hundredths % 100);
        self.push("resident memory, growth meanwhile", format!("{kib} KiB"), "-".to_owned(), "5 MiB", ratio);
    }
}
