//! Whom to call in an emergency: texts that stand in the program, so that they are there when nothing
//! else is. Nobody is asked who they are, and nothing of the request is logged.
use actix_web::{Responder, http::Method};
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::{Json, Operations, access::Access, context::Context, language::Language};

/// A number that answers at any time, free of charge, in France.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CrisisLineBody {
    #[schema(min_length = 2, max_length = 16)]
    number: &'static str,
    #[schema(max_length = 120)]
    name: &'static str,
    #[schema(max_length = 300)]
    description: &'static str,
}

/// Whom to call now.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CrisisBody {
    #[schema(max_length = 300)]
    message: &'static str,
    #[schema(min_items = 4, max_items = 4)]
    items: [CrisisLineBody; 4],
}

impl CrisisBody {
    fn of(language: Language) -> Self {
        let line = |number, (name, description)| CrisisLineBody { number, name, description };
        match language {
            Language::French => Self {
                message: "En cas de danger immédiat, appelez maintenant. Ces numéros répondent jour et nuit, gratuitement.",
                items: [
                    line(
                        "3114",
                        (
                            "Prévention du suicide",
                            "Des professionnels vous écoutent, vous ou un proche, en toute confidentialité.",
                        ),
                    ),
                    line("15", ("SAMU", "Urgence médicale.")),
                    line("112", ("Urgences européennes", "Toutes les urgences, dans toute l'Union européenne.")),
                    line(
                        "114",
                        (
                            "Urgences par SMS ou visio",
                            "Pour les personnes sourdes ou malentendantes, ou qui ne peuvent pas parler.",
                        ),
                    ),
                ],
            },
            Language::English => Self {
                message: "In immediate danger, call now. These numbers answer day and night, free of charge.",
                items: [
                    line(
                        "3114",
                        ("Suicide prevention", "Professionals listen to you, or to those close to you, in confidence."),
                    ),
                    line("15", ("Medical emergency (SAMU)", "Ambulance and medical advice.")),
                    line("112", ("European emergency number", "Every emergency, throughout the European Union.")),
                    line(
                        "114",
                        ("Emergencies by text or video", "For people who are deaf, hard of hearing, or cannot speak."),
                    ),
                ],
            },
        }
    }
}

/// Tells whom to call in an emergency, in French or English.
#[utoipa::path(get, path = "/crisis", tag = "operations", responses((status = 200, body = CrisisBody)))]
async fn crisis(context: Context) -> impl Responder {
    Json(CrisisBody::of(context.0.language))
}

#[derive(OpenApi)]
#[openapi(paths(crisis))]
struct Document;

/// Adds the operation.
pub fn register(ops: &mut Operations) {
    ops.document::<Document>();
    ops.route(Method::GET, "/crisis", Access::Public, crisis);
}
