//! `/audio-call`: ringing, answering, hanging up, and what two devices tell each other to connect.
use std::{rc::Rc, sync::Arc};

use huntzen_clinical::{
    ClinicalError,
    call::{Call, Calling, Connected as ConnectedCall, Ending, IceServer, Over, Unheard},
    ids::{CallId, ConsultationId},
};
use huntzen_tenancy::{
    audit::Action,
    live::{Signal, Topic},
    words,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use validator::Validate;

use crate::{
    http::Problem,
    realtime::{ClientEvent, Closing, Connected, Delivery, Hub, Protocol, Reply, frame},
};

/// The longest candidate line (RFC 8839 §5.1), in characters; real ones have about two hundred.
const CANDIDATE: u64 = 4096;
/// The longest description (RFC 8866), in characters: it fits into a frame.
const SDP: u64 = 60_000;

words! {
    /// What a client says on `/audio-call`.
    CallAsked {
        /// It rings the other participant.
        Initiate = "call:initiate",
        /// It answers.
        Accept = "call:accept",
        /// It does not.
        Reject = "call:reject",
        /// It hangs up.
        End = "call:end",
        /// To the other device: how it would like to connect.
        Offer = "webrtc:offer",
        /// To the other device: how it connects.
        Answer = "webrtc:answer",
        /// To the other device: an address to try, or that there are no more.
        IceCandidate = "webrtc:ice-candidate",
    }
}

words! {
    /// What a client is told on `/audio-call`.
    CallTold {
        /// The other participant rings.
        Incoming = "call:incoming",
        /// Another device answered.
        Taken = "call:taken",
        /// The other participant answered.
        Accepted = "call:accepted",
        /// The other participant does not answer, or another device rejected.
        Rejected = "call:rejected",
        /// Somebody hung up, or a device is gone.
        Ended = "call:ended",
        /// Nobody answered in time.
        Missed = "call:missed",
        /// From the other device.
        Offer = "webrtc:offer",
        /// From the other device.
        Answer = "webrtc:answer",
        /// From the other device.
        IceCandidate = "webrtc:ice-candidate",
    }
}

/// One client's `/audio-call`: a device of its user.
pub struct CallSocket {
    connected: Connected,
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Initiate {
    consultation_id: ConsultationId,
}

#[derive(Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfCall {
    call_id: CallId,
}

/// `webrtc:offer` and `webrtc:answer`.
#[derive(Deserialize, Serialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Description {
    call_id: CallId,
    #[validate(length(min = 1, max = SDP))]
    sdp: String,
}

/// `webrtc:ice-candidate`.
#[derive(Deserialize, Serialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Candidate {
    call_id: CallId,
    /// `None` tells that there are no more; it is told, not left out.
    #[serde(deserialize_with = "Option::deserialize")]
    #[validate(nested)]
    candidate: Option<CandidateInit>,
}

/// What browsers make of a candidate (`RTCIceCandidateInit` of WebRTC 1.0).
#[derive(Deserialize, Serialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CandidateInit {
    #[validate(length(max = CANDIDATE))]
    candidate: String,
    #[serde(default)]
    #[validate(length(max = 64))]
    sdp_mid: Option<String>,
    #[serde(default)]
    sdp_m_line_index: Option<u16>,
    #[serde(default)]
    #[validate(length(max = 256))]
    username_fragment: Option<String>,
}

/// The acknowledgement of `call:initiate` and of `call:accept`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectedData {
    call_id: Uuid,
    ice_servers: Vec<IceServerData>,
}

/// A server as `RTCPeerConnection` takes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IceServerData {
    urls: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential: Option<String>,
}

/// `call:incoming` and `call:missed`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallData {
    call_id: Uuid,
    consultation_id: Uuid,
}

/// What else is told of a call.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CallIdData {
    call_id: Uuid,
}

impl From<ConnectedCall> for ConnectedData {
    fn from(connected: ConnectedCall) -> Self {
        let server = |server: IceServer| {
            let IceServer { urls, username, credential } = server;
            IceServerData { urls, username, credential }
        };
        Self { call_id: connected.call.id.into(), ice_servers: connected.ice_servers.into_iter().map(server).collect() }
    }
}

