//! The letters that did not leave: listed in development, to this machine alone.
use std::{fs, io, path::Path, time::SystemTime};

use actix_web::{
    HttpRequest, HttpResponse,
    web::{self, Data, ServiceConfig},
};
use serde::Serialize;

use super::problem::{Code, Problem};
use crate::state::Edge;

/// The most letters that a list shows.
const MOST: usize = 100;

/// A letter as it would have left.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LetterBody {
    file_name: String,
    /// The whole message (RFC 5322).
    message: String,
}

#[derive(Serialize)]
struct LetterList {
    items: Vec<LetterBody>,
}

/// Adds `GET /dev/mail`. It is no operation of the API and stands in no document.
pub fn mount(config: &mut ServiceConfig) {
    config.service(web::resource("/dev/mail").route(web::get().to(list)));
}

async fn list(request: HttpRequest, edge: Data<Edge>) -> Result<HttpResponse, Problem> {
    let local = request.peer_addr().is_some_and(|peer| peer.ip().is_loopback());
    let folder = edge.letter_folder.as_deref().filter(|_| local).ok_or_else(|| Problem::new(Code::NotFound))?;
    let items = newest(folder).map_err(Problem::internal)?;
    Ok(HttpResponse::Ok().json(LetterList { items }))
}

/// The letters of the folder, newest first.
fn newest(folder: &Path) -> io::Result<Vec<LetterBody>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut letters = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.path().extension().is_some_and(|ending| ending == "eml") {
            letters.push((entry.metadata()?.modified().unwrap_or(SystemTime::UNIX_EPOCH), entry.path()));
        }
    }
    letters.sort_by(|one, other| other.cmp(one));
    letters
        .into_iter()
        .take(MOST)
        .map(|(_, path)| {
            let file_name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Ok(LetterBody { file_name, message: fs::read_to_string(path)? })
        })
        .collect()
}
