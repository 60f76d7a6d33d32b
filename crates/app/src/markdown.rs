//! From Markdown to HTML that is safe to show: `CommonMark` in, a short list of elements out.
use std::collections::{HashMap, HashSet};

use ammonia::{Builder, UrlRelative};
use huntzen_tenancy::content::{LONGEST_HTML, Markdown, TooComplex};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html};

/// The elements that are kept. No image: fetched from somewhere else, it would tell that place who reads.
const ELEMENTS: [&str; 27] = [
    "a",
    "b",
    "blockquote",
    "br",
    "code",
    "dd",
    "del",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "li",
    "ol",
    "p",
    "pre",
    "s",
    "strong",
    "sub",
    "sup",
    "ul",
];
/// Where links may lead: no script, no data, nothing that a browser would run.
const SCHEMES: [&str; 3] = ["http", "https", "mailto"];
/// What a page that is opened from here learns and may do: nothing.
const LINK_RELATION: &str = "noopener noreferrer nofollow";

/// How deep blocks and spans of Markdown may stand within each other.
const DEEPEST: usize = 24;
/// The bound on HTML in the text: each of its tags times all tags. A browser's rules for tags that are
/// left open repeat them in each block that follows, which a few of them turn into gigabytes.
const MOST_PAIRS: usize = 100_000;
/// The bound on characters that are written as entities: how many of them stand in a run of text, times
/// its bytes. For each the serializer looks through the rest of the run.
const MOST_STEPS: usize = 400_000_000;

/// `CommonMark` with strikethrough, cleaned by the rules of a browser's own parser.
pub struct CommonMark {
    cleaner: Builder<'static>,
}

impl Default for CommonMark {
    fn default() -> Self {
        let mut cleaner = Builder::empty();
        cleaner
            .tags(HashSet::from(ELEMENTS))
            // Their content is no text.
            .clean_content_tags(HashSet::from(["script", "style"]))
            .tag_attributes(HashMap::from([("a", HashSet::from(["href", "title"])), ("ol", HashSet::from(["start"]))]))
            .url_schemes(HashSet::from(SCHEMES))
            .url_relative(UrlRelative::Deny)
            .link_rel(Some(LINK_RELATION));
        Self { cleaner }
    }
}

impl std::fmt::Debug for CommonMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommonMark").finish_non_exhaustive()
    }
}

impl Markdown for CommonMark {
    fn to_html(&self, markdown: &str) -> Result<String, TooComplex> {
        let (raw, _) = raw_html(markdown)?;
        let clean = self.cleaner.clean(&raw).to_string();
        // Where a block was taken out at the beginning, its line break is left.
        let clean = clean.trim_start();
        if clean.len() > LONGEST_HTML { Err(TooComplex) } else { Ok(clean.to_owned()) }
    }
}

/// What it takes to clean a text, as far as that grows faster than the text.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// How deep its elements lie in each other.
    depth: usize,
    /// Tags of the author's own times all tags.
    pairs: usize,
    /// Steps to write its entities.
    steps: usize,
}

/// The text as HTML that is not clean yet, within what cleaning it may cost.
fn raw_html(markdown: &str) -> Result<(String, Cost), TooComplex> {
    let Bounded { events, has_html, cost } = bounded(markdown)?;
    let mut raw = String::with_capacity(markdown.len() * 2);
    html::push_html(&mut raw, events.into_iter());
    let cost = Cost { steps: steps(&raw, has_html), ..cost };
    if raw.len() > LONGEST_HTML || cost.steps > MOST_STEPS { Err(TooComplex) } else { Ok((raw, cost)) }
}

/// What it takes to write the entities of `raw`. Where somebody wrote tags of their own, a browser may
/// leave any of them out, and what stands around it is one run.
fn steps(raw: &str, has_html: bool) -> usize {
    // The second starts the non-breaking space, and all other characters up to U+00BF.
    let of = |run: &str| run.bytes().filter(|byte| matches!(byte, b'&' | 0xC2)).count().saturating_mul(run.len());
    if has_html { of(raw) } else { raw.split(['<', '>']).map(of).fold(0, usize::saturating_add) }
}

/// What a text says, and whether some of it is HTML.
struct Bounded<'a> {
    events: Vec<Event<'a>>,
    has_html: bool,
    cost: Cost,
}

/// What the text says, without its images, whose descriptions stay; refused where it would cost out of
/// proportion to its length.
fn bounded(markdown: &str) -> Result<Bounded<'_>, TooComplex> {
    let (mut depth, mut tags, mut foreign) = (0_usize, 0_usize, 0_usize);
    let mut cost = Cost::default();
    let mut events = Vec::new();
    for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH) {
        match &event {
            Event::Start(tag) => {
                depth += 1;
                tags += 1;
                if matches!(tag, Tag::Image { .. }) {
                    require_depth(depth)?;
                    continue;
                }
            }
            Event::End(end) => {
                depth = depth.saturating_sub(1);
                if *end == TagEnd::Image {
                    continue;
                }
            }
            Event::Html(text) | Event::InlineHtml(text) => {
                foreign += text.bytes().filter(|byte| *byte == b'<').count();
            }
            Event::SoftBreak | Event::HardBreak | Event::Rule => tags += 1,
            Event::Text(_)
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::FootnoteReference(_)
            | Event::TaskListMarker(_) => {}
        }
        require_depth(depth)?;
        cost.depth = cost.depth.max(depth);
        cost.pairs = foreign.saturating_mul(foreign + tags);
        if cost.pairs > MOST_PAIRS {
            return Err(TooComplex);
        }
        events.push(event);
    }
    Ok(Bounded { events, has_html: foreign > 0, cost })
}

fn require_depth(depth: usize) -> Result<(), TooComplex> {
    if depth > DEEPEST { Err(TooComplex) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
