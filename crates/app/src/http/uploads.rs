//! Sending a file: the parts of the form, in any order, and the object that the bytes go to meanwhile.
use std::{mem, time::Duration};

use actix_multipart::Field;
use actix_web::rt;
use huntzen_tenancy::{
    Caller, StoreError,
    files::{self, FileName, FileType, MediaType, ObjectName, ObjectWriter, Received, StoredFile, Upload},
    idempotency::{Answer, Answered, RequestDigest},
    words::Words,
};
use serde::Deserialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use super::{
    Code, FieldProblem, Problem, Signed,
    extract::Form,
    files::FileBody,
    idempotency::{Asked, Going, Keyed, Reply, Start, answer},
    openapi::{optional_words_schema, words_schema},
};
use crate::{
    files::{Body, Care, Facts, Intake},
    services::Services,
    state::App,
};

mod content;

use content::{Coming, Content};

/// A client that takes longer to send a file is not served: 10 MiB at 300 kbit/s take five minutes.
const UPLOAD_TIME: Duration = Duration::from_mins(5);

/// What a form says beside the file; in any order.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "it stands for the form in the document")]
pub(super) struct UploadForm {
    /// JPEG, PNG or PDF, of at most 10 MiB; the part's `Content-Type` must say which.
    #[schema(value_type = String, format = Binary, max_length = 10_485_760)]
    file: Vec<u8>,
    /// `AVATAR` takes pictures alone and replaces the one before; `CERTIFICATE` is a practitioner's,
    /// `ATTACHMENT` a participant's, about a consultation.
    #[schema(schema_with = words_schema::<FileType>)]
    file_type: FileType,
    /// What kind of thing it is about.
    #[schema(schema_with = optional_words_schema::<huntzen_tenancy::files::RelatedResource>)]
    related_resource: Option<huntzen_tenancy::files::RelatedResource>,
    /// Which one.
    related_id: Option<uuid::Uuid>,
}

/// Sends a file.
#[utoipa::path(post, path = "/files/upload", tag = "files",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = FileBody),
        (status = 404, description = "No such consultation, or not the caller's account")))]
pub(super) async fn upload_file(
    app: App,
    signed: Signed,
    Keyed(asked): Keyed,
    mut form: Form,
) -> Result<Reply, Problem> {
    let caller = signed.caller;
    let outcome = match asked {
        None => take_in(&app, caller, &mut form, &mut Repeat::default()).await.map(Answered::first).map(Reply),
        Some(asked) => take_in_once(&app, caller, &mut form, asked).await,
    };
    if outcome.is_err() {
        form.let_pass().await;
    }
    outcome
}

/// What a client that may send the form again is answered with later.
#[derive(Default)]
struct Repeat<'a> {
    /// Its request while it goes on.
    going: Option<&'a Going>,
    /// What it asks for, once the form is there.
    asked: Option<RequestDigest>,
}

/// Takes a file in once. One that came before is not written again, only compared.
async fn take_in_once(app: &App, caller: Caller, form: &mut Form, asked: Asked) -> Result<Reply, Problem> {
    match Going::begin(app, &caller, asked.clone()).await? {
        Start::Kept(kept) => {
            let content = timeout(UPLOAD_TIME, Content::of(form)).await;
            let content = content.unwrap_or_else(|_| Err(Problem::new(Code::RequestTimeout)))?;
            Ok(Reply(Answered::again(kept.to(&asked.digest(&content.into_bytes()))?)))
        }
        Start::Going(going) => {
            let mut repeat = Repeat { going: Some(&going), asked: None };
            match take_in(app, caller, form, &mut repeat).await {
                Ok(answer) => Ok(going.done(answer)),
                Err(problem) => {
                    let asked = repeat.asked;
                    Err(going.refuse(asked, problem).await)
                }
            }
        }
    }
}

async fn take_in(app: &App, caller: Caller, form: &mut Form, repeat: &mut Repeat<'_>) -> Result<Answer, Problem> {
    let user = caller.actor.user;
    let mut uploads = Uploads { app: app.clone(), caller, going_on: Vec::new() };
    let done = match timeout(UPLOAD_TIME, receive(&mut uploads, form, repeat)).await {
        Ok(done) => done,
        Err(_) => Err(Problem::new(Code::RequestTimeout)),
    };
    if done.as_ref().is_err_and(|problem| problem.code().status().is_server_error()) {
        // Whoever has waited in vain does not wait for what is given up as well.
        drop(uploads);
    } else {
        uploads.give_up().await;
    }
    let (kind, answer) = done?;
    if kind == FileType::Avatar {
        // The account shows where its picture is.
        app.sessions().forget_user(user);
    }
    Ok(answer)
}

fn sent(file: StoredFile) -> Result<Answer, StoreError> {
    answer(Some(file.id.url()), &FileBody::from(file))
}

