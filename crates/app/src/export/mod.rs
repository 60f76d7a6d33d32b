//! A person's own data as a document that is made while it leaves: one page in memory, no connection
//! held between two of them.
use huntzen_tenancy::{Caller, own_data::OwnAccount};
use serde_json::Value;

use crate::{
    http::{Problem, language::Language},
    services::Services,
};

mod archive;
mod head;
mod labels;
mod pages;
mod sections;
mod writing;

use archive::Archive;
use pages::Place;
pub use sections::Section;
use writing::{Document, Written};

/// In which form it is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The JSON alone.
    Json,
    /// A zip archive: the JSON, the same to be read, and the checksums of both.
    Archive,
}

/// Where it is.
enum Stage {
    /// Before a document.
    Before(Document),
    /// In a section of a document.
    Within(Spot),
    /// After the last document.
    After,
    /// At the end.
    Done,
}

/// A place in a section of a document.
struct Spot {
    document: Document,
    section: usize,
    place: Place,
    /// Whether the section has no record yet.
    is_empty: bool,
}

/// The export of one person. Each step reads one page in a unit of work of its own, and hands over the
/// bytes that came of it.
pub struct Export {
    caller: Caller,
    sections: Vec<Section>,
    head: Value,
    written: Written,
    stage: Stage,
    out: Out,
}

enum Out {
    Plain(Vec<u8>),
    Archive(Box<Archive>),
}

impl Export {
    /// Of the caller, whose account was opened.
    pub fn new(caller: Caller, account: &OwnAccount, language: Language, form: Form) -> Self {
        let out = match form {
            Form::Json => Out::Plain(Vec::new()),
            Form::Archive => Out::Archive(Box::new(Archive::new(account.at))),
        };
        Self {
            caller,
            sections: Section::of(account.user.role),
            head: head::of(account),
            written: Written(language),
            stage: Stage::Before(Document::Json),
            out,
        }
    }

    /// Goes one page on; `None` at the end.
    ///
    /// # Errors
    /// Those of reading; `internal` when an archive cannot be written.
    pub fn step(&mut self, services: &Services) -> Result<Option<Vec<u8>>, Problem> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Done => return Ok(None),
            Stage::Before(document) => self.begin(document)?,
            Stage::Within(spot) => self.page(services, spot)?,
            Stage::After => {
                if let Out::Archive(archive) = &mut self.out {
                    archive.finish()?;
                }
                Stage::Done
            }
        };
        Ok(Some(match &mut self.out {
            Out::Plain(bytes) => std::mem::take(bytes),
            Out::Archive(archive) => archive.drain(),
        }))
    }

    fn begin(&mut self, document: Document) -> Result<Stage, Problem> {
        if let Out::Archive(archive) = &mut self.out {
            archive.begin(document.file_name())?;
        }
        let text = self.written.beginning(document, &self.head);
        self.write(&text)?;
        self.enter(document, 0)
    }

    /// Begins a section, or ends the document behind the last one.
    fn enter(&mut self, document: Document, section: usize) -> Result<Stage, Problem> {
        let Some(named) = self.sections.get(section).copied() else {
            self.write(document.end())?;
            return Ok(match (document, &self.out) {
                (Document::Json, Out::Archive(_)) => Stage::Before(Document::Html),
                (Document::Json, Out::Plain(_)) | (Document::Html, _) => Stage::After,
            });
        };
        let text = self.written.section(document, named);
        self.write(&text)?;
        Ok(Stage::Within(Spot { document, section, place: Place::Start, is_empty: true }))
    }

    fn page(&mut self, services: &Services, spot: Spot) -> Result<Stage, Problem> {
        let Spot { document, section, place, mut is_empty } = spot;
        let Some(named) = self.sections.get(section).copied() else { return Ok(Stage::After) };
        let page = pages::read(services, &self.caller, named, place)?;
        let mut text = String::new();
        for record in &page.records {
            self.written.record(document, record, is_empty, &mut text);
            is_empty = false;
        }
        if page.next.is_none() {
            text.push_str(self.written.section_end(document, is_empty));
        }
        self.write(&text)?;
        match page.next {
            Some(place) => Ok(Stage::Within(Spot { document, section, place, is_empty })),
            None => self.enter(document, section + 1),
        }
    }

    fn write(&mut self, text: &str) -> Result<(), Problem> {
        match &mut self.out {
            Out::Plain(bytes) => {
                bytes.extend_from_slice(text.as_bytes());
                Ok(())
            }
            Out::Archive(archive) => archive.write(text.as_bytes()),
        }
    }
}
