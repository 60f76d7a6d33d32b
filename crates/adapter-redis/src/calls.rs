//! Calls in Redis, so that two people on different nodes can call each other: each step is one script, which
//! nothing comes between, and one round trip.
//!
//! Redis may forget: it is started again without its data, or an answer is lost on its way. Each node keeps the calls
//! that its own devices have begun or answered; what Redis knows nothing of any more is over, and is told so from that.
use std::{collections::HashSet, fmt, sync::Arc};

use huntzen_clinical::{
    call::{Begun, Call, Calls, Swept},
    ids::{CallId, ConsultationId},
};
use huntzen_tenancy::{
    StoreError,
    ids::{CompanyId, UserId},
};
use jiff::{SignedDuration, Timestamp};
use redis::{FromRedisValue, Script};
use uuid::Uuid;

use crate::{
    bytes::Bytes,
    link::{Failure, Link, NODE_LIFETIME},
    own_calls::OwnCalls,
};

/// How long a call is remembered at most, in milliseconds: no consultation lasts half as long. What a node leaves
/// behind that was killed is over once the others see that it is gone.
const LIFETIME: u64 = 6 * 60 * 60 * 1_000;
/// How many calls are ended in one step.
const ENDED_AT_ONCE: u32 = 100;
/// How long a missed call is left to the node that was told of it until another is, in microseconds: longer than it
/// takes to record it.
const LEFT_TO_A_NODE: u32 = 10_000_000;

/// Calls, who takes part in them sealed. While Redis is out of reach nobody can call; whoever is in a call talks on,
/// since what they say does not pass here.
#[derive(Clone)]
pub struct RedisCalls {
    link: Arc<Link>,
    scripts: Arc<Scripts>,
    own: Arc<OwnCalls>,
}

struct Scripts {
    begin: Script,
    find: Script,
    answer: Script,
    take_back: Script,
    end: Script,
    end_of_device: Script,
    sweep: Script,
    recorded: Script,
}

/// A call as a script tells it: its id, what it is, and the device that has answered.
type Told = (String, Vec<u8>, String);

impl RedisCalls {
    /// Over `link`.
    pub fn new(link: Arc<Link>) -> Self {
        let script = |text: &str| Script::new(&[include_str!("scripts/calls.lua"), text].concat());
        let scripts = Scripts {
            begin: script(include_str!("scripts/begin_call.lua")),
            find: script(include_str!("scripts/find_call.lua")),
            answer: script(include_str!("scripts/answer_call.lua")),
            take_back: script(include_str!("scripts/take_back_call.lua")),
            end: script(include_str!("scripts/end_call.lua")),
            end_of_device: script(include_str!("scripts/end_calls_of_device.lua")),
            sweep: script(include_str!("scripts/sweep_calls.lua")),
            recorded: script(include_str!("scripts/record_missed_calls.lua")),
        };
        Self { link, scripts: Arc::new(scripts), own: Arc::default() }
    }

    fn invoke<T: FromRedisValue>(&self, script: &Script, arguments: &[&[u8]]) -> Result<T, Failure> {
        let mut invocation = script.prepare_invoke();
        invocation.arg(self.link.prefix()).arg(LIFETIME);
        for argument in arguments {
            invocation.arg(*argument);
        }
        self.link.run(|connection| invocation.invoke(connection))
    }

    /// This node, and for how long it is there without another sign.
    fn this_node(&self) -> [String; 2] {
        [self.link.node().to_string(), NODE_LIFETIME.to_string()]
    }

    /// The call that a script answers, or whether it is lost.
    fn one(&self, script: &Script, arguments: &[&[u8]]) -> Result<(Option<Call>, bool), StoreError> {
        let (told, is_lost): (Vec<Told>, bool) = self.invoke(script, arguments)?;
        Ok((self.read_all(told)?.pop(), is_lost))
    }

    /// Ends a call. One that Redis has lost ends here.
    fn end_one(&self, id: CallId, has_to_ring: bool) -> Result<Option<Call>, StoreError> {
        let has_to: &[u8] = if has_to_ring { b"1" } else { b"0" };
        let (ended, is_lost) = self.one(&self.scripts.end, &[id.to_string().as_bytes(), has_to])?;
        if let Some(ended) = ended {
            self.own.take(id, false);
            return Ok(Some(ended));
        }
        Ok(if is_lost { self.own.take(id, has_to_ring) } else { None })
    }

    fn read_all(&self, told: Vec<Told>) -> Result<Vec<Call>, StoreError> {
        told.into_iter().map(|told| self.read(told)).collect()
    }

    fn read(&self, (id, sealed, device): Told) -> Result<Call, StoreError> {
        let id = read_id(&id)?;
        let plain = self.link.seal().open(&place(id), &sealed).ok_or_else(foreign)?;
        let call = read(id, &plain).ok_or_else(foreign)?;
        let callee_device = if device.is_empty() { None } else { Some(read_id(&device)?) };
        Ok(Call { callee_device, ..call })
    }
}

impl Calls for RedisCalls {
    fn is_at_hand(&self) -> bool {
        false
    }

    fn is_in_reach(&self) -> bool {
        self.link.is_reachable()
    }