impl CallSocket {
    /// The protocol on a socket that has just opened: it rings from now on.
    pub fn new(connected: Connected) -> Self {
        let socket = connected.socket.clone();
        connected.hub().subscribe(Topic::Calls(socket.user()), &socket);
        Self { connected }
    }

    fn device(&self) -> Uuid {
        self.connected.socket.id()
    }

    async fn initiate(&self, Initiate { consultation_id }: Initiate) -> Result<Reply, Problem> {
        let (caller, device) = (self.connected.socket.caller().clone(), self.device());
        let begun = self.connected.run(move |s| s.calling.initiate(&caller, device, consultation_id)).await?;
        let connected = begun.heard();
        let call = &connected.call;
        self.tell(Topic::Calls(call.callee), CallTold::Incoming, &data(call))?;
        Reply::new(ConnectedData::from(connected))
    }

    async fn accept(&self, OfCall { call_id }: OfCall) -> Result<Reply, Problem> {
        let (caller, device) = (self.connected.socket.caller().clone(), self.device());
        let answered = self.connected.run(move |s| s.calling.accept(&caller, device, call_id)).await?;
        let connected = answered.heard();
        let call = &connected.call;
        self.tell(Topic::Calls(call.callee), CallTold::Taken, &id_of(call))?;
        self.tell(Topic::Socket(call.caller_device), CallTold::Accepted, &id_of(call))?;
        Reply::new(ConnectedData::from(connected))
    }

    /// Asks about calls: at once where they are in this process, else where use cases run.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Calling) -> Result<T, ClinicalError> + Send + 'static,
    ) -> Result<T, Problem> {
        let calling = &self.connected.services().calling;
        if calling.is_at_hand() {
            return Ok(question(calling)?);
        }
        self.connected.run(move |s| question(&s.calling)).await
    }

    async fn reject(&self, OfCall { call_id }: OfCall) -> Result<Reply, Problem> {
        let caller = self.connected.socket.caller().clone();
        let rejected = self.ask(move |calling| calling.reject(&caller, call_id)).await;
        self.over(rejected, call_id, Action::Reject).await
    }

    async fn end(&self, OfCall { call_id }: OfCall) -> Result<Reply, Problem> {
        let caller = self.connected.socket.caller().clone();
        let ended = self.ask(move |calling| calling.end(&caller, call_id)).await;
        self.over(ended, call_id, Action::End).await
    }

    /// Tells that a call is over, at once, and then leaves the trace of it, or of the refusal.
    async fn over(
        &self,
        outcome: Result<Unheard<Over>, Problem>,
        id: CallId,
        action: Action,
    ) -> Result<Reply, Problem> {
        match outcome {
            Ok(over) => {
                let over = over.heard();
                self.tell_over(&over);
                self.connected.run(move |s| s.calling.trace_over(&over)).await?;
                Ok(Reply::done())
            }
            Err(failure) if failure.code().status().is_server_error() => Err(failure),
            Err(refusal) => {
                let caller = self.connected.socket.caller().clone();
                let traced = self.connected.run(move |s| s.calling.trace_refused(&caller, action, id)).await;
                if let Err(problem) = traced {
                    tracing::warn!(causes = problem.causes(), "a refusal left no trace");
                }
                Err(refusal)
            }
        }
    }

    async fn describe(&self, told: CallTold, event: &ClientEvent) -> Result<Reply, Problem> {
        let description: Description = event.data()?;
        self.relay(told, description.call_id, &description).await
    }

    /// Passes something on to the device at the other end.
    async fn relay<T: Serialize>(&self, event: CallTold, call: CallId, data: &T) -> Result<Reply, Problem> {
        let (caller, device) = (self.connected.socket.caller().clone(), self.device());
        let to = self.ask(move |calling| calling.relay(&caller, device, call)).await?;
        self.tell(Topic::Socket(to), event, data)?;
        Ok(Reply::done())
    }

    fn tell<T: Serialize>(&self, topic: Topic, event: CallTold, data: &T) -> Result<(), Problem> {
        let signal = Signal { except: Some(self.device()), ..Signal::new(topic, frame(event, data)?) };
        self.connected.hub().publish(signal);
        Ok(())
    }

    fn tell_over(&self, over: &Over) {
        tell_over(self.connected.hub(), over, Some(self.device()));
    }
}

