//! Calls in Redis, so that two people on different nodes can call each other: each step is one script, which
//! nothing comes between, and one round trip.
use std::{fmt, sync::Arc};

use huntzen_clinical::{
    call::{Call, Calls},
    ids::{CallId, ConsultationId},
};
use huntzen_tenancy::{
    StoreError,
    ids::{CompanyId, UserId},
};
use jiff::Timestamp;
use redis::{FromRedisValue, Script};
use uuid::Uuid;

use crate::{
    bytes::Bytes,
    link::{Link, NODE_LIFETIME},
};

/// How long a call is remembered at most, in milliseconds: no consultation lasts half as long. What a node leaves
/// behind that was killed makes room for the next call of its consultation before.
const LIFETIME: u64 = 6 * 60 * 60 * 1_000;
/// How many calls are ended in one step.
const ENDED_AT_ONCE: u32 = 100;

/// Calls, who takes part in them sealed. While Redis is out of reach nobody can call; whoever is in a call talks on,
/// since what they say does not pass here.
#[derive(Clone)]
pub struct RedisCalls {
    link: Arc<Link>,
    scripts: Arc<Scripts>,
}

struct Scripts {
    begin: Script,
    find: Script,
    answer: Script,
    take_back: Script,
    end: Script,
    end_unanswered: Script,
    end_of_device: Script,
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
            end_unanswered: script(include_str!("scripts/end_unanswered_calls.lua")),
            end_of_device: script(include_str!("scripts/end_calls_of_device.lua")),
        };
        Self { link, scripts: Arc::new(scripts) }
    }

    fn invoke<T: FromRedisValue>(&self, script: &Script, arguments: &[&[u8]]) -> Result<T, StoreError> {
        let mut invocation = script.prepare_invoke();
        invocation.arg(self.link.prefix()).arg(LIFETIME);
        for argument in arguments {
            invocation.arg(*argument);
        }
        Ok(self.link.run(|connection| invocation.invoke(connection))?)
    }

    /// This node, and for how long it is there without another sign.
    fn this_node(&self) -> [String; 2] {
        [self.link.node().to_string(), NODE_LIFETIME.to_string()]
    }

    fn one(&self, script: &Script, id: CallId, arguments: &[&[u8]]) -> Result<Option<Call>, StoreError> {
        let id = id.to_string();
        let arguments = [&[id.as_bytes()], arguments].concat();
        let told: Option<Told> = self.invoke(script, &arguments)?;
        told.map(|told| self.read(told)).transpose()
    }

    fn many(&self, script: &Script, arguments: &[&[u8]]) -> Result<Vec<Call>, StoreError> {
        let told: Vec<Told> = self.invoke(script, arguments)?;
        told.into_iter().map(|told| self.read(told)).collect()
    }

    fn read(&self, (id, sealed, device): Told) -> Result<Call, StoreError> {
        let defect = || StoreError::Defect("a call in redis was not written by this installation".into());
        let id: Uuid = id.parse().or(Err(defect()))?;
        let plain = self.link.seal().open(&place(id), &sealed).ok_or_else(defect)?;
        let call = read(id, &plain).ok_or_else(defect)?;
        let callee_device = if device.is_empty() { None } else { Some(device.parse().or(Err(defect()))?) };
        Ok(Call { callee_device, ..call })
    }
}

impl Calls for RedisCalls {
    fn is_at_hand(&self) -> bool {
        false
    }

    fn begin(&self, call: &Call) -> Result<bool, StoreError> {
        let sealed = self.link.seal().seal(&place(call.id.0), &written(call))?;
        let [id, consultation, device] =
            [call.id.0, call.consultation.0, call.caller_device].map(|id| id.to_string().into_bytes());
        let began = call.began_at.as_microsecond().to_string();
        let [node, lifetime] = self.this_node();
        let what = [id.as_slice(), &consultation, &device, began.as_bytes(), &sealed];
        self.invoke(&self.scripts.begin, &[what.as_slice(), &[node.as_bytes(), lifetime.as_bytes()]].concat())
    }

    fn find(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        self.one(&self.scripts.find, id, &[])
    }

    fn answer(&self, id: CallId, device: Uuid) -> Result<Option<Call>, StoreError> {
        let (device, [node, lifetime]) = (device.to_string(), self.this_node());
        self.one(&self.scripts.answer, id, &[device.as_bytes(), node.as_bytes(), lifetime.as_bytes()])
    }

    fn take_back(&self, id: CallId, device: Uuid) -> Result<bool, StoreError> {
        self.invoke(&self.scripts.take_back, &[id.to_string().as_bytes(), device.to_string().as_bytes()])
    }

    fn end_ringing(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        self.one(&self.scripts.end, id, &[b"1"])
    }

    fn end(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        self.one(&self.scripts.end, id, &[b"0"])
    }

    fn end_unanswered(&self, since_before: Timestamp) -> Result<Vec<Call>, StoreError> {
        let (since, most) = (since_before.as_microsecond().to_string(), ENDED_AT_ONCE.to_string());
        self.many(&self.scripts.end_unanswered, &[since.as_bytes(), most.as_bytes()])
    }

    fn end_of_device(&self, device: Uuid) -> Result<Vec<Call>, StoreError> {
        self.many(&self.scripts.end_of_device, &[device.to_string().as_bytes()])
    }
}

impl fmt::Debug for RedisCalls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisCalls").field("link", &self.link).finish_non_exhaustive()
    }
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
