//! The e-mail domain of a company's people.

/// Domains of public mail services: nobody owns them, so no company can claim their users.
const PUBLIC_MAIL: &[&str] = &[
    "aol.com",
    "bbox.fr",
    "bluewin.ch",
    "fastmail.com",
    "free.fr",
    "gmail.com",
    "gmx.com",
    "gmx.de",
    "gmx.fr",
    "googlemail.com",
    "hey.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.fr",
    "icloud.com",
    "laposte.net",
    "libertysurf.fr",
    "live.com",
    "live.fr",
    "mac.com",
    "mail.com",
    "mail.ru",
    "mailo.com",
    "me.com",
    "msn.com",
    "neuf.fr",
    "numericable.fr",
    "orange.fr",
    "outlook.com",
    "outlook.fr",
    "pm.me",
    "proton.me",
    "protonmail.ch",
    "protonmail.com",
    "qq.com",
    "rocketmail.com",
    "sfr.fr",
    "skynet.be",
    "t-online.de",
    "tutanota.com",
    "tuta.io",
    "voila.fr",
    "wanadoo.fr",
    "web.de",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.fr",
    "yandex.com",
    "yandex.ru",
    "ymail.com",
    "zoho.com",
];

/// A valid, lower-case host name with at least two labels (RFC 1035, RFC 1123).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EmailDomain(String);

impl EmailDomain {
    /// Parses and normalises; `None` when it is no domain.
    pub fn parse(raw: &str) -> Option<Self> {
        let domain = raw.trim().trim_start_matches('@').to_ascii_lowercase();
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let valid = domain.len() <= 253 && domain.contains('.') && domain.split('.').all(label);
        valid.then_some(Self(domain))
    }

    /// The domain.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it belongs to a public mail service.
    pub fn is_public_mail(&self) -> bool {
        PUBLIC_MAIL.contains(&self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_one_spelling() {
        assert_eq!(EmailDomain::parse(" TechCorp.Example ").map(|d| d.0), Some("techcorp.example".to_owned()));
        for wrong in ["", "localhost", "a..b", "-a.example", "a b.example", "a.example/", "é.example"] {
            assert_eq!(EmailDomain::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn public_mail_is_known() {
        assert!(EmailDomain::parse("GMAIL.com").is_some_and(|d| d.is_public_mail()));
        assert!(EmailDomain::parse("techcorp.example").is_some_and(|d| !d.is_public_mail()));
    }
}
