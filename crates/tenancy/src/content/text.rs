//! Texts in Markdown, with the HTML that is made of each once, when it is written.
use crate::error::Checks;

/// The most bytes of a text in Markdown, in UTF-8.
pub const LONGEST_CONTENT: usize = 64 * 1024;
/// The most bytes of the HTML that is made of it.
pub const LONGEST_HTML: usize = 512 * 1024;

/// The text cannot be rendered at a cost that is in proportion to its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is too complex to be rendered")]
pub struct TooComplex;

/// Makes HTML of Markdown.
pub trait Markdown: Send + Sync {
    /// HTML of at most `LONGEST_HTML` bytes that is safe to show whoever wrote the Markdown: it runs
    /// nothing, fetches nothing, and links to web pages and mail addresses alone. It takes time in
    /// proportion to the text's length.
    ///
    /// # Errors
    /// `TooComplex` for a text of which that cannot be said.
    fn to_html(&self, markdown: &str) -> Result<String, TooComplex>;
}

/// A text as it was written, and as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RenderedText {
    /// Markdown.
    pub content: String,
    /// The same as HTML that is safe to show.
    pub html: String,
}

impl RenderedText {
    /// The text, rendered; refused when it is blank, too long, or cannot be rendered.
    pub(super) fn render(checks: &mut Checks, markdown: &dyn Markdown, content: &str) -> Self {
        let is_plain = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
        checks.require(!content.trim().is_empty(), "content", "required");
        checks.require(content.chars().all(is_plain), "content", "invalid_characters");
        if content.len() > LONGEST_CONTENT {
            checks.require(false, "content", "too_long");
            return Self::default();
        }
        let html = markdown.to_html(content);
        checks.require(html.is_ok(), "content", "too_complex");
        Self { content: content.to_owned(), html: html.unwrap_or_default() }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::error::FieldError;

    /// Wraps a text into a paragraph; refuses one about a maze.
    pub struct Paragraph;

    impl Markdown for Paragraph {
        fn to_html(&self, markdown: &str) -> Result<String, TooComplex> {
            if markdown.contains("labyrinthe") { Err(TooComplex) } else { Ok(format!("<p>{markdown}</p>")) }
        }
    }

    #[test]
    fn a_text_is_rendered_or_refused() {
        let mut checks = Checks::default();
        let text = RenderedText::render(&mut checks, &Paragraph, "Un\n\ttexte");
        assert_eq!((text.content.as_str(), text.html.as_str()), ("Un\n\ttexte", "<p>Un\n\ttexte</p>"));
        assert_eq!(checks.into_errors(), []);
        for (content, code) in [
            (" \n", "required"),
            ("un\u{7}", "invalid_characters"),
            ("un labyrinthe", "too_complex"),
            ("é".repeat(LONGEST_CONTENT / 2 + 1).as_str(), "too_long"),
        ] {
            let mut checks = Checks::default();
            RenderedText::render(&mut checks, &Paragraph, content);
            assert_eq!(checks.into_errors(), [FieldError::new("content", code)], "{code}");
        }
    }
}
