//! Hostile and honest texts.
#![expect(clippy::unwrap_used, reason = "a test may panic")]
use super::*;

fn html(markdown: &str) -> String {
    CommonMark::default().to_html(markdown).unwrap()
}

#[test]
fn markdown_becomes_html() {
    for (markdown, expected) in [
        ("# Dormir", "<h1>Dormir</h1>\n"),
        ("Un *mot* **fort** et ~~barré~~", "<p>Un <em>mot</em> <strong>fort</strong> et <del>barré</del></p>\n"),
        ("- un\n- deux", "<ul>\n<li>un</li>\n<li>deux</li>\n</ul>\n"),
        ("3. trois", "<ol start=\"3\">\n<li>trois</li>\n</ol>\n"),
        ("> dit", "<blockquote>\n<p>dit</p>\n</blockquote>\n"),
        ("`a < b`", "<p><code>a &lt; b</code></p>\n"),
        ("---", "<hr>\n"),
        ("a & b", "<p>a &amp; b</p>\n"),
        ("E = mc<sup>2</sup>", "<p>E = mc<sup>2</sup></p>\n"),
        ("", ""),
    ] {
        assert_eq!(html(markdown), expected, "{markdown}");
    }
}

#[test]
fn links_lead_to_pages_and_mailboxes_alone() {
    let relation = "rel=\"noopener noreferrer nofollow\"";
    for (markdown, expected) in [
        ("[x](https://a.example/?b=c)", format!("<p><a href=\"https://a.example/?b=c\" {relation}>x</a></p>\n")),
        ("<http://a.example>", format!("<p><a href=\"http://a.example\" {relation}>http://a.example</a></p>\n")),
        ("[x](mailto:a@b.example)", format!("<p><a href=\"mailto:a@b.example\" {relation}>x</a></p>\n")),
    ] {
        assert_eq!(html(markdown), expected, "{markdown}");
    }
    for hostile in [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](java&#10;script:alert(1))",
        "[x](&#x6A;avascript:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "[x](vbscript:x)",
        "[x](//evil.example)",
        "[x](/admin)",
        "[x](\u{1}javascript:alert(1))",
        "<javascript:alert(1)>",
        "<a href=\"javascript:alert(1)\">x</a>",
        "<a href=' javascript:alert(1)'>x</a>",
    ] {
        let html = html(hostile);
        assert!(!html.contains("href"), "{hostile}: {html}");
    }
    // Whatever relation the text claims, ours is in force.
    let claimed = html("<a href=\"https://a.example\" rel=\"opener\" target=\"_blank\">x</a>");
    assert_eq!(claimed, format!("<p><a href=\"https://a.example\" {relation}>x</a></p>\n"));
}

#[test]
fn nothing_runs_and_nothing_is_fetched() {
    for hostile in [
        "<script>alert(1)</script>",
        "texte <script>alert(1)</script> texte",
        "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<img src=x onerror=alert(1)>",
        "![x](https://evil.example/pixel.gif)",
        "![x](x\"onerror=\"alert(1))",
        "<svg onload=alert(1)><script>alert(1)</script></svg>",
        "<svg><style><img src=x onerror=alert(1)></style></svg>",
        "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
        "<iframe src=\"https://evil.example\"></iframe>",
        "<iframe srcdoc=\"<script>alert(1)</script>\"></iframe>",
        "<object data=\"https://evil.example\"></object><embed src=\"https://evil.example\">",
        "<style>body{background:url(https://evil.example)}</style>",
        "<p style=\"background:url(https://evil.example)\" onclick=\"alert(1)\">x</p>",
        "<form action=\"https://evil.example\"><input name=password><button formaction=\"javascript:alert(1)\">x</button></form>",
        "<link rel=stylesheet href=\"https://evil.example/x.css\"><meta http-equiv=refresh content=\"0;url=https://evil.example\"><base href=\"https://evil.example\">",
        "<video src=\"https://evil.example/x\" onerror=\"alert(1)\"></video><audio src=\"https://evil.example/x\"></audio>",
        "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
        "<template><img src=x onerror=alert(1)></template>",
        "<!--><img src=x onerror=alert(1)>-->",
        "<![CDATA[<img src=x onerror=alert(1)>]]>",
        "<?php <img src=x onerror=alert(1)> ?>",
        "<a name=\"getElementById\" id=\"document\" class=\"x\">x</a>",
        "<details open ontoggle=alert(1)>x</details>",
    ] {
        let html = html(hostile);
        let lower = html.to_lowercase();
        for danger in [
            "<script",
            "<img",
            "<svg",
            "<math",
            "<iframe",
            "<style",
            "<object",
            "<form",
            "<link",
            "<meta",
            "<base",
            "style=",
            "src=",
            "<video",
            "<details",
            "class=",
            "name=",
            "id=\"",
            "<!--",
            "<template",
        ] {
            assert!(!lower.contains(danger), "{hostile}: {html}");
        }
        // A handler may be left as text between tags, never within one.
        for tag in lower.split('<').skip(1).filter_map(|rest| rest.split_once('>')) {
            assert!(!tag.0.contains(" on"), "{hostile}: {html}");
        }
    }
    assert_eq!(html("![Un chat](https://evil.example/chat.gif)"), "<p>Un chat</p>\n", "its description stays");
}