    fn begin(&self, call: &Call) -> Result<Begun, StoreError> {
        let sealed = self.link.seal().seal(&place(call.id.0), &written(call))?;
        let [id, consultation, device] =
            [call.id.0, call.consultation.0, call.caller_device].map(|id| id.to_string().into_bytes());
        let [node, lifetime] = self.this_node();
        // Before anybody can end it.
        self.own.begin(call);
        let arguments = [&id, &consultation, &device, &sealed, node.as_bytes(), lifetime.as_bytes()];
        let begun = self.invoke(&self.scripts.begin, &arguments);
        if let Ok((false, _)) | Err(Failure::NotDone(_)) = &begun {
            self.own.take(call.id, false);
        }
        let (rings, ended): (bool, Vec<Told>) = begun?;
        if !rings {
            return Ok(Begun::InProgress);
        }
        let instead_of = self.read_all(ended)?.pop();
        if let Some(left) = &instead_of {
            self.own.take(left.id, false);
        }
        Ok(Begun::Rings { instead_of })
    }

    fn find(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        let (found, is_lost) = self.one(&self.scripts.find, &[id.to_string().as_bytes()])?;
        Ok(found.or_else(|| if is_lost { self.own.find(id) } else { None }))
    }

    fn answer(&self, id: CallId, device: Uuid) -> Result<Option<Call>, StoreError> {
        let (id, device, [node, lifetime]) = (id.to_string(), device.to_string(), self.this_node());
        let arguments = [id.as_bytes(), device.as_bytes(), node.as_bytes(), lifetime.as_bytes()];
        let answered = self.read_all(self.invoke(&self.scripts.answer, &arguments)?)?.pop();
        if let Some(call) = &answered {
            self.own.answer(call);
        }
        Ok(answered)
    }

    fn take_back(&self, id: CallId, device: Uuid) -> Result<bool, StoreError> {
        let arguments = [id.to_string(), device.to_string()];
        let is_done = self.invoke(&self.scripts.take_back, &arguments.each_ref().map(String::as_bytes))?;
        self.own.take_back(id, device);
        Ok(is_done)
    }

    fn end_ringing(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        self.end_one(id, true)
    }

    fn end(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        self.end_one(id, false)
    }

    fn end_of_device(&self, device: Uuid) -> Result<Vec<Call>, StoreError> {
        let known = self.own.of(device);
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let arguments: Vec<String> =
            [device.to_string()].into_iter().chain(known.iter().map(ToString::to_string)).collect();
        let arguments: Vec<&[u8]> = arguments.iter().map(String::as_bytes).collect();
        let (ended, lost): (Vec<Told>, Vec<String>) = self.invoke(&self.scripts.end_of_device, &arguments)?;
        let mut ended = self.read_all(ended)?;
        for call in &ended {
            self.own.take(call.id, false);
        }
        for id in lost {
            ended.extend(self.own.take(CallId(read_id(&id)?), false));
        }
        Ok(ended)
    }

    fn sweep(&self, _: Timestamp, rings_for: SignedDuration) -> Result<Swept, StoreError> {
        let looked_for = self.own.to_look_for();
        let numbers = [rings_for.as_micros().to_string(), LEFT_TO_A_NODE.to_string(), ENDED_AT_ONCE.to_string()];
        let arguments: Vec<String> = numbers.into_iter().chain(looked_for.iter().map(ToString::to_string)).collect();
        let arguments: Vec<&[u8]> = arguments.iter().map(String::as_bytes).collect();
        let (missed, left, unknown): (Vec<Told>, Vec<Told>, Vec<String>) =
            self.invoke(&self.scripts.sweep, &arguments)?;
        let (missed, mut left_behind) = (self.read_all(missed)?, self.read_all(left)?);
        for call in missed.iter().chain(&left_behind) {
            self.own.take(call.id, false);
        }
        let unknown = unknown.iter().map(|id| Ok(CallId(read_id(id)?))).collect::<Result<HashSet<_>, StoreError>>()?;
        left_behind.extend(self.own.looked(&looked_for, &unknown));
        Ok(Swept { missed, left_behind })
    }

    fn recorded(&self, missed: &[CallId]) -> Result<(), StoreError> {
        let ids: Vec<String> = missed.iter().map(ToString::to_string).collect();
        let ids: Vec<&[u8]> = ids.iter().map(String::as_bytes).collect();
        Ok(self.invoke(&self.scripts.recorded, &ids)?)
    }

    fn is_over(&self, id: CallId) {
        self.own.take(id, false);
    }
}

impl fmt::Debug for RedisCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCalls").field("link", &self.link).finish_non_exhaustive()
    }
}

fn foreign() -> StoreError {
    StoreError::Defect("a call in redis was not written by this installation".into())
}

fn read_id(text: &str) -> Result<Uuid, StoreError> {
    text.parse().or(Err(foreign()))
}

/// What a call is bound to.
fn place(id: Uuid) -> Vec<u8> {
    [b"call 1 ".as_slice(), id.as_bytes()].concat()
}

fn written(call: &Call) -> Vec<u8> {
    let ids = [call.consultation.0, call.company.0, call.employee.0, call.caller.0, call.caller_device, call.callee.0];
    let mut plain = call.began_at.as_microsecond().to_be_bytes().to_vec();
    plain.extend(ids.iter().flat_map(Uuid::as_bytes));
    plain
}

fn read(id: Uuid, plain: &[u8]) -> Option<Call> {
    let mut rest = Bytes(plain);
    let began_at = Timestamp::from_microsecond(rest.array().map(i64::from_be_bytes)?).ok()?;
    let call = Call {
        id: CallId(id),
        consultation: ConsultationId(rest.id()?),
        company: CompanyId(rest.id()?),
        employee: UserId(rest.id()?),
        caller: UserId(rest.id()?),
        caller_device: rest.id()?,
        callee: UserId(rest.id()?),
        callee_device: None,
        began_at,
    };
    rest.0.is_empty().then_some(call)
}
