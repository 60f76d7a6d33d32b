//! Conversations over HTTP, for clients without a socket: the same writer, the same rooms.
use std::sync::Arc;

use actix_web::{Responder, http::Method};
use huntzen_clinical::{
    conversation::{CONTENT, MOST, MessageRange, NewMessage, SaidOnce, Written},
    ids::{ConsultationId, MessageId},
};
use huntzen_tenancy::{
    StoreError,
    idempotency::{Admission, Answer, Answered, Repeatable},
    policy::Permission,
    sealing::SecretText,
};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use utoipa::{IntoParams, OpenApi, PartialSchema, ToSchema};
use validator::Validate;

use super::{
    Json, OnceJson, Operations, Path, Problem, Query, Signed,
    idempotency::{Reply, answer, patiently, refused},
};
use crate::{
    chat::bodies::{MessageBody, MessageCursor, read_updated},
    state::App,
};

/// Which part of a conversation is asked for.
#[derive(Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct ConversationQuery {
    /// The next messages after this place; the last ones without it.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_u64)]
    after_seq: Option<u64>,
    /// Where an earlier answer said to go on; not together with `afterSeq`.
    #[param(inline)]
    cursor: Option<MessageCursor>,
    #[serde(default)]
    #[param(inline)]
    limit: MessageLimit,
}

/// `limit`: from 1 to 100, 100 by default.
#[derive(Clone, Copy, Debug)]
struct MessageLimit(u32);

impl Default for MessageLimit {
    fn default() -> Self {
        Self(MOST)
    }
}

impl<'de> Deserialize<'de> for MessageLimit {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u32::deserialize(from)? {
            number if (1..=MOST).contains(&number) => Ok(Self(number)),
            _ => Err(D::Error::custom("out_of_range")),
        }
    }
}

impl PartialSchema for MessageLimit {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
        ObjectBuilder::new()
            .schema_type(SchemaType::Type(Type::Integer))
            .minimum(Some(1_u32))
            .maximum(Some(MOST))
            .default(Some(MOST.into()))
            .into()
    }
}

impl ToSchema for MessageLimit {}

/// A part of a conversation, by place, ascending.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ConversationBody {
    #[schema(max_items = 100)]
    items: Vec<MessageBody>,
    /// What to send as `cursor` to go on: to older messages, or after `afterSeq` to newer ones; null
    /// at the end.
    #[schema(max_length = 12)]
    next_cursor: Option<String>,
}

/// What one says.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SayBody {
    /// At most 8 KiB in UTF-8.
    #[schema(min_length = 1, max_length = 8192)]
    content: String,
}

/// Reads a conversation: its last messages, older ones by `cursor`, or the next after `afterSeq`.
#[utoipa::path(get, path = "/chat/{id}/messages", tag = "chat", params(("id" = Uuid, Path), ConversationQuery),
    responses((status = 200, body = ConversationBody)))]
async fn read_conversation(
    app: App,
    signed: Signed,
    Path(id): Path<ConsultationId>,
    Query(query): Query<ConversationQuery>,
) -> Result<impl Responder, Problem> {
    let range = match (query.after_seq, query.cursor) {
        (None, None) => MessageRange::Last,
        (Some(after), None) => MessageRange::After(after),
        (None, Some(MessageCursor(range))) => range,
        (Some(_), Some(_)) => return Err(Problem::invalid_field("cursor", "not_together")),
    };
    let history = app.run(move |s| s.conversations.history(&signed.caller, id, range, query.limit.0)).await?;
    Ok(Json(ConversationBody {
        items: history.messages.into_iter().map(MessageBody::from).collect(),
        next_cursor: history.next.and_then(|next| MessageCursor(next).encode()),
    }))
}

/// Says something in a conversation.
#[utoipa::path(post, path = "/chat/{id}/messages", tag = "chat", params(("id" = Uuid, Path)),
    request_body = SayBody, responses((status = 201, body = MessageBody)))]
async fn say(
    app: App,
    signed: Signed,
    Path(consultation): Path<ConsultationId>,
    OnceJson { body, asked }: OnceJson<SayBody>,
) -> Result<Reply, Problem> {
    let content = SecretText::new(body.content);
    let message = NewMessage { caller: signed.caller, consultation, client_id: None, content, once: None };
    let Some((key, asked)) = asked else {
        let written = written(&app, message.clone()).await?;
        return Ok(Reply(Answered::first(said(&message, &written)?)));
    };
    let caller = message.caller.clone();
    let request = Repeatable { name: key.name(&caller), asked };
    match patiently(app.context(), || say_once(&app, &message, request)).await {
        Ok(answered) => Ok(Reply(answered)),
        Err(problem) => refused(&app, caller, request, problem).await,
    }
}

/// Says it unless it was said before. The writer keeps the answer with the message.
async fn say_once(app: &App, message: &NewMessage, request: Repeatable) -> Result<Answered, Problem> {
    let caller = message.caller.clone();
    let passage = match app.run(move |s| s.repeating.admit(&caller, &request)).await? {
        Admission::Kept(answer) => return Ok(Answered::again(answer)),
        Admission::Admitted(passage) => Arc::new(passage),
    };
    let once = Some(SaidOnce { passage, present: said });
    let written = written(app, NewMessage { once, ..message.clone() }).await?;
    Ok(Answered::first(said(message, &written)?))
}

/// Has the writer keep it, within the time that the request has left.
async fn written(app: &App, message: NewMessage) -> Result<Written, Problem> {
    let patience = &app.context().0.patience;
    patience.wait_for(app.messages().write_within(patience.left(), message)).await
}

fn said(message: &NewMessage, written: &Written) -> Result<Answer, StoreError> {
    let location = format!("/chat/{}/messages?afterSeq={}&limit=1", message.consultation, written.seq - 1);
    answer(Some(location), &MessageBody::written(message, written))
}

/// Marks what the other wrote, up to this message, as read.
#[utoipa::path(put, path = "/chat/messages/{id}/read", tag = "chat", params(("id" = Uuid, Path)),
    responses((status = 200, body = MessageBody)))]
async fn read_message(app: App, signed: Signed, Path(id): Path<MessageId>) -> Result<impl Responder, Problem> {
    let (message, mark) = app.run(move |s| s.conversations.read_message(&signed.caller, id, None)).await?;
    if let Some(told) = read_updated(&mark)? {
        app.hub().publish(told);
    }
    Ok(Json(MessageBody::from(message)))
}

const _: () = assert!(CONTENT == 8192, "the document says so");

#[derive(OpenApi)]
#[openapi(paths(read_conversation, say, read_message))]
struct Document;

/// Adds the operations on conversations.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::GET, "/chat/{id}/messages", Permission::ChatOwnRead, read_conversation);
    drop(ops.route(Method::POST, "/chat/{id}/messages", Permission::ChatOwnWrite, say).repeatable());
    ops.route(Method::PUT, "/chat/messages/{id}/read", Permission::ChatOwnWrite, read_message).or_post();
}
