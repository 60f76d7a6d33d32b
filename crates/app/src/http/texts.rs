//! What people read when a request fails: French and English texts by code.
use actix_web::http::StatusCode;

use super::language::Language;

/// Declares the problem codes with their status and texts: the only such table.
macro_rules! codes {
    ($($(#[$about:meta])* $name:ident = $status:ident $word:literal
        fr: $title_fr:literal, $detail_fr:literal; en: $title_en:literal, $detail_en:literal;)+) => {
        /// Why a request failed, as a stable word that clients may rely on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$about])* $name),+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The stable word, in `snake_case`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            /// The status that it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status),+ }
            }

            /// Title and detail.
            pub const fn texts(self, language: Language) -> (&'static str, &'static str) {
                match (self, language) {
                    $((Self::$name, Language::French) => ($title_fr, $detail_fr),
                      (Self::$name, Language::English) => ($title_en, $detail_en)),+
                }
            }
        }
    };
}

codes! {
    /// The request cannot be understood.
    BadRequest = BAD_REQUEST "bad_request"
        fr: "Requête incorrecte", "La requête ne peut pas être comprise.";
        en: "Bad request", "The request cannot be understood.";
    /// The body is not JSON.
    MalformedJson = BAD_REQUEST "malformed_json"
        fr: "JSON incorrect", "Le corps de la requête n'est pas un document JSON valide.";
        en: "Malformed JSON", "The request body is not a valid JSON document.";
    /// The body is missing.
    BodyRequired = BAD_REQUEST "body_required"
        fr: "Corps manquant", "Cette requête demande un corps JSON.";
        en: "Missing body", "This request needs a JSON body.";
    /// The body is not the form that it says it is.
    MalformedForm = BAD_REQUEST "malformed_form"
        fr: "Formulaire incorrect", "Le corps de la requête n'est pas un formulaire valide.";
        en: "Malformed form", "The request body is not a valid form.";
    /// The route takes no body.
    UnexpectedBody = BAD_REQUEST "unexpected_body"
        fr: "Corps inattendu", "Cette requête ne prend pas de corps.";
        en: "Unexpected body", "This request takes no body.";
    /// Fields or parameters are refused, each named in `errors`.
    ValidationFailed = BAD_REQUEST "validation_failed"
        fr: "Données refusées", "Certaines valeurs ne peuvent pas être acceptées.";
        en: "Invalid values", "Some values cannot be accepted.";
    /// The e-mail's domain belongs to no active company.
    NoEligibleCompany = BAD_REQUEST "no_eligible_company"
        fr: "Aucune entreprise", "Le domaine de cette adresse n'appartient à aucune entreprise cliente active.";
        en: "No eligible company", "The domain of this address belongs to no active customer company.";
    /// No token came with the request.
    Unauthenticated = UNAUTHORIZED "unauthenticated"
        fr: "Connexion requise", "Connectez-vous pour continuer.";
        en: "Sign-in required", "Sign in to go on.";
    /// The token is not valid.
    InvalidToken = UNAUTHORIZED "invalid_token"
        fr: "Jeton refusé", "Le jeton d'accès est invalide ou expiré.";
        en: "Invalid token", "The access token is invalid or has expired.";
    /// The session was ended.
    SessionEnded = UNAUTHORIZED "session_ended"
        fr: "Session terminée", "Cette session est terminée. Connectez-vous de nouveau.";
        en: "Session ended", "This session has ended. Sign in again.";
    /// The refresh token is not valid.
    InvalidRefreshToken = UNAUTHORIZED "invalid_refresh_token"
        fr: "Session expirée", "Le jeton de renouvellement n'est pas valide. Connectez-vous de nouveau.";
        en: "Session expired", "The refresh token is not valid. Sign in again.";
    /// Wrong e-mail or password.
    InvalidCredentials = UNAUTHORIZED "invalid_credentials"
        fr: "Identifiants incorrects", "L'adresse ou le mot de passe est incorrect.";
        en: "Wrong credentials", "The e-mail or the password is wrong.";
    /// The account is blocked or erased.
    AccountInactive = UNAUTHORIZED "account_inactive"
        fr: "Compte inactif", "Ce compte n'est pas actif.";
        en: "Inactive account", "This account is not active.";
    /// The address was never confirmed.
    EmailNotVerified = UNAUTHORIZED "email_not_verified"
        fr: "Adresse à confirmer", "Confirmez d'abord votre adresse avec le lien reçu par courriel.";
        en: "E-mail not verified", "First confirm your address with the link that was mailed to you.";
    /// The HR account's company is suspended or not yet validated.
    CompanyInactive = UNAUTHORIZED "company_inactive"
        fr: "Entreprise inactive", "L'entreprise de ce compte n'est pas active.";
        en: "Inactive company", "The company of this account is not active.";
    /// The role lacks the permission.
    Forbidden = FORBIDDEN "forbidden"
        fr: "Accès refusé", "Votre rôle ne permet pas cette opération.";
        en: "Forbidden", "Your role does not allow this operation.";
    /// Absent, or not the caller's to see.
    NotFound = NOT_FOUND "not_found"
        fr: "Introuvable", "Rien n'a été trouvé à cette adresse.";
        en: "Not found", "Nothing was found at this address.";
    /// The path takes other methods.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed"
        fr: "Méthode refusée", "Cette adresse n'accepte pas cette méthode.";
        en: "Method not allowed", "This address does not take this method.";
    /// No representation that the client accepts exists.
    NotAcceptable = NOT_ACCEPTABLE "not_acceptable"
        fr: "Format non disponible", "Aucun format accepté par le client n'est disponible.";
        en: "Not acceptable", "No format that the client accepts is available.";
    /// The path speaks WebSocket alone.
    UpgradeRequired = UPGRADE_REQUIRED "upgrade_required"
        fr: "WebSocket attendu", "Cette adresse ne s'ouvre que par WebSocket (RFC 6455, version 13).";
        en: "WebSocket required", "This address opens by WebSocket alone (RFC 6455, version 13).";
    /// An event on a socket that cannot be understood.
    InvalidEvent = BAD_REQUEST "invalid_event"
        fr: "Événement refusé", "Cet événement ne peut pas être compris.";
        en: "Invalid event", "This event cannot be understood.";
    /// The request came too slowly.
    RequestTimeout = REQUEST_TIMEOUT "request_timeout"
        fr: "Délai dépassé", "La requête n'est pas arrivée à temps.";
        en: "Request timeout", "The request did not arrive in time.";
    /// A rule of uniqueness or of state refuses it.
    Conflict = CONFLICT "conflict"
        fr: "Conflit", "L'état actuel de la ressource ne permet pas cette opération.";
        en: "Conflict", "The present state of the resource does not allow this operation.";
    /// Another account has the e-mail.
    EmailTaken = CONFLICT "email_taken"
        fr: "Adresse déjà utilisée", "Un autre compte utilise cette adresse.";
        en: "E-mail taken", "Another account has this e-mail.";
    /// Another company has one of the domains.
    DomainTaken = CONFLICT "domain_taken"
        fr: "Domaine déjà utilisé", "Une autre entreprise utilise l'un de ces domaines.";
        en: "Domain taken", "Another company has one of these domains.";
    /// Another company has the SIRET.
    SiretTaken = CONFLICT "siret_taken"
        fr: "SIRET déjà utilisé", "Une autre entreprise porte ce numéro SIRET.";
        en: "SIRET taken", "Another company has this SIRET number.";
    /// The client asked for something else by this `Idempotency-Key`.
    IdempotencyKeyReused = CONFLICT "idempotency_key_reused"
        fr: "Clé déjà utilisée", "Cette clé d'idempotence a servi à une autre demande. Utilisez une nouvelle clé.";
        en: "Key used before", "This idempotency key was used for another request. Use a new key.";
    /// The same request is being done right now.
    RequestInProgress = CONFLICT "request_in_progress"
        fr: "Demande en cours", "La même demande est en cours de traitement. Réessayez avec la même clé.";
        en: "Request in progress", "The same request is being processed. Try again with the same key.";
    /// The password is right, and a code of the second factor is asked for.
    TwoFactorRequired = UNAUTHORIZED "two_factor_required"
        fr: "Code demandé", "Saisissez le code de votre application d'authentification.";
        en: "Code required", "Enter the code of your authenticator app.";
    /// The code is wrong, or was used before.
    InvalidCode = UNAUTHORIZED "invalid_code"
        fr: "Code incorrect", "Ce code n'est pas valable, ou a déjà servi.";
        en: "Invalid code", "This code is not valid, or was used before.";
    /// Whoever asks has to prove again to be there.
    StepUpRequired = UNAUTHORIZED "step_up_required"
        fr: "Confirmation demandée", "Confirmez que c'est bien vous, par votre mot de passe ou un code.";
        en: "Confirmation required", "Confirm that it is you, by your password or a code.";
    /// The account has a second factor already.
    TwoFactorEnabled = CONFLICT "two_factor_enabled"
        fr: "Double authentification active", "La double authentification est déjà active.";
        en: "Two-factor is on", "The second factor is on already.";
    /// The account has no second factor.
    TwoFactorOff = CONFLICT "two_factor_off"
        fr: "Double authentification inactive", "La double authentification n'est pas active.";
        en: "Two-factor is off", "The second factor is not on.";
    /// The account's erasure is asked for already.
    DeletionPending = CONFLICT "deletion_pending"
        fr: "Suppression déjà demandée", "La suppression de ce compte est déjà demandée.";
        en: "Deletion pending", "The deletion of this account has been requested already.";
    /// There is nothing to take back.
    NoPendingDeletion = CONFLICT "no_pending_deletion"
        fr: "Aucune suppression en attente", "Aucune demande de suppression ne peut être annulée.";
        en: "No deletion pending", "There is no deletion request that could be cancelled.";
    /// Nobody else operates the platform.
    LastOperator = CONFLICT "last_operator"
        fr: "Dernier opérateur", "Ce compte est le dernier qui puisse administrer la plateforme.";
        en: "Last operator", "This account is the last one that can operate the platform.";
    /// Figures are published by the month.
    WholeMonthsOnly = BAD_REQUEST "whole_months_only"
        fr: "Mois entiers uniquement", "La période doit aller du premier au dernier jour d'un mois.";
        en: "Whole months only", "The period must go from the first to the last day of a month.";
    /// Nobody's usage is shown by name, or not this person's.
    AggregatedOnly = FORBIDDEN "aggregated_only"
        fr: "Chiffres d'ensemble uniquement", "L'usage d'une personne n'est pas montré.";
        en: "Aggregates only", "A person's usage is not shown.";
    /// The service does not report usage by name.
    NamedReportingOff = CONFLICT "named_reporting_off"
        fr: "Rapports nominatifs désactivés", "Ce service ne montre l'usage qu'en chiffres d'ensemble.";
        en: "Named reporting is off", "This service shows usage in figures over many people alone.";
    /// The account has as many files as it may, or sends as many at once.
    QuotaExceeded = CONFLICT "quota_exceeded"
        fr: "Espace de fichiers épuisé", "Supprimez des fichiers avant d'en envoyer d'autres.";
        en: "Storage used up", "Delete files before you send others.";
    /// The person's eligibility has ended.
    NotEligible = CONFLICT "not_eligible"
        fr: "Réservation impossible", "Votre entreprise ne prend plus en charge de nouveaux rendez-vous.";
        en: "Not eligible", "Your company no longer covers new appointments.";
    /// Not validated, suspended, or not accepting new clients.
    PractitionerUnavailable = CONFLICT "practitioner_unavailable"
        fr: "Praticien indisponible", "Ce praticien ne prend pas de nouveau rendez-vous.";
        en: "Practitioner unavailable", "This practitioner takes no new appointment.";
    /// No slot starts then.
    NotASlot = BAD_REQUEST "not_a_slot"
        fr: "Créneau inexistant", "Aucun créneau de ce type ne commence à cet instant.";
        en: "No such slot", "No slot of this type starts at that instant.";
    /// Somebody has the slot.
    SlotTaken = CONFLICT "slot_taken"
        fr: "Créneau déjà pris", "Ce créneau vient d'être réservé. Choisissez-en un autre.";
        en: "Slot taken", "This slot has just been booked. Choose another one.";
    /// The employee has another consultation then.
    AlreadyBooked = CONFLICT "already_booked"
        fr: "Déjà un rendez-vous", "Un autre rendez-vous occupe déjà cet horaire.";
        en: "Already booked", "Another appointment takes place at that time.";
    /// The state does not allow the transition.
    InvalidTransition = CONFLICT "invalid_transition"
        fr: "Changement d'état impossible", "L'état actuel du rendez-vous ne permet pas cette opération.";
        en: "Invalid transition", "The present state of the appointment does not allow this operation.";
    /// A consultation cannot start so early.
    TooEarly = CONFLICT "too_early"
        fr: "Trop tôt", "Le rendez-vous ne peut pas encore commencer.";
        en: "Too early", "The appointment cannot start yet.";
    /// The room is closed.
    RoomClosed = CONFLICT "room_closed"
        fr: "Salle fermée", "La salle de ce rendez-vous n'est pas ouverte.";
        en: "Room closed", "The room of this appointment is not open.";
    /// Feedback was given before.
    AlreadyReviewed = CONFLICT "already_reviewed"
        fr: "Avis déjà donné", "Un avis a déjà été donné pour ce rendez-vous.";
        en: "Already reviewed", "Feedback was already given for this appointment.";
    /// Feedback waits for the end of the consultation.
    NotCompleted = CONFLICT "not_completed"
        fr: "Rendez-vous non terminé", "Un avis ne peut être donné qu'après le rendez-vous.";
        en: "Not completed", "Feedback can only be given after the appointment.";
    /// The conversation takes no messages now.
    ChatClosed = CONFLICT "chat_closed"
        fr: "Conversation fermée", "La conversation n'accepte pas de message en ce moment.";
        en: "Conversation closed", "The conversation takes no messages now.";
    /// The consultation cannot be called now.
    CallClosed = CONFLICT "call_closed"
        fr: "Appel impossible", "Ce rendez-vous ne peut pas être appelé en ce moment.";
        en: "No call now", "This appointment cannot be called now.";
    /// The consultation has a call already.
    CallInProgress = CONFLICT "call_in_progress"
        fr: "Appel en cours", "Un appel est déjà en cours pour ce rendez-vous.";
        en: "Call in progress", "This appointment has a call already.";
    /// The note was locked 72 hours after it was written.
    NoteLocked = CONFLICT "note_locked"
        fr: "Note verrouillée", "Après 72 heures, une note ne peut plus être supprimée ni changer de nature.";
        en: "Note locked", "After 72 hours a note can neither be deleted nor change its kind.";
    /// The body is too large.
    PayloadTooLarge = PAYLOAD_TOO_LARGE "payload_too_large"
        fr: "Requête trop volumineuse", "Le corps de la requête dépasse la taille permise.";
        en: "Payload too large", "The request body is larger than allowed.";
    /// The file is of no type that is taken, or not of the declared one.
    UnsupportedFile = UNSUPPORTED_MEDIA_TYPE "unsupported_file"
        fr: "Type de fichier refusé", "Seuls des fichiers JPEG, PNG ou PDF, annoncés comme tels, sont acceptés ici.";
        en: "Unsupported file", "Only JPEG, PNG or PDF files, declared as such, are accepted here.";
    /// The body is of another media type.
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type"
        fr: "Type de contenu refusé", "Le corps de la requête n'est pas d'un type accepté ici.";
        en: "Unsupported media type", "The request body is not of a type that is accepted here.";
    /// Too many requests in a short time.
    TooManyRequests = TOO_MANY_REQUESTS "too_many_requests"
        fr: "Trop de requêtes", "Trop de requêtes en peu de temps. Réessayez plus tard.";
        en: "Too many requests", "Too many requests in a short time. Try again later.";
    /// A defect on our side.
    Internal = INTERNAL_SERVER_ERROR "internal"
        fr: "Erreur interne", "Une erreur est survenue de notre côté.";
        en: "Internal error", "Something went wrong on our side.";
    /// Something that the service needs is down.
    Unavailable = SERVICE_UNAVAILABLE "unavailable"
        fr: "Service indisponible", "Le service est momentanément indisponible. Réessayez dans un instant.";
        en: "Service unavailable", "The service is unavailable for the moment. Try again shortly.";
    /// More requests than can be served in time.
    Overloaded = SERVICE_UNAVAILABLE "overloaded"
        fr: "Service surchargé", "Le service est très sollicité. Réessayez dans un instant.";
        en: "Service overloaded", "The service is very busy. Try again shortly.";
}

