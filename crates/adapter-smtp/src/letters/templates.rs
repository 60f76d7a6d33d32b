//! The texts of the letters: files of their own, compiled in, one for each language and part.
use handlebars::{Handlebars, TemplateError};
use huntzen_tenancy::{outbox::Letter, words::Words};

/// The three texts of a letter.
struct Texts {
    subject: &'static str,
    plain: &'static str,
    html: &'static str,
}

/// The texts of every letter in one language. A letter without its files does not compile.
macro_rules! texts {
    ($language:literal, $letter:expr, { $($name:ident: $file:literal),+ $(,)? }) => {
        match $letter {
            $(Letter::$name => Texts {
                subject: include_str!(concat!("../../templates/", $language, "/", $file, ".subject.hbs")),
                plain: include_str!(concat!("../../templates/", $language, "/", $file, ".txt.hbs")),
                html: include_str!(concat!("../../templates/", $language, "/", $file, ".html.hbs")),
            }),+
        }
    };
}

/// The same letters, by the same file names, in a language.
macro_rules! language {
    ($language:literal, $letter:expr) => {
        texts!($language, $letter, {
            VerifyEmail: "verify_email",
            Invitation: "invitation",
            PractitionerInvitation: "practitioner_invitation",
            PasswordReset: "password_reset",
            PasswordChanged: "password_changed",
            ConfirmEmail: "confirm_email",
            EmailChanged: "email_changed",
            EmailTaken: "email_taken",
            NewSignIn: "new_sign_in",
            CompanyValidated: "company_validated",
            ConsultationScheduled: "consultation_scheduled",
            ConsultationConfirmed: "consultation_confirmed",
            ConsultationCancelled: "consultation_cancelled",
            ConsultationRescheduled: "consultation_rescheduled",
            ConsultationReminder: "consultation_reminder",
            ConsultationFollowUp: "consultation_follow_up",
            MessageUnread: "message_unread",
            DeletionRequested: "deletion_requested",
            DeletionDone: "deletion_done",
            ReportingChanged: "reporting_changed",
        })
    };
}

/// A language that letters are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// French, also for whoever chose no language that is known.
    French,
    /// English.
    English,
}

impl Language {
    /// The language of a preference such as `fr` or `en`.
    pub fn preferred(tag: &str) -> Self {
        let primary = tag.split('-').next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("en") { Self::English } else { Self::French }
    }

    fn texts(self, letter: Letter) -> Texts {
        match self {
            Self::French => language!("fr", letter),
            Self::English => language!("en", letter),
        }
    }

    /// What surrounds every letter: as plain text, as HTML.
    fn layouts(self) -> (&'static str, &'static str) {
        match self {
            Self::French => {
                (include_str!("../../templates/fr/layout.txt.hbs"), include_str!("../../templates/fr/layout.html.hbs"))
            }
            Self::English => {
                (include_str!("../../templates/en/layout.txt.hbs"), include_str!("../../templates/en/layout.html.hbs"))
            }
        }
    }
}

/// The letters of one language, ready to be filled in.
pub struct Edition {
    /// Subjects and plain texts: nothing is escaped.
    plain: Handlebars<'static>,
    /// HTML: every value is escaped.
    html: Handlebars<'static>,
}

const LAYOUT: &str = "layout";

fn subject_name(letter: Letter) -> String {
    format!("{letter}.subject")
}

impl Edition {
    /// Reads the templates of `language`.
    pub fn read(language: Language) -> Result<Self, TemplateError> {
        let mut plain = Handlebars::new();
        plain.set_strict_mode(true);
        plain.register_escape_fn(handlebars::no_escape);
        let mut html = Handlebars::new();
        html.set_strict_mode(true);
        let (plain_layout, html_layout) = language.layouts();
        plain.register_partial(LAYOUT, plain_layout)?;
        html.register_partial(LAYOUT, html_layout)?;
        for letter in Letter::ALL {
            let texts = language.texts(*letter);
            plain.register_template_string(&subject_name(*letter), texts.subject)?;
            plain.register_template_string(letter.as_str(), texts.plain)?;
            html.register_template_string(letter.as_str(), texts.html)?;
        }
        Ok(Self { plain, html })
    }

    /// Fills in `letter`: subject, plain text, HTML.
    pub fn fill(
        &self,
        letter: Letter,
        values: &serde_json::Value,
    ) -> Result<(String, String, String), handlebars::RenderError> {
        Ok((
            self.plain.render(&subject_name(letter), values)?.trim().to_owned(),
            self.plain.render(letter.as_str(), values)?,
            self.html.render(letter.as_str(), values)?,
        ))
    }
}