fn data(call: &Call) -> CallData {
    CallData { call_id: call.id.into(), consultation_id: call.consultation.into() }
}

fn id_of(call: &Call) -> CallIdData {
    CallIdData { call_id: call.id.into() }
}

/// Tells everybody concerned of a call that nobody answered.
pub fn tell_missed(hub: &Hub, call: &Call) {
    tell_both(hub, call, None, frame(CallTold::Missed, &data(call)));
}

/// Tells everybody concerned that calls are over, but for the device that knows.
pub fn tell_over(hub: &Hub, over: &Over, except: Option<Uuid>) {
    let told = match over.ending {
        Ending::Ended => CallTold::Ended,
        Ending::Rejected => CallTold::Rejected,
    };
    for call in &over.calls {
        tell_both(hub, call, except, frame(told, &id_of(call)));
    }
}

fn tell_both(hub: &Hub, call: &Call, except: Option<Uuid>, text: Result<Arc<str>, Problem>) {
    // A call's ids always have JSON.
    let Ok(text) = text else { return };
    for user in [call.caller, call.callee] {
        hub.publish(Signal { except, ..Signal::new(Topic::Calls(user), Arc::clone(&text)) });
    }
}

/// The call that is over when devices are told this.
fn over_by(text: &str) -> Option<CallId> {
    #[derive(Deserialize)]
    struct Told {
        event: CallTold,
        data: OfTold,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct OfTold {
        call_id: CallId,
    }
    let Told { event, data } = serde_json::from_str(text).ok()?;
    matches!(event, CallTold::Rejected | CallTold::Ended | CallTold::Missed).then_some(data.call_id)
}

impl Protocol for CallSocket {
    type Asked = CallAsked;
    type Told = CallTold;

    async fn receive(self: Rc<Self>, asked: CallAsked, event: ClientEvent) -> Result<Reply, Problem> {
        match asked {
            CallAsked::Initiate => self.initiate(event.data()?).await,
            CallAsked::Accept => self.accept(event.data()?).await,
            CallAsked::Reject => self.reject(event.data()?).await,
            CallAsked::End => self.end(event.data()?).await,
            CallAsked::Offer => self.describe(CallTold::Offer, &event).await,
            CallAsked::Answer => self.describe(CallTold::Answer, &event).await,
            CallAsked::IceCandidate => {
                let candidate: Candidate = event.data()?;
                self.relay(CallTold::IceCandidate, candidate.call_id, &candidate).await
            }
        }
    }

    async fn deliver(self: Rc<Self>, signal: Arc<Signal>) -> Result<Delivery, Closing> {
        if let (Topic::Calls(_), Some(call)) = (signal.topic, over_by(&signal.text)) {
            self.connected.services().calling.is_over(call);
        }
        Ok(Delivery::AsItIs)
    }

    async fn closed(self: Rc<Self>) {
        // Whoever is at the other end hears of it whatever becomes of the trace.
        let (caller, device) = (self.connected.socket.caller().clone(), self.device());
        let by = caller.clone();
        let over = match self.ask(move |calling| calling.gone(&by, device)).await {
            Ok(ended) => ended.heard(),
            Err(problem) => {
                tracing::warn!(causes = problem.causes(), "the calls of a device that is gone go on for a while");
                return self.connected.services().calling.owe_gone(caller, device);
            }
        };
        if over.calls.is_empty() {
            return;
        }
        self.tell_over(&over);
        let traced = self.connected.run(move |s| s.calling.trace_over(&over)).await;
        if let Err(problem) = traced {
            tracing::error!(causes = problem.causes(), "calls of a device that is gone left no trace");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_a_call_is_recognised() {
        let id = CallId(Uuid::from_u128(1));
        let told = |event| over_by(&format!(r#"{{"event":"{event}","data":{{"callId":"{id}"}}}}"#));
        for event in ["call:ended", "call:rejected", "call:missed"] {
            assert_eq!(told(event), Some(id), "{event}");
        }
        for event in ["call:incoming", "call:taken", "call:accepted", "chat:message"] {
            assert_eq!(told(event), None, "{event}");
        }
    }
}