/// What a person reads about one refused field. A code without a text of its own gets a general one.
pub fn field_text(code: &str, language: Language) -> &'static str {
    let (french, english) = match code {
        "required" => ("Cette valeur est obligatoire.", "This value is required."),
        "unknown_field" => ("Ce champ n'existe pas.", "There is no such field."),
        "unknown_parameter" => ("Ce paramètre n'existe pas.", "There is no such parameter."),
        "duplicate_field" | "repeated" => {
            ("Cette valeur est donnée plusieurs fois.", "This value is given more than once.")
        }
        "wrong_type" => ("Cette valeur n'est pas du type attendu.", "This value is not of the expected type."),
        "unknown_value" => {
            ("Cette valeur ne figure pas dans la liste permise.", "This value is not one of those allowed.")
        }
        "too_long" => ("Cette valeur est trop longue.", "This value is too long."),
        "duplicate" => ("Cette liste contient deux fois la même valeur.", "This list holds the same value twice."),
        "too_short" => ("Cette valeur est trop courte.", "This value is too short."),
        "too_many" => ("Cette liste est trop longue.", "This list is too long."),
        "too_complex" => {
            ("Ce texte est trop imbriqué pour être mis en forme.", "This text is too deeply nested to be rendered.")
        }
        "too_common" => ("Ce mot de passe est trop courant.", "This password is too common."),
        "contains_email" => {
            ("Le mot de passe ne doit pas contenir l'adresse.", "The password must not contain the e-mail.")
        }
        "out_of_range" => ("Cette valeur est hors des limites permises.", "This value is outside the allowed range."),
        "invalid_email" => ("Cette adresse électronique est incorrecte.", "This is not a valid e-mail address."),
        "invalid_date" => ("Une date AAAA-MM-JJ est attendue.", "A date YYYY-MM-DD is expected."),
        "invalid_instant" => ("Un instant RFC 3339 est attendu.", "An RFC 3339 instant is expected."),
        "invalid_time" => ("Une heure HH:MM est attendue.", "A time HH:MM is expected."),
        "invalid_cursor" => ("Ce marqueur de page est incorrect.", "This page cursor is not valid."),
        "invalid_characters" => {
            ("Cette valeur contient un caractère refusé.", "This value contains a character that is refused.")
        }
        "invalid" => ("Cette valeur est incorrecte.", "This value is not valid."),
        "not_allowed" => {
            ("Votre rôle ne permet pas de choisir cette valeur.", "Your role does not allow you to set this value.")
        }
        "damaged" => ("Ce fichier est incomplet ou endommagé.", "This file is incomplete or damaged."),
        "too_many_pixels" => ("Cette image est trop grande.", "This picture is too large."),
        "unchanged" => ("C'est déjà votre adresse.", "This is your address already."),
        "wrong_password" => ("Ce mot de passe est incorrect.", "This password is wrong."),
        "domain_not_allowed" => (
            "Le domaine de cette adresse n'est pas celui de l'entreprise.",
            "The domain of this address is not one of the company's.",
        ),
        "public_mail_domain" => (
            "Le domaine d'une messagerie publique ne peut pas être celui d'une entreprise.",
            "The domain of a public mail service cannot be a company's.",
        ),
        "invitation_mismatch" => {
            ("L'invitation a été envoyée à une autre adresse.", "The invitation was sent to another address.")
        }
        "own_account" => {
            ("Vous ne pouvez pas faire cela à votre propre compte.", "You cannot do this to your own account.")
        }
        "not_yours" => ("Cette valeur ne correspond pas à votre compte.", "This value does not match your account."),
        "before_from" => ("Cette date précède le début de la période.", "This date is before the start of the period."),
        "before_valid_from" => {
            ("Cette date précède le début de validité.", "This date is before the first day of validity.")
        }
        "period_too_long" => ("Cette période est trop longue.", "This period is too long."),
        "not_after_start" => ("La fin doit suivre le début.", "The end must come after the start."),
        "not_whole_minutes" => {
            ("Cette heure doit tomber sur une minute entière.", "This time must fall on a whole minute.")
        }
        "before_start" => ("Le dernier jour précède le premier.", "The last day is before the first."),
        "invalid_language" => ("Cette langue n'est pas une étiquette BCP 47.", "This language is not a BCP 47 tag."),
        "unknown_timezone" => ("Ce fuseau horaire n'existe pas.", "There is no such time zone."),
        "does_not_fit" => {
            ("Aucun créneau de cette durée ne tient dans la plage.", "No slot of this length fits into the time span.")
        }
        "repeated_email" => ("Une ligne précédente contient la même adresse.", "An earlier line has the same address."),
        "email_taken" => ("Cette adresse appartient à un autre compte.", "This address belongs to another account."),
        "malformed_quotes" => {
            ("Un guillemet n'est pas fermé, ou mal placé.", "A quotation mark is not closed, or misplaced.")
        }
        "wrong_number_of_columns" => (
            "Cette ligne n'a pas autant de colonnes que l'en-tête.",
            "This line does not have as many columns as the header.",
        ),
        "unknown_column" => ("Cette colonne est inconnue.", "This column is not known."),
        "repeated_column" => ("Cette colonne figure plusieurs fois.", "This column is there more than once."),
        "missing_column" => ("Cette colonne manque dans l'en-tête.", "The header lacks this column."),
        "empty_file" => ("Ce fichier est vide.", "This file is empty."),
        "unsupported_encoding" => {
            ("Ce fichier n'est ni en UTF-8 ni en Windows-1252.", "This file is neither in UTF-8 nor in Windows-1252.")
        }
        "too_many_lines" => (
            "Ce fichier a plus de 10 000 lignes ; rien n'a été importé.",
            "This file has more than 10,000 lines; nothing was imported.",
        ),
        "not_changeable" => ("Ce champ ne peut pas être modifié.", "This field cannot be changed."),
        _ => ("Cette valeur ne peut pas être acceptée.", "This value cannot be accepted."),
    };
    match language {
        Language::French => french,
        Language::English => english,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_distinct_snake_case_words_with_texts_in_both_languages() {
        let mut words = HashSet::new();
        for code in Code::ALL {
            let word = code.as_str();
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{word}");
            assert!(words.insert(word), "{word} is used twice");
            assert_ne!(code.texts(Language::French), code.texts(Language::English), "{word}");
            assert!(code.status().is_client_error() || code.status().is_server_error());
        }
    }
}