/// What the form has said so far.
#[derive(Default)]
struct Said {
    asked: files::Asked,
    arrived: Option<Arrived>,
    seen: Vec<&'static str>,
    errors: Vec<FieldProblem>,
}

/// A file whose bytes are in the storage.
struct Arrived {
    upload: Upload,
    /// What it was taken in as; unknown when its bytes came first.
    kind: Option<FileType>,
    name: String,
    media: MediaType,
    facts: Facts,
}

async fn receive(
    uploads: &mut Uploads,
    form: &mut Form,
    repeat: &mut Repeat<'_>,
) -> Result<(FileType, Answer), Problem> {
    let mut said = Said::default();
    let mut content = repeat.going.is_some().then(Content::default);
    while let Some(mut part) = form.next().await? {
        let name =
            ["file", "fileType", "relatedResource", "relatedId"].into_iter().find(|known| part.name() == Some(*known));
        let Some(name) = name else { return Err(Form::unknown(&part)) };
        if said.seen.contains(&name) {
            return Err(Problem::invalid_field(name, "duplicate_field"));
        }
        said.seen.push(name);
        let mut coming = content.is_some().then(|| Coming::new(&part));
        if name == "file" {
            let follow = repeat.going.zip(coming.as_mut());
            said.arrived = Some(uploads.arrive(form, &mut part, said.asked.kind, follow).await?);
        } else {
            let text = form.text_of(&mut part, name).await?;
            if let (Some(coming), Ok(text)) = (&mut coming, &text) {
                coming.push(text.as_bytes());
            }
            said.take(name, text);
        }
        if let (Some(content), Some(coming)) = (&mut content, coming) {
            content.add(coming);
        }
    }
    repeat.asked = repeat.going.zip(content).map(|(going, content)| going.digest(&content.into_bytes()));
    let (kind, related, arrived) = said.accept()?;
    let Arrived { upload, name, media, facts, .. } = uploads.cleaned(arrived, kind).await?;
    let received =
        Received { kind, related, name: FileName::of(&name, media), media, size: facts.size, sha256: facts.sha256 };
    let (caller, ids) = (uploads.caller.clone(), (upload.id, upload.object));
    let answer = match repeat.going.zip(repeat.asked) {
        None => sent(uploads.app.run(move |s| s.files.finish(&caller, ids, &received)).await?)?,
        Some((going, asked)) => {
            let held = going.held()?;
            let finish = move |s: &Services| s.files.finish_once(&caller, ids, &received, (&held, &asked), sent);
            uploads.app.run(finish).await?
        }
    };
    uploads.going_on.retain(|(object, _)| *object != upload.object);
    Ok((kind, answer))
}

impl Said {
    fn take(&mut self, name: &'static str, text: Result<String, FieldProblem>) {
        let text = match text {
            Ok(text) => text,
            Err(problem) => return self.errors.push(problem),
        };
        let is_known = match name {
            "fileType" => {
                self.asked.kind = FileType::parse(&text);
                self.asked.kind.is_some()
            }
            // An empty field of a form says nothing.
            _ if text.is_empty() => true,
            "relatedResource" => {
                self.asked.resource = Words::parse(&text);
                self.asked.resource.is_some()
            }
            _ => {
                self.asked.id = text.parse().ok();
                self.asked.id.is_some()
            }
        };
        if !is_known {
            let code = if name == "relatedId" { "invalid" } else { "unknown_value" };
            self.errors.push(FieldProblem::new(name, code));
        }
    }

    fn accept(self) -> Result<(FileType, Option<huntzen_tenancy::files::Related>, Arrived), Problem> {
        if !self.errors.is_empty() {
            return Err(Problem::invalid(self.errors));
        }
        let (kind, related) = self.asked.accept()?;
        let arrived = self.arrived.ok_or_else(|| Problem::invalid_field("file", "required"))?;
        Ok((kind, related, arrived))
    }
}

/// The uploads of one request: what has become no file at its end is given up, also when the client
/// goes away in the middle.
struct Uploads {
    app: App,
    caller: Caller,
    going_on: Vec<(ObjectName, Option<Box<dyn ObjectWriter>>)>,
}

impl Uploads {
    /// Makes ready for the bytes of a file.
    async fn begin(&mut self, kind: Option<FileType>) -> Result<Upload, Problem> {
        let caller = self.caller.clone();
        let upload = self.app.run(move |s| s.files.begin(&caller, kind)).await?;
        self.going_on.push((upload.object, None));
        let writer = self.app.storage().write(upload.object).await?;
        self.keep(upload.object, writer);
        Ok(upload)
    }

    fn keep(&mut self, object: ObjectName, writer: Box<dyn ObjectWriter>) {
        if let Some((_, kept)) = self.going_on.iter_mut().find(|(held, _)| *held == object) {
            *kept = Some(writer);
        }
    }

