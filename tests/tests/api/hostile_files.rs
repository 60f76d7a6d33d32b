//! Sixty files that mean harm: refused, or handed out such that no browser runs anything of them.
use huntzen_tests::{
    api::{Played, forms::Form},
    api_suite,
    samples::{
        chunk, exif, jfif, jpeg, jpeg_frame, jpeg_scan, jpeg_with, pdf, pdf_with, png, png_header, png_point, png_with,
        segment,
    },
};

api_suite! {
    none_of_sixty_hostile_files_does_harm,
}

/// What becomes of a file.
enum Fate {
    /// It is not of a type that is taken, or not of the declared one.
    Unsupported,
    /// It is not built as it should be.
    Damaged,
    /// It would become too large.
    TooManyPixels,
    /// It is taken, under this name, and inert.
    Inert(&'static str),
}

use Fate::{Damaged, Inert, TooManyPixels, Unsupported};

/// What would be run, were it let: no picture keeps it.
const SCRIPT: &[u8] = b"<script>alert(1)</script>";
const ARCHIVE: &[u8] = b"PK\x03\x04evil.class PK\x05\x06";

const AVATAR: &str = "AVATAR";
const DOCUMENT: &str = "DOCUMENT";
const JPEG: &str = "image/jpeg";
const PNG: &str = "image/png";
const PDF: &str = "application/pdf";

/// What it is, for what, declared as what, called what, its bytes, and what becomes of it.
type Hostile = (&'static str, &'static str, &'static str, String, Vec<u8>, Fate);

fn behind(bytes: &[u8], tail: &[u8]) -> Vec<u8> {
    [bytes, tail].concat()
}

fn cut(bytes: &[u8], by: usize) -> Vec<u8> {
    bytes[..bytes.len() - by].to_vec()
}

fn wrong_types() -> Vec<Hostile> {
    let bmp = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0".to_vec();
    let plain =
        |what, media, name: &str, bytes: &[u8]| (what, DOCUMENT, media, name.to_owned(), bytes.to_vec(), Unsupported);
    vec![
        plain("a page", PDF, "a.pdf", b"<html><script>alert(1)</script></html>"),
        plain("a page as such", "text/html", "a.html", b"<html></html>"),
        plain("a drawing with a script", "image/svg+xml", "a.svg", b"<svg onload=alert(1)></svg>"),
        plain("a drawing as a picture", PNG, "a.png", b"<svg onload=alert(1)></svg>"),
        plain("a program", PDF, "a.pdf", b"MZ\x90\0\x03\0\0\0\x04\0\0\0"),
        plain("another program", JPEG, "a.jpg", b"\x7fELF\x02\x01\x01\0\0\0\0\0"),
        plain("a shell script", PNG, "a.png", b"#!/bin/sh\nrm -rf /\n"),
        plain("an archive", PDF, "a.pdf", ARCHIVE),
        plain("an animation", "image/gif", "a.gif", b"GIF89a\x01\0\x01\0\0\0\0;"),
        plain("an animation as a picture", PNG, "a.png", b"GIF89a/*<script>*/=1;"),
        plain("a bitmap", JPEG, "a.jpg", &bmp),
        plain("a container", JPEG, "a.jpg", b"RIFF\x24\0\0\0WEBPVP8 "),
        plain("PostScript", PDF, "a.pdf", b"%!PS-Adobe-3.0\n%PDF-1.7\n%%EOF\n"),
        plain("a document behind spaces", PDF, "a.pdf", &behind(b"\n\n", &pdf())),
        plain("a document behind a page", PDF, "a.pdf", &behind(SCRIPT, &pdf())),
        plain("a document behind an archive", PDF, "a.pdf", &behind(ARCHIVE, &pdf())),
        plain("a photograph behind a page", JPEG, "a.jpg", &behind(SCRIPT, &jpeg())),
        plain("a picture as a photograph", JPEG, "a.jpg", &png()),
        plain("a photograph as a picture", PNG, "a.png", &jpeg()),
        plain("a document as a picture", PNG, "a.png", &pdf()),
        plain("a picture as a document", PDF, "a.pdf", &png()),
        plain("a photograph as bytes", "application/octet-stream", "a.jpg", &jpeg()),
        plain("a photograph without a type", "", "a.jpg", &jpeg()),
        plain("seven bytes", PNG, "a.png", b"\x89PNG\r\n\x1a"),
        ("a document as a face", AVATAR, PDF, "a.pdf".into(), pdf(), Unsupported),
    ]
}

fn cut_ones() -> Vec<Hostile> {
    let one = |what, media, name: &str, bytes| (what, DOCUMENT, media, name.to_owned(), bytes, Damaged);
    let mut wrong_sum = png();
    wrong_sum[30] ^= 1;
    vec![
        one("a document without its end", PDF, "a.pdf", cut(&pdf(), 6)),
        one("a document of its first line", PDF, "a.pdf", b"%PDF-1.7\n".to_vec()),
        one("a document with an archive behind", PDF, "a.pdf", behind(&pdf(), ARCHIVE)),
        one("a document with a page behind", PDF, "a.pdf", behind(&pdf(), SCRIPT)),
        one("a photograph without its end", JPEG, "a.jpg", cut(&jpeg(), 2)),
        one("a photograph of its first segment", JPEG, "a.jpg", [b"\xff\xd8".to_vec(), jfif()].concat()),
        one("a photograph without a frame", JPEG, "a.jpg", [b"\xff\xd8".to_vec(), jpeg_scan()].concat()),
        one(
            "a photograph without a scan",
            JPEG,
            "a.jpg",
            [b"\xff\xd8".to_vec(), jpeg_frame(8, 8), b"\xff\xd9".to_vec()].concat(),
        ),
        one("a segment that ends behind the file", JPEG, "a.jpg", b"\xff\xd8\xff\xe0\xff\xffJFIF\0".to_vec()),
        one("a segment shorter than its length", JPEG, "a.jpg", b"\xff\xd8\xff\xe0\x00\x01\xff\xd9".to_vec()),
        one("no mark between segments", JPEG, "a.jpg", [b"\xff\xd8".to_vec(), jfif(), b"<html>".to_vec()].concat()),
        one("two frames", JPEG, "a.jpg", jpeg_with(&[jpeg_frame(8, 8)])),
        one("a picture without its end", PNG, "a.png", cut(&png(), 12)),
        one("half a picture", PNG, "a.png", cut(&png(), 20)),
        one(
            "a picture without a header",
            PNG,
            "a.png",
            [b"\x89PNG\r\n\x1a\n".to_vec(), png_point(), chunk(b"IEND", b"")].concat(),
        ),
        one(
            "a picture without points",
            PNG,
            "a.png",
            [b"\x89PNG\r\n\x1a\n".to_vec(), png_header(1, 1), chunk(b"IEND", b"")].concat(),
        ),
        one("a wrong checksum", PNG, "a.png", wrong_sum),
        one("a chunk that no reader knows", PNG, "a.png", png_with(&[chunk(b"EVIL", SCRIPT)])),
        one(
            "a chunk longer than any",
            PNG,
            "a.png",
            [b"\x89PNG\r\n\x1a\n".to_vec(), png_header(1, 1), b"\xff\xff\xff\xfftEXt".to_vec()].concat(),
        ),
        one("two headers", PNG, "a.png", png_with(&[png_header(1, 1)])),
        one("a palette that overflows", PNG, "a.png", png_with(&[chunk(b"PLTE", &[0; 771])])),
    ]
}

fn bombs() -> Vec<Hostile> {
    let sized = |width, height| {
        [b"\x89PNG\r\n\x1a\n".to_vec(), png_header(width, height), png_point(), chunk(b"IEND", b"")].concat()
    };
    let photograph = |width, height| [b"\xff\xd8".to_vec(), jpeg_frame(width, height), jpeg_scan()].concat();
    let one = |what, kind, media, name: &str, bytes, fate| (what, kind, media, name.to_owned(), bytes, fate);
    vec![
        one("a picture of four thousand million points", DOCUMENT, PNG, "a.png", sized(65_535, 65_535), TooManyPixels),
        one("a picture a point high", DOCUMENT, PNG, "a.png", sized(2_000_000_000, 1), TooManyPixels),
        one("a face of a hundred million points", AVATAR, PNG, "a.png", sized(10_000, 10_000), TooManyPixels),
        one("a photograph as large as can be", DOCUMENT, JPEG, "a.jpg", photograph(65_535, 65_535), TooManyPixels),
        one("a face as wide as can be", AVATAR, JPEG, "a.jpg", photograph(65_535, 1), TooManyPixels),
        one("a picture without a height", DOCUMENT, PNG, "a.png", sized(1, 0), Damaged),
        one("a photograph that tells its height later", AVATAR, JPEG, "a.jpg", photograph(8, 0), Damaged),
    ]
}

fn stowaways() -> Vec<Hostile> {
    let thumbnail = segment(0xe0, &[b"JFIF\0\x01\x02\0\0\x01\0\x01\x03\x03".as_slice(), SCRIPT].concat());
    let one = |what, media, name: &str, bytes| (what, AVATAR, media, name.to_owned(), bytes, Inert("a"));
    vec![
        one("a face with an archive behind", JPEG, "a.jpg", behind(&jpeg(), ARCHIVE)),
        one("a face with a page behind", PNG, "a.png", behind(&png(), SCRIPT)),
        one("a face with a script as comment", JPEG, "a.jpg", jpeg_with(&[segment(0xfe, SCRIPT)])),
        one("a face with a script in Exif", JPEG, "a.jpg", jpeg_with(&[exif(SCRIPT)])),
        one("a face with a script as thumbnail", JPEG, "a.jpg", jpeg_with(&[thumbnail])),
        one("a face with a script as profile", JPEG, "a.jpg", jpeg_with(&[segment(0xe2, SCRIPT)])),
        one(
            "a face with a script as Adobe's",
            JPEG,
            "a.jpg",
            jpeg_with(&[segment(0xee, &behind(b"Adobe\0\x64\0\0\0\0\x01", SCRIPT))]),
        ),
        one("a face with a script as text", PNG, "a.png", png_with(&[chunk(b"tEXt", SCRIPT)])),
        one("a face with a script as profile of colours", PNG, "a.png", png_with(&[chunk(b"iCCP", SCRIPT)])),
        one("a face with a script of its own kind", PNG, "a.png", png_with(&[chunk(b"evIl", SCRIPT)])),
    ]
}

fn names() -> Vec<Hostile> {
    let one = |what, name: &str, bytes, as_name| (what, DOCUMENT, PDF, name.to_owned(), bytes, Inert(as_name));
    vec![
        one("a way up", "../../../etc/passwd", pdf(), "passwd.pdf"),
        one("a way up on Windows", "..\\..\\windows\\system32\\a.exe", pdf(), "a.exe.pdf"),
        one("an absolute way", "/etc/cron.d/evil", pdf(), "evil.pdf"),
        one("a turned text", "facture\u{202e}fdp.exe", pdf(), "facturefdp.exe.pdf"),
        one("a page's ending", "a.html", pdf(), "a.html.pdf"),
        one("a device", "CON.pdf", pdf(), "_CON.pdf"),
        one("markup", "<img src=x onerror=alert(1)>.pdf", pdf(), "_img src=x onerror=alert(1)_.pdf"),
        one("nothing", "", pdf(), "file.pdf"),
        one("a document that acts", "a.pdf", pdf_with("/OpenAction << /S /JavaScript /JS (app.alert(1)) >>"), "a.pdf"),
    ]
}

async fn none_of_sixty_hostile_files_does_harm(play: &Played) {
    let all: Vec<Hostile> = [wrong_types(), cut_ones(), bombs(), stowaways(), names()].into_iter().flatten().collect();
    assert!(all.len() >= 60, "{}", all.len());
    for (what, kind, media, name, bytes, fate) in all {
        // Said before the file and after it: it is looked at twice then.
        for first in [true, false] {
            let said = |form: Form| form.text("fileType", kind);
            let sent = |form: Form| match media {
                "" => form.part("Content-Disposition: form-data; name=\"file\"; filename=\"a\"", &bytes),
                media => form.file(&name, media, &bytes),
            };
            let form = if first { sent(said(Form::new())) } else { said(sent(Form::new())) };
            let answer = play.upload(Played::MARC, &form).await;
            match &fate {
                Unsupported => {
                    answer.refused(415, "unsupported_file");
                }
                Damaged => answer.invalid("file", "damaged"),
                TooManyPixels => answer.invalid("file", "too_many_pixels"),
                Inert(safe) => {
                    assert_eq!(answer.status, 201, "{what}: {}", answer.json);
                    let told = answer.text_at("/fileName");
                    let is_picture = kind == AVATAR;
                    assert!(told == *safe || (is_picture && told.starts_with(safe)), "{what} is called {told}");
                    let got = play.get(Played::MARC, &answer.text_at("/url")).await;
                    got.expect(200);
                    assert_eq!(got.header("content-type"), Some(media), "{what}");
                    assert_eq!(got.header("x-content-type-options"), Some("nosniff"), "{what}");
                    assert_eq!(got.header("content-security-policy"), Some("sandbox; default-src 'none'"), "{what}");
                    let disposition = got.header("content-disposition").unwrap();
                    assert!(disposition.starts_with("attachment; filename=\""), "{what}: {disposition}");
                    for part in [SCRIPT, ARCHIVE].into_iter().filter(|_| is_picture) {
                        let keeps = got.bytes.windows(part.len()).any(|window| window == part);
                        assert!(!keeps, "{what} keeps what it brought");
                    }
                }
            }
        }
    }
}