/// Each at the longest that an article may be: refused before it costs anything, or rendered within the
/// bounds of what it may cost.
#[test]
fn no_text_costs_out_of_proportion() {
    const LENGTH: usize = 64 * 1024;
    let full = |part: &str| part.repeat(LENGTH / part.len());
    let mut texts: Vec<String> = [
        ">",
        "> ",
        "- ",
        "* ",
        "1. ",
        "[",
        "![",
        "](",
        "[]()",
        "[a](",
        "<",
        "<b>",
        "<a>",
        "<i x=1>",
        "</p>",
        "<!--",
        "&",
        "&amp;",
        "«",
        "`",
        "``` ",
        "*a ",
        "**a ",
        "_a*",
        "~~a",
        "\\",
        "<svg>",
        "<table>",
        "<p>",
        "<div>",
        "<div>\n\n",
        "a\n\n",
        "#\n",
        "\t",
        "|a",
        "|-",
        "\n> a",
        "<a href=\"",
        "<?",
        "<![CDATA[",
        "\u{0301}",
        "a**b",
        "*_",
        "<script>",
        "<style>",
        "<select>",
        "<option>",
        "<template>",
        "<math><mi>",
        "-\n",
        "***\n",
        "[a][b]",
        "[^1]",
        "<b><p>",
    ]
    .iter()
    .map(|part| full(part))
    .collect();
    // Open tags that each following block would repeat.
    let open: Vec<String> = (0..200).map(|number| format!("<b x={number}>")).collect();
    texts.push(open.concat() + &full("\n\na"));
    // Tags that a browser leaves out, so that all is one run.
    texts.push(full(&("</x>".to_owned() + &"&".repeat(250))));
    // One long address that many references repeat.
    texts.push(format!("[a]: http://{}.example\n\n{}", "a".repeat(LENGTH / 2), "[a]".repeat(LENGTH / 6)));
    let mut rendered = 0;
    for text in &texts {
        let start: String = text.chars().take(20).collect();
        let Ok((raw, cost)) = raw_html(text) else {
            assert!(CommonMark::default().to_html(text).is_err(), "{start}");
            continue;
        };
        rendered += 1;
        // What the browser's parser gets to see, and what it is known to be slow at, is bounded.
        assert!(raw.len() <= LONGEST_HTML, "{start}: {} bytes", raw.len());
        assert!(cost.depth <= DEEPEST && cost.pairs <= MOST_PAIRS && cost.steps <= MOST_STEPS, "{start}: {cost:?}");
        let html = CommonMark::default().to_html(text);
        assert!(html.is_err() || html.is_ok_and(|html| html.len() <= LONGEST_HTML), "{start}");
    }
    assert!((10..texts.len()).contains(&rendered), "{rendered} of {}", texts.len());
}

#[test]
fn what_is_too_deep_or_too_much_is_refused() {
    let renders = |text: &str| CommonMark::default().to_html(text).is_ok();
    assert!(renders(&("> ".repeat(DEEPEST - 2) + "x")));
    assert!(!renders(&("> ".repeat(DEEPEST + 1) + "x")));
    assert!(renders(&"E = mc<sup>2</sup>\n\n".repeat(100)));
    assert!(!renders(&"<sup>2</sup>\n\n".repeat(1_000)));
    assert!(!renders(&"[]()".repeat(16_000)), "more HTML than is kept");
    // A whole article in one paragraph, as the French quote.
    assert!(renders(&"Elle a dit : « Je dors mieux\u{a0}! » et c'est vrai. ".repeat(1_000)));
    assert!(!renders(&"&".repeat(64 * 1024)));
}