    fn writer(&mut self, object: ObjectName) -> Result<&mut Box<dyn ObjectWriter>, Problem> {
        let held = self.going_on.iter_mut().find(|(held, _)| *held == object);
        held.and_then(|(_, writer)| writer.as_mut()).ok_or_else(|| Problem::internal("an upload was ended before"))
    }

    /// Makes the object of an upload that has arrived.
    async fn make(&mut self, object: ObjectName) -> Result<(), Problem> {
        let held = self.going_on.iter_mut().find(|(held, _)| *held == object);
        let writer = held.and_then(|(_, writer)| writer.take());
        let writer = writer.ok_or_else(|| Problem::internal("an upload was ended before"))?;
        Ok(writer.finish().await?)
    }

    /// Takes the file of a form in.
    async fn arrive(
        &mut self,
        form: &Form,
        part: &mut Field,
        kind: Option<FileType>,
        mut follow: Option<(&Going, &mut Coming)>,
    ) -> Result<Arrived, Problem> {
        let unsupported = || Problem::new(Code::UnsupportedFile);
        let declared = part.content_type().and_then(|media| MediaType::parse(media.essence_str()));
        let media = declared.filter(|media| kind.is_none_or(|kind| kind.takes(*media))).ok_or_else(unsupported)?;
        let name = part.content_disposition().and_then(|said| said.get_filename()).unwrap_or_default().to_owned();
        let most = self.app.max_file_bytes();
        let upload = self.begin(kind).await?;
        let mut intake = Intake::new(media, care(kind), upload.seal()?);
        let mut came = 0;
        while let Some(bytes) = form.bytes_of(part).await? {
            came += bytes.len();
            if came > most {
                return Err(Problem::new(Code::PayloadTooLarge));
            }
            if let Some((going, coming)) = &mut follow {
                coming.push(&bytes);
                going.go_on().await?;
            }
            intake.push(&bytes, self.writer(upload.object)?.as_mut()).await?;
        }
        let facts = intake.finish(self.writer(upload.object)?.as_mut()).await?;
        self.make(upload.object).await?;
        Ok(Arrived { upload, kind, name, media, facts })
    }

    /// The same, unless it came before it was known to be a picture of somebody: then it is read again,
    /// cleaned, and written as pictures are.
    async fn cleaned(&mut self, arrived: Arrived, kind: FileType) -> Result<Arrived, Problem> {
        if !kind.takes(arrived.media) {
            return Err(Problem::new(Code::UnsupportedFile));
        }
        if arrived.kind.is_some() || kind != FileType::Avatar {
            return Ok(arrived);
        }
        let Arrived { upload: raw, name, media, facts, .. } = arrived;
        let reader = self.app.storage().read(raw.object).await?;
        let reader = reader.ok_or_else(|| Problem::internal("the bytes of an upload are not in the storage"))?;
        let mut body = Body::new(reader, raw.open(), (facts.size, facts.sha256));
        let upload = self.begin(Some(kind)).await?;
        let mut intake = Intake::new(media, care(Some(kind)), upload.seal()?);
        while let Some(bytes) = body.next().await? {
            intake.push(&bytes, self.writer(upload.object)?.as_mut()).await?;
        }
        let facts = intake.finish(self.writer(upload.object)?.as_mut()).await?;
        self.make(upload.object).await?;
        Ok(Arrived { upload, kind: Some(kind), name, media, facts })
    }

    /// Gives up what has become no file.
    async fn give_up(&mut self) {
        give_up(self.app.clone(), self.caller.clone(), mem::take(&mut self.going_on)).await;
    }
}

impl Drop for Uploads {
    fn drop(&mut self) {
        let going_on = mem::take(&mut self.going_on);
        if !going_on.is_empty() {
            drop(rt::spawn(give_up(self.app.clone(), self.caller.clone(), going_on)));
        }
    }
}

/// What fails here is found again by the job that gives up stale uploads.
async fn give_up(app: App, caller: Caller, going_on: Vec<(ObjectName, Option<Box<dyn ObjectWriter>>)>) {
    for (object, writer) in going_on {
        if let Some(writer) = writer
            && let Err(error) = writer.abandon().await
        {
            tracing::warn!(error = &error as &dyn std::error::Error, "an upload could not be taken back");
        }
        let caller = caller.clone();
        let given_up = app.run_beside(move |s| s.files.abandon(&caller, object)).await;
        if let Err(problem) = given_up {
            tracing::warn!(causes = problem.causes(), "an upload could not be given up");
        }
    }
}

/// Pictures of people are cleaned.
fn care(kind: Option<FileType>) -> Care {
    if kind == Some(FileType::Avatar) { Care::Clean } else { Care::Keep }
}
