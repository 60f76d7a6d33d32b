//! The writer of this node: one thread that takes what many senders say and keeps it in one unit of
//! work, tells the rooms, then the senders. What comes in while it writes is its next batch.
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::Builder,
    time::{Duration, Instant},
};

use huntzen_clinical::{
    ClinicalError,
    conversation::{MessageWriter, NewMessage, Written, check_content},
    ids::ConsultationId,
};
use huntzen_tenancy::clock::Randomness;
use tokio::sync::oneshot;

use super::bodies::{announced, kept_before};
use crate::{
    http::{Code, Problem},
    offload::PATIENCE,
    realtime::Hub,
    telemetry::meters::{Counted, MessageMeters},
};

/// Messages that may wait for the writer; one more is refused as overload.
const WAITING: usize = 2_048;
/// The most messages of a batch.
const BATCH: usize = 256;
/// How long a batch may grow while others are talking.
const LINGER: Duration = Duration::from_millis(5);

/// A message that waits, and whom to tell what became of it.
struct Waiting {
    message: NewMessage,
    answer: oneshot::Sender<Result<Written, ClinicalError>>,
    _counted: Counted,
}

/// Where messages are handed to the writer. The writer ends with the last of these.
#[derive(Clone)]
pub struct MessageQueue {
    waiting: SyncSender<Waiting>,
    randomness: Arc<dyn Randomness>,
    meters: MessageMeters,
}

impl MessageQueue {
    /// Starts the writer. Without a thread for it, every message is refused as unavailable.
    pub fn start(writer: MessageWriter, hub: Arc<Hub>, randomness: Arc<dyn Randomness>) -> Self {
        let (queue, waiting) = sync_channel(WAITING);
        let meters = MessageMeters::default();
        let counts = meters.clone();
        let thread = Builder::new().name("messages".to_owned()).spawn(move || work(&writer, &waiting, &hub, &counts));
        if let Err(error) = thread {
            tracing::error!(error = &error as &dyn std::error::Error, "there is no thread to write messages");
        }
        Self { waiting: queue, randomness, meters }
    }

    /// What its writer counts.
    pub fn meters(&self) -> &MessageMeters {
        &self.meters
    }

    /// Keeps a message; once this returns with success, it is in the store for good.
    ///
    /// # Errors
    /// The writer's refusal as a problem; `overloaded` when too many wait, or the answer takes too
    /// long; `unavailable` when the writer panics. The message may be kept then all the same.
    pub async fn write(&self, message: NewMessage) -> Result<Written, Problem> {
        self.write_within(PATIENCE, message).await
    }

    /// The same where less time is left for the answer.
    ///
    /// # Errors
    /// The same.
    pub async fn write_within(&self, left: Duration, mut message: NewMessage) -> Result<Written, Problem> {
        // What waits is no longer than a message may be.
        check_content(&message.content)?;
        // The writer may have to ask whether it has kept a message already.
        message.client_id.get_or_insert_with(|| self.randomness.uuid_v4().to_string());
        let (answer, told) = oneshot::channel();
        match self.waiting.try_send(Waiting { message, answer, _counted: self.meters.begin() }) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(Problem::new(Code::Overloaded)),
            Err(TrySendError::Disconnected(_)) => return Err(Problem::new(Code::Unavailable)),
        }
        match tokio::time::timeout(left, told).await {
            Ok(Ok(outcome)) => Ok(outcome?),
            Ok(Err(_gone)) => Err(Problem::new(Code::Unavailable)),
            Err(elapsed) => Err(Problem::new(Code::Overloaded).because(elapsed)),
        }
    }
}

fn work(writer: &MessageWriter, waiting: &Receiver<Waiting>, hub: &Hub, meters: &MessageMeters) {
    let mut was_busy = false;
    while let Ok(first) = waiting.recv() {
        let batch = collect(first, waiting, was_busy);
        was_busy = batch.len() > 1;
        // A batch that brings out a defect is one whose senders hear of no outcome: the others are written.
        let told = catch_unwind(AssertUnwindSafe(|| keep(batch, writer, hub, meters)));
        if told.is_err() {
            tracing::error!("the writer of messages had panicked and goes on");
        }
    }
}

/// Keeps a batch and tells the rooms, then the senders.
fn keep(batch: Vec<Waiting>, writer: &MessageWriter, hub: &Hub, meters: &MessageMeters) {
    let (messages, answers): (Vec<_>, Vec<_>) = batch.into_iter().map(|one| (one.message, one.answer)).unzip();
    let is_away = |consultation: ConsultationId, user| !hub.has(consultation.into(), user);
    let outcomes = writer.write(&messages, &is_away);
    meters.wrote(&outcomes);
    for (message, outcome) in messages.iter().zip(&outcomes) {
        match outcome {
            Ok(written) if written.is_new => announce(hub, message, written),
            // The first time may have been cut short before anybody was told. What was kept then is
            // in the store; what is said now may be something else.
            Ok(written) => hub.publish(kept_before(message.consultation, written.seq)),
            Err(_) => {}
        }
    }
    for (answer, outcome) in answers.into_iter().zip(outcomes) {
        // Whoever stopped waiting asks again with the same id, or resumes.
        let _ = answer.send(outcome);
    }
}

/// What waits already; while others are talking, also what comes in the next few milliseconds.
fn collect(first: Waiting, waiting: &Receiver<Waiting>, was_busy: bool) -> Vec<Waiting> {
    let until = Instant::now() + if was_busy { LINGER } else { Duration::ZERO };
    let mut batch = vec![first];
    while batch.len() < BATCH {
        let left = until.saturating_duration_since(Instant::now());
        let next = if left.is_zero() { waiting.try_recv().ok() } else { waiting.recv_timeout(left).ok() };
        match next {
            Some(one) => batch.push(one),
            None => break,
        }
    }
    batch
}

fn announce(hub: &Hub, message: &NewMessage, written: &Written) {
    match announced(message, written) {
        Ok(signal) => hub.publish(signal),
        // The room reads it from the store at the next message.
        Err(problem) => tracing::error!(causes = problem.causes(), "a message could not be told"),
    }
}
